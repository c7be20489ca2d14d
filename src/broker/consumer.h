// SPDX-License-Identifier: Apache-2.0
//
// consumer: the part of a group that speaks the consumer group protocol (KIP-848): members say by
// heartbeats what they want and own, and the group assigns.
//
// The group's epoch grows with every change of members, subscriptions or topics. For it an assignor
// makes the target: what each member shall have. Each member then goes to its target on its own: it
// is told to revoke, says that it has, and is given what others have let go.
//
//     member:   Stable -> UnrevokedPartitions -> UnreleasedPartitions -> Stable
//                 to give up first      others still hold what it shall get
//
// An answer leaves when everything the group has changed is durable.
//
// Members of the classic protocol may be in it too: a classic group becomes a new one when its
// first KIP-848 member joins, and a classic one again when the last leaves. Such a member's
// generation is its member epoch; it is told to join again when it has something to give up or get.
//
// Lifetime   with its group; made by the first heartbeat, or by loading.
// Thread     with the group's mutex held, except consumer_heartbeat() and what says so.
#ifndef BROKER_CONSUMER_H
#define BROKER_CONSUMER_H

#include "broker/consumer_parts.h"
#include "broker/group.h"
#include "wire/kafka/record.h"

enum {
    CONSUMER_LEAVE = -1,             // member epochs of a request: to leave,
    CONSUMER_LEAVE_STATIC = -2,      // to leave and come back,
    CONSUMER_JOIN = 0,               // to join
    CONSUMER_REGEX_EVERY_MS = 10000, // nor are regular expressions resolved
    CONSUMER_REGEX_REFRESH_MS = 10 * 60 * 1000,
    CONSUMER_TOPICS_MAX = 100000, // a member's subscription and partitions it says it owns
};

enum consumer_state { // of a member, as the records say it
    CONSUMER_STABLE = 0,
    CONSUMER_UNREVOKED = 1,
    CONSUMER_UNRELEASED = 2,
};

struct consumer_classic { // of a member that speaks the classic protocol
    int32_t session_ms;
    struct group_protocols protocols;
    int64_t join_until_us; // 0: was not told to join again
    int64_t sync_until_us; // 0: owes no SyncGroup
};

struct consumer_member {
    char *id;
    char *instance_id; // NULL: dynamic
    char *rack_id;     // may be NULL, as may the next two
    char *assignor;
    char *regex; // "" as well: none
    char *client_id;
    char *client_host;
    VEC(char *) topics;               // sorted, no two the same
    struct consumer_classic *classic; // NULL: speaks KIP-848
    int32_t rebalance_timeout_ms;
    int32_t epoch;
    int32_t previous_epoch;
    enum consumer_state state;
    struct consumer_parts assigned;
    struct consumer_parts revoking; // told to give up
    struct consumer_parts target;
    int64_t expires_us;      // without a sign of life
    int64_t revoke_until_us; // 0: has nothing to revoke
    bool has_target;         // one was written
    bool leaving;            // is about to be taken out
    bool loading;            // its own record has not been read yet
};

struct consumer_subscription { // a topic's name and how it is subscribed to
    char *name;
    size_t by_name;  // members
    size_t by_regex; // regular expressions
};

struct consumer_regex {
    char *pattern;
    size_t members;
    bool resolved;
    VEC(char *) topics; // sorted
    uint64_t version;   // of the topics it was resolved against
    int64_t resolved_ms;
};

static inline uint64_t consumer_part_hash(struct consumer_part part)
{
    return hash_bytes(part.topic, sizeof part.topic) ^ hash_u64((uint64_t)(uint32_t)part.partition);
}

static inline bool consumer_part_same(struct consumer_part a, struct consumer_part b)
{
    return consumer_part_compare(&a, &b) == 0;
}

MAP_DEFINE(consumer_member_map, struct bytes, struct consumer_member *, bytes_hash, bytes_equal);
MAP_DEFINE(consumer_subscription_map, struct bytes, struct consumer_subscription *, bytes_hash,
           bytes_equal);
MAP_DEFINE(consumer_owner_map, struct consumer_part, struct consumer_member *, consumer_part_hash,
           consumer_part_same);

struct consumer_settings { // of one group
    int32_t session_ms;
    int32_t heartbeat_ms;
    int32_t assign_every_ms;
    int32_t members_max;
};

// What a group knows of the broker. Any thread, also with a group's mutex held.
struct consumer_env {
    // Id and partitions of a topic; false if there is none.
    bool (*topic)(struct consumer_env *env, struct bytes name, uint8_t id[16], int32_t *partitions);
    uint64_t (*version)(struct consumer_env *env); // grows with every change of topics
    struct consumer_settings (*settings)(struct consumer_env *env, const char *group);
    // The name of a topic, in `arena`; NULL if there is none.
    const char *(*name)(struct consumer_env *env, const uint8_t id[16], struct arena *arena);
    // May groups with members become of the new protocol, and classic again? With neither no
    // classic member joins one of the new protocol.
    bool upgrades, downgrades;
    const char *assignor; // where the members name none; NULL: assignors[0]
};

struct consumer {
    struct consumer_env *env;
    VEC(struct consumer_member *) members;
    struct consumer_member_map by_id;
    struct consumer_member_map by_instance;
    struct consumer_subscription_map subscriptions;
    struct consumer_owner_map owners; // who has, or has not given up yet, a partition
    VEC(struct consumer_regex *) regexes;
    size_t classics; // members that speak the classic protocol,
    size_t classic_bytes;
    struct group_vote_map votes; // and what they can speak
    int32_t epoch;
    int32_t target_epoch;
    int64_t target_ms; // wall clock; 0: no target yet
    uint64_t topics_hash;
    uint64_t topics_version; // env->version() when topics_hash was made
    bool resolving;
};

struct consumer_beat {
    // in; the bytes live until done()
    struct bytes member_id; // may be empty for CONSUMER_JOIN: made up
    int32_t epoch;
    struct bytes instance_id;     // null: dynamic
    struct bytes rack_id;         // null, as the next ones: as before
    int32_t rebalance_timeout_ms; // -1: as before
    const struct bytes *topics;
    int32_t topic_count; // -1: as before
    struct bytes regex;
    struct bytes assignor;
    const struct consumer_parts *owned; // sorted; NULL: not said
    struct bytes client_id;
    struct bytes client_host;
    struct arena *arena;                      // for what comes out
    void (*done)(struct consumer_beat *beat); // on any thread
    // Called before done() when regular expressions are to be resolved: consumer_resolve_begin()
    // soon, on a thread that may take its time. With the mutex held.
    void (*resolve)(struct consumer_beat *beat, struct group *group);
    // out
    err_t err;
    const char *message; // NULL: the error's own words
    struct bytes out_member_id;
    int32_t out_epoch;
    int32_t heartbeat_ms;
    bool has_assignment;
    const struct consumer_part *assignment;
    size_t assignment_count;
    struct list link; // private
};

// Thread: any; the mutex is not held.
void consumer_heartbeat(struct group *group, struct consumer_env *env, struct consumer_beat *beat);

void consumer_tick(struct group *group);   // members whose time is over leave
void consumer_loaded(struct group *group); // sessions begin anew
void consumer_free(struct consumer *consumer);
const char *consumer_state_name(const struct consumer *consumer);
const char *consumer_assignor_name(const struct consumer *consumer);
bool consumer_subscribes(const struct consumer *consumer, struct bytes topic);
struct consumer_member *consumer_member(const struct consumer *consumer, struct bytes id);

// LeaveGroup: a classic member leaves, or an administrator removes members. Written soon. Each gets
// ERR_OK, ERR_UNKNOWN_MEMBER, ERR_FENCED_INSTANCE or ERR_COORDINATOR_NOT_AVAILABLE.
void consumer_leave(struct group *group, const struct group_caller *callers, size_t count,
                    err_t *errs);
// An empty group is to become a classic one: forgets what it was.
void consumer_end(struct group *group);

// --- the classic protocol: with the mutex held; answers are queued in the group ---

void consumer_join(struct group *group, struct group_join *join);
MUST_USE err_t consumer_sync(struct group *group, struct group_sync *sync); // fills the answer
MUST_USE err_t consumer_classic_beat(struct group *group, const struct group_caller *caller);

// --- regular expressions ---

// What is to be resolved: copies of the patterns in `arena`.
char **consumer_resolve_begin(const struct group *group, struct arena *arena, size_t *count);
// `topics[i]` are the `counts[i]` names, sorted, that patterns[i] matched as of `version`. Written
// when this returns or later; the mutex is not held.
void consumer_resolve_end(struct group *group, char **patterns, char ***topics,
                          const size_t *counts, size_t count, uint64_t version);

// --- offsets ---

// May the caller commit? ERR_UNKNOWN_MEMBER, ERR_STALE_MEMBER_EPOCH (of a classic member
// ERR_ILLEGAL_GENERATION), ERR_UNSUPPORTED_VERSION.
MUST_USE err_t consumer_may_commit(const struct consumer *consumer,
                                   const struct group_caller *caller, int16_t version,
                                   bool transactional);
// An epoch of before is good for what the member has had since then.
MUST_USE err_t consumer_may_commit_part(const struct consumer *consumer,
                                        const struct group_caller *caller, const uint8_t topic[16],
                                        int32_t partition);
MUST_USE err_t consumer_may_fetch(const struct consumer *consumer, struct bytes member_id,
                                  int32_t epoch);

#endif
