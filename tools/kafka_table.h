// SPDX-License-Identifier: Apache-2.0
//
// kafka_table: reads schema/kafka/*.tbl for gen_kafka.c, whose opening describes the format.
#ifndef TOOLS_KAFKA_TABLE_H
#define TOOLS_KAFKA_TABLE_H

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION_TOP = 32767, FIELDS_MAX = 64, MESSAGES_MAX = 128 };

struct range {
    int low, high; // low > high: none
};

struct field {
    char name[64]; // as in the protocol
    char c[64];    // as in C
    char type[64]; // without []
    bool array;
    bool is_struct;
    struct range versions;
    struct range null;
    int tag; // -1: not tagged
    char def[64];
    char c_struct[160]; // struct name without "struct "
    struct field *fields[FIELDS_MAX];
    int count;
};

struct message {
    char c[128]; // kafka_metadata_request
    struct range versions;
    struct range flexible;
    struct field root;
};

struct api {
    int key;
    char name[64];
    char file[64];
    struct range versions;
    struct range flexible;
};

static const char *table_path;
static int table_line;

static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", table_path, table_line);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

static void put_text(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int got = vsnprintf(out, size, format, args);
    va_end(args);
    if (got < 0 || (size_t)got >= size)
        die("name too long");
}

// MetadataResponse -> metadata_response
static void snake(char *out, const char *name)
{
    for (size_t i = 0; name[i]; i++) {
        if (isupper((unsigned char)name[i]) && i && !isupper((unsigned char)name[i - 1]))
            *out++ = '_';
        *out++ = (char)tolower((unsigned char)name[i]);
    }
    *out = '\0';
}

static struct range parse_range(const char *text)
{
    struct range range = {1, 0};
    if (strcmp(text, "none") == 0)
        return range;
    char *end;
    range.low = range.high = (int)strtol(text, &end, 10);
    if (*end == '+')
        range.high = VERSION_TOP;
    else if (*end == '-')
        range.high = (int)strtol(end + 1, &end, 10);
    else if (*end)
        die("'%s' is no range of versions", text);
    return range;
}

static bool is_primitive(const char *type)
{
    static const char *const types[] = {"bool",  "int8",    "int16",  "uint16", "int32",   "uint32",
                                        "int64", "float64", "string", "bytes",  "records", "uuid"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static bool is_bytes(const char *type)
{
    return strcmp(type, "string") == 0 || strcmp(type, "bytes") == 0 ||
           strcmp(type, "records") == 0;
}

// --- reading tables ------------------------------------------------------------------

static struct field *parse_field(char *row, const char *message)
{
    struct field *field = calloc(1, sizeof *field);
    char versions[32];
    char type[64];
    int used = 0;
    if (sscanf(row, "%63s %63s %31s%n", field->name, type, versions, &used) != 3)
        die("expected: Name type versions");
    field->array = strncmp(type, "[]", 2) == 0;
    put_text(field->type, sizeof field->type, "%s", type + (field->array ? 2 : 0));
    field->is_struct = !is_primitive(field->type);
    field->versions = parse_range(versions);
    field->null = (struct range){1, 0};
    field->tag = -1;
    snake(field->c, field->name);
    if (field->is_struct) {
        char element[96];
        snake(element, field->type);
        put_text(field->c_struct, sizeof field->c_struct, "%s_%s", message, element);
    }
    char word[32];
    char value[64];
    for (char *at = row + used; sscanf(at, "%31s %63s%n", word, value, &used) == 2; at += used) {
        if (strcmp(word, "null") == 0)
            field->null = parse_range(value);
        else if (strcmp(word, "tag") == 0)
            field->tag = atoi(value);
        else if (strcmp(word, "default") == 0)
            put_text(field->def, sizeof field->def, "%s", value);
        else
            die("unknown word '%s'", word);
    }
    return field;
}

static struct message *message_new(const char *name, struct range versions, struct range flexible)
{
    struct message *message = calloc(1, sizeof *message);
    char lower[96];
    snake(lower, name);
    put_text(message->c, sizeof message->c, "kafka_%s", lower);
    message->versions = versions;
    message->flexible = flexible;
    message->root.is_struct = true;
    message->root.versions = versions;
    put_text(message->root.c_struct, sizeof message->root.c_struct, "%s", message->c);
    return message;
}

static int read_table(FILE *in, struct api *api, struct message **messages)
{
    int count = 0;
    char row[512];
    struct field *open[8] = {0}; // the struct whose fields stand at each depth
    table_line = 0;
    api->key = -1;
    while (fgets(row, sizeof row, in)) {
        table_line++;
        row[strcspn(row, "\n")] = '\0';
        if (row[0] == '#' || row[0] == '\0')
            continue;
        char name[64], versions[32], flexible[32], full[96];
        if (sscanf(row, "api %d %63s %31s flexible %31s", &api->key, name, versions, flexible) ==
            4) {
            put_text(api->name, sizeof api->name, "%s", name);
            api->versions = parse_range(versions);
            api->flexible = parse_range(flexible);
            continue;
        }
        bool request = strcmp(row, "request") == 0;
        if (request || strcmp(row, "response") == 0) {
            put_text(full, sizeof full, "%s%s", api->name, request ? "Request" : "Response");
            messages[count] = message_new(full, api->versions, api->flexible);
            open[0] = &messages[count++]->root;
            continue;
        }
        if (sscanf(row, "data %63s %31s flexible %31s", name, versions, flexible) == 3) {
            messages[count] = message_new(name, parse_range(versions), parse_range(flexible));
            open[0] = &messages[count++]->root;
            continue;
        }
        int indent = (int)strspn(row, " ");
        int depth = indent / 2;
        if (indent % 2 || depth > 6 || !open[depth])
            die("wrong indent");
        struct field *field = parse_field(row, messages[count - 1]->c);
        struct field *parent = open[depth];
        if (parent->count == FIELDS_MAX)
            die("too many fields");
        parent->fields[parent->count++] = field;
        for (int i = depth + 1; i < 8; i++)
            open[i] = NULL;
        open[depth + 1] = field->is_struct ? field : NULL;
    }
    return count;
}

#endif
