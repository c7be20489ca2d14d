// SPDX-License-Identifier: Apache-2.0
//
// Values are parsed as Kafka's ConfigDef does, with its words where they are refused.
#include "broker/kafka_config.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum { NUMBER_BYTES = 40 };

const struct kafka_config *kafka_config_first(enum kafka_config_scope scope, size_t *count)
{
    const struct kafka_config *first = NULL;
    *count = 0;
    for (size_t i = 0; i < kafka_config_count; i++) {
        if (kafka_configs[i].scope != scope)
            continue;
        if (!first)
            first = &kafka_configs[i];
        ++*count;
    }
    return first;
}

const struct kafka_config *kafka_config_find(enum kafka_config_scope scope, struct bytes name)
{
    size_t low = 0, high = kafka_config_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct kafka_config *config = &kafka_configs[middle];
        int order = config->scope != scope ? (config->scope > scope ? 1 : -1)
                                           : bytes_compare(bytes_from(config->name), name);
        if (order == 0)
            return config;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct bytes kafka_config_trim(struct bytes value)
{
    while (value.size > 0 && value.ptr[0] <= ' ')
        value = bytes_make(value.ptr + 1, value.size - 1);
    while (value.size > 0 && value.ptr[value.size - 1] <= ' ')
        value.size--;
    return value;
}

bool kafka_config_word(struct bytes list, size_t *at, struct bytes *word)
{
    list = kafka_config_trim(list);
    if (list.size == 0 || *at > list.size)
        return false;
    size_t start = *at;
    size_t end = start;
    while (end < list.size && list.ptr[end] != ',')
        end++;
    *word = kafka_config_trim(bytes_make(list.ptr + start, end - start));
    *at = end + 1;
    return true;
}

static bool to_text(struct bytes value, char out[NUMBER_BYTES])
{
    if (value.size == 0 || value.size >= NUMBER_BYTES || isspace(value.ptr[0]))
        return false;
    memcpy(out, value.ptr, value.size);
    out[value.size] = '\0';
    return true;
}

static bool to_whole(struct bytes value, int64_t min, int64_t max, int64_t *out)
{
    char text[NUMBER_BYTES];
    char *end;
    if (!to_text(value, text))
        return false;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && *out >= min && *out <= max;
}

static bool to_real(struct bytes value, double *out)
{
    char text[NUMBER_BYTES];
    char *end;
    if (!to_text(value, text) || strpbrk(text, "xXpP"))
        return false;
    *out = strtod(text, &end);
    return *end == '\0';
}

static const char *type_name(enum kafka_config_type type)
{
    static const char *const names[] = {"UNKNOWN", "BOOLEAN", "STRING", "INT",   "SHORT",
                                        "LONG",    "DOUBLE",  "LIST",   "CLASS", "PASSWORD"};
    return names[type];
}

static err_t not_a_number(const struct kafka_config *config, struct bytes value, struct diag *diag)
{
    return FAIL(diag, ERR_CONFIG,
                "Invalid value %.*s for configuration %s: Not a number of type %s",
                BYTES_PRINT(value), config->name, type_name(config->type));
}

static err_t check_whole(const struct kafka_config *config, struct bytes value, int64_t number,
                         struct diag *diag)
{
    if (config->bounds.rule == KAFKA_CONFIG_ANY || (config->bounds.or_minus_one && number == -1))
        return ERR_OK;
    if (number < config->bounds.min)
        return FAIL(diag, ERR_CONFIG,
                    "Invalid value %.*s for configuration %s: Value must be at least %lld",
                    BYTES_PRINT(value), config->name, (long long)config->bounds.min);
    if (config->bounds.rule == KAFKA_CONFIG_RANGE && number > config->bounds.max)
        return FAIL(diag, ERR_CONFIG,
                    "Invalid value %.*s for configuration %s: Value must be no more than %lld",
                    BYTES_PRINT(value), config->name, (long long)config->bounds.max);
    return ERR_OK;
}

static err_t check_real(const struct kafka_config *config, struct bytes value, double number,
                        struct diag *diag)
{
    if (config->bounds.rule == KAFKA_CONFIG_ANY)
        return ERR_OK;
    if (!(number >= (double)config->bounds.min))
        return FAIL(diag, ERR_CONFIG,
                    "Invalid value %.*s for configuration %s: Value must be at least %lld",
                    BYTES_PRINT(value), config->name, (long long)config->bounds.min);
    if (config->bounds.rule == KAFKA_CONFIG_RANGE && number > (double)config->bounds.max)
        return FAIL(diag, ERR_CONFIG,
                    "Invalid value %.*s for configuration %s: Value must be no more than %lld",
                    BYTES_PRINT(value), config->name, (long long)config->bounds.max);
    return ERR_OK;
}

static bool is_one_of(const char *words, struct bytes value, bool any_case)
{
    struct bytes word;
    for (size_t at = 0; kafka_config_word(bytes_from(words), &at, &word);)
        if (word.size == value.size &&
            (any_case ? strncasecmp((const char *)word.ptr, (const char *)value.ptr, word.size)
                      : memcmp(word.ptr, value.ptr, word.size)) == 0)
            return true;
    return false;
}

static err_t check_one_of(const struct kafka_config *config, struct bytes value, struct diag *diag)
{
    bool any_case = config->bounds.rule == KAFKA_CONFIG_ONE_OF_ANY_CASE;
    if ((config->bounds.rule != KAFKA_CONFIG_ONE_OF && !any_case) ||
        is_one_of(config->bounds.words, value, any_case))
        return ERR_OK;
    return FAIL(diag, ERR_CONFIG,
                "Invalid value %.*s for configuration %s: String must be one of%s: %s",
                BYTES_PRINT(value), config->name, any_case ? " (case insensitive)" : "",
                config->bounds.words);
}

static bool is_replica(struct bytes word)
{
    size_t colons = 0;
    for (size_t i = 0; i < word.size; i++) {
        bool inside = i > 0 && i + 1 < word.size;
        if (word.ptr[i] == ':' && inside && colons == 0)
            colons++;
        else if (!isdigit(word.ptr[i]))
            return false;
    }
    return word.size == 0 || colons == 1;
}

static err_t check_list(const struct kafka_config *config, struct bytes value, struct diag *diag)
{
    struct bytes word;
    bool first = true;
    for (size_t at = 0; kafka_config_word(value, &at, &word); first = false) {
        if (config->bounds.rule == KAFKA_CONFIG_REPLICAS) {
            if (first && bytes_is(word, "*"))
                return ERR_OK;
            if (!is_replica(word))
                return FAIL(diag, ERR_CONFIG,
                            "Invalid value %.*s for configuration %s: must be the literal '*' or a "
                            "list of replicas in the following format: "
                            "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
                            BYTES_PRINT(value), config->name);
        } else if (config->bounds.rule == KAFKA_CONFIG_ONE_OF) {
            if (word.size == 0)
                return FAIL(diag, ERR_CONFIG, "Configuration '%s' values must not be empty.",
                            config->name);
            TRY(check_one_of(config, word, diag));
        }
    }
    return ERR_OK;
}

static bool to_boolean(struct bytes value, bool *out)
{
    char text[NUMBER_BYTES];
    if (!to_text(value, text))
        return false;
    *out = strcasecmp(text, "true") == 0;
    return *out || strcasecmp(text, "false") == 0;
}

err_t kafka_config_check(const struct kafka_config *config, struct bytes value, struct diag *diag)
{
    struct bytes trimmed = kafka_config_trim(value);
    int64_t number;
    double real;
    bool flag;
    switch (config->type) {
    case KAFKA_CONFIG_TYPE_BOOLEAN:
        if (!to_boolean(trimmed, &flag))
            return FAIL(diag, ERR_CONFIG,
                        "Invalid value %.*s for configuration %s: Expected value to be either true "
                        "or false",
                        BYTES_PRINT(value), config->name);
        return ERR_OK;
    case KAFKA_CONFIG_TYPE_INT:
        return to_whole(trimmed, INT32_MIN, INT32_MAX, &number)
                   ? check_whole(config, trimmed, number, diag)
                   : not_a_number(config, value, diag);
    case KAFKA_CONFIG_TYPE_SHORT:
        return to_whole(trimmed, INT16_MIN, INT16_MAX, &number)
                   ? check_whole(config, trimmed, number, diag)
                   : not_a_number(config, value, diag);
    case KAFKA_CONFIG_TYPE_LONG:
        return to_whole(trimmed, INT64_MIN, INT64_MAX, &number)
                   ? check_whole(config, trimmed, number, diag)
                   : not_a_number(config, value, diag);
    case KAFKA_CONFIG_TYPE_DOUBLE:
        return to_real(trimmed, &real) ? check_real(config, trimmed, real, diag)
                                       : not_a_number(config, value, diag);
    case KAFKA_CONFIG_TYPE_LIST:
        return check_list(config, value, diag);
    case KAFKA_CONFIG_TYPE_STRING:
    case KAFKA_CONFIG_TYPE_CLASS:
    case KAFKA_CONFIG_TYPE_PASSWORD:
        break;
    }
    return check_one_of(config, trimmed, diag);
}

static bool same(enum kafka_config_type type, struct bytes a, struct bytes b)
{
    int64_t m, n;
    double x, y;
    bool f, g;
    if (type == KAFKA_CONFIG_TYPE_BOOLEAN)
        return to_boolean(a, &f) && to_boolean(b, &g) && f == g;
    if (to_whole(a, INT64_MIN, INT64_MAX, &m) && to_whole(b, INT64_MIN, INT64_MAX, &n))
        return m == n;
    if (type == KAFKA_CONFIG_TYPE_DOUBLE)
        return to_real(a, &x) && to_real(b, &y) && !(x < y) && !(x > y);
    return bytes_equal(a, b);
}

err_t kafka_config_allow(const struct kafka_config *config, struct bytes value, const char *shown,
                         bool synced, struct diag *diag)
{
    bool fixed = config->verdict == KAFKA_CONFIG_FIXED ||
                 (config->verdict == KAFKA_CONFIG_SYNCED && !synced);
    if (!fixed || (shown && same(config->type, kafka_config_trim(value), bytes_from(shown))))
        return ERR_OK;
    const char *why = config->verdict == KAFKA_CONFIG_SYNCED
                          ? "durability: os in weir.yaml leaves syncing to the operating system."
                          : config->in_weir;
    return FAIL(diag, ERR_CONFIG, "%s can only be %s%s%s here: %s", config->name,
                shown ? "'" : "left unset", shown ? shown : "", shown ? "'" : "",
                why ? why : "weir does nothing else.");
}

static bool holds(struct bytes list, struct bytes asked)
{
    struct bytes word;
    for (size_t at = 0; kafka_config_word(list, &at, &word);)
        if (bytes_equal(word, asked))
            return true;
    return false;
}

const char *kafka_config_canonical(const struct kafka_config *config, struct bytes value,
                                   struct arena *arena)
{
    struct bytes trimmed = kafka_config_trim(value);
    int64_t number;
    bool flag;
    if (config->type == KAFKA_CONFIG_TYPE_BOOLEAN && to_boolean(trimmed, &flag))
        return flag ? "true" : "false";
    if ((config->type == KAFKA_CONFIG_TYPE_INT || config->type == KAFKA_CONFIG_TYPE_SHORT ||
         config->type == KAFKA_CONFIG_TYPE_LONG) &&
        to_whole(trimmed, INT64_MIN, INT64_MAX, &number))
        return arena_printf(arena, "%lld", (long long)number);
    if (config->type != KAFKA_CONFIG_TYPE_LIST)
        return arena_text(arena, trimmed);
    struct str out = {0};
    struct bytes word;
    for (size_t at = 0; kafka_config_word(trimmed, &at, &word);) {
        if (holds(str_bytes(&out), word))
            continue;
        if (out.size > 0)
            str_append_byte(&out, ',');
        str_append_bytes(&out, word);
    }
    const char *text = arena_strdup(arena, str_text(&out));
    str_release(&out);
    return text;
}
