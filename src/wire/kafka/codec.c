// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/codec.h"

#include "wire/kafka/api.h"

const struct kafka_api *kafka_api_find(int16_t key)
{
    for (size_t i = 0; i < kafka_api_count; i++)
        if (kafka_apis[i].key == key)
            return &kafka_apis[i];
    return NULL;
}

// --- reading ---

double kafka_read_float64(struct reader *reader)
{
    uint64_t bits = reader_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct kafka_uuid kafka_read_uuid(struct reader *reader)
{
    struct kafka_uuid uuid = {{0}};
    const uint8_t *ptr = reader_take(reader, sizeof uuid.bytes);
    if (ptr)
        memcpy(uuid.bytes, ptr, sizeof uuid.bytes);
    return uuid;
}

// `size` < 0 is null: any negative size is, as in Kafka.
static struct bytes view(struct reader *reader, int64_t size, int64_t max, bool nullable)
{
    if (size < 0) {
        if (!nullable)
            reader_fail(reader);
        return BYTES_NULL;
    }
    if (size > max) {
        reader_fail(reader);
        return BYTES_NULL;
    }
    return reader_bytes(reader, (size_t)size);
}

static int64_t compact_size(struct reader *reader)
{
    return (int64_t)reader_uvarint(reader, 32) - 1;
}

struct bytes kafka_read_string(struct reader *reader, bool flexible, bool nullable)
{
    int64_t size = flexible ? compact_size(reader) : reader_i16(reader);
    return view(reader, reader->failed ? 0 : size, KAFKA_STRING_MAX, nullable);
}

struct bytes kafka_read_bytes(struct reader *reader, bool flexible, bool nullable)
{
    int64_t size = flexible ? compact_size(reader) : reader_i32(reader);
    return view(reader, reader->failed ? 0 : size, INT32_MAX, nullable);
}

struct kafka_records kafka_read_records(struct reader *reader, bool flexible, bool nullable)
{
    struct bytes bytes = kafka_read_bytes(reader, flexible, nullable);
    return (struct kafka_records){bytes.ptr, bytes.size, NULL};
}

int32_t kafka_read_count(struct reader *reader, bool flexible, bool nullable, size_t item_bytes,
                         const struct arena *arena)
{
    int64_t count = flexible ? compact_size(reader) : reader_i32(reader);
    if (reader->failed)
        return 0;
    if (count < 0 && nullable)
        return -1;
    if (count < 0 || (uint64_t)count > reader_left(reader) ||
        arena->used_bytes + (uint64_t)count * item_bytes > KAFKA_DECODE_MAX_BYTES) {
        reader_fail(reader);
        return 0;
    }
    return (int32_t)count;
}

void *kafka_array(struct arena *arena, int32_t count, size_t item_bytes)
{
    return count > 0 ? arena_zalloc(arena, (size_t)count * item_bytes) : NULL;
}

struct reader kafka_read_tag(struct reader *reader)
{
    uint64_t size = reader_uvarint(reader, 32);
    struct bytes bytes = reader_bytes(reader, size);
    struct reader part = reader_make(bytes);
    part.failed = reader->failed;
    return part;
}

void kafka_skip_tags(struct reader *reader)
{
    uint64_t tags = reader_uvarint(reader, 32);
    for (uint64_t i = 0; i < tags && !reader->failed; i++) {
        reader_uvarint(reader, 32);
        kafka_read_tag(reader);
    }
}

// --- writing ---

void kafka_write_float64(struct str *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    writer_u64(out, bits);
}

void kafka_write_string(struct str *out, bool flexible, bool nullable, struct bytes value)
{
    bool null = !value.ptr && nullable;
    size_t size = value.size > KAFKA_STRING_MAX ? KAFKA_STRING_MAX : value.size;
    if (flexible)
        writer_uvarint(out, null ? 0 : size + 1);
    else
        writer_i16(out, null ? -1 : (int16_t)size);
    str_append(out, value.ptr, size);
}

void kafka_write_bytes(struct str *out, bool flexible, bool nullable, struct bytes value)
{
    bool null = !value.ptr && nullable;
    if (flexible)
        writer_uvarint(out, null ? 0 : value.size + 1);
    else
        writer_i32(out, null ? -1 : (int32_t)value.size);
    str_append(out, value.ptr, value.size);
}

void kafka_write_records(struct str *out, bool flexible, bool nullable, struct kafka_records value)
{
    if (!value.at) {
        kafka_write_bytes(out, flexible, nullable, kafka_records_bytes(value));
        return;
    }
    if (flexible)
        writer_uvarint(out, value.size + 1);
    else
        writer_i32(out, (int32_t)value.size);
    *value.at = out->size;
}

void kafka_write_count(struct str *out, bool flexible, bool nullable, int32_t count)
{
    if (count < 0 && !nullable)
        count = 0;
    if (flexible)
        writer_uvarint(out, (uint32_t)(count + 1));
    else
        writer_i32(out, count);
}

void kafka_write_tag(struct str *out, unsigned tag, const struct str *part)
{
    writer_uvarint(out, tag);
    writer_uvarint(out, part->size);
    str_append(out, part->ptr, part->size);
}

// --- printing ---

// A comma, unless the value is the first in its bracket or follows its name.
static void separate(struct str *out)
{
    char last = out->size ? out->ptr[out->size - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
        str_append_byte(out, ',');
}

void kafka_print_open(struct str *out, char bracket)
{
    separate(out);
    if (bracket == '0')
        str_append_text(out, "null");
    else
        str_append_byte(out, bracket);
}

void kafka_print_close(struct str *out, char bracket)
{
    if (bracket != '0')
        str_append_byte(out, bracket);
}

void kafka_print_name(struct str *out, const char *name)
{
    separate(out);
    str_printf(out, "\"%s\":", name);
}

void kafka_print_int64(struct str *out, int64_t value)
{
    separate(out);
    str_printf(out, "%lld", (long long)value);
}

void kafka_print_bool(struct str *out, bool value)
{
    separate(out);
    str_append_text(out, value ? "true" : "false");
}

void kafka_print_float64(struct str *out, double value)
{
    separate(out);
    str_printf(out, "%g", value);
}

void kafka_print_uuid(struct str *out, struct kafka_uuid value)
{
    separate(out);
    str_append_byte(out, '"');
    for (size_t i = 0; i < sizeof value.bytes; i++)
        str_printf(out, "%02x", value.bytes[i]);
    str_append_byte(out, '"');
}

void kafka_print_string(struct str *out, struct bytes value)
{
    separate(out);
    if (value.ptr)
        str_append_json(out, value);
    else
        str_append_text(out, "null");
}

void kafka_print_bytes(struct str *out, struct bytes value)
{
    separate(out);
    if (value.ptr)
        str_printf(out, "\"<%zu bytes>\"", value.size);
    else
        str_append_text(out, "null");
}

void kafka_print_records(struct str *out, struct kafka_records value)
{
    kafka_print_bytes(out, bytes_make(value.at ? "" : (const char *)value.ptr, value.size));
}
