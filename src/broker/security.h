// SPDX-License-Identifier: Apache-2.0
//
// security: users, ACLs and quotas as the log has them. They live in a log of their own beside the
// topics (data_dir/security), out of reach of every client: who could read the users' keys could
// try out passwords.
//
// Thread     any, except where it says BLOCKS.
#ifndef BROKER_SECURITY_H
#define BROKER_SECURITY_H

#include "base/str.h"
#include "broker/access.h"
#include "broker/quota.h"
#include "broker/users.h"
#include "store/log/log_store.h"

struct security;

// What one record says. The codes are on disk.
enum security_kind { SECURITY_USER = 1, SECURITY_ACL = 2, SECURITY_QUOTA = 3 };

struct security_change {
    enum security_kind kind;
    bool remove;
    struct bytes user;                  // USER
    struct scram_credential credential; // USER; to remove, its mechanism
    struct acl acl;                     // ACL
    struct quota_entity entity;         // QUOTA
    enum quota_kind quota;
    double limit;
};

// Several changes, all or none.
struct security_write {
    // in; the memory lives until done()
    const struct security_change *changes;
    size_t count;
    void (*done)(struct security_write *write); // durable and in force, or failed. Any thread
    // out
    err_t err;
    // private
    struct security *security;
    struct append append;
};

// Reads what is there. `access` takes the ACLs and outlives this. BLOCKS
MUST_USE err_t security_open(struct security **out, const char *dir, struct access *access,
                             struct diag *diag);
void security_close(struct security *security); // BLOCKS

struct users *security_users(struct security *security);
struct quotas *security_quotas(struct security *security);

void security_change(struct security *security, struct security_write *write);
// The same, waiting. BLOCKS
MUST_USE err_t security_change_wait(struct security *security,
                                    const struct security_change *changes, size_t count,
                                    struct diag *diag);

// The bytes of a record; views into it. False when it breaks the format or is of another version.
void security_encode(const struct security_change *change, struct str *key, struct str *value);
bool security_decode(struct bytes key, struct bytes value, bool has_value,
                     struct security_change *out);

#endif
