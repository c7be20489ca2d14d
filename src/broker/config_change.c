// SPDX-License-Identifier: Apache-2.0
#include "broker/config_change.h"

#include "broker/topic_config.h"
#include "broker/topics.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4 };

static struct bytes current(struct bytes name, const struct topic_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_is(name, settings[i].key))
            return bytes_from(settings[i].value);
    return bytes_from(topic_config_find(name)->value);
}

// A comma-separated list without `word`.
static struct bytes without(struct arena *arena, struct bytes list, struct bytes word)
{
    char *out = arena_zalloc(arena, list.size + 1);
    size_t used = 0;
    for (size_t at = 0; at < list.size;) {
        size_t size = 0;
        while (at + size < list.size && list.ptr[at + size] != ',')
            size++;
        if (!bytes_equal(bytes_make(list.ptr + at, size), word)) {
            if (used)
                out[used++] = ',';
            memcpy(out + used, list.ptr + at, size);
            used += size;
        }
        at += size + 1;
    }
    return bytes_make(out, used);
}

// What the setting is to become; ptr NULL = the default.
static err_t work_out(struct arena *arena, const struct config_change *change, struct bytes present,
                      struct bytes *out, struct diag *diag)
{
    const struct topic_config *config = topic_config_find(change->name);
    *out = change->value;
    if (change->operation == CONFIG_DELETE)
        *out = BYTES_NULL;
    if (change->operation == CONFIG_DELETE || change->operation == CONFIG_SET)
        return ERR_OK;
    if (change->operation != CONFIG_APPEND && change->operation != CONFIG_SUBTRACT)
        return FAIL(diag, ERR_INVALID,
                    "%d is no operation on a setting; set 0, delete 1, append 2, subtract 3",
                    change->operation);
    if (config->type != TOPIC_CONFIG_LIST)
        return FAIL(diag, ERR_INVALID, "Config value append is not allowed for config key: %s",
                    config->name);
    struct bytes rest = without(arena, present, change->value);
    if (change->operation == CONFIG_APPEND)
        rest = bytes_from(rest.size ? arena_printf(arena, "%.*s,%.*s", BYTES_PRINT(rest),
                                                   BYTES_PRINT(change->value))
                                    : arena_text(arena, change->value));
    *out = rest;
    return ERR_OK;
}

static err_t add_changes(struct request *request, struct topic *topic,
                         const struct config_change *changes, size_t count,
                         struct topic_setting *out, size_t *used, struct diag *diag)
{
    size_t present_count;
    const struct topic_setting *present = topic_settings(topic, &request->arena, &present_count);
    for (size_t i = 0; i < count; i++) {
        struct bytes value;
        if (!topic_config_find(changes[i].name))
            return FAIL(diag, ERR_CONFIG, "Unknown topic config name: %.*s",
                        BYTES_PRINT(changes[i].name));
        TRY(work_out(&request->arena, &changes[i], current(changes[i].name, present, present_count),
                     &value, diag));
        if (changes[i].operation != CONFIG_DELETE)
            TRY(topic_config_check(changes[i].name, value, diag));
        out[(*used)++] = (struct topic_setting){
            arena_text(&request->arena, changes[i].name),
            changes[i].operation == CONFIG_DELETE ? NULL : arena_text(&request->arena, value)};
    }
    return ERR_OK;
}

static void add_resets(struct request *request, struct topic *topic,
                       const struct config_change *changes, size_t count, struct topic_setting *out,
                       size_t *used)
{
    size_t present_count;
    const struct topic_setting *present = topic_settings(topic, &request->arena, &present_count);
    for (size_t p = 0; p < present_count; p++) {
        bool named = false;
        for (size_t i = 0; i < count; i++)
            named = named || bytes_is(changes[i].name, present[p].key);
        if (!named && *used < topic_config_count + count)
            out[(*used)++] = (struct topic_setting){present[p].key, NULL};
    }
}

err_t config_change_apply(struct request *request, int8_t resource_type, struct bytes resource,
                          const struct config_change *changes, size_t count, bool replace,
                          bool validate_only, struct diag *diag)
{
    if (resource_type == RESOURCE_BROKER)
        return FAIL(diag, ERR_INVALID,
                    "the broker's settings stand in weir.yaml and cannot be changed while it runs");
    if (resource_type != RESOURCE_TOPIC)
        return FAIL(diag, ERR_INVALID,
                    "resources of type %d have no settings here; topics (2) have", resource_type);
    struct topic *topic = log_store_topic(request->broker->store, resource);
    if (!topic)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "The topic '%.*s' does not exist.",
                    BYTES_PRINT(resource));
    size_t used = 0;
    struct topic_setting *settings =
        ARENA_ARRAY(&request->arena, struct topic_setting, topic_config_count + count);
    err_t err = add_changes(request, topic, changes, count, settings, &used, diag);
    if (err == ERR_OK && replace)
        add_resets(request, topic, changes, count, settings, &used);
    if (err == ERR_OK && !validate_only && used > 0)
        err =
            log_store_alter_topic(request->broker->store, topic_name(topic), settings, used, diag);
    topic_unref(topic);
    return err;
}
