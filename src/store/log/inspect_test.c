// SPDX-License-Identifier: Apache-2.0
#include "store/log/inspect.h"
#include "store/log/log_test_util.h"
#include "wire/kafka/marker.h"

enum { BATCHES = 30, MIDDLE = 10 };

struct told {
    struct inspect_totals totals;
    struct inspect_finding first; // damage, where there is any; the strings below
    char path[500], found[300], remedy[300];
    char all[4000]; // a line for each
};

static void take(const struct inspect_finding *finding, void *ctx)
{
    struct told *told = ctx;
    size_t size = strlen(told->all);
    snprintf(told->all + size, sizeof told->all - size, "%s: %s\n", finding->path, finding->found);
    if (told->path[0] && !(told->first.kind == INSPECT_NOTE && finding->kind == INSPECT_DAMAGE))
        return;
    told->first = *finding;
    snprintf(told->path, sizeof told->path, "%s", finding->path);
    snprintf(told->found, sizeof told->found, "%s", finding->found);
    snprintf(told->remedy, sizeof told->remedy, "%s", finding->remedy);
}

static struct told look_at(const char *dir)
{
    struct told told = {0};
    struct inspect_options options = {
        .dir = dir, .partition = -1, .records = true, .found = take, .ctx = &told};
    MUST(inspect_log(&options, &told.totals, &diag));
    return told;
}

static void assert_says(const struct told *told, const char *path, const char *found)
{
    char copy[sizeof told->all], *save = NULL;
    snprintf(copy, sizeof copy, "%s", told->all);
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strstr(line, path) && strstr(line, found))
            return;
    fail_msg("expected \"%s\" of %s, was told:\n%s", found, path, told->all);
}

static const char first_log[] = "/a-0/00000000000000000000.log";
static char last_log[60];
static char path[400];

static const char *at(const char *dir, const char *name)
{
    snprintf(path, sizeof path, "%s%s", dir, name);
    return path;
}

// Topic a, one partition of two segments, an aborted transaction in the second; tells the size of a
// batch.
static int64_t make_log(const char *dir)
{
    struct log_store *store =
        open_store(dir, (struct log_store_options){.sync = true, .segment_bytes = 12000});
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < BATCHES; i++)
        put(partition,
            (struct batch_spec){.count = 2, .timestamp_ms = 1000000000000 + i, .value_bytes = 250});
    int64_t size = partition_offsets(partition).bytes / BATCHES;
    struct segment *last = partition->segments.items[partition->segments.count - 1];
    snprintf(last_log, sizeof last_log, "/a-0/%020lld.log", (long long)last->base_offset);
    topic_unref(topic);
    log_store_close(store);
    return size;
}

static void a_log_as_it_was_written_is_clean(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    make_log(dir);
    struct told told = look_at(dir);
    assert_int_equal(told.totals.damages + told.totals.notes, 0);
    assert_int_equal(told.totals.partitions, 1);
    assert_int_equal(told.totals.segments, 2);
    assert_int_equal(told.totals.batches, BATCHES);
    assert_int_equal(told.totals.records, 2 * BATCHES);
    remove_dir(dir);
}

static void the_first_wrong_field_of_a_batch_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        int byte;
        const char *found;
    } fields[] = {
        {3, "base offset is "},          {8, "batch length is "},  {11, "the checksum is "},
        {16, "magic is 18, expected 2"}, {17, "the checksum is "}, {22, "the checksum is "},
        {23, "last offset delta is"},    {30, "the checksum is "}, {46, "the checksum is "},
        {55, "the checksum is "},        {57, "the checksum is "}, {100, "the checksum is "},
    };
    const char *dir = fresh_dir();
    int64_t size = make_log(dir), place = size * MIDDLE;
    flip_bit(at(dir, first_log), place + 100);
    struct told told = look_at(dir);
    assert_non_null(strstr(told.remedy, "readers find the checksum wrong"));
    flip_bit(at(dir, first_log), place + 100);
    unlink(at(dir, "/checkpoint")); // from here on a start would read all of it
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].byte == 23) { // make it negative
            int fd = open(at(dir, first_log), O_RDWR);
            assert_int_equal(pwrite(fd, "\xff", 1, place + 23), 1);
            close(fd);
        } else {
            flip_bit(at(dir, first_log), place + fields[i].byte);
        }
        told = look_at(dir);
        assert_int_equal(told.totals.damages, 1);
        assert_says(&told, first_log, fields[i].found);
        assert_int_equal(told.first.kind, INSPECT_DAMAGE);
        assert_int_equal(told.first.byte, place);
        assert_string_equal(told.first.topic ? "a" : "", "a");
        assert_int_equal(told.first.partition, 0);
        assert_int_equal(told.first.offset, 2 * MIDDLE);
        assert_non_null(strstr(told.remedy, "serves the offsets below 20 of a-0"));
        if (fields[i].byte != 3 && fields[i].byte != 11) {
            char next[60];
            snprintf(next, sizeof next, "the next whole batch is at byte %lld",
                     (long long)(place + size));
            assert_non_null(strstr(told.found, next));
        }
        if (fields[i].byte == 23) {
            int fd = open(at(dir, first_log), O_RDWR);
            assert_int_equal(pwrite(fd, "\0", 1, place + 23), 1);
            close(fd);
        } else {
            flip_bit(at(dir, first_log), place + fields[i].byte);
        }
    }
    told = look_at(dir);
    assert_int_equal(told.totals.damages, 0);
    remove_dir(dir);
}

static void looking_changes_nothing_and_agrees_with_what_a_start_does(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char copy[300], command[800];
    int64_t size = make_log(dir);
    snprintf(copy, sizeof copy, "%s.copy", dir);
    flip_bit(at(dir, first_log), size * MIDDLE + 100);
    copy_dir(dir, copy);
    struct told told = look_at(dir);
    snprintf(command, sizeof command, "diff -r %s %s", dir, copy);
    assert_int_equal(system(command), 0);
    unlink(at(dir, "/clean-stop"));
    unlink(at(dir, "/checkpoint"));
    struct log_store *store = open_store(dir, (struct log_store_options){.sync = true});
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    struct buf *buf;
    struct diag story = DIAG_INIT;
    assert_int_equal(partition_read(partition, told.first.offset, 1000, &buf, &story), ERR_CORRUPT);
    char expected[60];
    snprintf(expected, sizeof expected, "damaged at byte %lld", (long long)told.first.byte);
    assert_non_null(strstr(story.text, expected));
    MUST(partition_read(partition, told.first.offset - 1, 1000, &buf, &diag));
    buf_unref(buf);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(copy);
    remove_dir(dir);
}

static void a_torn_tail_is_a_note_and_reserved_zeros_are_nothing(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    make_log(dir);
    int64_t size = size_of(at(dir, last_log));
    assert_int_equal(truncate(at(dir, last_log), size + 5000), 0);
    struct told told = look_at(dir);
    assert_int_equal(told.totals.damages + told.totals.notes, 0);
    assert_int_equal(truncate(at(dir, last_log), size - 7), 0);
    unlink(at(dir, "/checkpoint"));
    told = look_at(dir);
    assert_int_equal(told.totals.damages, 0);
    assert_int_equal(told.totals.notes, 1);
    assert_says(&told, last_log, "a torn tail, ");
    assert_non_null(strstr(told.found, "bytes behind it"));
    assert_non_null(strstr(told.remedy, "cuts it off"));
    remove_dir(dir);
}

static void a_missing_segment_a_cut_one_and_one_too_many_are_told(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char copy[300];
    int64_t size = make_log(dir);
    snprintf(copy, sizeof copy, "%s.copy", dir);
    copy_dir(dir, copy);
    assert_int_equal(truncate(at(copy, last_log), size * 2), 0);
    struct told told = look_at(copy);
    assert_int_equal(told.totals.damages, 1);
    assert_says(&told, last_log, "were on disk at the last checkpoint");
    assert_int_equal(told.first.byte, size * 2);
    unlink(at(copy, last_log));
    told = look_at(copy);
    assert_says(&told, last_log, "missing; it was on disk with");
    copy_dir(dir, copy);
    assert_int_equal(truncate(at(copy, first_log), size * 5), 0);
    told = look_at(copy);
    assert_says(&told, last_log, "a file with the offsets from 10 on is missing");
    remove_dir(copy);
    remove_dir(dir);
}

static void a_wrong_index_is_told_by_entry(void **state)
{
    (void)state;
    static const struct {
        int byte;
        const char *found;
    } fields[] = {{3, "offset "}, {6, "position "}, {10, "timestamp "}};
    const char *dir = fresh_dir(), *index = "/a-0/00000000000000000000.index";
    make_log(dir);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        flip_bit(at(dir, index), INDEX_ENTRY_BYTES + fields[i].byte);
        struct told told = look_at(dir);
        assert_int_equal(told.totals.damages, 1);
        assert_says(&told, index, fields[i].found);
        assert_int_equal(told.first.byte, INDEX_ENTRY_BYTES);
        assert_non_null(strstr(told.remedy, "anew"));
        flip_bit(at(dir, index), INDEX_ENTRY_BYTES + fields[i].byte);
    }
    assert_int_equal(truncate(at(dir, index), INDEX_ENTRY_BYTES + 5), 0);
    struct told told = look_at(dir);
    assert_says(&told, index, "5 bytes at the end");
    remove_dir(dir);
}

static void a_wrong_entry_of_an_aborted_transaction_is_told(void **state)
{
    (void)state;
    const char *dir = fresh_dir(), *index = "/a-0/00000000000000000000.txnindex";
    struct log_store *store = open_store(dir, (struct log_store_options){.sync = true});
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    struct buf *buf = make_batch((struct batch_spec){.count = 2, .producer_id = 7});
    struct batch_header header;
    assert_true(batch_header_read(&header, buf_bytes(buf)));
    header.attributes |= BATCH_TRANSACTIONAL;
    batch_header_write(buf->ptr, buf->size, &header);
    MUST(partition_append_wait(partition, buf, NULL, &diag));
    struct marker marker = {.producer_id = 7, .timestamp_ms = 5};
    struct str bytes = {0};
    marker_write(&marker, &bytes);
    int64_t offset;
    err_t err = put_internal(partition, buf_copy(bytes.ptr, bytes.size), &offset);
    assert_string_equal(err_name(err), "OK");
    str_release(&bytes);
    topic_unref(topic);
    log_store_close(store);
    struct told told = look_at(dir);
    assert_int_equal(told.totals.damages + told.totals.notes, 0);
    assert_int_equal(size_of(at(dir, index)), 36);
    flip_bit(at(dir, index), 9);
    told = look_at(dir);
    assert_says(&told, index, "the checksum is ");
    remove_dir(dir);
}

static void damage_of_the_files_around_the_segments_is_told(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    make_log(dir);
    flip_bit(at(dir, "/checkpoint"), 30);
    struct told told = look_at(dir);
    assert_says(&told, "/checkpoint", "the checksum is ");
    unlink(at(dir, "/checkpoint"));
    flip_bit(at(dir, "/catalog"), 14);
    told = look_at(dir);
    assert_says(&told, "/catalog", "its checksum does not hold");
    assert_string_equal(told.remedy, "does not start; the folders of the partitions are untouched");
    assert_int_equal(told.totals.batches, BATCHES); // looked at all the same
    flip_bit(at(dir, "/catalog"), 14);
    MUST(file_replace(at(dir, "/a-0/start"), bytes_from("900\n"), &diag));
    told = look_at(dir);
    assert_says(&told, "/a-0/start", "the log starts at offset 900, it ends at 60");
    unlink(at(dir, "/a-0/start"));
    MUST(file_replace(at(dir, "/producer-ids"), bytes_from("many\n"), &diag));
    told = look_at(dir);
    assert_says(&told, "/producer-ids", "not a number");
    unlink(at(dir, "/producer-ids"));
    MUST(dir_make(at(dir, "/gone-3"), &diag));
    told = look_at(dir);
    assert_int_equal(told.totals.damages, 0);
    assert_says(&told, "/gone-3", "the catalog does not have");
    remove_dir(dir);
}

static void a_topic_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    make_log(dir);
    struct told told = {0};
    struct inspect_options options = {
        .dir = dir, .topic = "a", .partition = 0, .found = take, .ctx = &told};
    MUST(inspect_log(&options, &told.totals, &diag));
    assert_int_equal(told.totals.batches, BATCHES);
    options.topic = "b";
    struct diag story = DIAG_INIT;
    assert_int_equal(inspect_log(&options, &told.totals, &story), ERR_NOT_FOUND);
    assert_non_null(strstr(story.text, "no topic b"));
    remove_dir(dir);
}

// --- beside a store that writes ---

struct writing {
    struct thread thread;
    struct partition *partition;
    _Atomic bool stop;
    _Atomic int allowed; // batches
};

static void write_on(void *ctx)
{
    struct writing *writing = ctx;
    // The records are so old that retention takes what was just written.
    for (int written = 0; !writing->stop;)
        if (written < writing->allowed) {
            put(writing->partition, (struct batch_spec){.count = 3, .value_bytes = 2000});
            written++;
        }
}

static void what_is_being_written_is_no_damage(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, (struct log_store_options){.segment_bytes = 300000});
    struct topic *topic;
    struct writing writing = {.partition = make_topic(store, "a", &topic)};
    thread_start(&writing.thread, "writing", write_on, &writing);
    for (int i = 0; i < 40; i++) {
        writing.allowed += 200;
        keeper_retain(store);
        struct told told = look_at(dir);
        if (told.totals.damages > 0)
            fail_msg("%s at byte %lld: %s", told.path, (long long)told.first.byte, told.found);
    }
    writing.stop = true;
    thread_join(&writing.thread);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_as_it_was_written_is_clean),
        cmocka_unit_test(the_first_wrong_field_of_a_batch_is_told_with_its_place),
        cmocka_unit_test(looking_changes_nothing_and_agrees_with_what_a_start_does),
        cmocka_unit_test(a_torn_tail_is_a_note_and_reserved_zeros_are_nothing),
        cmocka_unit_test(a_missing_segment_a_cut_one_and_one_too_many_are_told),
        cmocka_unit_test(a_wrong_index_is_told_by_entry),
        cmocka_unit_test(a_wrong_entry_of_an_aborted_transaction_is_told),
        cmocka_unit_test(damage_of_the_files_around_the_segments_is_told),
        cmocka_unit_test(a_topic_that_is_not_there_is_an_error),
        cmocka_unit_test(what_is_being_written_is_no_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
