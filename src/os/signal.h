// SPDX-License-Identifier: Apache-2.0
//
// signal: SIGINT and SIGTERM, taken by one thread that waits for them.
#ifndef OS_SIGNAL_H
#define OS_SIGNAL_H

#include <stdint.h>

void signal_block(void); // before the first thread is started
int signal_wait(void);   // the number of the signal that came; BLOCKS
// Ends the process with exit code 0 if it still runs then, or when another signal comes before.
void signal_exit_after(int64_t ms);

#endif
