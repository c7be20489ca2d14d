// SPDX-License-Identifier: Apache-2.0
//
// Batches and their group commit.
//
// A batch is kept in RocksDB's own write batch form (the form of its log, stable across versions):
// records of tag, family, length-prefixed key and value. So joining batches is appending bytes, and
// a round hands RocksDB one buffer behind a 12-byte header (sequence, count: both little-endian).
//
// A round takes everything that is pending, writes it with one sync, then completes it. While it
// runs the next round gathers, so under load one sync serves all that came during the sync before
// it and an idle store adds no wait. A thread that calls kv_commit() while nobody writes does the
// round itself and saves two switches; what kv_submit() brings is written by the committer's
// thread.

#include "store/kv/kv_int.h"

#include "base/metric.h"
#include "loop/loop.h"

#include <assert.h>
#include <limits.h>

enum record_tag {
    TAG_DELETE = 0x4,
    TAG_PUT = 0x5,
    TAG_MERGE = 0x6,
    TAG_DELETE_RANGE = 0xE,
};

#define HEADER_BYTES    12
#define ROUND_MAX_BYTES ((size_t)32 << 20)
#define FLUSH_BYTES     ((size_t)512 << 10)
#define FLUSH_AFTER_US  1000000

static uint8_t *put_size(uint8_t *at, size_t size)
{
    for (; size >= 0x80; size >>= 7)
        *at++ = (uint8_t)(size | 0x80);
    *at++ = (uint8_t)size;
    return at;
}

static uint8_t *put_bytes(uint8_t *at, struct bytes bytes)
{
    assert(bytes.size <= UINT32_MAX);
    at = put_size(at, bytes.size);
    if (bytes.size > 0)
        memcpy(at, bytes.ptr, bytes.size);
    return at + bytes.size;
}

static void add(struct kv_batch *batch, enum record_tag tag, enum kv_family family,
                struct bytes key, const struct bytes *value)
{
    str_reserve(&batch->records, 12 + key.size + (value ? value->size : 0));
    uint8_t *start = (uint8_t *)batch->records.ptr + batch->records.size;
    uint8_t *at = start;
    *at++ = (uint8_t)tag;
    *at++ = (uint8_t)family;
    at = put_bytes(at, key);
    if (value)
        at = put_bytes(at, *value);
    batch->records.size += (size_t)(at - start);
    batch->count++;
}

void kv_put(struct kv_batch *batch, enum kv_family family, struct bytes key, struct bytes value)
{
    add(batch, TAG_PUT, family, key, &value);
}

void kv_merge(struct kv_batch *batch, struct bytes key, struct bytes value)
{
    add(batch, TAG_MERGE, KV_DATA, key, &value);
}

void kv_delete(struct kv_batch *batch, enum kv_family family, struct bytes key)
{
    add(batch, TAG_DELETE, family, key, NULL);
}

void kv_delete_range(struct kv_batch *batch, enum kv_family family, struct bytes from,
                     struct bytes to)
{
    add(batch, TAG_DELETE_RANGE, family, from, &to);
}

void kv_batch_append(struct kv_batch *batch, const struct kv_batch *more)
{
    str_append(&batch->records, more->records.ptr, more->records.size);
    batch->count += more->count;
}

void kv_batch_clear(struct kv_batch *batch)
{
    str_clear(&batch->records);
    batch->count = 0;
}

void kv_batch_release(struct kv_batch *batch)
{
    str_release(&batch->records);
    batch->count = 0;
}

// Takes the commits of one round off the list. Called with the mutex held.
static struct kv_commit *take_round(struct kv *kv)
{
    struct kv_commit *round = kv->first;
    struct kv_commit *end = round;
    size_t size = end->batch->records.size;
    while (end->next && size + end->next->batch->records.size <= ROUND_MAX_BYTES) {
        end = end->next;
        size += end->batch->records.size;
    }
    kv->first = end->next;
    if (!kv->first)
        kv->last = NULL;
    end->next = NULL;
    return round;
}

static err_t write_round(struct kv *kv, const struct kv_commit *round, struct diag *diag)
{
    uint32_t count = 0;
    uint8_t header[HEADER_BYTES] = {0};
    str_clear(&kv->joined);
    str_append(&kv->joined, header, sizeof header);
    for (const struct kv_commit *commit = round; commit; commit = commit->next) {
        str_append(&kv->joined, commit->batch->records.ptr, commit->batch->records.size);
        count += commit->batch->count;
    }
    for (int i = 0; i < 4; i++)
        kv->joined.ptr[8 + i] = (char)(count >> (8 * i));
    rocksdb_writebatch_t *joined = rocksdb_writebatch_create_from(kv->joined.ptr, kv->joined.size);
    char *message = NULL;
    rocksdb_write(kv->db, kv->write_options, joined, &message);
    rocksdb_writebatch_destroy(joined);
    if (kv->joined.capacity > ((size_t)4 << 20))
        str_release(&kv->joined);
    kv->broken = message != NULL;
    metric_add(METRIC_TABLE_COMMITS, 1);
    return message ? kv__fail(diag, "cannot write", message) : ERR_OK;
}

// Writes one round and completes it. Called and returns with the mutex held, `committing` set.
static void do_round(struct kv *kv)
{
    struct kv_commit *round = take_round(kv);
    mutex_unlock(&kv->mutex);
    struct diag diag = DIAG_INIT;
    err_t err = write_round(kv, round, &diag);
    size_t written = 0;
    loop_posts_begin();
    while (round) {
        struct kv_commit *commit = round;
        written += commit->batch->records.size;
        round = commit->next;
        commit->err = err;
        if (err)
            commit->diag = diag;
        commit->done(commit);
    }
    loop_posts_end();
    mutex_lock(&kv->mutex);
    kv->unflushed_bytes += written;
}

static void append(struct kv *kv, struct kv_commit *commit)
{
    commit->next = NULL;
    if (kv->last)
        kv->last->next = commit;
    else
        kv->first = commit;
    kv->last = commit;
}

void kv_submit(struct kv *kv, struct kv_commit *commit)
{
    mutex_lock(&kv->mutex);
    append(kv, commit);
    if (!kv->committing)
        cond_signal(&kv->wake);
    mutex_unlock(&kv->mutex);
}

struct waiter {
    struct kv_commit commit; // first
    struct kv *kv;
    _Atomic bool over;
};

static void waiter_done(struct kv_commit *commit)
{
    struct waiter *waiter = (struct waiter *)commit;
    mutex_lock(&waiter->kv->mutex);
    waiter->over = true;
    cond_broadcast(&waiter->kv->round);
    mutex_unlock(&waiter->kv->mutex);
}

err_t kv_commit(struct kv *kv, const struct kv_batch *batch, struct diag *diag)
{
    if (batch->count == 0)
        return ERR_OK;
    struct waiter waiter = {.commit = {.batch = batch, .done = waiter_done}, .kv = kv};
    mutex_lock(&kv->mutex);
    append(kv, &waiter.commit);
    if (!kv->committing) {
        kv->committing = true;
        do_round(kv);
        kv->committing = false;
        if (kv->first || kv->unflushed_bytes >= FLUSH_BYTES)
            cond_signal(&kv->wake);
    }
    while (!waiter.over)
        cond_wait(&kv->round, &kv->mutex);
    mutex_unlock(&kv->mutex);
    if (waiter.commit.err && diag && diag->code == ERR_OK)
        *diag = waiter.commit.diag;
    return waiter.commit.err;
}

// Waits for work. When little is written for a second, what is only in memory and log goes to
// files: a log left by a kill is replayed at the next open, and replaying is what makes an open
// slow.
static void wait_for_work(struct kv *kv)
{
    size_t before = kv->unflushed_bytes;
    if (before < FLUSH_BYTES) {
        cond_wait(&kv->wake, &kv->mutex);
        return;
    }
    bool idle = !cond_wait_for(&kv->wake, &kv->mutex, FLUSH_AFTER_US);
    if (!idle || kv->committing || kv->unflushed_bytes - before > FLUSH_BYTES / 4)
        return;
    kv->unflushed_bytes = 0;
    mutex_unlock(&kv->mutex);
    kv__flush_soon(kv);
    mutex_lock(&kv->mutex);
}

static void committer_run(void *ctx)
{
    struct kv *kv = ctx;
    mutex_lock(&kv->mutex);
    for (;;) {
        while (kv->committing || !kv->first) {
            if (kv->stop && !kv->first)
                break;
            wait_for_work(kv);
        }
        if (!kv->first)
            break;
        kv->committing = true;
        while (kv->first)
            do_round(kv);
        kv->committing = false;
    }
    mutex_unlock(&kv->mutex);
}

void kv__committer_start(struct kv *kv)
{
    mutex_init(&kv->mutex);
    cond_init(&kv->wake);
    cond_init(&kv->round);
    thread_start(&kv->committer, "kv-commit", committer_run, kv);
}

void kv__committer_stop(struct kv *kv)
{
    mutex_lock(&kv->mutex);
    kv->stop = true;
    cond_signal(&kv->wake);
    mutex_unlock(&kv->mutex);
    thread_join(&kv->committer);
    mutex_release(&kv->mutex);
    cond_release(&kv->wake);
    cond_release(&kv->round);
    str_release(&kv->joined);
}
