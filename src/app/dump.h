// SPDX-License-Identifier: Apache-2.0
//
// dump: the content of a log's files as text, in the words of kafka-dump-log.sh, or as JSON. BLOCKS
#ifndef APP_DUMP_H
#define APP_DUMP_H

#include "base/diag.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct dump {
    FILE *out;
    int64_t offset; // first offset wanted
    int64_t left;   // batches (entries of an index) still wanted
    bool records;   // keys and values of each batch too
    json_t *json;   // an array that takes everything instead of `out`; NULL = text
};

// A .log, .index or .txnindex file. ERR_INVALID for another one.
MUST_USE err_t dump_file(struct dump *dump, const char *path, struct diag *diag);

#endif
