// SPDX-License-Identifier: Apache-2.0
#include "broker/config_store.h"

#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct kafka_config *topic(const char *name)
{
    const struct kafka_config *config = kafka_config_find(KAFKA_CONFIG_TOPIC, bytes_from(name));
    assert_non_null(config);
    return config;
}

static void refused(const char *name, const char *value, const char *words)
{
    struct diag diag = DIAG_INIT;
    assert_int_equal(kafka_config_check(topic(name), bytes_from(value), &diag), ERR_CONFIG);
    assert_string_equal(diag.text, words);
}

static void taken(const char *name, const char *value)
{
    assert_int_equal(kafka_config_check(topic(name), bytes_from(value), NULL), ERR_OK);
}

static void the_table_is_sorted_and_every_default_is_a_value(void **state)
{
    (void)state;
    assert_true(kafka_config_count > 350);
    for (size_t i = 0; i < kafka_config_count; i++) {
        const struct kafka_config *config = &kafka_configs[i];
        assert_ptr_equal(kafka_config_find(config->scope, bytes_from(config->name)), config);
        if (config->value && config->scope != KAFKA_CONFIG_BROKER)
            assert_int_equal(kafka_config_check(config, bytes_from(config->value), NULL), ERR_OK);
        if (config->inherits)
            assert_non_null(kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(config->inherits)));
    }
    assert_null(kafka_config_find(KAFKA_CONFIG_TOPIC, bytes_from("retention")));
    assert_null(kafka_config_find(KAFKA_CONFIG_GROUP, bytes_from("retention.ms")));
}

static void values_are_checked_in_kafkas_words(void **state)
{
    (void)state;
    refused("retention.ms", "soon",
            "Invalid value soon for configuration retention.ms: Not a number of type LONG");
    refused("retention.ms", "-2",
            "Invalid value -2 for configuration retention.ms: Value must be at least -1");
    refused("retention.ms", "9223372036854775808",
            "Invalid value 9223372036854775808 for configuration retention.ms: Not a number of "
            "type LONG");
    refused("max.message.bytes", "",
            "Invalid value  for configuration max.message.bytes: Not a "
            "number of type INT");
    refused("min.cleanable.dirty.ratio", "1.5",
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more "
            "than 1");
    refused("min.cleanable.dirty.ratio", "nan",
            "Invalid value nan for configuration min.cleanable.dirty.ratio: Value must be at "
            "least 0");
    refused("compression.gzip.level", "0",
            "Invalid value 0 for configuration compression.gzip.level: Value must be at least 1");
    refused("preallocate", "yes",
            "Invalid value yes for configuration preallocate: Expected "
            "value to be either true or false");
    refused("cleanup.policy", "delete,shred",
            "Invalid value shred for configuration cleanup.policy: String must be one of: "
            "compact, delete");
    refused("cleanup.policy", "delete,",
            "Configuration 'cleanup.policy' values must not be "
            "empty.");
    taken("retention.ms", " 100 ");
    taken("compression.gzip.level", "-1");
    taken("preallocate", "TRUE");
    taken("cleanup.policy", "compact , delete");
    taken("cleanup.policy", "");
    taken("leader.replication.throttled.replicas", "*");
    taken("leader.replication.throttled.replicas", "0:1,12:3");
}

static void values_are_told_in_their_plain_form(void **state)
{
    (void)state;
    static const char *const forms[][3] = {
        {"retention.ms", " 007 ", "7"},
        {"preallocate", "TRUE", "true"},
        {"cleanup.policy", " compact , delete,compact", "compact,delete"},
        {"cleanup.policy", "", ""},
        {"compression.type", " zstd ", "zstd"},
        {"min.cleanable.dirty.ratio", " 0.25", "0.25"},
    };
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_string_equal(
            kafka_config_canonical(topic(forms[i][0]), bytes_from(forms[i][1]), &arena),
            forms[i][2]);
    arena_release(&arena);
}

static void what_weir_cannot_do_is_refused_and_what_it_does_anyway_is_not(void **state)
{
    (void)state;
    struct diag diag = DIAG_INIT;
    const struct kafka_config *threads =
        kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from("num.io.threads"));
    assert_int_equal(kafka_config_allow(threads, bytes_from("16"), "8", true, &diag), ERR_CONFIG);
    assert_string_equal(diag.text, "num.io.threads can only be '8' here: weir's threads follow the "
                                   "machine's cores.");
    assert_int_equal(kafka_config_allow(threads, bytes_from(" 08 "), "8", true, NULL), ERR_OK);
    const struct kafka_config *flush = topic("flush.messages");
    assert_int_equal(kafka_config_allow(flush, bytes_from("1"), flush->value, true, NULL), ERR_OK);
    diag_clear(&diag);
    assert_int_equal(kafka_config_allow(flush, bytes_from("1"), flush->value, false, &diag),
                     ERR_CONFIG);
    assert_non_null(strstr(diag.text, "durability"));
}

static void settings_given_while_running_outlive_a_restart(void **state)
{
    (void)state;
    char dir[] = "/tmp/weir-configs-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64];
    snprintf(path, sizeof path, "%s/configs", dir);
    struct config_store *store;
    struct arena arena = ARENA_INIT;
    assert_int_equal(config_store_open(&store, path, NULL), ERR_OK);
    struct topic_setting two[] = {{"b", "2"}, {"a", "\"1\"\n"}};
    assert_int_equal(config_store_change(store, KAFKA_CONFIG_GROUP, bytes_from("g"), two, 2, NULL),
                     ERR_OK);
    struct topic_setting gone = {"b", NULL};
    assert_int_equal(
        config_store_change(store, KAFKA_CONFIG_GROUP, bytes_from("g"), &gone, 1, NULL), ERR_OK);
    struct topic_setting broken = {"b", "\xff"};
    assert_int_equal(
        config_store_change(store, KAFKA_CONFIG_GROUP, bytes_from("g"), &broken, 1, NULL),
        ERR_INVALID);
    config_store_free(store);
    assert_int_equal(config_store_open(&store, path, NULL), ERR_OK);
    size_t count;
    struct topic_setting *settings =
        config_store_settings(store, KAFKA_CONFIG_GROUP, bytes_from("g"), &arena, &count);
    assert_int_equal(count, 1);
    assert_string_equal(settings[0].value, "\"1\"\n");
    assert_string_equal(config_store_resources(store, KAFKA_CONFIG_GROUP, &arena, &count)[0], "g");
    assert_string_equal(
        config_store_get(store, KAFKA_CONFIG_BROKER, bytes_from(""), "min.insync.replicas", &arena),
        "1");
    config_store_free(store);
    assert_int_equal(file_replace(path, bytes_from("{"), NULL), ERR_OK);
    assert_int_equal(config_store_open(&store, path, NULL), ERR_CORRUPT);
    arena_release(&arena);
    assert_int_equal(dir_remove(dir, NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_every_default_is_a_value),
        cmocka_unit_test(values_are_checked_in_kafkas_words),
        cmocka_unit_test(values_are_told_in_their_plain_form),
        cmocka_unit_test(what_weir_cannot_do_is_refused_and_what_it_does_anyway_is_not),
        cmocka_unit_test(settings_given_while_running_outlive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
