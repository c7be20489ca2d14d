// SPDX-License-Identifier: Apache-2.0
//
// AlterClientQuotas is answered when the limits are durable and in force. Limits that would not be
// held to (request_percentage, controller_mutation_rate, rates of addresses) are refused.
#include "wire/kafka/alter_client_quotas.h"

#include "broker/security_answer.h"

#include <math.h>

typedef struct kafka_alter_client_quotas_request message_t;
typedef struct kafka_alter_client_quotas_request_entry_data in_t;
typedef struct kafka_alter_client_quotas_response response_t;
typedef struct kafka_alter_client_quotas_response_entry_data out_t;
typedef struct kafka_alter_client_quotas_response_entity_data entity_t;

enum { NAME_MAX_BYTES = 32767 };

static void fail(void *response, int16_t code, struct bytes story)
{
    response_t *out = response;
    for (int32_t i = 0; i < out->entries_count; i++) {
        out->entries[i].error_code = code;
        out->entries[i].error_message = story;
    }
}

static err_t read_part(bool *has, struct bytes *name, struct bytes type, struct bytes value,
                       struct diag *diag)
{
    if (*has)
        return FAIL(diag, ERR_INVALID, "Invalid client quota entity, duplicate entity entry %.*s",
                    BYTES_PRINT(type));
    if (value.ptr && value.size == 0)
        return FAIL(diag, ERR_INVALID, "Empty %.*s not supported", BYTES_PRINT(type));
    if (value.size > NAME_MAX_BYTES)
        return FAIL(diag, ERR_INVALID, "The name is longer than %d bytes", NAME_MAX_BYTES);
    *has = true;
    *name = value;
    return ERR_OK;
}

static err_t read_entity(const in_t *in, struct quota_entity *entity, struct diag *diag)
{
    *entity = (struct quota_entity){0};
    for (int32_t i = 0; i < in->entity_count; i++) {
        struct bytes type = in->entity[i].entity_type;
        if (bytes_is(type, "user"))
            TRY(read_part(&entity->has_user, &entity->user, type, in->entity[i].entity_name, diag));
        else if (bytes_is(type, "client-id"))
            TRY(read_part(&entity->has_client, &entity->client, type, in->entity[i].entity_name,
                          diag));
        else if (bytes_is(type, "ip"))
            return FAIL(diag, ERR_INVALID,
                        "weir has no limits for addresses: expected user or client-id");
        else
            return FAIL(diag, ERR_INVALID, "Unhandled client quota entity type: %.*s",
                        BYTES_PRINT(type));
    }
    if (!entity->has_user && !entity->has_client)
        return FAIL(diag, ERR_INVALID, "Invalid empty client quota entity");
    return ERR_OK;
}

static err_t read_op(const in_t *in, int32_t index, struct security_change *change,
                     struct diag *diag)
{
    struct bytes key = in->ops[index].key;
    double value = in->ops[index].value;
    for (int32_t i = 0; i < index; i++)
        if (bytes_equal(in->ops[i].key, key))
            return FAIL(diag, ERR_INVALID, "Duplicate quota key %.*s", BYTES_PRINT(key));
    if (bytes_is(key, "request_percentage") || bytes_is(key, "controller_mutation_rate"))
        return FAIL(diag, ERR_INVALID,
                    "weir does not limit %.*s: expected producer_byte_rate or consumer_byte_rate",
                    BYTES_PRINT(key));
    if (!bytes_is(key, quota_name(QUOTA_PRODUCE)) && !bytes_is(key, quota_name(QUOTA_CONSUME)))
        return FAIL(diag, ERR_INVALID, "Invalid configuration key %.*s", BYTES_PRINT(key));
    change->kind = SECURITY_QUOTA;
    change->quota = bytes_is(key, quota_name(QUOTA_PRODUCE)) ? QUOTA_PRODUCE : QUOTA_CONSUME;
    change->remove = in->ops[index].remove;
    change->limit = value;
    if (change->remove)
        return ERR_OK;
    if (!(value > 0))
        return FAIL(diag, ERR_INVALID, "Quota %.*s must be greater than 0", BYTES_PRINT(key));
    if (value > 9.2e18 || fabs(fmod(value, 1.0)) > 1e-6)
        return FAIL(diag, ERR_INVALID, "%.*s cannot be a fractional value.", BYTES_PRINT(key));
    return ERR_OK;
}

static err_t read_entry(const in_t *in, struct security_change *changes, size_t *count,
                        struct diag *diag)
{
    struct quota_entity entity;
    TRY(read_entity(in, &entity, diag));
    for (int32_t i = 0; i < in->ops_count; i++) {
        changes[i] = (struct security_change){.entity = entity};
        TRY(read_op(in, i, &changes[i], diag));
    }
    *count += (size_t)in->ops_count;
    return ERR_OK;
}

static void tell(struct request *request, const in_t *in, out_t *out, err_t err,
                 const struct diag *diag)
{
    kafka_alter_client_quotas_response_entry_data_init(out);
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, diag);
    out->entity_count = in->entity_count;
    out->entity = ARENA_ARRAY(&request->arena, entity_t, (size_t)in->entity_count);
    for (int32_t i = 0; i < in->entity_count; i++)
        out->entity[i] = (entity_t){in->entity[i].entity_type, in->entity[i].entity_name};
}

void alter_client_quotas_handle(struct request *request)
{
    const message_t *m = request->message;
    response_t *response = ARENA_NEW(&request->arena, response_t);
    bool may = request_may_cluster(request, ACL_ALTER_CONFIGS);
    size_t most = 0, count = 0;
    for (int32_t i = 0; i < m->entries_count; i++)
        most += (size_t)m->entries[i].ops_count;
    kafka_alter_client_quotas_response_init(response);
    response->entries_count = m->entries_count;
    response->entries = ARENA_ARRAY(&request->arena, out_t, (size_t)m->entries_count);
    struct security_change *changes = ARENA_ARRAY(&request->arena, struct security_change, most);
    for (int32_t i = 0; i < m->entries_count; i++) {
        struct diag diag = DIAG_INIT;
        err_t err = may ? read_entry(&m->entries[i], changes + count, &count, &diag)
                        : ERR_CLUSTER_UNAUTHORIZED;
        tell(request, &m->entries[i], &response->entries[i], err, &diag);
    }
    security_answer(request, changes, m->validate_only ? 0 : count, response, fail);
}
