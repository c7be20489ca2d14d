// SPDX-License-Identifier: Apache-2.0
//
// Running plans. Reads happen on the calling thread. A plain write builds its deltas and joins the
// group commit; a write that must read first (IF, counters, list elements) holds the stripes of its
// partitions from before the read until after the commit, so two of them on one partition come one
// after the other.

#include "tables/tables_int.h"

#include "base/metric.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/clock.h"

#include <stdatomic.h>
#include <stdlib.h>

int64_t tables_timestamps(struct tables *tables, size_t count)
{
    int64_t now = clock_now_us();
    int64_t last = atomic_load(&tables->last_us);
    int64_t first;
    do {
        first = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak(&tables->last_us, &last, first + (int64_t)count - 1));
    return first;
}

void exec_fail(struct exec *exec, err_t err)
{
    struct exec_result *result = &exec->result;
    str_release(&result->rows);
    str_release(&result->paging_state);
    result->row_count = 0;
    result->kind = EXEC_ERROR;
    if (result->error.diag.code == ERR_OK)
        result->error.diag.code = err;
}

void exec_result_release(struct exec_result *result)
{
    str_release(&result->rows);
    str_release(&result->paging_state);
}

// --- the statements of a request ---

void request_release(struct request *request)
{
    for (size_t i = 0; i < request->count; i++)
        where_lists_release(&request->items[i].lists);
    kv_batch_release(&request->batch);
    mem_free(request->items);
}

static void add_item(struct request *request, struct exec *exec, const struct plan *plan, size_t at,
                     const struct using *using)
{
    struct request_item *item = &request->items[request->count++];
    *item = (struct request_item){
        .batch_using = using,
        .write = {.tables = request->tables,
                  .plan = plan,
                  .terms = {.arena = exec->arena,
                            .values = exec->values ? exec->values[at] : NULL,
                            .value_count = exec->value_counts ? exec->value_counts[at] : 0,
                            .now_us = request->ts},
                  .now_s = request->now_s,
                  .ts = request->ts,
                  .batch = &request->batch,
                  .list_sequence = &request->list_sequence},
    };
}

static void gather(struct request *request, struct exec *exec)
{
    size_t count = 0;
    for (size_t i = 0; i < exec->plan_count; i++)
        count += exec->plans[i]->child_count + 1;
    request->items = mem_zalloc(count * sizeof *request->items + 1);
    for (size_t i = 0; i < exec->plan_count; i++) {
        const struct plan *plan = exec->plans[i];
        if (plan->info.kind != STATEMENT_BATCH)
            add_item(request, exec, plan, i, NULL);
        for (size_t c = 0; c < plan->child_count; c++)
            add_item(request, exec, plan->children[c], i, &plan->statement->batch.using);
    }
}

static err_t check_batch(const struct request *request, const struct exec *exec, struct diag *diag)
{
    const struct plan *first = exec->plans[0];
    bool batch = exec->is_batch || first->info.kind == STATEMENT_BATCH;
    enum batch_kind kind = exec->is_batch ? exec->batch_kind
                           : batch        ? first->statement->batch.kind
                                          : BATCH_UNLOGGED;
    bool any_conditional = false;
    for (size_t i = 0; i < request->count; i++)
        any_conditional |= request->items[i].write.plan->write.conditions != NULL;
    for (size_t i = 0; batch && i < request->count; i++) {
        const struct plan *plan = request->items[i].write.plan;
        if (!plan->info.is_write)
            return FAIL(diag, ERR_INVALID,
                        "Invalid statement in batch: only UPDATE, INSERT and DELETE statements "
                        "are allowed.");
        if (plan->info.is_counter && kind == BATCH_LOGGED)
            return FAIL(diag, ERR_INVALID, "Cannot include a counter statement in a logged batch");
        if (!plan->info.is_counter && kind == BATCH_COUNTER)
            return FAIL(diag, ERR_INVALID,
                        "Cannot include non-counter statement in a counter batch");
        if (plan->info.is_counter != request->items[0].write.plan->info.is_counter)
            return FAIL(diag, ERR_INVALID,
                        "Counter and non-counter mutations cannot exist in the same batch");
        if (any_conditional && plan->node != request->items[0].write.plan->node)
            return FAIL(diag, ERR_INVALID, "Batch with conditions cannot span multiple tables");
    }
    return ERR_OK;
}

err_t request_begin(struct request *request, struct tables *tables, struct exec *exec)
{
    struct diag *diag = &exec->result.error.diag;
    request->tables = tables;
    request->ts = tables_timestamps(tables, 1);
    request->now_s = clock_now_us() / 1000000;
    gather(request, exec);
    TRY(check_batch(request, exec, diag));
    for (size_t i = 0; i < request->count; i++) {
        struct request_item *item = &request->items[i];
        const struct plan *plan = item->write.plan;
        bool ours = plan->info.is_counter || plan->write.conditions;
        TRY(write_times(&item->write, ours ? INT64_MIN : exec->timestamp_us, item->batch_using,
                        diag));
        TRY(write_lists(&item->write, &item->lists, diag));
        request->reads_first |= plan->write.reads_first || plan->write.conditions != NULL;
    }
    return ERR_OK;
}

err_t request_build(struct request *request, struct diag *diag)
{
    for (size_t i = 0; i < request->count; i++)
        TRY(write_build(&request->items[i].write, &request->items[i].lists, diag));
    return ERR_OK;
}

// --- stripes ---

// Whoever had the stripes meanwhile wrote with a later time: what is decided on what they wrote
// must not lose to it.
static void stamp(struct request *request)
{
    int64_t before = request->ts;
    request->ts = tables_timestamps(request->tables, 1);
    for (size_t i = 0; i < request->count; i++) {
        struct write_context *write = &request->items[i].write;
        write->terms.now_us = request->ts;
        if (write->ts == before) // else the client chose it
            write->ts = request->ts;
    }
}

// Taken in ascending order, so that two requests never wait for each other.
void request_lock(struct request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        const struct where_lists *lists = &request->items[i].lists;
        for (size_t k = 0; k < lists->keys.count; k++) {
            size_t stripe = (size_t)bytes_hash(lists->keys.items[k]) % TABLES_STRIPES;
            request->stripes[stripe / 64] |= UINT64_C(1) << stripe % 64;
        }
    }
    for (size_t i = 0; i < TABLES_STRIPES; i++)
        if (request->stripes[i / 64] >> i % 64 & 1)
            mutex_lock(&request->tables->stripes[i]);
    stamp(request);
}

void request_unlock(struct request *request)
{
    for (size_t i = TABLES_STRIPES; i-- > 0;)
        if (request->stripes[i / 64] >> i % 64 & 1)
            mutex_unlock(&request->tables->stripes[i]);
}

// --- writes ---

static err_t write_locked(struct request *request, struct diag *diag)
{
    request_lock(request);
    // Each statement must see what the one before it did: counters and lists read what is stored.
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < request->count; i++) {
        err = write_build(&request->items[i].write, &request->items[i].lists, diag);
        bool last = i + 1 == request->count;
        if (!err && (last || request->items[i + 1].write.plan->info.is_counter)) {
            err = kv_commit(request->tables->kv, &request->batch, diag);
            kv_batch_clear(&request->batch);
        }
    }
    request_unlock(request);
    return err;
}

// A write on its way to the disk.
struct pending {
    struct kv_commit commit; // first
    struct request request;
    struct exec *exec;
};

static void finish(struct exec *exec, err_t err)
{
    if (err)
        exec_fail(exec, err);
    exec->done(exec);
}

static void on_committed(struct kv_commit *commit)
{
    struct pending *pending = (struct pending *)commit;
    struct exec *exec = pending->exec;
    err_t err = commit->err;
    if (err)
        exec->result.error.diag = commit->diag;
    request_release(&pending->request);
    mem_free(pending);
    finish(exec, err);
}

static void run_write(struct tables *tables, struct exec *exec)
{
    struct pending *pending = MEM_NEW(struct pending);
    struct diag *diag = &exec->result.error.diag;
    pending->exec = exec;
    exec->result.kind = EXEC_VOID;
    err_t err = request_begin(&pending->request, tables, exec);
    bool queued = false;
    if (!err && pending->request.reads_first) {
        err = write_locked(&pending->request, diag);
    } else if (!err) {
        err = request_build(&pending->request, diag);
        queued = !err && pending->request.batch.count > 0;
    }
    if (queued) {
        pending->commit.batch = &pending->request.batch;
        pending->commit.done = on_committed;
        kv_submit(tables->kv, &pending->commit);
        return;
    }
    request_release(&pending->request);
    mem_free(pending);
    finish(exec, err);
}

// --- other statements ---

static err_t run_use(struct tables *tables, struct exec *exec)
{
    const char *keyspace = exec->plans[0]->statement->use;
    struct schema *schema = catalog_schema(tables->catalog);
    bool found = schema_keyspace(schema, keyspace) != NULL;
    schema_unref(schema);
    if (!found)
        return FAIL(&exec->result.error.diag, ERR_INVALID, "Keyspace '%s' does not exist",
                    keyspace);
    exec->result.kind = EXEC_SET_KEYSPACE;
    exec->result.keyspace = arena_strdup(exec->arena, keyspace);
    return ERR_OK;
}

static err_t run_ddl(struct tables *tables, struct exec *exec)
{
    const struct plan *plan = exec->plans[0];
    if (describe_execute(tables, plan->statement, exec->keyspace, exec->arena, &exec->result))
        return exec->result.error.diag.code;
    const char *keyspace = plan->keyspace ? plan->keyspace : exec->keyspace;
    TRY(catalog_execute(tables->catalog, plan->statement, keyspace, exec->arena, &exec->result,
                        &exec->result.error));
    if (exec->result.kind == EXEC_SCHEMA_CHANGE)
        tables_server_schema_changed(tables->server, &exec->result);
    return ERR_OK;
}

static bool is_conditional(const struct exec *exec)
{
    for (size_t i = 0; i < exec->plan_count; i++)
        if (exec->plans[i]->info.is_conditional)
            return true;
    return false;
}

void tables_submit(struct tables *tables, struct exec *exec)
{
    const struct plan *plan = exec->plan_count ? exec->plans[0] : NULL;
    exec->result = (struct exec_result){.kind = EXEC_VOID};
    if (!plan) { // an empty batch does nothing
        exec->done(exec);
    } else if (exec->is_batch || plan->info.is_write) {
        for (size_t i = 0; i < exec->plan_count; i++) {
            if (!exec->plans[i]->info.is_write) {
                finish(
                    exec,
                    FAIL(
                        &exec->result.error.diag, ERR_INVALID,
                        "Invalid statement in batch: only UPDATE, INSERT and DELETE statements are "
                        "allowed."));
                return;
            }
        }
        if (!is_conditional(exec)) {
            run_write(tables, exec);
            return;
        }
        conditional_run(tables, exec);
        exec->done(exec);
    } else if (plan->info.kind == STATEMENT_SELECT) {
        select_run(tables, exec);
        exec->done(exec);
    } else if (plan->info.kind == STATEMENT_USE) {
        finish(exec, run_use(tables, exec));
    } else {
        finish(exec, run_ddl(tables, exec));
    }
}

// --- waiting ---

struct waiting {
    struct mutex mutex;
    struct cond cond;
    bool over;
};

static void on_done(struct exec *exec)
{
    struct waiting *waiting = exec->store;
    mutex_lock(&waiting->mutex);
    waiting->over = true;
    cond_signal(&waiting->cond);
    mutex_unlock(&waiting->mutex);
}

void tables_execute(struct tables *tables, struct exec *exec)
{
    struct waiting waiting = {0};
    mutex_init(&waiting.mutex);
    cond_init(&waiting.cond);
    exec->done = on_done;
    exec->store = &waiting;
    tables_submit(tables, exec);
    mutex_lock(&waiting.mutex);
    while (!waiting.over)
        cond_wait(&waiting.cond, &waiting.mutex);
    mutex_unlock(&waiting.mutex);
    cond_release(&waiting.cond);
    mutex_release(&waiting.mutex);
}
