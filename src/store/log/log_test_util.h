// SPDX-License-Identifier: Apache-2.0
//
// log_test_util: a folder per test, batches by hand, and what a test asks of a store.
#ifndef STORE_LOG_LOG_TEST_UTIL_H
#define STORE_LOG_LOG_TEST_UTIL_H

#include "base/log.h"
#include "os/clock.h"
#include "os/random.h"
#include "store/log/log_int.h"
#include "wire/kafka/record.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char test_dir[256];

static inline const char *fresh_dir(void)
{
    snprintf(test_dir, sizeof test_dir, "/tmp/weir-log-test-%d-%llx", (int)getpid(),
             (unsigned long long)random_u64());
    return test_dir;
}

static inline void must(err_t err, struct diag *diag)
{
    if (err != ERR_OK)
        fail_msg("%s: %s", err_name(err), diag_text(diag));
}

#define MUST(call)                    \
    do {                              \
        struct diag diag = DIAG_INIT; \
        must((call), &diag);          \
    } while (0)

static inline struct log_store *open_store(const char *dir, struct log_store_options options)
{
    struct log_store *store = NULL;
    options.dir = dir;
    MUST(log_store_open(&store, &options, &diag));
    return store;
}

static inline struct partition *make_topic(struct log_store *store, const char *name,
                                           struct topic **topic)
{
    *topic = log_store_topic(store, bytes_from(name));
    if (!*topic)
        MUST(log_store_create_topic(store, name, 1, NULL, 0, topic, &diag));
    return topic_partition(*topic, 0);
}

struct batch_spec {
    int count;
    int64_t timestamp_ms;
    int64_t producer_id; // 0 = none
    int16_t epoch;
    int32_t sequence;
    size_t value_bytes; // 0 = 10
};

static inline struct buf *make_batch(struct batch_spec spec)
{
    struct record_builder builder = {0};
    size_t size = spec.value_bytes ? spec.value_bytes : 10;
    char *value = mem_alloc(size);
    memset(value, 'v', size);
    for (int i = 0; i < spec.count; i++)
        record_builder_add(&builder, spec.timestamp_ms + i, BYTES_NULL, bytes_make(value, size),
                           NULL, 0);
    mem_free(value);
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    record_builder_release(&builder);
    struct buf *buf = buf_copy(out.ptr, out.size);
    if (spec.producer_id > 0) {
        struct batch_header header;
        assert_true(batch_header_read(&header, buf_bytes(buf)));
        header.producer_id = spec.producer_id;
        header.producer_epoch = spec.epoch;
        header.base_sequence = spec.sequence;
        batch_header_write(buf->ptr, buf->size, &header);
    }
    str_release(&out);
    return buf;
}

static inline int64_t put(struct partition *partition, struct batch_spec spec)
{
    int64_t offset = -1;
    MUST(partition_append_wait(partition, make_batch(spec), &offset, &diag));
    return offset;
}

static inline err_t try_put(struct partition *partition, struct batch_spec spec, int64_t *offset)
{
    return partition_append_wait(partition, make_batch(spec), offset, NULL);
}

struct internal_append {
    struct append append;
    struct mutex mutex;
    struct cond cond;
    bool done;
};

static inline void internal_done(struct append *append)
{
    struct internal_append *wait = CONTAINER_OF(append, struct internal_append, append);
    mutex_lock(&wait->mutex);
    wait->done = true;
    cond_signal(&wait->cond);
    mutex_unlock(&wait->mutex);
}

// What only the broker itself may write: markers.
static inline err_t put_internal(struct partition *partition, struct buf *buf, int64_t *offset)
{
    struct internal_append wait = {.append = {.buf = buf,
                                              .batch = buf->ptr,
                                              .size = buf->size,
                                              .internal = true,
                                              .checked = true,
                                              .until = APPEND_SYNCED,
                                              .done = internal_done}};
    mutex_init(&wait.mutex);
    cond_init(&wait.cond);
    partition_append(partition, &wait.append);
    mutex_lock(&wait.mutex);
    while (!wait.done)
        cond_wait(&wait.cond, &wait.mutex);
    mutex_unlock(&wait.mutex);
    cond_release(&wait.cond);
    mutex_release(&wait.mutex);
    mem_free(wait.append.story);
    *offset = wait.append.base_offset;
    return wait.append.err;
}

// Reads everything from the start; checks that offsets follow each other and checksums hold.
static inline int64_t count_records(struct partition *partition)
{
    struct partition_offsets offsets = partition_offsets(partition);
    int64_t next = offsets.start, records = 0;
    while (next < offsets.end) {
        struct buf *buf = NULL;
        MUST(partition_read(partition, next, 1 << 16, &buf, &diag));
        assert_non_null(buf);
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        while (record_batch_next(&reader, &batch)) {
            struct batch_header header;
            assert_true(batch_header_read(&header, batch) && batch_crc_ok(batch));
            assert_true(header.base_offset == next || (records == 0 && header.base_offset <= next &&
                                                       batch_header_last_offset(&header) >= next));
            records += batch_header_last_offset(&header) + 1 - next;
            next = batch_header_last_offset(&header) + 1;
        }
        assert_int_equal(reader_left(&reader), 0);
        buf_unref(buf);
    }
    return records;
}

// A store that was killed: its folder as it stands, without a clean stop.
static inline void copy_dir(const char *from, const char *to)
{
    char command[1024];
    snprintf(command, sizeof command, "rm -rf %s && cp -a %s %s", to, from, to);
    assert_int_equal(system(command), 0);
}

static inline void flip_bit(const char *path, int64_t at)
{
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static inline int64_t size_of(const char *path)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    int64_t size = lseek(fd, 0, SEEK_END);
    close(fd);
    return size;
}

static inline void remove_dir(const char *dir)
{
    MUST(dir_remove(dir, &diag));
}

#endif
