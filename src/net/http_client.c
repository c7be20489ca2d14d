// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#define TIMEOUT_MS      30000
#define REPLY_MAX_BYTES ((size_t)16 << 20)
#define REDIRECTS_MAX   5

struct transfer {
    const struct http_call *call;
    struct http_reply *reply;
    size_t max_bytes;
    bool too_large;
};

static size_t on_body(char *ptr, size_t one, size_t size, void *ctx)
{
    (void)one;
    struct transfer *transfer = ctx;
    if (transfer->reply->body.size + size > transfer->max_bytes) {
        transfer->too_large = true;
        return 0;
    }
    str_append(&transfer->reply->body, ptr, size);
    return size;
}

static size_t on_header(char *ptr, size_t one, size_t size, void *ctx)
{
    (void)one;
    struct transfer *transfer = ctx;
    static const char name[] = "retry-after:";
    if (size > sizeof name && size < 64 && strncasecmp(ptr, name, sizeof name - 1) == 0) {
        char text[64];
        memcpy(text, ptr, size);
        text[size] = '\0';
        transfer->reply->retry_after_s = strtol(text + sizeof name - 1, NULL, 10);
    }
    return size;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    const struct transfer *transfer = ctx;
    return transfer->call->cancelled && atomic_load(transfer->call->cancelled);
}

void http_client_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_options(CURL *curl, const struct http_call *call, struct transfer *transfer,
                        struct curl_slist *headers, char *error)
{
    curl_easy_setopt(curl, CURLOPT_URL, call->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "weir");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     (long)(call->timeout_ms ? call->timeout_ms : TIMEOUT_MS));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (call->body.ptr) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)call->body.ptr);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.size);
    }
    if (call->method)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

static err_t outcome(CURLcode code, const struct transfer *transfer, const char *error,
                     struct diag *diag)
{
    const char *url = transfer->call->url;
    const char *words = error[0] ? error : curl_easy_strerror(code);
    if (transfer->too_large)
        return FAIL(diag, ERR_TOO_LARGE, "the answer of %s is larger than %zu bytes", url,
                    transfer->max_bytes);
    if (code == CURLE_OK)
        return ERR_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return FAIL(diag, ERR_CANCELLED, "the request to %s was cancelled", url);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return FAIL(diag, ERR_TIMEOUT, "no whole answer from %s: %s", url, words);
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return FAIL(diag, ERR_INVALID, "bad address %s: %s", url, words);
    return FAIL(diag, ERR_IO, "cannot reach %s: %s", url, words);
}

err_t http_fetch(const struct http_call *call, struct http_reply *reply, struct diag *diag)
{
    *reply = (struct http_reply){.retry_after_s = -1};
    CURL *curl = curl_easy_init();
    if (!curl)
        return FAIL(diag, ERR_NO_MEMORY, "cannot start an HTTP request");
    struct curl_slist *headers = NULL;
    for (const char *const *header = call->headers; header && *header; header++)
        headers = curl_slist_append(headers, *header);
    char error[CURL_ERROR_SIZE] = "";
    struct transfer transfer = {.call = call,
                                .reply = reply,
                                .max_bytes = call->reply_max_bytes ? call->reply_max_bytes
                                                                   : REPLY_MAX_BYTES};
    set_options(curl, call, &transfer, headers, error);
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    const char *type = NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    reply->status = (int)status;
    snprintf(reply->content_type, sizeof reply->content_type, "%s", type ? type : "");
    err_t err = outcome(code, &transfer, error, diag);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (err)
        http_reply_release(reply);
    return err;
}

void http_reply_release(struct http_reply *reply)
{
    str_release(&reply->body);
}
