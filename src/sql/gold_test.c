// SPDX-License-Identifier: Apache-2.0
//
// Every statement of ../shared/gold/spark35.jsonl, whose results a real Spark 3.5 gave. A statement
// with something that is not there yet (ERR_UNSUPPORTED) is counted; one that compiles and
// disagrees fails the test.
#include "sql/query.h"

#include "base/vec.h"
#include "data/cast.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define GOLD   "../shared/gold/spark35.jsonl"
#define NOW_US 1795262400000000 // 2026-11-21 12:00 UTC, the day the file was made

struct result {
    VEC(char *) rows; // cells joined by 0x1f
};

static void cell(struct str *out, const struct column *column, size_t row)
{
    if (column_is_null(column, row)) {
        str_append_text(out, "\x01null");
        return;
    }
    if (column->type->kind == TYPE_BINARY) {
        for (size_t i = 0; i < column->strings[row].size; i++)
            str_printf(out, "%02X", column->strings[row].ptr[i]);
        return;
    }
    static const struct cast_options options = {0};
    cast_value_text(out, column, row, &options);
}

static err_t collect(void *ctx, const struct batch *batch, struct diag *diag)
{
    (void)diag;
    struct result *result = ctx;
    for (size_t r = 0; r < batch->count; r++) {
        struct str text = {0};
        for (size_t c = 0; c < batch->column_count; c++) {
            if (c)
                str_append_byte(&text, '\x1f');
            cell(&text, &batch->columns[c], r);
        }
        vec_push(&result->rows, str_take(&text));
    }
    return ERR_OK;
}

static void expected_cell(struct str *out, const json_t *value)
{
    str_append_text(out, json_is_null(value) ? "\x01null" : json_string_value(value));
}

static void expected_rows(struct result *out, const json_t *line)
{
    const json_t *value = json_object_get(line, "value");
    if (value) {
        struct str text = {0};
        expected_cell(&text, value);
        vec_push(&out->rows, str_take(&text));
        return;
    }
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(line, "rows"), index, row)
    {
        struct str text = {0};
        size_t c;
        json_t *item;
        json_array_foreach(row, c, item)
        {
            if (c)
                str_append_byte(&text, '\x1f');
            expected_cell(&text, item);
        }
        vec_push(&out->rows, text.ptr ? str_take(&text) : mem_strdup(""));
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void result_release(struct result *result)
{
    for (size_t i = 0; i < result->rows.count; i++)
        mem_free(result->rows.items[i]);
    vec_release(&result->rows);
}

static void show(const char *what, const struct result *result)
{
    printf("    %s:", what);
    for (size_t i = 0; i < result->rows.count; i++)
        printf(" [%s]", result->rows.items[i]);
    printf("\n");
}

static bool same_rows(const json_t *line, struct result *got)
{
    struct result want = {0};
    expected_rows(&want, line);
    if (!json_object_get(line, "ordered")) {
        if (want.rows.count)
            qsort(want.rows.items, want.rows.count, sizeof(char *), by_text);
        if (got->rows.count)
            qsort(got->rows.items, got->rows.count, sizeof(char *), by_text);
    }
    bool same = want.rows.count == got->rows.count;
    for (size_t i = 0; same && i < want.rows.count; i++)
        same = strcmp(want.rows.items[i], got->rows.items[i]) == 0;
    if (!same) {
        show("want", &want);
        show("got ", got);
    }
    result_release(&want);
    return same;
}

static bool same_head(const json_t *line, const struct sql_query *query)
{
    const json_t *names = json_object_get(line, "names");
    const json_t *types = json_object_get(line, "type");
    bool same = json_array_size(names) == sql_query_column_count(query);
    for (size_t i = 0; same && i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const char *type =
            json_string_value(json_is_array(types) ? json_array_get(types, i) : types);
        struct str text = {0};
        type_write(&text, sql_query_types(query)[i]);
        if (strcmp(name, sql_query_names(query)[i]) != 0 || strcmp(type, str_text(&text)) != 0) {
            printf("    want %s %s\n    got  %s %s\n", name, type, sql_query_names(query)[i],
                   str_text(&text));
            same = false;
        }
        str_release(&text);
    }
    return same;
}

enum verdict {
    AGREES,
    DISAGREES,
    MISSING,
};

static enum verdict judge(const json_t *line)
{
    const char *sql = json_string_value(json_object_get(line, "sql"));
    bool fails = json_object_get(line, "error") != NULL;
    struct sql_options options = {.now_us = NOW_US};
    struct sql_query *query = NULL;
    struct diag diag = DIAG_INIT;
    err_t err = sql_compile(&query, NULL, bytes_from(sql), &options, &diag);
    if (err == ERR_UNSUPPORTED) {
        bool routine =
            strstr(diag_text(&diag), "UNRESOLVED_ROUTINE") && fails &&
            strcmp(json_string_value(json_object_get(line, "error")), "UNRESOLVED_ROUTINE") == 0;
        if (!routine && getenv("GOLD_VERBOSE"))
            printf("missing: %s\n    %s\n", sql, diag_text(&diag));
        return routine ? AGREES : MISSING;
    }
    struct result result = {0};
    bool good = !err && !fails ? same_head(line, query) : true;
    if (!err) {
        struct sql_io io = {.ctx = &result, .push = collect};
        err = sql_execute(query, &io, NOW_US, &diag);
    }
    if (err || fails)
        good &= (err != ERR_OK) == fails && err != ERR_INTERNAL;
    else
        good &= same_rows(line, &result);
    if (!good)
        printf("DISAGREES %s\n    %s\n", sql, err ? diag_text(&diag) : fails ? "no error" : "");
    result_release(&result);
    sql_query_free(query);
    return good ? AGREES : DISAGREES;
}

static void results_agree_with_spark_3_5(void **state)
{
    (void)state;
    FILE *file = fopen(GOLD, "r");
    if (!file) {
        printf("gold: %s is not here, nothing compared\n", GOLD);
        skip();
    }
    char *text = NULL;
    size_t capacity = 0;
    int counts[3] = {0};
    while (getline(&text, &capacity, file) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        assert_non_null(line);
        counts[judge(line)]++;
        json_decref(line);
    }
    free(text);
    fclose(file);
    printf("gold: %d of %d lines covered (agree), %d in functions not in this slice\n",
           counts[AGREES], counts[0] + counts[1] + counts[2], counts[MISSING]);
    assert_int_equal(counts[DISAGREES], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(results_agree_with_spark_3_5)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
