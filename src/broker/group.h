// SPDX-License-Identifier: Apache-2.0
//
// group: one consumer group. Classic: its members, generations and assignments, below. Of the new
// protocol (KIP-848): `consumer`, in consumer.h. A state machine; what it keeps for a restart goes
// through its journal (group_write.h).
//
//     Empty -> PreparingRebalance -> CompletingRebalance -> Stable
//                 members join         leader's sync          any change goes back to
//                 PreparingRebalance
//
// A join is held until all known members have joined, or the longest rebalance timeout is over; a
// sync is held until the leader's. What is held is answered by calling its done(), after the
// group's mutex is free again.
//
// Lifetime   groups.c holds a reference while the group is in its map.
// Thread     any; one small mutex, which may be held while calling into store/log (order: group,
// then partition). Not here   committed offsets (offsets.h), the map of groups and the clock's tick
// (groups.h).
#ifndef BROKER_GROUP_H
#define BROKER_GROUP_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/list.h"
#include "base/map.h"
#include "base/vec.h"
#include "broker/group_protocols.h"
#include "os/thread.h"

enum {
    GROUP_NEW_MEMBER_MS = 5 * 60 * 1000, // a first join is not held longer
    GROUP_MEMBERS_MAX = 10000,
    GROUP_METADATA_MAX_BYTES = 4 << 20, // of one member, over all its protocols
    GROUP_PROTOCOLS_MAX = 256,          // of one member
    GROUP_BYTES_MAX = 16 << 20,         // metadata of all members; assignments of all members
};

enum group_state {
    GROUP_EMPTY,
    GROUP_PREPARING,
    GROUP_COMPLETING,
    GROUP_STABLE,
    GROUP_DEAD,
};

struct group_join_member {
    struct bytes member_id;
    struct bytes instance_id; // null: dynamic
    struct bytes metadata;
};

struct group_join {
    // in; the bytes live until done()
    struct bytes member_id;   // empty: new
    struct bytes instance_id; // null: dynamic
    struct bytes client_id;
    struct bytes client_host;
    struct bytes protocol_type;
    const struct group_protocol *protocols;
    size_t protocol_count;
    int32_t session_timeout_ms;
    int32_t rebalance_timeout_ms;
    int32_t members_max;      // of the group; 0 = GROUP_MEMBERS_MAX
    int32_t first_delay_ms;   // so long a first member waits for others
    bool member_id_required;  // v4+: a new dynamic member is first told its id
    bool may_skip_assignment; // v9+
    struct arena *arena;      // for what comes out
    void (*done)(struct group_join *join);
    // out
    err_t err;
    int32_t generation;
    struct bytes new_member_id;
    struct bytes leader;
    struct bytes protocol_name; // null when there is none
    struct bytes group_protocol_type;
    bool skip_assignment;
    struct group_join_member *members; // the leader's answer only
    size_t member_count;
    struct list link; // private
};

struct group_assignment {
    struct bytes member_id;
    struct bytes assignment;
};

// Who calls: a member of a generation.
struct group_caller {
    struct bytes member_id;
    struct bytes instance_id; // null: dynamic
    int32_t generation;
};

struct group_sync {
    // in
    struct group_caller caller;
    struct bytes protocol_type;                 // null: not said
    struct bytes protocol_name;                 // null: not said
    const struct group_assignment *assignments; // the leader's
    size_t assignment_count;
    struct arena *arena;
    void (*done)(struct group_sync *sync);
    // out
    err_t err;
    struct bytes group_protocol_type;
    struct bytes group_protocol_name;
    struct bytes assignment;
    struct list link; // private
};

struct group_member {
    char *id;
    char *instance_id; // NULL: dynamic
    char *client_id;
    char *client_host;
    int32_t session_timeout_ms;
    int32_t rebalance_timeout_ms;
    struct group_protocols protocols;
    struct bytes assignment;      // owned: the last that was handed out
    struct bytes next_assignment; // owned: being written by the leader's sync
    bool fresh;                   // has not completed a first join
    bool may_skip_assignment;
    bool synced;             // has asked for its assignment in this generation
    struct group_join *join; // held
    struct group_sync *sync; // held
    int64_t expires_us;      // without a sign of life
};

struct group_pending { // a member id that was given out and has not joined
    char *id;
    int64_t expires_us;
};

MAP_DEFINE(group_member_map, struct bytes, struct group_member *, bytes_hash, bytes_equal);

struct consumer;
struct group_journal;

struct group {
    char *id;
    struct mutex lock;
    _Atomic unsigned refs;
    struct group_journal *journal; // NULL: nothing is kept
    struct consumer *consumer;     // NULL: a classic group
    enum group_state state;
    int32_t generation;
    char *protocol_type; // NULL until the first join
    char *protocol;      // NULL without members
    char *leader;        // member id, NULL without members
    VEC(struct group_member *) members;
    struct group_member_map by_id;
    struct group_member_map by_instance;
    struct group_vote_map votes;
    size_t joined; // members whose join is held
    size_t metadata_bytes;
    VEC(struct group_pending) pending;
    int64_t rebalance_until_us;   // in Preparing: when to go on without the rest; in Completing:
                                  // without syncs
    int64_t state_since_ms;       // wall clock
    struct {                      // an empty group that somebody joins waits for others a while:
        int64_t until_us;         // 0: it does not
        int64_t delay_us;         // so long, and again when somebody came,
        int64_t step_us, left_us; // but not longer than this in all
        bool more;
    } first;
    struct list joins, syncs; // finished, to be answered once the mutex is free
    struct list beats;        // the same of consumer.h
    struct list unsaved;      // group_write.h's: to be written again, in order
    bool retrying;
    struct offsets *offsets; // offsets.c's
};

struct group *group_new(struct bytes id, struct group_journal *journal); // one reference
struct group *group_ref(struct group *group);
void group_unref(struct group *group); // NULL is fine

void group_join(struct group *group, struct group_join *join);
void group_sync(struct group *group, struct group_sync *sync);
MUST_USE err_t group_heartbeat(struct group *group, const struct group_caller *caller);
// Tells each caller's fate in `errs`. Their generations are not looked at; with an instance id, an
// empty member id means whoever has it.
void group_leave(struct group *group, const struct group_caller *callers, size_t count,
                 err_t *errs);
// The connection of a held join or sync has gone: done() is called with ERR_CANCELLED if it is
// still held. The member stays until its session ends.
void group_abandon_join(struct group *group, struct group_join *join);
void group_abandon_sync(struct group *group, struct group_sync *sync);
// May the caller commit offsets now? Call with the mutex held. `caller` of an admin: generation -1,
// empty ids.
// `version` is that of OffsetCommit.
MUST_USE err_t group_may_commit(struct group *group, const struct group_caller *caller,
                                int16_t version);
// Once the caller may: for this partition too? Only members of the new protocol may not.
MUST_USE err_t group_may_commit_part(struct group *group, const struct group_caller *caller,
                                     const uint8_t topic[16], int32_t partition);
// The same for TxnOffsetCommit.
MUST_USE err_t group_may_commit_txn(struct group *group, const struct group_caller *caller);
// Moves what is due by clock_mono_us(): silent members leave, late rebalances go on. True while
// there is anything that can become due.
bool group_tick(struct group *group);
// Answers everything that is held with COORDINATOR_NOT_AVAILABLE; nothing can join afterwards.
// Keeps the offsets.
void group_kill(struct group *group);
// The group has been read from the log: sessions begin anew.
void group_loaded(struct group *group);

// With the mutex held:
const char *group_state_name(const struct group *group); // "Stable"
const char *group_type_name(const struct group *group);  // "classic", "consumer"
bool group_is_empty(const struct group *group);          // nobody is in it or on the way in
size_t group_member_count(const struct group *group);
// Is any member subscribed to the topic? True when that cannot be told of a group of type
// "consumer"; false for other types.
bool group_subscribes(const struct group *group, struct bytes topic);

#endif
