// SPDX-License-Identifier: Apache-2.0
//
// admin: requests of the Kafka protocol to the broker of a project, through the Unix socket in its
// data directory: who may read and write that directory may do everything. When no weir runs there,
// its broker is opened here for the moment, so that users can be made before the first start.
// BLOCKS
#ifndef APP_ADMIN_H
#define APP_ADMIN_H

#include "app/args.h"
#include "base/arena.h"
#include "base/diag.h"

#include <stdint.h>

struct admin;

// Options every such command takes: put ADMIN_OPTIONS at the end of its table.
#define ADMIN_OPTIONS                                                          \
    {"dir", "DIR", "the project (default: this folder, or one of examples/)"}, \
    {                                                                          \
        "json", NULL, "print JSON"                                             \
    }

// ERR_NOT_FOUND when there is no project.
MUST_USE err_t admin_open(struct admin **out, const struct args *args, struct diag *diag);
// Of the running weir whose broker keeps its data in `dir`.
MUST_USE err_t admin_open_at(struct admin **out, const char *dir, struct diag *diag);
void admin_close(struct admin *admin); // NULL is fine
// Sends a struct kafka_X_request of the API in this version; `*response` is its struct
// kafka_X_response. It lives, like all it points to, until admin_close().
MUST_USE err_t admin_call(struct admin *admin, int16_t key, int16_t version, const void *request,
                          void **response, struct diag *diag);
struct arena *admin_arena(struct admin *admin);
// The error of an answer, in its own words. 0 is ERR_OK.
MUST_USE err_t admin_check(int16_t code, struct bytes message, struct diag *diag);

#endif
