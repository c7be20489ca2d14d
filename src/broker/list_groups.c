// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/list_groups.h"

#include "broker/access.h"
#include "broker/groups.h"

#include <strings.h>

// No filter lets everything pass.
static bool passes(const struct bytes *filter, int32_t count, const char *word)
{
    for (int32_t i = 0; i < count; i++)
        if (filter[i].size == strlen(word) &&
            strncasecmp((const char *)filter[i].ptr, word, filter[i].size) == 0)
            return true;
    return count == 0;
}

static const char *protocol_type(const struct group *group)
{
    if (group->consumer)
        return "consumer";
    return group->protocol_type ? group->protocol_type : "";
}

void list_groups_handle(struct request *request)
{
    const struct kafka_list_groups_request *m = request->message;
    struct kafka_list_groups_response response;
    kafka_list_groups_response_init(&response);
    size_t count;
    bool all_seen = request_could(request, ACL_DESCRIBE, ACL_CLUSTER, bytes_from(ACL_CLUSTER_NAME));
    struct group **all = groups_all(request->broker->groups, &request->arena, &count);
    response.groups = ARENA_ARRAY(&request->arena, struct kafka_list_groups_response_group, count);
    for (size_t i = 0; i < count; i++) {
        struct group *group = all[i];
        bool seen =
            all_seen || request_could(request, ACL_DESCRIBE, ACL_GROUP, bytes_from(group->id));
        mutex_lock(&group->lock);
        const char *state = group_state_name(group);
        if (seen && group->state != GROUP_DEAD &&
            passes(m->states_filter, m->states_filter_count, state) &&
            passes(m->types_filter, m->types_filter_count, group_type_name(group))) {
            struct kafka_list_groups_response_group *out =
                &response.groups[response.groups_count++];
            out->group_id = bytes_from(arena_strdup(&request->arena, group->id));
            out->protocol_type = bytes_from(arena_strdup(&request->arena, protocol_type(group)));
            out->group_state = bytes_from(state);
            out->group_type = bytes_from(group_type_name(group));
        }
        mutex_unlock(&group->lock);
        group_unref(group);
    }
    request_respond(request, &response);
}
