// SPDX-License-Identifier: Apache-2.0
#include "broker/config_view.h"

#include "broker/config_store.h"
#include "broker/endpoint.h"

#include <stdlib.h>

#define BROKER_ID "1"

enum { NAMES_MAX = 3 };

// Settings of a broker that say the same in other units; the first that is set counts.
static const char *const same_in_other_units[][NAMES_MAX] = {
    {"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
    {"log.roll.ms", "log.roll.hours", NULL},
    {"log.roll.jitter.ms", "log.roll.jitter.hours", NULL},
};

static void names_of(const char *name, const char *names[NAMES_MAX])
{
    for (size_t i = 0; i < sizeof same_in_other_units / sizeof *same_in_other_units; i++)
        for (size_t j = 0; j < NAMES_MAX; j++)
            if (same_in_other_units[i][j] && strcmp(same_in_other_units[i][j], name) == 0) {
                memcpy(names, same_in_other_units[i], sizeof same_in_other_units[i]);
                return;
            }
    names[0] = name;
    names[1] =
        strcmp(name, "log.flush.interval.ms") == 0 ? "log.flush.scheduler.interval.ms" : NULL;
    names[2] = NULL;
}

static const char *listeners(struct broker *broker, struct arena *arena)
{
    static const char *const protocols[] = {[BROKER_PLAINTEXT] = "PLAINTEXT",
                                            [BROKER_TLS] = "SSL",
                                            [BROKER_SASL_PLAINTEXT] = "SASL_PLAINTEXT",
                                            [BROKER_SASL_TLS] = "SASL_SSL"};
    const char *list = "";
    for (size_t i = 0; i < broker->endpoints.count; i++) {
        const struct endpoint *endpoint = &broker->endpoints.all[i];
        list = arena_printf(arena, "%s%s%s://%s:%u", list, i ? "," : "",
                            protocols[endpoint->options.security],
                            endpoint->options.host ? endpoint->options.host : "", endpoint->port);
    }
    return list;
}

static const char *worked_out(struct request *request, const char *name)
{
    const struct broker_options *options = &request->broker->options;
    struct arena *arena = &request->arena;
    if (strcmp(name, "log.dirs") == 0)
        return arena_printf(arena, "%s/log", options->data_dir);
    if (strcmp(name, "listeners") == 0)
        return listeners(request->broker, arena);
    struct bytes host;
    int32_t port;
    request_advertised(request, &host, &port);
    return arena_printf(arena, "PLAINTEXT://%.*s:%d", BYTES_PRINT(host), port);
}

static const char *static_value(struct request *request, const char *name)
{
    const char *given = settings_given(&request->broker->settings, name);
    const struct kafka_config *config = kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(name));
    if (given || !config || !config->own)
        return given;
    return strcmp(config->own, "@") == 0 ? worked_out(request, name) : config->own;
}

static const char *default_value(const char *name)
{
    const struct kafka_config *config = kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(name));
    return config ? config->value : NULL;
}

static void add(struct config_view *out, const char *name, const char *value,
                enum config_source source)
{
    if (value && out->synonym_count < CONFIG_SYNONYMS_MAX)
        out->synonyms[out->synonym_count++] = (struct config_synonym){name, value, source};
}

// What the broker says, best first; nothing when it only says so in another unit.
static void add_broker(struct request *request, const char *name, struct config_view *out)
{
    struct config_store *store = request->broker->configs;
    struct arena *arena = &request->arena;
    const char *names[NAMES_MAX];
    struct config_view found = {0};
    names_of(name, names);
    for (size_t i = 0; i < NAMES_MAX && names[i]; i++)
        add(&found, names[i],
            config_store_get(store, KAFKA_CONFIG_BROKER, bytes_from(BROKER_ID), names[i], arena),
            CONFIG_SOURCE_BROKER);
    for (size_t i = 0; i < NAMES_MAX && names[i]; i++)
        add(&found, names[i],
            config_store_get(store, KAFKA_CONFIG_BROKER, bytes_from(""), names[i], arena),
            CONFIG_SOURCE_ALL_BROKERS);
    for (size_t i = 0; i < NAMES_MAX && names[i]; i++)
        add(&found, names[i], static_value(request, names[i]), CONFIG_SOURCE_STATIC);
    for (size_t i = 0; i < NAMES_MAX && names[i]; i++)
        add(&found, names[i], default_value(names[i]), CONFIG_SOURCE_DEFAULT);
    size_t skip = 0;
    while (skip < found.synonym_count && strcmp(found.synonyms[skip].name, name) != 0)
        skip++;
    for (; skip < found.synonym_count; skip++)
        add(out, found.synonyms[skip].name, found.synonyms[skip].value,
            found.synonyms[skip].source);
}

static enum config_source own_source(enum kafka_config_scope scope)
{
    return scope == KAFKA_CONFIG_TOPIC   ? CONFIG_SOURCE_TOPIC
           : scope == KAFKA_CONFIG_GROUP ? CONFIG_SOURCE_GROUP
                                         : CONFIG_SOURCE_CLIENT_METRICS;
}

// What counts for the topic: also what weir.yaml says in hours, though Kafka's DescribeConfigs does
// not name its source.
static void count_inherited(struct request *request, const struct kafka_config *config,
                            struct config_view *out)
{
    const char *value =
        out->source == CONFIG_SOURCE_TOPIC
            ? NULL
            : settings_inherited(request->broker, config->inherits, &request->arena);
    if (!value)
        return;
    out->value = value;
    if (out->source == CONFIG_SOURCE_DEFAULT)
        out->creation_source = CONFIG_SOURCE_STATIC;
}

// Has the same been said in milliseconds while it runs? Kafka then forgets the hours.
static bool is_replaced(struct request *request, const char *name)
{
    const char *names[NAMES_MAX];
    const char *const resources[] = {BROKER_ID, ""};
    names_of(name, names);
    if (strcmp(names[0], name) == 0)
        return false;
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
        if (config_store_get(request->broker->configs, KAFKA_CONFIG_BROKER,
                             bytes_from(resources[i]), names[0], &request->arena))
            return true;
    return false;
}

void config_view(struct request *request, const struct kafka_config *config,
                 const struct topic_setting *own, size_t own_count, struct config_view *out)
{
    *out = (struct config_view){.value = config->value, .source = CONFIG_SOURCE_DEFAULT};
    for (size_t i = 0; config->scope != KAFKA_CONFIG_BROKER && i < own_count; i++)
        if (strcmp(own[i].key, config->name) == 0)
            add(out, config->name, own[i].value, own_source(config->scope));
    if (config->scope == KAFKA_CONFIG_BROKER)
        add_broker(request, config->name, out);
    else if (config->inherits)
        add_broker(request, config->inherits, out);
    else if (config->scope == KAFKA_CONFIG_GROUP)
        add(out, config->name, config->value, CONFIG_SOURCE_DEFAULT);
    if (out->synonym_count > 0) {
        out->value = out->synonyms[0].value;
        out->source = out->synonyms[0].source;
    }
    out->creation_source = out->source;
    if (config->scope == KAFKA_CONFIG_TOPIC && config->inherits)
        count_inherited(request, config, out);
    if (config->scope == KAFKA_CONFIG_BROKER && is_replaced(request, config->name))
        out->value = config->value;
    if (config->type == KAFKA_CONFIG_TYPE_PASSWORD)
        out->value = NULL;
}

int64_t config_of_group(struct broker *broker, struct bytes group, const char *name)
{
    struct arena arena = ARENA_INIT;
    const char *value = config_store_get(broker->configs, KAFKA_CONFIG_GROUP, group, name, &arena);
    const char *rest = name + strlen("consumer.");
    int64_t min = settings_number(broker, arena_printf(&arena, "group.consumer.min.%s", rest));
    int64_t max = settings_number(broker, arena_printf(&arena, "group.consumer.max.%s", rest));
    int64_t out = value ? strtoll(value, NULL, 10)
                        : settings_number(broker, arena_printf(&arena, "group.%s", name));
    arena_release(&arena);
    return out < min ? min : out > max ? max : out;
}
