// SPDX-License-Identifier: Apache-2.0
//
// The rules are those of Kafka's ProducerAppendInfo: a producer nobody remembers may start anywhere
// (its state may have expired), a new epoch starts at sequence 0, sequences follow each other and
// wrap from 2^31-1 to 0.
#include "store/log/producer.h"

#include "wire/writer.h"

static struct producer *find(const struct producers *producers, int64_t id)
{
    struct producer **slot = producer_map_get(&producers->map, id);
    return slot ? *slot : NULL;
}

err_t producers_admit(const struct producers *producers, const struct batch_header *header,
                      struct producer_match *match, struct diag *diag)
{
    if (header->producer_id < 0)
        return ERR_OK;
    const struct producer *producer = find(producers, header->producer_id);
    if (!producer)
        return ERR_OK;
    long long id = header->producer_id;
    if (header->producer_epoch < producer->epoch)
        return FAIL(diag, ERR_PRODUCER_EPOCH, "producer %lld has epoch %d here, the batch has %d",
                    id, producer->epoch, header->producer_epoch);
    if (header->producer_epoch > producer->epoch) {
        if (header->base_sequence != 0)
            return FAIL(diag, ERR_OUT_OF_ORDER_SEQUENCE,
                        "producer %lld starts epoch %d with sequence %d, expected 0", id,
                        header->producer_epoch, header->base_sequence);
        return ERR_OK;
    }
    int32_t last = batch_header_last_sequence(header);
    for (int i = 0; i < producer->batch_count; i++) {
        const struct producer_batch *batch = &producer->batches[i];
        if (batch->first_sequence != header->base_sequence || batch->last_sequence != last)
            continue;
        *match = (struct producer_match){batch->base_offset, batch->last_offset};
        return FAIL(diag, ERR_DUPLICATE_SEQUENCE, "producer %lld sent sequence %d before", id,
                    header->base_sequence);
    }
    if (producer->batch_count == 0)
        return ERR_OK;
    int32_t before = producer->batches[producer->batch_count - 1].last_sequence;
    int32_t expected = before == INT32_MAX ? 0 : before + 1;
    if (header->base_sequence != expected)
        return FAIL(diag, ERR_OUT_OF_ORDER_SEQUENCE, "producer %lld sent sequence %d, expected %d",
                    id, header->base_sequence, expected);
    return ERR_OK;
}

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
        if (!map->used[i])
            continue;
        int64_t seen_ms = map->values[i]->seen_ms;
        oldest_ms = seen_ms < oldest_ms ? seen_ms : oldest_ms;
        newest_ms = seen_ms > newest_ms ? seen_ms : newest_ms;
    }
    producers_expire(producers, oldest_ms + (newest_ms - oldest_ms) / 4 + 1);
}

void producers_record(struct producers *producers, const struct batch_header *header,
                      int64_t now_ms, struct producer_undo *undo)
{
    bool added;
    if (producers->map.count >= PRODUCERS_MAX && !find(producers, header->producer_id))
        make_room(producers);
    struct producer **slot = producer_map_put(&producers->map, header->producer_id, &added);
    if (added) {
        *slot = MEM_NEW(struct producer);
        (*slot)->id = header->producer_id;
        (*slot)->epoch = header->producer_epoch;
    }
    struct producer *producer = *slot;
    if (undo) {
        undo->existed = !added;
        undo->before = *producer;
    }
    if (producer->epoch != header->producer_epoch) {
        producer->epoch = header->producer_epoch;
        producer->batch_count = 0;
    }
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
    producer->seen_ms = now_ms;
}

void producers_undo(struct producers *producers, const struct producer_undo *undo)
{
    if (!undo->existed) {
        forget(producers, undo->before.id);
        return;
    }
    struct producer *producer = find(producers, undo->before.id);
    if (producer)
        *producer = undo->before;
}

void producers_expire(struct producers *producers, int64_t before_ms)
{
    struct producer_map *map = &producers->map;
    for (size_t i = 0; i < map->capacity;) {
        // Removing pulls a later entry into this place: look at it again.
        if (map->used[i] && map->values[i]->seen_ms < before_ms)
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
        if (added)
            *slot = MEM_NEW(struct producer);
        **slot = read;
    }
}

void producers_release(struct producers *producers)
{
    for (size_t i = 0; i < producers->map.capacity; i++)
        if (producers->map.used[i])
            mem_free(producers->map.values[i]);
    producer_map_release(&producers->map);
}
