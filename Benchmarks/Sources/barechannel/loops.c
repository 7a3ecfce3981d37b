#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "loops.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/// How many packets one system call carries.
#define BATCH 64
#define HEADER 13
#define NONCE 8
#define TAG 16
#define OVERHEAD (HEADER + NONCE + TAG)
/// What the kernel may hold for the receiver, in bytes, where it lets the process choose.
#define RECEIVE_BUFFER (8 << 20)

static const uint8_t key[] = "both know it all";
static const uint8_t salt[] = "salt";

static uint8_t packets[BATCH][PAYLOAD_MOST + OVERHEAD];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

bool link_prepare(struct link *link) {
  link->sender = socket(AF_INET, SOCK_DGRAM, 0);
  link->receiver = socket(AF_INET, SOCK_DGRAM, 0);
  link->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int size = RECEIVE_BUFFER;
#ifdef SO_RCVBUFFORCE
  if (setsockopt(link->receiver, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
#endif
    (void)setsockopt(link->receiver, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  // Where the end gets lost, the receiver gives up a second after the last packet.
  struct timeval patience = {.tv_sec = 1};
  socklen_t length = sizeof link->to;
  return link->sender >= 0 && link->receiver >= 0
    && setsockopt(link->receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0
    && bind(link->receiver, (const struct sockaddr *)&link->to, sizeof link->to) == 0
    && getsockname(link->receiver, (struct sockaddr *)&link->to, &length) == 0
    && connect(link->sender, (const struct sockaddr *)&link->to, sizeof link->to) == 0;
}

/// Writes the header of a record of application data, and its nonce.
static void write_head(uint8_t *packet, uint64_t number, unsigned payload) {
  unsigned length = NONCE + payload + TAG;
  packet[0] = 23;
  packet[1] = 254;
  packet[2] = 253;
  for (int i = 0; i < 8; i++) packet[3 + i] = packet[HEADER + i] = (uint8_t)(number >> (56 - 8 * i));
  packet[11] = (uint8_t)(length >> 8);
  packet[12] = (uint8_t)length;
}

static bool encrypt(EVP_CIPHER_CTX *context, uint8_t *packet, const uint8_t *plain, unsigned payload) {
  uint8_t nonce[12];
  int length;
  memcpy(nonce, salt, 4);
  memcpy(nonce + 4, packet + HEADER, NONCE);
  uint8_t *text = packet + HEADER + NONCE;
  return EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) == 1
    && EVP_EncryptUpdate(context, NULL, &length, packet, HEADER) == 1
    && EVP_EncryptUpdate(context, text, &length, plain, (int)payload) == 1
    && EVP_EncryptFinal_ex(context, text + length, &length) == 1
    && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, text + payload) == 1;
}

static bool decrypt(EVP_CIPHER_CTX *context, uint8_t *packet, uint8_t *plain, unsigned payload) {
  uint8_t nonce[12];
  int length;
  memcpy(nonce, salt, 4);
  memcpy(nonce + 4, packet + HEADER, NONCE);
  uint8_t *text = packet + HEADER + NONCE;
  return EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) == 1
    && EVP_DecryptUpdate(context, NULL, &length, packet, HEADER) == 1
    && EVP_DecryptUpdate(context, plain, &length, text, (int)payload) == 1
    && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG, text + payload) == 1
    && EVP_DecryptFinal_ex(context, plain + length, &length) == 1;
}

#ifdef __linux__
/// Sends the batch; what the kernel does not take is lost.
static unsigned send_batch(int descriptor, unsigned length) {
  struct mmsghdr headers[BATCH];
  struct iovec parts[BATCH];
  memset(headers, 0, sizeof headers);
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){.iov_base = packets[i], .iov_len = length};
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  int count = sendmmsg(descriptor, headers, BATCH, 0);
  return count > 0 ? (unsigned)count : 0;
}

/// Receives at least one packet, and as many as there are; 0 if none comes. All are taken to be equally long.
static unsigned receive_batch(int descriptor, unsigned *length) {
  struct mmsghdr headers[BATCH];
  struct iovec parts[BATCH];
  memset(headers, 0, sizeof headers);
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){.iov_base = packets[i], .iov_len = sizeof packets[i]};
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  int count = recvmmsg(descriptor, headers, BATCH, MSG_WAITFORONE, NULL);
  // The end, an empty packet, may come behind others.
  *length = count > 0 ? headers[count - 1].msg_len : 0;
  while (count > 0 && headers[count - 1].msg_len == 0) count -= 1;
  return count > 0 ? (unsigned)count : 0;
}
#else
static unsigned send_batch(int descriptor, unsigned length) {
  unsigned count = 0;
  while (count < BATCH && send(descriptor, packets[count], length, 0) == (ssize_t)length) count += 1;
  return count;
}

static unsigned receive_batch(int descriptor, unsigned *length) {
  ssize_t size = recv(descriptor, packets[0], sizeof packets[0], 0);
  *length = size > 0 ? (unsigned)size : 0;
  return size > 0 ? 1 : 0;
}
#endif

bool send_loop(const struct link *link, unsigned payload, double seconds, struct tally *tally) {
  static uint8_t plain[PAYLOAD_MOST];
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (context == NULL || EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, key, NULL) != 1) return false;
  double start = now(), end = start + seconds;
  uint64_t number = 0;
  while (now() < end) {
    for (int i = 0; i < BATCH; i++) {
      write_head(packets[i], number++, payload);
      if (!encrypt(context, packets[i], plain, payload)) return false;
    }
    tally->packets += send_batch(link->sender, payload + OVERHEAD);
  }
  tally->seconds = now() - start;
  EVP_CIPHER_CTX_free(context);
  return send(link->sender, packets[0], 0, 0) == 0;
}

bool receive_loop(const struct link *link, unsigned payload, struct tally *tally) {
  static uint8_t plain[PAYLOAD_MOST];
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (context == NULL || EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, key, NULL) != 1) return false;
  double first = 0, last = 0;
  unsigned length;
  do {
    unsigned count = receive_batch(link->receiver, &length);
    for (unsigned i = 0; i < count; i++) {
      if (!decrypt(context, packets[i], plain, payload)) return false;
    }
    if (count > 0) last = now();
    if (first == 0) first = last;
    tally->packets += count;
  } while (length > 0);
  tally->seconds = last - first;
  EVP_CIPHER_CTX_free(context);
  return tally->packets > 0 && tally->seconds > 0;
}
