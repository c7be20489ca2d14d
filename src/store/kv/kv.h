// SPDX-License-Identifier: Apache-2.0
//
// kv: ordered keys and values on disk (RocksDB), written in atomic batches that are synced in
// groups. The only folder that knows RocksDB.
//
// Three families of keys share one write-ahead log, so one batch may touch all of them. Only
// KV_DATA has merges, a filter and prefixes; what its bytes mean is told by struct kv_format.
//
// Lifetime   kv_close() after every reader and iterator is gone and no commit is under way.
// Thread     any, except that a batch and an iterator belong to one thread at a time.
// Blocking   everything marked BLOCKS does disk I/O: never on a loop.
// Errors     ERR_IO, ERR_DISK_FULL, ERR_CORRUPT (names the file), ERR_LOCKED.
#ifndef STORE_KV_KV_H
#define STORE_KV_KV_H

#include "base/diag.h"
#include "base/str.h"

#include <stdint.h>

struct kv;
struct kv_iter;
struct kv_snapshot;

enum kv_family {
    KV_DATA,
    KV_META,
    KV_STATE,
};
#define KV_FAMILIES 3

enum kv_verdict {
    KV_KEEP,
    KV_DROP,
    KV_CHANGE, // to what was written to `out`
};

// What the bytes of KV_DATA mean. Pure functions, called on any thread.
struct kv_format {
    // Joins `count` >= 1 values of one key, oldest first, into `out` (empty at call). False: one is
    // damaged.
    bool (*merge)(struct str *out, const struct bytes *values, size_t count);
    // Asked for each whole value a compaction rewrites. Must only hide what reads hide already.
    enum kv_verdict (*filter)(void *ctx, struct bytes key, struct bytes value, struct str *out);
    size_t (*prefix)(
        struct bytes key); // length of the part that iterators with `prefix` stay in; 0 = none
    void *ctx;             // of filter
};

struct kv_options {
    const char *dir;
    size_t memory_bytes; // block cache and memtables together; 0 = 64 MiB
    bool sync;           // commits return after fdatasync
    struct kv_format format;
};

MUST_USE err_t kv_open(struct kv **out, const struct kv_options *options,
                       struct diag *diag); // BLOCKS
void kv_close(struct kv *kv);              // BLOCKS

// --- writing ---

struct kv_batch {
    struct str records; // RocksDB's write batch form without its header
    uint32_t count;
};

void kv_put(struct kv_batch *batch, enum kv_family family, struct bytes key, struct bytes value);
void kv_merge(struct kv_batch *batch, struct bytes key, struct bytes value); // KV_DATA
void kv_delete(struct kv_batch *batch, enum kv_family family, struct bytes key);
void kv_delete_range(struct kv_batch *batch, enum kv_family family, struct bytes from,
                     struct bytes to);
void kv_batch_append(struct kv_batch *batch, const struct kv_batch *more);
void kv_batch_clear(struct kv_batch *batch); // keeps the memory
void kv_batch_release(struct kv_batch *batch);

// All batches that wait when a round begins go to disk in one write and one sync. BLOCKS
MUST_USE err_t kv_commit(struct kv *kv, const struct kv_batch *batch, struct diag *diag);

// The same without blocking: done(commit) is called on the committer's thread, with err and diag
// set; it must be quick (post to a loop). The batch belongs to the commit until then.
struct kv_commit {
    const struct kv_batch *batch;
    void (*done)(struct kv_commit *commit);
    err_t err;
    struct diag diag;
    struct kv_commit *next; // private
};
void kv_submit(struct kv *kv, struct kv_commit *commit);

// Removes a range for good: whole files at once, the rest by a range deletion. BLOCKS
MUST_USE err_t kv_drop_range(struct kv *kv, enum kv_family family, struct bytes from,
                             struct bytes to, struct diag *diag);
MUST_USE err_t kv_flush(struct kv *kv, struct diag *diag);   // memtables to files. BLOCKS
MUST_USE err_t kv_compact(struct kv *kv, struct diag *diag); // all of KV_DATA. BLOCKS

// --- reading ---

// A value inside RocksDB's memory; kv_value_release() when done. bytes.ptr NULL = absent.
struct kv_value {
    struct bytes bytes;
    void *pin;
};

// `snapshot` may be NULL everywhere: the present.
MUST_USE err_t kv_get(struct kv *kv, const struct kv_snapshot *snapshot, enum kv_family family,
                      struct bytes key, struct kv_value *out, struct diag *diag); // BLOCKS
// On error nothing needs a release.
MUST_USE err_t kv_get_many(struct kv *kv, const struct kv_snapshot *snapshot, enum kv_family family,
                           const struct bytes *keys, size_t count, struct kv_value *out,
                           struct diag *diag); // BLOCKS
void kv_value_release(struct kv_value *value);

struct kv_snapshot *kv_snapshot_take(struct kv *kv);
void kv_snapshot_release(struct kv *kv, struct kv_snapshot *snapshot); // NULL is fine

struct kv_iter_options {
    enum kv_family family;
    struct bytes lower; // inclusive; ptr NULL = none. Copied
    struct bytes upper; // exclusive; ptr NULL = none. Copied
    const struct kv_snapshot *snapshot;
    bool prefix; // all keys wanted share the prefix of `lower`: uses the prefix filter
    bool scan;   // long: read ahead, leave the cache alone
};

// Stands before the first key: call one of the seeks. Views are valid until the next move. BLOCKS
struct kv_iter *kv_iter_open(struct kv *kv, const struct kv_iter_options *options);
void kv_iter_close(struct kv_iter *iter); // NULL is fine
void kv_iter_first(struct kv_iter *iter); // the first key >= lower
void kv_iter_last(struct kv_iter *iter);  // the last key < upper
void kv_iter_seek(struct kv_iter *iter, struct bytes key);
void kv_iter_seek_before(struct kv_iter *iter, struct bytes key); // the last key <= key
void kv_iter_next(struct kv_iter *iter);
void kv_iter_prev(struct kv_iter *iter);
bool kv_iter_valid(const struct kv_iter *iter);
struct bytes kv_iter_key(const struct kv_iter *iter);
struct bytes kv_iter_value(const struct kv_iter *iter);
MUST_USE err_t kv_iter_error(const struct kv_iter *iter,
                             struct diag *diag); // after valid() said no

#endif
