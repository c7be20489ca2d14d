// SPDX-License-Identifier: Apache-2.0
//
// utf8: validation and code points (RFC 3629: no surrogates, no overlong forms).
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Length of the valid sequence at `ptr` (1..4), or 0 if there is none.
size_t utf8_sequence(const uint8_t *ptr, size_t size);
bool utf8_valid(const uint8_t *ptr, size_t size);
// Code points in `ptr`; a byte that is not part of a valid sequence counts as one.
size_t utf8_count(const uint8_t *ptr, size_t size);
// Reads one code point and its length; U+FFFD and 1 where the bytes are bad. size > 0.
uint32_t utf8_decode(const uint8_t *ptr, size_t size, size_t *length);
// Writes 1..4 bytes; `code` must be a Unicode scalar value.
size_t utf8_encode(uint32_t code, uint8_t out[4]);

#endif
