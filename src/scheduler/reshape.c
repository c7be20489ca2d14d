// SPDX-License-Identifier: Apache-2.0
#include "scheduler/reshape.h"

#include <ctype.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 256

static const json_t *step(const json_t *value, const char *name)
{
    if (json_is_object(value))
        return json_object_get(value, name);
    if (json_is_array(value) && isdigit((unsigned char)name[0]))
        return json_array_get(value, (size_t)strtoul(name, NULL, 10));
    return NULL;
}

const json_t *reshape_get(const json_t *root, const char *path)
{
    while (root && *path) {
        char name[NAME_MAX_BYTES];
        size_t size = strcspn(path, ".");
        if (size >= sizeof name)
            return NULL;
        memcpy(name, path, size);
        name[size] = '\0';
        root = step(root, name);
        path += size + (path[size] == '.');
    }
    return root;
}

static int append(const char *bytes, size_t size, void *ctx)
{
    str_append(ctx, bytes, size);
    return 0;
}

static void append_json(struct str *out, const json_t *value)
{
    if (!value || json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        str_append_text(out, "null");
}

void reshape_append_text(struct str *out, const json_t *value)
{
    if (json_is_string(value))
        str_append(out, json_string_value(value), json_string_length(value));
    else
        append_json(out, value);
}

static void fill_in(struct str *filled, const json_t *record, const char *text)
{
    while (*text) {
        size_t plain = strcspn(text, "{");
        str_append(filled, text, plain);
        text += plain;
        const char *end = *text ? strchr(text, '}') : NULL;
        if (!end) {
            str_append_text(filled, text);
            break;
        }
        char path[NAME_MAX_BYTES];
        snprintf(path, sizeof path, "%.*s", (int)(end - text - 1), text + 1);
        const json_t *value = reshape_get(record, path);
        if (value && !json_is_null(value))
            reshape_append_text(filled, value);
        text = end + 1;
    }
}

static void append_filled(struct str *out, const json_t *record, const char *text)
{
    struct str filled = {0};
    fill_in(&filled, record, text);
    str_append_json(out, str_bytes(&filled));
    str_release(&filled);
}

bool reshape_append_key(struct str *out, const json_t *record, const char *key,
                        struct name_texts fields)
{
    const char *path = key;
    for (size_t i = 0; i < fields.count; i++)
        if (strcmp(fields.items[i].name, key) == 0)
            path = fields.items[i].text;
    if (strchr(path, '{')) {
        fill_in(out, record, path);
        return true;
    }
    const json_t *value = reshape_get(record, path);
    if (!value || json_is_null(value))
        return false;
    reshape_append_text(out, value);
    return true;
}

void reshape_append_record(struct str *out, const json_t *record, struct name_texts fields)
{
    if (fields.count == 0) {
        append_json(out, record);
        return;
    }
    str_append_byte(out, '{');
    for (size_t i = 0; i < fields.count; i++) {
        if (i)
            str_append_byte(out, ',');
        str_append_json(out, bytes_from(fields.items[i].name));
        str_append_byte(out, ':');
        if (strchr(fields.items[i].text, '{'))
            append_filled(out, record, fields.items[i].text);
        else
            append_json(out, reshape_get(record, fields.items[i].text));
    }
    str_append_byte(out, '}');
}
