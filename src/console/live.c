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

#define TICK_US       1000000
#define GAP_MIN_US    250000
#define VIEWERS_MAX   64
#define RUNS_SHOWN    12
#define COST_FACTOR   10 // a board is read at most a tenth of the time
#define TOPICS_SHOWN  200
#define DAGS_SHOWN    100
#define TASKS_SHOWN   100
#define QUERIES_SHOWN 100
#define TABLES_SHOWN  200
#define GROUPS_SHOWN  200
#define BATCHES_SHOWN 50
#define OWN_GROUPS    "weir-stream-" // lag of our own queries stands at their edges
#define HEARTBEAT_US  15000000

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

// Cuts `list` to `most`; tells how many there were.
static json_int_t cut(json_t *list, size_t most)
{
    size_t all = json_array_size(list);
    while (json_array_size(list) > most)
        json_array_remove(list, json_array_size(list) - 1);
    return (json_int_t)all;
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

// What one group has left of each topic it has committed in.
static void add_group(json_t *list, const struct log_group *group)
{
    json_t *lags = json_object();
    for (size_t i = 0; i < group->offset_count; i++) {
        const struct log_group_offset *offset = &group->offsets[i];
        json_int_t lag = json_integer_value(json_object_get(lags, offset->topic));
        if (offset->committed >= 0)
            lag += offset->end - offset->committed;
        json_object_set_new(lags, offset->topic, json_integer(lag));
    }
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:I, s:o}", "id", group->id, "state", group->state,
                                    "members", (json_int_t)group->member_count, "lags", lags));
}

// Groups of outside consumers.
static json_t *groups_json(const struct log_port *log)
{
    struct arena arena = ARENA_INIT;
    const struct log_group *groups = NULL;
    size_t count = 0;
    json_t *list = json_array();
    if (log->ops->groups(log->self, &arena, &groups, &count, NULL) == ERR_OK)
        for (size_t i = 0; i < count && json_array_size(list) < GROUPS_SHOWN; i++)
            if (strncmp(groups[i].id, OWN_GROUPS, strlen(OWN_GROUPS)) != 0)
                add_group(list, &groups[i]);
    arena_release(&arena);
    return list;
}

static json_t *tables_json(const struct table_port *tables)
{
    struct arena arena = ARENA_INIT;
    const struct table_info *infos = NULL;
    size_t count = 0;
    json_t *list = json_array();
    if (tables->ops->tables(tables->self, &arena, &infos, &count, NULL) == ERR_OK)
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, json_sprintf("%s.%s", infos[i].keyspace, infos[i].name));
    arena_release(&arena);
    return list;
}

static json_t *dags_json(const struct dag_port *dags)
{
    struct str text = {0};
    (void)!dags->ops->dags(dags->self, &text, NULL);
    json_t *list = parsed(&text);
    str_release(&text);
    return list;
}

// The latest runs and, of the newest, the tasks.
static void add_runs(const struct dag_port *dags, json_t *dag)
{
    static const char *const unused[] = {"logical_date", "data_interval_start",
                                         "data_interval_end"};
    struct str text = {0};
    const char *dag_id = json_string_value(json_object_get(dag, "dag_id"));
    (void)!dags->ops->runs(dags->self, dag_id, RUNS_SHOWN, &text, NULL);
    json_t *runs = parsed(&text), *run;
    size_t index;
    json_array_foreach(runs, index, run)
    {
        for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
            json_object_del(run, unused[i]);
    }
    const char *run_id = json_string_value(json_object_get(json_array_get(runs, 0), "run_id"));
    if (run_id && dags->ops->run(dags->self, dag_id, run_id, &text, NULL) == ERR_OK) {
        run = parsed(&text);
        cut(json_object_get(run, "tasks"), TASKS_SHOWN);
        json_object_set_new(dag, "run", run);
    }
    str_release(&text);
    json_object_set_new(dag, "runs", runs);
}

static json_t *streams_json(const struct stream_port *streams)
{
    struct str text = {0};
    (void)!streams->ops->streams(streams->self, &text, NULL);
    json_t *list = parsed(&text);
    str_release(&text);
    return list;
}

// The last batches as [rows, milliseconds], oldest first, in the place of the whole last progress.
static void add_batches(const struct stream_port *streams, json_t *stream)
{
    struct str text = {0};
    const char *name = json_string_value(json_object_get(stream, "name"));
    (void)!streams->ops->progress(streams->self, name, BATCHES_SHOWN, &text, NULL);
    json_t *progress = parsed(&text), *batches = json_array();
    for (size_t i = json_array_size(progress); i-- > 0;) {
        const json_t *batch = json_array_get(progress, i);
        const json_t *took =
            json_object_get(json_object_get(batch, "durationMs"), "triggerExecution");
        json_array_append_new(
            batches, json_pack("[I, I]", json_integer_value(json_object_get(batch, "numInputRows")),
                               json_integer_value(took)));
    }
    json_decref(progress);
    str_release(&text);
    json_object_del(stream, "lastProgress");
    json_object_set_new(stream, "batches", batches);
}

static json_t *build_state(struct live *live)
{
    const struct console_options *options = &live->options;
    json_t *topics = topics_json(&options->log), *dags = dags_json(&options->dags);
    json_t *streams = streams_json(&options->streams), *tables = tables_json(&options->tables);
    json_t *totals = json_pack("{s:I, s:I, s:I, s:I}", "topics", cut(topics, TOPICS_SHOWN), "dags",
                               cut(dags, DAGS_SHOWN), "streams", cut(streams, QUERIES_SHOWN),
                               "tables", cut(tables, TABLES_SHOWN));
    json_t *graph = graph_json(dags, streams, topics, live->rates);
    size_t index;
    json_t *item;
    json_array_foreach(dags, index, item)
    {
        add_runs(&options->dags, item);
        json_object_del(item, "last_run"); // is runs[0]
    }
    json_array_foreach(streams, index, item) add_batches(&options->streams, item);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "project",
                     options->project, "kafka", options->kafka, "cql", options->cql, "people",
                     options->people, "rss_bytes", (json_int_t)(process_rss_bytes() >> 20 << 20),
                     "graph", graph, "dags", dags, "streams", streams, "topics", topics, "groups",
                     groups_json(&options->log), "tables", tables, "totals", totals);
}

// Without viewers only the counters are read, so that the next page opens with rates.
static void note_rates(struct live *live)
{
    json_t *topics = topics_json(&live->options.log);
    json_t *streams = streams_json(&live->options.streams);
    cut(topics, TOPICS_SHOWN);
    cut(streams, QUERIES_SHOWN);
    graph_note_rates(streams, topics, live->rates);
    json_decref(topics);
    json_decref(streams);
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
    if (!watched) {
        note_rates(live);
    } else {
        send_if_new(live, "state", build_state(live), &live->state_hash);
        if (clock_mono_us() >= live->boards_next_us)
            send_if_new(live, "boards", build_boards(live), &live->boards_hash);
        if (clock_mono_us() - live->sent_us > HEARTBEAT_US) {
            send_all(live, bytes_from(": still here\n\n"));
            live->sent_us = clock_mono_us();
        }
    }
    mutex_unlock(&live->building);
}

// How long to rest after a look that took `cost_us`: a quarter of the time at most goes into looks.
static int64_t gap_after(int64_t cost_us)
{
    return cost_us * 3 > GAP_MIN_US ? cost_us * 3 : GAP_MIN_US;
}

static void run(void *ctx)
{
    struct live *live = ctx;
    mutex_lock(&live->mutex);
    while (!live->stopping) {
        bool watched = live->viewers.count > 0;
        live->changed = false;
        mutex_unlock(&live->mutex);
        int64_t started_us = clock_mono_us();
        push(live, watched);
        mutex_lock(&live->mutex);
        int64_t ended_us = clock_mono_us(), gap_us = ended_us + gap_after(ended_us - started_us);
        int64_t until_us = gap_us > ended_us + TICK_US ? gap_us : ended_us + TICK_US;
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
