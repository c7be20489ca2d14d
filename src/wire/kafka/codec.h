// SPDX-License-Identifier: Apache-2.0
//
// codec: what the generated Kafka messages are made of: the field types of the protocol, and the
// shape of an API's entry in kafka_apis.
//
// Classic forms have fixed-width lengths, flexible ones (KIP-482) unsigned varints of length + 1
// and tagged fields after each struct. Null is a view with ptr NULL or a count of -1.
//
// Bounds     an array is refused before it is allocated when the bytes left cannot hold it or when
// the
//            message would take more than KAFKA_DECODE_MAX_BYTES of its arena.
#ifndef WIRE_KAFKA_CODEC_H
#define WIRE_KAFKA_CODEC_H

#include "base/arena.h"
#include "base/str.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum { KAFKA_DECODE_MAX_BYTES = 64 << 20, KAFKA_STRING_MAX = 0x7fff };

struct kafka_uuid {
    uint8_t bytes[16];
};

// Record batches. A writer that has them elsewhere (in a file) sets `at`: the encoder then writes
// their length only and tells there the place in its output where `size` bytes belong.
struct kafka_records {
    const uint8_t *ptr; // NULL = null, unless `at` is set
    size_t size;
    size_t *at;
};

static inline struct bytes kafka_records_bytes(struct kafka_records records)
{
    return bytes_make(records.ptr, records.size);
}

static inline bool kafka_uuid_is_zero(struct kafka_uuid uuid)
{
    static const struct kafka_uuid zero;
    return memcmp(&uuid, &zero, sizeof zero) == 0;
}

struct kafka_codec {
    size_t size; // of the C struct
    void (*init)(void *m);
    bool (*decode)(void *m, int16_t version, struct reader *reader, struct arena *arena);
    void (*encode)(const void *m, int16_t version, struct str *out);
    void (*print)(const void *m, int16_t version, struct str *out);
};

struct kafka_api {
    int16_t key;
    const char *name;
    int16_t version_min; // what the codec knows; the broker may advertise less
    int16_t version_max;
    int16_t flexible_from;
    struct kafka_codec request;
    struct kafka_codec response;
};

const struct kafka_api *kafka_api_find(int16_t key); // NULL if the tables have no such API

// --- reading ---

static inline bool kafka_read_bool(struct reader *reader)
{
    return reader_u8(reader) != 0;
}
static inline int8_t kafka_read_int8(struct reader *reader)
{
    return reader_i8(reader);
}
static inline int16_t kafka_read_int16(struct reader *reader)
{
    return reader_i16(reader);
}
static inline uint16_t kafka_read_uint16(struct reader *reader)
{
    return reader_u16(reader);
}
static inline int32_t kafka_read_int32(struct reader *reader)
{
    return reader_i32(reader);
}
static inline uint32_t kafka_read_uint32(struct reader *reader)
{
    return reader_u32(reader);
}
static inline int64_t kafka_read_int64(struct reader *reader)
{
    return reader_i64(reader);
}
double kafka_read_float64(struct reader *reader);
struct kafka_uuid kafka_read_uuid(struct reader *reader);
// A null where `nullable` is false fails the reader.
struct bytes kafka_read_string(struct reader *reader, bool flexible, bool nullable);
struct bytes kafka_read_bytes(struct reader *reader, bool flexible, bool nullable);
struct kafka_records kafka_read_records(struct reader *reader, bool flexible, bool nullable);
int32_t kafka_read_count(struct reader *reader, bool flexible, bool nullable, size_t item_bytes,
                         const struct arena *arena);
void *kafka_array(struct arena *arena, int32_t count, size_t item_bytes);
void kafka_skip_tags(struct reader *reader);
struct reader kafka_read_tag(struct reader *reader); // the bytes of one tagged field

// --- writing ---

static inline void kafka_write_bool(struct str *out, bool value)
{
    writer_u8(out, value);
}
static inline void kafka_write_int8(struct str *out, int8_t value)
{
    writer_i8(out, value);
}
static inline void kafka_write_int16(struct str *out, int16_t value)
{
    writer_i16(out, value);
}
static inline void kafka_write_uint16(struct str *out, uint16_t value)
{
    writer_u16(out, value);
}
static inline void kafka_write_int32(struct str *out, int32_t value)
{
    writer_i32(out, value);
}
static inline void kafka_write_uint32(struct str *out, uint32_t value)
{
    writer_u32(out, value);
}
static inline void kafka_write_int64(struct str *out, int64_t value)
{
    writer_i64(out, value);
}
void kafka_write_float64(struct str *out, double value);
static inline void kafka_write_uuid(struct str *out, struct kafka_uuid value)
{
    str_append(out, value.bytes, sizeof value.bytes);
}
// A null where `nullable` is false is written as empty.
void kafka_write_string(struct str *out, bool flexible, bool nullable, struct bytes value);
void kafka_write_bytes(struct str *out, bool flexible, bool nullable, struct bytes value);
void kafka_write_records(struct str *out, bool flexible, bool nullable, struct kafka_records value);
void kafka_write_count(struct str *out, bool flexible, bool nullable, int32_t count);
void kafka_write_tag(struct str *out, unsigned tag, const struct str *part);

// --- printing, as JSON ---

void kafka_print_open(struct str *out, char bracket); // '{', '[' or '0' for null
void kafka_print_close(struct str *out, char bracket);
void kafka_print_name(struct str *out, const char *name);
void kafka_print_int64(struct str *out, int64_t value);
void kafka_print_bool(struct str *out, bool value);
void kafka_print_float64(struct str *out, double value);
void kafka_print_uuid(struct str *out, struct kafka_uuid value);
void kafka_print_string(struct str *out, struct bytes value);
void kafka_print_bytes(struct str *out, struct bytes value); // as "<N bytes>"
void kafka_print_records(struct str *out, struct kafka_records value);
#define kafka_print_int8   kafka_print_int64
#define kafka_print_int16  kafka_print_int64
#define kafka_print_uint16 kafka_print_int64
#define kafka_print_int32  kafka_print_int64
#define kafka_print_uint32 kafka_print_int64

#endif
