// SPDX-License-Identifier: Apache-2.0
//
// DescribeConfigs of topics and of this broker.
#include "wire/kafka/describe_configs.h"

#include "broker/broker_configs.h"
#include "broker/topic_config.h"
#include "broker/topics.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4 };
enum { SOURCE_TOPIC = 1, SOURCE_STATIC_BROKER = 4, SOURCE_DEFAULT = 5 };
enum { TYPES_FROM = 3 };

typedef struct kafka_describe_configs_request_resource resource_in;
typedef struct kafka_describe_configs_response_result resource_out;
typedef struct kafka_describe_configs_response_config config_out;

static bool is_asked(const resource_in *in, const char *name)
{
    for (int32_t i = 0; i < in->configuration_keys_count; i++)
        if (bytes_is(in->configuration_keys[i], name))
            return true;
    return in->configuration_keys_count < 0;
}

static void add_synonym(struct request *request, config_out *out, struct bytes value, int8_t source)
{
    const struct kafka_describe_configs_request *m = request->message;
    if (!m->include_synonyms)
        return;
    if (!out->synonyms)
        out->synonyms =
            ARENA_ARRAY(&request->arena, struct kafka_describe_configs_response_synonym, 2);
    out->synonyms[out->synonyms_count++] =
        (struct kafka_describe_configs_response_synonym){out->name, value, source};
}

static const char *setting_of(const struct topic_setting *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].key, name) == 0)
            return settings[i].value;
    return NULL;
}

static void fill_topic_config(struct request *request, config_out *out,
                              const struct topic_config *config, const char *setting)
{
    const struct kafka_describe_configs_request *m = request->message;
    kafka_describe_configs_response_config_init(out);
    out->name = bytes_from(config->name);
    out->value = bytes_from(setting ? setting : config->value);
    out->config_source = setting ? SOURCE_TOPIC : SOURCE_DEFAULT;
    if (request_version(request) >= TYPES_FROM)
        out->config_type = (int8_t)config->type;
    if (m->include_documentation)
        out->documentation = bytes_from(config->about);
    if (setting)
        add_synonym(request, out, out->value, SOURCE_TOPIC);
    add_synonym(request, out, bytes_from(config->value), SOURCE_DEFAULT);
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
    const struct topic_setting *settings = topic_settings(topic, &request->arena, &count);
    out->configs = ARENA_ARRAY(&request->arena, config_out, topic_config_count);
    for (size_t i = 0; i < topic_config_count; i++)
        if (is_asked(in, topic_configs[i].name))
            fill_topic_config(request, &out->configs[out->configs_count++], &topic_configs[i],
                              setting_of(settings, count, topic_configs[i].name));
    topic_unref(topic);
    return ERR_OK;
}

static err_t describe_broker(struct request *request, const resource_in *in, resource_out *out,
                             struct diag *diag)
{
    const struct kafka_describe_configs_request *m = request->message;
    // The empty name means defaults for the whole cluster: there are none beside the broker's own.
    if (in->resource_name.size == 0)
        return ERR_OK;
    if (!bytes_is(in->resource_name, "1"))
        return FAIL(diag, ERR_INVALID, "there is no broker '%.*s', the only one is 1",
                    BYTES_PRINT(in->resource_name));
    size_t count;
    const struct broker_config *configs = broker_configs(request, &count);
    out->configs = ARENA_ARRAY(&request->arena, config_out, count);
    for (size_t i = 0; i < count; i++) {
        if (!is_asked(in, configs[i].name))
            continue;
        config_out *config = &out->configs[out->configs_count++];
        kafka_describe_configs_response_config_init(config);
        config->name = bytes_from(configs[i].name);
        config->value = bytes_from(configs[i].value);
        config->read_only = true;
        config->config_source = configs[i].is_default ? SOURCE_DEFAULT : SOURCE_STATIC_BROKER;
        if (request_version(request) >= TYPES_FROM)
            config->config_type = (int8_t)configs[i].type;
        if (m->include_documentation)
            config->documentation = bytes_from(configs[i].about);
        add_synonym(request, config, config->value, config->config_source);
    }
    return ERR_OK;
}

static void describe(struct request *request, const resource_in *in, resource_out *out)
{
    struct diag diag = DIAG_INIT;
    err_t err;
    kafka_describe_configs_response_result_init(out);
    out->resource_type = in->resource_type;
    out->resource_name = in->resource_name;
    if (in->resource_type == RESOURCE_TOPIC)
        err = describe_topic(request, in, out, &diag);
    else if (in->resource_type == RESOURCE_BROKER)
        err = describe_broker(request, in, out, &diag);
    else
        err = FAIL(&diag, ERR_INVALID,
                   "resources of type %d have no settings here; topics (2) and brokers (4) have",
                   in->resource_type);
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, &diag);
}

void describe_configs_handle(struct request *request)
{
    const struct kafka_describe_configs_request *m = request->message;
    struct kafka_describe_configs_response response;
    kafka_describe_configs_response_init(&response);
    response.results_count = m->resources_count;
    response.results = ARENA_ARRAY(&request->arena, resource_out, (size_t)m->resources_count);
    for (int32_t i = 0; i < m->resources_count; i++)
        describe(request, &m->resources[i], &response.results[i]);
    request_respond(request, &response);
}
