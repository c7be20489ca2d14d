// SPDX-License-Identifier: Apache-2.0
//
// groups: all consumer groups of the broker, the topic that keeps their offsets, and the tick that
// expires members.
//
// Thread     any, except where it says BLOCKS: those not on a loop.
#ifndef BROKER_GROUPS_H
#define BROKER_GROUPS_H

#include "broker/broker_int.h"
#include "broker/offsets.h"

// Makes __consumer_offsets if it is absent and loads it. BLOCKS
MUST_USE err_t groups_open(struct groups **out, struct broker *broker, struct diag *diag);
// Answers every held join and sync; later ones are refused. Before the listener closes. BLOCKS
void groups_stop(struct groups *groups);
void groups_close(struct groups *groups); // BLOCKS

struct group *groups_find(struct groups *groups, struct bytes id); // a reference; NULL if absent
struct group *groups_get(struct groups *groups, struct bytes id);  // a reference; made if absent
// References for the caller, sorted by id, in `arena`.
struct group **groups_all(struct groups *groups, struct arena *arena, size_t *count);
// A member may have come, and is waited for from now on: makes sure that the tick runs.
void groups_watch(struct groups *groups);

// Of __consumer_offsets; lives as long as the groups.
struct partition *groups_partition(struct groups *groups);
struct consumer_env *groups_env(struct groups *groups);
// Has the regular expressions of the group resolved, away from its mutex: to the topics that the
// one who asks may describe.
void groups_resolve(struct groups *groups, struct group *group, const struct identity *identity);

// The address as Kafka shows it among a group's members: "/127.0.0.1".
struct bytes groups_client_host(struct request *request);

// offsets_write() into the broker's topic. Group's mutex held.
void groups_write(struct groups *groups, struct offset_write *write);
// The same, waiting; refused when `caller` (NULL = nobody to ask) may not commit now. The mutex is
// not held. BLOCKS
MUST_USE err_t groups_write_wait(struct groups *groups, struct group *group,
                                 const struct group_caller *caller, struct offset_write write,
                                 struct diag *diag);
// Forgets an empty group and its offsets. ERR_NON_EMPTY_GROUP, ERR_GROUP_NOT_FOUND. BLOCKS
MUST_USE err_t groups_delete(struct groups *groups, struct bytes id, struct diag *diag);
// A deleted topic takes its committed offsets with it. BLOCKS
void groups_forget_topic(struct groups *groups, struct bytes topic);
// Forgets offsets whose time is over, and empty groups that have none left. BLOCKS
void groups_expire(struct groups *groups);

#endif
