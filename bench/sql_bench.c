// SPDX-License-Identifier: Apache-2.0
//
// sql_bench: rows per second of compiled queries over batches in memory, one core: JSON to columns
// and a projection, GROUP BY, and a sentiment score with a word map of thousands. usage: sql_bench
// [rounds]
#include "base/str.h"
#include "os/clock.h"
#include "sql/query.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ROWS = 16384,
    BATCH_ROWS = 2048,
    WORDS = 3400,
};

static const struct type *source_type;

static err_t resolve(void *ctx, struct arena *arena, const char *const *parts, size_t part_count,
                     const struct type **type, void **id, struct diag *diag)
{
    (void)ctx, (void)arena, (void)parts, (void)part_count, (void)diag;
    *type = source_type;
    *id = NULL;
    return ERR_OK;
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 33;
}

static void make_rows(struct column *value, struct column *sentence, struct arena *arena)
{
    uint64_t seed = 42;
    column_init(value, arena, &type_binary, ROWS);
    column_init(sentence, arena, &type_string, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        value->strings[i] = bytes_from(arena_printf(
            arena,
            "{\"id\":\"%08llx-0000-4000-8000-%012llx\",\"first_name\":\"Name%llu\",\"last_name\":"
            "\"Family%llu\",\"gender\":\"%s\",\"address\":\"%llu Street, Town, State, Country\","
            "\"post_code\":%llu,\"email\":\"someone.%llu@example.com\",\"username\":\"user%llu\","
            "\"dob\":\"1980-05-%02lluT10:11:12.131Z\",\"registered_date\":\"2012-01-%02lluT01:02:"
            "03."
            "004Z\",\"phone\":\"555-%04llu\",\"picture\":\"https://randomuser.me/api/portraits/"
            "med/%llu.jpg\"}",
            (unsigned long long)next(&seed), (unsigned long long)next(&seed),
            (unsigned long long)next(&seed) % 1000, (unsigned long long)next(&seed) % 1000,
            next(&seed) % 2 ? "male" : "female", (unsigned long long)next(&seed) % 9999,
            (unsigned long long)next(&seed) % 99999, (unsigned long long)next(&seed) % 100000,
            (unsigned long long)next(&seed) % 100000, (unsigned long long)next(&seed) % 28 + 1,
            (unsigned long long)next(&seed) % 28 + 1, (unsigned long long)next(&seed) % 10000,
            (unsigned long long)next(&seed) % 100));
        struct str text = {0};
        for (int w = 0; w < 12; w++)
            str_printf(&text, "%sWord%llu", w ? " " : "", (unsigned long long)next(&seed) % 9000);
        str_append_text(&text, "!");
        sentence->strings[i] = arena_bytes(arena, str_bytes(&text));
        str_release(&text);
    }
}

static int measure(const char *what, const char *sql, const struct column *columns, int rounds)
{
    static const struct sql_catalog catalog = {.resolve = resolve};
    struct sql_options options = {0};
    struct sql_query *query;
    struct diag diag = DIAG_INIT;
    if (sql_compile(&query, &catalog, bytes_from(sql), &options, &diag)) {
        fprintf(stderr, "%s\n", diag_text(&diag));
        return 1;
    }
    bool groups = sql_query_kind(query) == SQL_AGGREGATE;
    struct sql_run *run = NULL;
    struct sql_agg *agg = NULL;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    err_t err = groups ? sql_agg_open(&agg, query, &diag) : sql_run_open(&run, query, &diag);
    int64_t best = INT64_MAX;
    for (int round = 0; round < rounds && !err; round++) {
        int64_t start = clock_mono_us();
        for (size_t row = 0; row < ROWS && !err; row += BATCH_ROWS) {
            struct column slice[2] = {columns[0], columns[1]};
            static const char *const names[] = {"value", "sentence"};
            for (int c = 0; c < 2; c++) {
                slice[c].strings += row;
                slice[c].count = BATCH_ROWS;
            }
            struct batch in = {BATCH_ROWS, 2, slice, names};
            struct batch out;
            err = groups ? sql_agg_update(agg, &in, 0, NULL, &diag)
                         : sql_run_batch(run, &in, 0, &arena, &out, &diag);
            arena_clear(&arena);
        }
        int64_t took = clock_mono_us() - start;
        best = took < best ? took : best;
    }
    if (err)
        fprintf(stderr, "%s\n", diag_text(&diag));
    else
        printf("%-44s %8.2f M rows/s\n", what, (double)ROWS / (double)best);
    sql_run_close(run);
    sql_agg_close(agg);
    sql_query_free(query);
    arena_release(&arena);
    return err != ERR_OK;
}

#define USER_JSON                                                                               \
    "from_json(CAST(value AS STRING), 'id STRING, first_name STRING, last_name STRING, gender " \
    "STRING, address STRING, post_code STRING, email STRING, username STRING, dob STRING, "     \
    "registered_date STRING, phone STRING, picture STRING')"

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 50;
    struct arena arena;
    struct column columns[2];
    arena_init(&arena, 1 << 20);
    if (type_parse(&source_type, &arena, bytes_from("struct<value:binary,sentence:string>"), NULL))
        return 1;
    make_rows(&columns[0], &columns[1], &arena);
    struct str words = {0};
    for (int w = 0; w < WORDS; w++)
        str_printf(&words, "%s'word%d', %d", w ? ", " : "", w * 2, w % 11 - 5);
    char *score = arena_printf(
        &arena,
        "SELECT sentence, CASE WHEN s > 0 THEN 'positive' WHEN s < 0 THEN 'negative' ELSE "
        "'neutral' END FROM (SELECT sentence, aggregate(transform(split(lower(regexp_replace("
        "sentence, '[^A-Za-z0-9 ]', '')), ' '), w -> coalesce(map(%s)[w], 0)), 0, (a, x) -> a + x) "
        "AS s FROM t)",
        str_text(&words));
    int bad = measure("from_json, all 12 fields",
                      "SELECT d.* FROM (SELECT " USER_JSON " AS d FROM t)", columns, rounds);
    bad |= measure("from_json, 3 of 12 fields",
                   "SELECT d.id, d.first_name, d.email FROM (SELECT " USER_JSON
                   " AS d FROM t) WHERE d.id IS NOT NULL",
                   columns, rounds);
    bad |= measure("GROUP BY gender, 3 aggregates over JSON",
                   "SELECT d.gender, count(*), min(d.post_code), max(d.dob) FROM (SELECT " USER_JSON
                   " AS d FROM t) GROUP BY d.gender",
                   columns, rounds);
    bad |= measure("count by 1,000 JSON keys",
                   "SELECT d.first_name, count(*) FROM (SELECT " USER_JSON
                   " AS d FROM t) GROUP BY d.first_name",
                   columns, rounds);
    bad |= measure("upper, length, CASE (no JSON)",
                   "SELECT upper(sentence), length(sentence), CASE WHEN length(sentence) > 90 THEN "
                   "'long' ELSE 'short' END FROM t",
                   columns, rounds);
    bad |= measure("sentiment: 12 words, map of 3,400", score, columns, rounds);
    str_release(&words);
    arena_release(&arena);
    return bad;
}
