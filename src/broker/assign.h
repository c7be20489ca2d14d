// SPDX-License-Identifier: Apache-2.0
//
// assign: the server-side assignors of KIP-848: which member of a group shall read which
// partitions. Pure.
//
//   uniform  as even as can be over all topics; a member keeps what it has where that allows it
//   range    of every topic each member gets one run of partitions, in the order of the members
//
// The rules are Apache Kafka's (UniformAssignor, RangeAssignor).
#ifndef BROKER_ASSIGN_H
#define BROKER_ASSIGN_H

#include "base/bytes.h"
#include "broker/consumer_parts.h"

struct assign_topic {
    uint8_t id[16];
    int32_t partitions;
};

struct assign_member {
    const char *id;
    const char *instance_id; // NULL: dynamic
    const uint32_t *topics;  // what it is subscribed to: indexes, ascending
    size_t topic_count;
    const struct consumer_parts *present; // its target until now
    struct consumer_parts target;         // out, sorted; the caller's to release
};

struct assign {
    const struct assign_topic *topics; // sorted by id
    size_t topic_count;
    struct assign_member *members;
    size_t member_count;
    bool same; // all members are subscribed to all topics
};

struct assignor {
    const char *name;
    void (*run)(struct assign *assign);
};

extern const struct assignor assignors[]; // the first is the default; ends with a NULL name
const struct assignor *assignor_find(struct bytes name);

void assign_uniform(struct assign *assign);
void assign_uniform_mixed(struct assign *assign); // members are subscribed to different topics
void assign_range(struct assign *assign);

// The index of the topic; -1 if it is not among them.
int64_t assign_topic_index(const struct assign *assign, const uint8_t id[16]);
bool assign_subscribed(const struct assign_member *member, uint32_t topic);

#endif
