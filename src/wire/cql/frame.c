// SPDX-License-Identifier: Apache-2.0
//
// An LZ4 body is its raw length (4 bytes, big-endian) and one LZ4 block; a Snappy body is one raw
// Snappy block, which knows its length itself.
#include "wire/cql/frame.h"

#include "base/mem.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <lz4.h>
#include <snappy-c.h>

enum { COMPRESS_MIN_BYTES = 512 }; // smaller bodies are sent as they are

struct cql_head cql_head_read(const uint8_t *ptr)
{
    struct reader reader = reader_make(bytes_make(ptr, CQL_HEAD_SIZE));
    struct cql_head head;
    head.version = reader_u8(&reader);
    head.flags = reader_u8(&reader);
    head.stream = reader_i16(&reader);
    head.opcode = reader_u8(&reader);
    head.body_size = reader_u32(&reader);
    return head;
}

size_t cql_frame_begin(struct str *out, int version, int flags, int16_t stream,
                       enum cql_opcode opcode)
{
    size_t begin = out->size;
    writer_u8(out, (uint8_t)(version | CQL_RESPONSE_BIT));
    writer_u8(out, (uint8_t)flags);
    writer_i16(out, stream);
    writer_u8(out, (uint8_t)opcode);
    writer_u32(out, 0);
    return begin;
}

static size_t compress_to(uint8_t *to, size_t room, enum cql_compression compression,
                          const char *body, size_t size)
{
    if (compression == CQL_LZ4) {
        for (int i = 0; i < 4; i++)
            to[i] = (uint8_t)(size >> (24 - 8 * i));
        int used = LZ4_compress_default(body, (char *)to + 4, (int)size, (int)room - 4);
        return used > 0 ? (size_t)used + 4 : 0;
    }
    size_t used = room;
    return snappy_compress(body, size, (char *)to, &used) == SNAPPY_OK ? used : 0;
}

static size_t compress_room(enum cql_compression compression, size_t size)
{
    return compression == CQL_LZ4 ? (size_t)LZ4_compressBound((int)size) + 4
                                  : snappy_max_compressed_length(size);
}

void cql_frame_end(struct str *out, size_t begin, enum cql_compression compression)
{
    size_t body = begin + CQL_HEAD_SIZE, size = out->size - body;
    if (compression != CQL_PLAIN && size >= COMPRESS_MIN_BYTES && size <= LZ4_MAX_INPUT_SIZE) {
        size_t room = compress_room(compression, size);
        uint8_t *packed = mem_alloc(room);
        size_t used = compress_to(packed, room, compression, out->ptr + body, size);
        if (used > 0 && used < size) {
            out->size = body;
            str_append(out, packed, used);
            out->ptr[begin + 1] = (char)(out->ptr[begin + 1] | CQL_FLAG_COMPRESSED);
        }
        mem_free(packed);
    }
    writer_patch_u32(out, begin + 5, (uint32_t)(out->size - body));
}

err_t cql_decompress(struct str *out, enum cql_compression compression, struct bytes body,
                     size_t size_max_bytes, struct diag *diag)
{
    size_t size = 0;
    if (compression == CQL_LZ4) {
        if (body.size < 4)
            return FAIL(diag, ERR_MALFORMED, "an LZ4 body of %zu bytes has no length", body.size);
        struct reader reader = reader_make(body);
        size = reader_u32(&reader);
        body = bytes_make(body.ptr + 4, body.size - 4);
    } else if (compression == CQL_SNAPPY) {
        if (snappy_uncompressed_length((const char *)body.ptr, body.size, &size) != SNAPPY_OK)
            return FAIL(diag, ERR_MALFORMED, "the Snappy body has no length");
    } else {
        return FAIL(diag, ERR_MALFORMED,
                    "a compressed body, but STARTUP did not ask for compression");
    }
    if (size > size_max_bytes)
        return FAIL(diag, ERR_MALFORMED, "the body unpacks to %zu bytes, at most %zu are allowed",
                    size, size_max_bytes);
    str_reserve(out, size);
    size_t got = size;
    bool fine;
    if (compression == CQL_LZ4)
        fine = body.size <= INT32_MAX &&
               LZ4_decompress_safe((const char *)body.ptr, out->ptr + out->size, (int)body.size,
                                   (int)size) == (int)size;
    else
        fine = snappy_uncompress((const char *)body.ptr, body.size, out->ptr + out->size, &got) ==
                   SNAPPY_OK &&
               got == size;
    if (!fine)
        return FAIL(diag, ERR_MALFORMED, "the compressed body is damaged");
    out->size += size;
    out->ptr[out->size] = '\0';
    return ERR_OK;
}
