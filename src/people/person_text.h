// SPDX-License-Identifier: Apache-2.0
//
// person_text: writing a person's parts into memory that is known to be large enough, as fast as we
// can. Shared by the writers of this folder. Table text needs no escaping (tools/gen_people.c sees
// to it), so copying is all.
#ifndef PEOPLE_PERSON_TEXT_H
#define PEOPLE_PERSON_TEXT_H

#include "people/person.h"

// Copies up to 31 bytes more than it advances: the tables and the output have that room.
static inline char *put_text(char *to, struct people_text text)
{
    const char *from = people_texts + text.at;
    memcpy(to, from, 32);
    if (__builtin_expect(text.size > 32, 0))
        memcpy(to + 32, from + 32, text.size - 32);
    return to + text.size;
}

static inline char *put_bytes(char *to, const char *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}
#define PUT_LITERAL(to, literal) put_bytes((to), "" literal "", sizeof(literal) - 1)

static inline char *put_two(char *to, uint32_t value)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    memcpy(to, pairs + 2 * (value % 100), 2);
    return to + 2;
}

static inline char *put_number(char *to, uint32_t value)
{
    char digits[10];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    return put_bytes(to, digits + at, sizeof digits - at);
}

// 0.0001 degrees as "-12.0345".
char *person_put_degrees(char *to, int32_t value);
char *person_put_time(char *to, int64_t ms); // 2026-11-01T00:00:00.000Z
char *person_put_uuid(char *to, const uint64_t uuid[2]);
char *person_put_address(char *to,
                         const struct person *person); // street and number, in the country's order
char *person_put_email(char *to, const struct person *person);
char *person_put_postcode(char *to, const struct person *person);
char *person_put_phone(char *to, const struct person *person, bool cell);
// The postcode's number, or 0 where it begins with a letter.
uint32_t person_postcode_number(const struct person *person);

#endif
