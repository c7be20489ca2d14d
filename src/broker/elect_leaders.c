// SPDX-License-Identifier: Apache-2.0
//
// ElectLeaders: the only replica leads every partition already, so no election is ever needed.
#include "wire/kafka/elect_leaders.h"

#include "broker/access.h"
#include "broker/topics.h"

enum { ELECTION_PREFERRED = 0, ELECTION_UNCLEAN = 1, ELECTION_NOT_NEEDED = 84 };

typedef struct kafka_elect_leaders_response_replica_election_result topic_out;
typedef struct kafka_elect_leaders_response_partition_result partition_out;

static void elect(struct request *request, struct topic *topic, int16_t refused, partition_out *out)
{
    bool present = topic && topic_partition(topic, out->partition_id);
    if (refused) {
        out->error_code = refused;
        out->error_message = bytes_from("the request is refused");
    } else if (present) {
        out->error_code = ELECTION_NOT_NEEDED;
        out->error_message = bytes_from("Leader election not needed for topic partition.");
    } else {
        out->error_code = kafka_code(ERR_UNKNOWN_TOPIC);
        out->error_message = bytes_from(
            arena_printf(&request->arena, "there is no partition %d", out->partition_id));
    }
}

static void fill_asked(struct request *request, struct kafka_elect_leaders_response *response)
{
    const struct kafka_elect_leaders_request *m = request->message;
    response->replica_election_results_count = m->topic_partitions_count;
    response->replica_election_results =
        ARENA_ARRAY(&request->arena, topic_out, (size_t)m->topic_partitions_count);
    for (int32_t t = 0; t < m->topic_partitions_count; t++) {
        const struct kafka_elect_leaders_request_topic_partitions *in = &m->topic_partitions[t];
        topic_out *out = &response->replica_election_results[t];
        struct topic *topic = log_store_topic(request->broker->store, in->topic);
        out->topic = in->topic;
        out->partition_result_count = in->partitions_count;
        out->partition_result =
            ARENA_ARRAY(&request->arena, partition_out, (size_t)in->partitions_count);
        for (int32_t p = 0; p < in->partitions_count; p++) {
            out->partition_result[p].partition_id = in->partitions[p];
            elect(request, topic, response->error_code, &out->partition_result[p]);
        }
        topic_unref(topic);
    }
}

// Asked for all, the answer names partitions that got another leader: none.
static void fill_all(struct request *request, struct kafka_elect_leaders_response *response)
{
    size_t count;
    struct topic **topics = log_store_topics(request->broker->store, &request->arena, &count);
    response->replica_election_results_count = (int32_t)count;
    response->replica_election_results = ARENA_ARRAY(&request->arena, topic_out, count);
    for (size_t i = 0; i < count; i++) {
        response->replica_election_results[i].topic =
            bytes_from(arena_strdup(&request->arena, topic_name(topics[i])));
        topic_unref(topics[i]);
    }
}

void elect_leaders_handle(struct request *request)
{
    const struct kafka_elect_leaders_request *m = request->message;
    struct kafka_elect_leaders_response response;
    kafka_elect_leaders_response_init(&response);
    if (!request_may_cluster(request, ACL_ALTER))
        response.error_code = kafka_code(ERR_CLUSTER_UNAUTHORIZED);
    else if (m->election_type != ELECTION_PREFERRED && m->election_type != ELECTION_UNCLEAN &&
             m->topic_partitions_count != 0)
        response.error_code = kafka_code(ERR_INVALID);
    if (m->topic_partitions_count >= 0)
        fill_asked(request, &response);
    else if (response.error_code == 0)
        fill_all(request, &response);
    request_respond(request, &response);
}
