// SPDX-License-Identifier: Apache-2.0
//
// The requests about groups, over a real connection: those of KIP-848, and the older ones as they
// see a group of it.
#include "broker/data_plane_test.h"

#include "broker/groups_int.h"
#include "wire/kafka/consumer_group_describe.h"
#include "wire/kafka/consumer_group_heartbeat.h"
#include "wire/kafka/delete_groups.h"
#include "wire/kafka/describe_groups.h"
#include "wire/kafka/heartbeat.h"
#include "wire/kafka/join_group.h"
#include "wire/kafka/leave_group.h"
#include "wire/kafka/list_groups.h"
#include "wire/kafka/offset_commit.h"
#include "wire/kafka/offset_delete.h"
#include "wire/kafka/offset_fetch.h"
#include "wire/kafka/sync_group.h"

enum {
    ILLEGAL_GENERATION = 22,
    INVALID_GROUP_ID = 24,
    UNKNOWN_MEMBER = 25,
    INVALID = 42,
    NON_EMPTY = 68,
    NOT_FOUND = 69,
    MEMBER_ID_REQUIRED = 79,
    SUBSCRIBED = 86,
    UNKNOWN_TOPIC_ID = 100,
    UNSUPPORTED_ASSIGNOR = 112,
    STALE_EPOCH = 113,
    INVALID_REGEX = 128,
};

static struct kafka_consumer_group_heartbeat_request join_of(struct bytes *topic)
{
    struct kafka_consumer_group_heartbeat_request m;
    kafka_consumer_group_heartbeat_request_init(&m);
    *topic = bytes_from("orders");
    m.group_id = bytes_from("g");
    m.member_id = bytes_from("m1");
    m.rebalance_timeout_ms = 60000;
    m.subscribed_topic_names = topic;
    m.subscribed_topic_names_count = 1;
    m.topic_partitions_count = 0;
    return m;
}

static struct kafka_consumer_group_heartbeat_response
beat(struct client *client, int16_t version, const struct kafka_consumer_group_heartbeat_request *m)
{
    struct kafka_consumer_group_heartbeat_response response;
    call(client, KAFKA_CONSUMER_GROUP_HEARTBEAT, version, m, &response);
    return response;
}

static struct kafka_consumer_group_heartbeat_response join(struct client *client)
{
    struct bytes topic;
    struct kafka_consumer_group_heartbeat_request m = join_of(&topic);
    return beat(client, 1, &m);
}

static int16_t leave(struct client *client)
{
    struct bytes topic;
    struct kafka_consumer_group_heartbeat_request m = join_of(&topic);
    m.member_epoch = -1;
    return beat(client, 1, &m).error_code;
}

static void open_with_topic(struct client *client)
{
    make_topic("orders", 3);
    client_open(client);
}

static struct kafka_uuid id_of(const char *name)
{
    struct kafka_uuid id;
    struct topic *topic = log_store_topic(broker->store, bytes_from(name));
    memcpy(id.bytes, topic_id(topic), sizeof id.bytes);
    topic_unref(topic);
    return id;
}

static void a_group_that_someone_is_about_to_join_is_not_forgotten(void **state)
{
    (void)state;
    struct groups *groups = broker->groups;
    struct group *joiner = groups_get(groups, bytes_from("young"));
    struct group *tick = groups_find(groups, bytes_from("young"));
    groups__drop_if_unused(groups, tick);
    struct group *other = groups_find(groups, bytes_from("young"));
    assert_ptr_equal(other, joiner);
    assert_int_equal(joiner->state, GROUP_EMPTY);
    group_unref(other);
    group_unref(joiner);
    int64_t until_us = clock_mono_us() + 60000000;
    do { // the broker's own tick may have got hold of it too
        assert_true(clock_mono_us() < until_us);
        groups__drop_if_unused(groups, tick);
        other = groups_find(groups, bytes_from("young"));
        if (other)
            group_unref(other);
    } while (other);
    group_unref(tick);
}

static void a_heartbeat_joins_assigns_and_leaves(void **state)
{
    (void)state;
    struct client client;
    open_with_topic(&client);
    struct kafka_consumer_group_heartbeat_response joined = join(&client);
    assert_int_equal(joined.error_code, 0);
    assert_true(bytes_is(joined.member_id, "m1"));
    assert_true(joined.member_epoch > 0);
    assert_int_equal(joined.heartbeat_interval_ms, 5000);
    assert_non_null(joined.assignment);
    assert_int_equal(joined.assignment->topic_partitions_count, 1);
    assert_int_equal(joined.assignment->topic_partitions[0].partitions_count, 3);
    assert_int_equal(leave(&client), 0);
    assert_int_equal(leave(&client), UNKNOWN_MEMBER);
    client_close(&client);
}

static void since_v1_members_bring_their_ids(void **state)
{
    (void)state;
    struct client client;
    struct bytes topic;
    open_with_topic(&client);
    struct kafka_consumer_group_heartbeat_request m = join_of(&topic);
    m.member_id = bytes_make("", 0);
    struct kafka_consumer_group_heartbeat_response refused = beat(&client, 1, &m);
    assert_int_equal(refused.error_code, INVALID);
    assert_true(bytes_is(refused.error_message, "MemberId can't be empty."));
    assert_int_equal(beat(&client, 0, &m).member_id.size, 22);
    client_close(&client);
}

static void what_is_missing_or_wrong_in_a_heartbeat_is_said(void **state)
{
    (void)state;
    struct client client;
    struct bytes topic;
    open_with_topic(&client);
    struct kafka_consumer_group_heartbeat_request m = join_of(&topic);
    m.rebalance_timeout_ms = -1;
    assert_int_equal(beat(&client, 1, &m).error_code, INVALID);
    m = join_of(&topic);
    m.topic_partitions_count = -1;
    assert_int_equal(beat(&client, 1, &m).error_code, INVALID);
    m = join_of(&topic);
    m.subscribed_topic_names_count = -1;
    assert_int_equal(beat(&client, 1, &m).error_code, INVALID);
    m = join_of(&topic);
    m.server_assignor = bytes_from("sticky");
    struct kafka_consumer_group_heartbeat_response refused = beat(&client, 1, &m);
    assert_int_equal(refused.error_code, UNSUPPORTED_ASSIGNOR);
    assert_true(bytes_is(refused.error_message, "ServerAssignor sticky is not supported. Supported "
                                                "assignors: uniform, range."));
    m = join_of(&topic);
    m.subscribed_topic_regex = bytes_from("(");
    assert_int_equal(beat(&client, 1, &m).error_code, INVALID_REGEX);
    m = join_of(&topic);
    m.group_id = bytes_from("unknown");
    m.member_epoch = 1;
    refused = beat(&client, 1, &m);
    assert_int_equal(refused.error_code, NOT_FOUND);
    assert_true(bytes_is(refused.error_message, "Consumer group unknown not found."));
    m.member_epoch = -3;
    assert_int_equal(beat(&client, 1, &m).error_code, INVALID);
    client_close(&client);
}

static void a_regular_expression_gets_its_topics_from_the_broker(void **state)
{
    (void)state;
    struct client client;
    struct bytes topic;
    open_with_topic(&client);
    struct kafka_consumer_group_heartbeat_request m = join_of(&topic);
    m.subscribed_topic_names_count = -1;
    m.subscribed_topic_regex = bytes_from("ord.*");
    struct kafka_consumer_group_heartbeat_response answer = beat(&client, 1, &m);
    assert_int_equal(answer.error_code, 0);
    int32_t count = 0;
    for (int64_t end_us = clock_mono_us() + 60000000; count != 3 && clock_mono_us() < end_us;) {
        struct kafka_consumer_group_heartbeat_request again;
        kafka_consumer_group_heartbeat_request_init(&again);
        again.group_id = m.group_id;
        again.member_id = m.member_id;
        again.member_epoch = answer.member_epoch;
        again.topic_partitions_count = 0;
        answer = beat(&client, 1, &again);
        assert_int_equal(answer.error_code, 0);
        if (answer.assignment && answer.assignment->topic_partitions_count)
            count = answer.assignment->topic_partitions[0].partitions_count;
    }
    assert_int_equal(count, 3);
    client_close(&client);
}

static void descriptions_and_lists_tell_the_types_apart(void **state)
{
    (void)state;
    struct client client;
    open_with_topic(&client);
    join(&client);
    struct bytes ids[] = {bytes_from("g"), bytes_from("unknown")};
    struct kafka_consumer_group_describe_request m = {
        .group_ids = ids, .group_ids_count = 2, .include_authorized_operations = true};
    struct kafka_consumer_group_describe_response described;
    call(&client, KAFKA_CONSUMER_GROUP_DESCRIBE, 1, &m, &described);
    assert_int_equal(described.groups[0].error_code, 0);
    assert_true(bytes_is(described.groups[0].group_state, "Stable"));
    assert_true(bytes_is(described.groups[0].assignor_name, "uniform"));
    assert_int_equal(described.groups[0].members_count, 1);
    assert_int_equal(described.groups[0].members[0].member_type, 1);
    assert_int_equal(described.groups[0].members[0].assignment.topic_partitions[0].partitions_count,
                     3);
    assert_true(bytes_is(
        described.groups[0].members[0].target_assignment.topic_partitions[0].topic_name, "orders"));
    assert_int_equal(described.groups[1].error_code, NOT_FOUND);
    struct kafka_describe_groups_request classic = {ids, 1, false};
    struct kafka_describe_groups_response seen;
    call(&client, KAFKA_DESCRIBE_GROUPS, 6, &classic, &seen);
    assert_int_equal(seen.groups[0].error_code, NOT_FOUND);
    assert_true(bytes_is(seen.groups[0].error_message, "Group g is not a classic group."));
    struct bytes type = bytes_from("Consumer");
    struct kafka_list_groups_request list = {.types_filter = &type, .types_filter_count = 1};
    struct kafka_list_groups_response listed;
    call(&client, KAFKA_LIST_GROUPS, 5, &list, &listed);
    assert_int_equal(listed.groups_count, 1);
    assert_true(bytes_is(listed.groups[0].group_type, "consumer"));
    assert_true(bytes_is(listed.groups[0].protocol_type, "consumer"));
    type = bytes_from("classic");
    call(&client, KAFKA_LIST_GROUPS, 5, &list, &listed);
    assert_int_equal(listed.groups_count, 0);
    client_close(&client);
}

static int16_t commit(struct client *client, struct kafka_uuid topic, int32_t epoch)
{
    struct kafka_offset_commit_request_partition p = {0, 42, 0, bytes_from("why")};
    struct kafka_offset_commit_request_topic t = {
        .topic_id = topic, .partitions = &p, .partitions_count = 1};
    struct kafka_offset_commit_request m;
    kafka_offset_commit_request_init(&m);
    m.group_id = bytes_from("g");
    m.member_id = bytes_from("m1");
    m.generation_id_or_member_epoch = epoch;
    m.topics = &t;
    m.topics_count = 1;
    struct kafka_offset_commit_response response;
    call(client, KAFKA_OFFSET_COMMIT, 10, &m, &response);
    return response.topics[0].partitions[0].error_code;
}

static struct kafka_offset_fetch_response_group fetch_offset(struct client *client,
                                                             struct kafka_uuid topic, int32_t epoch)
{
    int32_t index = 0;
    struct kafka_offset_fetch_request_group_topic t = {
        .topic_id = topic, .partition_indexes = &index, .partition_indexes_count = 1};
    struct kafka_offset_fetch_request_group g = {.group_id = bytes_from("g"),
                                                 .member_id = bytes_from("m1"),
                                                 .member_epoch = epoch,
                                                 .topics = &t,
                                                 .topics_count = 1};
    struct kafka_offset_fetch_request m = {.groups = &g, .groups_count = 1};
    struct kafka_offset_fetch_response response;
    call(client, KAFKA_OFFSET_FETCH, 10, &m, &response);
    return response.groups[0];
}

static void offsets_are_committed_and_fetched_by_topic_id_and_member_epoch(void **state)
{
    (void)state;
    struct client client;
    open_with_topic(&client);
    int32_t epoch = join(&client).member_epoch;
    struct kafka_uuid id = id_of("orders");
    struct kafka_uuid other = {{1, 2, 3}};
    assert_int_equal(commit(&client, id, epoch), 0);
    assert_int_equal(commit(&client, id, epoch + 1), STALE_EPOCH);
    assert_int_equal(commit(&client, other, epoch), UNKNOWN_TOPIC_ID);
    struct kafka_offset_fetch_response_group got = fetch_offset(&client, id, epoch);
    assert_int_equal(got.error_code, 0);
    assert_int_equal(got.topics[0].partitions[0].committed_offset, 42);
    assert_memory_equal(got.topics[0].topic_id.bytes, id.bytes, 16);
    assert_int_equal(fetch_offset(&client, id, epoch + 1).error_code, STALE_EPOCH);
    assert_int_equal(fetch_offset(&client, other, epoch).topics[0].partitions[0].error_code,
                     UNKNOWN_TOPIC_ID);
    client_close(&client);
}

static int16_t delete_group(struct client *client)
{
    struct bytes id = bytes_from("g");
    struct kafka_delete_groups_request m = {&id, 1};
    struct kafka_delete_groups_response response;
    call(client, KAFKA_DELETE_GROUPS, 2, &m, &response);
    return response.results[0].error_code;
}

static void a_group_is_deleted_when_it_is_empty(void **state)
{
    (void)state;
    struct client client;
    open_with_topic(&client);
    commit(&client, id_of("orders"), join(&client).member_epoch);
    assert_int_equal(delete_group(&client), NON_EMPTY);
    struct kafka_offset_delete_request_partition p = {0};
    struct kafka_offset_delete_request_topic t = {bytes_from("orders"), &p, 1};
    struct kafka_offset_delete_request m = {bytes_from("g"), &t, 1};
    struct kafka_offset_delete_response response;
    call(&client, KAFKA_OFFSET_DELETE, 0, &m, &response);
    assert_int_equal(response.topics[0].partitions[0].error_code, SUBSCRIBED);
    leave(&client);
    assert_int_equal(delete_group(&client), 0);
    assert_int_equal(delete_group(&client), NOT_FOUND);
    assert_null(groups_find(broker->groups, bytes_from("g")));
    client_close(&client);
}

static void an_id_with_a_zero_byte_is_no_way_around_a_rule_about_the_shorter_one(void **state)
{
    (void)state;
    struct client client;
    struct bytes topic, id = bytes_make("g\0x", 3);
    open_with_topic(&client);
    struct kafka_consumer_group_heartbeat_request beats = join_of(&topic);
    beats.group_id = id;
    assert_int_equal(beat(&client, 1, &beats).error_code, INVALID);
    struct kafka_join_group_request m;
    kafka_join_group_request_init(&m);
    m.group_id = id;
    m.session_timeout_ms = 10000;
    struct kafka_join_group_response refused;
    call(&client, KAFKA_JOIN_GROUP, 5, &m, &refused);
    assert_int_equal(refused.error_code, INVALID_GROUP_ID);
    struct kafka_offset_commit_request_partition partition;
    kafka_offset_commit_request_partition_init(&partition);
    struct kafka_offset_commit_request_topic orders;
    kafka_offset_commit_request_topic_init(&orders);
    orders.name = bytes_from("orders");
    orders.partitions = &partition;
    orders.partitions_count = 1;
    struct kafka_offset_commit_request commits;
    kafka_offset_commit_request_init(&commits);
    commits.group_id = id;
    commits.topics = &orders;
    commits.topics_count = 1;
    struct kafka_offset_commit_response committed;
    call(&client, KAFKA_OFFSET_COMMIT, 8, &commits, &committed);
    assert_int_equal(committed.topics[0].partitions[0].error_code, INVALID_GROUP_ID);
    assert_null(groups_find(broker->groups, bytes_from("g")));
    client_close(&client);
}

static void classic_requests_serve_a_classic_member_in_it(void **state)
{
    (void)state;
    static const uint8_t says[] = {0,   0,   0,   0,   0,   1,    0,    6,    'o',
                                   'r', 'd', 'e', 'r', 's', 0xff, 0xff, 0xff, 0xff};
    static const uint8_t nothing[] = {0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    struct client client;
    open_with_topic(&client);
    join(&client);
    struct kafka_join_group_request_protocol protocol = {bytes_from("range"),
                                                         bytes_make(says, sizeof says)};
    struct kafka_join_group_request m;
    kafka_join_group_request_init(&m);
    m.group_id = bytes_from("g");
    m.session_timeout_ms = m.rebalance_timeout_ms = 600000;
    m.protocol_type = bytes_from("consumer");
    m.protocols = &protocol;
    m.protocols_count = 1;
    struct kafka_join_group_response joined;
    call(&client, KAFKA_JOIN_GROUP, 5, &m, &joined);
    assert_int_equal(joined.error_code, MEMBER_ID_REQUIRED);
    struct bytes id = arena_bytes(&client.arena, joined.member_id);
    m.member_id = id;
    call(&client, KAFKA_JOIN_GROUP, 5, &m, &joined);
    assert_int_equal(joined.error_code, 0);
    assert_int_equal(joined.leader.size, 0);
    assert_true(bytes_is(joined.protocol_name, "range"));
    struct kafka_sync_group_request sync;
    kafka_sync_group_request_init(&sync);
    sync.group_id = bytes_from("g");
    sync.member_id = id;
    sync.generation_id = joined.generation_id;
    struct kafka_sync_group_response synced;
    call(&client, KAFKA_SYNC_GROUP, 3, &sync, &synced);
    assert_int_equal(synced.error_code, 0);
    assert_true(bytes_equal(synced.assignment, bytes_make(nothing, sizeof nothing))); // m1 has all
    struct kafka_leave_group_request_member member;
    kafka_leave_group_request_member_init(&member);
    member.member_id = bytes_from("m1");
    struct kafka_leave_group_request expel = {
        .group_id = bytes_from("g"), .members = &member, .members_count = 1};
    struct kafka_leave_group_response expelled;
    call(&client, KAFKA_LEAVE_GROUP, 5, &expel, &expelled);
    assert_int_equal(expelled.members[0].error_code, 0); // an administrator's
    struct kafka_heartbeat_request alive = {
        .group_id = bytes_from("g"), .member_id = id, .generation_id = joined.generation_id};
    struct kafka_heartbeat_response beaten;
    call(&client, KAFKA_HEARTBEAT, 2, &alive, &beaten);
    assert_int_equal(beaten.error_code, ILLEGAL_GENERATION); // it had not seen the group's epoch
    call(&client, KAFKA_JOIN_GROUP, 5, &m, &joined);
    assert_int_equal(joined.error_code, 0);
    assert_true(bytes_equal(joined.leader, id)); // a classic group again
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_group_that_someone_is_about_to_join_is_not_forgotten),
        TEST(a_heartbeat_joins_assigns_and_leaves),
        TEST(since_v1_members_bring_their_ids),
        TEST(what_is_missing_or_wrong_in_a_heartbeat_is_said),
        TEST(a_regular_expression_gets_its_topics_from_the_broker),
        TEST(descriptions_and_lists_tell_the_types_apart),
        TEST(offsets_are_committed_and_fetched_by_topic_id_and_member_epoch),
        TEST(a_group_is_deleted_when_it_is_empty),
        TEST(an_id_with_a_zero_byte_is_no_way_around_a_rule_about_the_shorter_one),
        TEST(classic_requests_serve_a_classic_member_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
