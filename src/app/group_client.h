// SPDX-License-Identifier: Apache-2.0
//
// group_client: consumer groups for the command line: their members, committed offsets and lag.
#ifndef APP_GROUP_CLIENT_H
#define APP_GROUP_CLIENT_H

#include "app/kafka_client.h"

// Committed offsets of a group, sorted by topic and partition, without those it has not:
// rd_kafka_topic_partition_list_destroy().
MUST_USE err_t group_client_offsets(struct kafka_client *client, const char *group,
                                    rd_kafka_topic_partition_list_t **out, struct diag *diag);
// [{id, state, members, lag}], sorted by id.
MUST_USE err_t group_client_list(struct kafka_client *client, json_t **out, struct diag *diag);
// {id, state, assignor, members: [{id, client, host}],
//  offsets: [{topic, partition, committed, end, lag, member}]}. ERR_NOT_FOUND.
MUST_USE err_t group_client_describe(struct kafka_client *client, const char *group, json_t **out,
                                     struct diag *diag);
MUST_USE err_t group_client_commit(struct kafka_client *client, const char *group,
                                   const rd_kafka_topic_partition_list_t *offsets,
                                   struct diag *diag);
MUST_USE err_t group_client_delete(struct kafka_client *client, const char *group,
                                   struct diag *diag);

#endif
