// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/header.h"

#include "wire/kafka/api.h"

static bool is_flexible(int16_t key, int16_t version)
{
    const struct kafka_api *api = kafka_api_find(key);
    return api && version >= api->flexible_from && version <= api->version_max;
}

bool kafka_request_header_decode(struct kafka_request_header *header, struct reader *reader)
{
    header->key = reader_i16(reader);
    header->version = reader_i16(reader);
    header->correlation_id = reader_i32(reader);
    header->client_id = kafka_read_string(reader, false, true); // classic even in header v2
    if (is_flexible(header->key, header->version))
        kafka_skip_tags(reader);
    return !reader->failed;
}

void kafka_request_header_encode(const struct kafka_request_header *header, struct str *out)
{
    writer_i16(out, header->key);
    writer_i16(out, header->version);
    writer_i32(out, header->correlation_id);
    kafka_write_string(out, false, true, header->client_id);
    if (is_flexible(header->key, header->version))
        writer_uvarint(out, 0);
}

void kafka_response_header_encode(int16_t key, int16_t version, int32_t correlation_id,
                                  struct str *out)
{
    writer_i32(out, correlation_id);
    if (key != KAFKA_API_VERSIONS && is_flexible(key, version))
        writer_uvarint(out, 0);
}

bool kafka_response_header_decode(int16_t key, int16_t version, int32_t *correlation_id,
                                  struct reader *reader)
{
    *correlation_id = reader_i32(reader);
    if (key != KAFKA_API_VERSIONS && is_flexible(key, version))
        kafka_skip_tags(reader);
    return !reader->failed;
}
