// SPDX-License-Identifier: Apache-2.0
//
// The native names, and a recursive descent over  name | name<type, …> | frozen<type> | ks.udt |
// 'class'. Everything inside a frozen collection and inside a tuple is frozen too, as Cassandra
// stores and prints it.
#include "wire/cql/type.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

struct kind_row {
    enum cql_kind kind;
    const char *name;
    size_t width; // 0: varies
    const char *java;
};

static const struct kind_row kinds[] = {
    {CQL_ASCII, "ascii", 0, "AsciiType"},
    {CQL_BIGINT, "bigint", 8, "LongType"},
    {CQL_BLOB, "blob", 0, "BytesType"},
    {CQL_BOOLEAN, "boolean", 1, "BooleanType"},
    {CQL_COUNTER, "counter", 8, "CounterColumnType"},
    {CQL_DECIMAL, "decimal", 0, "DecimalType"},
    {CQL_DOUBLE, "double", 8, "DoubleType"},
    {CQL_FLOAT, "float", 4, "FloatType"},
    {CQL_INT, "int", 4, "Int32Type"},
    {CQL_TIMESTAMP, "timestamp", 8, "TimestampType"},
    {CQL_UUID, "uuid", 16, "UUIDType"},
    {CQL_VARCHAR, "text", 0, "UTF8Type"},
    {CQL_VARINT, "varint", 0, "IntegerType"},
    {CQL_TIMEUUID, "timeuuid", 16, "TimeUUIDType"},
    {CQL_INET, "inet", 0, "InetAddressType"},
    {CQL_DATE, "date", 4, "SimpleDateType"},
    {CQL_TIME, "time", 8, "TimeType"},
    {CQL_SMALLINT, "smallint", 2, "ShortType"},
    {CQL_TINYINT, "tinyint", 1, "ByteType"},
    {CQL_DURATION, "duration", 0, "DurationType"},
    {CQL_LIST, "list", 0, "ListType"},
    {CQL_MAP, "map", 0, "MapType"},
    {CQL_SET, "set", 0, "SetType"},
    {CQL_UDT, "udt", 0, "UserType"},
    {CQL_TUPLE, "tuple", 0, "TupleType"},
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds, SCALAR_COUNT = 20 };

static const struct kind_row *row_of(enum cql_kind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == kind)
            return &kinds[i];
    }
    return NULL;
}

size_t cql_kind_width(enum cql_kind kind)
{
    const struct kind_row *row = row_of(kind);
    return row ? row->width : 0;
}

const char *cql_kind_name(enum cql_kind kind)
{
    const struct kind_row *row = row_of(kind);
    return row ? row->name : "custom";
}

enum cql_kind cql_kind_named(struct bytes name)
{
    for (size_t i = 0; i < SCALAR_COUNT; i++) {
        if (strlen(kinds[i].name) == name.size &&
            strncasecmp(kinds[i].name, (const char *)name.ptr, name.size) == 0)
            return kinds[i].kind;
    }
    if (name.size == 7 && strncasecmp("varchar", (const char *)name.ptr, 7) == 0)
        return CQL_VARCHAR;
    return CQL_CUSTOM;
}

const struct cql_type *cql_type_scalar(enum cql_kind kind)
{
    static const struct cql_type scalars[CQL_DURATION + 1] = {
        [CQL_ASCII] = {.kind = CQL_ASCII},     [CQL_BIGINT] = {.kind = CQL_BIGINT},
        [CQL_BLOB] = {.kind = CQL_BLOB},       [CQL_BOOLEAN] = {.kind = CQL_BOOLEAN},
        [CQL_COUNTER] = {.kind = CQL_COUNTER}, [CQL_DECIMAL] = {.kind = CQL_DECIMAL},
        [CQL_DOUBLE] = {.kind = CQL_DOUBLE},   [CQL_FLOAT] = {.kind = CQL_FLOAT},
        [CQL_INT] = {.kind = CQL_INT},         [CQL_TIMESTAMP] = {.kind = CQL_TIMESTAMP},
        [CQL_UUID] = {.kind = CQL_UUID},       [CQL_VARCHAR] = {.kind = CQL_VARCHAR},
        [CQL_VARINT] = {.kind = CQL_VARINT},   [CQL_TIMEUUID] = {.kind = CQL_TIMEUUID},
        [CQL_INET] = {.kind = CQL_INET},       [CQL_DATE] = {.kind = CQL_DATE},
        [CQL_TIME] = {.kind = CQL_TIME},       [CQL_SMALLINT] = {.kind = CQL_SMALLINT},
        [CQL_TINYINT] = {.kind = CQL_TINYINT}, [CQL_DURATION] = {.kind = CQL_DURATION},
    };
    return kind <= CQL_DURATION ? &scalars[kind] : NULL;
}

static struct cql_type *compound(struct arena *arena, enum cql_kind kind, bool frozen, size_t count)
{
    struct cql_type *type = ARENA_NEW(arena, struct cql_type);
    type->kind = kind;
    type->frozen = frozen;
    type->param_count = count;
    return type;
}

const struct cql_type *cql_type_list(struct arena *arena, const struct cql_type *element,
                                     bool frozen)
{
    struct cql_type *type = compound(arena, CQL_LIST, frozen, 1);
    type->params = arena_dup(arena, &element, sizeof(element));
    return type;
}

const struct cql_type *cql_type_set(struct arena *arena, const struct cql_type *element,
                                    bool frozen)
{
    struct cql_type *type = compound(arena, CQL_SET, frozen, 1);
    type->params = arena_dup(arena, &element, sizeof(element));
    return type;
}

const struct cql_type *cql_type_map(struct arena *arena, const struct cql_type *key,
                                    const struct cql_type *value, bool frozen)
{
    struct cql_type *type = compound(arena, CQL_MAP, frozen, 2);
    const struct cql_type *params[2] = {key, value};
    type->params = arena_dup(arena, params, sizeof params);
    return type;
}

const struct cql_type *cql_type_tuple(struct arena *arena, const struct cql_type *const *fields,
                                      size_t count)
{
    struct cql_type *type = compound(arena, CQL_TUPLE, true, count);
    type->params = arena_dup(arena, fields, count * sizeof *fields);
    return type;
}

static const struct cql_type *copied(struct arena *arena, const struct cql_type *type, bool freeze)
{
    if (type->kind <= CQL_DURATION && type->kind != CQL_CUSTOM)
        return cql_type_scalar(type->kind);
    struct cql_type *copy = arena_dup(arena, type, sizeof *type);
    copy->frozen = type->frozen || freeze;
    bool inner = freeze || type->frozen || type->kind == CQL_TUPLE;
    const struct cql_type **params = ARENA_ARRAY(arena, const struct cql_type *, type->param_count);
    for (size_t i = 0; i < type->param_count; i++)
        params[i] = copied(arena, type->params[i], inner);
    copy->params = params;
    copy->name = type->name ? arena_strdup(arena, type->name) : NULL;
    copy->keyspace = type->keyspace ? arena_strdup(arena, type->keyspace) : NULL;
    if (type->field_names) {
        const char **names = ARENA_ARRAY(arena, const char *, type->param_count);
        for (size_t i = 0; i < type->param_count; i++)
            names[i] = arena_strdup(arena, type->field_names[i]);
        copy->field_names = names;
    }
    return copy;
}

const struct cql_type *cql_type_copy(struct arena *arena, const struct cql_type *type)
{
    return copied(arena, type, false);
}

const struct cql_type *cql_type_frozen(struct arena *arena, const struct cql_type *type)
{
    return copied(arena, type, true);
}

// --- text to type --------------------------------------------------------------------------------
struct scan {
    const char *at, *end;
    struct arena *arena;
    struct bytes text;
    struct diag *diag;
};

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && isspace((unsigned char)*scan->at))
        scan->at++;
}

static bool take(struct scan *scan, char c)
{
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static err_t bad_type(const struct scan *scan)
{
    return FAIL(scan->diag, ERR_SYNTAX, "bad type name '%.*s'", BYTES_PRINT(scan->text));
}

// A bare, "quoted" or 'class' name. Bare ones keep their case here.
static bool take_name(struct scan *scan, struct bytes *out, char *quote)
{
    skip_space(scan);
    *quote = 0;
    if (scan->at < scan->end && (*scan->at == '"' || *scan->at == '\'')) {
        *quote = *scan->at++;
        const char *from = scan->at;
        while (scan->at < scan->end && *scan->at != *quote)
            scan->at++;
        *out = bytes_make(from, (size_t)(scan->at - from));
        return scan->at++ < scan->end && out->size > 0;
    }
    const char *from = scan->at;
    while (scan->at < scan->end && (isalnum((unsigned char)*scan->at) || *scan->at == '_'))
        scan->at++;
    *out = bytes_make(from, (size_t)(scan->at - from));
    return out->size > 0;
}

static const char *folded(struct arena *arena, struct bytes name, char quote)
{
    char *text = arena_text(arena, name);
    for (char *c = text; *c && !quote; c++)
        *c = (char)tolower((unsigned char)*c);
    return text;
}

static bool named(struct bytes name, const char *word)
{
    return name.size == strlen(word) && strncasecmp((const char *)name.ptr, word, name.size) == 0;
}

static err_t parse_one(struct scan *scan, int depth, const struct cql_type **out);

enum { PARAMS_MAX = 256 };

static err_t parse_params(struct scan *scan, int depth, const struct cql_type **params, size_t max,
                          size_t *count)
{
    *count = 0;
    if (!take(scan, '<'))
        return bad_type(scan);
    do {
        if (*count == max)
            return bad_type(scan);
        TRY(parse_one(scan, depth + 1, &params[*count]));
        ++*count;
    } while (take(scan, ','));
    return take(scan, '>') ? ERR_OK : bad_type(scan);
}

static err_t parse_frozen(struct scan *scan, int depth, const struct cql_type **out)
{
    const struct cql_type *inner = NULL;
    size_t count;
    TRY(parse_params(scan, depth, &inner, 1, &count));
    if (!inner)
        return bad_type(scan);
    if (inner->kind <= CQL_DURATION && inner->kind != CQL_CUSTOM)
        return FAIL(
            scan->diag, ERR_SYNTAX,
            "frozen<> is only allowed on collections, tuples, and user-defined types (got %s)",
            cql_kind_name(inner->kind));
    *out = cql_type_frozen(scan->arena, inner);
    return ERR_OK;
}

static err_t parse_collection(struct scan *scan, int depth, enum cql_kind kind,
                              const struct cql_type **out)
{
    const struct cql_type *params[2];
    size_t want = kind == CQL_MAP ? 2 : 1, count;
    TRY(parse_params(scan, depth, params, want, &count));
    if (count != want)
        return bad_type(scan);
    struct cql_type *type = compound(scan->arena, kind, false, count);
    type->params = arena_dup(scan->arena, params, count * sizeof *params);
    *out = type;
    return ERR_OK;
}

static err_t parse_tuple(struct scan *scan, int depth, const struct cql_type **out)
{
    const struct cql_type **params = ARENA_ARRAY(scan->arena, const struct cql_type *, PARAMS_MAX);
    size_t count;
    TRY(parse_params(scan, depth, params, PARAMS_MAX, &count));
    for (size_t i = 0; i < count; i++)
        params[i] = cql_type_frozen(scan->arena, params[i]);
    *out = cql_type_tuple(scan->arena, params, count);
    return ERR_OK;
}

static err_t parse_udt(struct scan *scan, struct bytes name, char quote,
                       const struct cql_type **out)
{
    struct cql_type *type = compound(scan->arena, CQL_UDT, false, 0);
    type->name = folded(scan->arena, name, quote);
    if (take(scan, '.')) {
        type->keyspace = type->name;
        if (!take_name(scan, &name, &quote))
            return bad_type(scan);
        type->name = folded(scan->arena, name, quote);
    }
    *out = type;
    return ERR_OK;
}

static err_t parse_one(struct scan *scan, int depth, const struct cql_type **out)
{
    if (depth > CQL_TYPE_DEPTH_MAX)
        return FAIL(scan->diag, ERR_INVALID, "types nested more than %d deep", CQL_TYPE_DEPTH_MAX);
    struct bytes name;
    char quote;
    if (!take_name(scan, &name, &quote))
        return bad_type(scan);
    if (quote == '\'') {
        struct cql_type *type = compound(scan->arena, CQL_CUSTOM, false, 0);
        type->name = arena_text(scan->arena, name);
        *out = type;
        return ERR_OK;
    }
    if (quote)
        return parse_udt(scan, name, quote, out);
    if (named(name, "frozen"))
        return parse_frozen(scan, depth, out);
    if (named(name, "list"))
        return parse_collection(scan, depth, CQL_LIST, out);
    if (named(name, "set"))
        return parse_collection(scan, depth, CQL_SET, out);
    if (named(name, "map"))
        return parse_collection(scan, depth, CQL_MAP, out);
    if (named(name, "tuple"))
        return parse_tuple(scan, depth, out);
    enum cql_kind kind = cql_kind_named(name);
    if (kind == CQL_CUSTOM)
        return parse_udt(scan, name, quote, out);
    *out = cql_type_scalar(kind);
    return ERR_OK;
}

err_t cql_type_parse(const struct cql_type **out, struct arena *arena, struct bytes text,
                     struct diag *diag)
{
    struct scan scan = {.at = (const char *)text.ptr,
                        .end = (const char *)text.ptr + text.size,
                        .arena = arena,
                        .text = text,
                        .diag = diag};
    TRY(parse_one(&scan, 0, out));
    skip_space(&scan);
    return scan.at == scan.end ? ERR_OK : bad_type(&scan);
}

// --- rules ---------------------------------------------------------------------------------------
static err_t refuse(struct diag *diag, const char *words, const struct cql_type *type)
{
    struct str text = {0};
    cql_type_write(&text, type);
    err_t err = FAIL(diag, ERR_INVALID, "%s: %s", words, str_text(&text));
    str_release(&text);
    return err;
}

err_t cql_type_check(const struct cql_type *type, struct diag *diag)
{
    for (size_t i = 0; i < type->param_count; i++) {
        const struct cql_type *param = type->params[i];
        if (param->kind == CQL_COUNTER && cql_type_is_collection(type))
            return refuse(diag, "Counters are not allowed inside collections", type);
        if (param->kind == CQL_COUNTER)
            return FAIL(diag, ERR_INVALID, "Counters are not allowed inside tuples");
        if (param->kind == CQL_DURATION && type->kind == CQL_SET)
            return refuse(diag, "Durations are not allowed inside sets", type);
        if (param->kind == CQL_DURATION && type->kind == CQL_MAP && i == 0)
            return refuse(diag, "Durations are not allowed as map keys", type);
        if (cql_type_is_multicell(param) && cql_type_is_collection(type))
            return refuse(diag, "Non-frozen collections are not allowed inside collections", type);
        TRY(cql_type_check(param, diag));
    }
    return ERR_OK;
}

bool cql_type_equal(const struct cql_type *a, const struct cql_type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->frozen != b->frozen || a->param_count != b->param_count)
        return false;
    if ((a->kind == CQL_UDT || a->kind == CQL_CUSTOM) && strcmp(a->name, b->name) != 0)
        return false;
    for (size_t i = 0; i < a->param_count; i++) {
        if (!cql_type_equal(a->params[i], b->params[i]))
            return false;
    }
    return true;
}

bool cql_type_is_compatible(const struct cql_type *to, const struct cql_type *from)
{
    if (to->kind == CQL_BLOB)
        return true;
    if (to->kind <= CQL_DURATION) {
        return to->kind == from->kind || (to->kind == CQL_VARCHAR && from->kind == CQL_ASCII) ||
               (to->kind == CQL_UUID && from->kind == CQL_TIMEUUID) ||
               (to->kind == CQL_BIGINT &&
                (from->kind == CQL_TIMESTAMP || from->kind == CQL_COUNTER)) ||
               (to->kind == CQL_TIMESTAMP && from->kind == CQL_BIGINT) ||
               (to->kind == CQL_VARINT &&
                (from->kind == CQL_INT || from->kind == CQL_BIGINT || from->kind == CQL_TIMESTAMP));
    }
    if (to->kind != from->kind || to->param_count != from->param_count)
        return false;
    for (size_t i = 0; i < to->param_count; i++) {
        if (!cql_type_is_compatible(to->params[i], from->params[i]))
            return false;
    }
    return to->kind != CQL_UDT || strcmp(to->name, from->name) == 0;
}

// --- type to text --------------------------------------------------------------------------------
static bool is_plain_name(const char *name)
{
    if (!(*name >= 'a' && *name <= 'z'))
        return false;
    while ((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '_')
        name++;
    return *name == '\0';
}

void cql_type_write(struct str *out, const struct cql_type *type)
{
    if (type->kind == CQL_CUSTOM) {
        str_printf(out, "'%s'", type->name ? type->name : "");
        return;
    }
    if (type->kind <= CQL_DURATION) {
        str_append_text(out, cql_kind_name(type->kind));
        return;
    }
    bool frozen = type->frozen || type->kind == CQL_TUPLE;
    if (frozen)
        str_append_text(out, "frozen<");
    if (type->kind == CQL_UDT) {
        str_printf(out, is_plain_name(type->name) ? "%s" : "\"%s\"", type->name);
    } else {
        str_printf(out, "%s<", cql_kind_name(type->kind));
        for (size_t i = 0; i < type->param_count; i++) {
            if (i)
                str_append_text(out, ", ");
            cql_type_write(out, type->params[i]);
        }
        str_append_byte(out, '>');
    }
    if (frozen)
        str_append_byte(out, '>');
}

void cql_type_write_class(struct str *out, const struct cql_type *type)
{
    if (type->kind == CQL_CUSTOM) {
        str_append_text(out, type->name ? type->name : "");
        return;
    }
    const char *prefix = "org.apache.cassandra.db.marshal.";
    bool frozen = type->frozen && cql_type_is_collection(type);
    if (frozen)
        str_printf(out, "%sFrozenType(", prefix);
    str_printf(out, "%s%s", prefix, row_of(type->kind)->java);
    for (size_t i = 0; i < type->param_count; i++) {
        str_append_byte(out, i ? ',' : '(');
        cql_type_write_class(out, type->params[i]);
    }
    if (type->param_count)
        str_append_byte(out, ')');
    if (frozen)
        str_append_byte(out, ')');
}
