// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "base/budget.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

MAP_DEFINE(count_map, struct bytes, int, bytes_hash, bytes_equal);

static void crc32c_agrees_with_rfc3720(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0};
    assert_int_equal(crc32c(0, zeros, sizeof zeros), 0x8a9136aaU);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283U);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283U);
}

static uint32_t crc32c_by_bits(const uint8_t *ptr, size_t size)
{
    uint32_t crc = ~0U;
    for (size_t i = 0; i < size; i++) {
        crc ^= ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
    }
    return ~crc;
}

static void crc32c_of_long_inputs_is_the_one_by_bits(void **state)
{
    (void)state;
    enum { MAX = 10000 };
    uint8_t *bytes = mem_alloc(MAX);
    for (uint64_t i = 0; i < MAX; i++)
        bytes[i] = (uint8_t)hash_u64(i);
    const size_t sizes[] = {3071, 3072, 3073, 3080, 6143, 6144, 6151, 9216, MAX - 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t from = 0; from < 3; from++)
            assert_int_equal(crc32c(0, bytes + from, sizes[i]),
                             crc32c_by_bits(bytes + from, sizes[i]));
    mem_free(bytes);
}

static void map_keeps_what_was_put_through_growth_and_removal(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct count_map map = {0};
    for (int i = 0; i < 5000; i++) {
        struct bytes key = bytes_from(arena_printf(&arena, "key-%d", i));
        *count_map_put(&map, key, NULL) = i;
    }
    for (int i = 0; i < 5000; i += 3)
        assert_true(count_map_remove(&map, bytes_from(arena_printf(&arena, "key-%d", i))));
    for (int i = 0; i < 5000; i++) {
        int *value = count_map_get(&map, bytes_from(arena_printf(&arena, "key-%d", i)));
        if (i % 3 == 0) {
            assert_null(value);
        } else {
            assert_non_null(value);
            assert_int_equal(*value, i);
        }
    }
    count_map_release(&map);
    arena_release(&arena);
}

static void str_escapes_json_and_repairs_utf8(void **state)
{
    (void)state;
    struct str str = {0};
    str_append_json(&str, bytes_from("a\"\\\n\x01\xff\xc3\xa9"));
    assert_string_equal(str_text(&str), "\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xc3\xa9\"");
    str_release(&str);
}

static void count_call(void *ctx)
{
    ++*(int *)ctx;
}

static void arena_runs_cleanups_and_keeps_large_blocks_apart(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    int calls = 0;
    arena_on_clear(&arena, count_call, &calls);
    uint8_t *small = arena_alloc(&arena, 10);
    uint8_t *large = arena_zalloc(&arena, 100000);
    uint8_t *next = arena_alloc(&arena, 10);
    large[99999] = 1;
    assert_true(next - small >= 16 && next - small < 4096);
    arena_clear(&arena);
    assert_int_equal(calls, 1);
    arena_release(&arena);
    assert_int_equal(calls, 1);
}

static void budget_refuses_at_any_level_and_charges_none_then(void **state)
{
    (void)state;
    struct budget process, conn;
    budget_init(&process, NULL, 100);
    budget_init(&conn, &process, 1000);
    assert_true(budget_charge(&conn, 60));
    assert_false(budget_charge(&conn, 60));
    assert_int_equal(conn.used_bytes, 60);
    assert_int_equal(process.used_bytes, 60);
    budget_release(&conn, 60);
    assert_int_equal(process.used_bytes, 0);
}

static void diag_keeps_the_first_story_and_takes_context(void **state)
{
    (void)state;
    struct diag diag = DIAG_INIT;
    assert_int_equal(FAIL(&diag, ERR_IO, "disk %d broke", 3), ERR_IO);
    assert_int_equal(FAIL(&diag, ERR_TYPE, "later"), ERR_TYPE);
    diag_context(&diag, "topic %s", "t");
    assert_string_equal(diag_text(&diag), "topic t: disk 3 broke");
    assert_int_equal(err_info(ERR_IO)->kafka, 56);
}

static void buf_calls_release_with_the_last_reference(void **state)
{
    (void)state;
    int calls = 0;
    struct buf *buf = buf_wrap(NULL, 0, count_call, &calls);
    buf_ref(buf);
    buf_unref(buf);
    assert_int_equal(calls, 0);
    buf_unref(buf);
    assert_int_equal(calls, 1);
}

static void vec_and_list_keep_order(void **state)
{
    (void)state;
    VEC(int) vec = {0};
    for (int i = 0; i < 100; i++)
        vec_push(&vec, i);
    vec_remove(&vec, 50);
    assert_int_equal(vec.items[50], 51);
    assert_int_equal(vec.count, 99);
    vec_release(&vec);
    struct list head, a, b;
    list_init(&head);
    list_push_back(&head, &a);
    list_push_back(&head, &b);
    assert_ptr_equal(list_pop_front(&head), &a);
    assert_ptr_equal(list_pop_front(&head), &b);
    assert_null(list_pop_front(&head));
}

static void metrics_are_prometheus_text(void **state)
{
    (void)state;
    metric_add(METRIC_LOG_SYNCS, 7);
    struct str out = {0};
    metric_write(&out);
    assert_non_null(strstr(str_text(&out), "\nweir_log_syncs_total 7\n"));
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_agrees_with_rfc3720),
        cmocka_unit_test(crc32c_of_long_inputs_is_the_one_by_bits),
        cmocka_unit_test(map_keeps_what_was_put_through_growth_and_removal),
        cmocka_unit_test(str_escapes_json_and_repairs_utf8),
        cmocka_unit_test(arena_runs_cleanups_and_keeps_large_blocks_apart),
        cmocka_unit_test(budget_refuses_at_any_level_and_charges_none_then),
        cmocka_unit_test(diag_keeps_the_first_story_and_takes_context),
        cmocka_unit_test(buf_calls_release_with_the_last_reference),
        cmocka_unit_test(vec_and_list_keep_order),
        cmocka_unit_test(metrics_are_prometheus_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
