// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/delete_groups.h"

#include "broker/access.h"
#include "broker/groups.h"

static void run(struct request *request)
{
    const struct kafka_delete_groups_request *m = request->message;
    struct kafka_delete_groups_response response;
    kafka_delete_groups_response_init(&response);
    response.results_count = m->groups_names_count;
    response.results = ARENA_ARRAY(&request->arena, struct kafka_delete_groups_response_result,
                                   (size_t)m->groups_names_count);
    for (int32_t i = 0; i < m->groups_names_count; i++) {
        response.results[i].group_id = m->groups_names[i];
        bool may = request_may(request, ACL_DELETE, ACL_GROUP, m->groups_names[i]);
        response.results[i].error_code =
            kafka_code(may ? groups_delete(request->broker->groups, m->groups_names[i], NULL)
                           : ERR_GROUP_UNAUTHORIZED);
    }
    request_respond(request, &response);
}

void delete_groups_handle(struct request *request)
{
    request_work(request, run);
}
