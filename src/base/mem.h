// SPDX-License-Identifier: Apache-2.0
//
// mem: malloc that does not fail.
//
// A small allocation that fails ends the program (valkey, git and h2o do the same): there is no
// sane way on. Sizes that come from outside are charged to a budget (base/budget.h) *before* they
// are allocated and refused with ERR_OVERLOADED, so they never get here unbounded.
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#define NEVER_NULL __attribute__((returns_nonnull))

NEVER_NULL void *mem_alloc(size_t size);
NEVER_NULL void *mem_zalloc(size_t size);
NEVER_NULL void *mem_realloc(void *ptr, size_t size);
NEVER_NULL void *mem_dup(const void *ptr, size_t size);
char *mem_strdup(const char *text);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *ptr);

#define MEM_NEW(type) ((type *)mem_zalloc(sizeof(type)))

#endif
