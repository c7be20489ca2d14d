// SPDX-License-Identifier: Apache-2.0
//
// group_int: what the files of a classic group share: its members (group_member.c) and the moves of
// its state machine (group_move.c). All with the group's mutex held; what finishes is queued in
// group->joins and group->syncs.
#ifndef BROKER_GROUP_INT_H
#define BROKER_GROUP_INT_H

#include "broker/group.h"

void group__unlock(struct group *group); // frees the mutex, then answers what has finished
char *group__text(struct bytes bytes);   // an owned, terminated copy
void group__set_text(char **slot, const char *text);
struct bytes group__copy(struct arena *arena, const char *text); // null stays null

// --- members ---

// Adds one that knows the join's protocols; the id must be new.
struct group_member *group__new_member(struct group *group, const char *id,
                                       const struct group_join *join);
// Takes it out and frees it; nothing of it may be held. Elects another leader if it led.
void group__drop_member(struct group *group, struct group_member *member);
void group__rename_member(struct group *group, struct group_member *member, const char *id);
// Takes over what the join says about the member.
void group__take_join(struct group *group, struct group_member *member,
                      const struct group_join *join);
struct group_member *group__member(const struct group *group, struct bytes id);
struct group_member *group__member_of_instance(const struct group *group, struct bytes instance_id);
// ERR_UNKNOWN_MEMBER, ERR_FENCED_INSTANCE.
MUST_USE err_t group__find_caller(const struct group *group, const struct group_caller *caller,
                                  struct group_member **out);
bool group__same_protocols(const struct group_member *member, const struct group_join *join);
// Is there a protocol of the joining member that all others know too?
bool group__has_common_protocol(const struct group *group, const struct group_join *join);
const char *group__vote(const struct group *group); // the next protocol; there are members
struct bytes group__metadata(const struct group_member *member, const char *protocol);
void group__lead(struct group *group, struct bytes id); // if it is a member
void group__touch(struct group_member *member);         // a sign of life
void group__assign(struct group_member *member, struct bytes assignment);
void group__set_next(struct group_member *member, struct bytes assignment);
void group__hold(struct group *group, struct group_member *member, struct group_join *join);
struct group_join *group__let_go(struct group *group, struct group_member *member);
void group__reset(struct group *group); // no members, as if new; keeps offsets

// --- moves ---

void group__enter(struct group *group, enum group_state state);
void group__refuse(struct group *group, struct group_join *join, err_t err);
void group__fill_join(struct group *group, struct group_member *member, struct group_join *join,
                      const char *leader);
void group__finish_sync(struct group *group, struct group_member *member, err_t err);
void group__answer_held_join(struct group *group, struct group_member *member, err_t err);
void group__add_member(struct group *group, const char *id, struct group_join *join);
void group__rejoin(struct group *group, struct group_member *member, struct group_join *join);
void group__remove_member(struct group *group, struct group_member *member);
bool group__take_pending(struct group *group, struct bytes id); // was it given out? Not any more
void group__prepare(struct group *group);        // begins a rebalance, or goes on with it
void group__wait_for_joins(struct group *group); // in Preparing, not longer than they may take
void group__maybe_complete(struct group *group); // if everybody has joined
void group__expire(struct group *group);

#endif
