// SPDX-License-Identifier: Apache-2.0
//
// frame: the envelope of the CQL native protocol, versions 3 and 4: a 9-byte head (version, flags,
// stream, opcode, body length) and a body, LZ4 or Snappy compressed when STARTUP asked for it.
// Pure.
//
// Errors     ERR_MALFORMED.
#ifndef WIRE_CQL_FRAME_H
#define WIRE_CQL_FRAME_H

#include "base/diag.h"
#include "base/str.h"

enum {
    CQL_VERSION_MIN = 3,
    CQL_VERSION_MAX = 4,
    CQL_HEAD_SIZE = 9,
    CQL_RESPONSE_BIT = 0x80,
};

enum cql_opcode {
    CQL_ERROR = 0x00,
    CQL_STARTUP = 0x01,
    CQL_READY = 0x02,
    CQL_AUTHENTICATE = 0x03,
    CQL_OPTIONS = 0x05,
    CQL_SUPPORTED = 0x06,
    CQL_QUERY = 0x07,
    CQL_RESULT = 0x08,
    CQL_PREPARE = 0x09,
    CQL_EXECUTE = 0x0A,
    CQL_REGISTER = 0x0B,
    CQL_EVENT = 0x0C,
    CQL_BATCH = 0x0D,
    CQL_AUTH_CHALLENGE = 0x0E,
    CQL_AUTH_RESPONSE = 0x0F,
    CQL_AUTH_SUCCESS = 0x10,
};

enum cql_frame_flags {
    CQL_FLAG_COMPRESSED = 1 << 0,
    CQL_FLAG_TRACING = 1 << 1,
    CQL_FLAG_PAYLOAD = 1 << 2,
    CQL_FLAG_WARNING = 1 << 3,
    CQL_FLAG_BETA = 1 << 4,
};

enum cql_compression { CQL_PLAIN, CQL_LZ4, CQL_SNAPPY };

struct cql_head {
    uint8_t version; // with the response bit
    uint8_t flags;
    int16_t stream;
    uint8_t opcode;
    uint32_t body_size;
};

// Reads the head of CQL_HEAD_SIZE bytes; the version is not judged.
struct cql_head cql_head_read(const uint8_t *ptr);

// Appends the head of a response and returns where it begins; the body is appended next.
size_t cql_frame_begin(struct str *out, int version, int flags, int16_t stream,
                       enum cql_opcode opcode);
// Writes the length into the head; compresses the body when that makes it smaller.
void cql_frame_end(struct str *out, size_t begin, enum cql_compression compression);

// Appends the uncompressed form of a compressed body of at most `size_max_bytes`.
MUST_USE err_t cql_decompress(struct str *out, enum cql_compression compression, struct bytes body,
                              size_t size_max_bytes, struct diag *diag);

#endif
