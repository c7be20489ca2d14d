// SPDX-License-Identifier: Apache-2.0
//
// One function per nation. A number whose check cannot be one digit is drawn again.
#include "people/person_id.h"

#include "people/seeded.h"

#include <stdio.h>

static void draw_digits(struct seeded *seeded, uint8_t *digits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        digits[i] = (uint8_t)seeded_below(seeded, 10);
}

static uint32_t weigh(const uint8_t *digits, const uint8_t *weights, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint32_t)digits[i] * weights[i];
    return sum;
}

static uint8_t luhn(const uint8_t *digits, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t digit = digits[count - 1 - i] * (i % 2 == 0 ? 2u : 1u);
        sum += digit / 10 + digit % 10;
    }
    return (uint8_t)((10 - sum % 10) % 10);
}

static void put_digits(char *to, const uint8_t *digits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (char)('0' + digits[i]);
    to[count] = 0;
}

static struct person_date born(const struct person *person)
{
    return person_date(person->dob_ms);
}

// Tax file number: the weighted sum is a multiple of 11.
static void make_tfn(const struct person *person, struct seeded *seeded, char value[24])
{
    static const uint8_t weights[] = {1, 4, 3, 7, 5, 8, 6, 9, 10};
    (void)person;
    uint8_t digits[9];
    do
        draw_digits(seeded, digits, 9);
    while (digits[0] == 0 || weigh(digits, weights, 9) % 11 != 0);
    put_digits(value, digits, 9);
}

static void make_cpf(const struct person *person, struct seeded *seeded, char value[24])
{
    static const uint8_t weights[] = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2};
    (void)person;
    uint8_t digits[11];
    draw_digits(seeded, digits, 9);
    for (size_t at = 9; at < 11; at++) {
        uint32_t rest = weigh(digits, weights + 10 - at, at) % 11;
        digits[at] = (uint8_t)(rest < 2 ? 0 : 11 - rest);
    }
    char plain[12];
    put_digits(plain, digits, 11);
    snprintf(value, 24, "%.3s.%.3s.%.3s-%.2s", plain, plain + 3, plain + 6, plain + 9);
}

static void make_sin(const struct person *person, struct seeded *seeded, char value[24])
{
    (void)person;
    uint8_t digits[9];
    draw_digits(seeded, digits, 8);
    digits[0] = (uint8_t)(1 + seeded_below(seeded, 7));
    digits[8] = luhn(digits, 8);
    put_digits(value, digits, 9);
}

// EAN-13 with the country in front.
static void make_avs(const struct person *person, struct seeded *seeded, char value[24])
{
    (void)person;
    uint8_t digits[13] = {7, 5, 6};
    draw_digits(seeded, digits + 3, 9);
    uint32_t sum = 0;
    for (size_t i = 0; i < 12; i++)
        sum += digits[i] * (i % 2 ? 3u : 1u);
    digits[12] = (uint8_t)((10 - sum % 10) % 10);
    char plain[14];
    put_digits(plain, digits, 13);
    snprintf(value, 24, "%.3s.%.4s.%.4s.%.2s", plain, plain + 3, plain + 7, plain + 11);
}

static void make_svnr(const struct person *person, struct seeded *seeded, char value[24])
{
    static const uint8_t weights[] = {2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1};
    struct person_date date = born(person);
    uint32_t area = 2 + seeded_below(seeded, 80);
    uint32_t letter = (uint32_t)(people_texts[person->last->ascii.at] - 'a') % 26;
    uint32_t serial = seeded_below(seeded, 50) + (person->female ? 50 : 0);
    char plain[32];
    snprintf(plain, sizeof plain, "%02u%02u%02u%02d%02u%02u", area, date.day, date.month,
             date.year % 100, letter + 1, serial);
    uint32_t sum = 0;
    for (size_t i = 0; i < 12; i++) {
        uint32_t product = (uint32_t)(plain[i] - '0') * weights[i];
        sum += product / 10 + product % 10;
    }
    snprintf(value, 24, "%.2s %.6s %c %02u%u", plain, plain + 2, 'A' + (char)letter, serial,
             sum % 10);
}

static void make_cpr(const struct person *person, struct seeded *seeded, char value[24])
{
    struct person_date date = born(person);
    uint32_t century = date.year < 2000 ? seeded_below(seeded, 4) : 4 + seeded_below(seeded, 6);
    uint32_t rest = seeded_below(seeded, 500) * 2 + !person->female;
    snprintf(value, 24, "%02u%02u%02d-%u%03u", date.day, date.month, date.year % 100, century,
             rest);
}

static void make_dni(const struct person *person, struct seeded *seeded, char value[24])
{
    (void)person;
    uint32_t number = 10000000 + seeded_below(seeded, 90000000);
    snprintf(value, 24, "%08u-%c", number, "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]);
}

static void make_hetu(const struct person *person, struct seeded *seeded, char value[24])
{
    struct person_date date = born(person);
    uint32_t serial = 2 + seeded_below(seeded, 448) * 2 + !person->female;
    uint32_t day = (date.day * 100 + date.month) * 100 + (uint32_t)date.year % 100;
    uint32_t check = (uint32_t)(((uint64_t)day * 1000 + serial) % 31);
    snprintf(value, 24, "%06u%c%03u%c", day, date.year < 2000 ? '-' : 'A', serial,
             "0123456789ABCDEFHJKLMNPRSTUVWXY"[check]);
}

static void make_insee(const struct person *person, struct seeded *seeded, char value[24])
{
    struct person_date date = born(person);
    uint64_t number = person->female ? 2 : 1;
    number = number * 100 + (uint64_t)date.year % 100;
    number = number * 100 + date.month;
    number = number * 100 + 1 + seeded_below(seeded, 19);
    number = number * 1000 + 1 + seeded_below(seeded, 400);
    number = number * 1000 + 1 + seeded_below(seeded, 998);
    snprintf(value, 24, "%013llu %02u", (unsigned long long)number, (unsigned)(97 - number % 97));
}

static void make_nino(const struct person *person, struct seeded *seeded, char value[24])
{
    static const char first[] = "ABCEGHJKLMNPRSTWXYZ", last[] = "ABCD";
    (void)person;
    char one = first[seeded_below(seeded, sizeof first - 1)];
    char two = "ABC"[seeded_below(seeded, 3)];
    if (one == 'G') // GB is not in use
        one = 'J';
    uint32_t number = seeded_below(seeded, 1000000);
    snprintf(value, 24, "%c%c %02u %02u %02u %c", one, two, number / 10000, number / 100 % 100,
             number % 100, last[seeded_below(seeded, 4)]);
}

static void make_pps(const struct person *person, struct seeded *seeded, char value[24])
{
    static const uint8_t weights[] = {8, 7, 6, 5, 4, 3, 2};
    (void)person;
    uint8_t digits[7];
    draw_digits(seeded, digits, 7);
    uint32_t check = (weigh(digits, weights, 7) + 9 * 1) % 23; // the letter A after it weighs 9
    put_digits(value, digits, 7);
    value[7] = "WABCDEFGHIJKLMNOPQRSTUV"[check];
    value[8] = 'A';
    value[9] = 0;
}

// Verhoeff: the dihedral group of order 10 and powers of a permutation.
static uint8_t verhoeff(const uint8_t *digits, size_t count)
{
    static const uint8_t permutation[] = {1, 5, 7, 6, 2, 8, 3, 0, 9, 4};
    static const uint8_t inverse[] = {0, 4, 3, 2, 1, 5, 6, 7, 8, 9};
    uint32_t c = 0;
    for (size_t i = 1; i <= count; i++) {
        uint32_t p = digits[count - i];
        for (size_t k = 0; k < i % 8; k++)
            p = permutation[p];
        if (c < 5)
            c = p < 5 ? (c + p) % 5 : 5 + (c + p - 5) % 5;
        else
            c = p < 5 ? 5 + (c - p) % 5 : (c - p + 5) % 5;
    }
    return inverse[c];
}

static void make_uidai(const struct person *person, struct seeded *seeded, char value[24])
{
    (void)person;
    uint8_t digits[12];
    draw_digits(seeded, digits, 11);
    digits[0] = (uint8_t)(2 + seeded_below(seeded, 8));
    digits[11] = verhoeff(digits, 11);
    put_digits(value, digits, 12);
}

static void make_nss(const struct person *person, struct seeded *seeded, char value[24])
{
    struct person_date date = born(person);
    uint8_t digits[11];
    draw_digits(seeded, digits, 10);
    digits[4] = (uint8_t)(date.year / 10 % 10);
    digits[5] = (uint8_t)(date.year % 10);
    digits[10] = luhn(digits, 10);
    char plain[12];
    put_digits(plain, digits, 11);
    snprintf(value, 24, "%.2s %.2s %.2s %.4s %.1s", plain, plain + 2, plain + 4, plain + 6,
             plain + 10);
}

static void make_bsn(const struct person *person, struct seeded *seeded, char value[24])
{
    static const uint8_t weights[] = {9, 8, 7, 6, 5, 4, 3, 2};
    (void)person;
    uint8_t digits[9];
    uint32_t rest;
    do {
        draw_digits(seeded, digits, 8);
        rest = weigh(digits, weights, 8) % 11;
    } while (rest == 10 || digits[0] == 0);
    digits[8] = (uint8_t)rest;
    put_digits(value, digits, 9);
}

static void make_fn(const struct person *person, struct seeded *seeded, char value[24])
{
    static const uint8_t first[] = {3, 7, 6, 1, 8, 9, 4, 5, 2};
    static const uint8_t second[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    struct person_date date = born(person);
    uint32_t year = (uint32_t)date.year % 100;
    uint8_t digits[11] = {(uint8_t)(date.day / 10),   (uint8_t)(date.day % 10),
                          (uint8_t)(date.month / 10), (uint8_t)(date.month % 10),
                          (uint8_t)(year / 10),       (uint8_t)(year % 10)};
    uint32_t one, two;
    do {
        // Serials 000-499 are for 1900-1999, 500-999 for 2000-2039; the last digit tells the
        // gender.
        uint32_t serial =
            seeded_below(seeded, 250) * 2 + !person->female + (date.year < 2000 ? 0 : 500);
        digits[6] = (uint8_t)(serial / 100);
        digits[7] = (uint8_t)(serial / 10 % 10);
        digits[8] = (uint8_t)(serial % 10);
        one = (11 - weigh(digits, first, 9) % 11) % 11;
        digits[9] = (uint8_t)one;
        two = (11 - weigh(digits, second, 10) % 11) % 11;
        digits[10] = (uint8_t)two;
    } while (one == 10 || two == 10);
    put_digits(value, digits, 11);
}

static void make_sid(const struct person *person, struct seeded *seeded, char value[24])
{
    (void)person;
    snprintf(value, 24, "%09u", 100000000 + seeded_below(seeded, 900000000));
}

static void make_ssn(const struct person *person, struct seeded *seeded, char value[24])
{
    (void)person;
    uint32_t area = 1 + seeded_below(seeded, 898);
    area += area >= 666;
    snprintf(value, 24, "%03u-%02u-%04u", area, 1 + seeded_below(seeded, 99),
             1 + seeded_below(seeded, 9999));
}

static const struct {
    char nat[3];
    const char *kind;
    void (*make)(const struct person *person, struct seeded *seeded, char value[24]);
} kinds[] = {
    {"AU", "TFN", make_tfn},   {"BR", "CPF", make_cpf},   {"CA", "SIN", make_sin},
    {"CH", "AVS", make_avs},   {"DE", "SVNR", make_svnr}, {"DK", "CPR", make_cpr},
    {"ES", "DNI", make_dni},   {"FI", "HETU", make_hetu}, {"FR", "INSEE", make_insee},
    {"GB", "NINO", make_nino}, {"IE", "PPS", make_pps},   {"IN", "UIDAI", make_uidai},
    {"MX", "NSS", make_nss},   {"NL", "BSN", make_bsn},   {"NO", "FN", make_fn},
    {"RS", "SID", make_sid},   {"US", "SSN", make_ssn},
};

struct person_id person_id(const struct person *person)
{
    struct person_id id = {.kind = ""};
    struct seeded seeded = {person->id_seed};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (memcmp(kinds[i].nat, person->nation->code, 2) != 0)
            continue;
        id.kind = kinds[i].kind;
        kinds[i].make(person, &seeded, id.value);
    }
    return id;
}
