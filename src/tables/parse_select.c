// SPDX-License-Identifier: Apache-2.0
//
// SELECT.
#include "tables/parser.h"

static err_t selector(struct parser *parser, struct selector *out);

static const struct selector *boxed(struct parser *parser, struct selector inner)
{
    return arena_dup(parser->arena, &inner, sizeof inner);
}

static err_t arguments(struct parser *parser, struct selector *out)
{
    struct selector *args = NULL;
    if (!parser__is_mark(parser, 0, ')')) {
        do {
            struct selector arg;
            TRY(selector(parser, &arg));
            PARSER_PUSH(parser, args, out->arg_count, arg);
        } while (parser__take_mark(parser, ','));
    }
    out->args = args;
    return parser__expect_mark(parser, ')');
}

static err_t cast(struct parser *parser, struct selector *out)
{
    struct selector inner;
    out->kind = SELECTOR_CAST;
    parser__next(parser);
    TRY(parser__expect_mark(parser, '('));
    TRY(selector(parser, &inner));
    out->args = boxed(parser, inner);
    out->arg_count = 1;
    TRY(parser__expect_word(parser, "AS"));
    TRY(parser__type(parser, &out->type));
    return parser__expect_mark(parser, ')');
}

static err_t of_column(struct parser *parser, enum selector_kind kind, struct selector *out)
{
    out->kind = kind;
    parser__next(parser);
    TRY(parser__expect_mark(parser, '('));
    TRY(parser__name(parser, &out->name));
    return parser__expect_mark(parser, ')');
}

static err_t call(struct parser *parser, struct selector *out)
{
    out->kind = SELECTOR_FUNCTION;
    if (parser__take_word(parser, "token")) {
        out->name = "token";
    } else {
        TRY(parser__name(parser, &out->name));
        if (parser__take_mark(parser, '.')) {
            if (strcmp(out->name, "system") != 0)
                return FAIL(parser->diag, ERR_INVALID, "User-defined functions are not supported");
            TRY(parser__name(parser, &out->name));
        }
    }
    TRY(parser__expect_mark(parser, '('));
    const struct token *first = parser__peek(parser, 0);
    bool one = first->kind == TOKEN_INTEGER && first->size == 1 &&
               parser->tokens.text.ptr[first->start] == '1';
    if (strcmp(out->name, "count") == 0 && (parser__is_mark(parser, 0, '*') || one) &&
        parser__is_mark(parser, 1, ')')) {
        out->kind = SELECTOR_COUNT;
        parser__next(parser);
        parser__next(parser);
        return ERR_OK;
    }
    return arguments(parser, out);
}

static err_t term(struct parser *parser, struct selector *out)
{
    out->kind = SELECTOR_TERM;
    return parser__simple_term(parser, &out->term);
}

static err_t primary(struct parser *parser, struct selector *out)
{
    *out = (struct selector){.kind = SELECTOR_COLUMN};
    bool opens = parser__is_mark(parser, 1, '(');
    if (parser__is_word(parser, 0, "cast") && opens)
        return cast(parser, out);
    if (parser__is_word(parser, 0, "writetime") && opens)
        return of_column(parser, SELECTOR_WRITETIME, out);
    if (parser__is_word(parser, 0, "ttl") && opens)
        return of_column(parser, SELECTOR_TTL, out);
    if (parser__is_word(parser, 0, "token") && opens)
        return call(parser, out);
    bool constant = parser__is_word(parser, 0, "true") || parser__is_word(parser, 0, "false");
    if (parser__is_name(parser, 0) && !constant) {
        if (opens || (parser__is_mark(parser, 1, '.') && parser__is_mark(parser, 3, '(')))
            return call(parser, out);
        return parser__name(parser, &out->name);
    }
    // (a + b), but (int)5 and (1, 2) are terms
    bool inner = parser__is_mark(parser, 0, '(') && parser__is_name(parser, 1) &&
                 !parser__is_mark(parser, 2, ')') && !parser__is_mark(parser, 2, '<') &&
                 !parser__is_mark(parser, 2, ',');
    if (inner) {
        parser__next(parser);
        TRY(selector(parser, out));
        return parser__expect_mark(parser, ')');
    }
    if (parser__is_mark(parser, 0, '-') &&
        (parser__is_name(parser, 1) || parser__is_mark(parser, 1, '('))) {
        struct selector operand;
        parser__next(parser);
        TRY(primary(parser, &operand));
        *out = (struct selector){
            .kind = SELECTOR_ARITH, .op = '-', .arg_count = 1, .args = boxed(parser, operand)};
        return ERR_OK;
    }
    return term(parser, out);
}

// a[key], a.field, any number of times
static err_t postfix(struct parser *parser, struct selector *out)
{
    TRY(parser__enter(parser));
    TRY(primary(parser, out));
    for (int length = 0; length < PARSE_DEPTH_MAX; length++) {
        if (parser__take_mark(parser, '[')) {
            struct selector element = {
                .kind = SELECTOR_ELEMENT, .arg_count = 1, .args = boxed(parser, *out)};
            TRY(parser__term(parser, &element.term));
            TRY(parser__expect_mark(parser, ']'));
            *out = element;
        } else if (parser__take_mark(parser, '.')) {
            struct selector field = {
                .kind = SELECTOR_FIELD, .arg_count = 1, .args = boxed(parser, *out)};
            TRY(parser__name(parser, &field.name));
            *out = field;
        } else {
            break;
        }
    }
    parser__leave(parser);
    return ERR_OK;
}

static char take_operator(struct parser *parser, const char *which)
{
    for (; *which; which++) {
        if (parser__take_mark(parser, *which))
            return *which;
    }
    return '\0';
}

static err_t combine(struct parser *parser, char op, int length, struct selector *left,
                     struct selector right)
{
    if (length > PARSE_DEPTH_MAX)
        return FAIL(parser->diag, ERR_SYNTAX, "line %u:%u more than %d operators in a row",
                    parser__peek(parser, 0)->line, parser__peek(parser, 0)->column,
                    PARSE_DEPTH_MAX);
    struct selector pair[2] = {*left, right};
    *left = (struct selector){.kind = SELECTOR_ARITH,
                              .op = op,
                              .arg_count = 2,
                              .args = arena_dup(parser->arena, pair, sizeof pair)};
    return ERR_OK;
}

static err_t product(struct parser *parser, struct selector *out)
{
    TRY(postfix(parser, out));
    char op;
    for (int length = 1; (op = take_operator(parser, "*/%")) != '\0'; length++) {
        struct selector right;
        TRY(postfix(parser, &right));
        TRY(combine(parser, op, length, out, right));
    }
    return ERR_OK;
}

static err_t selector(struct parser *parser, struct selector *out)
{
    TRY(product(parser, out));
    char op;
    for (int length = 1; (op = take_operator(parser, "+-")) != '\0'; length++) {
        struct selector right;
        TRY(product(parser, &right));
        TRY(combine(parser, op, length, out, right));
    }
    return ERR_OK;
}

static err_t select_list(struct parser *parser, struct select *out)
{
    struct selector *items = NULL;
    if (parser__take_mark(parser, '*')) {
        out->all_columns = true;
        return ERR_OK;
    }
    do {
        struct selector item;
        size_t from = parser->at;
        TRY(selector(parser, &item));
        if (parser__take_word(parser, "AS"))
            TRY(parser__name(parser, &item.alias));
        else if (!parser__is_mark(parser, 0, ',') && !parser__is_word(parser, 0, "FROM") &&
                 parser__peek(parser, 0)->kind != TOKEN_END)
            return parser__no_viable_from(parser, from);
        PARSER_PUSH(parser, items, out->selector_count, item);
    } while (parser__take_mark(parser, ','));
    out->selectors = items;
    return ERR_OK;
}

static err_t order_by(struct parser *parser, struct select *out)
{
    struct order_by *items = NULL;
    do {
        struct order_by item = {0};
        TRY(parser__name(parser, &item.column));
        if (parser__take_word(parser, "DESC"))
            item.descending = true;
        else
            parser__take_word(parser, "ASC");
        PARSER_PUSH(parser, items, out->order_by_count, item);
    } while (parser__take_mark(parser, ','));
    out->order_by = items;
    return ERR_OK;
}

static err_t clauses(struct parser *parser, struct select *out)
{
    if (parser__take_word(parser, "WHERE"))
        TRY(parser__where(parser, false, &out->where));
    if (parser__take_words(parser, "GROUP", "BY"))
        TRY(parser__names(parser, &out->group_by, &out->group_by_count));
    if (parser__take_words(parser, "ORDER", "BY"))
        TRY(order_by(parser, out));
    if (parser__take_word(parser, "PER")) {
        TRY(parser__expect_word(parser, "PARTITION"));
        TRY(parser__expect_word(parser, "LIMIT"));
        TRY(parser__integer_term(parser, &out->per_partition_limit));
    }
    if (parser__take_word(parser, "LIMIT"))
        TRY(parser__integer_term(parser, &out->limit));
    if (parser__take_word(parser, "ALLOW")) {
        TRY(parser__expect_word(parser, "FILTERING"));
        out->allow_filtering = true;
    }
    return ERR_OK;
}

static bool ends_clause(const struct parser *parser)
{
    return parser__is_mark(parser, 1, ',') || parser__is_word(parser, 1, "FROM") ||
           parser__is_word(parser, 1, "AS") || parser__is_mark(parser, 1, '(');
}

err_t parser__select(struct parser *parser, struct select *out)
{
    if (parser__is_word(parser, 0, "JSON") && !ends_clause(parser))
        out->json = parser__take_word(parser, "JSON");
    if (parser__is_word(parser, 0, "DISTINCT") && !ends_clause(parser))
        out->distinct = parser__take_word(parser, "DISTINCT");
    TRY(select_list(parser, out));
    TRY(parser__expect_word(parser, "FROM"));
    TRY(parser__table(parser, &out->table));
    return clauses(parser, out);
}
