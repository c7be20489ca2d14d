// SPDX-License-Identifier: Apache-2.0
#include "app/kafka_config.h"

#include <stdlib.h>

enum { LISTENERS_MAX = 32, SUPERS_MAX = 1000, USERS_MAX = 1000 };

// What is read, and where from.
struct reading {
    struct kafka_config *out;
    const struct config *config;
    struct arena *arena;
    struct problems *problems;
};

static struct yaml_source source_of(const struct reading *reading, enum config_id id)
{
    return (struct yaml_source){reading->config->origins[id].file, reading->problems};
}

static bool security_of(const char *word, enum broker_security *out)
{
    static const char *const words[] = {"plaintext", "tls", "sasl_plaintext", "sasl_tls"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) != 0)
            continue;
        *out = (enum broker_security)i;
        return true;
    }
    return false;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

static bool wants_tls(const struct broker_listener_options *listener)
{
    return listener->security == BROKER_TLS || listener->security == BROKER_SASL_TLS;
}

// Why other machines must not reach the listener as it is, or NULL.
static const char *too_open(const struct reading *reading,
                            const struct broker_listener_options *listener)
{
    bool certificate =
        listener->security == BROKER_TLS && reading->out->tls.clients == TLS_CLIENTS_REQUIRED;
    bool anonymous = listener->security == BROKER_PLAINTEXT ||
                     (listener->security == BROKER_TLS && !certificate);
    if (is_loopback(listener->host) || !anonymous ||
        config_is(reading->config, CONFIG_KAFKA_ALLOW_ANONYMOUS, "true"))
        return NULL;
    return "other machines reach it and clients need not sign in; expected security: sasl_tls or "
           "sasl_plaintext (or tls with client_auth: required), listen: 127.0.0.1:..., or "
           "kafka.allow_anonymous: true";
}

static struct config_address *own(struct arena *arena, struct config_address address)
{
    return arena_dup(arena, &address, sizeof address);
}

// --- one listener: kafka.listen ------------------------------------------------------

static void read_simple(struct reading *reading)
{
    const struct config *config = reading->config;
    struct kafka_config *out = reading->out;
    struct config_address *listen =
        own(reading->arena, config_address(config, CONFIG_KAFKA_LISTEN));
    struct config_address advertised = {{0}, 0};
    const char *text = config->values[CONFIG_KAFKA_ADVERTISED];
    if (text[0] && !address_parse(text, &advertised))
        config_problem(config, reading->problems, CONFIG_KAFKA_ADVERTISED,
                       "kafka.advertised is '%s', expected host:port", text);
    struct broker_listener_options *listener =
        ARENA_NEW(reading->arena, struct broker_listener_options);
    *listener =
        (struct broker_listener_options){.name = "kafka",
                                         .host = listen->host,
                                         .port = listen->port,
                                         .advertised_host = own(reading->arena, advertised)->host,
                                         .advertised_port = advertised.port};
    security_of(config->values[CONFIG_KAFKA_SECURITY], &listener->security);
    const char *open = too_open(reading, listener);
    if (open)
        config_problem(config, reading->problems, CONFIG_KAFKA_LISTEN, "kafka.listen is %s:%u: %s",
                       listener->host, listener->port, open);
    if (wants_tls(listener) && !out->tls.cert)
        config_problem(config, reading->problems, CONFIG_KAFKA_SECURITY,
                       "kafka.security is %s, expected a certificate: kafka.tls: {cert: FILE, "
                       "key: FILE}",
                       config->values[CONFIG_KAFKA_SECURITY]);
    out->listeners = listener;
    out->listener_count = 1;
}

// --- several: kafka.listeners --------------------------------------------------------

static void read_address(struct reading *reading, const struct yaml_source *source,
                         const struct yaml *map, const char *key, const char **host, uint16_t *port)
{
    struct config_address address = {{0}, 0};
    const char *text = yaml_text(source, map, key, "");
    if (text[0] && !address_parse(text, &address))
        yaml_problem(source, yaml_get(map, key), "%s is '%s', expected host:port", key, text);
    *host = own(reading->arena, address)->host;
    *port = address.port;
}

static void read_listener(struct reading *reading, const struct yaml_source *source,
                          const char *name, const struct yaml *map,
                          struct broker_listener_options *out)
{
    static const char *const known[] = {"listen", "advertised", "security", NULL};
    *out = (struct broker_listener_options){.name = name, .host = "127.0.0.1"};
    if (map->kind != YAML_MAP) {
        yaml_problem(source, map, "%s must be a listener such as {listen: 127.0.0.1:9093}", name);
        return;
    }
    yaml_known(source, map, known);
    yaml_text_required(source, map, "listen");
    read_address(reading, source, map, "listen", &out->host, &out->port);
    read_address(reading, source, map, "advertised", &out->advertised_host, &out->advertised_port);
    const char *security = yaml_text(source, map, "security", "plaintext");
    if (!security_of(security, &out->security))
        yaml_problem(source, yaml_get(map, "security"),
                     "security is '%s', expected plaintext|tls|sasl_plaintext|sasl_tls", security);
    const char *open = out->host[0] ? too_open(reading, out) : NULL;
    if (open)
        yaml_problem(source, yaml_get(map, "listen"), "listener %s: %s", name, open);
    if (wants_tls(out) && !reading->out->tls.cert)
        yaml_problem(source, yaml_get(map, "security"),
                     "listener %s needs a certificate: kafka.tls: {cert: FILE, key: FILE}", name);
}

static void read_listeners(struct reading *reading, const struct yaml *map)
{
    struct yaml_source source = source_of(reading, CONFIG_KAFKA_LISTENERS);
    const struct config *config = reading->config;
    if (map->kind != YAML_MAP || map->count == 0 || map->count > LISTENERS_MAX) {
        yaml_problem(&source, map,
                     "kafka.listeners must hold 1 to %d listeners such as {inside: {listen: "
                     "127.0.0.1:9092}}",
                     LISTENERS_MAX);
        return;
    }
    static const enum config_id instead[] = {CONFIG_KAFKA_LISTEN, CONFIG_KAFKA_ADVERTISED,
                                             CONFIG_KAFKA_SECURITY};
    for (size_t i = 0; i < sizeof instead / sizeof *instead; i++)
        if (config->origins[instead[i]].file)
            config_problem(config, reading->problems, instead[i],
                           "%s and kafka.listeners: give one of them",
                           config_infos[instead[i]].key);
    struct kafka_config *out = reading->out;
    out->listeners = ARENA_ARRAY(reading->arena, struct broker_listener_options, map->count);
    out->listener_count = map->count;
    for (size_t i = 0; i < map->count; i++)
        read_listener(reading, &source, map->keys[i]->text, map->items[i], &out->listeners[i]);
}

// Tools of ours that take no password connect where none is needed.
static size_t tools_listener(const struct kafka_config *config)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (config->listeners[i].security == BROKER_PLAINTEXT)
            return i;
    return 0;
}

// --- Kafka's own settings ------------------------------------------------------------

static bool is_known(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static void read_settings(struct reading *reading, const struct yaml *map)
{
    struct yaml_source source = source_of(reading, CONFIG_KAFKA_SETTINGS);
    struct kafka_config *out = reading->out;
    bool sync = config_is(reading->config, CONFIG_DURABILITY, "sync");
    if (map->kind != YAML_MAP) {
        yaml_problem(&source, map,
                     "kafka.settings must be Kafka's settings such as "
                     "{num.partitions: 3}");
        return;
    }
    const char **names = broker_setting_names(reading->arena);
    yaml_known(&source, map, names);
    out->settings = ARENA_ARRAY(reading->arena, struct topic_setting, map->count);
    for (size_t i = 0; i < map->count; i++) {
        const char *name = map->keys[i]->text;
        const struct yaml *value = map->items[i];
        struct diag diag = DIAG_INIT;
        if (!is_known(names, name) || yaml_is_null(value))
            continue; // an empty line keeps its default
        if (value->kind != YAML_SCALAR)
            yaml_problem(&source, value, "%s must be a single value; lists are written a,b", name);
        else if (broker_check_setting(name, value->text, sync, &diag) != ERR_OK)
            yaml_problem(&source, value, "%s", diag.text);
        else
            out->settings[out->setting_count++] = (struct topic_setting){name, value->text};
    }
    struct diag diag = DIAG_INIT;
    if (broker_check_settings(out->settings, out->setting_count, &diag) != ERR_OK)
        yaml_problem(&source, map, "%s", diag.text);
}

// --- TLS, users, access --------------------------------------------------------------

static const char *read_path(struct reading *reading, const struct yaml_source *source,
                             const struct yaml *map, const char *key, bool required)
{
    const char *path =
        required ? yaml_text_required(source, map, key) : yaml_text(source, map, key, NULL);
    if (!path || !path[0] || path[0] == '/')
        return path && path[0] ? path : NULL;
    return arena_printf(reading->arena, "%s/%s", reading->config->dir, path);
}

static void read_tls(struct reading *reading, const struct yaml *map)
{
    static const char *const known[] = {"cert", "key", "ca", "client_auth", NULL};
    struct yaml_source source = source_of(reading, CONFIG_KAFKA_TLS);
    struct tls_options *out = &reading->out->tls;
    if (map->kind != YAML_MAP) {
        yaml_problem(&source, map, "kafka.tls must be {cert: FILE, key: FILE, ...}");
        return;
    }
    yaml_known(&source, map, known);
    out->cert = read_path(reading, &source, map, "cert", true);
    out->key = read_path(reading, &source, map, "key", true);
    out->ca = read_path(reading, &source, map, "ca", false);
    const char *clients = yaml_text(&source, map, "client_auth", "none");
    if (strcmp(clients, "required") == 0)
        out->clients = TLS_CLIENTS_REQUIRED;
    else if (strcmp(clients, "requested") == 0)
        out->clients = TLS_CLIENTS_ASKED;
    else if (strcmp(clients, "none") != 0)
        yaml_problem(&source, yaml_get(map, "client_auth"),
                     "client_auth is '%s', expected none|requested|required", clients);
    if (out->clients != TLS_CLIENTS_ANY && !out->ca)
        yaml_problem(&source, yaml_get(map, "client_auth"),
                     "client_auth: %s needs ca: FILE, the certificates that may have issued "
                     "clients' certificates",
                     clients);
}

static void read_user(struct reading *reading, const struct yaml_source *source,
                      const struct yaml *map, struct kafka_config_user *out)
{
    static const char *const known[] = {"name", "password_env", NULL};
    if (map->kind != YAML_MAP) {
        yaml_problem(source, map, "a user must be {name: ..., password_env: VARIABLE}");
        return;
    }
    yaml_known(source, map, known);
    out->name = yaml_text_required(source, map, "name");
    const char *variable = yaml_text_required(source, map, "password_env");
    const char *password = variable ? getenv(variable) : NULL;
    if (variable && (!password || !password[0]))
        yaml_problem(source, yaml_get(map, "password_env"),
                     "the environment variable %s is not set, expected the password of %s",
                     variable, out->name ? out->name : "the user");
    else if (variable)
        out->password = arena_strdup(reading->arena, password);
}

static void read_users(struct reading *reading, const struct yaml *list)
{
    struct yaml_source source = source_of(reading, CONFIG_KAFKA_USERS);
    if (list->kind != YAML_LIST || list->count > USERS_MAX) {
        yaml_problem(&source, list,
                     "kafka.users must be a list of {name: ..., password_env: VARIABLE}");
        return;
    }
    struct kafka_config *out = reading->out;
    out->users = ARENA_ARRAY(reading->arena, struct kafka_config_user, list->count);
    out->user_count = list->count;
    for (size_t i = 0; i < list->count; i++)
        read_user(reading, &source, list->items[i], &out->users[i]);
}

static void read_access(struct reading *reading)
{
    const struct config *config = reading->config;
    struct access_options *out = &reading->out->access;
    out->authorizer = config_is(config, CONFIG_KAFKA_AUTHORIZER, "on");
    out->allow_if_no_acl = config_is(config, CONFIG_KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND, "true");
    char *rest = arena_strdup(reading->arena, config->values[CONFIG_KAFKA_SUPER_USERS]);
    const char **supers = ARENA_ARRAY(reading->arena, const char *, SUPERS_MAX);
    out->supers = supers;
    for (char *word; (word = strsep(&rest, ";"));) { // DNs hold commas
        while (*word == ' ')
            word++;
        if (!*word)
            continue;
        if (!strchr(word, ':') || out->super_count == SUPERS_MAX) {
            config_problem(config, reading->problems, CONFIG_KAFKA_SUPER_USERS,
                           "'%s' is no principal, expected such as User:admin;User:bob", word);
            return;
        }
        supers[out->super_count++] = word;
    }
}

void kafka_config_read_settings(struct kafka_config *out, const struct config *config,
                                struct problems *problems)
{
    struct reading reading = {out, config, (struct arena *)(uintptr_t)&config->arena, problems};
    if (!yaml_is_null(config->trees[CONFIG_KAFKA_SETTINGS]))
        read_settings(&reading, config->trees[CONFIG_KAFKA_SETTINGS]);
}

void kafka_config_read(struct kafka_config *out, const struct config *config,
                       struct problems *problems)
{
    *out = (struct kafka_config){0};
    struct reading reading = {out, config, (struct arena *)(uintptr_t)&config->arena, problems};
    if (!yaml_is_null(config->trees[CONFIG_KAFKA_TLS]))
        read_tls(&reading, config->trees[CONFIG_KAFKA_TLS]);
    if (!yaml_is_null(config->trees[CONFIG_KAFKA_LISTENERS]))
        read_listeners(&reading, config->trees[CONFIG_KAFKA_LISTENERS]);
    else
        read_simple(&reading);
    if (!yaml_is_null(config->trees[CONFIG_KAFKA_USERS]))
        read_users(&reading, config->trees[CONFIG_KAFKA_USERS]);
    kafka_config_read_settings(out, config, problems);
    read_access(&reading);
    out->tools_listener = tools_listener(out);
}
