// SPDX-License-Identifier: Apache-2.0
//
// A region's transitions are asked from ICU once, up to the year 2500, and kept as two sorted
// arrays: the instants at which the offset changes, and the local times from which the new offset
// counts. Later times are folded back by 400 years, after which the calendar, its weekdays and so
// the rules repeat.
//
// Zones are kept for ever in a table of lock-free lists: two threads that load the same zone at
// once keep both.
#include "data/zone.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"

#include <stdatomic.h>
#include <unicode/ucal.h>

enum {
    BUCKETS = 256,
    NAME_MAX_BYTES = 64,
    OFFSET_MAX_S = 18 * 3600,
};

#define FOLD_FROM_S   16725225600LL // 2500-01-01
#define FOLD_CYCLE_S  (146097LL * 86400)
#define TABLE_START_S (-8520336000LL) // 1700-01-01

struct zone {
    struct zone *next;
    char *asked; // the name it was found by
    char *name;
    int32_t first_offset_s; // before the first transition
    size_t count;
    int64_t *at_s;       // UTC
    int64_t *local_at_s; // local time from which offset_s[i] counts
    int32_t *offset_s;
    uint8_t *dst;
    _Atomic size_t hint;  // the last entry found, + 1
    char names[2][2][64]; // [summer time][full]
};

static struct zone utc = {
    .asked = (char *)(uintptr_t) "UTC",
    .name = (char *)(uintptr_t) "UTC",
    .names = {{"UTC", "Coordinated Universal Time"}, {"UTC", "Coordinated Universal Time"}}};
const struct zone *const zone_utc = &utc;
static _Atomic(struct zone *) table[BUCKETS];

// --- offsets in names
// ----------------------------------------------------------------------------------

static bool two_digits(const char *t, const char *end, int *out)
{
    if (end - t < 2 || t[0] < '0' || t[0] > '9' || t[1] < '0' || t[1] > '9')
        return false;
    *out = (t[0] - '0') * 10 + (t[1] - '0');
    return true;
}

// +h, +hh, +h:mm, +hh:m, +hh:mm, +hhmm, +hh:mm:ss, +hhmmss, as Java's ZoneOffset.of with Spark's
// padding.
static bool parse_offset(const char *t, const char *end, int32_t *out)
{
    if (t == end || (*t != '+' && *t != '-'))
        return false;
    bool negative = *t++ == '-';
    char padded[16];
    size_t size = 0;
    if (end - t > 8 || t == end)
        return false;
    if (end - t == 1 || t[1] == ':')
        padded[size++] = '0';
    for (; t < end; t++) {
        bool lonely = *t >= '0' && *t <= '9' && t + 1 == end && t[-1] == ':';
        if (lonely)
            padded[size++] = '0';
        padded[size++] = *t;
    }
    int parts[3] = {0};
    const char *p = padded, *stop = padded + size;
    bool colons = size > 2 && padded[2] == ':';
    for (int i = 0; i < 3 && p < stop; i++) {
        if (i > 0 && colons && *p++ != ':')
            return false;
        if (!two_digits(p, stop, &parts[i]))
            return false;
        p += 2;
    }
    int32_t offset = parts[0] * 3600 + parts[1] * 60 + parts[2];
    if (p != stop || parts[1] > 59 || parts[2] > 59 || offset > OFFSET_MAX_S)
        return false;
    *out = negative ? -offset : offset;
    return true;
}

static char *offset_name(const char *prefix, int32_t offset_s)
{
    int32_t size = offset_s < 0 ? -offset_s : offset_s;
    if (size == 0)
        return mem_strdup(*prefix ? prefix : "Z");
    char seconds[8] = "";
    if (size % 60)
        snprintf(seconds, sizeof seconds, ":%02d", size % 60);
    return mem_printf("%s%c%02d:%02d%s", prefix, offset_s < 0 ? '-' : '+', size / 3600,
                      size / 60 % 60, seconds);
}

static bool fixed_zone(struct zone *zone, struct bytes name)
{
    static const char *const prefixes[] = {"UTC", "GMT", "UT", ""};
    const char *t = (const char *)name.ptr, *end = t + name.size;
    bool found = bytes_is(name, "Z");
    if (found)
        zone->name = mem_strdup("Z");
    for (int i = 0; i < 4 && !found; i++) {
        size_t n = strlen(prefixes[i]);
        if (name.size < n || memcmp(t, prefixes[i], n) != 0)
            continue;
        int32_t offset = 0;
        if ((n && name.size == n) || parse_offset(t + n, end, &offset)) {
            zone->first_offset_s = offset;
            zone->name = offset_name(prefixes[i], offset);
            found = true;
        }
    }
    for (int i = 0; i < 4 && found; i++)
        snprintf(zone->names[i / 2][i % 2], 64, "%s", zone->name);
    return found;
}

// --- regions
// -------------------------------------------------------------------------------------------

struct transitions {
    VEC(int64_t) at_s;
    VEC(int32_t) offset_s;
    VEC(uint8_t) dst;
};

static int32_t offset_at(UCalendar *calendar, double at_ms, uint8_t *dst)
{
    UErrorCode status = U_ZERO_ERROR;
    ucal_setMillis(calendar, at_ms, &status);
    int32_t raw = ucal_get(calendar, UCAL_ZONE_OFFSET, &status);
    int32_t saving = ucal_get(calendar, UCAL_DST_OFFSET, &status);
    *dst = saving != 0;
    return (raw + saving) / 1000;
}

static void collect(struct zone *zone, UCalendar *calendar)
{
    struct transitions all = {0};
    uint8_t dst;
    double at = (double)TABLE_START_S * 1000;
    zone->first_offset_s = offset_at(calendar, at, &dst);
    int32_t before = zone->first_offset_s;
    while (at < (double)FOLD_FROM_S * 1000) {
        UErrorCode status = U_ZERO_ERROR;
        UDate next;
        ucal_setMillis(calendar, at, &status);
        if (!ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_NEXT, &next, &status) ||
            U_FAILURE(status) || next <= at)
            break;
        at = next;
        int32_t offset = offset_at(calendar, at, &dst);
        if (offset == before && all.dst.count && all.dst.items[all.dst.count - 1] == dst)
            continue;
        vec_push(&all.at_s, (int64_t)(at / 1000));
        vec_push(&all.offset_s, offset);
        vec_push(&all.dst, dst);
        before = offset;
    }
    zone->count = all.at_s.count;
    zone->at_s = all.at_s.items;
    zone->offset_s = all.offset_s.items;
    zone->dst = all.dst.items;
    zone->local_at_s = mem_alloc((zone->count + 1) * sizeof *zone->local_at_s);
    for (size_t i = 0; i < zone->count; i++) {
        int32_t old = i ? zone->offset_s[i - 1] : zone->first_offset_s;
        int32_t later = old > zone->offset_s[i] ? old : zone->offset_s[i];
        zone->local_at_s[i] = zone->at_s[i] + later;
    }
}

// ICU leaves most short names as "GMT+1"; Java has these for the zones people use.
static void usual_short_name(const char *full, char *name)
{
    static const char *const names[][2] = {
        {"Central European Standard Time", "CET"},
        {"Central European Summer Time", "CEST"},
        {"Eastern European Standard Time", "EET"},
        {"Eastern European Summer Time", "EEST"},
        {"Western European Standard Time", "WET"},
        {"Western European Summer Time", "WEST"},
        {"Greenwich Mean Time", "GMT"},
        {"British Summer Time", "BST"},
        {"Irish Standard Time", "IST"},
        {"Moscow Standard Time", "MSK"},
        {"India Standard Time", "IST"},
        {"China Standard Time", "CST"},
        {"Japan Standard Time", "JST"},
        {"Korean Standard Time", "KST"},
        {"Singapore Standard Time", "SGT"},
        {"Hong Kong Standard Time", "HKT"},
        {"Australian Eastern Standard Time", "AEST"},
        {"Australian Eastern Daylight Time", "AEDT"},
        {"New Zealand Standard Time", "NZST"},
        {"New Zealand Daylight Time", "NZDT"},
        {"Brasilia Standard Time", "BRT"},
        {"Coordinated Universal Time", "UTC"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], full) == 0)
            snprintf(name, 64, "%s", names[i][1]);
}

static void take_names(struct zone *zone, UCalendar *calendar)
{
    static const UCalendarDisplayNameType types[2][2] = {{UCAL_SHORT_STANDARD, UCAL_STANDARD},
                                                         {UCAL_SHORT_DST, UCAL_DST}};
    for (int i = 0; i < 4; i++) {
        UErrorCode status = U_ZERO_ERROR;
        UChar text[64];
        int32_t size =
            ucal_getTimeZoneDisplayName(calendar, types[i / 2][i % 2], "en_US", text, 64, &status);
        char *name = zone->names[i / 2][i % 2];
        if (U_FAILURE(status) || size >= 64)
            snprintf(name, 64, "%s", zone->name);
        for (int32_t c = 0; U_SUCCESS(status) && c < size && c < 63; c++)
            name[c] = text[c] < 128 ? (char)text[c] : '?';
    }
    usual_short_name(zone->names[0][1], zone->names[0][0]);
    usual_short_name(zone->names[1][1], zone->names[1][0]);
}

static bool region_zone(struct zone *zone, struct bytes name)
{
    UChar id[NAME_MAX_BYTES + 1], known[NAME_MAX_BYTES + 1];
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.ptr[i];
        bool word = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!word && !strchr("/_+-", c))
            return false;
        id[i] = c;
    }
    id[name.size] = 0;
    UErrorCode status = U_ZERO_ERROR;
    UBool system = 0;
    ucal_getCanonicalTimeZoneID(id, (int32_t)name.size, known, NAME_MAX_BYTES, &system, &status);
    if (U_FAILURE(status) || !system)
        return false;
    UCalendar *calendar = ucal_open(id, (int32_t)name.size, "en_US", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status))
        return false;
    zone->name = mem_dup(zone->asked, name.size + 1);
    collect(zone, calendar);
    take_names(zone, calendar);
    ucal_close(calendar);
    return true;
}

err_t zone_find(const struct zone **out, struct bytes name, struct diag *diag)
{
    if (bytes_is(name, "UTC")) {
        *out = zone_utc;
        return ERR_OK;
    }
    _Atomic(struct zone *) *bucket = &table[hash_bytes(name.ptr, name.size) % BUCKETS];
    for (struct zone *zone = atomic_load(bucket); zone; zone = zone->next)
        if (bytes_is(name, zone->asked)) {
            *out = zone;
            return ERR_OK;
        }
    bool sane = name.size > 0 && name.size <= NAME_MAX_BYTES && !memchr(name.ptr, 0, name.size);
    struct zone *zone = MEM_NEW(struct zone);
    zone->asked = mem_zalloc(name.size + 1);
    memcpy(zone->asked, name.size ? name.ptr : (const uint8_t *)"", name.size);
    if (!sane || (!fixed_zone(zone, name) && !region_zone(zone, name))) {
        mem_free(zone->asked);
        mem_free(zone);
        int shown = name.size > 60 ? 60 : (int)name.size;
        return FAIL(diag, ERR_INVALID,
                    "unknown time zone '%.*s'; expected a region such as 'Europe/Berlin' or an "
                    "offset such as '+02:00'",
                    shown, name.size ? (const char *)name.ptr : "");
    }
    zone->next = atomic_load(bucket);
    while (!atomic_compare_exchange_weak(bucket, &zone->next, zone)) {
    }
    *out = zone;
    return ERR_OK;
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

// --- rules
// ---------------------------------------------------------------------------------------------

// How many entries of `at` are <= value; the hint makes neighbouring rows cheap.
static size_t find(const struct zone *zone, const int64_t *at, int64_t value)
{
    size_t hint =
        atomic_load_explicit(&((struct zone *)(uintptr_t)zone)->hint, memory_order_relaxed);
    if ((hint == 0 || at[hint - 1] <= value) && (hint == zone->count || value < at[hint]))
        return hint;
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (at[middle] <= value)
            low = middle + 1;
        else
            high = middle;
    }
    atomic_store_explicit(&((struct zone *)(uintptr_t)zone)->hint, low, memory_order_relaxed);
    return low;
}

static int64_t floor_seconds(int64_t us)
{
    return us / 1000000 - (us % 1000000 < 0);
}

static int64_t fold(int64_t s)
{
    return s < FOLD_FROM_S ? s : s - ((s - FOLD_FROM_S) / FOLD_CYCLE_S + 1) * FOLD_CYCLE_S;
}

static int32_t offset_of(const struct zone *zone, size_t found)
{
    return found ? zone->offset_s[found - 1] : zone->first_offset_s;
}

int64_t zone_offset_us(const struct zone *zone, int64_t utc_us)
{
    if (zone->count == 0)
        return zone->first_offset_s * 1000000LL;
    return offset_of(zone, find(zone, zone->at_s, fold(floor_seconds(utc_us)))) * 1000000LL;
}

int64_t zone_local_us(const struct zone *zone, int64_t utc_us)
{
    int64_t local;
    if (__builtin_add_overflow(utc_us, zone_offset_us(zone, utc_us), &local))
        return utc_us; // the last hours of the range of 290,000 years
    return local;
}

int64_t zone_utc_us(const struct zone *zone, int64_t local_us)
{
    int32_t offset = zone->first_offset_s;
    if (zone->count)
        offset = offset_of(zone, find(zone, zone->local_at_s, fold(floor_seconds(local_us))));
    int64_t us;
    return __builtin_sub_overflow(local_us, offset * 1000000LL, &us) ? local_us : us;
}

size_t zone_display(const struct zone *zone, int64_t utc_us, bool full, char *out, size_t size)
{
    size_t found = zone->count ? find(zone, zone->at_s, fold(floor_seconds(utc_us))) : 0;
    const char *name = zone->names[found ? zone->dst[found - 1] : 0][full];
    size_t length = strlen(name);
    if (length > size)
        length = size;
    memcpy(out, name, length);
    return length;
}
