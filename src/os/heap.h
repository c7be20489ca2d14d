// SPDX-License-Identifier: Apache-2.0
//
// heap: the C library's allocator (glibc's), for a program of many threads of which few are busy.
#ifndef OS_HEAP_H
#define OS_HEAP_H

#include <stddef.h>

void heap_tune(void); // at the start of the process
// Gives what has been freed back to the system if resident memory has grown by `slack_bytes` since
// the last time. One thread; when it gives, others that allocate wait for milliseconds.
void heap_give_back(size_t slack_bytes);

#endif
