// SPDX-License-Identifier: Apache-2.0
#include "os/heap.h"

#include "os/process_limits.h"

#include <malloc.h>

// Fewer arenas than threads keep the idle program small, and large blocks (pages of rows) go back
// to the system when they are freed. Not each frame of a megabyte, though: the faults on its pages
// took as long as reading it from the socket.
void heap_tune(void)
{
    mallopt(M_ARENA_MAX, 4);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

void heap_give_back(size_t slack_bytes)
{
    static size_t kept; // what was in use, or belongs to no heap
    size_t now = process_rss_bytes();
    if (now > kept + slack_bytes) {
        malloc_trim(0);
        kept = process_rss_bytes();
    } else if (now < kept) {
        kept = now;
    }
}
