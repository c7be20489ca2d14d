// SPDX-License-Identifier: Apache-2.0
//
// Metadata. A topic asked for that does not exist is made before the answer, so clients need no
// retry.
#include "wire/kafka/metadata.h"

#include "broker/topics.h"

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

static void fill_topic(struct request *request, struct kafka_metadata_response_topic *out,
                       struct topic *topic)
{
    const struct kafka_metadata_request *m = request->message;
    out->name = bytes_from(arena_strdup(&request->arena, topic_name(topic)));
    out->topic_id = topics_uuid(topic);
    out->is_internal = broker_topic_internal(topic_name(topic));
    if (m->include_topic_authorized_operations)
        out->topic_authorized_operations = TOPICS_OPERATIONS_TOPIC;
    fill_partitions(request, out, topic);
}

static void fill_asked(struct request *request, struct kafka_metadata_response *response)
{
    const struct kafka_metadata_request *m = request->message;
    bool create = m->allow_auto_topic_creation && !request->broker->options.no_auto_create;
    response->topics_count = m->topics_count;
    response->topics =
        ARENA_ARRAY(&request->arena, struct kafka_metadata_response_topic, (size_t)m->topics_count);
    for (int32_t i = 0; i < m->topics_count; i++) {
        struct kafka_metadata_response_topic *out = &response->topics[i];
        kafka_metadata_response_topic_init(out);
        out->name = m->topics[i].name;
        out->topic_id = m->topics[i].topic_id;
        struct topic *topic = NULL;
        err_t err = ERR_OK;
        if (m->topics[i].name.ptr)
            err = broker_topic(request->broker, m->topics[i].name, create, &topic, NULL);
        else if (!(topic =
                       log_store_topic_by_id(request->broker->store, m->topics[i].topic_id.bytes)))
            err = ERR_UNKNOWN_TOPIC_ID;
        out->error_code = kafka_code(err);
        if (topic)
            fill_topic(request, out, topic);
        topic_unref(topic);
    }
}

static void fill_all(struct request *request, struct kafka_metadata_response *response)
{
    size_t count;
    struct topic **topics = log_store_topics(request->broker->store, &request->arena, &count);
    response->topics_count = (int32_t)count;
    response->topics = ARENA_ARRAY(&request->arena, struct kafka_metadata_response_topic, count);
    for (size_t i = 0; i < count; i++) {
        kafka_metadata_response_topic_init(&response->topics[i]);
        fill_topic(request, &response->topics[i], topics[i]);
        topic_unref(topics[i]);
    }
}

static bool asks_all(const struct request *request)
{
    const struct kafka_metadata_request *m = request->message;
    return request->header.version == 0 ? m->topics_count == 0 : m->topics_count < 0;
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
        response.cluster_authorized_operations = TOPICS_OPERATIONS_CLUSTER;
    if (asks_all(request))
        fill_all(request, &response);
    else
        fill_asked(request, &response);
    request_respond(request, &response);
}

// Is one of the topics absent, so that making it may block?
static bool may_create(const struct request *request)
{
    const struct kafka_metadata_request *m = request->message;
    if (!m->allow_auto_topic_creation || request->broker->options.no_auto_create)
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
    if (may_create(request))
        request_work(request, answer);
    else
        answer(request);
}
