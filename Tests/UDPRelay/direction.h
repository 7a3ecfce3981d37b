#ifndef UDPRELAY_DIRECTION_H
#define UDPRELAY_DIRECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "datagrams.h"
#include "settings.h"

/// How many packets one direction holds at most, and how many bytes of them. What arrives beyond that is dropped and
/// counted as `overflow`: those that arrived earlier keep their place.
#define DIRECTION_PACKETS (1 << 17)
#define DIRECTION_BYTES ((uint64_t)128 << 20)

/// A packet under way.
struct packet {
  /// When it is to be delivered, in nanoseconds of the monotonic clock.
  uint64_t due;
  /// Counts what was put in; decides between those that are due at once.
  uint64_t number;
  uint8_t *bytes;
  uint32_t length;
};

/// What became of the packets of one direction. `copies` are those made in addition; the rest adds up:
/// received + copies = delivered + lost + queue + overflow + partition + unaddressed + refused + under way.
struct counts {
  uint64_t received, received_bytes, delivered, delivered_bytes, copies, reordered, lost, queue, overflow, partition,
    unaddressed, refused, strangers;
};

/// One direction of the path: a link with a rate and a queue, then a delay. It does no I/O, and time is passed in, in
/// nanoseconds that never decrease.
///
/// What happens to the n-th packet is decided by the seed, the direction and n alone: each packet draws the same number
/// of random numbers whatever the settings are.
struct direction {
  uint64_t random;
  struct counts counts;
  /// The packets under way, a heap by `due`, then `number`.
  struct packet *packets;
  unsigned packet_count;
  uint64_t packet_bytes;
  uint64_t packet_number;
  /// When the last packet that keeps the order is due.
  uint64_t last_due;
  /// When each packet that waits for the link leaves it, a ring, and when the last of them does.
  uint64_t *departures;
  unsigned departure_head, departure_count;
  uint64_t link_free;
};

/// Prepares a direction; two with the same seed and another `which` act differently. Returns false without memory.
bool direction_prepare(struct direction *direction, uint64_t seed, unsigned which);

/// Takes a packet that arrived now; its bytes are copied.
void direction_put(
  struct direction *direction, const struct settings *settings, const uint8_t *bytes, uint32_t length, uint64_t now);

/// Tells when the next packet is due; returns false if none is under way.
bool direction_next(const struct direction *direction, uint64_t *due);

/// Takes the next packet that is due by now; returns false if none is. The caller frees its bytes.
bool direction_take(struct direction *direction, uint64_t now, struct packet *packet);

/// Drops what is under way and counts it as kept away by the partition.
void direction_cut(struct direction *direction);

/// Writes the counts as one JSON object.
void direction_print(const struct direction *direction, unsigned overruns, FILE *file);

#endif
