// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/describe_acls.h"

#include "broker/broker_int.h"

// Rules about one name stand together, as they come sorted.
static bool is_same_name(const struct acl *a, const struct acl *b)
{
    return a->resource == b->resource && a->pattern == b->pattern && bytes_equal(a->name, b->name);
}

static void fill(struct request *request, struct kafka_describe_acls_response *response,
                 const struct acl *rules, size_t count)
{
    struct kafka_describe_acls_response_acl_description *all =
        ARENA_ARRAY(&request->arena, struct kafka_describe_acls_response_acl_description, count);
    response->resources =
        ARENA_ARRAY(&request->arena, struct kafka_describe_acls_response_resource, count);
    struct kafka_describe_acls_response_resource *resource = NULL;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !is_same_name(&rules[i], &rules[i - 1])) {
            resource = &response->resources[response->resources_count++];
            kafka_describe_acls_response_resource_init(resource);
            resource->resource_type = (int8_t)rules[i].resource;
            resource->pattern_type = (int8_t)rules[i].pattern;
            resource->resource_name = rules[i].name;
            resource->acls = &all[i];
        }
        all[i].principal = rules[i].principal;
        all[i].host = rules[i].host;
        all[i].operation = (int8_t)rules[i].operation;
        all[i].permission_type = (int8_t)rules[i].permission;
        resource->acls_count++;
    }
}

static err_t describe(struct request *request, struct kafka_describe_acls_response *response,
                      struct diag *diag)
{
    const struct kafka_describe_acls_request *m = request->message;
    const struct acl filter = {.resource = m->resource_type_filter,
                               .pattern = m->pattern_type_filter,
                               .name = m->resource_name_filter,
                               .principal = m->principal_filter,
                               .host = m->host_filter,
                               .operation = m->operation,
                               .permission = m->permission_type};
    if (!request_may_cluster(request, ACL_DESCRIBE))
        return ERR_CLUSTER_UNAUTHORIZED;
    if (!request_has_authorizer(request))
        return FAIL(diag, ERR_SECURITY_DISABLED, "No Authorizer is configured on the broker");
    size_t count;
    const struct acl *rules =
        acls_find(access_acls(request->broker->access), &filter, &request->arena, &count);
    fill(request, response, rules, count);
    return ERR_OK;
}

void describe_acls_handle(struct request *request)
{
    struct kafka_describe_acls_response response;
    struct diag diag = DIAG_INIT;
    kafka_describe_acls_response_init(&response);
    err_t err = describe(request, &response, &diag);
    response.error_code = kafka_code(err);
    response.error_message = kafka_story(request, err, &diag);
    request_respond(request, &response);
}
