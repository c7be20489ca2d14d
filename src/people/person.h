// SPDX-License-Identifier: Apache-2.0
//
// person: every decision about one made-up person, from a seed and an index: who, where, how old.
// Only integer arithmetic, so the same on every machine. Text is made by people/person_write.h.
//
// A nationality leads to a city (drawn by population), and the city to region, postcode, time zone
// and coordinates on land around it. Ages follow the pyramid of the nation's kind.
#ifndef PEOPLE_PERSON_H
#define PEOPLE_PERSON_H

#include "people/tables.h"
#include "people/people.h"

#include <stdbool.h>

// The day persons live in: 2026-11-01T00:00:00Z. A constant of this version, so that a seed gives
// the same ages and dates on any day. Nobody is born or registered after it.
#define PERSON_TODAY_MS 1793491200000

enum { PERSON_AGE_MIN = 18, PERSON_AGE_MAX = 90, PERSON_PORTRAITS = 100 };

enum person_fields {
    PERSON_FIELD_GENDER = 1 << 0,
    PERSON_FIELD_NAME = 1 << 1,
    PERSON_FIELD_LOCATION = 1 << 2,
    PERSON_FIELD_EMAIL = 1 << 3,
    PERSON_FIELD_LOGIN = 1 << 4,
    PERSON_FIELD_DOB = 1 << 5,
    PERSON_FIELD_REGISTERED = 1 << 6,
    PERSON_FIELD_PHONE = 1 << 7,
    PERSON_FIELD_CELL = 1 << 8,
    PERSON_FIELD_ID = 1 << 9,
    PERSON_FIELD_PICTURE = 1 << 10,
    PERSON_FIELD_NAT = 1 << 11,
    PERSON_FIELDS_ALL = (1 << 12) - 1,
};

// The bit of a field by its name in the API, or 0.
uint32_t person_field_find(struct bytes name);

struct person {
    const struct people_nation *nation;
    const struct people_city *city;
    const struct people_name *first;
    const struct people_name *last;
    const struct people_text *street;
    uint32_t nation_index;
    uint32_t street_number;
    bool female;
    uint8_t title; // picks among the titles of nation and gender
    uint8_t portrait;
    uint8_t age;
    uint8_t registered_age;
    int32_t latitude; // in 0.0001 degrees
    int32_t longitude;
    int64_t dob_ms;
    int64_t registered_ms;
    uint64_t uuid[2];
    uint64_t code_seed; // of what is made only where asked for
    uint64_t phone_seed;
    uint64_t cell_seed;
    uint64_t login_seed;
    uint64_t id_seed;
};

struct person_choice {
    uint64_t seed;
    enum people_gender gender;
    uint8_t nations[32]; // indices into people_nations
    uint32_t nations_count;
};

// `nats` as in struct people_options.
struct person_choice person_choose(const char *seed, uint32_t page, enum people_gender gender,
                                   uint32_t nats);
void person_make(struct person *person, const struct person_choice *choice, uint64_t index);

struct person_date {
    int32_t year;
    uint32_t month;
    uint32_t day;
};
struct person_date person_date(int64_t ms);

#endif
