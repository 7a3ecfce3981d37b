/// The physical limit of data channels on this machine: what two processes pass through UDP of the loopback interface
/// when they do nothing but encrypt and decrypt.
///
///     barechannel PAYLOAD SECONDS
///
/// One process makes packets as DTLS 1.2 does with AES-128-GCM (RFC 6347, RFC 5288): 13 bytes of header, which is
/// authenticated, 8 of nonce, PAYLOAD encrypted bytes, 16 of tag. It sends them with `sendmmsg` as fast as it can. The
/// other takes them with `recvmmsg`, and decrypts and authenticates each. Nothing is sent again: what the receiver's
/// buffer does not hold is lost, and does not count.
///
/// Prints one line of JSON: `payload`; `sent`, `delivered`: 10^6 bytes of payload a second; `senderPerCPU`,
/// `receiverPerCPU`: 10^6 delivered bytes for each second of that process's processor time; `packets` delivered.

#ifdef __linux__
#define _GNU_SOURCE
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loops.h"

/// The processor time of this process so far.
static double processor_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
    + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int fail(const char *text) {
  fprintf(stderr, "barechannel: %s\n", text);
  return 1;
}

int main(int count, char **arguments) {
  unsigned payload = count == 3 ? (unsigned)atoi(arguments[1]) : 0;
  double seconds = count == 3 ? atof(arguments[2]) : 0;
  if (payload < 1 || payload > PAYLOAD_MOST || seconds <= 0 || seconds > 600)
    return fail("usage: barechannel PAYLOAD SECONDS");

  struct link link;
  int results[2];
  if (!link_prepare(&link) || pipe(results) != 0) return fail("no sockets");
  pid_t sender = fork();
  if (sender < 0) return fail("no second process");
  struct tally sent = {0}, received = {0};
  if (sender == 0) {
    bool is_done = send_loop(&link, payload, seconds, &sent);
    sent.processor_seconds = processor_seconds();
    bool is_told = write(results[1], &sent, sizeof sent) == sizeof sent;
    _exit(is_done && is_told ? 0 : 1);
  }
  bool is_done = receive_loop(&link, payload, &received);
  received.processor_seconds = processor_seconds();
  int status = 0;
  waitpid(sender, &status, 0);
  if (!is_done || status != 0 || read(results[0], &sent, sizeof sent) != sizeof sent)
    return fail("a packet is wrong, or none came");

  double megabytes = (double)received.packets * payload / 1e6;
  printf("{\"payload\": %u, \"packets\": %llu, ", payload, (unsigned long long)received.packets);
  printf("\"sent\": %.1f, ", (double)sent.packets * payload / 1e6 / sent.seconds);
  printf("\"delivered\": %.1f, ", megabytes / received.seconds);
  printf("\"senderPerCPU\": %.1f, ", megabytes / sent.processor_seconds);
  printf("\"receiverPerCPU\": %.1f}\n", megabytes / received.processor_seconds);
  return 0;
}
