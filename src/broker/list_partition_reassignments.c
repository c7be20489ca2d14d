// SPDX-License-Identifier: Apache-2.0
//
// ListPartitionReassignments: with one replica nothing ever moves.
#include "wire/kafka/list_partition_reassignments.h"

#include "broker/access.h"
#include "broker/broker_int.h"

void list_partition_reassignments_handle(struct request *request)
{
    struct kafka_list_partition_reassignments_response response;
    kafka_list_partition_reassignments_response_init(&response);
    err_t err = request_may_cluster(request, ACL_DESCRIBE) ? ERR_OK : ERR_CLUSTER_UNAUTHORIZED;
    response.error_code = kafka_code(err);
    response.error_message = kafka_story(request, err, NULL);
    request_respond(request, &response);
}
