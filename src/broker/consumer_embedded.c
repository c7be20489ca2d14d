// SPDX-License-Identifier: Apache-2.0
#include "broker/consumer_embedded.h"

#include "wire/kafka/consumer_protocol.h"

enum { VERSION_MAX = 3 }; // later ones begin with what this one says

// -1: there is none.
static int16_t read_version(struct reader *reader)
{
    int16_t version = reader_i16(reader);
    if (reader->failed || version < 0)
        return -1;
    return version < VERSION_MAX ? version : VERSION_MAX;
}

static void add_parts(struct consumer_env *env, struct bytes name, const int32_t *partitions,
                      int32_t count, struct consumer_parts *out)
{
    struct consumer_part part = {0};
    int32_t existing;
    if (!env->topic(env, name, part.topic, &existing))
        return;
    for (int32_t i = 0; i < count; i++) {
        part.partition = partitions[i];
        consumer_parts_add(out, part);
    }
}

bool consumer_subscribed_read(struct consumer_env *env, struct bytes metadata, struct arena *arena,
                              struct consumer_subscribed *out)
{
    struct kafka_consumer_protocol_subscription m;
    struct reader reader = reader_make(metadata);
    *out = (struct consumer_subscribed){.version = read_version(&reader)};
    if (out->version < 0 ||
        !kafka_consumer_protocol_subscription_decode(&m, out->version, &reader, arena))
        return false;
    out->topics = m.topics;
    out->topic_count = m.topics_count;
    out->rack_id = m.rack_id;
    for (int32_t i = 0; i < m.owned_partitions_count; i++)
        add_parts(env, m.owned_partitions[i].topic, m.owned_partitions[i].partitions,
                  m.owned_partitions[i].partitions_count, &out->owned);
    consumer_parts_sort(&out->owned);
    return true;
}

err_t consumer_assignment_read(struct consumer_env *env, struct bytes assignment,
                               struct consumer_parts *out)
{
    struct arena arena = ARENA_INIT;
    struct kafka_consumer_protocol_assignment m;
    struct reader reader = reader_make(assignment);
    int16_t version = assignment.size ? read_version(&reader) : -1;
    err_t err = ERR_OK;
    if (assignment.size &&
        (version < 0 || !kafka_consumer_protocol_assignment_decode(&m, version, &reader, &arena)))
        err = ERR_INCONSISTENT_PROTOCOL;
    else if (assignment.size && m.user_data.size)
        err = ERR_UNSUPPORTED_VERSION;
    for (int32_t i = 0; err == ERR_OK && assignment.size && i < m.assigned_partitions_count; i++)
        add_parts(env, m.assigned_partitions[i].topic, m.assigned_partitions[i].partitions,
                  m.assigned_partitions[i].partitions_count, out);
    consumer_parts_sort(out);
    arena_release(&arena);
    return err;
}

struct bytes consumer_assignment_write(struct consumer_env *env, const struct consumer_parts *parts,
                                       struct bytes metadata, struct arena *arena)
{
    struct str text = {0};
    struct kafka_consumer_protocol_assignment m;
    struct reader reader = reader_make(metadata);
    int16_t version = read_version(&reader);
    kafka_consumer_protocol_assignment_init(&m);
    m.assigned_partitions = ARENA_ARRAY(
        arena, struct kafka_consumer_protocol_assignment_assigned_partition, parts->count);
    int32_t *partitions = ARENA_ARRAY(arena, int32_t, parts->count);
    for (size_t at = 0, end; at < parts->count; at = end) {
        const char *name = env->name(env, parts->items[at].topic, arena);
        for (end = at;
             end < parts->count && memcmp(parts->items[end].topic, parts->items[at].topic, 16) == 0;
             end++)
            partitions[end] = parts->items[end].partition;
        if (name)
            m.assigned_partitions[m.assigned_partitions_count++] =
                (struct kafka_consumer_protocol_assignment_assigned_partition){
                    bytes_from(name), &partitions[at], (int32_t)(end - at)};
    }
    version = version < 0 ? 0 : version;
    writer_i16(&text, version);
    kafka_consumer_protocol_assignment_encode(&m, version, &text);
    struct bytes copy = arena_bytes(arena, str_bytes(&text));
    str_release(&text);
    return copy;
}
