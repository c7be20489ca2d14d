// SPDX-License-Identifier: Apache-2.0
//
// json_text: JSON out of columns (to_json), and the functions that look into one JSON text:
// get_json_object, json_tuple, json_array_length, json_object_keys, schema_of_json.
#ifndef DATA_JSON_TEXT_H
#define DATA_JSON_TEXT_H

#include "data/json_column.h"

// to_json: a STRING column. Any type but BINARY map keys; a null row stays null.
MUST_USE err_t json_write_column(struct column *out, struct arena *arena, const struct column *in,
                                 const struct json_options *options, struct diag *diag);
// One value appended as JSON; "null" when it is null.
void json_write_value(struct str *out, const struct column *column, size_t row,
                      const struct json_options *options);

struct json_path; // "$.a[0].b[*]"
// NULL when the text is no path (the function then gives NULL for every row, as Spark).
const struct json_path *json_path_parse(struct arena *arena, struct bytes text);
// get_json_object of one document: false = NULL. The result lives in `arena` or in the document.
bool json_path_get(const struct json_path *path, struct arena *arena, struct bytes document,
                   struct bytes *out);
// json_tuple: the top-level values of `names`; ptr NULL where absent.
void json_tuple(struct arena *arena, struct bytes document, const struct bytes *names, size_t count,
                struct bytes *out);
bool json_array_length(struct bytes document, int32_t *out); // false: not an array
// The keys of the outer object; false: not an object.
bool json_object_keys(struct arena *arena, struct bytes document, struct bytes **keys,
                      size_t *count);
// schema_of_json: the type of one document; ERR_INVALID when it is malformed.
MUST_USE err_t json_infer(const struct type **out, struct arena *arena, struct bytes document,
                          const struct json_options *options, struct diag *diag);

#endif
