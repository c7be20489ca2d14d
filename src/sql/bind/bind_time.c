// SPDX-License-Identifier: Apache-2.0
//
// window(time, size[, slide[, start]]): a STRUCT of start and end. Tumbling windows are an ordinary
// expression; sliding ones multiply the rows with explode.
#include "sql/bind/bind_rules.h"

#include "data/interval.h"

static bool duration(struct binder *binder, const struct expr *arg, int64_t *out)
{
    struct bytes text;
    struct interval interval;
    struct diag diag = DIAG_INIT;
    if (!expr_text(arg, &text)) {
        binder__fail(binder, arg->at, ERR_TYPE, "the durations of window() must be constant texts");
        return false;
    }
    if (interval_parse(&interval, text, &diag)) {
        binder__fail(binder, arg->at, ERR_INVALID, "%s", diag_text(&diag));
        return false;
    }
    if (interval.months) {
        binder__fail(binder, arg->at, ERR_INVALID,
                     "intervals of months or years cannot be used in window()");
        return false;
    }
    *out = interval.us + interval.days * US_PER_DAY;
    return true;
}

struct expr *bind_window(struct binder *binder, struct expr *call)
{
    int64_t *sizes = ARENA_ARRAY(binder->arena, int64_t, 3);
    if (call->args[0]->type->kind != TYPE_TIMESTAMP_NTZ &&
        !binder__convert(binder, call, 0, &type_timestamp))
        return NULL;
    for (size_t i = 1; i < call->arg_count; i++)
        if (!duration(binder, call->args[i], &sizes[i - 1]))
            return NULL;
    if (call->arg_count < 3)
        sizes[1] = sizes[0];
    int64_t start = sizes[2] < 0 ? -sizes[2] : sizes[2];
    if (sizes[0] <= 0 || sizes[1] <= 0 || sizes[1] > sizes[0] || start >= sizes[1])
        return binder__fail(binder, call->at, ERR_INVALID,
                            "[DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION] window() needs 0 < "
                            "slide <= size and |start| < slide");
    if (sizes[0] / sizes[1] > 10000)
        return binder__fail(binder, call->at, ERR_TOO_LARGE,
                            "window() would put each row into more than 10000 windows");
    call->extra = sizes;
    call->display = "window";
    const struct type *time = call->args[0]->type;
    struct type_field fields[] = {{"start", time, true}, {"end", time, true}};
    const struct type *record = type_struct(binder->arena, fields, 2);
    bool sliding = sizes[1] != sizes[0];
    return binder__done(binder, call, sliding ? type_array(binder->arena, record, false) : record);
}

bool binder__time_windows(struct binder *binder, const struct ast_select *select,
                          struct plan **plan, struct scope *scope)
{
    for (size_t i = 0; i < select->group_count; i++) {
        const struct ast *ast = select->group_by[i];
        if (ast->kind != AST_CALL || strcmp(ast->name, "window") != 0)
            continue;
        scope->place = "GROUP BY";
        struct expr *call = binder__expr(binder, ast);
        if (!call)
            return false;
        struct expr *time = binder__make(binder, "isnotnull", ast->at, 1, call->args[0]);
        *plan = plan_filter(binder->arena, *plan, time);
        struct expr *lists = call;
        if (call->type->kind == TYPE_STRUCT)
            lists = binder__make(binder, "array", ast->at, 1, call);
        struct expr *rows = lists ? binder__make(binder, "explode", ast->at, 1, lists) : NULL;
        *plan = rows ? binder__generate(binder, *plan, rows, false) : NULL;
        if (!*plan)
            return false;
        uint32_t slot = (uint32_t)(*plan)->column_count - 1;
        (*plan)->names[slot] = "window";
        struct scope_column *columns =
            ARENA_ARRAY(binder->arena, struct scope_column, scope->count + 2);
        memcpy(columns, scope->columns, scope->count * sizeof *columns);
        columns[scope->count] =
            (struct scope_column){NULL, "window", (*plan)->types[slot], slot, true};
        columns[scope->count].hidden = false;
        scope->columns = columns;
        scope->count++;
        // GROUP BY names the new column from here on.
        struct ast *name = ARENA_NEW(binder->arena, struct ast);
        static const char *const part[] = {"window"};
        *name = (struct ast){.kind = AST_NAME, .at = ast->at, .part_count = 1};
        name->parts = arena_dup(binder->arena, part, sizeof part);
        select->group_by[i] = name;
    }
    return true;
}
