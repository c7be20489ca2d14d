// SPDX-License-Identifier: Apache-2.0
//
// group_int: the moves of the group's state machine (group_move.c) that the calls of group.c are
// made of. All with the group's mutex held; what finishes is queued in group->joins and
// group->syncs.
#ifndef BROKER_GROUP_INT_H
#define BROKER_GROUP_INT_H

#include "broker/group.h"

void offsets_free(struct offsets *offsets); // offsets.c

char *group__text(struct bytes bytes); // an owned, terminated copy
void group__member_free(struct group_member *member);
bool group__member_knows(const struct group_member *member, struct bytes protocol);
bool group__same_protocols(const struct group_member *member, const struct group_join *join);
struct group_member *group__member_of_instance(struct group *group, struct bytes instance_id);
// ERR_UNKNOWN_MEMBER, ERR_FENCED_INSTANCE.
MUST_USE err_t group__find_caller(struct group *group, const struct group_caller *caller,
                                  struct group_member **out);
void group__touch(struct group_member *member); // a sign of life
void group__enter(struct group *group, enum group_state state);
void group__assign(struct group_member *member, struct bytes assignment);

void group__add_member(struct group *group, const char *id, struct group_join *join);
void group__rejoin(struct group *group, struct group_member *member, struct group_join *join);
// A static member came back under a new id.
void group__replace_static(struct group *group, struct group_member *member, const char *id,
                           struct group_join *join);
// Answers a join with the present generation.
void group__answer_current(struct group *group, struct group_member *member,
                           struct group_join *join);
void group__finish_sync(struct group *group, struct group_member *member, err_t err);
void group__remove_member(struct group *group, struct group_member *member);
void group__maybe_complete(struct group *group); // if everybody has joined
void group__expire(struct group *group);

#endif
