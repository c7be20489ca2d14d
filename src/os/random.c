// SPDX-License-Identifier: Apache-2.0
#include "os/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void random_fill(void *ptr, size_t size)
{
    uint8_t *at = ptr;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0)
            continue; // EINTR is the only way to fail here
        at += got;
        size -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_fill(&value, sizeof value);
    return value;
}

void random_uuid(uint8_t out[16])
{
    random_fill(out, 16);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void uuid_text(const uint8_t uuid[16], char out[37])
{
    size_t used = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[used++] = '-';
        snprintf(out + used, 37 - used, "%02x", uuid[i]);
        used += 2;
    }
}
