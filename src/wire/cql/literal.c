// SPDX-License-Identifier: Apache-2.0
//
// Constants of CQL text to serialised values. Which literal suits which type, and the words when
// one does not, are Cassandra's (Constants.java, the type serializers).
#include "wire/cql/value.h"

#include "data/datetime.h"
#include "wire/cql/number.h"
#include "wire/writer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

static const char *const literal_names[] = {"STRING", "INTEGER", "FLOAT",   "BOOLEAN",
                                            "UUID",   "HEX",     "DURATION"};

bool cql_literal_suits(const struct cql_type *type, enum cql_literal literal)
{
    switch (type->kind) {
    case CQL_ASCII:
    case CQL_VARCHAR:
    case CQL_INET:
        return literal == CQL_LITERAL_STRING;
    case CQL_DATE:
    case CQL_TIME:
    case CQL_TIMESTAMP:
        return literal == CQL_LITERAL_STRING || literal == CQL_LITERAL_INTEGER;
    case CQL_BIGINT:
    case CQL_COUNTER:
    case CQL_INT:
    case CQL_SMALLINT:
    case CQL_TINYINT:
    case CQL_VARINT:
        return literal == CQL_LITERAL_INTEGER;
    case CQL_DECIMAL:
    case CQL_DOUBLE:
    case CQL_FLOAT:
        return literal == CQL_LITERAL_INTEGER || literal == CQL_LITERAL_FLOAT;
    case CQL_BOOLEAN:
        return literal == CQL_LITERAL_BOOLEAN;
    case CQL_UUID:
    case CQL_TIMEUUID:
        return literal == CQL_LITERAL_UUID;
    case CQL_BLOB:
        return literal == CQL_LITERAL_HEX;
    case CQL_DURATION:
        return literal == CQL_LITERAL_DURATION;
    case CQL_CUSTOM:
    case CQL_LIST:
    case CQL_SET:
    case CQL_MAP:
    case CQL_UDT:
    case CQL_TUPLE:
        return false;
    }
    return false;
}

// --- text scanning -------------------------------------------------------------------------------
struct scan {
    const char *at, *end;
};

static bool take(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

// Between `min` and `max` digits.
static bool take_digits(struct scan *scan, int min, int max, int64_t *out)
{
    int count = 0;
    *out = 0;
    while (count < max && scan->at < scan->end && isdigit((unsigned char)*scan->at)) {
        *out = *out * 10 + (*scan->at++ - '0');
        count++;
    }
    return count >= min;
}

// A fraction of a second as nanoseconds.
static bool take_nanos(struct scan *scan, int64_t *nanos)
{
    const char *from = scan->at;
    if (!take_digits(scan, 1, 9, nanos))
        return false;
    for (long i = scan->at - from; i < 9; i++)
        *nanos *= 10;
    return true;
}

static struct scan scan_of(struct bytes text)
{
    return (struct scan){(const char *)text.ptr, (const char *)text.ptr + text.size};
}

static bool parse_i64(struct bytes text, int64_t *out)
{
    char small[24];
    if (text.size == 0 || text.size >= sizeof small)
        return false;
    memcpy(small, text.ptr, text.size);
    small[text.size] = '\0';
    char *stop;
    errno = 0;
    *out = strtoll(small, &stop, 10);
    return errno == 0 && *stop == '\0' && !isspace((unsigned char)small[0]);
}

// --- integers ------------------------------------------------------------------------------------
static err_t put_integer(struct str *out, enum cql_kind kind, struct bytes text, struct diag *diag)
{
    static const struct {
        const char *java;
        int64_t min, max;
    } ranges[] = {
        [CQL_TINYINT] = {"byte", INT8_MIN, INT8_MAX},
        [CQL_SMALLINT] = {"short", INT16_MIN, INT16_MAX},
        [CQL_INT] = {"int", INT32_MIN, INT32_MAX},
        [CQL_BIGINT] = {"long", INT64_MIN, INT64_MAX},
        [CQL_COUNTER] = {"long", INT64_MIN, INT64_MAX},
    };
    int64_t value;
    if (!parse_i64(text, &value) || value < ranges[kind].min || value > ranges[kind].max)
        return FAIL(diag, ERR_INVALID, "Unable to make %s from '%.*s'", ranges[kind].java,
                    BYTES_PRINT(text));
    size_t width = cql_kind_width(kind);
    for (size_t i = width; i-- > 0;)
        writer_u8(out, (uint8_t)((uint64_t)value >> (8 * i)));
    return ERR_OK;
}

static err_t put_double(struct str *out, enum cql_kind kind, struct bytes text, struct diag *diag)
{
    char small[400];
    char *stop = small;
    double value = 0;
    bool negative = text.size > 0 && text.ptr[0] == '-';
    struct bytes word = negative ? bytes_make(text.ptr + 1, text.size - 1) : text;
    if (word.size == 3 && strncasecmp((const char *)word.ptr, "nan", 3) == 0) {
        value = NAN;
    } else if (word.size == 8 && strncasecmp((const char *)word.ptr, "infinity", 8) == 0) {
        value = negative ? -INFINITY : INFINITY;
    } else if (text.size < sizeof small && text.size > 0) {
        memcpy(small, text.ptr, text.size);
        small[text.size] = '\0';
        value = kind == CQL_FLOAT ? (double)strtof(small, &stop) : strtod(small, &stop);
        if (*stop != '\0' || isalpha((unsigned char)small[negative]))
            stop = small;
    }
    if (stop == small && !isnan(value) && !isinf(value))
        return FAIL(diag, ERR_INVALID, "Unable to make %s from '%.*s'", cql_kind_name(kind),
                    BYTES_PRINT(text));
    if (kind == CQL_FLOAT) {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        writer_u32(out, bits);
    } else {
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        writer_u64(out, bits);
    }
    return ERR_OK;
}

// --- dates and times -----------------------------------------------------------------------------
static bool take_date(struct scan *scan, int year_digits, int64_t *days)
{
    bool negative = take(scan, '-');
    int64_t year, month, day;
    if (!take_digits(scan, 4, year_digits, &year) || !take(scan, '-') ||
        !take_digits(scan, 1, 2, &month) || !take(scan, '-') || !take_digits(scan, 1, 2, &day))
        return false;
    year = negative ? -year : year;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, (int)month))
        return false;
    *days = civil_days(year, (int)month, (int)day);
    return true;
}

static err_t put_date(struct str *out, struct bytes text, struct diag *diag)
{
    struct scan scan = scan_of(text);
    int64_t days;
    if (parse_i64(text, &days)) { // the raw form: days with the epoch at 2^31
        if (days < 0 || days > UINT32_MAX)
            return FAIL(diag, ERR_INVALID, "Unable to make unsigned int (for date) from: '%.*s'",
                        BYTES_PRINT(text));
        writer_u32(out, (uint32_t)days);
        return ERR_OK;
    }
    if (!take_date(&scan, 7, &days) || scan.at != scan.end || days < INT32_MIN || days > INT32_MAX)
        return FAIL(diag, ERR_INVALID, "Unable to coerce '%.*s' to a formatted date (long)",
                    BYTES_PRINT(text));
    writer_u32(out, (uint32_t)(days + 0x80000000LL));
    return ERR_OK;
}

static bool take_clock(struct scan *scan, bool seconds_needed, int64_t *nanos)
{
    int64_t hour, minute, second = 0, fraction = 0;
    if (!take_digits(scan, 2, 2, &hour) || !take(scan, ':') || !take_digits(scan, 2, 2, &minute))
        return false;
    if (take(scan, ':')) {
        if (!take_digits(scan, 2, 2, &second) || (take(scan, '.') && !take_nanos(scan, &fraction)))
            return false;
    } else if (seconds_needed) {
        return false;
    }
    *nanos = ((hour * 60 + minute) * 60 + second) * 1000000000 + fraction;
    return hour < 24 && minute < 60 && second < 60;
}

static err_t put_time(struct str *out, struct bytes text, struct diag *diag)
{
    struct scan scan = scan_of(text);
    int64_t nanos;
    if (parse_i64(text, &nanos)) {
        if (nanos < 0 || nanos >= 86400000000000)
            return FAIL(diag, ERR_INVALID, "Unable to make long (for time) from: '%.*s'",
                        BYTES_PRINT(text));
    } else if (!take_clock(&scan, true, &nanos) || scan.at != scan.end) {
        return FAIL(diag, ERR_INVALID,
                    "(TimeType) Unable to coerce '%.*s' to a formatted time (long)",
                    BYTES_PRINT(text));
    }
    writer_i64(out, nanos);
    return ERR_OK;
}

static bool take_zone(struct scan *scan, int64_t *offset_ms)
{
    *offset_ms = 0;
    while (take(scan, ' '))
        ;
    size_t left = (size_t)(scan->end - scan->at);
    if (left == 0)
        return true;
    if ((left == 1 && (*scan->at == 'Z' || *scan->at == 'z')) ||
        (left == 3 &&
         (strncasecmp(scan->at, "UTC", 3) == 0 || strncasecmp(scan->at, "GMT", 3) == 0))) {
        scan->at = scan->end;
        return true;
    }
    bool negative = *scan->at == '-';
    if (!take(scan, '+') && !take(scan, '-'))
        return false;
    int64_t hours, minutes = 0;
    if (!take_digits(scan, 2, 2, &hours))
        return false;
    take(scan, ':');
    if (scan->at < scan->end && !take_digits(scan, 2, 2, &minutes))
        return false;
    *offset_ms = (hours * 60 + minutes) * 60000 * (negative ? -1 : 1);
    return hours <= 18 && minutes < 60;
}

static bool timestamp_ms(struct bytes text, int64_t *out)
{
    struct scan scan = scan_of(text);
    int64_t days, nanos = 0, offset_ms;
    if (!take_date(&scan, 6, &days))
        return false;
    if (scan.at < scan.end && (*scan.at == 'T' || *scan.at == 't' || *scan.at == ' ') &&
        scan.end - scan.at > 1 && isdigit((unsigned char)scan.at[1])) {
        scan.at++;
        if (!take_clock(&scan, false, &nanos))
            return false;
    }
    if (!take_zone(&scan, &offset_ms) || scan.at != scan.end)
        return false;
    *out = days * 86400000 + nanos / 1000000 - offset_ms;
    return true;
}

static err_t put_timestamp(struct str *out, struct bytes text, struct diag *diag)
{
    int64_t ms;
    if (!parse_i64(text, &ms) && !timestamp_ms(text, &ms))
        return FAIL(diag, ERR_INVALID, "Unable to parse a date/time from '%.*s'",
                    BYTES_PRINT(text));
    writer_i64(out, ms);
    return ERR_OK;
}

// --- durations -----------------------------------------------------------------------------------
struct unit {
    const char *name;
    const char *plural;
    int64_t months, days, nanos;
};

static const struct unit units[] = {
    // in the order they must come
    {"y", "years", 12, 0, 0},
    {"mo", "months", 1, 0, 0},
    {"w", "weeks", 0, 7, 0},
    {"d", "days", 0, 1, 0},
    {"h", "hours", 0, 0, 3600000000000},
    {"m", "minutes", 0, 0, 60000000000},
    {"s", "seconds", 0, 0, 1000000000},
    {"ms", "milliseconds", 0, 0, 1000000},
    {"us", "microseconds", 0, 0, 1000},
    {"ns", "nanoseconds", 0, 0, 1},
};
enum { UNIT_COUNT = sizeof units / sizeof *units };

struct sums {
    int64_t months, days, nanos;
    int last; // index of the unit taken last, -1 at first
};

static err_t add_unit(struct sums *sums, int unit, int64_t amount, struct diag *diag)
{
    const struct unit *row = &units[unit];
    int64_t part;
    if (unit == sums->last)
        return FAIL(diag, ERR_INVALID, "Invalid duration. The %s are specified multiple times",
                    row->plural);
    if (unit < sums->last)
        return FAIL(diag, ERR_INVALID, "Invalid duration. The %s should be after %s",
                    units[sums->last].plural, row->plural);
    sums->last = unit;
    if (__builtin_mul_overflow(row->months, amount, &part) ||
        __builtin_add_overflow(sums->months, part, &sums->months) ||
        __builtin_mul_overflow(row->days, amount, &part) ||
        __builtin_add_overflow(sums->days, part, &sums->days) ||
        __builtin_mul_overflow(row->nanos, amount, &part) ||
        __builtin_add_overflow(sums->nanos, part, &sums->nanos) || sums->months > INT32_MAX ||
        sums->days > INT32_MAX)
        return FAIL(diag, ERR_INVALID,
                    "Invalid duration. The total number of %s must be less or equal to %s",
                    row->months ? "months"
                    : row->days ? "days"
                                : "nanoseconds",
                    row->nanos ? "9223372036854775807" : "2147483647");
    return ERR_OK;
}

static bool take_unit(struct scan *scan, int *unit)
{
    size_t left = (size_t)(scan->end - scan->at);
    if (left >= 3 && memcmp(scan->at, "\xc2\xb5s", 3) == 0) { // the micro sign
        scan->at += 3;
        *unit = 8;
        return true;
    }
    for (int length = 2; length > 0; length--) {
        for (int i = 0; i < UNIT_COUNT; i++) {
            if (strlen(units[i].name) == (size_t)length && left >= (size_t)length &&
                strncasecmp(scan->at, units[i].name, (size_t)length) == 0) {
                scan->at += length;
                *unit = i;
                return true;
            }
        }
    }
    return false;
}

static err_t bad_duration(struct bytes text, struct diag *diag)
{
    return FAIL(diag, ERR_INVALID, "Unable to convert '%.*s' to a duration", BYTES_PRINT(text));
}

// P1Y2M3DT4H5M6S and P2W.
static err_t parse_iso(struct scan *scan, struct bytes text, struct sums *sums, struct diag *diag)
{
    static const char date_units[] = "YMWD", time_units[] = "HMS";
    bool time = false;
    while (scan->at < scan->end) {
        if (!time && take(scan, 'T')) {
            time = true;
            continue;
        }
        int64_t amount;
        if (!take_digits(scan, 1, 18, &amount) || scan->at == scan->end)
            return bad_duration(text, diag);
        const char *found = strchr(time ? time_units : date_units, *scan->at++);
        if (!found)
            return bad_duration(text, diag);
        TRY(add_unit(sums, time ? 4 + (int)(found - time_units) : (int)(found - date_units), amount,
                     diag));
    }
    return sums->last < 0 ? bad_duration(text, diag) : ERR_OK;
}

// P0001-02-03T04:05:06
static err_t parse_alternative(struct scan *scan, struct bytes text, struct sums *sums,
                               struct diag *diag)
{
    static const char separators[] = "--T::";
    static const int parts[] = {0, 1, 3, 4, 5, 6};
    for (int i = 0; i < 6; i++) {
        int64_t amount;
        if (!take_digits(scan, i ? 2 : 4, i ? 2 : 4, &amount) ||
            (i < 5 && !take(scan, separators[i])))
            return bad_duration(text, diag);
        TRY(add_unit(sums, parts[i], amount, diag));
    }
    return scan->at == scan->end ? ERR_OK : bad_duration(text, diag);
}

static err_t put_duration(struct str *out, struct bytes text, struct diag *diag)
{
    struct scan scan = scan_of(text);
    struct sums sums = {.last = -1};
    bool negative = take(&scan, '-');
    if (take(&scan, 'P') || take(&scan, 'p')) {
        if (scan.end - scan.at > 4 && scan.at[4] == '-')
            TRY(parse_alternative(&scan, text, &sums, diag));
        else
            TRY(parse_iso(&scan, text, &sums, diag));
    } else {
        do {
            int64_t amount;
            int unit;
            if (!take_digits(&scan, 1, 18, &amount) || !take_unit(&scan, &unit))
                return bad_duration(text, diag);
            TRY(add_unit(&sums, unit, amount, diag));
        } while (scan.at < scan.end);
    }
    int sign = negative ? -1 : 1;
    cql_duration_write(out, &(struct cql_duration){(int32_t)(sums.months * sign),
                                                   (int32_t)(sums.days * sign), sums.nanos * sign});
    return ERR_OK;
}

// --- the rest ------------------------------------------------------------------------------------
static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static err_t put_hex(struct str *out, struct bytes text, struct diag *diag)
{
    struct bytes hex = text.size >= 2 ? bytes_make(text.ptr + 2, text.size - 2) : text;
    for (size_t i = 0; i < hex.size; i += 2) {
        int high = hex_digit(hex.ptr[i]), low = i + 1 < hex.size ? hex_digit(hex.ptr[i + 1]) : -1;
        if (high < 0 || low < 0)
            return FAIL(diag, ERR_INVALID, "cannot parse '%.*s' as hex bytes", BYTES_PRINT(hex));
        writer_u8(out, (uint8_t)(high << 4 | low));
    }
    return ERR_OK;
}

static err_t put_uuid(struct str *out, enum cql_kind kind, struct bytes text, struct diag *diag)
{
    uint8_t uuid[16];
    size_t nibbles = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.ptr[i] != '-')
                break;
            continue;
        }
        int digit = hex_digit(text.ptr[i]);
        if (digit < 0 || nibbles >= 32)
            break;
        uuid[nibbles / 2] = (uint8_t)(nibbles % 2 ? uuid[nibbles / 2] | digit : digit << 4);
        nibbles++;
    }
    if (text.size != 36 || nibbles != 32)
        return FAIL(diag, ERR_INVALID, "Unable to make UUID from '%.*s'", BYTES_PRINT(text));
    if (kind == CQL_TIMEUUID && uuid[6] >> 4 != 1)
        return FAIL(diag, ERR_INVALID, "TimeUUID supports only version 1 UUIDs");
    str_append(out, uuid, sizeof uuid);
    return ERR_OK;
}

static err_t put_inet(struct str *out, struct bytes text, struct diag *diag)
{
    char small[64];
    uint8_t address[16];
    if (text.size < sizeof small) {
        memcpy(small, text.ptr, text.size);
        small[text.size] = '\0';
        if (inet_pton(AF_INET, small, address) == 1) {
            str_append(out, address, 4);
            return ERR_OK;
        }
        if (inet_pton(AF_INET6, small, address) == 1) {
            static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
            bool v4 = memcmp(address, mapped, 12) == 0;
            str_append(out, v4 ? address + 12 : address, v4 ? 4 : 16);
            return ERR_OK;
        }
    }
    return FAIL(diag, ERR_INVALID, "Unable to make inet address from '%.*s'", BYTES_PRINT(text));
}

static err_t unsuitable(const struct cql_type *type, enum cql_literal literal, struct bytes text,
                        const char *column, struct diag *diag)
{
    struct str name = {0};
    cql_type_write(&name, type);
    err_t err = FAIL(diag, ERR_INVALID, "Invalid %s constant (%.*s) for \"%s\" of type %s",
                     literal_names[literal], BYTES_PRINT(text), column, str_text(&name));
    str_release(&name);
    return err;
}

err_t cql_value_literal(struct str *out, const struct cql_type *type, enum cql_literal literal,
                        struct bytes text, const char *column, struct diag *diag)
{
    if (!cql_literal_suits(type, literal))
        return unsuitable(type, literal, text, column, diag);
    return cql_value_text(out, type, text, diag);
}

err_t cql_value_text(struct str *out, const struct cql_type *type, struct bytes text,
                     struct diag *diag)
{
    switch (type->kind) {
    case CQL_ASCII:
    case CQL_VARCHAR:
        TRY(cql_value_check(type, text, diag));
        str_append_bytes(out, text);
        return ERR_OK;
    case CQL_BIGINT:
    case CQL_COUNTER:
    case CQL_INT:
    case CQL_SMALLINT:
    case CQL_TINYINT:
        return put_integer(out, type->kind, text, diag);
    case CQL_DOUBLE:
    case CQL_FLOAT:
        return put_double(out, type->kind, text, diag);
    case CQL_VARINT:
        if (!cql_varint_parse(out, text))
            return FAIL(diag, ERR_INVALID, "unable to make BigInteger from '%.*s'",
                        BYTES_PRINT(text));
        return ERR_OK;
    case CQL_DECIMAL:
        if (!cql_decimal_parse(out, text))
            return FAIL(diag, ERR_INVALID, "unable to make BigDecimal from '%.*s'",
                        BYTES_PRINT(text));
        return ERR_OK;
    case CQL_BOOLEAN: {
        bool yes = text.size == 4 && strncasecmp((const char *)text.ptr, "true", 4) == 0;
        if (!yes && !(text.size == 5 && strncasecmp((const char *)text.ptr, "false", 5) == 0))
            return FAIL(diag, ERR_INVALID, "unable to make boolean from '%.*s'", BYTES_PRINT(text));
        writer_u8(out, yes);
        return ERR_OK;
    }
    case CQL_BLOB:
        return put_hex(out, text, diag);
    case CQL_UUID:
    case CQL_TIMEUUID:
        return put_uuid(out, type->kind, text, diag);
    case CQL_INET:
        return put_inet(out, text, diag);
    case CQL_DATE:
        return put_date(out, text, diag);
    case CQL_TIME:
        return put_time(out, text, diag);
    case CQL_TIMESTAMP:
        return put_timestamp(out, text, diag);
    case CQL_DURATION:
        return put_duration(out, text, diag);
    case CQL_CUSTOM:
    case CQL_LIST:
    case CQL_SET:
    case CQL_MAP:
    case CQL_UDT:
    case CQL_TUPLE:
        break;
    }
    return FAIL(diag, ERR_INVALID, "a %s cannot be made from '%.*s'", cql_kind_name(type->kind),
                BYTES_PRINT(text));
}
