// SPDX-License-Identifier: Apache-2.0
//
// AlterUserScramCredentials is answered when the credentials are durable and in force. The client
// sends the salted password, never the password.
#include "wire/kafka/alter_user_scram_credentials.h"

#include "broker/security_answer.h"
#include "broker/topics.h"

#include <openssl/crypto.h>

typedef struct kafka_alter_user_scram_credentials_request message_t;
typedef struct kafka_alter_user_scram_credentials_response response_t;
typedef struct kafka_alter_user_scram_credentials_response_result result_t;

enum { NAME_MAX_BYTES = 1024 };

// The users named, deletions first.
struct names {
    struct bytes *all;
    size_t count;
    const size_t *first; // topics_first()
    bool *twice;         // by the index of the first
    result_t **results;  // likewise: one for each user, however often he is named
};

static void fail(void *response, int16_t code, struct bytes story)
{
    response_t *out = response;
    for (int32_t i = 0; i < out->results_count; i++) {
        out->results[i].error_code = code;
        out->results[i].error_message = story;
    }
}

static struct names find_names(struct arena *arena, const message_t *m)
{
    size_t deletions = (size_t)m->deletions_count, upsertions = (size_t)m->upsertions_count;
    struct names names = {.count = deletions + upsertions};
    names.all = ARENA_ARRAY(arena, struct bytes, names.count);
    for (size_t i = 0; i < deletions; i++)
        names.all[i] = m->deletions[i].name;
    for (size_t i = 0; i < upsertions; i++)
        names.all[deletions + i] = m->upsertions[i].name;
    names.first = topics_first(arena, names.all, names.count);
    names.twice = ARENA_ARRAY(arena, bool, names.count);
    names.results = ARENA_ARRAY(arena, result_t *, names.count);
    for (size_t i = 0; i < names.count; i++)
        names.twice[names.first[i]] = names.twice[names.first[i]] || names.first[i] != i;
    return names;
}

static err_t check_name(struct bytes name, int8_t mechanism, struct diag *diag)
{
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
    TRY(check_name(name, mechanism, diag));
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
    TRY(check_name(in->name, in->mechanism, diag));
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

static err_t change_one(struct request *request, const struct names *names, size_t index,
                        struct security_change *change, struct diag *diag)
{
    const message_t *m = request->message;
    size_t deletions = (size_t)m->deletions_count;
    if (names->twice[names->first[index]])
        return FAIL(diag, ERR_DUPLICATE_RESOURCE,
                    "A user credential cannot be altered twice in the same request");
    return index < deletions ? delete_one(request, (int32_t)index, change, diag)
                             : upsert_one(request, (int32_t)(index - deletions), change, diag);
}

static void tell(struct request *request, response_t *response, struct names *names, size_t index,
                 err_t err, const struct diag *diag)
{
    result_t **result = &names->results[names->first[index]];
    if (!*result) {
        *result = &response->results[response->results_count++];
        kafka_alter_user_scram_credentials_response_result_init(*result);
        (*result)->user = names->all[index];
    }
    (*result)->error_code = kafka_code(err);
    (*result)->error_message = kafka_story(request, err, diag);
}

void alter_user_scram_credentials_handle(struct request *request)
{
    struct arena *arena = &request->arena;
    struct names names = find_names(arena, request->message);
    response_t *response = ARENA_NEW(arena, response_t);
    kafka_alter_user_scram_credentials_response_init(response);
    response->results = ARENA_ARRAY(arena, result_t, names.count);
    struct security_change *changes = ARENA_ARRAY(arena, struct security_change, names.count);
    bool may = request_may_cluster(request, ACL_ALTER);
    size_t count = 0;
    for (size_t i = 0; i < names.count; i++) {
        struct diag diag = DIAG_INIT;
        err_t err =
            may ? change_one(request, &names, i, &changes[count], &diag) : ERR_CLUSTER_UNAUTHORIZED;
        count += err == ERR_OK;
        tell(request, response, &names, i, err, &diag);
    }
    security_answer(request, changes, count, response, fail);
}
