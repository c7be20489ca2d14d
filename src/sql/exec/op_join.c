// SPDX-License-Identifier: Apache-2.0
//
// Hash join: the right side is kept and hashed by its keys, the left side probes it batch by batch.
// Candidate pairs are checked against the rest of the condition a batch at a time. Without keys
// every pair is a candidate.
#include "sql/exec/op.h"
#include "sql/exec/value.h"

#include "base/hash.h"
#include "base/mem.h"

struct join {
    struct rows right;
    struct column *columns; // of the right side, once it has ended
    struct column *keys;
    uint32_t *heads; // row + 1 by hash
    uint32_t *next;  // chain
    size_t slot_count;
    bool *matched; // right rows with a partner
    bool null_key; // a right key is NULL
};

static err_t join_open(struct op *op)
{
    struct join *join = MEM_NEW(struct join);
    const struct plan *right = op->plan->inputs[1];
    rows_init(&join->right, right->types, right->column_count);
    op->state = join;
    return ERR_OK;
}

static uint64_t key_hash(const struct column *keys, size_t count, size_t row)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++)
        hash = hash_u64(hash ^ value_hash(&keys[i], row));
    return hash;
}

// Whether a key that is not compared by <=> is NULL: such a row has no partner.
static bool null_in(const struct op *op, const struct column *keys, size_t row)
{
    for (size_t i = 0; i < op->plan->expr_count; i++)
        if (!op->plan->null_safe[i] && column_is_null(&keys[i], row))
            return true;
    return false;
}

static err_t keys_of(struct op *op, struct expr *const *exprs, const struct batch *batch,
                     struct column **out)
{
    struct eval *eval = &op->exec->eval;
    struct frame frame;
    frame_of_batch(&frame, eval, batch);
    *out = ARENA_ARRAY(eval->arena, struct column, op->plan->expr_count + 1);
    for (size_t i = 0; i < op->plan->expr_count; i++)
        TRY(eval_column(eval, exprs[i], &frame, &(*out)[i]));
    return ERR_OK;
}

static err_t build(struct op *op)
{
    struct join *join = op->state;
    struct arena *arena = &join->right.arena;
    join->columns = rows_columns(&join->right);
    struct batch all = {.count = join->right.count,
                        .column_count = join->right.column_count,
                        .columns = join->columns};
    struct arena *batch_arena = op->exec->eval.arena;
    op->exec->eval.arena = arena;
    err_t err = keys_of(op, op->plan->more, &all, &join->keys);
    op->exec->eval.arena = batch_arena;
    TRY(err);
    join->slot_count = 16;
    while (join->slot_count < join->right.count * 2)
        join->slot_count *= 2;
    join->heads = ARENA_ARRAY(arena, uint32_t, join->slot_count);
    join->next = ARENA_ARRAY(arena, uint32_t, join->right.count + 1);
    join->matched = ARENA_ARRAY(arena, bool, join->right.count + 1);
    // Backwards, so that chains run in the order of the rows.
    for (size_t row = join->right.count; row-- > 0;) {
        if (null_in(op, join->keys, row)) {
            join->null_key = true;
            continue;
        }
        size_t at = key_hash(join->keys, op->plan->expr_count, row) & (join->slot_count - 1);
        join->next[row] = join->heads[at];
        join->heads[at] = (uint32_t)row + 1;
    }
    return ERR_OK;
}

struct pairs {
    uint32_t *left, *right;
    size_t count, capacity;
};

static void add_pair(struct pairs *pairs, struct arena *arena, size_t left, size_t right)
{
    if (pairs->count == pairs->capacity) {
        size_t capacity = pairs->capacity ? pairs->capacity * 2 : 256;
        uint32_t *grown = arena_alloc(arena, capacity * sizeof *grown);
        uint32_t *grown_right = arena_alloc(arena, capacity * sizeof *grown);
        if (pairs->count) {
            memcpy(grown, pairs->left, pairs->count * sizeof *grown);
            memcpy(grown_right, pairs->right, pairs->count * sizeof *grown);
        }
        pairs->left = grown;
        pairs->right = grown_right;
        pairs->capacity = capacity;
    }
    pairs->left[pairs->count] = (uint32_t)left;
    pairs->right[pairs->count++] = (uint32_t)right;
}

// Columns of left and right for the pairs; a right row UINT32_MAX is all NULL, so is a left one.
static void pair_columns(struct op *op, const struct batch *left, const struct pairs *pairs,
                         struct batch *out)
{
    struct join *join = op->state;
    struct arena *arena = op->exec->eval.arena;
    size_t left_count = op->plan->inputs[0]->column_count;
    size_t total = left_count + join->right.column_count;
    *out = (struct batch){.count = pairs->count, .column_count = total, .names = op->plan->names};
    out->columns = ARENA_ARRAY(arena, struct column, total + 1);
    for (size_t c = 0; c < total; c++) {
        bool of_left = c < left_count;
        const struct column *from =
            of_left ? (left ? &left->columns[c] : NULL) : &join->columns[c - left_count];
        const uint32_t *rows = of_left ? pairs->left : pairs->right;
        struct builder builder;
        const struct type *type =
            of_left ? op->plan->inputs[0]->types[c] : op->plan->inputs[1]->types[c - left_count];
        builder_init(&builder, arena, type, pairs->count);
        for (size_t i = 0; i < pairs->count; i++)
            if (from && rows[i] != UINT32_MAX)
                builder_value(&builder, from, rows[i]);
            else
                builder_null(&builder);
        builder_finish(&builder, &out->columns[c]);
    }
}

static err_t check_pairs(struct op *op, const struct batch *left, struct pairs *pairs)
{
    if (!op->plan->condition || pairs->count == 0)
        return ERR_OK;
    struct eval *eval = &op->exec->eval;
    struct batch batch;
    pair_columns(op, left, pairs, &batch);
    struct frame frame;
    frame_of_batch(&frame, eval, &batch);
    uint32_t *rows = arena_alloc(eval->arena, (pairs->count + 1) * sizeof *rows);
    size_t count = 0;
    TRY(eval_filter(eval, op->plan->condition, &frame, rows, &count));
    for (size_t i = 0; i < count; i++) {
        pairs->left[i] = pairs->left[rows[i]];
        pairs->right[i] = pairs->right[rows[i]];
    }
    pairs->count = count;
    return ERR_OK;
}

static bool keys_equal(const struct op *op, const struct column *a, size_t i,
                       const struct column *b, size_t j)
{
    for (size_t k = 0; k < op->plan->expr_count; k++)
        if (!value_equal(&a[k], i, &b[k], j))
            return false;
    return true;
}

static err_t candidates(struct op *op, const struct batch *left, const struct column *keys,
                        struct pairs *pairs)
{
    struct join *join = op->state;
    struct arena *arena = op->exec->eval.arena;
    for (size_t i = 0; i < left->count; i++) {
        if (null_in(op, keys, i))
            continue;
        size_t at = key_hash(keys, op->plan->expr_count, i) & (join->slot_count - 1);
        for (uint32_t row = join->heads[at]; row; row = join->next[row - 1])
            if (keys_equal(op, keys, i, join->keys, row - 1))
                add_pair(pairs, arena, i, row - 1);
        if (arena->used_bytes > op->exec->memory_max_bytes)
            return FAIL(op->exec->eval.diag, ERR_OVERLOADED, "the join makes too many rows");
    }
    return ERR_OK;
}

static err_t emit_left_rows(struct op *op, const struct batch *left, const bool *hit, bool wanted)
{
    struct arena *arena = op->exec->eval.arena;
    uint32_t *rows = arena_alloc(arena, (left->count + 1) * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < left->count; i++)
        if (hit[i] == wanted)
            rows[count++] = (uint32_t)i;
    struct batch out = *left;
    out.count = count;
    out.columns = ARENA_ARRAY(arena, struct column, left->column_count + 1);
    for (size_t c = 0; c < left->column_count; c++)
        column_gather(&out.columns[c], arena, &left->columns[c], rows, count);
    return op_emit(op, &out);
}

static err_t probe(struct op *op, const struct batch *left)
{
    struct join *join = op->state;
    struct arena *arena = op->exec->eval.arena;
    enum plan_join kind = op->plan->join;
    struct column *keys;
    TRY(keys_of(op, op->plan->exprs, left, &keys));
    struct pairs pairs = {0};
    TRY(candidates(op, left, keys, &pairs));
    TRY(check_pairs(op, left, &pairs));
    bool *hit = ARENA_ARRAY(arena, bool, left->count + 1);
    for (size_t i = 0; i < pairs.count; i++) {
        hit[pairs.left[i]] = true;
        join->matched[pairs.right[i]] = true;
    }
    if (kind == PLAN_JOIN_SEMI)
        return emit_left_rows(op, left, hit, true);
    if (kind == PLAN_JOIN_ANTI) {
        if (op->plan->null_aware && join->right.count) {
            // NOT IN: a NULL on either side means unknown, so not kept.
            for (size_t i = 0; i < left->count; i++)
                hit[i] |= join->null_key || null_in(op, keys, i);
        }
        return emit_left_rows(op, left, hit, false);
    }
    if (kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL)
        for (size_t i = 0; i < left->count; i++)
            if (!hit[i])
                add_pair(&pairs, arena, i, UINT32_MAX);
    if (pairs.count == 0)
        return ERR_OK;
    struct batch out;
    pair_columns(op, left, &pairs, &out);
    return op_emit(op, &out);
}

static err_t join_push(struct op *op, unsigned input, const struct batch *batch)
{
    struct join *join = op->state;
    return input == 1 ? rows_add(&join->right, op, batch) : probe(op, batch);
}

static err_t join_finish(struct op *op, unsigned input)
{
    struct join *join = op->state;
    if (input == 1)
        return build(op);
    if (op->plan->join != PLAN_JOIN_RIGHT && op->plan->join != PLAN_JOIN_FULL)
        return ERR_OK;
    struct pairs pairs = {0};
    arena_clear(op->exec->eval.arena);
    for (size_t row = 0; row < join->right.count; row++)
        if (!join->matched[row])
            add_pair(&pairs, op->exec->eval.arena, UINT32_MAX, row);
    if (pairs.count == 0)
        return ERR_OK;
    struct batch out;
    pair_columns(op, NULL, &pairs, &out);
    return op_emit(op, &out);
}

static void join_close(struct op *op)
{
    struct join *join = op->state;
    if (join)
        rows_release(&join->right);
    mem_free(join);
}

const struct op_class op_class_join = {
    .open = join_open, .push = join_push, .finish = join_finish, .close = join_close};
