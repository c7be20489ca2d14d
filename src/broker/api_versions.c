// SPDX-License-Identifier: Apache-2.0
//
// ApiVersions is the first request of a connection. A version we do not know is answered in version
// 0 with error 35 and the range of this API alone (KIP-511); the client then asks again.
#include "wire/kafka/api_versions.h"

#include "broker/broker_int.h"

#include <ctype.h>

enum { UNSUPPORTED_VERSION = 35, INVALID_REQUEST = 42 };

// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
static bool is_software_word(struct bytes word)
{
    if (word.size == 0 || !isalnum(word.ptr[0]) || !isalnum(word.ptr[word.size - 1]))
        return false;
    for (size_t i = 0; i < word.size; i++)
        if (!isalnum(word.ptr[i]) && word.ptr[i] != '-' && word.ptr[i] != '.')
            return false;
    return true;
}

static void add(struct kafka_api_versions_response *response, const struct api_handler *handler)
{
    struct kafka_api_versions_response_api_key *key =
        &response->api_keys[response->api_keys_count++];
    kafka_api_versions_response_api_key_init(key);
    key->api_key = handler->key;
    key->min_version = handler->min;
    key->max_version = handler->max;
}

void api_versions_handle(struct request *request)
{
    const struct kafka_api_versions_request *m = request->message;
    struct kafka_api_versions_response response;
    kafka_api_versions_response_init(&response);
    response.api_keys =
        ARENA_ARRAY(&request->arena, struct kafka_api_versions_response_api_key, api_handler_count);
    if (request->header.version > request->api->version_max) {
        response.error_code = UNSUPPORTED_VERSION;
        add(&response, api_handler_find(KAFKA_API_VERSIONS));
        request->header.version = 0;
    } else if (request->header.version >= 3 && (!is_software_word(m->client_software_name) ||
                                                !is_software_word(m->client_software_version))) {
        response.error_code = INVALID_REQUEST;
    } else {
        for (size_t i = 0; i < api_handler_count; i++)
            add(&response, &api_handlers[i]);
    }
    request_respond(request, &response);
}
