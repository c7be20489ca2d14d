// SPDX-License-Identifier: Apache-2.0
#include "broker/topics.h"

#include "base/log.h"
#include "wire/kafka/metadata.h"

bool broker_topic_internal(const char *name)
{
    return strcmp(name, OFFSETS_TOPIC) == 0 || strcmp(name, "__transaction_state") == 0;
}

err_t broker_topic(struct broker *broker, struct bytes name, bool create, struct topic **out,
                   struct diag *diag)
{
    *out = log_store_topic(broker->store, name);
    if (*out)
        return ERR_OK;
    if (!topic_name_valid(name))
        return FAIL(diag, ERR_INVALID_TOPIC,
                    "'%.*s' is no topic name: 1 to 249 of [a-zA-Z0-9._-], not '.' or '..'",
                    BYTES_PRINT(name));
    if (!create)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "there is no topic '%.*s'", BYTES_PRINT(name));
    char text[250];
    memcpy(text, name.ptr, name.size);
    text[name.size] = '\0';
    int32_t partitions =
        broker->options.default_partitions > 0 ? broker->options.default_partitions : 1;
    err_t err = log_store_create_topic(broker->store, text, partitions, NULL, 0, out, diag);
    if (err == ERR_OK)
        LOG_INFO("broker", "made a topic because a client asked for it", "topic=%s partitions=%d",
                 text, partitions);
    if (err != ERR_EXISTS) // somebody else made it meanwhile
        return err;
    *out = log_store_topic(broker->store, name);
    return *out ? ERR_OK : FAIL(diag, ERR_UNKNOWN_TOPIC, "topic '%s' is being deleted", text);
}

struct kafka_uuid topics_uuid(const struct topic *topic)
{
    struct kafka_uuid uuid;
    memcpy(uuid.bytes, topic_id(topic), sizeof uuid.bytes);
    return uuid;
}

int32_t *topics_replicas(struct arena *arena)
{
    int32_t *nodes = ARENA_ARRAY(arena, int32_t, 1);
    nodes[0] = BROKER_NODE_ID;
    return nodes;
}
