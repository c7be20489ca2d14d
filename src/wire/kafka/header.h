// SPDX-License-Identifier: Apache-2.0
//
// header: what stands before every Kafka request and response body (after the 4-byte frame length).
#ifndef WIRE_KAFKA_HEADER_H
#define WIRE_KAFKA_HEADER_H

#include "wire/kafka/codec.h"

struct kafka_request_header {
    int16_t key;
    int16_t version;
    int32_t correlation_id;
    struct bytes client_id; // may be null
};

// Leaves the reader at the body. A key or version the tables do not have is read as a classic
// header (v1); the caller judges them. False when the bytes break the format.
bool kafka_request_header_decode(struct kafka_request_header *header, struct reader *reader);
void kafka_request_header_encode(const struct kafka_request_header *header, struct str *out);
// ApiVersions always has the classic response header, so that a client of any age can read it.
void kafka_response_header_encode(int16_t key, int16_t version, int32_t correlation_id,
                                  struct str *out);
bool kafka_response_header_decode(int16_t key, int16_t version, int32_t *correlation_id,
                                  struct reader *reader);

#endif
