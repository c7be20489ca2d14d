// SPDX-License-Identifier: Apache-2.0
//
// group_records: the record of a classic group in __consumer_offsets, as Apache Kafka writes it
// (schema/kafka/consumer_offsets.tbl): GroupMetadataKey v2 -> GroupMetadataValue v3. A null value
// says that the group is gone.
//
// Thread     with the group's mutex held.
#ifndef BROKER_GROUP_RECORDS_H
#define BROKER_GROUP_RECORDS_H

#include "broker/group.h"
#include "wire/kafka/record.h"

enum { GROUP_RECORD_CLASSIC = 2 }; // the type of the key

// The group as it is. `next`: with the assignments the leader has just sent.
void group_record_add(struct record_builder *records, const struct group *group, bool next);
void group_record_add_tombstone(struct record_builder *records, const struct group *group);
// Adds a record with the key (type, group) or (type, group, name); a null `value` deletes.
void group_record_put(struct record_builder *records, int16_t type, const struct group *group,
                      const char *name, struct bytes value);

// While loading: makes the group what the value says; a null value makes it new. False when the
// value breaks the format.
bool group_record_apply(struct group *group, struct bytes value);

#endif
