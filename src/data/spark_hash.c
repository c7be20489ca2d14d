// SPDX-License-Identifier: Apache-2.0
//
// Spark's Murmur3_x86_32 differs from the published one in the tail: each byte left over is mixed
// as its own word. Booleans, bytes, shorts, ints, dates and floats hash as 4 bytes, longs,
// timestamps and doubles as 8; -0.0 hashes as 0.0; decimals up to 18 digits as their unscaled long,
// longer ones as the bytes of their BigInteger.
#include "data/spark_hash.h"

struct kind { // one of the two functions
    bool xx;
};

static uint32_t rotate32(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static uint64_t rotate64(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static uint32_t murmur_mix(uint32_t hash, uint32_t word)
{
    word = rotate32(word * 0xcc9e2d51U, 15) * 0x1b873593U;
    return rotate32(hash ^ word, 13) * 5 + 0xe6546b64U;
}

static uint32_t murmur_finish(uint32_t hash, uint32_t size)
{
    hash ^= size;
    hash = (hash ^ hash >> 16) * 0x85ebca6bU;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35U;
    return hash ^ hash >> 16;
}

static uint32_t murmur_bytes(uint32_t seed, struct bytes bytes)
{
    uint32_t hash = seed;
    size_t whole = bytes.size & ~(size_t)3;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t word;
        memcpy(&word, bytes.ptr + i, 4);
        hash = murmur_mix(hash, word);
    }
    for (size_t i = whole; i < bytes.size; i++)
        hash = murmur_mix(hash, (uint32_t)(int32_t)(int8_t)bytes.ptr[i]);
    return murmur_finish(hash, (uint32_t)bytes.size);
}

#define P1 0x9E3779B185EBCA87ULL
#define P2 0xC2B2AE3D27D4EB4FULL
#define P3 0x165667B19E3779F9ULL
#define P4 0x85EBCA77C2B2AE63ULL
#define P5 0x27D4EB2F165667C5ULL

static uint64_t xx_finish(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * P2;
    hash = (hash ^ hash >> 29) * P3;
    return hash ^ hash >> 32;
}

static uint64_t xx_round(uint64_t acc, uint64_t word)
{
    return rotate64(acc + word * P2, 31) * P1;
}

static uint64_t xx_word(uint64_t hash, uint64_t word)
{
    return rotate64(hash ^ xx_round(0, word), 27) * P1 + P4;
}

static uint64_t xx_half(uint64_t hash, uint32_t word)
{
    return rotate64(hash ^ word * P1, 23) * P2 + P3;
}

static uint64_t read64(const uint8_t *ptr)
{
    uint64_t word;
    memcpy(&word, ptr, 8);
    return word;
}

static uint64_t xx_bytes(uint64_t seed, struct bytes bytes)
{
    const uint8_t *t = bytes.ptr, *end = t + bytes.size;
    uint64_t hash = seed + P5;
    if (bytes.size >= 32) {
        uint64_t v[4] = {seed + P1 + P2, seed + P2, seed, seed - P1};
        for (; end - t >= 32; t += 32)
            for (int i = 0; i < 4; i++)
                v[i] = xx_round(v[i], read64(t + 8 * i));
        hash = rotate64(v[0], 1) + rotate64(v[1], 7) + rotate64(v[2], 12) + rotate64(v[3], 18);
        for (int i = 0; i < 4; i++)
            hash = (hash ^ xx_round(0, v[i])) * P1 + P4;
    }
    hash += bytes.size;
    for (; end - t >= 8; t += 8)
        hash = xx_word(hash, read64(t));
    if (end - t >= 4) {
        uint32_t word;
        memcpy(&word, t, 4);
        hash = xx_half(hash, word);
        t += 4;
    }
    for (; t < end; t++)
        hash = rotate64(hash ^ *t * P5, 11) * P1;
    return xx_finish(hash);
}

static uint64_t hash_int(struct kind kind, uint64_t seed, int32_t value)
{
    if (kind.xx)
        return xx_finish(xx_half(seed + P5 + 4, (uint32_t)value));
    return murmur_finish(murmur_mix((uint32_t)seed, (uint32_t)value), 4);
}

static uint64_t hash_long(struct kind kind, uint64_t seed, int64_t value)
{
    if (kind.xx)
        return xx_finish(xx_word(seed + P5 + 8, (uint64_t)value));
    uint32_t hash = murmur_mix((uint32_t)seed, (uint32_t)value);
    return murmur_finish(murmur_mix(hash, (uint32_t)((uint64_t)value >> 32)), 8);
}

static uint64_t hash_text(struct kind kind, uint64_t seed, struct bytes bytes)
{
    return kind.xx ? xx_bytes(seed, bytes) : murmur_bytes((uint32_t)seed, bytes);
}

// The shortest two's complement of the value, most significant byte first.
static uint64_t hash_decimal(struct kind kind, uint64_t seed, int128_t value, int precision)
{
    if (precision <= 18)
        return hash_long(kind, seed, (int64_t)value);
    uint8_t bytes[16];
    for (int i = 0; i < 16; i++)
        bytes[i] = (uint8_t)((uint128_t)value >> (8 * (15 - i)));
    size_t skip = 0;
    while (skip < 15 && ((bytes[skip] == 0 && bytes[skip + 1] < 0x80) ||
                         (bytes[skip] == 0xff && bytes[skip + 1] >= 0x80)))
        skip++;
    return hash_text(kind, seed, bytes_make(bytes + skip, 16 - skip));
}

static uint64_t hash_double(struct kind kind, uint64_t seed, double value)
{
    int64_t bits;
    value = value == 0 ? 0.0 : value; // -0.0
    memcpy(&bits, &value, 8);
    if (value != value)
        bits = 0x7ff8000000000000LL;
    return hash_long(kind, seed, bits);
}

static uint64_t hash_float(struct kind kind, uint64_t seed, float value)
{
    int32_t bits;
    value = value == 0 ? 0.0F : value;
    memcpy(&bits, &value, 4);
    if (value != value)
        bits = 0x7fc00000;
    return hash_int(kind, seed, bits);
}

static uint64_t hash_value(struct kind kind, uint64_t seed, const struct column *column, size_t row)
{
    if (column_is_null(column, row))
        return seed;
    switch (column->type->kind) {
    case TYPE_NULL:
        break;
    case TYPE_BOOLEAN:
        return hash_int(kind, seed, column->booleans[row]);
    case TYPE_BYTE:
        return hash_int(kind, seed, column->bytes8[row]);
    case TYPE_SHORT:
        return hash_int(kind, seed, column->shorts[row]);
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_INTERVAL_YM:
        return hash_int(kind, seed, column->ints[row]);
    case TYPE_LONG:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
    case TYPE_INTERVAL_DT:
        return hash_long(kind, seed, column->longs[row]);
    case TYPE_FLOAT:
        return hash_float(kind, seed, column->floats[row]);
    case TYPE_DOUBLE:
        return hash_double(kind, seed, column->doubles[row]);
    case TYPE_DECIMAL:
        return hash_decimal(kind, seed, column->decimals[row], column->type->precision);
    case TYPE_STRING:
    case TYPE_BINARY:
        return hash_text(kind, seed, column->strings[row]);
    case TYPE_INTERVAL: {
        struct interval i = column->intervals[row];
        return hash_int(kind, hash_int(kind, hash_long(kind, seed, i.us), i.days), i.months);
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
        for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++)
            for (size_t f = 0; f < column->type->field_count; f++)
                seed = hash_value(kind, seed, &column->children[f], (size_t)i);
        break;
    case TYPE_STRUCT:
        for (size_t f = 0; f < column->type->field_count; f++)
            seed = hash_value(kind, seed, &column->children[f], row);
        break;
    }
    return seed;
}

void spark_murmur3(int32_t *hashes, const struct column *column)
{
    for (size_t row = 0; row < column->count; row++)
        hashes[row] = (int32_t)hash_value((struct kind){false}, (uint32_t)hashes[row], column, row);
}

void spark_xxhash64(int64_t *hashes, const struct column *column)
{
    for (size_t row = 0; row < column->count; row++)
        hashes[row] = (int64_t)hash_value((struct kind){true}, (uint64_t)hashes[row], column, row);
}
