// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "os/file.h"
#include "store/db/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define FOLDER "build/test-db"
#define PATH   FOLDER "/a.db"

static const char *const steps[] = {
    "CREATE TABLE person (name TEXT PRIMARY KEY, age INTEGER)",
    "ALTER TABLE person ADD COLUMN city TEXT; CREATE INDEX by_city ON person(city)",
};

static int fresh(void **state)
{
    (void)state;
    if (dir_remove(FOLDER, NULL) != ERR_OK)
        return 0;
    return dir_make(FOLDER, NULL) == ERR_OK ? 0 : -1;
}

static struct db *open_db(size_t step_count)
{
    struct db *db = NULL;
    struct diag diag = DIAG_INIT;
    if (db_open(&db, PATH, &diag) != ERR_OK || db_migrate(db, steps, step_count, &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    return db;
}

static int64_t count_people(struct db *db)
{
    struct db_statement *statement;
    bool row;
    assert_int_equal(db_prepare(db, "SELECT count(*) FROM person", &statement, NULL), ERR_OK);
    assert_int_equal(db_step(statement, &row, NULL), ERR_OK);
    int64_t count = db_int(statement, 0);
    db_statement_close(statement);
    return count;
}

static void values_come_back_and_null_stays_null(void **state)
{
    (void)state;
    struct db *db = open_db(1);
    struct db_statement *put, *get;
    bool row;
    assert_int_equal(db_prepare(db, "INSERT INTO person VALUES (?, ?)", &put, NULL), ERR_OK);
    db_bind_text(put, 1, "Zo\xc3\xab");
    db_bind_int(put, 2, INT64_MIN);
    assert_int_equal(db_execute(put, NULL), ERR_OK);
    assert_int_equal(db_prepare(db, "SELECT name, age, NULL FROM person", &get, NULL), ERR_OK);
    assert_int_equal(db_step(get, &row, NULL), ERR_OK);
    assert_true(row);
    assert_string_equal(db_text(get, 0), "Zo\xc3\xab");
    assert_true(db_int(get, 1) == INT64_MIN);
    assert_true(db_is_null(get, 2));
    assert_null(db_text(get, 2));
    assert_int_equal(db_step(get, &row, NULL), ERR_OK);
    assert_false(row);
    struct diag diag = DIAG_INIT;
    assert_int_equal(db_execute(put, &diag), ERR_EXISTS);
    assert_non_null(strstr(diag.text, "a.db"));
    db_statement_close(put);
    db_statement_close(get);
    db_close(db);
}

static void migrations_run_once_and_a_newer_file_is_refused(void **state)
{
    (void)state;
    struct db *db = open_db(1);
    assert_int_equal(db_run(db, "INSERT INTO person VALUES ('a', 1)", NULL), ERR_OK);
    db_close(db);
    db = open_db(2);
    assert_int_equal(db_run(db, "UPDATE person SET city = 'Bern'", NULL), ERR_OK);
    assert_int_equal(db_migrate(db, steps, 2, NULL), ERR_OK);
    struct diag diag = DIAG_INIT;
    assert_int_equal(db_migrate(db, steps, 1, &diag), ERR_CONFIG);
    assert_non_null(strstr(diag.text, "newer weir"));
    db_close(db);
}

static void a_rolled_back_transaction_leaves_nothing(void **state)
{
    (void)state;
    struct db *db = open_db(1), *reader = open_db(1);
    assert_int_equal(db_begin(db, NULL), ERR_OK);
    assert_int_equal(db_run(db, "INSERT INTO person VALUES ('a', 1)", NULL), ERR_OK);
    assert_int_equal(count_people(reader), 0);
    db_rollback(db);
    db_rollback(db);
    assert_int_equal(count_people(db), 0);
    assert_int_equal(db_begin(db, NULL), ERR_OK);
    assert_int_equal(db_run(db, "INSERT INTO person VALUES ('a', 1)", NULL), ERR_OK);
    assert_int_equal(db_commit(db, NULL), ERR_OK);
    assert_int_equal(count_people(reader), 1);
    db_close(reader);
    db_close(db);
}

static void a_relaxed_commit_is_seen_at_once_and_can_be_synced(void **state)
{
    (void)state;
    struct db *db = open_db(1), *reader = open_db(1);
    struct diag diag = DIAG_INIT;
    assert_int_equal(db_sync_later(db, &diag), ERR_OK);
    assert_int_equal(db_run(db, "INSERT INTO person VALUES ('a', 1)", &diag), ERR_OK);
    assert_int_equal(count_people(reader), 1);
    assert_int_equal(db_sync(PATH, &diag), ERR_OK);
    assert_int_equal(db_run(db, "INSERT INTO person VALUES ('b', 1)", &diag), ERR_OK);
    assert_int_equal(count_people(reader), 2);
    db_close(reader);
    db_close(db);
    assert_int_equal(db_sync(FOLDER "/absent.db", &diag), ERR_NOT_FOUND);
}

static void a_file_that_is_no_database_is_reported(void **state)
{
    (void)state;
    struct db *db;
    struct diag diag = DIAG_INIT;
    char junk[4096];
    memset(junk, 'x', sizeof junk);
    assert_int_equal(file_replace(PATH, bytes_make(junk, sizeof junk), NULL), ERR_OK);
    assert_int_equal(db_open(&db, PATH, &diag), ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "a.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_come_back_and_null_stays_null, fresh),
        cmocka_unit_test_setup(migrations_run_once_and_a_newer_file_is_refused, fresh),
        cmocka_unit_test_setup(a_rolled_back_transaction_leaves_nothing, fresh),
        cmocka_unit_test_setup(a_relaxed_commit_is_seen_at_once_and_can_be_synced, fresh),
        cmocka_unit_test_setup(a_file_that_is_no_database_is_reported, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
