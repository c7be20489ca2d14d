// SPDX-License-Identifier: Apache-2.0
//
// The values of a WHERE clause: partition keys, intervals of clusterings, token bounds.
//
// Intervals are plain byte strings (see keys.c): with `e` the encoded value behind the prefix `p`,
//     = e  ->  [pe, pe FF)      >= e -> [pe, …)      > e -> [pe FF, …)      < e -> […, pe)      <=
//     e -> […, pe FF)
// and a DESC column swaps the two sides.

#include "tables/where_int.h"

#include "tables/keys.h"
#include "tables/token.h"

#include <stdlib.h>

#define COMBINATIONS_MAX 10000

// --- values ---

err_t where__values(const struct relation *relation, const struct cql_type *type, const char *name,
                    bool nulls, const struct term_context *context, struct where_values *out,
                    struct diag *diag)
{
    for (size_t i = 0; i < relation->value_count; i++) {
        struct bytes value;
        bool unset = false;
        const struct cql_type *of =
            relation->in_marker ? cql_type_list(context->arena, type, true) : type;
        TRY(term_eval(relation->values[i], of, name, context, &value, &unset, diag));
        if (unset)
            return FAIL(diag, ERR_INVALID, "Invalid unset value for column %s", name);
        if (relation->in_marker) {
            if (!value.ptr)
                return FAIL(diag, ERR_INVALID, "Invalid null value for column %s", name);
            struct cql_items items = cql_items_of(of, value);
            struct bytes item;
            while (cql_items_next(&items, &item)) {
                if (!item.ptr && !nulls)
                    return FAIL(diag, ERR_INVALID, "Invalid null value in condition for column %s",
                                name);
                vec_push(&out->all, item);
            }
            continue;
        }
        if (!value.ptr && !nulls)
            return FAIL(diag, ERR_INVALID, "Invalid null value in condition for column %s", name);
        vec_push(&out->all, value);
    }
    return ERR_OK;
}

// Splits the serialised tuple `value` into the columns of `relation`.
err_t where__split_tuple(const struct table_schema *table, const struct relation *relation,
                         struct bytes value, struct arena *arena, struct bytes *out,
                         struct diag *diag)
{
    struct cql_items items = cql_items_of(where__tuple_type(table, relation, arena), value);
    for (size_t i = 0; i < relation->column_count; i++) {
        if (!cql_items_next(&items, &out[i]) || !out[i].ptr)
            return FAIL(diag, ERR_INVALID, "Invalid null value in condition for columns: %s",
                        relation->columns[i]);
    }
    return ERR_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

// Encoded, sorted, without doubles: what `relation` allows behind a clustering prefix.
static err_t eval_encoded(const struct where_plan *plan, const struct relation *relation,
                          const struct term_context *context, struct where_values *out,
                          struct diag *diag)
{
    const struct table_schema *table = plan->table;
    const struct column_meta *first = table_schema_column(table, relation->columns[0]);
    bool tuple = relation->target == RELATION_TUPLE;
    const struct cql_type *type =
        tuple ? where__tuple_type(table, relation, context->arena) : first->type;
    struct where_values plain = {0};
    err_t err = where__values(relation, type, first->name, false, context, &plain, diag);
    struct bytes *parts = ARENA_ARRAY(context->arena, struct bytes, relation->column_count);
    for (size_t i = 0; !err && i < plain.all.count; i++) {
        struct str encoded = {0};
        parts[0] = plain.all.items[i];
        if (tuple)
            err = where__split_tuple(table, relation, plain.all.items[i], context->arena, parts,
                                     diag);
        for (size_t c = 0; !err && c < relation->column_count; c++) {
            const struct column_meta *column = table_schema_column(table, relation->columns[c]);
            if (parts[c].size > KEY_PART_MAX)
                err = FAIL(diag, ERR_INVALID, "Key length of %zu is longer than maximum of 65535",
                           parts[c].size);
            else
                key_component(&encoded, column->type, column->descending, parts[c]);
        }
        if (!err)
            vec_push(&out->all, arena_bytes(context->arena, str_bytes(&encoded)));
        str_release(&encoded);
    }
    vec_release(&plain.all);
    if (out->all.count > 1) {
        qsort(out->all.items, out->all.count, sizeof *out->all.items, by_bytes);
        size_t kept = 1;
        for (size_t i = 1; i < out->all.count; i++)
            if (!bytes_equal(out->all.items[i], out->all.items[kept - 1]))
                out->all.items[kept++] = out->all.items[i];
        out->all.count = kept;
    }
    return err;
}

static struct bytes join(struct arena *arena, struct bytes a, struct bytes b, bool after)
{
    uint8_t *ptr = arena_alloc(arena, a.size + b.size + 1);
    if (a.size)
        memcpy(ptr, a.ptr, a.size);
    if (b.size)
        memcpy(ptr + a.size, b.ptr, b.size);
    ptr[a.size + b.size] = KEY_AFTER;
    return bytes_make(ptr, a.size + b.size + after);
}

// The one encoded value of a bound.
static err_t eval_bound(const struct where_plan *plan, const struct relation *relation,
                        const struct term_context *context, struct bytes *out, struct diag *diag)
{
    struct where_values values = {0};
    err_t err = eval_encoded(plan, relation, context, &values, diag);
    if (!err && values.all.items)
        *out = values.all.items[0];
    vec_release(&values.all);
    return err;
}

// One side of a stretch: where it stands behind each prefix.
struct side {
    bool set;
    struct bytes value;
    bool after; // FF behind it
};

static err_t eval_sides(const struct where_plan *plan, const struct term_context *context,
                        struct side *lower, struct side *upper, struct diag *diag)
{
    const struct relation *relations[2] = {plan->lower, plan->upper};
    for (int i = 0; i < 2; i++) {
        const struct relation *relation = relations[i];
        if (!relation)
            continue;
        bool descending = table_schema_column(plan->table, relation->columns[0])->descending;
        bool low = where__is_lower(relation->op) != descending;
        bool inclusive = relation->op == RELATION_GE || relation->op == RELATION_LE;
        struct side *side = low ? lower : upper;
        side->set = true;
        side->after = low != inclusive;
        TRY(eval_bound(plan, relation, context, &side->value, diag));
    }
    return ERR_OK;
}

static err_t eval_prefixes(const struct where_plan *plan, const struct term_context *context,
                           struct where_values *out, struct diag *diag)
{
    vec_push(&out->all, bytes_make("", 0));
    for (size_t p = 0; p < plan->prefix_count; p++) {
        struct where_values choices = {0}, longer = {0};
        err_t err = eval_encoded(plan, plan->prefix[p], context, &choices, diag);
        if (!err && choices.all.count * out->all.count > COMBINATIONS_MAX)
            err = FAIL(diag, ERR_INVALID,
                       "IN restrictions give more than %d combinations of clustering keys",
                       COMBINATIONS_MAX);
        for (size_t i = 0; !err && i < out->all.count; i++)
            for (size_t j = 0; j < choices.all.count; j++)
                vec_push(&longer.all,
                         join(context->arena, out->all.items[i], choices.all.items[j], false));
        vec_release(&choices.all);
        vec_release(&out->all);
        *out = longer;
        TRY(err);
    }
    return ERR_OK;
}

static err_t eval_intervals(const struct where_plan *plan, const struct term_context *context,
                            struct where_lists *out, struct diag *diag)
{
    struct side lower = {0}, upper = {0};
    TRY(eval_sides(plan, context, &lower, &upper, diag));
    struct where_values prefixes = {0};
    err_t err = eval_prefixes(plan, context, &prefixes, diag);
    bool point = plan->prefix_columns == plan->table->clustering_count;
    for (size_t i = 0; !err && i < prefixes.all.count; i++) {
        struct bytes prefix = prefixes.all.items[i];
        struct interval_bytes interval = {.point = point};
        interval.lower =
            lower.set ? join(context->arena, prefix, lower.value, lower.after) : prefix;
        interval.upper = upper.set ? join(context->arena, prefix, upper.value, upper.after)
                                   : join(context->arena, prefix, BYTES_NULL, true);
        if (bytes_compare(interval.lower, interval.upper) < 0)
            vec_push(&out->intervals, interval);
    }
    vec_release(&prefixes.all);
    return err;
}

// --- partition keys ---

struct sort_key {
    struct bytes encoded, key;
};

static int by_encoded(const void *a, const void *b)
{
    return bytes_compare(((const struct sort_key *)a)->encoded,
                         ((const struct sort_key *)b)->encoded);
}

static err_t add_key(const struct where_plan *plan, const struct bytes *values, struct arena *arena,
                     struct sort_key *out, struct diag *diag)
{
    const struct table_schema *table = plan->table;
    struct str key = {0}, encoded = {0};
    size_t total = 0;
    for (size_t i = 0; i < table->partition_count; i++)
        total += values[i].size;
    if (total == 0 && table->partition_count == 1)
        return FAIL(diag, ERR_INVALID, "Key may not be empty");
    if (total > KEY_PART_MAX)
        return FAIL(diag, ERR_INVALID, "Key length of %zu is longer than maximum of 65535", total);
    partition_key_join(&key, values, table->partition_count);
    for (size_t i = 0; i < table->partition_count; i++)
        key_component(&encoded, table->columns[i].type, false, values[i]);
    out->key = arena_bytes(arena, str_bytes(&key));
    out->encoded = arena_bytes(arena, str_bytes(&encoded));
    str_release(&key);
    str_release(&encoded);
    return ERR_OK;
}

// All combinations of the columns' choices, like an odometer.
static err_t combine_keys(const struct where_plan *plan, const struct where_values *choices,
                          const struct term_context *context, struct where_lists *out,
                          struct diag *diag)
{
    size_t columns = plan->table->partition_count, total = 1;
    for (size_t i = 0; i < columns; i++) {
        total *= choices[i].all.count;
        if (total > COMBINATIONS_MAX)
            return FAIL(diag, ERR_INVALID,
                        "IN restrictions give more than %d combinations of partition keys",
                        COMBINATIONS_MAX);
    }
    struct sort_key *keys = ARENA_ARRAY(context->arena, struct sort_key, total + 1);
    struct bytes *values = ARENA_ARRAY(context->arena, struct bytes, columns);
    for (size_t k = 0; k < total; k++) {
        size_t rest = k;
        for (size_t i = columns; i-- > 0; rest /= choices[i].all.count)
            values[i] = choices[i].all.items[rest % choices[i].all.count];
        TRY(add_key(plan, values, context->arena, &keys[k], diag));
    }
    if (total > 1)
        qsort(keys, total, sizeof *keys, by_encoded);
    for (size_t k = 0; k < total; k++)
        if (k == 0 || !bytes_equal(keys[k].key, keys[k - 1].key))
            vec_push(&out->keys, keys[k].key);
    return ERR_OK;
}

static err_t eval_keys(const struct where_plan *plan, const struct term_context *context,
                       struct where_lists *out, struct diag *diag)
{
    size_t columns = plan->table->partition_count;
    struct where_values *choices = ARENA_ARRAY(context->arena, struct where_values, columns);
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < columns; i++)
        err = where__values(plan->keys[i], plan->table->columns[i].type,
                            plan->table->columns[i].name, false, context, &choices[i], diag);
    if (!err)
        err = combine_keys(plan, choices, context, out, diag);
    for (size_t i = 0; i < columns; i++)
        vec_release(&choices[i].all);
    return err;
}

err_t where_eval(const struct where_plan *plan, const struct term_context *context,
                 struct where_lists *out, struct diag *diag)
{
    if (plan->partitions != WHERE_KEYS)
        return ERR_OK;
    TRY(eval_keys(plan, context, out, diag));
    return eval_intervals(plan, context, out, diag);
}

void where_lists_release(struct where_lists *lists)
{
    vec_release(&lists->keys);
    vec_release(&lists->intervals);
}

// --- tokens ---

static err_t eval_token(const struct where_plan *plan, const struct relation *relation,
                        const struct term_context *context, int64_t *out, struct diag *diag)
{
    const struct term *term = relation->values[0];
    struct bytes value;
    if (term->kind == TERM_FUNCTION && strcmp(term->function, "token") == 0) {
        struct bytes *parts = ARENA_ARRAY(context->arena, struct bytes, term->count + 1);
        for (size_t i = 0; i < term->count; i++) {
            TRY(term_eval(term->items[i], plan->table->columns[i].type,
                          plan->table->columns[i].name, context, &parts[i], NULL, diag));
            if (!parts[i].ptr)
                return FAIL(diag, ERR_INVALID, "Invalid null value in condition for column %s",
                            plan->table->columns[i].name);
        }
        struct str key = {0};
        partition_key_join(&key, parts, term->count);
        *out = token_of(str_bytes(&key));
        str_release(&key);
        return ERR_OK;
    }
    TRY(term_eval(term, cql_type_scalar(CQL_BIGINT), "partition key token", context, &value, NULL,
                  diag));
    if (value.size != 8)
        return FAIL(diag, ERR_INVALID, "Invalid null token value");
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | value.ptr[i];
    *out = (int64_t)bits;
    return ERR_OK;
}

err_t where_tokens(const struct where_plan *plan, const struct term_context *context,
                   int64_t *first, int64_t *last, struct diag *diag)
{
    *first = INT64_MIN;
    *last = INT64_MAX;
    if (plan->token_equal) {
        TRY(eval_token(plan, plan->token_equal, context, first, diag));
        *last = *first;
    }
    int64_t token;
    if (plan->token_lower) {
        TRY(eval_token(plan, plan->token_lower, context, &token, diag));
        bool strict = plan->token_lower->op == RELATION_GT;
        if (strict && token == INT64_MAX)
            *last = INT64_MIN; // nothing lies above
        else
            *first = token + strict;
    }
    if (plan->token_upper) {
        TRY(eval_token(plan, plan->token_upper, context, &token, diag));
        bool strict = plan->token_upper->op == RELATION_LT;
        // The lowest token stands for "the end of the ring" when it bounds from above.
        if (token == INT64_MIN)
            return ERR_OK;
        if (token - strict < *last)
            *last = token - strict;
    }
    return ERR_OK;
}
