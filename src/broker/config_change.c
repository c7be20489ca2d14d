// SPDX-License-Identifier: Apache-2.0
//
// One resource at a time:
//
//     look     no key twice, no null value, a resource of that kind and name, the right to do it
//     merge    what is set now, with the changes
//     check    every name and value of the outcome by Kafka's rules, and what was changed by
//              weir's own
//     apply    on disk; topics inherit what changed for the broker at once
#include "broker/config_change.h"

#include "broker/access.h"
#include "broker/config_store.h"
#include "broker/config_view.h"
#include "broker/topics.h"

#include <stdlib.h>

#define INTERNAL_SEGMENT_BYTES "internal.segment.bytes" // Kafka's, for tests; described nowhere

enum { VALUE_MAX_BYTES = 32767 };

// What the settings of a resource are to become.
struct outcome {
    struct request *request;
    const struct config_request *asked;
    enum kafka_config_scope scope;
    struct topic_setting *present;
    size_t present_count;
    struct topic_setting *settings; // all of them, afterwards
    size_t count;
    struct topic_setting *steps; // what changes; value NULL takes one away
    size_t step_count;
};

// --- look ---

static err_t check_changes(const struct config_request *asked, struct arena *arena,
                           struct diag *diag)
{
    struct str nulls = {0};
    if (asked->count > CONFIG_CHANGES_MAX)
        return FAIL(diag, ERR_INVALID, "%zu settings of one resource, expected at most %d",
                    asked->count, CONFIG_CHANGES_MAX);
    for (size_t i = 0; i < asked->count; i++)
        for (size_t j = 0; j < i; j++)
            if (bytes_equal(asked->changes[i].name, asked->changes[j].name))
                return FAIL(diag, ERR_INVALID, "Error due to duplicate config keys");
    for (size_t i = 0; i < asked->count; i++)
        if (asked->changes[i].operation != CONFIG_DELETE && !asked->changes[i].value.ptr)
            str_printf(&nulls, "%s%.*s", nulls.size ? ", " : "",
                       BYTES_PRINT(asked->changes[i].name));
    const char *text = nulls.size ? arena_strdup(arena, str_text(&nulls)) : NULL;
    str_release(&nulls);
    return text ? FAIL(diag, ERR_INVALID, "Null value not supported for : %s", text) : ERR_OK;
}

err_t config_check_broker_id(struct bytes name, struct diag *diag)
{
    char text[24];
    char *end = text;
    snprintf(text, sizeof text, "%.*s", BYTES_PRINT(name));
    long id = strtol(text, &end, 10);
    if (name.size == 0 || name.size >= sizeof text || *end != '\0')
        return FAIL(diag, ERR_INVALID, "Node id must be an integer, but it is: %.*s",
                    BYTES_PRINT(name));
    if (id != BROKER_NODE_ID)
        return FAIL(diag, ERR_INVALID, "Unexpected broker id, expected %d, but received %.*s",
                    BROKER_NODE_ID, BYTES_PRINT(name));
    return ERR_OK;
}

err_t config_check_right(struct request *request, enum acl_operation operation, int8_t type,
                         struct bytes name, struct diag *diag)
{
    if (type == CONFIG_RESOURCE_TOPIC)
        return request_may(request, operation, ACL_TOPIC, name)
                   ? ERR_OK
                   : FAIL(diag, ERR_TOPIC_UNAUTHORIZED, "Topic authorization failed.");
    if (type == CONFIG_RESOURCE_GROUP)
        return request_may(request, operation, ACL_GROUP, name)
                   ? ERR_OK
                   : FAIL(diag, ERR_GROUP_UNAUTHORIZED, "Group authorization failed.");
    return request_may_cluster(request, operation)
               ? ERR_OK
               : FAIL(diag, ERR_CLUSTER_UNAUTHORIZED, "Cluster authorization failed.");
}

// --- merge ---

static bool holds(const struct topic_setting *settings, size_t count, struct bytes word)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_is(word, settings[i].key))
            return true;
    return false;
}

static const char *present_value(const struct outcome *outcome, struct bytes name)
{
    for (size_t i = 0; i < outcome->present_count; i++)
        if (bytes_is(name, outcome->present[i].key))
            return outcome->present[i].value;
    return NULL;
}

static void put_word(struct str *out, struct bytes word)
{
    if (out->size)
        str_append_byte(out, ',');
    str_append_bytes(out, word);
}

static bool has_word(struct bytes list, struct bytes asked)
{
    struct bytes word;
    for (size_t at = 0; kafka_config_word(list, &at, &word);)
        if (bytes_equal(word, asked))
            return true;
    return false;
}

// The list with the words of `more` behind it, or without them.
static const char *changed_list(struct arena *arena, struct bytes list, struct bytes more,
                                bool append)
{
    struct str out = {0};
    struct bytes word;
    for (size_t at = 0; kafka_config_word(list, &at, &word);)
        if (word.size > 0 && (append || !has_word(more, word)))
            put_word(&out, word);
    for (size_t at = 0; append && kafka_config_word(more, &at, &word);)
        if (!has_word(str_bytes(&out), word))
            put_word(&out, word);
    const char *text = arena_strdup(arena, str_text(&out));
    str_release(&out);
    return text;
}

static err_t new_value(struct outcome *outcome, const struct config_change *change,
                       const char **out, struct diag *diag)
{
    static const char *const names[] = {"", "", "APPEND", "SUBTRACT"};
    struct arena *arena = &outcome->request->arena;
    if (change->operation == CONFIG_SET || change->operation == CONFIG_DELETE) {
        *out = change->operation == CONFIG_SET ? arena_text(arena, change->value) : NULL;
        return ERR_OK;
    }
    if (change->operation != CONFIG_APPEND && change->operation != CONFIG_SUBTRACT)
        return FAIL(diag, ERR_INVALID, "Unknown operations type %d", change->operation);
    const struct kafka_config *config = kafka_config_find(outcome->scope, change->name);
    if (!config && outcome->scope == KAFKA_CONFIG_BROKER)
        return FAIL(diag, ERR_CONFIG, "Unknown config name: %.*s", BYTES_PRINT(change->name));
    // Kafka knows the types of topics' and brokers' settings only when it comes to this.
    if (!config || config->type != KAFKA_CONFIG_TYPE_LIST ||
        outcome->scope == KAFKA_CONFIG_CLIENT_METRICS)
        return outcome->scope == KAFKA_CONFIG_BROKER
                   ? FAIL(diag, ERR_CONFIG, "Config value %s is not allowed for config key: %.*s",
                          change->operation == CONFIG_APPEND ? "append" : "subtract",
                          BYTES_PRINT(change->name))
                   : FAIL(diag, ERR_CONFIG, "Can't %s to key %.*s because its type is not LIST.",
                          names[change->operation], BYTES_PRINT(change->name));
    const char *present = present_value(outcome, change->name);
    *out = changed_list(arena, bytes_from(present ? present : config->value), change->value,
                        change->operation == CONFIG_APPEND);
    return ERR_OK;
}

static err_t merge(struct outcome *outcome, struct diag *diag)
{
    const struct config_request *asked = outcome->asked;
    struct arena *arena = &outcome->request->arena;
    size_t room = outcome->present_count + asked->count + 1;
    outcome->settings = ARENA_ARRAY(arena, struct topic_setting, room);
    outcome->steps = ARENA_ARRAY(arena, struct topic_setting, room);
    for (size_t i = 0; i < asked->count; i++) {
        const char *value;
        TRY(new_value(outcome, &asked->changes[i], &value, diag));
        struct topic_setting step = {arena_text(arena, asked->changes[i].name), value};
        outcome->steps[outcome->step_count++] = step;
        if (value)
            outcome->settings[outcome->count++] = step;
    }
    size_t changed = outcome->step_count;
    for (size_t i = 0; i < outcome->present_count; i++) {
        if (holds(outcome->steps, changed, bytes_from(outcome->present[i].key)))
            continue;
        if (asked->replace)
            outcome->steps[outcome->step_count++] =
                (struct topic_setting){outcome->present[i].key, NULL};
        else
            outcome->settings[outcome->count++] = outcome->present[i];
    }
    return ERR_OK;
}

// --- check ---

static const char *shown(struct request *request, const struct kafka_config *config)
{
    struct config_view view;
    config_view(request, config, NULL, 0, &view);
    return config->scope == KAFKA_CONFIG_BROKER ? view.value : config->value;
}

static err_t allow(struct request *request, const struct kafka_config *config,
                   const struct topic_setting *setting, struct diag *diag)
{
    return kafka_config_allow(config, bytes_from(setting->value), shown(request, config),
                              request->broker->options.sync, diag);
}

static int64_t number_of(struct request *request, const char *name, enum kafka_config_scope scope,
                         const struct topic_setting *settings, size_t count)
{
    struct config_view view;
    config_view(request, kafka_config_find(scope, bytes_from(name)), settings, count, &view);
    return view.value ? strtoll(view.value, NULL, 10) : 0;
}

err_t config_check_topic(struct request *request, const struct topic_setting *settings,
                         size_t count, struct diag *diag)
{
    for (size_t i = 0; i < count; i++)
        if (!kafka_config_find(KAFKA_CONFIG_TOPIC, bytes_from(settings[i].key)) &&
            strcmp(settings[i].key, INTERNAL_SEGMENT_BYTES) != 0)
            return FAIL(diag, ERR_CONFIG, "Unknown topic config name: %s", settings[i].key);
    for (size_t i = 0; i < count; i++) {
        const struct kafka_config *config =
            kafka_config_find(KAFKA_CONFIG_TOPIC, bytes_from(settings[i].key));
        if (!settings[i].value)
            return FAIL(diag, ERR_CONFIG, "Null value not supported for topic configs: %s",
                        settings[i].key);
        if (config)
            TRY(kafka_config_check(config, bytes_from(settings[i].value), diag));
        if (config)
            TRY(allow(request, config, &settings[i], diag));
    }
    int64_t least =
        number_of(request, "min.compaction.lag.ms", KAFKA_CONFIG_TOPIC, settings, count);
    int64_t most = number_of(request, "max.compaction.lag.ms", KAFKA_CONFIG_TOPIC, settings, count);
    if (least > most)
        return FAIL(diag, ERR_CONFIG,
                    "conflict topic config setting min.compaction.lag.ms (%lld) > "
                    "max.compaction.lag.ms (%lld)",
                    (long long)least, (long long)most);
    return ERR_OK;
}

static err_t check_names_and_values(struct outcome *outcome, const char *kind, struct diag *diag)
{
    for (size_t i = 0; i < outcome->count; i++) {
        const struct topic_setting *setting = &outcome->settings[i];
        const struct kafka_config *config =
            kafka_config_find(outcome->scope, bytes_from(setting->key));
        if (!config)
            return FAIL(diag, outcome->scope == KAFKA_CONFIG_GROUP ? ERR_CONFIG : ERR_INVALID,
                        "Unknown %s: %s", kind, setting->key);
        TRY(kafka_config_check(config, bytes_from(setting->value), diag));
        TRY(allow(outcome->request, config, setting, diag));
    }
    return ERR_OK;
}

static err_t check_group(struct outcome *outcome, struct diag *diag)
{
    static const char *const names[] = {"heartbeat.interval.ms", "session.timeout.ms",
                                        "assignment.interval.ms"};
    struct request *request = outcome->request;
    int64_t values[3];
    TRY(check_names_and_values(outcome, "group config name", diag));
    for (size_t i = 0; i < 3; i++) {
        struct arena *arena = &request->arena;
        const char *min = arena_printf(arena, "group.consumer.min.%s", names[i]);
        const char *max = arena_printf(arena, "group.consumer.max.%s", names[i]);
        values[i] = number_of(request, arena_printf(arena, "consumer.%s", names[i]),
                              KAFKA_CONFIG_GROUP, outcome->settings, outcome->count);
        if (values[i] < number_of(request, min, KAFKA_CONFIG_BROKER, NULL, 0))
            return FAIL(diag, ERR_CONFIG, "consumer.%s must be greater than or equal to %s",
                        names[i], min);
        if (values[i] > number_of(request, max, KAFKA_CONFIG_BROKER, NULL, 0))
            return FAIL(diag, ERR_CONFIG, "consumer.%s must be less than or equal to %s", names[i],
                        max);
    }
    if (values[1] <= values[0])
        return FAIL(diag, ERR_CONFIG,
                    "consumer.session.timeout.ms must be greater than "
                    "consumer.heartbeat.interval.ms");
    return ERR_OK;
}

static err_t check_client_metrics(struct outcome *outcome, struct diag *diag)
{
    enum { INTERVAL_MIN_MS = 100, INTERVAL_MAX_MS = 3600000 };
    TRY(check_names_and_values(outcome, "client metrics configuration", diag));
    for (size_t i = 0; i < outcome->count; i++) {
        int64_t value = strtoll(outcome->settings[i].value, NULL, 10);
        if (strcmp(outcome->settings[i].key, "interval.ms") == 0 &&
            (value < INTERVAL_MIN_MS || value > INTERVAL_MAX_MS))
            return FAIL(diag, ERR_INVALID,
                        "Invalid value %s for interval.ms, interval must be between 100 and "
                        "3600000 (1 hour)",
                        outcome->settings[i].value);
    }
    return ERR_OK;
}

static err_t check_broker_setting(struct outcome *outcome, const struct topic_setting *setting,
                                  struct diag *diag)
{
    bool all = outcome->asked->name.size == 0;
    const struct kafka_config *config =
        kafka_config_find(KAFKA_CONFIG_BROKER, bytes_from(setting->key));
    if (!config)
        return FAIL(diag, ERR_CONFIG, "Unknown config name: %s", setting->key);
    if (config->update == KAFKA_CONFIG_READ_ONLY)
        return FAIL(diag, ERR_INVALID, "Cannot update these configs dynamically: [%s]",
                    setting->key);
    if (strcmp(config->name, "min.insync.replicas") == 0 && (!all || !setting->value))
        return all ? FAIL(diag, ERR_CONFIG,
                          "Cluster-level min.insync.replicas cannot be removed while ELR is "
                          "enabled.")
                   : FAIL(diag, ERR_CONFIG,
                          "Broker-level min.insync.replicas cannot be altered while ELR is "
                          "enabled.");
    if (!setting->value)
        return ERR_OK;
    if (strncmp(config->name, "ssl.key", 7) == 0 ||
        strncmp(config->name, "ssl.truststore", 14) == 0)
        return FAIL(diag, ERR_INVALID,
                    "These security configs can be dynamically updated only per-listener using the "
                    "listener prefix: [%s] (in weir: in weir.yaml)",
                    setting->key);
    struct diag why = DIAG_INIT;
    if (settings_check(config, setting->value, &why) != ERR_OK)
        return FAIL(diag, ERR_INVALID, "%s", why.text); // not ERR_CONFIG: Kafka's choice
    if (all && config->update == KAFKA_CONFIG_PER_BROKER)
        return FAIL(diag, ERR_INVALID,
                    "Cannot update these configs at default cluster level, broker id must be "
                    "specified: [%s]",
                    setting->key);
    return allow(outcome->request, config, setting, diag);
}

static err_t check_broker(struct outcome *outcome, struct diag *diag)
{
    if (outcome->asked->name.size > 0)
        TRY(config_check_broker_id(outcome->asked->name, diag));
    for (size_t i = 0; i < outcome->step_count; i++)
        TRY(check_broker_setting(outcome, &outcome->steps[i], diag));
    struct diag why = DIAG_INIT;
    const char *place = arena_text(&outcome->request->arena, outcome->asked->name);
    if (settings_check_planned(outcome->request->broker, place, outcome->settings, outcome->count,
                               &why) != ERR_OK)
        return FAIL(diag, ERR_INVALID, "%s", why.text); // not ERR_CONFIG: Kafka's choice
    return ERR_OK;
}

// --- apply ---

// What is kept is the plain form of every value; all of them have been checked.
static void make_plain(struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->step_count; i++) {
        struct topic_setting *step = &outcome->steps[i];
        const struct kafka_config *config =
            kafka_config_find(outcome->scope, bytes_from(step->key));
        if (config && step->value)
            step->value =
                kafka_config_canonical(config, bytes_from(step->value), &outcome->request->arena);
    }
}

static err_t change_topic(struct outcome *outcome, struct diag *diag)
{
    struct request *request = outcome->request;
    struct bytes name = outcome->asked->name;
    if (name.size == 0)
        return FAIL(diag, ERR_INVALID, "Default topic resources are not allowed.");
    if (!topic_name_valid(name))
        return FAIL(diag, ERR_INVALID_TOPIC, "'%.*s' is no topic name", BYTES_PRINT(name));
    struct topic *topic = log_store_topic(request->broker->store, name);
    if (topic)
        outcome->present = topic_settings(topic, &request->arena, &outcome->present_count);
    err_t err = merge(outcome, diag);
    if (err == ERR_OK)
        err = config_check_topic(request, outcome->settings, outcome->count, diag);
    if (err == ERR_OK && !topic)
        err = FAIL(diag, ERR_UNKNOWN_TOPIC, "The topic '%.*s' does not exist.", BYTES_PRINT(name));
    make_plain(outcome);
    if (err == ERR_OK && !outcome->asked->validate_only && outcome->step_count > 0)
        err = log_store_alter_topic(request->broker->store, topic_name(topic), outcome->steps,
                                    outcome->step_count, diag);
    topic_unref(topic);
    return err;
}

static err_t change_stored(struct outcome *outcome,
                           err_t (*check)(struct outcome *outcome, struct diag *diag),
                           struct diag *diag)
{
    struct broker *broker = outcome->request->broker;
    struct bytes name = outcome->asked->name;
    outcome->present = config_store_settings(broker->configs, outcome->scope, name,
                                             &outcome->request->arena, &outcome->present_count);
    TRY(merge(outcome, diag));
    TRY(check(outcome, diag));
    make_plain(outcome);
    if (outcome->asked->validate_only || outcome->step_count == 0)
        return ERR_OK;
    TRY(config_store_change(broker->configs, outcome->scope, name, outcome->steps,
                            outcome->step_count, diag));
    return outcome->scope == KAFKA_CONFIG_BROKER ? settings_apply(broker, diag) : ERR_OK;
}

static err_t change_one(struct request *request, const struct config_request *asked,
                        struct diag *diag)
{
    struct outcome outcome = {.request = request, .asked = asked};
    TRY(config_check_right(request, ACL_ALTER_CONFIGS, asked->type, asked->name, diag));
    TRY(check_changes(asked, &request->arena, diag));
    for (size_t i = 0; i < asked->count; i++)
        if (asked->changes[i].value.size > VALUE_MAX_BYTES)
            return FAIL(diag, ERR_CONFIG,
                        "The configuration value cannot be added because it exceeds the maximum "
                        "value size of %d bytes.",
                        VALUE_MAX_BYTES);
    switch (asked->type) {
    case CONFIG_RESOURCE_TOPIC:
        outcome.scope = KAFKA_CONFIG_TOPIC;
        return change_topic(&outcome, diag);
    case CONFIG_RESOURCE_BROKER:
        outcome.scope = KAFKA_CONFIG_BROKER;
        return change_stored(&outcome, check_broker, diag);
    case CONFIG_RESOURCE_LOGGER:
        TRY(config_check_broker_id(asked->name, diag));
        return config_logger_change(asked, diag);
    case CONFIG_RESOURCE_CLIENT_METRICS:
        if (asked->name.size == 0)
            return FAIL(diag, ERR_INVALID, "Subscription name can't be empty");
        outcome.scope = KAFKA_CONFIG_CLIENT_METRICS;
        return change_stored(&outcome, check_client_metrics, diag);
    case CONFIG_RESOURCE_GROUP:
        if (asked->name.size == 0)
            return FAIL(diag, ERR_INVALID, "Default group resources are not allowed.");
        outcome.scope = KAFKA_CONFIG_GROUP;
        return change_stored(&outcome, check_group, diag);
    default:
        return FAIL(diag, ERR_INVALID, "Unknown resource type %d", asked->type);
    }
}

// By index: is it named by another too?
static bool *find_twice(struct arena *arena, const struct config_request *asked, size_t count)
{
    struct bytes *keys = ARENA_ARRAY(arena, struct bytes, count + 1);
    bool *twice = ARENA_ARRAY(arena, bool, count + 1);
    for (size_t i = 0; i < count; i++) {
        uint8_t *key = arena_alloc(arena, asked[i].name.size + 1);
        key[0] = (uint8_t)asked[i].type;
        if (asked[i].name.size)
            memcpy(key + 1, asked[i].name.ptr, asked[i].name.size);
        keys[i] = bytes_make(key, asked[i].name.size + 1);
    }
    const size_t *first = topics_first(arena, keys, count);
    for (size_t i = 0; i < count; i++)
        if (first[i] != i)
            twice[i] = twice[first[i]] = true;
    return twice;
}

struct config_result *config_change_all(struct request *request, const struct config_request *asked,
                                        size_t count)
{
    struct config_result *results = ARENA_ARRAY(&request->arena, struct config_result, count + 1);
    const bool *twice = find_twice(&request->arena, asked, count);
    for (size_t i = 0; i < count; i++) {
        struct diag diag = DIAG_INIT;
        err_t err;
        if (count > CONFIG_RESOURCES_MAX)
            err = FAIL(&diag, ERR_INVALID, "%zu resources, expected at most %d", count,
                       CONFIG_RESOURCES_MAX);
        else if (twice[i])
            err = FAIL(&diag, ERR_INVALID, "Each resource must appear at most once.");
        else
            err = change_one(request, &asked[i], &diag);
        results[i] = (struct config_result){kafka_code(err), kafka_story(request, err, &diag)};
    }
    return results;
}
