// SPDX-License-Identifier: Apache-2.0
#include "broker/data_plane_test.h"
#include "broker/features.h"
#include "wire/kafka/alter_partition_reassignments.h"
#include "wire/kafka/alter_replica_log_dirs.h"
#include "wire/kafka/describe_log_dirs.h"
#include "wire/kafka/elect_leaders.h"
#include "wire/kafka/list_config_resources.h"
#include "wire/kafka/list_partition_reassignments.h"
#include "wire/kafka/update_features.h"

static void log_dirs_tell_the_bytes_of_each_partition_once(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    struct topic *topic = make_topic("a", 2);
    assert_int_equal(produce(&client, 7, "a", -1, (struct spec){.count = 3}).error, 0);
    int32_t partitions[] = {1, 0, 0, 9};
    struct kafka_describe_log_dirs_request_describable_log_dir_topic asked[] = {
        {bytes_from("a"), partitions, 4}, {bytes_from("absent"), partitions, 1}};
    struct kafka_describe_log_dirs_request message = {asked, 2};
    struct kafka_describe_log_dirs_response response;
    for (int16_t version = 1; version <= 5; version++) {
        call(&client, KAFKA_DESCRIBE_LOG_DIRS, version, &message, &response);
        assert_int_equal(response.results_count, 1);
        struct kafka_describe_log_dirs_response_result *result = &response.results[0];
        assert_int_equal(result->error_code, 0);
        assert_true(version < 4 || (result->total_bytes > result->usable_bytes));
        assert_int_equal(result->topics_count, 1);
        assert_int_equal(result->topics[0].partitions_count, 2);
        assert_int_equal(result->topics[0].partitions[0].partition_size,
                         partition_offsets(topic_partition(topic, 0)).bytes);
        assert_true(result->topics[0].partitions[0].partition_size > 0);
        assert_int_equal(result->topics[0].partitions[1].partition_size, 0);
    }
    message.topics_count = -1; // all of them
    call(&client, KAFKA_DESCRIBE_LOG_DIRS, 3, &message, &response);
    assert_true(response.results[0].topics_count >= 1);
    client_close(&client);
}

static int16_t move_to(struct client *client, struct bytes path, const char *topic, int32_t index)
{
    struct kafka_alter_replica_log_dirs_request_alter_replica_log_dir_topic moved = {
        bytes_from(topic), &index, 1};
    struct kafka_alter_replica_log_dirs_request_alter_replica_log_dir to = {path, &moved, 1};
    struct kafka_alter_replica_log_dirs_request message = {&to, 1};
    struct kafka_alter_replica_log_dirs_response response;
    call(client, KAFKA_ALTER_REPLICA_LOG_DIRS, 2, &message, &response);
    assert_int_equal(response.results_count, 1);
    assert_int_equal(response.results[0].partitions_count, 1);
    return response.results[0].partitions[0].error_code;
}

static void a_replica_moves_to_the_only_log_dir_and_to_no_other(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct kafka_describe_log_dirs_request none = {NULL, 0};
    struct kafka_describe_log_dirs_response response;
    call(&client, KAFKA_DESCRIBE_LOG_DIRS, 1, &none, &response);
    char path[300]; // the answer's memory goes with the next one
    snprintf(path, sizeof path, "%.*s", BYTES_PRINT(response.results[0].log_dir));
    struct bytes here = bytes_from(path);
    assert_int_equal(move_to(&client, here, "a", 0), 0);
    assert_int_equal(move_to(&client, here, "a", 5), 3);
    assert_int_equal(move_to(&client, here, "absent", 0), 3);
    assert_int_equal(move_to(&client, bytes_from("/elsewhere"), "a", 0), 57);
    client_close(&client);
}

static void no_partition_needs_an_election(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    int32_t partitions[] = {0, 4};
    struct kafka_elect_leaders_request_topic_partitions asked = {bytes_from("a"), partitions, 2};
    struct kafka_elect_leaders_request message = {0, &asked, 1, 1000};
    struct kafka_elect_leaders_response response;
    for (int8_t type = 0; type < 3; type++) {
        message.election_type = type;
        call(&client, KAFKA_ELECT_LEADERS, 2, &message, &response);
        const struct kafka_elect_leaders_response_partition_result *results =
            response.replica_election_results[0].partition_result;
        assert_int_equal(response.error_code, type == 2 ? 42 : 0);
        assert_int_equal(results[0].error_code, type == 2 ? 42 : 84);
        assert_int_equal(results[1].error_code, type == 2 ? 42 : 3);
    }
    message.topic_partitions_count = -1;
    message.election_type = 0;
    call(&client, KAFKA_ELECT_LEADERS, 2, &message, &response);
    assert_int_equal(response.error_code, 0);
    assert_true(response.replica_election_results_count >= 1);
    client_close(&client);
}

static int16_t reassign(struct client *client, const char *topic, int32_t *nodes, int32_t count)
{
    struct kafka_alter_partition_reassignments_request_reassignable_partition to = {0, nodes,
                                                                                    count};
    struct kafka_alter_partition_reassignments_request_reassignable_topic asked = {
        bytes_from(topic), &to, 1};
    struct kafka_alter_partition_reassignments_request message;
    kafka_alter_partition_reassignments_request_init(&message);
    message.topics = &asked;
    message.topics_count = 1;
    struct kafka_alter_partition_reassignments_response response;
    call(client, KAFKA_ALTER_PARTITION_REASSIGNMENTS, 1, &message, &response);
    assert_int_equal(response.error_code, 0);
    return response.responses[0].partitions[0].error_code;
}

static void a_partition_is_assigned_to_where_it_is_and_nowhere_else(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    int32_t us[] = {1, 1};
    int32_t other[] = {2};
    assert_int_equal(reassign(&client, "a", us, 1), 0);
    assert_int_equal(reassign(&client, "a", us, 2), 39);
    assert_int_equal(reassign(&client, "a", us, 0), 39);
    assert_int_equal(reassign(&client, "a", other, 1), 39);
    assert_int_equal(reassign(&client, "a", NULL, -1), 85); // nothing to cancel
    assert_int_equal(reassign(&client, "absent", us, 1), 3);
    struct kafka_list_partition_reassignments_request message;
    kafka_list_partition_reassignments_request_init(&message);
    message.topics_count = -1;
    struct kafka_list_partition_reassignments_response response;
    call(&client, KAFKA_LIST_PARTITION_REASSIGNMENTS, 0, &message, &response);
    assert_int_equal(response.error_code, 0);
    assert_int_equal(response.topics_count, 0);
    client_close(&client);
}

static int16_t update(struct client *client, const char *feature, int16_t level, int8_t type)
{
    struct kafka_update_features_request_feature_update_key key = {bytes_from(feature), level,
                                                                   false, type};
    struct kafka_update_features_request message = {1000, &key, 1, false};
    struct kafka_update_features_response response;
    call(client, KAFKA_UPDATE_FEATURES, 2, &message, &response);
    return response.error_code;
}

static void features_stay_as_they_are(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    for (size_t i = 0; i < feature_count; i++) {
        assert_int_equal(update(&client, features[i].name, features[i].finalized, 1), 0);
        assert_int_equal(update(&client, features[i].name, features[i].finalized, 9), 95);
        assert_int_equal(update(&client, features[i].name, (int16_t)(features[i].max + 1), 1), 95);
    }
    assert_int_equal(update(&client, "no.such", 1, 1), 95);
    client_close(&client);
}

static void config_resources_are_topics_and_this_broker(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("only-one", 1);
    int8_t types[] = {2, 4, 3};
    struct kafka_list_config_resources_request message = {types, 1};
    struct kafka_list_config_resources_response response;
    call(&client, KAFKA_LIST_CONFIG_RESOURCES, 1, &message, &response);
    bool found = false;
    for (int32_t i = 0; i < response.config_resources_count; i++) {
        assert_int_equal(response.config_resources[i].resource_type, 2);
        found = found || bytes_is(response.config_resources[i].resource_name, "only-one");
    }
    assert_true(found);
    message.resource_types = types + 1;
    call(&client, KAFKA_LIST_CONFIG_RESOURCES, 1, &message, &response);
    assert_int_equal(response.config_resources_count, 1);
    assert_true(bytes_is(response.config_resources[0].resource_name, "1"));
    message.resource_types_count = 2; // 3 is no type
    call(&client, KAFKA_LIST_CONFIG_RESOURCES, 1, &message, &response);
    assert_int_equal(response.error_code, 35);
    client_close(&client);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(log_dirs_tell_the_bytes_of_each_partition_once),
        TEST(a_replica_moves_to_the_only_log_dir_and_to_no_other),
        TEST(no_partition_needs_an_election),
        TEST(a_partition_is_assigned_to_where_it_is_and_nowhere_else),
        TEST(features_stay_as_they_are),
        TEST(config_resources_are_topics_and_this_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
