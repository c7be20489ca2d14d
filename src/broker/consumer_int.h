// SPDX-License-Identifier: Apache-2.0
//
// consumer_int: what the files of a KIP-848 group share: members and indexes (consumer.c), the
// target (consumer_target.c), a member's way to it (consumer_reconcile.c), regular expressions
// (consumer_regex.c), records (consumer_records.c), what a member says of itself
// (consumer_update.c), members of the classic protocol (consumer_classic.c) and the way between the
// two protocols (consumer_migrate.c). All with the group's mutex held.
#ifndef BROKER_CONSUMER_INT_H
#define BROKER_CONSUMER_INT_H

#include "broker/consumer.h"
#include "broker/group_int.h"

struct consumer *consumer__new(struct consumer_env *env);
void consumer__free_member(struct consumer_member *member);

// --- members ---

struct consumer_member *consumer__add_member(struct consumer *consumer, const char *id);
void consumer__set_instance(struct consumer *consumer, struct consumer_member *member,
                            struct bytes instance_id);
void consumer__rename(struct consumer *consumer, struct consumer_member *member, const char *id);
struct consumer_member *consumer__of_instance(const struct consumer *consumer,
                                              struct bytes instance_id);
// Sets a subscription, sorted, and counts it. True when it changed.
bool consumer__set_topics(struct consumer *consumer, struct consumer_member *member,
                          const struct bytes *topics, int32_t count);
// Takes over new sets of partitions and tells the owners' index.
void consumer__set_parts(struct consumer *consumer, struct consumer_member *member,
                         struct consumer_parts *assigned, struct consumer_parts *revoking);
// Takes the member out, with everything that is known of it. Adds the records.
void consumer__take_out(struct group *group, struct consumer_member *member,
                        struct record_builder *records);
// The same with several; the epoch grows.
void consumer__remove(struct group *group, struct consumer_member **members, size_t count,
                      struct record_builder *records);

// Makes it a member of the classic protocol, or takes over what is new about one; true: changed.
bool consumer__set_classic(struct consumer *consumer, struct consumer_member *member,
                           int32_t session_ms, const struct group_protocol *protocols,
                           size_t count);
bool consumer__drop_classic(struct consumer *consumer, struct consumer_member *member);
void consumer__touch(const struct group *group, struct consumer_member *member); // a sign of life
const char *consumer__make_id(struct arena *arena);
err_t consumer__check_fenced(const struct consumer_member *member, struct bytes id);

// What a member says of itself; what is null or -1 stays as it was.
struct consumer_words {
    struct bytes instance_id;
    struct bytes rack_id;
    struct bytes assignor;
    struct bytes regex;
    struct bytes client_id;
    struct bytes client_host;
    const struct bytes *topics;
    int32_t topic_count;
    int32_t rebalance_timeout_ms;
    int32_t session_ms; // of a classic member, with its protocols; none = speaks KIP-848
    const struct group_protocol *protocols;
    size_t protocol_count;
};

enum consumer_regex_change { REGEX_SAME, REGEX_CHANGED, REGEX_CHANGED_AND_KNOWN };

struct consumer_update {
    bool topics; // the subscription by names changed
    enum consumer_regex_change regex;
};

struct consumer_update consumer__update(struct group *group, struct consumer_member *member,
                                        const struct consumer_words *words,
                                        struct record_builder *records);
// A static member has come back: it takes over what its predecessor had.
void consumer__replace(struct group *group, struct consumer_member *member, const char *id,
                       struct record_builder *records);

// --- topics ---

struct consumer_regex *consumer__regex(const struct consumer *consumer, const char *pattern);
// Counts a member's regular expression; the last one to leave drops it.
void consumer__use_regex(struct consumer *consumer, const char *pattern);
bool consumer__leave_regex(struct consumer *consumer, const char *pattern); // true: dropped
void consumer__set_regex_topics(struct consumer *consumer, struct consumer_regex *regex,
                                char **topics, size_t count);
void consumer__free_regex(struct consumer_regex *regex);
uint64_t consumer__topics_hash(const struct consumer *consumer);
bool consumer__reads_same(const struct consumer *consumer); // all members the same topics
// Ids of the existing topics a member reads, sorted; mem_free() them.
struct assign_topic *consumer__topics_of(const struct consumer *consumer,
                                         const struct consumer_member *member, size_t *count);

// --- the moves ---

// Grows the epoch with the topics' hash as it is; adds the record.
void consumer__bump(struct group *group, struct record_builder *records);
// A new target, when the epoch asks for one and the last is old enough.
void consumer__retarget(struct group *group, struct record_builder *records);
// The same when the subscription or the topics have changed.
void consumer__maybe_bump(struct group *group, bool resubscribed, struct record_builder *records);
// Brings the member nearer to its target.
void consumer__reconcile(struct group *group, struct consumer_member *member, bool resubscribed,
                         const struct consumer_parts *owned, struct record_builder *records);
bool consumer__is_reconciled(const struct consumer *consumer, const struct consumer_member *member);

// Of a group of this name.
static inline int32_t consumer__members_max(struct consumer_env *env, const char *group)
{
    int32_t most = env->settings(env, group).members_max;
    return most > 0 && most < GROUP_MEMBERS_MAX ? most : GROUP_MEMBERS_MAX;
}

// --- between the protocols ---

// The classic group as a new one, for its first KIP-848 member: made, not in effect yet. Says why
// not in `diag`: ERR_GROUP_NOT_FOUND.
MUST_USE err_t consumer__upgrade(const struct group *group, struct consumer_env *env,
                                 struct consumer **out, struct diag *diag);
// Puts it into effect. Whoever waits for the classic group is told to rejoin.
void consumer__become(struct group *group, struct consumer *consumer,
                      struct record_builder *records);
// May the group be a classic one without these?
bool consumer__may_downgrade(const struct consumer *consumer,
                             struct consumer_member *const *leaving, size_t count);
// Makes it one of the members that are not `leaving`. `rebalance`: what they have is not what they
// shall have, so all join again.
void consumer__downgrade(struct group *group, int32_t generation, bool rebalance,
                         struct record_builder *records);
// Members go; if only classic ones stay, it is a classic group.
void consumer__fence(struct group *group, struct consumer_member **members, size_t count,
                     struct record_builder *records);

#endif
