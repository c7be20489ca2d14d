// SPDX-License-Identifier: Apache-2.0
//
// diag: the story of one failure, for a person: what was wrong, where, what was expected.
//
// The caller owns it and may pass NULL where the story does not matter. The first explanation
// wins; callers on the way up may put context in front of it. Untouched on success.
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/err.h"

struct diag {
    err_t code;
    const char *file; // source file and line that failed
    int line;
    char text[512];
};

#define DIAG_INIT      \
    {                  \
        .code = ERR_OK \
    }

// Records the failure in `diag`, if there is one and it is empty.
void diag_fail(struct diag *diag, const char *file, int line, err_t code, const char *format, ...)
    PRINTF_LIKE(5, 6);

// return FAIL(diag, ERR_IO, "cannot open %s: %s", path, strerror(errno));
// The value is `code` itself, which is named twice: no call in it.
#define FAIL(diag, code, ...) (diag_fail((diag), __FILE__, __LINE__, (code), __VA_ARGS__), (code))

// Puts "context: " in front of the story, if there is one.
void diag_context(struct diag *diag, const char *format, ...) PRINTF_LIKE(2, 3);

// The story, or the default words of its code.
const char *diag_text(const struct diag *diag);

void diag_clear(struct diag *diag);

#endif
