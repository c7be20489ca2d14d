// SPDX-License-Identifier: Apache-2.0
//
// quota: bytes per second that users and client ids are held to. As in Kafka the most exact limit
// counts (user and client, user and any client, user, then the same for any user, then client ids),
// clients under one limit share it, and a client that was too fast is told to be quiet for as long
// as brings it back to the limit.
//
// Thread     any; one short mutex.
#ifndef BROKER_QUOTA_H
#define BROKER_QUOTA_H

#include "base/arena.h"
#include "base/diag.h"

enum quota_kind {
    QUOTA_PRODUCE, // producer_byte_rate
    QUOTA_CONSUME, // consumer_byte_rate
    QUOTA_KINDS,
};

// Whom a limit is for. A part that is there with a null name is everyone who has no limit of his
// own.
struct quota_entity {
    bool has_user, has_client;
    struct bytes user;   // "alice", without "User:"
    struct bytes client; // the client id
};

struct quota_entry {
    struct quota_entity entity;
    double limits[QUOTA_KINDS]; // bytes per second; 0: none
};

struct quotas;

struct quotas *quotas_new(void);
void quotas_free(struct quotas *quotas);

const char *quota_name(enum quota_kind kind);
void quotas_set(struct quotas *quotas, const struct quota_entity *entity, enum quota_kind kind,
                double rate); // 0 takes it away
// Every limit, sorted; copies in `arena`.
struct quota_entry *quotas_all(struct quotas *quotas, struct arena *arena, size_t *count);

// Counts the bytes; how long the client must be quiet, in milliseconds.
int32_t quotas_charge(struct quotas *quotas, enum quota_kind kind, struct bytes user,
                      struct bytes client, size_t bytes);
// The same without counting them when it is more than 0: the bytes are not sent after all.
int32_t quotas_try(struct quotas *quotas, enum quota_kind kind, struct bytes user,
                   struct bytes client, size_t bytes);

#endif
