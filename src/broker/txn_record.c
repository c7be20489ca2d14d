// SPDX-License-Identifier: Apache-2.0
#include "broker/txn_record.h"

#include "base/arena.h"
#include "wire/kafka/record.h"
#include "wire/kafka/transaction_log.h"

#include <assert.h>

enum { KEY_VERSION = 0, VALUE_VERSION = 1 };

typedef struct kafka_transaction_log_value_partitions_schema out_topic;

static out_topic *find_topic(out_topic *topics, int32_t count, const char *name)
{
    for (int32_t i = 0; i < count; i++)
        if (bytes_equal(topics[i].topic, bytes_from(name)))
            return &topics[i];
    return NULL;
}

static void put_partitions(struct kafka_transaction_log_value *value,
                           const struct txn_partitions *partitions, struct arena *arena)
{
    for (size_t t = 0; t < partitions->topics.count; t++) {
        const struct txn_topic *in = &partitions->topics.items[t];
        size_t count = in->indexes.count;
        out_topic *out = find_topic(value->transaction_partitions,
                                    value->transaction_partitions_count, in->name);
        if (!out) {
            out = &value->transaction_partitions[value->transaction_partitions_count++];
            *out = (out_topic){.topic = bytes_from(in->name)};
        }
        size_t before = (size_t)out->partition_ids_count;
        int32_t *ids = ARENA_ARRAY(arena, int32_t, before + count);
        if (before > 0)
            memcpy(ids, out->partition_ids, before * sizeof *ids);
        memcpy(ids + before, in->indexes.items, count * sizeof *ids);
        out->partition_ids = ids;
        out->partition_ids_count = (int32_t)(before + count);
    }
}

static void put_value(const struct txn_meta *meta, const struct txn_partitions *partitions,
                      const struct txn_partitions *added, struct str *out)
{
    struct arena arena = ARENA_INIT;
    struct kafka_transaction_log_value value;
    kafka_transaction_log_value_init(&value);
    value.producer_id = meta->producer_id;
    value.previous_producer_id = meta->previous_id;
    value.next_producer_id = meta->next_id;
    value.producer_epoch = meta->epoch;
    value.transaction_timeout_ms = meta->timeout_ms;
    value.transaction_status = (int8_t)meta->state;
    value.transaction_last_update_timestamp_ms = meta->update_ms;
    value.transaction_start_timestamp_ms = meta->start_ms;
    value.client_transaction_version = meta->version;
    value.transaction_partitions_count = meta->state == TXN_EMPTY ? -1 : 0;
    bool open = meta->state == TXN_ONGOING || meta->state == TXN_PREPARE_COMMIT ||
                meta->state == TXN_PREPARE_ABORT;
    if (open) {
        value.transaction_partitions =
            ARENA_ARRAY(&arena, out_topic, partitions->topics.count + added->topics.count + 1);
        put_partitions(&value, partitions, &arena);
        put_partitions(&value, added, &arena);
    }
    writer_i16(out, VALUE_VERSION);
    kafka_transaction_log_value_encode(&value, VALUE_VERSION, out);
    arena_release(&arena);
}

void txn_record_write(const char *id, const struct txn_meta *meta,
                      const struct txn_partitions *partitions, const struct txn_partitions *added,
                      struct str *batch)
{
    struct record_builder builder = {0};
    struct kafka_transaction_log_key key = {.transactional_id = bytes_from(id)};
    struct str key_bytes = {0}, value_bytes = {0};
    bool deletes = meta->state == TXN_DEAD;
    writer_i16(&key_bytes, KEY_VERSION);
    kafka_transaction_log_key_encode(&key, KEY_VERSION, &key_bytes);
    if (!deletes)
        put_value(meta, partitions, added, &value_bytes);
    record_builder_add(&builder, meta->update_ms, str_bytes(&key_bytes),
                       deletes ? BYTES_NULL : str_bytes(&value_bytes), NULL, 0);
    err_t err = record_builder_finish(&builder, batch, NULL);
    assert(err == ERR_OK); // uncompressed
    record_builder_release(&builder);
    str_release(&key_bytes);
    str_release(&value_bytes);
}

static bool read_value(struct bytes bytes, struct txn_record *out, struct arena *arena)
{
    struct kafka_transaction_log_value value;
    struct reader reader = reader_make(bytes);
    int16_t version = reader_i16(&reader);
    if (version < 0 || version > VALUE_VERSION ||
        !kafka_transaction_log_value_decode(&value, version, &reader, arena) ||
        value.transaction_status < 0 || value.transaction_status >= TXN_STATE_COUNT)
        return false;
    out->meta = (struct txn_meta){
        .state = (enum txn_state)value.transaction_status,
        .producer_id = value.producer_id,
        .previous_id = version > 0 ? value.previous_producer_id : -1,
        .next_id = version > 0 ? value.next_producer_id : -1,
        .epoch = value.producer_epoch,
        .last_epoch = -1,
        .timeout_ms = value.transaction_timeout_ms,
        .start_ms = value.transaction_start_timestamp_ms,
        .update_ms = value.transaction_last_update_timestamp_ms,
        .version = version > 0 ? value.client_transaction_version : 0,
    };
    for (int32_t t = 0; t < value.transaction_partitions_count; t++) {
        const out_topic *topic = &value.transaction_partitions[t];
        for (int32_t i = 0; i < topic->partition_ids_count; i++)
            txn_partitions_add(&out->partitions, topic->topic, topic->partition_ids[i]);
    }
    return true;
}

bool txn_record_read(struct bytes key, struct bytes value, struct txn_record *out)
{
    struct arena arena = ARENA_INIT;
    struct kafka_transaction_log_key k;
    struct reader reader = reader_make(key);
    *out = (struct txn_record){0};
    bool good = key.ptr && reader_i16(&reader) == KEY_VERSION &&
                kafka_transaction_log_key_decode(&k, KEY_VERSION, &reader, &arena);
    out->deletes = !value.ptr;
    if (good) {
        out->id = k.transactional_id;
        good = out->deletes || read_value(value, out, &arena);
    }
    arena_release(&arena);
    return good;
}
