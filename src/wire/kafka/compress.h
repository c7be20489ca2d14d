// SPDX-License-Identifier: Apache-2.0
//
// compress: the codecs of record batches. gzip (RFC 1952), snappy (bare blocks and the "xerial"
// frames of the Java client), LZ4 frames, zstd frames. Pure.
//
// Bounds     decompress stops at max_bytes: a bomb costs at most that.
// Errors     ERR_UNSUPPORTED_COMPRESSION (unknown codec), ERR_CORRUPT (the bytes are not that
// codec's, or end too early),
//            ERR_TOO_LARGE (more than max_bytes come out).
#ifndef WIRE_KAFKA_COMPRESS_H
#define WIRE_KAFKA_COMPRESS_H

#include "base/diag.h"
#include "base/str.h"
#include "wire/kafka/batch_header.h"

// All append to `out`.
MUST_USE err_t compress_pack(enum batch_compression codec, struct bytes plain, struct str *out,
                             struct diag *diag);
// `level` as in compression.gzip.level, .lz4.level and .zstd.level; the others have none.
MUST_USE err_t compress_pack_level(enum batch_compression codec, int level, struct bytes plain,
                                   struct str *out, struct diag *diag);
MUST_USE err_t compress_unpack(enum batch_compression codec, struct bytes packed, size_t max_bytes,
                               struct str *out, struct diag *diag);
const char *compress_name(enum batch_compression codec); // "zstd", as in compression.type

#endif
