// SPDX-License-Identifier: Apache-2.0
//
// http: fetches a page (or one per period for a while), takes the records out of the JSON answer,
// reshapes them and appends them to a topic, one call per page, so a page is in the log whole or
// not at all. 429, 5xx, time-outs and broken connections are tried again with growing pauses, or
// after as long as Retry-After says.
#include "scheduler/attempt.h"

#include "base/mem.h"
#include "net/http_client.h"
#include "os/clock.h"
#include "scheduler/reshape.h"

#define PAUSE_FIRST_MS    INT64_C(500)
#define PAUSE_MAX_MS      INT64_C(30000)
#define RETRY_AFTER_MAX_S 300
#define REPLY_MAX_BYTES   ((size_t)64 << 20)

struct span {
    size_t key_at, key_size, value_at, value_size;
    bool has_key;
};

struct fetch {
    struct attempt *attempt;
    const struct http_settings *http;
    int64_t page;
    int64_t total;
    char *last_url;
    struct str text; // keys and values of a page, back to back
    VEC(struct span) spans;
    VEC(struct log_record) records;
};

// --- one request ---

struct request {
    struct str url, body;
    VEC(char *) headers; // NULL at the end
};

static void request_release(struct request *request)
{
    str_release(&request->url);
    str_release(&request->body);
    for (size_t i = 0; i < request->headers.count; i++)
        mem_free(request->headers.items[i]);
    vec_release(&request->headers);
}

static err_t build_request(struct fetch *fetch, struct request *out, struct diag *diag)
{
    const struct http_settings *http = fetch->http;
    struct str value = {0};
    err_t err = attempt_render(fetch->attempt, fetch->page, http->url, &out->url, diag);
    if (err == ERR_OK && http->body)
        err = attempt_render(fetch->attempt, fetch->page, http->body, &out->body, diag);
    for (size_t i = 0; err == ERR_OK && i < http->headers.count; i++) {
        str_clear(&value);
        err =
            attempt_render(fetch->attempt, fetch->page, http->headers.items[i].text, &value, diag);
        vec_push(&out->headers,
                 mem_printf("%s: %s", http->headers.items[i].name, str_text(&value)));
    }
    vec_push(&out->headers, NULL);
    str_release(&value);
    return err;
}

// Is it worth another request, and after how long?
static bool worth_repeating(err_t err, const struct http_reply *reply, int round, int64_t *pause_ms)
{
    int64_t pause = PAUSE_FIRST_MS;
    for (int i = 0; i < round && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    *pause_ms = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
    if (err == ERR_TIMEOUT || err == ERR_IO)
        return true;
    if (err != ERR_OK || (reply->status != 429 && reply->status < 500))
        return false;
    if (reply->retry_after_s > RETRY_AFTER_MAX_S)
        return false;
    if (reply->retry_after_s >= 0)
        *pause_ms = reply->retry_after_s * 1000;
    return true;
}

static err_t refused(const struct request *request, const struct http_reply *reply,
                     struct diag *diag)
{
    int shown = reply->body.size < 160 ? (int)reply->body.size : 160;
    shown = reply->body.size ? (int)strcspn(reply->body.ptr, "\r\n") < shown
                                   ? (int)strcspn(reply->body.ptr, "\r\n")
                                   : shown
                             : 0;
    return FAIL(diag, ERR_IO, "%.200s answered %d%s%.*s", str_text(&request->url), reply->status,
                shown ? ": " : "", shown, str_text(&reply->body));
}

static err_t send_request(struct fetch *fetch, const struct request *request,
                          struct http_reply *reply, struct diag *diag)
{
    struct attempt *attempt = fetch->attempt;
    struct http_call call = {
        .method = fetch->http->method,
        .url = str_text(&request->url),
        .headers = (const char *const *)request->headers.items,
        .body = fetch->http->body ? str_bytes(&request->body) : BYTES_NULL,
        .reply_max_bytes = REPLY_MAX_BYTES,
        .cancelled = &attempt->cancelled,
    };
    for (int round = 0;; round++) {
        struct diag story = DIAG_INIT;
        int64_t pause_ms;
        call.timeout_ms = attempt_left_ms(attempt, fetch->http->timeout_ms);
        http_reply_release(reply);
        err_t err = http_fetch(&call, reply, &story);
        if (err == ERR_OK && reply->status >= 200 && reply->status < 300)
            return ERR_OK;
        bool again = worth_repeating(err, reply, round, &pause_ms);
        if (err == ERR_OK)
            err = refused(request, reply, &story);
        else
            diag_context(&story, "%.200s", str_text(&request->url));
        if (!again || round == fetch->http->request_retries)
            return FAIL(diag, err, "%s", diag_text(&story));
        attempt_log(attempt, "%s; again in %lld ms (%d of %d)", diag_text(&story),
                    (long long)pause_ms, round + 1, fetch->http->request_retries);
        TRY(attempt_sleep(attempt, pause_ms * 1000, diag));
    }
}

// --- records ---

static void add_record(struct fetch *fetch, const json_t *record)
{
    struct span span = {.value_at = fetch->text.size};
    reshape_append_record(&fetch->text, record, fetch->http->fields);
    span.value_size = fetch->text.size - span.value_at;
    span.key_at = fetch->text.size;
    if (fetch->http->key)
        span.has_key =
            reshape_append_key(&fetch->text, record, fetch->http->key, fetch->http->fields);
    span.key_size = fetch->text.size - span.key_at;
    vec_push(&fetch->spans, span);
}

static err_t take_records(struct fetch *fetch, const json_t *answer, const char *url,
                          struct diag *diag)
{
    const char *path = fetch->http->records;
    const json_t *found = path ? reshape_get(answer, path) : answer;
    str_clear(&fetch->text);
    vec_clear(&fetch->spans);
    if (!found || json_is_null(found))
        return path ? FAIL(diag, ERR_INVALID, "the answer of %.200s has no '%s'", url, path)
                    : ERR_OK;
    if (!json_is_array(found)) {
        add_record(fetch, found);
        return ERR_OK;
    }
    for (size_t i = 0; i < json_array_size(found); i++)
        add_record(fetch, json_array_get(found, i));
    return ERR_OK;
}

static err_t append_page(struct fetch *fetch, struct diag *diag)
{
    const struct log_port *log = &fetch->attempt->host->log;
    size_t count = fetch->spans.count;
    vec_clear(&fetch->records);
    for (size_t i = 0; i < count; i++) {
        const struct span *span = &fetch->spans.items[i];
        struct log_record record = {
            .timestamp_ms = -1,
            .key = span->has_key ? bytes_make(fetch->text.ptr + span->key_at, span->key_size)
                                 : BYTES_NULL,
            .value = bytes_make(fetch->text.ptr + span->value_at, span->value_size),
        };
        vec_push(&fetch->records, record);
    }
    if (count && fetch->attempt->task->topic)
        TRY(log->ops->append(log->self, fetch->attempt->task->topic, -1, fetch->records.items,
                             count, NULL, diag));
    fetch->total += (int64_t)count;
    attempt_count(fetch->attempt, (int64_t)count, (int64_t)fetch->text.size);
    return ERR_OK;
}

static err_t parse_answer(const struct request *request, const struct http_reply *reply,
                          json_t **out, struct diag *diag)
{
    json_error_t error;
    *out = json_loadb(str_text(&reply->body), reply->body.size, JSON_DECODE_ANY, &error);
    if (!*out)
        return FAIL(diag, ERR_INVALID, "the answer of %.200s is not JSON: %s at line %d column %d",
                    str_text(&request->url), error.text, error.line, error.column);
    return ERR_OK;
}

static err_t fetch_page(struct fetch *fetch, struct diag *diag)
{
    struct request request = {0};
    struct http_reply reply = {0};
    json_t *answer = NULL;
    int64_t start = clock_mono_us();
    err_t err = build_request(fetch, &request, diag);
    if (err == ERR_OK)
        err = send_request(fetch, &request, &reply, diag);
    if (err == ERR_OK)
        err = parse_answer(&request, &reply, &answer, diag);
    if (err == ERR_OK)
        err = take_records(fetch, answer, str_text(&request.url), diag);
    if (err == ERR_OK)
        err = append_page(fetch, diag);
    if (err == ERR_OK)
        attempt_log(fetch->attempt, "%s: %zu records, %zu bytes in %lld ms", str_text(&request.url),
                    fetch->spans.count, fetch->text.size,
                    (long long)((clock_mono_us() - start) / 1000));
    mem_free(fetch->last_url);
    fetch->last_url = str_take(&request.url);
    json_decref(answer);
    http_reply_release(&reply);
    request_release(&request);
    return err;
}

// A page per period, on a fixed grid from the start; a page that came late is not made up for.
static err_t fetch_pages(struct fetch *fetch, struct diag *diag)
{
    int64_t start = clock_mono_us(), every = fetch->http->every_ms * 1000;
    int64_t end = start + fetch->http->for_ms * 1000, due = start;
    do {
        fetch->page++;
        TRY(fetch_page(fetch, diag));
        if (every == 0)
            break;
        int64_t now = clock_mono_us();
        due += every;
        if (now > due)
            due = now;
        if (due < end)
            TRY(attempt_sleep(fetch->attempt, due - now, diag));
    } while (due < end);
    return ERR_OK;
}

err_t task_http_run(struct attempt *attempt, struct diag *diag)
{
    const struct log_port *log = &attempt->host->log;
    const char *topic = attempt->task->topic;
    struct fetch fetch = {.attempt = attempt, .http = &attempt->task->http};
    int32_t partitions;
    if (topic && !log->ops)
        return FAIL(diag, ERR_UNSUPPORTED, "there is no log to put records into");
    if (topic)
        TRY(log->ops->ensure(log->self, topic, fetch.http->partitions, &partitions, diag));
    err_t err = fetch_pages(&fetch, diag);
    if (err == ERR_OK && fetch.total == 0 && !fetch.http->allow_empty)
        err = FAIL(diag, ERR_NOT_FOUND, "fetched 0 records from %.200s", fetch.last_url);
    if (err == ERR_OK)
        attempt->xcom = mem_printf("{\"records\":%lld,\"bytes\":%lld}", (long long)attempt->records,
                                   (long long)attempt->bytes);
    mem_free(fetch.last_url);
    str_release(&fetch.text);
    vec_release(&fetch.spans);
    vec_release(&fetch.records);
    return err;
}
