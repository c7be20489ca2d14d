// SPDX-License-Identifier: Apache-2.0
//
// Codes, encodings and the rarer functions over texts.
#include "sql/bind/bind_rules.h"

#include "base/utf8.h"
#include "sql/exec/builder.h"
#include "sql/exec/value.h"

#include <ctype.h>

static struct bytes keep(struct call *call, const struct str *text)
{
    return arena_bytes(call_arena(call), str_bytes(text));
}

struct expr *bind_concat(struct binder *binder, struct expr *call)
{
    bool list = false;
    bool binary = call->arg_count > 0;
    for (size_t i = 0; i < call->arg_count; i++) {
        list |= call->args[i]->type->kind == TYPE_ARRAY;
        binary &= call->args[i]->type->kind == TYPE_BINARY;
    }
    if (list) {
        const struct type *type = binder__common(binder, call, 0, call->arg_count);
        return type ? binder__done(binder, call, type) : NULL;
    }
    for (size_t i = 0; i < call->arg_count; i++)
        if (!binary && !binder__convert(binder, call, i, &type_string))
            return NULL;
    return binder__done(binder, call, binary ? &type_binary : &type_string);
}

struct expr *bind_concat_ws(struct binder *binder, struct expr *call)
{
    const struct type *texts = type_array(binder->arena, &type_string, true);
    for (size_t i = 1; i < call->arg_count; i++)
        if (!binder__convert(binder, call, i,
                             call->args[i]->type->kind == TYPE_ARRAY ? texts : &type_string))
            return NULL;
    return binder__done(binder, call, &type_string);
}

struct expr *bind_side_trim(struct binder *binder, struct expr *call)
{
    if (call->arg_count == 2)
        call->display = call->function->name[0] == 'l' ? "TRIM(LEADING $0 FROM $1)"
                                                       : "TRIM(TRAILING $0 FROM $1)";
    return binder__done(binder, call, &type_string);
}

struct expr *bind_reverse(struct binder *binder, struct expr *call)
{
    if (call->args[0]->type->kind != TYPE_ARRAY && !binder__convert(binder, call, 0, &type_string))
        return NULL;
    return binder__done(binder, call, call->args[0]->type);
}

struct expr *bind_hex(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[0]->type;
    if (type_is_numeric(type))
        call->args[0] = expr_cast(binder->arena, call->args[0], &type_long);
    else if (type->kind != TYPE_BINARY && !binder__convert(binder, call, 0, &type_string))
        return NULL;
    return binder__done(binder, call, &type_string);
}

// typeof(x) is known here; the name shows the call.
struct expr *bind_typeof(struct binder *binder, struct expr *call)
{
    struct expr *text =
        binder__text_literal(binder, binder__type_text(binder, call->args[0]->type), call->at);
    call->type = &type_string;
    text->name = expr_column_name(binder->arena, call);
    return text;
}

err_t kernel_ascii(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        size_t size;
        call->out->ints[i] = text.size ? (int32_t)utf8_decode(text.ptr, text.size, &size) : 0;
    }
    return ERR_OK;
}

err_t kernel_chr(struct call *call)
{
    CALL_ROWS(call, i)
    {
        int64_t code = vector_long(&call->args[0], i);
        uint8_t *out = arena_alloc(call_arena(call), 4);
        call->out->strings[i] =
            bytes_make(out, code < 0 ? 0 : utf8_encode((uint32_t)(code & 0xFF), out));
    }
    return ERR_OK;
}

err_t kernel_elt(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        int32_t index = vector_null(&call->args[0], i) ? 0 : vector_int(&call->args[0], i);
        if (index >= 1 && (size_t)index < call->arg_count && !vector_null(&call->args[index], i))
            call->out->strings[i] = vector_text(&call->args[index], i);
        else
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_field(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        for (size_t a = 1; a < call->arg_count && !call->out->ints[i]; a++)
            if (!vector_null(&call->args[0], i) &&
                type_equal(call->args[a].column.type, call->args[0].column.type) &&
                value_equal(&call->args[0].column, vector_at(&call->args[0], i),
                            &call->args[a].column, vector_at(&call->args[a], i)))
                call->out->ints[i] = (int32_t)a;
    return ERR_OK;
}

err_t kernel_find_in_set(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes what = vector_text(&call->args[0], i);
        struct bytes set = vector_text(&call->args[1], i);
        int32_t place = 1;
        size_t from = 0;
        if (what.size && memchr(what.ptr, ',', what.size))
            continue;
        for (size_t at = 0; at <= set.size; at++) {
            if (at < set.size && set.ptr[at] != ',')
                continue;
            if (bytes_equal(what, bytes_make(set.ptr + from, at - from))) {
                call->out->ints[i] = place;
                break;
            }
            from = at + 1;
            place++;
        }
    }
    return ERR_OK;
}

err_t kernel_soundex(struct call *call)
{
    static const char codes[] = "01230120022455012623010202"; // H and W: 0, but they do not part
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        if (text.size == 0 || !isalpha(text.ptr[0])) {
            call->out->strings[i] = text;
            continue;
        }
        char *out = arena_alloc(call_arena(call), 5);
        memcpy(out, "0000", 5);
        out[0] = (char)toupper(text.ptr[0]);
        char last = codes[out[0] - 'A'];
        size_t size = 1;
        for (size_t k = 1; k < text.size && size < 4; k++) {
            int upper = toupper(text.ptr[k]);
            if (upper < 'A' || upper > 'Z') {
                last = '0';
                continue;
            }
            char code = codes[upper - 'A'];
            if (upper == 'H' || upper == 'W')
                continue;
            if (code != '0' && code != last)
                out[size++] = code;
            last = code;
        }
        call->out->strings[i] = bytes_make(out, 4);
    }
    return ERR_OK;
}

err_t kernel_levenshtein(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes a = vector_text(&call->args[0], i);
        struct bytes b = vector_text(&call->args[1], i);
        if (a.size > 10000 || b.size > 10000)
            return call_fail(call, ERR_TOO_LARGE, "levenshtein takes texts of at most 10000 bytes");
        uint32_t *codes = arena_alloc(call_arena(call), (b.size + 1) * sizeof *codes);
        int32_t *row = arena_alloc(call_arena(call), (b.size + 1) * sizeof *row);
        size_t width = 0;
        for (size_t k = 0, size; k < b.size; k += size)
            codes[width++] = utf8_decode(b.ptr + k, b.size - k, &size);
        for (size_t j = 0; j <= width; j++)
            row[j] = (int32_t)j;
        int32_t line = 0;
        for (size_t k = 0, size; k < a.size; k += size) {
            uint32_t code = utf8_decode(a.ptr + k, a.size - k, &size);
            int32_t corner = row[0];
            row[0] = ++line;
            for (size_t j = 1; j <= width; j++) {
                int32_t change = corner + (codes[j - 1] != code);
                corner = row[j];
                int32_t least = (row[j - 1] < row[j] ? row[j - 1] : row[j]) + 1;
                row[j] = change < least ? change : least;
            }
        }
        call->out->ints[i] = row[width];
    }
    return ERR_OK;
}

err_t kernel_luhn_check(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        int sum = 0;
        bool good = text.size > 0;
        for (size_t k = 0; k < text.size && good; k++) {
            int digit = text.ptr[text.size - 1 - k] - '0';
            good = digit >= 0 && digit <= 9;
            digit = k % 2 ? digit * 2 : digit;
            sum += digit > 9 ? digit - 9 : digit;
        }
        call->out->booleans[i] = good && sum % 10 == 0;
    }
    return ERR_OK;
}

// --- encodings
// -------------------------------------------------------------------------------------

static int hex_value(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = tolower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

err_t kernel_url_encode(struct call *call)
{
    struct str text = {0};
    CALL_ROWS(call, i)
    {
        struct bytes from = vector_text(&call->args[0], i);
        text.size = 0;
        for (size_t k = 0; k < from.size; k++) {
            uint8_t byte = from.ptr[k];
            if (isalnum(byte) || byte == '-' || byte == '_' || byte == '.' || byte == '*')
                str_append_byte(&text, (char)byte);
            else if (byte == ' ')
                str_append_byte(&text, '+');
            else
                str_printf(&text, "%%%02X", byte);
        }
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return ERR_OK;
}

err_t kernel_url_decode(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes from = vector_text(&call->args[0], i);
        uint8_t *out = arena_alloc(call_arena(call), from.size + 1);
        size_t size = 0;
        for (size_t k = 0; k < from.size; k++) {
            uint8_t byte = from.ptr[k];
            if (byte == '+')
                byte = ' ';
            if (byte == '%') {
                int high = k + 2 < from.size + 0 ? hex_value(from.ptr[k + 1]) : -1;
                int low = k + 2 < from.size ? hex_value(from.ptr[k + 2]) : -1;
                if (high < 0 || low < 0)
                    return call_fail(call, ERR_INVALID,
                                     "[CANNOT_DECODE_URL] a %% is not followed by two digits");
                byte = (uint8_t)(high * 16 + low);
                k += 2;
            }
            out[size++] = byte;
        }
        call->out->strings[i] = bytes_make(out, size);
    }
    return ERR_OK;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// MIME form: lines of 76.
err_t kernel_base64(struct call *call)
{
    struct str text = {0};
    CALL_ROWS(call, i)
    {
        struct bytes from = vector_text(&call->args[0], i);
        text.size = 0;
        for (size_t k = 0; k < from.size; k += 3) {
            if (k && k % 57 == 0)
                str_append_text(&text, "\r\n");
            size_t left = from.size - k;
            uint32_t word = (uint32_t)from.ptr[k] << 16 |
                            (left > 1 ? (uint32_t)from.ptr[k + 1] << 8 : 0) |
                            (left > 2 ? from.ptr[k + 2] : 0);
            char four[4] = {alphabet[word >> 18], alphabet[word >> 12 & 63],
                            left > 1 ? alphabet[word >> 6 & 63] : '=',
                            left > 2 ? alphabet[word & 63] : '='};
            str_append(&text, four, 4);
        }
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return ERR_OK;
}

err_t kernel_unbase64(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes from = vector_text(&call->args[0], i);
        uint8_t *out = arena_alloc(call_arena(call), from.size + 4);
        size_t size = 0;
        uint32_t word = 0;
        int bits = 0;
        for (size_t k = 0; k < from.size && from.ptr[k] != '='; k++) {
            const char *at = from.ptr[k] ? strchr(alphabet, from.ptr[k]) : NULL;
            if (!at)
                continue;
            word = word << 6 | (uint32_t)(at - alphabet);
            bits += 6;
            if (bits >= 8) {
                bits -= 8;
                out[size++] = (uint8_t)(word >> bits);
            }
        }
        call->out->strings[i] = bytes_make(out, size);
    }
    return ERR_OK;
}

err_t kernel_hex(struct call *call)
{
    struct str text = {0};
    bool number = call->args[0].column.type->kind == TYPE_LONG;
    CALL_ROWS(call, i)
    {
        text.size = 0;
        if (number) {
            str_printf(&text, "%llX", (unsigned long long)vector_long(&call->args[0], i));
        } else {
            struct bytes from = vector_text(&call->args[0], i);
            for (size_t k = 0; k < from.size; k++)
                str_printf(&text, "%02X", from.ptr[k]);
        }
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return ERR_OK;
}

err_t kernel_unhex(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes from = vector_text(&call->args[0], i);
        uint8_t *out = arena_zalloc(call_arena(call), from.size / 2 + 2);
        size_t odd = from.size % 2;
        bool good = true;
        for (size_t k = 0; k < from.size && good; k++) {
            int digit = hex_value(from.ptr[k]);
            good = digit >= 0;
            out[(k + odd) / 2] = (uint8_t)(out[(k + odd) / 2] * 16 + (good ? digit : 0));
        }
        call->out->strings[i] = bytes_make(out, (from.size + odd) / 2);
        if (!good)
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_str_to_map(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        struct bytes text = vector_text(&call->args[0], i);
        struct bytes pair = vector_text(&call->args[1], i);
        struct bytes mark = vector_text(&call->args[2], i);
        for (;;) {
            const uint8_t *end =
                pair.size ? memmem(text.ptr, text.size, pair.ptr, pair.size) : NULL;
            struct bytes one = bytes_make(text.ptr, end ? (size_t)(end - text.ptr) : text.size);
            const uint8_t *at = mark.size ? memmem(one.ptr, one.size, mark.ptr, mark.size) : NULL;
            builder_text(&builder.children[0],
                         bytes_make(one.ptr, at ? (size_t)(at - one.ptr) : one.size));
            if (at)
                builder_text(
                    &builder.children[1],
                    bytes_make(at + mark.size, one.size - (size_t)(at - one.ptr) - mark.size));
            else
                builder_null(&builder.children[1]);
            if (!end)
                break;
            text = bytes_make(end + pair.size, text.size - one.size - pair.size);
        }
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}
