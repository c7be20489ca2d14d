// SPDX-License-Identifier: Apache-2.0
//
// message: bodies of the CQL native protocol, versions 3 and 4: requests decoded, responses
// encoded. Pure.
//
// Lifetime   decoded strings and values point into the body; arrays and NUL-terminated names are in
// the arena. Errors     ERR_MALFORMED: the body does not follow the protocol. Bounds     counts are
// 16 bits on the wire and checked against the bytes left before arrays are made.
#ifndef WIRE_CQL_MESSAGE_H
#define WIRE_CQL_MESSAGE_H

#include "wire/cql/frame.h"
#include "wire/cql/value.h"

// --- requests ------------------------------------------------------------------------------------
enum cql_event { CQL_TOPOLOGY_CHANGE = 1, CQL_STATUS_CHANGE = 2, CQL_SCHEMA_CHANGE = 4 };

struct cql_params { // <query_parameters>, and the tail of BATCH
    uint16_t consistency;
    uint16_t serial_consistency; // 0x0008 SERIAL unless given
    bool skip_metadata;
    size_t value_count;
    const struct bound_value *values;
    const struct bytes *names; // parallel to values, or NULL
    int32_t page_size;         // 0 = not given
    struct bytes paging_state; // ptr NULL = none
    int64_t timestamp_us;      // INT64_MIN = none
};

struct cql_startup {
    struct bytes cql_version;
    enum cql_compression compression;
    struct bytes driver_name, driver_version;
};

struct cql_batch_item {
    bool prepared;
    struct bytes text; // the query, or the prepared id
    size_t value_count;
    const struct bound_value *values;
};

struct cql_batch {
    uint8_t kind; // 0 logged, 1 unlogged, 2 counter
    size_t count;
    const struct cql_batch_item *items;
    struct cql_params params; // no values
};

struct cql_request {
    struct cql_head head;
    struct bytes
        text; // QUERY, PREPARE: the query; EXECUTE: the prepared id; AUTH_RESPONSE: the token
    union {
        struct cql_startup startup;
        struct cql_params params; // QUERY, EXECUTE
        struct cql_batch batch;
        unsigned events; // REGISTER: enum cql_event bits
    };
};

// Decodes the (uncompressed) body that belongs to `head`. A response opcode or an unknown one fails
// too.
MUST_USE err_t cql_request_decode(struct cql_request *out, struct arena *arena,
                                  struct cql_head head, struct bytes body, struct diag *diag);

// --- responses -----------------------------------------------------------------------------------
// What may stand in front of a response body: a tracing id and warnings. Gives the flags for
// cql_frame_begin().
struct cql_prelude {
    const uint8_t *trace_id; // 16 bytes, or NULL
    size_t warning_count;
    const char *const *warnings;
};
int cql_prelude_flags(const struct cql_prelude *prelude);
void cql_prelude_encode(struct str *out, const struct cql_prelude *prelude);

void cql_string(struct str *out, const char *text);        // [string], cut at 65535 bytes
void cql_bytes(struct str *out, struct bytes value);       // [bytes]
void cql_short_bytes(struct str *out, struct bytes value); // [short bytes]
void cql_type_encode(struct str *out, const struct cql_type *type, int version); // [option]

// The body of ERROR: code, words; the caller appends what the code asks for.
void cql_error_encode(struct str *out, int code, const char *text);
void cql_supported_encode(struct str *out);

struct cql_rows_meta {
    size_t column_count;
    const struct column_spec *columns;
    struct bytes paging_state; // size 0: no more pages
    bool skip;                 // the client has it: only the count is sent
};
// The body of RESULT Rows up to the rows; their count and cells follow.
void cql_rows_begin(struct str *out, const struct cql_rows_meta *meta, int version);

struct cql_prepared {
    struct bytes id;
    size_t bind_count;
    const struct column_spec *binds;
    size_t key_count;
    const uint16_t *key_binds;
    size_t result_count;
    const struct column_spec *results;
};
void cql_prepared_encode(struct str *out, const struct cql_prepared *prepared, int version);

// <schema_change>: of RESULT and of EVENT. `name` is empty for a keyspace.
void cql_schema_change_encode(struct str *out, const char *change, const char *target,
                              const char *keyspace, const char *name);

#endif
