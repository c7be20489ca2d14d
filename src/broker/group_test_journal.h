// SPDX-License-Identifier: Apache-2.0
//
// group_test_journal: a log for group tests: keeps every batch, can be told to fail or to wait, and
// can be replayed into another group.
#ifndef BROKER_GROUP_TEST_JOURNAL_H
#define BROKER_GROUP_TEST_JOURNAL_H

#include "broker/consumer_records.h"
#include "broker/group_records.h"
#include "broker/group_write.h"

struct test_journal {
    struct group_journal journal;
    err_t fail; // what appends end with
    bool wait;  // until test_journal_settle()
    struct list waiting;
    VEC(struct buf *) batches;
};

static inline void test_journal_end(struct test_journal *log, struct append *append)
{
    append->err = log->fail;
    if (log->fail == ERR_OK)
        vec_push(&log->batches, append->buf);
    else
        buf_unref(append->buf);
    append->done(append);
}

static inline void test_journal_append(struct group_journal *journal, struct append *append)
{
    struct test_journal *log = CONTAINER_OF(journal, struct test_journal, journal);
    if (log->wait)
        list_push_back(&log->waiting, &append->link);
    else
        test_journal_end(log, append);
}

static inline void test_journal_init(struct test_journal *log)
{
    *log = (struct test_journal){.journal.append = test_journal_append};
    list_init(&log->waiting);
}

static inline void test_journal_settle(struct test_journal *log)
{
    struct list *link;
    log->wait = false;
    while ((link = list_pop_front(&log->waiting)))
        test_journal_end(log, CONTAINER_OF(link, struct append, link));
}

static inline void test_journal_release(struct test_journal *log)
{
    for (size_t i = 0; i < log->batches.count; i++)
        buf_unref(log->batches.items[i]);
    vec_release(&log->batches);
}

static inline struct bytes test_journal_text(struct reader *reader)
{
    uint16_t size = reader_u16(reader);
    return reader_bytes(reader, size);
}

static inline void test_journal_replay_record(struct group *group, struct consumer_env *env,
                                              const struct record *record)
{
    struct reader key = reader_make(record->key);
    int16_t type = reader_i16(&key);
    test_journal_text(&key); // the group
    if (type == GROUP_RECORD_CLASSIC)
        group_record_apply(group, record->value);
    else
        consumer_record_apply(group, env, type,
                              consumer_record_names(type) ? test_journal_text(&key) : BYTES_NULL,
                              record->value);
}

static inline err_t test_leave(struct group *group, const struct group_caller *caller)
{
    err_t err;
    group_leave(group, caller, 1, &err);
    return err;
}

// A group as it would be after a restart.
static inline struct group *test_journal_replay(struct test_journal *log, const char *id,
                                                struct consumer_env *env)
{
    struct group *group = group_new(bytes_from(id), &log->journal);
    for (size_t i = 0; i < log->batches.count; i++) {
        struct record_reader reader;
        struct record record;
        if (record_reader_open(&reader, buf_bytes(log->batches.items[i]), 1 << 24, NULL) != ERR_OK)
            continue;
        while (record_reader_next(&reader, &record))
            test_journal_replay_record(group, env, &record);
        record_reader_release(&reader);
    }
    group_loaded(group);
    return group;
}

#endif
