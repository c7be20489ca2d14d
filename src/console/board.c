// SPDX-License-Identifier: Apache-2.0
#include "console/board.h"

#include "base/vec.h"
#include "os/file.h"

#include <stdlib.h>

static const char *const kinds[] = {"number", "line", "bar", "table", "map", "pyramid", NULL};
static const char *const known[] = {"title", "kind",  "cql",    "sql",  "x",        "y",
                                    "label", "value", "sort",   "top",  "latitude", "longitude",
                                    "size",  "age",   "gender", "unit", "name",     NULL};

// Fields a kind cannot do without.
static const struct {
    const char *kind;
    const char *fields[4];
} required[] = {{"line", {"x", "y"}},
                {"bar", {"label", "value"}},
                {"map", {"latitude", "longitude"}},
                {"pyramid", {"age", "gender", "value"}}};

struct load {
    struct arena *arena;
    const char *dir;
    struct problems *problems;
    VEC(struct board) boards;
};

static bool is_kind(const char *text)
{
    for (size_t i = 0; kinds[i]; i++)
        if (strcmp(kinds[i], text) == 0)
            return true;
    return false;
}

static void check_fields(const struct yaml_source *source, const struct yaml *node,
                         const char *kind)
{
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        if (strcmp(required[i].kind, kind) != 0)
            continue;
        for (size_t k = 0; k < 4 && required[i].fields[k]; k++)
            if (!yaml_get(node, required[i].fields[k]))
                yaml_problem(source, node, "a %s panel needs '%s', the name of a column", kind,
                             required[i].fields[k]);
    }
}

static struct panel load_panel(struct load *load, const struct yaml_source *source,
                               const struct yaml *node)
{
    struct panel panel = {0};
    if (node->kind != YAML_MAP) {
        yaml_problem(source, node, "expected a panel: {title, kind, cql}");
        return panel;
    }
    yaml_known(source, node, known);
    const char *kind = yaml_text_required(source, node, "kind");
    if (kind && !is_kind(kind))
        yaml_problem(source, yaml_get(node, "kind"),
                     "kind is '%s', expected number, line, bar, table, map or pyramid", kind);
    if (kind)
        check_fields(source, node, kind);
    panel.cql = yaml_text(source, node, "cql", NULL);
    panel.sql = yaml_text(source, node, "sql", NULL);
    if (!panel.cql == !panel.sql)
        yaml_problem(source, node, "a panel needs either cql or sql");
    struct str form = {0};
    yaml_json(&form, node);
    panel.form = arena_text(load->arena, str_bytes(&form));
    str_release(&form);
    return panel;
}

static void load_board(struct load *load, const char *file)
{
    struct yaml_source source;
    const char *path = arena_printf(load->arena, "%s/%s", load->dir, file);
    struct yaml *root = yaml_load(load->arena, load->problems, path, &source);
    if (!root || yaml_is_null(root))
        return;
    static const char *const fields[] = {"title", "panels", NULL};
    if (root->kind != YAML_MAP) {
        yaml_problem(&source, root, "expected a board: title and panels");
        return;
    }
    yaml_known(&source, root, fields);
    const struct yaml *panels = yaml_list(&source, root, "panels");
    struct board board = {.name = arena_text(load->arena, bytes_make(file, strlen(file) - 5)),
                          .title = yaml_text(&source, root, "title", file)};
    board.panel_count = panels ? panels->count : 0;
    board.panels = ARENA_ARRAY(load->arena, struct panel, board.panel_count);
    for (size_t i = 0; i < board.panel_count; i++)
        board.panels[i] = load_panel(load, &source, panels->items[i]);
    vec_push(&load->boards, board);
}

static err_t load_entry(const char *name, bool is_dir, void *ctx)
{
    size_t size = strlen(name);
    if (!is_dir && size > 5 && strcmp(name + size - 5, ".yaml") == 0)
        load_board(ctx, name);
    return ERR_OK;
}

void boards_load(struct arena *arena, const char *dir, struct problems *problems,
                 const struct board **out, size_t *count)
{
    struct load load = {.arena = arena, .dir = dir, .problems = problems};
    struct diag diag = DIAG_INIT;
    if (file_exists(dir) && dir_each(dir, load_entry, &load, &diag))
        problem_add(problems, dir, 1, 1, "%s", diag_text(&diag));
    *count = load.boards.count;
    *out = arena_dup(arena, load.boards.items, load.boards.count * sizeof *load.boards.items);
    vec_release(&load.boards);
}

void boards_check(const char *dir, struct problems *problems)
{
    struct arena arena = ARENA_INIT;
    const struct board *boards;
    size_t count;
    boards_load(&arena, dir, problems, &boards, &count);
    arena_release(&arena);
}

json_t *board_cql_json(const struct cql_result *result)
{
    json_t *columns = json_array(), *rows = json_array();
    for (size_t i = 0; i < result->column_count; i++)
        json_array_append_new(
            columns, json_pack("{s:s, s:s}", "name", result->names[i], "type", result->types[i]));
    for (size_t row = 0; row < result->row_count; row++) {
        json_t *values = json_array();
        for (size_t i = 0; i < result->column_count; i++) {
            struct bytes value = result->values[row * result->column_count + i];
            json_t *text = value.ptr ? json_stringn((const char *)value.ptr, value.size) : NULL;
            json_array_append_new(values, text ? text : json_null());
        }
        json_array_append_new(rows, values);
    }
    return json_pack("{s:o, s:o, s:b}", "columns", columns, "rows", rows, "more", result->more);
}

static json_t *run_cql(const struct panel *panel, const struct table_port *tables,
                       struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    struct cql_result result = {0};
    json_t *json = NULL;
    if (tables->ops->cql(tables->self, NULL, bytes_from(panel->cql), BOARD_ROWS_MAX, &arena,
                         &result, diag) == ERR_OK)
        json = board_cql_json(&result);
    arena_release(&arena);
    return json;
}

static json_t *run_sql(const struct panel *panel, const struct stream_port *streams,
                       struct diag *diag)
{
    struct str text = {0};
    json_t *json = NULL;
    if (streams->ops->query(streams->self, bytes_from(panel->sql), BOARD_ROWS_MAX, &text, diag) ==
        ERR_OK)
        json = json_loadb(str_text(&text), text.size, 0, NULL);
    str_release(&text);
    return json;
}

json_t *board_json(const struct board *board, const struct table_port *tables,
                   const struct stream_port *streams)
{
    json_t *panels = json_array();
    for (size_t i = 0; i < board->panel_count; i++) {
        const struct panel *panel = &board->panels[i];
        struct diag diag = DIAG_INIT;
        json_t *json = json_loads(panel->form, 0, NULL);
        json_t *result =
            panel->cql ? run_cql(panel, tables, &diag) : run_sql(panel, streams, &diag);
        if (result)
            json_object_update(json, result);
        else
            json_object_set_new(json, "error", json_string(diag_text(&diag)));
        json_decref(result);
        json_array_append_new(panels, json);
    }
    return json_pack("{s:s, s:s, s:o}", "name", board->name, "title", board->title, "panels",
                     panels);
}
