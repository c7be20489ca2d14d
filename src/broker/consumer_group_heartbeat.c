// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/consumer_group_heartbeat.h"

#include "broker/access.h"
#include "broker/assign.h"
#include "broker/consumer.h"
#include "broker/groups.h"

enum { MEMBER_ID_FROM = 1 }; // members make their own ids

typedef struct kafka_consumer_group_heartbeat_response_topic_partitions out_topic;

struct beating {
    struct request *request;
    struct consumer_beat beat;
    struct consumer_parts owned;
};

static void respond_error(struct request *request, err_t err, const char *message)
{
    struct kafka_consumer_group_heartbeat_response response;
    kafka_consumer_group_heartbeat_response_init(&response);
    response.member_id = BYTES_NULL;
    response.error_code = kafka_code(err);
    response.error_message = bytes_from(message ? message : err_info(err)->text);
    request_respond(request, &response);
}

static void fill_assignment(struct arena *arena, const struct consumer_beat *beat,
                            struct kafka_consumer_group_heartbeat_response *response)
{
    struct kafka_consumer_group_heartbeat_response_assignment *assignment =
        ARENA_NEW(arena, struct kafka_consumer_group_heartbeat_response_assignment);
    size_t count = beat->assignment_count;
    int32_t *partitions = ARENA_ARRAY(arena, int32_t, count);
    assignment->topic_partitions = ARENA_ARRAY(arena, out_topic, count);
    for (size_t i = 0; i < count; i++) {
        const struct consumer_part *part = &beat->assignment[i];
        if (i == 0 || memcmp(part->topic, part[-1].topic, sizeof part->topic) != 0) {
            out_topic *topic = &assignment->topic_partitions[assignment->topic_partitions_count++];
            memcpy(topic->topic_id.bytes, part->topic, sizeof part->topic);
            topic->partitions = &partitions[i];
        }
        partitions[i] = part->partition;
        assignment->topic_partitions[assignment->topic_partitions_count - 1].partitions_count++;
    }
    response->assignment = assignment;
}

static void done(struct consumer_beat *beat)
{
    struct beating *beating = CONTAINER_OF(beat, struct beating, beat);
    struct request *request = beating->request;
    if (beat->err != ERR_OK) {
        respond_error(request, beat->err, beat->message);
        return;
    }
    struct kafka_consumer_group_heartbeat_response response;
    kafka_consumer_group_heartbeat_response_init(&response);
    response.member_id = beat->out_member_id;
    response.member_epoch = beat->out_epoch;
    response.heartbeat_interval_ms = beat->heartbeat_ms;
    if (beat->has_assignment)
        fill_assignment(&request->arena, beat, &response);
    request_respond(request, &response);
}

static void resolve(struct consumer_beat *beat, struct group *group)
{
    struct beating *beating = CONTAINER_OF(beat, struct beating, beat);
    groups_resolve(beating->request->broker->groups, group, request_identity(beating->request));
}

// --- checks --------------------------------------------------------------------------

static bool is_empty_text(struct bytes text)
{
    return text.ptr && text.size == 0;
}

static const char *join_fault(const struct kafka_consumer_group_heartbeat_request *m)
{
    if (m->rebalance_timeout_ms == -1)
        return "RebalanceTimeoutMs must be provided in first request.";
    if (m->topic_partitions_count != 0)
        return "TopicPartitions must be empty when (re-)joining.";
    if (m->subscribed_topic_names_count < 0 && !m->subscribed_topic_regex.ptr)
        return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when "
               "(re-)joining.";
    return NULL;
}

static const char *fault(const struct kafka_consumer_group_heartbeat_request *m, int16_t version)
{
    bool named =
        version >= MEMBER_ID_FROM || m->member_epoch > 0 || m->member_epoch == CONSUMER_LEAVE;
    if (named && m->member_id.size == 0)
        return "MemberId can't be empty.";
    if (m->group_id.size == 0)
        return "GroupId can't be empty.";
    if (bytes_has_zero(m->group_id))
        return "GroupId can't hold a zero byte.";
    if (is_empty_text(m->instance_id))
        return "InstanceId can't be empty.";
    if (is_empty_text(m->rack_id))
        return "RackId can't be empty.";
    if (m->member_epoch == CONSUMER_JOIN)
        return join_fault(m);
    if (m->member_epoch == CONSUMER_LEAVE_STATIC && !m->instance_id.ptr)
        return "InstanceId can't be null.";
    return m->member_epoch < CONSUMER_LEAVE_STATIC ? "MemberEpoch is invalid." : NULL;
}

static bool may_see_topics(struct request *request)
{
    const struct kafka_consumer_group_heartbeat_request *m = request->message;
    for (int32_t i = 0; i < m->subscribed_topic_names_count; i++)
        if (!request_may(request, ACL_DESCRIBE, ACL_TOPIC, m->subscribed_topic_names[i]))
            return false;
    return true;
}

// --- the request ---------------------------------------------------------------------

static void release_owned(void *ctx)
{
    consumer_parts_release(ctx);
}

static const struct consumer_parts *owned(struct beating *beating)
{
    const struct kafka_consumer_group_heartbeat_request *m = beating->request->message;
    if (m->topic_partitions_count < 0)
        return NULL;
    arena_on_clear(&beating->request->arena, release_owned, &beating->owned);
    for (int32_t t = 0; t < m->topic_partitions_count; t++) {
        for (int32_t p = 0; p < m->topic_partitions[t].partitions_count; p++) {
            struct consumer_part part = {.partition = m->topic_partitions[t].partitions[p]};
            memcpy(part.topic, m->topic_partitions[t].topic_id.bytes, sizeof part.topic);
            consumer_parts_add(&beating->owned, part);
        }
    }
    consumer_parts_sort(&beating->owned);
    return &beating->owned;
}

static void unref_group(void *ctx)
{
    group_unref(ctx);
}

static void beat(struct request *request, struct group *group)
{
    const struct kafka_consumer_group_heartbeat_request *m = request->message;
    struct groups *groups = request->broker->groups;
    struct beating *beating = ARENA_NEW(&request->arena, struct beating);
    beating->request = request;
    arena_on_clear(&request->arena, unref_group, group);
    beating->beat = (struct consumer_beat){
        .member_id = m->member_id,
        .epoch = m->member_epoch,
        .instance_id = m->instance_id,
        .rack_id = m->rack_id,
        .rebalance_timeout_ms = m->rebalance_timeout_ms,
        .topics = m->subscribed_topic_names,
        .topic_count = m->subscribed_topic_names_count,
        .regex = m->subscribed_topic_regex,
        .assignor = m->server_assignor,
        .owned = owned(beating),
        .client_id = request->header.client_id,
        .client_host = groups_client_host(request),
        .arena = &request->arena,
        .done = done,
        .resolve = resolve,
    };
    consumer_heartbeat(group, groups_env(groups), &beating->beat); // may end the request
    groups_watch(groups);
}

// NULL when this broker has it (group.consumer.assignors), or why not.
static const char *no_assignor(struct request *request, struct bytes name)
{
    struct str text = {0};
    struct bytes word;
    const char *all = settings_text(request->broker, "group.consumer.assignors", &request->arena);
    bool found = false, first = true;
    str_printf(&text,
               "ServerAssignor %.*s is not supported. Supported assignors:", BYTES_PRINT(name));
    for (size_t at = 0; kafka_config_word(bytes_from(all), &at, &word); first = false) {
        found = found || bytes_equal(word, name);
        str_printf(&text, "%s %.*s", first ? "" : ",", BYTES_PRINT(word));
    }
    const char *copy = found ? NULL : arena_printf(&request->arena, "%s.", str_text(&text));
    str_release(&text);
    return copy;
}

void consumer_group_heartbeat_handle(struct request *request)
{
    const struct kafka_consumer_group_heartbeat_request *m = request->message;
    struct groups *groups = request->broker->groups;
    if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id)) {
        respond_error(request, ERR_GROUP_UNAUTHORIZED, NULL);
        return;
    }
    if (!may_see_topics(request)) {
        respond_error(request, ERR_TOPIC_UNAUTHORIZED, NULL);
        return;
    }
    const char *wrong = fault(m, request_version(request));
    if (wrong) {
        respond_error(request, ERR_INVALID, wrong);
        return;
    }
    wrong = m->server_assignor.ptr ? no_assignor(request, m->server_assignor) : NULL;
    if (wrong) {
        respond_error(request, ERR_UNSUPPORTED_ASSIGNOR, wrong);
        return;
    }
    struct group *group = m->member_epoch == CONSUMER_JOIN ? groups_get(groups, m->group_id)
                                                           : groups_find(groups, m->group_id);
    if (group)
        beat(request, group);
    else
        respond_error(request, ERR_GROUP_NOT_FOUND,
                      arena_printf(&request->arena, "%s %.*s not found.",
                                   m->member_epoch < 0 ? "Group" : "Consumer group",
                                   BYTES_PRINT(m->group_id)));
}
