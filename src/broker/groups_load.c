// SPDX-License-Identifier: Apache-2.0
//
// Loading replays __consumer_offsets from its start: the key's type tells what a record is about.
#include "broker/groups_int.h"

#include "broker/consumer_records.h"
#include "broker/group_records.h"
#include "broker/txn_offsets.h"
#include "wire/kafka/marker.h"

#define READ_BYTES (4u << 20)

static void load_offset(struct groups *groups, const struct batch_header *header,
                        const struct record *record)
{
    struct offset_record offset;
    if (!offsets_parse(record->key, record->value, &offset))
        return;
    offset.change.value.order = record->offset;
    if (header->attributes & BATCH_TRANSACTIONAL) {
        txn_offsets_load(groups->broker->txn_offsets, header->producer_id, &offset);
        return;
    }
    if (offset.change.value.offset == OFFSET_NONE)
        txn_offsets_forget(groups->broker->txn_offsets, offset.group, offset.change.topic,
                           offset.change.partition);
    struct group *group = offset.change.value.offset != OFFSET_NONE
                              ? groups_get(groups, offset.group)
                              : groups_find(groups, offset.group);
    if (!group)
        return;
    offsets_apply(group, &offset.change);
    group_unref(group);
}

static struct bytes key_text(struct reader *reader)
{
    uint16_t size = reader_u16(reader);
    return reader_bytes(reader, size);
}

static void load_classic(struct groups *groups, struct reader *key, struct bytes value)
{
    struct bytes id = key_text(key);
    struct group *group = key->failed ? NULL
                          : value.ptr ? groups_get(groups, id)
                                      : groups_find(groups, id);
    if (!group)
        return;
    group_record_apply(group, value);
    group_unref(group);
}

static void load_consumer(struct groups *groups, int16_t type, struct reader *key,
                          struct bytes value)
{
    struct bytes id = key_text(key);
    struct bytes name = consumer_record_names(type) ? key_text(key) : BYTES_NULL;
    struct group *group = key->failed ? NULL
                          : value.ptr ? groups_get(groups, id)
                                      : groups_find(groups, id);
    if (!group)
        return;
    consumer_record_apply(group, &groups->env, type, name, value);
    group_unref(group);
}

static void load_record(struct groups *groups, const struct batch_header *header,
                        const struct record *record)
{
    struct reader key = reader_make(record->key);
    int16_t type = record->key.ptr ? reader_i16(&key) : -1;
    if (type == 0 || type == 1)
        load_offset(groups, header, record);
    else if (type == GROUP_RECORD_CLASSIC)
        load_classic(groups, &key, record->value);
    else if (consumer_record_is(type))
        load_consumer(groups, type, &key, record->value);
}

static void load_batch(struct groups *groups, const struct batch_header *header, struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    struct marker marker;
    if (header->attributes & BATCH_CONTROL) {
        if (marker_read(&marker, batch))
            txn_offsets_end(groups->broker->txn_offsets, groups, marker.producer_id, marker.commit);
        return;
    }
    if (record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, NULL) != ERR_OK)
        return;
    while (record_reader_next(&reader, &record))
        load_record(groups, header, &record);
    record_reader_release(&reader);
}

// What was deleted leaves nothing; the members of the others have a whole session to come back.
static void begin_sessions(struct groups *groups)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    struct group **all = groups__collect(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        group_loaded(all[i]);
        groups__drop_if_unused(groups, all[i]);
        group_unref(all[i]);
    }
    arena_release(&arena);
}

err_t groups__load(struct groups *groups, struct diag *diag)
{
    int64_t offset = partition_offsets(groups->partition).start;
    for (;;) {
        struct buf *buf;
        TRY(partition_read(groups->partition, offset, READ_BYTES, &buf, diag));
        if (!buf)
            break;
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        struct batch_header header;
        while (record_batch_next(&reader, &batch) && batch_header_read(&header, batch)) {
            load_batch(groups, &header, batch);
            offset = batch_header_last_offset(&header) + 1;
        }
        buf_unref(buf);
    }
    begin_sessions(groups);
    return ERR_OK;
}
