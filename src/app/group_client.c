// SPDX-License-Identifier: Apache-2.0
#include "app/group_client.h"

#include "base/mem.h"

#include <stdlib.h>

static int by_partition(const void *a, const void *b, void *ctx)
{
    const rd_kafka_topic_partition_t *one = a, *other = b;
    (void)ctx;
    int order = strcmp(one->topic, other->topic);
    return order ? order
                 : (one->partition > other->partition) - (one->partition < other->partition);
}

static err_t all_partitions(struct kafka_client *client, rd_kafka_topic_partition_list_t **out,
                            struct diag *diag)
{
    const struct rd_kafka_metadata *metadata;
    TRY(kafka_client_metadata(client, NULL, &metadata, diag));
    *out = rd_kafka_topic_partition_list_new(64);
    for (int t = 0; t < metadata->topic_cnt; t++)
        for (int p = 0; p < metadata->topics[t].partition_cnt; p++)
            rd_kafka_topic_partition_list_add(*out, metadata->topics[t].topic,
                                              metadata->topics[t].partitions[p].id);
    rd_kafka_metadata_destroy(metadata);
    return ERR_OK;
}

static err_t fetch(struct kafka_client *client, const char *group,
                   const rd_kafka_topic_partition_list_t *asked,
                   rd_kafka_topic_partition_list_t *out, struct diag *diag)
{
    rd_kafka_event_t *event;
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, asked);
    rd_kafka_ListConsumerGroupOffsets(client->rk, &request, 1, NULL, client->queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    TRY(kafka_client_wait(client, &event, diag));
    size_t count;
    const rd_kafka_group_result_t **results = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    const rd_kafka_error_t *error = rd_kafka_group_result_error(results[0]);
    err_t err = error ? kafka_client_failed(diag, rd_kafka_error_code(error),
                                            rd_kafka_error_string(error), group)
                      : ERR_OK;
    const rd_kafka_topic_partition_list_t *told = rd_kafka_group_result_partitions(results[0]);
    for (int i = 0; err == ERR_OK && i < told->cnt; i++)
        if (told->elems[i].offset >= 0)
            rd_kafka_topic_partition_list_add(out, told->elems[i].topic, told->elems[i].partition)
                ->offset = told->elems[i].offset;
    rd_kafka_event_destroy(event);
    return err;
}

err_t group_client_offsets(struct kafka_client *client, const char *group,
                           rd_kafka_topic_partition_list_t **out, struct diag *diag)
{
    rd_kafka_topic_partition_list_t *asked;
    TRY(all_partitions(client, &asked, diag));
    *out = rd_kafka_topic_partition_list_new(16);
    err_t err = asked->cnt ? fetch(client, group, asked, *out, diag) : ERR_OK;
    rd_kafka_topic_partition_list_destroy(asked);
    rd_kafka_topic_partition_list_sort(*out, by_partition, NULL);
    if (err != ERR_OK)
        rd_kafka_topic_partition_list_destroy(*out);
    return err;
}

// --- groups and members ---

// The groups as an event of DescribeConsumerGroups.
static err_t describe(struct kafka_client *client, const char **groups, size_t count,
                      rd_kafka_event_t **event, const rd_kafka_ConsumerGroupDescription_t ***out,
                      struct diag *diag)
{
    size_t told;
    rd_kafka_DescribeConsumerGroups(client->rk, groups, count, NULL, client->queue);
    TRY(kafka_client_wait(client, event, diag));
    *out = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(*event), &told);
    return ERR_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int64_t lag_of(const rd_kafka_topic_partition_t *committed,
                      const rd_kafka_topic_partition_list_t *ends)
{
    const rd_kafka_topic_partition_t *end = rd_kafka_topic_partition_list_find(
        (rd_kafka_topic_partition_list_t *)(uintptr_t)ends, committed->topic, committed->partition);
    return end && end->offset > committed->offset ? end->offset - committed->offset : 0;
}

static err_t total_lag(struct kafka_client *client, const char *group, int64_t *lag,
                       struct diag *diag)
{
    rd_kafka_topic_partition_list_t *offsets;
    *lag = 0;
    TRY(group_client_offsets(client, group, &offsets, diag));
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(offsets);
    err_t err = kafka_client_offsets(client, ends, RD_KAFKA_OFFSET_END, diag);
    for (int i = 0; i < offsets->cnt; i++)
        *lag += lag_of(&offsets->elems[i], ends);
    rd_kafka_topic_partition_list_destroy(offsets);
    rd_kafka_topic_partition_list_destroy(ends);
    return err;
}

static err_t list_rows(struct kafka_client *client, const char **groups, size_t count, json_t *rows,
                       struct diag *diag)
{
    rd_kafka_event_t *event;
    const rd_kafka_ConsumerGroupDescription_t **described;
    if (count == 0)
        return ERR_OK;
    TRY(describe(client, groups, count, &event, &described, diag));
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        int64_t lag;
        err = total_lag(client, groups[i], &lag, diag);
        json_array_append_new(
            rows,
            json_pack("{s:s, s:s, s:I, s:I}", "id", groups[i], "state",
                      rd_kafka_consumer_group_state_name(
                          rd_kafka_ConsumerGroupDescription_state(described[i])),
                      "members",
                      (json_int_t)rd_kafka_ConsumerGroupDescription_member_count(described[i]),
                      "lag", (json_int_t)lag));
    }
    rd_kafka_event_destroy(event);
    return err;
}

err_t group_client_list(struct kafka_client *client, json_t **out, struct diag *diag)
{
    rd_kafka_event_t *event;
    rd_kafka_ListConsumerGroups(client->rk, NULL, client->queue);
    TRY(kafka_client_wait(client, &event, diag));
    size_t count;
    const rd_kafka_ConsumerGroupListing_t **listed = rd_kafka_ListConsumerGroups_result_valid(
        rd_kafka_event_ListConsumerGroups_result(event), &count);
    const char **groups = mem_alloc((count + 1) * sizeof *groups);
    for (size_t i = 0; i < count; i++)
        groups[i] = rd_kafka_ConsumerGroupListing_group_id(listed[i]);
    qsort(groups, count, sizeof *groups, by_text);
    json_t *rows = json_array();
    err_t err = list_rows(client, groups, count, rows, diag);
    mem_free(groups);
    rd_kafka_event_destroy(event);
    if (err == ERR_OK)
        *out = rows;
    else
        json_decref(rows);
    return err;
}

static const char *member_of(const rd_kafka_ConsumerGroupDescription_t *group,
                             const rd_kafka_topic_partition_t *partition)
{
    for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); i++) {
        const rd_kafka_MemberDescription_t *member =
            rd_kafka_ConsumerGroupDescription_member(group, i);
        const rd_kafka_topic_partition_list_t *has =
            rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member));
        for (int p = 0; has && p < has->cnt; p++)
            if (has->elems[p].partition == partition->partition &&
                strcmp(has->elems[p].topic, partition->topic) == 0)
                return rd_kafka_MemberDescription_consumer_id(member);
    }
    return "";
}

static json_t *member_rows(const rd_kafka_ConsumerGroupDescription_t *group)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); i++) {
        const rd_kafka_MemberDescription_t *member =
            rd_kafka_ConsumerGroupDescription_member(group, i);
        const rd_kafka_topic_partition_list_t *has =
            rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member));
        const char *host = rd_kafka_MemberDescription_host(member);
        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:s, s:i}", "id",
                                        rd_kafka_MemberDescription_consumer_id(member), "client",
                                        rd_kafka_MemberDescription_client_id(member), "host",
                                        host && host[0] == '/' ? host + 1
                                        : host                 ? host
                                                               : "",
                                        "partitions", has ? has->cnt : 0));
    }
    return rows;
}

// Partitions that members hold and nobody has committed in stand in the list too, without an
// offset.
static void add_held(const rd_kafka_ConsumerGroupDescription_t *group,
                     rd_kafka_topic_partition_list_t *offsets)
{
    for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); i++) {
        const rd_kafka_topic_partition_list_t *has =
            rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(
                rd_kafka_ConsumerGroupDescription_member(group, i)));
        for (int p = 0; has && p < has->cnt; p++)
            if (!rd_kafka_topic_partition_list_find(offsets, has->elems[p].topic,
                                                    has->elems[p].partition))
                rd_kafka_topic_partition_list_add(offsets, has->elems[p].topic,
                                                  has->elems[p].partition)
                    ->offset = -1;
    }
    rd_kafka_topic_partition_list_sort(offsets, by_partition, NULL);
}

static json_t *offset_rows(const rd_kafka_ConsumerGroupDescription_t *group,
                           const rd_kafka_topic_partition_list_t *offsets,
                           const rd_kafka_topic_partition_list_t *ends)
{
    json_t *rows = json_array();
    for (int i = 0; i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &offsets->elems[i];
        json_t *row = json_pack("{s:s, s:i, s:o, s:I, s:o, s:s}", "topic", one->topic, "partition",
                                one->partition, "committed",
                                one->offset >= 0 ? json_integer(one->offset) : json_null(), "end",
                                (json_int_t)ends->elems[i].offset, "lag",
                                one->offset >= 0 ? json_integer(lag_of(one, ends)) : json_null(),
                                "member", member_of(group, one));
        json_array_append_new(rows, row);
    }
    return rows;
}

static err_t put_together(struct kafka_client *client, const char *name,
                          const rd_kafka_ConsumerGroupDescription_t *group, json_t **out,
                          struct diag *diag)
{
    rd_kafka_topic_partition_list_t *offsets;
    TRY(group_client_offsets(client, name, &offsets, diag));
    const char *state =
        rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group));
    add_held(group, offsets);
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(offsets);
    err_t err = kafka_client_offsets(client, ends, RD_KAFKA_OFFSET_END, diag);
    if (err == ERR_OK && strcmp(state, "Dead") == 0 && offsets->cnt == 0)
        err = FAIL(diag, ERR_NOT_FOUND, "%s: there is no such group", name);
    if (err == ERR_OK) {
        const char *assignor = rd_kafka_ConsumerGroupDescription_partition_assignor(group);
        *out = json_pack("{s:s, s:s, s:s, s:o, s:o}", "id", name, "state", state, "assignor",
                         assignor ? assignor : "", "members", member_rows(group), "offsets",
                         offset_rows(group, offsets, ends));
    }
    rd_kafka_topic_partition_list_destroy(offsets);
    rd_kafka_topic_partition_list_destroy(ends);
    return err;
}

err_t group_client_describe(struct kafka_client *client, const char *name, json_t **out,
                            struct diag *diag)
{
    rd_kafka_event_t *event;
    const rd_kafka_ConsumerGroupDescription_t **groups;
    TRY(describe(client, &name, 1, &event, &groups, diag));
    const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(groups[0]);
    err_t err = error ? kafka_client_failed(diag, rd_kafka_error_code(error),
                                            rd_kafka_error_string(error), name)
                      : put_together(client, name, groups[0], out, diag);
    rd_kafka_event_destroy(event);
    return err;
}

// --- changes ---

static err_t outcome(const rd_kafka_group_result_t *result, const char *group, struct diag *diag)
{
    const rd_kafka_error_t *error = rd_kafka_group_result_error(result);
    if (error)
        return kafka_client_failed(diag, rd_kafka_error_code(error), rd_kafka_error_string(error),
                                   group);
    const rd_kafka_topic_partition_list_t *parts = rd_kafka_group_result_partitions(result);
    for (int i = 0; parts && i < parts->cnt; i++)
        if (parts->elems[i].err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID)
            return FAIL(diag, ERR_INVALID,
                        "%s: the group has running members; stop them before its offsets are moved",
                        group);
        else if (parts->elems[i].err)
            return kafka_client_failed(diag, parts->elems[i].err, NULL, group);
    return ERR_OK;
}

err_t group_client_commit(struct kafka_client *client, const char *group,
                          const rd_kafka_topic_partition_list_t *offsets, struct diag *diag)
{
    rd_kafka_event_t *event;
    size_t count;
    if (offsets->cnt == 0)
        return ERR_OK;
    rd_kafka_AlterConsumerGroupOffsets_t *request =
        rd_kafka_AlterConsumerGroupOffsets_new(group, offsets);
    rd_kafka_AlterConsumerGroupOffsets(client->rk, &request, 1, NULL, client->queue);
    rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    TRY(kafka_client_wait(client, &event, diag));
    err_t err = outcome(rd_kafka_AlterConsumerGroupOffsets_result_groups(
                            rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count)[0],
                        group, diag);
    rd_kafka_event_destroy(event);
    return err;
}

err_t group_client_delete(struct kafka_client *client, const char *group, struct diag *diag)
{
    rd_kafka_event_t *event;
    size_t count;
    rd_kafka_DeleteGroup_t *request = rd_kafka_DeleteGroup_new(group);
    rd_kafka_DeleteGroups(client->rk, &request, 1, NULL, client->queue);
    rd_kafka_DeleteGroup_destroy(request);
    TRY(kafka_client_wait(client, &event, diag));
    err_t err = outcome(
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count)[0],
        group, diag);
    rd_kafka_event_destroy(event);
    return err;
}
