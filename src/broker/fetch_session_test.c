// SPDX-License-Identifier: Apache-2.0
#include "broker/fetch_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct fetch_sessions *sessions;
static struct arena arena;

enum { SESSIONS = 1000 };

static int begin(void **state)
{
    (void)state;
    sessions = fetch_sessions_new(SESSIONS);
    arena = (struct arena)ARENA_INIT;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fetch_sessions_free(sessions);
    arena_release(&arena);
    return 0;
}

static struct kafka_fetch_request message(int32_t session_id, int32_t epoch)
{
    struct kafka_fetch_request m;
    kafka_fetch_request_init(&m);
    m.session_id = session_id;
    m.session_epoch = epoch;
    return m;
}

static void ask(struct kafka_fetch_request *m, const char *name, int32_t partition, int64_t offset)
{
    struct kafka_fetch_request_topic *topics =
        ARENA_ARRAY(&arena, struct kafka_fetch_request_topic, (size_t)m->topics_count + 1);
    for (int32_t t = 0; t < m->topics_count; t++)
        topics[t] = m->topics[t];
    struct kafka_fetch_request_topic *topic = &topics[m->topics_count++];
    kafka_fetch_request_topic_init(topic);
    topic->topic = bytes_from(name);
    topic->partitions = ARENA_NEW(&arena, struct kafka_fetch_request_partition);
    topic->partitions_count = 1;
    kafka_fetch_request_partition_init(topic->partitions);
    topic->partitions->partition = partition;
    topic->partitions->fetch_offset = offset;
    m->topics = topics;
}

static void drop(struct kafka_fetch_request *m, const char *name, int32_t partition)
{
    struct kafka_fetch_request_forgotten_topics_data *topic =
        ARENA_NEW(&arena, struct kafka_fetch_request_forgotten_topics_data);
    kafka_fetch_request_forgotten_topics_data_init(topic);
    topic->topic = bytes_from(name);
    topic->partitions = ARENA_NEW(&arena, int32_t);
    topic->partitions[0] = partition;
    topic->partitions_count = 1;
    m->forgotten_topics_data = topic;
    m->forgotten_topics_data_count = 1;
}

static struct fetch_plan plan_at(const struct kafka_fetch_request *m, int16_t version)
{
    struct fetch_plan plan;
    fetch_sessions_plan(sessions, m, version, &arena, &plan);
    return plan;
}

// An answer of the plan's shape with the high watermark `high` for every partition.
static struct kafka_fetch_response answer(const struct fetch_plan *plan, int64_t high)
{
    struct kafka_fetch_response response;
    kafka_fetch_response_init(&response);
    response.responses_count = plan->topic_count;
    response.responses =
        ARENA_ARRAY(&arena, struct kafka_fetch_response_response, (size_t)plan->topic_count + 1);
    for (int32_t t = 0; t < plan->topic_count; t++) {
        const struct kafka_fetch_request_topic *asked = &plan->topics[t];
        struct kafka_fetch_response_response *out = &response.responses[t];
        kafka_fetch_response_response_init(out);
        out->topic = asked->topic;
        out->topic_id = asked->topic_id;
        out->partitions_count = asked->partitions_count;
        out->partitions = ARENA_ARRAY(&arena, struct kafka_fetch_response_partition,
                                      (size_t)asked->partitions_count);
        for (int32_t p = 0; p < asked->partitions_count; p++) {
            kafka_fetch_response_partition_init(&out->partitions[p]);
            out->partitions[p].partition_index = asked->partitions[p].partition;
            out->partitions[p].high_watermark = high;
            out->partitions[p].log_start_offset = 0;
        }
    }
    return response;
}

static int32_t open_ab(int64_t high)
{
    struct kafka_fetch_request m = message(0, 0);
    ask(&m, "a", 0, 5);
    ask(&m, "b", 3, 7);
    struct fetch_plan plan = plan_at(&m, 12);
    assert_int_equal(plan.kind, FETCH_FULL);
    struct kafka_fetch_response response = answer(&plan, high);
    assert_true(fetch_sessions_settle(sessions, &plan, &response));
    assert_int_equal(response.responses_count, 2);
    assert_true(response.session_id > 0);
    return response.session_id;
}

static void an_incremental_request_asks_for_all_and_is_told_what_changed(void **state)
{
    (void)state;
    int32_t id = open_ab(10);
    struct kafka_fetch_request m = message(id, 1);
    ask(&m, "a", 0, 6); // moved on
    struct fetch_plan plan = plan_at(&m, 12);
    assert_int_equal(plan.kind, FETCH_INCREMENTAL);
    assert_int_equal(plan.topic_count, 2);
    assert_int_equal(plan.topics[0].partitions[0].fetch_offset, 6);
    assert_int_equal(plan.topics[1].partitions[0].fetch_offset, 7);
    struct kafka_fetch_response response = answer(&plan, 10);
    response.responses[1].partitions[0].high_watermark = 11;
    assert_true(fetch_sessions_settle(sessions, &plan, &response));
    assert_int_equal(response.session_id, id);
    assert_int_equal(response.responses_count, 1);
    assert_int_equal(response.responses[0].topic.ptr[0], 'b');
    // Told once is enough.
    m = message(id, 2);
    plan = plan_at(&m, 12);
    response = answer(&plan, 10);
    response.responses[1].partitions[0].high_watermark = 11;
    assert_true(fetch_sessions_settle(sessions, &plan, &response));
    assert_int_equal(response.responses_count, 0);
}

static void a_partition_with_an_error_is_told_each_time_and_when_it_is_well_again(void **state)
{
    (void)state;
    int32_t id = open_ab(10);
    for (int32_t epoch = 1; epoch < 4; epoch++) {
        struct kafka_fetch_request m = message(id, epoch);
        struct fetch_plan plan = plan_at(&m, 12);
        struct kafka_fetch_response response = answer(&plan, 10);
        response.responses[0].partitions[0].error_code = epoch < 3 ? 3 : 0;
        assert_true(fetch_sessions_settle(sessions, &plan, &response));
        assert_int_equal(response.responses_count, 1);
    }
}

static void partitions_with_data_go_to_the_end(void **state)
{
    (void)state;
    int32_t id = open_ab(10);
    struct kafka_fetch_request m = message(id, 1);
    struct fetch_plan plan = plan_at(&m, 12);
    struct kafka_fetch_response response = answer(&plan, 10);
    response.responses[0].partitions[0].records.size = 100;
    assert_true(fetch_sessions_settle(sessions, &plan, &response));
    m = message(id, 2);
    plan = plan_at(&m, 12);
    assert_int_equal(plan.topics[0].topic.ptr[0], 'b');
    assert_int_equal(plan.topics[1].topic.ptr[0], 'a');
}

static void forgotten_partitions_are_not_asked_for_and_none_left_ends_the_session(void **state)
{
    (void)state;
    int32_t id = open_ab(10);
    struct kafka_fetch_request m = message(id, 1);
    drop(&m, "a", 0);
    struct fetch_plan plan = plan_at(&m, 12);
    assert_int_equal(plan.topic_count, 1);
    m = message(id, 2);
    drop(&m, "b", 3);
    plan = plan_at(&m, 12);
    assert_int_equal(plan.kind, FETCH_SESSIONLESS);
    m = message(id, 3);
    assert_int_equal(plan_at(&m, 12).error, 70);
}

static void wrong_ids_and_epochs_have_their_own_errors(void **state)
{
    (void)state;
    int32_t id = open_ab(10);
    struct kafka_fetch_request m = message(id ^ 1, 1);
    assert_int_equal(plan_at(&m, 12).error, 70);
    m = message(0, 1);
    assert_int_equal(plan_at(&m, 12).error, 70);
    m = message(id, 2);
    assert_int_equal(plan_at(&m, 12).error, 71);
    m = message(id, 1);
    assert_int_equal(plan_at(&m, 13).error, 106);
    assert_int_equal(plan_at(&m, 12).kind, FETCH_INCREMENTAL);
    assert_int_equal(plan_at(&m, 12).error, 71); // the same one again
}

static void an_answer_that_another_request_overtook_is_an_error(void **state)
{
    (void)state;
    int32_t id = open_ab(10);
    struct kafka_fetch_request m = message(id, 1);
    struct fetch_plan first = plan_at(&m, 12);
    m = message(id, 2);
    struct fetch_plan second = plan_at(&m, 12);
    struct kafka_fetch_response response = answer(&first, 11);
    assert_false(fetch_sessions_settle(sessions, &first, &response));
    assert_int_equal(response.error_code, 71);
    assert_int_equal(response.responses_count, 0);
    response = answer(&second, 11);
    assert_true(fetch_sessions_settle(sessions, &second, &response));
    assert_int_equal(response.responses_count, 2);
}

static void a_request_under_way_is_answered_when_its_session_ends(void **state)
{
    (void)state;
    size_t count, parts;
    int32_t id = open_ab(10);
    struct kafka_fetch_request m = message(id, 1);
    struct fetch_plan waiting = plan_at(&m, 12);
    m = message(id, -1);
    assert_int_equal(plan_at(&m, 12).kind, FETCH_SESSIONLESS);
    fetch_sessions_count(sessions, &count, &parts);
    assert_int_equal(count, 0);
    assert_int_equal(parts, 0);
    struct kafka_fetch_response response = answer(&waiting, 11);
    assert_true(fetch_sessions_settle(sessions, &waiting, &response));
    assert_int_equal(response.error_code, 0);
    assert_int_equal(response.session_id, id);
    assert_int_equal(response.responses_count, 2);
}

static void a_full_request_ends_the_session_it_names(void **state)
{
    (void)state;
    int32_t id = open_ab(10);
    struct kafka_fetch_request m = message(id, -1);
    ask(&m, "a", 0, 5);
    struct fetch_plan plan = plan_at(&m, 12);
    assert_int_equal(plan.kind, FETCH_SESSIONLESS);
    struct kafka_fetch_response response = answer(&plan, 10);
    assert_true(fetch_sessions_settle(sessions, &plan, &response));
    assert_int_equal(response.session_id, 0);
    m = message(id, 1);
    assert_int_equal(plan_at(&m, 12).error, 70);
}

static void sessions_are_bounded_and_those_beyond_go_without(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++)
        (void)open_ab(1);
    struct kafka_fetch_request m = message(0, 0);
    ask(&m, "a", 0, 5);
    struct fetch_plan plan = plan_at(&m, 12);
    struct kafka_fetch_response response = answer(&plan, 1);
    assert_true(fetch_sessions_settle(sessions, &plan, &response));
    assert_int_equal(response.session_id, 0);
    assert_int_equal(response.responses_count, 1);
    size_t count, parts;
    fetch_sessions_count(sessions, &count, &parts);
    assert_int_equal(count, SESSIONS);
    assert_int_equal(parts, 2 * SESSIONS);
}

static void partitions_of_sessions_are_bounded(void **state)
{
    (void)state;
    struct kafka_fetch_request m = message(0, 0);
    ask(&m, "a", 0, 0);
    m.topics[0].partitions =
        ARENA_ARRAY(&arena, struct kafka_fetch_request_partition, FETCH_SESSION_PARTITIONS_MAX + 1);
    m.topics[0].partitions_count = FETCH_SESSION_PARTITIONS_MAX + 1;
    for (int32_t p = 0; p <= FETCH_SESSION_PARTITIONS_MAX; p++)
        m.topics[0].partitions[p].partition = p;
    struct fetch_plan plan = plan_at(&m, 12);
    struct kafka_fetch_response response = answer(&plan, 1);
    assert_true(fetch_sessions_settle(sessions, &plan, &response));
    assert_int_equal(response.session_id, 0);
    int32_t id = open_ab(1);
    m.session_id = id;
    m.session_epoch = 1;
    assert_int_equal(plan_at(&m, 12).error, 70);
    size_t count, parts;
    fetch_sessions_count(sessions, &count, &parts);
    assert_int_equal(count, 0);
    assert_int_equal(parts, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_incremental_request_asks_for_all_and_is_told_what_changed),
        TEST(a_partition_with_an_error_is_told_each_time_and_when_it_is_well_again),
        TEST(partitions_with_data_go_to_the_end),
        TEST(forgotten_partitions_are_not_asked_for_and_none_left_ends_the_session),
        TEST(wrong_ids_and_epochs_have_their_own_errors),
        TEST(an_answer_that_another_request_overtook_is_an_error),
        TEST(a_request_under_way_is_answered_when_its_session_ends),
        TEST(a_full_request_ends_the_session_it_names),
        TEST(sessions_are_bounded_and_those_beyond_go_without),
        TEST(partitions_of_sessions_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
