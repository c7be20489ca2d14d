// SPDX-License-Identifier: Apache-2.0
//
// Serialised forms (native protocol v4 §6): numbers big-endian; date: days, unsigned, epoch at
// 2^31; time: nanoseconds of the day; timestamp: milliseconds; duration: three signed vints. A
// collection is a count, then each element as a length and its bytes; a tuple has no count.
#include "wire/cql/value.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "wire/cql/number.h"
#include "wire/writer.h"

#include <math.h>
#include <stdlib.h>

static int32_t be32(const uint8_t *p)
{
    return (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

static uint64_t be64(const uint8_t *p)
{
    return (uint64_t)(uint32_t)be32(p) << 32 | (uint32_t)be32(p + 4);
}

// --- elements ------------------------------------------------------------------------------------
struct cql_items cql_items_of(const struct cql_type *type, struct bytes value)
{
    struct cql_items items = {.at = value.ptr, .end = value.ptr + value.size};
    if (type->kind == CQL_TUPLE || type->kind == CQL_UDT) {
        items.left = type->param_count;
    } else if (value.size >= 4) {
        int32_t count = be32(value.ptr);
        items.at += 4;
        items.left = count < 0 ? 0 : (size_t)count * (type->kind == CQL_MAP ? 2 : 1);
    }
    return items;
}

bool cql_items_next(struct cql_items *items, struct bytes *element)
{
    if (items->left == 0 || items->end - items->at < 4)
        return false;
    int32_t size = be32(items->at);
    if (size > items->end - items->at - 4)
        return false;
    *element = size < 0 ? BYTES_NULL : bytes_make(items->at + 4, (size_t)size);
    items->at += 4 + (size < 0 ? 0 : size);
    items->left--;
    return true;
}

size_t cql_items_begin(struct str *out)
{
    size_t begin = out->size;
    writer_u32(out, 0);
    return begin;
}

void cql_items_add(struct str *out, struct bytes element)
{
    writer_i32(out, element.ptr ? (int32_t)element.size : -1);
    if (element.ptr)
        str_append_bytes(out, element);
}

void cql_items_end(struct str *out, size_t begin, size_t count)
{
    writer_patch_u32(out, begin, (uint32_t)count);
}

// --- validation ----------------------------------------------------------------------------------
static err_t check_items(const struct cql_type *type, struct bytes value, struct diag *diag)
{
    const char *name = cql_kind_name(type->kind);
    struct cql_items items = cql_items_of(type, value);
    bool tuple = type->kind == CQL_TUPLE || type->kind == CQL_UDT;
    if (!tuple && (value.size < 4 || be32(value.ptr) < 0))
        return FAIL(diag, ERR_INVALID, "Not enough bytes to read a %s", name);
    struct bytes element;
    for (size_t i = 0; items.left > 0; i++) {
        if (tuple && items.at == items.end) // later fields may be left out
            return ERR_OK;
        if (!cql_items_next(&items, &element))
            return FAIL(diag, ERR_INVALID, "Not enough bytes to read %s %zu of a %s",
                        tuple ? "field" : "element", i, name);
        if (!element.ptr && !tuple)
            return FAIL(diag, ERR_INVALID, "null is not supported inside collections");
        const struct cql_type *param = type->params[tuple ? i : type->kind == CQL_MAP ? i % 2 : 0];
        TRY(cql_value_check(param, element, diag));
    }
    if (items.at != items.end)
        return FAIL(diag, ERR_INVALID, "Unexpected extraneous bytes after %s value", name);
    return ERR_OK;
}

// A vint's whole length from its first byte: one more byte for each leading one.
static size_t vint_size(uint8_t first)
{
    return first == 0xff ? 9 : (size_t)__builtin_clz((unsigned)(uint8_t)~first << 24) + 1;
}

static bool vint_read(struct bytes *rest, int64_t *out)
{
    if (rest->size == 0 || rest->size < vint_size(rest->ptr[0]))
        return false;
    size_t size = vint_size(rest->ptr[0]);
    uint64_t bits = size > 7 ? 0 : rest->ptr[0] & (0xffu >> size);
    for (size_t i = 1; i < size; i++)
        bits = bits << 8 | rest->ptr[i];
    *out = (int64_t)(bits >> 1 ^ (~(bits & 1) + 1));
    *rest = bytes_make(rest->ptr + size, rest->size - size);
    return true;
}

bool cql_duration_read(struct bytes value, struct cql_duration *out)
{
    int64_t months, days;
    if (!vint_read(&value, &months) || !vint_read(&value, &days) ||
        !vint_read(&value, &out->nanos) || value.size > 0)
        return false;
    out->months = (int32_t)months;
    out->days = (int32_t)days;
    return months == out->months && days == out->days;
}

static void vint_write(struct str *out, int64_t value)
{
    uint64_t bits = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    size_t extra = 0; // bytes after the first, which keeps 7 - extra bits
    while (extra < 8 && bits >> (7 * (extra + 1)) != 0)
        extra++;
    uint8_t first = (uint8_t)(0xff00u >> extra);
    if (extra < 8)
        first |= (uint8_t)(bits >> (8 * extra));
    writer_u8(out, first);
    while (extra-- > 0)
        writer_u8(out, (uint8_t)(bits >> (8 * extra)));
}

void cql_duration_write(struct str *out, const struct cql_duration *duration)
{
    vint_write(out, duration->months);
    vint_write(out, duration->days);
    vint_write(out, duration->nanos);
}

static err_t check_duration(struct bytes value, struct diag *diag)
{
    struct cql_duration d;
    if (value.size < 3)
        return FAIL(diag, ERR_INVALID, "Expected at least 3 bytes for a duration (%zu)",
                    value.size);
    if (!cql_duration_read(value, &d))
        return FAIL(diag, ERR_INVALID,
                    "Invalid duration: three 32, 32 and 64 bit vints are expected");
    bool plus = d.months > 0 || d.days > 0 || d.nanos > 0;
    bool minus = d.months < 0 || d.days < 0 || d.nanos < 0;
    if (plus && minus)
        return FAIL(diag, ERR_INVALID,
                    "The duration months, days and nanoseconds must be all of the same sign "
                    "(%d, %d, %lld)",
                    d.months, d.days, (long long)d.nanos);
    return ERR_OK;
}

static err_t check_ascii(struct bytes value, struct diag *diag)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.ptr[i] > 127)
            return FAIL(diag, ERR_INVALID, "Invalid byte for ascii: %d", (int8_t)value.ptr[i]);
    }
    return ERR_OK;
}

// What a value of fixed width must be; may it be empty?
static const struct {
    const char *words;
    bool empty;
} widths[] = {
    [CQL_BIGINT] = {"Expected 8 or 0 byte long (%zu)", true},
    [CQL_BOOLEAN] = {"Expected 1 or 0 byte value (%zu)", true},
    [CQL_COUNTER] = {"Expected 8 or 0 byte long (%zu)", true},
    [CQL_DOUBLE] = {"Expected 8 or 0 byte value for a double (%zu)", true},
    [CQL_FLOAT] = {"Expected 4 or 0 byte value for a float (%zu)", true},
    [CQL_INT] = {"Expected 4 or 0 byte int (%zu)", true},
    [CQL_TIMESTAMP] = {"Expected 8 or 0 byte long for date (%zu)", true},
    [CQL_UUID] = {"UUID should be 16 or 0 bytes (%zu)", true},
    [CQL_TIMEUUID] = {"UUID should be 16 or 0 bytes (%zu)", true},
    [CQL_DATE] = {"Expected 4 byte long for date (%zu)", false},
    [CQL_TIME] = {"Expected 8 byte long for time (%zu)", false},
    [CQL_SMALLINT] = {"Expected 2 bytes for a smallint (%zu)", false},
    [CQL_TINYINT] = {"Expected 1 byte for a tinyint (%zu)", false},
};

static err_t check_width(enum cql_kind kind, struct bytes value, struct diag *diag)
{
    size_t width = cql_kind_width(kind);
    if (value.size == width || (value.size == 0 && widths[kind].empty))
        return ERR_OK;
    char words[80];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(words, sizeof words, widths[kind].words, value.size);
#pragma GCC diagnostic pop
    return FAIL(diag, ERR_INVALID, "%s", words);
}

static err_t check_number(struct bytes value, size_t head, struct diag *diag)
{
    if (value.size > head + CQL_NUMBER_MAX)
        return FAIL(diag, ERR_INVALID, "a number of %zu bytes is larger than the %d allowed",
                    value.size, CQL_NUMBER_MAX);
    if (head && value.size != 0 && value.size < head + 1)
        return FAIL(diag, ERR_INVALID, "Expected 0 or at least 4 bytes (%zu)", value.size);
    return ERR_OK;
}

err_t cql_value_check(const struct cql_type *type, struct bytes value, struct diag *diag)
{
    if (!value.ptr)
        return ERR_OK;
    switch (type->kind) {
    case CQL_CUSTOM:
    case CQL_BLOB:
        return ERR_OK;
    case CQL_ASCII:
        return check_ascii(value, diag);
    case CQL_VARCHAR:
        if (!utf8_valid(value.ptr, value.size))
            return FAIL(diag, ERR_INVALID, "String didn't validate.");
        return ERR_OK;
    case CQL_INET:
        if (value.size != 0 && value.size != 4 && value.size != 16)
            return FAIL(diag, ERR_INVALID, "Expected 4 or 16 byte inetaddress; got %zu bytes",
                        value.size);
        return ERR_OK;
    case CQL_DECIMAL:
        return check_number(value, 4, diag);
    case CQL_VARINT:
        return check_number(value, 0, diag);
    case CQL_DURATION:
        return check_duration(value, diag);
    case CQL_TIMEUUID:
        TRY(check_width(CQL_TIMEUUID, value, diag));
        if (value.size == 16 && value.ptr[6] >> 4 != 1)
            return FAIL(diag, ERR_INVALID, "Invalid version for TimeUUID type.");
        return ERR_OK;
    case CQL_BIGINT:
    case CQL_BOOLEAN:
    case CQL_COUNTER:
    case CQL_DOUBLE:
    case CQL_FLOAT:
    case CQL_INT:
    case CQL_TIMESTAMP:
    case CQL_UUID:
    case CQL_DATE:
    case CQL_TIME:
    case CQL_SMALLINT:
    case CQL_TINYINT:
        return check_width(type->kind, value, diag);
    case CQL_LIST:
    case CQL_SET:
    case CQL_MAP:
    case CQL_TUPLE:
    case CQL_UDT:
        return check_items(type, value, diag);
    }
    return ERR_OK;
}

// --- order ---------------------------------------------------------------------------------------
static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int64_t signed_of(struct bytes value)
{
    switch (value.size) {
    case 1:
        return (int8_t)value.ptr[0];
    case 2:
        return (int16_t)(value.ptr[0] << 8 | value.ptr[1]);
    case 4:
        return be32(value.ptr);
    default:
        return (int64_t)be64(value.ptr);
    }
}

// Java's order: -0 below 0, NaN above all.
static int compare_double(double a, double b)
{
    if (a < b)
        return -1;
    if (a > b)
        return 1;
    if (isnan(a) || isnan(b))
        return !!isnan(a) - !!isnan(b);
    return !!signbit(b) - !!signbit(a);
}

static double double_of(struct bytes value)
{
    if (value.size == 4) {
        uint32_t bits = (uint32_t)be32(value.ptr);
        float number;
        memcpy(&number, &bits, sizeof number);
        return (double)number;
    }
    uint64_t bits = be64(value.ptr);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

uint64_t cql_timeuuid_ticks(const uint8_t uuid[16])
{
    uint64_t low = (uint32_t)be32(uuid), mid = (uint64_t)uuid[4] << 8 | uuid[5];
    uint64_t high = (uint64_t)(uuid[6] & 0x0f) << 8 | uuid[7];
    return high << 48 | mid << 32 | low;
}

static int compare_timeuuid(struct bytes a, struct bytes b)
{
    int order = compare_u64(cql_timeuuid_ticks(a.ptr), cql_timeuuid_ticks(b.ptr));
    for (int i = 8; order == 0 && i < 16; i++)
        order = (int8_t)a.ptr[i] - (int8_t)b.ptr[i];
    return order;
}

static int compare_uuid(struct bytes a, struct bytes b)
{
    int version = a.ptr[6] >> 4, other = b.ptr[6] >> 4;
    if (version != other)
        return version - other;
    if (version == 1) {
        int order = compare_u64(cql_timeuuid_ticks(a.ptr), cql_timeuuid_ticks(b.ptr));
        if (order)
            return order;
    }
    return memcmp(a.ptr, b.ptr, 16);
}

static int compare_items(const struct cql_type *type, struct bytes a, struct bytes b)
{
    struct cql_items x = cql_items_of(type, a), y = cql_items_of(type, b);
    bool tuple = type->kind == CQL_TUPLE || type->kind == CQL_UDT;
    for (size_t i = 0;; i++) {
        struct bytes p, q;
        bool more = cql_items_next(&x, &p), other = cql_items_next(&y, &q);
        if (!more || !other)
            return more - other;
        if (!p.ptr || !q.ptr) {
            if (!p.ptr && !q.ptr)
                continue;
            return p.ptr ? 1 : -1;
        }
        int order = cql_value_compare(type->params[tuple                   ? i
                                                   : type->kind == CQL_MAP ? i % 2
                                                                           : 0],
                                      p, q);
        if (order)
            return order;
    }
}

int cql_value_compare(const struct cql_type *type, struct bytes a, struct bytes b)
{
    if (a.size == 0 || b.size == 0)
        return (a.size > 0) - (b.size > 0);
    switch (type->kind) {
    case CQL_CUSTOM:
    case CQL_BLOB:
    case CQL_ASCII:
    case CQL_VARCHAR:
    case CQL_INET:
    case CQL_DURATION:
    case CQL_BOOLEAN:
    case CQL_DATE:
        return bytes_compare(a, b);
    case CQL_DECIMAL:
        return cql_decimal_compare(a, b);
    case CQL_VARINT:
        return cql_varint_compare(a, b);
    case CQL_TIMEUUID:
        return compare_timeuuid(a, b);
    case CQL_UUID:
        return compare_uuid(a, b);
    case CQL_DOUBLE:
    case CQL_FLOAT:
        return compare_double(double_of(a), double_of(b));
    case CQL_BIGINT:
    case CQL_COUNTER:
    case CQL_INT:
    case CQL_TIMESTAMP:
    case CQL_TIME:
    case CQL_SMALLINT:
    case CQL_TINYINT:
        return compare_i64(signed_of(a), signed_of(b));
    case CQL_LIST:
    case CQL_SET:
    case CQL_MAP:
    case CQL_TUPLE:
    case CQL_UDT:
        return compare_items(type, a, b);
    }
    return 0;
}

// --- normal form ---------------------------------------------------------------------------------
struct entry {
    struct bytes key, value;
    size_t index;
};

static int compare_entries(const void *a, const void *b, void *type)
{
    const struct entry *x = a, *y = b;
    int order = cql_value_compare(type, x->key, y->key);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static struct bytes normal_entries(const struct cql_type *type, struct bytes value,
                                   struct arena *arena)
{
    struct cql_items items = cql_items_of(type, value);
    bool map = type->kind == CQL_MAP;
    size_t count = items.left / (map ? 2 : 1);
    struct entry *entries = mem_alloc((count + 1) * sizeof *entries);
    size_t used = 0;
    struct bytes element;
    while (used < count && cql_items_next(&items, &element)) {
        entries[used] =
            (struct entry){cql_value_normalize(type->params[0], element, arena), BYTES_NULL, used};
        if (map) {
            if (!cql_items_next(&items, &element))
                break;
            entries[used].value = cql_value_normalize(type->params[1], element, arena);
        }
        used++;
    }
    qsort_r(entries, used, sizeof *entries, compare_entries, (void *)(uintptr_t)type->params[0]);
    struct str out = {0};
    size_t begin = cql_items_begin(&out), kept = 0;
    for (size_t i = 0; i < used; i++) {
        if (i + 1 < used &&
            cql_value_compare(type->params[0], entries[i].key, entries[i + 1].key) == 0)
            continue;
        cql_items_add(&out, entries[i].key);
        if (map)
            cql_items_add(&out, entries[i].value);
        kept++;
    }
    cql_items_end(&out, begin, kept);
    struct bytes normal = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    mem_free(entries);
    return normal;
}

static bool has_entries(const struct cql_type *type)
{
    if (type->kind == CQL_SET || type->kind == CQL_MAP)
        return true;
    for (size_t i = 0; i < type->param_count; i++) {
        if (has_entries(type->params[i]))
            return true;
    }
    return false;
}

struct bytes cql_value_normalize(const struct cql_type *type, struct bytes value,
                                 struct arena *arena)
{
    if (!value.ptr || value.size == 0 || type->param_count == 0 || !has_entries(type))
        return value;
    if (type->kind == CQL_SET || type->kind == CQL_MAP)
        return normal_entries(type, value, arena);
    bool tuple = type->kind != CQL_LIST;
    struct str out = {0};
    struct cql_items items = cql_items_of(type, value);
    size_t count = 0;
    if (!tuple)
        cql_items_begin(&out);
    struct bytes element;
    for (; cql_items_next(&items, &element); count++)
        cql_items_add(&out, cql_value_normalize(type->params[tuple ? count : 0], element, arena));
    if (!tuple)
        cql_items_end(&out, 0, count);
    struct bytes normal = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return normal;
}
