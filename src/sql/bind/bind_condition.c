// SPDX-License-Identifier: Apache-2.0
//
// Rules of the conditional functions that signatures cannot say.
#include "sql/bind/bind_rules.h"

// nvl2(a, b, c): b when a is not null, else c.
struct expr *bind_nvl2(struct binder *binder, struct expr *call)
{
    struct expr *test = binder__make(binder, "isnotnull", call->at, 1, call->args[0]);
    struct expr *chosen =
        binder__make(binder, "if", call->at, 3, test, call->args[1], call->args[2]);
    if (chosen)
        chosen->display = "nvl2($0, $1, $2)";
    return chosen;
}

// The result has the type of the first argument, but the two are compared at their common type.
struct expr *bind_nullif(struct binder *binder, struct expr *call)
{
    const struct type *type =
        coerce_comparison(binder->arena, call->args[0]->type, call->args[1]->type);
    if (!type || !coerce_orderable(type))
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES] nullif cannot compare %s "
                            "and %s",
                            binder__type_text(binder, call->args[0]->type),
                            binder__type_text(binder, call->args[1]->type));
    call->args[2] = expr_cast(binder->arena, call->args[0], type);
    call->args[3] = expr_cast(binder->arena, call->args[1], type);
    call->arg_count = 4;
    call->display = "nullif($0, $1)";
    return binder__done(binder, call, call->args[0]->type);
}

struct expr *bind_double_to_boolean(struct binder *binder, struct expr *call)
{
    call->args[0] = expr_cast(binder->arena, call->args[0], &type_double);
    return binder__done(binder, call, &type_boolean);
}

// binder__field() sets the rest.
struct expr *bind_get_field(struct binder *binder, struct expr *call)
{
    return binder__done(binder, call, &type_null);
}
