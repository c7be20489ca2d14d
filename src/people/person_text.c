// SPDX-License-Identifier: Apache-2.0
//
// Patterns of phones and postcodes: # a digit, n a digit 2 to 9, a an area code of the region, @ a
// capital letter, & a letter or digit, P the number drawn for the postcode; anything else stands
// for itself.
#include "people/person_text.h"

#include "people/seeded.h"

char *person_put_degrees(char *to, int32_t value)
{
    *to = '-';
    to += value < 0;
    uint32_t positive = value < 0 ? (uint32_t)-value : (uint32_t)value;
    to = put_number(to, positive / 10000);
    *to++ = '.';
    to = put_two(to, positive / 100 % 100);
    return put_two(to, positive % 100);
}

char *person_put_time(char *to, int64_t ms)
{
    struct person_date date = person_date(ms);
    uint32_t in_day = (uint32_t)((ms % 86400000 + 86400000) % 86400000);
    uint32_t seconds = in_day / 1000, rest = in_day % 1000;
    to = put_two(to, (uint32_t)date.year / 100);
    to = put_two(to, (uint32_t)date.year % 100);
    *to++ = '-';
    to = put_two(to, date.month);
    *to++ = '-';
    to = put_two(to, date.day);
    *to++ = 'T';
    to = put_two(to, seconds / 3600);
    *to++ = ':';
    to = put_two(to, seconds / 60 % 60);
    *to++ = ':';
    to = put_two(to, seconds % 60);
    *to++ = '.';
    *to++ = (char)('0' + rest / 100);
    to = put_two(to, rest % 100);
    *to++ = 'Z';
    return to;
}

// RFC 9562, version 4: 122 free bits.
char *person_put_uuid(char *to, const uint64_t uuid[2])
{
    uint64_t high = (uuid[0] & ~0xf000ull) | 0x4000u;
    uint64_t low = (uuid[1] & ~(3ull << 62)) | 2ull << 62;
    for (int i = 0; i < 16; i++) {
        static const char hex[] = "0123456789abcdef";
        uint64_t half = i < 8 ? high : low;
        uint32_t byte = (uint32_t)(half >> (56 - 8 * (i & 7))) & 255;
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = hex[byte >> 4];
        *to++ = hex[byte & 15];
    }
    return to;
}

static bool number_first(const struct people_nation *nation)
{
    static const char codes[] = "AU CA FR GB IE IN NZ US ";
    for (const char *code = codes; *code; code += 3) {
        if (memcmp(code, nation->code, 2) == 0)
            return true;
    }
    return false;
}

char *person_put_address(char *to, const struct person *person)
{
    if (number_first(person->nation)) {
        to = put_number(to, person->street_number);
        *to++ = ' ';
        return put_text(to, *person->street);
    }
    to = put_text(to, *person->street);
    *to++ = ' ';
    return put_number(to, person->street_number);
}

char *person_put_email(char *to, const struct person *person)
{
    to = put_text(to, person->first->ascii);
    *to++ = '.';
    to = put_text(to, person->last->ascii);
    return PUT_LITERAL(to, "@example.com");
}

static char *put_pattern(char *to, struct people_text pattern, const struct person *person,
                         uint64_t draws)
{
    struct seeded seeded = {draws};
    const char *at = people_texts + pattern.at, *end = at + pattern.size;
    uint64_t digits = seeded_u64(&seeded) >> 4;
    for (; at < end; at++) {
        const struct people_region *region = &people_regions[person->city->region];
        switch (*at) {
        case '#':
            *to++ = (char)('0' + digits % 10);
            digits /= 10;
            break;
        case 'n':
            *to++ = (char)('2' + digits % 8);
            digits /= 10;
            break;
        case 'a': {
            const char *area =
                people_areas[region->areas_at + seeded_below(&seeded, region->areas)];
            while (*area)
                *to++ = *area++;
            break;
        }
        case '@':
            *to++ = "ABEGHJLNPRTXYZ"[seeded_below(&seeded, 14)];
            break;
        case '&':
            *to++ = "0123456789ACDEFHKNPRTVWXY"[seeded_below(&seeded, 25)];
            break;
        default:
            *to++ = *at;
        }
    }
    return to;
}

static const struct people_code *draw_code(const struct person *person, struct seeded *seeded)
{
    return &people_codes[person->city->codes_at + seeded_below(seeded, person->city->codes)];
}

uint32_t person_postcode_number(const struct person *person)
{
    struct seeded seeded = {person->code_seed};
    const struct people_code *code = draw_code(person, &seeded);
    return code->low + (code->high ? seeded_below(&seeded, code->high - code->low + 1) : 0);
}

char *person_put_postcode(char *to, const struct person *person)
{
    struct seeded seeded = {person->code_seed};
    const struct people_code *code = draw_code(person, &seeded);
    uint32_t digits = person->nation->postcode_digits;
    if (digits == 0)
        return put_pattern(to, code->pattern, person, seeded_u64(&seeded));
    uint32_t number = person_postcode_number(person);
    for (uint32_t i = digits; i > 0; i--) {
        to[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    struct people_text rest = person->nation->postcode; // starts with P
    rest.at++;
    rest.size--;
    return rest.size ? put_pattern(to + digits, rest, person, seeded_u64(&seeded)) : to + digits;
}

char *person_put_phone(char *to, const struct person *person, bool cell)
{
    return put_pattern(to, cell ? person->nation->cell : person->nation->phone, person,
                       cell ? person->cell_seed : person->phone_seed);
}
