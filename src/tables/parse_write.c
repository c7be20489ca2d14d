// SPDX-License-Identifier: Apache-2.0
//
// INSERT, UPDATE, DELETE, BATCH.
#include "tables/parser.h"

static err_t using_item(struct parser *parser, bool ttl_allowed, struct using *out)
{
    if (!ttl_allowed) {
        TRY(parser__expect_word(parser, "TIMESTAMP"));
        return parser__integer_term(parser, &out->timestamp);
    }
    if (parser__take_word(parser, "TIMESTAMP"))
        return parser__integer_term(parser, &out->timestamp);
    if (parser__take_word(parser, "TTL"))
        return parser__integer_term(parser, &out->ttl);
    return parser__no_viable(parser);
}

static err_t using_clause(struct parser *parser, bool ttl_allowed, struct using *out)
{
    if (!parser__take_word(parser, "USING"))
        return ERR_OK;
    do {
        TRY(using_item(parser, ttl_allowed, out));
    } while (parser__take_word(parser, "AND"));
    return ERR_OK;
}

static err_t conditions(struct parser *parser, struct conditions *out)
{
    if (!parser__take_word(parser, "IF"))
        return ERR_OK;
    if (parser__is_word(parser, 0, "EXISTS") && !parser__is_mark(parser, 1, '=')) {
        parser__next(parser);
        out->if_exists = true;
        return ERR_OK;
    }
    return parser__where(parser, true, &out->where);
}

// --- INSERT --------------------------------------------------------------------------------------
static err_t insert_values(struct parser *parser, struct insert *out)
{
    size_t value_count = 0;
    const struct term **values = NULL;
    TRY(parser__expect_mark(parser, '('));
    TRY(parser__names(parser, &out->columns, &out->count));
    TRY(parser__expect_mark(parser, ')'));
    TRY(parser__expect_word(parser, "VALUES"));
    TRY(parser__expect_mark(parser, '('));
    do {
        const struct term *value;
        TRY(parser__term(parser, &value));
        PARSER_PUSH(parser, values, value_count, value);
    } while (parser__take_mark(parser, ','));
    TRY(parser__expect_mark(parser, ')'));
    out->values = values;
    if (value_count != out->count)
        return FAIL(parser->diag, ERR_INVALID, "Unmatched column names/values");
    return ERR_OK;
}

static err_t insert_json(struct parser *parser, struct insert *out)
{
    if (parser__peek(parser, 0)->kind != TOKEN_STRING && !parser__is_mark(parser, 0, '?') &&
        !parser__is_mark(parser, 0, ':'))
        return parser__no_viable(parser);
    TRY(parser__simple_term(parser, &out->json));
    if (!parser__take_word(parser, "DEFAULT"))
        return ERR_OK;
    out->json_default_unset = parser__take_word(parser, "UNSET");
    return out->json_default_unset ? ERR_OK : parser__expect_word(parser, "NULL");
}

err_t parser__insert(struct parser *parser, struct insert *out)
{
    TRY(parser__expect_word(parser, "INTO"));
    TRY(parser__table(parser, &out->table));
    if (parser__is_mark(parser, 0, '('))
        TRY(insert_values(parser, out));
    else if (parser__take_word(parser, "JSON"))
        TRY(insert_json(parser, out));
    else
        return parser__no_viable(parser);
    TRY(parser__if_not_exists(parser, &out->if_not_exists));
    return using_clause(parser, true, &out->using);
}

// --- UPDATE --------------------------------------------------------------------------------------
static err_t one_operation(struct parser *parser, const char *name, const char *form,
                           const char *column)
{
    if (strcmp(name, column) == 0)
        return ERR_OK;
    return FAIL(parser->diag, ERR_SYNTAX, "Only expressions of the form X = %s are supported.",
                form);
}

// Behind "c =": a term, "c + term", "c - term", "term + c" or "c -5".
static err_t assigned(struct parser *parser, struct assignment *out)
{
    bool own = parser__is_name(parser, 0) &&
               (parser__is_mark(parser, 1, '+') || parser__is_mark(parser, 1, '-') ||
                parser__peek(parser, 1)->kind == TOKEN_INTEGER);
    const char *name;
    if (own) {
        TRY(parser__name(parser, &name));
        bool remove = parser__is_mark(parser, 0, '-');
        TRY(one_operation(parser, name, remove ? "X -<value>" : "X +<value>", out->column));
        out->kind = remove ? ASSIGN_REMOVE : ASSIGN_APPEND;
        if (remove || parser__is_mark(parser, 0, '+'))
            parser__next(parser);
        return parser__term(parser, &out->value);
    }
    TRY(parser__term(parser, &out->value));
    if (!parser__is_mark(parser, 0, '+') || !parser__is_name(parser, 1))
        return ERR_OK;
    parser__next(parser);
    TRY(parser__name(parser, &name));
    out->kind = ASSIGN_PREPEND;
    return one_operation(parser, name, "<value> + X", out->column);
}

static err_t assignment(struct parser *parser, struct assignment *out)
{
    *out = (struct assignment){.kind = ASSIGN_SET};
    TRY(parser__name(parser, &out->column));
    if (parser__take_mark(parser, '[')) {
        out->kind = ASSIGN_ELEMENT;
        TRY(parser__term(parser, &out->key));
        TRY(parser__expect_mark(parser, ']'));
        TRY(parser__expect_mark(parser, '='));
        return parser__term(parser, &out->value);
    }
    if (parser__take_mark(parser, '.')) {
        out->kind = ASSIGN_FIELD;
        TRY(parser__name(parser, &out->field));
        TRY(parser__expect_mark(parser, '='));
        return parser__term(parser, &out->value);
    }
    if (parser__take_mark(parser, MARK_PLUS_IS) || parser__is_mark(parser, 0, MARK_MINUS_IS)) {
        out->kind = parser__take_mark(parser, MARK_MINUS_IS) ? ASSIGN_REMOVE : ASSIGN_APPEND;
        return parser__term(parser, &out->value);
    }
    if (!parser__take_mark(parser, '='))
        return parser__no_viable(parser);
    return assigned(parser, out);
}

static err_t check_once(struct parser *parser, const struct assignment *items, size_t count)
{
    const struct assignment *last = &items[count - 1];
    for (size_t i = 0; i + 1 < count; i++) {
        bool parts = (last->kind == ASSIGN_ELEMENT || last->kind == ASSIGN_FIELD) &&
                     items[i].kind == last->kind;
        if (!parts && strcmp(items[i].column, last->column) == 0)
            return FAIL(parser->diag, ERR_SYNTAX, "Multiple incompatible setting of column %s",
                        last->column);
    }
    return ERR_OK;
}

enum { ASSIGNMENTS_MAX = 10000 }; // check_once is quadratic

err_t parser__update(struct parser *parser, struct update *out)
{
    struct assignment *items = NULL;
    TRY(parser__table(parser, &out->table));
    TRY(using_clause(parser, true, &out->using));
    TRY(parser__expect_word(parser, "SET"));
    do {
        struct assignment item;
        TRY(assignment(parser, &item));
        PARSER_PUSH(parser, items, out->count, item);
        if (out->count > ASSIGNMENTS_MAX)
            return FAIL(parser->diag, ERR_SYNTAX, "more than %d assignments", ASSIGNMENTS_MAX);
        TRY(check_once(parser, items, out->count));
    } while (parser__take_mark(parser, ','));
    out->assignments = items;
    TRY(parser__expect_word(parser, "WHERE"));
    TRY(parser__where(parser, false, &out->where));
    return conditions(parser, &out->conditions);
}

// --- DELETE --------------------------------------------------------------------------------------
static err_t deletion(struct parser *parser, struct deletion *out)
{
    *out = (struct deletion){0};
    TRY(parser__name(parser, &out->column));
    if (parser__take_mark(parser, '[')) {
        TRY(parser__term(parser, &out->key));
        return parser__expect_mark(parser, ']');
    }
    return parser__take_mark(parser, '.') ? parser__name(parser, &out->field) : ERR_OK;
}

err_t parser__delete(struct parser *parser, struct delete_ *out)
{
    struct deletion *items = NULL;
    while (parser__is_name(parser, 0)) {
        struct deletion item;
        TRY(deletion(parser, &item));
        PARSER_PUSH(parser, items, out->count, item);
        if (!parser__take_mark(parser, ','))
            break;
        if (!parser__is_name(parser, 0))
            return parser__no_viable(parser);
    }
    out->deletions = items;
    TRY(parser__expect_word(parser, "FROM"));
    TRY(parser__table(parser, &out->table));
    TRY(using_clause(parser, false, &out->using));
    TRY(parser__expect_word(parser, "WHERE"));
    TRY(parser__where(parser, false, &out->where));
    return conditions(parser, &out->conditions);
}

// --- BATCH ---------------------------------------------------------------------------------------
static err_t batch_item(struct parser *parser, struct statement *item)
{
    if (parser__take_word(parser, "INSERT")) {
        item->kind = STATEMENT_INSERT;
        return parser__insert(parser, &item->insert);
    }
    if (parser__take_word(parser, "UPDATE")) {
        item->kind = STATEMENT_UPDATE;
        return parser__update(parser, &item->update);
    }
    if (parser__take_word(parser, "DELETE")) {
        item->kind = STATEMENT_DELETE;
        return parser__delete(parser, &item->delete_);
    }
    return parser__mismatch(parser, "K_APPLY");
}

err_t parser__batch(struct parser *parser, struct batch_statement *out)
{
    const struct statement **items = NULL;
    out->kind = BATCH_LOGGED;
    if (parser__take_word(parser, "UNLOGGED"))
        out->kind = BATCH_UNLOGGED;
    else if (parser__take_word(parser, "COUNTER"))
        out->kind = BATCH_COUNTER;
    TRY(parser__expect_word(parser, "BATCH"));
    TRY(using_clause(parser, true, &out->using));
    while (!parser__is_word(parser, 0, "APPLY")) {
        struct statement *item = ARENA_NEW(parser->arena, struct statement);
        TRY(batch_item(parser, item));
        PARSER_PUSH(parser, items, out->count, item);
        parser__take_mark(parser, ';');
    }
    out->statements = items;
    parser__next(parser);
    return parser__expect_word(parser, "BATCH");
}
