// SPDX-License-Identifier: Apache-2.0
//
// random: bytes from the kernel (ids, salts). Seeded generators live with who needs them. Any
// thread.
#ifndef OS_RANDOM_H
#define OS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_fill(void *ptr, size_t size);
uint64_t random_u64(void);
// A random UUID (RFC 9562 version 4).
void random_uuid(uint8_t out[16]);
// The usual text form, 36 characters and a NUL.
void uuid_text(const uint8_t uuid[16], char out[37]);

#endif
