// SPDX-License-Identifier: Apache-2.0
//
// The latest messages of a topic, newest first. Reads the log directly: no consumer group is
// touched.

#include "base/vec.h"
#include "console/route.h"
#include "data/number.h"
#include "wire/kafka/record.h"

#include <inttypes.h>
#include <stdlib.h>

#define READ_BYTES      ((size_t)1 << 20)
#define UNPACK_BYTES    ((size_t)16 << 20)
#define VALUE_MAX_BYTES 65536 // longer values are cut, and say so

struct message {
    int32_t partition;
    int64_t offset, timestamp_ms;
    struct bytes key, value;
    size_t value_size; // uncut
    size_t header_count;
};

struct messages {
    struct arena *arena;
    VEC(struct message) all;
};

static void take_batch(struct messages *messages, int32_t partition, int64_t from,
                       struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    if (record_reader_open(&reader, batch, UNPACK_BYTES, NULL))
        return;
    while (record_reader_next(&reader, &record)) {
        if (record.offset < from)
            continue;
        struct message message = {.partition = partition,
                                  .offset = record.offset,
                                  .timestamp_ms = record.timestamp_ms,
                                  .key = arena_bytes(messages->arena, record.key),
                                  .value = record.value,
                                  .value_size = record.value.size,
                                  .header_count = record.header_count};
        if (message.value.size > VALUE_MAX_BYTES)
            message.value.size = VALUE_MAX_BYTES;
        message.value = arena_bytes(messages->arena, message.value);
        vec_push(&messages->all, message);
    }
    record_reader_release(&reader);
}

static err_t read_partition(struct exchange *exchange, struct messages *messages, int32_t partition,
                            int64_t limit)
{
    struct log_port log = exchange_options(exchange)->log;
    const char *topic = exchange->parts[0];
    int64_t start = 0, end = 0;
    TRY(log.ops->offsets(log.self, topic, partition, &start, &end, &exchange->diag));
    int64_t from = end - limit > start ? end - limit : start;
    for (int64_t at = from; at < end;) {
        struct buf *block = NULL;
        TRY(log.ops->read(log.self, topic, partition, at, READ_BYTES, &block, &exchange->diag));
        if (!block)
            break;
        struct reader reader = reader_make(buf_bytes(block));
        struct bytes batch;
        int64_t before = at;
        while (record_batch_next(&reader, &batch)) {
            struct batch_header header;
            if (!batch_header_read(&header, batch))
                break;
            at = batch_header_last_offset(&header) + 1;
            take_batch(messages, partition, from, batch);
        }
        buf_unref(block);
        if (at == before)
            break;
    }
    return ERR_OK;
}

static int newest_first(const void *a, const void *b)
{
    const struct message *x = a, *y = b;
    if (x->timestamp_ms != y->timestamp_ms)
        return x->timestamp_ms < y->timestamp_ms ? 1 : -1;
    return (x->offset < y->offset) - (x->offset > y->offset);
}

static void write_bytes(struct str *json, const char *name, struct bytes bytes)
{
    str_printf(json, ",\"%s\":", name);
    if (bytes.ptr)
        str_append_json(json, bytes);
    else
        str_append_text(json, "null");
}

static err_t list_messages(struct exchange *exchange)
{
    struct log_port log = exchange_options(exchange)->log;
    int64_t limit;
    if (!exchange_int(exchange, "limit", 50, 1, 1000, &limit))
        return exchange->diag.code;
    const struct log_topic *topics = NULL;
    size_t count = 0;
    int32_t partitions = 0;
    TRY(log.ops->topics(log.self, &exchange->arena, &topics, &count, &exchange->diag));
    for (size_t i = 0; i < count; i++)
        if (strcmp(topics[i].name, exchange->parts[0]) == 0)
            partitions = topics[i].partitions;
    if (partitions == 0)
        return FAIL(&exchange->diag, ERR_UNKNOWN_TOPIC, "there is no topic '%s'",
                    exchange->parts[0]);
    struct messages messages = {.arena = &exchange->arena};
    err_t err = ERR_OK;
    for (int32_t i = 0; i < partitions && !err; i++)
        err = read_partition(exchange, &messages, i, limit);
    if (messages.all.count)
        qsort(messages.all.items, messages.all.count, sizeof *messages.all.items, newest_first);
    str_append_byte(&exchange->json, '[');
    for (size_t i = 0; i < messages.all.count && i < (size_t)limit; i++) {
        const struct message *message = &messages.all.items[i];
        str_printf(&exchange->json,
                   "%s{\"partition\":%" PRId32 ",\"offset\":%" PRId64 ",\"timestamp\":%" PRId64,
                   i ? "," : "", message->partition, message->offset, message->timestamp_ms);
        write_bytes(&exchange->json, "key", message->key);
        write_bytes(&exchange->json, "value", message->value);
        str_printf(&exchange->json, ",\"size\":%zu,\"headers\":%zu}", message->value_size,
                   message->header_count);
    }
    str_append_byte(&exchange->json, ']');
    vec_release(&messages.all);
    return err;
}

// The value of `record` at `offset`, out of the batches that begin with its own.
static bool find_value(struct reader reader, int64_t offset, struct str *out)
{
    struct bytes batch;
    bool found = false;
    while (!found && record_batch_next(&reader, &batch)) {
        struct record_reader records;
        struct record record;
        if (record_reader_open(&records, batch, UNPACK_BYTES, NULL))
            break;
        while (!found && record_reader_next(&records, &record))
            found = record.offset == offset;
        if (found && record.value.ptr)
            str_append_bytes(out, record.value);
        record_reader_release(&records);
    }
    return found;
}

// One message's value, byte for byte.
static err_t message_value(struct exchange *exchange)
{
    struct log_port log = exchange_options(exchange)->log;
    int64_t partition, offset;
    struct buf *block = NULL;
    if (!number_parse_long(bytes_from(exchange->parts[1]), false, &partition) ||
        !number_parse_long(bytes_from(exchange->parts[2]), false, &offset) || partition < 0 ||
        partition > INT32_MAX || offset < 0)
        return FAIL(&exchange->diag, ERR_INVALID, "expected /messages/PARTITION/OFFSET");
    TRY(log.ops->read(log.self, exchange->parts[0], (int32_t)partition, offset, READ_BYTES, &block,
                      &exchange->diag));
    bool found = block && find_value(reader_make(buf_bytes(block)), offset, &exchange->json);
    if (block)
        buf_unref(block);
    if (!found)
        return FAIL(&exchange->diag, ERR_NOT_FOUND, "there is no message at offset %" PRId64,
                    offset);
    exchange->content_type = "application/octet-stream";
    return ERR_OK;
}

const struct route message_routes[] = {
    {"GET", "/api/topics/*/messages", list_messages},
    {"GET", "/api/topics/*/messages/*/*", message_value},
    {NULL, NULL, NULL},
};
