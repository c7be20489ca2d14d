// SPDX-License-Identifier: Apache-2.0
#include "store/log/file_cache.h"

#include <assert.h>

void file_cache_init(struct file_cache *cache, size_t open_max)
{
    mutex_init(&cache->mutex);
    list_init(&cache->idle);
    cache->open_count = 0;
    cache->open_max = open_max;
}

void file_cache_release(struct file_cache *cache)
{
    assert(cache->open_count == 0);
    mutex_release(&cache->mutex);
}

void cached_file_init(struct cached_file *file)
{
    file->fd = -1;
    file->holders = 0;
    list_init(&file->link);
}

static void hold(struct cached_file *file)
{
    if (file->holders++ == 0)
        list_remove(&file->link);
}

bool file_cache_try(struct file_cache *cache, struct cached_file *file, int *fd)
{
    mutex_lock(&cache->mutex);
    bool is_open = file->fd >= 0;
    if (is_open) {
        hold(file);
        *fd = file->fd;
    }
    mutex_unlock(&cache->mutex);
    return is_open;
}

// Takes one idle file out when there are too many; the caller closes what it returns.
static int evict(struct file_cache *cache)
{
    if (cache->open_count <= cache->open_max)
        return -1;
    struct list *link = list_pop_front(&cache->idle);
    if (!link)
        return -1;
    struct cached_file *file = CONTAINER_OF(link, struct cached_file, link);
    int fd = file->fd;
    file->fd = -1;
    cache->open_count--;
    return fd;
}

int file_cache_put_open(struct file_cache *cache, struct cached_file *file, int opened, int *fd)
{
    mutex_lock(&cache->mutex);
    int extra = -1;
    if (file->fd >= 0) { // another thread was faster
        extra = opened;
    } else {
        file->fd = opened;
        cache->open_count++;
        extra = evict(cache);
    }
    hold(file);
    *fd = file->fd;
    mutex_unlock(&cache->mutex);
    return extra;
}

void file_cache_put(struct file_cache *cache, struct cached_file *file)
{
    mutex_lock(&cache->mutex);
    assert(file->holders > 0);
    if (--file->holders == 0)
        list_push_back(&cache->idle, &file->link);
    int extra = evict(cache);
    mutex_unlock(&cache->mutex);
    file_close(extra);
}

void file_cache_drop(struct file_cache *cache, struct cached_file *file)
{
    mutex_lock(&cache->mutex);
    assert(file->holders == 0);
    int fd = file->fd;
    if (fd >= 0) {
        list_remove(&file->link);
        file->fd = -1;
        cache->open_count--;
    }
    mutex_unlock(&cache->mutex);
    file_close(fd);
}
