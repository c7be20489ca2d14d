// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/alter_configs.h"

#include "broker/config_change.h"

static void alter(struct request *request, const struct kafka_alter_configs_request_resource *in,
                  struct kafka_alter_configs_response_response *out)
{
    const struct kafka_alter_configs_request *m = request->message;
    struct diag diag = DIAG_INIT;
    struct config_change *changes =
        ARENA_ARRAY(&request->arena, struct config_change, (size_t)in->configs_count);
    for (int32_t i = 0; i < in->configs_count; i++)
        changes[i] = (struct config_change){in->configs[i].name, in->configs[i].value, CONFIG_SET};
    err_t err = config_change_apply(request, in->resource_type, in->resource_name, changes,
                                    (size_t)in->configs_count, true, m->validate_only, &diag);
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
        alter(request, &m->resources[i], &response.responses[i]);
    request_respond(request, &response);
}

void alter_configs_handle(struct request *request)
{
    request_work(request, run);
}
