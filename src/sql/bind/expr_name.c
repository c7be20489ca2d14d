// SPDX-License-Identifier: Apache-2.0
//
// Names of unnamed columns, as Spark's usePrettyExpression prints them: implicit casts are left
// out, literals are shown bare, calls by their template in schema/sql/functions.tbl ("$0", "$*" all
// arguments, "$1*" from one on).
#include "sql/bind/expr.h"

#include "data/cast.h"
#include "data/datetime.h"
#include "sql/function/function.h"

#include <ctype.h>

static void name_literal(struct str *out, const struct expr *expr)
{
    if (expr->name) {
        str_append_text(out, expr->name);
        return;
    }
    if (column_is_null(&expr->literal, 0)) {
        str_append_text(out, "NULL");
        return;
    }
    static const struct cast_options options = {0};
    if (expr->type->kind == TYPE_BINARY) {
        str_append_text(out, "X'");
        for (size_t i = 0; i < expr->literal.strings[0].size; i++)
            str_printf(out, "%02X", expr->literal.strings[0].ptr[i]);
        str_append_byte(out, '\'');
        return;
    }
    const char *word = expr->type->kind == TYPE_DATE            ? "DATE"
                       : expr->type->kind == TYPE_TIMESTAMP     ? "TIMESTAMP"
                       : expr->type->kind == TYPE_TIMESTAMP_NTZ ? "TIMESTAMP_NTZ"
                                                                : NULL;
    if (word)
        str_printf(out, "%s '", word);
    cast_value_text(out, &expr->literal, 0, &options);
    if (word)
        str_append_byte(out, '\'');
}

static void name_cast(struct str *out, const struct expr *expr)
{
    bool nested = expr->type->kind >= TYPE_ARRAY;
    if (!expr->user_cast || nested) {
        expr_name(out, expr->args[0]);
        return;
    }
    str_append_text(out, expr->try_cast ? "TRY_CAST(" : "CAST(");
    expr_name(out, expr->args[0]);
    str_append_text(out, " AS ");
    size_t from = out->size;
    type_write(out, expr->type);
    for (size_t i = from; i < out->size; i++)
        out->ptr[i] = (char)toupper((unsigned char)out->ptr[i]);
    str_append_byte(out, ')');
}

static void name_args(struct str *out, const struct expr *expr, size_t from)
{
    for (size_t i = from; i < expr->arg_count; i++) {
        if (i > from)
            str_append_text(out, ", ");
        if (i == 0 && expr->distinct)
            str_append_text(out, "DISTINCT ");
        expr_name(out, expr->args[i]);
    }
}

static void name_window(struct str *out, const struct expr *expr)
{
    const struct expr_window *window = expr->window;
    str_append_text(out, " OVER (");
    for (size_t i = 0; i < window->partition_count; i++) {
        str_append_text(out, i ? ", " : "PARTITION BY ");
        expr_name(out, window->partition[i]);
    }
    for (size_t i = 0; i < window->order_count; i++) {
        str_append_text(out, i ? ", " : window->partition_count ? " ORDER BY " : "ORDER BY ");
        expr_name(out, window->order[i].expr);
        str_printf(out, " %s NULLS %s", window->order[i].descending ? "DESC" : "ASC",
                   window->order[i].nulls_first ? "FIRST" : "LAST");
    }
    str_append_byte(out, ')');
}

static void name_call(struct str *out, const struct expr *expr)
{
    const char *form = expr->display ? expr->display : expr->function->display;
    if (!strchr(form, '$')) {
        str_printf(out, "%s(", form);
        name_args(out, expr, 0);
        str_append_byte(out, ')');
    }
    for (const char *c = form; strchr(form, '$') && *c; c++) {
        if (*c != '$') {
            str_append_byte(out, *c);
            continue;
        }
        c++;
        if (*c == '*') {
            name_args(out, expr, 0);
            continue;
        }
        size_t index = (size_t)(*c - '0');
        if (c[1] == '*') {
            name_args(out, expr, index);
            c++;
        } else if (index < expr->arg_count) {
            expr_name(out, expr->args[index]);
        }
    }
    if (expr->filter) {
        str_append_text(out, " FILTER (WHERE ");
        expr_name(out, expr->filter);
        str_append_byte(out, ')');
    }
    if (expr->window)
        name_window(out, expr);
}

static void name_case(struct str *out, const struct expr *expr)
{
    str_append_text(out, "CASE");
    size_t i = 0;
    for (; i + 1 < expr->arg_count; i += 2) {
        str_append_text(out, " WHEN ");
        expr_name(out, expr->args[i]);
        str_append_text(out, " THEN ");
        expr_name(out, expr->args[i + 1]);
    }
    if (i < expr->arg_count) {
        str_append_text(out, " ELSE ");
        expr_name(out, expr->args[i]);
    }
    str_append_text(out, " END");
}

void expr_name(struct str *out, const struct expr *expr)
{
    if (out->size > 1 << 16) // a name, not a copy of a huge statement
        return;
    switch (expr->kind) {
    case EXPR_LITERAL:
        name_literal(out, expr);
        return;
    case EXPR_SLOT:
        str_append_text(out, expr->name);
        return;
    case EXPR_CAST:
        name_cast(out, expr);
        return;
    case EXPR_LAMBDA:
        str_append_text(out, "lambdafunction(");
        expr_name(out, expr->args[0]);
        for (size_t i = 0; i < expr->param_count; i++)
            str_append_text(out, ", namedlambdavariable()");
        str_append_byte(out, ')');
        return;
    case EXPR_SUBQUERY:
        str_append_text(out, "scalarsubquery()");
        return;
    case EXPR_CALL:
        break;
    }
    if (strcmp(expr->function->name, "case") == 0)
        name_case(out, expr);
    else if (expr->field) {
        expr_name(out, expr->args[0]);
        str_printf(out, ".%s", expr->name);
    } else {
        name_call(out, expr);
    }
}

const char *expr_column_name(struct arena *arena, const struct expr *expr)
{
    // column.field is named by the field alone.
    if (expr->kind == EXPR_CALL && expr->field) {
        const struct expr *base = expr;
        while (base->kind == EXPR_CALL && base->field)
            base = base->args[0];
        if (base->kind == EXPR_SLOT)
            return expr->name;
    }
    struct str out = {0};
    expr_name(&out, expr);
    const char *name = arena_text(arena, str_bytes(&out));
    str_release(&out);
    return name;
}
