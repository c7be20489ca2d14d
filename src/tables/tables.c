// SPDX-License-Identifier: Apache-2.0
//
// Opening and closing the tables: the kv store, then the catalog, then whoever asks.

#include "tables/tables_int.h"

#include "base/mem.h"
#include "os/clock.h"
#include "tables/keys.h"

// The compaction filter: rows of tables that are gone go, the rest is purged of what nobody can
// see. Partition and range deletions stay: what they cover may still lie below.
static enum kv_verdict filter(void *ctx, struct bytes key, struct bytes value, struct str *out)
{
    struct tables *tables = ctx;
    struct key_parts parts;
    struct catalog *catalog = __atomic_load_n(&tables->catalog, __ATOMIC_ACQUIRE);
    if (!catalog || !key_split(&parts, key))
        return KV_KEEP;
    int32_t gc_grace_s = catalog_gc_grace(catalog, parts.table);
    if (gc_grace_s < 0)
        return KV_DROP;
    if (parts.kind != KEY_ROW && parts.kind != KEY_STATIC)
        return KV_KEEP;
    switch (row_purge(value, clock_now_us() / 1000000, gc_grace_s, out)) {
    case ROW_EMPTY:
        return KV_DROP;
    case ROW_CHANGED:
        return KV_CHANGE;
    case ROW_SAME:
        break;
    }
    return KV_KEEP;
}

err_t tables_open(struct tables **out, const struct tables_options *options, struct diag *diag)
{
    struct tables *tables = MEM_NEW(struct tables);
    tables->loops = options->loops;
    tables->budget = options->budget;
    for (size_t i = 0; i < TABLES_STRIPES; i++)
        mutex_init(&tables->stripes[i]);
    struct kv_options kv = {.dir = options->data_dir,
                            .memory_bytes = options->memory_bytes,
                            .sync = options->sync,
                            .format = {row_merge, filter, key_prefix_size, tables}};
    struct catalog *catalog = NULL;
    err_t err = kv_open(&tables->kv, &kv, diag);
    if (!err)
        err = catalog_open(&catalog, tables->kv, diag);
    if (err) {
        tables_close(tables);
        return err;
    }
    __atomic_store_n(&tables->catalog, catalog, __ATOMIC_RELEASE);
    *out = tables;
    return ERR_OK;
}

void tables_close(struct tables *tables)
{
    if (!tables)
        return;
    tables_server_stop(tables->server);
    kv_close(tables->kv); // its threads ask the catalog
    catalog_close(tables->catalog);
    for (size_t i = 0; i < TABLES_STRIPES; i++)
        mutex_release(&tables->stripes[i]);
    mem_free(tables);
}

struct schema *tables_schema(struct tables *tables)
{
    return catalog_schema(tables->catalog);
}

struct tables_server *tables_server_of(struct tables *tables)
{
    return tables->server;
}

void tables_set_server(struct tables *tables, struct tables_server *server)
{
    tables->server = server;
}

struct loops *tables_loops(struct tables *tables)
{
    return tables->loops;
}

struct budget *tables_budget(struct tables *tables)
{
    return tables->budget;
}
