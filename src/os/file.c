// SPDX-License-Identifier: Apache-2.0
#include "os/file.h"

#include "base/mem.h"
#include "base/vec.h"
#include "os/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LOCK_RETRY_MS = 5, LOCK_WAIT_MS = 5000 };

static err_t failed(struct diag *diag, const char *doing, const char *path)
{
    int error = errno;
    err_t code = error == ENOSPC || error == EDQUOT || error == EFBIG ? ERR_DISK_FULL
                 : error == ENOENT                                    ? ERR_NOT_FOUND
                 : error == EEXIST                                    ? ERR_EXISTS
                                                                      : ERR_IO;
    return FAIL(diag, code, "cannot %s %s: %s", doing, path, strerror(error));
}

static err_t failed_fd(struct diag *diag, const char *doing, int fd)
{
    int error = errno;
    char link[64], path[256];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        size = snprintf(path, sizeof path, "descriptor %d", fd);
    path[size] = '\0';
    errno = error;
    return failed(diag, doing, path);
}

err_t file_open(int *out, const char *path, unsigned flags, struct diag *diag)
{
    int mode = flags & FILE_WRITE ? O_RDWR : O_RDONLY;
    if (flags & (FILE_CREATE | FILE_NEW))
        mode |= O_CREAT;
    if (flags & FILE_NEW)
        mode |= O_EXCL;
    int fd = open(path, mode | O_CLOEXEC, 0644);
    if (fd < 0)
        return failed(diag, "open", path);
    *out = fd;
    return ERR_OK;
}

void file_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

err_t file_size(int fd, int64_t *out, struct diag *diag)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return failed_fd(diag, "stat", fd);
    *out = stat.st_size;
    return ERR_OK;
}

err_t file_pread_some(int fd, void *ptr, size_t size, int64_t offset, size_t *got,
                      struct diag *diag)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (uint8_t *)ptr + done, size - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed_fd(diag, "read", fd);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *got = done;
    return ERR_OK;
}

err_t file_pread(int fd, void *ptr, size_t size, int64_t offset, struct diag *diag)
{
    size_t got = 0;
    TRY(file_pread_some(fd, ptr, size, offset, &got, diag));
    if (got < size)
        return FAIL(diag, ERR_IO, "file ends after %zu of %zu bytes at offset %lld", got, size,
                    (long long)offset);
    return ERR_OK;
}

err_t file_pwrite(int fd, const void *ptr, size_t size, int64_t offset, struct diag *diag)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pwrite(fd, (const uint8_t *)ptr + done, size - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed_fd(diag, "write", fd);
        done += (size_t)n;
    }
    return ERR_OK;
}

err_t file_pwritev(int fd, const struct file_slice *slices, size_t count, int64_t offset,
                   struct diag *diag)
{
    struct iovec parts[256];
    size_t next = 0, skip = 0; // the slice to write next, and how much of it is written
    while (next < count) {
        int used = 0;
        for (size_t i = next; i < count && used < 256; i++, used++)
            parts[used] =
                (struct iovec){.iov_base = (char *)slices[i].ptr, .iov_len = slices[i].size};
        parts[0].iov_base = (char *)parts[0].iov_base + skip;
        parts[0].iov_len -= skip;
        ssize_t n = pwritev(fd, parts, used, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed_fd(diag, "write", fd);
        offset += n;
        skip += (size_t)n;
        while (next < count && skip >= slices[next].size)
            skip -= slices[next++].size;
    }
    return ERR_OK;
}

void file_warm(int fd, int64_t offset, size_t size)
{
    enum { STEP = 64 << 10 };
    uint8_t *scratch = NULL;
    for (int64_t at = offset, end = offset + (int64_t)size; at < end; at += STEP) {
        uint8_t byte;
        struct iovec one = {.iov_base = &byte, .iov_len = 1};
        if (preadv2(fd, &one, 1, at, RWF_NOWAIT) >= 0 || errno != EAGAIN)
            continue;
        if (!scratch)
            scratch = mem_alloc(STEP);
        if (pread(fd, scratch, STEP, at) <= 0)
            break;
    }
    mem_free(scratch);
}

void file_start_writeback(int fd)
{
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

err_t file_datasync(int fd, struct diag *diag)
{
    if (fdatasync(fd) != 0)
        return failed_fd(diag, "sync", fd);
    return ERR_OK;
}

err_t file_truncate(int fd, int64_t size, struct diag *diag)
{
    if (ftruncate(fd, size) != 0)
        return failed_fd(diag, "truncate", fd);
    return ERR_OK;
}

err_t file_reserve(int fd, int64_t offset, int64_t size, struct diag *diag)
{
    if (fallocate(fd, 0, offset, size) == 0 || errno == EOPNOTSUPP)
        return ERR_OK;
    return failed_fd(diag, "reserve space in", fd);
}

err_t file_read_all(const char *path, size_t max_bytes, struct str *out, struct diag *diag)
{
    int fd = -1;
    TRY(file_open(&fd, path, FILE_READ, diag));
    err_t err = ERR_OK;
    for (;;) {
        str_reserve(out, 65536);
        ssize_t n = read(fd, out->ptr + out->size, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = failed(diag, "read", path);
        if (n <= 0)
            break;
        out->size += (size_t)n;
        out->ptr[out->size] = '\0';
        if (out->size > max_bytes) {
            err = FAIL(diag, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, max_bytes);
            break;
        }
    }
    file_close(fd);
    return err;
}

static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    if (slash == path)
        return mem_strdup("/");
    char *parent = mem_dup(path, (size_t)(slash - path) + 1);
    parent[slash - path] = '\0';
    return parent;
}

err_t file_write_synced(const char *path, struct bytes bytes, struct diag *diag)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    err_t err = fd < 0 ? failed(diag, "create", path) : ERR_OK;
    if (!err)
        err = file_pwrite(fd, bytes.ptr, bytes.size, 0, diag);
    if (!err)
        err = file_datasync(fd, diag);
    file_close(fd);
    return err;
}

err_t file_replace(const char *path, struct bytes bytes, struct diag *diag)
{
    char *beside = mem_printf("%s.new", path);
    char *parent = parent_of(path);
    err_t err = file_write_synced(beside, bytes, diag);
    if (!err)
        err = file_rename(beside, path, diag);
    if (!err)
        err = dir_sync(parent, diag);
    mem_free(beside);
    mem_free(parent);
    return err;
}

err_t file_rename(const char *from, const char *to, struct diag *diag)
{
    if (rename(from, to) != 0)
        return failed(diag, "rename", from);
    return ERR_OK;
}

err_t file_remove(const char *path, struct diag *diag)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return failed(diag, "remove", path);
    return ERR_OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

err_t dir_make(const char *path, struct diag *diag)
{
    if (mkdir(path, 0755) == 0)
        return ERR_OK;
    if (errno == EEXIST) {
        struct stat stat_now;
        if (stat(path, &stat_now) == 0 && S_ISDIR(stat_now.st_mode))
            return ERR_OK;
        return FAIL(diag, ERR_IO, "cannot make folder %s: a file of that name is in the way", path);
    }
    if (errno != ENOENT)
        return failed(diag, "make folder", path);
    char *parent = parent_of(path);
    err_t err = dir_make(parent, diag);
    mem_free(parent);
    if (err)
        return err;
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return failed(diag, "make folder", path);
    return ERR_OK;
}

err_t dir_space(const char *path, struct disk_space *out, struct diag *diag)
{
    struct statvfs disk;
    if (statvfs(path, &disk) != 0)
        return FAIL(diag, ERR_IO, "cannot look at %s: %s", path, strerror(errno));
    out->total_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    out->free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    return ERR_OK;
}

err_t dir_make_private(const char *path, struct diag *diag)
{
    TRY(dir_make(path, diag));
    if (chmod(path, S_IRWXU) != 0)
        return FAIL(diag, ERR_IO, "cannot keep others out of %s: %s", path, strerror(errno));
    return ERR_OK;
}

err_t dir_free_bytes(const char *path, uint64_t *out, struct diag *diag)
{
    struct disk_space space;
    TRY(dir_space(path, &space, diag));
    *out = space.free_bytes;
    return ERR_OK;
}

err_t dir_sync(const char *path, struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(diag, "open folder", path);
    err_t err = fsync(fd) == 0 ? ERR_OK : failed(diag, "sync folder", path);
    close(fd);
    return err;
}

struct remove_walk {
    const char *path;
    struct diag *diag;
};

static err_t remove_entry(const char *name, bool is_dir, void *ctx)
{
    struct remove_walk *walk = ctx;
    char *path = mem_printf("%s/%s", walk->path, name);
    err_t err = is_dir ? dir_remove(path, walk->diag) : file_remove(path, walk->diag);
    mem_free(path);
    return err;
}

err_t dir_remove(const char *path, struct diag *diag)
{
    struct remove_walk walk = {.path = path, .diag = diag};
    if (!file_exists(path))
        return ERR_OK;
    TRY(dir_each(path, remove_entry, &walk, diag));
    if (rmdir(path) != 0 && errno != ENOENT)
        return failed(diag, "remove folder", path);
    return ERR_OK;
}

struct entry {
    char *name;
    bool is_dir;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

err_t dir_each(const char *path, err_t (*fn)(const char *name, bool is_dir, void *ctx), void *ctx,
               struct diag *diag)
{
    DIR *dir = opendir(path);
    if (!dir)
        return failed(diag, "open folder", path);
    VEC(struct entry) entries = {0};
    struct dirent *found;
    while ((found = readdir(dir))) {
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
            continue;
        struct stat stat_now;
        bool is_dir = fstatat(dirfd(dir), found->d_name, &stat_now, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISDIR(stat_now.st_mode);
        struct entry entry = {.name = mem_strdup(found->d_name), .is_dir = is_dir};
        vec_push(&entries, entry);
    }
    closedir(dir);
    if (entries.count)
        qsort(entries.items, entries.count, sizeof *entries.items, by_name);
    err_t err = ERR_OK;
    for (size_t i = 0; i < entries.count; i++) {
        if (!err)
            err = fn(entries.items[i].name, entries.items[i].is_dir, ctx);
        mem_free(entries.items[i].name);
    }
    vec_release(&entries);
    return err;
}

// 0: nothing legible stands there.
static long holder_of(int fd)
{
    char text[32] = "";
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return strtol(text, NULL, 10);
}

// A process killed between fork and exec of a child leaves a child that holds the lock, and all
// ports, until it gets to its exec: worth waiting for.
static bool lock_within_limit(int fd)
{
    for (int waited_ms = 0;; waited_ms += LOCK_RETRY_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        long pid = holder_of(fd);
        bool gone = pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
        if (!gone || waited_ms >= LOCK_WAIT_MS)
            return false;
        clock_sleep_us(LOCK_RETRY_MS * 1000);
    }
}

err_t file_lock(int *out, const char *path, struct diag *diag)
{
    int fd = -1;
    TRY(file_open(&fd, path, FILE_WRITE | FILE_CREATE, diag));
    if (!lock_within_limit(fd)) {
        long pid = holder_of(fd);
        file_close(fd);
        return FAIL(diag, ERR_LOCKED, "%s is held by another weir, pid %ld", path, pid);
    }
    char text[32];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    err_t err = file_truncate(fd, 0, diag);
    if (!err)
        err = file_pwrite(fd, text, (size_t)size, 0, diag);
    if (err) {
        file_close(fd);
        return err;
    }
    *out = fd;
    return ERR_OK;
}
