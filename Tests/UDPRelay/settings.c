#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "direction.h"

const struct settings settings_default = {.queue = 1000, .seed = 1};

/// The settings that are numbers, and how large they may be.
static const struct {
  const char *name;
  const char *short_name;
  size_t offset;
  double most;
} numbers[] = {
  {"delay-ms", "delay", offsetof(struct settings, delay_ms), 60000},
  {"jitter-ms", "jitter", offsetof(struct settings, jitter_ms), 60000},
  {"loss", "loss", offsetof(struct settings, loss), 100},
  {"reorder", "reorder", offsetof(struct settings, reorder), 100},
  {"duplicate", "duplicate", offsetof(struct settings, duplicate), 100},
  {"rate-mbit", "rate", offsetof(struct settings, rate_mbit), 1e6},
  {"queue", "queue", offsetof(struct settings, queue), DIRECTION_PACKETS},
};

bool settings_set(struct settings *settings, const char *name, const char *text) {
  char *end = NULL;
  errno = 0;
  if (!isdigit((unsigned char)text[0])) return false;
  if (strcmp(name, "seed") == 0) {
    unsigned long long value = strtoull(text, &end, 0);
    if (errno != 0 || *end != '\0') return false;
    settings->seed = value;
    return true;
  }
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    if (strcmp(name, numbers[i].name) != 0 && strcmp(name, numbers[i].short_name) != 0) continue;
    double value = strtod(text, &end);
    if (errno != 0 || *end != '\0' || !isfinite(value) || value > numbers[i].most) return false;
    memcpy((char *)settings + numbers[i].offset, &value, sizeof value);
    return true;
  }
  return false;
}
