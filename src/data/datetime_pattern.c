// SPDX-License-Identifier: Apache-2.0
#include "data/datetime_pattern_int.h"

#include "base/vec.h"

const char *const datetime_pattern_months[12] = {"January",   "February", "March",    "April",
                                                 "May",       "June",     "July",     "August",
                                                 "September", "October",  "November", "December"};
const char *const datetime_pattern_days[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                              "Friday", "Saturday", "Sunday"};

struct items {
    VEC(struct pattern_item) all;
};

static const char only_formatting[] = "EFqQ";

static int most(char letter)
{
    switch (letter) {
    case 'y':
        return 6;
    case 'S':
        return 9;
    case 'G':
    case 'M':
    case 'L':
    case 'E':
    case 'Q':
    case 'q':
    case 'z':
    case 'O':
        return 4;
    case 'X':
    case 'x':
    case 'Z':
        return 5;
    case 'D':
        return 3;
    case 'd':
    case 'H':
    case 'h':
    case 'K':
    case 'k':
    case 'm':
    case 's':
    case 'V':
        return 2;
    case 'a':
    case 'F':
        return 1;
    default:
        return 0;
    }
}

static err_t refuse(struct diag *diag, struct bytes text, char letter, int count)
{
    static const char changed[] = "YwWuec";
    if (strchr(changed, letter))
        return FAIL(
            diag, ERR_INVALID,
            "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION] the "
            "datetime pattern '%.*s' uses the letter '%c', whose meaning changed in Spark 3",
            BYTES_PRINT(text), letter);
    return FAIL(diag, ERR_INVALID,
                "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION] in the "
                "datetime pattern '%.*s', %d times '%c' is not allowed here",
                BYTES_PRINT(text), count, letter);
}

static void push_literal(struct items *items, struct bytes text)
{
    struct pattern_item item = {.letter = PATTERN_LITERAL, .text = text};
    if (text.size)
        vec_push(&items->all, item);
}

// 'quoted text', '' for a quote. `*at` stands on the opening quote.
static err_t take_quoted(struct items *items, struct arena *arena, struct bytes text, size_t *at,
                         struct diag *diag)
{
    uint8_t *copy = arena_alloc(arena, text.size);
    size_t size = 0;
    size_t i = *at + 1;
    for (; i < text.size; i++) {
        if (text.ptr[i] == '\'') {
            if (i + 1 >= text.size || text.ptr[i + 1] != '\'')
                break;
            i++;
        }
        copy[size++] = text.ptr[i];
    }
    if (i >= text.size)
        return FAIL(diag, ERR_INVALID, "the datetime pattern '%.*s' has a quote without its end",
                    BYTES_PRINT(text));
    if (size == 0)
        copy[size++] = '\''; // '' outside quotes
    push_literal(items, bytes_make(copy, size));
    *at = i + 1;
    return ERR_OK;
}

static bool fixed_width(const struct pattern_item *item)
{
    return item->letter != PATTERN_LITERAL && item->count == 2 &&
           strchr("yMLdHhKkms", item->letter);
}

static void reserve_digits(struct items *items)
{
    int behind = 0;
    for (size_t i = items->all.count; i-- > 0;) {
        struct pattern_item *item = &items->all.items[i];
        bool number = strchr("yMLdDHhKkms", item->letter) && item->letter && item->count != 3 &&
                      !(strchr("ML", item->letter) && item->count > 2);
        item->reserve = (uint8_t)(number ? behind : 0);
        if (fixed_width(item))
            behind += 2;
        else
            behind = 0;
    }
}

static err_t close_sections(struct items *items, struct bytes text, struct diag *diag)
{
    size_t open[16], depth = 0;
    for (size_t i = 0; i < items->all.count; i++) {
        char letter = items->all.items[i].letter;
        if (letter == PATTERN_OPEN && depth == 16)
            return FAIL(diag, ERR_INVALID, "the datetime pattern '%.*s' nests too many brackets",
                        BYTES_PRINT(text));
        if (letter == PATTERN_OPEN)
            open[depth++] = i;
        if (letter == PATTERN_CLOSE && depth == 0)
            return FAIL(diag, ERR_INVALID, "the datetime pattern '%.*s' closes no bracket with ']'",
                        BYTES_PRINT(text));
        if (letter == PATTERN_CLOSE)
            items->all.items[open[--depth]].close = (uint16_t)i;
    }
    for (; depth; depth--) { // Java closes them at the end
        struct pattern_item item = {.letter = PATTERN_CLOSE};
        items->all.items[open[depth - 1]].close = (uint16_t)items->all.count;
        vec_push(&items->all, item);
    }
    return ERR_OK;
}

static bool is_letter(uint8_t c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static err_t take_letters(struct items *items, struct bytes text, size_t *at, bool for_parsing,
                          struct diag *diag)
{
    char letter = (char)text.ptr[*at];
    size_t count = 0;
    while (*at < text.size && text.ptr[*at] == (uint8_t)letter && count < 200) {
        (*at)++;
        count++;
    }
    bool fine = (int)count <= most(letter) && !(for_parsing && strchr(only_formatting, letter));
    if ((letter == 'V' && count != 2) || (letter == 'O' && count != 1 && count != 4))
        fine = false;
    if (!fine)
        return refuse(diag, text, letter, (int)count);
    struct pattern_item item = {.letter = letter, .count = (uint8_t)count};
    vec_push(&items->all, item);
    return ERR_OK;
}

static err_t compile(struct items *items, struct arena *arena, struct bytes text, bool for_parsing,
                     struct diag *diag)
{
    for (size_t at = 0; at < text.size;) {
        uint8_t byte = text.ptr[at];
        if (is_letter(byte)) {
            TRY(take_letters(items, text, &at, for_parsing, diag));
        } else if (byte == '\'') {
            TRY(take_quoted(items, arena, text, &at, diag));
        } else if (byte == '[' || byte == ']') {
            struct pattern_item item = {.letter = (char)byte};
            vec_push(&items->all, item);
            at++;
        } else if (byte == '{' || byte == '}' || byte == '#') {
            return FAIL(diag, ERR_INVALID,
                        "the datetime pattern '%.*s' uses the reserved character '%c'",
                        BYTES_PRINT(text), byte);
        } else {
            push_literal(items, bytes_make(text.ptr + at, 1));
            at++;
        }
    }
    return close_sections(items, text, diag);
}

err_t datetime_pattern_compile(const struct datetime_pattern **out, struct arena *arena,
                               struct bytes text, bool for_parsing, struct diag *diag)
{
    if (text.size > 256)
        return FAIL(diag, ERR_INVALID, "a datetime pattern has at most 256 characters, not %zu",
                    text.size);
    struct items items = {0};
    struct bytes copy = bytes_make(arena_dup(arena, text.ptr, text.size), text.size);
    err_t err = compile(&items, arena, copy, for_parsing, diag);
    if (err == ERR_OK) {
        reserve_digits(&items);
        struct datetime_pattern *pattern = ARENA_NEW(arena, struct datetime_pattern);
        pattern->count = items.all.count;
        pattern->items =
            arena_dup(arena, items.all.items, items.all.count * sizeof *items.all.items);
        *out = pattern;
    }
    vec_release(&items.all);
    return err;
}

// --- formatting
// ----------------------------------------------------------------------------------------

struct moment {
    const struct zone *zone;
    int64_t utc_us;
    int64_t local_us;
    int64_t offset_s;
    struct civil civil;
};

static void put_number(struct str *out, int64_t value, int width)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%0*lld", width, (long long)value);
    str_append(out, digits, (size_t)size);
}

static void put_name(struct str *out, const char *name, int count)
{
    str_append(out, name, count < 4 ? 3 : strlen(name));
}

static void put_year(struct str *out, const struct pattern_item *item, int32_t year)
{
    if (item->count == 2) {
        put_number(out, floor_mod(year, 100), 2);
        return;
    }
    if (year < 0)
        str_append_byte(out, '-');
    else if (year > 9999 && item->count >= 4)
        str_append_byte(out, '+');
    put_number(out, year < 0 ? -(int64_t)year : year, item->count);
}

static void put_offset(struct str *out, const struct pattern_item *item, int64_t offset_s)
{
    int64_t size = offset_s < 0 ? -offset_s : offset_s;
    int h = (int)(size / 3600), m = (int)(size / 60 % 60), s = (int)(size % 60);
    char sign = offset_s < 0 ? '-' : '+';
    bool capital = item->letter == 'X' || (item->letter == 'Z' && item->count == 5);
    int count = item->letter == 'Z' ? (item->count == 5 ? 5 : 2) : item->count;
    if (item->letter == 'O' || (item->letter == 'Z' && item->count == 4)) {
        str_append_text(out, "GMT");
        if (size == 0)
            return;
        if (item->letter == 'O' && item->count == 1)
            str_printf(out, m ? "%c%d:%02d" : "%c%d", sign, h, m);
        else
            str_printf(out, "%c%02d:%02d", sign, h, m);
        return;
    }
    if (size == 0 && capital) {
        str_append_byte(out, 'Z');
        return;
    }
    const char *colon = count == 3 || count == 5 ? ":" : "";
    str_printf(out, "%c%02d", sign, h);
    if (count > 1 || m)
        str_printf(out, "%s%02d", colon, m);
    if (count > 3 && s)
        str_printf(out, "%s%02d", colon, s);
}

static void put_quarter(struct str *out, int count, int quarter)
{
    static const char *const ordinals[] = {"1st", "2nd", "3rd", "4th"};
    if (count < 3)
        put_number(out, quarter, count);
    else if (count == 3)
        str_printf(out, "Q%d", quarter);
    else
        str_printf(out, "%s quarter", ordinals[quarter - 1]);
}

static void put_fraction(struct str *out, int count, int32_t us)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%06d000", us);
    str_append(out, digits, (size_t)count);
}

static void put_zone(struct str *out, const struct pattern_item *item, const struct moment *moment)
{
    char name[64];
    if (item->letter == 'V') {
        str_append_text(out, zone_name(moment->zone));
        return;
    }
    size_t size = zone_display(moment->zone, moment->utc_us, item->count == 4, name, sizeof name);
    str_append(out, name, size);
}

static void put_item(struct str *out, const struct pattern_item *item, const struct moment *moment)
{
    const struct civil *c = &moment->civil;
    int32_t days = (int32_t)floor_div(moment->local_us, US_PER_DAY);
    switch (item->letter) {
    case PATTERN_LITERAL:
        str_append_bytes(out, item->text);
        break;
    case 'G':
        str_append_text(out, item->count == 4 ? (c->year > 0 ? "Anno Domini" : "Before Christ")
                             : c->year > 0    ? "AD"
                                              : "BC");
        break;
    case 'y':
        put_year(out, item, c->year);
        break;
    case 'M':
    case 'L':
        if (item->count > 2)
            put_name(out, datetime_pattern_months[c->month - 1], item->count);
        else
            put_number(out, c->month, item->count);
        break;
    case 'd':
        put_number(out, c->day, item->count);
        break;
    case 'D':
        put_number(out, date_field(FIELD_DAY_OF_YEAR, days), item->count);
        break;
    case 'E':
        put_name(out, datetime_pattern_days[date_field(FIELD_DAY_OF_WEEK_ISO, days) - 1],
                 item->count);
        break;
    case 'F':
        put_number(out, (c->day - 1) % 7 + 1, 1);
        break;
    case 'Q':
    case 'q':
        put_quarter(out, item->count, (c->month + 2) / 3);
        break;
    case 'a':
        str_append_text(out, c->hour < 12 ? "AM" : "PM");
        break;
    case 'H':
        put_number(out, c->hour, item->count);
        break;
    case 'k':
        put_number(out, c->hour ? c->hour : 24, item->count);
        break;
    case 'K':
        put_number(out, c->hour % 12, item->count);
        break;
    case 'h':
        put_number(out, c->hour % 12 ? c->hour % 12 : 12, item->count);
        break;
    case 'm':
        put_number(out, c->minute, item->count);
        break;
    case 's':
        put_number(out, c->second, item->count);
        break;
    case 'S':
        put_fraction(out, item->count, c->us);
        break;
    case 'V':
    case 'z':
        put_zone(out, item, moment);
        break;
    case 'O':
    case 'X':
    case 'x':
    case 'Z':
        put_offset(out, item, moment->offset_s);
        break;
    default: // brackets: everything in them is there
        break;
    }
}

void datetime_pattern_format(const struct datetime_pattern *pattern, struct str *out,
                             int64_t utc_us, const struct zone *zone)
{
    struct moment moment = {.zone = zone, .utc_us = utc_us};
    moment.offset_s = zone_offset_us(zone, utc_us) / US_PER_SECOND;
    moment.local_us = zone_local_us(zone, utc_us);
    civil_from_local_us(moment.local_us, &moment.civil);
    for (size_t i = 0; i < pattern->count; i++)
        put_item(out, &pattern->items[i], &moment);
}
