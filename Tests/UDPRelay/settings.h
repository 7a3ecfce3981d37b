#ifndef UDPRELAY_SETTINGS_H
#define UDPRELAY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

/// What the path does to packets, the same in both directions.
struct settings {
  /// One way, in milliseconds.
  double delay_ms;
  /// A packet is delayed by up to this much more, evenly drawn. Packets do not overtake each other by it.
  double jitter_ms;
  /// Of 100 packets, how many are lost.
  double loss;
  /// Of 100 packets, how many are held back while later ones overtake them.
  double reorder;
  /// Of 100 packets, how many arrive twice.
  double duplicate;
  /// What the link carries in 10^6 bits a second, counted without the headers of IP and UDP; 0 for no limit.
  double rate_mbit;
  /// How many packets wait for the link at most, where it has a rate.
  double queue;
  /// What decides over all of the above.
  uint64_t seed;
  /// Whether nothing passes.
  bool partition;
};

/// The settings of a path that does nothing to packets.
extern const struct settings settings_default;

/// Sets the value called `name`: `delay-ms`, `jitter-ms`, `loss`, `reorder`, `duplicate`, `rate-mbit`, `queue`, `seed`;
/// `delay`, `jitter` and `rate` are short for theirs. Returns whether there is such a one and the text is a value for
/// it.
bool settings_set(struct settings *settings, const char *name, const char *text);

#endif
