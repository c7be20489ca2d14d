// SPDX-License-Identifier: Apache-2.0
//
// DescribeLogDirs: how much each partition takes on disk. There is one log directory. Partitions
// that do not exist are left out of the answer.
#include "wire/kafka/describe_log_dirs.h"

#include "broker/access.h"
#include "broker/topics.h"
#include "os/file.h"

typedef struct kafka_describe_log_dirs_response_result result_t;
typedef struct kafka_describe_log_dirs_response_topic topic_out;
typedef struct kafka_describe_log_dirs_response_partition partition_out;

static struct topics_item *asked_items(struct request *request, size_t *count)
{
    const struct kafka_describe_log_dirs_request *m = request->message;
    size_t room = 0;
    *count = 0;
    for (int32_t t = 0; t < m->topics_count; t++)
        room += (size_t)m->topics[t].partitions_count;
    struct topics_item *items = ARENA_ARRAY(&request->arena, struct topics_item, room);
    for (int32_t t = 0; t < m->topics_count; t++)
        for (int32_t p = 0; p < m->topics[t].partitions_count; p++) {
            items[*count] = (struct topics_item){.topic = m->topics[t].topic,
                                                 .partition = m->topics[t].partitions[p],
                                                 .index = *count};
            (*count)++;
        }
    topics_sort(items, *count);
    return items;
}

static void add_partition(topic_out *out, struct topic *topic, int32_t index)
{
    struct partition *partition = topic_partition(topic, index);
    if (!partition)
        return;
    out->partitions[out->partitions_count++] = (partition_out){
        .partition_index = index, .partition_size = partition_offsets(partition).bytes};
}

static void fill_asked(struct request *request, result_t *out)
{
    size_t count;
    const struct topics_item *items = asked_items(request, &count);
    out->topics = ARENA_ARRAY(&request->arena, topic_out, count);
    for (size_t i = 0, end; i < count; i = end) {
        topic_out *slot = &out->topics[out->topics_count];
        struct topic *topic = log_store_topic(request->broker->store, items[i].topic);
        for (end = i; end < count && bytes_equal(items[end].topic, items[i].topic);)
            end++;
        *slot = (topic_out){.name = items[i].topic,
                            .partitions = ARENA_ARRAY(&request->arena, partition_out, end - i)};
        for (size_t k = i; topic && k < end; k++)
            if (k == i || items[k].partition != items[k - 1].partition)
                add_partition(slot, topic, items[k].partition);
        out->topics_count += slot->partitions_count > 0;
        topic_unref(topic);
    }
}

static void fill_all(struct request *request, result_t *out)
{
    size_t count;
    struct topic **topics = log_store_topics(request->broker->store, &request->arena, &count);
    out->topics = ARENA_ARRAY(&request->arena, topic_out, count);
    out->topics_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        int32_t partitions = topic_partition_count(topics[i]);
        out->topics[i].name = bytes_from(arena_strdup(&request->arena, topic_name(topics[i])));
        out->topics[i].partitions = ARENA_ARRAY(&request->arena, partition_out, (size_t)partitions);
        for (int32_t p = 0; p < partitions; p++)
            add_partition(&out->topics[i], topics[i], p);
        topic_unref(topics[i]);
    }
}

static void run(struct request *request)
{
    const struct kafka_describe_log_dirs_request *m = request->message;
    struct kafka_describe_log_dirs_response response;
    kafka_describe_log_dirs_response_init(&response);
    result_t result;
    kafka_describe_log_dirs_response_result_init(&result);
    if (!request_may_cluster(request, ACL_DESCRIBE)) {
        response.error_code = kafka_code(ERR_CLUSTER_UNAUTHORIZED);
        request_respond(request, &response);
        return;
    }
    const char *dir = broker_log_dir(request);
    struct disk_space space;
    err_t err = dir_space(dir, &space, NULL);
    result.log_dir = bytes_from(dir);
    result.error_code = kafka_code(err);
    if (err == ERR_OK) {
        result.total_bytes = (int64_t)space.total_bytes;
        result.usable_bytes = (int64_t)space.free_bytes;
        if (m->topics_count < 0)
            fill_all(request, &result);
        else
            fill_asked(request, &result);
    }
    response.results = &result;
    response.results_count = 1;
    request_respond(request, &response);
}

void describe_log_dirs_handle(struct request *request)
{
    request_work(request, run);
}
