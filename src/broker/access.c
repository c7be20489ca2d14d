// SPDX-License-Identifier: Apache-2.0
#include "broker/access.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/broker_int.h"

struct access {
    bool authorizer;
    bool allow_if_no_acl;
    char **supers;
    size_t super_count;
    struct acls *acls;
};

struct access *access_new(const struct access_options *options)
{
    struct access *access = MEM_NEW(struct access);
    access->authorizer = options->authorizer;
    access->allow_if_no_acl = options->allow_if_no_acl;
    access->super_count = options->super_count;
    access->supers = mem_zalloc((options->super_count + 1) * sizeof *access->supers);
    for (size_t i = 0; i < options->super_count; i++)
        access->supers[i] = mem_strdup(options->supers[i]);
    access->acls = acls_new();
    return access;
}

void access_free(struct access *access)
{
    for (size_t i = 0; i < access->super_count; i++)
        mem_free(access->supers[i]);
    mem_free(access->supers);
    acls_free(access->acls);
    mem_free(access);
}

bool access_enabled(const struct access *access)
{
    return access->authorizer;
}

struct acls *access_acls(struct access *access)
{
    return access->acls;
}

static bool is_super(const struct access *access, const struct identity *identity)
{
    if (identity->trusted)
        return true;
    for (size_t i = 0; i < access->super_count; i++)
        if (strcmp(access->supers[i], identity->principal) == 0)
            return true;
    return false;
}

bool access_may(struct access *access, const struct identity *identity,
                enum acl_operation operation, enum acl_resource resource, struct bytes name)
{
    if (!access->authorizer || is_super(access, identity))
        return true;
    struct acl_caller caller = {bytes_from(identity->principal), bytes_from(identity->host)};
    enum acl_verdict verdict = acls_decide(access->acls, &caller, operation, resource, name);
    return verdict == ACL_ALLOWED || (verdict == ACL_NO_RULE && access->allow_if_no_acl);
}

// --- what handlers ask ---------------------------------------------------------------

bool request_has_authorizer(struct request *request)
{
    return request->broker->access->authorizer || request_identity(request)->trusted;
}

bool request_could(struct request *request, enum acl_operation operation,
                   enum acl_resource resource, struct bytes name)
{
    return access_may(request->broker->access, request_identity(request), operation, resource,
                      name);
}

bool request_may(struct request *request, enum acl_operation operation, enum acl_resource resource,
                 struct bytes name)
{
    if (request_could(request, operation, resource, name))
        return true;
    const struct identity *identity = request_identity(request);
    LOG_INFO("broker/access", "refused",
             "principal=\"%s\" host=%s operation=%s resource=%s:%.*s api=%d", identity->principal,
             identity->host, acl_operation_word((int)operation), acl_resource_word((int)resource),
             BYTES_PRINT(name), request->header.key);
    return false;
}

bool request_may_cluster(struct request *request, enum acl_operation operation)
{
    return request_may(request, operation, ACL_CLUSTER, bytes_from(ACL_CLUSTER_NAME));
}

bool request_may_some(struct request *request, enum acl_operation operation,
                      enum acl_resource resource)
{
    // Any name will do for who may do everything, or where there are no rules at all.
    if (request_could(request, operation, resource, bytes_from("hardcode")))
        return true;
    const struct identity *identity = request_identity(request);
    struct acl_caller caller = {bytes_from(identity->principal), bytes_from(identity->host)};
    return acls_allow_some(access_acls(request->broker->access), &caller, operation, resource);
}

int32_t request_operations(struct request *request, enum acl_resource resource, struct bytes name)
{
    static const uint32_t exist[] = {
        // the operations that mean something for each kind, a bit each
        [ACL_TOPIC] = 1 << ACL_READ | 1 << ACL_WRITE | 1 << ACL_CREATE | 1 << ACL_DELETE |
                      1 << ACL_ALTER | 1 << ACL_DESCRIBE | 1 << ACL_DESCRIBE_CONFIGS |
                      1 << ACL_ALTER_CONFIGS,
        [ACL_GROUP] = 1 << ACL_READ | 1 << ACL_DELETE | 1 << ACL_DESCRIBE |
                      1 << ACL_DESCRIBE_CONFIGS | 1 << ACL_ALTER_CONFIGS,
        [ACL_CLUSTER] = 1 << ACL_CREATE | 1 << ACL_ALTER | 1 << ACL_DESCRIBE |
                        1 << ACL_CLUSTER_ACTION | 1 << ACL_DESCRIBE_CONFIGS |
                        1 << ACL_ALTER_CONFIGS | 1 << ACL_IDEMPOTENT_WRITE,
        [ACL_TRANSACTIONAL_ID] = 1 << ACL_DESCRIBE | 1 << ACL_WRITE | 1 << ACL_TWO_PHASE_COMMIT,
        [ACL_DELEGATION_TOKEN] = 1 << ACL_DESCRIBE,
        [ACL_USER] = 1 << ACL_CREATE_TOKENS | 1 << ACL_DESCRIBE_TOKENS};
    int32_t may = 0;
    for (int operation = ACL_READ; operation <= ACL_TWO_PHASE_COMMIT; operation++)
        if (exist[resource] >> operation & 1 &&
            request_could(request, (enum acl_operation)operation, resource, name))
            may |= 1 << operation;
    return may;
}
