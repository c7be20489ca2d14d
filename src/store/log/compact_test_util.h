// SPDX-License-Identifier: Apache-2.0
//
// compact_test_util: a store with one compacted topic, keyed batches in words ("a=1 b=2 c"), and
// what is left of them as words.
#ifndef STORE_LOG_COMPACT_TEST_UTIL_H
#define STORE_LOG_COMPACT_TEST_UTIL_H

#include "store/log/cleaner.h"
#include "store/log/log_test_util.h"

static const struct log_store_options quiet = {.sync = true, .cleaner_ms = 1000LL * 3600 * 24};

// --- what a test writes and reads ---

struct scene {
    const char *dir;
    struct log_store *store;
    struct topic *topic;
    struct partition *partition;
};

static inline void open_scene(struct scene *scene, struct log_store_options options)
{
    scene->store = open_store(scene->dir, options);
    scene->topic = log_store_topic(scene->store, bytes_from("a"));
    scene->partition = scene->topic ? topic_partition(scene->topic, 0) : NULL;
}

static inline struct scene make_scene(struct log_store_options options,
                                      const struct topic_setting *settings, size_t count)
{
    struct scene scene = {.dir = fresh_dir()};
    struct topic_setting all[8] = {{"cleanup.policy", "compact"},
                                   {"min.cleanable.dirty.ratio", "0"}};
    for (size_t i = 0; i < count; i++)
        all[2 + i] = settings[i];
    open_scene(&scene, options);
    MUST(log_store_create_topic(scene.store, "a", 1, all, count + 2, &scene.topic, &diag));
    scene.partition = topic_partition(scene.topic, 0);
    return scene;
}

static inline void close_scene(struct scene *scene)
{
    topic_unref(scene->topic);
    log_store_close(scene->store);
}

static inline void end_scene(struct scene *scene)
{
    close_scene(scene);
    remove_dir(scene->dir);
}

static inline void reopen(struct scene *scene)
{
    close_scene(scene);
    open_scene(scene, quiet);
}

// The folder as a kill would leave it, opened; the first store goes on.
static inline struct scene after_kill(const struct scene *scene, char copy[300])
{
    snprintf(copy, 300, "%s.killed", scene->dir);
    copy_dir(scene->dir, copy);
    struct scene killed = {.dir = copy};
    open_scene(&killed, quiet);
    return killed;
}

struct spec {
    const char *records; // "a=1 b=2 c" : c is a tombstone, "=3" has no key
    enum batch_compression codec;
    int64_t timestamp_ms; // 0 = now
    int64_t producer_id;  // 0 = none
    int16_t epoch;
    int32_t sequence;
    int attributes;
};

static inline struct buf *keyed_batch(struct spec spec)
{
    struct record_builder builder = {.codec = spec.codec};
    char text[2000];
    snprintf(text, sizeof text, "%s", spec.records);
    char *save = NULL;
    int64_t timestamp_ms = spec.timestamp_ms ? spec.timestamp_ms : clock_now_ms();
    struct record_header header = {bytes_from("h"), bytes_from("x")};
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *equals = strchr(word, '=');
        struct bytes key = bytes_make(word, equals ? (size_t)(equals - word) : strlen(word));
        record_builder_add(&builder, timestamp_ms++, key.size ? key : BYTES_NULL,
                           equals ? bytes_from(equals + 1) : BYTES_NULL, &header, 1);
    }
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    record_builder_release(&builder);
    struct buf *buf = buf_copy(out.ptr, out.size);
    struct batch_header head;
    assert_true(batch_header_read(&head, buf_bytes(buf)));
    if (spec.producer_id > 0) {
        head.producer_id = spec.producer_id;
        head.producer_epoch = spec.epoch;
        head.base_sequence = spec.sequence;
    }
    head.attributes = (int16_t)(head.attributes | spec.attributes);
    batch_header_write(buf->ptr, buf->size, &head);
    str_release(&out);
    return buf;
}

static inline int64_t say(struct scene *scene, struct spec spec)
{
    int64_t offset;
    MUST(partition_append_wait(scene->partition, keyed_batch(spec), &offset, &diag));
    return offset;
}

static inline void roll_now(void *ctx)
{
    MUST(writer_roll(ctx, &diag));
}

static inline void roll(struct scene *scene)
{
    writer_call(scene->store, roll_now, scene->partition);
}

// One batch and one segment for each line.
static inline void say_segments(struct scene *scene, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        say(scene, (struct spec){.records = lines[i]});
        roll(scene);
    }
}
#define SAY_SEGMENTS(scene, ...)                              \
    say_segments((scene), (const char *const[]){__VA_ARGS__}, \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static inline void show_batch(struct bytes batch, struct str *out)
{
    struct record_reader reader;
    struct record record;
    MUST(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, &diag));
    while (record_reader_next(&reader, &record)) {
        str_printf(out, "%s%lld:", out->size ? " " : "", (long long)record.offset);
        if (reader.header.attributes & BATCH_CONTROL)
            str_printf(out, "%s", record.key.ptr[3] == 0 ? "ABORT" : "COMMIT");
        else if (record.value.ptr)
            str_printf(out, "%.*s=%.*s", BYTES_PRINT(record.key), BYTES_PRINT(record.value));
        else
            str_printf(out, "%.*s", BYTES_PRINT(record.key));
    }
    record_reader_release(&reader);
}

typedef void batch_fn(struct bytes batch, void *ctx);

static inline void each_batch(struct partition *partition, batch_fn *fn, void *ctx)
{
    struct partition_offsets offsets = partition_offsets(partition);
    int64_t next = offsets.start;
    while (next < offsets.end) {
        struct buf *buf = NULL;
        MUST(partition_read(partition, next, 1 << 16, &buf, &diag));
        if (!buf)
            return;
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        while (record_batch_next(&reader, &batch)) {
            struct batch_header header;
            assert_true(batch_header_read(&header, batch) && batch_crc_ok(batch));
            assert_true(batch_header_last_offset(&header) >= next);
            fn(batch, ctx);
            next = batch_header_last_offset(&header) + 1;
        }
        assert_int_equal(reader_left(&reader), 0);
        buf_unref(buf);
    }
}

static inline void show_one(struct bytes batch, void *ctx)
{
    show_batch(batch, ctx);
}

static inline void assert_holds(struct scene *scene, const char *expected)
{
    struct str text = {0};
    each_batch(scene->partition, show_one, &text);
    assert_string_equal(str_text(&text), expected);
    str_release(&text);
}

static inline void note_header(struct bytes batch, void *ctx)
{
    struct batch_header *headers = ctx;
    while (headers->magic)
        headers++;
    assert_true(batch_header_read(headers, batch));
}

// The headers of all batches; magic 0 ends them.
static inline struct batch_header *headers_of(struct scene *scene)
{
    static struct batch_header headers[100];
    memset(headers, 0, sizeof headers);
    each_batch(scene->partition, note_header, headers);
    return headers;
}

static inline size_t segment_count(struct scene *scene)
{
    return scene->partition->segments.count;
}

#endif
