// SPDX-License-Identifier: Apache-2.0
//
// {"broker": {"1": {"log.retention.ms": "1000"}, "": {...}}, "group": {...}, "client-metrics":
// {...}}
//
// A change copies what is there, writes the copy and only then puts it in place, one at a time; the
// mutex is never held across the write.
#include "broker/config_store.h"

#include "base/mem.h"
#include "os/file.h"
#include "os/thread.h"

#include <jansson.h>

enum { FILE_MAX_BYTES = 64 << 20 };

struct config_store {
    char *path;
    struct mutex mutex;
    struct cond free;
    bool changing;
    json_t *root;
};

static const char *const scopes[] = {"topic", "broker", "group", "client-metrics"};

// Kafka fixes this one for all brokers when it makes a cluster.
static void put_min_insync(json_t *root)
{
    json_t *broker = json_object_get(root, "broker");
    if (!broker)
        json_object_set_new(root, "broker", broker = json_object());
    json_t *all = json_object_get(broker, "");
    if (!all)
        json_object_set_new(broker, "", all = json_object());
    if (!json_object_get(all, "min.insync.replicas"))
        json_object_set_new(all, "min.insync.replicas", json_string("1"));
}

static err_t load(struct config_store *store, struct diag *diag)
{
    if (!file_exists(store->path)) {
        store->root = json_object();
        return ERR_OK;
    }
    struct str text = {0};
    json_error_t where;
    TRY(file_read_all(store->path, FILE_MAX_BYTES, &text, diag));
    store->root = json_loadb(str_text(&text), text.size, JSON_REJECT_DUPLICATES, &where);
    str_release(&text);
    if (!json_is_object(store->root))
        return FAIL(diag, ERR_CORRUPT, "%s does not hold settings: %s", store->path,
                    store->root ? "no object" : where.text);
    return ERR_OK;
}

err_t config_store_open(struct config_store **out, const char *path, struct diag *diag)
{
    struct config_store *store = MEM_NEW(struct config_store);
    store->path = mem_strdup(path);
    mutex_init(&store->mutex);
    cond_init(&store->free);
    err_t err = load(store, diag);
    if (err != ERR_OK) {
        config_store_free(store);
        return err;
    }
    put_min_insync(store->root);
    *out = store;
    return ERR_OK;
}

void config_store_free(struct config_store *store)
{
    if (!store)
        return;
    json_decref(store->root);
    mutex_release(&store->mutex);
    cond_release(&store->free);
    mem_free(store->path);
    mem_free(store);
}

static json_t *resource_of(json_t *root, enum kafka_config_scope scope, struct bytes resource)
{
    return json_object_getn(json_object_get(root, scopes[scope]), (const char *)resource.ptr,
                            resource.size);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct topic_setting *)a)->key, ((const struct topic_setting *)b)->key);
}

struct topic_setting *config_store_settings(struct config_store *store,
                                            enum kafka_config_scope scope, struct bytes resource,
                                            struct arena *arena, size_t *count)
{
    if (!resource.ptr)
        resource = bytes_from("");
    *count = 0;
    mutex_lock(&store->mutex);
    json_t *settings = resource_of(store->root, scope, resource);
    struct topic_setting *out =
        ARENA_ARRAY(arena, struct topic_setting, json_object_size(settings) + 1);
    const char *key;
    json_t *value;
    json_object_foreach(settings, key, value)
    {
        if (!json_is_string(value))
            continue;
        out[(*count)++] = (struct topic_setting){arena_strdup(arena, key),
                                                 arena_strdup(arena, json_string_value(value))};
    }
    mutex_unlock(&store->mutex);
    qsort(out, *count, sizeof *out, by_key);
    return out;
}

const char *config_store_get(struct config_store *store, enum kafka_config_scope scope,
                             struct bytes resource, const char *key, struct arena *arena)
{
    if (!resource.ptr)
        resource = bytes_from("");
    mutex_lock(&store->mutex);
    const char *value =
        json_string_value(json_object_get(resource_of(store->root, scope, resource), key));
    const char *copy = value ? arena_strdup(arena, value) : NULL;
    mutex_unlock(&store->mutex);
    return copy;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **config_store_resources(struct config_store *store, enum kafka_config_scope scope,
                                    struct arena *arena, size_t *count)
{
    *count = 0;
    mutex_lock(&store->mutex);
    json_t *all = json_object_get(store->root, scopes[scope]);
    const char **out = ARENA_ARRAY(arena, const char *, json_object_size(all) + 1);
    const char *name;
    json_t *settings;
    json_object_foreach(all, name, settings)
    {
        if (json_object_size(settings) > 0)
            out[(*count)++] = arena_strdup(arena, name);
    }
    mutex_unlock(&store->mutex);
    qsort(out, *count, sizeof *out, by_text);
    return out;
}

// False when a name or value is not UTF-8.
static bool change(json_t *root, enum kafka_config_scope scope, struct bytes resource,
                   const struct topic_setting *settings, size_t count)
{
    json_t *all = json_object_get(root, scopes[scope]);
    if (!all)
        json_object_set_new(root, scopes[scope], all = json_object());
    if (!resource_of(root, scope, resource) &&
        json_object_setn_new(all, (const char *)resource.ptr, resource.size, json_object()) != 0)
        return false;
    json_t *one = resource_of(root, scope, resource);
    for (size_t i = 0; i < count; i++) {
        if (!settings[i].value)
            json_object_del(one, settings[i].key);
        else if (json_object_set_new(one, settings[i].key, json_string(settings[i].value)) != 0)
            return false;
    }
    if (json_object_size(one) == 0)
        json_object_deln(all, (const char *)resource.ptr, resource.size);
    return true;
}

err_t config_store_change(struct config_store *store, enum kafka_config_scope scope,
                          struct bytes resource, const struct topic_setting *settings, size_t count,
                          struct diag *diag)
{
    if (!resource.ptr)
        resource = bytes_from("");
    mutex_lock(&store->mutex);
    while (store->changing)
        cond_wait(&store->free, &store->mutex);
    store->changing = true;
    json_t *changed = json_deep_copy(store->root);
    mutex_unlock(&store->mutex);

    char *text = change(changed, scope, resource, settings, count)
                     ? json_dumps(changed, JSON_INDENT(1) | JSON_SORT_KEYS)
                     : NULL;
    err_t err = text ? file_replace(store->path, bytes_from(text), diag)
                     : FAIL(diag, ERR_INVALID, "a name or value is not UTF-8");
    free(text);

    mutex_lock(&store->mutex);
    if (err == ERR_OK) {
        json_t *old = store->root;
        store->root = changed;
        changed = old;
    }
    store->changing = false;
    cond_signal(&store->free);
    mutex_unlock(&store->mutex);
    json_decref(changed);
    return err;
}
