// SPDX-License-Identifier: Apache-2.0
//
// AlterPartitionReassignments: on one node a partition can only be assigned to where it is, which
// is done at once, so there is never a reassignment to cancel.
#include "wire/kafka/alter_partition_reassignments.h"

#include "broker/access.h"
#include "broker/topics.h"

enum { NO_REASSIGNMENT_IN_PROGRESS = 85 };

typedef struct kafka_alter_partition_reassignments_response_reassignable_topic_response topic_out;
typedef struct kafka_alter_partition_reassignments_response_reassignable_partition_response
    partition_out;
typedef struct kafka_alter_partition_reassignments_request_reassignable_topic topic_in;

static void
reassign(struct request *request, struct topic *topic,
         const struct kafka_alter_partition_reassignments_request_reassignable_partition *in,
         partition_out *out)
{
    struct diag diag = DIAG_INIT;
    err_t err = ERR_OK;
    kafka_alter_partition_reassignments_response_reassignable_partition_response_init(out);
    out->partition_index = in->partition_index;
    if (!topic || !topic_partition(topic, in->partition_index)) {
        err = FAIL(&diag, ERR_UNKNOWN_TOPIC, "Unable to find partition %d.", in->partition_index);
    } else if (in->replicas_count < 0) {
        out->error_code = NO_REASSIGNMENT_IN_PROGRESS;
        out->error_message = bytes_from("No partition reassignment is in progress.");
        return;
    } else {
        err = topics_check_replicas(in->replicas, in->replicas_count, &diag);
    }
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, &diag);
}

static void fill_topic(struct request *request, const topic_in *in, err_t refused, topic_out *out)
{
    struct topic *topic = log_store_topic(request->broker->store, in->name);
    kafka_alter_partition_reassignments_response_reassignable_topic_response_init(out);
    out->name = in->name;
    out->partitions_count = in->partitions_count;
    out->partitions = ARENA_ARRAY(&request->arena, partition_out, (size_t)in->partitions_count);
    for (int32_t p = 0; p < in->partitions_count; p++) {
        reassign(request, topic, &in->partitions[p], &out->partitions[p]);
        if (refused != ERR_OK) {
            out->partitions[p].error_code = kafka_code(refused);
            out->partitions[p].error_message = kafka_story(request, refused, NULL);
        }
    }
    topic_unref(topic);
}

void alter_partition_reassignments_handle(struct request *request)
{
    const struct kafka_alter_partition_reassignments_request *m = request->message;
    struct kafka_alter_partition_reassignments_response response;
    kafka_alter_partition_reassignments_response_init(&response);
    err_t refused = request_may_cluster(request, ACL_ALTER) ? ERR_OK : ERR_CLUSTER_UNAUTHORIZED;
    response.error_code = kafka_code(refused);
    response.error_message = kafka_story(request, refused, NULL);
    response.allow_replication_factor_change = m->allow_replication_factor_change;
    response.responses_count = m->topics_count;
    response.responses = ARENA_ARRAY(&request->arena, topic_out, (size_t)m->topics_count);
    for (int32_t t = 0; t < m->topics_count; t++)
        fill_topic(request, &m->topics[t], refused, &response.responses[t]);
    request_respond(request, &response);
}
