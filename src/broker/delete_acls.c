// SPDX-License-Identifier: Apache-2.0
//
// DeleteAcls is answered, with the rules that each filter took away, when that is durable.
#include "wire/kafka/delete_acls.h"

#include "broker/broker_int.h"
#include "broker/security.h"

#include "base/vec.h"

struct deleting {
    struct security_write write;
    struct request *request;
    struct kafka_delete_acls_response response;
    VEC(struct security_change) changes;
};

static void deleted(struct security_write *write)
{
    struct deleting *deleting = CONTAINER_OF(write, struct deleting, write);
    struct kafka_delete_acls_response *response = &deleting->response;
    for (int32_t i = 0; i < response->filter_results_count && write->err != ERR_OK; i++) {
        struct kafka_delete_acls_response_filter_result *result = &response->filter_results[i];
        kafka_delete_acls_response_filter_result_init(result);
        result->error_code = kafka_code(write->err);
        result->error_message = kafka_story(deleting->request, write->err, NULL);
    }
    vec_release(&deleting->changes);
    request_respond(deleting->request, response);
}

static void fill(struct deleting *deleting, const struct acl *rules, size_t count,
                 struct kafka_delete_acls_response_filter_result *result)
{
    result->matching_acls_count = (int32_t)count;
    result->matching_acls = ARENA_ARRAY(&deleting->request->arena,
                                        struct kafka_delete_acls_response_matching_acl, count);
    for (size_t i = 0; i < count; i++) {
        struct kafka_delete_acls_response_matching_acl *out = &result->matching_acls[i];
        kafka_delete_acls_response_matching_acl_init(out);
        out->resource_type = (int8_t)rules[i].resource;
        out->resource_name = rules[i].name;
        out->pattern_type = (int8_t)rules[i].pattern;
        out->principal = rules[i].principal;
        out->host = rules[i].host;
        out->operation = (int8_t)rules[i].operation;
        out->permission_type = (int8_t)rules[i].permission;
        vec_push(&deleting->changes,
                 ((struct security_change){.kind = SECURITY_ACL, .remove = true, .acl = rules[i]}));
    }
}

static err_t find(struct deleting *deleting, const struct kafka_delete_acls_request_filter *in,
                  struct kafka_delete_acls_response_filter_result *result, struct diag *diag)
{
    struct request *request = deleting->request;
    const struct acl filter = {.resource = in->resource_type_filter,
                               .pattern = in->pattern_type_filter,
                               .name = in->resource_name_filter,
                               .principal = in->principal_filter,
                               .host = in->host_filter,
                               .operation = in->operation,
                               .permission = in->permission_type};
    if (!request_may_cluster(request, ACL_ALTER))
        return ERR_CLUSTER_UNAUTHORIZED;
    if (!request_has_authorizer(request))
        return FAIL(diag, ERR_SECURITY_DISABLED, "No Authorizer is configured.");
    TRY(acl_check_filter(&filter, diag));
    size_t count;
    const struct acl *rules =
        acls_find(access_acls(request->broker->access), &filter, &request->arena, &count);
    fill(deleting, rules, count, result);
    return ERR_OK;
}

void delete_acls_handle(struct request *request)
{
    const struct kafka_delete_acls_request *m = request->message;
    struct deleting *deleting = ARENA_NEW(&request->arena, struct deleting);
    struct kafka_delete_acls_response *response = &deleting->response;
    kafka_delete_acls_response_init(response);
    deleting->request = request;
    response->filter_results_count = m->filters_count;
    response->filter_results = ARENA_ARRAY(
        &request->arena, struct kafka_delete_acls_response_filter_result, (size_t)m->filters_count);
    for (int32_t i = 0; i < m->filters_count; i++) {
        struct diag diag = DIAG_INIT;
        struct kafka_delete_acls_response_filter_result *result = &response->filter_results[i];
        kafka_delete_acls_response_filter_result_init(result);
        err_t err = find(deleting, &m->filters[i], result, &diag);
        result->error_code = kafka_code(err);
        result->error_message = kafka_story(request, err, &diag);
    }
    deleting->write = (struct security_write){
        .changes = deleting->changes.items, .count = deleting->changes.count, .done = deleted};
    security_change(request->broker->security, &deleting->write);
}
