// SPDX-License-Identifier: Apache-2.0
#include "broker/txn_record.h"
#include "wire/kafka/marker.h"
#include "wire/kafka/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// Calls fn with every batch of the kind; how many there were.
static int each(const char *kind, void (*fn)(struct bytes batch))
{
    static char row[16384];
    int count = 0;
    FILE *in = fopen("tests/golden/transactions/log.hex", "r");
    assert_non_null(in);
    while (fgets(row, sizeof row, in)) {
        char *hex = strchr(row, ' ');
        if (row[0] == '#' || !hex || strncmp(row, kind, (size_t)(hex - row)) != 0)
            continue;
        struct str bytes = {0};
        for (hex++; hex[0] && hex[1] && hex[0] != '\n'; hex += 2) {
            char pair[3] = {hex[0], hex[1], '\0'};
            str_append_byte(&bytes, (char)strtol(pair, NULL, 16));
        }
        fn(str_bytes(&bytes));
        str_release(&bytes);
        count++;
    }
    fclose(in);
    return count;
}

static void check_marker(struct bytes batch)
{
    struct marker marker;
    struct str made = {0};
    assert_true(marker_read(&marker, batch));
    marker_write(&marker, &made);
    assert_int_equal(made.size, batch.size);
    // Offset and leader epoch are the log's.
    assert_memory_equal(made.ptr + 16, batch.ptr + 16, batch.size - 16);
    str_release(&made);
}

static void a_marker_is_kafkas_byte_for_byte(void **state)
{
    (void)state;
    assert_true(each("marker", check_marker) > 1);
}

static void check_state(struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    assert_int_equal(record_reader_open(&reader, batch, 1 << 20, NULL), ERR_OK);
    while (record_reader_next(&reader, &record)) {
        struct txn_record read;
        struct txn_partitions none = {0};
        struct str made = {0};
        assert_true(txn_record_read(record.key, record.value, &read));
        assert_false(read.deletes);
        char *id = mem_printf("%.*s", BYTES_PRINT(read.id));
        txn_record_write(id, &read.meta, &read.partitions, &none, &made);
        struct record_reader again;
        struct record ours;
        assert_int_equal(record_reader_open(&again, str_bytes(&made), 1 << 20, NULL), ERR_OK);
        assert_true(record_reader_next(&again, &ours));
        assert_true(bytes_equal(ours.key, record.key));
        assert_true(bytes_equal(ours.value, record.value));
        record_reader_release(&again);
        str_release(&made);
        mem_free(id);
        txn_partitions_release(&read.partitions);
    }
    record_reader_release(&reader);
}

static void a_state_record_is_kafkas_byte_for_byte(void **state)
{
    (void)state;
    assert_true(each("state", check_state) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_marker_is_kafkas_byte_for_byte),
        cmocka_unit_test(a_state_record_is_kafkas_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
