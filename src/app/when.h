// SPDX-License-Identifier: Apache-2.0
//
// when: moments as people write them on a command line.
#ifndef APP_WHEN_H
#define APP_WHEN_H

#include <stdbool.h>
#include <stdint.h>

// "2026-11-21", "2026-11-21 10:00:00", "2026-11-21T10:00:00Z" (UTC without a zone),
// "@1764000000000" (ms), "-15m", "-2h", "-7d" (before now).
bool when_parse(const char *text, int64_t now_ms, int64_t *out_ms);
// "15m", "2h", "7d", "90s", and "PT15M", "P7D" as Kafka's tools write them.
bool when_duration(const char *text, int64_t *out_ms);

#endif
