// SPDX-License-Identifier: Apache-2.0
//
// http_client: one HTTP(S) request on libcurl. BLOCKS; any thread but a loop's.
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "base/diag.h"
#include "base/str.h"

struct http_call {
    const char *method; // NULL = GET
    const char *url;
    const char *const *headers;    // "Name: value", NULL-terminated; may be NULL
    struct bytes body;             // BYTES_NULL = none
    int64_t timeout_ms;            // whole call; 0 = 30 s
    size_t reply_max_bytes;        // 0 = 16 MiB; more is ERR_TOO_LARGE
    const _Atomic bool *cancelled; // may be NULL; looked at a few times a second: ERR_CANCELLED
};

struct http_reply {
    int status;
    struct str body;
    char content_type[96];
    int64_t retry_after_s; // -1 = none
};

// ERR_OK for every answer that arrived, whatever its status. ERR_TIMEOUT, ERR_IO with curl's words.
MUST_USE err_t http_fetch(const struct http_call *call, struct http_reply *reply,
                          struct diag *diag);
void http_reply_release(struct http_reply *reply);
void http_client_init(void); // once, before threads

#endif
