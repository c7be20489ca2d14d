// SPDX-License-Identifier: Apache-2.0
//
// CAST and arithmetic. Integers are computed in 64 bits with overflow checks, floats in double; the
// result takes the wider of the two types, a float beside an integer of 32 or 64 bits becomes
// double (Cassandra's rule).
#include "tables/term.h"

#include "wire/cql/number.h"

#include <math.h>
#include <stdlib.h>

// Rank by width among integers; 0 for anything else.
static int integer_rank(enum cql_kind kind)
{
    switch ((int)kind) {
    case CQL_TINYINT:
        return 1;
    case CQL_SMALLINT:
        return 2;
    case CQL_INT:
        return 3;
    case CQL_BIGINT:
    case CQL_COUNTER:
        return 4;
    case CQL_VARINT:
        return 5;
    default:
        return 0;
    }
}

static bool is_float(enum cql_kind kind)
{
    return kind == CQL_FLOAT || kind == CQL_DOUBLE;
}

static bool is_number(enum cql_kind kind)
{
    return integer_rank(kind) || is_float(kind) || kind == CQL_DECIMAL;
}

const struct cql_type *arith_type(char op, const struct cql_type *a, const struct cql_type *b)
{
    static const enum cql_kind ranks[] = {0,       CQL_TINYINT, CQL_SMALLINT,
                                          CQL_INT, CQL_BIGINT,  CQL_VARINT};
    (void)op;
    if (!is_number(a->kind) || !is_number(b->kind))
        return NULL;
    int x = integer_rank(a->kind), y = integer_rank(b->kind);
    if (x && y)
        return cql_type_scalar(ranks[x > y ? x : y]);
    if (a->kind == CQL_DECIMAL || b->kind == CQL_DECIMAL)
        return cql_type_scalar(CQL_DECIMAL);
    if (x == 5 || y == 5)
        return cql_type_scalar(CQL_DECIMAL);
    bool narrow = (a->kind == CQL_FLOAT || (x && x < 3)) && (b->kind == CQL_FLOAT || (y && y < 3));
    return cql_type_scalar(narrow ? CQL_FLOAT : CQL_DOUBLE);
}

static int64_t integer_of(struct bytes value)
{
    uint64_t bits = value.size && (value.ptr[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < value.size; i++)
        bits = bits << 8 | value.ptr[i];
    return (int64_t)bits;
}

static double double_of(enum cql_kind kind, struct bytes value)
{
    if (kind == CQL_DOUBLE) {
        uint64_t bits = (uint64_t)integer_of(value);
        double number;
        memcpy(&number, &bits, sizeof number);
        return number;
    }
    if (kind == CQL_FLOAT) {
        uint32_t bits = (uint32_t)integer_of(value);
        float number;
        memcpy(&number, &bits, sizeof number);
        return (double)number;
    }
    if (kind == CQL_DECIMAL)
        return cql_decimal_to_double(value);
    int64_t small;
    if (kind != CQL_VARINT || cql_varint_to_i64(value, &small))
        return kind == CQL_VARINT ? (double)small : (double)integer_of(value);
    struct str digits = {0};
    cql_varint_write(&digits, value);
    double number = strtod(str_text(&digits), NULL);
    str_release(&digits);
    return number;
}

static struct bytes put_bits(struct arena *arena, uint64_t bits, size_t width)
{
    uint8_t *bytes = arena_alloc(arena, width);
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(bits >> (8 * (width - 1 - i)));
    return bytes_make(bytes, width);
}

static struct bytes put_double(struct arena *arena, enum cql_kind kind, double value)
{
    if (kind == CQL_FLOAT) {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        return put_bits(arena, bits, 4);
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_bits(arena, bits, 8);
}

static struct bytes put_text(struct arena *arena, const struct cql_type *type, const char *text)
{
    struct str out = {0};
    struct bytes value = BYTES_NULL;
    if (cql_value_text(&out, type, bytes_from(text), NULL) == ERR_OK)
        value = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return value;
}

static struct bytes put_integer(struct arena *arena, enum cql_kind kind, int64_t value)
{
    if (kind != CQL_VARINT)
        return put_bits(arena, (uint64_t)value, cql_kind_width(kind));
    struct str out = {0};
    cql_varint_from_i64(&out, value);
    struct bytes bytes = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return bytes;
}

static bool fits_width(int64_t value, enum cql_kind kind)
{
    int bits = (int)cql_kind_width(kind) * 8;
    return bits == 64 || kind == CQL_VARINT ||
           (value >= -(INT64_C(1) << (bits - 1)) && value < INT64_C(1) << (bits - 1));
}

static bool integers(char op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case '+':
        return !__builtin_add_overflow(a, b, out);
    case '-':
        return !__builtin_sub_overflow(a, b, out);
    case '*':
        return !__builtin_mul_overflow(a, b, out);
    default:
        if (b == 0 || (a == INT64_MIN && b == -1))
            return false;
        *out = op == '/' ? a / b : a % b;
        return true;
    }
}

static double doubles(char op, double a, double b)
{
    return op == '+'   ? a + b
           : op == '-' ? a - b
           : op == '*' ? a * b
           : op == '/' ? a / b
                       : fmod(a, b);
}

err_t arith_eval(char op, const struct cql_type *a_type, struct bytes a,
                 const struct cql_type *b_type, struct bytes b, struct arena *arena,
                 struct bytes *out, struct diag *diag)
{
    *out = BYTES_NULL;
    const struct cql_type *type = arith_type(op, a_type, b_type);
    if (!type)
        return FAIL(diag, ERR_INVALID, "the '%c' operation is not supported between %s and %s", op,
                    cql_kind_name(a_type->kind), cql_kind_name(b_type->kind));
    if (a.size == 0 || b.size == 0)
        return ERR_OK;
    if (is_float(type->kind)) {
        *out = put_double(arena, type->kind,
                          doubles(op, double_of(a_type->kind, a), double_of(b_type->kind, b)));
        return ERR_OK;
    }
    int64_t x, y, result;
    bool small = type->kind != CQL_DECIMAL;
    small = small &&
            (a_type->kind != CQL_VARINT ? (x = integer_of(a), true) : cql_varint_to_i64(a, &x));
    small = small &&
            (b_type->kind != CQL_VARINT ? (y = integer_of(b), true) : cql_varint_to_i64(b, &y));
    if (!small)
        return FAIL(diag, ERR_INVALID,
                    "arithmetic on decimal and on varint beyond 64 bits is not "
                    "supported");
    if (!integers(op, x, y, &result) || !fits_width(result, type->kind))
        return FAIL(diag, ERR_INVALID, "The operation '%s %c %s' failed: %s",
                    cql_kind_name(a_type->kind), op, cql_kind_name(b_type->kind),
                    y == 0 && (op == '/' || op == '%') ? "/ by zero" : "overflow");
    *out = put_integer(arena, type->kind, result);
    return ERR_OK;
}

// --- CAST ----------------------------------------------------------------------------------------
static bool is_text(enum cql_kind kind)
{
    return kind == CQL_VARCHAR || kind == CQL_ASCII;
}

bool term_cast_allowed(const struct cql_type *to, const struct cql_type *from)
{
    if (cql_type_equal(to, from))
        return true;
    if (from->kind > CQL_DURATION || to->kind > CQL_DURATION)
        return false;
    if (is_text(to->kind))
        return from->kind != CQL_BLOB && (to->kind == CQL_VARCHAR || from->kind != CQL_VARCHAR);
    if (is_number(from->kind))
        return is_number(to->kind) && to->kind != CQL_COUNTER;
    if (from->kind == CQL_TIMEUUID)
        return to->kind == CQL_TIMESTAMP || to->kind == CQL_DATE || to->kind == CQL_UUID;
    return (from->kind == CQL_TIMESTAMP && to->kind == CQL_DATE) ||
           (from->kind == CQL_DATE && to->kind == CQL_TIMESTAMP);
}

static struct bytes cast_text(const struct cql_type *from, struct bytes value, struct arena *arena)
{
    struct str text = {0};
    cql_value_write_json(&text, from, value);
    if (from->kind == CQL_TIMESTAMP && text.size > 11 && text.ptr[11] == ' ')
        text.ptr[11] = 'T';
    bool quoted = text.size >= 2 && text.ptr[0] == '"';
    struct bytes out =
        arena_bytes(arena, bytes_make(text.ptr + quoted, text.size - (quoted ? 2 : 0)));
    if (is_text(from->kind))
        out = value;
    str_release(&text);
    return out;
}

static int64_t to_integer(double value, enum cql_kind kind)
{
    int bits = kind == CQL_VARINT ? 64 : kind == CQL_BIGINT ? 64 : 32; // as Java narrows
    double low = -ldexp(1, bits - 1), high = ldexp(1, bits - 1);
    if (isnan(value))
        return 0;
    if (value >= high)
        return bits == 64 ? INT64_MAX : INT32_MAX;
    return value < low ? (bits == 64 ? INT64_MIN : INT32_MIN) : (int64_t)value;
}

static struct bytes cast_number(const struct cql_type *to, const struct cql_type *from,
                                struct bytes value, struct arena *arena)
{
    if (is_float(to->kind))
        return put_double(arena, to->kind, double_of(from->kind, value));
    bool exact = integer_rank(from->kind) != 0;
    int64_t number = 0;
    if (to->kind == CQL_DECIMAL || (to->kind == CQL_VARINT && exact)) {
        struct str text = {0};
        cql_value_write_json(&text, from, value);
        struct bytes out = put_text(arena, to, str_text(&text));
        str_release(&text);
        return out;
    }
    if (exact && from->kind != CQL_VARINT)
        number = integer_of(value);
    else if (!exact || !cql_varint_to_i64(value, &number))
        number = to_integer(double_of(from->kind, value), to->kind);
    return put_integer(arena, to->kind, number);
}

err_t term_cast_value(const struct cql_type *to, const struct cql_type *from, struct bytes value,
                      struct arena *arena, struct bytes *out, struct diag *diag)
{
    *out = value;
    if (!term_cast_allowed(to, from))
        return FAIL(diag, ERR_INVALID, "%s cannot be cast to %s", cql_kind_name(from->kind),
                    cql_kind_name(to->kind));
    if (!value.ptr || cql_type_equal(to, from) || (value.size == 0 && !is_text(to->kind)))
        return ERR_OK;
    if (is_text(to->kind)) {
        *out = cast_text(from, value, arena);
    } else if (is_number(from->kind)) {
        *out = cast_number(to, from, value, arena);
    } else if (to->kind != CQL_UUID) {
        const struct function_info *info =
            function_find(to->kind == CQL_DATE ? "todate" : "totimestamp", 1);
        struct term_context context = {.arena = arena};
        return function_eval(info, &context, &from, &value, out, diag);
    }
    return ERR_OK;
}
