// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/describe_user_scram_credentials.h"

#include "broker/broker_int.h"
#include "broker/security.h"

typedef struct kafka_describe_user_scram_credentials_response response_t;
typedef struct kafka_describe_user_scram_credentials_response_result result_t;
typedef struct kafka_describe_user_scram_credentials_response_credential_info info_t;

static void add_info(struct request *request, result_t *result, const struct user_entry *entry)
{
    if (!result->credential_infos)
        result->credential_infos = ARENA_ARRAY(&request->arena, info_t, SCRAM_SHA_512);
    info_t *info = &result->credential_infos[result->credential_infos_count++];
    info->mechanism = (int8_t)entry->credential.mechanism;
    info->iterations = entry->credential.iterations;
}

static void describe_all(struct request *request, response_t *response,
                         const struct user_entry *all, size_t count)
{
    response->results = ARENA_ARRAY(&request->arena, result_t, count);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !bytes_equal(all[i].name, all[i - 1].name)) {
            result_t *result = &response->results[response->results_count++];
            kafka_describe_user_scram_credentials_response_result_init(result);
            result->user = all[i].name;
        }
        add_info(request, &response->results[response->results_count - 1], &all[i]);
    }
}

static err_t describe_one(struct request *request, int32_t index, result_t *result,
                          const struct user_entry *all, size_t count, struct diag *diag)
{
    const struct kafka_describe_user_scram_credentials_request *m = request->message;
    struct bytes name = m->users[index].name;
    for (int32_t i = 0; i < m->users_count; i++)
        if (i != index && bytes_equal(m->users[i].name, name))
            return FAIL(diag, ERR_DUPLICATE_RESOURCE,
                        "Cannot describe SCRAM credentials for the same user twice in a single "
                        "request: %.*s",
                        BYTES_PRINT(name));
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(all[i].name, name))
            add_info(request, result, &all[i]);
    if (result->credential_infos_count == 0)
        return FAIL(diag, ERR_RESOURCE_NOT_FOUND,
                    "Attempt to describe a user credential that does not exist: %.*s",
                    BYTES_PRINT(name));
    return ERR_OK;
}

// Did an earlier entry of the request name the same user? He is told of once.
static bool is_told(const response_t *response, struct bytes name)
{
    for (int32_t i = 0; i < response->results_count; i++)
        if (bytes_equal(response->results[i].user, name))
            return true;
    return false;
}

static void describe_some(struct request *request, response_t *response,
                          const struct user_entry *all, size_t count)
{
    const struct kafka_describe_user_scram_credentials_request *m = request->message;
    response->results = ARENA_ARRAY(&request->arena, result_t, (size_t)m->users_count);
    for (int32_t i = 0; i < m->users_count; i++) {
        struct diag diag = DIAG_INIT;
        if (is_told(response, m->users[i].name))
            continue;
        result_t *result = &response->results[response->results_count++];
        kafka_describe_user_scram_credentials_response_result_init(result);
        result->user = m->users[i].name;
        err_t err = describe_one(request, i, result, all, count, &diag);
        result->error_code = kafka_code(err);
        result->error_message = kafka_story(request, err, &diag);
    }
}

void describe_user_scram_credentials_handle(struct request *request)
{
    const struct kafka_describe_user_scram_credentials_request *m = request->message;
    response_t response;
    kafka_describe_user_scram_credentials_response_init(&response);
    if (!request_may_cluster(request, ACL_DESCRIBE)) {
        response.error_code = kafka_code(ERR_CLUSTER_UNAUTHORIZED);
        response.error_message = kafka_story(request, ERR_CLUSTER_UNAUTHORIZED, NULL);
        // Kafka tells it a second time, of a user without a name.
        result_t *nobody = ARENA_NEW(&request->arena, result_t);
        kafka_describe_user_scram_credentials_response_result_init(nobody);
        nobody->error_code = response.error_code;
        response.results = nobody;
        response.results_count = 1;
    } else {
        size_t count;
        struct user_entry *all =
            users_all(security_users(request->broker->security), &request->arena, &count);
        if (m->users_count <= 0)
            describe_all(request, &response, all, count);
        else
            describe_some(request, &response, all, count);
    }
    request_respond(request, &response);
}
