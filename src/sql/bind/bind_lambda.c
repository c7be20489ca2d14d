// SPDX-License-Identifier: Apache-2.0
//
// Higher-order functions: the types of a lambda's parameters come from the other arguments, which
// are bound first.
#include "sql/bind/bind_rules.h"

struct expr *binder__lambda(struct binder *binder, const struct ast *ast,
                            const struct type *const *types, size_t count)
{
    if (ast->kind != AST_LAMBDA)
        return binder__fail(binder, ast->at, ERR_TYPE, "a lambda (x -> …) is expected here");
    if (ast->part_count > count)
        return binder__fail(binder, ast->at, ERR_TYPE,
                            "[INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH] this lambda may "
                            "have %zu parameters, it has %zu",
                            count, ast->part_count);
    uint32_t *slots = ARENA_ARRAY(binder->arena, uint32_t, ast->part_count + 1);
    for (size_t i = 0; i < ast->part_count; i++)
        slots[i] = SLOT_PARAM + binder->param_count++;
    struct lambda_scope scope = {.names = ast->parts,
                                 .slots = slots,
                                 .types = arena_dup(binder->arena, types, count * sizeof *types),
                                 .count = ast->part_count,
                                 .outer = binder->lambdas};
    binder->lambdas = &scope;
    struct expr *body = binder__expr(binder, ast->args[0]);
    binder->lambdas = scope.outer;
    if (!body)
        return NULL;
    struct expr *expr = ARENA_NEW(binder->arena, struct expr);
    expr->kind = EXPR_LAMBDA;
    expr->at = ast->at;
    expr->type = body->type;
    expr->args = ARENA_ARRAY(binder->arena, struct expr *, 1);
    expr->args[0] = body;
    expr->arg_count = 1;
    expr->params = slots;
    expr->param_count = ast->part_count;
    expr_finish(binder->arena, expr);
    return expr;
}

// Brings the body of a lambda to a type.
static bool body_to(struct binder *binder, struct expr *lambda, const struct type *type)
{
    struct expr *body = lambda->args[0];
    if (!type_equal(body->type, type) && !coerce_implicit(body->type, type)) {
        binder__fail(binder, body->at, ERR_TYPE, "this lambda must give %s, not %s",
                     binder__type_text(binder, type), binder__type_text(binder, body->type));
        return false;
    }
    lambda->args[0] = expr_cast(binder->arena, body, type);
    lambda->type = type;
    expr_finish(binder->arena, lambda);
    return true;
}

static const struct type *element(struct binder *binder, const struct expr *arg,
                                  enum type_kind kind)
{
    if (arg->type->kind == kind)
        return arg->type->fields[0].type;
    return binder__fail(binder, arg->at, ERR_TYPE,
                        "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] %s is needed here, not %s",
                        kind == TYPE_ARRAY ? "an array" : "a map",
                        binder__type_text(binder, arg->type));
}

static struct expr *finish_aggregate(struct binder *binder, struct expr *call,
                                     const struct ast *ast, const struct type *item)
{
    call->args[1] = binder__expr(binder, ast->args[1]);
    if (!call->args[1])
        return NULL;
    const struct type *types[] = {call->args[1]->type, item};
    call->args[2] = binder__lambda(binder, ast->args[2], types, 2);
    if (!call->args[2])
        return NULL;
    if (!type_equal(call->args[2]->type, types[0])) {
        // The zero is brought to the type the lambda gives, then both are bound again.
        const struct type *wider = coerce_wider(binder->arena, types[0], call->args[2]->type);
        if (!wider)
            return binder__fail(binder, call->args[2]->at, ERR_TYPE,
                                "the lambda must give the type of the start value, %s, not %s",
                                binder__type_text(binder, types[0]),
                                binder__type_text(binder, call->args[2]->type));
        types[0] = wider;
        call->args[1] = expr_cast(binder->arena, call->args[1], wider);
        call->args[2] = binder__lambda(binder, ast->args[2], types, 2);
        if (!call->args[2] || !body_to(binder, call->args[2], wider))
            return NULL;
    }
    if (ast->arg_count == 4) {
        call->args[3] = binder__lambda(binder, ast->args[3], types, 1);
    } else { // Spark's own default: acc -> acc
        static const char *const names[] = {"id"};
        struct ast body = {.kind = AST_NAME, .at = ast->at, .part_count = 1};
        body.parts = arena_dup(binder->arena, names, sizeof names);
        struct ast *args[] = {&body};
        struct ast lambda = {.kind = AST_LAMBDA, .at = ast->at, .part_count = 1, .arg_count = 1};
        lambda.parts = body.parts;
        lambda.args = args;
        call->args[3] = binder__lambda(binder, &lambda, types, 1);
    }
    call->arg_count = 4;
    return call->args[3] ? binder__done(binder, call, call->args[3]->type) : NULL;
}

static struct expr *zip_lists(struct binder *binder, struct expr *call, const struct ast *ast)
{
    call->args[1] = binder__expr(binder, ast->args[1]);
    if (!call->args[1])
        return NULL;
    bool map = strcmp(call->function->name, "map_zip_with") == 0;
    enum type_kind kind = map ? TYPE_MAP : TYPE_ARRAY;
    if (!element(binder, call->args[0], kind) || !element(binder, call->args[1], kind))
        return NULL;
    const struct type *a = call->args[0]->type;
    const struct type *b = call->args[1]->type;
    if (map && !type_equal(a->fields[0].type, b->fields[0].type))
        return binder__fail(binder, call->at, ERR_TYPE, "the keys of both maps must have one type");
    const struct type *types[3] = {a->fields[0].type, b->fields[0].type, NULL};
    if (map) {
        types[1] = a->fields[1].type;
        types[2] = b->fields[1].type;
    }
    call->args[2] = binder__lambda(binder, ast->args[2], types, map ? 3 : 2);
    if (!call->args[2])
        return NULL;
    call->arg_count = 3;
    const struct type *made = call->args[2]->type;
    return binder__done(binder, call,
                        map ? type_map(binder->arena, a->fields[0].type, made, true)
                            : type_array(binder->arena, made, true));
}

static struct expr *over_list(struct binder *binder, struct expr *call, const struct ast *ast)
{
    const char *name = call->function->name;
    const struct type *item = element(binder, call->args[0], TYPE_ARRAY);
    if (!item)
        return NULL;
    if (strcmp(name, "aggregate") == 0 || strcmp(name, "reduce") == 0)
        return finish_aggregate(binder, call, ast, item);
    bool indexed = strcmp(name, "transform") == 0 || strcmp(name, "filter") == 0;
    bool sort = strcmp(name, "array_sort") == 0;
    const struct type *types[] = {item, sort ? item : &type_int};
    call->args[1] = binder__lambda(binder, ast->args[1], types, indexed || sort ? 2 : 1);
    if (!call->args[1])
        return NULL;
    call->arg_count = 2;
    if (strcmp(name, "transform") == 0)
        return binder__done(binder, call, type_array(binder->arena, call->args[1]->type, true));
    if (!body_to(binder, call->args[1], sort ? &type_int : &type_boolean))
        return NULL;
    bool test = strcmp(name, "exists") == 0 || strcmp(name, "forall") == 0 ||
                strcmp(name, "any_match") == 0 || strcmp(name, "all_match") == 0;
    return binder__done(binder, call, test ? &type_boolean : call->args[0]->type);
}

static struct expr *over_map(struct binder *binder, struct expr *call, const struct ast *ast)
{
    const char *name = call->function->name;
    if (!element(binder, call->args[0], TYPE_MAP))
        return NULL;
    const struct type *map = call->args[0]->type;
    const struct type *types[] = {map->fields[0].type, map->fields[1].type};
    call->args[1] = binder__lambda(binder, ast->args[1], types, 2);
    if (!call->args[1])
        return NULL;
    call->arg_count = 2;
    const struct type *made = call->args[1]->type;
    if (strcmp(name, "transform_keys") == 0)
        return binder__done(binder, call, type_map(binder->arena, made, types[1], true));
    if (strcmp(name, "transform_values") == 0)
        return binder__done(binder, call, type_map(binder->arena, types[0], made, true));
    if (!body_to(binder, call->args[1], &type_boolean))
        return NULL;
    return binder__done(binder, call, map);
}

struct expr *bind_lambda_call(struct binder *binder, struct expr *call)
{
    return binder__fail(binder, call->at, ERR_TYPE, "%s needs a lambda (x -> …)",
                        call->function->name);
}

struct expr *binder__lambda_call(struct binder *binder, const struct ast *ast,
                                 const struct sql_function *function)
{
    static const char *const counts[] = {"aggregate", "reduce", "zip_with", "map_zip_with"};
    size_t need = 2;
    for (size_t i = 0; i < 4; i++)
        if (strcmp(function->name, counts[i]) == 0)
            need = 3;
    bool four = strcmp(function->name, "aggregate") == 0 || strcmp(function->name, "reduce") == 0;
    if (!function->lazy || function->bind != bind_lambda_call)
        if (strcmp(function->name, "array_sort") != 0)
            return binder__fail(binder, ast->at, ERR_TYPE, "%s does not take a lambda",
                                function->name);
    if (ast->arg_count != need && !(four && ast->arg_count == 4))
        return binder__fail(binder, ast->at, ERR_TYPE, "[WRONG_NUM_ARGS] %s takes %zu arguments",
                            function->name, need);
    struct expr *call = ARENA_NEW(binder->arena, struct expr);
    call->kind = EXPR_CALL;
    call->at = ast->at;
    call->function = function;
    call->type = &type_null;
    call->args = ARENA_ARRAY(binder->arena, struct expr *, 6);
    call->args[0] = binder__expr(binder, ast->args[0]);
    call->arg_count = 1;
    if (!call->args[0])
        return NULL;
    if (need == 3 && !four)
        return zip_lists(binder, call, ast);
    if (call->args[0]->type->kind == TYPE_MAP)
        return over_map(binder, call, ast);
    return over_list(binder, call, ast);
}
