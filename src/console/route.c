// SPDX-License-Identifier: Apache-2.0
#include "console/route.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

bool route_match(const char *pattern, const char *path, struct arena *arena,
                 const char *parts[ROUTE_PARTS_MAX])
{
    size_t part = 0;
    while (*pattern && *path) {
        if (*pattern == '*') {
            size_t size = strcspn(path, "/");
            if (size == 0 || part == ROUTE_PARTS_MAX)
                return false;
            parts[part++] = arena_text(arena, bytes_make(path, size));
            path += size;
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == '\0' && *path == '\0';
}

bool exchange_int(struct exchange *exchange, const char *name, int64_t fallback, int64_t min,
                  int64_t max, int64_t *out)
{
    const char *text = http_query(exchange->request, name);
    *out = fallback;
    if (!text)
        return true;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno || value < min || value > max) {
        (void)FAIL(&exchange->diag, ERR_INVALID,
                   "%s is '%s', expected a whole number from %" PRId64 " to %" PRId64, name, text,
                   min, max);
        return false;
    }
    *out = value;
    return true;
}

bool exchange_flag(const struct exchange *exchange, const char *name)
{
    const char *text = http_query(exchange->request, name);
    return text && strcmp(text, "0") != 0 && strcmp(text, "false") != 0;
}
