#ifndef UDPRELAY_DATAGRAMS_H
#define UDPRELAY_DATAGRAMS_H

#include <stdint.h>

#include "address.h"

/// How many datagrams one system call carries at most.
#define BATCH 64
/// The longest datagram there is, in bytes.
#define DATAGRAM 65536

/// One datagram of a batch. On reception `bytes` points into memory that the next reception overwrites.
struct datagram {
  const uint8_t *bytes;
  uint32_t length;
  struct address from;
};

/// Receives up to `BATCH` datagrams that are already there. Returns their number, 0 if there are none.
unsigned datagrams_receive(int descriptor, struct datagram *batch);

/// Sends the batch to one address in order. Returns how many the kernel took, and adds their bytes to `bytes`; the rest
/// are lost.
unsigned datagrams_send(
  int descriptor, const struct datagram *batch, unsigned count, const struct address *to, uint64_t *bytes);

/// How many datagrams the kernel dropped on their way to this socket because its buffer was full; 0 where unknown.
unsigned datagrams_overruns(int descriptor);

#endif
