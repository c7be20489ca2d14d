// SPDX-License-Identifier: Apache-2.0
#include "broker/topics.h"

#include "base/log.h"
#include "broker/access.h"
#include "wire/kafka/metadata.h"

#include <stdlib.h>

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
    int32_t partitions = (int32_t)setting(broker, SETTING_PARTITIONS);
    err_t err = log_store_create_topic(broker->store, text, partitions, NULL, 0, out, diag);
    if (err == ERR_OK)
        LOG_INFO("broker", "made a topic because a client asked for it", "topic=%s partitions=%d",
                 text, partitions);
    if (err != ERR_EXISTS) // somebody else made it meanwhile
        return err;
    *out = log_store_topic(broker->store, name);
    return *out ? ERR_OK : FAIL(diag, ERR_UNKNOWN_TOPIC, "topic '%s' is being deleted", text);
}

int32_t topics_cluster_operations(struct request *request)
{
    if (!request_may_cluster(request, ACL_DESCRIBE))
        return 0;
    return request_operations(request, ACL_CLUSTER, bytes_from(ACL_CLUSTER_NAME));
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

struct named {
    struct bytes name;
    size_t index;
};

static int by_name_and_index(const void *a, const void *b)
{
    const struct named *left = a;
    const struct named *right = b;
    int order = bytes_compare(left->name, right->name);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

size_t *topics_first(struct arena *arena, const struct bytes *names, size_t count)
{
    struct named *sorted = ARENA_ARRAY(arena, struct named, count);
    size_t *first = ARENA_ARRAY(arena, size_t, count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct named){names[i], i};
    if (count > 0)
        qsort(sorted, count, sizeof *sorted, by_name_and_index);
    for (size_t i = 0; i < count; i++)
        first[sorted[i].index] = i > 0 && bytes_equal(sorted[i].name, sorted[i - 1].name)
                                     ? first[sorted[i - 1].index]
                                     : sorted[i].index;
    return first;
}

err_t topics_check_replicas(const int32_t *nodes, int32_t count, struct diag *diag)
{
    if (count <= 0)
        return FAIL(diag, ERR_INVALID_ASSIGNMENT,
                    "The manual partition assignment includes an empty replica list.");
    for (int32_t i = 0; i < count; i++)
        if (nodes[i] != BROKER_NODE_ID)
            return FAIL(diag, ERR_INVALID_ASSIGNMENT,
                        "The manual partition assignment includes broker %d, but no such broker is "
                        "registered.",
                        nodes[i]);
    if (count > 1)
        return FAIL(diag, ERR_INVALID_ASSIGNMENT,
                    "The manual partition assignment includes the broker %d more than once.",
                    BROKER_NODE_ID);
    return ERR_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct topics_item *left = a;
    const struct topics_item *right = b;
    int order = bytes_compare(left->topic, right->topic);
    if (order == 0)
        order = (left->partition > right->partition) - (left->partition < right->partition);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

void topics_sort(struct topics_item *items, size_t count)
{
    if (count > 1)
        qsort(items, count, sizeof *items, by_place);
}

static int by_rank(const void *a, const void *b)
{
    const struct topics_item *left = a;
    const struct topics_item *right = b;
    int order = (left->rank > right->rank) - (left->rank < right->rank);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

void topics_group(struct topics_item *items, size_t count)
{
    topics_sort(items, count);
    for (size_t i = 0, end; i < count; i = end) {
        size_t rank = items[i].index;
        for (end = i; end < count && bytes_equal(items[end].topic, items[i].topic); end++)
            rank = items[end].index < rank ? items[end].index : rank;
        for (size_t k = i; k < end; k++) {
            items[k].rank = rank;
            items[k].repeats = k > i && items[k].partition == items[k - 1].partition;
            if (items[k].repeats)
                items[k - 1].repeated = true;
        }
    }
    if (count > 1)
        qsort(items, count, sizeof *items, by_rank);
}
