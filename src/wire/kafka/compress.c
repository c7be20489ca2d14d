// SPDX-License-Identifier: Apache-2.0
//
// A xerial frame: 0x82 "SNAPPY" 0, version i32, compatible version i32, then blocks of i32 size and
// a bare snappy block. Java writes it; librdkafka writes one bare block; readers of both take both.
//
// What is unpacked is what Kafka's readers unpack (tests/diff, produce_packed): gzip members,
// snappy frames and zstd frames one behind the other; of LZ4 one frame, and no linked blocks.
#include "wire/kafka/compress.h"

#include "wire/reader.h"
#include "wire/writer.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

enum {
    STEP_MIN = 4096,
    XERIAL_HEADER_BYTES = 16,
    XERIAL_BLOCK_BYTES = 32 << 10,
    ZSTD_WINDOW_LOG = 27
};

// Flags of an LZ4 frame (LZ4 Frame Format 1.6).
enum { LZ4_FLAGS_AT = 4, LZ4_DICTIONARY = 1, LZ4_RESERVED = 2, LZ4_INDEPENDENT = 32 };

static const char *const names[] = {"uncompressed", "gzip", "snappy", "lz4", "zstd"};

const char *compress_name(enum batch_compression codec)
{
    return (size_t)codec < sizeof names / sizeof *names ? names[codec] : "unknown";
}

// Room for the next step: doubling, but never past `start` + max_bytes + 1 (one more, to notice the
// overflow).
static size_t make_room(struct str *out, size_t start, size_t max_bytes)
{
    size_t done = out->size - start;
    size_t step = done < STEP_MIN ? STEP_MIN : done;
    if (step > max_bytes + 1 - done)
        step = max_bytes + 1 - done;
    str_reserve(out, step);
    return step;
}

static err_t too_large(struct diag *diag, enum batch_compression codec, size_t max_bytes)
{
    return FAIL(diag, ERR_TOO_LARGE, "%s records unpack to more than %zu bytes",
                compress_name(codec), max_bytes);
}

static err_t corrupt(struct diag *diag, enum batch_compression codec, const char *what)
{
    return FAIL(diag, ERR_CORRUPT, "the records are no %s: %s", compress_name(codec), what);
}

// --- gzip ---

#define GZIP_MAGIC bytes_make("\x1f\x8b", 2)

static err_t gzip_unpack(struct bytes packed, size_t max_bytes, struct str *out, struct diag *diag)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.ptr, .avail_in = (uInt)packed.size};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return FAIL(diag, ERR_NO_MEMORY, "inflateInit2 failed");
    size_t start = out->size;
    int got = Z_OK;
    while (got == Z_OK && out->size - start <= max_bytes) {
        size_t room = make_room(out, start, max_bytes);
        z.next_out = (Bytef *)out->ptr + out->size;
        z.avail_out = (uInt)room;
        got = inflate(&z, Z_NO_FLUSH);
        out->size += room - z.avail_out;
        if (got == Z_STREAM_END && bytes_starts(bytes_make(z.next_in, z.avail_in), GZIP_MAGIC))
            got = inflateReset(&z);
    }
    inflateEnd(&z);
    if (out->size - start > max_bytes)
        return too_large(diag, BATCH_GZIP, max_bytes);
    return got == Z_STREAM_END ? ERR_OK
                               : corrupt(diag, BATCH_GZIP, z.msg ? z.msg : "it ends too early");
}

static err_t gzip_pack(struct bytes plain, int level, struct str *out, struct diag *diag)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)plain.ptr, .avail_in = (uInt)plain.size};
    if (deflateInit2(&z, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return FAIL(diag, ERR_NO_MEMORY, "deflateInit2 failed");
    size_t bound = deflateBound(&z, plain.size);
    str_reserve(out, bound);
    z.next_out = (Bytef *)out->ptr + out->size;
    z.avail_out = (uInt)bound;
    int got = deflate(&z, Z_FINISH);
    out->size += bound - z.avail_out;
    deflateEnd(&z);
    return got == Z_STREAM_END ? ERR_OK : FAIL(diag, ERR_INTERNAL, "deflate answered %d", got);
}

// --- snappy ---

#define XERIAL_MAGIC bytes_make("\x82SNAPPY\0", 8)

static err_t snappy_block(struct bytes packed, size_t start, size_t max_bytes, struct str *out,
                          struct diag *diag)
{
    size_t size = 0;
    if (snappy_uncompressed_length((const char *)packed.ptr, packed.size, &size) != SNAPPY_OK)
        return corrupt(diag, BATCH_SNAPPY, "a block has no length");
    if (size > max_bytes - (out->size - start))
        return too_large(diag, BATCH_SNAPPY, max_bytes);
    // A block cannot expand more than about 22 times (3-byte copies of 64 bytes); refuse the lie
    // before allocating.
    if (size / 32 > packed.size)
        return corrupt(diag, BATCH_SNAPPY, "a block promises more than it can hold");
    str_reserve(out, size);
    if (snappy_uncompress((const char *)packed.ptr, packed.size, out->ptr + out->size, &size) !=
        SNAPPY_OK)
        return corrupt(diag, BATCH_SNAPPY, "a block does not unpack");
    out->size += size;
    return ERR_OK;
}

static err_t snappy_unpack(struct bytes packed, size_t max_bytes, struct str *out,
                           struct diag *diag)
{
    size_t start = out->size;
    if (!bytes_starts(packed, XERIAL_MAGIC))
        return snappy_block(packed, start, max_bytes, out, diag);
    struct reader reader = reader_make(packed);
    while (!reader.failed && reader_left(&reader) >= sizeof(uint32_t)) { // less is passed over
        struct bytes rest = bytes_make(reader.at, reader_left(&reader));
        if (bytes_starts(rest, XERIAL_MAGIC)) {
            reader_take(&reader, XERIAL_HEADER_BYTES);
            continue;
        }
        struct bytes block = reader_bytes(&reader, reader_u32(&reader));
        if (!reader.failed)
            TRY(snappy_block(block, start, max_bytes, out, diag));
    }
    return reader.failed ? corrupt(diag, BATCH_SNAPPY, "a frame ends too early") : ERR_OK;
}

static err_t snappy_pack(struct bytes plain, struct str *out, struct diag *diag)
{
    str_append_bytes(out, XERIAL_MAGIC);
    writer_u32(out, 1);
    writer_u32(out, 1);
    for (size_t at = 0; at < plain.size; at += XERIAL_BLOCK_BYTES) {
        size_t size = plain.size - at < XERIAL_BLOCK_BYTES ? plain.size - at : XERIAL_BLOCK_BYTES;
        size_t packed = snappy_max_compressed_length(size);
        size_t length_at = out->size;
        writer_u32(out, 0);
        str_reserve(out, packed);
        if (snappy_compress((const char *)plain.ptr + at, size, out->ptr + out->size, &packed) !=
            SNAPPY_OK)
            return FAIL(diag, ERR_INTERNAL, "snappy_compress failed");
        out->size += packed;
        writer_patch_u32(out, length_at, (uint32_t)packed);
    }
    return ERR_OK;
}

// --- lz4 ---

#define LZ4_MAGIC bytes_make("\x04\x22\x4d\x18", 4)

// Why Kafka's readers cannot read this frame, by its flags; or NULL.
static const char *lz4_unreadable(struct bytes packed)
{
    if (packed.size <= LZ4_FLAGS_AT || !bytes_starts(packed, LZ4_MAGIC))
        return NULL;
    uint8_t flags = packed.ptr[LZ4_FLAGS_AT];
    if (!(flags & LZ4_INDEPENDENT))
        return "its blocks lean on the ones before them";
    return flags & (LZ4_DICTIONARY | LZ4_RESERVED) ? "it wants a dictionary" : NULL;
}

static err_t lz4_unpack(struct bytes packed, size_t max_bytes, struct str *out, struct diag *diag)
{
    LZ4F_dctx *ctx = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
        return FAIL(diag, ERR_NO_MEMORY, "LZ4F_createDecompressionContext failed");
    size_t start = out->size;
    size_t hint = 1;
    const char *wrong = lz4_unreadable(packed);
    while (hint && !wrong && out->size - start <= max_bytes) {
        size_t room = make_room(out, start, max_bytes);
        size_t made = room;
        size_t used = packed.size;
        hint = LZ4F_decompress(ctx, out->ptr + out->size, &made, packed.ptr, &used, NULL);
        if (LZ4F_isError(hint))
            wrong = LZ4F_getErrorName(hint);
        else if (!made && !used && hint)
            wrong = "it ends too early";
        if (!wrong) {
            out->size += made;
            packed.ptr += used;
            packed.size -= used;
        }
    }
    LZ4F_freeDecompressionContext(ctx);
    if (wrong)
        return corrupt(diag, BATCH_LZ4, wrong);
    return out->size - start > max_bytes ? too_large(diag, BATCH_LZ4, max_bytes) : ERR_OK;
}

static err_t lz4_pack(struct bytes plain, int level, struct str *out, struct diag *diag)
{
    LZ4F_preferences_t preferences = {.frameInfo = {.blockMode = LZ4F_blockIndependent},
                                      .compressionLevel = level};
    size_t bound = LZ4F_compressFrameBound(plain.size, &preferences);
    str_reserve(out, bound);
    size_t size =
        LZ4F_compressFrame(out->ptr + out->size, bound, plain.ptr, plain.size, &preferences);
    if (LZ4F_isError(size))
        return FAIL(diag, ERR_INTERNAL, "LZ4F_compressFrame: %s", LZ4F_getErrorName(size));
    out->size += size;
    return ERR_OK;
}

// --- zstd ---

static err_t zstd_unpack(struct bytes packed, size_t max_bytes, struct str *out, struct diag *diag)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (!stream)
        return FAIL(diag, ERR_NO_MEMORY, "ZSTD_createDStream failed");
    ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    ZSTD_inBuffer in = {packed.ptr, packed.size, 0};
    size_t start = out->size;
    size_t hint = 1;
    const char *wrong = NULL;
    while ((hint || in.pos < in.size) && !wrong && out->size - start <= max_bytes) {
        ZSTD_outBuffer to = {NULL, make_room(out, start, max_bytes), 0};
        to.dst = out->ptr + out->size;
        size_t before = in.pos;
        hint = ZSTD_decompressStream(stream, &to, &in);
        if (ZSTD_isError(hint))
            wrong = ZSTD_getErrorName(hint);
        else if (hint && to.pos == 0 && in.pos == before)
            wrong = "it ends too early";
        else
            out->size += to.pos;
    }
    ZSTD_freeDStream(stream);
    if (wrong)
        return corrupt(diag, BATCH_ZSTD, wrong);
    return out->size - start > max_bytes ? too_large(diag, BATCH_ZSTD, max_bytes) : ERR_OK;
}

static err_t zstd_pack(struct bytes plain, int level, struct str *out, struct diag *diag)
{
    size_t bound = ZSTD_compressBound(plain.size);
    str_reserve(out, bound);
    size_t size = ZSTD_compress(out->ptr + out->size, bound, plain.ptr, plain.size, level);
    if (ZSTD_isError(size))
        return FAIL(diag, ERR_INTERNAL, "ZSTD_compress: %s", ZSTD_getErrorName(size));
    out->size += size;
    return ERR_OK;
}

// ------------------------------------------------------------------------------------------------------

err_t compress_pack(enum batch_compression codec, struct bytes plain, struct str *out,
                    struct diag *diag)
{
    static const int levels[] = {
        [BATCH_GZIP] = Z_DEFAULT_COMPRESSION, [BATCH_LZ4] = 0, [BATCH_ZSTD] = 3};
    return compress_pack_level(codec, (size_t)codec <= BATCH_ZSTD ? levels[codec] : 0, plain, out,
                               diag);
}

err_t compress_pack_level(enum batch_compression codec, int level, struct bytes plain,
                          struct str *out, struct diag *diag)
{
    switch (codec) {
    case BATCH_NONE:
        str_append_bytes(out, plain);
        return ERR_OK;
    case BATCH_GZIP:
        return gzip_pack(plain, level, out, diag);
    case BATCH_SNAPPY:
        return snappy_pack(plain, out, diag);
    case BATCH_LZ4:
        return lz4_pack(plain, level, out, diag);
    case BATCH_ZSTD:
        return zstd_pack(plain, level, out, diag);
    }
    return FAIL(diag, ERR_UNSUPPORTED_COMPRESSION, "compression codec %d is unknown", (int)codec);
}

err_t compress_unpack(enum batch_compression codec, struct bytes packed, size_t max_bytes,
                      struct str *out, struct diag *diag)
{
    switch (codec) {
    case BATCH_NONE:
        if (packed.size > max_bytes)
            return too_large(diag, codec, max_bytes);
        str_append_bytes(out, packed);
        return ERR_OK;
    case BATCH_GZIP:
        return gzip_unpack(packed, max_bytes, out, diag);
    case BATCH_SNAPPY:
        return snappy_unpack(packed, max_bytes, out, diag);
    case BATCH_LZ4:
        return lz4_unpack(packed, max_bytes, out, diag);
    case BATCH_ZSTD:
        return zstd_unpack(packed, max_bytes, out, diag);
    }
    return FAIL(diag, ERR_UNSUPPORTED_COMPRESSION, "compression codec %d is unknown", (int)codec);
}
