// SPDX-License-Identifier: Apache-2.0
//
// file_cache: files that are opened when they are needed and closed when too many others are, so
// thousands of segments cost no descriptors.
//
// Lifetime   a cached_file is part of its owner, who calls file_cache_drop() when nobody holds it
//            any more.
// Thread     any.
#ifndef STORE_LOG_FILE_CACHE_H
#define STORE_LOG_FILE_CACHE_H

#include "base/list.h"
#include "os/file.h"
#include "os/thread.h"

struct file_cache {
    struct mutex mutex;
    struct list idle; // open and held by nobody, longest idle first
    size_t open_count;
    size_t open_max; // passed only while more than this are held at once
};

struct cached_file {
    int fd; // -1 = closed
    unsigned holders;
    struct list link;
};

void file_cache_init(struct file_cache *cache, size_t open_max);
void file_cache_release(struct file_cache *cache);
void cached_file_init(struct cached_file *file);

// Keeps the file open until file_cache_put() if it is open; false if it is not.
bool file_cache_try(struct file_cache *cache, struct cached_file *file, int *fd);
// The same with a descriptor that was just opened for it, which the cache takes over. The caller
// closes what is returned (-1 = nothing): one too many, or `opened` when another was faster.
MUST_USE int file_cache_put_open(struct file_cache *cache, struct cached_file *file, int opened,
                                 int *fd);
void file_cache_put(struct file_cache *cache, struct cached_file *file);
// Closes it; nobody holds it. BLOCKS
void file_cache_drop(struct file_cache *cache, struct cached_file *file);

#endif
