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

// Where settings are said, best first; what one place of the store is to become.
struct outlook {
    struct broker *broker; // NULL: none is running
    const char *place;     // BROKER_ID, "" = all brokers, NULL = none changes
    const struct topic_setting *planned;
    size_t planned_count;
    const struct topic_setting *given; // weir.yaml's
    size_t given_count;
};

static struct outlook outlook_now(struct broker *broker)
{
    return (struct outlook){.broker = broker,
                            .given = broker->settings.given,
                            .given_count = broker->settings.given_count};
}

static const char *find(const struct topic_setting *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].key, name) == 0)
            return settings[i].value;
    return NULL;
}

const char *settings_given(const struct settings *settings, const char *name)
{
    return find(settings->given, settings->given_count, name);
}

static const char *said(const struct outlook *outlook, const char *name, struct arena *arena)
{
    static const char *const places[] = {BROKER_ID, ""};
    const char *value = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places && !value; i++) {
        if (outlook->place && strcmp(places[i], outlook->place) == 0)
            value = find(outlook->planned, outlook->planned_count, name);
        else if (outlook->broker)
            value = config_store_get(outlook->broker->configs, KAFKA_CONFIG_BROKER,
                                     bytes_from(places[i]), name, arena);
    }
    return value ? value : find(outlook->given, outlook->given_count, name);
}

static const char *text_of(const struct outlook *outlook, const char *name, struct arena *arena)
{
    const char *value = said(outlook, name, arena);
    const struct kafka_config *config = kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(name));
    if (value || !config)
        return value;
    return config->own && strcmp(config->own, "@") != 0 ? config->own : config->value;
}

const char *settings_text(struct broker *broker, const char *name, struct arena *arena)
{
    struct outlook now = outlook_now(broker);
    return text_of(&now, name, arena);
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

static const char *inherited(const struct outlook *outlook, const char *name, struct arena *arena)
{
    const char *value = said(outlook, name, arena);
    for (size_t i = 0; i < sizeof longer / sizeof *longer && !value; i++) {
        const char *text = strcmp(longer[i].name, name) == 0
                               ? find(outlook->given, outlook->given_count, longer[i].longer)
                               : NULL;
        int64_t units = text ? strtoll(text, NULL, 10) : 0;
        if (text)
            value = arena_printf(arena, "%lld", (long long)(units * longer[i].factor));
    }
    // Below nothing there is no limit (KafkaConfig.getLogRetentionTimeMillis).
    bool unlimited = value && strcmp(name, "log.retention.ms") == 0 && strtoll(value, NULL, 10) < 0;
    return unlimited ? "-1" : value;
}

const char *settings_inherited(struct broker *broker, const char *name, struct arena *arena)
{
    struct outlook now = outlook_now(broker);
    return inherited(&now, name, arena);
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

// --- what may not stand together -----------------------------------------------------

static int64_t number_in(const struct outlook *outlook, const char *name, struct arena *arena)
{
    const char *value = text_of(outlook, name, arena);
    return value ? strtoll(value, NULL, 10) : 0;
}

// As GroupCoordinatorConfig's constructor, which ends at the first that is not so.
static err_t check_consumer_groups(const struct outlook *outlook, struct arena *arena,
                                   struct diag *diag)
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
        int64_t one = number_in(outlook, rules[i].one, arena);
        int64_t other = number_in(outlook, rules[i].other, arena);
        bool good = rules[i].order == AT_LEAST  ? one >= other
                    : rules[i].order == AT_MOST ? one <= other
                                                : one < other;
        if (!good)
            return FAIL(diag, ERR_CONFIG, "%s must be %s %s", rules[i].one, words[rules[i].order],
                        rules[i].other);
    }
    return ERR_OK;
}

// As KafkaConfig.validateValues().
static err_t check_log(const struct outlook *outlook, struct arena *arena, struct diag *diag)
{
    const char *roll = inherited(outlook, "log.roll.ms", arena);
    const char *jitter = inherited(outlook, "log.roll.jitter.ms", arena);
    const char *retention = inherited(outlook, "log.retention.ms", arena);
    if (roll && strtoll(roll, NULL, 10) < 1)
        return FAIL(diag, ERR_CONFIG,
                    "requirement failed: log.roll.ms must be greater than or equal to 1");
    if (jitter && strtoll(jitter, NULL, 10) < 0)
        return FAIL(diag, ERR_CONFIG,
                    "requirement failed: log.roll.jitter.ms must be greater than or equal to 0");
    if (retention && strtoll(retention, NULL, 10) == 0)
        return FAIL(diag, ERR_CONFIG,
                    "requirement failed: log.retention.ms must be unlimited (-1) or, greater than "
                    "or equal to 1");
    return ERR_OK;
}

// A topic's own bounds hold for what it inherits.
static err_t check_topics(const struct outlook *outlook, struct arena *arena, struct diag *diag)
{
    size_t count;
    const struct kafka_config *topics = kafka_config_first(KAFKA_CONFIG_TOPIC, &count);
    for (size_t i = 0; i < count; i++) {
        const char *value =
            topics[i].inherits ? inherited(outlook, topics[i].inherits, arena) : NULL;
        if (value)
            TRY(kafka_config_check(&topics[i], bytes_from(value), diag));
    }
    return ERR_OK;
}

static err_t check_together(const struct outlook *outlook, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    err_t err = check_log(outlook, &arena, diag);
    if (err == ERR_OK && number_in(outlook, "max.connections.per.ip", &arena) == 0 &&
        !text_of(outlook, "max.connections.per.ip.overrides", &arena)[0])
        err = FAIL(diag, ERR_CONFIG,
                   "requirement failed: max.connections.per.ip can be set to zero only if "
                   "max.connections.per.ip.overrides property is set.");
    if (err == ERR_OK)
        err = check_consumer_groups(outlook, &arena, diag);
    if (err == ERR_OK)
        err = check_topics(outlook, &arena, diag);
    arena_release(&arena);
    return err;
}

err_t settings_check_planned(struct broker *broker, const char *place,
                             const struct topic_setting *planned, size_t count, struct diag *diag)
{
    struct outlook outlook = outlook_now(broker);
    outlook.place = place;
    outlook.planned = planned;
    outlook.planned_count = count;
    return check_together(&outlook, diag);
}

err_t broker_check_settings(const struct topic_setting *settings, size_t count, struct diag *diag)
{
    struct outlook outlook = {.given = settings, .given_count = count};
    return check_together(&outlook, diag);
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
