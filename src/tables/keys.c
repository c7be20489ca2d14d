// SPDX-License-Identifier: Apache-2.0
//
// Key form:
//
//     table (4, big-endian) · token (8, big-endian, sign bit flipped) · partition key, escaped ·
//     kind (1) · rest
//
//     rest of a row             its clustering components, one behind the other
//     rest of a range deletion  size of lower (2) · lower · upper
//     rest of the others        empty
//
// Escaped bytes: 00 becomes 00 FF, the end is 00 00; so a shorter string sorts before its
// extensions.
//
// Component: 01 = empty value; 02 and the body of its type. All bytes inverted where the column is
// DESC. No body can be mistaken for the beginning of another, and no component begins with FF, so
// `prefix FF` stands behind everything that begins with prefix: bounds over leading components are
// plain byte strings.
//
//     integers, timestamp, time   big-endian, sign bit flipped            date, boolean   as
//     serialised float, double               sign bit flipped, negatives inverted; all NaN are one,
//     above +inf text, ascii, blob, inet     escaped uuid      version nibble first; version 1 then
//     by its timestamp, others by their bytes; then the rest timeuuid  timestamp, then the low half
//     with each byte's sign flipped (Cassandra compares it signed) varint    01 size (4) bytes for
//     >= 0, 00 inverted size (4) bytes below; two's complement, shortest decimal   see
//     decimal_put() tuple, frozen list, set, map   per element 01 for null or 02 and its component;
//     00 at the end
//
// (Compare apache/cassandra ByteComparable.md, which does the same for every type.)

#include "tables/keys.h"

#include "tables/token.h"

#include <assert.h>

enum { EMPTY = 0x01, PRESENT = 0x02 };
enum { ITEMS_END = 0x00, ITEM_NULL = 0x01, ITEM = 0x02 };

static void put_be(struct str *out, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    str_append(out, bytes, size);
}

static uint64_t get_be(const uint8_t *ptr, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | ptr[i];
    return value;
}

static void put_escaped(struct str *out, struct bytes bytes)
{
    str_reserve(out, 2 * bytes.size + 2);
    uint8_t *at = (uint8_t *)out->ptr + out->size;
    for (size_t i = 0; i < bytes.size; i++) {
        *at++ = bytes.ptr[i];
        if (bytes.ptr[i] == 0)
            *at++ = 0xff;
    }
    *at++ = 0;
    *at++ = 0;
    out->size = (size_t)(at - (uint8_t *)out->ptr);
}

// Size of the escaped string at the start of `bytes`, with its end; 0 if it has none.
static size_t escaped_size(struct bytes bytes)
{
    size_t at = 0;
    while (at < bytes.size) {
        const uint8_t *zero = memchr(bytes.ptr + at, 0, bytes.size - at);
        if (!zero || (size_t)(zero - bytes.ptr) + 1 >= bytes.size)
            return 0;
        at = (size_t)(zero - bytes.ptr) + 2;
        if (zero[1] == 0)
            return at;
        if (zero[1] != 0xff)
            return 0;
    }
    return 0;
}

void key_unescape(struct str *out, struct bytes escaped)
{
    for (size_t i = 0; i + 2 < escaped.size; i++) {
        str_append_byte(out, (char)escaped.ptr[i]);
        if (escaped.ptr[i] == 0)
            i++;
    }
}

// --- the partition ---

void key_table(struct str *out, uint32_t table)
{
    put_be(out, table, 4);
}

void key_token(struct str *out, uint32_t table, int64_t token)
{
    put_be(out, table, 4);
    put_be(out, (uint64_t)token ^ UINT64_C(1) << 63, 8);
}

void key_partition(struct str *out, uint32_t table, struct bytes partition_key)
{
    key_token(out, table, token_of(partition_key));
    put_escaped(out, partition_key);
}

void key_kind(struct str *out, enum key_kind kind)
{
    str_append_byte(out, (char)kind);
}

size_t key_prefix_size(struct bytes key)
{
    if (key.size <= KEY_TOKEN_BYTES)
        return 0;
    size_t size = escaped_size(bytes_make(key.ptr + KEY_TOKEN_BYTES, key.size - KEY_TOKEN_BYTES));
    return size ? KEY_TOKEN_BYTES + size : 0;
}

bool key_split(struct key_parts *parts, struct bytes key)
{
    size_t prefix = key_prefix_size(key);
    if (prefix == 0 || key.size <= prefix)
        return false;
    *parts = (struct key_parts){
        .table = (uint32_t)get_be(key.ptr, 4),
        .token = (int64_t)(get_be(key.ptr + 4, 8) ^ UINT64_C(1) << 63),
        .prefix_size = prefix,
        .escaped = bytes_make(key.ptr + KEY_TOKEN_BYTES, prefix - KEY_TOKEN_BYTES),
        .kind = (enum key_kind)key.ptr[prefix],
        .clustering = bytes_make(key.ptr + prefix + 1, key.size - prefix - 1),
    };
    return parts->kind >= KEY_PARTITION_DELETION && parts->kind <= KEY_ROW;
}

void partition_key_join(struct str *out, const struct bytes *values, size_t count)
{
    if (count == 1) {
        str_append_bytes(out, values[0]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        put_be(out, values[i].size, 2);
        str_append_bytes(out, values[i]);
        str_append_byte(out, 0);
    }
}

bool partition_key_split(struct bytes *values, size_t count, struct bytes key)
{
    if (count == 1) {
        values[0] = key;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (key.size < 3)
            return false;
        size_t size = (size_t)get_be(key.ptr, 2);
        if (key.size < size + 3)
            return false;
        values[i] = bytes_make(key.ptr + 2, size);
        key = bytes_make(key.ptr + size + 3, key.size - size - 3);
    }
    return key.size == 0;
}

void key_range(struct str *out, struct bytes lower, struct bytes upper)
{
    assert(lower.size <= UINT16_MAX * 4u);
    put_be(out, lower.size, 4);
    str_append_bytes(out, lower);
    str_append_bytes(out, upper);
}

bool key_range_split(struct bytes clustering, struct bytes *lower, struct bytes *upper)
{
    if (clustering.size < 4)
        return false;
    size_t size = (size_t)get_be(clustering.ptr, 4);
    if (size > clustering.size - 4)
        return false;
    *lower = bytes_make(clustering.ptr + 4, size);
    *upper = bytes_make(clustering.ptr + 4 + size, clustering.size - 4 - size);
    return true;
}

// --- decimals ---

// A decimal is sign · 0.d1d2… · 10^exponent with d1 != 0 and the last digit != 0. Its body: 00
// negative, 01 zero, 02 positive; then (not for zero) the exponent, sign bit flipped, 8 bytes, and
// digits + 1, ended by 00; these inverted for a negative number. Digits are found by dividing the
// magnitude by 10^9 again and again.
#define LIMB_BASE UINT64_C(1000000000)

static void decimal_digits(struct str *digits, struct bytes unscaled, bool negative)
{
    struct str limbs = {0}; // magnitude, big-endian, base 2^8; divided in place
    str_append_bytes(&limbs, unscaled);
    uint8_t *bytes = (uint8_t *)limbs.ptr;
    if (negative) {
        unsigned carry = 1;
        for (size_t i = limbs.size; i-- > 0;) {
            carry += (uint8_t)~bytes[i];
            bytes[i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    size_t start = 0;
    while (start < limbs.size) {
        uint64_t rest = 0;
        for (size_t i = start; i < limbs.size; i++) {
            rest = rest << 8 | bytes[i];
            bytes[i] = (uint8_t)(rest / LIMB_BASE);
            rest %= LIMB_BASE;
        }
        while (start < limbs.size && bytes[start] == 0)
            start++;
        for (int i = 0; i < 9; i++, rest /= 10)
            str_append_byte(digits, (char)('0' + rest % 10));
    }
    str_release(&limbs);
    for (size_t i = 0, j = digits->size; i + 1 < j; i++) { // most significant first
        char swap = digits->ptr[i];
        digits->ptr[i] = digits->ptr[--j];
        digits->ptr[j] = swap;
    }
}

static void decimal_put(struct str *out, struct bytes value)
{
    int64_t scale = (int32_t)get_be(value.ptr, 4);
    struct bytes unscaled = bytes_make(value.ptr + 4, value.size - 4);
    bool negative = unscaled.size > 0 && unscaled.ptr[0] & 0x80;
    struct str digits = {0};
    decimal_digits(&digits, unscaled, negative);
    size_t first = 0, end = digits.size;
    while (first < end && digits.ptr[first] == '0')
        first++;
    while (end > first && digits.ptr[end - 1] == '0')
        end--;
    if (first == end) {
        str_append_byte(out, 1);
    } else {
        str_append_byte(out, negative ? 0 : 2);
        size_t start = out->size;
        int64_t exponent = (int64_t)(digits.size - first) - scale;
        put_be(out, (uint64_t)exponent ^ UINT64_C(1) << 63, 8);
        for (size_t i = first; i < end; i++)
            str_append_byte(out, (char)(digits.ptr[i] - '0' + 1));
        str_append_byte(out, 0);
        for (size_t i = start; negative && i < out->size; i++)
            out->ptr[i] = (char)~out->ptr[i];
    }
    str_release(&digits);
}

// Back to scale and shortest two's complement; trailing zeros of the original are not known here.
static bool decimal_take(struct bytes *at, struct str *out)
{
    if (at->size < 1)
        return false;
    uint8_t sign = at->ptr[0];
    if (sign == 1) {
        *at = bytes_make(at->ptr + 1, at->size - 1);
        str_append(out, "\0\0\0\0\0", 5);
        return true;
    }
    uint8_t flip = sign == 0 ? 0xff : 0;
    const uint8_t *end = at->size < 10 ? NULL : memchr(at->ptr + 9, flip, at->size - 9);
    if (sign > 2 || !end)
        return false;
    uint64_t exponent = get_be(at->ptr + 1, 8) ^ UINT64_C(1) << 63;
    if (flip)
        exponent = ~exponent;
    if (flip) // the sign bit was flipped before the inversion
        exponent = (get_be(at->ptr + 1, 8) ^ UINT64_MAX) ^ UINT64_C(1) << 63;
    struct str bytes = {0}; // little-endian magnitude
    size_t count = 0;
    for (const uint8_t *digit = at->ptr + 9; digit < end; digit++, count++) {
        unsigned carry = (uint8_t)((*digit ^ flip) - 1);
        for (size_t i = 0; i < bytes.size; i++) {
            carry += (uint8_t)bytes.ptr[i] * 10u;
            bytes.ptr[i] = (char)carry;
            carry >>= 8;
        }
        if (carry)
            str_append_byte(&bytes, (char)carry);
    }
    if (bytes.size == 0 || (uint8_t)bytes.ptr[bytes.size - 1] & 0x80)
        str_append_byte(&bytes, 0);
    put_be(out, (uint32_t)((int64_t)count - (int64_t)exponent), 4);
    unsigned carry = 1;
    for (size_t i = 0; flip && i < bytes.size; i++) {
        carry += (uint8_t)~bytes.ptr[i];
        bytes.ptr[i] = (char)carry;
        carry >>= 8;
    }
    for (size_t i = bytes.size; i-- > 0;)
        str_append_byte(out, bytes.ptr[i]);
    str_release(&bytes);
    *at = bytes_make(end + 1, (size_t)(at->ptr + at->size - end) - 1);
    return true;
}

// --- varints ---

static void varint_put(struct str *out, struct bytes value)
{
    while (value.size > 1 && ((value.ptr[0] == 0 && !(value.ptr[1] & 0x80)) ||
                              (value.ptr[0] == 0xff && value.ptr[1] & 0x80)))
        value = bytes_make(value.ptr + 1, value.size - 1);
    bool negative = value.ptr[0] & 0x80;
    str_append_byte(out, negative ? 0 : 1);
    put_be(out, negative ? ~(uint64_t)value.size : (uint64_t)value.size, 4);
    str_append_bytes(out, value);
}

static bool varint_take(struct bytes *at, struct str *out)
{
    if (at->size < 5 || at->ptr[0] > 1)
        return false;
    uint32_t size = (uint32_t)get_be(at->ptr + 1, 4);
    if (at->ptr[0] == 0)
        size = ~size;
    if (size > at->size - 5)
        return false;
    str_append(out, at->ptr + 5, size);
    *at = bytes_make(at->ptr + 5 + size, at->size - 5 - size);
    return true;
}

// --- fixed widths ---

static uint64_t float_put(uint64_t bits, size_t size)
{
    assert(size == 4 || size == 8);
    uint64_t top = UINT64_C(1) << (8 * size - 1);
    uint64_t infinity = size == 4 ? UINT64_C(0x7f800000) : UINT64_C(0x7ff0000000000000);
    uint64_t quiet = size == 4 ? UINT64_C(0x7fc00000) : UINT64_C(0x7ff8000000000000);
    if ((bits & (top - 1)) > infinity)
        bits = quiet;
    return bits & top ? ~bits : bits ^ top;
}

static uint64_t float_take(uint64_t bits, size_t size)
{
    assert(size == 4 || size == 8);
    uint64_t top = UINT64_C(1) << (8 * size - 1);
    return bits & top ? bits ^ top : ~bits;
}

// Time first: the high half of a version 1 uuid with its three fields in order of weight.
static uint64_t time_first(uint64_t high)
{
    return high << 48 | (high << 16 & UINT64_C(0xffff00000000)) | high >> 32;
}

static uint64_t time_last(uint64_t ordered)
{
    return ordered >> 48 | (ordered >> 16 & UINT64_C(0xffff0000)) | ordered << 32;
}

static uint64_t version_first(uint64_t high)
{
    return (high >> 12 & 0xf) << 60 | high >> 16 << 12 | (high & 0xfff);
}

static uint64_t version_back(uint64_t ordered)
{
    return (ordered >> 12 & UINT64_C(0xffffffffffff)) << 16 | ordered >> 60 << 12 |
           (ordered & 0xfff);
}

#define SIGNS UINT64_C(0x8080808080808080)

static void uuid_put(struct str *out, const uint8_t *uuid, bool by_time)
{
    uint64_t high = get_be(uuid, 8), low = get_be(uuid + 8, 8);
    bool timed = by_time || (high >> 12 & 0xf) == 1;
    put_be(out, timed ? time_first(high) : version_first(high), 8);
    put_be(out, by_time ? low ^ SIGNS : low, 8);
}

static void uuid_take(struct str *out, const uint8_t *ptr, bool by_time)
{
    uint64_t high = get_be(ptr, 8), low = get_be(ptr + 8, 8);
    bool timed = by_time || high >> 60 == 1;
    put_be(out, timed ? time_last(high) : version_back(high), 8);
    put_be(out, by_time ? low ^ SIGNS : low, 8);
}

// Width of the body of a fixed-width kind, 0 for the others.
static size_t width_of(enum cql_kind kind)
{
    size_t width = cql_kind_width(kind);
    return width <= 16 ? width : 0;
}

static bool put_fixed(struct str *out, enum cql_kind kind, struct bytes value)
{
    size_t width = width_of(kind);
    if (width == 0 || value.size != width)
        return false;
    if (kind == CQL_UUID || kind == CQL_TIMEUUID) {
        uuid_put(out, value.ptr, kind == CQL_TIMEUUID);
        return true;
    }
    uint64_t bits = get_be(value.ptr, width);
    if (kind == CQL_FLOAT || kind == CQL_DOUBLE)
        bits = float_put(bits, width);
    else if (kind != CQL_BOOLEAN && kind != CQL_DATE)
        bits ^= UINT64_C(1) << (8 * width - 1);
    put_be(out, bits, width);
    return true;
}

static bool take_fixed(struct bytes *at, enum cql_kind kind, struct str *out)
{
    size_t width = width_of(kind);
    assert(width > 0);
    if (at->size < width)
        return false;
    if (kind == CQL_UUID || kind == CQL_TIMEUUID) {
        uuid_take(out, at->ptr, kind == CQL_TIMEUUID);
    } else {
        uint64_t bits = get_be(at->ptr, width);
        if (kind == CQL_FLOAT || kind == CQL_DOUBLE)
            bits = float_take(bits, width);
        else if (kind != CQL_BOOLEAN && kind != CQL_DATE)
            bits ^= UINT64_C(1) << (8 * width - 1);
        put_be(out, bits, width);
    }
    *at = bytes_make(at->ptr + width, at->size - width);
    return true;
}

// --- components ---

static void put_value(struct str *out, const struct cql_type *type, struct bytes value);

static bool has_items(const struct cql_type *type)
{
    return cql_type_is_collection(type) || type->kind == CQL_TUPLE || type->kind == CQL_UDT;
}

// The type of element `index` of a collection or tuple; NULL when there is none.
static const struct cql_type *item_type(const struct cql_type *type, size_t index)
{
    if (type->kind == CQL_LIST || type->kind == CQL_SET)
        return type->params[0];
    if (type->kind == CQL_MAP)
        return type->params[index % 2];
    return index < type->param_count ? type->params[index] : NULL;
}

static void put_items(struct str *out, const struct cql_type *type, struct bytes value)
{
    struct cql_items items = cql_items_of(type, value);
    struct bytes item;
    size_t pending_nulls = 0; // a tuple's trailing nulls are as good as absent
    for (size_t i = 0; cql_items_next(&items, &item) && item_type(type, i); i++) {
        if (!item.ptr) {
            pending_nulls++;
            continue;
        }
        for (; pending_nulls > 0; pending_nulls--)
            str_append_byte(out, ITEM_NULL);
        str_append_byte(out, ITEM);
        put_value(out, item_type(type, i), item);
    }
    str_append_byte(out, ITEMS_END);
}

static void put_value(struct str *out, const struct cql_type *type, struct bytes value)
{
    if (value.size == 0 && type->kind != CQL_VARCHAR && type->kind != CQL_ASCII &&
        type->kind != CQL_BLOB) {
        str_append_byte(out, EMPTY);
        return;
    }
    str_append_byte(out, PRESENT);
    if (has_items(type))
        put_items(out, type, value);
    else if (type->kind == CQL_VARINT)
        varint_put(out, value);
    else if (type->kind == CQL_DECIMAL && value.size > 4)
        decimal_put(out, value);
    else if (!put_fixed(out, type->kind, value))
        put_escaped(out, value);
}

static bool take_value(struct bytes *at, const struct cql_type *type, struct str *out);

static bool take_items(struct bytes *at, const struct cql_type *type, struct str *out)
{
    bool tuple = !cql_type_is_collection(type);
    size_t begin = tuple ? 0 : cql_items_begin(out);
    size_t count = 0;
    struct str item = {0};
    bool fine = true;
    for (;; count++) {
        uint8_t mark = at->size ? at->ptr[0] : ITEM;
        if (at->size)
            *at = bytes_make(at->ptr + 1, at->size - 1);
        const struct cql_type *of = item_type(type, count);
        if (mark == ITEMS_END)
            break;
        str_clear(&item);
        fine = of && mark <= ITEM && (mark == ITEM_NULL || take_value(at, of, &item));
        if (!fine)
            break;
        str_reserve(&item, 1);
        cql_items_add(out, mark == ITEM_NULL ? BYTES_NULL : str_bytes(&item));
    }
    for (; fine && tuple && count < type->param_count; count++)
        cql_items_add(out, BYTES_NULL);
    if (fine && !tuple)
        cql_items_end(out, begin, type->kind == CQL_MAP ? count / 2 : count);
    str_release(&item);
    return fine;
}

static bool take_value(struct bytes *at, const struct cql_type *type, struct str *out)
{
    if (at->size == 0 || at->ptr[0] < EMPTY || at->ptr[0] > PRESENT)
        return false;
    bool empty = at->ptr[0] == EMPTY;
    *at = bytes_make(at->ptr + 1, at->size - 1);
    if (empty)
        return true;
    if (has_items(type))
        return take_items(at, type, out);
    if (type->kind == CQL_VARINT)
        return varint_take(at, out);
    if (type->kind == CQL_DECIMAL)
        return decimal_take(at, out);
    if (width_of(type->kind))
        return take_fixed(at, type->kind, out);
    size_t size = escaped_size(*at);
    if (size == 0)
        return false;
    key_unescape(out, bytes_make(at->ptr, size));
    *at = bytes_make(at->ptr + size, at->size - size);
    return true;
}

void key_component(struct str *out, const struct cql_type *type, bool descending,
                   struct bytes value)
{
    size_t start = out->size;
    put_value(out, type, value);
    for (size_t i = start; descending && i < out->size; i++)
        out->ptr[i] = (char)~out->ptr[i];
}

bool key_component_take(struct bytes *at, const struct cql_type *type, bool descending,
                        struct str *out)
{
    if (!descending)
        return take_value(at, type, out);
    struct str inverted = {0};
    str_append_bytes(&inverted, *at);
    for (size_t i = 0; i < inverted.size; i++)
        inverted.ptr[i] = (char)~inverted.ptr[i];
    struct bytes rest = str_bytes(&inverted);
    bool fine = take_value(&rest, type, out);
    *at = bytes_make(at->ptr + (at->size - rest.size), rest.size);
    str_release(&inverted);
    return fine;
}

bool key_component_is_lossy(const struct cql_type *type)
{
    if (type->kind == CQL_DECIMAL || type->kind == CQL_VARINT)
        return true;
    for (size_t i = 0; i < type->param_count; i++)
        if (key_component_is_lossy(type->params[i]))
            return true;
    return false;
}
