// SPDX-License-Identifier: Apache-2.0
//
// Every line of an input is cast to every type and each of those to every other, strictly and not.
#include "data/cast.h"

#include "data/fuzz_corpus.h"

static const char *const types[] = {"boolean",         "tinyint",
                                    "smallint",        "int",
                                    "bigint",          "float",
                                    "double",          "decimal(38,18)",
                                    "decimal(5,2)",    "string",
                                    "binary",          "date",
                                    "timestamp",       "timestamp_ntz",
                                    "interval",        "interval year to month",
                                    "interval second", "interval day to second"};

enum {
    TYPE_COUNT = sizeof types / sizeof *types,
};

static void cast_again(struct arena *arena, const struct column *column)
{
    for (int i = 0; i < TYPE_COUNT; i++) {
        const struct type *type;
        struct column out, text;
        struct cast_options options = {.ansi = fuzz_random() % 4 == 0};
        if (type_parse(&type, arena, bytes_from(types[i]), NULL) == ERR_OK &&
            cast_column(&out, arena, column, type, &options, NULL) == ERR_OK &&
            cast_column(&text, arena, &out, &type_string, &options, NULL) != ERR_OK)
            __builtin_trap();
    }
}

static void run(struct bytes text)
{
    struct arena arena = ARENA_INIT;
    struct column column, out;
    struct cast_options options = {0};
    size_t lines = 1, at = 0;
    for (size_t i = 0; i < text.size; i++)
        lines += text.ptr[i] == '\n';
    column_init(&column, &arena, &type_string, lines);
    for (size_t i = 0, row = 0; i <= text.size; i++)
        if (i == text.size || text.ptr[i] == '\n') {
            column.strings[row++] = bytes_make(text.ptr + at, i - at);
            at = i + 1;
        }
    for (int i = 0; i < TYPE_COUNT; i++) {
        const struct type *type;
        if (type_parse(&type, &arena, bytes_from(types[i]), NULL) == ERR_OK &&
            cast_column(&out, &arena, &column, type, &options, NULL) == ERR_OK)
            cast_again(&arena, &out);
    }
    arena_release(&arena);
}

int main(void)
{
    return fuzz_run("cast", 300, run);
}
