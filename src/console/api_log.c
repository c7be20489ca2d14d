// SPDX-License-Identifier: Apache-2.0
//
// The API of topics and consumer groups.

#include "console/route.h"

#include <inttypes.h>
#include <jansson.h>

static struct log_port log_of(const struct exchange *exchange)
{
    return exchange_options(exchange)->log;
}

static err_t list_topics(struct exchange *exchange)
{
    struct log_port log = log_of(exchange);
    const struct log_topic *topics = NULL;
    size_t count = 0;
    bool all = exchange_flag(exchange, "internal");
    TRY(log.ops->topics(log.self, &exchange->arena, &topics, &count, &exchange->diag));
    struct str *json = &exchange->json;
    const char *comma = "";
    str_append_byte(json, '[');
    for (size_t i = 0; i < count; i++) {
        if (topics[i].internal && !all)
            continue;
        str_printf(json, "%s{\"name\":", comma);
        str_append_json(json, bytes_from(topics[i].name));
        str_printf(json,
                   ",\"partitions\":%" PRId32 ",\"records\":%" PRId64 ",\"bytes\":%" PRId64
                   ",\"internal\":%s}",
                   topics[i].partitions, topics[i].records, topics[i].bytes,
                   topics[i].internal ? "true" : "false");
        comma = ",";
    }
    str_append_byte(json, ']');
    return ERR_OK;
}

// NULL when there is none of that name (`err` ERR_OK) or the log failed.
static const struct log_topic *find_topic(struct exchange *exchange, const char *name, err_t *err)
{
    struct log_port log = log_of(exchange);
    const struct log_topic *topics = NULL;
    size_t count = 0;
    *err = log.ops->topics(log.self, &exchange->arena, &topics, &count, &exchange->diag);
    for (size_t i = 0; !*err && i < count; i++)
        if (strcmp(topics[i].name, name) == 0)
            return &topics[i];
    return NULL;
}

static err_t create_topic(struct exchange *exchange)
{
    struct log_port log = log_of(exchange);
    struct bytes body = http_body(exchange->request);
    json_t *object = json_loadb((const char *)body.ptr, body.size, 0, NULL);
    const char *given = json_string_value(json_object_get(object, "name"));
    const char *name = given ? arena_strdup(&exchange->arena, given) : NULL;
    json_t *count = json_object_get(object, "partitions");
    json_int_t partitions = count ? json_integer_value(count) : 1;
    json_decref(object);
    if (!name || partitions < 1 || partitions > 10000)
        return FAIL(&exchange->diag, ERR_INVALID,
                    "expected {\"name\": \"...\", \"partitions\": 1 to 10000}");
    err_t err;
    int32_t made = 0;
    if (find_topic(exchange, name, &err))
        return FAIL(&exchange->diag, ERR_EXISTS, "topic '%s' exists already", name);
    TRY(err);
    TRY(log.ops->ensure(log.self, name, (int32_t)partitions, &made, &exchange->diag));
    str_printf(&exchange->json, "{\"partitions\":%" PRId32 "}", made);
    return ERR_OK;
}

static err_t delete_topic(struct exchange *exchange)
{
    struct log_port log = log_of(exchange);
    TRY(log.ops->remove(log.self, exchange->parts[0], &exchange->diag));
    str_append_text(&exchange->json, "{}");
    return ERR_OK;
}

static err_t list_partitions(struct exchange *exchange)
{
    struct log_port log = log_of(exchange);
    err_t err;
    const struct log_topic *topic = find_topic(exchange, exchange->parts[0], &err);
    TRY(err);
    if (!topic)
        return FAIL(&exchange->diag, ERR_UNKNOWN_TOPIC, "there is no topic '%s'",
                    exchange->parts[0]);
    str_append_byte(&exchange->json, '[');
    for (int32_t i = 0; i < topic->partitions; i++) {
        int64_t start = 0, end = 0;
        TRY(log.ops->offsets(log.self, topic->name, i, &start, &end, &exchange->diag));
        str_printf(&exchange->json,
                   "%s{\"partition\":%" PRId32 ",\"start\":%" PRId64 ",\"end\":%" PRId64 "}",
                   i ? "," : "", i, start, end);
    }
    str_append_byte(&exchange->json, ']');
    return ERR_OK;
}

static int64_t lag_of(const struct log_group_offset *offset)
{
    return offset->committed < 0 ? 0 : offset->end - offset->committed;
}

static err_t list_groups(struct exchange *exchange)
{
    struct log_port log = log_of(exchange);
    const struct log_group *groups = NULL;
    size_t count = 0;
    TRY(log.ops->groups(log.self, &exchange->arena, &groups, &count, &exchange->diag));
    struct str *json = &exchange->json;
    str_append_byte(json, '[');
    for (size_t i = 0; i < count; i++) {
        int64_t lag = 0;
        for (size_t k = 0; k < groups[i].offset_count; k++)
            lag += lag_of(&groups[i].offsets[k]);
        str_append_text(json, i ? ",{\"id\":" : "{\"id\":");
        str_append_json(json, bytes_from(groups[i].id));
        str_printf(json, ",\"state\":\"%s\",\"members\":%zu,\"lag\":%" PRId64 "}", groups[i].state,
                   groups[i].member_count, lag);
    }
    str_append_byte(json, ']');
    return ERR_OK;
}

static err_t describe_group(struct exchange *exchange)
{
    struct log_port log = log_of(exchange);
    const struct log_group *groups = NULL, *found = NULL;
    size_t count = 0;
    TRY(log.ops->groups(log.self, &exchange->arena, &groups, &count, &exchange->diag));
    for (size_t i = 0; i < count && !found; i++)
        if (strcmp(groups[i].id, exchange->parts[0]) == 0)
            found = &groups[i];
    if (!found)
        return FAIL(&exchange->diag, ERR_GROUP_NOT_FOUND, "there is no group '%s'",
                    exchange->parts[0]);
    str_append_byte(&exchange->json, '[');
    for (size_t i = 0; i < found->offset_count; i++) {
        const struct log_group_offset *offset = &found->offsets[i];
        str_append_text(&exchange->json, i ? ",{\"topic\":" : "{\"topic\":");
        str_append_json(&exchange->json, bytes_from(offset->topic));
        str_printf(&exchange->json,
                   ",\"partition\":%" PRId32 ",\"committed\":%" PRId64 ",\"end\":%" PRId64
                   ",\"lag\":%" PRId64 "}",
                   offset->partition, offset->committed, offset->end, lag_of(offset));
    }
    str_append_byte(&exchange->json, ']');
    return ERR_OK;
}

const struct route log_routes[] = {
    {"GET", "/api/topics", list_topics},
    {"POST", "/api/topics", create_topic},
    {"DELETE", "/api/topics/*", delete_topic},
    {"GET", "/api/topics/*/partitions", list_partitions},
    {"GET", "/api/groups", list_groups},
    {"GET", "/api/groups/*", describe_group},
    {NULL, NULL, NULL},
};
