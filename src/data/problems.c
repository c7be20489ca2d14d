// SPDX-License-Identifier: Apache-2.0
//
// Problems are lines of one text, "file:line:column: words\n". Words may quote the user's file, so
// control bytes in them become blanks: one problem stays one line.
#include "data/yaml.h"

#include <stdarg.h>

static void add(struct problems *problems, const char *file, int line, int column,
                const char *format, va_list args)
{
    struct str *text = &problems->text;
    str_printf(text, "%s:%d:%d: ", file, line, column);
    size_t start = text->size;
    str_vprintf(text, format, args);
    for (size_t i = start; i < text->size; i++) {
        unsigned char byte = (unsigned char)text->ptr[i];
        if (byte < 0x20 || byte == 0x7f)
            text->ptr[i] = ' ';
    }
    str_append_byte(text, '\n');
    problems->count++;
}

void problem_add(struct problems *problems, const char *file, int line, int column,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(problems, file, line, column, format, args);
    va_end(args);
}

void problems_release(struct problems *problems)
{
    str_release(&problems->text);
    problems->count = 0;
}

void yaml_problem(const struct yaml_source *source, const struct yaml *node, const char *format,
                  ...)
{
    va_list args;
    va_start(args, format);
    add(source->problems, source->file, node ? node->line : 1, node ? node->column : 1, format,
        args);
    va_end(args);
}
