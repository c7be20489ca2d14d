// SPDX-License-Identifier: Apache-2.0
//
// Write-ahead logging with synchronous=FULL: a commit is one append and one fsync of the log,
// readers never wait for the writer. The table `migration` holds one row per step the file has had.
#include "store/db/db.h"

#include "base/mem.h"
#include "os/file.h"

#include <sqlite3.h>

#define BUSY_TIMEOUT_MS 5000

struct db {
    sqlite3 *handle;
};

struct db_statement {
    struct db *db;
    sqlite3_stmt *handle;
};

static err_t code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return ERR_INTERNAL;
    default:
        return ERR_IO;
    }
}

static err_t failed(const struct db *db, int result, struct diag *diag)
{
    const char *path = sqlite3_db_filename(db->handle, "main");
    return FAIL(diag, code_of(result), "%s: %s", path ? path : "database",
                sqlite3_errmsg(db->handle));
}

err_t db_open(struct db **out, const char *path, struct diag *diag)
{
    struct db *db = MEM_NEW(struct db);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int result = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (result != SQLITE_OK) {
        err_t err = FAIL(diag, code_of(result), "cannot open %s: %s", path,
                         db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
        db_close(db);
        return err;
    }
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    err_t err = db_run(db,
                       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                       "PRAGMA cache_size=-2048",
                       diag);
    if (err != ERR_OK) {
        db_close(db);
        return err;
    }
    *out = db;
    return ERR_OK;
}

err_t db_sync_later(struct db *db, struct diag *diag)
{
    return db_run(db, "PRAGMA synchronous=NORMAL", diag);
}

// The log is a plain file beside; SQLite's locks are not on it, so opening and closing it does no
// harm.
err_t db_sync(const char *path, struct diag *diag)
{
    int fd;
    char *log = mem_printf("%s-wal", path);
    err_t err = file_open(&fd, log, FILE_WRITE, diag);
    mem_free(log);
    TRY(err);
    err = file_datasync(fd, diag);
    file_close(fd);
    return err;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    sqlite3_close(db->handle);
    mem_free(db);
}

err_t db_run(struct db *db, const char *sql, struct diag *diag)
{
    int result = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? ERR_OK : failed(db, result, diag);
}

err_t db_begin(struct db *db, struct diag *diag)
{
    return db_run(db, "BEGIN IMMEDIATE", diag);
}

err_t db_commit(struct db *db, struct diag *diag)
{
    return db_run(db, "COMMIT", diag);
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

static err_t read_version(struct db *db, int64_t *out, struct diag *diag)
{
    struct db_statement *statement = NULL;
    TRY(db_run(db,
               "CREATE TABLE IF NOT EXISTS migration (step INTEGER PRIMARY KEY, at TEXT NOT NULL)",
               diag));
    TRY(db_prepare(db, "SELECT coalesce(max(step), 0) FROM migration", &statement, diag));
    bool row;
    err_t err = db_step(statement, &row, diag);
    if (err == ERR_OK)
        *out = db_int(statement, 0);
    db_statement_close(statement);
    return err;
}

static err_t migrate_one(struct db *db, const char *sql, size_t step, struct diag *diag)
{
    char mark[96];
    snprintf(mark, sizeof mark, "INSERT INTO migration VALUES (%zu, datetime('now'))", step);
    TRY(db_begin(db, diag));
    TRY(db_run(db, sql, diag));
    TRY(db_run(db, mark, diag));
    return db_commit(db, diag);
}

err_t db_migrate(struct db *db, const char *const *steps, size_t count, struct diag *diag)
{
    int64_t had = 0;
    TRY(read_version(db, &had, diag));
    if (had > (int64_t)count)
        return FAIL(diag, ERR_CONFIG, "%s was made by a newer weir (form %lld, this one knows %zu)",
                    sqlite3_db_filename(db->handle, "main"), (long long)had, count);
    for (size_t step = (size_t)had; step < count; step++) {
        err_t err = migrate_one(db, steps[step], step + 1, diag);
        if (err != ERR_OK) {
            db_rollback(db);
            return err;
        }
    }
    return ERR_OK;
}

err_t db_prepare(struct db *db, const char *sql, struct db_statement **out, struct diag *diag)
{
    sqlite3_stmt *handle;
    int result = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    if (result != SQLITE_OK)
        return failed(db, result, diag);
    *out = MEM_NEW(struct db_statement);
    (*out)->db = db;
    (*out)->handle = handle;
    return ERR_OK;
}

void db_statement_close(struct db_statement *statement)
{
    if (!statement)
        return;
    sqlite3_finalize(statement->handle);
    mem_free(statement);
}

void db_bind_int(struct db_statement *statement, int index, int64_t value)
{
    sqlite3_bind_int64(statement->handle, index, value);
}

void db_bind_text(struct db_statement *statement, int index, const char *text)
{
    if (text)
        sqlite3_bind_text(statement->handle, index, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(statement->handle, index);
}

err_t db_step(struct db_statement *statement, bool *row, struct diag *diag)
{
    int result = sqlite3_step(statement->handle);
    *row = result == SQLITE_ROW;
    if (*row)
        return ERR_OK;
    err_t err = result == SQLITE_DONE ? ERR_OK : failed(statement->db, result, diag);
    sqlite3_reset(statement->handle);
    return err;
}

err_t db_execute(struct db_statement *statement, struct diag *diag)
{
    bool row;
    TRY(db_step(statement, &row, diag));
    db_reset(statement);
    return ERR_OK;
}

void db_reset(struct db_statement *statement)
{
    sqlite3_reset(statement->handle);
}

int64_t db_int(const struct db_statement *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

const char *db_text(const struct db_statement *statement, int column)
{
    return (const char *)sqlite3_column_text(statement->handle, column);
}

bool db_is_null(const struct db_statement *statement, int column)
{
    return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}
