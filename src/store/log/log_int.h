// SPDX-License-Identifier: Apache-2.0
//
// log_int: the structs that the files of store/log share.
//
// Locks      store->mutex (topics by name) -> topic->mutex -> partition->mutex -> file_cache.mutex;
//            each for memory work only. Waiters are called under topic->mutex or partition->mutex.
// Threads    the writer thread alone appends, rolls, and renames; the keeper thread removes old
//            segments and writes checkpoints; readers come from anywhere and take what they need
//            under partition->mutex.
#ifndef STORE_LOG_LOG_INT_H
#define STORE_LOG_LOG_INT_H

#include "base/map.h"
#include "base/vec.h"
#include "os/thread.h"
#include "store/log/file_cache.h"
#include "store/log/log_store.h"
#include "store/log/producer.h"
#include "store/log/sync_pool.h"

#include <stdatomic.h>

enum {
    INDEX_STEP_BYTES = 4096,
    INDEX_ENTRY_BYTES = 16,
    HINT_COUNT = 8,
    PATH_BYTES = 1024,
};

enum { CHECKPOINT_BYTES = 128 << 20 }; // appended, then there is a new one

enum index_state {
    INDEX_UNKNOWN, // not looked at since the store was opened
    INDEX_BUSY,    // one thread checks or rebuilds it
    INDEX_READY,
};

// One file of batches. Fields below `mutex` are under its partition's mutex.
struct segment {
    struct partition *partition;
    _Atomic unsigned refs;
    int64_t base_offset;
    struct cached_file log;
    struct cached_file index;
    struct cached_file aborted;
    // mutex
    int64_t size;          // written
    int64_t readable_size; // below the high watermark, and before any damage
    int64_t max_timestamp; // -1 = none
    int64_t created_ms;
    int64_t index_count;      // entries
    int64_t indexed_position; // of the last entry, 0 = none
    int64_t index_step_bytes; // at least so far from one entry to the next; fixed
    int64_t aborted_count;    // entries of the index of aborted transactions
    int64_t reserved;         // blocks asked for up to here; writer only
    uint32_t jitter;          // which share of segment.jitter.ms earlier it ends
    uint8_t index_state;      // enum index_state
    bool unsynced;            // the index, and without options.sync the log too
    bool dirty;               // written since the last sync; writer only
    bool removed;             // retention or compaction took it: its files are gone
    bool swapping;            // compaction put it here, its files are not named .log yet
    int64_t first_timestamp;  // largest of its first batch; INT64_MIN = not looked at
};

// A batch boundary somebody will probably ask for: the end of a read, an earlier high watermark.
struct hint {
    int64_t offset; // -1 = empty
    int64_t segment_base;
    int64_t position;
};

struct partition {
    struct topic *topic;
    int32_t index;
    struct mutex mutex;
    VEC(struct segment *) segments; // by base offset; the last one is written
    int64_t start_offset;
    int64_t start_saved; // by whoever deleted records; while admin_busy
    int64_t next_offset; // of the next batch written
    int64_t end_offset;  // high watermark
    int64_t bytes;
    struct list queue;      // appends waiting for the writer
    struct list ready_link; // in writer.ready while the queue is not empty; under writer.mutex
    bool ready;             // the same, under writer.mutex
    bool deleted;
    bool rescan;        // damaged or failed: the next open reads all of it
    bool names_lost;    // a sync of its folder failed (names.h); until the next start
    bool unremovable;   // an old segment's file stayed; no retention until the next start
    bool uncleanable;   // compaction met something it cannot read; until the next start
    int64_t cleaned_to; // compaction has seen everything below
    bool folder_named;  // its folder is durable, though it may have no segment yet; writer only
    bool first_named;   // and so is its first file, still empty
    unsigned pins;      // who works on its files by name; under store->mutex
    struct list waiters;
    err_t failed; // no more appends, for this reason
    char *failed_story;
    int64_t damaged_from; // reads from here on are refused; INT64_MAX = none
    char *damage_story;
    struct hint hints[HINT_COUNT];
    unsigned hint_next;
    struct open_txn first_open;  // below the high watermark; first_offset -1 = none
    struct aborted_list aborted; // the newest, all with last_offset >= aborted_from
    int64_t aborted_from;
    struct producers producers; // writer only
};

struct topic_limits { // settings the store obeys
    int64_t segment_bytes;
    int64_t segment_ms;
    int64_t segment_jitter_ms; // segment_ms is shortened by up to so much, by chance
    int64_t retention_bytes;   // -1 = no bound
    int64_t retention_ms;      // -1 = no bound
    int64_t batch_max_bytes;   // max.message.bytes
    int64_t ahead_max_ms;      // message.timestamp.after.max.ms
    int64_t behind_max_ms;     // message.timestamp.before.max.ms
    int64_t file_delete_delay_ms;
    int64_t index_interval_bytes;
    int64_t index_max_bytes; // segment.index.bytes
    bool preallocate;
    bool delete_old;   // cleanup.policy holds "delete"
    bool append_time;  // message.timestamp.type is LogAppendTime
    int8_t codec;      // enum batch_compression of compression.type; -1 = as the producer packed it
    int32_t levels[5]; // compression.X.level by enum batch_compression
    // compaction
    bool compact; // cleanup.policy holds "compact"
    double dirty_ratio_min;
    int64_t compaction_lag_min_ms; // a record is left alone so long
    int64_t compaction_lag_max_ms; // and compacted after so long at the latest
    int64_t delete_retention_ms;   // how long compaction keeps tombstones
};

struct setting {
    char *key;
    char *value;
};

struct topic_id {
    uint8_t bytes[16];
};

struct topic {
    struct log_store *store;
    _Atomic unsigned refs;
    char *name;
    struct topic_id id;
    struct mutex mutex;
    VEC(struct partition *) partitions;
    VEC(struct setting) settings; // by key
    struct topic_limits limits;
    struct {
        _Atomic uint64_t records_in, bytes_in, bytes_out, produces, failed_produces;
    } traffic; // relaxed
    bool deleted;
    struct list waiters;
};

static inline uint64_t topic_id_hash(struct topic_id id)
{
    return hash_bytes(id.bytes, sizeof id.bytes);
}

static inline bool topic_id_equal(struct topic_id a, struct topic_id b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

MAP_DEFINE(topic_map, struct bytes, struct topic *, bytes_hash, bytes_equal);
MAP_DEFINE(topic_id_map, struct topic_id, struct topic *, topic_id_hash, topic_id_equal);

// Something the writer thread does between two rounds.
struct writer_call {
    struct list link;
    void (*run)(void *ctx);
    void *ctx;
    bool done;
};

struct writer {
    struct mutex mutex;
    struct cond wake;      // for the writer
    struct cond call_done; // for those who called
    struct list ready;     // partitions
    struct list calls;
    bool stop;
    bool sleeping;
    _Atomic size_t queued_bytes;
    struct sync_pool syncs;
    struct thread thread;
};

struct keeper {
    struct mutex mutex;
    struct cond wake;
    bool stop;
    bool remove_wanted;
    struct thread thread;
};

// A file of compaction that counts, but has not its final name yet.
struct swap {
    struct segment *segment; // a reference, its files held open
    int64_t end;             // it covers offsets up to here
    VEC(int64_t) others;     // files that go
};

struct cleaner {
    struct mutex mutex;
    struct cond wake;
    struct cond idle;
    bool busy; // a run is on
    bool stop;
    bool unfinished; // recovery found swaps of the run before
    struct thread thread;
    // of the run
    VEC(struct swap) swaps;
    int64_t paced_us; // since then,
    int64_t paced_bytes;
    int64_t appended_seen; // while so much had been appended
};

// A file that recovery kept and that has to be on disk before anything is served.
struct recovered {
    struct segment *segment; // a reference
    bool marks;              // it is the last file and sound
    err_t err;
    struct diag diag;
};

struct log_store {
    struct log_store_options options;
    _Atomic int64_t retention_ms, cleaner_ms, producer_expiry_ms; // log_store_set_pace()
    _Atomic bool cleans;
    char *dir;
    struct mutex mutex;
    struct cond admin_free;
    struct cond unpinned;
    bool admin_busy;              // one topic change at a time, across its I/O
    struct topic_limits defaults; // where topics set nothing; changed only while admin_busy
    struct topic_map by_name;
    struct topic_id_map by_id;
    _Atomic uint64_t topics_version;
    struct file_cache files;
    struct {
        struct mutex mutex; // held while folders are synced
        char *story;        // of the store's own folder: a sync of it failed
    } names;
    struct cond index_ready; // with index_mutex: an index left INDEX_BUSY
    struct mutex index_mutex;
    struct writer writer;
    struct keeper keeper;
    struct cleaner cleaner;
    _Atomic int64_t appended_bytes;  // since the start
    VEC(struct recovered) recovered; // while it starts
    uint64_t mark_key;               // of the rounds' marks (round_mark.h)
    bool clean;                      // the clean-stop mark is on disk; under mutex
    bool leftovers; // files that only a start which looks at every folder puts right; under mutex
    bool checkpoint_busy; // one at a time, across its I/O; under mutex
    _Atomic int64_t bytes_since_checkpoint;
    int64_t producer_id_next; // under mutex
    int64_t producer_id_end;
};

// --- log_store.c ---
// Only what the catalog says: no files are opened, no thread runs. For inspect.c. BLOCKS
MUST_USE err_t log_store__look(struct log_store **out, const char *dir, struct diag *diag);
void log_store__look_end(struct log_store *store);

// --- topic.c ---
struct topic *topic__new(struct log_store *store, const char *name, const uint8_t id[16]);
struct partition *topic__add_partition(struct topic *topic);
// Replaces or removes (value NULL) settings and works out the limits. ERR_CONFIG leaves it as it
// was.
MUST_USE err_t topic__set(struct topic *topic, const struct topic_setting *settings, size_t count,
                          struct diag *diag);
struct topic_limits topic__limits(struct topic *topic);

// --- limits.c ---
extern const struct topic_limits limits__default;
// Puts one setting into the limits; keys that are not the store's are left out. ERR_CONFIG.
MUST_USE err_t limits__apply(struct topic_limits *limits, const char *key, const char *value,
                             struct diag *diag);

// --- catalog.c: which topics there are ---
MUST_USE err_t catalog_load(struct log_store *store, struct diag *diag);
// All topics, and `changed` (may be NULL) too, with `partition_count` partitions if that is not 0.
// BLOCKS
MUST_USE err_t catalog_save(struct log_store *store, struct topic *changed, int32_t partition_count,
                            struct diag *diag);

// --- partition.c ---
void partition__dir(const struct partition *partition, char *out); // PATH_BYTES
// Wakes who waits for the partition and its topic. Without the partition's mutex.
void partition__wake(struct partition *partition);
void partition__fail(struct partition *partition, err_t err, const char *story);
// Keeps the partition's folder where it is until unpinned; false when the topic was deleted.
bool partition__pin(struct partition *partition);
void partition__unpin(struct partition *partition);
void partition__wait_unpinned(struct partition *partition); // once it is deleted. BLOCKS
void partition__hint(struct partition *partition, int64_t offset, int64_t segment_base,
                     int64_t position); // under its mutex

// Reads the file that keeps a log start inside a segment (delete records). BLOCKS
MUST_USE err_t partition__load_start(struct partition *partition, struct diag *diag);

// The last stable offset. Under its mutex.
int64_t partition__stable(const struct partition *partition);
// Takes over from the producers where the first open transaction begins. Under its mutex, by the
// writer and recovery.
void partition__publish_open(struct partition *partition);

// --- aborted.c ---
// Puts the entries behind the `count` entries that are there. BLOCKS
MUST_USE err_t aborted_write(struct segment *segment, int64_t count,
                             const struct aborted_txn *entries, size_t entry_count,
                             struct diag *diag);
// Keeps the first `count` entries. BLOCKS
void aborted_resume(struct segment *segment, int64_t count);
// How many are in the file. BLOCKS
MUST_USE err_t aborted_count_entries(struct segment *segment, int64_t *count, struct diag *diag);
void aborted_remember(struct partition *partition, const struct aborted_txn *entry); // its mutex

// --- segment.c ---
struct segment *segment__new(struct partition *partition, int64_t base_offset);
struct segment *segment__ref(struct segment *segment);
void segment__unref(struct segment *segment);
void segment__path(const struct segment *segment, const char *suffix,
                   char *out); // "log" or "index"
// The log file. ERR_UNKNOWN_TOPIC or ERR_OFFSET_OUT_OF_RANGE when its name may by now be that of
// another one: the topic was deleted, the segment removed or replaced. BLOCKS
MUST_USE err_t segment__get(struct segment *segment, int *fd, struct diag *diag);
// The same for one of its files, made if FILE_CREATE says so. BLOCKS
MUST_USE err_t segment__open(struct segment *segment, struct cached_file *file, const char *suffix,
                             unsigned flags, int *fd, struct diag *diag);
// When its first batch was written, as its records say; -1 when they do not, or it is empty. BLOCKS
// the first time
int64_t segment__first_timestamp(struct segment *segment);
void segment__put(struct segment *segment);
// Says in the last file what of it was synced, as a round without batches would. A hint.
void segment__mark(struct segment *segment, int fd);

// --- index.c ---
struct index_entry {
    uint32_t offset_delta; // from the segment's base offset to the batch's
    uint32_t position;     // of the batch
    int64_t max_timestamp; // of all batches up to and with this one
};
// Collects the entries of batches as they are written or scanned.
struct index_builder {
    VEC(struct index_entry) entries;
    int64_t last_position;
};
void index_builder_add(struct index_builder *builder, const struct segment *segment,
                       int64_t position, const struct batch_header *header, int64_t max_timestamp);
// Puts the entries behind the `count` entries that are there. BLOCKS
MUST_USE err_t index_write(struct segment *segment, int64_t count,
                           const struct index_entry *entries, size_t entry_count,
                           struct diag *diag);
// Checks the index against the segment and makes it anew when it does not fit. BLOCKS
MUST_USE err_t index_ensure(struct segment *segment, struct diag *diag);
// Last entry for which `before` holds; `*found` is all zero (the start of the file) when there is
// none. BLOCKS
MUST_USE err_t index_find(struct segment *segment,
                          bool (*before)(const struct index_entry *entry, int64_t value),
                          int64_t value, struct index_entry *found, struct diag *diag);

// Drops the entries at and behind `position`; how many are left, and the position of the last.
// BLOCKS
int64_t index_resume(struct segment *segment, int64_t position, int64_t *last_position);

// --- writer.c ---
void writer_start(struct log_store *store);
void writer_stop(struct log_store *store);       // everything queued is completed first
void writer_submit(struct partition *partition); // its queue is not empty
void writer_call(struct log_store *store, void (*run)(void *ctx), void *ctx); // and waits

// --- writer_segment.c: all on the writer thread ---
// The segment that is written; only this thread adds one, and nobody takes the last one away.
struct segment *writer_active(struct partition *partition);
MUST_USE err_t writer_sync(struct log_store *store, int fd, struct diag *diag);
MUST_USE err_t writer_roll(struct partition *partition, struct diag *diag);
// Before a round: the folders of those that get their first append in it.
void writer_make_folders(struct log_store *store, struct partition *const *partitions,
                         size_t count);
bool writer_must_roll(struct segment *segment, const struct topic_limits *limits, int64_t size,
                      int64_t last_offset, int64_t max_timestamp);
// Makes room for data up to `end`, and some more.
void writer_reserve(struct segment *segment, int fd, int64_t end,
                    const struct topic_limits *limits);
void writer_give_back(struct log_store *store);

// --- checkpoint.c ---
// Brings every partition of the catalog back, from the checkpoint as far as it goes. BLOCKS
MUST_USE err_t checkpoint_recover(struct log_store *store, struct diag *diag);
MUST_USE err_t checkpoint_write(struct log_store *store, bool clean, struct diag *diag); // BLOCKS
// Takes away the clean-stop mark, durably, before the first change. BLOCKS, once.
MUST_USE err_t checkpoint_touch(struct log_store *store, struct diag *diag);

// --- keeper.c ---
void keeper_start(struct log_store *store);
void keeper_stop(struct log_store *store);
void keeper_retain(struct log_store *store);         // one look for old segments
void keeper_remove_deleted(struct log_store *store); // soon

#endif
