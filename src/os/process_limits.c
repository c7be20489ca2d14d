// SPDX-License-Identifier: Apache-2.0
#include "os/process_limits.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

void limits_raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

size_t process_rss_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    unsigned long all = 0, resident = 0;
    int got = fscanf(file, "%lu %lu", &all, &resident);
    fclose(file);
    return got == 2 ? resident * (size_t)sysconf(_SC_PAGESIZE) : 0;
}
