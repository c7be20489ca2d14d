// SPDX-License-Identifier: Apache-2.0
//
// UpdateFeatures: the level in force may be set again; every other one is refused, as they are
// fixed.
#include "wire/kafka/update_features.h"

#include "broker/access.h"
#include "broker/broker_int.h"
#include "broker/features.h"

enum { INVALID_UPDATE_VERSION = 95, TYPES_FROM = 1 };
enum { UPGRADE = 1, SAFE_DOWNGRADE = 2, UNSAFE_DOWNGRADE = 3 };

typedef struct kafka_update_features_request_feature_update_key update_t;

// Why not; NULL when it is so already.
static const char *objection(const struct request *request, const update_t *update)
{
    const struct feature *feature = feature_find(update->feature);
    int type = request_version(request) >= TYPES_FROM ? update->upgrade_type
               : update->allow_downgrade              ? SAFE_DOWNGRADE
                                                      : UPGRADE;
    if (type < UPGRADE || type > UNSAFE_DOWNGRADE)
        return "The controller does not support the given upgrade type.";
    if (update->max_version_level < 0)
        return "A feature version cannot be less than 0.";
    if (!feature)
        return "there is no such feature here";
    if (update->max_version_level != feature->finalized)
        return "feature levels are fixed here";
    return NULL;
}

void update_features_handle(struct request *request)
{
    const struct kafka_update_features_request *m = request->message;
    struct kafka_update_features_response response;
    kafka_update_features_response_init(&response);
    response.results =
        ARENA_ARRAY(&request->arena, struct kafka_update_features_response_updatable_feature_result,
                    (size_t)m->feature_updates_count);
    if (!request_may_cluster(request, ACL_ALTER)) {
        response.error_code = kafka_code(ERR_CLUSTER_UNAUTHORIZED);
        response.error_message = kafka_story(request, ERR_CLUSTER_UNAUTHORIZED, NULL);
        request_respond(request, &response);
        return;
    }
    for (int32_t i = 0; i < m->feature_updates_count && response.error_code == 0; i++) {
        const update_t *update = &m->feature_updates[i];
        const char *why = objection(request, update);
        if (!why)
            continue;
        response.error_code = INVALID_UPDATE_VERSION;
        response.error_message = bytes_from(
            arena_printf(&request->arena, "Invalid update version %d for feature %.*s. %s",
                         update->max_version_level, BYTES_PRINT(update->feature), why));
    }
    for (int32_t i = 0; i < m->feature_updates_count && response.error_code == 0; i++)
        response.results[response.results_count++].feature = m->feature_updates[i].feature;
    request_respond(request, &response);
}
