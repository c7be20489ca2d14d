// SPDX-License-Identifier: Apache-2.0
//
// record_fuzz: record batches of every codec, mutated; reading must stay within the bytes and the
// bound.
#include "base/mem.h"
#include "wire/kafka/record.h"

#include <assert.h>

enum { ROUNDS = 6000, MAX_BYTES = 1 << 18 };

static uint64_t state = 7;

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static void feed(struct bytes bytes)
{
    struct reader split = reader_make(bytes);
    struct bytes batch;
    while (record_batch_next(&split, &batch)) {
        struct record_reader reader;
        struct record record;
        struct record_header header;
        err_t valid = record_validate(batch, MAX_BYTES, &(struct record_survey){0}, NULL);
        if (record_reader_open(&reader, batch, MAX_BYTES, NULL) != ERR_OK)
            continue;
        assert(reader.unpacked.size <= MAX_BYTES + 1);
        int32_t count = 0;
        for (; record_reader_next(&reader, &record); count++)
            while (record_header_next(&record.headers, &header))
                ;
        assert(valid != ERR_OK || count == reader.header.record_count);
        record_reader_release(&reader);
    }
}

int main(void)
{
    for (int codec = BATCH_NONE; codec <= BATCH_ZSTD; codec++) {
        struct record_builder builder = {.codec = (enum batch_compression)codec};
        struct record_header headers[] = {{bytes_from("h"), bytes_from("v")}};
        struct str seed = {0};
        for (int part = 0; part < 2; part++) {
            for (int i = 0; i < 20; i++)
                record_builder_add(&builder, 1000 + i, bytes_from("key"), bytes_from("some value"),
                                   headers, 1);
            err_t err = record_builder_finish(&builder, &seed, NULL);
            assert(err == ERR_OK);
        }
        record_builder_release(&builder);
        feed(str_bytes(&seed));
        for (int i = 0; i < ROUNDS; i++) {
            uint8_t *copy = mem_dup(seed.ptr, seed.size);
            for (uint32_t n = 1 + next() % 5; n; n--)
                copy[next() % seed.size] = (uint8_t)next();
            feed(bytes_make(copy, i % 4 ? seed.size : next() % seed.size));
            mem_free(copy);
        }
        str_release(&seed);
    }
    return 0;
}
