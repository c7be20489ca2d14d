// SPDX-License-Identifier: Apache-2.0
#include "os/wake.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int wake_open(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        perror("weir: eventfd");
        abort();
    }
    return fd;
}

void wake_close(int fd)
{
    (void)close(fd);
}

// It fails only when 2^64 - 2 were sent and none taken.
void wake_send(int fd)
{
    const uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
}

void wake_take(int fd)
{
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
}
