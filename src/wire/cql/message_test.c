// SPDX-License-Identifier: Apache-2.0
//
// Messages against tests/golden/cql/frames.txt: requests as a client sends them, responses as
// Apache Cassandra 5.0.9 sends them.
#include "wire/cql/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct bytes from_hex(struct arena *arena, const char *hex, size_t size)
{
    uint8_t *bytes = arena_zalloc(arena, size / 2 + 1);
    for (size_t i = 0; i < size / 2; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return bytes_make(bytes, size / 2);
}

// Request or response of the step called `name`.
static struct bytes golden(struct arena *arena, const char *name, bool response)
{
    FILE *file = fopen("tests/golden/cql/frames.txt", "r");
    assert_non_null(file);
    static char line[1 << 16];
    struct bytes found = BYTES_NULL;
    while (!found.ptr && fgets(line, sizeof line, file)) {
        char *request = strchr(line, '|'), *answer = request ? strchr(request + 1, '|') : NULL;
        if (!answer || strncmp(line, name, (size_t)(request - line)) != 0 ||
            strlen(name) != (size_t)(request - line))
            continue;
        const char *hex = response ? answer + 1 : request + 1;
        found = from_hex(arena, hex, response ? strcspn(hex, "\n") : (size_t)(answer - hex));
    }
    fclose(file);
    if (!found.ptr)
        fail_msg("no step %s", name);
    return found;
}

static struct cql_request decoded(struct arena *arena, const char *name)
{
    struct bytes frame = golden(arena, name, false);
    struct cql_request request;
    struct diag diag = DIAG_INIT;
    struct cql_head head = cql_head_read(frame.ptr);
    assert_int_equal(head.body_size, frame.size - CQL_HEAD_SIZE);
    struct bytes body = bytes_make(frame.ptr + CQL_HEAD_SIZE, head.body_size);
    if (cql_request_decode(&request, arena, head, body, &diag) != ERR_OK)
        fail_msg("%s: %s", name, diag.text);
    return request;
}

static void requests_are_decoded(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    assert_true(bytes_is(decoded(&arena, "startup").startup.cql_version, "3.0.0"));
    struct cql_request request = decoded(&arena, "use");
    assert_true(bytes_is(request.text, "USE f"));
    assert_int_equal(request.params.consistency, 1);
    assert_int_equal(request.params.serial_consistency, 8);
    assert_true(request.params.timestamp_us == INT64_MIN);
    request = decoded(&arena, "insert values");
    assert_int_equal(request.params.value_count, 3);
    assert_true(bytes_is(request.params.values[1].bytes, "two"));
    assert_null(request.params.values[2].bytes.ptr);
    request = decoded(&arena, "insert named values");
    assert_true(bytes_is(request.params.names[0], "y"));
    request = decoded(&arena, "execute insert unset");
    assert_int_equal(request.text.size, 16);
    assert_true(request.params.values[1].unset && !request.params.values[0].unset);
    assert_true(decoded(&arena, "execute select without metadata").params.skip_metadata);
    request = decoded(&arena, "batch");
    assert_int_equal(request.batch.kind, 1);
    assert_int_equal(request.batch.count, 2);
    assert_true(!request.batch.items[0].prepared && request.batch.items[1].prepared);
    assert_int_equal(request.batch.items[1].value_count, 3);
    assert_int_equal(decoded(&arena, "register").events, CQL_TOPOLOGY_CHANGE);
    arena_release(&arena);
}

static void every_shorter_body_is_refused_without_reading_past_it(void **state)
{
    (void)state;
    static const char *const names[] = {"startup", "insert named values", "execute insert",
                                        "batch"};
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bytes frame = golden(&arena, names[i], false);
        struct cql_head head = cql_head_read(frame.ptr);
        for (size_t size = 0; size < head.body_size; size++) {
            uint8_t *exact = malloc(size ? size : 1);
            memcpy(exact, frame.ptr + CQL_HEAD_SIZE, size);
            struct cql_request request;
            assert_int_equal(
                cql_request_decode(&request, &arena, head, bytes_make(exact, size), NULL),
                ERR_MALFORMED);
            free(exact);
        }
    }
    arena_release(&arena);
}

static void check_frame(struct str *out, size_t begin, struct arena *arena, const char *name)
{
    cql_frame_end(out, begin, CQL_PLAIN);
    struct bytes want = golden(arena, name, true);
    assert_int_equal(out->size, want.size);
    assert_memory_equal(out->ptr, want.ptr, want.size);
    str_clear(out);
}

static void responses_have_cassandras_bytes(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct str out = {0};
    check_frame(&out, cql_frame_begin(&out, 4, 0, 0, CQL_READY), &arena, "startup");

    size_t begin = cql_frame_begin(&out, 4, 0, 7, CQL_ERROR);
    cql_error_encode(&out, 0x2000, "line 1:0 no viable alternative at input 'SELEC' ([SELEC])");
    check_frame(&out, begin, &arena, "syntax error");

    begin = cql_frame_begin(&out, 4, 0, 7, CQL_RESULT);
    str_append(&out, "\0\0\0\5", 4);
    cql_schema_change_encode(&out, "CREATED", "TABLE", "f", "t");
    check_frame(&out, begin, &arena, "create table");

    struct column_spec columns[] = {
        {"f", "t", "a", cql_type_scalar(CQL_INT)},
        {"f", "t", "b", cql_type_scalar(CQL_VARCHAR)},
        {"f", "t", "cc", cql_type_list(&arena, cql_type_scalar(CQL_INT), false)}};
    begin = cql_frame_begin(&out, 4, 0, 7, CQL_RESULT);
    cql_rows_begin(&out, &(struct cql_rows_meta){.column_count = 2, .columns = columns}, 4);
    str_append(&out, "\0\0\0\0", 4);
    check_frame(&out, begin, &arena, "select empty");

    struct bytes id = decoded(&arena, "execute insert").text;
    begin = cql_frame_begin(&out, 4, 0, 9, CQL_RESULT);
    cql_prepared_encode(&out,
                        &(struct cql_prepared){.id = id,
                                               .bind_count = 3,
                                               .binds = columns,
                                               .key_count = 1,
                                               .key_binds = (const uint16_t[]){0}},
                        4);
    check_frame(&out, begin, &arena, "prepare insert");
    str_release(&out);
    arena_release(&arena);
}

static void big_bodies_are_compressed_and_come_back(void **state)
{
    (void)state;
    static const enum cql_compression all[] = {CQL_LZ4, CQL_SNAPPY};
    for (size_t i = 0; i < 2; i++) {
        struct str out = {0}, back = {0};
        size_t begin = cql_frame_begin(&out, 4, 0, 1, CQL_RESULT);
        for (int j = 0; j < 5000; j++)
            str_printf(&out, "row %d ", j % 10);
        struct str plain = {0};
        str_append(&plain, out.ptr + CQL_HEAD_SIZE, out.size - CQL_HEAD_SIZE);
        cql_frame_end(&out, begin, all[i]);
        struct cql_head head = cql_head_read((const uint8_t *)out.ptr);
        assert_true(head.flags & CQL_FLAG_COMPRESSED);
        assert_int_equal(head.body_size, out.size - CQL_HEAD_SIZE);
        struct bytes body = bytes_make(out.ptr + CQL_HEAD_SIZE, head.body_size);
        assert_int_equal(cql_decompress(&back, all[i], body, 1 << 20, NULL), ERR_OK);
        assert_true(bytes_equal(str_bytes(&back), str_bytes(&plain)));
        assert_int_equal(cql_decompress(&back, all[i], body, 1000, NULL), ERR_MALFORMED);
        body.size -= 5;
        assert_int_equal(cql_decompress(&back, all[i], body, 1 << 20, NULL), ERR_MALFORMED);
        str_release(&out);
        str_release(&back);
        str_release(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_decoded),
        cmocka_unit_test(every_shorter_body_is_refused_without_reading_past_it),
        cmocka_unit_test(responses_have_cassandras_bytes),
        cmocka_unit_test(big_bodies_are_compressed_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
