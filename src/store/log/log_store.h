// SPDX-License-Identifier: Apache-2.0
//
// log_store: the topics and partitions of one data directory, kept as segment files of Kafka v2
// record batches.
//
// An append is handed to the store's one writer thread, which takes everything that waits, writes
// it, syncs each touched segment once, then moves the high watermarks and completes all of it:
// under load one round serves hundreds of requests, alone a request waits for one fdatasync.
// Readers see nothing above the high watermark, so they never see what a crash could take back.
// docs/formats/log.md describes the files.
//
// Lifetime   a topic lives until its last reference goes, also after it was deleted; its partitions
//            live with it.
// Thread     any; functions marked BLOCKS do disk I/O and are for workers, the rest take one short
//            mutex.
// Bounds     appends waiting to be written: options.queue_max_bytes; open files: options.file_max.
// Errors     ERR_UNKNOWN_TOPIC (deleted meanwhile), ERR_OFFSET_OUT_OF_RANGE, ERR_CORRUPT (damage on
//            disk, the story names file and byte), ERR_DISK_FULL, ERR_IO (a failed sync is final:
//            the partition takes no more appends until weir is started again), ERR_OVERLOADED, and
//            those of producer.h for sequences.
// Not here   records inside a batch and compression (wire/kafka/record.h), groups (broker/).
#ifndef STORE_LOG_LOG_STORE_H
#define STORE_LOG_LOG_STORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/list.h"

#include <stdint.h>

struct log_store;
struct topic;
struct partition;

struct log_store_options {
    const char *dir;           // made if absent; the log has it for itself
    bool sync;                 // false: acknowledge from the page cache (durability: os)
    int64_t segment_bytes;     // where topics do not set segment.bytes; 0 = 1 GiB
    int64_t checkpoint_ms;     // at most so long between checkpoints; 0 = 60 s
    int64_t retention_ms;      // how often old segments are looked for; 0 = 30 s
    int64_t cleaner_ms;        // how often partitions to compact are; 0 = 15 s
    int64_t cleaner_map_bytes; // of the map of keys; 0 = what is needed, at most 32 MiB
    size_t queue_max_bytes;    // 0 = 256 MiB
    size_t file_max;           // 0 = 1024
    err_t (*sync_file)(int fd, struct diag *diag); // for tests; NULL = file_datasync
};

// Ready in milliseconds after a clean stop; otherwise re-reads what was written since the last
// checkpoint, cuts torn tails and makes what it kept durable. BLOCKS
MUST_USE err_t log_store_open(struct log_store **out, const struct log_store_options *options,
                              struct diag *diag);
// Completes what was handed in, writes a checkpoint, frees. References to topics must be gone.
// BLOCKS
void log_store_close(struct log_store *store);

// --- topics ---

struct topic_setting {
    const char *key;   // Kafka's name: "retention.ms"
    const char *value; // NULL in log_store_alter_topic: back to the default
};

// Is it a name Kafka allows? (1..249 of [a-zA-Z0-9._-], not "." or "..")
bool topic_name_valid(struct bytes name);

// ERR_EXISTS, ERR_INVALID_TOPIC, ERR_INVALID_PARTITIONS (not 1..100000), ERR_CONFIG (a setting the
// store reads has no valid value). The topic is on disk on return. `*out` (may be NULL) is a
// reference for the caller. BLOCKS
MUST_USE err_t log_store_create_topic(struct log_store *store, const char *name,
                                      int32_t partition_count, const struct topic_setting *settings,
                                      size_t setting_count, struct topic **out, struct diag *diag);
// The name is free again on return; the files go in the background. BLOCKS
MUST_USE err_t log_store_delete_topic(struct log_store *store, const char *name, struct diag *diag);
// `partition_count` is the new total; ERR_INVALID_PARTITIONS when it is not larger. BLOCKS
MUST_USE err_t log_store_grow_topic(struct log_store *store, const char *name,
                                    int32_t partition_count, struct diag *diag);
MUST_USE err_t log_store_alter_topic(struct log_store *store, const char *name,
                                     const struct topic_setting *settings, size_t setting_count,
                                     struct diag *diag); // BLOCKS

// What topics without a setting of their own have instead of Kafka's default; replaces what was
// said before. Not kept: to be told after every open. ERR_CONFIG changes nothing.
MUST_USE err_t log_store_set_defaults(struct log_store *store, const struct topic_setting *settings,
                                      size_t setting_count, struct diag *diag);

// How often what is not urgent is looked for, and how long a silent producer is remembered.
// Replaces what log_store_options said.
struct log_store_pace {
    int64_t retention_ms;
    int64_t cleaner_ms; // not less than 100
    int64_t producer_expiry_ms;
    bool cleans; // false: nothing is compacted
};
void log_store_set_pace(struct log_store *store, const struct log_store_pace *pace);

// References for the caller; NULL if there is no such topic.
struct topic *log_store_topic(struct log_store *store, struct bytes name);
struct topic *log_store_topic_by_id(struct log_store *store, const uint8_t id[16]);
// Grows whenever a topic is made, deleted or gets partitions.
uint64_t log_store_topics_version(const struct log_store *store);
// All topics, sorted by name; the array is in `arena`, each topic is a reference for the caller.
struct topic **log_store_topics(struct log_store *store, struct arena *arena, size_t *count);

struct topic *topic_ref(struct topic *topic);
void topic_unref(struct topic *topic); // NULL is fine
const char *topic_name(const struct topic *topic);
const uint8_t *topic_id(const struct topic *topic); // 16 bytes, never all zero
int32_t topic_partition_count(struct topic *topic);
bool topic_deleted(struct topic *topic);
// Settings that were given, sorted by key; copies in `arena`.
struct topic_setting *topic_settings(struct topic *topic, struct arena *arena, size_t *count);
// What a batch has to fulfil, or is made into, before it is handed in.
struct topic_rules {
    int64_t batch_max_bytes; // max.message.bytes
    int64_t ahead_max_ms;    // message.timestamp.after.max.ms
    int64_t behind_max_ms;   // message.timestamp.before.max.ms
    int8_t codec;            // enum batch_compression of compression.type; -1 = as it came
    int32_t level;           // of that codec
    bool append_time;        // message.timestamp.type is LogAppendTime
    bool compact;            // every record needs a key
};
struct topic_rules topic_rules(struct topic *topic);
// What went in and out since weir was started.
struct topic_traffic {
    uint64_t records_in, bytes_in, bytes_out;
    uint64_t produces, failed_produces; // parts of requests: one for each partition
};
struct topic_traffic topic_traffic(const struct topic *topic);
void topic_count_produce(struct topic *topic, bool failed);
// Lives as long as the topic; NULL if there is no such partition.
struct partition *topic_partition(struct topic *topic, int32_t index);
struct topic *partition_topic(struct partition *partition);
int32_t partition_index(const struct partition *partition);

// --- append ---

enum append_until {
    APPEND_SYNCED,  // complete when it is on disk (written, with options.sync false) and visible
    APPEND_WRITTEN, // nobody waits for it: complete when it is written
};

// One batch on its way into a partition. The caller owns the memory until done() has been called.
struct append {
    // in
    struct buf *buf; // a reference the append takes over; keeps `batch` alive
    uint8_t *batch;  // one whole batch inside `buf`; offset and leader epoch are written into it
    size_t size;     // exact
    bool checked;    // the caller has been through batch_check()
    // The broker's own: a marker, or committed offsets of a transaction, which have no sequence.
    bool internal;
    uint8_t txn_version; // of a transactional batch: 2 if its protocol moves the epoch at every end
    enum append_until until;
    // On the writer thread, or inside partition_append() on a refusal; must not block.
    void (*done)(struct append *append);
    // out
    err_t err;
    char *story;           // why, for a person; NULL when there is none; mem_free() it
    int64_t base_offset;   // of the batch; for a repeated batch, where it was written before
    int64_t start_offset;  // log start
    bool repeated;         // it had been written before
    int64_t max_timestamp; // of a repeated batch
    // private
    struct partition *partition;
    struct list link;
    int64_t last_offset;
    int64_t queued_us;
};

// Checks the batch (batch_check, checksum included) on the calling thread and queues it.
void partition_append(struct partition *partition, struct append *append);
// The same, waiting for the end. Takes the reference of `buf`, which is the whole batch. BLOCKS
MUST_USE err_t partition_append_wait(struct partition *partition, struct buf *buf,
                                     int64_t *base_offset, struct diag *diag);

// --- read ---

struct partition_offsets {
    int64_t start;  // first offset held
    int64_t end;    // high watermark: the next offset to be written and visible
    int64_t stable; // last stable offset: of the first batch of an open transaction, else the end
    int64_t bytes;  // on disk
};
struct partition_offsets partition_offsets(struct partition *partition);

// Whole batches inside one segment file, the first of them holding the offset asked for.
struct log_range {
    int fd;
    int64_t position;
    size_t size; // 0: `offset` is the end, or max_bytes is less than the first batch
    struct partition_offsets offsets; // at the time of the read
    int64_t next_offset;              // behind the range
    void *held;                       // private: keeps fd open
};

enum range_flags {
    RANGE_WHOLE_FIRST =
        1 << 0, // the first batch is given even when it is larger than max_bytes (KIP-74)
    RANGE_MEMORY_ONLY =
        1 << 1, // never touches a file: ERR_TIMEOUT, without a story, when it would have to
    RANGE_COMMITTED = 1 << 2, // nothing at or behind the last stable offset
};

// `out->offsets` is set also when it fails. On ERR_OK log_range_release() when the bytes were sent.
// BLOCKS, except with RANGE_MEMORY_ONLY (a reader at the tail, or one that goes on where it
// stopped, needs no file).
MUST_USE err_t partition_range(struct partition *partition, int64_t offset, size_t max_bytes,
                               unsigned flags, struct log_range *out, struct diag *diag);
void log_range_release(struct log_range *range);
// Makes sure that sending the range will not wait for the disk. BLOCKS
void log_range_warm(const struct log_range *range);

// The same as a copy. `*out` is NULL when there is nothing at `offset` yet. BLOCKS
MUST_USE err_t partition_read(struct partition *partition, int64_t offset, size_t max_bytes,
                              struct buf **out, struct diag *diag);

// A transaction that was aborted: the records of the producer in [first_offset, last_offset] do not
// count. last_offset is its marker's.
struct aborted_txn {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset;
    int64_t stable; // last stable offset behind the marker
};
struct aborted_list {
    struct aborted_txn *items;
    size_t count, capacity;
};
// All of them that touch [from, to), by first offset, added to `out` (vec_release() it); `to` is
// not above the last stable offset. RANGE_MEMORY_ONLY as in partition_range(). BLOCKS
MUST_USE err_t partition_aborted(struct partition *partition, int64_t from, int64_t to,
                                 unsigned flags, struct aborted_list *out, struct diag *diag);

// First offset whose record has timestamp >= `timestamp_ms`; -1 and -1 when there is none. BLOCKS
MUST_USE err_t partition_offset_at(struct partition *partition, int64_t timestamp_ms,
                                   int64_t *offset, int64_t *found_ms, struct diag *diag);
// Record with the largest timestamp (ListOffsets -3); -1 and -1 when the partition is empty. BLOCKS
MUST_USE err_t partition_offset_of_max(struct partition *partition, int64_t *offset,
                                       int64_t *found_ms, struct diag *diag);
// Moves the log start (-1 = to the high watermark); durable on return. ERR_POLICY_VIOLATION where
// the topic is only compacted. BLOCKS
MUST_USE err_t partition_delete_before(struct partition *partition, int64_t offset, int64_t *start,
                                       struct diag *diag);

// --- waiting for data ---

// wake(waiter) is called whenever the end, the last stable offset or the start of the partition
// moves, or the topic is
// deleted: from any thread, possibly many times, with a short mutex held. It may post to a loop or
// signal; it may not call back into the log. Once *_unwait() has returned it is not called again.
struct log_waiter {
    void (*wake)(struct log_waiter *waiter);
    struct list link; // private
};
void partition_wait(struct partition *partition, struct log_waiter *waiter);
void partition_unwait(struct partition *partition, struct log_waiter *waiter);
// For all partitions of a topic, those added later too.
void topic_wait(struct topic *topic, struct log_waiter *waiter);
void topic_unwait(struct topic *topic, struct log_waiter *waiter);

// --- producers ---

// A producer id never given out before, also not before a crash. Blocks once in a thousand calls.
// BLOCKS
MUST_USE err_t log_store_producer_id(struct log_store *store, int64_t *out, struct diag *diag);

struct partition_producer {
    int64_t id;
    int16_t epoch;
    int32_t last_sequence;     // -1 = none in this epoch
    int64_t last_timestamp;    // -1 = none
    int32_t coordinator_epoch; // -1 = no transaction has ended here
    int64_t txn_first_offset;  // -1 = no open transaction
};
// Those the partition remembers, by id, in `arena`. BLOCKS
struct partition_producer *partition_producers(struct partition *partition, struct arena *arena,
                                               size_t *count);

#endif
