// SPDX-License-Identifier: Apache-2.0
//
// power_txn_test_util: keyed records of several producers in one compacted partition, most of them
// in transactions, and what has to be left of them on a disk: of each key the newest committed
// record that was acknowledged (or a newer one), each record as it was sent at its offset and once,
// what was aborted hidden, the last stable offset where the first open transaction begins, and that
// one can be ended.
#ifndef STORE_LOG_POWER_TXN_TEST_UTIL_H
#define STORE_LOG_POWER_TXN_TEST_UTIL_H

#include "os/disk_cut_test.h"
#include "store/log/cleaner.h"
#include "store/log/log_test_util.h"
#include "wire/kafka/marker.h"

enum { PRODUCERS = 3, TRANSACTIONAL = 2, KEYS = 8, FIRST_ID = 200, OFFSETS_MAX = 4000, TRIES = 8 };

enum outcome { OUTCOME_NONE, OUTCOME_COMMIT, OUTCOME_ABORT };

struct sent { // the record at an offset
    bool known;
    int key, producer;
    int32_t number;
    bool tombstone;
    size_t told;
    int txn; // index in txns; -1 = outside of one
};

struct txn {
    enum outcome outcome; // what its marker said
    size_t told;          // when the marker was acknowledged; SIZE_MAX = it was not
};

struct world {
    struct log_store *store;
    struct partition *partition;
    struct mutex mutex;
    struct sent sent[OFFSETS_MAX];
    VEC(struct txn) txns;
    _Atomic int producing;
    uint64_t seed;
    bool faults;
};

struct producer_thread {
    struct thread thread;
    struct world *world;
    int producer;
    int32_t number, goal;
    uint64_t random;
};

// --- the load ---

static inline struct buf *keyed_batch(int producer, int32_t number, const int *keys,
                                      const bool *tombstones, int count, bool transactional)
{
    struct record_builder builder = {0};
    for (int i = 0; i < count; i++) {
        struct str value = {0};
        char key[8];
        snprintf(key, sizeof key, "k%d", keys[i]);
        str_printf(&value, "%d %d ", producer, number + i);
        for (int p = 0; p < 20 + number * 37 % 200; p++)
            str_append_byte(&value, 'v');
        record_builder_add(&builder, clock_now_ms(), bytes_from(key),
                           tombstones[i] ? BYTES_NULL : str_bytes(&value), NULL, 0);
        str_release(&value);
    }
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    record_builder_release(&builder);
    struct batch_header header;
    assert_true(batch_header_read(&header, str_bytes(&out)));
    header.producer_id = FIRST_ID + producer;
    header.producer_epoch = 0;
    header.base_sequence = number;
    header.attributes |= transactional ? BATCH_TRANSACTIONAL : 0;
    batch_header_write((uint8_t *)out.ptr, out.size, &header);
    struct buf *buf = buf_copy(out.ptr, out.size);
    str_release(&out);
    return buf;
}

// As a client does it: what fails is sent again. False when the partition takes no more.
static inline bool send_batch(struct producer_thread *self, int txn)
{
    struct world *world = self->world;
    int count = 1 + (int)(disk_random(&self->random) % 3), keys[3];
    bool tombstones[3];
    for (int i = 0; i < count; i++) {
        keys[i] = (int)(disk_random(&self->random) % KEYS);
        tombstones[i] = disk_random(&self->random) % 6 == 0;
    }
    int64_t offset = -1;
    struct diag diag = DIAG_INIT;
    err_t err = ERR_IO;
    for (int i = 0; i < (world->faults ? TRIES : 1) && err != ERR_OK; i++) {
        diag_clear(&diag);
        err = partition_append_wait(
            world->partition,
            keyed_batch(self->producer, self->number, keys, tombstones, count, txn >= 0), &offset,
            &diag);
    }
    if (err != ERR_OK && world->faults)
        return false;
    must(err, &diag);
    size_t told = disk_moment();
    assert_true(offset + count < OFFSETS_MAX);
    mutex_lock(&world->mutex);
    for (int i = 0; i < count; i++)
        world->sent[offset + i] = (struct sent){
            true, keys[i], self->producer, self->number + i, tombstones[i], told, txn};
    mutex_unlock(&world->mutex);
    self->number += count;
    return true;
}

static inline err_t put_marker(struct partition *partition, int producer, bool commit)
{
    struct marker marker = {
        .commit = commit, .producer_id = FIRST_ID + producer, .timestamp_ms = clock_now_ms()};
    struct str bytes = {0};
    marker_write(&marker, &bytes);
    int64_t offset;
    err_t err = put_internal(partition, buf_copy(bytes.ptr, bytes.size), &offset);
    str_release(&bytes);
    return err;
}

static const struct topic_setting compacted[] = {
    {"cleanup.policy", "compact"},
    {"min.cleanable.dirty.ratio", "0"},
    {"segment.bytes", "2500"},
};

static const struct log_store_options options = {
    .sync = true, .cleaner_ms = 1000 * 1000, .retention_ms = 1000 * 1000};

// --- what is left ---

struct check {
    const struct world *world;
    const struct disk *disk;
    size_t at;
    const char *fault;
    enum disk_outcome outcome;
    bool again;
    struct partition *partition;
    struct partition_offsets offsets;
    struct aborted_list aborted;
    int64_t open[PRODUCERS]; // first offset of the transaction that the log leaves open; -1 = none
    int64_t newest[KEYS];    // visible records of committed readers
    int64_t next;
    bool seen[PRODUCERS][OFFSETS_MAX]; // by number
};

static struct check check;

#define HOLDS(condition, ...)                                                                   \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            print_error("POWER_SEED=%llu%s, cut at op %zu, outcome %d%s: ",                     \
                        (unsigned long long)check.world->seed, check.fault ? check.fault : "",  \
                        check.at, (int)check.outcome, check.again ? ", then another cut" : ""); \
            print_error(__VA_ARGS__);                                                           \
            print_error("\n");                                                                  \
            if (getenv("POWER_TRACE"))                                                          \
                disk_print(check.disk, 0, check.at);                                            \
            fail();                                                                             \
        }                                                                                       \
    } while (0)

static inline bool is_hidden(int64_t producer_id, int64_t offset)
{
    for (size_t i = 0; i < check.aborted.count; i++) {
        const struct aborted_txn *txn = &check.aborted.items[i];
        if (txn->producer_id == producer_id && txn->first_offset <= offset &&
            offset <= txn->last_offset)
            return true;
    }
    return false;
}

// One that nobody was told about: it was in flight, or refused. It counts where it is visible.
static inline bool see_unknown(const struct record *record, const struct batch_header *header)
{
    if (record->offset >= check.offsets.stable)
        return !(header->attributes & BATCH_TRANSACTIONAL);
    return !is_hidden(header->producer_id, record->offset);
}

// Is it visible to readers of committed records, now or when its transaction ends as it will?
static inline bool see_known(const struct record *record, const struct batch_header *header,
                             const struct sent *sent, int key)
{
    int64_t offset = record->offset;
    char text[24], expected[24];
    size_t size = record->value.size < sizeof text - 1 ? record->value.size : sizeof text - 1;
    snprintf(text, sizeof text, "%.*s", (int)size,
             record->value.ptr ? (const char *)record->value.ptr : "");
    snprintf(expected, sizeof expected, "%d %d ", sent->producer, sent->number);
    HOLDS(key == sent->key && (record->value.ptr == NULL) == sent->tombstone &&
              (sent->tombstone || strncmp(text, expected, strlen(expected)) == 0),
          "offset %lld: k%d \"%s\" is there, k%d \"%s\" was sent", (long long)offset, key, text,
          sent->key, expected);
    const struct txn *txn = sent->txn >= 0 ? &check.world->txns.items[sent->txn] : NULL;
    bool hidden = txn && (offset < check.offsets.stable ? is_hidden(header->producer_id, offset)
                                                        : txn->outcome == OUTCOME_ABORT);
    if (txn && txn->outcome == OUTCOME_ABORT)
        HOLDS(hidden, "offset %lld of an aborted transaction is visible", (long long)offset);
    if (txn && txn->outcome == OUTCOME_COMMIT && txn->told <= check.at)
        HOLDS(!hidden, "offset %lld of a committed transaction is hidden", (long long)offset);
    return !hidden;
}

static inline void see_record(const struct record *record, const struct batch_header *header)
{
    int64_t offset = record->offset;
    int32_t number = header->base_sequence + (int32_t)(offset - header->base_offset);
    int key = record->key.size == 2 ? record->key.ptr[1] - '0' : -1;
    int producer = (int)(header->producer_id - FIRST_ID);
    HOLDS(offset >= check.next && offset < check.offsets.end, "offset %lld behind %lld",
          (long long)offset, (long long)check.next);
    check.next = offset + 1;
    HOLDS(key >= 0 && key < KEYS && number >= 0 && number < OFFSETS_MAX,
          "offset %lld: a strange record", (long long)offset);
    HOLDS(!check.seen[producer][number], "offset %lld: producer %d's %d is there twice",
          (long long)offset, producer, number);
    check.seen[producer][number] = true;
    const struct sent *sent = &check.world->sent[offset];
    bool known = sent->known && (!check.world->faults || sent->told <= check.at);
    bool visible = known ? see_known(record, header, sent, key) : see_unknown(record, header);
    if (visible && offset > check.newest[key])
        check.newest[key] = offset;
}

static inline void see_batch(struct bytes batch)
{
    struct record_reader reader;
    MUST(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, &diag));
    const struct batch_header *header = &reader.header;
    int producer = (int)(header->producer_id - FIRST_ID);
    HOLDS(producer >= 0 && producer < PRODUCERS, "strange producer %lld",
          (long long)header->producer_id);
    struct record record;
    if (header->attributes & BATCH_CONTROL)
        check.open[producer] = -1;
    else if ((header->attributes & BATCH_TRANSACTIONAL) && check.open[producer] < 0)
        check.open[producer] = header->base_offset;
    while (!(header->attributes & BATCH_CONTROL) && record_reader_next(&reader, &record))
        see_record(&record, header);
    record_reader_release(&reader);
}

static inline void read_all(void)
{
    for (int64_t next = check.offsets.start; next < check.offsets.end;) {
        struct buf *buf = NULL;
        struct diag diag = DIAG_INIT;
        err_t err = partition_read(check.partition, next, 1 << 20, &buf, &diag);
        HOLDS(err == ERR_OK, "cannot read offset %lld: %s", (long long)next, diag_text(&diag));
        if (!buf)
            break; // the end of what compaction left
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        while (record_batch_next(&reader, &batch)) {
            struct batch_header header;
            HOLDS(batch_header_read(&header, batch) && batch_crc_ok(batch), "bad batch at %lld",
                  (long long)next);
            see_batch(batch);
            next = batch_header_last_offset(&header) + 1;
        }
        buf_unref(buf);
    }
}

static inline void check_newest(void)
{
    for (int64_t offset = 0; offset < OFFSETS_MAX; offset++) {
        const struct sent *sent = &check.world->sent[offset];
        if (!sent->known || sent->told > check.at)
            continue;
        HOLDS(offset < check.offsets.end, "offset %lld was acknowledged, the log ends at %lld",
              (long long)offset, (long long)check.offsets.end);
        const struct txn *txn = sent->txn >= 0 ? &check.world->txns.items[sent->txn] : NULL;
        if (txn && (txn->outcome == OUTCOME_ABORT || txn->told > check.at))
            continue;
        HOLDS(check.newest[sent->key] >= offset,
              "k%d of offset %lld was acknowledged, the newest there is of %lld", sent->key,
              (long long)offset, (long long)check.newest[sent->key]);
    }
}

static inline void check_stable(void)
{
    int64_t stable = check.offsets.end;
    for (int i = 0; i < PRODUCERS; i++)
        if (check.open[i] >= 0 && check.open[i] < stable)
            stable = check.open[i];
    HOLDS(check.offsets.stable == stable, "the last stable offset is %lld, expected %lld",
          (long long)check.offsets.stable, (long long)stable);
    for (int i = 0; i < TRANSACTIONAL; i++)
        HOLDS(check.open[i] < 0 || put_marker(check.partition, i, false) == ERR_OK,
              "producer %d's transaction cannot be ended", i);
    struct partition_offsets now = partition_offsets(check.partition);
    HOLDS(now.stable == now.end, "open transactions were ended, yet %lld is the last stable offset",
          (long long)now.stable);
}

// What `check.partition` holds; appends of its own only when the store is not `live`.
static inline void check_partition(bool live)
{
    check.offsets = partition_offsets(check.partition);
    check.next = 0;
    memset(check.seen, 0, sizeof check.seen);
    for (int i = 0; i < PRODUCERS; i++)
        check.open[i] = -1;
    for (int i = 0; i < KEYS; i++)
        check.newest[i] = -1;
    MUST(partition_aborted(check.partition, check.offsets.start, check.offsets.stable, 0,
                           &check.aborted, &diag));
    read_all();
    check_newest();
    if (!live)
        check_stable();
    vec_release(&check.aborted);
}

static inline struct log_store *open_left(const char *dir)
{
    struct log_store *store = NULL;
    struct log_store_options here = options;
    struct diag why = DIAG_INIT;
    here.dir = dir;
    err_t err = log_store_open(&store, &here, &why);
    HOLDS(err == ERR_OK, "does not open: %s", diag_text(&why));
    return store;
}

// `more` (may be NULL) is asked too.
static inline void check_store(const char *dir, void (*more)(struct log_store *store))
{
    struct log_store *store = open_left(dir);
    struct topic *topic = log_store_topic(store, bytes_from("c"));
    if (topic) {
        check.partition = topic_partition(topic, 0);
        HOLDS(check.partition->failed == ERR_OK && check.partition->damaged_from == INT64_MAX,
              "needs a person: %s", check.partition->damage_story);
        check_partition(false);
        cleaner_run(store); // goes on where it was
        topic_unref(topic);
    } else {
        check.offsets = (struct partition_offsets){0};
        check_newest();
    }
    if (more)
        more(store);
    log_store_close(store);
}

// Checks what a cut left in `dir`, or with check.again what another cut leaves while a store comes
// back from that one; and removes it.
static inline void check_left(const char *dir, uint64_t seed, void (*more)(struct log_store *store))
{
    struct disk disk;
    disk_start(&disk, dir); // so that nothing is really synced
    if (check.again) {
        char dir2[300];
        snprintf(dir2, sizeof dir2, "%s.again", dir);
        struct log_store *store = open_left(dir);
        cleaner_run(store);
        log_store_close(store);
        disk_stop();
        disk_crash(&disk, hash_u64(seed) % (disk.ops.count + 1),
                   (enum disk_outcome)(seed / 3 % DISK_OUTCOMES), seed, dir2);
        disk_release(&disk);
        remove_dir(dir);
        disk_start(&disk, dir2);
        check_store(dir2, more);
        disk_stop();
        remove_dir(dir2);
    } else {
        check_store(dir, more);
        disk_stop();
        remove_dir(dir);
    }
    disk_release(&disk);
}

#endif
