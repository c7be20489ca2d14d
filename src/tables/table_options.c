// SPDX-License-Identifier: Apache-2.0
#include "tables/table_options.h"

#include <stdlib.h>

static const struct {
    const char *name, *value; // NULL value: a map
    bool quoted;
} defaults[] = {
    {"additional_write_policy", "99p", true},
    {"allow_auto_snapshot", "true", false},
    {"bloom_filter_fp_chance", "0.01", false},
    {"caching", NULL, false},
    {"cdc", "false", false},
    {"comment", "", true},
    {"compaction", NULL, false},
    {"compression", NULL, false},
    {"memtable", "default", true},
    {"crc_check_chance", "1.0", false},
    {"default_time_to_live", "0", false},
    {"extensions", NULL, false},
    {"gc_grace_seconds", "864000", false},
    {"incremental_backups", "true", false},
    {"max_index_interval", "2048", false},
    {"memtable_flush_period_in_ms", "0", false},
    {"min_index_interval", "128", false},
    {"read_repair", "BLOCKING", true},
    {"speculative_retry", "99p", true},
};
enum { OPTION_COUNT = sizeof defaults / sizeof *defaults };

const char *const table_option_names[] = {"additional_write_policy",
                                          "allow_auto_snapshot",
                                          "bloom_filter_fp_chance",
                                          "caching",
                                          "cdc",
                                          "comment",
                                          "compaction",
                                          "compression",
                                          "memtable",
                                          "crc_check_chance",
                                          "default_time_to_live",
                                          "extensions",
                                          "gc_grace_seconds",
                                          "incremental_backups",
                                          "max_index_interval",
                                          "memtable_flush_period_in_ms",
                                          "min_index_interval",
                                          "read_repair",
                                          "speculative_retry",
                                          NULL};

static size_t index_of(const char *name)
{
    size_t i = 0;
    while (i < OPTION_COUNT && strcmp(defaults[i].name, name) != 0)
        i++;
    return i;
}

bool table_option_is_map(const char *name)
{
    size_t i = index_of(name);
    return i < OPTION_COUNT && !defaults[i].value;
}

bool table_option_is_quoted(const char *name)
{
    size_t i = index_of(name);
    return i < OPTION_COUNT && defaults[i].quoted;
}

static const struct option *given(const struct table_schema *table, const char *name)
{
    for (size_t i = 0; i < table->options.option_count; i++) {
        if (strcmp(table->options.options[i].name, name) == 0)
            return &table->options.options[i];
    }
    return NULL;
}

// Leveled compaction has another default for its filters.
static bool is_leveled(const struct table_schema *table)
{
    const struct option *option = given(table, "compaction");
    for (size_t i = 0; option && i < option->pair_count; i++) {
        if (strcmp(option->pairs[i].key, "class") == 0)
            return strstr(option->pairs[i].value, "LeveledCompactionStrategy") != NULL;
    }
    return false;
}

const char *table_option_text(const struct table_schema *table, const char *name,
                              struct arena *arena)
{
    size_t i = index_of(name);
    const struct option *option = given(table, name);
    if (i == OPTION_COUNT || !defaults[i].value)
        return NULL;
    if (strcmp(name, "comment") == 0)
        return table->options.comment ? table->options.comment : "";
    if (strcmp(name, "default_time_to_live") == 0)
        return arena_printf(arena, "%d", table->options.default_ttl_s);
    if (strcmp(name, "gc_grace_seconds") == 0)
        return arena_printf(arena, "%d", table->options.gc_grace_s);
    if (option && option->text)
        return option->text;
    return strcmp(name, "bloom_filter_fp_chance") == 0 && is_leveled(table) ? "0.1"
                                                                            : defaults[i].value;
}

static int by_key(const void *a, const void *b)
{
    const struct option_pair *x = a, *y = b;
    return strcmp(x->key, y->key);
}

static void set_default(struct option_pair *pairs, size_t *count, const char *key,
                        const char *value)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(pairs[i].key, key) == 0)
            return;
    }
    pairs[(*count)++] = (struct option_pair){key, value};
}

static bool has(const struct option_pair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].key, key) == 0)
            return true;
    }
    return false;
}

const struct option_pair *table_option_map(const struct table_schema *table, const char *name,
                                           struct arena *arena, size_t *count)
{
    const struct option *option = given(table, name);
    size_t room = (option ? option->pair_count : 0) + 4;
    struct option_pair *pairs = ARENA_ARRAY(arena, struct option_pair, room);
    const char *prefix = "";
    *count = option ? option->pair_count : 0;
    if (*count)
        memcpy(pairs, option->pairs, *count * sizeof *pairs);
    if (strcmp(name, "caching") == 0) {
        set_default(pairs, count, "keys", "ALL");
        set_default(pairs, count, "rows_per_partition", "NONE");
    } else if (strcmp(name, "compaction") == 0) {
        prefix = "org.apache.cassandra.db.compaction.";
        set_default(pairs, count, "class", "SizeTieredCompactionStrategy");
        set_default(pairs, count, "max_threshold", "32");
        set_default(pairs, count, "min_threshold", "4");
    } else if (strcmp(name, "compression") == 0 && !has(pairs, *count, "enabled")) {
        prefix = "org.apache.cassandra.io.compress.";
        set_default(pairs, count, "chunk_length_in_kb", "16");
        set_default(pairs, count, "class", "LZ4Compressor");
    }
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(pairs[i].key, "class") == 0 && !strchr(pairs[i].value, '.'))
            pairs[i].value = arena_printf(arena, "%s%s", prefix, pairs[i].value);
    }
    qsort(pairs, *count, sizeof *pairs, by_key);
    return pairs;
}
