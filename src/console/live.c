// SPDX-License-Identifier: Apache-2.0
#include "console/live.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"
#include "console/graph.h"
#include "os/clock.h"
#include "os/process_limits.h"
#include "os/thread.h"

#include <stdlib.h>

#define TICK_US      1000000
#define GAP_MIN_US   250000
#define VIEWERS_MAX  64
#define RUNS_SHOWN   12
#define COST_FACTOR  10 // a board is read at most a tenth of the time
#define HEARTBEAT_US 15000000

struct live {
    struct console_options options;
    const struct board *boards;
    size_t board_count;
    struct thread thread;
    struct mutex mutex; // guards the flags and the list of viewers
    struct cond wake;
    bool changed, stopping;
    VEC(struct http_stream *) viewers;
    struct mutex building; // one build at a time; guards what follows
    struct rates *rates;
    uint64_t state_hash, boards_hash; // of what was sent last
    int64_t boards_next_us;           // not to be read before
    int64_t sent_us;
};

// --- building ---

static json_t *parsed(struct str *text)
{
    json_t *json = json_loadb(str_text(text), text->size, JSON_DECODE_ANY, NULL);
    str_clear(text);
    return json ? json : json_array();
}

static json_t *topics_json(const struct log_port *log)
{
    struct arena arena = ARENA_INIT;
    const struct log_topic *topics = NULL;
    size_t count = 0;
    json_t *list = json_array();
    if (log->ops->topics(log->self, &arena, &topics, &count, NULL) == ERR_OK)
        for (size_t i = 0; i < count; i++)
            if (!topics[i].internal)
                json_array_append_new(list,
                                      json_pack("{s:s, s:i, s:I, s:I}", "name", topics[i].name,
                                                "partitions", (int)topics[i].partitions, "records",
                                                (json_int_t)topics[i].records, "bytes",
                                                (json_int_t)topics[i].bytes));
    arena_release(&arena);
    return list;
}

// Each DAG with its latest runs and, of the newest, the tasks.
static json_t *dags_json(const struct dag_port *dags)
{
    struct str text = {0};
    (void)!dags->ops->dags(dags->self, &text, NULL);
    json_t *list = parsed(&text);
    size_t index;
    json_t *dag;
    json_array_foreach(list, index, dag)
    {
        const char *dag_id = json_string_value(json_object_get(dag, "dag_id"));
        (void)!dags->ops->runs(dags->self, dag_id, RUNS_SHOWN, &text, NULL);
        json_t *runs = parsed(&text);
        const char *run_id = json_string_value(json_object_get(json_array_get(runs, 0), "run_id"));
        if (run_id && dags->ops->run(dags->self, dag_id, run_id, &text, NULL) == ERR_OK)
            json_object_set_new(dag, "run", parsed(&text));
        str_clear(&text);
        json_object_set_new(dag, "runs", runs);
    }
    str_release(&text);
    return list;
}

static json_t *streams_json(const struct stream_port *streams)
{
    struct str text = {0};
    (void)!streams->ops->streams(streams->self, &text, NULL);
    json_t *list = parsed(&text);
    str_release(&text);
    return list;
}

static json_t *build_state(struct live *live)
{
    const struct console_options *options = &live->options;
    json_t *topics = topics_json(&options->log);
    json_t *dags = dags_json(&options->dags);
    json_t *streams = streams_json(&options->streams);
    json_t *graph = graph_json(dags, streams, topics, live->rates);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "project", options->project,
                     "kafka", options->kafka, "cql", options->cql, "people", options->people,
                     "rss_bytes", (json_int_t)(process_rss_bytes() >> 20 << 20), "graph", graph,
                     "dags", dags, "streams", streams, "topics", topics);
}

static json_t *build_boards(struct live *live)
{
    int64_t started_us = clock_mono_us();
    json_t *list = json_array();
    for (size_t i = 0; i < live->board_count; i++)
        json_array_append_new(
            list, board_json(&live->boards[i], &live->options.tables, &live->options.streams));
    int64_t now_us = clock_mono_us();
    live->boards_next_us = now_us + (now_us - started_us) * COST_FACTOR;
    return list;
}

void live_page_json(struct live *live, struct str *out)
{
    mutex_lock(&live->building);
    json_t *page =
        json_pack("{s:o, s:o}", "state", build_state(live), "boards", build_boards(live));
    mutex_unlock(&live->building);
    char *text = json_dumps(page, JSON_COMPACT);
    str_append_text(out, text);
    free(text);
    json_decref(page);
}

// --- pushing ---

static void send_all(struct live *live, struct bytes event)
{
    mutex_lock(&live->mutex);
    for (size_t i = 0; i < live->viewers.count;) {
        if (http_stream_write(live->viewers.items[i], event)) {
            i++;
        } else {
            http_stream_close(live->viewers.items[i]);
            vec_remove(&live->viewers, i);
        }
    }
    mutex_unlock(&live->mutex);
}

// Sends `json` as event `name` unless it is what was sent last.
static void send_if_new(struct live *live, const char *name, json_t *json, uint64_t *hash)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    uint64_t now = hash_bytes(text, strlen(text));
    if (now != *hash) {
        struct str event = {0};
        str_printf(&event, "event: %s\ndata: %s\n\n", name, text);
        send_all(live, str_bytes(&event));
        str_release(&event);
        *hash = now;
        live->sent_us = clock_mono_us();
    }
    free(text);
}

static void push(struct live *live, bool watched)
{
    mutex_lock(&live->building);
    json_t *state = build_state(live); // also without viewers: rates need their readings
    if (watched) {
        send_if_new(live, "state", state, &live->state_hash);
        if (clock_mono_us() >= live->boards_next_us)
            send_if_new(live, "boards", build_boards(live), &live->boards_hash);
        if (clock_mono_us() - live->sent_us > HEARTBEAT_US) {
            send_all(live, bytes_from(": still here\n\n"));
            live->sent_us = clock_mono_us();
        }
    } else {
        json_decref(state);
    }
    mutex_unlock(&live->building);
}

static void run(void *ctx)
{
    struct live *live = ctx;
    mutex_lock(&live->mutex);
    while (!live->stopping) {
        bool watched = live->viewers.count > 0;
        live->changed = false;
        mutex_unlock(&live->mutex);
        push(live, watched);
        mutex_lock(&live->mutex);
        int64_t until_us = clock_mono_us() + TICK_US, gap_us = clock_mono_us() + GAP_MIN_US;
        while (!live->stopping) {
            int64_t now_us = clock_mono_us();
            int64_t end_us = live->changed && live->viewers.count > 0 ? gap_us : until_us;
            if (now_us >= end_us)
                break;
            cond_wait_for(&live->wake, &live->mutex, end_us - now_us);
        }
    }
    mutex_unlock(&live->mutex);
}

void live_changed(struct live *live)
{
    mutex_lock(&live->mutex);
    live->changed = true;
    if (live->viewers.count > 0)
        cond_signal(&live->wake);
    mutex_unlock(&live->mutex);
}

void live_subscribe(struct live *live, struct http_request *request)
{
    mutex_lock(&live->mutex);
    bool fits = live->viewers.count < VIEWERS_MAX && !live->stopping;
    if (fits) {
        struct http_stream *stream = http_stream_open(request, "text/event-stream");
        http_stream_write(stream, bytes_from("retry: 1000\n\n"));
        vec_push(&live->viewers, stream);
        live->changed = true;
        cond_signal(&live->wake);
    }
    mutex_unlock(&live->mutex);
    if (!fits)
        http_respond_error(request, 503, "too many pages are open");
}

// --- life ---

struct live *live_start(const struct console_options *options, const struct board *boards,
                        size_t board_count)
{
    struct live *live = MEM_NEW(struct live);
    live->options = *options;
    live->boards = boards;
    live->board_count = board_count;
    live->rates = rates_new();
    mutex_init(&live->mutex);
    mutex_init(&live->building);
    cond_init(&live->wake);
    thread_start(&live->thread, "console", run, live);
    return live;
}

void live_stop(struct live *live)
{
    mutex_lock(&live->mutex);
    live->stopping = true;
    cond_signal(&live->wake);
    mutex_unlock(&live->mutex);
    thread_join(&live->thread);
    for (size_t i = 0; i < live->viewers.count; i++)
        http_stream_close(live->viewers.items[i]);
    vec_release(&live->viewers);
}

void live_free(struct live *live)
{
    rates_free(live->rates);
    cond_release(&live->wake);
    mutex_release(&live->building);
    mutex_release(&live->mutex);
    mem_free(live);
}
