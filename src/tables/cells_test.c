// SPDX-License-Identifier: Apache-2.0

#include "tables/cells.h"

#include "base/arena.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t seed = 42;

static uint64_t dice(uint64_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % sides;
}

// Few timestamps, values and columns, so that ties and covers happen all the time.
static struct cell random_cell(void)
{
    static const char *const values[] = {"", "a", "b", "ba"};
    struct cell cell = {.ts = (int64_t)dice(4) + 1000, .value = bytes_from(values[dice(4)])};
    switch (dice(4)) {
    case 0:
        cell.dead = true;
        cell.value = BYTES_NULL;
        cell.expiry_s = (int64_t)dice(3) + 50;
        break;
    case 1:
        cell.ttl_s = (int32_t)dice(2) + 10;
        cell.expiry_s = (int64_t)dice(3) + 100;
        break;
    default:
        break;
    }
    return cell;
}

static void random_collection(struct row_writer *row, uint32_t id)
{
    static const char *const paths[] = {"p", "q", "r"};
    struct tombstone deletion = TOMBSTONE_NONE;
    if (dice(3) == 0)
        deletion = (struct tombstone){(int64_t)dice(4) + 999, (int64_t)dice(3)};
    bool any = false;
    for (size_t i = 0; i < 3; i++) {
        struct cell cell = random_cell();
        cell.path = bytes_from(paths[i]);
        if (dice(2) || cell.ts <= deletion.ts)
            continue;
        if (!any)
            row_cells_begin(row, id, deletion);
        any = true;
        row_cells_add(row, &cell);
    }
    if (!any && !tombstone_is_none(deletion)) {
        row_cells_begin(row, id, deletion);
        any = true;
    }
    if (any)
        row_cells_end(row);
}

static void random_delta(struct str *out)
{
    struct row_writer row;
    row_begin(&row, out, (int64_t)dice(4) + 1000);
    if (dice(3) == 0) {
        struct cell marker = {.ts = (int64_t)dice(4) + 1000};
        if (dice(2)) {
            marker.ttl_s = 10;
            marker.expiry_s = (int64_t)dice(3) + 100;
        }
        row_marker(&row, &marker);
    }
    if (dice(5) == 0) {
        // A delta is a whole of its own: nothing its own deletion covers is in it.
        str_clear(out);
        row_begin(&row, out, 1003);
        row_deletion(&row, (struct tombstone){(int64_t)dice(4) + 1000, (int64_t)dice(3)});
        return;
    }
    for (uint32_t id = 1; id < 4; id++) {
        struct cell cell = random_cell();
        if (dice(2))
            row_cell(&row, id, &cell);
    }
    random_collection(&row, 5);
}

static void shuffle(struct bytes *values, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = dice(i);
        struct bytes swap = values[i - 1];
        values[i - 1] = values[j];
        values[j] = swap;
    }
}

// Joins neighbours at random until one is left, as RocksDB might.
static void merge_somehow(struct bytes *values, size_t count, struct arena *arena,
                          struct bytes *out)
{
    while (count > 1) {
        size_t take = 2 + dice(count - 1), at = dice(count - take + 1);
        struct str joined = {0};
        assert_true(row_merge(&joined, values + at, take));
        values[at] = arena_bytes(arena, str_bytes(&joined));
        str_release(&joined);
        memmove(values + at + 1, values + at + take, (count - at - take) * sizeof *values);
        count -= take - 1;
    }
    *out = values[0];
}

static void any_order_and_grouping_of_merges_ends_in_the_same_bytes(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct arena arena = ARENA_INIT;
        struct bytes values[24], first = BYTES_NULL;
        size_t count = 2 + dice(20);
        for (size_t i = 0; i < count; i++) {
            struct str delta = {0};
            random_delta(&delta);
            values[i] = arena_bytes(&arena, str_bytes(&delta));
            str_release(&delta);
        }
        for (int order = 0; order < 4; order++) {
            struct bytes some[26], joined;
            memcpy(some, values, count * sizeof *values);
            size_t doubles = dice(3); // a value merged twice changes nothing
            for (size_t i = 0; i < doubles; i++)
                some[count + i] = values[dice(count)];
            shuffle(some, count + doubles);
            merge_somehow(some, count + doubles, &arena, &joined);
            if (order == 0)
                first = joined;
            assert_true(bytes_equal(first, joined));
        }
        arena_release(&arena);
    }
}

static void ties_go_to_deletions_then_to_later_expiry_then_to_larger_values(void **state)
{
    (void)state;
    struct cell plain_a = {.ts = 5, .value = bytes_from("a")},
                plain_b = {.ts = 5, .value = bytes_from("b")};
    struct cell newer = {.ts = 6, .value = bytes_from("")};
    struct cell dead = {.ts = 5, .dead = true, .expiry_s = 10};
    struct cell dead_later = {.ts = 5, .dead = true, .expiry_s = 11};
    struct cell expiring = {.ts = 5, .ttl_s = 20, .expiry_s = 100, .value = bytes_from("a")};
    struct cell expiring_later = {.ts = 5, .ttl_s = 30, .expiry_s = 110, .value = bytes_from("a")};
    struct cell written_later = {.ts = 5, .ttl_s = 10, .expiry_s = 100, .value = bytes_from("a")};
    const struct cell *const order[] = {&plain_a,        &plain_b, &expiring,   &written_later,
                                        &expiring_later, &dead,    &dead_later, &newer};
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 8; j++)
            assert_int_equal(cell_compare(order[i], order[j]), i == j ? 0 : i > j ? 1 : -1);
}

static struct bytes one_cell(struct str *out, int64_t ts, struct cell cell)
{
    struct row_writer row;
    str_clear(out);
    row_begin(&row, out, ts);
    cell.ts = ts;
    row_cell(&row, 7, &cell);
    return str_bytes(out);
}

static void a_row_deletion_covers_what_is_not_newer(void **state)
{
    (void)state;
    struct str old = {0}, same = {0}, newer = {0}, deletion = {0}, joined = {0};
    struct row_writer row;
    row_begin(&row, &deletion, 5);
    row_deletion(&row, (struct tombstone){5, 1});
    struct bytes values[] = {one_cell(&old, 4, (struct cell){.value = bytes_from("x")}),
                             str_bytes(&deletion),
                             one_cell(&same, 5, (struct cell){.value = bytes_from("y")})};
    struct row_reader reader;
    struct row_column column;
    assert_true(row_merge(&joined, values, 3));
    assert_true(row_open(&reader, str_bytes(&joined)));
    assert_int_equal(reader.deletion.ts, 5);
    assert_false(row_next(&reader, &column));
    values[0] = one_cell(&newer, 6, (struct cell){.value = bytes_from("z")});
    str_clear(&joined);
    assert_true(row_merge(&joined, values, 3));
    assert_true(row_open(&reader, str_bytes(&joined)));
    assert_true(row_next(&reader, &column));
    assert_int_equal(column.id, 7);
    assert_int_equal(column.cell.ts, 6);
    assert_true(bytes_is(column.cell.value, "z"));
    assert_false(reader.failed);
    str_release(&old);
    str_release(&same);
    str_release(&newer);
    str_release(&deletion);
    str_release(&joined);
}

static void purging_turns_expired_cells_into_deletions_and_forgets_old_ones(void **state)
{
    (void)state;
    struct str value = {0}, out = {0};
    one_cell(&value, 5, (struct cell){.ttl_s = 10, .expiry_s = 100, .value = bytes_from("x")});
    assert_int_equal(row_purge(str_bytes(&value), 99, 50, &out), ROW_SAME);
    str_clear(&out);
    assert_int_equal(row_purge(str_bytes(&value), 100, 50, &out), ROW_CHANGED);
    struct row_reader reader;
    struct row_column column;
    assert_true(row_open(&reader, str_bytes(&out)));
    assert_true(row_next(&reader, &column));
    assert_true(column.cell.dead);
    assert_int_equal(column.cell.ts, 5);
    str_clear(&value);
    str_append_bytes(&value, str_bytes(&out));
    str_clear(&out);
    assert_int_equal(row_purge(str_bytes(&value), 150, 50, &out), ROW_SAME);
    str_clear(&out);
    assert_int_equal(row_purge(str_bytes(&value), 151, 50, &out), ROW_EMPTY);
    str_release(&value);
    str_release(&out);
}

static void damaged_values_are_refused(void **state)
{
    (void)state;
    struct str good = {0}, out = {0};
    one_cell(&good, 5, (struct cell){.value = bytes_from("hello")});
    struct bytes values[2] = {str_bytes(&good), str_bytes(&good)};
    for (size_t size = 0; size < good.size; size++) {
        if (size == 9)
            continue; // the head alone is a row without cells
        uint8_t *cut = mem_dup(good.ptr, size);
        values[1] = bytes_make(cut, size);
        str_clear(&out);
        assert_false(row_merge(&out, values, 2));
        mem_free(cut);
    }
    good.ptr[0] = 2; // another version
    values[1] = str_bytes(&good);
    str_clear(&out);
    assert_false(row_merge(&out, values, 2));
    str_release(&good);
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_and_grouping_of_merges_ends_in_the_same_bytes),
        cmocka_unit_test(ties_go_to_deletions_then_to_later_expiry_then_to_larger_values),
        cmocka_unit_test(a_row_deletion_covers_what_is_not_newer),
        cmocka_unit_test(purging_turns_expired_cells_into_deletions_and_forgets_old_ones),
        cmocka_unit_test(damaged_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
