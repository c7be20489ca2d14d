// SPDX-License-Identifier: Apache-2.0
//
// The thread of one query: open, then batch after batch; without data it sleeps until the log
// calls. A failure closes the micro-batches; if it may pass (the error is retriable, or something
// is not there yet) they are opened again after 0.5 s, 1 s, ... 30 s, else the stream stays failed
// with the error's own sentence until weir starts again.
#include "streams/stream.h"

#include "base/log.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/thread.h"
#include "streams/micro.h"

#include <inttypes.h>

enum {
    IDLE_US = 5000000, // how often a stream looks for new partitions
    PAUSE_FIRST_US = 500000,
    PAUSE_MOST_US = 30000000,
};

enum state {
    STATE_RUNNING,
    STATE_WAITING,
    STATE_FAILED,
    STATE_STOPPED,
};

struct stream {
    const struct spec *spec;
    const struct streams_options *options;
    char run_id[37];
    char sink[512];
    struct thread thread;
    struct micro micro; // the thread's own
    struct log_watch *watch;
    int64_t pause_us, previous_start_us;

    struct mutex mutex; // what follows; a leaf: nothing is called with it held
    struct cond cond;
    bool stopping, woken;
    enum state state;
    char id[37];
    char words[600]; // why it waits or failed
    int64_t batch_id, rows, lag;
    struct progress_log progress;
};

// --- state
// ---------------------------------------------------------------------------------------------

static void set_state(struct stream *stream, enum state state, const char *words)
{
    mutex_lock(&stream->mutex);
    bool changed = stream->state != state || strcmp(stream->words, words) != 0;
    stream->state = state;
    snprintf(stream->words, sizeof stream->words, "%s", words);
    mutex_unlock(&stream->mutex);
    if (changed && stream->options->changed)
        stream->options->changed(stream->options->changed_ctx);
}

static bool stopping(struct stream *stream)
{
    mutex_lock(&stream->mutex);
    bool stop = stream->stopping;
    mutex_unlock(&stream->mutex);
    return stop;
}

// Until the log calls (if wakes), it is to stop, or the time is over. True when the time was over.
static bool sleep_for(struct stream *stream, int64_t us, bool wakes)
{
    int64_t left = us, start = clock_mono_us();
    mutex_lock(&stream->mutex);
    while (!stream->stopping && !(wakes && stream->woken) && left > 0) {
        if (!cond_wait_for(&stream->cond, &stream->mutex, left))
            break;
        left = us - (clock_mono_us() - start);
    }
    bool over = !stream->stopping && !(wakes && stream->woken);
    if (wakes)
        stream->woken = false;
    mutex_unlock(&stream->mutex);
    return over;
}

static void wake(void *ctx)
{
    struct stream *stream = ctx;
    mutex_lock(&stream->mutex);
    stream->woken = true;
    cond_signal(&stream->cond);
    mutex_unlock(&stream->mutex);
}

// --- the thread
// ----------------------------------------------------------------------------------------

static bool may_pass(err_t err)
{
    return err_info(err)->retriable || err == ERR_NOT_FOUND || err == ERR_IO;
}

// False when the stream is over.
static bool failed(struct stream *stream, err_t err, const struct diag *diag)
{
    const char *words = diag->code != ERR_OK ? diag_text(diag) : err_info(err)->text;
    LOG_WARN("streams", "query failed", "stream=%s error=%s retry=%d words=\"%s\"",
             stream->spec->name, err_name(err), may_pass(err), words);
    set_state(stream, STATE_FAILED, words);
    if (!may_pass(err)) {
        while (!stopping(stream))
            (void)sleep_for(stream, PAUSE_MOST_US, false);
        return false;
    }
    (void)sleep_for(stream, stream->pause_us, false);
    stream->pause_us = stream->pause_us * 2 < PAUSE_MOST_US ? stream->pause_us * 2 : PAUSE_MOST_US;
    return !stopping(stream);
}

static err_t open_micro(struct stream *stream, struct diag *diag)
{
    struct log_port log = stream->options->log;
    TRY(micro_open(&stream->micro, stream->spec, stream->options, diag));
    if (!stream->watch) {
        err_t err =
            log.ops->watch(log.self, stream->spec->topic, wake, stream, &stream->watch, diag);
        if (err != ERR_OK) {
            micro_close(&stream->micro);
            return err;
        }
    }
    mutex_lock(&stream->mutex);
    memcpy(stream->id, stream->micro.at.id, sizeof stream->id);
    stream->batch_id = stream->micro.at.batch_id;
    stream->rows = stream->micro.at.rows;
    mutex_unlock(&stream->mutex);
    return ERR_OK;
}

static void report(struct stream *stream, struct progress_batch *batch)
{
    batch->run_id = stream->run_id;
    batch->sink = stream->sink;
    if (stream->previous_start_us)
        batch->since_previous_us = batch->started_us - stream->previous_start_us;
    stream->previous_start_us = batch->started_us;
    mutex_lock(&stream->mutex);
    stream->batch_id = batch->batch_id;
    stream->rows = stream->micro.at.rows;
    stream->lag = stream->micro.lag;
    stream->state = STATE_RUNNING;
    stream->words[0] = '\0';
    progress_add(&stream->progress, batch);
    mutex_unlock(&stream->mutex);
    if (stream->options->changed)
        stream->options->changed(stream->options->changed_ctx);
}

// A batch that took longer than the interval is followed at once.
static void wait_trigger(struct stream *stream, int64_t started_us)
{
    if (stream->spec->trigger != SPEC_TRIGGER_PROCESSING_TIME)
        return;
    int64_t left = stream->spec->interval_ms * 1000 - (clock_mono_us() - started_us);
    if (left > 0)
        (void)sleep_for(stream, left, false);
}

static void idle(struct stream *stream)
{
    char words[300];
    mutex_lock(&stream->mutex);
    stream->lag = stream->micro.lag;
    mutex_unlock(&stream->mutex);
    snprintf(words, sizeof words, "no new records in topic %s", stream->spec->topic);
    set_state(stream, STATE_WAITING, words);
}

// Batches until something fails or it is to stop; true with *finished when availableNow has read
// all.
static err_t run_batches(struct stream *stream, bool *finished, struct diag *diag)
{
    int64_t refreshed = clock_mono_us();
    while (!stopping(stream)) {
        struct progress_batch batch;
        bool did;
        int64_t started = clock_mono_us();
        if (started - refreshed >= IDLE_US) { // a busy stream looks for new partitions
            TRY(micro_refresh(&stream->micro, diag));
            refreshed = started;
        }
        TRY(micro_step(&stream->micro, &did, &batch, diag));
        if (did) {
            stream->pause_us = PAUSE_FIRST_US;
            report(stream, &batch);
            wait_trigger(stream, started);
            continue;
        }
        *finished = stream->spec->trigger == SPEC_TRIGGER_AVAILABLE_NOW;
        if (*finished)
            return ERR_OK;
        idle(stream);
        (void)sleep_for(stream, IDLE_US, true);
    }
    return ERR_OK;
}

static void run(void *ctx)
{
    struct stream *stream = ctx;
    bool finished = false;
    while (!stopping(stream) && !finished) {
        struct diag diag = DIAG_INIT;
        err_t err = open_micro(stream, &diag);
        if (err == ERR_OK) {
            err = run_batches(stream, &finished, &diag);
            micro_close(&stream->micro);
        }
        if (err != ERR_OK && !failed(stream, err, &diag))
            return;
    }
    set_state(stream, STATE_STOPPED, finished ? "everything that was there has been read" : "");
}

// --- outside
// -------------------------------------------------------------------------------------------

struct stream *stream_start(const struct spec *spec, const struct streams_options *options)
{
    struct stream *stream = MEM_NEW(struct stream);
    uint8_t id[16];
    random_uuid(id);
    uuid_text(id, stream->run_id);
    stream->spec = spec;
    stream->options = options;
    stream->pause_us = PAUSE_FIRST_US;
    stream->batch_id = -1;
    stream->state = STATE_WAITING;
    snprintf(stream->words, sizeof stream->words, "starting");
    snprintf(stream->sink, sizeof stream->sink, "%s.%s", spec->sink_keyspace, spec->sink_table);
    mutex_init(&stream->mutex);
    cond_init(&stream->cond);
    char name[16];
    snprintf(name, sizeof name, "str-%.11s", spec->name);
    thread_start(&stream->thread, name, run, stream);
    return stream;
}

void stream_stop(struct stream *stream)
{
    mutex_lock(&stream->mutex);
    stream->stopping = true;
    cond_broadcast(&stream->cond);
    mutex_unlock(&stream->mutex);
}

void stream_free(struct stream *stream)
{
    struct log_port log = stream->options->log;
    stream_stop(stream);
    thread_join(&stream->thread);
    if (stream->watch)
        log.ops->unwatch(log.self, stream->watch);
    progress_release(&stream->progress);
    cond_release(&stream->cond);
    mutex_release(&stream->mutex);
    mem_free(stream);
}

const char *stream_name(const struct stream *stream)
{
    return stream->spec->name;
}

static void put_words(struct str *json, const char *name, bool here, const char *words)
{
    str_printf(json, ",\"%s\":", name);
    if (here)
        str_append_json(json, bytes_from(words));
    else
        str_append_text(json, "null");
}

static void put_rate(struct str *json, const char *name, double rate)
{
    str_printf(json, ",\"%s\":%.1f", name, rate > 0 ? rate : 0.0);
}

void stream_write(struct stream *stream, struct str *json)
{
    static const char *const states[] = {"running", "waiting", "failed", "stopped"};
    const struct spec *spec = stream->spec;
    mutex_lock(&stream->mutex);
    bool idle_now = stream->state != STATE_RUNNING;
    str_append_text(json, "{\"name\":");
    str_append_json(json, bytes_from(spec->name));
    str_printf(json, ",\"id\":\"%s\",\"state\":\"%s\"", stream->id, states[stream->state]);
    put_words(json, "waiting", stream->state == STATE_WAITING, stream->words);
    put_words(json, "error", stream->state == STATE_FAILED, stream->words);
    str_append_text(json, ",\"source\":{\"topic\":");
    str_append_json(json, bytes_from(spec->topic));
    str_append_text(json, "},\"sink\":{\"keyspace\":");
    str_append_json(json, bytes_from(spec->sink_keyspace));
    put_words(json, "table", true, spec->sink_table);
    str_append_byte(json, '}');
    put_words(json, "sql", true, spec->sql);
    str_printf(json, ",\"batchId\":%" PRId64 ",\"numInputRows\":%" PRId64, stream->batch_id,
               stream->rows);
    put_rate(json, "inputRowsPerSecond", idle_now ? 0 : stream->progress.input_rate);
    put_rate(json, "processedRowsPerSecond", stream->progress.processed_rate);
    str_printf(json, ",\"lag\":%" PRId64 ",\"lastProgress\":", stream->lag);
    progress_last(&stream->progress, json);
    str_append_byte(json, '}');
    mutex_unlock(&stream->mutex);
}

void stream_write_progress(struct stream *stream, size_t limit, struct str *json)
{
    mutex_lock(&stream->mutex);
    progress_write(&stream->progress, limit, json);
    mutex_unlock(&stream->mutex);
}
