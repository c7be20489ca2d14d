// SPDX-License-Identifier: Apache-2.0
//
// offsets: the committed positions of one group, and their records in the topic __consumer_offsets.
//
// Readers see what is durable. Records reach the log in the order in which the group's mutex was
// held, so replay gives the newest.
//
// Thread     with the group's mutex held, unless it says otherwise.
#ifndef BROKER_OFFSETS_H
#define BROKER_OFFSETS_H

#include "base/arena.h"
#include "base/str.h"
#include "broker/group.h"
#include "store/log/log_store.h"
#include "wire/kafka/record.h"

// Any other offset may be committed, also a negative one: kafkajs commits -2 to begin anew.
#define OFFSET_NONE INT64_MIN

struct offset_value {
    int64_t offset; // OFFSET_NONE: nothing is committed
    int32_t leader_epoch;
    int64_t commit_ms;
    struct bytes metadata; // owned by the entry
    int64_t expire_ms;     // 0: with its group
    uint8_t topic_id[16];  // all zero: not said
    int64_t order;         // offset of its record
};

struct offset_entry {
    char *topic;
    int32_t partition;
    struct offset_value value; // durable
    unsigned writing;          // records on their way
};

struct offset_change {
    struct bytes topic;
    int32_t partition;
    struct offset_value value; // OFFSET_NONE deletes; the bytes live until done()
};

// One record batch of changes.
struct offset_write {
    // in
    struct group *group; // a reference the caller keeps until done()
    struct offset_change *changes;
    size_t count;
    // More records for the same batch; may be NULL.
    void (*add)(struct record_builder *records, const struct group *group);
    // Durable, or failed. Any thread, perhaps inside offsets_write() with the mutex held: must not
    // take it.
    void (*done)(struct offset_write *write);
    // out
    err_t err;
    const char *story;    // lives until done() returns; may be NULL
    struct append append; // private
};

void offsets_write(struct offset_write *write, struct partition *partition);

// A record as offsets_write() makes them.
void offsets_add_record(struct record_builder *records, struct bytes group,
                        const struct offset_change *change);

// NULL when nothing is committed.
const struct offset_value *offsets_find(const struct group *group, struct bytes topic,
                                        int32_t partition);
size_t offsets_count(const struct group *group); // durable ones
bool offsets_any(const struct group *group);     // durable ones or on their way
// Durable ones, sorted by topic and partition; copies in `arena`, as changes.
struct offset_change *offsets_all(const struct group *group, struct arena *arena, size_t *count);
// Those whose time is over and that no member is subscribed to, as changes that delete them.
// `*left` tells whether any stay.
struct offset_change *offsets_expired(const struct group *group, struct arena *arena,
                                      int64_t now_ms, int64_t retention_ms, size_t *count,
                                      bool *left);
// While loading, before there are other threads: what a record of the topic says.
struct offset_record {
    struct bytes group;
    struct offset_change change;
};
// False when the record is not about an offset or breaks the format. Views into the record.
bool offsets_parse(struct bytes key, struct bytes value, struct offset_record *out);
void offsets_apply(struct group *group, const struct offset_change *change);
void offsets_free(struct offsets *offsets);

#endif
