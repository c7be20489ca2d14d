// SPDX-License-Identifier: Apache-2.0
//
// process_limits: what the kernel allows this process, and what it uses.
#ifndef OS_PROCESS_LIMITS_H
#define OS_PROCESS_LIMITS_H

#include <stddef.h>

void limits_raise_files(void);  // open files up to the hard limit
size_t process_rss_bytes(void); // resident memory now; 0 when unknown

#endif
