// SPDX-License-Identifier: Apache-2.0
//
// reshape: picks values out of a JSON record and makes a flat one of them (`key`, `records` and
// `fields` of an http task). A path is names and array indexes with dots: location.street.name,
// phones.0.
#ifndef SCHEDULER_RESHAPE_H
#define SCHEDULER_RESHAPE_H

#include "base/str.h"
#include "scheduler/dag.h"

#include <jansson.h>

// NULL when nothing is there. The value belongs to `root`.
const json_t *reshape_get(const json_t *root, const char *path);
// The text of a scalar (a text without quotes), compact JSON of the rest.
void reshape_append_text(struct str *out, const json_t *value);
// Appends {"name": value, ...}: a path gives the value as it is (null when absent), a text with
// {path} in it is filled in ("{street.number} {street.name}", absent ones stay empty).
void reshape_append_record(struct str *out, const json_t *record, struct name_texts fields);
// Appends the text of a record's key: `key` is one of `fields`, or else a path in the record. False
// when it is absent.
bool reshape_append_key(struct str *out, const json_t *record, const char *key,
                        struct name_texts fields);

#endif
