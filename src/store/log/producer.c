// SPDX-License-Identifier: Apache-2.0
//
// The rules are those of Kafka's ProducerAppendInfo: a producer nobody remembers may start anywhere
// (its state may have expired), a new epoch starts at sequence 0, sequences follow each other and
// wrap from 2^31-1 to 0. The first transactional batch opens a transaction, a marker ends it and
// brings its epoch: what comes from an older one afterwards is fenced.
#include "store/log/producer.h"

#include "wire/writer.h"

static struct producer *find(const struct producers *producers, int64_t id)
{
    struct producer **slot = producer_map_get(&producers->map, id);
    return slot ? *slot : NULL;
}

// --- admit ---

static err_t check_epoch(const struct producer *producer, const struct producer_write *write,
                         struct diag *diag)
{
    int16_t epoch = write->header->producer_epoch;
    bool bumps = write->marker && write->txn_version >= PRODUCER_BUMPS;
    if (epoch > producer->epoch || (epoch == producer->epoch && !bumps))
        return ERR_OK;
    // A marker of which the coordinator does not know that it was written comes once more.
    if (bumps && epoch == producer->epoch && (producer->txn_first_offset < 0 || epoch == INT16_MAX))
        return ERR_OK;
    return FAIL(diag, ERR_PRODUCER_EPOCH, "producer %lld has epoch %d here, the %s has %d",
                (long long)producer->id, producer->epoch, write->marker ? "marker" : "batch",
                epoch);
}

static err_t check_marker(const struct producer *producer, const struct producer_write *write,
                          struct diag *diag)
{
    TRY(check_epoch(producer, write, diag));
    if (producer->coordinator_epoch > write->marker->coordinator_epoch)
        return FAIL(diag, ERR_TXN_COORDINATOR_FENCED,
                    "a marker of coordinator epoch %d, producer %lld has seen %d",
                    write->marker->coordinator_epoch, (long long)producer->id,
                    producer->coordinator_epoch);
    return ERR_OK;
}

static err_t find_duplicate(const struct producer *producer, const struct batch_header *header,
                            struct producer_match *match, struct diag *diag)
{
    int32_t last = batch_header_last_sequence(header);
    for (int i = 0; header->producer_epoch == producer->epoch && i < producer->batch_count; i++) {
        const struct producer_batch *batch = &producer->batches[i];
        if (batch->first_sequence != header->base_sequence || batch->last_sequence != last)
            continue;
        *match = (struct producer_match){batch->base_offset, batch->last_offset};
        return FAIL(diag, ERR_DUPLICATE_SEQUENCE, "producer %lld sent sequence %d before",
                    (long long)producer->id, header->base_sequence);
    }
    return ERR_OK;
}

static err_t check_sequence(const struct producer *producer, const struct batch_header *header,
                            struct diag *diag)
{
    int32_t expected = 0; // of a new epoch, and of one that only a marker has begun here
    if (header->producer_epoch == producer->epoch && producer->batch_count > 0) {
        int32_t before = producer->batches[producer->batch_count - 1].last_sequence;
        expected = before == INT32_MAX ? 0 : before + 1;
    }
    if (header->base_sequence == expected)
        return ERR_OK;
    return FAIL(diag, ERR_OUT_OF_ORDER_SEQUENCE,
                "producer %lld, epoch %d, sent sequence %d, expected %d", (long long)producer->id,
                header->producer_epoch, header->base_sequence, expected);
}

err_t producers_admit(const struct producers *producers, const struct producer_write *write,
                      struct producer_match *match, struct diag *diag)
{
    const struct batch_header *header = write->header;
    if (header->producer_id < 0)
        return ERR_OK;
    const struct producer *producer = find(producers, header->producer_id);
    bool transactional = header->attributes & BATCH_TRANSACTIONAL;
    if (!producer) {
        if (transactional && !write->marker && !write->internal &&
            write->txn_version >= PRODUCER_BUMPS && header->base_sequence != 0)
            return FAIL(diag, ERR_OUT_OF_ORDER_SEQUENCE,
                        "producer %lld is new here and sent sequence %d, expected 0",
                        (long long)header->producer_id, header->base_sequence);
        return ERR_OK;
    }
    if (write->marker)
        return check_marker(producer, write, diag);
    if (!write->internal)
        TRY(find_duplicate(producer, header, match, diag));
    TRY(check_epoch(producer, write, diag));
    if (!write->internal)
        TRY(check_sequence(producer, header, diag));
    if (producer->txn_first_offset >= 0 && !transactional)
        return FAIL(diag, ERR_INVALID_TXN_STATE,
                    "producer %lld has an open transaction from offset %lld on, the batch is not "
                    "part of one",
                    (long long)producer->id, (long long)producer->txn_first_offset);
    return ERR_OK;
}

// --- open transactions ---

static void close_txn(struct producers *producers, struct producer *producer,
                      struct open_txn *closed)
{
    for (size_t i = 0; producer->txn_first_offset >= 0 && i < producers->open.count; i++) {
        if (producers->open.items[i].producer_id != producer->id)
            continue;
        *closed = producers->open.items[i];
        vec_remove(&producers->open, i);
        break;
    }
    producer->txn_first_offset = -1;
}

static void open_txn(struct producers *producers, struct producer *producer, struct open_txn open)
{
    vec_push(&producers->open, open);
    size_t at = producers->open.count - 1;
    for (; at > 0 && producers->open.items[at - 1].first_offset > open.first_offset; at--)
        producers->open.items[at] = producers->open.items[at - 1];
    producers->open.items[at] = open;
    producer->txn_first_offset = open.first_offset;
}

// --- record ---

static void forget(struct producers *producers, int64_t id)
{
    mem_free(find(producers, id));
    producer_map_remove(&producers->map, id);
}

// Whoever makes up producer ids must not fill the memory: the older part of them goes.
static void make_room(struct producers *producers)
{
    int64_t oldest_ms = INT64_MAX, newest_ms = INT64_MIN;
    const struct producer_map *map = &producers->map;
    for (size_t i = 0; i < map->capacity; i++) {
        if (!map->used[i] || map->values[i]->txn_first_offset >= 0)
            continue;
        int64_t seen_ms = map->values[i]->seen_ms;
        oldest_ms = seen_ms < oldest_ms ? seen_ms : oldest_ms;
        newest_ms = seen_ms > newest_ms ? seen_ms : newest_ms;
    }
    if (newest_ms >= oldest_ms)
        producers_expire(producers, oldest_ms + (newest_ms - oldest_ms) / 4 + 1);
}

static void add_batch(struct producer *producer, const struct batch_header *header)
{
    if (producer->batch_count == PRODUCER_BATCHES) {
        memmove(producer->batches, producer->batches + 1,
                (PRODUCER_BATCHES - 1) * sizeof *producer->batches);
        producer->batch_count--;
    }
    producer->batches[producer->batch_count++] = (struct producer_batch){
        .first_sequence = header->base_sequence,
        .last_sequence = batch_header_last_sequence(header),
        .base_offset = header->base_offset,
        .last_offset = batch_header_last_offset(header),
    };
}

static struct producer *get(struct producers *producers, int64_t id, bool *added)
{
    if (producers->map.count >= PRODUCERS_MAX && !find(producers, id))
        make_room(producers);
    struct producer **slot = producer_map_put(&producers->map, id, added);
    if (*added) {
        *slot = MEM_NEW(struct producer);
        **slot = (struct producer){.id = id,
                                   .last_timestamp = -1,
                                   .txn_first_offset = -1,
                                   .coordinator_epoch = -1,
                                   .epoch = -1};
    }
    return *slot;
}

void producers_record(struct producers *producers, const struct producer_write *write,
                      struct producer_undo *undo, struct ended_txn *ended)
{
    const struct batch_header *header = write->header;
    bool added;
    struct producer *producer = get(producers, header->producer_id, &added);
    struct producer before = *producer;
    struct open_txn closed = {.first_offset = -1};
    if (producer->epoch != header->producer_epoch) {
        producer->epoch = header->producer_epoch;
        producer->batch_count = 0;
    }
    producer->last_timestamp = header->max_timestamp;
    producer->seen_ms = write->now_ms;
    if (write->marker) {
        producer->coordinator_epoch = write->marker->coordinator_epoch;
        close_txn(producers, producer, &closed);
    } else {
        if (header->base_sequence >= 0)
            add_batch(producer, header);
        if ((header->attributes & BATCH_TRANSACTIONAL) && producer->txn_first_offset < 0)
            open_txn(producers, producer,
                     (struct open_txn){header->base_offset, producer->id, write->segment_base,
                                       write->position});
    }
    if (ended) {
        ended->first_offset =
            before.txn_first_offset >= 0 && write->marker ? before.txn_first_offset : -1;
        ended->stable = producers->open.count > 0 ? producers->open.items[0].first_offset
                                                  : batch_header_last_offset(header) + 1;
    }
    if (undo)
        *undo = (struct producer_undo){!added, before, closed};
}

void producers_undo(struct producers *producers, const struct producer_undo *undo)
{
    struct producer *producer = find(producers, undo->before.id);
    struct open_txn closed;
    if (!producer)
        return;
    bool was_open = producer->txn_first_offset >= 0;
    if (was_open && producer->txn_first_offset != undo->before.txn_first_offset)
        close_txn(producers, producer, &closed);
    if (!undo->existed) {
        forget(producers, undo->before.id);
        return;
    }
    if (undo->before.txn_first_offset >= 0 && !was_open)
        open_txn(producers, producer, undo->open);
    *producer = undo->before;
}

void producers_expire(struct producers *producers, int64_t before_ms)
{
    struct producer_map *map = &producers->map;
    for (size_t i = 0; i < map->capacity;) {
        // Removing pulls a later entry into this place: look at it again.
        if (map->used[i] && map->values[i]->seen_ms < before_ms &&
            map->values[i]->txn_first_offset < 0)
            forget(producers, map->keys[i]);
        else
            i++;
    }
}

void producers_write(const struct producers *producers, struct str *out)
{
    const struct producer_map *map = &producers->map;
    writer_u32(out, (uint32_t)map->count);
    for (size_t i = 0; i < map->capacity; i++) {
        if (!map->used[i])
            continue;
        const struct producer *producer = map->values[i];
        writer_i64(out, producer->id);
        writer_i64(out, producer->seen_ms);
        writer_i64(out, producer->last_timestamp);
        writer_i64(out, producer->txn_first_offset);
        writer_i32(out, producer->coordinator_epoch);
        writer_i16(out, producer->epoch);
        writer_u8(out, producer->batch_count);
        for (int b = 0; b < producer->batch_count; b++) {
            writer_i32(out, producer->batches[b].first_sequence);
            writer_i32(out, producer->batches[b].last_sequence);
            writer_i64(out, producer->batches[b].base_offset);
            writer_i64(out, producer->batches[b].last_offset);
        }
    }
}

void producers_read(struct producers *producers, struct reader *reader)
{
    uint32_t count = reader_u32(reader);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        struct producer read = {.id = reader_i64(reader)};
        read.seen_ms = reader_i64(reader);
        read.last_timestamp = reader_i64(reader);
        read.txn_first_offset = reader_i64(reader);
        read.coordinator_epoch = reader_i32(reader);
        read.epoch = reader_i16(reader);
        read.batch_count = reader_u8(reader);
        if (read.batch_count > PRODUCER_BATCHES)
            reader_fail(reader);
        for (int b = 0; b < read.batch_count && !reader->failed; b++) {
            read.batches[b].first_sequence = reader_i32(reader);
            read.batches[b].last_sequence = reader_i32(reader);
            read.batches[b].base_offset = reader_i64(reader);
            read.batches[b].last_offset = reader_i64(reader);
        }
        if (reader->failed)
            return;
        bool added;
        struct producer **slot = producer_map_put(&producers->map, read.id, &added);
        if (!added) // one producer twice
            reader_fail(reader);
        else
            *slot = MEM_NEW(struct producer);
        **slot = read;
        if (added && read.txn_first_offset >= 0)
            open_txn(producers, *slot, (struct open_txn){read.txn_first_offset, read.id, -1, -1});
    }
}

void producers_release(struct producers *producers)
{
    for (size_t i = 0; i < producers->map.capacity; i++)
        if (producers->map.used[i])
            mem_free(producers->map.values[i]);
    producer_map_release(&producers->map);
    vec_release(&producers->open);
}
