// SPDX-License-Identifier: Apache-2.0
#include "store/log/names.h"

#include "base/log.h"

static err_t refuse(const char *story, struct diag *diag)
{
    return FAIL(diag, ERR_IO, "%s; nothing is changed here before the next start", story);
}

err_t names_check(struct log_store *store, struct diag *diag)
{
    mutex_lock(&store->names.mutex);
    err_t err = store->names.story ? refuse(store->names.story, diag) : ERR_OK;
    mutex_unlock(&store->names.mutex);
    return err;
}

// With names.mutex.
static err_t sync_own(struct log_store *store, struct diag *diag)
{
    if (store->names.story)
        return refuse(store->names.story, diag);
    struct diag why = DIAG_INIT;
    err_t err = dir_sync(store->dir, &why);
    if (err == ERR_OK)
        return ERR_OK;
    store->names.story = mem_strdup(diag_text(&why));
    LOG_ERROR("store/log", "cannot sync, no topic is changed before the next start",
              "folder=%s err=\"%s\"", store->dir, store->names.story);
    return FAIL(diag, err, "%s", store->names.story);
}

err_t names_sync(struct log_store *store, struct diag *diag)
{
    mutex_lock(&store->names.mutex);
    err_t err = sync_own(store, diag);
    mutex_unlock(&store->names.mutex);
    return err;
}

err_t names_replace(struct log_store *store, const char *name, struct bytes bytes,
                    struct diag *diag)
{
    char path[PATH_BYTES], beside[PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/%s", store->dir, name);
    snprintf(beside, sizeof beside, "%s.new", path);
    TRY(file_write_synced(beside, bytes, diag));
    mutex_lock(&store->names.mutex);
    err_t err = store->names.story ? refuse(store->names.story, diag) : ERR_OK;
    if (err == ERR_OK)
        err = file_rename(beside, path, diag);
    if (err == ERR_OK)
        err = sync_own(store, diag);
    mutex_unlock(&store->names.mutex);
    return err;
}

// --- of a partition ---

bool partition__names_sound(struct partition *partition)
{
    mutex_lock(&partition->mutex);
    bool sound = !partition->names_lost;
    mutex_unlock(&partition->mutex);
    return sound;
}

// With names.mutex.
static err_t sync_names(struct partition *partition, struct diag *diag)
{
    char dir[PATH_BYTES];
    struct diag why = DIAG_INIT;
    partition__dir(partition, dir);
    if (!partition__names_sound(partition))
        return FAIL(diag, ERR_IO, "%s could not be synced; it is left alone until the next start",
                    dir);
    err_t err = dir_sync(dir, &why);
    if (err == ERR_OK)
        return ERR_OK;
    mutex_lock(&partition->mutex);
    partition->names_lost = true;
    mutex_unlock(&partition->mutex);
    partition__fail(partition, err, diag_text(&why));
    LOG_ERROR("store/log", "cannot sync, the partition takes no more appends",
              "topic=%s partition=%d err=\"%s\"", partition->topic->name, partition->index,
              diag_text(&why));
    return FAIL(diag, err, "%s", diag_text(&why));
}

err_t partition__sync_names(struct partition *partition, struct diag *diag)
{
    struct log_store *store = partition->topic->store;
    mutex_lock(&store->names.mutex);
    err_t err = sync_names(partition, diag);
    mutex_unlock(&store->names.mutex);
    return err;
}

static void sync_one(void *ctx, size_t index)
{
    struct partition *const *partitions = ctx;
    (void)!sync_names(partitions[index], NULL);
}

void partition__sync_all_names(struct log_store *store, struct partition *const *partitions,
                               size_t count)
{
    mutex_lock(&store->names.mutex);
    sync_pool_run(&store->writer.syncs, count, sync_one, (void *)(uintptr_t)partitions);
    mutex_unlock(&store->names.mutex);
}

err_t partition__replace(struct partition *partition, const char *name, struct bytes bytes,
                         struct diag *diag)
{
    struct log_store *store = partition->topic->store;
    char dir[PATH_BYTES], path[PATH_BYTES + 40], beside[PATH_BYTES + 48];
    partition__dir(partition, dir);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(beside, sizeof beside, "%s.new", path);
    TRY(file_write_synced(beside, bytes, diag));
    mutex_lock(&store->names.mutex);
    err_t err = file_rename(beside, path, diag);
    if (err == ERR_OK)
        err = sync_names(partition, diag);
    mutex_unlock(&store->names.mutex);
    return err;
}
