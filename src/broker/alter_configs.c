// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/alter_configs.h"

#include "broker/config_change.h"

static bool is_twice(const struct kafka_alter_configs_request *m, int32_t index)
{
    for (int32_t i = 0; i < m->resources_count; i++)
        if (i != index && m->resources[i].resource_type == m->resources[index].resource_type &&
            bytes_equal(m->resources[i].resource_name, m->resources[index].resource_name))
            return true;
    return false;
}

static void alter(struct request *request, int32_t index,
                  struct kafka_alter_configs_response_response *out)
{
    const struct kafka_alter_configs_request *m = request->message;
    const struct kafka_alter_configs_request_resource *in = &m->resources[index];
    struct diag diag = DIAG_INIT;
    struct config_change *changes =
        ARENA_ARRAY(&request->arena, struct config_change, (size_t)in->configs_count);
    for (int32_t i = 0; i < in->configs_count; i++)
        changes[i] = (struct config_change){in->configs[i].name, in->configs[i].value, CONFIG_SET};
    struct config_request asked = {.type = in->resource_type,
                                   .name = in->resource_name,
                                   .changes = changes,
                                   .count = (size_t)in->configs_count,
                                   .replace = true,
                                   .validate_only = m->validate_only};
    err_t err;
    if (m->resources_count > CONFIG_RESOURCES_MAX)
        err = FAIL(&diag, ERR_INVALID, "%d resources, expected at most %d", m->resources_count,
                   CONFIG_RESOURCES_MAX);
    else if (is_twice(m, index))
        err = FAIL(&diag, ERR_INVALID, "Each resource must appear at most once.");
    else
        err = config_change_apply(request, &asked, &diag);
    out->resource_type = in->resource_type;
    out->resource_name = in->resource_name;
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, &diag);
}

static void run(struct request *request)
{
    const struct kafka_alter_configs_request *m = request->message;
    struct kafka_alter_configs_response response;
    kafka_alter_configs_response_init(&response);
    response.responses_count = m->resources_count;
    response.responses = ARENA_ARRAY(&request->arena, struct kafka_alter_configs_response_response,
                                     (size_t)m->resources_count);
    for (int32_t i = 0; i < m->resources_count; i++)
        alter(request, i, &response.responses[i]);
    request_respond(request, &response);
}

void alter_configs_handle(struct request *request)
{
    request_work(request, run);
}
