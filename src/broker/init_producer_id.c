// SPDX-License-Identifier: Apache-2.0
//
// InitProducerId: a fresh id, epoch 0, for an idempotent producer.
#include "broker/broker_int.h"
#include "wire/kafka/init_producer_id.h"

static err_t check_rights(struct request *request)
{
    const struct kafka_init_producer_id_request *message = request->message;
    if (message->transactional_id.ptr)
        return request_may(request, ACL_WRITE, ACL_TRANSACTIONAL_ID, message->transactional_id)
                   ? ERR_OK
                   : ERR_TXN_UNAUTHORIZED;
    return request_could(request, ACL_IDEMPOTENT_WRITE, ACL_CLUSTER,
                         bytes_from(ACL_CLUSTER_NAME)) ||
                   request_may_some(request, ACL_WRITE, ACL_TOPIC)
               ? ERR_OK
               : ERR_CLUSTER_UNAUTHORIZED;
}

static void answer(struct request *request)
{
    const struct kafka_init_producer_id_request *message = request->message;
    struct kafka_init_producer_id_response response;
    kafka_init_producer_id_response_init(&response);
    err_t err = check_rights(request);
    struct diag diag = DIAG_INIT;
    if (err == ERR_OK && message->transactional_id.ptr && message->transactional_id.size == 0)
        err = FAIL(&diag, ERR_INVALID, "an empty transactional id");
    else if (err == ERR_OK && message->transactional_id.ptr)
        err = FAIL(&diag, ERR_UNSUPPORTED, "transactions are not supported");
    else if (err == ERR_OK)
        err = log_store_producer_id(request->broker->store, &response.producer_id, &diag);
    response.error_code = kafka_code(err);
    if (err != ERR_OK) {
        response.producer_id = -1;
        response.producer_epoch = -1;
    }
    request_respond(request, &response);
}

void init_producer_id_handle(struct request *request)
{
    request_work(request, answer);
}
