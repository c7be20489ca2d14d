// SPDX-License-Identifier: Apache-2.0
//
// CREATE, ALTER, DROP of keyspaces and tables; of anything else only the name of what is refused.
#include "tables/parser.h"

// --- WITH name = value ---------------------------------------------------------------------------
// A constant as its text; numbers keep their sign.
static err_t constant(struct parser *parser, const char **out)
{
    const struct token *token = parser__peek(parser, 0);
    bool fits = token->kind == TOKEN_STRING || token->kind == TOKEN_INTEGER ||
                token->kind == TOKEN_FLOAT || token->kind == TOKEN_UUID ||
                token->kind == TOKEN_HEX || token->kind == TOKEN_DURATION ||
                parser__is_word(parser, 0, "true") || parser__is_word(parser, 0, "false") ||
                parser__is_word(parser, 0, "nan") || parser__is_word(parser, 0, "infinity");
    if (!fits)
        return parser__no_viable(parser);
    *out = arena_text(parser->arena, token_value(parser->tokens.text, token, parser->arena));
    parser__next(parser);
    return ERR_OK;
}

static err_t option_map(struct parser *parser, struct option *out)
{
    struct option_pair *pairs = NULL;
    out->kind = OPTION_MAP;
    TRY(parser__expect_mark(parser, '{'));
    if (!parser__is_mark(parser, 0, '}')) {
        do {
            struct option_pair pair;
            TRY(constant(parser, &pair.key));
            TRY(parser__expect_mark(parser, ':'));
            TRY(constant(parser, &pair.value));
            PARSER_PUSH(parser, pairs, out->pair_count, pair);
        } while (parser__take_mark(parser, ','));
    }
    out->pairs = pairs;
    return parser__expect_mark(parser, '}');
}

static err_t option(struct parser *parser, struct option *out)
{
    *out = (struct option){.kind = OPTION_TEXT};
    TRY(parser__name(parser, &out->name));
    TRY(parser__expect_mark(parser, '='));
    if (parser__is_mark(parser, 0, '{'))
        return option_map(parser, out);
    if (parser__is_name(parser, 0) && !parser__is_word(parser, 0, "true") &&
        !parser__is_word(parser, 0, "false"))
        return parser__name(parser, &out->text); // class = SimpleStrategy
    return constant(parser, &out->text);
}

static err_t options(struct parser *parser, const struct option **out, size_t *count)
{
    struct option *items = NULL;
    do {
        struct option item;
        TRY(option(parser, &item));
        PARSER_PUSH(parser, items, *count, item);
    } while (parser__take_word(parser, "AND"));
    *out = items;
    return ERR_OK;
}

// --- keyspaces -----------------------------------------------------------------------------------
static bool take_keyspace(struct parser *parser)
{
    return parser__take_word(parser, "KEYSPACE") || parser__take_word(parser, "SCHEMA");
}

static bool take_table(struct parser *parser)
{
    return parser__take_word(parser, "TABLE") || parser__take_word(parser, "COLUMNFAMILY");
}

static err_t create_keyspace(struct parser *parser, struct create_keyspace *out)
{
    TRY(parser__if_not_exists(parser, &out->if_not_exists));
    TRY(parser__name(parser, &out->name));
    TRY(parser__expect_word(parser, "WITH"));
    return options(parser, &out->options, &out->option_count);
}

// --- tables --------------------------------------------------------------------------------------
struct columns { // of a CREATE TABLE being read
    struct column_def *items;
    size_t primary_key_count; // PRIMARY KEY said how often
};

// PRIMARY KEY ((a, b), c)
static err_t primary_key(struct parser *parser, struct create_table *out)
{
    TRY(parser__expect_mark(parser, '('));
    if (parser__take_mark(parser, '(')) {
        TRY(parser__names(parser, &out->partition_key, &out->partition_key_count));
        TRY(parser__expect_mark(parser, ')'));
    } else {
        const char *name;
        TRY(parser__name(parser, &name));
        out->partition_key = arena_dup(parser->arena, &name, sizeof(name));
        out->partition_key_count = 1;
    }
    if (parser__take_mark(parser, ','))
        TRY(parser__names(parser, &out->clustering, &out->clustering_count));
    return parser__expect_mark(parser, ')');
}

static err_t table_column(struct parser *parser, struct columns *columns, struct create_table *out)
{
    struct column_def def = {0};
    if (parser__take_words(parser, "PRIMARY", "KEY")) {
        columns->primary_key_count++;
        return primary_key(parser, out);
    }
    TRY(parser__name(parser, &def.name));
    TRY(parser__type(parser, &def.type));
    def.is_static = parser__take_word(parser, "STATIC");
    if (parser__take_word(parser, "PRIMARY")) {
        TRY(parser__expect_word(parser, "KEY"));
        columns->primary_key_count++;
        out->partition_key = arena_dup(parser->arena, &def.name, sizeof(def.name));
        out->partition_key_count = 1;
    }
    PARSER_PUSH(parser, columns->items, out->column_count, def);
    return ERR_OK;
}

static err_t clustering_order(struct parser *parser, struct create_table *out)
{
    struct order_by *items = NULL;
    TRY(parser__expect_word(parser, "BY"));
    TRY(parser__expect_mark(parser, '('));
    do {
        struct order_by item = {0};
        TRY(parser__name(parser, &item.column));
        item.descending = parser__take_word(parser, "DESC");
        if (!item.descending)
            TRY(parser__expect_word(parser, "ASC"));
        PARSER_PUSH(parser, items, out->order_count, item);
    } while (parser__take_mark(parser, ','));
    out->order = items;
    return parser__expect_mark(parser, ')');
}

static err_t table_options(struct parser *parser, struct create_table *out)
{
    struct option *items = NULL;
    do {
        struct option item;
        if (parser__take_words(parser, "CLUSTERING", "ORDER")) {
            TRY(clustering_order(parser, out));
        } else if (parser__take_words(parser, "COMPACT", "STORAGE")) {
            out->compact_storage = true;
        } else {
            TRY(option(parser, &item));
            if (strcmp(item.name, "id") == 0 && item.kind == OPTION_TEXT)
                out->id = item.text;
            else
                PARSER_PUSH(parser, items, out->option_count, item);
        }
    } while (parser__take_word(parser, "AND"));
    out->options = items;
    return ERR_OK;
}

static err_t create_table(struct parser *parser, struct create_table *out)
{
    struct columns columns = {0};
    TRY(parser__if_not_exists(parser, &out->if_not_exists));
    TRY(parser__table(parser, &out->table));
    TRY(parser__expect_mark(parser, '('));
    do {
        TRY(table_column(parser, &columns, out));
    } while (parser__take_mark(parser, ',') && !parser__is_mark(parser, 0, ')'));
    TRY(parser__expect_mark(parser, ')'));
    out->columns = columns.items;
    if (columns.primary_key_count != 1)
        return FAIL(parser->diag, ERR_INVALID,
                    "%s PRIMARY KEY %s for table '%s%s%s' (exactly one required)",
                    columns.primary_key_count ? "Multiple" : "No",
                    columns.primary_key_count ? "specified" : "specifed", // as Cassandra has it
                    out->table.keyspace ? out->table.keyspace : "", out->table.keyspace ? "." : "",
                    out->table.name);
    return parser__take_word(parser, "WITH") ? table_options(parser, out) : ERR_OK;
}

static err_t column_defs(struct parser *parser, struct alter_table *out)
{
    struct column_def *defs = NULL;
    bool parentheses = parser__take_mark(parser, '(');
    do {
        struct column_def def = {0};
        TRY(parser__name(parser, &def.name));
        TRY(parser__type(parser, &def.type));
        def.is_static = parser__take_word(parser, "STATIC");
        PARSER_PUSH(parser, defs, out->count, def);
    } while (parentheses && parser__take_mark(parser, ','));
    out->defs = defs;
    return parentheses ? parser__expect_mark(parser, ')') : ERR_OK;
}

static err_t alter_drop(struct parser *parser, struct alter_table *out)
{
    out->kind = ALTER_DROP;
    TRY(parser__if_exists(parser, &out->column_if_exists));
    if (parser__take_mark(parser, '(')) {
        TRY(parser__names(parser, &out->names, &out->count));
        TRY(parser__expect_mark(parser, ')'));
    } else {
        const char *name;
        TRY(parser__name(parser, &name));
        out->names = arena_dup(parser->arena, &name, sizeof(name));
        out->count = 1;
    }
    if (!parser__take_word(parser, "USING"))
        return ERR_OK;
    TRY(parser__expect_word(parser, "TIMESTAMP"));
    return parser__integer_term(parser, &out->timestamp);
}

static err_t alter_rename(struct parser *parser, struct alter_table *out)
{
    const char **from = NULL, **to = NULL;
    size_t count = 0;
    out->kind = ALTER_RENAME;
    TRY(parser__if_exists(parser, &out->column_if_exists));
    do {
        const char *old_name, *new_name;
        TRY(parser__name(parser, &old_name));
        TRY(parser__expect_word(parser, "TO"));
        TRY(parser__name(parser, &new_name));
        PARSER_PUSH(parser, from, count, old_name);
        PARSER_PUSH(parser, to, out->count, new_name);
    } while (parser__take_word(parser, "AND"));
    out->names = from;
    out->new_names = to;
    return ERR_OK;
}

static err_t alter_table(struct parser *parser, struct alter_table *out)
{
    TRY(parser__if_exists(parser, &out->if_exists));
    TRY(parser__table(parser, &out->table));
    if (parser__take_word(parser, "ADD")) {
        out->kind = ALTER_ADD;
        TRY(parser__if_not_exists(parser, &out->column_if_exists));
        return column_defs(parser, out);
    }
    if (parser__take_word(parser, "DROP"))
        return alter_drop(parser, out);
    if (parser__take_word(parser, "RENAME"))
        return alter_rename(parser, out);
    if (parser__take_word(parser, "WITH")) {
        out->kind = ALTER_WITH;
        return options(parser, &out->options, &out->option_count);
    }
    if (parser__take_word(parser, "ALTER")) {
        struct column_def def = {0};
        out->kind = ALTER_TYPE;
        TRY(parser__name(parser, &def.name));
        TRY(parser__expect_word(parser, "TYPE"));
        TRY(parser__type(parser, &def.type));
        out->defs = arena_dup(parser->arena, &def, sizeof def);
        out->count = 1;
        return ERR_OK;
    }
    return parser__no_viable(parser);
}

// --- what is not there ---------------------------------------------------------------------------
static const struct {
    const char *first, *second, *name;
} unsupported[] = {
    {"INDEX", NULL, "INDEX"},
    {"CUSTOM", "INDEX", "CUSTOM INDEX"},
    {"TYPE", NULL, "TYPE"},
    {"FUNCTION", NULL, "FUNCTION"},
    {"AGGREGATE", NULL, "AGGREGATE"},
    {"OR", "REPLACE", "OR REPLACE"},
    {"MATERIALIZED", "VIEW", "MATERIALIZED VIEW"},
    {"TRIGGER", NULL, "TRIGGER"},
    {"ROLE", NULL, "ROLE"},
    {"USER", NULL, "USER"},
};

static err_t refuse(struct parser *parser, const char *verb, struct statement *out)
{
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++) {
        if (parser__is_word(parser, 0, unsupported[i].first) &&
            (!unsupported[i].second || parser__is_word(parser, 1, unsupported[i].second)))
            return parser__unsupported(
                parser, out, arena_printf(parser->arena, "%s %s", verb, unsupported[i].name));
    }
    size_t before = parser->at - 1;
    while (before > 0 && parser->tokens.items[before].kind == TOKEN_SPACE)
        before--;
    return parser__no_viable_from(parser,
                                  parser__peek(parser, 0)->kind == TOKEN_END ? parser->at : before);
}

err_t parser__unsupported(struct parser *parser, struct statement *out, const char *what)
{
    out->kind = STATEMENT_UNSUPPORTED;
    out->unsupported = arena_printf(parser->arena, "%s is not supported", what);
    parser->at = parser->tokens.count - 1;
    return ERR_OK;
}

// --- by verb -------------------------------------------------------------------------------------
err_t parser__create(struct parser *parser, struct statement *out)
{
    if (take_keyspace(parser)) {
        out->kind = STATEMENT_CREATE_KEYSPACE;
        return create_keyspace(parser, &out->create_keyspace);
    }
    if (take_table(parser)) {
        out->kind = STATEMENT_CREATE_TABLE;
        return create_table(parser, &out->create_table);
    }
    return refuse(parser, "CREATE", out);
}

err_t parser__alter(struct parser *parser, struct statement *out)
{
    if (take_keyspace(parser)) {
        out->kind = STATEMENT_ALTER_KEYSPACE;
        TRY(parser__if_exists(parser, &out->create_keyspace.if_exists));
        TRY(parser__name(parser, &out->create_keyspace.name));
        TRY(parser__expect_word(parser, "WITH"));
        return options(parser, &out->create_keyspace.options, &out->create_keyspace.option_count);
    }
    if (take_table(parser)) {
        out->kind = STATEMENT_ALTER_TABLE;
        return alter_table(parser, &out->alter_table);
    }
    return refuse(parser, "ALTER", out);
}

err_t parser__drop(struct parser *parser, struct statement *out)
{
    if (take_keyspace(parser)) {
        out->kind = STATEMENT_DROP_KEYSPACE;
        TRY(parser__if_exists(parser, &out->drop.if_exists));
        return parser__name(parser, &out->drop.table.keyspace);
    }
    if (take_table(parser)) {
        out->kind = STATEMENT_DROP_TABLE;
        TRY(parser__if_exists(parser, &out->drop.if_exists));
        return parser__table(parser, &out->drop.table);
    }
    return refuse(parser, "DROP", out);
}
