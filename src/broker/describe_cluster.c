// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/describe_cluster.h"

#include "broker/topics.h"

enum { ENDPOINT_BROKERS = 1, UNSUPPORTED_ENDPOINT_TYPE = 115 };

void describe_cluster_handle(struct request *request)
{
    const struct kafka_describe_cluster_request *m = request->message;
    struct kafka_describe_cluster_response response;
    kafka_describe_cluster_response_init(&response);
    struct kafka_describe_cluster_response_broker broker;
    kafka_describe_cluster_response_broker_init(&broker);
    broker.broker_id = BROKER_NODE_ID;
    request_advertised(request, &broker.host, &broker.port);
    response.endpoint_type = m->endpoint_type;
    if (m->endpoint_type != ENDPOINT_BROKERS) {
        response.error_code = UNSUPPORTED_ENDPOINT_TYPE;
        response.error_message =
            bytes_from("only brokers can be described here, there are no separate controllers");
    } else {
        response.cluster_id = bytes_from(request->broker->cluster_id);
        response.controller_id = BROKER_NODE_ID;
        response.brokers = &broker;
        response.brokers_count = 1;
        if (m->include_cluster_authorized_operations)
            response.cluster_authorized_operations = TOPICS_OPERATIONS_CLUSTER;
    }
    request_respond(request, &response);
}
