// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/incremental_alter_configs.h"

#include "broker/config_change.h"

static struct config_request
read(struct arena *arena, const struct kafka_incremental_alter_configs_request *m, int32_t index)
{
    const struct kafka_incremental_alter_configs_request_resource *in = &m->resources[index];
    size_t count = (size_t)in->configs_count;
    struct config_change *changes = ARENA_ARRAY(arena, struct config_change, count);
    for (size_t i = 0; i < count; i++)
        changes[i] = (struct config_change){in->configs[i].name, in->configs[i].value,
                                            in->configs[i].config_operation};
    return (struct config_request){.type = in->resource_type,
                                   .name = in->resource_name,
                                   .changes = changes,
                                   .count = count,
                                   .replace = false,
                                   .validate_only = m->validate_only};
}

static void run(struct request *request)
{
    const struct kafka_incremental_alter_configs_request *m = request->message;
    size_t count = (size_t)m->resources_count;
    struct config_request *asked = ARENA_ARRAY(&request->arena, struct config_request, count);
    struct kafka_incremental_alter_configs_response response;
    kafka_incremental_alter_configs_response_init(&response);
    response.responses_count = m->resources_count;
    response.responses = ARENA_ARRAY(
        &request->arena, struct kafka_incremental_alter_configs_response_response, count);
    for (size_t i = 0; i < count; i++)
        asked[i] = read(&request->arena, m, (int32_t)i);
    const struct config_result *results = config_change_all(request, asked, count);
    for (size_t i = 0; i < count; i++) {
        struct kafka_incremental_alter_configs_response_response *out = &response.responses[i];
        out->resource_type = asked[i].type;
        out->resource_name = asked[i].name;
        out->error_code = results[i].code;
        out->error_message = results[i].story;
    }
    request_respond(request, &response);
}

void incremental_alter_configs_handle(struct request *request)
{
    request_work(request, run);
}
