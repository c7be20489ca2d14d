// SPDX-License-Identifier: Apache-2.0
//
// person_write: a person as JSON or CSV, in two shapes.
//
// Nested is randomuser.me 1.4's record, field types included: postcode is a string for CA, GB and
// NO, a number for the others (of IE, IR, NL and BR the part that is a number); coordinates are
// strings; id.value is null for IR, NZ, TR and UA. Its CSV has one column per leaf, named with
// dots. Flat is one level; its postcode is text, whole.
#ifndef PEOPLE_PERSON_WRITE_H
#define PEOPLE_PERSON_WRITE_H

#include "base/str.h"
#include "people/person.h"
#include "people/person_login.h"

// `fields`: PERSON_FIELD_*. `depth`: how many levels PEOPLE_PRETTY starts with. `maker` may be NULL
// without PERSON_FIELD_LOGIN.
void person_write_nested(struct str *out, const struct person *person, enum people_format format,
                         uint32_t fields, uint32_t depth, struct login_maker *maker);
void person_write_flat(struct str *out, const struct person *person, enum people_format format);
// The CSV line of column names.
void person_write_columns(struct str *out, enum people_shape shape, uint32_t fields);

// The person's UUID (version 4) as text.
void person_uuid(const struct person *person, char out[37]);

#endif
