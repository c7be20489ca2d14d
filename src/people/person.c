// SPDX-License-Identifier: Apache-2.0
//
// Draws are made in a fixed order and each record starts from its own state, so neither the fields
// asked for nor the records before change a person. What is only made on demand (phone, id, login,
// postcode) gets a seed of its own here.
#include "people/person.h"

#include "people/seeded.h"

static const int64_t day_ms = 86400000;
static const struct person_date today = {2026, 11, 1}; // of PERSON_TODAY_MS

// Shares of the adult ages 18-19, 20-24, 25-29 ... 85-89, in thousandths, for three kinds of
// nations.
enum { AGE_BANDS = 15, AGE_OLD = 0, AGE_MIXED = 1, AGE_YOUNG = 2 };
static const uint16_t pyramids[][AGE_BANDS] = {
    [AGE_OLD] = {26, 66, 73, 80, 80, 80, 80, 88, 90, 84, 74, 64, 52, 38, 25},
    [AGE_MIXED] = {35, 83, 86, 88, 87, 84, 79, 80, 79, 76, 69, 57, 45, 31, 21},
    [AGE_YOUNG] = {50, 115, 115, 112, 105, 97, 85, 75, 66, 56, 46, 33, 22, 14, 9},
};
static const uint8_t female_percent[AGE_BANDS] = {49, 49, 49, 50, 50, 50, 50, 50,
                                                  50, 51, 52, 53, 56, 59, 64};

static uint32_t code_key(const char *code)
{
    return (uint32_t)(uint8_t)code[0] << 8 | (uint8_t)code[1];
}

static const uint16_t *pyramid_of(const struct people_nation *nation)
{
    switch (code_key(nation->code)) {
    case 'B' << 8 | 'R':
    case 'I' << 8 | 'N':
    case 'I' << 8 | 'R':
    case 'M' << 8 | 'X':
    case 'T' << 8 | 'R':
        return pyramids[AGE_YOUNG];
    case 'A' << 8 | 'U':
    case 'C' << 8 | 'A':
    case 'G' << 8 | 'B':
    case 'I' << 8 | 'E':
    case 'N' << 8 | 'O':
    case 'N' << 8 | 'Z':
    case 'U' << 8 | 'S':
        return pyramids[AGE_MIXED];
    default:
        return pyramids[AGE_OLD];
    }
}

// Days since 1970-01-01 <-> civil date (Howard Hinnant's algorithms).
static int64_t days_of(int32_t year, uint32_t month, uint32_t day)
{
    year -= month <= 2;
    int32_t era = (year >= 0 ? year : year - 399) / 400;
    uint32_t in_era = (uint32_t)(year - era * 400);
    uint32_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

struct person_date person_date(int64_t ms)
{
    int32_t z = (int32_t)((ms >= 0 ? ms : ms - day_ms + 1) / day_ms) + 719468;
    int32_t era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t in_era = (uint32_t)(z - era * 146097);
    uint32_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    uint32_t in_year = in_era - (365 * year + year / 4 - year / 100);
    uint32_t month = (5 * in_year + 2) / 153;
    struct person_date date = {.year = (int32_t)year + era * 400,
                               .month = month < 10 ? month + 3 : month - 9,
                               .day = in_year - (153 * month + 2) / 5 + 1};
    date.year += date.month <= 2;
    return date;
}

// Whole years from `ms` to PERSON_TODAY_MS, which is the first instant of November 1st.
static uint8_t years_since(int64_t ms)
{
    struct person_date from = person_date(ms);
    bool before = from.month > today.month || (from.month == today.month && from.day > today.day);
    return (uint8_t)(today.year - from.year - before);
}

static void make_dates(struct person *person, struct seeded *seeded, uint32_t band)
{
    uint32_t age =
        band == 0 ? 18 + seeded_below(seeded, 2) : 15 + band * 5 + seeded_below(seeded, 5);
    // Born in the year that ends with today's birthday at `age`.
    int64_t last = days_of(today.year - (int32_t)age, today.month, today.day);
    person->dob_ms = (last - seeded_below(seeded, 365)) * day_ms + seeded_below(seeded, 86400000);
    person->age = years_since(person->dob_ms);

    struct person_date born = person_date(person->dob_ms);
    int64_t adult = days_of(born.year + 18, born.month, born.day < 29 ? born.day : 28) + 1;
    int64_t today_days = PERSON_TODAY_MS / day_ms;
    int64_t span = today_days - adult < 4380 ? today_days - adult : 4380; // twelve years at most
    // The nearer draw of two: a site that grows.
    uint32_t days = span > 0 ? (uint32_t)span : 1;
    uint32_t one = seeded_below(seeded, days), two = seeded_below(seeded, days);
    int64_t back = one < two ? one : two;
    person->registered_ms = PERSON_TODAY_MS - back * day_ms - 1 - seeded_below(seeded, 86399999);
    person->registered_age = years_since(person->registered_ms);
}

static const struct people_city *draw_city(const struct people_nation *nation,
                                           struct seeded *seeded)
{
    uint64_t draw = seeded_u64(seeded);
    uint32_t at = (uint32_t)(((draw >> 32) * nation->cities.count) >> 32);
    const struct people_city *city = &people_cities[nation->cities.first + at];
    return (uint32_t)draw < city->cut ? city : &people_cities[nation->cities.first + city->alias];
}

// One of the 8 x 8 cells that is land, the middle ones rather than the rim; anywhere in it.
static void draw_place(struct person *person, struct seeded *seeded)
{
    const struct people_city *city = person->city;
    person->latitude = city->latitude;
    person->longitude = city->longitude;
    if (city->land == 0)
        return;
    uint32_t cell = 64;
    for (int tries = 0; tries < 16 && cell == 64; tries++) {
        uint64_t draw = seeded_u64(seeded);
        uint32_t row = (uint32_t)((draw & 7) + (draw >> 3 & 7) + (draw >> 6 & 1)) >> 1;
        uint32_t column = (uint32_t)((draw >> 7 & 7) + (draw >> 10 & 7) + (draw >> 13 & 1)) >> 1;
        if (city->land >> (row * 8 + column) & 1)
            cell = row * 8 + column;
    }
    if (cell == 64)
        cell = (uint32_t)__builtin_ctzll(city->land);
    person->latitude += ((int32_t)(cell / 8) - 4) * city->cell_height +
                        (int32_t)seeded_below(seeded, city->cell_height);
    person->longitude += ((int32_t)(cell % 8) - 4) * city->cell_width +
                         (int32_t)seeded_below(seeded, city->cell_width);
}

static const struct people_name *draw_name(const struct people_nation *nation,
                                           enum people_name_kind kind, struct seeded *seeded)
{
    struct people_range range = nation->names[kind];
    return &people_names[range.first + seeded_below(seeded, range.count)];
}

static uint32_t draw_street_number(const struct people_nation *nation, struct seeded *seeded)
{
    bool long_streets =
        code_key(nation->code) == ('U' << 8 | 'S') || code_key(nation->code) == ('C' << 8 | 'A');
    uint32_t bound = long_streets ? 9900 : 180;
    uint32_t one = seeded_below(seeded, bound), two = seeded_below(seeded, bound);
    return 1 + (one < two ? one : two);
}

static uint32_t draw_band(const struct people_nation *nation, struct seeded *seeded)
{
    const uint16_t *shares = pyramid_of(nation);
    uint32_t draw = seeded_below(seeded, 1000), band = 0;
    while (band < AGE_BANDS - 1 && draw >= shares[band])
        draw -= shares[band++];
    return band;
}

void person_make(struct person *person, const struct person_choice *choice, uint64_t index)
{
    struct seeded seeded = seeded_for(choice->seed, index);
    person->uuid[0] = seeded_u64(&seeded);
    person->uuid[1] = seeded_u64(&seeded);
    person->nation_index = choice->nations[seeded_below(&seeded, choice->nations_count)];
    const struct people_nation *nation = &people_nations[person->nation_index];
    person->nation = nation;
    uint32_t band = draw_band(nation, &seeded);
    bool female = seeded_below(&seeded, 100) < female_percent[band];
    person->female = choice->gender == PEOPLE_ANY ? female : choice->gender == PEOPLE_FEMALE;
    person->first =
        draw_name(nation, person->female ? PEOPLE_NAME_FEMALE : PEOPLE_NAME_MALE, &seeded);
    person->last = draw_name(
        nation, person->female ? PEOPLE_NAME_LAST_FEMALE : PEOPLE_NAME_LAST_MALE, &seeded);
    person->title = (uint8_t)seeded_below(&seeded, 4);
    person->portrait = (uint8_t)seeded_below(&seeded, PERSON_PORTRAITS);
    person->city = draw_city(nation, &seeded);
    person->street =
        &people_streets[nation->streets.first + seeded_below(&seeded, nation->streets.count)];
    person->street_number = draw_street_number(nation, &seeded);
    make_dates(person, &seeded, band);
    person->code_seed = seeded_u64(&seeded);
    person->phone_seed = seeded_u64(&seeded);
    person->cell_seed = seeded_u64(&seeded);
    person->login_seed = seeded_u64(&seeded);
    person->id_seed = seeded_u64(&seeded);
    draw_place(person, &seeded);
}

struct person_choice person_choose(const char *seed, uint32_t page, enum people_gender gender,
                                   uint32_t nats)
{
    struct person_choice choice = {.gender = gender};
    choice.seed = seeded_mix(seeded_text(seed, strlen(seed)) + page);
    for (uint32_t i = 0; i < people_nations_count; i++) {
        if (nats == 0 || (nats >> i & 1))
            choice.nations[choice.nations_count++] = (uint8_t)i;
    }
    return choice;
}

uint32_t person_field_find(struct bytes name)
{
    static const char *const names[] = {"gender", "name", "location",   "email",
                                        "login",  "dob",  "registered", "phone",
                                        "cell",   "id",   "picture",    "nat"};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_is(name, names[i]))
            return 1u << i;
    }
    return 0;
}
