// SPDX-License-Identifier: Apache-2.0
//
// Shared by the files of store/kv only.
#ifndef STORE_KV_KV_INT_H
#define STORE_KV_KV_INT_H

#include "os/thread.h"
#include "store/kv/kv.h"

#include <rocksdb/c.h>

struct kv {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_options_t *plain; // of KV_META and KV_STATE
    rocksdb_column_family_handle_t *families[KV_FAMILIES];
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write_options;
    rocksdb_readoptions_t *read_options;
    rocksdb_mergeoperator_t *merge;
    rocksdb_compactionfilter_t *filter;
    struct kv_format format;
    bool sync;

    struct mutex mutex; // below it; leaf, never held across I/O
    struct cond wake;   // the committer: something is pending, or stop
    struct cond round;  // waiting callers: a round has ended
    struct kv_commit *first, *last;
    bool committing; // a thread is writing a round
    bool stop;
    _Atomic bool broken;    // the last write failed
    size_t unflushed_bytes; // written since the memtables were last sent to files
    struct str joined;      // the round's batch; of the thread that commits
    struct thread committer;
};

void kv__flush_soon(struct kv *kv); // without waiting for it
void kv__committer_start(struct kv *kv);
void kv__committer_stop(struct kv *kv);
// Takes RocksDB's message (freed) and says it in our words.
err_t kv__fail(struct diag *diag, const char *what, char *message);

#endif
