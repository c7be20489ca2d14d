// SPDX-License-Identifier: Apache-2.0
//
// Calls: the function is looked up, its arguments are converted by the catalogue's signature, and
// its result type follows from it. What a signature cannot say is a bind_… function.
#include "sql/bind/bind_int.h"

#include "base/vec.h"

#include <stdarg.h>
#include <stdlib.h>

struct expr *binder__done(struct binder *binder, struct expr *call, const struct type *type)
{
    if (!call || !type)
        return NULL;
    call->type = type;
    call->state = binder->state_count++;
    expr_finish(binder->arena, call);
    return call;
}

static struct expr *new_call(struct binder *binder, const struct sql_function *function,
                             uint32_t at, size_t arg_count)
{
    struct expr *expr = ARENA_NEW(binder->arena, struct expr);
    expr->kind = EXPR_CALL;
    expr->at = at;
    expr->type = &type_null;
    expr->function = function;
    expr->args = ARENA_ARRAY(binder->arena, struct expr *, arg_count + 4); // defaults
    expr->arg_count = arg_count;
    return expr;
}

struct expr *binder__make(struct binder *binder, const char *name, uint32_t at, size_t count, ...)
{
    const struct sql_function *function = sql_function_find(name);
    if (!function)
        return binder__fail(binder, at, ERR_INTERNAL, "the catalogue lacks %s", name);
    struct expr *expr = new_call(binder, function, at, count);
    va_list args;
    va_start(args, count);
    for (size_t i = 0; i < count; i++) {
        expr->args[i] = va_arg(args, struct expr *);
        if (!expr->args[i])
            expr = NULL;
        if (!expr)
            break;
    }
    va_end(args);
    return expr ? binder__resolve(binder, expr) : NULL;
}

bool binder__convert(struct binder *binder, struct expr *call, size_t index,
                     const struct type *type)
{
    struct expr *arg = call->args[index];
    if (type_equal(arg->type, type))
        return true;
    if (!coerce_implicit(arg->type, type)) {
        binder__fail(binder, arg->at, ERR_TYPE,
                     "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] argument %zu of %s must be %s, not "
                     "%s",
                     index + 1, call->function->name, binder__type_text(binder, type),
                     binder__type_text(binder, arg->type));
        return false;
    }
    call->args[index] = expr_cast(binder->arena, arg, type);
    return true;
}

const struct type *binder__common(struct binder *binder, struct expr *call, size_t from, size_t to)
{
    if (from >= to)
        return &type_null;
    const struct type *type = call->args[from]->type;
    for (size_t i = from + 1; i < to; i++) {
        const struct type *wider = coerce_wider(binder->arena, type, call->args[i]->type);
        if (!wider)
            return binder__fail(binder, call->args[i]->at, ERR_TYPE,
                                "[DATATYPE_MISMATCH.DATA_DIFF_TYPES] the arguments of %s must have "
                                "one type, but they are %s and %s",
                                call->function->name, binder__type_text(binder, type),
                                binder__type_text(binder, call->args[i]->type));
        type = wider;
    }
    for (size_t i = from; i < to; i++)
        call->args[i] = expr_cast(binder->arena, call->args[i], type);
    return type;
}

bool binder__value(struct binder *binder, const struct expr *expr, struct column *out)
{
    if (expr->slot_count || expr->has_aggregate || expr->has_window || expr->has_generator ||
        expr->volatile_)
        return false;
    if (expr->kind == EXPR_LITERAL) {
        *out = expr->literal;
        return true;
    }
    struct run run;
    run_init(&run, (size_t)binder->state_count, binder->param_count);
    struct eval eval = {.arena = binder->arena, .session = binder->session, .run = &run};
    struct batch empty = {.count = 1};
    struct frame frame;
    frame_of_batch(&frame, &eval, &empty);
    struct vector vector;
    bool ok = eval_expr(&eval, expr, &frame, &vector) == ERR_OK;
    if (ok) {
        struct builder copy; // away from the memory of the run
        builder_init(&copy, binder->arena, vector.column.type, 1);
        builder_copy(&copy, &vector.column, 0);
        builder_finish(&copy, out);
    }
    run_release(&run);
    return ok;
}

// Whether the value can differ from one run to the next although it reads no column.
static bool depends_on_run(const struct expr *expr)
{
    if (expr->kind == EXPR_CALL && (expr->function->flags & FUNCTION_RUN))
        return true;
    if (expr->kind == EXPR_CAST && expr->args[0]->type->kind == TYPE_STRING &&
        type_is_datetime(expr->type))
        return true; // 'now', 'today'
    for (size_t i = 0; i < expr->arg_count; i++)
        if (depends_on_run(expr->args[i]))
            return true;
    return false;
}

struct expr *binder__fold(struct binder *binder, struct expr *expr)
{
    if (!expr || expr->kind == EXPR_LITERAL || expr->kind == EXPR_SLOT ||
        expr->kind == EXPR_SUBQUERY)
        return expr;
    struct column value;
    if (expr->kind != EXPR_LAMBDA && expr->slot_count == 0 && !depends_on_run(expr) &&
        binder__value(binder, expr, &value)) {
        struct expr *literal = expr_literal(binder->arena, expr->type, expr->at);
        literal->literal = value;
        literal->literal.type = expr->type;
        return literal;
    }
    for (size_t i = 0; i < expr->arg_count; i++)
        expr->args[i] = binder__fold(binder, expr->args[i]);
    if (expr->filter)
        expr->filter = binder__fold(binder, expr->filter);
    return expr;
}

// --- signatures
// ------------------------------------------------------------------------------------

static bool refuse(struct binder *binder, const struct expr *call, size_t index, const char *what)
{
    binder__fail(binder, call->args[index]->at, ERR_TYPE,
                 "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] argument %zu of %s must be %s, not %s",
                 index + 1, call->function->name, what,
                 binder__type_text(binder, call->args[index]->type));
    return false;
}

static const struct type *plain_type(const char *word)
{
    static const struct {
        const char *word;
        const struct type *type;
    } types[] = {{"string", &type_string},    {"int", &type_int},
                 {"long", &type_long},        {"double", &type_double},
                 {"boolean", &type_boolean},  {"date", &type_date},
                 {"binary", &type_binary},    {"timestamp", &type_timestamp},
                 {"byte", &type_byte},        {"timestamp_ntz", &type_timestamp_ntz},
                 {"interval", &type_interval}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(word, types[i].word) == 0)
            return types[i].type;
    return NULL;
}

static bool convert_arg(struct binder *binder, struct expr *call, size_t index, const char *word)
{
    const struct type *type = call->args[index]->type;
    if (strcmp(word, "any") == 0 || strcmp(word, "T") == 0 || strcmp(word, "lambda") == 0)
        return true;
    const struct type *plain = plain_type(word);
    if (plain)
        return binder__convert(binder, call, index, plain);
    if (strcmp(word, "num") == 0) {
        if (type_is_numeric(type))
            return true;
        return binder__convert(binder, call, index, &type_double);
    }
    if (strcmp(word, "integral") == 0) {
        if (type_is_integral(type))
            return true;
        if (type->kind == TYPE_NULL)
            return binder__convert(binder, call, index, &type_int);
        return refuse(binder, call, index, "an integer");
    }
    if (strcmp(word, "bytes") == 0)
        return type->kind == TYPE_BINARY || binder__convert(binder, call, index, &type_string);
    if (strcmp(word, "time") == 0)
        return type_is_datetime(type) || binder__convert(binder, call, index, &type_timestamp);
    enum type_kind kind = strcmp(word, "array") == 0 ? TYPE_ARRAY
                          : strcmp(word, "map") == 0 ? TYPE_MAP
                                                     : TYPE_STRUCT;
    return type->kind == kind || refuse(binder, call, index, word);
}

// The default behind '=' of a missing argument: an int, 'text' or null.
static struct expr *default_arg(struct binder *binder, const char *text, uint32_t at)
{
    if (text[0] == '\'') {
        struct bytes inner = bytes_make(text + 1, strlen(text) - 2);
        return binder__text_literal(binder, arena_text(binder->arena, inner), at);
    }
    if (strcmp(text, "comma") == 0) // cannot stand in a list as itself
        return binder__text_literal(binder, ",", at);
    if (strcmp(text, "null") == 0)
        return expr_literal(binder->arena, &type_string, at);
    if (strcmp(text, "true") == 0) {
        struct expr *expr = expr_literal(binder->arena, &type_boolean, at);
        expr->literal.booleans[0] = 1;
        return expr;
    }
    return binder__int_literal(binder, (int32_t)strtol(text, NULL, 10), at);
}

static bool wrong_count(struct binder *binder, const struct expr *call)
{
    binder__fail(binder, call->at, ERR_TYPE, "[WRONG_NUM_ARGS] %s does not take %zu argument%s",
                 call->function->name, call->arg_count, call->arg_count == 1 ? "" : "s");
    return false;
}

// Applies "string,int=1,T,any*": a type per argument, '=' a default, '?' optional, '*' any number
// more.
static bool apply_signature(struct binder *binder, struct expr *call)
{
    const char *at = call->function->args;
    size_t index = 0;
    size_t first_common = SIZE_MAX;
    while (*at) {
        char token[64];
        size_t size = strcspn(at, ",");
        snprintf(token, sizeof token, "%.*s", (int)size, at);
        at += size + (at[size] == ',');
        char *fallback = strchr(token, '=');
        if (fallback)
            *fallback++ = '\0';
        size_t length = strlen(token);
        bool many = length && token[length - 1] == '*';
        bool optional = length && token[length - 1] == '?';
        if (many || optional)
            token[length - 1] = '\0';
        if (index >= call->arg_count && fallback)
            call->args[call->arg_count++] = default_arg(binder, fallback, call->at);
        if (index >= call->arg_count && !many && !optional)
            return wrong_count(binder, call);
        for (; index < call->arg_count; index++) {
            if (strcmp(token, "T") == 0 && first_common == SIZE_MAX)
                first_common = index;
            if (!convert_arg(binder, call, index, token))
                return false;
            if (!many) {
                index++;
                break;
            }
        }
    }
    if (index < call->arg_count)
        return wrong_count(binder, call);
    return first_common == SIZE_MAX || binder__common(binder, call, first_common, call->arg_count);
}

static const struct type *result_type(struct binder *binder, const struct expr *call)
{
    const char *rule = call->function->result;
    const struct type *plain = plain_type(rule);
    if (plain)
        return plain;
    if (rule[0] >= '0' && rule[0] <= '9' && !rule[1])
        return call->args[rule[0] - '0']->type;
    if (strcmp(rule, "T") == 0)
        return call->args[call->arg_count - 1]->type;
    if (strcmp(rule, "array(0)") == 0)
        return type_array(binder->arena, call->args[0]->type, true);
    if (rule[0] == 'e' || rule[0] == 'k')
        return call->args[rule[1] - '0']->type->fields[0].type;
    if (rule[0] == 'v' && !rule[2])
        return call->args[rule[1] - '0']->type->fields[1].type;
    const struct type *type = NULL;
    if (type_parse(&type, binder->arena, bytes_from(rule), NULL) != ERR_OK)
        return binder__fail(binder, call->at, ERR_INTERNAL, "bad result type %s", rule);
    return type;
}

struct expr *binder__resolve(struct binder *binder, struct expr *call)
{
    if (call->function->args[0] != '-' && !apply_signature(binder, call))
        return NULL;
    if (call->function->bind)
        return call->function->bind(binder, call);
    return binder__done(binder, call, result_type(binder, call));
}

// --- calls
// -----------------------------------------------------------------------------------------

static bool bind_args(struct binder *binder, const struct ast *ast, struct expr *call)
{
    const char **names = NULL;
    bool record = strcmp(ast->name, "struct") == 0;
    if (record) {
        names = ARENA_ARRAY(binder->arena, const char *, ast->arg_count + 1);
        call->extra = names;
    }
    for (size_t i = 0; i < ast->arg_count; i++) {
        const struct ast *arg = ast->args[i];
        if (arg->kind == AST_ALIAS && record) {
            names[i] = arg->parts[0];
            arg = arg->args[0];
        }
        if (arg->kind == AST_STAR) {
            if (strcmp(ast->name, "count") != 0 || ast->distinct) {
                binder__fail(binder, arg->at, ERR_UNSUPPORTED, "%s(*) is not supported", ast->name);
                return false;
            }
            call->args[i] = binder__int_literal(binder, 1, arg->at);
            continue;
        }
        call->args[i] = binder__expr(binder, arg);
        if (!call->args[i])
            return false;
        if (record && !names[i] && call->args[i]->kind == EXPR_SLOT)
            names[i] = call->args[i]->name;
        if (record && !names[i] && call->args[i]->kind == EXPR_CALL && call->args[i]->field)
            names[i] = call->args[i]->name;
    }
    return true;
}

static bool check_place(struct binder *binder, const struct expr *call)
{
    const struct scope *scope = binder->scope;
    if (call->window) {
        if (!scope->windows)
            return !binder__fail(binder, call->at, ERR_INVALID,
                                 "a window function cannot stand in %s", scope->place) &&
                   false;
        return true;
    }
    if (call->function->flags & FUNCTION_WINDOW) {
        binder__fail(binder, call->at, ERR_INVALID, "%s needs OVER (…)", call->function->name);
        return false;
    }
    if (call->function->aggregate && !scope->aggregates) {
        binder__fail(binder, call->at, ERR_INVALID,
                     "[INVALID_WHERE_CONDITION] the aggregate function %s cannot stand in %s",
                     call->function->name, scope->place);
        return false;
    }
    if (call->function->aggregate && binder->in_aggregate) {
        binder__fail(binder, call->at, ERR_INVALID,
                     "[NESTED_AGGREGATE_FUNCTION] an aggregate function cannot stand in the "
                     "argument of another one");
        return false;
    }
    return true;
}

static struct expr *plain_call(struct binder *binder, const struct ast *ast,
                               const struct sql_function *function)
{
    struct expr *call = new_call(binder, function, ast->at, ast->arg_count + ast->within_count);
    call->arg_count = ast->arg_count;
    call->distinct = ast->distinct;
    call->ignore_nulls = ast->ignore_nulls;
    if ((ast->distinct || ast->filter) && !function->aggregate)
        return binder__fail(binder, ast->at, ERR_INVALID,
                            "DISTINCT and FILTER are for aggregate functions");
    if (ast->over) {
        call->window = binder__window(binder, ast->over, call);
        if (!call->window)
            return NULL;
    }
    if (!check_place(binder, call))
        return NULL;
    bool inside = binder->in_aggregate;
    binder->in_aggregate |= function->aggregate && !ast->over;
    bool bound = bind_args(binder, ast, call);
    if (bound && ast->filter) {
        call->filter = binder__expr(binder, ast->filter);
        bound = call->filter != NULL;
    }
    if (bound && ast->within_count) { // percentile_cont(p) WITHIN GROUP (ORDER BY x)
        struct expr *value = binder__expr(binder, ast->within[0].expr);
        bound = value != NULL;
        call->args[call->arg_count++] = value;
    }
    binder->in_aggregate = inside;
    if (!bound)
        return NULL;
    return binder__resolve(binder, call);
}

struct expr *binder__call(struct binder *binder, const struct ast *ast)
{
    const struct sql_function *function = sql_function_find(ast->name);
    if (!function) {
        const char *near = sql_function_near(ast->name);
        return binder__fail(binder, ast->at, ERR_UNSUPPORTED,
                            "[UNRESOLVED_ROUTINE] there is no function %s here%s%s%s", ast->shown,
                            near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
    }
    for (size_t i = 0; i < ast->arg_count; i++)
        if (ast->args[i]->kind == AST_LAMBDA)
            return binder__lambda_call(binder, ast, function);
    return plain_call(binder, ast, function);
}
