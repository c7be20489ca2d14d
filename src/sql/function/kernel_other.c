// SPDX-License-Identifier: Apache-2.0
//
// Functions that fit nowhere else.
#include "sql/bind/bind_rules.h"

#include "data/cast.h"
#include "data/decimal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

struct expr *bind_raise_error(struct binder *binder, struct expr *call)
{
    return binder__done(binder, call, &type_null);
}

err_t kernel_raise_error(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (!vector_null(&call->args[0], i))
            return call_fail(call, ERR_INVALID, "%.*s",
                             BYTES_PRINT(vector_text(&call->args[0], i)));
    return ERR_OK;
}

err_t kernel_assert_true(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        if (!vector_null(&call->args[0], i) && vector_bool(&call->args[0], i))
            continue;
        if (call->arg_count > 1 && !vector_null(&call->args[1], i))
            return call_fail(call, ERR_INVALID, "%.*s",
                             BYTES_PRINT(vector_text(&call->args[1], i)));
        return call_fail(call, ERR_INVALID, "the condition of assert_true is not true");
    }
    return ERR_OK;
}

// format_number(x, d): thousands parted by commas, d decimals, half even as Java's DecimalFormat.
err_t kernel_format_number(struct call *call)
{
    const struct column *from = &call->args[0].column;
    CALL_ROWS(call, i)
    {
        int32_t places = vector_int(&call->args[1], i);
        if (places < 0 || places > 100) {
            call_null(call, i);
            continue;
        }
        char digits[512];
        size_t at = vector_at(&call->args[0], i);
        if (from->type->kind == TYPE_DECIMAL) {
            int drop = from->type->scale - places;
            int128_t value = drop > 0 ? decimal_round(from->decimals[at], drop, DECIMAL_HALF_EVEN)
                                      : from->decimals[at];
            size_t size = decimal_text_plain(digits, value, drop > 0 ? places : from->type->scale);
            bool point = memchr(digits, '.', size) != NULL;
            int have = drop > 0 ? places : from->type->scale;
            if (!point && places > 0)
                digits[size++] = '.';
            for (; have < places; have++)
                digits[size++] = '0';
            digits[size] = '\0';
        } else {
            double x = from->type->kind == TYPE_DOUBLE  ? from->doubles[at]
                       : from->type->kind == TYPE_FLOAT ? (double)from->floats[at]
                       : from->type->kind == TYPE_LONG  ? (double)from->longs[at]
                       : from->type->kind == TYPE_INT   ? from->ints[at]
                       : from->type->kind == TYPE_SHORT ? from->shorts[at]
                                                        : from->bytes8[at];
            snprintf(digits, sizeof digits, "%.*f", places, x);
        }
        struct str text = {0};
        const char *c = digits;
        if (*c == '-')
            str_append_byte(&text, *c++);
        size_t whole = strcspn(c, ".");
        for (size_t k = 0; c[k]; k++) {
            if (k && k < whole && (whole - k) % 3 == 0)
                str_append_byte(&text, ',');
            str_append_byte(&text, c[k]);
        }
        call->out->strings[i] = arena_bytes(call_arena(call), str_bytes(&text));
        str_release(&text);
    }
    return ERR_OK;
}

// --- printf
// ----------------------------------------------------------------------------------------

static double real_at(const struct column *column, size_t row)
{
    switch ((int)column->type->kind) {
    case TYPE_DOUBLE:
        return column->doubles[row];
    case TYPE_FLOAT:
        return (double)column->floats[row];
    case TYPE_DECIMAL:
        return decimal_to_double(column->decimals[row], column->type->scale);
    default:
        return 0;
    }
}

static bool whole_at(const struct column *column, size_t row, long long *out)
{
    switch ((int)column->type->kind) {
    case TYPE_BYTE:
        *out = column->bytes8[row];
        return true;
    case TYPE_SHORT:
        *out = column->shorts[row];
        return true;
    case TYPE_INT:
        *out = column->ints[row];
        return true;
    case TYPE_LONG:
        *out = column->longs[row];
        return true;
    default:
        return false;
    }
}

// One conversion of java.util.Formatter: flags, width and precision mean what they mean in C; the
// letters s d x X o f e c b and %.
static err_t format_one(struct call *call, size_t row, size_t *next, const char *flags, char letter,
                        struct str *out)
{
    if (letter == '%' || letter == 'n') {
        str_append_byte(out, letter == '%' ? '%' : '\n');
        return ERR_OK;
    }
    if (*next >= call->arg_count)
        return call_fail(call, ERR_INVALID, "printf has more conversions than arguments");
    const struct vector *arg = &call->args[(*next)++];
    size_t at = vector_at(arg, row);
    char form[32];
    long long whole = 0;
    bool null = column_is_null(&arg->column, at);
    bool is_whole = !null && whole_at(&arg->column, at, &whole);
    if (!null && strchr("dxXo", letter) && is_whole) {
        snprintf(form, sizeof form, "%%%sll%c", flags, letter);
        char text[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, form, whole);
#pragma GCC diagnostic pop
        str_append_text(out, text);
        return ERR_OK;
    }
    if (!null && strchr("feEgG", letter) && !is_whole && type_is_numeric(arg->column.type)) {
        snprintf(form, sizeof form, "%%%s%c", flags, letter);
        char text[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, form, real_at(&arg->column, at));
#pragma GCC diagnostic pop
        str_append_text(out, text);
        return ERR_OK;
    }
    if (!null && letter != 's' && letter != 'S' && letter != 'b')
        return call_fail(call, ERR_INVALID, "printf: %%%c does not fit its argument", letter);
    struct str value = {0};
    static const struct cast_options options = {0};
    if (null)
        str_append_text(&value, "null");
    else
        cast_value_text(&value, &arg->column, at, &options);
    int width = (int)strtol(flags + strspn(flags, "-+ 0#,("), NULL, 10);
    int missing = width - (int)value.size;
    bool left = strchr(flags, '-') != NULL;
    for (int k = 0; !left && k < missing; k++)
        str_append_byte(out, ' ');
    str_append_bytes(out, str_bytes(&value));
    for (int k = 0; left && k < missing; k++)
        str_append_byte(out, ' ');
    str_release(&value);
    return ERR_OK;
}

static err_t format_text(struct call *call, size_t row, struct str *out)
{
    struct bytes form = vector_text(&call->args[0], row);
    size_t next = 1;
    for (size_t k = 0; k < form.size; k++) {
        if (form.ptr[k] != '%') {
            str_append_byte(out, (char)form.ptr[k]);
            continue;
        }
        char flags[12] = {0};
        size_t size = 0;
        for (k++; k < form.size && strchr("-+ 0#.123456789", form.ptr[k]) && form.ptr[k]; k++)
            if (size + 1 < sizeof flags)
                flags[size++] = (char)form.ptr[k];
        if (k >= form.size || size + 1 >= sizeof flags ||
            strtol(flags + strspn(flags, "-+ 0#"), NULL, 10) > 99 ||
            (strchr(flags, '.') && strtol(strchr(flags, '.') + 1, NULL, 10) > 99))
            return call_fail(call, ERR_INVALID, "printf: a %% is not followed by a conversion");
        TRY(format_one(call, row, &next, flags, (char)form.ptr[k], out));
    }
    return ERR_OK;
}

err_t kernel_printf(struct call *call)
{
    struct str text = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; i < call->count && !err; i++) {
        if (vector_null(&call->args[0], i)) {
            call_null(call, i);
            continue;
        }
        text.size = 0;
        err = format_text(call, i, &text);
        call->out->strings[i] = arena_bytes(call_arena(call), str_bytes(&text));
    }
    str_release(&text);
    return err;
}

// sentences(text): words by sentence; sentences end with . ! ? and white space.
err_t kernel_sentences(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    struct builder *words = &builder.children[0];
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        struct bytes text = vector_text(&call->args[0], i);
        size_t from = 0;
        bool open = false;
        for (size_t k = 0; k <= text.size; k++) {
            uint8_t byte = k < text.size ? text.ptr[k] : '.';
            bool word = isalnum(byte) || byte >= 0x80 || byte == '\'';
            if (word)
                continue;
            if (k > from) {
                builder_text(&words->children[0], bytes_make(text.ptr + from, k - from));
                open = true;
            }
            from = k + 1;
            bool ends = (byte == '.' || byte == '!' || byte == '?') &&
                        (k + 1 >= text.size || isspace(text.ptr[k + 1]));
            if (ends && open) {
                builder_list(words);
                open = false;
            }
        }
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_version(struct call *call)
{
    const char *name = call->expr->function->name;
    call->out->strings[0] = bytes_from(strcmp(name, "version") == 0            ? "3.5.0"
                                       : strcmp(name, "current_database") == 0 ? "default"
                                                                               : "weir");
    return ERR_OK;
}

err_t kernel_increasing_id(struct call *call)
{
    int64_t *next = call_state(call, sizeof *next);
    for (size_t i = 0; i < call->count; i++)
        call->out->longs[i] = (*next)++;
    return ERR_OK;
}
