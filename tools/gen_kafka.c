// SPDX-License-Identifier: Apache-2.0
//
// gen_kafka: schema/kafka/*.tbl -> build/gen/wire/kafka/X.h and X.c for each table, and api.h,
// api.c for all. usage: gen_kafka OUT_DIR a.tbl b.tbl ...
//
// A table holds one `api KEY Name VERSIONS flexible VERSIONS` line followed by `request` and
// `response` blocks, or any number of `data Name VERSIONS flexible VERSIONS` blocks. A block is one
// line per field:
//
//     Name  type  VERSIONS  [null VERSIONS] [tag NUMBER] [default VALUE]
//
// Two spaces of indent per level: the fields of a struct stand under the line that names its type.
// Types: bool int8 int16 uint16 int32 uint32 int64 float64 string bytes records uuid, Name (a
// struct), []type (an array). Made for each message: one struct for all versions, _init (defaults),
// _decode, _encode, _print. A field outside its versions is not read (keeps its default) and not
// written.

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

// --- conditions ----------------------------------------------------------------------

// The C condition for "version lies in range", "" when it always does within the message's
// versions, "false" when never.
static void condition(char out[64], struct range range, const struct message *message)
{
    bool low = range.low > message->versions.low;
    bool high = range.high < message->versions.high;
    if (range.low > range.high || range.low > message->versions.high ||
        range.high < message->versions.low)
        put_text(out, 64, "false");
    else if (low && high && range.low == range.high)
        put_text(out, 64, "version == %d", range.low);
    else if (low && high)
        put_text(out, 64, "version >= %d && version <= %d", range.low, range.high);
    else if (low)
        put_text(out, 64, "version >= %d", range.low);
    else if (high)
        put_text(out, 64, "version <= %d", range.high);
    else
        put_text(out, 64, "%s", "");
}

static const char *or_true(const char *text)
{
    return text[0] ? text : "true";
}

static bool nullable(const struct field *field)
{
    return field->null.low <= field->null.high;
}

// --- header --------------------------------------------------------------------------

static void put_structs(FILE *out, const struct field *field)
{
    for (int i = 0; i < field->count; i++)
        if (field->fields[i]->is_struct)
            put_structs(out, field->fields[i]);
    fprintf(out, "struct %s {\n", field->c_struct);
    for (int i = 0; i < field->count; i++) {
        const struct field *f = field->fields[i];
        char type[200];
        if (f->is_struct)
            put_text(type, sizeof type, "struct %s", f->c_struct);
        else if (strcmp(f->type, "records") == 0)
            put_text(type, sizeof type, "struct kafka_records");
        else if (is_bytes(f->type))
            put_text(type, sizeof type, "struct bytes");
        else if (strcmp(f->type, "uuid") == 0)
            put_text(type, sizeof type, "struct kafka_uuid");
        else if (strcmp(f->type, "bool") == 0)
            put_text(type, sizeof type, "bool");
        else if (strcmp(f->type, "float64") == 0)
            put_text(type, sizeof type, "double");
        else
            put_text(type, sizeof type, "%s_t", f->type);
        bool pointer = f->array || (f->is_struct && nullable(f));
        fprintf(out, "    %s %s%s; // %s %s%s%s\n", type, pointer ? "*" : "", f->c, f->name,
                f->array ? "[]" : "", f->type, nullable(f) ? ", may be null" : "");
        if (f->array)
            fprintf(out, "    int32_t %s_count;%s\n", f->c, nullable(f) ? " // -1 = null" : "");
    }
    if (field->count == 0)
        fprintf(out, "    uint8_t none; // no fields\n");
    fprintf(out, "};\n");
    fprintf(out, "void %s_init(struct %s *m);\n\n", field->c_struct, field->c_struct);
}

static void put_header(FILE *out, const char *file, struct message *const *messages, int count)
{
    char guard[80];
    size_t i = 0;
    for (; file[i]; i++)
        guard[i] = (char)toupper((unsigned char)file[i]);
    guard[i] = '\0';
    fprintf(out,
            "// Generated by tools/gen_kafka.c from schema/kafka/%s.tbl.\n"
            "#ifndef WIRE_KAFKA_%s_H\n#define WIRE_KAFKA_%s_H\n\n"
            "#include \"wire/kafka/codec.h\"\n\n",
            file, guard, guard);
    for (int m = 0; m < count; m++) {
        const char *c = messages[m]->c;
        put_structs(out, &messages[m]->root);
        fprintf(out,
                "// False when the bytes break the format; views point into the reader's bytes, "
                "arrays are in `arena`.\n"
                "bool %s_decode(struct %s *m, int16_t version, struct reader *reader, struct arena "
                "*arena);\n"
                "void %s_encode(const struct %s *m, int16_t version, struct str *out);\n"
                "void %s_print(const struct %s *m, int16_t version, struct str *out);\n\n",
                c, c, c, c, c, c);
    }
    fprintf(out, "#endif\n");
}

// --- defaults ------------------------------------------------------------------------

static const char *number_default(const struct field *field)
{
    if (!field->def[0])
        return "0";
    if (strcmp(field->def, "-2147483648") == 0)
        return "INT32_MIN";
    if (strcmp(field->def, "9223372036854775807") == 0)
        return "INT64_MAX";
    return field->def;
}

static void put_init(FILE *out, const struct field *field)
{
    for (int i = 0; i < field->count; i++)
        if (field->fields[i]->is_struct)
            put_init(out, field->fields[i]);
    fprintf(out, "void %s_init(struct %s *m)\n{\n    *m = (struct %s){0};\n", field->c_struct,
            field->c_struct, field->c_struct);
    for (int i = 0; i < field->count; i++) {
        const struct field *f = field->fields[i];
        bool null = strcmp(f->def, "null") == 0;
        if (f->array) {
            if (null)
                fprintf(out, "    m->%s_count = -1;\n", f->c);
        } else if (f->is_struct) {
            if (!nullable(f))
                fprintf(out, "    %s_init(&m->%s);\n", f->c_struct, f->c);
        } else if (is_bytes(f->type)) {
            if (!null && strcmp(f->type, "records") != 0)
                fprintf(out, "    m->%s = bytes_make(\"\", 0);\n", f->c);
        } else if (f->def[0]) {
            fprintf(out, "    m->%s = %s;\n", f->c, number_default(f));
        }
    }
    fprintf(out, "}\n\n");
}

// --- decode --------------------------------------------------------------------------

static void put_decode_value(FILE *out, const struct field *f, const struct message *message,
                             const char *reader, const char *indent)
{
    char null[64];
    condition(null, f->null, message);
    if (f->array) {
        fprintf(out, "%sm->%s_count = kafka_read_count(%s, flexible, %s, sizeof *m->%s, arena);\n",
                indent, f->c, reader, or_true(null), f->c);
        fprintf(out, "%sm->%s = kafka_array(arena, m->%s_count, sizeof *m->%s);\n", indent, f->c,
                f->c, f->c);
        fprintf(out, "%sfor (int32_t i = 0; i < m->%s_count && !%s->failed; i++)\n", indent, f->c,
                reader);
        if (f->is_struct)
            fprintf(out, "%s    decode_%s(&m->%s[i], version, %s, arena);\n", indent, f->c_struct,
                    f->c, reader);
        else if (is_bytes(f->type))
            fprintf(out, "%s    m->%s[i] = kafka_read_%s(%s, flexible, false);\n", indent, f->c,
                    f->type, reader);
        else
            fprintf(out, "%s    m->%s[i] = kafka_read_%s(%s);\n", indent, f->c, f->type, reader);
    } else if (f->is_struct && nullable(f)) {
        fprintf(out, "%sif (reader_i8(%s) >= 0) {\n", indent, reader);
        fprintf(out, "%s    m->%s = arena_zalloc(arena, sizeof *m->%s);\n", indent, f->c, f->c);
        fprintf(out, "%s    decode_%s(m->%s, version, %s, arena);\n%s}\n", indent, f->c_struct,
                f->c, reader, indent);
    } else if (f->is_struct) {
        fprintf(out, "%sdecode_%s(&m->%s, version, %s, arena);\n", indent, f->c_struct, f->c,
                reader);
    } else if (is_bytes(f->type)) {
        fprintf(out, "%sm->%s = kafka_read_%s(%s, flexible, %s);\n", indent, f->c, f->type, reader,
                or_true(null));
    } else {
        fprintf(out, "%sm->%s = kafka_read_%s(%s);\n", indent, f->c, f->type, reader);
    }
}

static void put_flexible(FILE *out, const struct message *message)
{
    char flexible[64];
    condition(flexible, message->flexible, message);
    fprintf(out, "    const bool flexible = %s;\n    (void)flexible;\n    (void)version;\n",
            or_true(flexible));
}

static bool never_flexible(const struct message *message)
{
    return message->flexible.low > message->flexible.high ||
           message->flexible.low > message->versions.high;
}

static void put_decode(FILE *out, const struct field *field, const struct message *message)
{
    for (int i = 0; i < field->count; i++)
        if (field->fields[i]->is_struct)
            put_decode(out, field->fields[i], message);
    fprintf(out,
            "static void decode_%s(struct %s *m, int16_t version, struct reader *reader, struct "
            "arena *arena)\n{\n",
            field->c_struct, field->c_struct);
    put_flexible(out, message);
    fprintf(out, "    (void)reader;\n    (void)arena;\n    %s_init(m);\n", field->c_struct);
    bool tags = false;
    for (int i = 0; i < field->count; i++) {
        const struct field *f = field->fields[i];
        char when[64];
        if (f->tag >= 0) {
            tags = true;
            continue;
        }
        condition(when, f->versions, message);
        if (when[0])
            fprintf(out, "    if (%s) {\n", when);
        put_decode_value(out, f, message, "reader", when[0] ? "        " : "    ");
        if (when[0])
            fprintf(out, "    }\n");
    }
    if (!never_flexible(message) && !tags)
        fprintf(out, "    if (flexible)\n        kafka_skip_tags(reader);\n");
    if (tags) {
        fprintf(out, "    uint64_t tags = flexible ? reader_uvarint(reader, 32) : 0;\n"
                     "    for (uint64_t t = 0; t < tags && !reader->failed; t++) {\n"
                     "        uint64_t tag = reader_uvarint(reader, 32);\n"
                     "        struct reader part = kafka_read_tag(reader);\n"
                     "        switch (tag) {\n");
        for (int i = 0; i < field->count; i++) {
            const struct field *f = field->fields[i];
            if (f->tag < 0)
                continue;
            char when[64];
            condition(when, f->versions, message);
            fprintf(out, "        case %d:\n            if (%s) {\n", f->tag, or_true(when));
            put_decode_value(out, f, message, "(&part)", "                ");
            fprintf(out, "            }\n            break;\n");
        }
        fprintf(out, "        default:\n            break;\n        }\n"
                     "        if (part.failed)\n            reader_fail(reader);\n    }\n");
    }
    fprintf(out, "}\n\n");
}

// --- encode --------------------------------------------------------------------------

static void put_encode_value(FILE *out, const struct field *f, const struct message *message,
                             const char *to, const char *indent)
{
    char null[64];
    condition(null, f->null, message);
    if (f->array) {
        fprintf(out, "%skafka_write_count(%s, flexible, %s, m->%s_count);\n", indent, to,
                or_true(null), f->c);
        fprintf(out, "%sfor (int32_t i = 0; i < m->%s_count; i++)\n", indent, f->c);
        if (f->is_struct)
            fprintf(out, "%s    encode_%s(&m->%s[i], version, %s);\n", indent, f->c_struct, f->c,
                    to);
        else if (is_bytes(f->type))
            fprintf(out, "%s    kafka_write_%s(%s, flexible, false, m->%s[i]);\n", indent, f->type,
                    to, f->c);
        else
            fprintf(out, "%s    kafka_write_%s(%s, m->%s[i]);\n", indent, f->type, to, f->c);
    } else if (f->is_struct && nullable(f)) {
        fprintf(out, "%swriter_i8(%s, m->%s ? 1 : -1);\n%sif (m->%s)\n", indent, to, f->c, indent,
                f->c);
        fprintf(out, "%s    encode_%s(m->%s, version, %s);\n", indent, f->c_struct, f->c, to);
    } else if (f->is_struct) {
        fprintf(out, "%sencode_%s(&m->%s, version, %s);\n", indent, f->c_struct, f->c, to);
    } else if (is_bytes(f->type)) {
        fprintf(out, "%skafka_write_%s(%s, flexible, %s, m->%s);\n", indent, f->type, to,
                or_true(null), f->c);
    } else {
        fprintf(out, "%skafka_write_%s(%s, m->%s);\n", indent, f->type, to, f->c);
    }
}

// C expression: is the field of `m` something else than its default?
static void put_differs(FILE *out, const struct field *f, const char *m)
{
    bool null = strcmp(f->def, "null") == 0;
    if (f->array) {
        fprintf(out, "%s%s_count != %d", m, f->c, null ? -1 : 0);
    } else if (f->is_struct) {
        fprintf(out, "(");
        for (int i = 0; i < f->count; i++) {
            char inner[160];
            put_text(inner, sizeof inner, "%s%s.", m, f->c);
            if (i)
                fprintf(out, " || ");
            put_differs(out, f->fields[i], inner);
        }
        fprintf(out, ")");
    } else if (is_bytes(f->type)) {
        fprintf(out, null ? "%s%s.ptr != NULL" : "%s%s.size != 0", m, f->c);
    } else if (strcmp(f->type, "uuid") == 0) {
        fprintf(out, "!kafka_uuid_is_zero(%s%s)", m, f->c);
    } else {
        fprintf(out, "%s%s != %s", m, f->c, number_default(f));
    }
}

static void put_encode(FILE *out, const struct field *field, const struct message *message)
{
    for (int i = 0; i < field->count; i++)
        if (field->fields[i]->is_struct)
            put_encode(out, field->fields[i], message);
    fprintf(out, "static void encode_%s(const struct %s *m, int16_t version, struct str *out)\n{\n",
            field->c_struct, field->c_struct);
    put_flexible(out, message);
    fprintf(out, "    (void)m;\n    (void)out;\n");
    bool tags = false;
    for (int i = 0; i < field->count; i++) {
        const struct field *f = field->fields[i];
        char when[64];
        if (f->tag >= 0) {
            tags = true;
            continue;
        }
        condition(when, f->versions, message);
        if (when[0])
            fprintf(out, "    if (%s) {\n", when);
        put_encode_value(out, f, message, "out", when[0] ? "        " : "    ");
        if (when[0])
            fprintf(out, "    }\n");
    }
    if (!never_flexible(message) && !tags)
        fprintf(out, "    if (flexible)\n        writer_uvarint(out, 0);\n");
    if (tags) {
        fprintf(out, "    if (!flexible)\n        return;\n    struct str part = {0};\n    "
                     "unsigned tags = 0;\n");
        for (int pass = 0; pass < 2; pass++) {
            for (int tag = 0; tag < 16; tag++) {
                for (int i = 0; i < field->count; i++) {
                    const struct field *f = field->fields[i];
                    char when[64];
                    if (f->tag != tag)
                        continue;
                    condition(when, f->versions, message);
                    fprintf(out, "    if (%s && ", or_true(when));
                    put_differs(out, f, "m->");
                    if (pass == 0) {
                        fprintf(out, ")\n        tags++;\n");
                    } else {
                        fprintf(out, ") {\n        str_clear(&part);\n");
                        put_encode_value(out, f, message, "(&part)", "        ");
                        fprintf(out, "        kafka_write_tag(out, %d, &part);\n    }\n", tag);
                    }
                }
            }
            if (pass == 0)
                fprintf(out, "    writer_uvarint(out, tags);\n");
        }
        fprintf(out, "    str_release(&part);\n");
    }
    fprintf(out, "}\n\n");
}

// --- print ---------------------------------------------------------------------------

static void put_print(FILE *out, const struct field *field, const struct message *message)
{
    for (int i = 0; i < field->count; i++)
        if (field->fields[i]->is_struct)
            put_print(out, field->fields[i], message);
    fprintf(out, "static void print_%s(const struct %s *m, int16_t version, struct str *out)\n{\n",
            field->c_struct, field->c_struct);
    fprintf(out, "    (void)m;\n    (void)version;\n    kafka_print_open(out, '{');\n");
    for (int i = 0; i < field->count; i++) {
        const struct field *f = field->fields[i];
        char when[64];
        condition(when, f->versions, message);
        const char *pad = when[0] ? "    " : "";
        if (when[0])
            fprintf(out, "    if (%s) {\n", when);
        fprintf(out, "    %skafka_print_name(out, \"%s\");\n", pad, f->c);
        if (f->array) {
            fprintf(out, "    %skafka_print_open(out, m->%s_count < 0 ? '0' : '[');\n", pad, f->c);
            fprintf(out, "    %sfor (int32_t i = 0; i < m->%s_count; i++)\n    %s    ", pad, f->c,
                    pad);
            if (f->is_struct)
                fprintf(out, "print_%s(&m->%s[i], version, out);\n", f->c_struct, f->c);
            else
                fprintf(out, "kafka_print_%s(out, m->%s[i]);\n", f->type, f->c);
            fprintf(out, "    %skafka_print_close(out, m->%s_count < 0 ? '0' : ']');\n", pad, f->c);
        } else if (f->is_struct && nullable(f)) {
            fprintf(out, "    %sif (m->%s)\n", pad, f->c);
            fprintf(out, "    %s    print_%s(m->%s, version, out);\n", pad, f->c_struct, f->c);
            fprintf(out, "    %selse\n    %s    kafka_print_open(out, '0');\n", pad, pad);
        } else if (f->is_struct) {
            fprintf(out, "    %sprint_%s(&m->%s, version, out);\n", pad, f->c_struct, f->c);
        } else {
            fprintf(out, "    %skafka_print_%s(out, m->%s);\n", pad, f->type, f->c);
        }
        if (when[0])
            fprintf(out, "    }\n");
    }
    fprintf(out, "    kafka_print_close(out, '}');\n}\n\n");
}

static void put_body(FILE *out, const char *file, struct message *const *messages, int count)
{
    fprintf(out,
            "// Generated by tools/gen_kafka.c from schema/kafka/%s.tbl.\n"
            "#include \"wire/kafka/%s.h\"\n\n",
            file, file);
    for (int i = 0; i < count; i++) {
        const struct message *message = messages[i];
        const char *c = message->c;
        put_init(out, &message->root);
        put_decode(out, &message->root, message);
        put_encode(out, &message->root, message);
        put_print(out, &message->root, message);
        fprintf(out,
                "bool %s_decode(struct %s *m, int16_t version, struct reader *reader, struct arena "
                "*arena)\n"
                "{\n    decode_%s(m, version, reader, arena);\n    return !reader->failed;\n}\n\n"
                "void %s_encode(const struct %s *m, int16_t version, struct str *out)\n"
                "{\n    encode_%s(m, version, out);\n}\n\n"
                "void %s_print(const struct %s *m, int16_t version, struct str *out)\n"
                "{\n    print_%s(m, version, out);\n}\n\n",
                c, c, c, c, c, c, c, c, c);
    }
}

// --- the table of all APIs -----------------------------------------------------------

static void put_api_header(FILE *out, const struct api *apis, int count)
{
    fprintf(
        out,
        "// Generated by tools/gen_kafka.c: every API of schema/kafka.\n"
        "#ifndef WIRE_KAFKA_API_H\n#define WIRE_KAFKA_API_H\n\n#include \"wire/kafka/codec.h\"\n\n"
        "enum kafka_key {\n");
    for (int i = 0; i < count; i++) {
        char name[64];
        snake(name, apis[i].name);
        for (char *at = name; *at; at++)
            *at = (char)toupper((unsigned char)*at);
        fprintf(out, "    KAFKA_%s = %d,\n", name, apis[i].key);
    }
    fprintf(out, "};\n\nextern const struct kafka_api kafka_apis[]; // by key\n"
                 "extern const size_t kafka_api_count;\n\n#endif\n");
}

static void put_api_body(FILE *out, const struct api *apis, int count)
{
    fprintf(out, "// Generated by tools/gen_kafka.c: every API of schema/kafka.\n#include "
                 "\"wire/kafka/api.h\"\n\n");
    for (int i = 0; i < count; i++)
        fprintf(out, "#include \"wire/kafka/%s.h\"\n", apis[i].file);
    fprintf(out, "\n");
    for (int i = 0; i < count; i++) {
        for (int r = 0; r < 2; r++) {
            char c[96];
            put_text(c, sizeof c, "%s_%s", apis[i].file, r ? "response" : "request");
            fprintf(out,
                    "static void init_%s(void *m)\n{\n    kafka_%s_init(m);\n}\n"
                    "static bool decode_%s(void *m, int16_t version, struct reader *reader, struct "
                    "arena *arena)\n"
                    "{\n    return kafka_%s_decode(m, version, reader, arena);\n}\n"
                    "static void encode_%s(const void *m, int16_t version, struct str *out)\n"
                    "{\n    kafka_%s_encode(m, version, out);\n}\n"
                    "static void print_%s(const void *m, int16_t version, struct str *out)\n"
                    "{\n    kafka_%s_print(m, version, out);\n}\n\n",
                    c, c, c, c, c, c, c, c);
        }
    }
    fprintf(out, "const struct kafka_api kafka_apis[] = {\n");
    for (int i = 0; i < count; i++) {
        const struct api *api = &apis[i];
        bool never = api->flexible.low > api->flexible.high;
        fprintf(out, "    {%d, \"%s\", %d, %d, %d,\n", api->key, api->name, api->versions.low,
                api->versions.high, never ? VERSION_TOP : api->flexible.low);
        for (int r = 0; r < 2; r++) {
            char c[96];
            put_text(c, sizeof c, "%s_%s", api->file, r ? "response" : "request");
            fprintf(out,
                    "     {sizeof(struct kafka_%s), init_%s, decode_%s, encode_%s, print_%s}%s\n",
                    c, c, c, c, c, r ? "}," : ",");
        }
    }
    fprintf(out, "};\nconst size_t kafka_api_count = sizeof kafka_apis / sizeof *kafka_apis;\n");
}

static FILE *create(const char *dir, const char *file, const char *suffix)
{
    char path[512];
    put_text(path, sizeof path, "%s/%s.%s", dir, file, suffix);
    FILE *out = fopen(path, "w");
    if (!out) {
        perror(path);
        exit(1);
    }
    return out;
}

static void finish(FILE *out)
{
    if (fclose(out) != 0) {
        perror("gen_kafka");
        exit(1);
    }
}

static int by_key(const void *a, const void *b)
{
    return ((const struct api *)a)->key - ((const struct api *)b)->key;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: gen_kafka OUT_DIR TABLE...\n");
        return 2;
    }
    static struct api apis[MESSAGES_MAX];
    int api_count = 0;
    for (int i = 2; i < argc && i < MESSAGES_MAX; i++) {
        table_path = argv[i];
        FILE *in = fopen(argv[i], "r");
        if (!in) {
            perror(argv[i]);
            return 1;
        }
        struct message *messages[MESSAGES_MAX];
        struct api *api = &apis[api_count];
        int count = read_table(in, api, messages);
        fclose(in);
        const char *slash = strrchr(argv[i], '/');
        const char *base = slash ? slash + 1 : argv[i];
        put_text(api->file, sizeof api->file, "%.*s", (int)strcspn(base, "."), base);
        FILE *header = create(argv[1], api->file, "h");
        put_header(header, api->file, messages, count);
        finish(header);
        FILE *body = create(argv[1], api->file, "c");
        put_body(body, api->file, messages, count);
        finish(body);
        if (api->key >= 0)
            api_count++;
    }
    qsort(apis, (size_t)api_count, sizeof *apis, by_key);
    FILE *header = create(argv[1], "api", "h");
    put_api_header(header, apis, api_count);
    finish(header);
    FILE *body = create(argv[1], "api", "c");
    put_api_body(body, apis, api_count);
    finish(body);
    return 0;
}
