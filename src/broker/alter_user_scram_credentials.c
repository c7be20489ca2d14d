// SPDX-License-Identifier: Apache-2.0
//
// AlterUserScramCredentials is answered when the credentials are durable and in force. The client
// sends the salted password, never the password.
#include "wire/kafka/alter_user_scram_credentials.h"

#include "broker/broker_int.h"
#include "broker/security.h"

#include <openssl/crypto.h>

typedef struct kafka_alter_user_scram_credentials_request message_t;
typedef struct kafka_alter_user_scram_credentials_response response_t;
typedef struct kafka_alter_user_scram_credentials_response_result result_t;

enum { NAME_MAX_BYTES = 1024 };

struct altering {
    struct security_write write;
    struct request *request;
    response_t response;
};

static void altered(struct security_write *write)
{
    struct altering *altering = CONTAINER_OF(write, struct altering, write);
    for (int32_t i = 0; i < altering->response.results_count && write->err != ERR_OK; i++) {
        altering->response.results[i].error_code = kafka_code(write->err);
        altering->response.results[i].error_message =
            kafka_story(altering->request, write->err, NULL);
    }
    request_respond(altering->request, &altering->response);
}

static int32_t times_named(const message_t *m, struct bytes name)
{
    int32_t times = 0;
    for (int32_t i = 0; i < m->deletions_count; i++)
        times += bytes_equal(m->deletions[i].name, name);
    for (int32_t i = 0; i < m->upsertions_count; i++)
        times += bytes_equal(m->upsertions[i].name, name);
    return times;
}

static err_t check_name(const message_t *m, struct bytes name, int8_t mechanism, struct diag *diag)
{
    if (times_named(m, name) > 1)
        return FAIL(diag, ERR_DUPLICATE_RESOURCE,
                    "A user credential cannot be altered twice in the same request");
    if (name.size == 0)
        return FAIL(diag, ERR_UNACCEPTABLE_CREDENTIAL, "Username must not be empty");
    if (name.size > NAME_MAX_BYTES)
        return FAIL(diag, ERR_UNACCEPTABLE_CREDENTIAL, "Username is longer than %d bytes",
                    NAME_MAX_BYTES);
    if (mechanism != SCRAM_SHA_256 && mechanism != SCRAM_SHA_512)
        return FAIL(diag, ERR_UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism");
    return ERR_OK;
}

static err_t delete_one(struct request *request, int32_t index, struct security_change *change,
                        struct diag *diag)
{
    const message_t *m = request->message;
    struct bytes name = m->deletions[index].name;
    int8_t mechanism = m->deletions[index].mechanism;
    struct scram_credential present;
    TRY(check_name(m, name, mechanism, diag));
    if (!users_find(security_users(request->broker->security), name,
                    (enum scram_mechanism)mechanism, &present))
        return FAIL(diag, ERR_RESOURCE_NOT_FOUND,
                    "Attempt to delete a user credential that does not exist");
    *change = (struct security_change){
        .kind = SECURITY_USER, .remove = true, .user = name, .credential = present};
    return ERR_OK;
}

static err_t upsert_one(struct request *request, int32_t index, struct security_change *change,
                        struct diag *diag)
{
    const message_t *m = request->message;
    const struct kafka_alter_user_scram_credentials_request_scram_credential_upsertion *in =
        &m->upsertions[index];
    TRY(check_name(m, in->name, in->mechanism, diag));
    if (in->iterations < SCRAM_ITERATIONS_MIN)
        return FAIL(diag, ERR_UNACCEPTABLE_CREDENTIAL, "Too few iterations");
    if (in->iterations > SCRAM_ITERATIONS_MAX)
        return FAIL(diag, ERR_UNACCEPTABLE_CREDENTIAL, "Too many iterations");
    if (in->salt.size == 0 || in->salt.size > SCRAM_SALT_MAX ||
        in->salted_password.size != scram_key_size((enum scram_mechanism)in->mechanism))
        return FAIL(diag, ERR_UNACCEPTABLE_CREDENTIAL,
                    "The salt must have 1 to %d bytes, the salted password %zu", SCRAM_SALT_MAX,
                    scram_key_size((enum scram_mechanism)in->mechanism));
    *change = (struct security_change){.kind = SECURITY_USER, .user = in->name};
    change->credential = (struct scram_credential){
        .mechanism = in->mechanism, .iterations = in->iterations, .salt_size = in->salt.size};
    memcpy(change->credential.salt, in->salt.ptr, in->salt.size);
    scram_derive(&change->credential, in->salted_password.ptr);
    OPENSSL_cleanse((void *)(uintptr_t)in->salted_password.ptr, in->salted_password.size);
    return ERR_OK;
}

// One result for each user, however often he is named.
static result_t *result_of(response_t *response, struct bytes name)
{
    for (int32_t i = 0; i < response->results_count; i++)
        if (bytes_equal(response->results[i].user, name))
            return &response->results[i];
    result_t *result = &response->results[response->results_count++];
    kafka_alter_user_scram_credentials_response_result_init(result);
    result->user = name;
    return result;
}

static void tell(struct altering *altering, struct bytes name, err_t err, const struct diag *diag)
{
    result_t *result = result_of(&altering->response, name);
    result->error_code = kafka_code(err);
    result->error_message = kafka_story(altering->request, err, diag);
}

static size_t collect(struct altering *altering, struct security_change *changes)
{
    struct request *request = altering->request;
    const message_t *m = request->message;
    bool may = request_may_cluster(request, ACL_ALTER);
    size_t count = 0;
    for (int32_t i = 0; i < m->deletions_count; i++) {
        struct diag diag = DIAG_INIT;
        err_t err = may ? delete_one(request, i, &changes[count], &diag) : ERR_CLUSTER_UNAUTHORIZED;
        count += err == ERR_OK;
        tell(altering, m->deletions[i].name, err, &diag);
    }
    for (int32_t i = 0; i < m->upsertions_count; i++) {
        struct diag diag = DIAG_INIT;
        err_t err = may ? upsert_one(request, i, &changes[count], &diag) : ERR_CLUSTER_UNAUTHORIZED;
        count += err == ERR_OK;
        tell(altering, m->upsertions[i].name, err, &diag);
    }
    return count;
}

void alter_user_scram_credentials_handle(struct request *request)
{
    const message_t *m = request->message;
    struct altering *altering = ARENA_NEW(&request->arena, struct altering);
    size_t most = (size_t)m->deletions_count + (size_t)m->upsertions_count;
    kafka_alter_user_scram_credentials_response_init(&altering->response);
    altering->request = request;
    altering->response.results = ARENA_ARRAY(&request->arena, result_t, most);
    struct security_change *changes = ARENA_ARRAY(&request->arena, struct security_change, most);
    size_t count = collect(altering, changes);
    altering->write = (struct security_write){.changes = changes, .count = count, .done = altered};
    security_change(request->broker->security, &altering->write);
}
