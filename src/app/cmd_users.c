// SPDX-License-Identifier: Apache-2.0
//
// weir users: who may sign in to the Kafka listeners. Passwords are salted here; the broker never
// sees one.

#include "app/admin.h"
#include "app/cmd.h"
#include "broker/scram.h"
#include "wire/kafka/alter_user_scram_credentials.h"
#include "wire/kafka/api.h"
#include "wire/kafka/describe_user_scram_credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE "weir users [list | create NAME | delete NAME] [--password-env VARIABLE]"

enum { PASSWORD_MAX_BYTES = 1024 };

static const struct option options[] = {
    {"password-env", "VARIABLE",
     "create: where the password is (default: asked for, or a line of stdin)"},
    {"iterations", "N", "create: rounds of hashing, 4096 to 16384 (default 4096)"},
    ADMIN_OPTIONS,
    {NULL, NULL, NULL}};

static err_t describe(struct admin *admin, const char *name,
                      struct kafka_describe_user_scram_credentials_response **out,
                      struct diag *diag)
{
    struct kafka_describe_user_scram_credentials_request request;
    struct kafka_describe_user_scram_credentials_request_user_name user;
    kafka_describe_user_scram_credentials_request_init(&request);
    user.name = bytes_from(name);
    request.users = &user;
    request.users_count = name ? 1 : 0;
    void *response = NULL;
    TRY(admin_call(admin, KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, 0, &request, &response, diag));
    *out = response;
    return admin_check((*out)->error_code, (*out)->error_message, diag);
}

static err_t list(struct admin *admin, const struct args *args, struct diag *diag)
{
    static const struct view_column columns[] = {
        {"USER", "name"}, {"MECHANISMS", "mechanisms"}, {NULL, NULL}};
    struct kafka_describe_user_scram_credentials_response *response;
    TRY(describe(admin, NULL, &response, diag));
    json_t *rows = json_array();
    for (int32_t i = 0; i < response->results_count; i++) {
        struct str mechanisms = {0};
        for (int32_t c = 0; c < response->results[i].credential_infos_count; c++)
            str_printf(
                &mechanisms, "%s%s", c ? ", " : "",
                scram_name(
                    (enum scram_mechanism)response->results[i].credential_infos[c].mechanism));
        json_array_append_new(rows, json_pack("{s:s%, s:s}", "name", response->results[i].user.ptr,
                                              response->results[i].user.size, "mechanisms",
                                              str_text(&mechanisms)));
        str_release(&mechanisms);
    }
    if (args_flag(args, "json")) {
        cmd_print_json(rows);
    } else {
        struct str text = {0};
        view_rows(&text, rows, columns);
        fputs(str_text(&text), stdout);
        str_release(&text);
    }
    json_decref(rows);
    return ERR_OK;
}

static err_t alter(struct admin *admin,
                   const struct kafka_alter_user_scram_credentials_request *request,
                   struct diag *diag)
{
    void *response = NULL;
    TRY(admin_call(admin, KAFKA_ALTER_USER_SCRAM_CREDENTIALS, 0, request, &response, diag));
    const struct kafka_alter_user_scram_credentials_response *answer = response;
    for (int32_t i = 0; i < answer->results_count; i++)
        TRY(admin_check(answer->results[i].error_code, answer->results[i].error_message, diag));
    return ERR_OK;
}

static err_t read_password(const struct args *args, char *out, struct diag *diag)
{
    const char *variable = args_text(args, "password-env", NULL);
    const char *found = variable ? getenv(variable) : NULL;
    if (variable && (!found || !found[0]))
        return FAIL(diag, ERR_INVALID, "the environment variable %s is not set", variable);
    if (!variable && isatty(STDIN_FILENO))
        found = getpass("password: ");
    else if (!variable)
        found = fgets(out, PASSWORD_MAX_BYTES, stdin);
    size_t size = found ? strcspn(found, "\r\n") : 0;
    if (size == 0 || size >= PASSWORD_MAX_BYTES)
        return FAIL(diag, ERR_INVALID, "expected a password of 1 to %d bytes",
                    PASSWORD_MAX_BYTES - 1);
    memmove(out, found, size);
    out[size] = '\0';
    return ERR_OK;
}

static err_t set_password(struct admin *admin, const char *name, enum scram_mechanism mechanism,
                          const char *password, int32_t iterations, struct diag *diag)
{
    struct scram_credential credential;
    uint8_t salted[SCRAM_KEY_MAX];
    struct kafka_alter_user_scram_credentials_request_scram_credential_upsertion upsertion;
    struct kafka_alter_user_scram_credentials_request request;
    kafka_alter_user_scram_credentials_request_init(&request);
    kafka_alter_user_scram_credentials_request_scram_credential_upsertion_init(&upsertion);
    scram_make(&credential, mechanism, BYTES_NULL, SCRAM_ITERATIONS_MIN); // for its salt
    struct bytes salt = bytes_make(credential.salt, credential.salt_size);
    scram_salt_password(mechanism, bytes_from(password), salt, iterations, salted);
    upsertion.name = bytes_from(name);
    upsertion.mechanism = (int8_t)mechanism;
    upsertion.iterations = iterations;
    upsertion.salt = salt;
    upsertion.salted_password = bytes_make(salted, scram_key_size(mechanism));
    request.upsertions = &upsertion;
    request.upsertions_count = 1;
    return alter(admin, &request, diag);
}

static err_t create(struct admin *admin, const struct args *args, const char *name,
                    int32_t iterations, struct diag *diag)
{
    char password[PASSWORD_MAX_BYTES];
    TRY(read_password(args, password, diag));
    for (int mechanism = SCRAM_SHA_256; mechanism <= SCRAM_SHA_512; mechanism++)
        TRY(set_password(admin, name, (enum scram_mechanism)mechanism, password, iterations, diag));
    printf("%s can sign in\n", name);
    return ERR_OK;
}

static err_t delete_user(struct admin *admin, const char *name, struct diag *diag)
{
    struct kafka_describe_user_scram_credentials_response *response;
    TRY(describe(admin, name, &response, diag));
    TRY(admin_check(response->results[0].error_code, response->results[0].error_message, diag));
    for (int32_t i = 0; i < response->results[0].credential_infos_count; i++) {
        struct kafka_alter_user_scram_credentials_request request;
        struct kafka_alter_user_scram_credentials_request_scram_credential_deletion deletion = {
            .name = bytes_from(name),
            .mechanism = response->results[0].credential_infos[i].mechanism};
        kafka_alter_user_scram_credentials_request_init(&request);
        request.deletions = &deletion;
        request.deletions_count = 1;
        TRY(alter(admin, &request, diag));
    }
    printf("deleted %s\n", name);
    return ERR_OK;
}

int cmd_users(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir users", options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(USAGE, options);
    const char *verb = args.word_count ? args.words[0] : "list";
    const char *name = args.word_count > 1 ? args.words[1] : NULL;
    bool ok = true;
    int32_t iterations = (int32_t)args_int(&args, "iterations", SCRAM_ITERATIONS_MIN,
                                           SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX, &ok);
    bool lists = strcmp(verb, "list") == 0 && !name;
    bool creates = strcmp(verb, "create") == 0 && name;
    bool deletes = strcmp(verb, "delete") == 0 && name;
    if (!ok)
        return EXIT_USAGE;
    if ((!lists && !creates && !deletes) || args.word_count > 2)
        return cmd_usage(USAGE);
    struct admin *admin = NULL;
    struct diag diag = DIAG_INIT;
    err_t err = admin_open(&admin, &args, &diag);
    if (err == ERR_OK)
        err = lists     ? list(admin, &args, &diag)
              : creates ? create(admin, &args, name, iterations, &diag)
                        : delete_user(admin, name, &diag);
    admin_close(admin);
    return err == ERR_OK ? EXIT_FINE : cmd_failed("weir users", &diag);
}
