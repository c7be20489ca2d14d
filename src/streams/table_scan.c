// SPDX-License-Identifier: Apache-2.0
#include "streams/table_scan.h"

static err_t hand_over(const struct batch *batch, void *ctx)
{
    struct table_scan *scan = ctx;
    mutex_lock(&scan->mutex);
    while (!scan->wanted && !scan->stopping)
        cond_wait(&scan->cond, &scan->mutex);
    scan->wanted = false;
    scan->batch = batch;
    cond_broadcast(&scan->cond);
    while (!scan->wanted && !scan->stopping) // the batch is in use until the next is wanted
        cond_wait(&scan->cond, &scan->mutex);
    scan->batch = NULL;
    bool stop = scan->stopping;
    mutex_unlock(&scan->mutex);
    return stop ? ERR_CANCELLED : ERR_OK;
}

static void run(void *ctx)
{
    struct table_scan *scan = ctx;
    struct diag diag = DIAG_INIT;
    err_t err = scan->tables.ops->scan(scan->tables.self, scan->keyspace, scan->table, hand_over,
                                       scan, &diag);
    mutex_lock(&scan->mutex);
    scan->err = err;
    scan->diag = diag;
    scan->finished = true;
    cond_broadcast(&scan->cond);
    mutex_unlock(&scan->mutex);
}

void table_scan_start(struct table_scan *scan, struct table_port tables, const char *keyspace,
                      const char *table)
{
    *scan = (struct table_scan){.tables = tables, .keyspace = keyspace, .table = table};
    mutex_init(&scan->mutex);
    cond_init(&scan->cond);
    thread_start(&scan->thread, "table-scan", run, scan);
}

err_t table_scan_next(struct table_scan *scan, struct batch *batch, bool *end, struct diag *diag)
{
    mutex_lock(&scan->mutex);
    scan->batch = NULL;
    scan->wanted = true;
    cond_broadcast(&scan->cond);
    while (!scan->batch && !scan->finished)
        cond_wait(&scan->cond, &scan->mutex);
    *end = scan->batch == NULL;
    if (scan->batch)
        *batch = *scan->batch;
    err_t err = scan->finished ? scan->err : ERR_OK;
    if (err != ERR_OK && diag && diag->code == ERR_OK)
        *diag = scan->diag;
    mutex_unlock(&scan->mutex);
    return err;
}

void table_scan_stop(struct table_scan *scan)
{
    mutex_lock(&scan->mutex);
    scan->stopping = true;
    cond_broadcast(&scan->cond);
    mutex_unlock(&scan->mutex);
    thread_join(&scan->thread);
    cond_release(&scan->cond);
    mutex_release(&scan->mutex);
}
