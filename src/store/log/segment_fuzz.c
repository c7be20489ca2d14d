// SPDX-License-Identifier: Apache-2.0
//
// segment_fuzz: recovery of mutated segment, index and checkpoint files. Whatever the bytes: the
// store opens, keeps every batch in front of the first changed byte, gives only batches whose
// checksum holds, refuses the rest, and says the same after the next start. Replays
// tests/corpus/segment/* (files of batches), then seeded mutations.
#include "base/log.h"
#include "os/random.h"
#include "store/log/log_int.h"
#include "wire/kafka/record.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 250, BATCHES = 12 };

static uint64_t seed_state = 11;
static char dir[200], log_path[300], index_path[300], checkpoint_path[300], clean_path[300];

static uint32_t next(void)
{
    seed_state = seed_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed_state >> 33);
}

static void must(err_t err, const struct diag *diag)
{
    if (err == ERR_OK)
        return;
    fprintf(stderr, "segment_fuzz: %s: %s\n", err_name(err), diag_text(diag));
    abort();
}

static void write_file(const char *path, struct bytes bytes)
{
    struct diag diag = DIAG_INIT;
    int fd;
    unlink(path);
    must(file_open(&fd, path, FILE_WRITE | FILE_CREATE, &diag), &diag);
    must(file_pwrite(fd, bytes.ptr, bytes.size, 0, &diag), &diag);
    file_close(fd);
}

static struct log_store *open_store(void)
{
    struct diag diag = DIAG_INIT;
    struct log_store *store = NULL;
    struct log_store_options options = {.dir = dir};
    must(log_store_open(&store, &options, &diag), &diag);
    return store;
}

// Reads to the end or to the first refusal, from batch to batch; tells where it stopped.
static int64_t read_all(struct partition *partition, err_t *stopped)
{
    struct partition_offsets offsets = partition_offsets(partition);
    assert(offsets.start <= offsets.end);
    int64_t at = offsets.start;
    *stopped = ERR_OK;
    while (at < offsets.end) {
        struct buf *buf = NULL;
        *stopped = partition_read(partition, at, 1000, &buf, NULL);
        if (*stopped != ERR_OK)
            break;
        assert(buf);
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        while (record_batch_next(&reader, &batch)) {
            struct batch_header header;
            bool read = batch_header_read(&header, batch);
            assert(read && batch_crc_ok(batch) && batch_header_last_offset(&header) >= at);
            at = batch_header_last_offset(&header) + 1;
        }
        assert(reader_left(&reader) == 0);
        buf_unref(buf);
    }
    return at;
}

// Last offset of the whole batches in front of byte `limit`, plus one.
static int64_t kept_before(struct bytes file, size_t limit)
{
    struct reader reader = reader_make(bytes_make(file.ptr, limit < file.size ? limit : file.size));
    struct bytes batch;
    int64_t kept = 0;
    while (record_batch_next(&reader, &batch)) {
        struct batch_header header;
        if (batch_header_read(&header, batch) && batch_crc_ok(batch))
            kept = batch_header_last_offset(&header) + 1;
    }
    return kept;
}

// `kept`: offsets below it must be readable.
static void recover(int64_t kept)
{
    struct log_store *store = open_store();
    struct topic *topic = log_store_topic(store, bytes_from("a"));
    struct partition *partition = topic_partition(topic, 0);
    err_t stopped;
    int64_t end = read_all(partition, &stopped);
    assert(stopped == ERR_OK || stopped == ERR_CORRUPT);
    assert(end >= kept);
    struct partition_offsets offsets = partition_offsets(partition);
    int64_t offset, found;
    (void)!partition_offset_at(partition, 1010, &offset, &found, NULL);
    (void)!partition_offset_of_max(partition, &offset, &found, NULL);
    topic_unref(topic);
    log_store_close(store);
    store = open_store();
    topic = log_store_topic(store, bytes_from("a"));
    partition = topic_partition(topic, 0);
    err_t stopped_again;
    int64_t end_again = read_all(partition, &stopped_again);
    assert(end_again == end && stopped_again == stopped);
    assert(partition_offsets(partition).end == offsets.end);
    struct record_builder builder = {0};
    record_builder_add(&builder, 5000, BYTES_NULL, bytes_from("more"), NULL, 0);
    struct str more = {0};
    struct diag diag = DIAG_INIT;
    must(record_builder_finish(&builder, &more, &diag), &diag);
    record_builder_release(&builder);
    err_t err = partition_append_wait(partition, buf_copy(more.ptr, more.size), &offset, NULL);
    assert(err == (stopped == ERR_OK ? ERR_OK : ERR_CORRUPT));
    assert(err != ERR_OK || offset == offsets.end);
    str_release(&more);
    topic_unref(topic);
    log_store_close(store);
}

// What a checkpoint vouches for is not read again at the start, so damage there shows to the reader
// only: every read must still end, inside the file.
static void believe(void)
{
    struct log_store *store = open_store();
    struct topic *topic = log_store_topic(store, bytes_from("a"));
    struct partition *partition = topic_partition(topic, 0);
    struct partition_offsets offsets = partition_offsets(partition);
    for (int64_t at = offsets.start; at < offsets.end && at < offsets.start + 100; at++) {
        struct buf *buf = NULL;
        if (partition_read(partition, at, next() % 5000, &buf, NULL) == ERR_OK)
            buf_unref(buf);
    }
    int64_t offset, found;
    (void)!partition_offset_at(partition, 1010, &offset, &found, NULL);
    topic_unref(topic);
    log_store_close(store);
}

static void make_files(struct str *log, struct str *index, struct str *checkpoint)
{
    struct diag diag = DIAG_INIT;
    struct log_store *store = open_store();
    struct topic *topic;
    must(log_store_create_topic(store, "a", 1, NULL, 0, &topic, &diag), &diag);
    char value[700];
    for (int i = 0; i < BATCHES; i++) {
        struct record_builder builder = {.codec = i % 3 ? BATCH_NONE : BATCH_LZ4};
        for (int r = 0; r <= i % 4; r++) {
            for (size_t b = 0; b < sizeof value; b++)
                value[b] = (char)next();
            record_builder_add(&builder, 1000 + i, BYTES_NULL, bytes_make(value, sizeof value),
                               NULL, 0);
        }
        struct str batch = {0};
        must(record_builder_finish(&builder, &batch, &diag), &diag);
        record_builder_release(&builder);
        must(partition_append_wait(topic_partition(topic, 0), buf_copy(batch.ptr, batch.size), NULL,
                                   &diag),
             &diag);
        str_release(&batch);
        if (i == BATCHES / 2) {
            must(checkpoint_write(store, false, &diag), &diag);
            must(file_read_all(checkpoint_path, 1 << 20, checkpoint, &diag), &diag);
        }
    }
    topic_unref(topic);
    log_store_close(store);
    must(file_read_all(log_path, 1 << 20, log, &diag), &diag);
    must(file_read_all(index_path, 1 << 20, index, &diag), &diag);
}

static size_t mutate(struct str *bytes)
{
    size_t first = bytes->size;
    for (uint32_t n = next() % 4; n && bytes->size; n--) {
        size_t at = next() % bytes->size;
        size_t run = next() % 5 ? 1 : next() % 300;
        for (size_t i = at; i < at + run && i < bytes->size; i++)
            bytes->ptr[i] = (char)(next() % 3 ? next() : 0);
        first = at < first ? at : first;
    }
    if (next() % 3 == 0 && bytes->size) {
        bytes->size = next() % bytes->size;
        first = bytes->size < first ? bytes->size : first;
    }
    return first;
}

static void mutated(const struct str *log, const struct str *index, const struct str *checkpoint)
{
    struct str copies[3] = {{0}, {0}, {0}};
    str_append(&copies[0], log->ptr, log->size);
    str_append(&copies[1], index->ptr, index->size);
    str_append(&copies[2], checkpoint->ptr, checkpoint->size);
    size_t first = mutate(&copies[0]);
    if (next() % 2)
        (void)mutate(&copies[1]);
    bool old_checkpoint = next() % 2;
    if (next() % 4 == 0)
        (void)mutate(&copies[2]);
    unlink(clean_path);
    unlink(checkpoint_path);
    if (old_checkpoint)
        write_file(checkpoint_path, str_bytes(&copies[2]));
    write_file(log_path, str_bytes(&copies[0]));
    write_file(index_path, str_bytes(&copies[1]));
    if (old_checkpoint)
        believe();
    else
        recover(kept_before(str_bytes(log), first));
    for (int i = 0; i < 3; i++)
        str_release(&copies[i]);
}

static err_t replay(const char *name, bool is_dir, void *ctx)
{
    (void)ctx;
    if (is_dir)
        return ERR_OK;
    char path[300];
    snprintf(path, sizeof path, "tests/corpus/segment/%s", name);
    struct str bytes = {0};
    struct diag diag = DIAG_INIT;
    must(file_read_all(path, 1 << 20, &bytes, &diag), &diag);
    unlink(clean_path);
    unlink(checkpoint_path);
    unlink(index_path);
    write_file(log_path, str_bytes(&bytes));
    recover(0);
    str_release(&bytes);
    return ERR_OK;
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    snprintf(dir, sizeof dir, "/tmp/weir-segment-fuzz-%d-%llx", (int)getpid(),
             (unsigned long long)random_u64());
    snprintf(log_path, sizeof log_path, "%s/a-0/00000000000000000000.log", dir);
    snprintf(index_path, sizeof index_path, "%s/a-0/00000000000000000000.index", dir);
    snprintf(checkpoint_path, sizeof checkpoint_path, "%s/checkpoint", dir);
    snprintf(clean_path, sizeof clean_path, "%s/clean-stop", dir);
    struct str log = {0}, index = {0}, checkpoint = {0};
    make_files(&log, &index, &checkpoint);
    if (file_exists("tests/corpus/segment"))
        (void)!dir_each("tests/corpus/segment", replay, NULL, NULL);
    for (int i = 0; i < ROUNDS; i++)
        mutated(&log, &index, &checkpoint);
    struct diag diag = DIAG_INIT;
    must(dir_remove(dir, &diag), &diag);
    str_release(&log);
    str_release(&index);
    str_release(&checkpoint);
    return 0;
}
