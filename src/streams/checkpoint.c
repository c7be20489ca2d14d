// SPDX-License-Identifier: Apache-2.0
#include "streams/checkpoint.h"

#include "data/yaml.h"

#include <inttypes.h>

static struct bytes name_key(struct arena *arena, const char *name, const char *what)
{
    return bytes_from(arena_printf(arena, "stream/%s/%s", name, what));
}

static err_t read_json(struct checkpoint *out, struct arena *arena, struct bytes text,
                       const char *name, struct diag *diag)
{
    struct problems problems = {0};
    struct yaml_source at = {name, &problems}; // JSON is YAML
    const struct yaml *root = yaml_parse(arena, &at, text);
    int64_t version = yaml_int(&at, root, "version", 0, 0, INT64_MAX);
    const char *id = yaml_text(&at, root, "id", "");
    const struct yaml *offsets = yaml_list(&at, root, "offsets");
    *out = (struct checkpoint){.batch_id = yaml_int(&at, root, "batchId", -1, -1, INT64_MAX),
                               .rows = yaml_int(&at, root, "rows", 0, 0, INT64_MAX),
                               .timestamp_us = yaml_int(&at, root, "timestampUs", 0, 0, INT64_MAX),
                               .topic = yaml_text(&at, root, "topic", ""),
                               .sql = yaml_text(&at, root, "sql", "")};
    snprintf(out->id, sizeof out->id, "%s", id);
    bool fine = root && version == 1 && strlen(id) == 36 && offsets && problems.count == 0;
    out->partition_count = fine ? offsets->count : 0;
    out->offsets = ARENA_ARRAY(arena, int64_t, out->partition_count + 1);
    for (size_t i = 0; i < out->partition_count; i++)
        fine &= offsets->items[i]->kind == YAML_SCALAR &&
                sscanf(offsets->items[i]->text, "%" SCNd64, &out->offsets[i]) == 1;
    problems_release(&problems);
    if (!fine)
        return FAIL(diag, ERR_CORRUPT,
                    "the checkpoint of stream '%s' is damaged or of a newer version", name);
    return ERR_OK;
}

err_t checkpoint_load(struct checkpoint *out, bool *found, struct arena *arena,
                      struct table_port tables, const char *name, struct diag *diag)
{
    struct bytes value;
    TRY(tables.ops->meta_get(tables.self, arena, name_key(arena, name, "checkpoint"), &value,
                             diag));
    *found = value.ptr != NULL;
    return *found ? read_json(out, arena, value, name, diag) : ERR_OK;
}

struct table_meta checkpoint_meta(const struct checkpoint *checkpoint, const char *name,
                                  struct arena *arena)
{
    struct str json = {0};
    str_printf(&json,
               "{\"version\": 1, \"id\": \"%s\", \"batchId\": %" PRId64 ", \"rows\": %" PRId64
               ", \"timestampUs\": %" PRId64 ", \"topic\": ",
               checkpoint->id, checkpoint->batch_id, checkpoint->rows, checkpoint->timestamp_us);
    str_append_json(&json, bytes_from(checkpoint->topic));
    str_append_text(&json, ", \"sql\": ");
    str_append_json(&json, bytes_from(checkpoint->sql));
    str_append_text(&json, ", \"offsets\": [");
    for (size_t i = 0; i < checkpoint->partition_count; i++)
        str_printf(&json, "%s%" PRId64, i ? ", " : "", checkpoint->offsets[i]);
    str_append_text(&json, "]}");
    struct table_meta meta = {name_key(arena, name, "checkpoint"),
                              arena_bytes(arena, str_bytes(&json))};
    str_release(&json);
    return meta;
}

struct bytes checkpoint_state_key(const char *name, struct bytes key, struct arena *arena)
{
    struct bytes prefix = name_key(arena, name, "state/");
    uint8_t *whole = arena_alloc(arena, prefix.size + key.size);
    memcpy(whole, prefix.ptr, prefix.size);
    if (key.size)
        memcpy(whole + prefix.size, key.ptr, key.size);
    return bytes_make(whole, prefix.size + key.size);
}

char *checkpoint_sql(struct arena *arena, const char *sql)
{
    char *out = arena_alloc(arena, strlen(sql) + 1);
    size_t size = 0;
    char quote = 0;
    for (; *sql; sql++) {
        bool blank = !quote && strchr(" \t\r\n", *sql);
        if (blank && (size == 0 || out[size - 1] == ' '))
            continue;
        if (quote && *sql == '\\' && sql[1])
            out[size++] = *sql++;
        else if (quote && *sql == quote)
            quote = 0;
        else if (!quote && strchr("'\"`", *sql))
            quote = *sql;
        out[size++] = blank ? ' ' : *sql;
    }
    while (size && out[size - 1] == ' ')
        size--;
    out[size] = '\0';
    return out;
}
