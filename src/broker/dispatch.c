// SPDX-License-Identifier: Apache-2.0
//
// The APIs served and the versions advertised. The floors are Apache Kafka 4.1's, which every
// client in the field works with; Produce is advertised from 0 because older librdkafka looks for
// it, and refused below 3.
#include "broker/broker_int.h"

const struct api_handler api_handlers[] = {
    {KAFKA_PRODUCE, 0, 13, produce_handle, false},
    {KAFKA_FETCH, 4, 18, fetch_handle, false},
    {KAFKA_LIST_OFFSETS, 1, 11, list_offsets_handle, false},
    {KAFKA_METADATA, 0, 13, metadata_handle, false},
    {KAFKA_OFFSET_COMMIT, 2, 10, offset_commit_handle, false},
    {KAFKA_OFFSET_FETCH, 1, 10, offset_fetch_handle, false},
    {KAFKA_FIND_COORDINATOR, 0, 6, find_coordinator_handle, false},
    {KAFKA_JOIN_GROUP, 0, 9, join_group_handle, false},
    {KAFKA_HEARTBEAT, 0, 4, heartbeat_handle, false},
    {KAFKA_LEAVE_GROUP, 0, 5, leave_group_handle, false},
    {KAFKA_SYNC_GROUP, 0, 5, sync_group_handle, false},
    {KAFKA_DESCRIBE_GROUPS, 0, 6, describe_groups_handle, false},
    {KAFKA_LIST_GROUPS, 0, 5, list_groups_handle, false},
    {KAFKA_SASL_HANDSHAKE, 0, 1, sasl_handshake_handle, true},
    {KAFKA_API_VERSIONS, 0, 4, api_versions_handle, false},
    {KAFKA_CREATE_TOPICS, 2, 7, create_topics_handle, true},
    {KAFKA_DELETE_TOPICS, 1, 6, delete_topics_handle, true},
    {KAFKA_DELETE_RECORDS, 0, 2, delete_records_handle, true},
    {KAFKA_INIT_PRODUCER_ID, 0, 5, init_producer_id_handle, true},
    {KAFKA_OFFSET_FOR_LEADER_EPOCH, 2, 4, offset_for_leader_epoch_handle, false},
    {KAFKA_DESCRIBE_ACLS, 1, 3, describe_acls_handle, false},
    {KAFKA_CREATE_ACLS, 1, 3, create_acls_handle, true},
    {KAFKA_DELETE_ACLS, 1, 3, delete_acls_handle, true},
    {KAFKA_ADD_PARTITIONS_TO_TXN, 0, 5, add_partitions_to_txn_handle, false},
    {KAFKA_ADD_OFFSETS_TO_TXN, 0, 4, add_offsets_to_txn_handle, false},
    {KAFKA_END_TXN, 0, 5, end_txn_handle, false},
    {KAFKA_WRITE_TXN_MARKERS, 1, 2, write_txn_markers_handle, false},
    {KAFKA_TXN_OFFSET_COMMIT, 0, 5, txn_offset_commit_handle, false},
    {KAFKA_DESCRIBE_CONFIGS, 1, 4, describe_configs_handle, false},
    {KAFKA_ALTER_CONFIGS, 0, 2, alter_configs_handle, true},
    {KAFKA_SASL_AUTHENTICATE, 0, 2, sasl_authenticate_handle, true},
    {KAFKA_CREATE_PARTITIONS, 0, 3, create_partitions_handle, true},
    {KAFKA_DELETE_GROUPS, 0, 2, delete_groups_handle, true},
    {KAFKA_INCREMENTAL_ALTER_CONFIGS, 0, 1, incremental_alter_configs_handle, true},
    {KAFKA_OFFSET_DELETE, 0, 0, offset_delete_handle, true},
    {KAFKA_DESCRIBE_CLIENT_QUOTAS, 0, 1, describe_client_quotas_handle, false},
    {KAFKA_ALTER_CLIENT_QUOTAS, 0, 1, alter_client_quotas_handle, true},
    {KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, 0, 0, describe_user_scram_credentials_handle, false},
    {KAFKA_ALTER_USER_SCRAM_CREDENTIALS, 0, 0, alter_user_scram_credentials_handle, true},
    {KAFKA_DESCRIBE_CLUSTER, 0, 2, describe_cluster_handle, false},
    {KAFKA_ALTER_REPLICA_LOG_DIRS, 1, 2, alter_replica_log_dirs_handle, false},
    {KAFKA_DESCRIBE_LOG_DIRS, 1, 5, describe_log_dirs_handle, false},
    {KAFKA_ELECT_LEADERS, 0, 2, elect_leaders_handle, false},
    {KAFKA_ALTER_PARTITION_REASSIGNMENTS, 0, 1, alter_partition_reassignments_handle, false},
    {KAFKA_LIST_PARTITION_REASSIGNMENTS, 0, 0, list_partition_reassignments_handle, false},
    {KAFKA_UPDATE_FEATURES, 0, 2, update_features_handle, false},
    {KAFKA_LIST_CONFIG_RESOURCES, 0, 1, list_config_resources_handle, false},
    {KAFKA_DESCRIBE_PRODUCERS, 0, 0, describe_producers_handle, false},
    {KAFKA_DESCRIBE_TRANSACTIONS, 0, 0, describe_transactions_handle, false},
    {KAFKA_LIST_TRANSACTIONS, 0, 2, list_transactions_handle, false},
    {KAFKA_CONSUMER_GROUP_HEARTBEAT, 0, 1, consumer_group_heartbeat_handle, false},
    {KAFKA_CONSUMER_GROUP_DESCRIBE, 0, 1, consumer_group_describe_handle, false},
    {KAFKA_DESCRIBE_TOPIC_PARTITIONS, 0, 0, describe_topic_partitions_handle, false},
};
const size_t api_handler_count = sizeof api_handlers / sizeof *api_handlers;

const struct api_handler *api_handler_find(int16_t key)
{
    for (size_t i = 0; i < api_handler_count; i++)
        if (api_handlers[i].key == key)
            return &api_handlers[i];
    return NULL;
}

int16_t kafka_code(err_t err)
{
    return (int16_t)err_info(err)->kafka;
}

struct bytes kafka_story(struct request *request, err_t err, const struct diag *diag)
{
    if (err == ERR_OK)
        return BYTES_NULL;
    const char *text = diag && diag->code != ERR_OK ? diag->text : err_info(err)->text;
    return bytes_from(arena_strdup(&request->arena, text));
}
