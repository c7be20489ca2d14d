// SPDX-License-Identifier: Apache-2.0
//
// consumer_int: what the files of a KIP-848 group share: members and indexes (consumer.c), the
// target (consumer_target.c), a member's way to it (consumer_reconcile.c), regular expressions
// (consumer_regex.c), records (consumer_records.c). All with the group's mutex held.
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
// Brings the member nearer to its target.
void consumer__reconcile(struct group *group, struct consumer_member *member, bool resubscribed,
                         const struct consumer_parts *owned, struct record_builder *records);
bool consumer__is_reconciled(const struct consumer *consumer, const struct consumer_member *member);

#endif
