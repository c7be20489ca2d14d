// SPDX-License-Identifier: Apache-2.0
//
// access: who sends a request, and what they may do. A handler asks before it acts:
//
//     if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id))
//         err = ERR_GROUP_UNAUTHORIZED;
//
// Without an authorizer (the default) everyone may do everything. Which operation each API asks
// for, and whether what is not allowed is refused or left out, is Kafka's (docs/security.md).
//
// Thread     any.
#ifndef BROKER_ACCESS_H
#define BROKER_ACCESS_H

#include "broker/acl.h"

struct broker;
struct request;

// Who stands behind a connection. Does not change once the connection has signed in.
struct identity {
    char *principal; // "User:ANONYMOUS", "User:alice", "User:CN=app,O=weir"
    char host[64];   // numeric address of the client
    bool trusted;    // the operator's own tools: may do everything
};

struct access_options {
    bool authorizer;           // false: everyone may do everything
    bool allow_if_no_acl;      // allow.everyone.if.no.acl.found
    const char *const *supers; // principals that may do everything
    size_t super_count;
};

struct access;

struct access *access_new(const struct access_options *options);
void access_free(struct access *access);
bool access_enabled(const struct access *access); // is there an authorizer?
struct acls *access_acls(struct access *access);
bool access_may(struct access *access, const struct identity *identity,
                enum acl_operation operation, enum acl_resource resource, struct bytes name);

const struct identity *request_identity(struct request *request);
// Are there ACLs to be managed? The operator's own tools may also before they are in force.
bool request_has_authorizer(struct request *request);

// May the caller do it? A refusal is logged (Kafka's audit log).
bool request_may(struct request *request, enum acl_operation operation, enum acl_resource resource,
                 struct bytes name);
// The same where a refusal is ordinary: to leave things out, or to try another right. Not logged.
bool request_could(struct request *request, enum acl_operation operation,
                   enum acl_resource resource, struct bytes name);
bool request_may_cluster(struct request *request, enum acl_operation operation);
// On at least one resource of the kind.
bool request_may_some(struct request *request, enum acl_operation operation,
                      enum acl_resource resource);
// Everything the caller may do with it, as the bit field of authorized_operations.
int32_t request_operations(struct request *request, enum acl_resource resource, struct bytes name);

#endif
