// SPDX-License-Identifier: Apache-2.0
//
// record: the records inside a Kafka v2 batch: read, validate, build. The fixed header of a batch
// is batch_header.h's, its codecs are compress.h's. Pure.
//
// Lifetime   views of a record point into the batch, or into the reader's unpacked copy: they hold
//            until record_reader_release().
#ifndef WIRE_KAFKA_RECORD_H
#define WIRE_KAFKA_RECORD_H

#include "base/str.h"
#include "wire/kafka/batch_header.h"
#include "wire/reader.h"

enum {
    RECORD_UNPACKED_MAX_BYTES = 128 << 20
}; // what a batch may unpack to, if the caller knows no better

struct record {
    int64_t offset;
    int64_t timestamp_ms;
    struct bytes key;   // ptr NULL = null
    struct bytes value; // ptr NULL = null
    int32_t header_count;
    struct reader headers; // for record_header_next()
};

struct record_header {
    struct bytes key, value;
};

// Splits fetched bytes into whole batches, by length alone; false at the end or before a cut one.
bool record_batch_next(struct reader *reader, struct bytes *batch);

struct record_reader {
    struct batch_header header;
    struct reader at;
    int32_t left; // records not read yet
    struct str unpacked;
};

// `batch` is one whole batch; its checksum is not looked at (batch_check does).
MUST_USE err_t record_reader_open(struct record_reader *reader, struct bytes batch,
                                  size_t max_bytes, struct diag *diag);
// False after the last record, or when one breaks the format (reader->at.failed tells).
bool record_reader_next(struct record_reader *reader, struct record *record);
void record_reader_release(struct record_reader *reader);
bool record_header_next(struct reader *headers, struct record_header *header);

// What was seen of the records of a batch on one pass.
struct record_survey {
    int64_t min_timestamp;
    int64_t max_timestamp;
    int32_t keyless; // records whose key is null
};

// Does every record of the batch parse, and do offset deltas count up from 0 as the header says?
// `*survey` is filled when all is well. ERR_INVALID_RECORD, and the errors of compress_unpack().
MUST_USE err_t record_validate(struct bytes batch, size_t max_bytes, struct record_survey *survey,
                               struct diag *diag);

// Builds one batch; all zero but for `codec` is a valid start.
struct record_builder {
    enum batch_compression codec;
    int32_t count;
    int64_t base_timestamp;
    int64_t max_timestamp;
    struct str records;
};

void record_builder_add(struct record_builder *builder, int64_t timestamp_ms, struct bytes key,
                        struct bytes value, const struct record_header *headers,
                        size_t header_count);
// Appends the batch (base offset 0, no producer) to `out` and makes the builder empty again. At
// least one record.
MUST_USE err_t record_builder_finish(struct record_builder *builder, struct str *out,
                                     struct diag *diag);
void record_builder_release(struct record_builder *builder);

#endif
