// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/describe_client_quotas.h"

#include "broker/broker_int.h"
#include "broker/security.h"

typedef struct kafka_describe_client_quotas_request message_t;
typedef struct kafka_describe_client_quotas_response response_t;
typedef struct kafka_describe_client_quotas_response_entry_data entry_t;
typedef struct kafka_describe_client_quotas_response_entity_data entity_t;
typedef struct kafka_describe_client_quotas_response_value_data value_t;

enum { MATCH_EXACT = 0, MATCH_DEFAULT = 1, MATCH_ANY = 2 };

static err_t check(const message_t *m, struct diag *diag)
{
    bool ip = false, other = false;
    for (int32_t i = 0; i < m->components_count; i++) {
        struct bytes type = m->components[i].entity_type;
        int8_t match = m->components[i].match_type;
        if (type.size == 0)
            return FAIL(diag, ERR_INVALID, "Invalid empty entity type.");
        for (int32_t j = 0; j < i; j++)
            if (bytes_equal(m->components[j].entity_type, type))
                return FAIL(diag, ERR_INVALID,
                            "Entity type %.*s cannot appear more than once in the filter.",
                            BYTES_PRINT(type));
        if (!bytes_is(type, "ip") && !bytes_is(type, "user") && !bytes_is(type, "client-id"))
            return FAIL(diag, ERR_UNSUPPORTED_VERSION, "Unsupported entity type %.*s",
                        BYTES_PRINT(type));
        ip = ip || bytes_is(type, "ip");
        other = other || !bytes_is(type, "ip");
        if (match < MATCH_EXACT || match > MATCH_ANY)
            return FAIL(diag, ERR_INVALID, "Unknown match type %d", match);
        if ((match == MATCH_EXACT) != (m->components[i].match.ptr != NULL))
            return FAIL(diag, ERR_INVALID,
                        "a match string must be there for an exact match, and for no other");
    }
    if (ip && other)
        return FAIL(diag, ERR_INVALID,
                    "Invalid entity filter component combination. IP filter component should not "
                    "be used with user or clientId filter component.");
    return ERR_OK;
}

static bool passes(const message_t *m, const struct quota_entity *entity)
{
    if (m->strict && entity->has_user + entity->has_client != m->components_count)
        return false;
    for (int32_t i = 0; i < m->components_count; i++) {
        bool user = bytes_is(m->components[i].entity_type, "user");
        bool client = bytes_is(m->components[i].entity_type, "client-id");
        bool has = (user && entity->has_user) || (client && entity->has_client);
        struct bytes name = user ? entity->user : entity->client;
        if (!has)
            return false; // also limits of addresses: there are none
        if (m->components[i].match_type == MATCH_DEFAULT && name.ptr)
            return false;
        if (m->components[i].match_type == MATCH_EXACT &&
            (!name.ptr || !bytes_equal(name, m->components[i].match)))
            return false;
    }
    return true;
}

static void fill(struct request *request, const struct quota_entry *quota, entry_t *out)
{
    kafka_describe_client_quotas_response_entry_data_init(out);
    out->entity = ARENA_ARRAY(&request->arena, entity_t, 2);
    if (quota->entity.has_user)
        out->entity[out->entity_count++] = (entity_t){bytes_from("user"), quota->entity.user};
    if (quota->entity.has_client)
        out->entity[out->entity_count++] =
            (entity_t){bytes_from("client-id"), quota->entity.client};
    out->values = ARENA_ARRAY(&request->arena, value_t, QUOTA_KINDS);
    for (int kind = 0; kind < QUOTA_KINDS; kind++)
        if (quota->limits[kind] > 0)
            out->values[out->values_count++] =
                (value_t){bytes_from(quota_name((enum quota_kind)kind)), quota->limits[kind]};
}

void describe_client_quotas_handle(struct request *request)
{
    const message_t *m = request->message;
    response_t response;
    struct diag diag = DIAG_INIT;
    kafka_describe_client_quotas_response_init(&response);
    err_t err = request_may_cluster(request, ACL_DESCRIBE_CONFIGS) ? check(m, &diag)
                                                                   : ERR_CLUSTER_UNAUTHORIZED;
    response.error_code = kafka_code(err);
    response.error_message = kafka_story(request, err, &diag);
    size_t count = 0;
    struct quota_entry *all =
        quotas_all(security_quotas(request->broker->security), &request->arena, &count);
    response.entries = err == ERR_OK ? ARENA_ARRAY(&request->arena, entry_t, count) : NULL;
    response.entries_count = err == ERR_OK ? 0 : -1;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        if (passes(m, &all[i].entity))
            fill(request, &all[i], &response.entries[response.entries_count++]);
    request_respond(request, &response);
}
