// SPDX-License-Identifier: Apache-2.0
//
// db: a small relational store for metadata, on SQLite: prepared statements, transactions,
// migrations. The only folder that knows SQLite.
//
// Lifetime   db_close() after every statement is closed.
// Thread     one at a time per struct db; several may be open on one file (one writes, others
// read). Blocking   everything that steps or commits BLOCKS for disk I/O; a commit is on disk when
// it returns. Errors     ERR_DISK_FULL, ERR_EXISTS (a unique constraint), ERR_CORRUPT, ERR_IO,
// ERR_CONFIG (made by a newer weir).
#ifndef STORE_DB_DB_H
#define STORE_DB_DB_H

#include "base/bytes.h"
#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

struct db;
struct db_statement;

// Opens or creates the file at `path`.
MUST_USE err_t db_open(struct db **out, const char *path, struct diag *diag);
void db_close(struct db *db); // NULL is fine
// From now on a commit survives the death of this process when it returns, and the loss of power
// once db_sync() has been called after it. Files stay whole either way.
MUST_USE err_t db_sync_later(struct db *db, struct diag *diag);
// Puts what is committed on disk. Any thread.
MUST_USE err_t db_sync(const char *path, struct diag *diag);

// Brings the file to the newest form: runs the steps (each one or more statements) it has not had
// yet, in order, each in its transaction. A step, once released, never changes. ERR_CONFIG when the
// file has had more of them.
MUST_USE err_t db_migrate(struct db *db, const char *const *steps, size_t count, struct diag *diag);

MUST_USE err_t db_run(struct db *db, const char *sql, struct diag *diag); // no parameters, no rows
MUST_USE err_t db_begin(struct db *db, struct diag *diag);
MUST_USE err_t db_commit(struct db *db, struct diag *diag);
void db_rollback(struct db *db); // fine outside a transaction

MUST_USE err_t db_prepare(struct db *db, const char *sql, struct db_statement **out,
                          struct diag *diag);
void db_statement_close(struct db_statement *statement); // NULL is fine

// Parameters are counted from 1; what is bound is copied. NULL text binds null.
void db_bind_int(struct db_statement *statement, int index, int64_t value);
void db_bind_text(struct db_statement *statement, int index, const char *text);

// The next row, or `*row` false at the end. After an error or the end the statement is reset; its
// parameters stay.
MUST_USE err_t db_step(struct db_statement *statement, bool *row, struct diag *diag);
// Runs a statement that gives no rows.
MUST_USE err_t db_execute(struct db_statement *statement, struct diag *diag);
void db_reset(struct db_statement *statement); // stops reading rows early

// Columns are counted from 0; texts live until the next step. A null is 0 or NULL.
int64_t db_int(const struct db_statement *statement, int column);
const char *db_text(const struct db_statement *statement, int column);
bool db_is_null(const struct db_statement *statement, int column);

#endif
