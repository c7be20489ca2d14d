// SPDX-License-Identifier: Apache-2.0
//
// Typed reads from the tree of yaml.c. Plain scalars follow YAML 1.2's core schema where JSON has
// the value (null, true, 12, 1.5); yes/no/on/off are booleans only where a boolean is asked for. A
// number with a leading zero stays a text ("007" is no number of anything).
#include "data/yaml.h"

#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

static const char *kind_word(const struct yaml *node)
{
    return node->kind == YAML_LIST ? "a list" : node->kind == YAML_MAP ? "a map" : "a text";
}

bool yaml_is_null(const struct yaml *node)
{
    if (!node)
        return true;
    if (node->kind != YAML_SCALAR || node->quoted)
        return false;
    const char *t = node->text;
    return !*t || !strcmp(t, "~") || !strcmp(t, "null") || !strcmp(t, "Null") || !strcmp(t, "NULL");
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

// Levenshtein distance without case, cut off: anything above 3 is "far".
static int distance(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    if (m > 40 || n > 40)
        return 99;
    int row[41];
    for (size_t j = 0; j <= n; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= m; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= n; j++) {
            int change = diagonal + (((unsigned)a[i - 1] | 32) != ((unsigned)b[j - 1] | 32));
            diagonal = row[j];
            int least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = least < change ? least : change;
        }
    }
    return row[n];
}

static const char *nearest(const char *word, const char *const *known)
{
    int limit = (int)strlen(word) / 3;
    limit = limit < 1 ? 1 : limit > 3 ? 3 : limit;
    const char *best = NULL;
    int best_distance = limit + 1;
    for (; *known; known++) {
        int d = distance(word, *known);
        if (d < best_distance) {
            best = *known;
            best_distance = d;
        }
    }
    return best;
}

static void list_known(struct str *out, const char *const *known)
{
    for (size_t i = 0; known[i]; i++)
        str_printf(out, "%s%s", i ? ", " : "", known[i]);
}

void yaml_known(const struct yaml_source *source, const struct yaml *map, const char *const *known)
{
    if (!map || map->kind != YAML_MAP)
        return;
    for (size_t i = 0; i < map->count; i++) {
        const char *key = map->keys[i]->text;
        size_t k = 0;
        while (known[k] && strcmp(known[k], key) != 0)
            k++;
        if (known[k])
            continue;
        const char *near = nearest(key, known);
        if (near) {
            yaml_problem(source, map->keys[i], "unknown field '%.60s', did you mean '%s'?", key,
                         near);
            continue;
        }
        struct str all = {0};
        list_known(&all, known);
        yaml_problem(source, map->keys[i], "unknown field '%.60s', expected one of: %s", key,
                     str_text(&all));
        str_release(&all);
    }
}

// The scalar under key, or NULL; a problem when it is a list or a map.
static const struct yaml *scalar(const struct yaml_source *source, const struct yaml *map,
                                 const char *key, const char *wanted)
{
    const struct yaml *node = yaml_get(map, key);
    if (yaml_is_null(node))
        return NULL;
    if (node->kind == YAML_SCALAR)
        return node;
    yaml_problem(source, node, "'%s' must be %s, not %s", key, wanted, kind_word(node));
    return NULL;
}

const char *yaml_text(const struct yaml_source *source, const struct yaml *map, const char *key,
                      const char *fallback)
{
    const struct yaml *node = scalar(source, map, key, "a text");
    return node ? node->text : fallback;
}

const char *yaml_text_required(const struct yaml_source *source, const struct yaml *map,
                               const char *key)
{
    if (yaml_is_null(yaml_get(map, key))) {
        const struct yaml *empty = yaml_get(map, key);
        yaml_problem(source, empty ? empty : map, "'%s' is missing", key);
        return NULL;
    }
    return yaml_text(source, map, key, NULL);
}

int64_t yaml_int(const struct yaml_source *source, const struct yaml *map, const char *key,
                 int64_t fallback, int64_t min, int64_t max)
{
    const struct yaml *node = scalar(source, map, key, "a whole number");
    if (!node)
        return fallback;
    char *end;
    errno = 0;
    long long value = strtoll(node->text, &end, 10);
    bool digits = end != node->text && *end == 0 && node->text[0] != ' ';
    if (digits && errno == 0 && value >= min && value <= max)
        return value;
    if (min == INT64_MIN && max == INT64_MAX)
        yaml_problem(source, node, "'%s' must be a whole number, not '%.60s'", key, node->text);
    else if (max == INT64_MAX)
        yaml_problem(source, node, "'%s' must be a whole number from %" PRId64 " up, not '%.60s'",
                     key, min, node->text);
    else
        yaml_problem(source, node,
                     "'%s' must be a whole number from %" PRId64 " to %" PRId64 ", not '%.60s'",
                     key, min, max, node->text);
    return fallback;
}

double yaml_double(const struct yaml_source *source, const struct yaml *map, const char *key,
                   double fallback, double min, double max)
{
    const struct yaml *node = scalar(source, map, key, "a number");
    if (!node)
        return fallback;
    char *end;
    double value = strtod(node->text, &end);
    if (end != node->text && *end == 0 && isfinite(value) && value >= min && value <= max)
        return value;
    yaml_problem(source, node, "'%s' must be a number from %g to %g, not '%.60s'", key, min, max,
                 node->text);
    return fallback;
}

static bool word_in(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcasecmp(word, *words) == 0)
            return true;
    return false;
}

bool yaml_bool(const struct yaml_source *source, const struct yaml *map, const char *key,
               bool fallback)
{
    static const char *const yes[] = {"true", "yes", "on", NULL};
    static const char *const no[] = {"false", "no", "off", NULL};
    const struct yaml *node = scalar(source, map, key, "true or false");
    if (!node)
        return fallback;
    if (word_in(node->text, yes))
        return true;
    if (word_in(node->text, no))
        return false;
    yaml_problem(source, node, "'%s' must be true or false, not '%.60s'", key, node->text);
    return fallback;
}

int64_t yaml_duration_ms(const struct yaml_source *source, const struct yaml *map, const char *key,
                         int64_t fallback_ms)
{
    const struct yaml *node = scalar(source, map, key, "a duration");
    if (!node)
        return fallback_ms;
    int64_t value;
    if (duration_parse_ms(bytes_from(node->text), &value))
        return value;
    yaml_problem(source, node,
                 "'%s' must be a duration such as '30s', '5 minutes' or '1h30m', not '%.60s'", key,
                 node->text);
    return fallback_ms;
}

static const struct yaml *of_kind(const struct yaml_source *source, const struct yaml *map,
                                  const char *key, enum yaml_kind kind, const char *wanted)
{
    const struct yaml *node = yaml_get(map, key);
    if (yaml_is_null(node))
        return NULL;
    if (node->kind == kind)
        return node;
    yaml_problem(source, node, "'%s' must be %s, not %s", key, wanted, kind_word(node));
    return NULL;
}

const struct yaml *yaml_list(const struct yaml_source *source, const struct yaml *map,
                             const char *key)
{
    return of_kind(source, map, key, YAML_LIST, "a list");
}

const struct yaml *yaml_map(const struct yaml_source *source, const struct yaml *map,
                            const char *key)
{
    return of_kind(source, map, key, YAML_MAP, "a map");
}

// JSON's grammar of numbers, with an optional '+' that is left out.
static bool is_number(const char *text)
{
    const char *t = text + (*text == '-' || *text == '+');
    if (*t < '0' || *t > '9' || (*t == '0' && t[1] >= '0' && t[1] <= '9'))
        return false;
    while (*t >= '0' && *t <= '9')
        t++;
    if (*t == '.') {
        if (t[1] < '0' || t[1] > '9')
            return false;
        for (t++; *t >= '0' && *t <= '9';)
            t++;
    }
    if (*t == 'e' || *t == 'E') {
        t += 1 + (t[1] == '-' || t[1] == '+');
        if (*t < '0' || *t > '9')
            return false;
        while (*t >= '0' && *t <= '9')
            t++;
    }
    return *t == 0;
}

static void scalar_json(struct str *out, const struct yaml *node)
{
    static const char *const yes[] = {"true", "True", "TRUE"};
    static const char *const no[] = {"false", "False", "FALSE"};
    if (!node || yaml_is_null(node)) {
        str_append_text(out, "null");
        return;
    }
    for (int i = 0; !node->quoted && i < 3; i++) {
        if (strcmp(node->text, yes[i]) == 0 || strcmp(node->text, no[i]) == 0) {
            str_append_text(out, strcmp(node->text, yes[i]) == 0 ? "true" : "false");
            return;
        }
    }
    if (!node->quoted && is_number(node->text))
        str_append_text(out, node->text + (*node->text == '+'));
    else
        str_append_json(out, bytes_from(node->text));
}

void yaml_json(struct str *out, const struct yaml *node)
{
    if (!node || node->kind == YAML_SCALAR) {
        scalar_json(out, node);
        return;
    }
    bool map = node->kind == YAML_MAP;
    str_append_byte(out, map ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        if (i)
            str_append_byte(out, ',');
        if (map) {
            str_append_json(out, bytes_from(node->keys[i]->text));
            str_append_byte(out, ':');
        }
        yaml_json(out, node->items[i]);
    }
    str_append_byte(out, map ? '}' : ']');
}
