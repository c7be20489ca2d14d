// SPDX-License-Identifier: Apache-2.0
//
// ApiVersions is the first request of a connection. A version we do not know is answered in version
// 0 with error 35 and the range of this API alone (KIP-511); the client then asks again.
#include "wire/kafka/api_versions.h"

#include "broker/broker_int.h"
#include "broker/features.h"

#include <ctype.h>

enum { UNSUPPORTED_VERSION = 35, INVALID_REQUEST = 42, LOWEST_LEVEL_0_FROM = 4 };

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

// Before version 4 a supported feature whose lowest level is 0 is not told: old clients cannot read
// that (KAFKA-17011).
static void add_features(struct request *request, struct kafka_api_versions_response *response)
{
    response->supported_features = ARENA_ARRAY(
        &request->arena, struct kafka_api_versions_response_supported_feature, feature_count);
    response->finalized_features = ARENA_ARRAY(
        &request->arena, struct kafka_api_versions_response_finalized_feature, feature_count);
    response->finalized_features_epoch = 1;
    for (size_t i = 0; i < feature_count; i++) {
        const struct feature *feature = &features[i];
        struct bytes name = bytes_from(feature->name);
        if (feature->min > 0 || request_version(request) >= LOWEST_LEVEL_0_FROM)
            response->supported_features[response->supported_features_count++] =
                (struct kafka_api_versions_response_supported_feature){name, feature->min,
                                                                       feature->max};
        response->finalized_features[response->finalized_features_count++] =
            (struct kafka_api_versions_response_finalized_feature){name, feature->finalized,
                                                                   feature->finalized};
    }
}

void api_versions_handle(struct request *request)
{
    const struct kafka_api_versions_request *m = request->message;
    struct kafka_api_versions_response response;
    kafka_api_versions_response_init(&response);
    response.api_keys =
        ARENA_ARRAY(&request->arena, struct kafka_api_versions_response_api_key, api_handler_count);
    if (request->header.version < 0 || request->header.version > request->api->version_max) {
        response.error_code = UNSUPPORTED_VERSION;
        add(&response, api_handler_find(KAFKA_API_VERSIONS));
        request->header.version = 0;
    } else if (request->header.version >= 3 && (!is_software_word(m->client_software_name) ||
                                                !is_software_word(m->client_software_version))) {
        response.error_code = INVALID_REQUEST;
    } else {
        for (size_t i = 0; i < api_handler_count; i++)
            add(&response, &api_handlers[i]);
        add_features(request, &response);
    }
    request_respond(request, &response);
}
