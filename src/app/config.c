// SPDX-License-Identifier: Apache-2.0
#include "app/config.h"

#include "base/mem.h"
#include "os/file.h"

#include <ctype.h>
#include <stdlib.h>

#define MEMORY_MIN_BYTES ((size_t)64 << 20)

bool address_parse(const char *text, struct config_address *out)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !isdigit((unsigned char)colon[1]))
        return false;
    char *end = NULL;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port > 65535)
        return false;
    size_t size = (size_t)(colon - text);
    if (text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    }
    if (size == 0 || size >= sizeof out->host)
        return false;
    memcpy(out->host, text, size);
    out->host[size] = '\0';
    out->port = (uint16_t)port;
    return true;
}

bool size_parse(const char *text, size_t *out)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    static const char units[] = "kmgt";
    const char *unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
    int shift = 0;
    if (unit) {
        shift = 10 * (int)(unit - units + 1);
        end++;
        if (tolower((unsigned char)*end) == 'i')
            end++;
    }
    if (tolower((unsigned char)*end) == 'b')
        end++;
    if (*end != '\0' || value > (SIZE_MAX >> shift))
        return false;
    *out = (size_t)value << shift;
    return true;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t size = strlen(value);
    for (const char *at = choices; *at;) {
        size_t width = strcspn(at, "|");
        if (width == size && strncmp(at, value, size) == 0)
            return true;
        at += width + (at[width] == '|');
    }
    return false;
}

// What a value of this setting looks like, or NULL when `value` is fine.
static const char *expected_form(const struct config_info *info, const char *value)
{
    struct config_address address;
    size_t size = 0;
    if (info->kind == CONFIG_ADDRESS && !address_parse(value, &address))
        return "host:port such as 127.0.0.1:9092";
    if (info->kind == CONFIG_SIZE && (!size_parse(value, &size) || size < MEMORY_MIN_BYTES))
        return "a size of at least 64MB, such as 512MB";
    if (info->kind == CONFIG_ENUM && !is_choice(info->choices, value))
        return info->choices;
    if (info->kind == CONFIG_PATH && value[0] == '\0')
        return "a path";
    return NULL;
}

static void set_value(struct config *config, struct problems *problems, struct config_origin origin,
                      int id, const char *value)
{
    const struct config_info *info = &config_infos[id];
    const char *expected = expected_form(info, value);
    if (info->kind == CONFIG_LATER)
        problem_add(problems, origin.file, origin.line, origin.column,
                    "%s is not in this version of weir yet", info->key);
    else if (expected)
        problem_add(problems, origin.file, origin.line, origin.column, "%s is '%s', expected %s",
                    info->key, value, expected);
    else
        config->values[id] = arena_strdup(&config->arena, value);
    config->origins[id] = origin;
}

static void set_tree(struct config *config, struct config_origin origin, int id,
                     const struct yaml *tree)
{
    config->trees[id] = tree;
    config->origins[id] = origin;
}

// A value from the environment or --set.
static void set_text(struct config *config, struct problems *problems, struct config_origin origin,
                     int id, const char *value)
{
    if (config_infos[id].kind != CONFIG_TREE) {
        set_value(config, problems, origin, id, value);
        return;
    }
    struct yaml_source source = {origin.file, problems};
    const struct yaml *tree = yaml_parse(&config->arena, &source, bytes_from(value));
    if (tree)
        set_tree(config, origin, id, tree);
}

static int find_key(const char *key)
{
    for (int id = 0; id < CONFIG_COUNT; id++)
        if (strcmp(config_infos[id].key, key) == 0)
            return id;
    return -1;
}

static bool is_section(const char *name)
{
    size_t size = strlen(name);
    for (int id = 0; id < CONFIG_COUNT; id++)
        if (strncmp(config_infos[id].key, name, size) == 0 && config_infos[id].key[size] == '.')
            return true;
    return false;
}

static void load_map(struct config *config, const struct yaml_source *source, const char *prefix,
                     const struct yaml *map);

static void load_entry(struct config *config, const struct yaml_source *source, const char *prefix,
                       const struct yaml *key, const struct yaml *value)
{
    const char *name = arena_printf(&config->arena, "%s%s", prefix, key->text);
    int id = find_key(name);
    bool section = id < 0 && prefix[0] == '\0' && is_section(key->text);
    if (id < 0 && !section) {
        yaml_problem(source, key, "unknown setting '%s'; weir help config lists them all", name);
    } else if (yaml_is_null(value)) {
        return; // a line left empty keeps its default
    } else if (section && value->kind == YAML_MAP) {
        load_map(config, source, arena_printf(&config->arena, "%s.", key->text), value);
    } else if (section) {
        yaml_problem(source, value, "%s must hold settings such as {listen: host:port}", key->text);
    } else if (config_infos[id].kind == CONFIG_TREE) {
        set_tree(config, (struct config_origin){source->file, value->line, value->column}, id,
                 value);
    } else if (value->kind == YAML_SCALAR || config_infos[id].kind == CONFIG_LATER) {
        set_value(config, source->problems,
                  (struct config_origin){source->file, value->line, value->column}, id,
                  value->kind == YAML_SCALAR ? value->text : "");
    } else {
        yaml_problem(source, value, "%s must be a single value", name);
    }
}

static void load_map(struct config *config, const struct yaml_source *source, const char *prefix,
                     const struct yaml *map)
{
    for (size_t i = 0; i < map->count; i++)
        load_entry(config, source, prefix, map->keys[i], map->items[i]);
}

static void load_file(struct config *config, struct problems *problems)
{
    const char *path = arena_printf(&config->arena, "%s/weir.yaml", config->dir);
    if (!file_exists(path))
        return; // every line has a default
    struct yaml_source source;
    struct yaml *root = yaml_load(&config->arena, problems, path, &source);
    if (!root || yaml_is_null(root))
        return;
    if (root->kind == YAML_MAP)
        load_map(config, &source, "", root);
    else
        yaml_problem(&source, root, "expected settings, one per line, such as data_dir: .weir");
}

static void load_environment(struct config *config, struct problems *problems)
{
    for (int id = 0; id < CONFIG_COUNT; id++) {
        char name[80] = "WEIR_";
        size_t used = 5;
        for (const char *at = config_infos[id].key; *at && used < sizeof name - 1; at++)
            name[used++] = (char)(*at == '.' ? '_' : toupper((unsigned char)*at));
        name[used] = '\0';
        const char *value = getenv(name);
        if (value)
            set_text(config, problems,
                     (struct config_origin){arena_strdup(&config->arena, name), 1, 1}, id, value);
    }
}

static void load_set(struct config *config, struct problems *problems, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals) {
        problem_add(problems, "--set", 1, 1, "'%s' is not key=value", text);
        return;
    }
    char *key = arena_text(&config->arena, bytes_make(text, (size_t)(equals - text)));
    int id = find_key(key);
    if (id < 0)
        problem_add(problems, "--set", 1, 1,
                    "unknown setting '%s'; weir help config lists them all", key);
    else
        set_text(config, problems, (struct config_origin){"--set", 1, 1}, id, equals + 1);
}

void config_load(struct config *config, const char *dir, const char *const *sets,
                 struct problems *problems)
{
    *config = (struct config){.arena = ARENA_INIT};
    config->dir = arena_strdup(&config->arena, dir);
    for (int id = 0; id < CONFIG_COUNT; id++)
        config->values[id] = config_infos[id].fallback;
    load_file(config, problems);
    load_environment(config, problems);
    for (; sets && *sets; sets++)
        load_set(config, problems, *sets);
    const char *data_dir = config->values[CONFIG_DATA_DIR];
    config->data_dir =
        data_dir[0] == '/' ? data_dir : arena_printf(&config->arena, "%s/%s", dir, data_dir);
}

void config_release(struct config *config)
{
    arena_release(&config->arena);
}

void config_problem(const struct config *config, struct problems *problems, enum config_id id,
                    const char *format, ...)
{
    const struct config_origin *origin = &config->origins[id];
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    problem_add(problems, origin->file ? origin->file : "weir.yaml",
                origin->line ? origin->line : 1, origin->column ? origin->column : 1, "%s",
                str_text(&text));
    str_release(&text);
}

bool config_is(const struct config *config, enum config_id id, const char *value)
{
    return strcmp(config->values[id], value) == 0;
}

struct config_address config_address(const struct config *config, enum config_id id)
{
    struct config_address address = {{0}, 0};
    address_parse(config->values[id], &address);
    return address;
}

size_t config_size(const struct config *config, enum config_id id)
{
    size_t size = 0;
    size_parse(config->values[id], &size);
    return size;
}
