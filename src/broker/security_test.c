// SPDX-License-Identifier: Apache-2.0
#include "broker/security.c"

#include "base/mem.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    struct access *access;
    struct security *security;
};

static void open_again(struct fixture *fixture)
{
    static const struct access_options options = {.authorizer = true};
    struct diag diag = DIAG_INIT;
    fixture->access = access_new(&options);
    assert_int_equal(security_open(&fixture->security, fixture->dir, fixture->access, &diag),
                     ERR_OK);
}

static void shut(struct fixture *fixture)
{
    security_close(fixture->security);
    access_free(fixture->access);
}

static int setup(void **state)
{
    struct fixture *fixture = MEM_NEW(struct fixture);
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/weir-security-XXXXXX");
    if (!mkdtemp(fixture->dir))
        return -1;
    open_again(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    shut(fixture);
    err_t err = dir_remove(fixture->dir, NULL);
    mem_free(fixture);
    return err;
}

static struct security_change user_change(const char *name, const char *password)
{
    struct security_change change = {.kind = SECURITY_USER, .user = bytes_from(name)};
    scram_make(&change.credential, SCRAM_SHA_256, bytes_from(password), 4096);
    return change;
}

static struct security_change acl_change(const char *topic)
{
    return (struct security_change){.kind = SECURITY_ACL,
                                    .acl = {.resource = ACL_TOPIC,
                                            .pattern = ACL_LITERAL,
                                            .name = bytes_from(topic),
                                            .principal = bytes_from("User:a"),
                                            .host = bytes_from("*"),
                                            .operation = ACL_READ,
                                            .permission = ACL_ALLOW}};
}

static struct security_change quota_change(const char *user, double limit)
{
    return (struct security_change){.kind = SECURITY_QUOTA,
                                    .entity = {.has_user = true, .user = bytes_from(user)},
                                    .quota = QUOTA_PRODUCE,
                                    .limit = limit};
}

static void change(struct fixture *fixture, struct security_change one)
{
    struct diag diag = DIAG_INIT;
    assert_int_equal(security_change_wait(fixture->security, &one, 1, &diag), ERR_OK);
}

static bool knows(struct fixture *fixture, const char *name, const char *password)
{
    struct scram_credential credential;
    return users_find(security_users(fixture->security), bytes_from(name), SCRAM_NONE,
                      &credential) &&
           scram_is_password(&credential, bytes_from(password));
}

static double limit_of(struct fixture *fixture)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    struct quota_entry *all = quotas_all(security_quotas(fixture->security), &arena, &count);
    double limit = count == 1 ? all[0].limits[QUOTA_PRODUCE] : -1;
    arena_release(&arena);
    return limit;
}

static void what_was_changed_is_there_after_opening_again(void **state)
{
    struct fixture *fixture = *state;
    change(fixture, user_change("ann", "old"));
    change(fixture, user_change("ann", "new"));
    change(fixture, user_change("bob", "secret"));
    change(fixture, acl_change("t"));
    change(fixture, acl_change("u"));
    change(fixture, quota_change("ann", 1000));
    struct security_change gone = user_change("bob", "secret");
    gone.remove = true;
    change(fixture, gone);
    gone = acl_change("u");
    gone.remove = true;
    change(fixture, gone);
    for (int i = 0; i < 2; i++) {
        assert_true(knows(fixture, "ann", "new"));
        assert_false(knows(fixture, "ann", "old"));
        assert_false(knows(fixture, "bob", "secret"));
        assert_int_equal(acls_count(access_acls(fixture->access)), 1);
        assert_true(limit_of(fixture) == 1000);
        shut(fixture);
        open_again(fixture);
    }
}

static void several_changes_are_one_batch(void **state)
{
    struct fixture *fixture = *state;
    struct security_change changes[] = {acl_change("a"), acl_change("b"), quota_change("x", 5)};
    assert_int_equal(security_change_wait(fixture->security, changes, 3, NULL), ERR_OK);
    assert_int_equal(acls_count(access_acls(fixture->access)), 2);
    assert_true(limit_of(fixture) == 5);
}

static void a_long_history_is_written_anew_when_opened(void **state)
{
    struct fixture *fixture = *state;
    change(fixture, user_change("ann", "secret"));
    for (int i = 0; i < 100; i++) { // 2000 records in batches
        struct security_change changes[20];
        for (int j = 0; j < 20; j++)
            changes[j] = quota_change("ann", 1 + i * 20 + j);
        assert_int_equal(security_change_wait(fixture->security, changes, 20, NULL), ERR_OK);
    }
    for (int i = 0; i < 3; i++) {
        shut(fixture);
        open_again(fixture);
        assert_true(knows(fixture, "ann", "secret"));
        assert_true(limit_of(fixture) == 2000);
    }
}

// 3.6 MB of changes of two quotas.
static void a_long_history_is_compacted_while_it_runs(void **state)
{
    struct fixture *fixture = *state;
    struct log_store_pace often = {
        .retention_ms = 1000, .cleaner_ms = 100, .producer_expiry_ms = 1000, .cleans = true};
    log_store_set_pace(fixture->security->store, &often);
    change(fixture, user_change("ann", "secret"));
    change(fixture, acl_change("gone"));
    struct security_change gone = acl_change("gone");
    gone.remove = true;
    change(fixture, gone);
    for (int i = 0; i < 120; i++) {
        struct security_change changes[1000];
        for (int j = 0; j < 1000; j++)
            changes[j] = quota_change("ann", 1 + i * 1000 + j);
        assert_int_equal(security_change_wait(fixture->security, changes, 1000, NULL), ERR_OK);
    }
    int64_t until_us = clock_mono_us() + 60 * 1000000LL;
    while (partition_offsets(fixture->security->partition).bytes > 3 << 19) {
        assert_true(clock_mono_us() < until_us);
        clock_sleep_us(1000);
    }
    assert_true(limit_of(fixture) == 120000);
    shut(fixture);
    open_again(fixture);
    assert_true(knows(fixture, "ann", "secret"));
    assert_int_equal(acls_count(access_acls(fixture->access)), 0);
    assert_true(limit_of(fixture) == 120000);
}

static void records_survive_encoding(void **state)
{
    (void)state;
    struct security_change all[] = {user_change("ann", "x"), acl_change("t"),
                                    quota_change("ann", 12345.0)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct str key = {0}, value = {0};
        struct security_change out;
        security_encode(&all[i], &key, &value);
        assert_true(security_decode(str_bytes(&key), str_bytes(&value), true, &out));
        assert_int_equal(out.kind, all[i].kind);
        assert_true(bytes_equal(out.user, all[i].user));
        assert_memory_equal(&out.credential, &all[i].credential, sizeof out.credential);
        assert_true(bytes_equal(out.acl.name, all[i].acl.name));
        assert_true(bytes_equal(out.entity.user, all[i].entity.user));
        assert_true(out.limit == all[i].limit);
        for (size_t cut = 0; cut < key.size; cut++)
            assert_false(security_decode(bytes_make(key.ptr, cut), str_bytes(&value), true, &out));
        str_release(&key);
        str_release(&value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_changed_is_there_after_opening_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(several_changes_are_one_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_history_is_written_anew_when_opened, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_long_history_is_compacted_while_it_runs, setup, teardown),
        cmocka_unit_test(records_survive_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
