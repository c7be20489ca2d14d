// SPDX-License-Identifier: Apache-2.0
//
// CreateAcls is answered when the rules are durable and in force. A rule that is there already is
// fine.
#include "wire/kafka/create_acls.h"

#include "broker/security_answer.h"

static void fail(void *response, int16_t code, struct bytes story)
{
    struct kafka_create_acls_response *out = response;
    for (int32_t i = 0; i < out->results_count; i++) {
        out->results[i].error_code = code;
        out->results[i].error_message = story;
    }
}

static struct acl rule_of(const struct kafka_create_acls_request_acl_creation *in)
{
    return (struct acl){.resource = in->resource_type,
                        .pattern = in->resource_pattern_type,
                        .name = in->resource_name,
                        .principal = in->principal,
                        .host = in->host,
                        .operation = in->operation,
                        .permission = in->permission_type};
}

static err_t check(struct request *request, const struct acl *rule, struct diag *diag)
{
    if (!request_may_cluster(request, ACL_ALTER))
        return ERR_CLUSTER_UNAUTHORIZED;
    if (!request_has_authorizer(request))
        return FAIL(diag, ERR_SECURITY_DISABLED, "No Authorizer is configured.");
    return acl_check(rule, diag);
}

void create_acls_handle(struct request *request)
{
    const struct kafka_create_acls_request *m = request->message;
    struct kafka_create_acls_response *response =
        ARENA_NEW(&request->arena, struct kafka_create_acls_response);
    kafka_create_acls_response_init(response);
    response->results_count = m->creations_count;
    response->results =
        ARENA_ARRAY(&request->arena, struct kafka_create_acls_response_acl_creation_result,
                    (size_t)m->creations_count);
    struct security_change *changes =
        ARENA_ARRAY(&request->arena, struct security_change, (size_t)m->creations_count);
    size_t count = 0;
    for (int32_t i = 0; i < m->creations_count; i++) {
        struct diag diag = DIAG_INIT;
        struct acl rule = rule_of(&m->creations[i]);
        err_t err = check(request, &rule, &diag);
        response->results[i].error_code = kafka_code(err);
        response->results[i].error_message = kafka_story(request, err, &diag);
        if (err == ERR_OK && !acls_has(access_acls(request->broker->access), &rule))
            changes[count++] = (struct security_change){.kind = SECURITY_ACL, .acl = rule};
    }
    security_answer(request, changes, count, response, fail);
}
