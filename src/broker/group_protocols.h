// SPDX-License-Identifier: Apache-2.0
//
// group_protocols: what a member of the classic protocol can speak, best first, and how many
// members of a group know each, so that a join is judged without looking at all of them.
//
// Lifetime   all zero is a valid empty set; it owns its bytes.
// Thread     with the group's mutex held.
#ifndef BROKER_GROUP_PROTOCOLS_H
#define BROKER_GROUP_PROTOCOLS_H

#include "base/bytes.h"
#include "base/map.h"

struct group_protocol {
    struct bytes name;
    struct bytes metadata;
};

struct group_protocols {
    struct group_protocol *items;
    size_t count;
    size_t capacity;
    size_t bytes; // of names and metadata
};

struct group_vote { // a protocol's name and how many members know it
    char *name;
    size_t count;
    size_t votes; // of the count going on
};
MAP_DEFINE(group_vote_map, struct bytes, struct group_vote *, bytes_hash, bytes_equal);

size_t group_protocols_bytes(const struct group_protocol *items, size_t count);
void group_protocols_set(struct group_protocols *protocols, const struct group_protocol *items,
                         size_t count); // copies
void group_protocols_release(struct group_protocols *protocols);
bool group_protocols_same(const struct group_protocols *protocols,
                          const struct group_protocol *items, size_t count);
// Empty when `name` is NULL or not among them.
struct bytes group_protocols_metadata(const struct group_protocols *protocols, const char *name);

void group_votes_add(struct group_vote_map *votes, const struct group_protocols *protocols);
void group_votes_drop(struct group_vote_map *votes, const struct group_protocols *protocols);
struct group_vote *group_votes_find(const struct group_vote_map *votes, struct bytes name);
// Is there one among `items` that `members` know?
bool group_votes_agree(const struct group_vote_map *votes, size_t members,
                       const struct group_protocol *items, size_t count);
void group_votes_release(struct group_vote_map *votes);

#endif
