// SPDX-License-Identifier: Apache-2.0
#include "broker/acl.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct acl rule(enum acl_resource resource, enum acl_pattern pattern, const char *name,
                       const char *principal, const char *host, enum acl_operation operation,
                       enum acl_permission permission)
{
    return (struct acl){.resource = resource,
                        .pattern = pattern,
                        .name = bytes_from(name),
                        .principal = bytes_from(principal),
                        .host = bytes_from(host),
                        .operation = operation,
                        .permission = permission};
}

static enum acl_verdict ask(struct acls *acls, const char *who, enum acl_operation operation,
                            const char *topic)
{
    struct acl_caller caller = {bytes_from(who), bytes_from("10.0.0.1")};
    return acls_decide(acls, &caller, operation, ACL_TOPIC, bytes_from(topic));
}

static void add(struct acls *acls, enum acl_pattern pattern, const char *name,
                const char *principal, enum acl_operation operation, enum acl_permission permission)
{
    struct acl one = rule(ACL_TOPIC, pattern, name, principal, "*", operation, permission);
    assert_int_equal(acl_check(&one, NULL), ERR_OK);
    assert_true(acls_add(acls, &one));
}

static void no_rule_is_told_from_no_match(void **state)
{
    (void)state;
    struct acls *acls = acls_new();
    assert_int_equal(ask(acls, "User:a", ACL_READ, "t"), ACL_NO_RULE);
    add(acls, ACL_LITERAL, "t", "User:b", ACL_READ, ACL_ALLOW);
    assert_int_equal(ask(acls, "User:a", ACL_READ, "t"), ACL_DENIED);
    assert_int_equal(ask(acls, "User:a", ACL_READ, "tt"), ACL_NO_RULE);
    assert_int_equal(ask(acls, "User:b", ACL_READ, "t"), ACL_ALLOWED);
    acls_free(acls);
}

static void deny_wins_over_every_allow(void **state)
{
    (void)state;
    struct acls *acls = acls_new();
    add(acls, ACL_LITERAL, "*", "User:*", ACL_ALL, ACL_ALLOW);
    add(acls, ACL_LITERAL, "orders", "User:a", ACL_ALL, ACL_ALLOW);
    add(acls, ACL_PREFIXED, "ord", "User:a", ACL_WRITE, ACL_DENY);
    assert_int_equal(ask(acls, "User:a", ACL_WRITE, "orders"), ACL_DENIED);
    assert_int_equal(ask(acls, "User:a", ACL_READ, "orders"), ACL_ALLOWED);
    assert_int_equal(ask(acls, "User:b", ACL_WRITE, "orders"), ACL_ALLOWED);
    add(acls, ACL_LITERAL, "*", "User:b", ACL_ALL, ACL_DENY);
    assert_int_equal(ask(acls, "User:b", ACL_WRITE, "orders"), ACL_DENIED);
    acls_free(acls);
}

static void a_prefix_is_about_names_that_begin_with_it(void **state)
{
    (void)state;
    struct acls *acls = acls_new();
    add(acls, ACL_PREFIXED, "foo", "User:a", ACL_READ, ACL_ALLOW);
    add(acls, ACL_PREFIXED, "foobar", "User:b", ACL_READ, ACL_ALLOW);
    add(acls, ACL_LITERAL, "foo-literal", "User:c", ACL_READ, ACL_ALLOW);
    assert_int_equal(ask(acls, "User:a", ACL_READ, "foo"), ACL_ALLOWED);
    assert_int_equal(ask(acls, "User:a", ACL_READ, "foobarbaz"), ACL_ALLOWED);
    assert_int_equal(ask(acls, "User:a", ACL_READ, "fo"), ACL_NO_RULE);
    assert_int_equal(ask(acls, "User:b", ACL_READ, "foobarbaz"), ACL_ALLOWED);
    assert_int_equal(ask(acls, "User:b", ACL_READ, "fooba"), ACL_DENIED);
    assert_int_equal(ask(acls, "User:c", ACL_READ, "foo-literal-2"), ACL_DENIED);
    struct acl gone = rule(ACL_TOPIC, ACL_PREFIXED, "foo", "User:a", "*", ACL_READ, ACL_ALLOW);
    assert_true(acls_remove(acls, &gone));
    assert_false(acls_remove(acls, &gone));
    assert_int_equal(ask(acls, "User:a", ACL_READ, "foo"), ACL_NO_RULE);
    assert_int_equal(ask(acls, "User:b", ACL_READ, "foobar"), ACL_ALLOWED);
    acls_free(acls);
}

static void an_allowed_operation_implies_looking_but_a_denied_one_does_not_deny_it(void **state)
{
    (void)state;
    static const enum acl_operation implies[] = {ACL_READ,  ACL_WRITE,    ACL_DELETE,
                                                 ACL_ALTER, ACL_DESCRIBE, ACL_ALL};
    for (size_t i = 0; i < sizeof implies / sizeof *implies; i++) {
        struct acls *acls = acls_new();
        add(acls, ACL_LITERAL, "t", "User:a", implies[i], ACL_ALLOW);
        assert_int_equal(ask(acls, "User:a", ACL_DESCRIBE, "t"), ACL_ALLOWED);
        acls_free(acls);
    }
    struct acls *acls = acls_new();
    add(acls, ACL_LITERAL, "t", "User:a", ACL_ALTER_CONFIGS, ACL_ALLOW);
    assert_int_equal(ask(acls, "User:a", ACL_DESCRIBE_CONFIGS, "t"), ACL_ALLOWED);
    assert_int_equal(ask(acls, "User:a", ACL_DESCRIBE, "t"), ACL_DENIED);
    add(acls, ACL_LITERAL, "t", "User:a", ACL_DESCRIBE, ACL_ALLOW);
    add(acls, ACL_LITERAL, "t", "User:a", ACL_READ, ACL_DENY);
    assert_int_equal(ask(acls, "User:a", ACL_DESCRIBE, "t"), ACL_ALLOWED);
    assert_int_equal(ask(acls, "User:a", ACL_READ, "t"), ACL_DENIED);
    acls_free(acls);
}

static void a_rule_holds_for_its_host_only(void **state)
{
    (void)state;
    struct acls *acls = acls_new();
    struct acl here = rule(ACL_TOPIC, ACL_LITERAL, "t", "User:a", "10.0.0.1", ACL_READ, ACL_ALLOW);
    struct acl there =
        rule(ACL_TOPIC, ACL_LITERAL, "t", "User:a", "10.0.0.2", ACL_WRITE, ACL_ALLOW);
    assert_true(acls_add(acls, &here));
    assert_true(acls_add(acls, &there));
    assert_false(acls_add(acls, &there));
    assert_int_equal(ask(acls, "User:a", ACL_READ, "t"), ACL_ALLOWED);
    assert_int_equal(ask(acls, "User:a", ACL_WRITE, "t"), ACL_DENIED);
    acls_free(acls);
}

static bool some(struct acls *acls, const char *who)
{
    struct acl_caller caller = {bytes_from(who), bytes_from("10.0.0.1")};
    return acls_allow_some(acls, &caller, ACL_WRITE, ACL_TOPIC);
}

static void some_topic_is_found_unless_denied_rules_cover_it(void **state)
{
    (void)state;
    struct acls *acls = acls_new();
    assert_false(some(acls, "User:a"));
    add(acls, ACL_LITERAL, "logs-1", "User:a", ACL_WRITE, ACL_ALLOW);
    assert_true(some(acls, "User:a"));
    assert_false(some(acls, "User:b"));
    add(acls, ACL_PREFIXED, "logs", "User:a", ACL_WRITE, ACL_DENY);
    assert_false(some(acls, "User:a"));
    add(acls, ACL_PREFIXED, "log", "User:a", ACL_ALL, ACL_ALLOW);
    assert_true(some(acls, "User:a"));
    add(acls, ACL_LITERAL, "*", "User:a", ACL_ALL, ACL_DENY);
    assert_false(some(acls, "User:a"));
    acls_free(acls);
}

static size_t found(struct acls *acls, struct acl filter)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    acls_find(acls, &filter, &arena, &count);
    arena_release(&arena);
    return count;
}

static void filters_pass_as_in_kafka(void **state)
{
    (void)state;
    struct acls *acls = acls_new();
    add(acls, ACL_LITERAL, "foobar", "User:a", ACL_READ, ACL_ALLOW);
    add(acls, ACL_PREFIXED, "foo", "User:a", ACL_READ, ACL_ALLOW);
    add(acls, ACL_LITERAL, "*", "User:b", ACL_WRITE, ACL_DENY);
    struct acl filter =
        rule(ACL_TOPIC, ACL_MATCH, "foobar", NULL, NULL, ACL_OPERATION_ANY, ACL_PERMISSION_ANY);
    assert_int_equal(found(acls, filter), 3);
    filter.pattern = ACL_PATTERN_ANY;
    assert_int_equal(found(acls, filter), 1);
    filter.pattern = ACL_PREFIXED;
    assert_int_equal(found(acls, filter), 0);
    filter.name = BYTES_NULL;
    assert_int_equal(found(acls, filter), 1);
    filter.pattern = ACL_PATTERN_ANY;
    filter.resource = ACL_RESOURCE_ANY;
    assert_int_equal(found(acls, filter), 3);
    filter.principal = bytes_from("User:b");
    assert_int_equal(found(acls, filter), 1);
    filter.operation = ACL_READ;
    assert_int_equal(found(acls, filter), 0);
    acls_free(acls);
}

static void rules_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct acl good = rule(ACL_TOPIC, ACL_LITERAL, "t", "User:a", "*", ACL_READ, ACL_ALLOW);
    struct acl bad = good;
    struct diag diag = DIAG_INIT;
    assert_int_equal(acl_check(&good, &diag), ERR_OK);
    bad.resource = ACL_RESOURCE_ANY;
    assert_int_equal(acl_check(&bad, NULL), ERR_INVALID);
    bad = good, bad.pattern = ACL_MATCH;
    assert_int_equal(acl_check(&bad, NULL), ERR_INVALID);
    bad = good, bad.operation = ACL_OPERATION_ANY;
    assert_int_equal(acl_check(&bad, NULL), ERR_INVALID);
    bad = good, bad.permission = ACL_PERMISSION_ANY;
    assert_int_equal(acl_check(&bad, NULL), ERR_INVALID);
    bad = good, bad.name = bytes_from("");
    assert_int_equal(acl_check(&bad, NULL), ERR_INVALID);
    bad = good, bad.principal = bytes_from("alice");
    assert_int_equal(acl_check(&bad, NULL), ERR_INVALID);
    bad = good, bad.resource = ACL_CLUSTER;
    assert_int_equal(acl_check(&bad, &diag), ERR_INVALID);
    assert_string_equal(diag.text, "The only valid name for the CLUSTER resource is kafka-cluster");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rule_is_told_from_no_match),
        cmocka_unit_test(deny_wins_over_every_allow),
        cmocka_unit_test(a_prefix_is_about_names_that_begin_with_it),
        cmocka_unit_test(an_allowed_operation_implies_looking_but_a_denied_one_does_not_deny_it),
        cmocka_unit_test(a_rule_holds_for_its_host_only),
        cmocka_unit_test(some_topic_is_found_unless_denied_rules_cover_it),
        cmocka_unit_test(filters_pass_as_in_kafka),
        cmocka_unit_test(rules_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
