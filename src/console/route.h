// SPDX-License-Identifier: Apache-2.0
//
// route: which function answers a method and path, and the parts of the path it asked for.
#ifndef CONSOLE_ROUTE_H
#define CONSOLE_ROUTE_H

#include "console/console.h"
#include "net/http_server.h"

enum { ROUTE_PARTS_MAX = 4 };

struct console;

// One request on its way: `parts` are what stood at the stars of the pattern, NUL-terminated.
// Filling `json` and returning ERR_OK answers 200 with it; an error answers the status of its code
// with the diag's words.
struct exchange {
    struct console *console;
    struct http_request *request;
    const char *parts[ROUTE_PARTS_MAX];
    struct arena arena;
    struct str json;
    const char *content_type; // of what `json` holds, when it is not JSON
    struct diag diag;
};

struct route {
    const char *method;
    const char *pattern; // "/api/topics/*/messages"
    err_t (*answer)(struct exchange *exchange);
};

// Options of the console that handlers use.
const struct console_options *exchange_options(const struct exchange *exchange);
// ?name=N as a number within bounds; the fallback when absent. False: a diag says what is wrong.
bool exchange_int(struct exchange *exchange, const char *name, int64_t fallback, int64_t min,
                  int64_t max, int64_t *out);
bool exchange_flag(const struct exchange *exchange, const char *name);

// Does `path` fit `pattern`? Its parts are copied into the arena.
bool route_match(const char *pattern, const char *path, struct arena *arena,
                 const char *parts[ROUTE_PARTS_MAX]);

// The tables of the API's parts; each ends with a NULL method.
extern const struct route log_routes[], message_routes[], table_routes[], job_routes[];

#endif
