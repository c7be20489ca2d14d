// SPDX-License-Identifier: Apache-2.0
//
// FindCoordinator: we are the coordinator of every group and every transaction. Share groups (type
// 2) are not served.
#include "wire/kafka/find_coordinator.h"

#include "broker/access.h"
#include "broker/broker_int.h"

enum { KEY_GROUP = 0, KEY_TRANSACTION = 1, BATCHED_FROM = 4 };

typedef struct kafka_find_coordinator_response_coordinator coordinator_t;

static err_t check(struct request *request, int8_t type, struct bytes key)
{
    if (type == KEY_GROUP)
        return request_may(request, ACL_DESCRIBE, ACL_GROUP, key) ? ERR_OK : ERR_GROUP_UNAUTHORIZED;
    if (type == KEY_TRANSACTION)
        return request_may(request, ACL_DESCRIBE, ACL_TRANSACTIONAL_ID, key) ? ERR_OK
                                                                             : ERR_TXN_UNAUTHORIZED;
    return ERR_INVALID;
}

static void find(struct request *request, struct bytes key, coordinator_t *out)
{
    const struct kafka_find_coordinator_request *m = request->message;
    kafka_find_coordinator_response_coordinator_init(out);
    err_t err = check(request, m->key_type, key);
    out->key = key;
    out->error_code = kafka_code(err);
    if (err == ERR_OK) {
        out->node_id = BROKER_NODE_ID;
        request_advertised(request, &out->host, &out->port);
        return;
    }
    out->error_message = bytes_from(err_info(err)->text);
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
    response.coordinators = ARENA_ARRAY(&request->arena, coordinator_t, (size_t)count);
    response.coordinators_count = count;
    for (int32_t i = 0; i < count; i++)
        find(request, batched ? m->coordinator_keys[i] : m->key, &response.coordinators[i]);
    if (!batched) {
        const coordinator_t *only = &response.coordinators[0];
        response.error_code = only->error_code;
        response.error_message =
            only->error_code ? only->error_message : bytes_from("NONE"); // Kafka's word
        response.node_id = only->node_id;
        response.host = only->host;
        response.port = only->port;
    }
    request_respond(request, &response);
}
