// SPDX-License-Identifier: Apache-2.0
//
// Gets, snapshots and iterators. Iterators own copies of their bounds because RocksDB keeps only
// pointers.

#include "store/kv/kv_int.h"

#include "base/mem.h"

#define SCAN_READAHEAD_BYTES ((size_t)256 << 10)

struct kv_iter {
    rocksdb_iterator_t *it;
    rocksdb_readoptions_t *options;
    struct str bounds; // lower, upper
};

static rocksdb_readoptions_t *options_at(const struct kv_snapshot *snapshot)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    if (snapshot)
        rocksdb_readoptions_set_snapshot(options, (const rocksdb_snapshot_t *)snapshot);
    return options;
}

static void set_value(struct kv_value *out, rocksdb_pinnableslice_t *pin)
{
    *out = (struct kv_value){.pin = pin};
    if (pin) {
        const char *ptr = rocksdb_pinnableslice_value(pin, &out->bytes.size);
        out->bytes.ptr = (const uint8_t *)ptr;
    }
}

err_t kv_get(struct kv *kv, const struct kv_snapshot *snapshot, enum kv_family family,
             struct bytes key, struct kv_value *out, struct diag *diag)
{
    rocksdb_readoptions_t *options = snapshot ? options_at(snapshot) : kv->read_options;
    char *message = NULL;
    rocksdb_pinnableslice_t *pin = rocksdb_get_pinned_cf(kv->db, options, kv->families[family],
                                                         (const char *)key.ptr, key.size, &message);
    if (snapshot)
        rocksdb_readoptions_destroy(options);
    if (message)
        return kv__fail(diag, "cannot read", message);
    set_value(out, pin);
    return ERR_OK;
}

err_t kv_get_many(struct kv *kv, const struct kv_snapshot *snapshot, enum kv_family family,
                  const struct bytes *keys, size_t count, struct kv_value *out, struct diag *diag)
{
    const char **ptrs = mem_alloc(count * sizeof *ptrs + 1);
    size_t *sizes = mem_alloc(count * sizeof *sizes + 1);
    rocksdb_pinnableslice_t **pins = mem_zalloc(count * sizeof *pins + 1);
    char **messages = mem_zalloc(count * sizeof *messages + 1);
    rocksdb_readoptions_t *options = options_at(snapshot);
    for (size_t i = 0; i < count; i++) {
        ptrs[i] = (const char *)keys[i].ptr;
        sizes[i] = keys[i].size;
    }
    rocksdb_batched_multi_get_cf(kv->db, options, kv->families[family], count, ptrs, sizes, pins,
                                 messages, false);
    rocksdb_readoptions_destroy(options);
    err_t err = ERR_OK;
    for (size_t i = 0; i < count; i++) {
        set_value(&out[i], pins[i]);
        if (messages[i] && !err)
            err = kv__fail(diag, "cannot read", messages[i]);
        else if (messages[i])
            rocksdb_free(messages[i]);
    }
    for (size_t i = 0; err && i < count; i++)
        kv_value_release(&out[i]);
    mem_free(ptrs);
    mem_free(sizes);
    mem_free(pins);
    mem_free(messages);
    return err;
}

void kv_value_release(struct kv_value *value)
{
    if (value->pin)
        rocksdb_pinnableslice_destroy(value->pin);
    *value = (struct kv_value){0};
}

struct kv_snapshot *kv_snapshot_take(struct kv *kv)
{
    return (struct kv_snapshot *)(uintptr_t)rocksdb_create_snapshot(kv->db);
}

void kv_snapshot_release(struct kv *kv, struct kv_snapshot *snapshot)
{
    if (snapshot)
        rocksdb_release_snapshot(kv->db, (const rocksdb_snapshot_t *)snapshot);
}

struct kv_iter *kv_iter_open(struct kv *kv, const struct kv_iter_options *options)
{
    struct kv_iter *iter = MEM_NEW(struct kv_iter);
    struct bytes lower = options->lower, upper = options->upper;
    iter->options = options_at(options->snapshot);
    str_append_bytes(&iter->bounds, lower);
    str_append_bytes(&iter->bounds, upper);
    if (lower.ptr)
        rocksdb_readoptions_set_iterate_lower_bound(iter->options, iter->bounds.ptr, lower.size);
    if (upper.ptr)
        rocksdb_readoptions_set_iterate_upper_bound(iter->options, iter->bounds.ptr + lower.size,
                                                    upper.size);
    if (options->prefix)
        rocksdb_readoptions_set_prefix_same_as_start(iter->options, 1);
    else
        rocksdb_readoptions_set_total_order_seek(iter->options, 1);
    if (options->scan) {
        rocksdb_readoptions_set_fill_cache(iter->options, 0);
        rocksdb_readoptions_set_readahead_size(iter->options, SCAN_READAHEAD_BYTES);
    }
    iter->it = rocksdb_create_iterator_cf(kv->db, iter->options, kv->families[options->family]);
    return iter;
}

void kv_iter_close(struct kv_iter *iter)
{
    if (!iter)
        return;
    rocksdb_iter_destroy(iter->it);
    rocksdb_readoptions_destroy(iter->options);
    str_release(&iter->bounds);
    mem_free(iter);
}

void kv_iter_first(struct kv_iter *iter)
{
    rocksdb_iter_seek_to_first(iter->it);
}

void kv_iter_last(struct kv_iter *iter)
{
    rocksdb_iter_seek_to_last(iter->it);
}

void kv_iter_seek(struct kv_iter *iter, struct bytes key)
{
    rocksdb_iter_seek(iter->it, (const char *)key.ptr, key.size);
}

void kv_iter_seek_before(struct kv_iter *iter, struct bytes key)
{
    rocksdb_iter_seek_for_prev(iter->it, (const char *)key.ptr, key.size);
}

void kv_iter_next(struct kv_iter *iter)
{
    rocksdb_iter_next(iter->it);
}

void kv_iter_prev(struct kv_iter *iter)
{
    rocksdb_iter_prev(iter->it);
}

bool kv_iter_valid(const struct kv_iter *iter)
{
    return rocksdb_iter_valid(iter->it);
}

struct bytes kv_iter_key(const struct kv_iter *iter)
{
    size_t size;
    const char *ptr = rocksdb_iter_key(iter->it, &size);
    return bytes_make(ptr, size);
}

struct bytes kv_iter_value(const struct kv_iter *iter)
{
    size_t size;
    const char *ptr = rocksdb_iter_value(iter->it, &size);
    return bytes_make(ptr, size);
}

err_t kv_iter_error(const struct kv_iter *iter, struct diag *diag)
{
    char *message = NULL;
    rocksdb_iter_get_error(iter->it, &message);
    return message ? kv__fail(diag, "cannot read", message) : ERR_OK;
}
