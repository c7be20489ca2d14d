// SPDX-License-Identifier: Apache-2.0
//
// weir acls: who may do what in Kafka.

#include "app/admin.h"
#include "app/cmd.h"
#include "broker/acl.h"
#include "wire/kafka/api.h"
#include "wire/kafka/create_acls.h"
#include "wire/kafka/delete_acls.h"
#include "wire/kafka/describe_acls.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define USAGE                                                                         \
    "weir acls [list | add | remove] [--principal User:NAME] [--operation read,...] " \
    "[--topic NAME | --group NAME | --cluster | --transactional-id NAME] [--prefix] [--deny]"

enum { OPERATIONS_MAX = 16, VERSION = 3 };

static const struct option options[] = {
    {"principal", "User:NAME", "who; User:* is everyone"},
    {"operation", "WORDS",
     "what: all, or some of read,write,create,delete,alter,describe,cluster_action,"
     "describe_configs,alter_configs,idempotent_write,..."},
    {"topic", "NAME", "with which topic; '*' is every one"},
    {"group", "NAME", "with which consumer group"},
    {"cluster", NULL, "with the cluster"},
    {"transactional-id", "NAME", "with which transactional id"},
    {"prefix", NULL, "with all whose name begins with NAME"},
    {"host", "ADDRESS", "from where (default *)"},
    {"deny", NULL, "forbid it; wins over what allows it"},
    ADMIN_OPTIONS,
    {NULL, NULL, NULL}};

static bool same_word(const char *word, const char *given, size_t size)
{
    if (!word || strlen(word) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (tolower((unsigned char)word[i]) !=
            (given[i] == '-' ? '_' : tolower((unsigned char)given[i])))
            return false;
    return true;
}

// "read,write" as codes; 0 of them when a word is none.
static size_t read_operations(const char *text, int8_t *out, struct diag *diag)
{
    size_t count = 0;
    for (const char *at = text; *at && count < OPERATIONS_MAX;) {
        size_t size = strcspn(at, ",");
        int code = ACL_ALL;
        while (acl_operation_word(code) && !same_word(acl_operation_word(code), at, size))
            code++;
        if (!acl_operation_word(code)) {
            diag_fail(diag, __FILE__, __LINE__, ERR_INVALID,
                      "'%.*s' is no operation; weir acls --help lists them", (int)size, at);
            return 0;
        }
        out[count++] = (int8_t)code;
        at += size + (at[size] == ',');
    }
    return count;
}

// The resource the options name, or any.
static err_t read_resource(const struct args *args, struct acl *out, struct diag *diag)
{
    static const struct {
        const char *option;
        enum acl_resource resource;
    } kinds[] = {
        {"topic", ACL_TOPIC}, {"group", ACL_GROUP}, {"transactional-id", ACL_TRANSACTIONAL_ID}};
    int found = args_flag(args, "cluster");
    *out = (struct acl){.resource = found ? ACL_CLUSTER : ACL_RESOURCE_ANY,
                        .name = found ? bytes_from(ACL_CLUSTER_NAME) : BYTES_NULL};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *name = args_text(args, kinds[i].option, NULL);
        if (!name)
            continue;
        found++;
        out->resource = kinds[i].resource;
        out->name = bytes_from(name);
    }
    if (found > 1)
        return FAIL(diag, ERR_INVALID,
                    "expected one of --topic, --group, --cluster, --transactional-id");
    return ERR_OK;
}

static json_t *row_of(const struct kafka_describe_acls_response_resource *resource,
                      const struct kafka_describe_acls_response_acl_description *rule)
{
    return json_pack("{s:s, s:s, s:s%, s:s%, s:s%, s:s, s:s}", "resource",
                     acl_resource_word(resource->resource_type), "pattern",
                     acl_pattern_word(resource->pattern_type), "name", resource->resource_name.ptr,
                     resource->resource_name.size, "principal", rule->principal.ptr,
                     rule->principal.size, "host", rule->host.ptr, rule->host.size, "operation",
                     acl_operation_word(rule->operation), "permission",
                     acl_permission_word(rule->permission_type));
}

static void print_rows(const struct args *args, const json_t *rows)
{
    static const struct view_column columns[] = {{"RESOURCE", "resource"},
                                                 {"PATTERN", "pattern"},
                                                 {"NAME", "name"},
                                                 {"PRINCIPAL", "principal"},
                                                 {"HOST", "host"},
                                                 {"OPERATION", "operation"},
                                                 {"PERMISSION", "permission"},
                                                 {NULL, NULL}};
    if (args_flag(args, "json")) {
        cmd_print_json(rows);
        return;
    }
    struct str text = {0};
    view_rows(&text, rows, columns);
    fputs(str_text(&text), stdout);
    str_release(&text);
}

static err_t list(struct admin *admin, const struct args *args, const struct acl *resource,
                  struct diag *diag)
{
    struct kafka_describe_acls_request request;
    kafka_describe_acls_request_init(&request);
    request.resource_type_filter = (int8_t)resource->resource;
    request.resource_name_filter = resource->name;
    request.pattern_type_filter = args_flag(args, "prefix") ? ACL_PREFIXED : ACL_MATCH;
    request.principal_filter = bytes_from(args_text(args, "principal", NULL));
    request.host_filter = bytes_from(args_text(args, "host", NULL));
    request.operation = ACL_OPERATION_ANY;
    request.permission_type = args_flag(args, "deny") ? ACL_DENY : ACL_PERMISSION_ANY;
    void *answer = NULL;
    TRY(admin_call(admin, KAFKA_DESCRIBE_ACLS, VERSION, &request, &answer, diag));
    const struct kafka_describe_acls_response *response = answer;
    TRY(admin_check(response->error_code, response->error_message, diag));
    json_t *rows = json_array();
    for (int32_t r = 0; r < response->resources_count; r++)
        for (int32_t i = 0; i < response->resources[r].acls_count; i++)
            json_array_append_new(rows,
                                  row_of(&response->resources[r], &response->resources[r].acls[i]));
    print_rows(args, rows);
    json_decref(rows);
    return ERR_OK;
}

// What add and remove are about; both must name it in full.
struct rules {
    struct acl resource;
    const char *principal;
    const char *host;
    int8_t operations[OPERATIONS_MAX];
    size_t count;
    int8_t pattern, permission;
};

static err_t read_rules(const struct args *args, const struct acl *resource, struct rules *out,
                        struct diag *diag)
{
    out->resource = *resource;
    out->principal = args_text(args, "principal", NULL);
    out->host = args_text(args, "host", "*");
    out->pattern = args_flag(args, "prefix") ? ACL_PREFIXED : ACL_LITERAL;
    out->permission = args_flag(args, "deny") ? ACL_DENY : ACL_ALLOW;
    const char *operations = args_text(args, "operation", NULL);
    if (resource->resource == ACL_RESOURCE_ANY || !out->principal || !operations)
        return FAIL(diag, ERR_INVALID,
                    "expected --principal, --operation and one of --topic, --group, --cluster, "
                    "--transactional-id");
    out->count = read_operations(operations, out->operations, diag);
    return out->count ? ERR_OK : FAIL(diag, ERR_INVALID, "expected --operation");
}

static err_t add(struct admin *admin, const struct rules *rules, struct diag *diag)
{
    struct kafka_create_acls_request_acl_creation creations[OPERATIONS_MAX];
    struct kafka_create_acls_request request;
    kafka_create_acls_request_init(&request);
    for (size_t i = 0; i < rules->count; i++)
        creations[i] = (struct kafka_create_acls_request_acl_creation){
            .resource_type = (int8_t)rules->resource.resource,
            .resource_name = rules->resource.name,
            .resource_pattern_type = rules->pattern,
            .principal = bytes_from(rules->principal),
            .host = bytes_from(rules->host),
            .operation = rules->operations[i],
            .permission_type = rules->permission};
    request.creations = creations;
    request.creations_count = (int32_t)rules->count;
    void *answer = NULL;
    TRY(admin_call(admin, KAFKA_CREATE_ACLS, VERSION, &request, &answer, diag));
    const struct kafka_create_acls_response *response = answer;
    for (int32_t i = 0; i < response->results_count; i++)
        TRY(admin_check(response->results[i].error_code, response->results[i].error_message, diag));
    printf("added %zu\n", rules->count);
    return ERR_OK;
}

static err_t remove_rules(struct admin *admin, const struct rules *rules, struct diag *diag)
{
    struct kafka_delete_acls_request_filter filters[OPERATIONS_MAX];
    struct kafka_delete_acls_request request;
    int32_t removed = 0;
    kafka_delete_acls_request_init(&request);
    for (size_t i = 0; i < rules->count; i++)
        filters[i] = (struct kafka_delete_acls_request_filter){
            .resource_type_filter = (int8_t)rules->resource.resource,
            .resource_name_filter = rules->resource.name,
            .pattern_type_filter = rules->pattern,
            .principal_filter = bytes_from(rules->principal),
            .host_filter = bytes_from(rules->host),
            .operation = rules->operations[i],
            .permission_type = rules->permission};
    request.filters = filters;
    request.filters_count = (int32_t)rules->count;
    void *answer = NULL;
    TRY(admin_call(admin, KAFKA_DELETE_ACLS, VERSION, &request, &answer, diag));
    const struct kafka_delete_acls_response *response = answer;
    for (int32_t i = 0; i < response->filter_results_count; i++) {
        TRY(admin_check(response->filter_results[i].error_code,
                        response->filter_results[i].error_message, diag));
        removed += response->filter_results[i].matching_acls_count;
    }
    if (removed == 0)
        return FAIL(diag, ERR_NOT_FOUND, "there is no such ACL");
    printf("removed %d\n", removed);
    return ERR_OK;
}

static err_t run(const struct args *args, const char *verb, struct admin *admin, struct diag *diag)
{
    struct acl resource;
    struct rules rules;
    TRY(read_resource(args, &resource, diag));
    if (strcmp(verb, "list") == 0)
        return list(admin, args, &resource, diag);
    TRY(read_rules(args, &resource, &rules, diag));
    return strcmp(verb, "add") == 0 ? add(admin, &rules, diag) : remove_rules(admin, &rules, diag);
}

int cmd_acls(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir acls", options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(USAGE, options);
    const char *verb = args.word_count ? args.words[0] : "list";
    bool known =
        strcmp(verb, "list") == 0 || strcmp(verb, "add") == 0 || strcmp(verb, "remove") == 0;
    if (!known || args.word_count > 1)
        return cmd_usage(USAGE);
    struct admin *admin = NULL;
    struct diag diag = DIAG_INIT;
    err_t err = admin_open(&admin, &args, &diag);
    if (err == ERR_OK)
        err = run(&args, verb, admin, &diag);
    admin_close(admin);
    return err == ERR_OK ? EXIT_FINE : cmd_failed("weir acls", &diag);
}
