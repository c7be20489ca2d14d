// SPDX-License-Identifier: Apache-2.0
//
// security_answer: ends a request that changes users, ACLs or quotas when the change is durable and
// in force.
#ifndef BROKER_SECURITY_ANSWER_H
#define BROKER_SECURITY_ANSWER_H

#include "broker/broker_int.h"
#include "broker/security.h"

// `changes` and `response` are in the request's arena. `fail` puts an error into every result of
// the response: none of the changes was made.
void security_answer(struct request *request, const struct security_change *changes, size_t count,
                     void *response,
                     void (*fail)(void *response, int16_t code, struct bytes story));

#endif
