// SPDX-License-Identifier: Apache-2.0
//
// consumer_records: the records of a KIP-848 group in __consumer_offsets, as Apache Kafka writes
// them (schema/kafka/consumer_group.tbl): the group's epoch, each member, the target's epoch, each
// member's target and present assignment, each resolved regular expression.
//
// Thread     with the group's mutex held.
#ifndef BROKER_CONSUMER_RECORDS_H
#define BROKER_CONSUMER_RECORDS_H

#include "broker/consumer.h"

enum consumer_record { // types of keys
    CONSUMER_RECORD_GROUP = 3,
    CONSUMER_RECORD_MEMBER = 5,
    CONSUMER_RECORD_TARGET = 6,
    CONSUMER_RECORD_TARGET_MEMBER = 7,
    CONSUMER_RECORD_CURRENT = 8,
    CONSUMER_RECORD_REGEX = 16,
};

void consumer_record_add_group(struct record_builder *records, const struct group *group);
void consumer_record_add_member(struct record_builder *records, const struct group *group,
                                const struct consumer_member *member);
void consumer_record_add_target(struct record_builder *records, const struct group *group);
void consumer_record_add_target_member(struct record_builder *records, const struct group *group,
                                       const struct consumer_member *member);
void consumer_record_add_current(struct record_builder *records, const struct group *group,
                                 const struct consumer_member *member);
void consumer_record_add_regex(struct record_builder *records, const struct group *group,
                               const struct consumer_regex *regex);
// What was, is not any more:
void consumer_record_add_gone(struct record_builder *records, const struct group *group,
                              const char *member_id);
void consumer_record_add_regex_gone(struct record_builder *records, const struct group *group,
                                    const char *pattern);
void consumer_record_add_group_gone(struct record_builder *records, const struct group *group);

// Is a key of this type about a KIP-848 group? And has it a second part?
bool consumer_record_is(int16_t type);
bool consumer_record_names(int16_t type);
// While loading: takes over what a record says. A null value deletes. False when the value breaks
// the format.
bool consumer_record_apply(struct group *group, struct consumer_env *env, int16_t type,
                           struct bytes name, struct bytes value);

#endif
