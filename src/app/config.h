// SPDX-License-Identifier: Apache-2.0
//
// config: the settings of weir.yaml (schema/config.tbl), from the file, then WEIR_KAFKA_LISTEN and
// the like from the environment, then --set kafka.listen=...; the last one wins.
//
// Errors     every wrong file line, variable and --set becomes a problem (data/yaml.h), all at
// once.
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "app/config_table.h"
#include "data/yaml.h"

enum config_kind {
    CONFIG_TEXT,
    CONFIG_PATH,
    CONFIG_ADDRESS,
    CONFIG_SIZE,
    CONFIG_ENUM,
    CONFIG_TREE, // a list or a map; from the environment and --set as YAML
    CONFIG_LATER,
};

struct config_info {
    const char *key;
    enum config_kind kind;
    const char *choices; // ENUM: "a|b"
    const char *fallback;
    const char *help;
};

extern const struct config_info config_infos[];

struct config_address {
    char host[128];
    uint16_t port;
};

// Where a value came from, for the words of a problem.
struct config_origin {
    const char
        *file; // "weir.yaml", "WEIR_MEMORY", "--set"; NULL: nobody said it, it is the default
    int line, column;
};

struct config {
    struct arena arena;
    const char *dir; // the project folder
    const char *values[CONFIG_COUNT];
    const struct yaml *trees[CONFIG_COUNT]; // TREE: NULL when nothing was said
    struct config_origin origins[CONFIG_COUNT];
    const char *data_dir; // joined with dir where relative
};

// `sets`: "key=value" texts of --set, NULL-terminated. `config` is to be released in any case.
void config_load(struct config *config, const char *dir, const char *const *sets,
                 struct problems *problems);
void config_release(struct config *config);

// A problem with the value, where it was said.
void config_problem(const struct config *config, struct problems *problems, enum config_id id,
                    const char *format, ...) PRINTF_LIKE(4, 5);
bool config_is(const struct config *config, enum config_id id, const char *value);
struct config_address config_address(const struct config *config, enum config_id id);
size_t config_size(const struct config *config, enum config_id id);
// "host:port", "[::1]:port" -> address; false when it is not one.
bool address_parse(const char *text, struct config_address *out);
bool size_parse(const char *text, size_t *out); // "512MB", "64k", "1GiB", "4096"

#endif
