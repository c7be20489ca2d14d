// SPDX-License-Identifier: Apache-2.0
//
// DescribeCluster. Besides brokers there is nothing to describe: the controller is not a node of
// its own.
#include "wire/kafka/describe_cluster.h"

#include "broker/topics.h"

enum { ENDPOINT_BROKERS = 1, ENDPOINT_CONTROLLERS = 2, ENDPOINTS_FROM = 1 };
enum { MISMATCHED_ENDPOINT_TYPE = 114, UNSUPPORTED_ENDPOINT_TYPE = 115 };

static void refuse(struct request *request)
{
    const struct kafka_describe_cluster_request *m = request->message;
    struct kafka_describe_cluster_response response;
    kafka_describe_cluster_response_init(&response);
    if (request_version(request) < ENDPOINTS_FROM)
        response.error_code = kafka_code(ERR_INVALID);
    else
        response.error_code = m->endpoint_type == ENDPOINT_CONTROLLERS ? MISMATCHED_ENDPOINT_TYPE
                                                                       : UNSUPPORTED_ENDPOINT_TYPE;
    response.error_message = bytes_from("this is the endpoint of a broker (type 1)");
    request_respond(request, &response);
}

void describe_cluster_handle(struct request *request)
{
    const struct kafka_describe_cluster_request *m = request->message;
    if (m->endpoint_type != ENDPOINT_BROKERS) {
        refuse(request);
        return;
    }
    struct kafka_describe_cluster_response response;
    kafka_describe_cluster_response_init(&response);
    struct kafka_describe_cluster_response_broker broker;
    kafka_describe_cluster_response_broker_init(&broker);
    broker.broker_id = BROKER_NODE_ID;
    request_advertised(request, &broker.host, &broker.port);
    response.cluster_id = bytes_from(request->broker->cluster_id);
    response.controller_id = BROKER_NODE_ID;
    response.brokers = &broker;
    response.brokers_count = 1;
    if (m->include_cluster_authorized_operations)
        response.cluster_authorized_operations = topics_cluster_operations(request);
    request_respond(request, &response);
}
