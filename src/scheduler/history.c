// SPDX-License-Identifier: Apache-2.0
//
// Tables. Times are microseconds since 1970 UTC, 0 = not yet. `task_instance` holds the present try
// of each task of a run, `task_try` every try. Rows are written whole, so a save that failed is
// repeated without harm.
#include "scheduler/history.h"

#include "base/mem.h"
#include "store/db/db.h"

static const char *const forms[] = {
    "CREATE TABLE dag (dag_id TEXT PRIMARY KEY, is_paused INTEGER NOT NULL, next_us INTEGER) "
    "WITHOUT ROWID;"
    "CREATE TABLE dag_run (id INTEGER PRIMARY KEY, dag_id TEXT NOT NULL, run_id TEXT NOT NULL,"
    " run_type TEXT NOT NULL, state TEXT NOT NULL, logical_us INTEGER NOT NULL,"
    " start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, run_after_us INTEGER NOT NULL,"
    " queued_us INTEGER NOT NULL, started_us INTEGER NOT NULL, finished_us INTEGER NOT NULL,"
    " conf TEXT, note TEXT, UNIQUE (dag_id, run_id), UNIQUE (dag_id, logical_us));"
    "CREATE INDEX dag_run_active ON dag_run (dag_id, id) WHERE state IN ('queued', 'running');"
    "CREATE INDEX dag_run_newest ON dag_run (dag_id, run_after_us, id);"
    "CREATE TABLE task_instance (run INTEGER NOT NULL, task_id TEXT NOT NULL, state TEXT NOT NULL,"
    " try_number INTEGER NOT NULL, max_tries INTEGER NOT NULL, queued_us INTEGER NOT NULL,"
    " started_us INTEGER NOT NULL, finished_us INTEGER NOT NULL, next_try_us INTEGER NOT NULL,"
    " records INTEGER NOT NULL, bytes INTEGER NOT NULL, error TEXT, pid INTEGER NOT NULL,"
    " pid_token INTEGER NOT NULL, PRIMARY KEY (run, task_id)) WITHOUT ROWID;"
    "CREATE INDEX task_instance_running ON task_instance (run) WHERE state = 'running';"
    "CREATE TABLE task_try (run INTEGER NOT NULL, task_id TEXT NOT NULL, try_number INTEGER NOT "
    "NULL,"
    " state TEXT NOT NULL, started_us INTEGER NOT NULL, finished_us INTEGER NOT NULL,"
    " records INTEGER NOT NULL, bytes INTEGER NOT NULL, error TEXT,"
    " PRIMARY KEY (run, task_id, try_number)) WITHOUT ROWID;"
    "CREATE TABLE xcom (run INTEGER NOT NULL, task_id TEXT NOT NULL, key TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (run, task_id, key)) WITHOUT ROWID;",
};

#define RUN_COLUMNS                                                                       \
    "id, run_id, run_type, state, logical_us, start_us, end_us, run_after_us, queued_us," \
    " started_us, finished_us, conf, note"

enum query {
    SAVE_RUN,
    SAVE_INSTANCE,
    SAVE_TRY,
    SAVE_DAG,
    SAVE_XCOM,
    DROP_XCOM,
    LOAD_DAG,
    LAST_INTERVAL,
    NEWEST_RUN,
    LOAD_ACTIVE,
    LOAD_BY_ID,
    LOAD_BY_DATE,
    LOAD_INSTANCES,
    LOAD_NEWEST,
    COUNT_RUNNING,
    NEXT_OF_DAG,
    LOAD_XCOM,
    PAST_STATE,
    QUERY_COUNT,
};

static const char *const queries[QUERY_COUNT] = {
    [SAVE_RUN] =
        "INSERT INTO dag_run (dag_id, " RUN_COLUMNS ")"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " state = excluded.state, queued_us = excluded.queued_us, started_us = excluded.started_us,"
        " finished_us = excluded.finished_us, note = excluded.note",
    [SAVE_INSTANCE] =
        "INSERT OR REPLACE INTO task_instance VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SAVE_TRY] = "INSERT OR REPLACE INTO task_try VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SAVE_DAG] = "INSERT OR REPLACE INTO dag VALUES (?, ?, ?)",
    [SAVE_XCOM] = "INSERT OR REPLACE INTO xcom VALUES (?, ?, 'return_value', ?)",
    [DROP_XCOM] = "DELETE FROM xcom WHERE run = ? AND task_id = ?",
    [LOAD_DAG] = "SELECT is_paused FROM dag WHERE dag_id = ?",
    [LAST_INTERVAL] = "SELECT start_us, end_us FROM dag_run WHERE dag_id = ?"
                      " AND run_type <> 'manual' ORDER BY logical_us DESC LIMIT 1",
    [NEWEST_RUN] = "SELECT coalesce(max(id), 0) FROM dag_run",
    [LOAD_ACTIVE] = "SELECT " RUN_COLUMNS " FROM dag_run WHERE dag_id = ?"
                    " AND state IN ('queued', 'running') ORDER BY id",
    [LOAD_BY_ID] = "SELECT " RUN_COLUMNS " FROM dag_run WHERE dag_id = ? AND run_id = ?",
    [LOAD_BY_DATE] = "SELECT " RUN_COLUMNS " FROM dag_run WHERE dag_id = ? AND logical_us = ?",
    [LOAD_INSTANCES] = "SELECT task_id, state, try_number, max_tries, queued_us, started_us,"
                       " finished_us, next_try_us, records, bytes, error, pid, pid_token"
                       " FROM task_instance WHERE run = ?",
    [LOAD_NEWEST] = "SELECT " RUN_COLUMNS " FROM dag_run WHERE dag_id = ?"
                    " ORDER BY run_after_us DESC, id DESC LIMIT ?",
    [COUNT_RUNNING] = "SELECT count(*) FROM task_instance WHERE state = 'running'",
    [NEXT_OF_DAG] = "SELECT next_us FROM dag WHERE dag_id = ?",
    [LOAD_XCOM] = "SELECT value FROM xcom WHERE run = ? AND task_id = ? AND key = ?",
    [PAST_STATE] =
        "SELECT t.state, r.logical_us FROM dag_run r LEFT JOIN task_instance t ON t.run = r.id"
        " AND t.task_id = ? WHERE r.dag_id = ? AND r.logical_us < ?"
        " ORDER BY r.logical_us DESC LIMIT 1",
};

struct history {
    struct db *db;
    struct db_statement *statements[QUERY_COUNT];
};

err_t history_open(struct history **out, const char *path, struct diag *diag)
{
    struct history *history = MEM_NEW(struct history);
    err_t err = db_open(&history->db, path, diag);
    if (err == ERR_OK)
        err = db_sync_later(history->db, diag);
    if (err == ERR_OK)
        err = db_migrate(history->db, forms, sizeof forms / sizeof *forms, diag);
    for (int i = 0; err == ERR_OK && i < QUERY_COUNT; i++)
        err = db_prepare(history->db, queries[i], &history->statements[i], diag);
    if (err != ERR_OK) {
        history_close(history);
        return err;
    }
    *out = history;
    return ERR_OK;
}

void history_close(struct history *history)
{
    if (!history)
        return;
    for (int i = 0; i < QUERY_COUNT; i++)
        db_statement_close(history->statements[i]);
    db_close(history->db);
    mem_free(history);
}

err_t history_begin(struct history *history, struct diag *diag)
{
    return db_begin(history->db, diag);
}

err_t history_commit(struct history *history, struct diag *diag)
{
    return db_commit(history->db, diag);
}

err_t history_sync(const char *path, struct diag *diag)
{
    return db_sync(path, diag);
}

void history_rollback(struct history *history)
{
    db_rollback(history->db);
}

// --- saving ---

err_t history_save_run(struct history *history, const struct run *run, struct diag *diag)
{
    struct db_statement *save = history->statements[SAVE_RUN];
    const int64_t times[] = {run->logical_us,   run->interval.start_us, run->interval.end_us,
                             run->run_after_us, run->queued_us,         run->started_us,
                             run->finished_us};
    db_bind_text(save, 1, run->dag->id);
    db_bind_int(save, 2, run->id);
    db_bind_text(save, 3, run->run_id);
    db_bind_text(save, 4, run_type_name(run->type));
    db_bind_text(save, 5, run_state_name(run->state));
    for (int i = 0; i < 7; i++)
        db_bind_int(save, 6 + i, times[i]);
    db_bind_text(save, 13, run->conf);
    db_bind_text(save, 14, run->note);
    return db_execute(save, diag);
}

static err_t save_try(struct history *history, const struct closed_try *closed, const char *state,
                      struct diag *diag)
{
    struct db_statement *save = history->statements[SAVE_TRY];
    db_bind_int(save, 1, closed->run);
    db_bind_text(save, 2, closed->task_id);
    db_bind_int(save, 3, closed->try_number);
    db_bind_text(save, 4, state);
    db_bind_int(save, 5, closed->started_us);
    db_bind_int(save, 6, closed->finished_us);
    db_bind_int(save, 7, closed->records);
    db_bind_int(save, 8, closed->bytes);
    db_bind_text(save, 9, closed->error);
    return db_execute(save, diag);
}

err_t history_save_try(struct history *history, const struct closed_try *closed, struct diag *diag)
{
    return save_try(history, closed, "failed", diag);
}

err_t history_save_instance(struct history *history, const struct instance *instance,
                            struct diag *diag)
{
    struct db_statement *save = history->statements[SAVE_INSTANCE];
    const int64_t values[] = {instance->try_number, instance->max_tries,   instance->queued_us,
                              instance->started_us, instance->finished_us, instance->next_try_us,
                              instance->records,    instance->bytes};
    db_bind_int(save, 1, instance->run->id);
    db_bind_text(save, 2, instance->task->id);
    db_bind_text(save, 3, task_state_name(instance->state));
    for (int i = 0; i < 8; i++)
        db_bind_int(save, 4 + i, values[i]);
    db_bind_text(save, 12, instance->error);
    db_bind_int(save, 13, instance->pid);
    db_bind_int(save, 14, instance->pid_token);
    TRY(db_execute(save, diag));
    bool of_a_try = instance->state == TASK_RUNNING || task_state_finished(instance->state);
    if (!of_a_try || instance->try_number == 0)
        return ERR_OK;
    struct closed_try present = {
        .run = instance->run->id,
        .task_id = instance->task->id,
        .try_number = instance->try_number,
        .started_us = instance->started_us,
        .finished_us = instance->finished_us,
        .records = instance->records,
        .bytes = instance->bytes,
        .error = instance->error,
    };
    return save_try(history, &present, task_state_name(instance->state), diag);
}

err_t history_save_dag(struct history *history, const char *dag_id, bool paused, int64_t next_us,
                       struct diag *diag)
{
    struct db_statement *save = history->statements[SAVE_DAG];
    db_bind_text(save, 1, dag_id);
    db_bind_int(save, 2, paused);
    if (next_us == INSTANT_NONE)
        db_bind_text(save, 3, NULL);
    else
        db_bind_int(save, 3, next_us);
    return db_execute(save, diag);
}

err_t history_save_xcom(struct history *history, int64_t run, const char *task_id, const char *json,
                        struct diag *diag)
{
    struct db_statement *save = history->statements[json ? SAVE_XCOM : DROP_XCOM];
    db_bind_int(save, 1, run);
    db_bind_text(save, 2, task_id);
    if (json)
        db_bind_text(save, 3, json);
    return db_execute(save, diag);
}

// --- loading ---

err_t history_load_dag(struct history *history, const char *dag_id, bool *known, bool *paused,
                       struct diag *diag)
{
    struct db_statement *load = history->statements[LOAD_DAG];
    db_bind_text(load, 1, dag_id);
    TRY(db_step(load, known, diag));
    if (*known)
        *paused = db_int(load, 0) != 0;
    db_reset(load);
    return ERR_OK;
}

err_t history_last_interval(struct history *history, const char *dag_id, bool *found,
                            struct data_interval *out, struct diag *diag)
{
    struct db_statement *load = history->statements[LAST_INTERVAL];
    db_bind_text(load, 1, dag_id);
    TRY(db_step(load, found, diag));
    if (*found)
        *out = (struct data_interval){db_int(load, 0), db_int(load, 1)};
    db_reset(load);
    return ERR_OK;
}

err_t history_newest_run(struct history *history, int64_t *id, struct diag *diag)
{
    struct db_statement *load = history->statements[NEWEST_RUN];
    bool row;
    TRY(db_step(load, &row, diag));
    *id = row ? db_int(load, 0) : 0;
    db_reset(load);
    return ERR_OK;
}

static char *copy_text(const struct db_statement *statement, int column)
{
    const char *text = db_text(statement, column);
    return text ? mem_strdup(text) : NULL;
}

static struct run *run_of_row(const struct db_statement *load, const struct dag *dag)
{
    enum run_type type = RUN_MANUAL;
    run_type_parse(db_text(load, 2), &type);
    struct run *run = run_new(dag, type);
    run->id = db_int(load, 0);
    run->run_id = copy_text(load, 1);
    run_state_parse(db_text(load, 3), &run->state);
    run->logical_us = db_int(load, 4);
    run->interval = (struct data_interval){db_int(load, 5), db_int(load, 6)};
    run->run_after_us = db_int(load, 7);
    run->queued_us = db_int(load, 8);
    run->started_us = db_int(load, 9);
    run->finished_us = db_int(load, 10);
    run->conf = copy_text(load, 11);
    run->note = copy_text(load, 12);
    return run;
}

static void instance_of_row(const struct db_statement *load, struct instance *instance)
{
    task_state_parse(db_text(load, 1), &instance->state);
    instance->try_number = (int)db_int(load, 2);
    instance->max_tries = (int)db_int(load, 3);
    instance->queued_us = db_int(load, 4);
    instance->started_us = db_int(load, 5);
    instance->finished_us = db_int(load, 6);
    instance->next_try_us = db_int(load, 7);
    instance->records = db_int(load, 8);
    instance->bytes = db_int(load, 9);
    instance->error = copy_text(load, 10);
    instance->pid = db_int(load, 11);
    instance->pid_token = db_int(load, 12);
}

static bool counts_as_moving(enum task_state state)
{
    return state == TASK_QUEUED || state == TASK_RUNNING || state == TASK_UP_FOR_RETRY;
}

static err_t load_instances(struct history *history, struct run *run, struct diag *diag)
{
    struct db_statement *load = history->statements[LOAD_INSTANCES];
    db_bind_int(load, 1, run->id);
    for (;;) {
        bool row;
        TRY(db_step(load, &row, diag));
        if (!row)
            break;
        const struct task *task = dag_task(run->dag, db_text(load, 0));
        if (task)
            instance_of_row(load, &run->instances[task->index]);
    }
    run->unfinished = run->moving = 0;
    for (size_t i = 0; i < run->dag->task_count; i++) {
        run->unfinished += !task_state_finished(run->instances[i].state);
        run->moving += counts_as_moving(run->instances[i].state);
    }
    return ERR_OK;
}

static err_t load_each(struct history *history, const struct dag *dag, struct db_statement *load,
                       void (*take)(struct run *run, void *ctx), void *ctx, struct diag *diag)
{
    for (;;) {
        bool row;
        TRY(db_step(load, &row, diag));
        if (!row)
            return ERR_OK;
        struct run *run = run_of_row(load, dag);
        err_t err = load_instances(history, run, diag);
        if (err != ERR_OK) {
            run_free(run);
            db_reset(load);
            return err;
        }
        take(run, ctx);
    }
}

err_t history_load_active(struct history *history, const struct dag *dag,
                          void (*take)(struct run *run, void *ctx), void *ctx, struct diag *diag)
{
    struct db_statement *load = history->statements[LOAD_ACTIVE];
    db_bind_text(load, 1, dag->id);
    return load_each(history, dag, load, take, ctx, diag);
}

err_t history_load_newest(struct history *history, const struct dag *dag, size_t limit,
                          void (*take)(struct run *run, void *ctx), void *ctx, struct diag *diag)
{
    struct db_statement *load = history->statements[LOAD_NEWEST];
    db_bind_text(load, 1, dag->id);
    db_bind_int(load, 2, limit > INT32_MAX ? INT32_MAX : (int64_t)limit);
    return load_each(history, dag, load, take, ctx, diag);
}

err_t history_count_running(struct history *history, size_t *out, struct diag *diag)
{
    struct db_statement *load = history->statements[COUNT_RUNNING];
    bool row;
    TRY(db_step(load, &row, diag));
    *out = row ? (size_t)db_int(load, 0) : 0;
    db_reset(load);
    return ERR_OK;
}

err_t history_next_of_dag(struct history *history, const char *dag_id, int64_t *out,
                          struct diag *diag)
{
    struct db_statement *load = history->statements[NEXT_OF_DAG];
    bool row;
    db_bind_text(load, 1, dag_id);
    TRY(db_step(load, &row, diag));
    *out = row && !db_is_null(load, 0) ? db_int(load, 0) : INSTANT_NONE;
    db_reset(load);
    return ERR_OK;
}

err_t history_load_xcom(struct history *history, int64_t run, const char *task_id, const char *key,
                        struct str *json, struct diag *diag)
{
    struct db_statement *load = history->statements[LOAD_XCOM];
    bool row;
    db_bind_int(load, 1, run);
    db_bind_text(load, 2, task_id);
    db_bind_text(load, 3, key);
    TRY(db_step(load, &row, diag));
    if (row)
        str_append_text(json, db_text(load, 0));
    db_reset(load);
    return ERR_OK;
}

err_t history_load_run(struct history *history, const struct dag *dag, const char *run_id,
                       int64_t logical_us, struct run **out, struct diag *diag)
{
    struct db_statement *load = history->statements[run_id ? LOAD_BY_ID : LOAD_BY_DATE];
    bool row;
    db_bind_text(load, 1, dag->id);
    if (run_id)
        db_bind_text(load, 2, run_id);
    else
        db_bind_int(load, 2, logical_us);
    TRY(db_step(load, &row, diag));
    if (!row)
        return FAIL(diag, ERR_NOT_FOUND, "DAG '%s' has no run '%.120s'", dag->id,
                    run_id ? run_id : "of that date");
    struct run *run = run_of_row(load, dag);
    db_reset(load);
    err_t err = load_instances(history, run, diag);
    if (err != ERR_OK) {
        run_free(run);
        return err;
    }
    *out = run;
    return ERR_OK;
}

err_t history_past_state(struct history *history, const char *dag_id, int64_t logical_us,
                         const char *task_id, bool *found, enum task_state *out, int64_t *past_us,
                         struct diag *diag)
{
    struct db_statement *load = history->statements[PAST_STATE];
    db_bind_text(load, 1, task_id);
    db_bind_text(load, 2, dag_id);
    db_bind_int(load, 3, logical_us);
    TRY(db_step(load, found, diag));
    *past_us = *found ? db_int(load, 1) : INSTANT_NONE;
    if (*found && (db_is_null(load, 0) || !task_state_parse(db_text(load, 0), out)))
        *out = TASK_NONE;
    db_reset(load);
    return ERR_OK;
}

// Runs "head ?, tail (?, ?, ...)" with a first value and a list of texts.
static err_t run_with_list(struct history *history, const char *head, const char *const *texts,
                           const char *tail, int64_t first_int, const char *first_text,
                           struct diag *diag)
{
    struct str sql = {0};
    struct db_statement *statement = NULL;
    size_t count = 0;
    str_append_text(&sql, head);
    for (; texts[count]; count++)
        str_append_text(&sql, ", ?");
    str_append_text(&sql, tail);
    err_t err = db_prepare(history->db, str_text(&sql), &statement, diag);
    if (err == ERR_OK) {
        if (first_text)
            db_bind_text(statement, 1, first_text);
        else
            db_bind_int(statement, 1, first_int);
        for (size_t i = 0; i < count; i++)
            db_bind_text(statement, (int)i + 2, texts[i]);
        err = db_execute(statement, diag);
    }
    db_statement_close(statement);
    str_release(&sql);
    return err;
}

err_t history_end_orphans(struct history *history, const char *const *known, int64_t now_us,
                          struct diag *diag)
{
    TRY(run_with_list(history,
                      "UPDATE dag_run SET state = 'failed', finished_us = ?,"
                      " note = 'its DAG is no longer in the folder dags' WHERE state IN"
                      " ('queued', 'running') AND dag_id NOT IN (''",
                      known, ")", now_us, NULL, diag));
    return db_run(history->db,
                  "UPDATE task_instance SET state = 'failed', error = 'weir stopped while it ran'"
                  " WHERE state = 'running' AND run NOT IN"
                  " (SELECT id FROM dag_run WHERE state IN ('queued', 'running'))",
                  diag);
}

err_t history_remove_tasks(struct history *history, const char *dag_id, const char *const *known,
                           struct diag *diag)
{
    return run_with_list(history,
                         "UPDATE task_instance SET state = 'removed' WHERE run IN (SELECT id FROM"
                         " dag_run WHERE dag_id = ? AND state IN ('queued', 'running'))"
                         " AND state NOT IN ('success', 'failed', 'skipped', 'upstream_failed')"
                         " AND task_id NOT IN (''",
                         known, ")", 0, dag_id, diag);
}
