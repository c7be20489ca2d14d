// SPDX-License-Identifier: Apache-2.0
#include "tables/folder.h"

#include "os/file.h"
#include "tables/parse.h"

#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)

struct walk {
    struct tables *tables; // NULL: only check
    const char *dir;
    struct problems *problems;
};

// A statement's `USE ks` holds for the rest of its file.
static const char *used_keyspace(const struct statement *statement, const char *before)
{
    return statement->kind == STATEMENT_USE ? statement->use : before;
}

static err_t run_statement(struct walk *walk, struct bytes text, const char **keyspace,
                           struct arena *arena, struct diag *diag)
{
    const struct statement *statement = NULL;
    TRY(statement_parse(&statement, arena, text, diag));
    *keyspace = used_keyspace(statement, *keyspace);
    if (!walk->tables || statement->kind == STATEMENT_USE)
        return ERR_OK;
    struct table_port port = tables_port(walk->tables);
    struct cql_result result = {0};
    return port.ops->cql(port.self, *keyspace, text, 1, arena, &result, diag);
}

static void run_file(struct walk *walk, const char *path, struct bytes text)
{
    struct arena arena = ARENA_INIT;
    struct bytes statement = {0};
    uint32_t line = 1;
    const char *keyspace = NULL;
    while (parse_script_next(&text, &statement, &line)) {
        struct diag diag = DIAG_INIT;
        if (run_statement(walk, statement, &keyspace, &arena, &diag) == ERR_OK)
            continue;
        problem_add(walk->problems, path, (int)line, 1, "%s", diag_text(&diag));
        if (walk->tables)
            break;
    }
    arena_release(&arena);
}

static err_t take_entry(const char *name, bool is_dir, void *ctx)
{
    struct walk *walk = ctx;
    size_t size = strlen(name);
    if (is_dir || size < 5 || strcmp(name + size - 4, ".cql") != 0)
        return ERR_OK;
    struct str path = {0}, text = {0};
    struct diag diag = DIAG_INIT;
    str_printf(&path, "%s/%s", walk->dir, name);
    if (file_read_all(str_text(&path), FILE_MAX_BYTES, &text, &diag))
        problem_add(walk->problems, str_text(&path), 1, 1, "%s", diag_text(&diag));
    else
        run_file(walk, str_text(&path), str_bytes(&text));
    str_release(&path);
    str_release(&text);
    return ERR_OK;
}

err_t folder_apply(struct tables *tables, const char *dir, struct problems *problems,
                   struct diag *diag)
{
    struct walk walk = {.tables = tables, .dir = dir, .problems = problems};
    size_t before = problems->count;
    if (file_exists(dir))
        TRY(dir_each(dir, take_entry, &walk, diag));
    if (problems->count > before)
        return FAIL(diag, ERR_CONFIG, "the tables of %s cannot be made", dir);
    return ERR_OK;
}

void folder_check(const char *dir, struct problems *problems)
{
    struct walk walk = {.dir = dir, .problems = problems};
    struct diag diag = DIAG_INIT;
    if (file_exists(dir) && dir_each(dir, take_entry, &walk, &diag))
        problem_add(problems, dir, 1, 1, "%s", diag_text(&diag));
}
