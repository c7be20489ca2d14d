// SPDX-License-Identifier: Apache-2.0
//
// disk_test: os/file.c on a disk that can lose power. A test that includes this header gets file.c
// compiled into itself, with its system calls led through here: they work on a real folder, and all
// that changes something is recorded in order. disk_crash() of disk_cut_test.h then makes the
// folder that a power cut at any moment would have left:
//
//     data    of a write behind the last sync of its file, each 512-byte sector is there or not
//     sizes   grow with what is there, sometimes further, with zeros
//     names   made, renamed or removed behind the last sync of their folder happened or did not
//     faults  a sync may fail once: what it should have kept is never certain again, also when the
//             next sync succeeds. Writes may fail with EIO or ENOSPC, half done; names may refuse
//             to be made, renamed or removed, and files to be cut.
//
// Lifetime   one disk at a time is recorded: from disk_start() to disk_stop(). Descriptors that are
//            open at either end belong to nobody.
// Thread     any; the recorder has one mutex.
#ifndef OS_DISK_TEST_H
#define OS_DISK_TEST_H

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DISK_SECTOR = 512, DISK_FDS = 4096, DISK_PATH = 1024 };

enum disk_kind {
    DISK_LINK,
    DISK_UNLINK,
    DISK_RENAME,
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_GROW,
    DISK_SYNC,
    DISK_SYNC_FAILED,
};

struct disk_op {
    enum disk_kind kind;
    int inode;
    int folder; // of the name
    char *name;
    int from_folder; // RENAME
    char *from_name;
    int64_t offset; // WRITE; TRUNCATE, GROW: the new size
    struct str data;
    size_t durable_at; // the op that synced it; SIZE_MAX = none yet
    bool lost;         // its sync failed
};

struct disk_link {
    int folder;
    char *name;
    int inode;
};

struct disk_links {
    VEC(struct disk_link) all;
};

struct disk_inode {
    bool is_dir;
    struct str base; // content when recording began
};

struct disk {
    char root[DISK_PATH];
    VEC(struct disk_op) ops;
    VEC(struct disk_inode) inodes; // 0 is the root
    struct disk_links base;        // names when recording began
    struct disk_links links;       // names now
    // fault: after `fail_after` more ops of its kind, `fail_count` of them fail (-1: all)
    enum disk_kind fail_kind;      // DISK_SYNC, DISK_WRITE, DISK_TRUNCATE, DISK_RENAME: any name
    long counts[DISK_SYNC_FAILED]; // how many ops of each of these there were
    size_t failed_at;              // the moment of the first one that failed; SIZE_MAX = none
    long fail_after;
    long fail_count;
    int fail_errno;
};

static struct disk *disk_now;
static pthread_mutex_t disk_mutex = PTHREAD_MUTEX_INITIALIZER;
static int disk_fds[DISK_FDS]; // inode + 1

// --- names ---

static inline int disk_find(const struct disk_links *links, int folder, const char *name,
                            size_t size)
{
    for (size_t i = 0; i < links->all.count; i++) {
        const struct disk_link *link = &links->all.items[i];
        if (link->folder == folder && strlen(link->name) == size &&
            memcmp(link->name, name, size) == 0)
            return (int)i;
    }
    return -1;
}

struct disk_place {
    bool inside; // below the root, in a folder that exists
    int folder;
    const char *name;
    int inode; // -1 = there is none
};

static inline struct disk_place disk_resolve(const char *path)
{
    struct disk *disk = disk_now;
    struct disk_place place = {.inode = -1};
    size_t size = disk ? strlen(disk->root) : 0;
    if (!disk || strncmp(path, disk->root, size) != 0 || (path[size] && path[size] != '/'))
        return place;
    place.inside = true;
    place.inode = 0;
    for (const char *at = path + size; *at;) {
        while (*at == '/')
            at++;
        size_t part = strcspn(at, "/");
        if (part == 0)
            break;
        if (place.inode < 0)
            return (struct disk_place){.inode = -1}; // its folder does not exist
        place.folder = place.inode;
        place.name = at;
        int found = disk_find(&disk->links, place.folder, at, part);
        place.inode = found < 0 ? -1 : disk->links.all.items[found].inode;
        at += part;
    }
    return place;
}

static inline int disk_inode_new(struct disk *disk, bool is_dir)
{
    struct disk_inode inode = {.is_dir = is_dir};
    vec_push(&disk->inodes, inode);
    return (int)disk->inodes.count - 1;
}

static inline void disk_links_drop(struct disk_links *links, int folder, const char *name)
{
    int found = disk_find(links, folder, name, strlen(name));
    if (found < 0)
        return;
    mem_free(links->all.items[found].name);
    vec_remove(&links->all, (size_t)found);
}

static inline void disk_links_apply(struct disk_links *links, const struct disk_op *op)
{
    if (op->kind == DISK_RENAME) {
        int was = disk_find(links, op->from_folder, op->from_name, strlen(op->from_name));
        if (was >= 0 && links->all.items[was].inode == op->inode)
            disk_links_drop(links, op->from_folder, op->from_name);
    }
    disk_links_drop(links, op->folder, op->name);
    if (op->kind == DISK_UNLINK)
        return;
    struct disk_link link = {op->folder, mem_strdup(op->name), op->inode};
    vec_push(&links->all, link);
}

static inline void disk_links_copy(struct disk_links *to, const struct disk_links *from)
{
    for (size_t i = 0; i < from->all.count; i++) {
        struct disk_link link = from->all.items[i];
        link.name = mem_strdup(link.name);
        vec_push(&to->all, link);
    }
}

static inline void disk_links_release(struct disk_links *links)
{
    for (size_t i = 0; i < links->all.count; i++)
        mem_free(links->all.items[i].name);
    vec_release(&links->all);
}

// --- recording: all with disk_mutex ---

static inline struct disk_op *disk_record(enum disk_kind kind, int inode)
{
    struct disk_op op = {.kind = kind, .inode = inode, .durable_at = SIZE_MAX};
    vec_push(&disk_now->ops, op);
    return &disk_now->ops.items[disk_now->ops.count - 1];
}

static inline void disk_record_name(enum disk_kind kind, const struct disk_place *place, int inode)
{
    struct disk_op *op = disk_record(kind, inode);
    op->folder = place->folder;
    op->name = mem_strdup(place->name);
    disk_links_apply(&disk_now->links, op);
}

static inline int disk_inode_of(int fd)
{
    return disk_now && fd >= 0 && fd < DISK_FDS ? disk_fds[fd] - 1 : -1;
}

static inline bool disk_is_name(const struct disk_op *op)
{
    return op->kind == DISK_LINK || op->kind == DISK_UNLINK || op->kind == DISK_RENAME;
}

// What a sync of `inode`, begun when `covers` ops were there, makes durable: a file's data, or the
// names in a folder.
static inline void disk_settle(int inode, size_t covers, bool failed)
{
    struct disk *disk = disk_now;
    size_t index = disk->ops.count;
    (void)disk_record(failed ? DISK_SYNC_FAILED : DISK_SYNC, inode);
    bool is_dir = disk->inodes.items[inode].is_dir;
    for (size_t i = 0; i < covers; i++) {
        struct disk_op *op = &disk->ops.items[i];
        bool name = disk_is_name(op);
        bool mine = is_dir ? name && (op->folder == inode ||
                                      (op->kind == DISK_RENAME && op->from_folder == inode))
                           : !name && op->inode == inode;
        if (!mine || op->durable_at != SIZE_MAX || op->lost)
            continue;
        if (failed)
            op->lost = true;
        else
            op->durable_at = index;
    }
}

static inline bool disk_fails(enum disk_kind kind)
{
    struct disk *disk = disk_now;
    if (!disk)
        return false;
    disk->counts[kind]++;
    if (disk->fail_count == 0 || disk->fail_kind != kind || disk->fail_after-- > 0)
        return false;
    disk->fail_after = 0;
    if (disk->failed_at == SIZE_MAX)
        disk->failed_at = disk->ops.count;
    if (disk->fail_count > 0)
        disk->fail_count--;
    errno = disk->fail_errno;
    return true;
}

// --- the system calls of file.c ---

static inline int disk_open(const char *path, int flags, ...)
{
    pthread_mutex_lock(&disk_mutex);
    struct disk_place place = disk_resolve(path);
    bool makes = place.inside && place.inode < 0 && (flags & O_CREAT);
    int fd = makes && disk_fails(DISK_RENAME) ? -1 : open(path, flags, 0644);
    if (fd >= 0 && fd < DISK_FDS) {
        if (place.inside && place.inode < 0) {
            place.inode = disk_inode_new(disk_now, false);
            disk_record_name(DISK_LINK, &place, place.inode);
        } else if (place.inside && (flags & O_TRUNC)) {
            disk_record(DISK_TRUNCATE, place.inode)->offset = 0;
        }
        disk_fds[fd] = place.inside ? place.inode + 1 : 0;
    }
    int error = errno;
    pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return fd;
}

static inline int disk_close(int fd)
{
    pthread_mutex_lock(&disk_mutex);
    if (fd >= 0 && fd < DISK_FDS)
        disk_fds[fd] = 0;
    int result = close(fd);
    pthread_mutex_unlock(&disk_mutex);
    return result;
}

static inline ssize_t disk_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    pthread_mutex_lock(&disk_mutex);
    int inode = disk_inode_of(fd);
    ssize_t done;
    if (inode < 0) {
        done = pwritev(fd, parts, count, offset);
    } else {
        struct str data = {0};
        for (int i = 0; i < count; i++)
            str_append(&data, parts[i].iov_base, parts[i].iov_len);
        bool fails = disk_fails(DISK_WRITE);
        int error = errno;
        if (fails)
            data.size /= 2;
        done = data.size ? pwrite(fd, data.ptr, data.size, offset) : 0;
        assert(done == (ssize_t)data.size);
        struct disk_op *op = disk_record(DISK_WRITE, inode);
        op->offset = offset;
        op->data = data;
        if (fails) {
            done = -1;
            errno = error;
        }
    }
    int error = errno;
    pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return done;
}

static inline ssize_t disk_pwrite(int fd, const void *ptr, size_t size, off_t offset)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)ptr, .iov_len = size};
    return disk_pwritev(fd, &part, 1, offset);
}

static inline int disk_ftruncate(int fd, off_t size)
{
    pthread_mutex_lock(&disk_mutex);
    int inode = disk_inode_of(fd);
    int result = inode >= 0 && disk_fails(DISK_TRUNCATE) ? -1 : ftruncate(fd, size);
    if (result == 0 && inode >= 0)
        disk_record(DISK_TRUNCATE, inode)->offset = size;
    int error = errno;
    pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return result;
}

static inline int disk_fallocate(int fd, int mode, off_t offset, off_t size)
{
    pthread_mutex_lock(&disk_mutex);
    int inode = disk_inode_of(fd);
    int result = fallocate(fd, mode, offset, size);
    int error = errno;
    struct stat stat_now;
    if (result == 0 && inode >= 0 && mode == 0 && fstat(fd, &stat_now) == 0)
        disk_record(DISK_GROW, inode)->offset = stat_now.st_size;
    pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return result;
}

static inline int disk_fsync(int fd)
{
    pthread_mutex_lock(&disk_mutex);
    int inode = disk_inode_of(fd);
    size_t covers = inode >= 0 ? disk_now->ops.count : 0;
    pthread_mutex_unlock(&disk_mutex);
    if (inode < 0)
        return fsync(fd);
    sched_yield(); // others write meanwhile, as they would
    pthread_mutex_lock(&disk_mutex);
    bool fails = disk_now && disk_fails(DISK_SYNC);
    int error = errno;
    if (disk_now)
        disk_settle(inode, covers, fails);
    pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return fails ? -1 : 0;
}

static inline int disk_rename(const char *from, const char *to)
{
    pthread_mutex_lock(&disk_mutex);
    struct disk_place source = disk_resolve(from), target = disk_resolve(to);
    int result = source.inside && disk_fails(DISK_RENAME) ? -1 : rename(from, to);
    if (result == 0 && source.inside) {
        assert(target.inside && source.inode > 0);
        struct disk_op *op = disk_record(DISK_RENAME, source.inode);
        op->folder = target.folder;
        op->name = mem_strdup(target.name);
        op->from_folder = source.folder;
        op->from_name = mem_strdup(source.name);
        disk_links_apply(&disk_now->links, op);
    }
    int error = errno;
    pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return result;
}

static inline int disk_drop(const char *path, int (*drop)(const char *path))
{
    pthread_mutex_lock(&disk_mutex);
    struct disk_place place = disk_resolve(path);
    bool fails = place.inside && place.inode >= 0 && disk_fails(DISK_RENAME);
    int result = fails ? -1 : drop(path);
    if (result == 0 && place.inside)
        disk_record_name(DISK_UNLINK, &place, place.inode);
    int error = errno;
    pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return result;
}

static inline int disk_mkdir(const char *path, mode_t mode)
{
    pthread_mutex_lock(&disk_mutex);
    struct disk_place place = disk_resolve(path);
    bool fails = place.inside && place.inode < 0 && disk_fails(DISK_RENAME);
    int result = fails ? -1 : mkdir(path, mode);
    if (result == 0 && place.inside && place.name)
        disk_record_name(DISK_LINK, &place, disk_inode_new(disk_now, true));
    int error = errno;
    pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return result;
}

#define open(...)                         disk_open(__VA_ARGS__)
#define close(fd)                         disk_close(fd)
#define pwrite(fd, ptr, size, at)         disk_pwrite(fd, ptr, size, at)
#define pwritev(fd, parts, count, offset) disk_pwritev(fd, parts, count, offset)
#define ftruncate(fd, size)               disk_ftruncate(fd, size)
#define fallocate(fd, mode, offset, size) disk_fallocate(fd, mode, offset, size)
#define fsync(fd)                         disk_fsync(fd)
#define fdatasync(fd)                     disk_fsync(fd)
#define rename(from, to)                  disk_rename(from, to)
#define unlink(path)                      disk_drop(path, unlink)
#define rmdir(path)                       disk_drop(path, rmdir)
#define mkdir(path, mode)                 disk_mkdir(path, mode)
#include "os/file.c"
#undef open
#undef close
#undef pwrite
#undef pwritev
#undef ftruncate
#undef fallocate
#undef fsync
#undef fdatasync
#undef rename
#undef unlink
#undef rmdir
#undef mkdir

// --- start and stop ---

static inline void disk_load(struct disk *disk, const char *path, int inode)
{
    DIR *dir = opendir(path);
    assert(dir);
    for (struct dirent *found; (found = readdir(dir));) {
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
            continue;
        char *below = mem_printf("%s/%s", path, found->d_name);
        struct stat stat_now;
        int result = stat(below, &stat_now);
        assert(result == 0);
        int child = disk_inode_new(disk, S_ISDIR(stat_now.st_mode));
        struct disk_link link = {inode, mem_strdup(found->d_name), child};
        vec_push(&disk->links.all, link);
        if (disk->inodes.items[child].is_dir) {
            disk_load(disk, below, child);
        } else {
            err_t err = file_read_all(below, SIZE_MAX, &disk->inodes.items[child].base, NULL);
            assert(err == ERR_OK);
        }
        mem_free(below);
    }
    closedir(dir);
}

// Begins to record `root`, a folder that exists; what is in it counts as durable.
static inline void disk_start(struct disk *disk, const char *root)
{
    *disk = (struct disk){.failed_at = SIZE_MAX};
    snprintf(disk->root, sizeof disk->root, "%s", root);
    (void)disk_inode_new(disk, true);
    disk_load(disk, root, 0);
    disk_links_copy(&disk->base, &disk->links);
    pthread_mutex_lock(&disk_mutex);
    assert(!disk_now);
    memset(disk_fds, 0, sizeof disk_fds);
    disk_now = disk;
    pthread_mutex_unlock(&disk_mutex);
}

static inline void disk_stop(void)
{
    pthread_mutex_lock(&disk_mutex);
    disk_now = NULL;
    pthread_mutex_unlock(&disk_mutex);
}

// A cmocka teardown: a test that failed in the middle is not recorded any longer.
static inline int disk_tear_down(void **state)
{
    (void)state;
    disk_stop();
    return 0;
}

static inline int64_t disk_setting(const char *name, int64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoll(text, NULL, 10) : fallback;
}

// How much has happened: what is told to somebody now is told before any later op.
static inline size_t disk_moment(void)
{
    pthread_mutex_lock(&disk_mutex);
    size_t count = disk_now ? disk_now->ops.count : 0;
    pthread_mutex_unlock(&disk_mutex);
    return count;
}

// `count` ops of `kind` (as fail_kind; -1: all) fail, `after` so many more; count 0 ends it.
static inline void disk_fail(struct disk *disk, enum disk_kind kind, long after, long count,
                             int error)
{
    pthread_mutex_lock(&disk_mutex);
    disk->fail_kind = kind;
    disk->fail_after = after;
    disk->fail_count = count;
    disk->fail_errno = error;
    pthread_mutex_unlock(&disk_mutex);
}

static inline void disk_release(struct disk *disk)
{
    for (size_t i = 0; i < disk->ops.count; i++) {
        mem_free(disk->ops.items[i].name);
        mem_free(disk->ops.items[i].from_name);
        str_release(&disk->ops.items[i].data);
    }
    for (size_t i = 0; i < disk->inodes.count; i++)
        str_release(&disk->inodes.items[i].base);
    disk_links_release(&disk->base);
    disk_links_release(&disk->links);
    vec_release(&disk->ops);
    vec_release(&disk->inodes);
}

#endif
