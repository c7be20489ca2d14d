// SPDX-License-Identifier: Apache-2.0
//
// pcre2_dfa_match() walks all ways through the pattern at once; without references and looking
// around its time is bounded by length of the name times size of the pattern.
#include "broker/consumer_regex.h"

#include "base/log.h"
#include "base/mem.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { WORKSPACE_INTS = 20000, MATCH_LIMIT = 100000, DEPTH_LIMIT = 200, REPEAT_MAX = 1000 };

struct consumer_matcher {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    int workspace[WORKSPACE_INTS];
};

// --- what RE2 has not ----------------------------------------------------------------

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// What may follow "(?" : a name, flags, or nothing but them.
static bool is_group_known(const char *at)
{
    if (at[0] == 'P')
        return at[1] == '<';
    if (at[0] == '<')
        return at[1] != '=' && at[1] != '!';
    return strspn(at, "imsU-") > 0 ? strchr(":)", at[strspn(at, "imsU-")]) != NULL : at[0] == ':';
}

static bool is_escape_known(char c)
{
    return c && (strchr("AbBCdDfnpPQErsStvwWxzaU", c) ||
                 !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c)) || c == '0');
}

// Skips "{n}", "{n,}" or "{n,m}"; `*most` is the larger number. NULL when it is none of them.
static const char *skip_repeat(const char *at, long *most)
{
    char *end;
    if (!is_digit(at[1]))
        return NULL;
    long low = *most = strtol(at + 1, &end, 10);
    if (*end == ',') {
        end++;
        if (is_digit(*end))
            *most = strtol(end, &end, 10);
    }
    if (low > *most)
        *most = low;
    return *end == '}' ? end + 1 : NULL;
}

static const char *skip_class(const char *at)
{
    at++;
    if (*at == '^')
        at++;
    if (*at == ']')
        at++;
    for (; *at && *at != ']'; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (at[0] == '[' && at[1] == ':' && strstr(at, ":]"))
            at = strstr(at, ":]") + 1;
    }
    return *at ? at + 1 : at;
}

static err_t check_language(const char *pattern, struct diag *diag)
{
    bool repeated = false; // the last thing was a repeat
    for (const char *at = pattern; *at;) {
        long most = 0;
        const char *after = *at == '{' ? skip_repeat(at, &most) : NULL;
        if (most > REPEAT_MAX)
            return FAIL(diag, ERR_INVALID_REGEX, "invalid repeat count");
        bool repeat = after || *at == '*' || *at == '+' || *at == '?';
        if (repeat && repeated)
            return FAIL(diag, ERR_INVALID_REGEX, "invalid nested repetition operator");
        if (repeat) {
            at = after ? after : at + 1;
            at += *at == '?'; // lazy
            repeated = true;
            continue;
        }
        repeated = false;
        if (*at == '\\' && !is_escape_known(at[1]))
            return FAIL(diag, ERR_INVALID_REGEX, "invalid escape sequence");
        if (at[0] == '(' && (at[1] == '*' || (at[1] == '?' && !is_group_known(at + 2))))
            return FAIL(diag, ERR_INVALID_REGEX, "invalid or unsupported Perl syntax");
        if (*at == '[')
            at = skip_class(at);
        else if (*at == '(' && at[1] == '?')
            at += 2;
        else
            at += *at == '\\' ? 2 : 1;
    }
    return ERR_OK;
}

// --- compiling -----------------------------------------------------------------------

static pcre2_code *compile(const char *pattern, struct diag *diag)
{
    int number;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile(
        (PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
        PCRE2_ANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &number, &at, NULL);
    PCRE2_UCHAR text[160];
    if (code)
        return code;
    pcre2_get_error_message(number, text, sizeof text);
    diag_fail(diag, __FILE__, __LINE__, ERR_INVALID_REGEX, "%s at %zu", (const char *)text,
              (size_t)at);
    return NULL;
}

err_t consumer_regex_check(const char *pattern, struct diag *diag)
{
    if (strlen(pattern) > CONSUMER_REGEX_MAX_BYTES)
        return FAIL(diag, ERR_INVALID_REGEX, "expression is longer than %d bytes",
                    CONSUMER_REGEX_MAX_BYTES);
    TRY(check_language(pattern, diag));
    pcre2_code *code = compile(pattern, diag);
    pcre2_code_free(code);
    return code ? ERR_OK : ERR_INVALID_REGEX;
}

struct consumer_matcher *consumer_matcher_new(const char *pattern)
{
    if (consumer_regex_check(pattern, NULL) != ERR_OK)
        return NULL;
    // pcre2_dfa_match() takes a match that ends before the name does.
    char *whole = mem_printf("(?:%s)\\z", pattern);
    struct consumer_matcher *matcher = MEM_NEW(struct consumer_matcher);
    matcher->code = compile(whole, NULL);
    mem_free(whole);
    matcher->data = pcre2_match_data_create(1, NULL);
    matcher->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
    pcre2_set_depth_limit(matcher->context, DEPTH_LIMIT);
    return matcher;
}

void consumer_matcher_free(struct consumer_matcher *matcher)
{
    if (!matcher)
        return;
    pcre2_match_context_free(matcher->context);
    pcre2_match_data_free(matcher->data);
    pcre2_code_free(matcher->code);
    mem_free(matcher);
}

bool consumer_matches(struct consumer_matcher *matcher, const char *topic)
{
    int result =
        pcre2_dfa_match(matcher->code, (PCRE2_SPTR)topic, strlen(topic), 0, PCRE2_DFA_SHORTEST,
                        matcher->data, matcher->context, matcher->workspace, WORKSPACE_INTS);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH)
        LOG_WARN("broker", "a regular expression is too much to match", "topic=%s error=%d", topic,
                 result);
    return result >= 0;
}
