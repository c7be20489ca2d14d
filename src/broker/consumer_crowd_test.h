// SPDX-License-Identifier: Apache-2.0
//
// consumer_crowd_test: members of both protocols in one group, for tests. Those of the classic one
// behave as a client library does, eager or cooperative, and assign when they lead.
#ifndef BROKER_CONSUMER_CROWD_TEST_H
#define BROKER_CONSUMER_CROWD_TEST_H

#include "broker/consumer_test.h"

#include "wire/kafka/consumer_protocol.h"

enum { OLDS_MAX = 4, PARTITIONS = 6 };

static bool is_cooperative;

// A member of the classic protocol.
struct old {
    struct world *world;
    struct arena arena;
    char id[64];
    const char *instance;
    struct bytes metadata; // instead of its subscription
    const char *type, *protocol;
    int32_t generation;
    bool owns[PARTITIONS];
    bool in;               // takes part at all
    bool rejoin;           // knows that it must
    bool joining, syncing; // waits for an answer
    bool leads;
    bool owes_sync; // has joined
    struct group_join join;
    struct group_sync sync;
};

static inline struct old old_make(struct world *world)
{
    return (struct old){.world = world,
                        .arena = ARENA_INIT,
                        .type = "consumer",
                        .protocol = "range",
                        .in = true,
                        .rejoin = true};
}

static inline void old_release(struct old *old)
{
    arena_release(&old->arena);
}

static inline struct bytes subscription_of(struct old *old)
{
    struct str text = {0};
    struct kafka_consumer_protocol_subscription m;
    struct kafka_consumer_protocol_subscription_topic_partition owned = {bytes_from("orders"), NULL,
                                                                         0};
    struct bytes topic = bytes_from("orders");
    kafka_consumer_protocol_subscription_init(&m);
    m.topics = &topic;
    m.topics_count = 1;
    owned.partitions = ARENA_ARRAY(&old->arena, int32_t, PARTITIONS);
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (old->owns[p])
            owned.partitions[owned.partitions_count++] = p;
    m.owned_partitions = &owned;
    m.owned_partitions_count = 1;
    writer_i16(&text, 1);
    kafka_consumer_protocol_subscription_encode(&m, 1, &text);
    struct bytes copy = arena_bytes(&old->arena, str_bytes(&text));
    str_release(&text);
    return copy;
}

static inline struct bytes assignment_of(struct arena *arena, const bool parts[PARTITIONS],
                                         const char *data)
{
    struct str text = {0};
    struct kafka_consumer_protocol_assignment m;
    struct kafka_consumer_protocol_assignment_assigned_partition topic = {bytes_from("orders"),
                                                                          NULL, 0};
    kafka_consumer_protocol_assignment_init(&m);
    topic.partitions = ARENA_ARRAY(arena, int32_t, PARTITIONS);
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (parts[p])
            topic.partitions[topic.partitions_count++] = p;
    m.assigned_partitions = &topic;
    m.assigned_partitions_count = 1;
    m.user_data = data ? bytes_from(data) : BYTES_NULL;
    writer_i16(&text, 1);
    kafka_consumer_protocol_assignment_encode(&m, 1, &text);
    struct bytes copy = arena_bytes(arena, str_bytes(&text));
    str_release(&text);
    return copy;
}

static inline void read_assignment(struct old *old, struct bytes bytes, bool parts[PARTITIONS])
{
    struct kafka_consumer_protocol_assignment m;
    struct reader reader = reader_make(bytes);
    memset(parts, 0, PARTITIONS * sizeof *parts);
    if (!bytes.size)
        return;
    assert_int_equal(reader_i16(&reader), 1);
    assert_true(kafka_consumer_protocol_assignment_decode(&m, 1, &reader, &old->arena));
    for (int32_t t = 0; t < m.assigned_partitions_count; t++)
        for (int32_t i = 0; i < m.assigned_partitions[t].partitions_count; i++)
            parts[m.assigned_partitions[t].partitions[i]] = true;
}

static inline void on_joined(struct group_join *join)
{
    struct old *old = CONTAINER_OF(join, struct old, join);
    old->joining = false;
    if (join->new_member_id.size)
        snprintf(old->id, sizeof old->id, "%.*s", BYTES_PRINT(join->new_member_id));
    if (join->err == ERR_UNKNOWN_MEMBER)
        old->id[0] = '\0';
    if (join->err != ERR_OK)
        return;
    old->generation = join->generation;
    old->leads = bytes_is(join->leader, old->id);
    old->rejoin = false;
    old->owes_sync = true;
}

static inline void on_synced(struct group_sync *sync)
{
    struct old *old = CONTAINER_OF(sync, struct old, sync);
    bool parts[PARTITIONS];
    old->syncing = false;
    if (sync->err != ERR_OK) {
        old->rejoin = true;
        return;
    }
    read_assignment(old, sync->assignment, parts);
    for (int p = 0; p < PARTITIONS; p++)
        if (is_cooperative && old->owns[p] && !parts[p])
            old->rejoin = true; // has revoked it now
    memcpy(old->owns, parts, sizeof parts);
}

static inline err_t old_join(struct old *old)
{
    struct group_protocol *protocol = ARENA_NEW(&old->arena, struct group_protocol);
    if (!is_cooperative)
        memset(old->owns, 0, sizeof old->owns);
    *protocol = (struct group_protocol){bytes_from(old->protocol),
                                        old->metadata.ptr ? old->metadata : subscription_of(old)};
    old->joining = true;
    old->join = (struct group_join){
        .err = ERR_OK,
        .member_id = bytes_from(arena_strdup(&old->arena, old->id)),
        .instance_id = old->instance ? bytes_from(old->instance) : BYTES_NULL,
        .client_id = bytes_from("old"),
        .client_host = bytes_from("/127.0.0.1"),
        .protocol_type = bytes_from(old->type),
        .protocols = protocol,
        .protocol_count = 1,
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = 60000,
        .member_id_required = true,
        .arena = &old->arena,
        .done = on_joined,
    };
    group_join(old->world->group, &old->join);
    return old->join.err;
}

// As a cooperative assignor: what another has is given to nobody until it was given up.
static inline const struct group_assignment *lead(struct old *old)
{
    size_t count = old->join.member_count;
    struct group_assignment *out = ARENA_ARRAY(&old->arena, struct group_assignment, count);
    bool(*owned)[PARTITIONS] = arena_zalloc(&old->arena, sizeof *owned * count);
    bool(*given)[PARTITIONS] = arena_zalloc(&old->arena, sizeof *given * count);
    for (size_t m = 0; m < count; m++) {
        struct kafka_consumer_protocol_subscription says;
        struct reader reader = reader_make(old->join.members[m].metadata);
        assert_int_equal(reader_i16(&reader), 1);
        assert_true(kafka_consumer_protocol_subscription_decode(&says, 1, &reader, &old->arena));
        for (int32_t i = 0; i < says.owned_partitions[0].partitions_count; i++)
            owned[m][says.owned_partitions[0].partitions[i]] = true;
    }
    for (size_t p = 0; p < PARTITIONS; p++) {
        bool held = false;
        for (size_t m = 0; m < count; m++)
            held = held || (m != p % count && owned[m][p]);
        given[p % count][p] = !held;
    }
    for (size_t m = 0; m < count; m++)
        out[m] = (struct group_assignment){old->join.members[m].member_id,
                                           assignment_of(&old->arena, given[m], NULL)};
    return out;
}

static inline struct group_caller old_caller(const struct old *old)
{
    return (struct group_caller){bytes_from(old->id),
                                 old->instance ? bytes_from(old->instance) : BYTES_NULL,
                                 old->generation};
}

static inline err_t old_sync(struct old *old)
{
    old->syncing = true;
    old->owes_sync = false;
    old->sync = (struct group_sync){.err = ERR_OK,
                                    .caller = old_caller(old),
                                    .protocol_type = bytes_from(old->type),
                                    .protocol_name = bytes_from(old->protocol),
                                    .assignments = old->leads ? lead(old) : NULL,
                                    .assignment_count = old->leads ? old->join.member_count : 0,
                                    .arena = &old->arena,
                                    .done = on_synced};
    old->leads = false;
    group_sync(old->world->group, &old->sync);
    return old->sync.err;
}

static inline err_t old_beat(struct old *old)
{
    struct group_caller who = old_caller(old);
    err_t err = group_heartbeat(old->world->group, &who);
    old->rejoin = old->rejoin || err != ERR_OK;
    if (err == ERR_UNKNOWN_MEMBER)
        old->id[0] = '\0';
    if (err == ERR_UNKNOWN_MEMBER || err == ERR_ILLEGAL_GENERATION) // has lost what it had
        memset(old->owns, 0, sizeof old->owns);
    return err;
}

static inline void old_leave(struct old *old)
{
    struct group_caller who = old_caller(old);
    memset(old->owns, 0, sizeof old->owns);
    old->in = false;
    assert_int_equal(test_leave(old->world->group, &who), ERR_OK);
}

// What a client library does next.
static inline void old_turn(struct old *old)
{
    if (!old->in || old->joining || old->syncing)
        return;
    if (!old->rejoin && old_beat(old) == ERR_OK)
        return;
    if (old_join(old) == ERR_MEMBER_ID_REQUIRED)
        old_join(old);
}

// --- a crowd of both -----------------------------------------------------------------

struct crowd {
    struct world world;
    struct old olds[OLDS_MAX];
    struct client news[OLDS_MAX];
    bool new_in[OLDS_MAX];
    int made;
};

static inline void crowd_begin(struct crowd *crowd, bool cooperative)
{
    *crowd = (struct crowd){0};
    begin(&crowd->world);
    set_topic(&crowd->world, 0, "orders", PARTITIONS);
    is_cooperative = cooperative;
    for (int i = 0; i < OLDS_MAX; i++) {
        crowd->olds[i] = old_make(&crowd->world);
        crowd->olds[i].in = false;
        crowd->news[i] = client_make(&crowd->world, "");
    }
}

static inline void crowd_end(struct crowd *crowd)
{
    end(&crowd->world);
    for (int i = 0; i < OLDS_MAX; i++) {
        old_release(&crowd->olds[i]);
        release(&crowd->news[i]);
    }
}

static inline int owners_of(const struct crowd *crowd, int partition)
{
    int owners = 0;
    for (int i = 0; i < OLDS_MAX; i++) {
        owners += crowd->olds[i].owns[partition];
        const struct consumer_parts *owned = &crowd->news[i].owned;
        for (size_t k = 0; crowd->new_in[i] && k < owned->count; k++)
            owners += owned->items[k].partition == partition;
    }
    return owners;
}

static inline void nobody_shares(const struct crowd *crowd)
{
    for (int p = 0; p < PARTITIONS; p++)
        assert_true(owners_of(crowd, p) <= 1);
}

static inline bool is_settled(const struct crowd *crowd)
{
    for (int p = 0; p < PARTITIONS; p++)
        if (owners_of(crowd, p) != 1)
            return false;
    return strcmp(group_state_name(crowd->world.group), "Stable") == 0;
}

// Those whose join was answered, perhaps because of another, sync.
static inline void olds_sync(struct crowd *crowd)
{
    for (int i = 0; i < OLDS_MAX; i++)
        if (crowd->olds[i].in && crowd->olds[i].owes_sync)
            old_sync(&crowd->olds[i]);
    nobody_shares(crowd);
}

static inline void old_act(struct crowd *crowd, int index)
{
    old_turn(&crowd->olds[index]);
    olds_sync(crowd);
}

static inline void new_enter(struct crowd *crowd, int index)
{
    struct client *client = &crowd->news[index];
    snprintf(client->id, sizeof client->id, "new-%d", crowd->made++);
    vec_clear(&client->owned);
    crowd->new_in[index] = true;
    assert_int_equal(join(client), ERR_OK);
    nobody_shares(crowd);
}

static inline void new_act(struct crowd *crowd, int index)
{
    struct client *client = &crowd->news[index];
    if (!crowd->new_in[index])
        return;
    err_t err = beat(client);
    if (err == ERR_FENCED_MEMBER_EPOCH || err == ERR_UNKNOWN_MEMBER) {
        vec_clear(&client->owned);
        assert_int_equal(join(client), ERR_OK);
    } else {
        assert_int_equal(err, ERR_OK);
    }
    nobody_shares(crowd);
}

static inline void new_leave(struct crowd *crowd, int index)
{
    crowd->new_in[index] = false;
    send(&crowd->news[index], -1);
    assert_int_equal(crowd->news[index].beat.err, ERR_OK);
}

static inline void old_enter(struct crowd *crowd, int index)
{
    old_release(&crowd->olds[index]);
    crowd->olds[index] = old_make(&crowd->world);
    old_act(crowd, index);
}

static inline void everybody_acts(struct crowd *crowd)
{
    for (int i = 0; i < OLDS_MAX; i++) {
        old_act(crowd, i);
        new_act(crowd, i);
    }
}

static inline void crowd_settles(struct crowd *crowd)
{
    // Longer than any timeout: who was lost in a restart is given up.
    for (int round = 0; round < 90 && (round < 5 || !is_settled(crowd)); round++) {
        wait_for_target();
        group_tick(crowd->world.group);
        olds_sync(crowd);
        everybody_acts(crowd);
    }
    assert_true(is_settled(crowd));
}

static inline void kill_and_restart(struct crowd *crowd)
{
    for (int i = 0; i < OLDS_MAX; i++)
        crowd->olds[i].rejoin =
            crowd->olds[i].rejoin || crowd->olds[i].joining || crowd->olds[i].syncing;
    for (int i = 0; i < OLDS_MAX; i++)
        crowd->olds[i].owes_sync = false;
    restart(&crowd->world);
    nobody_shares(crowd);
}

#endif
