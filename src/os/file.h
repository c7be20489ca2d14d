// SPDX-License-Identifier: Apache-2.0
//
// file: files and folders, with errors that name the path. Everything here BLOCKS.
//
// Errors     ERR_DISK_FULL (ENOSPC, EDQUOT, EFBIG), ERR_NOT_FOUND (ENOENT), ERR_EXISTS, ERR_IO (the
// rest).
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/diag.h"
#include "base/str.h"

#include <stdint.h>

enum file_flags {
    FILE_READ = 1 << 0,
    FILE_WRITE = 1 << 1,  // read and write
    FILE_CREATE = 1 << 2, // make it if absent
    FILE_NEW = 1 << 3,    // fail with ERR_EXISTS if present
};

// The descriptor is the caller's: file_close() it.
MUST_USE err_t file_open(int *out, const char *path, unsigned flags, struct diag *diag);
void file_close(int fd);
MUST_USE err_t file_size(int fd, int64_t *out, struct diag *diag);
// Reads exactly `size` bytes; ERR_IO "ends after ..." when the file is shorter.
MUST_USE err_t file_pread(int fd, void *ptr, size_t size, int64_t offset, struct diag *diag);
// Reads up to `size` bytes; `*got` is less only at the end of the file.
MUST_USE err_t file_pread_some(int fd, void *ptr, size_t size, int64_t offset, size_t *got,
                               struct diag *diag);
MUST_USE err_t file_pwrite(int fd, const void *ptr, size_t size, int64_t offset, struct diag *diag);
struct file_slice {
    const void *ptr;
    size_t size;
};
// Writes the slices one behind the other.
MUST_USE err_t file_pwritev(int fd, const struct file_slice *slices, size_t count, int64_t offset,
                            struct diag *diag);
// Brings a part of the file into the page cache unless it is there, so that sending it does not
// wait for the disk. A hint.
void file_warm(int fd, int64_t offset, size_t size);
// Starts writing what is dirty without waiting, so that syncing several files overlaps. A hint.
void file_start_writeback(int fd);
MUST_USE err_t file_datasync(int fd, struct diag *diag);
MUST_USE err_t file_truncate(int fd, int64_t size, struct diag *diag);
// Makes the file longer by blocks that read as zeros: writing into them later changes no size, so a
// sync has less to do. Fine where the file system cannot.
MUST_USE err_t file_reserve(int fd, int64_t offset, int64_t size, struct diag *diag);

MUST_USE err_t file_read_all(const char *path, size_t max_bytes, struct str *out,
                             struct diag *diag);
// Makes or overwrites `path` with just these bytes and syncs them; its name is not synced.
MUST_USE err_t file_write_synced(const char *path, struct bytes bytes, struct diag *diag);
// Writes beside, syncs, renames over `path`, syncs the folder: after a crash old or new, never
// half.
MUST_USE err_t file_replace(const char *path, struct bytes bytes, struct diag *diag);
MUST_USE err_t file_rename(const char *from, const char *to, struct diag *diag);
MUST_USE err_t file_remove(const char *path, struct diag *diag); // absent is fine
bool file_exists(const char *path);

MUST_USE err_t dir_make(const char *path, struct diag *diag); // with parents; present is fine
// For this user's programs only.
MUST_USE err_t dir_make_private(const char *path, struct diag *diag);
// Bytes that may still be written to the disk that `path` is on.
MUST_USE err_t dir_free_bytes(const char *path, uint64_t *out, struct diag *diag);
struct disk_space {
    uint64_t total_bytes;
    uint64_t free_bytes; // as dir_free_bytes()
};
MUST_USE err_t dir_space(const char *path, struct disk_space *out, struct diag *diag);
MUST_USE err_t dir_sync(const char *path, struct diag *diag); // makes creations and renames durable
MUST_USE err_t dir_remove(const char *path, struct diag *diag); // with everything inside
// Calls fn for each entry but . and .., in byte order of the names; an error of fn ends the walk.
MUST_USE err_t dir_each(const char *path, err_t (*fn)(const char *name, bool is_dir, void *ctx),
                        void *ctx, struct diag *diag);

// One holder per data directory: takes a lock on `path` and writes our pid in it. ERR_LOCKED names
// the pid that holds it. The lock goes with the process (also on kill -9); one whose holder is dead
// is waited for (a few seconds: a child of it that was just being started).
MUST_USE err_t file_lock(int *out, const char *path, struct diag *diag);

#endif
