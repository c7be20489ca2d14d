// SPDX-License-Identifier: Apache-2.0
//
// Values marked (gold) were taken from a real Spark 3.5, those marked (doc) from its function
// reference.
#include "data/spark_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void hashes_agree_with_spark(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct column text, one, two, array;
    column_init(&text, &arena, &type_string, 1);
    text.strings[0] = bytes_from("Spark");
    column_init(&one, &arena, &type_int, 1);
    one.ints[0] = 1;
    column_init(&two, &arena, &type_int, 1);
    two.ints[0] = 2;
    column_init(&array, &arena, type_array(&arena, &type_int, true), 1);
    column_init(&array.children[0], &arena, &type_int, 1);
    array.children[0].ints[0] = 123;
    array.offsets[1] = 1;

    int32_t hash = SPARK_HASH_SEED;
    spark_murmur3(&hash, &text);
    spark_murmur3(&hash, &one);
    assert_int_equal(hash, 205329825); // (gold)
    hash = SPARK_HASH_SEED;
    spark_murmur3(&hash, &text);
    spark_murmur3(&hash, &array);
    spark_murmur3(&hash, &two);
    assert_int_equal(hash, -1321691492); // (doc)
    int64_t wide = SPARK_HASH_SEED;
    spark_xxhash64(&wide, &text);
    spark_xxhash64(&wide, &array);
    spark_xxhash64(&wide, &two);
    assert_true(wide == 5602566077635097486LL); // (doc)

    column_set_null(&two, &arena, 0);
    int64_t same = wide;
    spark_xxhash64(&same, &two);
    assert_true(same == wide);
    arena_release(&arena);
}

static void zeros_of_both_signs_hash_alike_and_long_texts_hash_apart(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct column numbers, texts;
    column_init(&numbers, &arena, &type_double, 2);
    numbers.doubles[1] = -0.0;
    int32_t hashes[2] = {42, 42};
    spark_murmur3(hashes, &numbers);
    assert_int_equal(hashes[0], hashes[1]);
    column_init(&texts, &arena, &type_string, 2);
    texts.strings[0] = bytes_from("0123456789012345678901234567890123456789a");
    texts.strings[1] = bytes_from("0123456789012345678901234567890123456789b");
    int64_t wide[2] = {42, 42};
    spark_xxhash64(wide, &texts);
    assert_true(wide[0] != wide[1]);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_agree_with_spark),
        cmocka_unit_test(zeros_of_both_signs_hash_alike_and_long_texts_hash_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
