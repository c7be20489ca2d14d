// SPDX-License-Identifier: Apache-2.0
#include "broker/settings.h"

#include "broker/assign.h"
#include "broker/broker_int.h"
#include "broker/config_store.h"

#include <stdlib.h>
#include <strings.h>

#define BROKER_ID "1"

static const char *const names[] = {
#define X(id, name) [SETTING_##id] = name,
    SETTINGS(X)
#undef X
};

// Settings that say the same in a longer unit, best first; only weir.yaml can.
static const struct longer {
    const char *name, *longer;
    int64_t factor;
} longer[] = {
    {"log.retention.ms", "log.retention.minutes", 60 * 1000},
    {"log.retention.ms", "log.retention.hours", 60 * 60 * 1000},
    {"log.roll.ms", "log.roll.hours", 60 * 60 * 1000},
    {"log.roll.jitter.ms", "log.roll.jitter.hours", 60 * 60 * 1000},
};

void settings_init(struct settings *settings, const struct topic_setting *given, size_t count)
{
    settings->arena = (struct arena)ARENA_INIT;
    struct topic_setting *copy = ARENA_ARRAY(&settings->arena, struct topic_setting, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct kafka_config *config =
            kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(given[i].key));
        struct bytes value = bytes_from(given[i].value);
        copy[i].key = arena_strdup(&settings->arena, given[i].key);
        copy[i].value = config ? kafka_config_canonical(config, value, &settings->arena)
                               : arena_text(&settings->arena, value);
    }
    settings->given = copy;
    settings->given_count = count;
}

void settings_release(struct settings *settings)
{
    arena_release(&settings->arena);
}

const char *settings_given(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->given_count; i++)
        if (strcmp(settings->given[i].key, name) == 0)
            return settings->given[i].value;
    return NULL;
}

// What was set while weir runs, or stands in weir.yaml.
static const char *said(struct broker *broker, const char *name, struct arena *arena)
{
    static const char *const resources[] = {BROKER_ID, ""};
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        const char *value = config_store_get(broker->configs, KAFKA_CONFIG_BROKER,
                                             bytes_from(resources[i]), name, arena);
        if (value)
            return value;
    }
    return settings_given(&broker->settings, name);
}

const char *settings_text(struct broker *broker, const char *name, struct arena *arena)
{
    const char *value = said(broker, name, arena);
    const struct kafka_config *config = kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(name));
    if (value || !config)
        return value;
    return config->own && strcmp(config->own, "@") != 0 ? config->own : config->value;
}

int64_t settings_number(struct broker *broker, const char *name)
{
    struct arena arena = ARENA_INIT;
    const char *value = settings_text(broker, name, &arena);
    int64_t number = !value                            ? 0
                     : strcasecmp(value, "true") == 0  ? 1
                     : strcasecmp(value, "false") == 0 ? 0
                                                       : strtoll(value, NULL, 10);
    arena_release(&arena);
    return number;
}

const char *settings_inherited(struct broker *broker, const char *name, struct arena *arena)
{
    const char *value = said(broker, name, arena);
    for (size_t i = 0; i < sizeof longer / sizeof *longer && !value; i++) {
        const char *text = strcmp(longer[i].name, name) == 0
                               ? settings_given(&broker->settings, longer[i].longer)
                               : NULL;
        int64_t units = text ? strtoll(text, NULL, 10) : 0;
        if (text)
            value = arena_printf(arena, "%lld",
                                 units < 0 ? -1LL : (long long)(units * longer[i].factor));
    }
    return value;
}

static err_t tell_topics(struct broker *broker, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    size_t count, used = 0;
    const struct kafka_config *topics = kafka_config_first(KAFKA_CONFIG_TOPIC, &count);
    struct topic_setting *settings = ARENA_ARRAY(&arena, struct topic_setting, count);
    for (size_t i = 0; i < count; i++) {
        const char *value =
            topics[i].inherits ? settings_inherited(broker, topics[i].inherits, &arena) : NULL;
        if (value)
            settings[used++] = (struct topic_setting){topics[i].name, value};
    }
    err_t err = log_store_set_defaults(broker->store, settings, used, diag);
    arena_release(&arena);
    return err;
}

static void tell_crowd(struct broker *broker)
{
    struct arena arena = ARENA_INIT;
    struct crowd_limits limits = {
        .all = settings_number(broker, "max.connections"),
        .per_address = settings_number(broker, "max.connections.per.ip"),
        .overrides = settings_text(broker, "max.connections.per.ip.overrides", &arena),
    };
    crowd_set_limits(broker->crowd, &limits);
    arena_release(&arena);
}

err_t settings_apply(struct broker *broker, struct diag *diag)
{
    for (int id = 0; id < SETTING_COUNT; id++)
        atomic_store(&broker->settings.values[id], settings_number(broker, names[id]));
    struct log_store_pace pace = {
        .retention_ms = setting(broker, SETTING_RETENTION_CHECK_MS),
        .cleaner_ms = setting(broker, SETTING_CLEANER_BACKOFF_MS),
        .producer_expiry_ms = setting(broker, SETTING_PRODUCER_EXPIRY_MS),
        .cleans = setting(broker, SETTING_CLEANER_ENABLE),
    };
    log_store_set_pace(broker->store, &pace);
    tell_crowd(broker);
    return tell_topics(broker, diag);
}

static err_t check_assignors(const char *value, struct diag *diag)
{
    struct bytes word;
    size_t at = 0, count = 0;
    for (; kafka_config_word(bytes_from(value), &at, &word); count++)
        if (!assignor_find(word))
            return FAIL(diag, ERR_CONFIG,
                        "group.consumer.assignors has '%.*s': weir has uniform and range, and no "
                        "classes to load",
                        BYTES_PRINT(word));
    return count > 0 ? ERR_OK
                     : FAIL(diag, ERR_CONFIG,
                            "group.consumer.assignors is empty, expected uniform, range or both");
}

err_t settings_check(const struct kafka_config *config, const char *value, struct diag *diag)
{
    TRY(kafka_config_check(config, bytes_from(value), diag));
    if (strcmp(config->name, "max.connections.per.ip.overrides") == 0)
        return crowd_check_overrides(value, diag);
    if (strcmp(config->name, "group.consumer.assignors") == 0)
        return check_assignors(value, diag);
    return ERR_OK;
}

// --- weir.yaml -----------------------------------------------------------------------

err_t broker_check_setting(const char *name, const char *value, bool sync, struct diag *diag)
{
    const struct kafka_config *config = kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(name));
    if (!config)
        return FAIL(diag, ERR_CONFIG, "Unknown config name: %s", name);
    TRY(settings_check(config, value, diag));
    bool known = config->own && strcmp(config->own, "@") != 0;
    return kafka_config_allow(config, bytes_from(value), known ? config->own : config->value, sync,
                              diag);
}

static int64_t number_among(const char *name, const struct topic_setting *settings, size_t count)
{
    const struct kafka_config *config = kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(name));
    const char *value = config->own && strcmp(config->own, "@") != 0 ? config->own : config->value;
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].key, name) == 0)
            value = settings[i].value;
    return value ? strtoll(value, NULL, 10) : 0;
}

// In the order of GroupCoordinatorConfig's constructor, which ends at the first that is not so.
err_t broker_check_settings(const struct topic_setting *settings, size_t count, struct diag *diag)
{
    enum order { AT_LEAST, AT_MOST, BELOW };
    static const char *const words[] = {"greater than or equal to", "less than or equal to",
                                        "less than"};
#define BOUNDS(name)                                                    \
    {"group.consumer.max." name, AT_LEAST, "group.consumer.min." name}, \
        {"group.consumer." name, AT_LEAST, "group.consumer.min." name}, \
    {                                                                   \
        "group.consumer." name, AT_MOST, "group.consumer.max." name     \
    }
    static const struct {
        const char *one;
        enum order order;
        const char *other;
    } rules[] = {
        BOUNDS("heartbeat.interval.ms"),
        BOUNDS("session.timeout.ms"),
        {"group.consumer.heartbeat.interval.ms", BELOW, "group.consumer.session.timeout.ms"},
        BOUNDS("assignment.interval.ms"),
    };
#undef BOUNDS
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        int64_t one = number_among(rules[i].one, settings, count);
        int64_t other = number_among(rules[i].other, settings, count);
        bool good = rules[i].order == AT_LEAST  ? one >= other
                    : rules[i].order == AT_MOST ? one <= other
                                                : one < other;
        if (!good)
            return FAIL(diag, ERR_CONFIG, "%s (%lld) must be %s %s (%lld)", rules[i].one,
                        (long long)one, words[rules[i].order], rules[i].other, (long long)other);
    }
    return ERR_OK;
}

const char **broker_setting_names(struct arena *arena)
{
    size_t count;
    const struct kafka_config *configs = kafka_config_first(KAFKA_CONFIG_BROKER, &count);
    const char **out = ARENA_ARRAY(arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        out[i] = configs[i].name;
    out[count] = NULL;
    return out;
}
