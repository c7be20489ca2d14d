// SPDX-License-Identifier: Apache-2.0
//
// rates: how fast counters grow, smoothed over a few seconds. Not shared between threads.
#ifndef CONSOLE_RATES_H
#define CONSOLE_RATES_H

#include <stdint.h>

struct rates;

struct rates *rates_new(void);
void rates_free(struct rates *rates);
// Notes that the counter `name` stands at `value` now; readings closer than 200 ms are skipped. A
// counter that goes back (a topic made anew) starts afresh.
void rates_note(struct rates *rates, const char *name, int64_t value, int64_t now_us);
double rates_per_second(const struct rates *rates, const char *name); // 0 for an unknown name

#endif
