// SPDX-License-Identifier: Apache-2.0
//
// groups_int: what groups.c (the map, the tick), groups_load.c and groups_upkeep.c (deletion,
// expiry) share.
#ifndef BROKER_GROUPS_INT_H
#define BROKER_GROUPS_INT_H

#include "broker/consumer.h"
#include "broker/group_write.h"
#include "broker/groups.h"
#include "broker/ticker.h"

MAP_DEFINE(group_map, struct bytes, struct group *, bytes_hash, bytes_equal);

struct groups {
    struct group_journal journal;
    struct consumer_env env;
    uint64_t versions_from; // of topics: no version is told twice, also not after a restart
    struct broker *broker;
    size_t resolving;  // works on their way
    struct mutex lock; // guards map, idle, upkeep; a leaf: taken last, also after a group's
    struct cond idle;
    struct group_map map;
    struct topic *topic;
    struct partition *partition;
    struct ticker ticker;
    struct work upkeep;
    bool upkeep_runs;
    _Atomic bool stopping;
    _Atomic int64_t expired_ms; // when old offsets were last looked for
};

// References for the caller, in no order.
struct group **groups__collect(struct groups *groups, struct arena *arena, size_t *count);
// Nobody was ever in it, it keeps nothing and only the caller has a reference: forgotten.
void groups__drop_if_unused(struct groups *groups, struct group *group);
void groups__take_out(struct groups *groups, struct group *group);
MUST_USE err_t groups__load(struct groups *groups, struct diag *diag);
void groups__init_env(struct groups *groups);
void groups__start_upkeep(struct groups *groups);

#endif
