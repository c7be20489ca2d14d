// SPDX-License-Identifier: Apache-2.0
//
// WriteTxnMarkers: another coordinator's markers, or an operator's who ends a transaction by hand
// (Admin.abortTransaction). Answered when all of them are durable.
#include "wire/kafka/write_txn_markers.h"

#include "broker/access.h"
#include "broker/txns.h"
#include "os/clock.h"
#include "wire/kafka/marker.h"

typedef struct kafka_write_txn_markers_request_writable_txn_marker in_marker;
typedef struct kafka_write_txn_markers_response_writable_txn_marker_result out_marker;
typedef struct kafka_write_txn_markers_response_writable_txn_marker_topic_result out_topic;
typedef struct kafka_write_txn_markers_response_writable_txn_marker_partition_result out_partition;

struct marking {
    struct request *request;
    struct kafka_write_txn_markers_response response;
    _Atomic size_t left; // markers, and one for the loop that writes them
};

struct place {
    struct marking *marking;
    out_partition *out;
};

static void one_ends(struct marking *marking)
{
    if (--marking->left == 0)
        request_respond(marking->request, &marking->response);
}

static void marked(void *ctx, err_t err)
{
    struct place *place = ctx;
    place->out->error_code = kafka_code(err);
    one_ends(place->marking);
}

static void mark_topic(struct marking *marking, const in_marker *in, int32_t t, out_topic *out)
{
    struct request *request = marking->request;
    const struct marker marker = {.commit = in->transaction_result,
                                  .producer_id = in->producer_id,
                                  .producer_epoch = in->producer_epoch,
                                  .coordinator_epoch = in->coordinator_epoch,
                                  .timestamp_ms = clock_now_ms()};
    struct topic *topic = log_store_topic(request->broker->store, in->topics[t].name);
    for (int32_t p = 0; p < out->partitions_count; p++) {
        struct place *place = ARENA_NEW(&request->arena, struct place);
        *place = (struct place){marking, &out->partitions[p]};
        marking->left++;
        txns_mark(request->broker->txns, topic, in->topics[t].partition_indexes[p], &marker,
                  (uint8_t)in->transaction_version, marked, place);
    }
    topic_unref(topic);
}

static void shape(struct request *request, const in_marker *in, out_marker *out)
{
    out->producer_id = in->producer_id;
    out->topics_count = in->topics_count;
    out->topics = ARENA_ARRAY(&request->arena, out_topic, (size_t)in->topics_count + 1);
    for (int32_t t = 0; t < in->topics_count; t++) {
        out_topic *topic = &out->topics[t];
        topic->name = in->topics[t].name;
        topic->partitions_count = in->topics[t].partition_indexes_count;
        topic->partitions =
            ARENA_ARRAY(&request->arena, out_partition, (size_t)topic->partitions_count + 1);
        for (int32_t p = 0; p < topic->partitions_count; p++)
            topic->partitions[p].partition_index = in->topics[t].partition_indexes[p];
    }
}

void write_txn_markers_handle(struct request *request)
{
    const struct kafka_write_txn_markers_request *m = request->message;
    struct marking *marking = ARENA_NEW(&request->arena, struct marking);
    bool allowed = request_could(request, ACL_ALTER, ACL_CLUSTER, bytes_from(ACL_CLUSTER_NAME)) ||
                   request_may_cluster(request, ACL_CLUSTER_ACTION);
    marking->request = request;
    marking->left = 1;
    kafka_write_txn_markers_response_init(&marking->response);
    marking->response.markers_count = m->markers_count;
    marking->response.markers =
        ARENA_ARRAY(&request->arena, out_marker, (size_t)m->markers_count + 1);
    for (int32_t i = 0; i < m->markers_count; i++)
        shape(request, &m->markers[i], &marking->response.markers[i]);
    for (int32_t i = 0; i < m->markers_count; i++)
        for (int32_t t = 0; t < m->markers[i].topics_count; t++) {
            out_topic *out = &marking->response.markers[i].topics[t];
            for (int32_t p = 0; !allowed && p < out->partitions_count; p++)
                out->partitions[p].error_code = kafka_code(ERR_CLUSTER_UNAUTHORIZED);
            if (allowed)
                mark_topic(marking, &m->markers[i], t, out);
        }
    one_ends(marking);
}
