// SPDX-License-Identifier: Apache-2.0
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void diag_fail(struct diag *diag, const char *file, int line, err_t code, const char *format, ...)
{
    if (!diag || diag->code != ERR_OK)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(diag->text, sizeof diag->text, format, args);
    va_end(args);
    diag->code = code;
    diag->file = file;
    diag->line = line;
}

void diag_context(struct diag *diag, const char *format, ...)
{
    if (!diag || diag->code == ERR_OK)
        return;
    char text[sizeof diag->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, ": %s", diag->text);
    memcpy(diag->text, text, sizeof text);
}

const char *diag_text(const struct diag *diag)
{
    return diag->text[0] ? diag->text : err_info(diag->code)->text;
}

void diag_clear(struct diag *diag)
{
    if (!diag)
        return;
    diag->code = ERR_OK;
    diag->text[0] = '\0';
}
