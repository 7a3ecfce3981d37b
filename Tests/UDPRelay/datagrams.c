#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "datagrams.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>

#ifdef __linux__
#include <linux/sock_diag.h>
#endif

/// Where datagrams are received, each in its own 64 KiB, of which only the pages that are used cost memory.
static uint8_t memory[BATCH][DATAGRAM];

/// Waits until the socket takes more; the buffer of a loopback socket is only full for moments.
static void wait_until_writable(int descriptor) {
  struct pollfd writable = {.fd = descriptor, .events = POLLOUT};
  (void)poll(&writable, 1, 10);
}

#ifdef __linux__

unsigned datagrams_receive(int descriptor, struct datagram *batch) {
  struct mmsghdr headers[BATCH];
  struct iovec parts[BATCH];
  memset(headers, 0, sizeof headers);
  for (unsigned i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){.iov_base = memory[i], .iov_len = DATAGRAM};
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_name = &batch[i].from.storage;
    headers[i].msg_hdr.msg_namelen = sizeof batch[i].from.storage;
  }
  int count = recvmmsg(descriptor, headers, BATCH, MSG_DONTWAIT, NULL);
  if (count <= 0) return 0;
  for (int i = 0; i < count; i++) {
    batch[i].bytes = memory[i];
    batch[i].length = headers[i].msg_len;
    batch[i].from.length = headers[i].msg_hdr.msg_namelen;
  }
  return (unsigned)count;
}

unsigned datagrams_send(
  int descriptor, const struct datagram *batch, unsigned count, const struct address *to, uint64_t *bytes) {
  struct mmsghdr headers[BATCH];
  struct iovec parts[BATCH];
  memset(headers, 0, sizeof headers);
  for (unsigned i = 0; i < count; i++) {
    parts[i] = (struct iovec){.iov_base = (void *)(uintptr_t)batch[i].bytes, .iov_len = batch[i].length};
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_name = (void *)(uintptr_t)&to->storage;
    headers[i].msg_hdr.msg_namelen = to->length;
  }
  unsigned position = 0, taken = 0;
  while (position < count) {
    int sent = sendmmsg(descriptor, headers + position, count - position, MSG_DONTWAIT);
    if (sent > 0) {
      for (int i = 0; i < sent; i++) *bytes += batch[position++].length;
      taken += (unsigned)sent;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_until_writable(descriptor);
    } else if (errno != EINTR) {
      // The first one cannot be sent, such as one that is longer than the path carries: go on behind it.
      position += 1;
    }
  }
  return taken;
}

unsigned datagrams_overruns(int descriptor) {
  uint32_t values[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof values;
  if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, values, &length) < 0) return 0;
  return values[SK_MEMINFO_DROPS];
}

#else

unsigned datagrams_receive(int descriptor, struct datagram *batch) {
  unsigned count = 0;
  while (count < BATCH) {
    struct datagram *datagram = &batch[count];
    datagram->from.length = sizeof datagram->from.storage;
    struct sockaddr *from = (struct sockaddr *)&datagram->from.storage;
    ssize_t length = recvfrom(descriptor, memory[count], DATAGRAM, MSG_DONTWAIT, from, &datagram->from.length);
    if (length < 0) break;
    datagram->bytes = memory[count];
    datagram->length = (uint32_t)length;
    count += 1;
  }
  return count;
}

unsigned datagrams_send(
  int descriptor, const struct datagram *batch, unsigned count, const struct address *to, uint64_t *bytes) {
  unsigned position = 0, taken = 0;
  while (position < count) {
    const struct datagram *datagram = &batch[position];
    ssize_t sent = sendto(
      descriptor, datagram->bytes, datagram->length, MSG_DONTWAIT, (const struct sockaddr *)&to->storage, to->length);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
      wait_until_writable(descriptor);
    } else if (sent >= 0 || errno != EINTR) {
      position += 1;
      if (sent < 0) continue;
      *bytes += datagram->length;
      taken += 1;
    }
  }
  return taken;
}

unsigned datagrams_overruns(int descriptor) {
  (void)descriptor;
  return 0;
}

#endif
