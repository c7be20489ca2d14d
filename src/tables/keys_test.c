// SPDX-License-Identifier: Apache-2.0

#include "tables/keys.h"

#include "base/mem.h"
#include "tables/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// From the Python driver's own tests (cassandra-driver, tests/unit/test_metadata.py,
// Murmur3TokensTest).
static void tokens_are_those_of_the_python_driver(void **state)
{
    (void)state;
    uint8_t repeated[50];
    for (int i = 0; i < 50; i++)
        repeated[i] = (const uint8_t[]){0x00, 0xff, 0x10, 0xfa, 0x99}[i % 5];
    assert_true(token_of(bytes_from("123")) == INT64_C(-7468325962851647638));
    assert_true(token_of(bytes_make(repeated, 50)) == INT64_C(5837342703291459765));
    assert_true(token_of(bytes_make("\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe", 8)) ==
                INT64_C(-8927430733708461935));
    assert_true(token_of(bytes_make("\x10\x10\x10\x10\x10\x10\x10\x10", 8)) ==
                INT64_C(1446172840243228796));
    assert_true(token_of(bytes_from("9223372036854775807")) == INT64_C(7162290910810015547));
}

// Values of a type in their CQL order, as literals.
struct ordered {
    const char *type;
    enum cql_literal literal;
    const char *values[16];
};

static const struct ordered cases[] = {
    {"int",
     CQL_LITERAL_INTEGER,
     {"-2147483648", "-300", "-1", "0", "1", "255", "256", "2147483647"}},
    {"bigint",
     CQL_LITERAL_INTEGER,
     {"-9223372036854775808", "-5", "0", "7", "9223372036854775807"}},
    {"smallint", CQL_LITERAL_INTEGER, {"-32768", "-1", "0", "1", "32767"}},
    {"tinyint", CQL_LITERAL_INTEGER, {"-128", "-1", "0", "1", "127"}},
    {"varint",
     CQL_LITERAL_INTEGER,
     {"-100000000000000000000000", "-65536", "-256", "-129", "-128", "-1", "0", "1", "127", "128",
      "255", "256", "65536", "100000000000000000000000"}},
    {"decimal",
     CQL_LITERAL_FLOAT,
     {"-1e30", "-123.45", "-123.4", "-10.0", "-1.5", "-0.001", "0.0", "1e-20", "0.001", "0.01",
      "1.5", "9.99", "10.0", "123.45", "1e30"}},
    {"float",
     CQL_LITERAL_FLOAT,
     {"-Infinity", "-1e30", "-1.5", "-0.0", "0.0", "1e-30", "1.5", "Infinity", "NaN"}},
    {"double",
     CQL_LITERAL_FLOAT,
     {"-Infinity", "-1e300", "-1.5", "-0.0", "0.0", "1e-300", "2.5", "Infinity", "NaN"}},
    {"text", CQL_LITERAL_STRING, {"", "a", "a b", "aa", "b", "z", "\xc3\xa9"}},
    {"ascii", CQL_LITERAL_STRING, {"", "A", "AA", "B"}},
    {"blob",
     CQL_LITERAL_HEX,
     {"0x", "0x00", "0x0000", "0x0001", "0x00ff", "0x01", "0xff", "0xff00", "0xffff"}},
    {"boolean", CQL_LITERAL_BOOLEAN, {"false", "true"}},
    {"timestamp", CQL_LITERAL_STRING, {"1900-01-01", "1970-01-01", "2026-11-21 08:00:00+0000"}},
    {"date", CQL_LITERAL_STRING, {"-0001-01-01", "1969-12-31", "1970-01-01", "2026-11-21"}},
    {"time", CQL_LITERAL_STRING, {"00:00:00", "08:15:30.000000001", "23:59:59.999999999"}},
    {"inet", CQL_LITERAL_STRING, {"1.2.3.4", "10.0.0.1", "192.168.0.1"}},
    {"uuid",
     CQL_LITERAL_UUID,
     {"00000000-0000-0000-0000-000000000000", "ffffffff-0000-1000-8000-000000000000",
      "00000000-0001-1000-8000-000000000000", "00000000-0001-1000-9000-000000000000",
      "00000000-0000-4000-8000-000000000000", "00000000-0000-4001-8000-000000000000",
      "ffffffff-0000-4000-8000-000000000000"}},
    {"timeuuid",
     CQL_LITERAL_UUID,
     {"ffffffff-0000-1000-8080-808080808080", "00000000-0001-1000-8080-808080808080",
      "00000000-0001-1000-8080-ffffffffffff", "00000000-0001-1000-8080-007f7f7f7f7f",
      "00000000-0000-1001-8080-808080808080"}},
};

static const struct cql_type *type_named(struct arena *arena, const char *text)
{
    const struct cql_type *type;
    assert_int_equal(cql_type_parse(&type, arena, bytes_from(text), NULL), ERR_OK);
    return type;
}

static void check_value(const struct cql_type *type, struct bytes value, struct bytes got)
{
    struct str a = {0}, b = {0};
    cql_value_write(&a, type, value);
    cql_value_write(&b, type, got);
    bool same = type->kind == CQL_DECIMAL ? cql_value_compare(type, value, got) == 0
                                          : bytes_equal(value, got);
    if (!same)
        fail_msg("%s came back as %s", str_text(&a), str_text(&b));
    str_release(&a);
    str_release(&b);
}

// Encoded values of both directions, with a tail behind that must not matter.
static void check_order(const struct cql_type *type, const struct bytes *values, size_t count)
{
    for (int descending = 0; descending <= 1; descending++) {
        struct str previous = {0};
        for (size_t i = 0; i < count; i++) {
            struct str encoded = {0}, back = {0};
            key_component(&encoded, type, descending, values[i]);
            size_t size = encoded.size;
            str_append(&encoded, i % 2 ? "\0\0" : "\xff\xff", 2);
            struct bytes at = str_bytes(&encoded);
            assert_true(key_component_take(&at, type, descending, &back));
            assert_int_equal(at.size, 2);
            str_reserve(&back, 1);
            check_value(type, values[i], str_bytes(&back));
            int order = i == 0 ? 0 : bytes_compare(str_bytes(&previous), str_bytes(&encoded));
            if (i > 0 && (descending ? order <= 0 : order >= 0))
                fail_msg("%s: value %zu is out of order (%s)", cql_kind_name(type->kind), i,
                         descending ? "DESC" : "ASC");
            assert_true((uint8_t)encoded.ptr[0] != KEY_AFTER);
            // Every cut is refused or at least not read past.
            for (size_t cut = 0; cut < size; cut++) {
                struct bytes shorter = bytes_make(encoded.ptr, cut);
                str_clear(&back);
                if (key_component_take(&shorter, type, descending, &back))
                    assert_true(shorter.size <= cut);
            }
            str_release(&previous);
            previous = encoded;
            str_release(&back);
        }
        str_release(&previous);
    }
}

static void encoded_components_sort_as_their_type(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct arena arena = ARENA_INIT;
        struct bytes values[16];
        size_t count = 0;
        const struct cql_type *type = type_named(&arena, cases[c].type);
        for (; count < 16 && cases[c].values[count]; count++) {
            struct str value = {0};
            struct diag diag = DIAG_INIT;
            str_reserve(&value, 1);
            if (cql_value_literal(&value, type, cases[c].literal,
                                  bytes_from(cases[c].values[count]), "c", &diag))
                fail_msg("%s %s: %s", cases[c].type, cases[c].values[count], diag.text);
            values[count] = arena_bytes(&arena, str_bytes(&value));
            str_release(&value);
        }
        check_order(type, values, count);
        arena_release(&arena);
    }
}

static struct bytes list_of(struct arena *arena, const char *ints)
{
    struct str out = {0};
    size_t begin = cql_items_begin(&out), count = 0;
    for (const char *at = ints; *at; at++, count++) {
        uint8_t value[4] = {0, 0, 0, (uint8_t)*at};
        cql_items_add(&out, bytes_make(value, 4));
    }
    cql_items_end(&out, begin, count);
    struct bytes kept = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return kept;
}

static void frozen_lists_sort_by_element_then_length(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct bytes values[] = {list_of(&arena, ""), list_of(&arena, "a"), list_of(&arena, "ab"),
                             list_of(&arena, "b")};
    check_order(type_named(&arena, "frozen<list<int>>"), values, 4);
    arena_release(&arena);
}

static void one_decimal_has_one_key_whatever_its_zeros(void **state)
{
    (void)state;
    struct str a = {0}, b = {0}, short_form = {0}, long_form = {0};
    const struct cql_type *type = cql_type_scalar(CQL_DECIMAL);
    assert_int_equal(cql_value_literal(&a, type, CQL_LITERAL_FLOAT, bytes_from("1.0"), "c", NULL),
                     ERR_OK);
    assert_int_equal(cql_value_literal(&b, type, CQL_LITERAL_FLOAT, bytes_from("1.000"), "c", NULL),
                     ERR_OK);
    key_component(&short_form, type, false, str_bytes(&a));
    key_component(&long_form, type, false, str_bytes(&b));
    assert_true(bytes_equal(str_bytes(&short_form), str_bytes(&long_form)));
    assert_true(key_component_is_lossy(type));
    str_release(&a);
    str_release(&b);
    str_release(&short_form);
    str_release(&long_form);
}

static void keys_come_apart_as_they_were_put_together(void **state)
{
    (void)state;
    struct str key = {0}, pk = {0}, back = {0};
    struct bytes parts[2] = {bytes_make("\0\1\0", 3), bytes_from("x")}, got[2];
    partition_key_join(&pk, parts, 2);
    assert_int_equal(pk.size, 2 + 3 + 1 + 2 + 1 + 1);
    assert_true(partition_key_split(got, 2, str_bytes(&pk)));
    assert_true(bytes_equal(got[0], parts[0]) && bytes_equal(got[1], parts[1]));
    key_partition(&key, 77, str_bytes(&pk));
    size_t prefix = key.size;
    key_kind(&key, KEY_ROW);
    str_append(&key, "\0\0tail", 6);
    struct key_parts split;
    assert_true(key_split(&split, str_bytes(&key)));
    assert_int_equal(split.table, 77);
    assert_true(split.token == token_of(str_bytes(&pk)));
    assert_int_equal(split.prefix_size, prefix);
    assert_int_equal(key_prefix_size(str_bytes(&key)), prefix);
    assert_int_equal(split.clustering.size, 6);
    key_unescape(&back, split.escaped);
    assert_true(bytes_equal(str_bytes(&back), str_bytes(&pk)));
    for (size_t cut = 0; cut <= prefix; cut++)
        assert_false(key_split(&split, bytes_make(key.ptr, cut)));
    str_release(&key);
    str_release(&pk);
    str_release(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_those_of_the_python_driver),
        cmocka_unit_test(encoded_components_sort_as_their_type),
        cmocka_unit_test(frozen_lists_sort_by_element_then_length),
        cmocka_unit_test(one_decimal_has_one_key_whatever_its_zeros),
        cmocka_unit_test(keys_come_apart_as_they_were_put_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
