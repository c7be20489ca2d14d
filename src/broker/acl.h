// SPDX-License-Identifier: Apache-2.0
//
// acl: the rules of who may do what, and the decision they give. The codes are those of the Kafka
// protocol; the decision is that of Kafka's StandardAuthorizer: a matching DENY wins, then a
// matching ALLOW, then "no rule matched", told apart from "no rule is about this resource".
//
// Thread     any; one short mutex.
// Not here   super users, what no rule means, and who asks (access.h); the log (security_log.h).
#ifndef BROKER_ACL_H
#define BROKER_ACL_H

#include "base/arena.h"
#include "base/diag.h"

enum acl_resource {
    ACL_RESOURCE_ANY = 1, // in filters
    ACL_TOPIC = 2,
    ACL_GROUP = 3,
    ACL_CLUSTER = 4,
    ACL_TRANSACTIONAL_ID = 5,
    ACL_DELEGATION_TOKEN = 6,
    ACL_USER = 7,
};

enum acl_pattern {
    ACL_PATTERN_ANY = 1, // in filters
    ACL_MATCH = 2,       // in filters: every rule that is about the name
    ACL_LITERAL = 3,     // the name "*" is every name
    ACL_PREFIXED = 4,
};

enum acl_operation {
    ACL_OPERATION_ANY = 1, // in filters
    ACL_ALL = 2,
    ACL_READ = 3,
    ACL_WRITE = 4,
    ACL_CREATE = 5,
    ACL_DELETE = 6,
    ACL_ALTER = 7,
    ACL_DESCRIBE = 8,
    ACL_CLUSTER_ACTION = 9,
    ACL_DESCRIBE_CONFIGS = 10,
    ACL_ALTER_CONFIGS = 11,
    ACL_IDEMPOTENT_WRITE = 12,
    ACL_CREATE_TOKENS = 13,
    ACL_DESCRIBE_TOKENS = 14,
    ACL_TWO_PHASE_COMMIT = 15,
};

enum acl_permission {
    ACL_PERMISSION_ANY = 1, // in filters
    ACL_DENY = 2,
    ACL_ALLOW = 3,
};

#define ACL_CLUSTER_NAME "kafka-cluster" // the one name of ACL_CLUSTER

// One rule, or a filter for rules: there a null name, principal or host lets every one pass.
struct acl {
    enum acl_resource resource;
    enum acl_pattern pattern;
    struct bytes name;
    struct bytes principal; // "User:alice", "User:*"
    struct bytes host;      // a numeric address, "*"
    enum acl_operation operation;
    enum acl_permission permission;
};

struct acl_caller {
    struct bytes principal;
    struct bytes host;
};

enum acl_verdict {
    ACL_NO_RULE, // nothing is said about the resource
    ACL_ALLOWED,
    ACL_DENIED,
};

struct acls;

struct acls *acls_new(void);
void acls_free(struct acls *acls);

// May a rule be like this? ERR_INVALID, with Kafka's words.
MUST_USE err_t acl_check(const struct acl *rule, struct diag *diag);
MUST_USE err_t acl_check_filter(const struct acl *filter, struct diag *diag);

bool acls_add(struct acls *acls, const struct acl *rule);    // false: it is there already
bool acls_remove(struct acls *acls, const struct acl *rule); // false: it is not there
bool acls_has(struct acls *acls, const struct acl *rule);
size_t acls_count(struct acls *acls);
// Copies in `arena` of the rules that pass, sorted by resource, pattern, name, principal, host,
// operation.
struct acl *acls_find(struct acls *acls, const struct acl *filter, struct arena *arena,
                      size_t *count);

enum acl_verdict acls_decide(struct acls *acls, const struct acl_caller *caller,
                             enum acl_operation operation, enum acl_resource resource,
                             struct bytes name);
// Is there a resource of this kind, whatever its name, on which the operation is allowed? Told from
// the rules alone.
bool acls_allow_some(struct acls *acls, const struct acl_caller *caller,
                     enum acl_operation operation, enum acl_resource resource);

// Kafka's words: "TOPIC", "LITERAL", "DESCRIBE_CONFIGS", "ALLOW"; NULL when the code is none.
const char *acl_resource_word(int code);
const char *acl_pattern_word(int code);
const char *acl_operation_word(int code);
const char *acl_permission_word(int code);

#endif
