// SPDX-License-Identifier: Apache-2.0
#include "data/column.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

// [[1,2], null, [3]] as array<int>.
static void make_lists(struct column *column, struct arena *arena)
{
    column_init(column, arena, type_array(arena, &type_int, true), 3);
    column_set_null(column, arena, 1);
    int32_t offsets[] = {0, 2, 2, 3};
    memcpy(column->offsets, offsets, sizeof offsets);
    column_init(&column->children[0], arena, &type_int, 3);
    for (int i = 0; i < 3; i++)
        column->children[0].ints[i] = i + 1;
}

static void a_new_column_is_present_and_zero_and_nulls_read_zero(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct column column;
    column_init(&column, &arena, type_decimal(&arena, 10, 2), 4);
    assert_false(column_is_null(&column, 3));
    column.decimals[3] = 7;
    column_set_null(&column, &arena, 3);
    assert_true(column_is_null(&column, 3));
    assert_false(column_is_null(&column, 2));
    assert_true(column.decimals[3] == 0);
    arena_release(&arena);
}

static void gather_picks_rows_of_every_width_and_of_lists(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    static const struct type *const types[] = {&type_boolean, &type_short, &type_int, &type_long,
                                               &type_string};
    uint32_t rows[] = {2, 0, 2};
    for (size_t t = 0; t < 5; t++) {
        struct column from, out;
        column_init(&from, &arena, types[t], 3);
        memset(from.data, 1, type_width(types[t]));
        memset((uint8_t *)from.data + 2 * type_width(types[t]), 3, type_width(types[t]));
        column_gather(&out, &arena, &from, rows, 3);
        assert_int_equal(((uint8_t *)out.data)[0], 3);
        assert_int_equal(((uint8_t *)out.data)[type_width(types[t])], 1);
    }
    struct column lists, out;
    make_lists(&lists, &arena);
    uint32_t picks[] = {2, 1, 0};
    column_gather(&out, &arena, &lists, picks, 3);
    assert_true(column_is_null(&out, 1));
    assert_int_equal(out.offsets[3], 3);
    assert_int_equal(out.children[0].ints[0], 3);
    assert_int_equal(out.children[0].ints[1], 1);
    arena_release(&arena);
}

static void concat_joins_lists_nulls_and_structs(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct column lists, none, out;
    make_lists(&lists, &arena);
    column_init(&none, &arena, &type_null, 2);
    struct column slice = lists; // rows 1 and 2 only: its offsets do not begin at 0
    slice.offsets++;
    slice.valid++;
    slice.count = 2;
    const struct column *parts[] = {&none, &lists, &slice};
    column_concat(&out, &arena, parts, 3);
    assert_int_equal(out.count, 7);
    assert_int_equal(out.type->kind, TYPE_ARRAY);
    assert_true(column_is_null(&out, 0) && column_is_null(&out, 1) && column_is_null(&out, 3));
    assert_int_equal(out.offsets[2], 0);
    assert_int_equal(out.offsets[5], 3);
    assert_int_equal(out.offsets[7], 4);
    assert_int_equal(out.children[0].ints[3], 3);

    struct type_field fields[] = {{"a", &type_int, true}, {"b", &type_string, true}};
    struct column s, both;
    column_init(&s, &arena, type_struct(&arena, fields, 2), 2);
    s.children[0].ints[1] = 9;
    const struct column *twice[] = {&s, &s};
    column_concat(&both, &arena, twice, 2);
    assert_int_equal(both.children[0].ints[3], 9);
    assert_null(both.valid);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_column_is_present_and_zero_and_nulls_read_zero),
        cmocka_unit_test(gather_picks_rows_of_every_width_and_of_lists),
        cmocka_unit_test(concat_joins_lists_nulls_and_structs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
