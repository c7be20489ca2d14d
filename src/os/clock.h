// SPDX-License-Identifier: Apache-2.0
//
// clock: the only source of time. Can be set to a simulated time, which then stands still until
// moved, so a month of a DAG runs in a test in a second. Any thread.
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>

int64_t clock_now_us(void);          // wall clock, microseconds since 1970-01-01 UTC
int64_t clock_now_ms(void);          // the same in milliseconds
int64_t clock_mono_us(void);         // never goes back; for durations and deadlines
void clock_simulate(int64_t now_us); // from now on both clocks answer this ...
void clock_advance(int64_t by_us);   // ... plus what is added here
void clock_real(void);               // back to the real ones
// Sleeps in real time, whatever the clock says. BLOCKS
void clock_sleep_us(int64_t us);

#endif
