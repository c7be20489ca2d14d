// SPDX-License-Identifier: Apache-2.0
//
// json_bench: how fast JSON documents become columns. Nexmark-like bids of about 270 bytes, one
// core. usage: json_bench [rounds]
#include "base/str.h"
#include "data/json_column.h"
#include "os/clock.h"

#include <stdlib.h>

enum {
    ROWS = 16384,
};

static void make_bids(struct column *documents, struct arena *arena)
{
    uint64_t seed = 42;
    column_init(documents, arena, &type_string, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        documents->strings[i] = bytes_from(arena_printf(
            arena,
            "{\"auction\":%u,\"bidder\":%u,\"price\":%u,\"channel\":\"channel-%u\",\"url\":"
            "\"https://www.nexmark.com/%08x/item.htm?query=1&channel_id=%u\",\"dateTime\":%llu,"
            "\"extra\":\"%016llx%016llx%016llx%016llx%016llx\"}",
            (unsigned)(seed >> 40) % 100000, (unsigned)(seed >> 33) % 1000000,
            (unsigned)(seed >> 35) % 100000000, (unsigned)(seed >> 50) % 10000,
            (unsigned)(seed >> 32), (unsigned)(seed >> 45) % 10000, 1709210096000ULL + (seed >> 50),
            (unsigned long long)seed, (unsigned long long)seed * 3, (unsigned long long)seed * 5,
            (unsigned long long)seed * 7, (unsigned long long)seed * 11));
    }
}

static int measure(const char *what, const char *ddl, const struct column *documents, int rounds)
{
    struct arena plan = ARENA_INIT, batch;
    struct json_options options = {0};
    struct json_reader *reader;
    const struct type *type;
    size_t bytes = 0;
    arena_init(&batch, 1 << 20);
    if (type_parse(&type, &plan, bytes_from(ddl), NULL) != ERR_OK ||
        json_reader_new(&reader, &plan, type, &options, NULL) != ERR_OK)
        return 1;
    for (size_t i = 0; i < documents->count; i++)
        bytes += documents->strings[i].size;
    int64_t best = INT64_MAX;
    for (int round = 0; round < rounds; round++) {
        int64_t start = clock_mono_us();
        for (size_t row = 0; row < documents->count; row += 2048) {
            struct column slice = *documents, out;
            slice.strings += row;
            slice.count = documents->count - row < 2048 ? documents->count - row : 2048;
            if (json_reader_read(reader, &out, &batch, &slice, NULL) != ERR_OK)
                return 1;
            arena_clear(&batch);
        }
        int64_t took = clock_mono_us() - start;
        best = took < best ? took : best;
    }
    printf("%-24s %6.1f B/record %8.2f M records/s %6.2f GB/s\n", what,
           (double)bytes / (double)documents->count, (double)documents->count / (double)best,
           (double)bytes / (double)best / 1000);
    arena_release(&plan);
    arena_release(&batch);
    return 0;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 50;
    struct arena arena = ARENA_INIT;
    struct column documents;
    arena_init(&arena, 1 << 20);
    make_bids(&documents, &arena);
    int failed = measure("7 of 7 fields",
                         "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, "
                         "dateTime BIGINT, extra STRING",
                         &documents, rounds) ||
                 measure("2 of 7 fields", "auction BIGINT, price BIGINT", &documents, rounds) ||
                 measure("7 fields as STRING",
                         "auction STRING, bidder STRING, price STRING, channel STRING, url STRING, "
                         "dateTime STRING, extra STRING",
                         &documents, rounds);
    arena_release(&arena);
    return failed;
}
