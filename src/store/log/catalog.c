// SPDX-License-Identifier: Apache-2.0
//
// The catalog: which topics there are, one text file replaced as a whole. One line per topic and
// per setting, fields split by a tab; a setting belongs to the topic above it; in values \\, \t and
// \n are escaped. `marks` is the secret in the rounds' marks (round_mark.c). The last line is the
// CRC-32C of everything above it.
//
//     weir-log 1
//     marks	8d3f0e5a91c4b726
//     topic	users_created	0f8fad5b-d9cb-469f-a165-70867728950e	4
//     set	retention.ms	86400000
//     crc32c	1a2b3c4d
#include "store/log/names.h"

#include <stdlib.h>

#include "os/random.h"

enum { CATALOG_MAX_BYTES = 256 << 20 };

static void append_escaped(struct str *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '\t' || *value == '\n') {
            str_append_byte(out, '\\');
            str_append_byte(out, *value == '\t' ? 't' : *value == '\n' ? 'n' : '\\');
        } else {
            str_append_byte(out, *value);
        }
    }
}

static void unescape(char *value)
{
    char *to = value;
    for (const char *from = value; *from; from++) {
        if (*from == '\\' && from[1]) {
            from++;
            *to++ = *from == 't' ? '\t' : *from == 'n' ? '\n' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static void write_topic(struct topic *topic, int32_t partition_count, struct str *out)
{
    char id[37];
    uuid_text(topic->id.bytes, id);
    mutex_lock(&topic->mutex);
    if (partition_count == 0)
        partition_count = (int32_t)topic->partitions.count;
    str_printf(out, "topic\t%s\t%s\t%d\n", topic->name, id, partition_count);
    for (size_t i = 0; i < topic->settings.count; i++) {
        str_append_text(out, "set\t");
        append_escaped(out, topic->settings.items[i].key);
        str_append_byte(out, '\t');
        append_escaped(out, topic->settings.items[i].value);
        str_append_byte(out, '\n');
    }
    mutex_unlock(&topic->mutex);
}

err_t catalog_save(struct log_store *store, struct topic *changed, int32_t partition_count,
                   struct diag *diag)
{
    struct str text = {0};
    str_append_text(&text, "weir-log 1\n");
    str_printf(&text, "marks\t%016llx\n", (unsigned long long)store->mark_key);
    struct arena arena = ARENA_INIT;
    size_t count;
    struct topic **topics = log_store_topics(store, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (topics[i] != changed)
            write_topic(topics[i], 0, &text);
        topic_unref(topics[i]);
    }
    arena_release(&arena);
    if (changed)
        write_topic(changed, partition_count, &text);
    str_printf(&text, "crc32c\t%08x\n", crc32c(0, text.ptr, text.size));
    err_t err = names_replace(store, "catalog", str_bytes(&text), diag);
    str_release(&text);
    return err;
}

static bool parse_uuid(const char *text, uint8_t out[16])
{
    size_t digits = 0;
    memset(out, 0, 16);
    for (; *text; text++) {
        if (*text == '-')
            continue;
        int value = *text >= '0' && *text <= '9'   ? *text - '0'
                    : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10
                                                   : -1;
        if (value < 0 || digits >= 32)
            return false;
        out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | value);
        digits++;
    }
    return digits == 32;
}

static err_t read_topic(struct log_store *store, char *rest, struct topic **out, struct diag *diag)
{
    char *save = NULL;
    const char *name = strtok_r(rest, "\t", &save);
    const char *id_text = strtok_r(NULL, "\t", &save);
    const char *count_text = strtok_r(NULL, "\t", &save);
    uint8_t id[16];
    if (!name || !topic_name_valid(bytes_from(name)) || !id_text || !parse_uuid(id_text, id) ||
        !count_text)
        return FAIL(diag, ERR_CORRUPT, "a topic line that is no topic");
    long count = strtol(count_text, NULL, 10);
    if (count < 1 || count > 100000)
        return FAIL(diag, ERR_CORRUPT, "topic %s with %s partitions", name, count_text);
    struct topic *topic = topic__new(store, name, id);
    for (long i = 0; i < count; i++)
        (void)topic__add_partition(topic);
    bool added;
    struct topic **slot = topic_map_put(&store->by_name, bytes_from(topic->name), &added);
    if (!added) {
        topic_unref(topic);
        return FAIL(diag, ERR_CORRUPT, "topic %s twice", name);
    }
    *out = *slot = topic;
    *topic_id_map_put(&store->by_id, topic->id, NULL) = topic;
    return ERR_OK;
}

static err_t read_line(struct log_store *store, char *line, struct topic **topic, struct diag *diag)
{
    char *tab = strchr(line, '\t');
    if (!tab)
        return FAIL(diag, ERR_CORRUPT, "a line without fields");
    *tab = '\0';
    if (strcmp(line, "topic") == 0)
        return read_topic(store, tab + 1, topic, diag);
    if (strcmp(line, "marks") == 0) {
        store->mark_key = strtoull(tab + 1, NULL, 16);
        return ERR_OK;
    }
    char *key = tab + 1;
    char *value = strchr(key, '\t');
    if (strcmp(line, "set") != 0 || !*topic || !value)
        return FAIL(diag, ERR_CORRUPT, "a line that starts with \"%s\"", line);
    *value++ = '\0';
    unescape(key);
    unescape(value);
    struct topic_setting setting = {.key = key, .value = value};
    return topic__set(*topic, &setting, 1, diag);
}

static err_t check_sum(const struct str *text, char **last_line, struct diag *diag)
{
    enum { LAST_LINE_BYTES = 16 }; // "crc32c\t12345678\n"
    if (text->size < LAST_LINE_BYTES || memcmp(text->ptr, "weir-log 1\n", 11) != 0)
        return FAIL(diag, ERR_CORRUPT, "it does not start with \"weir-log 1\"");
    *last_line = text->ptr + text->size - LAST_LINE_BYTES;
    char expected[32];
    snprintf(expected, sizeof expected, "crc32c\t%08x\n",
             crc32c(0, text->ptr, text->size - LAST_LINE_BYTES));
    if (memcmp(*last_line, expected, LAST_LINE_BYTES) != 0)
        return FAIL(diag, ERR_CORRUPT, "its checksum does not hold");
    return ERR_OK;
}

err_t catalog_load(struct log_store *store, struct diag *diag)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/catalog", store->dir);
    if (!file_exists(path))
        return ERR_OK;
    struct str text = {0};
    err_t err = file_read_all(path, CATALOG_MAX_BYTES, &text, diag);
    char *end = NULL;
    if (err == ERR_OK)
        err = check_sum(&text, &end, diag);
    struct topic *topic = NULL;
    for (char *line = text.ptr ? text.ptr + 11 : NULL; err == ERR_OK && line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        *newline = '\0'; // the last line begins behind one
        err = read_line(store, line, &topic, diag);
        line = newline + 1;
    }
    if (err != ERR_OK)
        diag_context(diag, "%s", path);
    str_release(&text);
    return err;
}
