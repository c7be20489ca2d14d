// SPDX-License-Identifier: Apache-2.0
//
// FindCoordinator: we are the coordinator of every group. Transactions are not served, which is
// said at once instead of letting a producer retry until it gives up.
#include "wire/kafka/find_coordinator.h"

#include "broker/broker_int.h"

enum { KEY_GROUP = 0, BATCHED_FROM = 4 };

static void find(struct request *request, struct bytes key,
                 struct kafka_find_coordinator_response_coordinator *out)
{
    const struct kafka_find_coordinator_request *m = request->message;
    kafka_find_coordinator_response_coordinator_init(out);
    out->key = key;
    if (m->key_type == KEY_GROUP) {
        out->node_id = BROKER_NODE_ID;
        request_advertised(request, &out->host, &out->port);
        return;
    }
    out->error_code = kafka_code(ERR_INVALID);
    out->error_message =
        bytes_from("only consumer groups have a coordinator here; transactions are not served");
    out->node_id = -1;
    out->port = -1;
}

void find_coordinator_handle(struct request *request)
{
    const struct kafka_find_coordinator_request *m = request->message;
    struct kafka_find_coordinator_response response;
    kafka_find_coordinator_response_init(&response);
    bool batched = request_version(request) >= BATCHED_FROM;
    int32_t count = batched ? m->coordinator_keys_count : 1;
    response.coordinators = ARENA_ARRAY(
        &request->arena, struct kafka_find_coordinator_response_coordinator, (size_t)count);
    response.coordinators_count = count;
    for (int32_t i = 0; i < count; i++)
        find(request, batched ? m->coordinator_keys[i] : m->key, &response.coordinators[i]);
    if (!batched) {
        response.error_code = response.coordinators[0].error_code;
        response.error_message = response.coordinators[0].error_message;
        response.node_id = response.coordinators[0].node_id;
        response.host = response.coordinators[0].host;
        response.port = response.coordinators[0].port;
    }
    request_respond(request, &response);
}
