// SPDX-License-Identifier: Apache-2.0
#include "broker/consumer_records.h"

#include "base/log.h"
#include "broker/consumer_int.h"
#include "broker/group_records.h"
#include "wire/kafka/consumer_group.h"

typedef struct kafka_consumer_group_target_assignment_member_value_topic_partition target_topic;
typedef struct kafka_consumer_group_current_member_assignment_value_topic_partitions current_topic;
typedef struct kafka_consumer_group_current_member_assignment_value_pending_topic_partitions
    pending_topic;
typedef struct kafka_consumer_group_member_metadata_value_classic_member_metadata classic_member;
typedef struct kafka_consumer_group_member_metadata_value_classic_protocol classic_protocol;

enum { VALUE_VERSION = 0 };

static struct bytes text_or_null(const char *text)
{
    return text ? bytes_from(text) : BYTES_NULL;
}

// `value` begins with its version.
static void put(struct record_builder *records, enum consumer_record type,
                const struct group *group, const char *name, struct str *value)
{
    group_record_put(records, (int16_t)type, group, name, str_bytes(value));
    str_release(value);
}

static struct str begin(void)
{
    struct str value = {0};
    writer_i16(&value, VALUE_VERSION);
    return value;
}

// --- writing -------------------------------------------------------------------------

void consumer_record_add_group(struct record_builder *records, const struct group *group)
{
    struct str value = begin();
    struct kafka_consumer_group_metadata_value m = {group->consumer->epoch,
                                                    (int64_t)group->consumer->topics_hash};
    kafka_consumer_group_metadata_value_encode(&m, VALUE_VERSION, &value);
    put(records, CONSUMER_RECORD_GROUP, group, NULL, &value);
}

static classic_member *classic_of(struct arena *arena, const struct consumer_classic *classic)
{
    classic_member *out = ARENA_NEW(arena, classic_member);
    size_t count = classic->protocols.count;
    out->session_timeout_ms = classic->session_ms;
    out->supported_protocols = ARENA_ARRAY(arena, classic_protocol, count);
    out->supported_protocols_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        out->supported_protocols[i] = (classic_protocol){classic->protocols.items[i].name,
                                                         classic->protocols.items[i].metadata};
    return out;
}

void consumer_record_add_member(struct record_builder *records, const struct group *group,
                                const struct consumer_member *member)
{
    struct str value = begin();
    struct arena arena = ARENA_INIT;
    struct kafka_consumer_group_member_metadata_value m;
    kafka_consumer_group_member_metadata_value_init(&m);
    m.instance_id = text_or_null(member->instance_id);
    m.rack_id = text_or_null(member->rack_id);
    m.client_id = bytes_from(member->client_id);
    m.client_host = bytes_from(member->client_host);
    m.subscribed_topic_names = ARENA_ARRAY(&arena, struct bytes, member->topics.count);
    m.subscribed_topic_names_count = (int32_t)member->topics.count;
    for (size_t i = 0; i < member->topics.count; i++)
        m.subscribed_topic_names[i] = bytes_from(member->topics.items[i]);
    m.subscribed_topic_regex = text_or_null(member->regex);
    m.rebalance_timeout_ms = member->rebalance_timeout_ms;
    m.server_assignor = text_or_null(member->assignor);
    m.classic_member_metadata = member->classic ? classic_of(&arena, member->classic) : NULL;
    kafka_consumer_group_member_metadata_value_encode(&m, VALUE_VERSION, &value);
    put(records, CONSUMER_RECORD_MEMBER, group, member->id, &value);
    arena_release(&arena);
}

void consumer_record_add_target(struct record_builder *records, const struct group *group)
{
    struct str value = begin();
    struct kafka_consumer_group_target_assignment_metadata_value m = {group->consumer->target_epoch,
                                                                      group->consumer->target_ms};
    kafka_consumer_group_target_assignment_metadata_value_encode(&m, VALUE_VERSION, &value);
    put(records, CONSUMER_RECORD_TARGET, group, NULL, &value);
}

// How many partitions of one topic begin at `at`.
static size_t run_of(const struct consumer_parts *parts, size_t at)
{
    size_t count = 1;
    while (at + count < parts->count &&
           memcmp(parts->items[at].topic, parts->items[at + count].topic, 16) == 0)
        count++;
    return count;
}

static int32_t *partitions_of(struct arena *arena, const struct consumer_part *parts, size_t count)
{
    int32_t *partitions = ARENA_ARRAY(arena, int32_t, count);
    for (size_t i = 0; i < count; i++)
        partitions[i] = parts[i].partition;
    return partitions;
}

static int32_t *epochs_of(struct arena *arena, const struct consumer_part *parts, size_t count)
{
    int32_t *epochs = ARENA_ARRAY(arena, int32_t, count);
    for (size_t i = 0; i < count; i++)
        epochs[i] = parts[i].epoch;
    return epochs;
}

void consumer_record_add_target_member(struct record_builder *records, const struct group *group,
                                       const struct consumer_member *member)
{
    struct str value = begin();
    struct arena arena = ARENA_INIT;
    const struct consumer_parts *parts = &member->target;
    struct kafka_consumer_group_target_assignment_member_value m = {
        ARENA_ARRAY(&arena, target_topic, parts->count), 0};
    for (size_t at = 0, count; at < parts->count; at += count) {
        count = run_of(parts, at);
        target_topic *topic = &m.topic_partitions[m.topic_partitions_count++];
        memcpy(topic->topic_id.bytes, parts->items[at].topic, 16);
        topic->partitions = partitions_of(&arena, &parts->items[at], count);
        topic->partitions_count = (int32_t)count;
    }
    kafka_consumer_group_target_assignment_member_value_encode(&m, VALUE_VERSION, &value);
    put(records, CONSUMER_RECORD_TARGET_MEMBER, group, member->id, &value);
    arena_release(&arena);
}

static current_topic *current_topics(struct arena *arena, const struct consumer_parts *parts,
                                     int32_t *topics)
{
    current_topic *all = ARENA_ARRAY(arena, current_topic, parts->count);
    *topics = 0;
    for (size_t at = 0, count; at < parts->count; at += count) {
        count = run_of(parts, at);
        current_topic *topic = &all[(*topics)++];
        memcpy(topic->topic_id.bytes, parts->items[at].topic, 16);
        topic->partitions = partitions_of(arena, &parts->items[at], count);
        topic->assignment_epochs = epochs_of(arena, &parts->items[at], count);
        topic->partitions_count = topic->assignment_epochs_count = (int32_t)count;
    }
    return all;
}

void consumer_record_add_current(struct record_builder *records, const struct group *group,
                                 const struct consumer_member *member)
{
    struct str value = begin();
    struct arena arena = ARENA_INIT;
    struct kafka_consumer_group_current_member_assignment_value m;
    kafka_consumer_group_current_member_assignment_value_init(&m);
    m.member_epoch = member->epoch;
    m.previous_member_epoch = member->previous_epoch;
    m.state = (int8_t)member->state;
    m.assigned_partitions = current_topics(&arena, &member->assigned, &m.assigned_partitions_count);
    int32_t count;
    const current_topic *revoking = current_topics(&arena, &member->revoking, &count);
    m.partitions_pending_revocation = ARENA_ARRAY(&arena, pending_topic, (size_t)count);
    m.partitions_pending_revocation_count = count;
    for (int32_t i = 0; i < count; i++)
        m.partitions_pending_revocation[i] = (pending_topic){
            revoking[i].topic_id, revoking[i].partitions, revoking[i].partitions_count,
            revoking[i].assignment_epochs, revoking[i].assignment_epochs_count};
    kafka_consumer_group_current_member_assignment_value_encode(&m, VALUE_VERSION, &value);
    put(records, CONSUMER_RECORD_CURRENT, group, member->id, &value);
    arena_release(&arena);
}

void consumer_record_add_regex(struct record_builder *records, const struct group *group,
                               const struct consumer_regex *regex)
{
    struct str value = begin();
    struct arena arena = ARENA_INIT;
    struct kafka_consumer_group_regular_expression_value m = {
        ARENA_ARRAY(&arena, struct bytes, regex->topics.count), (int32_t)regex->topics.count,
        (int64_t)regex->version, regex->resolved_ms};
    for (size_t i = 0; i < regex->topics.count; i++)
        m.topics[i] = bytes_from(regex->topics.items[i]);
    kafka_consumer_group_regular_expression_value_encode(&m, VALUE_VERSION, &value);
    put(records, CONSUMER_RECORD_REGEX, group, regex->pattern, &value);
    arena_release(&arena);
}

void consumer_record_add_gone(struct record_builder *records, const struct group *group,
                              const char *member_id)
{
    group_record_put(records, CONSUMER_RECORD_CURRENT, group, member_id, BYTES_NULL);
    group_record_put(records, CONSUMER_RECORD_TARGET_MEMBER, group, member_id, BYTES_NULL);
    group_record_put(records, CONSUMER_RECORD_MEMBER, group, member_id, BYTES_NULL);
}

void consumer_record_add_regex_gone(struct record_builder *records, const struct group *group,
                                    const char *pattern)
{
    group_record_put(records, CONSUMER_RECORD_REGEX, group, pattern, BYTES_NULL);
}

void consumer_record_add_group_gone(struct record_builder *records, const struct group *group)
{
    for (size_t i = 0; i < group->consumer->regexes.count; i++)
        consumer_record_add_regex_gone(records, group, group->consumer->regexes.items[i]->pattern);
    group_record_put(records, CONSUMER_RECORD_TARGET, group, NULL, BYTES_NULL);
    group_record_put(records, CONSUMER_RECORD_GROUP, group, NULL, BYTES_NULL);
}

// --- loading -------------------------------------------------------------------------

bool consumer_record_is(int16_t type)
{
    return type == CONSUMER_RECORD_GROUP || type == CONSUMER_RECORD_TARGET ||
           consumer_record_names(type);
}

bool consumer_record_names(int16_t type)
{
    return type == CONSUMER_RECORD_MEMBER || type == CONSUMER_RECORD_TARGET_MEMBER ||
           type == CONSUMER_RECORD_CURRENT || type == CONSUMER_RECORD_REGEX;
}

static bool load_group(struct group *group, struct reader *value, struct arena *arena)
{
    struct kafka_consumer_group_metadata_value m;
    if (!kafka_consumer_group_metadata_value_decode(&m, VALUE_VERSION, value, arena))
        return false;
    group->consumer->epoch = m.epoch;
    group->consumer->topics_hash = (uint64_t)m.metadata_hash;
    return true;
}

static bool load_target(struct group *group, struct reader *value, struct arena *arena)
{
    struct kafka_consumer_group_target_assignment_metadata_value m;
    if (!kafka_consumer_group_target_assignment_metadata_value_decode(&m, VALUE_VERSION, value,
                                                                      arena))
        return false;
    group->consumer->target_epoch = m.assignment_epoch;
    group->consumer->target_ms = m.assignment_timestamp;
    return true;
}

static void set_text(char **slot, struct bytes text)
{
    mem_free(*slot);
    *slot = text.ptr ? group__text(text) : NULL;
}

static void load_classic(struct consumer *consumer, struct consumer_member *member,
                         const classic_member *in, struct arena *arena)
{
    if (!in) {
        consumer__drop_classic(consumer, member);
        return;
    }
    size_t count = (size_t)in->supported_protocols_count;
    struct group_protocol *protocols = ARENA_ARRAY(arena, struct group_protocol, count);
    for (size_t i = 0; i < count; i++)
        protocols[i] = (struct group_protocol){in->supported_protocols[i].name,
                                               in->supported_protocols[i].metadata};
    consumer__set_classic(consumer, member, in->session_timeout_ms, protocols, count);
}

static bool load_member(struct consumer *consumer, struct consumer_member *member,
                        struct reader *value, struct arena *arena)
{
    struct kafka_consumer_group_member_metadata_value m;
    if (!kafka_consumer_group_member_metadata_value_decode(&m, VALUE_VERSION, value, arena))
        return false;
    if (member->regex && *member->regex)
        consumer__leave_regex(consumer, member->regex);
    consumer__set_instance(consumer, member, m.instance_id);
    set_text(&member->rack_id, m.rack_id);
    set_text(&member->client_id, m.client_id);
    set_text(&member->client_host, m.client_host);
    set_text(&member->regex, m.subscribed_topic_regex);
    set_text(&member->assignor, m.server_assignor);
    member->rebalance_timeout_ms = m.rebalance_timeout_ms;
    consumer__set_topics(consumer, member, m.subscribed_topic_names,
                         m.subscribed_topic_names_count);
    if (member->regex && *member->regex)
        consumer__use_regex(consumer, member->regex);
    load_classic(consumer, member, m.classic_member_metadata, arena);
    member->loading = false;
    return true;
}

static void add_parts(struct consumer_parts *parts, const struct kafka_uuid *topic,
                      const int32_t *partitions, int32_t count, const int32_t *epochs,
                      int32_t epoch_count, int32_t epoch)
{
    for (int32_t i = 0; i < count; i++) {
        struct consumer_part part = {.partition = partitions[i],
                                     .epoch = i < epoch_count ? epochs[i] : epoch};
        memcpy(part.topic, topic->bytes, sizeof part.topic);
        consumer_parts_add(parts, part);
    }
}

static bool load_target_member(struct consumer_member *member, struct reader *value,
                               struct arena *arena)
{
    struct kafka_consumer_group_target_assignment_member_value m;
    if (!kafka_consumer_group_target_assignment_member_value_decode(&m, VALUE_VERSION, value,
                                                                    arena))
        return false;
    vec_clear(&member->target);
    for (int32_t i = 0; i < m.topic_partitions_count; i++)
        add_parts(&member->target, &m.topic_partitions[i].topic_id,
                  m.topic_partitions[i].partitions, m.topic_partitions[i].partitions_count, NULL, 0,
                  0);
    consumer_parts_sort(&member->target);
    member->has_target = true;
    return true;
}

static bool load_current(struct consumer *consumer, struct consumer_member *member,
                         struct reader *value, struct arena *arena)
{
    struct kafka_consumer_group_current_member_assignment_value m;
    if (!kafka_consumer_group_current_member_assignment_value_decode(&m, VALUE_VERSION, value,
                                                                     arena))
        return false;
    struct consumer_parts assigned = {0};
    struct consumer_parts revoking = {0};
    member->epoch = m.member_epoch;
    member->previous_epoch = m.previous_member_epoch;
    member->state = m.state == CONSUMER_UNREVOKED || m.state == CONSUMER_UNRELEASED
                        ? (enum consumer_state)m.state
                        : CONSUMER_STABLE;
    for (int32_t i = 0; i < m.assigned_partitions_count; i++) {
        const current_topic *topic = &m.assigned_partitions[i];
        add_parts(&assigned, &topic->topic_id, topic->partitions, topic->partitions_count,
                  topic->assignment_epochs, topic->assignment_epochs_count, m.member_epoch);
    }
    for (int32_t i = 0; i < m.partitions_pending_revocation_count; i++) {
        const pending_topic *topic = &m.partitions_pending_revocation[i];
        add_parts(&revoking, &topic->topic_id, topic->partitions, topic->partitions_count,
                  topic->assignment_epochs, topic->assignment_epochs_count, m.member_epoch);
    }
    consumer_parts_sort(&assigned);
    consumer_parts_sort(&revoking);
    consumer__set_parts(consumer, member, &assigned, &revoking);
    return true;
}

static bool load_regex(struct consumer *consumer, struct bytes pattern, struct reader *value,
                       struct arena *arena)
{
    struct kafka_consumer_group_regular_expression_value m;
    if (!kafka_consumer_group_regular_expression_value_decode(&m, VALUE_VERSION, value, arena))
        return false;
    char *text = arena_text(arena, pattern);
    struct consumer_regex *regex = consumer__regex(consumer, text);
    if (!regex) { // before the member that uses it
        consumer__use_regex(consumer, text);
        regex = consumer__regex(consumer, text);
        regex->members = 0;
    }
    char **topics = ARENA_ARRAY(arena, char *, (size_t)m.topics_count);
    for (int32_t i = 0; i < m.topics_count; i++)
        topics[i] = arena_text(arena, m.topics[i]);
    consumer__set_regex_topics(consumer, regex, topics, (size_t)m.topics_count);
    regex->resolved = true;
    regex->version = (uint64_t)m.version;
    regex->resolved_ms = m.timestamp;
    return true;
}

static struct consumer_member *member_of(struct consumer *consumer, struct bytes id,
                                         struct arena *arena)
{
    struct consumer_member *member = consumer_member(consumer, id);
    if (!member) {
        member = consumer__add_member(consumer, arena_text(arena, id));
        member->loading = true;
    }
    return member;
}

static void unload_member(struct group *group, struct bytes id)
{
    struct consumer_member *member = consumer_member(group->consumer, id);
    struct record_builder records = {0};
    if (member)
        consumer__take_out(group, member, &records);
    record_builder_release(&records);
}

static void unload(struct group *group, int16_t type, struct bytes name)
{
    struct consumer_parts none[2] = {{0}, {0}};
    struct consumer_member *member = consumer_member(group->consumer, name);
    if (type == CONSUMER_RECORD_MEMBER) {
        unload_member(group, name);
    } else if (type == CONSUMER_RECORD_CURRENT && member) {
        consumer__set_parts(group->consumer, member, &none[0], &none[1]);
        member->epoch = member->previous_epoch = CONSUMER_LEAVE;
    } else if (type == CONSUMER_RECORD_TARGET_MEMBER && member) {
        consumer_parts_release(&member->target);
    } else if (type == CONSUMER_RECORD_TARGET) {
        group->consumer->target_epoch = -1;
        group->consumer->target_ms = 0;
    } else if (type == CONSUMER_RECORD_GROUP) {
        consumer_free(group->consumer);
        group->consumer = NULL;
    }
}

bool consumer_record_apply(struct group *group, struct consumer_env *env, int16_t type,
                           struct bytes name, struct bytes value)
{
    if (!value.ptr) {
        if (group->consumer)
            unload(group, type, name);
        return true;
    }
    struct arena arena = ARENA_INIT;
    struct reader reader = reader_make(value);
    bool fine = reader_i16(&reader) == VALUE_VERSION;
    if (fine && !group->consumer) {
        group__reset(group);
        group->consumer = consumer__new(env);
    }
    struct consumer *consumer = group->consumer;
    if (!fine)
        LOG_WARN("broker", "a group's record has an unknown version", "group=%s", group->id);
    else if (type == CONSUMER_RECORD_GROUP)
        fine = load_group(group, &reader, &arena);
    else if (type == CONSUMER_RECORD_TARGET)
        fine = load_target(group, &reader, &arena);
    else if (type == CONSUMER_RECORD_MEMBER)
        fine = load_member(consumer, member_of(consumer, name, &arena), &reader, &arena);
    else if (type == CONSUMER_RECORD_TARGET_MEMBER)
        fine = load_target_member(member_of(consumer, name, &arena), &reader, &arena);
    else if (type == CONSUMER_RECORD_CURRENT)
        fine = load_current(consumer, member_of(consumer, name, &arena), &reader, &arena);
    else
        fine = load_regex(consumer, name, &reader, &arena);
    arena_release(&arena);
    return fine;
}
