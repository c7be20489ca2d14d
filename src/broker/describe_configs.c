// SPDX-License-Identifier: Apache-2.0
//
// DescribeConfigs of topics, of this broker and of all brokers, of groups, client metrics and the
// log level.
#include "wire/kafka/describe_configs.h"

#include "broker/access.h"
#include "broker/config_change.h"
#include "broker/config_store.h"
#include "broker/config_view.h"
#include "broker/topics.h"

enum { TYPES_FROM = 3 };

typedef struct kafka_describe_configs_request_resource resource_in;
typedef struct kafka_describe_configs_response_result resource_out;
typedef struct kafka_describe_configs_response_config config_out;

static bool is_asked(const resource_in *in, const char *name)
{
    for (int32_t i = 0; i < in->configuration_keys_count; i++)
        if (bytes_is(in->configuration_keys[i], name))
            return true;
    return in->configuration_keys_count <= 0;
}

static const char *documentation(struct arena *arena, const struct kafka_config *config)
{
    if (!config->in_weir)
        return config->about;
    return arena_printf(arena, "%s%sIn weir: %s", config->about ? config->about : "",
                        config->about ? "\n" : "", config->in_weir);
}

static void put_synonyms(struct request *request, config_out *out, const struct config_view *view,
                         bool sensitive)
{
    out->synonyms = ARENA_ARRAY(&request->arena, struct kafka_describe_configs_response_synonym,
                                view->synonym_count + 1);
    out->synonyms_count = (int32_t)view->synonym_count;
    for (size_t i = 0; i < view->synonym_count; i++)
        out->synonyms[i] = (struct kafka_describe_configs_response_synonym){
            bytes_from(view->synonyms[i].name),
            sensitive ? BYTES_NULL : bytes_from(view->synonyms[i].value),
            (int8_t)view->synonyms[i].source};
}

static void put(struct request *request, config_out *out, const struct kafka_config *config,
                const struct config_view *view)
{
    const struct kafka_describe_configs_request *m = request->message;
    kafka_describe_configs_response_config_init(out);
    out->name = bytes_from(config->name);
    out->value = bytes_from(view->value);
    out->config_source = (int8_t)view->source;
    out->read_only = config->update == KAFKA_CONFIG_READ_ONLY;
    out->is_sensitive = config->type == KAFKA_CONFIG_TYPE_PASSWORD;
    if (request_version(request) >= TYPES_FROM)
        out->config_type = (int8_t)config->type;
    out->documentation =
        m->include_documentation ? bytes_from(documentation(&request->arena, config)) : BYTES_NULL;
    if (m->include_synonyms)
        put_synonyms(request, out, view, out->is_sensitive);
}

static void describe_all(struct request *request, const resource_in *in, resource_out *out,
                         enum kafka_config_scope scope, const struct topic_setting *own,
                         size_t own_count)
{
    size_t count;
    const struct kafka_config *configs = kafka_config_first(scope, &count);
    out->configs = ARENA_ARRAY(&request->arena, config_out, count);
    for (size_t i = 0; i < count; i++) {
        struct config_view view;
        if (!is_asked(in, configs[i].name))
            continue;
        config_view(request, &configs[i], own, own_count, &view);
        put(request, &out->configs[out->configs_count++], &configs[i], &view);
    }
}

static err_t describe_topic(struct request *request, const resource_in *in, resource_out *out,
                            struct diag *diag)
{
    if (!topic_name_valid(in->resource_name))
        return FAIL(diag, ERR_INVALID_TOPIC, "'%.*s' is no topic name",
                    BYTES_PRINT(in->resource_name));
    struct topic *topic = log_store_topic(request->broker->store, in->resource_name);
    if (!topic)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "there is no topic '%.*s'",
                    BYTES_PRINT(in->resource_name));
    size_t count;
    const struct topic_setting *own = topic_settings(topic, &request->arena, &count);
    describe_all(request, in, out, KAFKA_CONFIG_TOPIC, own, count);
    topic_unref(topic);
    return ERR_OK;
}

// Only what was set for all brokers, and where it stands in the order of sources.
static void describe_brokers(struct request *request, const resource_in *in, resource_out *out)
{
    size_t count;
    const struct topic_setting *own = config_store_settings(
        request->broker->configs, KAFKA_CONFIG_BROKER, in->resource_name, &request->arena, &count);
    out->configs = ARENA_ARRAY(&request->arena, config_out, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct kafka_config *config =
            kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(own[i].key));
        if (!config || !is_asked(in, config->name))
            continue;
        struct config_view view = {
            .value = own[i].value,
            .source = CONFIG_SOURCE_ALL_BROKERS,
            .synonyms = {{config->name, own[i].value, CONFIG_SOURCE_ALL_BROKERS}},
            .synonym_count = 1,
        };
        put(request, &out->configs[out->configs_count++], config, &view);
    }
}

static err_t describe_broker(struct request *request, const resource_in *in, resource_out *out,
                             struct diag *diag)
{
    if (in->resource_name.size == 0) {
        describe_brokers(request, in, out);
        return ERR_OK;
    }
    TRY(config_check_broker_id(in->resource_name, diag));
    describe_all(request, in, out, KAFKA_CONFIG_BROKER, NULL, 0);
    return ERR_OK;
}

static err_t describe_stored(struct request *request, const resource_in *in, resource_out *out,
                             enum kafka_config_scope scope, const char *nameless, struct diag *diag)
{
    if (in->resource_name.size == 0)
        return FAIL(diag, ERR_INVALID, "%s must not be empty", nameless);
    size_t count;
    const struct topic_setting *own = config_store_settings(
        request->broker->configs, scope, in->resource_name, &request->arena, &count);
    describe_all(request, in, out, scope, own, count);
    return ERR_OK;
}

static err_t describe_logger(struct request *request, const resource_in *in, resource_out *out,
                             struct diag *diag)
{
    if (in->resource_name.size == 0)
        return FAIL(diag, ERR_INVALID, "Broker id must not be empty");
    TRY(config_check_broker_id(in->resource_name, diag));
    out->configs = ARENA_ARRAY(&request->arena, config_out, 1);
    if (!is_asked(in, "root"))
        return ERR_OK;
    kafka_describe_configs_response_config_init(&out->configs[0]);
    out->configs[0].name = bytes_from("root");
    out->configs[0].value = bytes_from(config_logger_level());
    out->configs[0].config_source = CONFIG_SOURCE_LOGGER;
    out->configs_count = 1;
    return ERR_OK;
}

static err_t describe_one(struct request *request, const resource_in *in, resource_out *out,
                          struct diag *diag)
{
    TRY(config_check_right(request, ACL_DESCRIBE_CONFIGS, in->resource_type, in->resource_name,
                           diag));
    switch (in->resource_type) {
    case CONFIG_RESOURCE_TOPIC:
        return describe_topic(request, in, out, diag);
    case CONFIG_RESOURCE_BROKER:
        return describe_broker(request, in, out, diag);
    case CONFIG_RESOURCE_LOGGER:
        return describe_logger(request, in, out, diag);
    case CONFIG_RESOURCE_CLIENT_METRICS:
        return describe_stored(request, in, out, KAFKA_CONFIG_CLIENT_METRICS,
                               "Client metrics subscription name", diag);
    case CONFIG_RESOURCE_GROUP:
        return describe_stored(request, in, out, KAFKA_CONFIG_GROUP, "Group name", diag);
    default:
        return FAIL(diag, ERR_INVALID, "Unsupported resource type: %d", in->resource_type);
    }
}

void describe_configs_handle(struct request *request)
{
    const struct kafka_describe_configs_request *m = request->message;
    struct kafka_describe_configs_response response;
    kafka_describe_configs_response_init(&response);
    response.results_count = m->resources_count;
    response.results = ARENA_ARRAY(&request->arena, resource_out, (size_t)m->resources_count);
    for (int32_t i = 0; i < m->resources_count; i++) {
        const resource_in *in = &m->resources[i];
        resource_out *out = &response.results[i];
        struct diag diag = DIAG_INIT;
        kafka_describe_configs_response_result_init(out);
        out->resource_type = in->resource_type;
        out->resource_name = in->resource_name;
        err_t err = describe_one(request, in, out, &diag);
        out->error_code = kafka_code(err);
        out->error_message = kafka_story(request, err, &diag);
    }
    request_respond(request, &response);
}
