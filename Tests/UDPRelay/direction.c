#include "direction.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/// How much longer a packet is held back that others shall overtake, in nanoseconds: at least, and by an even draw up
/// to this more.
#define HOLD_LEAST 1000000
#define HOLD_MORE 9000000

#define NANOSECONDS_PER_MS 1e6

/// SplitMix64 (Steele, Lea, Flood 2014): one step of the direction's generator.
static uint64_t draw(struct direction *direction) {
  uint64_t z = (direction->random += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// An even draw from 0 up to, without, 1.
static double draw_unit(struct direction *direction) { return (double)(draw(direction) >> 11) * 0x1p-53; }

bool direction_prepare(struct direction *direction, uint64_t seed, unsigned which) {
  memset(direction, 0, sizeof *direction);
  direction->random = seed;
  direction->random = draw(direction) ^ (which + 1);
  direction->packets = malloc(DIRECTION_PACKETS * sizeof *direction->packets);
  direction->departures = malloc(DIRECTION_PACKETS * sizeof *direction->departures);
  return direction->packets != NULL && direction->departures != NULL;
}

static bool earlier(const struct packet *one, const struct packet *other) {
  return one->due != other->due ? one->due < other->due : one->number < other->number;
}

/// Copies the bytes and puts them into the heap, or counts them as an overflow.
static void insert(struct direction *direction, const uint8_t *bytes, uint32_t length, uint64_t due) {
  uint8_t *copy = NULL;
  if (direction->packet_count < DIRECTION_PACKETS && direction->packet_bytes + length <= DIRECTION_BYTES)
    copy = malloc(length > 0 ? length : 1);
  if (copy == NULL) {
    direction->counts.overflow += 1;
    return;
  }
  memcpy(copy, bytes, length);
  struct packet packet = {.due = due, .number = direction->packet_number++, .bytes = copy, .length = length};
  unsigned place = direction->packet_count++;
  direction->packet_bytes += length;
  while (place > 0 && earlier(&packet, &direction->packets[(place - 1) / 2])) {
    direction->packets[place] = direction->packets[(place - 1) / 2];
    place = (place - 1) / 2;
  }
  direction->packets[place] = packet;
}

/// Sends a packet over the link. Returns false if its queue is full; else tells when the packet leaves it.
static bool pass_link(
  struct direction *direction, const struct settings *settings, uint32_t length, uint64_t now, uint64_t *departure) {
  *departure = now;
  if (settings->rate_mbit <= 0) return true;
  while (direction->departure_count > 0 && direction->departures[direction->departure_head] <= now) {
    direction->departure_head = (direction->departure_head + 1) % DIRECTION_PACKETS;
    direction->departure_count -= 1;
  }
  // One more than the queue holds is on the link itself.
  if (direction->departure_count > settings->queue || direction->departure_count == DIRECTION_PACKETS) return false;
  if (direction->link_free < now) direction->link_free = now;
  direction->link_free += (uint64_t)((double)length * 8e3 / settings->rate_mbit);
  *departure = direction->link_free;
  direction->departures[(direction->departure_head + direction->departure_count) % DIRECTION_PACKETS] = *departure;
  direction->departure_count += 1;
  return true;
}

void direction_put(
  struct direction *direction, const struct settings *settings, const uint8_t *bytes, uint32_t length, uint64_t now) {
  struct counts *counts = &direction->counts;
  double loss = draw_unit(direction) * 100, reorder = draw_unit(direction) * 100;
  double duplicate = draw_unit(direction) * 100;
  double jitter = draw_unit(direction), hold = draw_unit(direction);
  counts->received += 1;
  counts->received_bytes += length;
  if (settings->partition) {
    counts->partition += 1;
    return;
  }
  if (loss < settings->loss) {
    counts->lost += 1;
    return;
  }
  uint64_t departure;
  if (!pass_link(direction, settings, length, now, &departure)) {
    counts->queue += 1;
    return;
  }
  uint64_t due = departure + (uint64_t)((settings->delay_ms + jitter * settings->jitter_ms) * NANOSECONDS_PER_MS);
  if (reorder < settings->reorder) {
    counts->reordered += 1;
    due += HOLD_LEAST + (uint64_t)(hold * HOLD_MORE);
  } else {
    if (due < direction->last_due) due = direction->last_due;
    direction->last_due = due;
  }
  insert(direction, bytes, length, due);
  if (duplicate < settings->duplicate) {
    counts->copies += 1;
    insert(direction, bytes, length, due);
  }
}

bool direction_next(const struct direction *direction, uint64_t *due) {
  if (direction->packet_count == 0) return false;
  *due = direction->packets[0].due;
  return true;
}

bool direction_take(struct direction *direction, uint64_t now, struct packet *packet) {
  if (direction->packet_count == 0 || direction->packets[0].due > now) return false;
  *packet = direction->packets[0];
  direction->packet_bytes -= packet->length;
  unsigned count = --direction->packet_count, place = 0;
  struct packet last = direction->packets[count];
  for (;;) {
    unsigned child = 2 * place + 1;
    if (child >= count) break;
    if (child + 1 < count && earlier(&direction->packets[child + 1], &direction->packets[child])) child += 1;
    if (!earlier(&direction->packets[child], &last)) break;
    direction->packets[place] = direction->packets[child];
    place = child;
  }
  direction->packets[place] = last;
  return true;
}

void direction_cut(struct direction *direction) {
  for (unsigned i = 0; i < direction->packet_count; i++) free(direction->packets[i].bytes);
  direction->counts.partition += direction->packet_count;
  direction->packet_count = 0;
  direction->packet_bytes = 0;
}

void direction_print(const struct direction *direction, unsigned overruns, FILE *file) {
  const struct counts *counts = &direction->counts;
  const struct {
    const char *name;
    uint64_t value;
  } values[] = {
    {"received", counts->received},       {"receivedBytes", counts->received_bytes},
    {"delivered", counts->delivered},     {"deliveredBytes", counts->delivered_bytes},
    {"copies", counts->copies},           {"reordered", counts->reordered},
    {"lost", counts->lost},               {"queue", counts->queue},
    {"overflow", counts->overflow},       {"partition", counts->partition},
    {"unaddressed", counts->unaddressed}, {"refused", counts->refused},
    {"strangers", counts->strangers},     {"overruns", overruns},
    {"underWay", direction->packet_count},
  };
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
    fprintf(file, "%s\"%s\": %" PRIu64, i == 0 ? "{" : ", ", values[i].name, values[i].value);
  fputc('}', file);
}
