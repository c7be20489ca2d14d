// SPDX-License-Identifier: Apache-2.0
//
// yaml: a YAML document as a tree that knows where everything stands, read with libyaml; and the
// list of problems a person gets, all at once: "dags/users.yaml:12:5: unknown field 'retrys', did
// you mean 'retries'?".
//
// Bounds     1 MiB of text, 64 levels, 100,000 nodes; anchors and aliases are expanded within that
// bound;
//            duplicate keys are a problem.
#ifndef DATA_YAML_H
#define DATA_YAML_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

enum yaml_kind {
    YAML_SCALAR,
    YAML_LIST,
    YAML_MAP,
};

struct yaml {
    enum yaml_kind kind;
    int line, column; // from 1
    const char *text; // SCALAR: as written, without quotes
    bool quoted;      // SCALAR: '...' or "..." or a block: never null, number or boolean
    size_t count;     // LIST, MAP
    struct yaml **items;
    struct yaml **keys; // MAP: scalars
};

// Everything wrong with the user's files. All zero is empty; problems_release() frees.
struct problems {
    struct str text; // one line each, '\n' behind every one
    size_t count;
};

void problem_add(struct problems *problems, const char *file, int line, int column,
                 const char *format, ...) PRINTF_LIKE(5, 6);
void problems_release(struct problems *problems);

// Where a value is read: the file and the list that takes what is wrong with it.
struct yaml_source {
    const char *file; // as the user should see it
    struct problems *problems;
};

// NULL when the text is not YAML (a problem was added) or empty (none was).
struct yaml *yaml_parse(struct arena *arena, const struct yaml_source *source, struct bytes text);
// The same from a file. A file that cannot be read is a problem.
struct yaml *yaml_load(struct arena *arena, struct problems *problems, const char *path,
                       struct yaml_source *source_out);

bool yaml_is_null(const struct yaml *node);                           // absent, empty, ~ or null
const struct yaml *yaml_get(const struct yaml *map, const char *key); // NULL if absent
// A problem for each key of `map` that is not in `known` (NULL-terminated), with the nearest known
// word.
void yaml_known(const struct yaml_source *source, const struct yaml *map, const char *const *known);
// A problem at `node` (or at line 1 when NULL).
void yaml_problem(const struct yaml_source *source, const struct yaml *node, const char *format,
                  ...) PRINTF_LIKE(3, 4);

// Typed reads of map[key]: the fallback when absent or null; a problem and the fallback when it is
// of another kind or out of range. Texts live in the arena of the document.
const char *yaml_text(const struct yaml_source *source, const struct yaml *map, const char *key,
                      const char *fallback);
// A problem too when it is absent.
const char *yaml_text_required(const struct yaml_source *source, const struct yaml *map,
                               const char *key);
int64_t yaml_int(const struct yaml_source *source, const struct yaml *map, const char *key,
                 int64_t fallback, int64_t min, int64_t max);
double yaml_double(const struct yaml_source *source, const struct yaml *map, const char *key,
                   double fallback, double min, double max);
bool yaml_bool(const struct yaml_source *source, const struct yaml *map, const char *key,
               bool fallback);
// "30s", "5m", "1h30m", "250ms", "2 days", "5 seconds", "1 minute 30 seconds" or a bare number of
// seconds.
int64_t yaml_duration_ms(const struct yaml_source *source, const struct yaml *map, const char *key,
                         int64_t fallback_ms);
// The list or map under key, or NULL when absent; a problem when it is of another kind.
const struct yaml *yaml_list(const struct yaml_source *source, const struct yaml *map,
                             const char *key);
const struct yaml *yaml_map(const struct yaml_source *source, const struct yaml *map,
                            const char *key);
// The subtree as JSON (plain scalars that read as null, boolean or number become those).
void yaml_json(struct str *out, const struct yaml *node);
// "30s" and the like; false when it does not parse. Shared with SQL triggers and the command line.
bool duration_parse_ms(struct bytes text, int64_t *out);

#endif
