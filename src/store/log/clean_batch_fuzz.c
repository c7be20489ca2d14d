// SPDX-License-Identifier: Apache-2.0
//
// clean_batch_fuzz: compaction of batches whose bytes were changed. Whatever comes in: it ends, and
// what comes out is refused or is a whole batch with the offsets of the one that went in, a
// checksum that holds, the records that were to stay, and nothing else; cleaned again it does not
// change. Replays tests/corpus/segment/* batch by batch, then seeded mutations of batches of every
// codec.
#include "base/log.h"
#include "os/file.h"
#include "os/random.h"
#include "store/log/clean_batch.h"

#include <assert.h>
#include <stdlib.h>

enum { ROUNDS = 6000 };

static uint64_t seed_state = 5;

static uint32_t next(void)
{
    seed_state = seed_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed_state >> 33);
}

struct choice {
    uint32_t mask;
    int64_t kept;
};

static bool keeps_some(void *ctx, const struct batch_header *header, const struct record *record)
{
    struct choice *choice = ctx;
    bool keeps = choice->mask >> (record->offset - header->base_offset) % 32 & 1;
    choice->kept += keeps;
    return keeps;
}

static int64_t count_records(struct bytes batch, uint32_t mask)
{
    struct record_reader reader;
    struct record record;
    int64_t count = 0;
    err_t err = record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, NULL);
    assert(err == ERR_OK);
    for (; record_reader_next(&reader, &record); count++)
        assert(mask >> (record.offset - reader.header.base_offset) % 32 & 1);
    assert(!reader.at.failed && reader_left(&reader.at) == 0);
    record_reader_release(&reader);
    return count;
}

static void check(const struct batch_cleaning *cleaning, struct bytes batch, struct bytes cleaned,
                  const struct batch_cleaned *told, uint32_t mask)
{
    struct batch_header before, after;
    if (!told->kept) {
        assert(cleaned.size == 0);
        return;
    }
    bool read = batch_header_read(&before, batch) && batch_header_read(&after, cleaned);
    assert(read && batch_header_size(&after) == cleaned.size);
    assert(after.base_offset == before.base_offset &&
           after.last_offset_delta == before.last_offset_delta);
    assert(after.producer_id == before.producer_id && after.base_sequence == before.base_sequence);
    if (told->same)
        return; // also the checksum, whatever it was
    assert(batch_crc_ok(cleaned));
    assert(count_records(cleaned, mask) == after.record_count);
    assert(after.record_count == told->records_kept);
    struct str scratch = {0}, again = {0};
    struct batch_cleaned second;
    struct choice choice = {mask, 0};
    struct batch_cleaning twice = *cleaning;
    twice.ctx = &choice;
    err_t err = clean_batch(&twice, cleaned, &scratch, &again, &second, NULL);
    assert(err == ERR_OK && bytes_equal(str_bytes(&again), cleaned));
    str_release(&scratch);
    str_release(&again);
}

static void feed(struct bytes batch)
{
    struct choice choice = {next() % 4 ? next() : UINT32_MAX, 0};
    struct batch_cleaning cleaning = {
        .keeps_none = next() % 16 == 0,
        .keeps_empty = next() % 2,
        .horizon_ms = 1000000 + next() % 1000,
        .keeps = keeps_some,
        .ctx = &choice,
    };
    struct str scratch = {0}, out = {0};
    struct batch_cleaned told;
    struct diag diag = DIAG_INIT;
    err_t err = clean_batch(&cleaning, batch, &scratch, &out, &told, &diag);
    if (err == ERR_OK)
        check(&cleaning, batch, str_bytes(&out), &told, choice.mask);
    else
        assert(out.size == 0 && diag.text[0]);
    str_release(&scratch);
    str_release(&out);
}

static struct str make_batch(enum batch_compression codec)
{
    struct record_builder builder = {.codec = codec};
    struct record_header header = {bytes_from("h"), bytes_from("value")};
    char key[20], value[300];
    memset(value, 'v', sizeof value);
    for (uint32_t i = 0, count = 1 + next() % 40; i < count; i++) {
        snprintf(key, sizeof key, "%u", next() % 20);
        record_builder_add(&builder, 1000 + i, next() % 8 ? bytes_from(key) : BYTES_NULL,
                           next() % 5 ? bytes_make(value, next() % sizeof value) : BYTES_NULL,
                           &header, next() % 2);
    }
    struct str out = {0};
    err_t err = record_builder_finish(&builder, &out, NULL);
    assert(err == ERR_OK);
    record_builder_release(&builder);
    return out;
}

// Half of them get a checksum that holds, so that what lies behind it is looked at.
static void mutated(struct str *batch)
{
    for (uint32_t n = next() % 6; n > 0; n--) {
        size_t at = next() % 3 ? next() % batch->size : 12 + next() % 60;
        if (at < batch->size)
            batch->ptr[at] = (char)(next() % 3 ? next() : next() % 2 ? 0xff : 0);
    }
    if (next() % 8 == 0)
        batch->size = next() % batch->size + 1;
    struct batch_header header;
    if (next() % 4 && batch_header_read(&header, str_bytes(batch)))
        batch_header_write((uint8_t *)batch->ptr, batch->size, &header);
    feed(str_bytes(batch));
}

static err_t replay(const char *name, bool is_dir, void *ctx)
{
    (void)ctx;
    char path[300];
    struct str bytes = {0};
    snprintf(path, sizeof path, "tests/corpus/segment/%s", name);
    if (is_dir || file_read_all(path, 1 << 20, &bytes, NULL) != ERR_OK)
        return ERR_OK;
    struct reader reader = reader_make(str_bytes(&bytes));
    struct bytes batch;
    while (record_batch_next(&reader, &batch))
        for (int i = 0; i < 8; i++)
            feed(batch);
    str_release(&bytes);
    return ERR_OK;
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    if (getenv("FUZZ_SEED"))
        seed_state = strtoull(getenv("FUZZ_SEED"), NULL, 10);
    if (file_exists("tests/corpus/segment"))
        (void)!dir_each("tests/corpus/segment", replay, NULL, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct str batch = make_batch((enum batch_compression)(i % 5));
        mutated(&batch);
        str_release(&batch);
    }
    return 0;
}
