// SPDX-License-Identifier: Apache-2.0
#include "streams/source.h"

void source_init(struct source *source, struct log_port log, const char *topic)
{
    *source = (struct source){.log = log, .topic = topic};
}

void source_clear(struct source *source)
{
    for (size_t i = 0; i < source->readers.count; i++)
        record_reader_release(&source->readers.items[i]);
    for (size_t i = 0; i < source->blocks.count; i++)
        buf_unref(source->blocks.items[i]);
    vec_clear(&source->readers);
    vec_clear(&source->blocks);
    vec_clear(&source->rows);
}

void source_release(struct source *source)
{
    source_clear(source);
    vec_release(&source->readers);
    vec_release(&source->blocks);
    vec_release(&source->rows);
}

static err_t broken(const struct source *source, int32_t partition, int64_t offset,
                    struct diag *diag)
{
    return FAIL(diag, ERR_CORRUPT, "topic %s, partition %d, offset %lld: the record is damaged",
                source->topic, partition, (long long)offset);
}

// The records of one batch that lie in [*next, end).
static err_t take_batch(struct source *source, int32_t partition, struct bytes batch, int64_t *next,
                        int64_t end, struct diag *diag)
{
    struct record_reader reader;
    struct record record;
    TRY(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, diag));
    bool control = reader.header.attributes & BATCH_CONTROL;
    int32_t type = reader.header.attributes & BATCH_LOG_APPEND_TIME ? 1 : 0;
    while (!control && record_reader_next(&reader, &record)) {
        if (record.offset < *next || record.offset >= end)
            continue;
        struct source_row row = {record.key,          record.value, record.offset,
                                 record.timestamp_ms, partition,    type};
        vec_push(&source->rows, row);
    }
    vec_push(&source->readers, reader);
    if (reader.at.failed)
        return broken(source, partition, *next, diag);
    int64_t behind = batch_header_last_offset(&reader.header) + 1;
    behind = behind < end ? behind : end;
    *next = behind > *next ? behind : *next;
    return ERR_OK;
}

static err_t take_block(struct source *source, int32_t partition, struct buf *block, int64_t *next,
                        int64_t end, struct diag *diag)
{
    struct reader bytes = reader_make(buf_bytes(block));
    struct bytes batch;
    int64_t before = *next;
    while (*next < end && record_batch_next(&bytes, &batch))
        TRY(take_batch(source, partition, batch, next, end, diag));
    return *next > before ? ERR_OK : broken(source, partition, before, diag);
}

err_t source_read(struct source *source, int32_t partition, int64_t *next, int64_t end,
                  size_t max_bytes, struct diag *diag)
{
    int64_t before = *next;
    size_t rows = source->rows.count, bytes = 0;
    while (*next < end && bytes < max_bytes) {
        struct buf *block = NULL;
        err_t err = source->log.ops->read(source->log.self, source->topic, partition, *next,
                                          max_bytes - bytes, &block, diag);
        if (err == ERR_OK && !block)
            return ERR_OK; // the end moved back: nothing there yet
        if (err == ERR_OK) {
            vec_push(&source->blocks, block);
            bytes += block->size;
            err = take_block(source, partition, block, next, end, diag);
        }
        if (err != ERR_OK) {
            *next = before;
            source->rows.count = rows;
            return err;
        }
    }
    return ERR_OK;
}

void source_batch(const struct source *source, size_t from, size_t count, const bool *needed,
                  struct arena *arena, struct batch *out)
{
    static const char *const names[SOURCE_COLUMNS] = {
        "key", "value", "topic", "partition", "offset", "timestamp", "timestampType"};
    static const struct type *const types[SOURCE_COLUMNS] = {
        &type_binary, &type_binary,    &type_string, &type_int,
        &type_long,   &type_timestamp, &type_int};
    struct column *columns = ARENA_ARRAY(arena, struct column, SOURCE_COLUMNS);
    for (size_t i = 0; i < SOURCE_COLUMNS; i++)
        if (!needed || needed[i])
            column_init(&columns[i], arena, types[i], count);
    struct bytes topic = bytes_from(source->topic);
    for (size_t i = 0; i < count; i++) {
        const struct source_row *row = &source->rows.items[from + i];
        if (columns[0].data)
            columns[0].strings[i] = row->key;
        if (columns[0].data && !row->key.ptr)
            column_set_null(&columns[0], arena, i);
        if (columns[1].data)
            columns[1].strings[i] = row->value;
        if (columns[1].data && !row->value.ptr)
            column_set_null(&columns[1], arena, i);
        if (columns[2].data)
            columns[2].strings[i] = topic;
        if (columns[3].data)
            columns[3].ints[i] = row->partition;
        if (columns[4].data)
            columns[4].longs[i] = row->offset;
        if (columns[5].data)
            columns[5].longs[i] = (int64_t)((uint64_t)row->timestamp_ms * 1000);
        if (columns[6].data)
            columns[6].ints[i] = row->timestamp_type;
    }
    *out = (struct batch){
        .count = count, .column_count = SOURCE_COLUMNS, .columns = columns, .names = names};
}
