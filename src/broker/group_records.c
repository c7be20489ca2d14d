// SPDX-License-Identifier: Apache-2.0
#include "broker/group_records.h"

#include "broker/consumer.h"
#include "broker/group_int.h"
#include "os/clock.h"
#include "wire/kafka/consumer_group.h"
#include "wire/kafka/consumer_offsets.h"

enum { VALUE_VERSION = 3, VALUE_VERSION_MAX = 4 };

void group_record_put(struct record_builder *records, int16_t type, const struct group *group,
                      const char *name, struct bytes value)
{
    struct str key = {0};
    writer_i16(&key, type);
    if (name) { // every key of two parts has this layout
        struct kafka_consumer_group_member_metadata_key k = {bytes_from(group->id),
                                                             bytes_from(name)};
        kafka_consumer_group_member_metadata_key_encode(&k, type, &key);
    } else {
        struct kafka_group_metadata_key k = {bytes_from(group->id)};
        kafka_group_metadata_key_encode(&k, type, &key);
    }
    record_builder_add(records, clock_now_ms(), str_bytes(&key), value, NULL, 0);
    str_release(&key);
}

static struct bytes text_or_null(const char *text)
{
    return text ? bytes_from(text) : BYTES_NULL;
}

static struct bytes never_null(struct bytes bytes)
{
    return bytes.ptr ? bytes : bytes_make("", 0);
}

void group_record_add(struct record_builder *records, const struct group *group, bool next)
{
    struct arena arena = ARENA_INIT;
    struct str value = {0};
    struct kafka_group_metadata_value m;
    kafka_group_metadata_value_init(&m);
    m.protocol_type = bytes_from(group->protocol_type ? group->protocol_type : "");
    m.generation = group->generation;
    m.protocol = text_or_null(group->protocol);
    // Without a leader: the members are to join again before anything else.
    m.leader = text_or_null(group->state == GROUP_PREPARING ? NULL : group->leader);
    m.current_state_timestamp = group->state_since_ms;
    m.members_count = (int32_t)group->members.count;
    m.members = ARENA_ARRAY(&arena, struct kafka_group_metadata_value_member, group->members.count);
    for (size_t i = 0; i < group->members.count; i++) {
        const struct group_member *member = group->members.items[i];
        m.members[i] = (struct kafka_group_metadata_value_member){
            .member_id = bytes_from(member->id),
            .group_instance_id = text_or_null(member->instance_id),
            .client_id = bytes_from(member->client_id),
            .client_host = bytes_from(member->client_host),
            .rebalance_timeout = member->rebalance_timeout_ms,
            .session_timeout = member->session_timeout_ms,
            .subscription = group__metadata(member, group->protocol),
            .assignment = never_null(next ? member->next_assignment : member->assignment),
        };
    }
    writer_i16(&value, VALUE_VERSION);
    kafka_group_metadata_value_encode(&m, VALUE_VERSION, &value);
    group_record_put(records, GROUP_RECORD_CLASSIC, group, NULL, str_bytes(&value));
    str_release(&value);
    arena_release(&arena);
}

void group_record_add_tombstone(struct record_builder *records, const struct group *group)
{
    group_record_put(records, GROUP_RECORD_CLASSIC, group, NULL, BYTES_NULL);
}

// --- loading -------------------------------------------------------------------------

static void load_member(struct group *group, const struct kafka_group_metadata_value *m,
                        const struct kafka_group_metadata_value_member *in)
{
    struct group_protocol protocol = {never_null(m->protocol), in->subscription};
    struct group_join join = {
        .instance_id = in->group_instance_id,
        .client_id = in->client_id,
        .client_host = in->client_host,
        .protocols = &protocol,
        .protocol_count = 1,
        .session_timeout_ms = in->session_timeout,
        .rebalance_timeout_ms =
            in->rebalance_timeout == -1 ? in->session_timeout : in->rebalance_timeout,
    };
    char *id = group__text(in->member_id);
    struct group_member *member = group__new_member(group, id, &join);
    mem_free(id);
    member->synced = true;
    group__assign(member, in->assignment);
}

bool group_record_apply(struct group *group, struct bytes value)
{
    struct arena arena = ARENA_INIT;
    struct kafka_group_metadata_value m;
    struct reader reader = reader_make(value);
    int16_t version = value.ptr ? reader_i16(&reader) : 0;
    bool fine = !value.ptr || (version >= 0 && version <= VALUE_VERSION_MAX &&
                               kafka_group_metadata_value_decode(&m, version, &reader, &arena));
    if (fine && group->consumer && value.ptr) {
        consumer_free(group->consumer);
        group->consumer = NULL;
    }
    if (fine)
        group__reset(group);
    if (fine && value.ptr) {
        group->generation = m.generation;
        if (m.protocol_type.size)
            group->protocol_type = group__text(m.protocol_type);
        if (m.protocol.ptr)
            group->protocol = group__text(m.protocol);
        for (int32_t i = 0; i < m.members_count; i++)
            load_member(group, &m, &m.members[i]);
        if (m.leader.ptr && m.members_count)
            group__lead(group, m.leader);
        group->state = !m.members_count ? GROUP_EMPTY
                       : m.leader.ptr   ? GROUP_STABLE
                                        : GROUP_PREPARING;
        if (m.current_state_timestamp >= 0)
            group->state_since_ms = m.current_state_timestamp;
    }
    arena_release(&arena);
    return fine;
}
