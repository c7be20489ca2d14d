// SPDX-License-Identifier: Apache-2.0
//
// Texts. Positions and lengths count code points; texts of plain ASCII take the short way. Results
// are views of the argument where they can be.
#include "sql/function_rules.h"

#include "base/utf8.h"
#include "data/cast.h"
#include "sql/exec/builder.h"

#include <ctype.h>
#include <unicode/ustring.h>

#define TEXT_MAX_BYTES (64 << 20)

static bool is_ascii(struct bytes text)
{
    size_t i = 0;
    for (; i + 8 <= text.size; i += 8) {
        uint64_t word;
        memcpy(&word, text.ptr + i, 8);
        if (word & 0x8080808080808080ULL)
            return false;
    }
    for (; i < text.size; i++)
        if (text.ptr[i] & 0x80)
            return false;
    return true;
}

// Byte offset of code point `index` from byte `from` on; text.size past the end.
static size_t skip_codes(struct bytes text, size_t from, int64_t index)
{
    for (; index > 0 && from < text.size; index--) {
        size_t size = utf8_sequence(text.ptr + from, text.size - from);
        from += size ? size : 1;
    }
    return from;
}

static struct bytes keep(struct call *call, const struct str *text)
{
    return arena_bytes(call_arena(call), str_bytes(text));
}

// --- measuring
// -------------------------------------------------------------------------------------

err_t kernel_length(struct call *call)
{
    bool binary = call->args[0].column.type->kind == TYPE_BINARY;
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        call->out->ints[i] =
            (int32_t)(binary || is_ascii(text) ? text.size : utf8_count(text.ptr, text.size));
    }
    return ERR_OK;
}

err_t kernel_octet_length(struct call *call)
{
    int32_t unit = call->expr->function->name[0] == 'b' ? 8 : 1;
    CALL_ROWS(call, i)
    call->out->ints[i] = (int32_t)vector_text(&call->args[0], i).size * unit;
    return ERR_OK;
}

// --- joining
// ---------------------------------------------------------------------------------------

static err_t concat_lists(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        for (size_t a = 0; a < call->arg_count; a++) {
            const struct column *list = &call->args[a].column;
            size_t at = vector_at(&call->args[a], i);
            for (int32_t k = list->offsets[at]; k < list->offsets[at + 1]; k++)
                builder_value(&builder.children[0], list->children, (size_t)k);
        }
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_concat(struct call *call)
{
    if (call->out->type->kind == TYPE_ARRAY)
        return concat_lists(call);
    CALL_ROWS(call, i)
    {
        size_t size = 0;
        for (size_t a = 0; a < call->arg_count; a++)
            size += vector_text(&call->args[a], i).size;
        if (size > TEXT_MAX_BYTES)
            return call_fail(call, ERR_TOO_LARGE, "the text is longer than 64 MiB");
        TRY(call_room(call, size));
        uint8_t *out = arena_alloc(call_arena(call), size + 1);
        size = 0;
        for (size_t a = 0; a < call->arg_count; a++) {
            struct bytes text = vector_text(&call->args[a], i);
            if (text.size)
                memcpy(out + size, text.ptr, text.size);
            size += text.size;
        }
        call->out->strings[i] = bytes_make(out, size);
    }
    return ERR_OK;
}

err_t kernel_concat_ws(struct call *call)
{
    struct str text = {0};
    for (size_t i = 0; i < call->count; i++) {
        if (vector_null(&call->args[0], i)) {
            call_null(call, i);
            continue;
        }
        struct bytes between = vector_text(&call->args[0], i);
        bool first = true;
        text.size = 0;
        for (size_t a = 1; a < call->arg_count; a++) {
            const struct vector *arg = &call->args[a];
            if (vector_null(arg, i))
                continue;
            bool list = arg->column.type->kind == TYPE_ARRAY;
            const struct column *items = list ? arg->column.children : &arg->column;
            size_t at = vector_at(arg, i);
            size_t from = list ? (size_t)arg->column.offsets[at] : at;
            size_t to = list ? (size_t)arg->column.offsets[at + 1] : at + 1;
            for (size_t k = from; k < to; k++) {
                if (column_is_null(items, k))
                    continue;
                if (!first)
                    str_append_bytes(&text, between);
                str_append_bytes(&text, items->strings[k]);
                first = false;
            }
        }
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return ERR_OK;
}

// --- case
// ------------------------------------------------------------------------------------------

enum casing {
    CASING_LOWER,
    CASING_UPPER,
};

static err_t unicode_case(struct call *call, struct bytes text, enum casing casing,
                          struct bytes *out)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t capacity = (int32_t)text.size * 3 + 16;
    UChar *wide = arena_alloc(call_arena(call), (size_t)capacity * sizeof *wide);
    UChar *cased = arena_alloc(call_arena(call), (size_t)capacity * sizeof *cased);
    int32_t size = 0;
    u_strFromUTF8WithSub(wide, capacity, &size, (const char *)text.ptr, (int32_t)text.size, 0xFFFD,
                         NULL, &status);
    size = casing == CASING_LOWER ? u_strToLower(cased, capacity, wide, size, "", &status)
                                  : u_strToUpper(cased, capacity, wide, size, "", &status);
    char *utf8 = arena_alloc(call_arena(call), (size_t)size * 3 + 1);
    int32_t utf8_size = 0;
    u_strToUTF8(utf8, size * 3 + 1, &utf8_size, cased, size, &status);
    if (U_FAILURE(status))
        return call_fail(call, ERR_INVALID, "the text cannot change case: %s", u_errorName(status));
    *out = bytes_make(utf8, (size_t)utf8_size);
    return ERR_OK;
}

// Turns the case of the letters from `first` on; vectorised by the compiler.
__attribute__((optimize("O3"))) static void ascii_case(uint8_t *out, struct bytes text,
                                                       uint8_t first)
{
    for (size_t k = 0; k < text.size; k++) {
        uint8_t byte = text.ptr[k];
        out[k] = byte ^ (uint8_t)(((uint8_t)(byte - first) < 26) << 5);
    }
}

static err_t change_case(struct call *call, enum casing casing)
{
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        if (!is_ascii(text)) {
            if (text.size > TEXT_MAX_BYTES)
                return call_fail(call, ERR_TOO_LARGE, "the text is longer than 64 MiB");
            TRY(unicode_case(call, text, casing, &call->out->strings[i]));
            continue;
        }
        uint8_t *out = arena_alloc(call_arena(call), text.size + 1);
        ascii_case(out, text, casing == CASING_LOWER ? 'A' : 'a');
        call->out->strings[i] = bytes_make(out, text.size);
    }
    return ERR_OK;
}

err_t kernel_lower(struct call *call)
{
    return change_case(call, CASING_LOWER);
}
err_t kernel_upper(struct call *call)
{
    return change_case(call, CASING_UPPER);
}

// Words are parted by blanks; each starts with a title-case letter, the rest is lower case.
err_t kernel_initcap(struct call *call)
{
    struct str text = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; i < call->count && !err; i++) {
        if (column_is_null(call->out, i))
            continue;
        struct bytes lower = BYTES_NULL;
        err = unicode_case(call, vector_text(&call->args[0], i), CASING_LOWER, &lower);
        text.size = 0;
        bool start = true;
        for (size_t k = 0; !err && k < lower.size;) {
            size_t size = 1;
            uint32_t code = utf8_decode(lower.ptr + k, lower.size - k, &size);
            uint8_t out[4];
            if (start)
                code = (uint32_t)u_totitle((UChar32)code);
            str_append(&text, out, utf8_encode(code, out));
            start = code == ' ';
            k += size;
        }
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return err;
}

// --- trimming
// --------------------------------------------------------------------------------------

static bool in_set(struct bytes set, struct bytes code)
{
    for (size_t i = 0; i < set.size;) {
        size_t size = utf8_sequence(set.ptr + i, set.size - i);
        size = size ? size : 1;
        if (size == code.size && memcmp(set.ptr + i, code.ptr, size) == 0)
            return true;
        i += size;
    }
    return false;
}

static struct bytes trimmed(struct bytes text, struct bytes set, bool left, bool right)
{
    while (left && text.size) {
        size_t size = utf8_sequence(text.ptr, text.size);
        size = size ? size : 1;
        if (!in_set(set, bytes_make(text.ptr, size)))
            break;
        text.ptr += size;
        text.size -= size;
    }
    while (right && text.size) {
        size_t size = 1;
        while (size < text.size && size < 4 && (text.ptr[text.size - size] & 0xC0) == 0x80)
            size++;
        if (!in_set(set, bytes_make(text.ptr + text.size - size, size)))
            break;
        text.size -= size;
    }
    return text;
}

static err_t trim_rows(struct call *call, size_t text_arg, size_t set_arg, bool left, bool right)
{
    CALL_ROWS(call, i)
    {
        struct bytes set =
            call->arg_count > 1 ? vector_text(&call->args[set_arg], i) : bytes_from(" ");
        call->out->strings[i] = trimmed(
            vector_text(&call->args[call->arg_count > 1 ? text_arg : 0], i), set, left, right);
    }
    return ERR_OK;
}

err_t kernel_trim(struct call *call)
{
    return trim_rows(call, 0, 0, true, true);
}
err_t kernel_btrim(struct call *call)
{
    return trim_rows(call, 0, 1, true, true);
}
err_t kernel_ltrim(struct call *call) // (chars, text)
{
    return trim_rows(call, 1, 0, true, false);
}
err_t kernel_rtrim(struct call *call)
{
    return trim_rows(call, 1, 0, false, true);
}

// --- pieces
// ----------------------------------------------------------------------------------------

// Spark's substringSQL: 1-based, negative from the end; 0 is like 1.
static struct bytes piece(struct bytes text, int64_t start, int64_t length, bool by_byte)
{
    bool plain = by_byte || is_ascii(text);
    int64_t count = (int64_t)(plain ? text.size : utf8_count(text.ptr, text.size));
    int64_t from = start > 0 ? start - 1 : start < 0 ? count + start : 0;
    int64_t to = length == INT32_MAX ? INT32_MAX : from + length;
    to = to > count ? count : to;
    from = from < 0 ? 0 : from;
    if (from >= to)
        return bytes_make(text.ptr, 0);
    if (plain)
        return bytes_make(text.ptr + from, (size_t)(to - from));
    size_t first = skip_codes(text, 0, from);
    return bytes_make(text.ptr + first, skip_codes(text, first, to - from) - first);
}

err_t kernel_substring(struct call *call)
{
    bool by_byte = call->out->type->kind == TYPE_BINARY;
    CALL_ROWS(call, i)
    call->out->strings[i] = piece(vector_text(&call->args[0], i), vector_int(&call->args[1], i),
                                  vector_int(&call->args[2], i), by_byte);
    return ERR_OK;
}

err_t kernel_left(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->strings[i] =
        piece(vector_text(&call->args[0], i), 1, vector_int(&call->args[1], i), false);
    return ERR_OK;
}

err_t kernel_right(struct call *call)
{
    CALL_ROWS(call, i)
    {
        int64_t count = vector_int(&call->args[1], i);
        struct bytes text = vector_text(&call->args[0], i);
        call->out->strings[i] =
            count <= 0 ? bytes_make(text.ptr, 0) : piece(text, -count, INT32_MAX, false);
    }
    return ERR_OK;
}

static size_t find(struct bytes text, size_t from, struct bytes needle)
{
    if (from > text.size)
        return SIZE_MAX;
    const uint8_t *at = memmem(text.ptr + from, text.size - from, needle.ptr, needle.size);
    return at ? (size_t)(at - text.ptr) : SIZE_MAX;
}

static size_t find_back(struct bytes text, size_t end, struct bytes needle)
{
    for (size_t at = end; at-- > 0;)
        if (at + needle.size <= text.size && memcmp(text.ptr + at, needle.ptr, needle.size) == 0)
            return at;
    return SIZE_MAX;
}

err_t kernel_substring_index(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        struct bytes mark = vector_text(&call->args[1], i);
        int32_t count = vector_int(&call->args[2], i);
        struct bytes out = text;
        if (count == 0 || mark.size == 0) {
            out.size = 0;
        } else if (count > 0) {
            size_t at = 0;
            for (; count > 0 && at != SIZE_MAX; count--) {
                at = find(text, at, mark);
                if (at != SIZE_MAX && count > 1)
                    at += mark.size;
            }
            out.size = at == SIZE_MAX ? text.size : at;
        } else {
            size_t at = text.size;
            for (; count < 0 && at != SIZE_MAX; count++)
                at = find_back(text, at, mark);
            if (at != SIZE_MAX)
                out = bytes_make(text.ptr + at + mark.size, text.size - at - mark.size);
        }
        call->out->strings[i] = out;
    }
    return ERR_OK;
}

err_t kernel_split_part(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        struct bytes mark = vector_text(&call->args[1], i);
        int64_t wanted = vector_int(&call->args[2], i);
        if (wanted == 0)
            return call_fail(call, ERR_INVALID,
                             "[INVALID_INDEX_OF_ZERO] the index 0 is invalid: the first part has "
                             "index 1");
        int64_t parts = 1;
        for (size_t at = 0; mark.size && (at = find(text, at, mark)) != SIZE_MAX; at += mark.size)
            parts++;
        wanted = wanted < 0 ? parts + wanted + 1 : wanted;
        size_t from = 0;
        size_t to = text.size;
        for (int64_t part = 1; part <= wanted && wanted <= parts; part++) {
            size_t at = mark.size ? find(text, from, mark) : SIZE_MAX;
            to = at == SIZE_MAX ? text.size : at;
            if (part < wanted)
                from = to + mark.size;
        }
        call->out->strings[i] = wanted < 1 || wanted > parts
                                    ? bytes_make(text.ptr, 0)
                                    : bytes_make(text.ptr + from, to - from);
    }
    return ERR_OK;
}

// --- searching
// -------------------------------------------------------------------------------------

static int32_t place_of(struct bytes text, struct bytes needle, int64_t start)
{
    if (start < 1)
        return 0;
    size_t from = skip_codes(text, 0, start - 1);
    if (start - 1 > (int64_t)utf8_count(text.ptr, text.size))
        return 0;
    size_t at = needle.size ? find(text, from, needle) : from;
    return at == SIZE_MAX ? 0 : (int32_t)utf8_count(text.ptr, at) + 1;
}

err_t kernel_instr(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->ints[i] =
        place_of(vector_text(&call->args[0], i), vector_text(&call->args[1], i), 1);
    return ERR_OK;
}

err_t kernel_locate(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->ints[i] = place_of(vector_text(&call->args[1], i), vector_text(&call->args[0], i),
                                  vector_int(&call->args[2], i));
    return ERR_OK;
}

err_t kernel_contains(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->booleans[i] =
        find(vector_text(&call->args[0], i), 0, vector_text(&call->args[1], i)) != SIZE_MAX;
    return ERR_OK;
}

err_t kernel_startswith(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->booleans[i] =
        bytes_starts(vector_text(&call->args[0], i), vector_text(&call->args[1], i));
    return ERR_OK;
}

err_t kernel_endswith(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        struct bytes end = vector_text(&call->args[1], i);
        call->out->booleans[i] =
            text.size >= end.size &&
            (end.size == 0 || memcmp(text.ptr + text.size - end.size, end.ptr, end.size) == 0);
    }
    return ERR_OK;
}

// --- changing
// --------------------------------------------------------------------------------------

err_t kernel_replace(struct call *call)
{
    struct str text = {0};
    CALL_ROWS(call, i)
    {
        struct bytes from = vector_text(&call->args[0], i);
        struct bytes what = vector_text(&call->args[1], i);
        if (what.size == 0 || find(from, 0, what) == SIZE_MAX) {
            call->out->strings[i] = from;
            continue;
        }
        if (call_room(call, from.size)) {
            str_release(&text);
            return ERR_OVERLOADED;
        }
        text.size = 0;
        size_t done = 0;
        for (size_t at; (at = find(from, done, what)) != SIZE_MAX; done = at + what.size) {
            str_append(&text, from.ptr + done, at - done);
            str_append_bytes(&text, vector_text(&call->args[2], i));
        }
        str_append(&text, from.ptr + done, from.size - done);
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return ERR_OK;
}

err_t kernel_translate(struct call *call)
{
    struct str text = {0};
    CALL_ROWS(call, i)
    {
        struct bytes from = vector_text(&call->args[0], i);
        struct bytes match = vector_text(&call->args[1], i);
        struct bytes put = vector_text(&call->args[2], i);
        text.size = 0;
        for (size_t k = 0; k < from.size;) {
            size_t size = utf8_sequence(from.ptr + k, from.size - k);
            size = size ? size : 1;
            size_t m = 0;
            int64_t index = 0;
            bool found = false;
            for (; m < match.size && !found; index++) {
                size_t width = utf8_sequence(match.ptr + m, match.size - m);
                width = width ? width : 1;
                found = width == size && memcmp(match.ptr + m, from.ptr + k, size) == 0;
                m += width;
            }
            if (!found) {
                str_append(&text, from.ptr + k, size);
            } else {
                size_t at = skip_codes(put, 0, index - 1);
                str_append(&text, put.ptr + at, skip_codes(put, at, 1) - at);
            }
            k += size;
        }
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return ERR_OK;
}

static err_t reverse_lists(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        const struct column *list = &call->args[0].column;
        size_t at = vector_at(&call->args[0], i);
        for (int32_t k = list->offsets[at + 1]; k-- > list->offsets[at];)
            builder_value(&builder.children[0], list->children, (size_t)k);
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_reverse(struct call *call)
{
    if (call->out->type->kind == TYPE_ARRAY)
        return reverse_lists(call);
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        uint8_t *out = arena_alloc(call_arena(call), text.size + 1);
        for (size_t k = 0; k < text.size;) {
            size_t size = utf8_sequence(text.ptr + k, text.size - k);
            size = size ? size : 1;
            memcpy(out + text.size - k - size, text.ptr + k, size);
            k += size;
        }
        call->out->strings[i] = bytes_make(out, text.size);
    }
    return ERR_OK;
}

static err_t repeated(struct call *call, struct bytes text, int64_t times, struct bytes *out)
{
    if (times < 0)
        times = 0;
    if (text.size && (size_t)times > TEXT_MAX_BYTES / text.size)
        return call_fail(call, ERR_TOO_LARGE, "the text is longer than 64 MiB");
    TRY(call_room(call, text.size * (size_t)times));
    uint8_t *ptr = arena_alloc(call_arena(call), text.size * (size_t)times + 1);
    for (int64_t k = 0; k < times; k++)
        memcpy(ptr + (size_t)k * text.size, text.ptr, text.size);
    *out = bytes_make(ptr, text.size * (size_t)times);
    return ERR_OK;
}

err_t kernel_repeat(struct call *call)
{
    CALL_ROWS(call, i)
    TRY(repeated(call, vector_text(&call->args[0], i), vector_int(&call->args[1], i),
                 &call->out->strings[i]));
    return ERR_OK;
}

err_t kernel_space(struct call *call)
{
    CALL_ROWS(call, i)
    TRY(repeated(call, bytes_from(" "), vector_int(&call->args[0], i), &call->out->strings[i]));
    return ERR_OK;
}

static err_t pad(struct call *call, bool left)
{
    struct str text = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; i < call->count && !err; i++) {
        if (column_is_null(call->out, i))
            continue;
        struct bytes from = vector_text(&call->args[0], i);
        struct bytes with = vector_text(&call->args[2], i);
        int64_t length = vector_int(&call->args[1], i);
        int64_t count = (int64_t)utf8_count(from.ptr, from.size);
        if (length > TEXT_MAX_BYTES)
            err = call_fail(call, ERR_TOO_LARGE, "the text is longer than 64 MiB");
        else if (length > 0)
            err = call_room(call, (size_t)length);
        if (length <= count || with.size == 0) {
            call->out->strings[i] = piece(from, 1, length < 0 ? 0 : length, false);
            continue;
        }
        text.size = 0;
        if (!left)
            str_append_bytes(&text, from);
        int64_t missing = err ? 0 : length - count;
        int64_t unit = (int64_t)utf8_count(with.ptr, with.size);
        for (; missing >= unit; missing -= unit)
            str_append_bytes(&text, with);
        str_append(&text, with.ptr, skip_codes(with, 0, missing));
        if (left)
            str_append_bytes(&text, from);
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return err;
}

err_t kernel_lpad(struct call *call)
{
    return pad(call, true);
}
err_t kernel_rpad(struct call *call)
{
    return pad(call, false);
}

err_t kernel_overlay(struct call *call)
{
    struct str text = {0};
    CALL_ROWS(call, i)
    {
        struct bytes from = vector_text(&call->args[0], i);
        struct bytes put = vector_text(&call->args[1], i);
        int64_t place = vector_int(&call->args[2], i);
        int64_t length = vector_int(&call->args[3], i);
        if (length < 0)
            length = (int64_t)utf8_count(put.ptr, put.size);
        text.size = 0;
        str_append_bytes(&text, piece(from, 1, place - 1, false));
        str_append_bytes(&text, put);
        str_append_bytes(&text, piece(from, place + length, INT32_MAX, false));
        call->out->strings[i] = keep(call, &text);
    }
    str_release(&text);
    return ERR_OK;
}
