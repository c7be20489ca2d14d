// SPDX-License-Identifier: Apache-2.0
#include "app/view.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "os/terminal.h"

#include <ctype.h>
#include <inttypes.h>

#define NARROWEST 8 // a column is not cut further to fit a terminal

struct cell {
    const char *text;
    size_t width; // code points
    bool number;
};

struct grid {
    struct arena arena;
    size_t columns, rows;
    struct cell *cells; // row 0 is the titles
};

static void put_text(struct cell *cell, struct arena *arena, const char *text)
{
    struct str clean = {0};
    size_t size = strlen(text), points = 0;
    for (size_t at = 0; at < size; points++) {
        size_t width = utf8_sequence((const uint8_t *)text + at, size - at);
        if (width == 0 || (width == 1 && iscntrl((unsigned char)text[at])))
            str_append_byte(&clean, '?');
        else
            str_append(&clean, text + at, width);
        at += width ? width : 1;
    }
    cell->text = arena_strdup(arena, str_text(&clean));
    cell->width = points;
    str_release(&clean);
}

static void put_json(struct cell *cell, struct arena *arena, const json_t *value)
{
    if (json_is_string(value)) {
        put_text(cell, arena, json_string_value(value));
    } else if (json_is_integer(value)) {
        put_text(cell, arena, arena_printf(arena, "%" PRId64, (int64_t)json_integer_value(value)));
        cell->number = true;
    } else if (json_is_real(value)) {
        put_text(cell, arena, arena_printf(arena, "%.3g", json_real_value(value)));
        cell->number = true;
    } else if (json_is_boolean(value)) {
        put_text(cell, arena, json_is_true(value) ? "yes" : "no");
    } else if (json_is_object(value) || json_is_array(value)) {
        char *text = json_dumps(value, JSON_COMPACT);
        put_text(cell, arena, text);
        free(text);
    } else {
        put_text(cell, arena, "");
    }
}

static const json_t *lookup(const json_t *row, const char *field)
{
    while (row) {
        size_t size = strcspn(field, ".");
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)size, field);
        row = json_object_get(row, name);
        if (field[size] == '\0')
            return row;
        field += size + 1;
    }
    return NULL;
}

static struct cell *cell_at(const struct grid *grid, size_t row, size_t column)
{
    return &grid->cells[row * grid->columns + column];
}

static void pad(struct str *out, size_t count)
{
    while (count-- > 0)
        str_append_byte(out, ' ');
}

// Makes columns of text narrower, the widest first, until all fit into the terminal.
static void fit(const struct grid *grid, size_t *widths, size_t between)
{
    size_t columns = terminal_columns();
    size_t total = between * (grid->columns - 1);
    for (size_t column = 0; column < grid->columns; column++)
        total += widths[column];
    while (columns && total > columns) {
        size_t widest = 0;
        for (size_t column = 0; column < grid->columns; column++)
            if (!cell_at(grid, 0, column)->number && widths[column] > widths[widest])
                widest = column;
        if (cell_at(grid, 0, widest)->number || widths[widest] <= NARROWEST)
            return;
        widths[widest]--;
        total--;
    }
}

static void cut(struct cell *cell, struct arena *arena, size_t width)
{
    if (cell->width <= width)
        return;
    const char *end = cell->text;
    for (size_t points = 1; points < width; points++)
        end += utf8_sequence((const uint8_t *)end, strlen(end));
    cell->text = arena_printf(arena, "%.*s…", (int)(end - cell->text), cell->text);
    cell->width = width;
}

static void write_grid(struct str *out, const struct grid *grid, const char *between,
                       bool underline)
{
    size_t *widths = ARENA_ARRAY((struct arena *)&grid->arena, size_t, grid->columns);
    for (size_t row = 0; row < grid->rows; row++)
        for (size_t column = 0; column < grid->columns; column++)
            if (cell_at(grid, row, column)->width > widths[column])
                widths[column] = cell_at(grid, row, column)->width;
    fit(grid, widths, utf8_count((const uint8_t *)between, strlen(between)));
    for (size_t row = 0; row < grid->rows; row++) {
        for (size_t column = 0; column < grid->columns; column++) {
            struct cell *cell = cell_at(grid, row, column);
            cut(cell, (struct arena *)(uintptr_t)&grid->arena, widths[column]);
            bool last = column + 1 == grid->columns;
            if (cell->number)
                pad(out, widths[column] - cell->width);
            str_append_text(out, cell->text);
            if (!cell->number && !last)
                pad(out, widths[column] - cell->width);
            str_append_text(out, last ? "\n" : between);
        }
        if (row > 0 || !underline)
            continue;
        for (size_t column = 0; column < grid->columns; column++) {
            for (size_t i = 0; i < widths[column]; i++)
                str_append_text(out, "─");
            str_append_text(out, column + 1 == grid->columns ? "\n" : "─┼─");
        }
    }
}

void view_rows(struct str *out, const json_t *rows, const struct view_column *columns)
{
    if (json_array_size(rows) == 0) {
        str_append_text(out, "(none)\n");
        return;
    }
    struct grid grid = {.arena = ARENA_INIT};
    while (columns[grid.columns].title)
        grid.columns++;
    grid.rows = json_array_size(rows) + 1;
    grid.cells = ARENA_ARRAY(&grid.arena, struct cell, grid.rows * grid.columns);
    for (size_t column = 0; column < grid.columns; column++) {
        put_text(cell_at(&grid, 0, column), &grid.arena, columns[column].title);
        for (size_t row = 1; row < grid.rows; row++)
            put_json(cell_at(&grid, row, column), &grid.arena,
                     lookup(json_array_get(rows, row - 1), columns[column].field));
        if (grid.rows > 1 && cell_at(&grid, 1, column)->number)
            cell_at(&grid, 0, column)->number = true;
    }
    write_grid(out, &grid, "  ", false);
    arena_release(&grid.arena);
}

void view_grid(struct str *out, const json_t *titles, const json_t *rows)
{
    struct grid grid = {.arena = ARENA_INIT};
    grid.columns = json_array_size(titles);
    grid.rows = json_array_size(rows) + 1;
    grid.cells = ARENA_ARRAY(&grid.arena, struct cell, grid.rows * grid.columns + 1);
    for (size_t column = 0; column < grid.columns; column++) {
        put_json(cell_at(&grid, 0, column), &grid.arena, json_array_get(titles, column));
        for (size_t row = 1; row < grid.rows; row++) {
            const json_t *value = json_array_get(json_array_get(rows, row - 1), column);
            if (json_is_null(value))
                put_text(cell_at(&grid, row, column), &grid.arena, "NULL");
            else
                put_json(cell_at(&grid, row, column), &grid.arena, value);
        }
    }
    if (grid.columns > 0) {
        write_grid(out, &grid, " │ ", true);
        str_printf(out, "(%zu row%s)\n", grid.rows - 1, grid.rows == 2 ? "" : "s");
    }
    arena_release(&grid.arena);
}

static void csv_value(struct str *out, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text)
        return; // null: an empty field
    if (!strpbrk(text, ",\"\r\n")) {
        str_append_text(out, text);
        return;
    }
    str_append_byte(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            str_append_byte(out, '"');
        str_append_byte(out, *text);
    }
    str_append_byte(out, '"');
}

static void csv_line(struct str *out, const json_t *values)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (i > 0)
            str_append_byte(out, ',');
        csv_value(out, json_array_get(values, i));
    }
    str_append_text(out, "\r\n");
}

void view_csv(struct str *out, const json_t *titles, const json_t *rows)
{
    csv_line(out, titles);
    for (size_t i = 0; i < json_array_size(rows); i++)
        csv_line(out, json_array_get(rows, i));
}
