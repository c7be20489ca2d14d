// SPDX-License-Identifier: Apache-2.0
//
// Metadata. A topic asked for that does not exist is made before the answer, so clients need no
// retry.
#include "wire/kafka/metadata.h"

#include "broker/access.h"
#include "broker/topics.h"

enum { IDS_FROM = 12 };

static void fill_partitions(struct request *request, struct kafka_metadata_response_topic *out,
                            struct topic *topic)
{
    out->partitions_count = topic_partition_count(topic);
    out->partitions = ARENA_ARRAY(&request->arena, struct kafka_metadata_response_partition,
                                  (size_t)out->partitions_count);
    int32_t *replicas = topics_replicas(&request->arena);
    for (int32_t i = 0; i < out->partitions_count; i++) {
        struct kafka_metadata_response_partition *partition = &out->partitions[i];
        kafka_metadata_response_partition_init(partition);
        partition->partition_index = i;
        partition->leader_id = BROKER_NODE_ID;
        partition->leader_epoch = BROKER_LEADER_EPOCH;
        partition->replica_nodes = partition->isr_nodes = replicas;
        partition->replica_nodes_count = partition->isr_nodes_count = 1;
    }
}

static void fill_operations(struct request *request, struct kafka_metadata_response_topic *out)
{
    const struct kafka_metadata_request *m = request->message;
    if (m->include_topic_authorized_operations)
        out->topic_authorized_operations = request_operations(request, ACL_TOPIC, out->name);
}

static void fill_topic(struct request *request, struct kafka_metadata_response_topic *out,
                       struct topic *topic)
{
    out->name = bytes_from(arena_strdup(&request->arena, topic_name(topic)));
    out->topic_id = topics_uuid(topic);
    out->is_internal = broker_topic_internal(topic_name(topic));
    fill_operations(request, out);
    fill_partitions(request, out, topic);
}

static bool may_create(struct request *request, struct bytes name)
{
    return request_could(request, ACL_CREATE, ACL_CLUSTER, bytes_from(ACL_CLUSTER_NAME)) ||
           request_may(request, ACL_CREATE, ACL_TOPIC, name);
}

static void fill_by_name(struct request *request, struct kafka_metadata_response_topic *out,
                         struct bytes name)
{
    const struct kafka_metadata_request *m = request->message;
    bool create = m->allow_auto_topic_creation && setting(request->broker, SETTING_CREATE_TOPICS);
    struct topic *topic = NULL;
    err_t err = ERR_TOPIC_UNAUTHORIZED;
    out->name = name;
    if (request_may(request, ACL_DESCRIBE, ACL_TOPIC, name)) {
        err = broker_topic(request->broker, name, false, &topic, NULL);
        if (err == ERR_UNKNOWN_TOPIC && create)
            err = may_create(request, name)
                      ? broker_topic(request->broker, name, true, &topic, NULL)
                      : ERR_TOPIC_UNAUTHORIZED;
        if (!topic && err != ERR_TOPIC_UNAUTHORIZED)
            fill_operations(request, out);
    }
    out->error_code = kafka_code(err);
    if (topic)
        fill_topic(request, out, topic);
    topic_unref(topic);
}

static void fill_by_id(struct request *request, struct kafka_metadata_response_topic *out,
                       struct kafka_uuid id)
{
    struct topic *topic = log_store_topic_by_id(request->broker->store, id.bytes);
    out->name = BYTES_NULL;
    out->topic_id = id;
    if (!topic)
        out->error_code = kafka_code(ERR_UNKNOWN_TOPIC_ID);
    else if (!request_may(request, ACL_DESCRIBE, ACL_TOPIC, bytes_from(topic_name(topic))))
        out->error_code = kafka_code(ERR_TOPIC_UNAUTHORIZED);
    else
        fill_topic(request, out, topic);
    topic_unref(topic);
}

// The first of each kind of those asked for, as far as the caller may see them: with an id anywhere
// in the request ids alone count (Kafka's way), else names.
static void fill_asked(struct request *request, struct kafka_metadata_response *response)
{
    const struct kafka_metadata_request *m = request->message;
    size_t count = (size_t)m->topics_count;
    struct bytes *keys = ARENA_ARRAY(&request->arena, struct bytes, count);
    bool by_id = false;
    for (size_t i = 0; i < count; i++)
        by_id = by_id || !kafka_uuid_is_zero(m->topics[i].topic_id);
    for (size_t i = 0; i < count; i++)
        keys[i] = by_id ? bytes_make(m->topics[i].topic_id.bytes, 16) : m->topics[i].name;
    const size_t *first = topics_first(&request->arena, keys, count);
    response->topics = ARENA_ARRAY(&request->arena, struct kafka_metadata_response_topic, count);
    for (size_t i = 0; i < count; i++) {
        const struct kafka_metadata_request_topic *asked = &m->topics[i];
        if (first[i] != i || (by_id ? kafka_uuid_is_zero(asked->topic_id) : !asked->name.ptr))
            continue;
        struct kafka_metadata_response_topic *out = &response->topics[response->topics_count++];
        kafka_metadata_response_topic_init(out);
        if (by_id)
            fill_by_id(request, out, asked->topic_id);
        else
            fill_by_name(request, out, asked->name);
    }
}

static void fill_all(struct request *request, struct kafka_metadata_response *response)
{
    size_t count;
    struct topic **topics = log_store_topics(request->broker->store, &request->arena, &count);
    response->topics = ARENA_ARRAY(&request->arena, struct kafka_metadata_response_topic, count);
    for (size_t i = 0; i < count; i++) {
        if (request_could(request, ACL_DESCRIBE, ACL_TOPIC, bytes_from(topic_name(topics[i])))) {
            struct kafka_metadata_response_topic *out = &response->topics[response->topics_count++];
            kafka_metadata_response_topic_init(out);
            fill_topic(request, out, topics[i]);
        }
        topic_unref(topics[i]);
    }
}

static bool asks_all(const struct request *request)
{
    const struct kafka_metadata_request *m = request->message;
    return request->header.version == 0 ? m->topics_count == 0 : m->topics_count < 0;
}

// Versions 10 and 11 have the field of the id in their requests, and do not take one.
static bool is_refused(const struct request *request)
{
    const struct kafka_metadata_request *m = request->message;
    for (int32_t i = 0; request_version(request) < IDS_FROM && i < m->topics_count; i++)
        if (!m->topics[i].name.ptr || !kafka_uuid_is_zero(m->topics[i].topic_id))
            return true;
    return false;
}

static void refuse(struct request *request)
{
    const struct kafka_metadata_request *m = request->message;
    struct kafka_metadata_response response;
    kafka_metadata_response_init(&response);
    response.topics_count = m->topics_count;
    response.topics =
        ARENA_ARRAY(&request->arena, struct kafka_metadata_response_topic, (size_t)m->topics_count);
    for (int32_t i = 0; i < m->topics_count; i++) {
        struct kafka_metadata_response_topic *out = &response.topics[i];
        kafka_metadata_response_topic_init(out);
        out->name = m->topics[i].name.ptr ? m->topics[i].name : bytes_from("");
        out->topic_id = m->topics[i].topic_id;
        out->error_code = kafka_code(ERR_INVALID);
    }
    request_respond(request, &response);
}

static void answer(struct request *request)
{
    const struct kafka_metadata_request *m = request->message;
    struct kafka_metadata_response response;
    kafka_metadata_response_init(&response);
    struct kafka_metadata_response_broker broker;
    kafka_metadata_response_broker_init(&broker);
    broker.node_id = BROKER_NODE_ID;
    request_advertised(request, &broker.host, &broker.port);
    response.brokers = &broker;
    response.brokers_count = 1;
    response.cluster_id = bytes_from(request->broker->cluster_id);
    response.controller_id = BROKER_NODE_ID;
    if (m->include_cluster_authorized_operations)
        response.cluster_authorized_operations = topics_cluster_operations(request);
    if (asks_all(request))
        fill_all(request, &response);
    else
        fill_asked(request, &response);
    request_respond(request, &response);
}

// Is one of the topics absent, so that making it may block?
static bool may_block(const struct request *request)
{
    const struct kafka_metadata_request *m = request->message;
    if (!m->allow_auto_topic_creation || !setting(request->broker, SETTING_CREATE_TOPICS))
        return false;
    for (int32_t i = 0; i < m->topics_count; i++) {
        if (!m->topics[i].name.ptr)
            continue;
        struct topic *topic = log_store_topic(request->broker->store, m->topics[i].name);
        if (!topic)
            return true;
        topic_unref(topic);
    }
    return false;
}

void metadata_handle(struct request *request)
{
    if (is_refused(request))
        refuse(request);
    else if (may_block(request))
        request_work(request, answer);
    else
        answer(request);
}
