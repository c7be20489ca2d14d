// SPDX-License-Identifier: Apache-2.0
//
// group_write: a batch of records by which a group keeps its members for a restart, on its way to
// __consumer_offsets.
//
// Records reach the log in the order in which the group's mutex was held. One that must not get
// lost (`keep`) is tried again until it is written; until then the group takes no further change of
// that kind (group_unsaved()), so what waits stays bounded.
//
// Thread     with the group's mutex held, unless it says otherwise.
#ifndef BROKER_GROUP_WRITE_H
#define BROKER_GROUP_WRITE_H

#include "broker/group.h"
#include "store/log/log_store.h"
#include "wire/kafka/record.h"

struct group_journal {
    // As partition_append(): takes the reference of append->buf, may call append->done at once.
    void (*append)(struct group_journal *journal, struct append *append);
};

struct group_write {
    // in; mem_alloc()ed, freed after done()
    // Durable, or failed: with the mutex held, perhaps inside group_write(). May be NULL.
    void (*done)(struct group_write *write);
    bool keep;
    int32_t generation; // the caller's, as are the next
    char *member_id;    // owned
    char *leader;       // owned
    void *ctx;
    // out
    err_t err;
    // private
    struct group *group; // a reference
    struct buf *buf;
    struct append append;
    struct list link;
};

// Makes one batch of the records and empties the builder; without records the write is done at
// once.
void group_write(struct group *group, struct record_builder *records, struct group_write *write);
bool group_unsaved(const struct group *group);
// Tries again what could not be written.
void group_write_retry(struct group *group);
void group_write_free(struct group_write *write); // one that is not on its way

#endif
