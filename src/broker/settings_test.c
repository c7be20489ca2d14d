// SPDX-License-Identifier: Apache-2.0
//
// Kafka's own settings of a broker, from weir.yaml and while it runs.
#include "broker/data_plane_test.h"

#include "broker/config_store.h"
#include "wire/kafka/delete_topics.h"
#include "wire/kafka/init_producer_id.h"
#include "wire/kafka/join_group.h"
#include "wire/kafka/offset_commit.h"

enum {
    INVALID_SESSION_TIMEOUT = 26,
    INVALID_TXN_TIMEOUT = 50,
    METADATA_TOO_LARGE = 12,
    DELETION_DISABLED = 73,
    GROUP_FULL = 81,
    MEMBER_ID_REQUIRED = 79
};

static const struct topic_setting yaml[] = {
    {"num.partitions", "3"},
    {"auto.create.topics.enable", " FALSE "},
    {"log.retention.hours", "2"},
    {"log.roll.hours", "5"},
    {"group.min.session.timeout.ms", "1000"},
    {"group.max.size", "1"},
    {"transaction.max.timeout.ms", "5000"},
    {"offset.metadata.max.bytes", "3"},
    {"delete.topic.enable", "false"},
    {"producer.id.expiration.ms", "60000"},
};

static int set_up_given(void **state)
{
    given = yaml;
    given_count = sizeof yaml / sizeof *yaml;
    return set_up(state);
}

static void set(const char *resource, const char *key, const char *value)
{
    struct topic_setting change = {key, value};
    MUST(config_store_change(broker->configs, KAFKA_CONFIG_BROKER, bytes_from(resource), &change, 1,
                             &diag));
    MUST(settings_apply(broker, &diag));
}

static void kafkas_defaults_hold_where_nothing_is_said(void **state)
{
    (void)state;
    assert_int_equal(setting(broker, SETTING_PARTITIONS), 1);
    assert_int_equal(setting(broker, SETTING_CREATE_TOPICS), 1);
    assert_int_equal(setting(broker, SETTING_FETCH_BYTES), 57671680);
    assert_int_equal(setting(broker, SETTING_RETENTION_CHECK_MS), 30000); // weir's own
    assert_int_equal(settings_number(broker, "no.such.setting"), 0);
}

static void what_stands_in_weir_yaml_counts(void **state)
{
    (void)state;
    assert_int_equal(setting(broker, SETTING_PARTITIONS), 3);
    assert_int_equal(setting(broker, SETTING_CREATE_TOPICS), 0);
    assert_int_equal(setting(broker, SETTING_PRODUCER_EXPIRY_MS), 60000);
}

static void what_is_set_while_it_runs_goes_before_weir_yaml(void **state)
{
    (void)state;
    set("", "producer.id.expiration.ms", "5");
    assert_int_equal(setting(broker, SETTING_PRODUCER_EXPIRY_MS), 5);
    set("1", "producer.id.expiration.ms", "6");
    assert_int_equal(setting(broker, SETTING_PRODUCER_EXPIRY_MS), 6);
    set("1", "producer.id.expiration.ms", NULL);
    set("", "producer.id.expiration.ms", NULL);
    assert_int_equal(setting(broker, SETTING_PRODUCER_EXPIRY_MS), 60000);
}

static void hours_and_minutes_reach_topics_as_milliseconds(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    assert_string_equal(settings_inherited(broker, "log.retention.ms", &arena), "7200000");
    assert_string_equal(settings_inherited(broker, "log.roll.ms", &arena), "18000000");
    assert_null(settings_inherited(broker, "log.roll.jitter.ms", &arena));
    set("", "log.retention.ms", "77");
    assert_string_equal(settings_inherited(broker, "log.retention.ms", &arena), "77");
    arena_release(&arena);
}

static void topics_are_made_as_it_says(void **state)
{
    (void)state;
    struct topic *topic;
    MUST(broker_topic(broker, bytes_from("new"), true, &topic, &diag));
    assert_int_equal(topic_partition_count(topic), 3);
    topic_unref(topic);
}

static void topics_stay_where_deletion_is_disabled(void **state)
{
    (void)state;
    struct client client;
    make_topic("orders", 1);
    client_open(&client);
    struct kafka_delete_topics_request_topic topic = {.name = bytes_from("orders")};
    struct kafka_delete_topics_request m;
    kafka_delete_topics_request_init(&m);
    m.topics = &topic;
    m.topics_count = 1;
    struct kafka_delete_topics_response refused;
    call(&client, KAFKA_DELETE_TOPICS, 6, &m, &refused);
    assert_int_equal(refused.responses[0].error_code, DELETION_DISABLED);
    client_close(&client);
}

static int16_t join(struct client *client, int32_t session_ms)
{
    struct kafka_join_group_request_protocol protocol = {bytes_from("range"), bytes_from("x")};
    struct kafka_join_group_request m;
    kafka_join_group_request_init(&m);
    m.group_id = bytes_from("g");
    m.session_timeout_ms = session_ms;
    m.rebalance_timeout_ms = 60000;
    m.protocol_type = bytes_from("consumer");
    m.protocols = &protocol;
    m.protocols_count = 1;
    struct kafka_join_group_response response;
    call(client, KAFKA_JOIN_GROUP, 5, &m, &response);
    return response.error_code;
}

static void groups_are_bounded_as_it_says(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    assert_int_equal(join(&client, 999), INVALID_SESSION_TIMEOUT);
    assert_int_equal(join(&client, 1800001), INVALID_SESSION_TIMEOUT);
    assert_int_equal(join(&client, 1800000), MEMBER_ID_REQUIRED); // is waited for so long
    assert_int_equal(join(&client, 1000), GROUP_FULL);
    client_close(&client);
}

static void a_transactions_timeout_is_bounded_as_it_says(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    struct kafka_init_producer_id_request m;
    kafka_init_producer_id_request_init(&m);
    m.transactional_id = bytes_from("t");
    m.transaction_timeout_ms = 5001;
    m.producer_id = -1;
    m.producer_epoch = -1;
    struct kafka_init_producer_id_response response;
    call(&client, KAFKA_INIT_PRODUCER_ID, 4, &m, &response);
    assert_int_equal(response.error_code, INVALID_TXN_TIMEOUT);
    m.transaction_timeout_ms = 5000;
    call(&client, KAFKA_INIT_PRODUCER_ID, 4, &m, &response);
    assert_int_equal(response.error_code, 0);
    client_close(&client);
}

static void a_connection_beyond_those_of_its_address_is_closed(void **state)
{
    (void)state;
    struct client client, beyond;
    char byte;
    client_open(&client);
    assert_int_equal(join(&client, 999), INVALID_SESSION_TIMEOUT); // it is counted
    set("", "max.connections.per.ip", "1");
    client_open(&beyond);
    assert_int_equal(read(beyond.fd, &byte, 1), 0);
    assert_int_equal(join(&client, 999), INVALID_SESSION_TIMEOUT);
    client_close(&beyond);
    client_close(&client);
}

static int16_t commit(struct client *client, const char *metadata)
{
    struct kafka_offset_commit_request_partition partition;
    kafka_offset_commit_request_partition_init(&partition);
    partition.committed_metadata = bytes_from(metadata);
    struct kafka_offset_commit_request_topic topic = {
        .name = bytes_from("orders"), .partitions = &partition, .partitions_count = 1};
    struct kafka_offset_commit_request m;
    kafka_offset_commit_request_init(&m);
    m.group_id = bytes_from("g");
    m.member_id = bytes_from("");
    m.topics = &topic;
    m.topics_count = 1;
    m.generation_id_or_member_epoch = -1;
    struct kafka_offset_commit_response response;
    call(client, KAFKA_OFFSET_COMMIT, 7, &m, &response);
    return response.topics[0].partitions[0].error_code;
}

static void metadata_of_commits_is_bounded_as_it_says(void **state)
{
    (void)state;
    struct client client;
    make_topic("orders", 1);
    client_open(&client);
    assert_int_equal(commit(&client, "1234"), METADATA_TOO_LARGE);
    assert_int_equal(commit(&client, "123"), 0);
    client_close(&client);
}

static void a_setting_that_weir_cannot_honour_is_refused_in_words(void **state)
{
    (void)state;
    struct diag diag = DIAG_INIT;
    assert_int_equal(broker_check_setting("num.partitions", "0", true, &diag), ERR_CONFIG);
    assert_string_equal(
        diag.text, "Invalid value 0 for configuration num.partitions: Value must be at least 1");
    diag = (struct diag)DIAG_INIT;
    assert_int_equal(broker_check_setting("num.io.threads", "9", true, &diag), ERR_CONFIG);
    assert_string_equal(diag.text, "num.io.threads can only be '8' here: weir's threads follow the "
                                   "machine's cores.");
    diag = (struct diag)DIAG_INIT;
    assert_int_equal(broker_check_setting("num.partition", "1", true, &diag), ERR_CONFIG);
    assert_string_equal(diag.text, "Unknown config name: num.partition");
    assert_int_equal(broker_check_setting("log.flush.interval.messages", "1", true, NULL), ERR_OK);
    assert_int_equal(broker_check_setting("log.flush.interval.messages", "1", false, NULL),
                     ERR_CONFIG);
}

static void expect_contradiction(const struct topic_setting *settings, size_t count,
                                 const char *words)
{
    struct diag diag = DIAG_INIT;
    assert_int_equal(broker_check_settings(settings, count, &diag), ERR_CONFIG);
    assert_string_equal(diag.text, words);
}

static void settings_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    struct topic_setting longest = {"group.consumer.max.session.timeout.ms", "45000"};
    struct topic_setting nobody[] = {{"max.connections.per.ip", "0"},
                                     {"max.connections.per.ip.overrides", "127.0.0.1:9"}};
    struct topic_setting slow[] = {{"group.consumer.heartbeat.interval.ms", "15000"},
                                   {"group.consumer.min.session.timeout.ms", "15000"},
                                   {"group.consumer.session.timeout.ms", "15000"}};
    struct topic_setting hours = {"log.retention.hours", "0"};
    struct topic_setting never = {"log.flush.interval.ms", "-1"};
    struct topic_setting rolls = {"log.roll.ms", "0"};
    assert_int_equal(broker_check_settings(NULL, 0, NULL), ERR_OK);
    assert_int_equal(broker_check_settings(&longest, 1, NULL), ERR_OK);
    longest.value = "44000";
    expect_contradiction(&longest, 1,
                         "group.consumer.max.session.timeout.ms must be greater than or equal to "
                         "group.consumer.min.session.timeout.ms");
    expect_contradiction(slow, 3,
                         "group.consumer.heartbeat.interval.ms must be less than "
                         "group.consumer.session.timeout.ms");
    assert_int_equal(broker_check_settings(nobody, 2, NULL), ERR_OK);
    expect_contradiction(nobody, 1,
                         "requirement failed: max.connections.per.ip can be set to zero only if "
                         "max.connections.per.ip.overrides property is set.");
    expect_contradiction(&hours, 1,
                         "requirement failed: log.retention.ms must be unlimited (-1) or, greater "
                         "than or equal to 1");
    expect_contradiction(&never, 1,
                         "Invalid value -1 for configuration flush.ms: Value must be at least 0");
    expect_contradiction(&rolls, 1,
                         "requirement failed: log.roll.ms must be greater than or equal to 1");
}

#define GIVEN(test) cmocka_unit_test_setup_teardown(test, set_up_given, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(kafkas_defaults_hold_where_nothing_is_said),
        GIVEN(what_stands_in_weir_yaml_counts),
        GIVEN(what_is_set_while_it_runs_goes_before_weir_yaml),
        GIVEN(hours_and_minutes_reach_topics_as_milliseconds),
        GIVEN(topics_are_made_as_it_says),
        GIVEN(topics_stay_where_deletion_is_disabled),
        GIVEN(groups_are_bounded_as_it_says),
        GIVEN(a_transactions_timeout_is_bounded_as_it_says),
        GIVEN(a_connection_beyond_those_of_its_address_is_closed),
        GIVEN(metadata_of_commits_is_bounded_as_it_says),
        cmocka_unit_test(a_setting_that_weir_cannot_honour_is_refused_in_words),
        cmocka_unit_test(settings_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
