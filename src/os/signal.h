// SPDX-License-Identifier: Apache-2.0
//
// signal: SIGINT, SIGTERM and SIGHUP, taken by one thread that waits for them.
#ifndef OS_SIGNAL_H
#define OS_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

void signal_block(void);           // before the first thread is started
int signal_wait(int64_t max_ms);   // the number of the signal that came, 0 = none; BLOCKS
bool signal_is_reload(int number); // SIGHUP: read again what can be
// Ends the process with exit code 0 if it still runs then, or when another signal comes before.
void signal_exit_after(int64_t ms);

#endif
