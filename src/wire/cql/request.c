// SPDX-License-Identifier: Apache-2.0
//
// Requests (native protocol v4 §4.1). A sticky reader does the bounds; arrays are made only after
// their count has been checked against the bytes that are left.
#include "wire/cql/message.h"

#include "wire/reader.h"

enum params_flags {
    HAS_VALUES = 1 << 0,
    SKIP_METADATA = 1 << 1,
    HAS_PAGE_SIZE = 1 << 2,
    HAS_PAGING_STATE = 1 << 3,
    HAS_SERIAL = 1 << 4,
    HAS_TIMESTAMP = 1 << 5,
    HAS_NAMES = 1 << 6,
};

enum { SERIAL = 0x0008 };

static struct bytes read_string(struct reader *reader)
{
    return reader_bytes(reader, reader_u16(reader));
}

static struct bytes read_long_string(struct reader *reader)
{
    int32_t size = reader_i32(reader);
    if (size < 0)
        reader_fail(reader);
    return reader_bytes(reader, size < 0 ? 0 : (size_t)size);
}

static struct bytes read_bytes(struct reader *reader)
{
    int32_t size = reader_i32(reader);
    return size < 0 ? BYTES_NULL : reader_bytes(reader, (size_t)size);
}

// -1 is null, -2 "not set"; anything lower is malformed.
static struct bound_value read_value(struct reader *reader)
{
    int32_t size = reader_i32(reader);
    if (size < -2)
        reader_fail(reader);
    if (size < 0)
        return (struct bound_value){BYTES_NULL, size == -2};
    return (struct bound_value){reader_bytes(reader, (size_t)size), false};
}

static size_t read_count(struct reader *reader, size_t item_min_bytes)
{
    size_t count = reader_u16(reader);
    if (count * item_min_bytes > reader_left(reader))
        reader_fail(reader);
    return reader->failed ? 0 : count;
}

static void skip_payload(struct reader *reader)
{
    for (size_t left = read_count(reader, 6); left > 0 && !reader->failed; left--) {
        read_string(reader);
        read_bytes(reader);
    }
}

static size_t read_values(struct reader *reader, struct arena *arena, bool named,
                          const struct bound_value **values, const struct bytes **names)
{
    size_t count = read_count(reader, named ? 6 : 4);
    struct bound_value *items = ARENA_ARRAY(arena, struct bound_value, count);
    struct bytes *labels = named ? ARENA_ARRAY(arena, struct bytes, count) : NULL;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        if (named)
            labels[i] = read_string(reader);
        items[i] = read_value(reader);
    }
    *values = items;
    *names = labels;
    return count;
}

static void read_options(struct reader *reader, unsigned flags, struct cql_params *out)
{
    if (flags & HAS_PAGE_SIZE)
        out->page_size = reader_i32(reader);
    if (flags & HAS_PAGING_STATE)
        out->paging_state = read_bytes(reader);
    if (flags & HAS_SERIAL)
        out->serial_consistency = reader_u16(reader);
    if (flags & HAS_TIMESTAMP)
        out->timestamp_us = reader_i64(reader);
}

static struct cql_params params_default(void)
{
    return (struct cql_params){.serial_consistency = SERIAL, .timestamp_us = INT64_MIN};
}

static void read_params(struct reader *reader, struct arena *arena, struct cql_params *out)
{
    *out = params_default();
    out->consistency = reader_u16(reader);
    unsigned flags = reader_u8(reader);
    if (flags & HAS_VALUES)
        out->value_count = read_values(reader, arena, flags & HAS_NAMES, &out->values, &out->names);
    out->skip_metadata = flags & SKIP_METADATA;
    read_options(reader, flags, out);
}

static void read_batch(struct reader *reader, struct arena *arena, struct cql_batch *out)
{
    out->params = params_default();
    out->kind = reader_u8(reader);
    out->count = read_count(reader, 5);
    struct cql_batch_item *items = ARENA_ARRAY(arena, struct cql_batch_item, out->count);
    for (size_t i = 0; i < out->count && !reader->failed; i++) {
        uint8_t kind = reader_u8(reader);
        if (kind > 1)
            reader_fail(reader);
        items[i].prepared = kind == 1;
        items[i].text = kind == 1 ? read_string(reader) : read_long_string(reader);
        const struct bytes *names;
        items[i].value_count = read_values(reader, arena, false, &items[i].values, &names);
    }
    out->items = items;
    out->params.consistency = reader_u16(reader);
    read_options(reader, reader_u8(reader) & (HAS_SERIAL | HAS_TIMESTAMP), &out->params);
    if (out->kind > 2)
        reader_fail(reader);
}

static err_t read_startup(struct reader *reader, struct cql_startup *out, struct diag *diag)
{
    *out = (struct cql_startup){.compression = CQL_PLAIN};
    for (size_t left = read_count(reader, 4); left > 0; left--) {
        struct bytes key = read_string(reader), value = read_string(reader);
        if (bytes_is(key, "CQL_VERSION"))
            out->cql_version = value;
        else if (bytes_is(key, "DRIVER_NAME"))
            out->driver_name = value;
        else if (bytes_is(key, "DRIVER_VERSION"))
            out->driver_version = value;
        else if (bytes_is(key, "COMPRESSION") && bytes_is(value, "lz4"))
            out->compression = CQL_LZ4;
        else if (bytes_is(key, "COMPRESSION") && bytes_is(value, "snappy"))
            out->compression = CQL_SNAPPY;
        else if (bytes_is(key, "COMPRESSION"))
            return FAIL(diag, ERR_MALFORMED, "Unknown compression algorithm: %.*s",
                        BYTES_PRINT(value));
    }
    if (!reader->failed && !out->cql_version.ptr)
        return FAIL(diag, ERR_MALFORMED, "Missing value CQL_VERSION in STARTUP message");
    return ERR_OK;
}

static err_t read_events(struct reader *reader, unsigned *out, struct diag *diag)
{
    *out = 0;
    for (size_t left = read_count(reader, 2); left > 0; left--) {
        struct bytes name = read_string(reader);
        if (bytes_is(name, "TOPOLOGY_CHANGE"))
            *out |= CQL_TOPOLOGY_CHANGE;
        else if (bytes_is(name, "STATUS_CHANGE"))
            *out |= CQL_STATUS_CHANGE;
        else if (bytes_is(name, "SCHEMA_CHANGE"))
            *out |= CQL_SCHEMA_CHANGE;
        else if (!reader->failed)
            return FAIL(diag, ERR_MALFORMED, "Invalid value '%.*s' for Type", BYTES_PRINT(name));
    }
    return ERR_OK;
}

err_t cql_request_decode(struct cql_request *out, struct arena *arena, struct cql_head head,
                         struct bytes body, struct diag *diag)
{
    *out = (struct cql_request){.head = head};
    struct reader reader = reader_make(body);
    if (head.flags & CQL_FLAG_PAYLOAD)
        skip_payload(&reader);
    switch (head.opcode) {
    case CQL_STARTUP:
        TRY(read_startup(&reader, &out->startup, diag));
        break;
    case CQL_OPTIONS:
        break;
    case CQL_QUERY:
        out->text = read_long_string(&reader);
        read_params(&reader, arena, &out->params);
        break;
    case CQL_PREPARE:
        out->text = read_long_string(&reader);
        break;
    case CQL_EXECUTE:
        out->text = read_string(&reader);
        read_params(&reader, arena, &out->params);
        break;
    case CQL_BATCH:
        read_batch(&reader, arena, &out->batch);
        break;
    case CQL_REGISTER:
        TRY(read_events(&reader, &out->events, diag));
        break;
    case CQL_AUTH_RESPONSE:
        out->text = read_bytes(&reader);
        break;
    default:
        return FAIL(diag, ERR_MALFORMED, "Unknown opcode %d", head.opcode);
    }
    if (reader.failed)
        return FAIL(diag, ERR_MALFORMED, "the body of a message with opcode 0x%02X ends too early",
                    head.opcode);
    return ERR_OK;
}
