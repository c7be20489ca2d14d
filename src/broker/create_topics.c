// SPDX-License-Identifier: Apache-2.0
//
// CreateTopics. A replication factor above 1 is taken as 1: on one node nothing else is possible,
// and refusing it would break every tool whose default is 3.
#include "wire/kafka/create_topics.h"

#include "base/log.h"
#include "broker/topic_config.h"
#include "broker/topics.h"

enum { CONFIG_TOPIC = 1, CONFIG_DEFAULT = 5 };

static err_t check_partitions(const struct kafka_create_topics_request_topic *in, struct diag *diag)
{
    if (in->assignments_count > 0 && (in->num_partitions != -1 || in->replication_factor != -1))
        return FAIL(diag, ERR_INVALID,
                    "with replica assignments, partitions and replication factor must be -1");
    if (in->assignments_count == 0 && in->num_partitions != -1 && in->num_partitions < 1)
        return FAIL(diag, ERR_INVALID_PARTITIONS,
                    "Number of partitions was set to an invalid non-positive value.");
    if (in->replication_factor != -1 && in->replication_factor < 1)
        return FAIL(diag, ERR_INVALID_REPLICATION,
                    "Replication factor must be larger than 0, or -1 to use the default value.");
    for (int32_t i = 0; i < in->assignments_count; i++)
        if (in->assignments[i].partition_index < 0 ||
            in->assignments[i].partition_index >= in->assignments_count)
            return FAIL(diag, ERR_INVALID, "partitions of the assignments must count up from 0");
    return ERR_OK;
}

static err_t check_configs(const struct kafka_create_topics_request_topic *in, struct diag *diag)
{
    for (int32_t i = 0; i < in->configs_count; i++)
        TRY(topic_config_check(in->configs[i].name, in->configs[i].value, diag));
    return ERR_OK;
}

static bool is_twice(const struct kafka_create_topics_request *m, int32_t index)
{
    for (int32_t i = 0; i < m->topics_count; i++)
        if (i != index && bytes_equal(m->topics[i].name, m->topics[index].name))
            return true;
    return false;
}

static err_t check(struct request *request, int32_t index, struct diag *diag)
{
    const struct kafka_create_topics_request *m = request->message;
    const struct kafka_create_topics_request_topic *in = &m->topics[index];
    if (is_twice(m, index))
        return FAIL(diag, ERR_INVALID, "Duplicate topic name.");
    if (!topic_name_valid(in->name))
        return FAIL(diag, ERR_INVALID_TOPIC,
                    "'%.*s' is no topic name: 1 to 249 of [a-zA-Z0-9._-], not '.' or '..'",
                    BYTES_PRINT(in->name));
    struct topic *present = log_store_topic(request->broker->store, in->name);
    topic_unref(present);
    if (present)
        return FAIL(diag, ERR_EXISTS, "Topic '%.*s' already exists.", BYTES_PRINT(in->name));
    TRY(check_partitions(in, diag));
    return check_configs(in, diag);
}

static int32_t partitions_of(struct request *request,
                             const struct kafka_create_topics_request_topic *in)
{
    if (in->assignments_count > 0)
        return in->assignments_count;
    if (in->num_partitions > 0)
        return in->num_partitions;
    return request->broker->options.default_partitions > 0
               ? request->broker->options.default_partitions
               : 1;
}

static err_t create(struct request *request, const struct kafka_create_topics_request_topic *in,
                    struct kafka_create_topics_response_topic *out, struct diag *diag)
{
    struct topic_setting *settings =
        ARENA_ARRAY(&request->arena, struct topic_setting, (size_t)in->configs_count + 1);
    for (int32_t i = 0; i < in->configs_count; i++)
        settings[i] = (struct topic_setting){arena_text(&request->arena, in->configs[i].name),
                                             arena_text(&request->arena, in->configs[i].value)};
    struct topic *topic;
    const char *name = arena_text(&request->arena, in->name);
    TRY(log_store_create_topic(request->broker->store, name, partitions_of(request, in), settings,
                               (size_t)in->configs_count, &topic, diag));
    LOG_INFO("broker", "made a topic", "topic=%s partitions=%d", name,
             topic_partition_count(topic));
    out->topic_id = topics_uuid(topic);
    topic_unref(topic);
    return ERR_OK;
}

static void fill_configs(struct request *request,
                         const struct kafka_create_topics_request_topic *in,
                         struct kafka_create_topics_response_topic *out)
{
    out->configs = ARENA_ARRAY(&request->arena, struct kafka_create_topics_response_config,
                               topic_config_count);
    out->configs_count = (int32_t)topic_config_count;
    for (size_t c = 0; c < topic_config_count; c++) {
        struct kafka_create_topics_response_config *config = &out->configs[c];
        kafka_create_topics_response_config_init(config);
        config->name = bytes_from(topic_configs[c].name);
        config->value = bytes_from(topic_configs[c].value);
        config->config_source = CONFIG_DEFAULT;
        for (int32_t i = 0; i < in->configs_count; i++) {
            if (!bytes_equal(in->configs[i].name, config->name))
                continue;
            config->value = in->configs[i].value;
            config->config_source = CONFIG_TOPIC;
        }
    }
}

static void handle_topic(struct request *request, int32_t index,
                         struct kafka_create_topics_response_topic *out)
{
    const struct kafka_create_topics_request *m = request->message;
    const struct kafka_create_topics_request_topic *in = &m->topics[index];
    struct diag diag = DIAG_INIT;
    kafka_create_topics_response_topic_init(out);
    out->name = in->name;
    err_t err = check(request, index, &diag);
    if (err == ERR_OK && !m->validate_only)
        err = create(request, in, out, &diag);
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, &diag);
    if (err != ERR_OK)
        return;
    out->num_partitions = partitions_of(request, in);
    out->replication_factor = 1;
    fill_configs(request, in, out);
}

static void run(struct request *request)
{
    const struct kafka_create_topics_request *m = request->message;
    struct kafka_create_topics_response response;
    kafka_create_topics_response_init(&response);
    response.topics_count = m->topics_count;
    response.topics = ARENA_ARRAY(&request->arena, struct kafka_create_topics_response_topic,
                                  (size_t)m->topics_count);
    for (int32_t i = 0; i < m->topics_count; i++)
        handle_topic(request, i, &response.topics[i]);
    request_respond(request, &response);
}

void create_topics_handle(struct request *request)
{
    request_work(request, run);
}
