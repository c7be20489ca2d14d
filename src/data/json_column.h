// SPDX-License-Identifier: Apache-2.0
//
// json_column: from_json: a column of JSON documents -> a STRUCT, ARRAY or MAP column, in one pass,
// by Spark 3.5's rules (partial results, re-serialised text of non-string tokens, corrupt-record
// column, FAILFAST).
//
// The reader is compiled once per schema: keys are guessed in schema order, fields that are not in
// the schema are skipped without decoding (so prune the type to what the query reads), strings
// without escapes are views into the input.
//
// Lifetime   the reader lives in its arena and is used by one thread at a time; the columns live in
// the arena of the call
//            and in the input's memory.
// Bounds     1,000 levels of nesting (deeper is malformed), as Jackson.
#ifndef DATA_JSON_COLUMN_H
#define DATA_JSON_COLUMN_H

#include "data/column.h"
#include "data/zone.h"

struct datetime_pattern;

struct json_options {
    const struct zone *zone; // NULL = UTC
    bool failfast;           // mode FAILFAST: a bad record is an error
    bool allow_unquoted_names;
    bool no_single_quotes;
    bool allow_comments;
    bool allow_leading_zeros;
    bool no_non_numeric;       // NaN, Infinity are bad
    bool allow_backslash_any;  // allowBackslashEscapingAnyCharacter
    bool allow_control_chars;  // allowUnquotedControlChars
    bool primitives_as_string; // schema_of_json
    bool exact_text;           // 4.x: a STRING field keeps the source bytes of other tokens
    bool keep_null_fields;     // to_json: write nulls (ignoreNullFields = false)
    const struct datetime_pattern *date_format;      // NULL: cast rules / ISO
    const struct datetime_pattern *timestamp_format; // NULL: cast rules / ISO
    const struct datetime_pattern *date_format_out;  // to_json
    const struct datetime_pattern *timestamp_format_out;
    const char *corrupt_column; // NULL: "_corrupt_record"
};

// One option of Spark's map('k','v') (names in any case). ERR_INVALID for a value that is wrong,
// and for mode DROPMALFORMED; unknown names are ignored, as in Spark.
MUST_USE err_t json_options_set(struct json_options *options, struct arena *arena, struct bytes key,
                                struct bytes value, struct diag *diag);

struct json_reader;

// ERR_TYPE when the type cannot be read from JSON (an interval, a map whose key is not STRING).
MUST_USE err_t json_reader_new(struct json_reader **out, struct arena *arena,
                               const struct type *type, const struct json_options *options,
                               struct diag *diag);
// documents: STRING or BINARY.
MUST_USE err_t json_reader_read(struct json_reader *reader, struct column *out, struct arena *arena,
                                const struct column *documents, struct diag *diag);

#endif
