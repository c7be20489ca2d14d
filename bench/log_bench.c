// SPDX-License-Identifier: Apache-2.0
//
// log_bench: what the log does on this machine's disk, without sockets: the time of one synced
// append alone, and throughput with many in flight; for each the time of a bare write + fdatasync
// beside it. usage: log_bench [DIR] [SECONDS]
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "os/thread.h"
#include "store/log/log_store.h"
#include "wire/kafka/record.h"

#include <stdlib.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1 << 20 };

static void die(const struct diag *diag)
{
    fprintf(stderr, "log_bench: %s\n", diag_text(diag));
    exit(1);
}

#define MUST(call)                    \
    do {                              \
        struct diag diag = DIAG_INIT; \
        if ((call) != ERR_OK)         \
            die(&diag);               \
    } while (0)

static struct buf *make_batch(size_t batch_bytes, size_t record_bytes)
{
    struct record_builder builder = {0};
    char *value = calloc(1, record_bytes);
    int64_t now_ms = clock_now_ms();
    do
        record_builder_add(&builder, now_ms, BYTES_NULL, bytes_make(value, record_bytes), NULL, 0);
    while (builder.records.size + record_bytes + 80 < batch_bytes);
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    record_builder_release(&builder);
    struct buf *buf = buf_copy(out.ptr, out.size);
    str_release(&out);
    free(value);
    return buf;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *what, int64_t *us, size_t count)
{
    qsort(us, count, sizeof *us, by_value);
    printf("%-44s %8zu done  p50 %6lld us  p99 %6lld us  max %7lld us\n", what, count,
           (long long)us[count / 2], (long long)us[count * 99 / 100], (long long)us[count - 1]);
}

static void bare_sync(const char *dir, double seconds, int64_t *us)
{
    char path[512];
    uint8_t bytes[400] = {0};
    snprintf(path, sizeof path, "%s/bare", dir);
    int fd;
    MUST(file_open(&fd, path, FILE_WRITE | FILE_CREATE, &diag));
    size_t count = 0;
    int64_t end_us = clock_mono_us() + (int64_t)(seconds * 1e6);
    for (int64_t now = clock_mono_us(); now < end_us && count < SAMPLES_MAX; count++) {
        MUST(file_pwrite(fd, bytes, sizeof bytes, (int64_t)(count * sizeof bytes), &diag));
        MUST(file_datasync(fd, &diag));
        int64_t then = now;
        now = clock_mono_us();
        us[count] = now - then;
    }
    file_close(fd);
    print_times("bare pwrite + fdatasync, 400 B", us, count);
}

static void one_in_flight(struct partition *partition, double seconds, int64_t *us)
{
    struct buf *model = make_batch(400, 270);
    size_t count = 0;
    int64_t end_us = clock_mono_us() + (int64_t)(seconds * 1e6);
    for (int64_t now = clock_mono_us(); now < end_us && count < SAMPLES_MAX; count++) {
        MUST(partition_append_wait(partition, buf_copy(model->ptr, model->size), NULL, &diag));
        int64_t then = now;
        now = clock_mono_us();
        us[count] = now - then;
    }
    buf_unref(model);
    print_times("append, one in flight", us, count);
}

// --- many in flight: each slot appends again when it is done ---

struct slot {
    struct append append;
    struct load *load;
    struct partition *partition;
    int64_t start_us;
    struct slot *next;
};

struct load {
    struct buf *model;
    struct mutex mutex;
    struct cond cond;
    struct slot *idle;
    int64_t *us;
    size_t count;
    size_t busy;
};

static void slot_done(struct append *append)
{
    struct slot *slot = CONTAINER_OF(append, struct slot, append);
    struct load *load = slot->load;
    if (append->err != ERR_OK) {
        fprintf(stderr, "log_bench: %s\n", append->story);
        exit(1);
    }
    mutex_lock(&load->mutex);
    if (load->count < SAMPLES_MAX)
        load->us[load->count] = clock_mono_us() - slot->start_us;
    load->count++;
    load->busy--;
    slot->next = load->idle;
    load->idle = slot;
    cond_signal(&load->cond);
    mutex_unlock(&load->mutex);
}

static void start_slot(struct slot *slot)
{
    struct buf *buf = buf_copy(slot->load->model->ptr, slot->load->model->size);
    slot->start_us = clock_mono_us();
    slot->append = (struct append){.buf = buf,
                                   .batch = buf->ptr,
                                   .size = buf->size,
                                   .until = APPEND_SYNCED,
                                   .done = slot_done};
    partition_append(slot->partition, &slot->append);
}

static void in_flight(struct topic *topic, const char *what, size_t slots, size_t batch_bytes,
                      size_t record_bytes, double seconds, int64_t *us)
{
    struct load load = {.model = make_batch(batch_bytes, record_bytes), .us = us};
    mutex_init(&load.mutex);
    cond_init(&load.cond);
    struct slot *all = calloc(slots, sizeof *all);
    int32_t partitions = topic_partition_count(topic);
    for (size_t i = 0; i < slots; i++) {
        all[i].load = &load;
        all[i].partition = topic_partition(topic, (int32_t)(i % (size_t)partitions));
        all[i].next = load.idle;
        load.idle = &all[i];
    }
    struct batch_header header;
    (void)batch_header_read(&header, buf_bytes(load.model));
    int64_t start_us = clock_mono_us(), end_us = start_us + (int64_t)(seconds * 1e6);
    mutex_lock(&load.mutex);
    while (clock_mono_us() < end_us || load.busy > 0) {
        struct slot *slots_now = clock_mono_us() < end_us ? load.idle : NULL;
        if (!slots_now) {
            cond_wait(&load.cond, &load.mutex);
            continue;
        }
        load.idle = NULL;
        for (struct slot *slot = slots_now; slot; slot = slot->next)
            load.busy++;
        mutex_unlock(&load.mutex);
        for (struct slot *slot = slots_now, *next; slot; slot = next) {
            next = slot->next;
            start_slot(slot);
        }
        mutex_lock(&load.mutex);
    }
    mutex_unlock(&load.mutex);
    double took = (double)(clock_mono_us() - start_us) / 1e6;
    size_t count = load.count;
    print_times(what, us, count < SAMPLES_MAX ? count : SAMPLES_MAX);
    printf("%-44s %8.0f batches/s %10.0f records/s %8.1f MB/s\n", "", (double)count / took,
           (double)count * header.record_count / took,
           (double)(count * load.model->size) / took / 1e6);
    free(all);
    buf_unref(load.model);
    cond_release(&load.cond);
    mutex_release(&load.mutex);
}

static struct topic *make_topic(struct log_store *store, const char *name, int32_t partitions)
{
    struct topic *topic;
    MUST(log_store_create_topic(store, name, partitions, NULL, 0, &topic, &diag));
    return topic;
}

static void open_times(const char *dir)
{
    struct log_store *store;
    struct log_store_options options = {.dir = dir, .sync = true};
    MUST(log_store_open(&store, &options, &diag));
    struct topic *topic = make_topic(store, "many", 1000);
    struct buf *model = make_batch(400, 270);
    for (int32_t i = 0; i < 1000; i++)
        MUST(partition_append_wait(topic_partition(topic, i), buf_copy(model->ptr, model->size),
                                   NULL, &diag));
    buf_unref(model);
    topic_unref(topic);
    log_store_close(store);
    int64_t start_us = clock_mono_us();
    MUST(log_store_open(&store, &options, &diag));
    printf("open after a clean stop, 1000 partitions: %lld us\n",
           (long long)(clock_mono_us() - start_us));
    log_store_close(store);
    char mark[512];
    snprintf(mark, sizeof mark, "%s/clean-stop", dir);
    unlink(mark);
    start_us = clock_mono_us();
    MUST(log_store_open(&store, &options, &diag));
    printf("open after a crash, the same: %lld us\n", (long long)(clock_mono_us() - start_us));
    log_store_close(store);
}

int main(int argc, char **argv)
{
    char dir[400];
    snprintf(dir, sizeof dir, "%s/log-bench-%d", argc > 1 ? argv[1] : "build", (int)getpid());
    double seconds = argc > 2 ? atof(argv[2]) : 2;
    int64_t *us = malloc(SAMPLES_MAX * sizeof *us);
    log_set_level(LOG_LEVEL_WARN);
    MUST(dir_make(dir, &diag));
    bare_sync(dir, seconds, us);
    char log_dir[500];
    snprintf(log_dir, sizeof log_dir, "%s/log", dir);
    struct log_store *store;
    struct log_store_options options = {.dir = log_dir, .sync = true};
    MUST(log_store_open(&store, &options, &diag));
    struct topic *one = make_topic(store, "one", 1), *eight = make_topic(store, "eight", 8);
    one_in_flight(topic_partition(one, 0), seconds, us);
    in_flight(one, "64 in flight, 1 partition, 400 B batches", 64, 400, 270, seconds, us);
    in_flight(eight, "64 in flight, 8 partitions, 400 B batches", 64, 400, 270, seconds, us);
    in_flight(one, "16 in flight, 1 partition, 64 KB batches", 16, 64 << 10, 270, seconds, us);
    in_flight(eight, "16 in flight, 8 partitions, 64 KB batches", 16, 64 << 10, 270, seconds, us);
    in_flight(one, "8 in flight, 1 partition, 900 KB batches", 8, 900 << 10, 1000, seconds, us);
    topic_unref(one);
    topic_unref(eight);
    log_store_close(store);
    snprintf(log_dir, sizeof log_dir, "%s/many", dir);
    open_times(log_dir);
    MUST(dir_remove(dir, &diag));
    free(us);
    return 0;
}
