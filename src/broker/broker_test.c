// SPDX-License-Identifier: Apache-2.0
//
// The broker on a real port, driven by bare frames.
#include "base/utf8.h"
#include "broker/groups.h"
#include "broker/offsets.h"
#include "os/clock.h"
#include "os/file.h"
#include "wire/kafka/api_versions.h"
#include "wire/kafka/create_topics.h"
#include "wire/kafka/delete_topics.h"
#include "wire/kafka/describe_groups.h"
#include "wire/kafka/golden.h"
#include "wire/kafka/join_group.h"
#include "wire/kafka/metadata.h"
#include "wire/kafka/offset_commit.h"
#include "wire/kafka/offset_fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    char dir[64];
    struct loops *loops;
    struct broker *broker;
    uint16_t port;
};

static void start(struct fixture *fixture)
{
    struct diag diag = DIAG_INIT;
    struct broker_options options = {
        .data_dir = fixture->dir, .loops = fixture->loops, .host = "127.0.0.1", .sync = true};
    if (broker_open(&fixture->broker, &options, &diag) != ERR_OK ||
        broker_listen(fixture->broker, &fixture->port, &diag) != ERR_OK)
        fail_msg("%s", diag.text);
}

static int setup(void **state)
{
    struct fixture *fixture = MEM_NEW(struct fixture);
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/weir-broker-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    assert_int_equal(loops_start(&fixture->loops, 2, 3, NULL), ERR_OK);
    start(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    broker_close(fixture->broker);
    loops_stop(fixture->loops);
    assert_int_equal(dir_remove(fixture->dir, NULL), ERR_OK);
    mem_free(fixture);
    return 0;
}

// --- a client ------------------------------------------------------------------------

static int dial(const struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fixture->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void put(int fd, struct bytes bytes)
{
    while (bytes.size > 0) {
        ssize_t n = send(fd, bytes.ptr, bytes.size, MSG_NOSIGNAL);
        if (n <= 0)
            return; // closed: get() will tell
        bytes = bytes_make(bytes.ptr + n, bytes.size - (size_t)n);
    }
}

static bool get(int fd, void *ptr, size_t size)
{
    for (uint8_t *at = ptr; size > 0;) {
        ssize_t n = recv(fd, at, size, 0);
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static void put_frame(int fd, struct bytes body)
{
    struct str frame = {0};
    writer_u32(&frame, (uint32_t)body.size);
    str_append_bytes(&frame, body);
    put(fd, str_bytes(&frame));
    str_release(&frame);
}

static void put_request(int fd, int16_t key, int16_t version, int32_t id, const void *m)
{
    struct str body = {0};
    struct kafka_request_header header = {key, version, id, bytes_from("test")};
    kafka_request_header_encode(&header, &body);
    kafka_api_find(key)->request.encode(m, version, &body);
    put_frame(fd, str_bytes(&body));
    str_release(&body);
}

// The next response frame without its length; NULL when the connection was closed.
static struct buf *get_frame(int fd)
{
    uint8_t head[4];
    if (!get(fd, head, sizeof head))
        return NULL;
    struct reader reader = reader_make(bytes_make(head, 4));
    struct buf *buf = buf_new(reader_u32(&reader));
    assert_true(get(fd, buf->ptr, buf->size));
    return buf;
}

static void decode(struct buf *frame, int16_t key, int16_t version, int32_t expect_id, void *m,
                   struct arena *arena)
{
    int32_t id;
    assert_non_null(frame);
    struct reader reader = reader_make(buf_bytes(frame));
    assert_true(kafka_response_header_decode(key, version, &id, &reader));
    assert_int_equal(id, expect_id);
    assert_true(kafka_api_find(key)->response.decode(m, version, &reader, arena));
    assert_int_equal(reader_left(&reader), 0);
}

// One request and its response; the arena keeps what the response points into.
static void ask(const struct fixture *fixture, int16_t key, int16_t version, const void *m,
                void *response, struct arena *arena)
{
    int fd = dial(fixture);
    put_request(fd, key, version, 7, m);
    struct buf *frame = get_frame(fd);
    decode(frame, key, version, 7, response, arena);
    struct bytes kept =
        arena_bytes(arena, buf_bytes(frame)); // decode again out of memory that stays
    struct reader reader = reader_make(kept);
    int32_t id;
    kafka_response_header_decode(key, version, &id, &reader);
    kafka_api_find(key)->response.decode(response, version, &reader, arena);
    buf_unref(frame);
    close(fd);
}

static bool is_closed(int fd)
{
    struct buf *frame = get_frame(fd);
    buf_unref(frame);
    return !frame;
}

// --- the handshake -------------------------------------------------------------------

static void api_versions_of_the_future_are_answered_in_version_0(void **state)
{
    int fd = dial(*state);
    static const uint8_t request[] = {0, 18, 0, 99, 0, 0, 0, 5, 0, 1, 'x', 9, 9, 9};
    put_frame(fd, bytes_make(request, sizeof request));
    struct arena arena = ARENA_INIT;
    struct kafka_api_versions_response response;
    struct buf *frame = get_frame(fd);
    decode(frame, KAFKA_API_VERSIONS, 0, 5, &response, &arena);
    assert_int_equal(response.error_code, 35);
    assert_int_equal(response.api_keys_count, 1);
    assert_int_equal(response.api_keys[0].api_key, KAFKA_API_VERSIONS);
    assert_int_equal(response.api_keys[0].max_version, 4);
    buf_unref(frame);
    arena_release(&arena);
    close(fd);
}

static void ranges_satisfy_old_librdkafka_and_new_java(void **state)
{
    struct arena arena = ARENA_INIT;
    struct kafka_api_versions_request m = {bytes_from("test"), bytes_from("1.0")};
    struct kafka_api_versions_response response;
    ask(*state, KAFKA_API_VERSIONS, 3, &m, &response, &arena);
    assert_int_equal(response.error_code, 0);
    static const struct {
        int16_t key, min, max; // must lie inside what is advertised
    } need[] = {{0, 0, 7},  {1, 4, 11}, {2, 1, 1},  {3, 0, 12}, {8, 2, 7},  {9, 1, 7},  {10, 0, 4},
                {11, 0, 5}, {12, 0, 3}, {13, 0, 1}, {14, 0, 3}, {18, 0, 3}, {19, 2, 7}, {20, 1, 6},
                {22, 0, 4}, {32, 1, 4}, {37, 0, 3}, {44, 0, 1}, {60, 0, 0}, {75, 0, 0}};
    for (size_t n = 0; n < sizeof need / sizeof *need; n++) {
        bool found = false;
        for (int32_t i = 0; i < response.api_keys_count; i++)
            found = found || (response.api_keys[i].api_key == need[n].key &&
                              response.api_keys[i].min_version <= need[n].min &&
                              response.api_keys[i].max_version >= need[n].max);
        if (!found)
            fail_msg("API %d %d..%d is not offered", need[n].key, need[n].min, need[n].max);
    }
    arena_release(&arena);
}

static void a_software_name_that_breaks_the_rule_is_refused(void **state)
{
    struct arena arena = ARENA_INIT;
    struct kafka_api_versions_request m = {bytes_from("bad name!"), bytes_from("1.0")};
    struct kafka_api_versions_response response;
    ask(*state, KAFKA_API_VERSIONS, 3, &m, &response, &arena);
    assert_int_equal(response.error_code, 42);
    arena_release(&arena);
}

static void what_is_not_served_closes_the_connection(void **state)
{
    static const uint8_t unknown_key[] = {0x03, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
    static const uint8_t old_fetch[] = {0, 1, 0, 3, 0, 0, 0, 1, 0xff, 0xff};
    static const uint8_t new_fetch[] = {0, 1, 0, 99, 0, 0, 0, 1, 0xff, 0xff};
    static const uint8_t no_header[] = {0, 3};
    static const uint8_t cut_body[] = {0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 5, 0};
    struct bytes all[] = {
        bytes_make(unknown_key, sizeof unknown_key), bytes_make(old_fetch, sizeof old_fetch),
        bytes_make(new_fetch, sizeof new_fetch),     bytes_make(no_header, sizeof no_header),
        bytes_make(cut_body, sizeof cut_body),
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int fd = dial(*state);
        put_frame(fd, all[i]);
        assert_true(is_closed(fd));
        close(fd);
    }
}

static void a_frame_of_impossible_size_closes_the_connection(void **state)
{
    static const uint8_t negative[] = {0xff, 0xff, 0xff, 0xff};
    static const uint8_t huge[] = {0x7f, 0xff, 0xff, 0xff};
    static const uint8_t http[] = "GET / HTTP/1.1\r\n\r\n";
    struct bytes all[] = {bytes_make(negative, 4), bytes_make(huge, 4),
                          bytes_make(http, sizeof http)};
    for (size_t i = 0; i < 3; i++) {
        int fd = dial(*state);
        put(fd, all[i]);
        assert_true(is_closed(fd));
        close(fd);
    }
}

static void what_was_asked_before_a_bad_request_is_still_answered(void **state)
{
    int fd = dial(*state);
    struct kafka_metadata_request m;
    kafka_metadata_request_init(&m);
    m.topics_count = -1;
    put_request(fd, KAFKA_METADATA, 5, 1, &m);
    static const uint8_t unknown_key[] = {0x03, 0xe7, 0, 0, 0, 0, 0, 2, 0xff, 0xff};
    put_frame(fd, bytes_make(unknown_key, sizeof unknown_key));
    struct buf *frame = get_frame(fd);
    assert_non_null(frame);
    buf_unref(frame);
    assert_true(is_closed(fd));
    close(fd);
}

static void pipelined_requests_are_answered_in_their_order(void **state)
{
    enum { COUNT = 200 };
    int fd = dial(*state);
    for (int i = 0; i < COUNT; i++) {
        struct kafka_metadata_request_topic topic = {.name = BYTES_NULL};
        char name[16];
        snprintf(name, sizeof name, "pipe%d", i);
        topic.name = bytes_from(name);
        struct kafka_metadata_request m = {&topic, 1, true, false, false};
        struct kafka_api_versions_request v = {bytes_from("a"), bytes_from("1")};
        if (i % 10 == 0) // takes a worker and a disk write
            put_request(fd, KAFKA_METADATA, 8, i, &m);
        else
            put_request(fd, KAFKA_API_VERSIONS, 3, i, &v);
    }
    for (int i = 0; i < COUNT; i++) {
        struct buf *frame = get_frame(fd);
        assert_non_null(frame);
        struct reader reader = reader_make(buf_bytes(frame));
        assert_int_equal(reader_i32(&reader), i);
        buf_unref(frame);
    }
    close(fd);
}

// --- every golden request ------------------------------------------------------------

struct replay {
    struct fixture *fixture;
    int answered;
};

static void replay_one(const struct golden *golden, void *ctx)
{
    struct replay *replay = ctx;
    const struct kafka_api *api = kafka_api_find(golden->key);
    const struct api_handler *handler = api_handler_find(golden->key);
    if (!handler || golden->version < handler->min || golden->version > handler->max ||
        !golden->response.ptr)
        return;
    if (golden->key == KAFKA_JOIN_GROUP || golden->key == KAFKA_SYNC_GROUP)
        return; // their answers wait for members that are not there
    int fd = dial(replay->fixture);
    put_frame(fd, golden->request);
    struct buf *frame = get_frame(fd);
    if (!frame)
        fail_msg("%s:%d: %s v%d was not answered", golden->file, golden->line, api->name,
                 golden->version);
    struct arena arena = ARENA_INIT;
    struct reader reader = reader_make(buf_bytes(frame));
    void *m = mem_alloc(api->response.size);
    int32_t id;
    if (!kafka_response_header_decode(golden->key, golden->version, &id, &reader) ||
        !api->response.decode(m, golden->version, &reader, &arena) || reader_left(&reader))
        fail_msg("%s:%d: the answer to %s v%d does not decode", golden->file, golden->line,
                 api->name, golden->version);
    replay->answered++;
    mem_free(m);
    arena_release(&arena);
    buf_unref(frame);
    close(fd);
}

static void every_golden_request_gets_an_answer_of_its_shape(void **state)
{
    struct replay replay = {*state, 0};
    golden_each(replay_one, &replay);
    assert_true(replay.answered > 200);
}

// --- topics --------------------------------------------------------------------------

static void create(const struct fixture *fixture, const char *name, int32_t partitions,
                   int16_t expected)
{
    struct arena arena = ARENA_INIT;
    struct kafka_create_topics_request_topic topic;
    kafka_create_topics_request_topic_init(&topic);
    topic.name = bytes_from(name);
    topic.num_partitions = partitions;
    topic.replication_factor = 3;
    struct kafka_create_topics_request m = {
        .topics = &topic, .topics_count = 1, .timeout_ms = 1000};
    struct kafka_create_topics_response response;
    ask(fixture, KAFKA_CREATE_TOPICS, 7, &m, &response, &arena);
    assert_int_equal(response.topics[0].error_code, expected);
    if (expected == 0) {
        assert_int_equal(response.topics[0].num_partitions, partitions);
        assert_int_equal(response.topics[0].replication_factor, 1);
        assert_false(kafka_uuid_is_zero(response.topics[0].topic_id));
        assert_true(response.topics[0].configs_count > 10);
    } else {
        assert_true(response.topics[0].error_message.size > 0);
    }
    arena_release(&arena);
}

static void topics_are_created_once_under_valid_names(void **state)
{
    create(*state, "orders", 3, 0);
    create(*state, "orders", 3, 36);
    create(*state, "no spaces", 1, 17);
    create(*state, "..", 1, 17);
    create(*state, "none", 0, 37);
}

static void a_recreated_topic_has_another_id(void **state)
{
    struct kafka_uuid ids[2];
    for (int round = 0; round < 2; round++) {
        struct arena arena = ARENA_INIT;
        create(*state, "again", 1, 0);
        struct topic *topic =
            log_store_topic(((struct fixture *)*state)->broker->store, bytes_from("again"));
        memcpy(ids[round].bytes, topic_id(topic), 16);
        topic_unref(topic);
        struct bytes name = bytes_from("again");
        struct kafka_delete_topics_request m = {.topic_names = &name, .topic_names_count = 1};
        struct kafka_delete_topics_response response;
        ask(*state, KAFKA_DELETE_TOPICS, 3, &m, &response, &arena);
        assert_int_equal(response.responses[0].error_code, 0);
        arena_release(&arena);
    }
    assert_memory_not_equal(&ids[0], &ids[1], sizeof ids[0]);
}

static void metadata_makes_topics_only_when_allowed(void **state)
{
    struct arena arena = ARENA_INIT;
    struct kafka_metadata_request_topic topics[2] = {{.name = bytes_from("made")},
                                                     {.name = bytes_from("bad name")}};
    struct kafka_metadata_request m = {topics, 2, false, false, false};
    struct kafka_metadata_response response;
    ask(*state, KAFKA_METADATA, 12, &m, &response, &arena);
    assert_int_equal(response.topics[0].error_code, 3);
    assert_int_equal(response.topics[1].error_code, 17);
    m.allow_auto_topic_creation = true;
    ask(*state, KAFKA_METADATA, 12, &m, &response, &arena);
    assert_int_equal(response.topics[0].error_code, 0);
    assert_int_equal(response.topics[0].partitions_count, 1);
    assert_int_equal(response.topics[1].error_code, 17);
    assert_true(bytes_is(response.brokers[0].host, "127.0.0.1"));
    assert_int_equal(response.brokers[0].port, ((struct fixture *)*state)->port);
    assert_int_equal(response.cluster_id.size, 22);
    assert_int_equal(response.controller_id, 1);
    // by id, with a null name
    struct kafka_metadata_request_topic by_id = {response.topics[0].topic_id, BYTES_NULL};
    struct kafka_metadata_request again = {&by_id, 1, false, false, false};
    ask(*state, KAFKA_METADATA, 12, &again, &response, &arena);
    assert_true(bytes_is(response.topics[0].name, "made"));
    by_id.topic_id.bytes[0] ^= 1;
    ask(*state, KAFKA_METADATA, 12, &again, &response, &arena);
    assert_int_equal(response.topics[0].error_code, 100);
    arena_release(&arena);
}

// --- groups --------------------------------------------------------------------------

// retention_ms -1: the broker's.
static int16_t commit_for(const struct fixture *fixture, const char *group, int32_t partition,
                          int64_t offset, size_t metadata_size, int64_t retention_ms)
{
    struct arena arena = ARENA_INIT;
    char *text = arena_zalloc(&arena, metadata_size + 1);
    memset(text, 'm', metadata_size);
    struct kafka_offset_commit_request_partition p = {partition, offset, 0,
                                                      bytes_make(text, metadata_size)};
    struct kafka_offset_commit_request_topic topic = {
        .name = bytes_from("orders"), .partitions = &p, .partitions_count = 1};
    struct kafka_offset_commit_request m;
    kafka_offset_commit_request_init(&m);
    m.group_id = bytes_from(group);
    m.topics = &topic;
    m.topics_count = 1;
    m.retention_time_ms = retention_ms;
    struct kafka_offset_commit_response response;
    ask(fixture, KAFKA_OFFSET_COMMIT, retention_ms < 0 ? 8 : 4, &m, &response, &arena);
    int16_t code = response.topics[0].partitions[0].error_code;
    arena_release(&arena);
    return code;
}

static int16_t commit(const struct fixture *fixture, const char *group, int32_t partition,
                      int64_t offset, size_t metadata_size)
{
    return commit_for(fixture, group, partition, offset, metadata_size, -1);
}

static int64_t committed(const struct fixture *fixture, const char *group, int32_t partition)
{
    struct arena arena = ARENA_INIT;
    struct kafka_offset_fetch_request_topic topic = {bytes_from("orders"), &partition, 1};
    struct kafka_offset_fetch_request m = {
        .group_id = bytes_from(group), .topics = &topic, .topics_count = 1};
    struct kafka_offset_fetch_response response;
    ask(fixture, KAFKA_OFFSET_FETCH, 5, &m, &response, &arena);
    assert_int_equal(response.topics[0].partitions[0].error_code, 0);
    int64_t offset = response.topics[0].partitions[0].committed_offset;
    arena_release(&arena);
    return offset;
}

static void restart(struct fixture *fixture)
{
    broker_close(fixture->broker);
    start(fixture);
}

static void committed_offsets_survive_a_restart(void **state)
{
    struct fixture *fixture = *state;
    create(fixture, "orders", 3, 0);
    assert_int_equal(committed(fixture, "billing", 0), -1);
    assert_int_equal(commit(fixture, "billing", 0, 41, 0), 0);
    assert_int_equal(commit(fixture, "billing", 0, 42, 4096), 0);
    assert_int_equal(commit(fixture, "billing", 2, 7, 0), 0);
    assert_int_equal(commit(fixture, "anew", 0, -2, 0), 0); // kafkajs: "from the beginning"
    assert_int_equal(commit(fixture, "billing", 3, 7, 0), 3);
    assert_int_equal(commit(fixture, "billing", 0, 43, 4097), 12);
    restart(fixture);
    assert_int_equal(committed(fixture, "billing", 0), 42);
    assert_int_equal(committed(fixture, "billing", 1), -1);
    assert_int_equal(committed(fixture, "billing", 2), 7);
    assert_int_equal(committed(fixture, "anew", 0), -2);
}

static void an_offset_kept_for_longer_than_time_is_kept(void **state)
{
    struct fixture *fixture = *state;
    create(fixture, "orders", 1, 0);
    assert_int_equal(commit_for(fixture, "billing", 0, 41, 0, INT64_MAX), 0);
    restart(fixture);
    assert_int_equal(committed(fixture, "billing", 0), 41);
}

static void a_deleted_group_stays_deleted(void **state)
{
    struct fixture *fixture = *state;
    create(fixture, "orders", 3, 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(commit(fixture, i % 2 ? "a" : "b", i % 3, i, 0), 0);
    assert_int_equal(groups_delete(fixture->broker->groups, bytes_from("b"), NULL), ERR_OK);
    assert_null(groups_find(fixture->broker->groups, bytes_from("b")));
    restart(fixture);
    assert_null(groups_find(fixture->broker->groups, bytes_from("b")));
    assert_int_equal(committed(fixture, "a", 0), 15);
    assert_int_equal(committed(fixture, "a", 1), 19);
    assert_int_equal(committed(fixture, "a", 2), 17);
    assert_int_equal(committed(fixture, "b", 0), -1);
}

static void a_deleted_topic_takes_its_offsets_along(void **state)
{
    struct fixture *fixture = *state;
    struct arena arena = ARENA_INIT;
    create(fixture, "orders", 1, 0);
    assert_int_equal(commit(fixture, "billing", 0, 41, 0), 0);
    struct bytes name = bytes_from("orders");
    struct kafka_delete_topics_request m = {.topic_names = &name, .topic_names_count = 1};
    struct kafka_delete_topics_response response;
    ask(fixture, KAFKA_DELETE_TOPICS, 3, &m, &response, &arena);
    assert_int_equal(response.responses[0].error_code, 0);
    arena_release(&arena);
    create(fixture, "orders", 1, 0);
    assert_int_equal(committed(fixture, "billing", 0), -1);
}

static void a_stream_commits_without_being_a_member(void **state)
{
    struct fixture *fixture = *state;
    create(fixture, "orders", 2, 0);
    int32_t partitions[] = {0, 1};
    int64_t offsets[] = {10, 20};
    assert_int_equal(
        broker_group_commit(fixture->broker, "stream", "orders", partitions, offsets, 2, NULL),
        ERR_OK);
    struct arena arena = ARENA_INIT;
    const struct log_group *groups;
    size_t count;
    assert_int_equal(broker_group_list(fixture->broker, &arena, &groups, &count, NULL), ERR_OK);
    assert_int_equal(count, 1);
    assert_string_equal(groups[0].id, "stream");
    assert_string_equal(groups[0].state, "Empty");
    assert_int_equal(groups[0].offset_count, 2);
    assert_int_equal(groups[0].offsets[1].committed, 20);
    assert_int_equal(groups[0].offsets[1].end, 0);
    struct str metrics = {0};
    broker_collect(&metrics, fixture->broker);
    assert_non_null(strstr(str_text(&metrics),
                           "kafka_consumergroup_current_offset{consumergroup=\"stream\","
                           "partition=\"1\",topic=\"orders\"} 20\n"));
    assert_non_null(strstr(str_text(&metrics), "kafka_topic_partitions{topic=\"orders\"} 2\n"));
    str_release(&metrics);
    arena_release(&arena);
}

static void a_group_of_any_bytes_does_not_spoil_the_metrics(void **state)
{
    struct fixture *fixture = *state;
    create(fixture, "orders", 1, 0);
    assert_int_equal(broker_group_commit(fixture->broker, "a\"\\\n\xff\xc3", "orders",
                                         (int32_t[]){0}, (int64_t[]){10}, 1, NULL),
                     ERR_OK);
    struct str metrics = {0};
    broker_collect(&metrics, fixture->broker);
    assert_non_null(
        strstr(str_text(&metrics), "{consumergroup=\"a\\\"\\\\\\n\xef\xbf\xbd\xef\xbf\xbd\","));
    assert_true(utf8_valid((const uint8_t *)metrics.ptr, metrics.size));
    str_release(&metrics);
}

static void an_unknown_group_is_dead_and_since_v6_not_found(void **state)
{
    struct arena arena = ARENA_INIT;
    struct bytes id = bytes_from("nobody");
    struct kafka_describe_groups_request m = {&id, 1, false};
    struct kafka_describe_groups_response response;
    ask(*state, KAFKA_DESCRIBE_GROUPS, 5, &m, &response, &arena);
    assert_int_equal(response.groups[0].error_code, 0);
    assert_true(bytes_is(response.groups[0].group_state, "Dead"));
    ask(*state, KAFKA_DESCRIBE_GROUPS, 6, &m, &response, &arena);
    assert_int_equal(response.groups[0].error_code, 69);
    arena_release(&arena);
}

static void put_join(int fd, const char *group)
{
    struct kafka_join_group_request_protocol protocol = {bytes_from("range"), bytes_from("x")};
    struct kafka_join_group_request m;
    kafka_join_group_request_init(&m);
    m.group_id = bytes_from(group);
    m.session_timeout_ms = 600000; // longer than any machine sleeps
    m.rebalance_timeout_ms = 600000;
    m.protocol_type = bytes_from("consumer");
    m.protocols = &protocol;
    m.protocols_count = 1;
    put_request(fd, KAFKA_JOIN_GROUP, 2, 1, &m);
}

static void a_stopping_broker_does_not_wait_for_held_joins(void **state)
{
    struct fixture *fixture = *state;
    int first = dial(fixture);
    int second = dial(fixture);
    put_join(first, "held");
    buf_unref(get_frame(first));
    put_join(second, "held"); // waits for the first to rejoin
    for (;;) {                // until the broker holds it
        struct group *group = groups_find(fixture->broker->groups, bytes_from("held"));
        mutex_lock(&group->lock);
        bool held = group->members.count == 2;
        mutex_unlock(&group->lock);
        group_unref(group);
        if (held)
            break;
    }
    restart(fixture);
    close(first);
    close(second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(api_versions_of_the_future_are_answered_in_version_0),
        TEST(ranges_satisfy_old_librdkafka_and_new_java),
        TEST(a_software_name_that_breaks_the_rule_is_refused),
        TEST(what_is_not_served_closes_the_connection),
        TEST(a_frame_of_impossible_size_closes_the_connection),
        TEST(what_was_asked_before_a_bad_request_is_still_answered),
        TEST(pipelined_requests_are_answered_in_their_order),
        TEST(every_golden_request_gets_an_answer_of_its_shape),
        TEST(topics_are_created_once_under_valid_names),
        TEST(a_recreated_topic_has_another_id),
        TEST(metadata_makes_topics_only_when_allowed),
        TEST(committed_offsets_survive_a_restart),
        TEST(an_offset_kept_for_longer_than_time_is_kept),
        TEST(a_deleted_group_stays_deleted),
        TEST(a_deleted_topic_takes_its_offsets_along),
        TEST(a_stream_commits_without_being_a_member),
        TEST(a_group_of_any_bytes_does_not_spoil_the_metrics),
        TEST(an_unknown_group_is_dead_and_since_v6_not_found),
        TEST(a_stopping_broker_does_not_wait_for_held_joins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
