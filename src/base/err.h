// SPDX-License-Identifier: Apache-2.0
//
// err: what can go wrong, as one enum, and the code each protocol answers for it.
//
// The rows live in schema/errors.tbl. Only an edge (a protocol handler) translates; everything
// inside passes err_t up. The story of one failure goes into a struct diag (base/diag.h).
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/err_codes.h"

#include <stdbool.h>

typedef enum err_code err_t;

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

struct err_info {
    const char *name; // as in the table, without ERR_
    const char *text; // default words
    const char *pg;   // SQLSTATE
    bool retriable;
    int kafka; // Kafka protocol error code
    int cql;   // CQL native protocol error code
    int http;  // HTTP status
};

extern const struct err_info err_infos[];

const struct err_info *err_info(err_t err);
const char *err_name(err_t err);

// Leaves the calling function with the error of `call`, if it is one.
#define TRY(call)                \
    do {                         \
        err_t try_err_ = (call); \
        if (try_err_ != ERR_OK)  \
            return try_err_;     \
    } while (0)

#endif
