// SPDX-License-Identifier: Apache-2.0
//
// ListConfigResources: what has settings: topics, this broker with its loggers, and the groups and
// client metrics that were given some.
#include "wire/kafka/list_config_resources.h"

#include "broker/access.h"
#include "broker/config_store.h"
#include "broker/topics.h"

enum { TYPES_FROM = 1 };
enum {
    RESOURCE_TOPIC = 2,
    RESOURCE_BROKER = 4,
    RESOURCE_BROKER_LOGGER = 8,
    RESOURCE_CLIENT_METRICS = 16,
    RESOURCE_GROUP = 32,
    RESOURCES = 2 | 4 | 8 | 16 | 32 // each type is a bit of its own
};

typedef struct kafka_list_config_resources_response_config_resource resource_t;

// The types asked for, as bits; false when there is one that does not exist.
static bool wanted_types(const struct request *request, int *types)
{
    const struct kafka_list_config_resources_request *m = request->message;
    *types = 0;
    if (request_version(request) < TYPES_FROM) {
        *types = RESOURCE_CLIENT_METRICS;
        return true;
    }
    for (int32_t i = 0; i < m->resource_types_count; i++) {
        int type = m->resource_types[i];
        if (type <= 0 || (type & (type - 1)) || !(type & RESOURCES))
            return false;
        *types |= type;
    }
    if (*types == 0)
        *types = RESOURCES;
    return true;
}

static void add(struct kafka_list_config_resources_response *response, const char *name, int type)
{
    response->config_resources[response->config_resources_count++] =
        (resource_t){bytes_from(name), (int8_t)type};
}

static void fill(struct request *request, struct kafka_list_config_resources_response *response,
                 int types)
{
    size_t count;
    struct topic **topics = log_store_topics(request->broker->store, &request->arena, &count);
    const char *node = arena_printf(&request->arena, "%d", BROKER_NODE_ID);
    struct config_store *configs = request->broker->configs;
    size_t group_count, metrics_count;
    const char **groups =
        config_store_resources(configs, KAFKA_CONFIG_GROUP, &request->arena, &group_count);
    const char **metrics = config_store_resources(configs, KAFKA_CONFIG_CLIENT_METRICS,
                                                  &request->arena, &metrics_count);
    response->config_resources =
        ARENA_ARRAY(&request->arena, resource_t, group_count + metrics_count + count + 2);
    for (size_t i = 0; i < group_count && (types & RESOURCE_GROUP); i++)
        add(response, groups[i], RESOURCE_GROUP);
    for (size_t i = 0; i < metrics_count && (types & RESOURCE_CLIENT_METRICS); i++)
        add(response, metrics[i], RESOURCE_CLIENT_METRICS);
    if (types & RESOURCE_BROKER_LOGGER)
        add(response, node, RESOURCE_BROKER_LOGGER);
    if (types & RESOURCE_BROKER)
        add(response, node, RESOURCE_BROKER);
    for (size_t i = 0; i < count; i++) {
        if (types & RESOURCE_TOPIC)
            add(response, arena_strdup(&request->arena, topic_name(topics[i])), RESOURCE_TOPIC);
        topic_unref(topics[i]);
    }
}

void list_config_resources_handle(struct request *request)
{
    struct kafka_list_config_resources_response response;
    kafka_list_config_resources_response_init(&response);
    int types;
    if (!request_may_cluster(request, ACL_DESCRIBE_CONFIGS))
        response.error_code = kafka_code(ERR_CLUSTER_UNAUTHORIZED);
    else if (!wanted_types(request, &types))
        response.error_code = kafka_code(ERR_UNSUPPORTED_VERSION);
    else
        fill(request, &response, types);
    request_respond(request, &response);
}
