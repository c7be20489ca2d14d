// SPDX-License-Identifier: Apache-2.0
//
// AlterReplicaLogDirs: with one log directory a replica can only be moved to where it is.
#include "wire/kafka/alter_replica_log_dirs.h"

#include "broker/access.h"
#include "broker/topics.h"

enum { LOG_DIR_NOT_FOUND = 57 };

typedef struct kafka_alter_replica_log_dirs_response_alter_replica_log_dir_topic_result topic_out;
typedef struct kafka_alter_replica_log_dirs_response_alter_replica_log_dir_partition_result
    partition_out;

struct moves {
    struct topics_item *items; // sorted; of several moves of one partition the last one counts
    size_t count;
    struct bytes *paths; // by index
};

static struct moves load(struct request *request)
{
    const struct kafka_alter_replica_log_dirs_request *m = request->message;
    struct moves moves = {0};
    size_t room = 0;
    for (int32_t d = 0; d < m->dirs_count; d++)
        for (int32_t t = 0; t < m->dirs[d].topics_count; t++)
            room += (size_t)m->dirs[d].topics[t].partitions_count;
    moves.items = ARENA_ARRAY(&request->arena, struct topics_item, room);
    moves.paths = ARENA_ARRAY(&request->arena, struct bytes, room);
    for (int32_t d = 0; d < m->dirs_count; d++)
        for (int32_t t = 0; t < m->dirs[d].topics_count; t++)
            for (int32_t p = 0; p < m->dirs[d].topics[t].partitions_count; p++) {
                moves.items[moves.count] =
                    (struct topics_item){.topic = m->dirs[d].topics[t].name,
                                         .partition = m->dirs[d].topics[t].partitions[p],
                                         .index = moves.count};
                moves.paths[moves.count++] = m->dirs[d].path;
            }
    topics_sort(moves.items, moves.count);
    return moves;
}

static int16_t move(struct topic *topic, int32_t partition, bool is_our_dir)
{
    if (!is_our_dir)
        return LOG_DIR_NOT_FOUND;
    return kafka_code(topic && topic_partition(topic, partition) ? ERR_OK : ERR_UNKNOWN_TOPIC);
}

static void answer(struct request *request)
{
    struct kafka_alter_replica_log_dirs_response response;
    kafka_alter_replica_log_dirs_response_init(&response);
    struct moves moves = load(request);
    const char *dir = broker_log_dir(request);
    bool may = request_may_cluster(request, ACL_ALTER);
    response.results = ARENA_ARRAY(&request->arena, topic_out, moves.count);
    for (size_t i = 0, end; i < moves.count; i = end) {
        topic_out *out = &response.results[response.results_count++];
        const struct topics_item *items = moves.items;
        struct topic *topic = log_store_topic(request->broker->store, items[i].topic);
        for (end = i; end < moves.count && bytes_equal(items[end].topic, items[i].topic);)
            end++;
        out->topic_name = items[i].topic;
        out->partitions = ARENA_ARRAY(&request->arena, partition_out, end - i);
        for (size_t k = i; k < end; k++)
            if (k + 1 == end || items[k].partition != items[k + 1].partition)
                out->partitions[out->partitions_count++] = (partition_out){
                    items[k].partition, may ? move(topic, items[k].partition,
                                                   bytes_is(moves.paths[items[k].index], dir))
                                            : kafka_code(ERR_CLUSTER_UNAUTHORIZED)};
        topic_unref(topic);
    }
    request_respond(request, &response);
}

void alter_replica_log_dirs_handle(struct request *request)
{
    request_work(request, answer);
}
