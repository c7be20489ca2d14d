// SPDX-License-Identifier: Apache-2.0
//
// Opening and tuning RocksDB.
//
// Memory: one block cache for everything, index and filter blocks inside it, so `memory_bytes`
// bounds the whole; db_write_buffer_size bounds all memtables together. Threads: one for flushes,
// one for compactions, the committer.
//
// Recovery: mode 0 (kTolerateCorruptedTailRecords) forgives a torn record at the very end of the
// log, which a power cut leaves and which was never acknowledged, and refuses to open on damage
// anywhere before it. The default, point-in-time, would silently drop acknowledged records behind
// such damage.
//
// Opening is quick because nothing is read that is not needed: no statistics, no size checks, a
// bounded number of table files. What a killed process left in the log is replayed into memory, not
// written out first.

#include "store/kv/kv_int.h"

#include "base/mem.h"
#include "os/file.h"

#include <assert.h>
#include <stdlib.h>

#define MIB              ((size_t)1 << 20)
#define OPEN_MIN_BYTES   MIB
#define WRITE_BUFFER_MAX (16 * MIB) // bounds the replay after a kill

static const char *const family_names[KV_FAMILIES] = {"default", "meta", "state"};

err_t kv__fail(struct diag *diag, const char *what, char *message)
{
    err_t code = ERR_IO;
    if (strstr(message, "No space left") || strstr(message, "Disk quota"))
        code = ERR_DISK_FULL;
    else if (strncmp(message, "Corruption", 10) == 0)
        code = ERR_CORRUPT;
    else if (strstr(message, "lock"))
        code = ERR_LOCKED;
    err_t err = FAIL(diag, code, "table storage: %s: %s", what, message);
    rocksdb_free(message);
    return err;
}

// --- callbacks of KV_DATA ---

// What a callback returns lives here until RocksDB has copied it. One per thread, freed with the
// thread.
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;

static void scratch_free(void *ctx)
{
    struct str *scratch = ctx;
    str_release(scratch);
    mem_free(scratch);
}

static void scratch_make(void)
{
    int failed = pthread_key_create(&scratch_key, scratch_free);
    assert(failed == 0);
}

// Empty, but never NULL inside.
static struct str *scratch_take(void)
{
    pthread_once(&scratch_once, scratch_make);
    struct str *scratch = pthread_getspecific(scratch_key);
    if (!scratch) {
        scratch = MEM_NEW(struct str);
        pthread_setspecific(scratch_key, scratch);
    }
    str_clear(scratch);
    str_reserve(scratch, 1);
    return scratch;
}

static const char *format_name(void *ctx)
{
    (void)ctx;
    return "weir";
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void keep_value(void *ctx, const char *value, size_t size)
{
    (void)ctx, (void)value, (void)size; // an operand or the scratch
}

static char *merge_values(const struct kv *kv, const struct bytes *values, size_t count,
                          unsigned char *success, size_t *size)
{
    *success = 1;
    if (count == 1) {
        *size = values[0].size;
        return (char *)(uintptr_t)values[0].ptr;
    }
    struct str *scratch = scratch_take();
    *success = kv->format.merge(scratch, values, count);
    *size = scratch->size;
    return scratch->ptr;
}

#define FEW 16

static char *full_merge(void *ctx, const char *key, size_t key_size, const char *base,
                        size_t base_size, const char *const *operands, const size_t *sizes,
                        int count, unsigned char *success, size_t *size)
{
    (void)key, (void)key_size;
    struct bytes few[FEW];
    size_t total = (size_t)count + 1;
    struct bytes *values = total <= FEW ? few : mem_alloc(total * sizeof *values);
    size_t used = 0;
    if (base)
        values[used++] = bytes_make(base, base_size);
    for (int i = 0; i < count; i++)
        values[used++] = bytes_make(operands[i], sizes[i]);
    char *out = merge_values(ctx, values, used, success, size);
    if (values != few)
        mem_free(values);
    return out;
}

static char *partial_merge(void *ctx, const char *key, size_t key_size, const char *const *operands,
                           const size_t *sizes, int count, unsigned char *success, size_t *size)
{
    return full_merge(ctx, key, key_size, NULL, 0, operands, sizes, count, success, size);
}

static unsigned char filter_value(void *ctx, int level, const char *key, size_t key_size,
                                  const char *value, size_t value_size, char **new_value,
                                  size_t *new_size, unsigned char *changed)
{
    (void)level;
    struct kv *kv = ctx;
    struct str *scratch = scratch_take();
    enum kv_verdict verdict = kv->format.filter(kv->format.ctx, bytes_make(key, key_size),
                                                bytes_make(value, value_size), scratch);
    if (verdict == KV_CHANGE) {
        *new_value = scratch->ptr;
        *new_size = scratch->size;
        *changed = 1;
    }
    return verdict == KV_DROP;
}

static char *prefix_of(void *ctx, const char *key, size_t size, size_t *prefix_size)
{
    const struct kv *kv = ctx;
    *prefix_size = kv->format.prefix(bytes_make(key, size));
    return (char *)(uintptr_t)key;
}

static unsigned char prefix_has(void *ctx, const char *key, size_t size)
{
    const struct kv *kv = ctx;
    return kv->format.prefix(bytes_make(key, size)) > 0;
}

static unsigned char prefix_is(void *ctx, const char *key, size_t size)
{
    (void)ctx, (void)key, (void)size;
    return 0;
}

// --- options ---

static rocksdb_options_t *make_options(struct kv *kv, size_t memory_bytes)
{
    rocksdb_options_t *options = rocksdb_options_create();
    size_t memtables = memory_bytes / 3;
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_write_buffer_size(
        options, memtables / 2 < WRITE_BUFFER_MAX ? memtables / 2 : WRITE_BUFFER_MAX);
    rocksdb_options_set_db_write_buffer_size(options, memtables);
    rocksdb_options_set_max_write_buffer_number(options, 3);
    rocksdb_options_set_arena_block_size(options, 64 << 10);
    rocksdb_options_set_max_open_files(options, 256);
    rocksdb_options_set_max_file_opening_threads(options, 1);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1);
    rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(options, 1);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_max_log_file_size(options, MIB);
    rocksdb_options_set_wal_recovery_mode(options,
                                          rocksdb_tolerate_corrupted_tail_records_recovery);
    int compressions[7] = {rocksdb_no_compression}; // fresh files are rewritten soon
    for (size_t i = 1; i < sizeof compressions / sizeof *compressions; i++)
        compressions[i] = rocksdb_lz4_compression;
    rocksdb_options_set_compression_per_level(options, compressions,
                                              sizeof compressions / sizeof *compressions);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    rocksdb_options_set_target_file_size_base(options, 16 * MIB);
    rocksdb_options_set_bytes_per_sync(options, MIB);

    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, kv->cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    rocksdb_block_based_options_set_block_size(table, 8 << 10);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_block_based_options_set_whole_key_filtering(table, 1);
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    return options;
}

// What the C interface has no setter for.
static rocksdb_options_t *make_db_options(struct kv *kv, size_t memory_bytes, char **message)
{
    rocksdb_options_t *base = make_options(kv, memory_bytes);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_get_options_from_string(base, "avoid_flush_during_recovery=true", options, message);
    rocksdb_options_destroy(base);
    return options;
}

static void set_format(struct kv *kv)
{
    kv->merge = rocksdb_mergeoperator_create(kv, nothing, full_merge, partial_merge, keep_value,
                                             format_name);
    rocksdb_options_set_merge_operator(kv->options, kv->merge);
    kv->filter = rocksdb_compactionfilter_create(kv, nothing, filter_value, format_name);
    rocksdb_compactionfilter_set_ignore_snapshots(kv->filter, 1);
    rocksdb_options_set_compaction_filter(kv->options, kv->filter);
    rocksdb_options_set_prefix_extractor(
        kv->options,
        rocksdb_slicetransform_create(kv, nothing, prefix_of, prefix_has, prefix_is, format_name));
}

// RocksDB's own LOG gets nothing after the open, and there must be room to open: on a full disk its
// writer ends the process by an assertion.
enum { LOG_WARNINGS = 2, LOG_NOTHING = 4 };

static err_t check_room(const char *dir, struct diag *diag)
{
    uint64_t room = 0;
    TRY(dir_free_bytes(dir, &room, diag));
    if (room >= OPEN_MIN_BYTES)
        return ERR_OK;
    return FAIL(diag, ERR_DISK_FULL,
                "no space left on the disk of %s: %llu bytes, to start takes %llu", dir,
                (unsigned long long)room, (unsigned long long)OPEN_MIN_BYTES);
}

static char *open_db(struct kv *kv, const char *dir)
{
    const rocksdb_options_t *families[KV_FAMILIES] = {kv->options, kv->plain, kv->plain};
    char *message = NULL;
    kv->db = rocksdb_open_column_families(kv->options, dir, KV_FAMILIES, family_names, families,
                                          kv->families, &message);
    return message;
}

// RocksDB names the damaged log only in its own LOG: "…/000004.log: dropping 1234 bytes;
// Corruption: …".
static void name_damage(const char *dir, struct diag *diag)
{
    char path[4096];
    struct str log = {0};
    snprintf(path, sizeof path, "%s/LOG", dir);
    if (!diag || file_read_all(path, 4 * MIB, &log, NULL) != ERR_OK)
        return;
    const char *found = strstr(str_text(&log), ": dropping ");
    if (found) {
        const char *start = found;
        while (start > log.ptr && start[-1] != ' ' && start[-1] != '\n')
            start--;
        diag_context(diag, "%.*s", (int)strcspn(start, ";\n"), start);
    }
    str_release(&log);
}

static void release(struct kv *kv)
{
    rocksdb_writeoptions_destroy(kv->write_options);
    rocksdb_readoptions_destroy(kv->read_options);
    rocksdb_options_destroy(kv->options);
    rocksdb_options_destroy(kv->plain);
    rocksdb_compactionfilter_destroy(kv->filter);
    rocksdb_cache_destroy(kv->cache);
    mem_free(kv);
}

err_t kv_open(struct kv **out, const struct kv_options *options, struct diag *diag)
{
    TRY(dir_make(options->dir, diag));
    TRY(check_room(options->dir, diag));
    struct kv *kv = MEM_NEW(struct kv);
    size_t memory_bytes = options->memory_bytes ? options->memory_bytes : 64 * MIB;
    if (memory_bytes < 8 * MIB)
        memory_bytes = 8 * MIB;
    kv->format = options->format;
    kv->sync = options->sync;
    kv->cache = rocksdb_cache_create_lru(memory_bytes - memory_bytes / 3);
    char *message = NULL;
    kv->options = make_db_options(kv, memory_bytes, &message);
    kv->plain = make_options(kv, memory_bytes);
    set_format(kv);
    kv->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(kv->write_options, options->sync);
    kv->read_options = rocksdb_readoptions_create();

    rocksdb_options_set_info_log_level(kv->options, LOG_NOTHING);
    if (!message)
        message = open_db(kv, options->dir);
    if (message) {
        err_t err = kv__fail(diag, "cannot open", message);
        if (err == ERR_CORRUPT) {
            rocksdb_options_set_info_log_level(kv->options, LOG_WARNINGS);
            rocksdb_free(open_db(kv, options->dir)); // fails again, but tells where
            name_damage(options->dir, diag);
        }
        release(kv);
        return err;
    }
    for (uint32_t i = 0; i < KV_FAMILIES; i++)
        assert(rocksdb_column_family_handle_get_id(kv->families[i]) == i);
    kv__committer_start(kv);
    *out = kv;
    return ERR_OK;
}

void kv_close(struct kv *kv)
{
    if (!kv)
        return;
    kv__committer_stop(kv);
    // What is in memory goes to files, so that the next open has nothing to replay.
    if (kv_flush(kv, NULL) != ERR_OK)
        assert(kv->db);
    rocksdb_cancel_all_background_work(kv->db, 1);
    for (size_t i = 0; i < KV_FAMILIES; i++)
        rocksdb_column_family_handle_destroy(kv->families[i]);
    rocksdb_close(kv->db);
    release(kv);
}

// --- maintenance ---

// After a failed write RocksDB may be flushed by its own recovery only.
static char *flush(struct kv *kv, bool wait)
{
    if (kv->broken)
        return strdup("the last write failed");
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, wait);
    char *message = NULL;
    for (size_t i = 0; i < KV_FAMILIES && !message; i++)
        rocksdb_flush_cf(kv->db, options, kv->families[i], &message);
    rocksdb_flushoptions_destroy(options);
    return message;
}

err_t kv_flush(struct kv *kv, struct diag *diag)
{
    char *message = flush(kv, true);
    return message ? kv__fail(diag, "cannot flush", message) : ERR_OK;
}

void kv__flush_soon(struct kv *kv)
{
    rocksdb_free(
        flush(kv, false)); // what fails is tried again when a memtable is full, and said then
}

err_t kv_compact(struct kv *kv, struct diag *diag)
{
    TRY(kv_flush(kv, diag));
    rocksdb_compactoptions_t *options = rocksdb_compactoptions_create();
    rocksdb_compactoptions_set_bottommost_level_compaction(options, 2);
    rocksdb_compact_range_cf_opt(kv->db, kv->families[KV_DATA], options, NULL, 0, NULL, 0);
    rocksdb_compactoptions_destroy(options);
    return ERR_OK;
}

err_t kv_drop_range(struct kv *kv, enum kv_family family, struct bytes from, struct bytes to,
                    struct diag *diag)
{
    char *message = NULL;
    rocksdb_delete_file_in_range_cf(kv->db, kv->families[family], (const char *)from.ptr, from.size,
                                    (const char *)to.ptr, to.size, &message);
    if (message)
        return kv__fail(diag, "cannot delete a range of files", message);
    struct kv_batch batch = {0};
    kv_delete_range(&batch, family, from, to);
    err_t err = kv_commit(kv, &batch, diag);
    kv_batch_release(&batch);
    return err;
}
