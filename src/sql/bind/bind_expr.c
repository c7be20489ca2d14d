// SPDX-License-Identifier: Apache-2.0
//
// Expressions: names, literals, casts, field access; calls are in bind_call.c.
#include "sql/bind/bind_int.h"

#include "base/vec.h"
#include "sql/parse/lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <strings.h>

void *binder__fail(struct binder *binder, uint32_t at, err_t code, const char *format, ...)
{
    if (binder->err)
        return NULL;
    char words[320];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    binder->err = lex_fail(binder->diag, binder->statement, at, code, "%s", words);
    return NULL;
}

bool binder__enter(struct binder *binder, uint32_t at)
{
    if (binder->err)
        return false;
    if (++binder->depth <= BINDER_DEPTH_MAX)
        return true;
    binder__fail(binder, at, ERR_TOO_LARGE, "the expression is nested deeper than %d levels",
                 BINDER_DEPTH_MAX);
    return false;
}

bool binder__same_name(const struct binder *binder, const char *a, const char *b)
{
    return (binder->case_sensitive ? strcmp(a, b) : strcasecmp(a, b)) == 0;
}

const char *binder__type_text(struct binder *binder, const struct type *type)
{
    struct str out = {0};
    type_write(&out, type);
    const char *text = arena_text(binder->arena, str_bytes(&out));
    str_release(&out);
    return text;
}

// --- names
// -----------------------------------------------------------------------------------------

// Edits between two words, capped at 3.
static int distance(const char *a, const char *b)
{
    size_t size_a = strlen(a);
    size_t size_b = strlen(b);
    if (size_a > 63 || size_b > 63)
        return 3;
    int row[64];
    for (size_t j = 0; j <= size_b; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= size_a; i++) {
        int corner = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= size_b; j++) {
            int change = corner + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
            corner = row[j];
            int least = row[j - 1] < row[j] ? row[j - 1] + 1 : row[j] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[size_b] < 3 ? row[size_b] : 3;
}

const char *binder__suggest(struct binder *binder, const char *name)
{
    const struct scope *scope = binder->scope;
    const char *best = NULL;
    int best_distance = 3;
    for (size_t i = 0; scope && i < scope->count; i++) {
        int edits = distance(name, scope->columns[i].name);
        if (edits < best_distance) {
            best_distance = edits;
            best = scope->columns[i].name;
        }
    }
    if (best)
        return arena_printf(binder->arena, ", did you mean `%s`?", best);
    struct str out = {0};
    for (size_t i = 0; scope && i < scope->count && i < 8; i++)
        str_printf(&out, "%s`%s`", i ? ", " : "; the columns here are ", scope->columns[i].name);
    const char *text = arena_text(binder->arena, str_bytes(&out));
    str_release(&out);
    return text;
}

static struct expr *find_lambda(struct binder *binder, const char *name, uint32_t at)
{
    for (const struct lambda_scope *lambda = binder->lambdas; lambda; lambda = lambda->outer)
        for (size_t i = 0; i < lambda->count; i++)
            if (binder__same_name(binder, lambda->names[i], name))
                return expr_slot(binder->arena, lambda->slots[i], lambda->types[i],
                                 "namedlambdavariable()", at);
    return NULL;
}

static struct expr *find_alias(struct binder *binder, const char *name, uint32_t at)
{
    struct expr *found = NULL;
    for (size_t i = 0; i < binder->scope->alias_count; i++) {
        const struct scope_alias *alias = &binder->scope->aliases[i];
        if (!alias->name || !binder__same_name(binder, alias->name, name))
            continue;
        if (found && !expr_equal(found, alias->expr))
            return binder__fail(binder, at, ERR_INVALID, "[AMBIGUOUS_REFERENCE] `%s` is ambiguous",
                                name);
        found = alias->expr;
    }
    return found;
}

// A column by qualifier (may be NULL) and name; NULL with or without an error.
static struct expr *find_column(struct binder *binder, const struct scope *scope,
                                const char *qualifier, const char *name, uint32_t at)
{
    const struct scope_column *found = NULL;
    for (size_t i = 0; i < scope->count; i++) {
        const struct scope_column *column = &scope->columns[i];
        if (!binder__same_name(binder, column->name, name))
            continue;
        if (qualifier &&
            (!column->qualifier || !binder__same_name(binder, column->qualifier, qualifier)))
            continue;
        if (!qualifier && column->hidden)
            continue;
        if (found && found->slot != column->slot)
            return binder__fail(binder, at, ERR_INVALID,
                                "[AMBIGUOUS_REFERENCE] `%s` is ambiguous: it could be `%s.%s` or "
                                "`%s.%s`",
                                name, found->qualifier ? found->qualifier : "?", found->name,
                                column->qualifier ? column->qualifier : "?", column->name);
        found = column;
    }
    return found ? expr_slot(binder->arena, found->slot, found->type,
                             arena_strdup(binder->arena, name), at)
                 : NULL;
}

struct expr *binder__name(struct binder *binder, const struct ast *ast)
{
    const struct scope *scope = binder->scope;
    size_t used = 1;
    struct expr *expr = find_lambda(binder, ast->parts[0], ast->at);
    if (!expr && scope->aliases_first)
        expr = find_alias(binder, ast->parts[0], ast->at);
    if (!expr && !binder->err && ast->part_count > 1) {
        expr = find_column(binder, scope, ast->parts[0], ast->parts[1], ast->at);
        used = expr ? 2 : 1;
        if (!expr && !binder->err && ast->part_count > 2) {
            expr = find_column(binder, scope, ast->parts[1], ast->parts[2], ast->at);
            used = expr ? 3 : 1;
        }
    }
    if (!expr && !binder->err)
        expr = find_column(binder, scope, NULL, ast->parts[0], ast->at);
    if (!expr && !binder->err && !scope->aliases_first)
        expr = find_alias(binder, ast->parts[0], ast->at);
    if (!expr && !binder->err && scope->outer) {
        if (ast->part_count > 1) {
            expr = find_column(binder, scope->outer, ast->parts[0], ast->parts[1], ast->at);
            used = expr ? 2 : 1;
        }
        if (!expr && !binder->err)
            expr = find_column(binder, scope->outer, NULL, ast->parts[0], ast->at);
    }
    if (!expr && !binder->err)
        return binder__fail(binder, ast->at, ERR_NOT_FOUND,
                            "[UNRESOLVED_COLUMN] there is no column `%s`%s", ast->parts[0],
                            binder__suggest(binder, ast->parts[ast->part_count - 1]));
    for (size_t i = used; expr && i < ast->part_count; i++)
        expr = binder__field(binder, expr, ast->parts[i], ast->at);
    return expr;
}

struct expr *binder__field(struct binder *binder, struct expr *base, const char *name, uint32_t at)
{
    const struct type *type = base->type;
    if (type->kind == TYPE_MAP)
        return binder__make(binder, "[]", at, 2, base, binder__text_literal(binder, name, at));
    bool of_array = type->kind == TYPE_ARRAY && type->fields[0].type->kind == TYPE_STRUCT;
    const struct type *record = of_array ? type->fields[0].type : type;
    if (record->kind != TYPE_STRUCT)
        return binder__fail(binder, at, ERR_TYPE,
                            "[INVALID_EXTRACT_BASE_FIELD_TYPE] cannot take field `%s` of a %s",
                            name, binder__type_text(binder, type));
    size_t found = record->field_count;
    for (size_t i = 0; i < record->field_count; i++)
        if (binder__same_name(binder, record->fields[i].name, name)) {
            if (found < record->field_count)
                return binder__fail(binder, at, ERR_INVALID,
                                    "[AMBIGUOUS_REFERENCE_TO_FIELDS] field `%s` is ambiguous",
                                    name);
            found = i;
        }
    if (found == record->field_count)
        return binder__fail(binder, at, ERR_NOT_FOUND, "[FIELD_NOT_FOUND] no field `%s` in %s",
                            name, binder__type_text(binder, record));
    struct expr *expr = binder__make(binder, of_array ? "get_fields" : "get_field", at, 1, base);
    if (!expr)
        return NULL;
    const struct type *of_field = record->fields[found].type;
    expr->slot = (uint32_t)found;
    expr->type = of_array ? type_array(binder->arena, of_field, true) : of_field;
    expr->field = true;
    expr->name = arena_strdup(binder->arena, name);
    return expr;
}

// --- literals
// --------------------------------------------------------------------------------------

struct expr *binder__text_literal(struct binder *binder, const char *text, uint32_t at)
{
    struct expr *expr = expr_literal(binder->arena, &type_string, at);
    expr->literal.strings[0] = bytes_from(text);
    return expr;
}

struct expr *binder__int_literal(struct binder *binder, int32_t value, uint32_t at)
{
    struct expr *expr = expr_literal(binder->arena, &type_int, at);
    expr->literal.ints[0] = value;
    return expr;
}

struct expr *binder__literal(struct binder *binder, const struct ast *ast)
{
    struct expr *expr = expr_literal(binder->arena, ast->type, ast->at);
    struct column *value = &expr->literal;
    switch ((int)ast->type->kind) {
    case TYPE_BOOLEAN:
        value->booleans[0] = ast->number != 0;
        break;
    case TYPE_BYTE:
        value->bytes8[0] = (int8_t)ast->number;
        break;
    case TYPE_SHORT:
        value->shorts[0] = (int16_t)ast->number;
        break;
    case TYPE_INT:
        value->ints[0] = (int32_t)ast->number;
        break;
    case TYPE_LONG:
        value->longs[0] = (int64_t)ast->number;
        break;
    case TYPE_FLOAT:
        value->floats[0] = (float)ast->real;
        break;
    case TYPE_DOUBLE:
        value->doubles[0] = ast->real;
        break;
    case TYPE_DECIMAL:
        value->decimals[0] = ast->number;
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        value->strings[0] = ast->text;
        break;
    default:
        break;
    }
    return expr;
}

// DATE'…' and the like, through the cast of the text.
static struct expr *typed(struct binder *binder, const struct ast *ast)
{
    const struct type *type = strcmp(ast->name, "date") == 0            ? &type_date
                              : strcmp(ast->name, "timestamp_ntz") == 0 ? &type_timestamp_ntz
                                                                        : &type_timestamp;
    struct bytes text = ast->text;
    struct column in;
    column_init(&in, binder->arena, &type_string, 1);
    in.strings[0] = text;
    struct cast_options options = {.zone = binder->session->zone,
                                   .now_us = binder->session->now_us};
    struct expr *expr = expr_literal(binder->arena, type, ast->at);
    err_t err = cast_column(&expr->literal, binder->arena, &in, type, &options, NULL);
    if (err || column_is_null(&expr->literal, 0))
        return binder__fail(binder, ast->at, ERR_SYNTAX,
                            "[INVALID_TYPED_LITERAL] '%.*s' is not a valid %s", BYTES_PRINT(text),
                            binder__type_text(binder, type));
    return expr;
}

// CAST('today' AS DATE) and its kind, which Spark replaces in literals only.
static struct expr *special_time(struct binder *binder, const struct ast *ast,
                                 const struct expr *from)
{
    static const struct {
        const char *word;
        int32_t days; // from today
    } words[] = {{"today", 0}, {"now", 0}, {"yesterday", -1}, {"tomorrow", 1}};
    struct bytes text;
    if (!type_is_datetime(ast->type) || !expr_text(from, &text))
        return NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (text.size != strlen(words[i].word) ||
            strncasecmp((const char *)text.ptr, words[i].word, text.size) != 0)
            continue;
        bool exact = i == 1 && ast->type->kind != TYPE_DATE;
        struct expr *time = binder__make(binder, exact ? "now" : "current_date", ast->at, 0);
        if (time && words[i].days)
            time = binder__make(binder, "date_add", ast->at, 2, time,
                                binder__int_literal(binder, words[i].days, ast->at));
        return time;
    }
    return NULL;
}

static struct expr *user_cast(struct binder *binder, const struct ast *ast)
{
    struct expr *from = binder__expr(binder, ast->args[0]);
    if (!from)
        return NULL;
    struct expr *special = special_time(binder, ast, from);
    if (special) {
        const char *type = binder__type_text(binder, ast->type);
        char *upper = arena_printf(
            binder->arena, "CAST(%s AS %s)$9",
            ast->args[0]->text.ptr ? arena_text(binder->arena, ast->args[0]->text) : "", type);
        for (char *c = strstr(upper, " AS "); *c; c++)
            *c = (char)toupper((unsigned char)*c);
        special->display = upper;
        return expr_cast(binder->arena, special, ast->type);
    }
    bool try_cast = strcmp(ast->name, "try_cast") == 0;
    if (!cast_allowed(from->type, ast->type, binder->session->ansi || try_cast))
        return binder__fail(binder, ast->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION] cannot cast %s to %s",
                            binder__type_text(binder, from->type),
                            binder__type_text(binder, ast->type));
    struct expr *expr = ARENA_NEW(binder->arena, struct expr);
    expr->kind = EXPR_CAST;
    expr->type = ast->type;
    expr->at = ast->at;
    expr->args = ARENA_ARRAY(binder->arena, struct expr *, 1);
    expr->args[0] = from;
    expr->arg_count = 1;
    expr->user_cast = true;
    expr->try_cast = try_cast;
    expr_finish(binder->arena, expr);
    return expr;
}

static struct expr *subquery(struct binder *binder, const struct ast *ast)
{
    if (strcmp(ast->name, "scalar") != 0)
        return binder__fail(binder, ast->at, ERR_UNSUPPORTED,
                            "EXISTS and IN (query) are supported as a condition of WHERE only");
    struct scope *back = binder->scope;
    const struct lambda_scope *lambdas = binder->lambdas;
    binder->lambdas = NULL;
    struct scope scope = {0};
    struct plan *plan = binder__query(binder, ast->query, &scope);
    binder->scope = back;
    binder->lambdas = lambdas;
    if (!plan)
        return NULL;
    if (plan->column_count != 1)
        return binder__fail(binder, ast->at, ERR_TYPE,
                            "[INVALID_SUBQUERY_EXPRESSION] a scalar subquery gives one column, not "
                            "%zu",
                            plan->column_count);
    struct expr *expr = ARENA_NEW(binder->arena, struct expr);
    expr->kind = EXPR_SUBQUERY;
    expr->at = ast->at;
    expr->type = plan->types[0];
    expr->plan = plan;
    expr->state = binder->state_count++;
    expr_finish(binder->arena, expr);
    if (binder->subquery_count == binder->subquery_capacity) {
        size_t capacity = binder->subquery_capacity ? binder->subquery_capacity * 2 : 4;
        struct expr **grown = ARENA_ARRAY(binder->arena, struct expr *, capacity);
        if (binder->subquery_count)
            memcpy(grown, binder->subqueries, binder->subquery_count * sizeof *grown);
        binder->subqueries = grown;
        binder->subquery_capacity = capacity;
    }
    binder->subqueries[binder->subquery_count++] = expr;
    return expr;
}

static struct expr *one(struct binder *binder, const struct ast *ast)
{
    switch (ast->kind) {
    case AST_LITERAL:
        return binder__literal(binder, ast);
    case AST_TYPED:
        return typed(binder, ast);
    case AST_INTERVAL:
        return binder__interval(binder, ast);
    case AST_NAME:
        return binder__name(binder, ast);
    case AST_CALL:
        return binder__call(binder, ast);
    case AST_CAST:
        return user_cast(binder, ast);
    case AST_FIELD: {
        struct expr *base = binder__expr(binder, ast->args[0]);
        return base ? binder__field(binder, base, ast->name, ast->at) : NULL;
    }
    case AST_SUBQUERY:
        return subquery(binder, ast);
    case AST_STAR:
        return binder__fail(binder, ast->at, ERR_INVALID, "'*' cannot stand here");
    case AST_LAMBDA:
        return binder__fail(binder, ast->at, ERR_INVALID,
                            "a lambda can only be an argument of a higher-order function");
    case AST_ALIAS:
        return binder__fail(binder, ast->at, ERR_INVALID, "an alias cannot stand here");
    }
    return NULL;
}

struct expr *binder__expr(struct binder *binder, const struct ast *ast)
{
    if (!binder__enter(binder, ast->at))
        return NULL;
    struct expr *expr = one(binder, ast);
    binder->depth--;
    return expr;
}
