// SPDX-License-Identifier: Apache-2.0
//
// log_scale: what many partitions and much data cost the log when nothing happens: memory and open
// files of partitions, the checkpoint, a start after a clean stop, a start after kill -9; and how
// fast compaction is, alone and beside appends. usage: log_scale [DIR] [PARTITIONS] [GIGABYTES]
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "store/log/cleaner.h"
#include "store/log/log_int.h"
#include "wire/kafka/record.h"

#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const struct diag *diag)
{
    fprintf(stderr, "log_scale: %s\n", diag_text(diag));
    exit(1);
}

#define MUST(call)                    \
    do {                              \
        struct diag diag = DIAG_INIT; \
        if ((call) != ERR_OK)         \
            die(&diag);               \
    } while (0)

static long rss_bytes(void)
{
    long pages = 0, rss = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &pages, &rss) != 2)
        abort();
    fclose(file);
    return rss * sysconf(_SC_PAGESIZE);
}

static int open_files(void)
{
    int count = -3;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static struct log_store *open_store(const char *dir, const char *what)
{
    struct log_store *store;
    struct log_store_options options = {.dir = dir, .sync = true};
    int64_t start_us = clock_mono_us();
    MUST(log_store_open(&store, &options, &diag));
    printf("%-52s %8.1f ms\n", what, (double)(clock_mono_us() - start_us) / 1e3);
    fflush(stdout);
    return store;
}

static struct buf *make_batch(size_t value_bytes)
{
    struct record_builder builder = {0};
    char *value = calloc(1, value_bytes);
    random_fill(value, value_bytes);
    record_builder_add(&builder, clock_now_ms(), BYTES_NULL, bytes_make(value, value_bytes), NULL,
                       0);
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    struct buf *buf = buf_copy(out.ptr, out.size);
    record_builder_release(&builder);
    str_release(&out);
    free(value);
    return buf;
}

struct flight {
    struct mutex mutex;
    struct cond cond;
    size_t left;
};

struct sent {
    struct append append;
    struct flight *flight;
};

static void sent_done(struct append *append)
{
    struct flight *flight = CONTAINER_OF(append, struct sent, append)->flight;
    if (append->err != ERR_OK) {
        fprintf(stderr, "log_scale: %s\n", append->story);
        exit(1);
    }
    mutex_lock(&flight->mutex);
    if (--flight->left == 0)
        cond_signal(&flight->cond);
    mutex_unlock(&flight->mutex);
}

// One batch to each partition, all at once.
static void append_each(struct topic *topic, const struct buf *model)
{
    int32_t count = topic_partition_count(topic);
    struct flight flight = {.left = (size_t)count};
    struct sent *all = calloc((size_t)count, sizeof *all);
    mutex_init(&flight.mutex);
    cond_init(&flight.cond);
    for (int32_t i = 0; i < count; i++) {
        struct buf *buf = buf_copy(model->ptr, model->size);
        all[i].flight = &flight;
        all[i].append = (struct append){.buf = buf,
                                        .batch = buf->ptr,
                                        .size = buf->size,
                                        .checked = true,
                                        .until = APPEND_SYNCED,
                                        .done = sent_done};
        partition_append(topic_partition(topic, i), &all[i].append);
    }
    mutex_lock(&flight.mutex);
    while (flight.left > 0)
        cond_wait(&flight.cond, &flight.mutex);
    mutex_unlock(&flight.mutex);
    free(all);
}

static void time_it(const char *what, int64_t start_us)
{
    printf("%-52s %8.1f ms\n", what, (double)(clock_mono_us() - start_us) / 1e3);
    fflush(stdout);
}

static void checkpoint(struct log_store *store)
{
    int64_t start_us = clock_mono_us(), bytes = 0;
    char path[600];
    MUST(checkpoint_write(store, false, &diag));
    time_it("checkpoint", start_us);
    snprintf(path, sizeof path, "%s/checkpoint", store->dir);
    int fd;
    MUST(file_open(&fd, path, FILE_READ, &diag));
    MUST(file_size(fd, &bytes, &diag));
    file_close(fd);
    printf("%-52s %8.1f KB\n", "its size", (double)bytes / 1e3);
}

static void partitions(const char *dir, int32_t count)
{
    char path[500];
    snprintf(path, sizeof path, "%s/partitions", dir);
    struct log_store *store = open_store(path, "start, empty");
    struct topic *topic;
    malloc_trim(0);
    long before = rss_bytes();
    int64_t start_us = clock_mono_us();
    MUST(log_store_create_topic(store, "many", count, NULL, 0, &topic, &diag));
    printf("%d partitions\n", count);
    time_it("created", start_us);
    printf("%-52s %8ld\n", "bytes per partition never written to", (rss_bytes() - before) / count);
    struct buf *model = make_batch(1000);
    start_us = clock_mono_us();
    append_each(topic, model);
    time_it("first synced append to each, all at once", start_us);
    start_us = clock_mono_us();
    append_each(topic, model);
    time_it("second one", start_us);
    checkpoint(store);
    malloc_trim(0);
    printf("%-52s %8ld\n", "bytes per idle partition", (rss_bytes() - before) / count);
    printf("%-52s %8d\n", "open files", open_files());
    start_us = clock_mono_us();
    topic_unref(topic);
    log_store_close(store);
    time_it("clean stop", start_us);
    store = open_store(path, "start after a clean stop");
    append_each(topic = log_store_topic(store, bytes_from("many")), model);
    topic_unref(topic);
    char command[1200]; // the folder as a kill would leave it
    snprintf(command, sizeof command, "cp -a %s %s.killed", path, path);
    if (system(command) != 0)
        abort();
    log_store_close(store);
    char killed[520];
    snprintf(killed, sizeof killed, "%s.killed", path);
    log_store_close(open_store(killed, "start after kill -9"));
    buf_unref(model);
}

static void much(const char *dir, double gigabytes)
{
    char path[500];
    snprintf(path, sizeof path, "%s/much", dir);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct log_store *store = open_store(path, "start, empty");
        struct topic *topic;
        struct topic_setting setting = {"max.message.bytes", "10000000"};
        MUST(log_store_create_topic(store, "a", 8, &setting, 1, &topic, &diag));
        struct buf *model = make_batch(4 << 20);
        int64_t start_us = clock_mono_us();
        for (double done = 0; done < gigabytes * 1e9; done += 8.0 * (double)model->size)
            append_each(topic, model);
        printf("%.0f GB in 8 partitions\n", gigabytes);
        time_it("written", start_us);
        _exit(0); // as by kill -9: nothing is completed, no checkpoint
    }
    int status;
    waitpid(pid, &status, 0);
    if (status != 0)
        exit(1);
    log_store_close(open_store(path, "start after kill -9"));
}

// --- compaction ---

static struct buf *keyed_batch(uint64_t *seed)
{
    struct record_builder builder = {0};
    char key[40], value[100];
    random_fill(value, sizeof value);
    for (int i = 0; i < 120; i++) {
        *seed = hash_u64(*seed + 1);
        snprintf(key, sizeof key, "key-%llu", (unsigned long long)(*seed % 200000));
        record_builder_add(&builder, clock_now_ms(), bytes_from(key),
                           bytes_make(value, sizeof value), NULL, 0);
    }
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    struct buf *buf = buf_copy(out.ptr, out.size);
    record_builder_release(&builder);
    str_release(&out);
    return buf;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static void time_appends(struct partition *partition, const char *what, _Atomic bool *stop)
{
    static int64_t us[100000];
    struct buf *model = make_batch(300);
    size_t count = 0;
    int64_t begin_us = clock_mono_us();
    while (count < sizeof us / sizeof *us &&
           (stop ? !*stop : clock_mono_us() - begin_us < 3 * 1000 * 1000)) {
        int64_t start_us = clock_mono_us();
        MUST(partition_append_wait(partition, buf_copy(model->ptr, model->size), NULL, &diag));
        us[count++] = clock_mono_us() - start_us;
    }
    buf_unref(model);
    qsort(us, count, sizeof *us, by_value);
    printf("%-52s %8lld us p50 %8lld us p99, %zu appends\n", what, (long long)us[count / 2],
           (long long)us[count * 99 / 100], count);
}

struct cleaning {
    struct log_store *store;
    _Atomic bool done;
    int64_t took_us;
};

static void clean(void *ctx)
{
    struct cleaning *cleaning = ctx;
    int64_t start_us = clock_mono_us();
    cleaner_run(cleaning->store);
    cleaning->took_us = clock_mono_us() - start_us;
    cleaning->done = true;
}

static void compaction(const char *dir, bool beside)
{
    char path[500];
    snprintf(path, sizeof path, "%s/compaction%d", dir, beside);
    struct log_store *store = open_store(path, "start, empty");
    struct topic *topic, *other;
    struct topic_setting settings[] = {{"cleanup.policy", "compact"},
                                       {"segment.bytes", "100000000"}};
    MUST(log_store_create_topic(store, "keys", 1, settings, 2, &topic, &diag));
    MUST(log_store_create_topic(store, "other", 1, NULL, 0, &other, &diag));
    struct partition *partition = topic_partition(topic, 0);
    uint64_t seed = 1;
    while (partition_offsets(partition).bytes < 510000000)
        MUST(partition_append_wait(partition, keyed_batch(&seed), NULL, &diag));
    int64_t before = partition_offsets(partition).bytes;
    struct cleaning cleaning = {.store = store};
    struct thread thread;
    if (beside)
        time_appends(topic_partition(other, 0), "append, one in flight", NULL);
    thread_start(&thread, "clean", clean, &cleaning);
    if (beside)
        time_appends(topic_partition(other, 0), "the same beside compaction", &cleaning.done);
    thread_join(&thread);
    printf("%-52s %8.1f MB/s, %.0f MB became %.0f MB\n",
           beside ? "compaction beside appends" : "compaction",
           (double)before / (double)cleaning.took_us, (double)before / 1e6,
           (double)partition_offsets(partition).bytes / 1e6);
    topic_unref(topic);
    topic_unref(other);
    log_store_close(store);
}

int main(int argc, char **argv)
{
    char dir[300];
    snprintf(dir, sizeof dir, "%s/log-scale-%d", argc > 1 ? argv[1] : "/tmp", (int)getpid());
    log_set_level(LOG_LEVEL_ERROR);
    partitions(dir, argc > 2 ? atoi(argv[2]) : 1000);
    if (argc > 3)
        much(dir, atof(argv[3]));
    compaction(dir, false);
    compaction(dir, true);
    MUST(dir_remove(dir, &diag));
    return 0;
}
