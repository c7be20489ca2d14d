// SPDX-License-Identifier: Apache-2.0
//
// A key is a version byte and the encoded values of the group expressions (value.h). A saved state
// is a version byte, then for each aggregate in order its distinct set, if it has one, and its own
// bytes.
#include "sql/exec/groups.h"

#include "base/hash.h"
#include "base/mem.h"
#include "sql/exec/value.h"
#include "sql/function/function.h"

#define KEY_VERSION   1
#define STATE_VERSION 1

// The values an aggregate with DISTINCT has seen: open addressing over encoded values.
struct distinct {
    struct bytes *items;
    uint32_t *slots;
    uint32_t count, capacity;
};

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

void groups_init(struct groups *groups, const struct plan *plan)
{
    *groups = (struct groups){.plan = plan};
    arena_init(&groups->arena, 64 << 10);
    groups->offsets = mem_zalloc((plan->more_count + 1) * sizeof *groups->offsets);
    groups->contexts = mem_zalloc((plan->more_count + 1) * sizeof *groups->contexts);
    for (size_t i = 0; i < plan->more_count; i++) {
        const struct expr *call = plan->more[i];
        groups->contexts[i] =
            (struct agg_context){.arena = &groups->arena,
                                 .call = call,
                                 .input = call->arg_count ? call->args[0]->type : NULL};
        groups->offsets[i] = groups->state_size;
        groups->state_size += aligned(call->function->aggregate->state_size);
        if (call->distinct)
            groups->state_size += aligned(sizeof(struct distinct));
    }
}

void groups_release(struct groups *groups)
{
    arena_release(&groups->arena);
    mem_free(groups->items);
    mem_free(groups->slots);
    mem_free(groups->offsets);
    mem_free(groups->contexts);
    str_release(&groups->key);
    *groups = (struct groups){0};
}

void groups_clear(struct groups *groups)
{
    arena_clear(&groups->arena);
    groups->count = 0;
    if (groups->slots)
        memset(groups->slots, 0, groups->slot_count * sizeof *groups->slots);
}

static void grow_slots(struct groups *groups)
{
    groups->slot_count = groups->slot_count ? groups->slot_count * 2 : 1024;
    mem_free(groups->slots);
    groups->slots = mem_zalloc(groups->slot_count * sizeof *groups->slots);
    for (size_t i = 0; i < groups->count; i++) {
        size_t at = groups->items[i].hash & (groups->slot_count - 1);
        while (groups->slots[at])
            at = (at + 1) & (groups->slot_count - 1);
        groups->slots[at] = (uint32_t)i + 1;
    }
}

static struct distinct *distinct_of(const struct groups *groups, uint8_t *state, size_t call)
{
    return (
        struct distinct *)(void *)(state + groups->offsets[call] +
                                   aligned(
                                       groups->plan->more[call]->function->aggregate->state_size));
}

// Adds an encoded value; false when it was there.
static bool distinct_add(struct distinct *set, struct arena *arena, struct bytes value)
{
    if ((set->count + 1) * 4 > set->capacity * 3) {
        uint32_t capacity = set->capacity ? set->capacity * 2 : 8;
        struct bytes *items = ARENA_ARRAY(arena, struct bytes, capacity);
        uint32_t *slots = ARENA_ARRAY(arena, uint32_t, capacity);
        for (uint32_t i = 0; i < set->count; i++) {
            items[i] = set->items[i];
            size_t at = hash_bytes(items[i].ptr, items[i].size) & (capacity - 1);
            while (slots[at])
                at = (at + 1) & (capacity - 1);
            slots[at] = i + 1;
        }
        set->items = items;
        set->slots = slots;
        set->capacity = capacity;
    }
    size_t at = hash_bytes(value.ptr, value.size) & (set->capacity - 1);
    for (; set->slots[at]; at = (at + 1) & (set->capacity - 1))
        if (bytes_equal(set->items[set->slots[at] - 1], value))
            return false;
    set->items[set->count] = arena_bytes(arena, value);
    set->slots[at] = ++set->count;
    return true;
}

static bool load_distinct(struct groups *groups, struct distinct *set, struct bytes *in)
{
    uint32_t count;
    if (!agg_take(in, &count, sizeof count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size;
        if (!agg_take(in, &size, sizeof size) || size > in->size)
            return false;
        distinct_add(set, &groups->arena, bytes_make(in->ptr, size));
        in->ptr += size;
        in->size -= size;
    }
    return true;
}

static err_t load_state(struct groups *groups, struct eval *eval, uint8_t *state,
                        struct bytes saved)
{
    uint8_t version = 0;
    bool ok = agg_take(&saved, &version, 1) && version == STATE_VERSION;
    for (size_t i = 0; ok && i < groups->plan->more_count; i++) {
        if (groups->plan->more[i]->distinct)
            ok = load_distinct(groups, distinct_of(groups, state, i), &saved);
        ok = ok && groups->plan->more[i]->function->aggregate->load(
                       &groups->contexts[i], state + groups->offsets[i], &saved);
    }
    if (ok && saved.size == 0)
        return ERR_OK;
    return FAIL(eval->diag, ERR_CORRUPT, "the saved state of a group cannot be read");
}

static err_t new_group(struct groups *groups, struct eval *eval, struct bytes key, uint64_t hash,
                       groups_load_fn *load, void *ctx)
{
    if (groups->count == groups->capacity) {
        groups->capacity = groups->capacity ? groups->capacity * 2 : 256;
        groups->items = mem_realloc(groups->items, groups->capacity * sizeof *groups->items);
    }
    struct group *group = &groups->items[groups->count];
    *group = (struct group){.key = arena_bytes(&groups->arena, key), .hash = hash};
    group->state = arena_zalloc(&groups->arena, groups->state_size + 1);
    for (size_t i = 0; i < groups->plan->more_count; i++) {
        const struct aggregate *aggregate = groups->plan->more[i]->function->aggregate;
        if (aggregate->init)
            aggregate->init(&groups->contexts[i], group->state + groups->offsets[i]);
    }
    struct bytes saved = BYTES_NULL;
    if (load)
        TRY(load(ctx, group->key, &saved, eval->diag));
    if (saved.ptr)
        TRY(load_state(groups, eval, group->state, saved));
    groups->count++;
    return ERR_OK;
}

static err_t find(struct groups *groups, struct eval *eval, struct bytes key, groups_load_fn *load,
                  void *ctx, uint32_t *out)
{
    if ((groups->count + 1) * 2 > groups->slot_count)
        grow_slots(groups);
    uint64_t hash = hash_bytes(key.ptr, key.size);
    size_t at = hash & (groups->slot_count - 1);
    for (; groups->slots[at]; at = (at + 1) & (groups->slot_count - 1)) {
        const struct group *group = &groups->items[groups->slots[at] - 1];
        if (group->hash == hash && bytes_equal(group->key, key)) {
            *out = groups->slots[at] - 1;
            return ERR_OK;
        }
    }
    TRY(new_group(groups, eval, key, hash, load, ctx));
    groups->slots[at] = (uint32_t)groups->count;
    *out = (uint32_t)groups->count - 1;
    return ERR_OK;
}

// The rows a call takes: those its FILTER lets through and, with DISTINCT, not seen before in their
// group.
static err_t select_rows(struct groups *groups, struct eval *eval, size_t index,
                         const struct frame *frame, uint8_t *const *states,
                         const struct vector *args, uint32_t *rows, size_t *count)
{
    const struct expr *call = groups->plan->more[index];
    size_t kept = frame->count;
    for (size_t i = 0; i < kept; i++)
        rows[i] = (uint32_t)i;
    if (call->filter)
        TRY(eval_filter(eval, call->filter, frame, rows, &kept));
    *count = kept;
    if (!call->distinct)
        return ERR_OK;
    size_t fresh = 0;
    for (size_t i = 0; i < kept; i++) {
        bool null = false;
        groups->key.size = 0;
        for (size_t a = 0; a < call->arg_count; a++) {
            null |= vector_null(&args[a], rows[i]);
            value_encode(&groups->key, &args[a].column, vector_at(&args[a], rows[i]));
        }
        if (!null && distinct_add(distinct_of(groups, states[rows[i]], index), &groups->arena,
                                  str_bytes(&groups->key)))
            rows[fresh++] = rows[i];
    }
    *count = fresh;
    return ERR_OK;
}

static err_t update_call(struct groups *groups, struct eval *eval, size_t index,
                         const struct frame *frame, uint8_t *const *states)
{
    const struct expr *call = groups->plan->more[index];
    struct agg_context *context = &groups->contexts[index];
    context->eval = eval;
    struct vector *args = ARENA_ARRAY(eval->arena, struct vector, call->arg_count + 1);
    for (size_t a = 0; a < call->arg_count; a++)
        TRY(eval_expr(eval, call->args[a], frame, &args[a]));
    struct agg_rows rows = {
        .states = states, .offset = groups->offsets[index], .count = frame->count, .args = args};
    if (call->filter || call->distinct) {
        uint32_t *chosen = arena_alloc(eval->arena, (frame->count + 1) * sizeof *chosen);
        TRY(select_rows(groups, eval, index, frame, states, args, chosen, &rows.count));
        uint8_t **some = arena_alloc(eval->arena, (rows.count + 1) * sizeof *some);
        for (size_t i = 0; i < rows.count; i++)
            some[i] = states[chosen[i]];
        rows.states = some;
        for (size_t a = 0; a < call->arg_count; a++) {
            struct column column = args[a].column;
            if (!args[a].constant)
                column_gather(&args[a].column, eval->arena, &column, chosen, rows.count);
        }
    }
    return call->function->aggregate->update(context, &rows);
}

err_t groups_update(struct groups *groups, struct eval *eval, const struct frame *frame,
                    groups_load_fn *load, void *ctx)
{
    const struct plan *plan = groups->plan;
    if (frame->count == 0)
        return ERR_OK;
    struct vector *keys = ARENA_ARRAY(eval->arena, struct vector, plan->expr_count + 1);
    for (size_t i = 0; i < plan->expr_count; i++)
        TRY(eval_expr(eval, plan->exprs[i], frame, &keys[i]));
    uint32_t *indexes = arena_alloc(eval->arena, (frame->count + 1) * sizeof *indexes);
    for (size_t row = 0; row < frame->count; row++) {
        groups->key.size = 0;
        str_append_byte(&groups->key, KEY_VERSION);
        for (size_t i = 0; i < plan->expr_count; i++)
            value_encode(&groups->key, &keys[i].column, vector_at(&keys[i], row));
        TRY(find(groups, eval, str_bytes(&groups->key), load, ctx, &indexes[row]));
    }
    uint8_t **states = arena_alloc(eval->arena, (frame->count + 1) * sizeof *states);
    for (size_t row = 0; row < frame->count; row++) {
        groups->items[indexes[row]].changed = true;
        states[row] = groups->items[indexes[row]].state;
    }
    for (size_t i = 0; i < plan->more_count; i++)
        TRY(update_call(groups, eval, i, frame, states));
    return ERR_OK;
}

err_t groups_global(struct groups *groups, struct eval *eval, groups_load_fn *load, void *ctx)
{
    static const uint8_t key[] = {KEY_VERSION};
    uint32_t index;
    return find(groups, eval, bytes_make(key, sizeof key), load, ctx, &index);
}

err_t groups_rows(struct groups *groups, struct eval *eval, const uint32_t *indexes, size_t first,
                  size_t count, struct batch *out)
{
    const struct plan *plan = groups->plan;
    struct builder *builders = ARENA_ARRAY(eval->arena, struct builder, plan->column_count + 1);
    for (size_t c = 0; c < plan->column_count; c++)
        builder_init(&builders[c], eval->arena, plan->types[c], count);
    for (size_t i = 0; i < count; i++) {
        const struct group *group = &groups->items[indexes ? indexes[i] : first + i];
        struct bytes key = bytes_make(group->key.ptr + 1, group->key.size - 1);
        for (size_t k = 0; k < plan->expr_count; k++)
            if (!value_decode(&key, &builders[k]))
                return FAIL(eval->diag, ERR_CORRUPT, "a group key cannot be read");
        for (size_t a = 0; a < plan->more_count; a++) {
            groups->contexts[a].eval = eval;
            TRY(plan->more[a]->function->aggregate->finish(&groups->contexts[a],
                                                           group->state + groups->offsets[a],
                                                           &builders[plan->expr_count + a]));
        }
    }
    out->count = count;
    out->column_count = plan->column_count;
    out->columns = ARENA_ARRAY(eval->arena, struct column, plan->column_count + 1);
    out->names = plan->names;
    for (size_t c = 0; c < plan->column_count; c++)
        builder_finish(&builders[c], &out->columns[c]);
    return ERR_OK;
}

void groups_save(struct groups *groups, const struct group *group, struct str *out)
{
    str_append_byte(out, STATE_VERSION);
    for (size_t i = 0; i < groups->plan->more_count; i++) {
        const struct expr *call = groups->plan->more[i];
        if (call->distinct) {
            const struct distinct *set = distinct_of(groups, group->state, i);
            str_append(out, &set->count, sizeof set->count);
            for (uint32_t k = 0; k < set->count; k++) {
                uint32_t size = (uint32_t)set->items[k].size;
                str_append(out, &size, sizeof size);
                str_append_bytes(out, set->items[k]);
            }
        }
        call->function->aggregate->save(&groups->contexts[i], group->state + groups->offsets[i],
                                        out);
    }
}

bool agg_take(struct bytes *in, void *out, size_t size)
{
    if (in->size < size)
        return false;
    memcpy(out, in->ptr, size);
    in->ptr += size;
    in->size -= size;
    return true;
}
