// SPDX-License-Identifier: Apache-2.0
//
// Conditional writes (INSERT … IF NOT EXISTS, UPDATE and DELETE … IF, and batches with them). One
// node: a lock, no Paxos. The stripe of the partition is held while the rows are read, the
// conditions judged and the batch committed.
//
// The answer is one row [applied] = true, or [applied] = false beside what was found: all columns
// for IF NOT EXISTS, the columns asked about for IF; in a batch also the key. A row that does not
// exist adds nothing.

#include "tables/tables_int.h"

#include "base/mem.h"
#include "wire/writer.h"

// What one statement's condition found.
struct found {
    bool exists; // the row (for a static-only statement: any part of the partition)
    bool any;    // at least statics
    struct bytes *values;
    bool holds;
};

struct judging {
    struct request *request;
    struct exec *exec;
    struct diag *diag;
    struct found *found; // per item
    struct arena *arena;
    const struct table_schema *table;
    struct found *current;
};

static bool keep_row(void *ctx, const struct read_row *row)
{
    struct judging *at = ctx;
    struct found *found = at->current;
    found->any = true;
    found->exists |= row->clustering.ptr != NULL;
    for (size_t i = 0; i < at->table->column_count; i++)
        found->values[i] = row->values[i].ptr ? arena_bytes(at->arena, row->values[i]) : BYTES_NULL;
    return false;
}

// Reads the row of `item`, or only the statics of its partition.
static err_t find_row(struct judging *at, const struct request_item *item, struct found *found)
{
    const struct write_plan *write = &item->write.plan->write;
    struct read read = {.tables = at->request->tables,
                        .table = at->table,
                        .now_s = at->request->now_s,
                        .row = keep_row,
                        .ctx = at};
    found->values = ARENA_ARRAY(at->arena, struct bytes, at->table->column_count);
    at->current = found;
    TRY(read_keys(&read, &item->lists, at->diag));
    if (write->only_static)
        found->exists = found->any;
    return ERR_OK;
}

static err_t judge(struct judging *at, const struct request_item *item, struct found *found)
{
    const struct conditions *conditions = item->write.plan->write.conditions;
    found->holds = true;
    if (conditions->if_not_exists)
        found->holds = !found->exists;
    if (conditions->if_exists)
        found->holds = found->exists;
    for (size_t i = 0; i < conditions->where.count; i++) {
        struct where_test test;
        TRY(where_test_make(&test, at->table, &conditions->where.relations[i], &item->write.terms,
                            true, at->diag));
        found->holds &= where_test_passes(&test, found->values);
    }
    return ERR_OK;
}

static err_t judge_all(struct judging *at, bool *holds)
{
    *holds = true;
    const struct bytes *partition = NULL;
    for (size_t i = 0; i < at->request->count; i++) {
        struct request_item *item = &at->request->items[i];
        if (item->lists.keys.count != 1 ||
            (partition && !bytes_equal(*partition, item->lists.keys.items[0])))
            return FAIL(at->diag, ERR_INVALID,
                        "Batch with conditions cannot span multiple partitions");
        partition = &item->lists.keys.items[0];
        if (!item->write.plan->write.conditions)
            continue;
        TRY(find_row(at, item, &at->found[i]));
        TRY(judge(at, item, &at->found[i]));
        *holds &= at->found[i].holds;
    }
    return ERR_OK;
}

// --- the answer ---

static void put_value(struct str *out, struct bytes value)
{
    writer_i32(out, value.ptr ? (int32_t)value.size : -1);
    if (value.ptr)
        str_append_bytes(out, value);
}

static void ask(struct judging *at, bool *asked, const char *name)
{
    const struct column_meta *column = table_schema_column(at->table, name);
    asked[column - at->table->columns] = true;
}

// Which columns the refusal shows.
static void shown_columns(struct judging *at, bool *shown)
{
    bool batch = at->request->count > 1;
    for (size_t i = 0; i < at->request->count; i++) {
        const struct conditions *conditions = at->request->items[i].write.plan->write.conditions;
        if (!conditions)
            continue;
        bool whole = conditions->if_not_exists || conditions->if_exists;
        for (size_t c = 0; c < at->table->column_count; c++)
            shown[c] |= whole || (batch && at->table->columns[c].position >= 0);
        for (size_t r = 0; r < conditions->where.count; r++)
            for (size_t c = 0; c < conditions->where.relations[r].column_count; c++)
                ask(at, shown, conditions->where.relations[r].columns[c]);
    }
}

static bool is_shown(const struct judging *at, size_t i)
{
    const struct found *found = &at->found[i];
    if (!at->request->items[i].write.plan->write.conditions || !found->any)
        return false;
    return at->request->count > 1 || !found->holds;
}

static void answer(struct judging *at, bool applied)
{
    struct exec_result *result = &at->exec->result;
    struct column_spec *specs =
        ARENA_ARRAY(at->arena, struct column_spec, at->table->column_count + 1);
    bool *shown = ARENA_ARRAY(at->arena, bool, at->table->column_count + 1);
    size_t rows = 0;
    for (size_t i = 0; !applied && i < at->request->count; i++)
        rows += is_shown(at, i);
    if (rows > 0)
        shown_columns(at, shown);
    specs[0] = (struct column_spec){at->table->keyspace, at->table->name, "[applied]",
                                    cql_type_scalar(CQL_BOOLEAN)};
    result->column_count = 1;
    for (size_t c = 0; c < at->table->column_count; c++)
        if (shown[c])
            specs[result->column_count++] =
                (struct column_spec){at->table->keyspace, at->table->name,
                                     at->table->columns[c].name, at->table->columns[c].type};
    result->kind = EXEC_ROWS;
    result->columns = specs;
    result->row_count = rows > 0 ? (uint32_t)rows : 1;
    if (rows == 0)
        put_value(&result->rows, bytes_make(applied ? "\1" : "\0", 1));
    for (size_t i = 0; rows > 0 && i < at->request->count; i++) {
        if (!is_shown(at, i))
            continue;
        put_value(&result->rows, bytes_make("\0", 1));
        for (size_t c = 0; c < at->table->column_count; c++)
            if (shown[c])
                put_value(&result->rows, at->found[i].values[c]);
    }
}

static err_t run_locked(struct judging *at)
{
    bool holds;
    TRY(judge_all(at, &holds));
    if (holds) {
        TRY(request_build(at->request, at->diag));
        TRY(kv_commit(at->request->tables->kv, &at->request->batch, at->diag));
    }
    answer(at, holds);
    return ERR_OK;
}

void conditional_run(struct tables *tables, struct exec *exec)
{
    struct request request = {0};
    err_t err = request_begin(&request, tables, exec);
    if (!err) {
        struct judging at = {.request = &request,
                             .exec = exec,
                             .diag = &exec->result.error.diag,
                             .arena = exec->arena,
                             .table = &request.items[0].write.plan->node->table};
        at.found = ARENA_ARRAY(exec->arena, struct found, request.count);
        request_lock(&request);
        err = run_locked(&at);
        request_unlock(&request);
    }
    request_release(&request);
    if (err)
        exec_fail(exec, err);
}
