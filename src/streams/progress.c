// SPDX-License-Identifier: Apache-2.0
#include "streams/progress.h"

#include "data/datetime.h"
#include "data/number.h"

#include <inttypes.h>

static void put_rate(struct str *out, const char *name, double rate)
{
    char text[NUMBER_TEXT_MAX];
    if (rate >= 0) // an unknown rate is left out, as Spark does
        str_printf(out, "\"%s\":%.*s,", name, (int)number_double_text(text, rate), text);
}

static void put_offsets(struct str *out, const char *name, const char *topic,
                        const int64_t *offsets, size_t count)
{
    str_printf(out, "\"%s\":{", name);
    str_append_json(out, bytes_from(topic));
    str_append_text(out, ":{");
    for (size_t i = 0; i < count; i++)
        str_printf(out, "%s\"%zu\":%" PRId64, i ? "," : "", i, offsets[i]);
    str_append_text(out, "}},");
}

static void put_durations(struct str *out, const struct progress_batch *batch)
{
    str_printf(out,
               "\"durationMs\":{\"addBatch\":%" PRId64 ",\"commitOffsets\":%" PRId64
               ",\"getBatch\":%" PRId64 ",\"latestOffset\":%" PRId64
               ",\"queryPlanning\":0,\"triggerExecution\":%" PRId64 ",\"walCommit\":0},",
               batch->add_batch_us / 1000, batch->commit_us / 1000, batch->get_batch_us / 1000,
               batch->latest_offset_us / 1000, batch->total_us / 1000);
}

static void put_state(struct str *out, const struct progress_batch *batch)
{
    str_append_text(out, "\"stateOperators\":[");
    if (batch->aggregate)
        str_printf(out,
                   "{\"operatorName\":\"stateStoreSave\",\"numRowsUpdated\":%" PRId64
                   ",\"numRowsRemoved\":0,\"numRowsDroppedByWatermark\":0}",
                   batch->state_updated);
    str_append_text(out, "],");
}

static void put_source(struct str *out, const struct progress_batch *batch, double input,
                       double processed)
{
    int64_t least = INT64_MAX, most = 0, total = 0;
    for (size_t i = 0; i < batch->partition_count; i++) {
        int64_t behind = batch->latest[i] - batch->end[i];
        least = behind < least ? behind : least;
        most = behind > most ? behind : most;
        total += behind;
    }
    str_printf(out, "\"sources\":[{\"description\":\"KafkaV2[Subscribe[%s]]\",", batch->topic);
    put_offsets(out, "startOffset", batch->topic, batch->start, batch->partition_count);
    put_offsets(out, "endOffset", batch->topic, batch->end, batch->partition_count);
    put_offsets(out, "latestOffset", batch->topic, batch->latest, batch->partition_count);
    str_printf(out, "\"numInputRows\":%" PRId64 ",", batch->rows_in);
    put_rate(out, "inputRowsPerSecond", input);
    put_rate(out, "processedRowsPerSecond", processed);
    double count = batch->partition_count ? (double)batch->partition_count : 1;
    str_printf(out,
               "\"metrics\":{\"avgOffsetsBehindLatest\":\"%.1f\",\"maxOffsetsBehindLatest\":"
               "\"%" PRId64 "\",\"minOffsetsBehindLatest\":\"%" PRId64 "\"}}],",
               (double)total / count, most, batch->partition_count ? least : 0);
}

static void write_batch(struct str *out, const struct progress_batch *batch, double input,
                        double processed)
{
    char time[DATETIME_TEXT_MAX];
    int size = (int)timestamp_text_iso(time, batch->started_us, zone_utc);
    str_printf(out, "{\"id\":\"%s\",\"runId\":\"%s\",\"name\":", batch->id, batch->run_id);
    str_append_json(out, bytes_from(batch->name));
    str_printf(out, ",\"timestamp\":\"%.*s\",\"batchId\":%" PRId64 ",\"numInputRows\":%" PRId64 ",",
               size, time, batch->batch_id, batch->rows_in);
    put_rate(out, "inputRowsPerSecond", input);
    put_rate(out, "processedRowsPerSecond", processed);
    put_durations(out, batch);
    put_state(out, batch);
    put_source(out, batch, input, processed);
    str_append_text(out, "\"sink\":{\"description\":");
    str_append_json(out, bytes_from(batch->sink));
    str_printf(out, ",\"numOutputRows\":%" PRId64 "}}", batch->rows_out);
}

void progress_add(struct progress_log *log, const struct progress_batch *batch)
{
    struct str *item = &log->items[log->count++ % PROGRESS_KEPT];
    double rows = (double)batch->rows_in;
    log->input_rate =
        batch->since_previous_us > 0 ? rows * 1e6 / (double)batch->since_previous_us : -1;
    log->processed_rate = batch->total_us > 0 ? rows * 1e6 / (double)batch->total_us : -1;
    str_clear(item);
    write_batch(item, batch, log->input_rate, log->processed_rate);
}

void progress_write(const struct progress_log *log, size_t limit, struct str *out)
{
    size_t kept = log->count < PROGRESS_KEPT ? log->count : PROGRESS_KEPT;
    kept = kept < limit ? kept : limit;
    str_append_byte(out, '[');
    for (size_t i = 0; i < kept; i++) {
        if (i)
            str_append_byte(out, ',');
        str_append_bytes(out, str_bytes(&log->items[(log->count - 1 - i) % PROGRESS_KEPT]));
    }
    str_append_byte(out, ']');
}

void progress_last(const struct progress_log *log, struct str *out)
{
    if (log->count == 0)
        str_append_text(out, "null");
    else
        str_append_bytes(out, str_bytes(&log->items[(log->count - 1) % PROGRESS_KEPT]));
}

void progress_release(struct progress_log *log)
{
    for (size_t i = 0; i < PROGRESS_KEPT; i++)
        str_release(&log->items[i]);
    log->count = 0;
}
