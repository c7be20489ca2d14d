// SPDX-License-Identifier: Apache-2.0
//
// WHERE, and the conditions of IF.
#include "tables/parser.h"

static bool take_op(struct parser *parser, enum relation_op *op)
{
    static const struct {
        int mark;
        enum relation_op op;
    } ops[] = {{'=', RELATION_EQ},     {'<', RELATION_LT},     {'>', RELATION_GT},
               {MARK_LE, RELATION_LE}, {MARK_GE, RELATION_GE}, {MARK_NE, RELATION_NE}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (parser__take_mark(parser, ops[i].mark)) {
            *op = ops[i].op;
            return true;
        }
    }
    return false;
}

static err_t one_value(struct parser *parser, struct relation *out)
{
    const struct term *value;
    TRY(parser__term(parser, &value));
    out->values = arena_dup(parser->arena, &value, sizeof(value));
    out->value_count = 1;
    return ERR_OK;
}

static err_t op_and_value(struct parser *parser, size_t from, struct relation *out)
{
    if (!take_op(parser, &out->op))
        return parser__no_viable_from(parser, from);
    return one_value(parser, out);
}

// Behind IN: (a, b), () or a marker for the whole list.
static err_t in_values(struct parser *parser, size_t from, struct relation *out)
{
    out->op = RELATION_IN;
    if (parser__is_mark(parser, 0, '?') || parser__is_mark(parser, 0, ':')) {
        out->in_marker = true;
        return one_value(parser, out);
    }
    if (!parser__take_mark(parser, '('))
        return parser__no_viable_from(parser, from);
    const struct term **values = NULL;
    if (!parser__is_mark(parser, 0, ')')) {
        do {
            const struct term *value;
            TRY(parser__term(parser, &value));
            PARSER_PUSH(parser, values, out->value_count, value);
        } while (parser__take_mark(parser, ','));
    }
    out->values = values;
    return parser__expect_mark(parser, ')');
}

static err_t names_in_parentheses(struct parser *parser, struct relation *out)
{
    TRY(parser__expect_mark(parser, '('));
    TRY(parser__names(parser, &out->columns, &out->column_count));
    return parser__expect_mark(parser, ')');
}

static err_t tuple_relation(struct parser *parser, size_t from, struct relation *out)
{
    out->target = RELATION_TUPLE;
    TRY(names_in_parentheses(parser, out));
    if (parser__take_word(parser, "IN"))
        return in_values(parser, from, out);
    return op_and_value(parser, from, out);
}

static err_t column_relation(struct parser *parser, size_t from, struct relation *out)
{
    const char *name;
    TRY(parser__name(parser, &name));
    out->columns = arena_dup(parser->arena, &name, sizeof(name));
    out->column_count = 1;
    if (parser__take_mark(parser, '[')) {
        out->target = RELATION_ELEMENT;
        TRY(parser__term(parser, &out->key));
        TRY(parser__expect_mark(parser, ']'));
    } else if (parser__take_mark(parser, '.')) {
        out->target = RELATION_FIELD;
        TRY(parser__name(parser, &out->field));
    }
    if (parser__take_word(parser, "IN"))
        return in_values(parser, from, out);
    if (parser__take_word(parser, "LIKE")) {
        out->op = RELATION_LIKE;
        return one_value(parser, out);
    }
    if (parser__take_word(parser, "CONTAINS")) {
        out->op = parser__take_word(parser, "KEY") ? RELATION_CONTAINS_KEY : RELATION_CONTAINS;
        return one_value(parser, out);
    }
    if (parser__take_word(parser, "IS")) {
        out->op = RELATION_IS_NOT_NULL;
        TRY(parser__expect_word(parser, "NOT"));
        return parser__expect_word(parser, "NULL");
    }
    return op_and_value(parser, from, out);
}

static err_t relation(struct parser *parser, bool condition, struct relation *out)
{
    size_t from = parser->at;
    *out = (struct relation){.line = parser__peek(parser, 0)->line,
                             .column = parser__peek(parser, 0)->column};
    if (!condition && parser__is_word(parser, 0, "token") && parser__is_mark(parser, 1, '(')) {
        out->target = RELATION_TOKEN;
        parser__next(parser);
        TRY(names_in_parentheses(parser, out));
        return op_and_value(parser, from, out);
    }
    if (!condition && parser__is_mark(parser, 0, '(')) {
        if (parser__is_mark(parser, 2, ',') || parser__is_mark(parser, 2, ')'))
            return tuple_relation(parser, from, out);
        TRY(parser__enter(parser));
        parser__next(parser); // (a = 1)
        TRY(relation(parser, condition, out));
        parser__leave(parser);
        return parser__expect_mark(parser, ')');
    }
    return column_relation(parser, from, out);
}

err_t parser__where(struct parser *parser, bool conditions, struct where *out)
{
    struct relation *relations = NULL;
    do {
        struct relation item;
        TRY(relation(parser, conditions, &item));
        PARSER_PUSH(parser, relations, out->count, item);
    } while (parser__take_word(parser, "AND"));
    out->relations = relations;
    return ERR_OK;
}
