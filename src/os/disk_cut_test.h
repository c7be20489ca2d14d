// SPDX-License-Identifier: Apache-2.0
//
// disk_cut_test: the folder that a power cut leaves of a recorded disk (disk_test.h), for a moment,
// an outcome and a seed. disk_check() makes the folder of no cut at all and compares: nothing went
// around the recorder.
#ifndef OS_DISK_CUT_TEST_H
#define OS_DISK_CUT_TEST_H

#include "os/disk_test.h"

enum disk_outcome {
    DISK_NOTHING, // all that was not synced is gone
    DISK_ALL,     // everything is there, as after kill -9
    DISK_HALF,    // each sector and each name by a coin
    DISK_MOST,    // nine of ten are there
    DISK_FEW,     // one of ten
    DISK_JOURNAL, // names in order up to some moment, sizes as told, sectors by a coin
    DISK_OUTCOMES,
};

struct disk_cut {
    const struct disk *disk;
    size_t at; // ops [0, at) happened
    enum disk_outcome outcome;
    uint64_t random;
    size_t names_until;
    struct disk_links links;
};

static inline uint32_t disk_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static inline bool disk_coin(struct disk_cut *cut)
{
    static const uint32_t of_ten[DISK_OUTCOMES] = {0, 10, 5, 9, 1, 5};
    return disk_random(&cut->random) % 10 < of_ten[cut->outcome];
}

static inline void disk_put(struct str *content, int64_t at, const char *ptr, size_t size)
{
    size_t end = (size_t)at + size;
    if (end > content->size) {
        str_reserve(content, end - content->size);
        memset(content->ptr + content->size, 0, end - content->size);
        content->size = end;
    }
    if (ptr)
        memcpy(content->ptr + at, ptr, size);
}

static inline void disk_put_torn(struct disk_cut *cut, struct str *content,
                                 const struct disk_op *op)
{
    int64_t end = op->offset + (int64_t)op->data.size;
    for (int64_t at = op->offset; at < end;) {
        int64_t next = (at / DISK_SECTOR + 1) * DISK_SECTOR;
        next = next < end ? next : end;
        if (disk_coin(cut))
            disk_put(content, at, op->data.ptr + (at - op->offset), (size_t)(next - at));
        at = next;
    }
    bool whole_size = cut->outcome == DISK_JOURNAL   ? disk_random(&cut->random) % 2
                      : cut->outcome != DISK_NOTHING ? disk_random(&cut->random) % 4 == 0
                                                     : false;
    if (whole_size && content->size < (size_t)end)
        disk_put(content, end, NULL, 0);
}

static inline struct str disk_content(struct disk_cut *cut, int inode)
{
    struct str content = {0};
    str_append_bytes(&content, str_bytes(&cut->disk->inodes.items[inode].base));
    for (size_t i = 0; i < cut->at; i++) {
        const struct disk_op *op = &cut->disk->ops.items[i];
        if (op->inode != inode || disk_is_name(op))
            continue;
        bool durable = op->durable_at < cut->at;
        if (op->kind == DISK_TRUNCATE) {
            if (!durable && !disk_coin(cut))
                continue;
            if ((size_t)op->offset < content.size)
                content.size = (size_t)op->offset;
            else
                disk_put(&content, op->offset, NULL, 0);
        } else if (op->kind == DISK_GROW) {
            if (durable || disk_coin(cut))
                disk_put(&content, op->offset, NULL, 0);
        } else if (op->kind == DISK_WRITE && durable) {
            disk_put(&content, op->offset, op->data.ptr, op->data.size);
        } else if (op->kind == DISK_WRITE) {
            disk_put_torn(cut, &content, op);
        }
    }
    return content;
}

static inline void disk_make(struct disk_cut *cut, int inode, const char *path)
{
    if (!cut->disk->inodes.items[inode].is_dir) {
        struct str content = disk_content(cut, inode);
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ssize_t done = content.size ? pwrite(fd, content.ptr, content.size, 0) : 0;
        assert(fd >= 0 && done == (ssize_t)content.size);
        close(fd);
        str_release(&content);
        return;
    }
    int result = mkdir(path, 0755);
    assert(result == 0);
    for (size_t i = 0; i < cut->links.all.count; i++) {
        if (cut->links.all.items[i].folder != inode)
            continue;
        char *below = mem_printf("%s/%s", path, cut->links.all.items[i].name);
        disk_make(cut, cut->links.all.items[i].inode, below);
        mem_free(below);
    }
}

// Makes folder `to`, which must not exist, as a cut after the first `at` ops would have left the
// root.
static inline void disk_crash(const struct disk *disk, size_t at, enum disk_outcome outcome,
                              uint64_t seed, const char *to)
{
    struct disk_cut cut = {.disk = disk, .at = at, .outcome = outcome, .random = hash_u64(seed)};
    (void)disk_random(&cut.random);
    cut.names_until = disk_random(&cut.random) % (at + 1);
    disk_links_copy(&cut.links, &disk->base);
    for (size_t i = 0; i < at; i++) {
        const struct disk_op *op = &disk->ops.items[i];
        if (!disk_is_name(op))
            continue;
        bool durable = op->durable_at < at;
        // A journal that has one change on disk has all those before it.
        for (size_t j = i; outcome == DISK_JOURNAL && !durable && j < at; j++)
            durable = disk_is_name(&disk->ops.items[j]) && disk->ops.items[j].durable_at < at;
        if (durable || (outcome == DISK_JOURNAL ? i < cut.names_until : disk_coin(&cut)))
            disk_links_apply(&cut.links, op);
    }
    disk_make(&cut, 0, to);
    disk_links_release(&cut.links);
}

// Prints ops [from, to), for whoever wants to know what led to a failure.
static inline void disk_print(const struct disk *disk, size_t from, size_t to)
{
    static const char *const kinds[] = {"link", "unlink", "rename", "write",
                                        "size", "grow",   "sync",   "bad sync"};
    for (size_t i = from; i < to && i < disk->ops.count; i++) {
        const struct disk_op *op = &disk->ops.items[i];
        const char *name = op->name ? op->name : "";
        for (size_t l = 0; !op->name && l < disk->ops.count; l++)
            if (disk->ops.items[l].kind == DISK_LINK && disk->ops.items[l].inode == op->inode)
                name = disk->ops.items[l].name;
        fprintf(stderr, "%4zu %-8s #%d %s%s%s at %lld size %zu%s durable at %zd\n", i,
                kinds[op->kind], op->inode, op->from_name ? op->from_name : "",
                op->from_name ? " to " : "", name, (long long)op->offset, op->data.size,
                op->lost ? " lost" : "", (ssize_t)op->durable_at);
    }
}

// Is the folder as recorded? `scratch` must not exist and is removed.
static inline bool disk_check(const struct disk *disk, const char *scratch)
{
    disk_crash(disk, disk->ops.count, DISK_ALL, 1, scratch);
    char *command = mem_printf("diff -r %s %s", disk->root, scratch);
    int result = system(command);
    mem_free(command);
    err_t err = dir_remove(scratch, NULL);
    return result == 0 && err == ERR_OK;
}

#endif
