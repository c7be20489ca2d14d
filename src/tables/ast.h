// SPDX-License-Identifier: Apache-2.0
//
// ast: parsed CQL statements.
//
// Lifetime   a statement and all it points at live in the arena given to statement_parse()
// (parse.h) and do not
//            change afterwards, so many threads may execute it.
// Names      identifiers as stored: lower case, or as quoted. A NULL keyspace means "the current
// one".
#ifndef TABLES_AST_H
#define TABLES_AST_H

#include "tables/term.h"

enum statement_kind {
    STATEMENT_SELECT,
    STATEMENT_INSERT,
    STATEMENT_UPDATE,
    STATEMENT_DELETE,
    STATEMENT_BATCH,
    STATEMENT_TRUNCATE,
    STATEMENT_USE,
    STATEMENT_CREATE_KEYSPACE,
    STATEMENT_ALTER_KEYSPACE,
    STATEMENT_DROP_KEYSPACE,
    STATEMENT_CREATE_TABLE,
    STATEMENT_ALTER_TABLE,
    STATEMENT_DROP_TABLE,
    STATEMENT_DESCRIBE,    // answered by describe.c
    STATEMENT_LIST_ROLES,  // answered by describe.c
    STATEMENT_UNSUPPORTED, // parsed far enough to be named: answer ERR_INVALID with `unsupported`
};

struct table_name {
    const char *keyspace; // NULL: the current one
    const char *name;
};

// --- WHERE and IF ---
enum relation_op {
    RELATION_EQ,
    RELATION_NE, // IF only
    RELATION_LT,
    RELATION_LE,
    RELATION_GT,
    RELATION_GE,
    RELATION_IN,
    RELATION_CONTAINS,
    RELATION_CONTAINS_KEY,
    RELATION_IS_NOT_NULL,
    RELATION_LIKE,
};

enum relation_target {
    RELATION_COLUMN,  // a = 1, a IN (1, 2)
    RELATION_TOKEN,   // token(a, b) > 5
    RELATION_TUPLE,   // (a, b) > (1, 2), (a, b) IN ((1, 2), (3, 4))
    RELATION_ELEMENT, // m['k'] = 1, l[0] = 1
    RELATION_FIELD,   // u.f = 1 (IF only)
};

struct relation {
    enum relation_target target;
    enum relation_op op;
    size_t column_count; // 1 but for TOKEN and TUPLE
    const char *const *columns;
    const struct term *key; // ELEMENT
    const char *field;      // FIELD
    // EQ … GE, CONTAINS, LIKE: one. IN: the list; `in_marker`: one marker for the whole list
    // (its type is list<column type>, its name "in(column)").
    size_t value_count;
    const struct term *const *values; // a TUPLE relation's values are TERM_TUPLEs or markers
    bool in_marker;
    uint32_t line, column; // where it stands
};

struct where {
    size_t count;
    const struct relation *relations;
};

// --- SELECT ---
enum selector_kind {
    SELECTOR_COLUMN,    // name
    SELECTOR_COUNT,     // count(*), count(1): result column "count"
    SELECTOR_FUNCTION,  // name(args): count(c), min, max, sum, avg, token, scalar functions
    SELECTOR_CAST,      // CAST(args[0] AS type)
    SELECTOR_WRITETIME, // name is the column
    SELECTOR_TTL,
    SELECTOR_TERM,    // a literal, (int)1, ?
    SELECTOR_ELEMENT, // args[0][key]
    SELECTOR_FIELD,   // args[0].name
    SELECTOR_ARITH,   // args[0] op args[1]
};

struct selector {
    enum selector_kind kind;
    const char *name;
    const char *alias; // AS alias, or NULL
    size_t arg_count;
    const struct selector *args;
    const struct cql_type *type; // CAST
    const struct term *term;     // TERM, and ELEMENT's key
    char op;                     // ARITH
};

struct order_by {
    const char *column;
    bool descending;
};

struct select {
    struct table_name table;
    bool json, distinct, all_columns, allow_filtering;
    size_t selector_count;
    const struct selector *selectors;
    struct where where;
    size_t group_by_count;
    const char *const *group_by;
    size_t order_by_count;
    const struct order_by *order_by;
    const struct term *limit;               // NULL: none
    const struct term *per_partition_limit; // NULL: none
};

// --- writes ---
struct using
{
    const struct term *timestamp; // NULL: none
    const struct term *ttl;
};

struct conditions {
    bool if_exists;     // IF EXISTS
    bool if_not_exists; // IF NOT EXISTS
    struct where where; // IF a = 1 AND …
};

struct insert {
    struct table_name table;
    size_t count; // columns and values are parallel
    const char *const *columns;
    const struct term *const *values;
    const struct term *json; // INSERT … JSON '…' or ?: then count is 0
    bool json_default_unset; // DEFAULT UNSET
    bool if_not_exists;
    struct using using;
};

enum assignment_kind {
    ASSIGN_SET,     // c = v
    ASSIGN_APPEND,  // c = c + v, c += v (collections, and counters: increment)
    ASSIGN_PREPEND, // c = v + c
    ASSIGN_REMOVE,  // c = c - v, c -= v (collections, and counters: decrement)
    ASSIGN_ELEMENT, // c[key] = v
    ASSIGN_FIELD,   // c.field = v
};

struct assignment {
    enum assignment_kind kind;
    const char *column;
    const struct term *key; // ELEMENT
    const char *field;      // FIELD
    const struct term *value;
};

struct update {
    struct table_name table;
    struct using using;
    size_t count;
    const struct assignment *assignments;
    struct where where;
    struct conditions conditions;
};

struct deletion {
    const char *column;
    const struct term *key; // c[key]
    const char *field;      // c.field
};

struct delete_ {
    struct table_name table;
    struct using using; // timestamp only
    size_t count;       // 0: whole rows
    const struct deletion *deletions;
    struct where where;
    struct conditions conditions;
};

enum batch_kind { BATCH_LOGGED, BATCH_UNLOGGED, BATCH_COUNTER }; // values as on the wire

struct batch_statement {
    enum batch_kind kind;
    struct using using;
    size_t count;
    const struct statement *const *statements; // their markers are numbered through the whole batch
};

// --- schema ---
enum option_kind { OPTION_TEXT, OPTION_MAP };

// WITH name = value; numbers and booleans as their text.
struct option_pair {
    const char *key, *value;
};
struct option {
    const char *name;
    enum option_kind kind;
    const char *text;
    size_t pair_count;
    const struct option_pair *pairs;
};

struct create_keyspace { // and ALTER KEYSPACE (if_exists)
    const char *name;
    bool if_not_exists, if_exists;
    size_t option_count;
    const struct option *options;
};

struct column_def {
    const char *name;
    const struct cql_type *type;
    bool is_static;
};

struct create_table {
    struct table_name table;
    bool if_not_exists;
    size_t column_count;
    const struct column_def *columns;
    size_t partition_key_count;
    const char *const *partition_key;
    size_t clustering_count;
    const char *const *clustering;
    size_t order_count; // WITH CLUSTERING ORDER BY
    const struct order_by *order;
    bool compact_storage;
    const char *id; // WITH ID = '…', or NULL
    size_t option_count;
    const struct option *options;
};

enum alter_kind { ALTER_ADD, ALTER_DROP, ALTER_RENAME, ALTER_WITH, ALTER_TYPE };

struct alter_table {
    struct table_name table;
    bool if_exists;        // ALTER TABLE IF EXISTS
    bool column_if_exists; // ADD IF NOT EXISTS, DROP IF EXISTS, RENAME IF EXISTS
    enum alter_kind kind;
    size_t count; // ADD: defs. DROP: names. RENAME: names -> new_names
    const struct column_def *defs;
    const char *const *names;
    const char *const *new_names;
    const struct term *timestamp; // DROP … USING TIMESTAMP
    size_t option_count;
    const struct option *options;
};

struct drop {                // keyspace, table
    struct table_name table; // DROP KEYSPACE: keyspace is set, name is NULL
    bool if_exists;
};

enum describe_kind {
    DESCRIBE_CLUSTER,
    DESCRIBE_SCHEMA, // also FULL SCHEMA
    DESCRIBE_KEYSPACES,
    DESCRIBE_KEYSPACE, // ONLY: without its tables
    DESCRIBE_TABLES,
    DESCRIBE_TABLE,
    DESCRIBE_INDEX,
    DESCRIBE_VIEW,
    DESCRIBE_TYPES,
    DESCRIBE_TYPE,
    DESCRIBE_FUNCTIONS,
    DESCRIBE_FUNCTION,
    DESCRIBE_AGGREGATES,
    DESCRIBE_AGGREGATE,
    DESCRIBE_ELEMENT, // DESCRIBE name: keyspace, table …
};

struct describe {
    enum describe_kind kind;
    struct table_name target; // keyspace and/or name
    bool only, full, with_internals;
};

struct statement {
    enum statement_kind kind;
    size_t marker_count;
    const char *const *marker_names; // NULL entries for ?
    union {
        struct select select;
        struct insert insert;
        struct update update;
        struct delete_ delete_;
        struct batch_statement batch;
        struct table_name truncate;
        const char *use;                        // keyspace
        struct create_keyspace create_keyspace; // and ALTER
        struct create_table create_table;
        struct alter_table alter_table;
        struct drop drop;
        struct describe describe;
        const char *unsupported; // "CREATE INDEX is not supported"
    };
};

#endif
