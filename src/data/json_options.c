// SPDX-License-Identifier: Apache-2.0
#include "data/datetime_pattern.h"
#include "data/json_column.h"

#include <strings.h>

static bool word_is(struct bytes word, const char *text)
{
    return word.size == strlen(text) && strncasecmp((const char *)word.ptr, text, word.size) == 0;
}

static err_t set_mode(struct json_options *options, struct bytes value, struct diag *diag)
{
    if (word_is(value, "FAILFAST"))
        options->failfast = true;
    else if (word_is(value, "DROPMALFORMED"))
        return FAIL(diag, ERR_INVALID,
                    "[_LEGACY_ERROR_TEMP_1099] from_json does not support the mode "
                    "DROPMALFORMED, only PERMISSIVE and FAILFAST");
    return ERR_OK;
}

static err_t set_format(const struct datetime_pattern **in, const struct datetime_pattern **out,
                        struct arena *arena, struct bytes value, struct diag *diag)
{
    // A pattern may be good for writing only (E, Q) or, rarely, for neither: told by the writing
    // side.
    if (datetime_pattern_compile(in, arena, value, true, NULL) != ERR_OK)
        *in = NULL;
    return datetime_pattern_compile(out, arena, value, false, diag);
}

err_t json_options_set(struct json_options *options, struct arena *arena, struct bytes key,
                       struct bytes value, struct diag *diag)
{
    const struct {
        const char *name;
        bool *flag;
        bool inverted;
    } flags[] = {
        {"allowUnquotedFieldNames", &options->allow_unquoted_names, false},
        {"allowSingleQuotes", &options->no_single_quotes, true},
        {"allowComments", &options->allow_comments, false},
        {"allowNumericLeadingZeros", &options->allow_leading_zeros, false},
        {"allowNonNumericNumbers", &options->no_non_numeric, true},
        {"allowBackslashEscapingAnyCharacter", &options->allow_backslash_any, false},
        {"allowUnquotedControlChars", &options->allow_control_chars, false},
        {"primitivesAsString", &options->primitives_as_string, false},
        {"ignoreNullFields", &options->keep_null_fields, true},
    };
    if (word_is(key, "mode"))
        return set_mode(options, value, diag);
    if (word_is(key, "dateFormat"))
        return set_format(&options->date_format, &options->date_format_out, arena, value, diag);
    if (word_is(key, "timestampFormat"))
        return set_format(&options->timestamp_format, &options->timestamp_format_out, arena, value,
                          diag);
    if (word_is(key, "timeZone"))
        return zone_find(&options->zone, value, diag);
    if (word_is(key, "columnNameOfCorruptRecord"))
        options->corrupt_column = arena_text(arena, value);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!word_is(key, flags[i].name))
            continue;
        bool on = word_is(value, "true");
        if (!on && !word_is(value, "false"))
            return FAIL(diag, ERR_INVALID, "the JSON option %s must be true or false, not '%.*s'",
                        flags[i].name, BYTES_PRINT(value));
        *flags[i].flag = on != flags[i].inverted;
    }
    return ERR_OK;
}
