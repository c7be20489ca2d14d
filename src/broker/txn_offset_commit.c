// SPDX-License-Identifier: Apache-2.0
//
// TxnOffsetCommit: offsets that count once their transaction commits. The caller has to be the
// producer of the open transaction and, from version 3 on, a member of the group's present
// generation (KIP-447): both are asked, and the offsets registered as pending, under both mutexes,
// so that neither the end of the transaction nor a rebalance comes between.
#include "wire/kafka/txn_offset_commit.h"

#include "broker/access.h"
#include "broker/topics.h"
#include "broker/txn_enrol.h"
#include "broker/txn_offsets.h"
#include "os/clock.h"

enum {
    ABORTABLE_FROM = 4, // older clients know error 48 only
    ENROLS_FROM = 5,    // KIP-890: AddOffsetsToTxn is not sent
};

struct committing {
    struct request *request;
    struct kafka_txn_offset_commit_response response;
    struct txn_offset_write write;
    struct txn_enrol enrol;
    struct txn *txn; // a reference
    struct offset_change *changes;
    size_t count;
    _Atomic int left; // the append, and the function that starts it
};

// --- the answer ----------------------------------------------------------------------

static void shape_response(struct request *request,
                           struct kafka_txn_offset_commit_response *response)
{
    const struct kafka_txn_offset_commit_request *m = request->message;
    kafka_txn_offset_commit_response_init(response);
    response->topics_count = m->topics_count;
    response->topics =
        ARENA_ARRAY(&request->arena, struct kafka_txn_offset_commit_response_response_topic,
                    (size_t)m->topics_count + 1);
    for (int32_t t = 0; t < m->topics_count; t++) {
        struct kafka_txn_offset_commit_response_response_topic *out = &response->topics[t];
        out->name = m->topics[t].name;
        out->partitions_count = m->topics[t].partitions_count;
        out->partitions =
            ARENA_ARRAY(&request->arena, struct kafka_txn_offset_commit_response_response_partition,
                        (size_t)out->partitions_count + 1);
        for (int32_t p = 0; p < out->partitions_count; p++)
            out->partitions[p].partition_index = m->topics[t].partitions[p].partition_index;
    }
}

// Gives every partition that has no error yet this one, and answers.
static void respond(struct committing *committing, err_t err)
{
    struct kafka_txn_offset_commit_response *response = &committing->response;
    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t p = 0; p < response->topics[t].partitions_count; p++)
            if (response->topics[t].partitions[p].error_code == 0)
                response->topics[t].partitions[p].error_code = kafka_code(err);
    txn_unref(committing->txn);
    request_respond(committing->request, response);
}

static err_t client_error(const struct request *request, err_t err)
{
    if (err == ERR_PRODUCER_FENCED)
        return ERR_PRODUCER_EPOCH;
    if (err == ERR_TRANSACTION_ABORTABLE && request_version(request) < ABORTABLE_FROM)
        return ERR_INVALID_TXN_STATE;
    return err;
}

// --- checks --------------------------------------------------------------------------

static err_t check_partition(const struct request *request, const struct topic *topic,
                             int32_t partition_count,
                             const struct kafka_txn_offset_commit_request_request_partition *asked)
{
    if (!topic || asked->partition_index < 0 || asked->partition_index >= partition_count)
        return ERR_UNKNOWN_TOPIC;
    size_t most = (size_t)setting(request->broker, SETTING_OFFSET_METADATA_BYTES);
    return asked->committed_metadata.size > most ? ERR_OFFSET_METADATA_TOO_LARGE : ERR_OK;
}

static void add_topic(struct committing *committing, int32_t t)
{
    struct request *request = committing->request;
    const struct kafka_txn_offset_commit_request *m = request->message;
    const struct kafka_txn_offset_commit_request_request_topic *in = &m->topics[t];
    struct topic *topic = log_store_topic(request->broker->store, in->name);
    bool allowed = request_may(request, ACL_READ, ACL_TOPIC, in->name);
    for (int32_t p = 0; p < in->partitions_count; p++) {
        err_t err = allowed
                        ? check_partition(request, topic, topic ? topic_partition_count(topic) : 0,
                                          &in->partitions[p])
                        : ERR_TOPIC_UNAUTHORIZED;
        committing->response.topics[t].partitions[p].error_code = kafka_code(err);
        if (err != ERR_OK)
            continue;
        struct offset_change *change = &committing->changes[committing->count++];
        *change = (struct offset_change){
            .topic = in->name,
            .partition = in->partitions[p].partition_index,
            .value = {.offset = in->partitions[p].committed_offset,
                      .leader_epoch = in->partitions[p].committed_leader_epoch,
                      .commit_ms = clock_now_ms(),
                      .metadata = in->partitions[p].committed_metadata},
        };
        memcpy(change->value.topic_id, topic_id(topic), sizeof change->value.topic_id);
    }
    topic_unref(topic);
}

static void add_topics(struct committing *committing)
{
    struct request *request = committing->request;
    const struct kafka_txn_offset_commit_request *m = request->message;
    size_t count = 0;
    for (int32_t t = 0; t < m->topics_count; t++)
        count += (size_t)m->topics[t].partitions_count;
    committing->changes = ARENA_ARRAY(&request->arena, struct offset_change, count + 1);
    for (int32_t t = 0; t < m->topics_count; t++)
        add_topic(committing, t);
}

// --- the commit ----------------------------------------------------------------------

static void one_ends(struct committing *committing)
{
    if (--committing->left > 0)
        return;
    err_t err = committing->write.err;
    bool ours = err == ERR_OK || err == ERR_PRODUCER_EPOCH || err == ERR_INVALID_TXN_STATE;
    respond(committing, ours ? err : ERR_COORDINATOR_NOT_AVAILABLE);
}

static void appended(struct txn_offset_write *write)
{
    one_ends(CONTAINER_OF(write, struct committing, write));
}

// With the mutexes of both.
static err_t start(struct committing *committing, struct group *group)
{
    struct request *request = committing->request;
    struct broker *broker = request->broker;
    const struct kafka_txn_offset_commit_request *m = request->message;
    struct group_caller member = {m->member_id, m->group_instance_id, m->generation_id};
    const struct txn_caller caller = {m->producer_id, m->producer_epoch};
    TRY(committing->txn->gone ? ERR_PRODUCER_ID_MAPPING : ERR_OK);
    TRY(txn_verify(committing->txn, &caller, bytes_from(OFFSETS_TOPIC), OFFSETS_PARTITION));
    TRY(group ? group_may_commit_txn(group, &member) : ERR_ILLEGAL_GENERATION);
    for (size_t i = 0; i < committing->count; i++)
        if (group_may_commit_part(group, &member, committing->changes[i].value.topic_id,
                                  committing->changes[i].partition) != ERR_OK)
            return ERR_ILLEGAL_GENERATION;
    if (committing->count == 0)
        return ERR_OK;
    committing->left = 2;
    committing->write = (struct txn_offset_write){
        .producer_id = m->producer_id,
        .epoch = m->producer_epoch,
        .version = request_version(request) >= ENROLS_FROM ? TXN_VERSION_BUMPS : 0,
        .group = m->group_id,
        .changes = committing->changes,
        .count = committing->count,
        .done = appended,
    };
    txn_offsets_write(broker->txn_offsets, &committing->write, groups_partition(broker->groups));
    return ERR_OK;
}

static void commit(struct committing *committing)
{
    struct request *request = committing->request;
    struct groups *groups = request->broker->groups;
    const struct kafka_txn_offset_commit_request *m = request->message;
    struct txn *txn = committing->txn;
    struct group *group =
        m->generation_id < 0 ? groups_get(groups, m->group_id) : groups_find(groups, m->group_id);
    mutex_lock(&txn->lock);
    if (group)
        mutex_lock(&group->lock);
    err_t err = start(committing, group);
    bool starts = err == ERR_OK && committing->count > 0;
    if (group)
        mutex_unlock(&group->lock);
    mutex_unlock(&txn->lock);
    group_unref(group);
    if (starts)
        one_ends(committing);
    else
        respond(committing, client_error(request, err));
}

static void enrolled(struct txn_enrol *enrol)
{
    struct committing *committing = CONTAINER_OF(enrol, struct committing, enrol);
    if (enrol->err == ERR_OK)
        commit(committing);
    else
        respond(committing, client_error(committing->request, enrol->err));
}

static err_t check(struct request *request)
{
    const struct kafka_txn_offset_commit_request *m = request->message;
    if (!request_may(request, ACL_WRITE, ACL_TRANSACTIONAL_ID, m->transactional_id))
        return ERR_TXN_UNAUTHORIZED;
    if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id))
        return ERR_GROUP_UNAUTHORIZED;
    return ERR_OK;
}

void txn_offset_commit_handle(struct request *request)
{
    const struct kafka_txn_offset_commit_request *m = request->message;
    struct committing *committing = ARENA_NEW(&request->arena, struct committing);
    committing->request = request;
    shape_response(request, &committing->response);
    err_t err = check(request);
    if (err == ERR_OK)
        add_topics(committing);
    if (err == ERR_OK && (m->group_id.size == 0 || bytes_has_zero(m->group_id)))
        err = ERR_INVALID_GROUP;
    if (err == ERR_OK && m->transactional_id.size == 0)
        err = ERR_INVALID;
    if (err == ERR_OK && committing->count > 0)
        committing->txn = txns_find(request->broker->txns, m->transactional_id);
    if (err == ERR_OK && committing->count > 0 && !committing->txn)
        err = ERR_PRODUCER_ID_MAPPING;
    if (err != ERR_OK || committing->count == 0) {
        respond(committing, err);
    } else if (request_version(request) < ENROLS_FROM) {
        commit(committing);
    } else {
        committing->enrol = (struct txn_enrol){.request = request,
                                               .txn = committing->txn,
                                               .caller = {m->producer_id, m->producer_epoch},
                                               .done = enrolled};
        txn_partitions_add(&committing->enrol.partitions, bytes_from(OFFSETS_TOPIC),
                           OFFSETS_PARTITION);
        txn_enrol(&committing->enrol);
    }
}
