// SPDX-License-Identifier: Apache-2.0
//
// client: one request to the running weir, found through its data directory (ready.json) or --at.
// What the command line asks goes through the console's HTTP API. BLOCKS
#ifndef APP_CLIENT_H
#define APP_CLIENT_H

#include "app/args.h"
#include "base/diag.h"
#include "base/str.h"

#include <jansson.h>

struct client {
    char address[160]; // host:port of the console
    char kafka[160];   // host:port of the Kafka listener
    char cql[160];     // host:port of the CQL listener
    char log_dir[512]; // of the broker, where weir was found by its folder; else ""
};

// Options every such command takes: put CLIENT_OPTIONS at the end of its table.
#define CLIENT_OPTIONS                                                                      \
    {"dir", "DIR", "the project whose weir is asked (default: where ready.json is found)"}, \
        {"at", "HOST:PORT", "ask the weir whose console listens there"},                    \
    {                                                                                       \
        "json", NULL, "print JSON"                                                          \
    }

MUST_USE err_t client_find(struct client *client, const struct args *args, struct diag *diag);
// GET, POST ... `path` on the console; `body` is JSON or NULL. `*out` is the decoded answer
// (json_decref it). A refusal is an error with the server's own words.
MUST_USE err_t client_call(const struct client *client, const char *method, const char *path,
                           const json_t *body, json_t **out, struct diag *diag);
// The same for answers that are text.
MUST_USE err_t client_text(const struct client *client, const char *path, struct str *out,
                           struct diag *diag);
// Appends `text` percent-encoded, for a path or query.
void client_escape(struct str *out, const char *text);

#endif
