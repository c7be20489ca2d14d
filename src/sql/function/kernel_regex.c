// SPDX-License-Identifier: Apache-2.0
//
// LIKE and regular expressions. Java's and PCRE2's regular expressions agree on what people write;
// known differences: \w \d \s are ASCII in both (PCRE2_UCP is off), possessive and lookaround forms
// are the same; Java's \h, [a-z&&[^b]] (class intersection) and \p{javaLowerCase} are not in PCRE2.
#include "sql/function_rules.h"

#include "sql/exec/builder.h"

#include <ctype.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// A pattern of one call site, kept as long as the pattern stays the same.
struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    struct str pattern;
    bool registered;
};

static void regex_release(void *ctx)
{
    struct regex *regex = ctx;
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    str_release(&regex->pattern);
}

// PCRE2 has no class intersections, the only form of Java's classes that would be misread silently.
static err_t regex_of(struct call *call, struct bytes pattern, struct regex **out)
{
    struct regex *regex = call_state(call, sizeof *regex);
    *out = regex;
    if (regex->code && bytes_equal(str_bytes(&regex->pattern), pattern))
        return ERR_OK;
    if (!regex->registered)
        arena_on_clear(call_run_arena(call), regex_release, regex);
    regex->registered = true;
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    regex->match = NULL;
    regex->code = NULL;
    int error;
    PCRE2_SIZE offset;
    regex->code = pcre2_compile(pattern.ptr ? pattern.ptr : (PCRE2_SPTR) "", pattern.size,
                                PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, NULL);
    if (!regex->code) {
        PCRE2_UCHAR words[128];
        pcre2_get_error_message(error, words, sizeof words);
        return call_fail(call, ERR_INVALID,
                         "[INVALID_PARAMETER_VALUE.PATTERN] the regular expression is invalid at "
                         "character %zu: %s",
                         (size_t)offset + 1, (const char *)words);
    }
    (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    regex->pattern.size = 0;
    str_append_bytes(&regex->pattern, pattern);
    return ERR_OK;
}

// Finds the next match from byte `from` on; an error (a pattern that backtracks too much) is a
// refusal.
static err_t next_match(struct call *call, const struct regex *regex, struct bytes text,
                        size_t from, bool *found)
{
    int count = pcre2_match(regex->code, text.ptr ? text.ptr : (PCRE2_SPTR) "", text.size, from, 0,
                            regex->match, NULL);
    *found = count > 0;
    if (count > 0 || count == PCRE2_ERROR_NOMATCH)
        return ERR_OK;
    return call_fail(call, ERR_INVALID, "the regular expression is too complex for this text");
}

static struct bytes group_of(const struct regex *regex, struct bytes text, uint32_t group)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->match);
    if (at[2 * group] == PCRE2_UNSET)
        return bytes_make(text.ptr, 0);
    return bytes_make(text.ptr + at[2 * group], at[2 * group + 1] - at[2 * group]);
}

// Where to look after the present match: past it, or a code point on when it is empty.
static size_t after_match(const struct regex *regex, struct bytes text)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->match);
    size_t next = at[1];
    if (at[0] == at[1])
        for (next++; next < text.size && (text.ptr[next] & 0xC0) == 0x80;)
            next++;
    return next;
}

static err_t check_group(struct call *call, const struct regex *regex, int32_t group)
{
    uint32_t count = 0;
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &count);
    if (group >= 0 && (uint32_t)group <= count)
        return ERR_OK;
    return call_fail(call, ERR_INVALID,
                     "[INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX] group %d is not among the %u of "
                     "the regular expression",
                     group, count);
}

err_t kernel_rlike(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct regex *regex;
        bool found;
        TRY(regex_of(call, vector_text(&call->args[1], i), &regex));
        TRY(next_match(call, regex, vector_text(&call->args[0], i), 0, &found));
        call->out->booleans[i] = found;
    }
    return ERR_OK;
}

err_t kernel_regexp_extract(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct regex *regex;
        bool found;
        struct bytes text = vector_text(&call->args[0], i);
        int32_t group = vector_int(&call->args[2], i);
        TRY(regex_of(call, vector_text(&call->args[1], i), &regex));
        TRY(check_group(call, regex, group));
        TRY(next_match(call, regex, text, 0, &found));
        call->out->strings[i] =
            found ? group_of(regex, text, (uint32_t)group) : bytes_make(text.ptr, 0);
    }
    return ERR_OK;
}

err_t kernel_regexp_extract_all(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        struct regex *regex;
        bool found = true;
        struct bytes text = vector_text(&call->args[0], i);
        int32_t group = vector_int(&call->args[2], i);
        TRY(regex_of(call, vector_text(&call->args[1], i), &regex));
        TRY(check_group(call, regex, group));
        for (size_t from = 0; from <= text.size; from = after_match(regex, text)) {
            TRY(next_match(call, regex, text, from, &found));
            if (!found)
                break;
            builder_text(&builder.children[0], group_of(regex, text, (uint32_t)group));
        }
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

// Java's replacement: $1 is a group, \x is x.
static err_t append_replacement(struct call *call, const struct regex *regex, struct bytes text,
                                struct bytes with, struct str *out)
{
    for (size_t k = 0; k < with.size; k++) {
        if (with.ptr[k] == '\\' && k + 1 < with.size) {
            str_append_byte(out, (char)with.ptr[++k]);
        } else if (with.ptr[k] == '$') {
            if (k + 1 >= with.size || !isdigit(with.ptr[k + 1]))
                return call_fail(call, ERR_INVALID,
                                 "a $ in the replacement must be followed by a group number");
            int32_t group = with.ptr[++k] - '0';
            TRY(check_group(call, regex, group));
            while (k + 1 < with.size && isdigit(with.ptr[k + 1])) {
                uint32_t count = 0;
                int32_t longer = group * 10 + (with.ptr[k + 1] - '0');
                pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &count);
                if ((uint32_t)longer > count)
                    break;
                group = longer;
                k++;
            }
            str_append_bytes(out, group_of(regex, text, (uint32_t)group));
        } else {
            str_append_byte(out, (char)with.ptr[k]);
        }
    }
    return ERR_OK;
}

static err_t replace_row(struct call *call, size_t row, struct str *out)
{
    struct regex *regex;
    struct bytes text = vector_text(&call->args[0], row);
    struct bytes with = vector_text(&call->args[2], row);
    int64_t start = vector_int(&call->args[3], row);
    TRY(regex_of(call, vector_text(&call->args[1], row), &regex));
    size_t from = 0;
    for (int64_t k = 1; k < start && from < text.size; k++)
        for (from++; from < text.size && (text.ptr[from] & 0xC0) == 0x80;)
            from++;
    size_t done = 0;
    bool changed = false;
    out->size = 0;
    while (from <= text.size) {
        bool found;
        TRY(next_match(call, regex, text, from, &found));
        if (!found)
            break;
        changed = true;
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->match);
        str_append(out, text.ptr + done, at[0] - done);
        TRY(append_replacement(call, regex, text, with, out));
        done = at[1];
        from = after_match(regex, text);
    }
    if (!changed) {
        call->out->strings[row] = text;
        return ERR_OK;
    }
    str_append(out, text.ptr + done, text.size - done);
    call->out->strings[row] = arena_bytes(call_arena(call), str_bytes(out));
    return ERR_OK;
}

err_t kernel_regexp_replace(struct call *call)
{
    struct str out = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; i < call->count && !err; i++)
        if (!column_is_null(call->out, i))
            err = replace_row(call, i, &out);
    str_release(&out);
    return err;
}

err_t kernel_regexp_count(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct regex *regex;
        bool found;
        struct bytes text = vector_text(&call->args[0], i);
        TRY(regex_of(call, vector_text(&call->args[1], i), &regex));
        for (size_t from = 0; from <= text.size; from = after_match(regex, text)) {
            TRY(next_match(call, regex, text, from, &found));
            if (!found)
                break;
            call->out->ints[i]++;
        }
    }
    return ERR_OK;
}

err_t kernel_regexp_substr(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct regex *regex;
        bool found;
        struct bytes text = vector_text(&call->args[0], i);
        TRY(regex_of(call, vector_text(&call->args[1], i), &regex));
        TRY(next_match(call, regex, text, 0, &found));
        if (found && group_of(regex, text, 0).size)
            call->out->strings[i] = group_of(regex, text, 0);
        else
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_regexp_instr(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct regex *regex;
        bool found;
        struct bytes text = vector_text(&call->args[0], i);
        TRY(regex_of(call, vector_text(&call->args[1], i), &regex));
        TRY(next_match(call, regex, text, 0, &found));
        size_t at = found ? (size_t)(group_of(regex, text, 0).ptr - text.ptr) : 0;
        for (size_t k = 0; found && k < at; k++)
            call->out->ints[i] += (text.ptr[k] & 0xC0) != 0x80;
        call->out->ints[i] += found;
    }
    return ERR_OK;
}

// --- split
// -----------------------------------------------------------------------------------------

// A pattern that is one plain byte needs no regular expression.
static bool plain_byte(struct bytes pattern)
{
    return pattern.size == 1 && pattern.ptr[0] < 0x80 && !strchr(".$|()[{^?*+\\", pattern.ptr[0]);
}

static void split_plain(struct builder *items, struct bytes text, uint8_t mark, int32_t limit)
{
    size_t from = 0;
    int32_t parts = 1;
    for (size_t at = 0; at < text.size && (limit <= 0 || parts < limit); at++)
        if (text.ptr[at] == mark) {
            builder_text(items, bytes_make(text.ptr + from, at - from));
            from = at + 1;
            parts++;
        }
    builder_text(items, bytes_make(text.ptr + from, text.size - from));
}

static err_t split_regex(struct call *call, struct builder *items, struct bytes text,
                         struct bytes pattern, int32_t limit)
{
    struct regex *regex;
    TRY(regex_of(call, pattern, &regex));
    size_t done = 0;
    int32_t parts = 1;
    for (size_t from = 0; from <= text.size && (limit <= 0 || parts < limit);
         from = after_match(regex, text)) {
        bool found;
        TRY(next_match(call, regex, text, from, &found));
        if (!found)
            break;
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->match);
        // No empty first part before an empty match at the start; none behind one at the end.
        if (at[1] == 0 || (at[0] == at[1] && at[0] == text.size))
            continue;
        builder_text(items, bytes_make(text.ptr + done, at[0] - done));
        done = at[1];
        parts++;
    }
    builder_text(items, bytes_make(text.ptr + done, text.size - done));
    return ERR_OK;
}

err_t kernel_split(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        struct bytes text = vector_text(&call->args[0], i);
        struct bytes pattern = vector_text(&call->args[1], i);
        int32_t limit = vector_int(&call->args[2], i);
        if (plain_byte(pattern))
            split_plain(&builder.children[0], text, pattern.ptr[0], limit);
        else
            TRY(split_regex(call, &builder.children[0], text, pattern, limit));
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

// --- LIKE
// ------------------------------------------------------------------------------------------

static size_t code_size(uint8_t byte)
{
    return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

static int fold(uint8_t byte, bool any_case)
{
    return any_case ? tolower(byte) : byte;
}

// Greedy with one point of return: the last %.
static bool like(struct bytes text, struct bytes pattern, uint8_t escape, bool any_case)
{
    size_t t = 0;
    size_t p = 0;
    size_t star_p = SIZE_MAX;
    size_t star_t = 0;
    while (t < text.size || p < pattern.size) {
        if (p < pattern.size) {
            uint8_t byte = pattern.ptr[p];
            if (byte == escape && p + 1 < pattern.size) {
                if (t < text.size &&
                    fold(text.ptr[t], any_case) == fold(pattern.ptr[p + 1], any_case)) {
                    p += 2;
                    t++;
                    continue;
                }
            } else if (byte == '%') {
                star_p = p++;
                star_t = t;
                continue;
            } else if (byte == '_' && t < text.size) {
                p++;
                t += code_size(text.ptr[t]);
                t = t > text.size ? text.size : t;
                continue;
            } else if (t < text.size && byte != '_' &&
                       fold(text.ptr[t], any_case) == fold(byte, any_case)) {
                p++;
                t++;
                continue;
            }
        }
        if (star_p == SIZE_MAX || star_t >= text.size)
            return false;
        t = ++star_t;
        p = star_p + 1;
    }
    return true;
}

static err_t check_pattern(struct call *call, struct bytes pattern, uint8_t escape)
{
    for (size_t k = 0; k < pattern.size; k++) {
        if (pattern.ptr[k] != escape)
            continue;
        k++;
        if (k == pattern.size)
            return call_fail(call, ERR_INVALID,
                             "[INVALID_FORMAT.ESC_AT_THE_END] the escape character stands at the "
                             "end of the pattern");
        if (pattern.ptr[k] != '_' && pattern.ptr[k] != '%' && pattern.ptr[k] != escape)
            return call_fail(call, ERR_INVALID,
                             "[INVALID_FORMAT.ESC_IN_THE_MIDDLE] the escape character may only "
                             "stand before _, %% and itself");
    }
    return ERR_OK;
}

err_t kernel_like(struct call *call)
{
    bool any_case = call->expr->function->name[0] == 'i';
    uint8_t escape = call->arg_count > 2 ? vector_text(&call->args[2], 0).ptr[0] : '\\';
    CALL_ROWS(call, i)
    {
        struct bytes pattern = vector_text(&call->args[1], i);
        if (i == 0 || !call->args[1].constant)
            TRY(check_pattern(call, pattern, escape));
        call->out->booleans[i] = like(vector_text(&call->args[0], i), pattern, escape, any_case);
    }
    return ERR_OK;
}

err_t kernel_likemany(struct call *call)
{
    const char *name = call->expr->function->name;
    bool any_case = name[0] == 'i';
    bool all = strstr(name, "all") != NULL;
    CALL_ROWS(call, i)
    {
        bool result = all;
        for (size_t a = 1; a < call->arg_count && result == all; a++) {
            struct bytes pattern = vector_text(&call->args[a], i);
            TRY(check_pattern(call, pattern, '\\'));
            result = like(vector_text(&call->args[0], i), pattern, '\\', any_case);
        }
        call->out->booleans[i] = result;
    }
    return ERR_OK;
}
