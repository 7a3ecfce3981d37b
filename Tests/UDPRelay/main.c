/// A UDP relay between two peers that acts like a bad path: delay, jitter, loss, reordering, duplication, a slow link,
/// and partition, all decided by a seed.
///
///     udp-relay A_HOST:PORT B_HOST:PORT [--delay-ms N] [--jitter-ms N] [--loss PERCENT] [--reorder PERCENT]
///               [--duplicate PERCENT] [--rate-mbit N] [--queue N] [--seed S]
///
/// It binds two ports of the loopback interface: one stands for B, and A sends to it; one stands for A, and B sends
/// to it. What arrives at the first goes to B from the second, and the other way round. When it listens it prints
/// `listening ADDRESS_FOR_A ADDRESS_FOR_B`: where A sends, where B sends. A peer's port 0 means that whoever sends
/// first to the address for it is the peer. What others send is counted as `strangers` and dropped. IPv6 is written
/// `[::1]:80`.
///
/// Settings hold for each direction. `settings.h` tells what they mean, `direction.h` what is dropped when. Packets
/// are delivered late by up to 5 % of the delay and at most 0.2 ms, so that many go in one call.
///
/// Commands are lines of the standard input, each answered by one line: `partition on`, `partition off`, `delay N`,
/// `jitter N`, `loss P`, `reorder P`, `duplicate P`, `rate N`, `queue N` by `ok`; `stats` by the statistics; others by
/// `error …`. At the end of input, SIGINT or SIGTERM, it prints the statistics and exits. They are one line of JSON:
/// `{"aToB": {…}, "bToA": {…}, "cpuSeconds": N}`.

#ifdef __linux__
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "datagrams.h"
#include "direction.h"
#include "settings.h"

/// The most by which receptions and deliveries are put off to go together, in nanoseconds.
#define TICK_MOST 100000

/// A peer and the socket that it sends to.
struct side {
  struct address peer;
  int descriptor;
  struct address bound;
  /// What this peer sends.
  struct direction direction;
};

struct relay {
  /// A, then B.
  struct side sides[2];
  struct settings settings;
  /// The part of a command that has arrived.
  char line[256];
  size_t line_length;
};

static volatile sig_atomic_t is_stopped = 0;

static void stop(int signal_number) {
  (void)signal_number;
  is_stopped = 1;
}

static uint64_t monotonic_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void print_statistics(const struct relay *relay) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
    + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  const struct side *a = &relay->sides[0], *b = &relay->sides[1];
  printf("{\"aToB\": ");
  direction_print(&a->direction, datagrams_overruns(a->descriptor), stdout);
  printf(", \"bToA\": ");
  direction_print(&b->direction, datagrams_overruns(b->descriptor), stdout);
  printf(", \"cpuSeconds\": %.3f}\n", seconds);
}

/// Takes in what a peer has sent. Returns whether there may be more.
static bool receive(struct relay *relay, struct side *side) {
  static struct datagram batch[BATCH];
  unsigned count = datagrams_receive(side->descriptor, batch);
  uint64_t now = monotonic_now();
  for (unsigned i = 0; i < count; i++) {
    if (address_port(&side->peer) == 0) side->peer = batch[i].from;
    if (address_equal(&side->peer, &batch[i].from))
      direction_put(&side->direction, &relay->settings, batch[i].bytes, batch[i].length, now);
    else
      side->direction.counts.strangers += 1;
  }
  return count == BATCH;
}

/// Delivers what is due of the packets from one side to the other.
static void deliver(struct side *from, struct side *to) {
  struct datagram batch[BATCH];
  struct packet packet;
  struct counts *counts = &from->direction.counts;
  uint64_t now = monotonic_now();
  unsigned count;
  do {
    for (count = 0; count < BATCH && direction_take(&from->direction, now, &packet); count++) {
      batch[count].bytes = packet.bytes;
      batch[count].length = packet.length;
    }
    if (count == 0) return;
    if (address_port(&to->peer) == 0) {
      counts->unaddressed += count;
    } else {
      unsigned taken = datagrams_send(to->descriptor, batch, count, &to->peer, &counts->delivered_bytes);
      counts->delivered += taken;
      counts->refused += count - taken;
    }
    for (unsigned i = 0; i < count; i++) free((void *)(uintptr_t)batch[i].bytes);
  } while (count == BATCH);
}

static void obey(struct relay *relay, char *line) {
  char *space = strchr(line, ' ');
  if (strcmp(line, "stats") == 0) {
    print_statistics(relay);
  } else if (strcmp(line, "partition on") == 0) {
    relay->settings.partition = true;
    direction_cut(&relay->sides[0].direction);
    direction_cut(&relay->sides[1].direction);
    puts("ok");
  } else if (strcmp(line, "partition off") == 0) {
    relay->settings.partition = false;
    puts("ok");
  } else if (space != NULL && strncmp(line, "seed ", 5) != 0) {
    *space = '\0';
    puts(settings_set(&relay->settings, line, space + 1) ? "ok" : "error: not a setting, or not a value for it");
  } else {
    puts("error: not a command");
  }
}

/// Reads what there is of commands, and obeys the whole lines. Returns false at the end of input.
static bool read_commands(struct relay *relay) {
  ssize_t count = read(STDIN_FILENO, relay->line + relay->line_length, sizeof relay->line - relay->line_length);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (count <= 0) return false;
  relay->line_length += (size_t)count;
  char *end;
  while ((end = memchr(relay->line, '\n', relay->line_length)) != NULL) {
    *end = '\0';
    obey(relay, relay->line);
    size_t used = (size_t)(end + 1 - relay->line);
    relay->line_length -= used;
    memmove(relay->line, end + 1, relay->line_length);
  }
  if (relay->line_length == sizeof relay->line) {
    puts("error: a line is too long");
    relay->line_length = 0;
  }
  return true;
}

/// Waits for packets, commands, a signal, or until `until` where it is not 0. Returns the events of the two sockets and
/// the standard input; with `only_commands` packets are left waiting, for the sake of many in one call.
static void wait_for_events(
  const struct relay *relay, uint64_t until, bool only_commands, const sigset_t *mask, short *events) {
  struct pollfd polled[3] = {
    {.fd = STDIN_FILENO, .events = POLLIN},
    {.fd = relay->sides[0].descriptor, .events = POLLIN},
    {.fd = relay->sides[1].descriptor, .events = POLLIN},
  };
  uint64_t now = monotonic_now(), left = until > now ? until - now : 0;
  nfds_t count = only_commands ? 1 : 3;
#ifdef __linux__
  struct timespec time = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
  (void)ppoll(polled, count, until == 0 ? NULL : &time, mask);
#else
  (void)mask;
  (void)poll(polled, count, until == 0 ? 1000 : (int)((left + 999999) / 1000000));
#endif
  for (int i = 0; i < 3; i++) events[i] = polled[i].revents;
}

/// Relays until the input ends or a signal comes.
static void run(struct relay *relay, const sigset_t *mask) {
  struct side *a = &relay->sides[0], *b = &relay->sides[1];
  while (!is_stopped) {
    deliver(a, b);
    deliver(b, a);

    uint64_t until = 0, due;
    if (direction_next(&a->direction, &due)) until = due;
    if (direction_next(&b->direction, &due) && (until == 0 || due < until)) until = due;
    double tick = relay->settings.delay_ms * 1e6 / 40;
    if (tick > TICK_MOST) tick = TICK_MOST;
    // While packets are under way, all that happens within a tick is handled together.
    bool is_busy = until != 0 && tick > 0;
    uint64_t soonest = monotonic_now() + (uint64_t)tick;

    short events[3];
    wait_for_events(relay, is_busy ? soonest : until, is_busy, mask, events);
    if (events[0] != 0 && !read_commands(relay)) break;
    while (receive(relay, a)) {}
    while (receive(relay, b)) {}
  }
}

static int fail(const char *text) {
  fprintf(stderr, "udp-relay: %s\n", text);
  return 2;
}

int main(int count, char **arguments) {
  static struct relay relay;
  relay.settings = settings_default;
  if (count < 3 || count % 2 == 0) return fail("usage: udp-relay A_HOST:PORT B_HOST:PORT [--SETTING VALUE]…");
  for (unsigned i = 0; i < 2; i++) {
    if (!address_parse(arguments[1 + i], &relay.sides[i].peer))
      return fail("an address is HOST:PORT, with a number as host");
  }
  for (int i = 3; i < count; i += 2) {
    if (strncmp(arguments[i], "--", 2) != 0 || !settings_set(&relay.settings, arguments[i] + 2, arguments[i + 1]))
      return fail("not a setting, or not a value for it; see the head of main.c");
  }
  for (unsigned i = 0; i < 2; i++) {
    struct side *side = &relay.sides[i];
    side->descriptor = address_bind_loopback(side->peer.storage.ss_family, &side->bound);
    if (side->descriptor < 0) return fail(strerror(errno));
    if (!direction_prepare(&side->direction, relay.settings.seed, i)) return fail("no memory");
  }

  // The signals come only while it waits, so that none is missed between the look at the flag and the wait.
  sigset_t blocked, mask;
  sigemptyset(&blocked);
#ifdef __linux__
  sigaddset(&blocked, SIGINT);
  sigaddset(&blocked, SIGTERM);
#endif
  sigprocmask(SIG_BLOCK, &blocked, &mask);
  // Whoever started this may have had them blocked, as the threads of a pool have.
  sigdelset(&mask, SIGINT);
  sigdelset(&mask, SIGTERM);
#ifndef __linux__
  sigprocmask(SIG_SETMASK, &mask, NULL);
#endif
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);

  char text[2][ADDRESS_TEXT];
  for (int i = 0; i < 2; i++) address_print(&relay.sides[i].bound, text[i]);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("listening %s %s\n", text[0], text[1]);
  run(&relay, &mask);
  print_statistics(&relay);
  return 0;
}
