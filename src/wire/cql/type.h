// SPDX-License-Identifier: Apache-2.0
//
// type: CQL data types, as native protocol codes and as CQL text. Immutable, in an arena or static.
#ifndef WIRE_CQL_TYPE_H
#define WIRE_CQL_TYPE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

// Values are the option ids of the native protocol (v4 §6; duration has its id from v5 on).
enum cql_kind {
    CQL_CUSTOM = 0x00, // parsed, refused by who uses it ('org.apache…' class names, vector<…>)
    CQL_ASCII = 0x01,
    CQL_BIGINT = 0x02,
    CQL_BLOB = 0x03,
    CQL_BOOLEAN = 0x04,
    CQL_COUNTER = 0x05,
    CQL_DECIMAL = 0x06,
    CQL_DOUBLE = 0x07,
    CQL_FLOAT = 0x08,
    CQL_INT = 0x09,
    CQL_TIMESTAMP = 0x0B,
    CQL_UUID = 0x0C,
    CQL_VARCHAR = 0x0D, // "text"
    CQL_VARINT = 0x0E,
    CQL_TIMEUUID = 0x0F,
    CQL_INET = 0x10,
    CQL_DATE = 0x11,
    CQL_TIME = 0x12,
    CQL_SMALLINT = 0x13,
    CQL_TINYINT = 0x14,
    CQL_DURATION = 0x15,
    CQL_LIST = 0x20,
    CQL_MAP = 0x21,
    CQL_SET = 0x22,
    CQL_UDT = 0x30,
    CQL_TUPLE = 0x31,
};

enum { CQL_TYPE_DEPTH_MAX = 32 }; // nesting; deeper is refused

struct cql_type {
    enum cql_kind kind;
    bool frozen; // collections and UDTs; a tuple is always frozen. Elements of a frozen one are
                 // frozen
    size_t param_count; // list, set 1 · map 2 · tuple n · udt one per field
    const struct cql_type *const *params;
    const char *name;               // UDT: its name as stored; CUSTOM: the class name
    const char *keyspace;           // UDT: NULL until bound to one
    const char *const *field_names; // UDT: NULL until bound
};

// A column of a result, or a bind variable.
struct column_spec {
    const char *keyspace;
    const char *table;
    const char *name;
    const struct cql_type *type;
};

// The static type of a scalar kind.
const struct cql_type *cql_type_scalar(enum cql_kind kind);
const struct cql_type *cql_type_list(struct arena *arena, const struct cql_type *element,
                                     bool frozen);
const struct cql_type *cql_type_set(struct arena *arena, const struct cql_type *element,
                                    bool frozen);
const struct cql_type *cql_type_map(struct arena *arena, const struct cql_type *key,
                                    const struct cql_type *value, bool frozen);
const struct cql_type *cql_type_tuple(struct arena *arena, const struct cql_type *const *fields,
                                      size_t count);
const struct cql_type *cql_type_copy(struct arena *arena, const struct cql_type *type);
// The same type, frozen through and through.
const struct cql_type *cql_type_frozen(struct arena *arena, const struct cql_type *type);

// "frozen<map<text, int>>" in any case and spacing; a name that is no native type is a UDT.
// ERR_SYNTAX, ERR_INVALID ("Non-frozen collections are not allowed inside collections: …").
MUST_USE err_t cql_type_parse(const struct cql_type **out, struct arena *arena, struct bytes text,
                              struct diag *diag);
// The rules of nesting (non-frozen collections inside collections, counters inside anything …).
MUST_USE err_t cql_type_check(const struct cql_type *type, struct diag *diag);
// As system_schema.columns.type has it: "text", "frozen<list<int>>", "map<text, int>".
void cql_type_write(struct str *out, const struct cql_type *type);
// As Cassandra's class names: "org.apache.cassandra.db.marshal.UTF8Type".
void cql_type_write_class(struct str *out, const struct cql_type *type);
bool cql_type_equal(const struct cql_type *a, const struct cql_type *b); // frozen counts

// Can a value of `from` be read as `to` without changing bytes (ascii -> text, anything -> blob,
// …)?
bool cql_type_is_compatible(const struct cql_type *to, const struct cql_type *from);

static inline bool cql_type_is_collection(const struct cql_type *type)
{
    return type->kind == CQL_LIST || type->kind == CQL_SET || type->kind == CQL_MAP;
}

// A collection whose elements are cells of their own.
static inline bool cql_type_is_multicell(const struct cql_type *type)
{
    return cql_type_is_collection(type) && !type->frozen;
}

// Bytes of every serialised value of `kind`, or 0 when they vary.
size_t cql_kind_width(enum cql_kind kind);
const char *cql_kind_name(enum cql_kind kind); // "text", "list", …
// The scalar kind of that name ("text" and "varchar" are one), CQL_CUSTOM if there is none.
enum cql_kind cql_kind_named(struct bytes name);

#endif
