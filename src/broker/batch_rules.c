// SPDX-License-Identifier: Apache-2.0
//
// The words are Apache Kafka's (LogValidator), where clients have come to know them.
#include "broker/batch_rules.h"

#include "base/mem.h"
#include "wire/kafka/compress.h"

bool batch_rules_packs(const struct topic_rules *rules, int attributes)
{
    return rules->codec >= 0 && rules->codec != (attributes & BATCH_COMPRESSION_MASK);
}

// --- check ---

static bool in_bounds(const struct topic_rules *rules, int64_t timestamp_ms, int64_t now_ms)
{
    if (timestamp_ms == -1)
        return true;
    // Timestamps come from outside: their difference to now may not fit.
    if (timestamp_ms <= now_ms)
        return (uint64_t)now_ms - (uint64_t)timestamp_ms <= (uint64_t)rules->behind_max_ms;
    return (uint64_t)timestamp_ms - (uint64_t)now_ms <= (uint64_t)rules->ahead_max_ms;
}

static int64_t bound_sum(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? INT64_MAX : INT64_MIN) : sum;
}

static const char *time_fault(const struct topic_rules *rules, const struct record *record,
                              bool marked, int64_t now_ms, struct arena *arena)
{
    if (!rules->append_time && record->timestamp_ms != -1) {
        if (in_bounds(rules, record->timestamp_ms, now_ms))
            return NULL;
        return arena_printf(arena,
                            "Timestamp %lld of message with offset %lld is out of range. The "
                            "timestamp should be within [%lld, %lld]",
                            (long long)record->timestamp_ms, (long long)record->offset,
                            (long long)bound_sum(now_ms, -rules->behind_max_ms),
                            (long long)bound_sum(now_ms, rules->ahead_max_ms));
    }
    return marked ? "Invalid timestamp type in message. Producer should not set timestamp type to "
                    "LogAppendTime."
                  : NULL;
}

// Goes through the records again, to say which.
static err_t name_faults(const struct topic_rules *rules, struct bytes batch, int64_t now_ms,
                         struct arena *arena, struct batch_faults *faults, struct diag *diag)
{
    struct record_reader reader;
    TRY(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, diag));
    bool marked = reader.header.attributes & BATCH_LOG_APPEND_TIME;
    bool times = false;
    struct record record;
    int32_t count = reader.header.record_count;
    faults->items = ARENA_ARRAY(arena, struct batch_fault,
                                (size_t)(count < BATCH_FAULTS_MAX ? count : BATCH_FAULTS_MAX));
    for (int32_t i = 0; faults->count < BATCH_FAULTS_MAX && record_reader_next(&reader, &record);
         i++) {
        const char *words = rules->compact && !record.key.ptr
                                ? "Compacted topic cannot accept message without key"
                                : NULL;
        if (!words && (words = time_fault(rules, &record, marked, now_ms, arena)) != NULL)
            times = true;
        if (words)
            faults->items[faults->count++] = (struct batch_fault){i, words};
    }
    record_reader_release(&reader);
    if (times)
        return FAIL(diag, ERR_INVALID_TIMESTAMP,
                    "One or more records have been rejected due to invalid timestamp");
    return FAIL(diag, ERR_INVALID_RECORD,
                "One or more records have been rejected due to %zu record errors in total, the "
                "first: %s",
                faults->count, faults->count ? faults->items[0].words : "none");
}

err_t batch_rules_check(const struct topic_rules *rules, struct bytes batch,
                        const struct record_survey *survey, int64_t now_ms, struct arena *arena,
                        struct batch_faults *faults, struct diag *diag)
{
    struct batch_header header;
    *faults = (struct batch_faults){0};
    (void)batch_header_read(&header, batch);
    bool marked = header.attributes & BATCH_LOG_APPEND_TIME;
    bool fine = !(rules->compact && survey->keyless > 0);
    if (rules->append_time)
        fine = fine && !marked;
    else
        fine = fine && in_bounds(rules, survey->min_timestamp, now_ms) &&
               in_bounds(rules, survey->max_timestamp, now_ms) &&
               !(marked && survey->max_timestamp == -1);
    return fine ? ERR_OK : name_faults(rules, batch, now_ms, arena, faults, diag);
}

// --- apply ---

static void free_text(void *ctx)
{
    mem_free(ctx);
}

static err_t pack(const struct topic_rules *rules, struct bytes batch,
                  const struct batch_header *header, struct buf **out, struct diag *diag)
{
    struct record_reader reader;
    TRY(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, diag));
    struct bytes plain = bytes_make(reader.at.at, reader_left(&reader.at));
    struct str made = {0};
    str_reserve(&made, BATCH_HEADER_BYTES);
    made.size = BATCH_HEADER_BYTES;
    err_t err =
        compress_pack_level((enum batch_compression)rules->codec, rules->level, plain, &made, diag);
    record_reader_release(&reader);
    if (err != ERR_OK) {
        str_release(&made);
        return err;
    }
    size_t size = made.size;
    batch_header_write((uint8_t *)made.ptr, size, header);
    char *text = str_take(&made);
    *out = buf_wrap(text, size, free_text, text);
    return ERR_OK;
}

err_t batch_rules_apply(const struct topic_rules *rules, uint8_t *batch, size_t size,
                        const struct record_survey *survey, int64_t now_ms, struct buf **packed,
                        struct diag *diag)
{
    struct batch_header header;
    *packed = NULL;
    (void)batch_header_read(&header, bytes_make(batch, size));
    int16_t attributes = header.attributes;
    int64_t max_timestamp = rules->append_time ? now_ms : survey->max_timestamp;
    attributes &= (int16_t)~BATCH_LOG_APPEND_TIME;
    if (rules->append_time)
        attributes |= BATCH_LOG_APPEND_TIME;
    bool packs = batch_rules_packs(rules, attributes);
    if (packs)
        attributes = (int16_t)((attributes & ~BATCH_COMPRESSION_MASK) | rules->codec);
    if (attributes == header.attributes && max_timestamp == header.max_timestamp)
        return ERR_OK;
    header.attributes = attributes;
    header.max_timestamp = max_timestamp;
    if (packs)
        return pack(rules, bytes_make(batch, size), &header, packed, diag);
    batch_header_write(batch, size, &header);
    return ERR_OK;
}
