// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/marker.h"

#include "wire/kafka/record.h"
#include "wire/writer.h"

#include <assert.h>

enum {
    KEY_VERSION = 0,
    VALUE_VERSION = 0,
    MARKER_MAX_BYTES = 1 << 16, // far more than any marker unpacks to
};

enum marker_type {
    MARKER_ABORT = 0,
    MARKER_COMMIT = 1,
};

static bool read_record(struct marker *out, const struct record *record)
{
    struct reader key = reader_make(record->key);
    struct reader value = reader_make(record->value);
    int16_t key_version = reader_i16(&key);
    int16_t type = reader_i16(&key);
    int16_t value_version = reader_i16(&value);
    out->coordinator_epoch = reader_i32(&value);
    out->commit = type == MARKER_COMMIT;
    out->timestamp_ms = record->timestamp_ms;
    return !key.failed && !value.failed && key_version >= 0 && value_version >= 0 &&
           (type == MARKER_ABORT || type == MARKER_COMMIT);
}

bool marker_read(struct marker *out, struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    struct batch_header header;
    if (!batch_header_read(&header, batch) || !(header.attributes & BATCH_CONTROL) ||
        record_reader_open(&reader, batch, MARKER_MAX_BYTES, NULL) != ERR_OK)
        return false;
    bool good = record_reader_next(&reader, &record) && read_record(out, &record);
    out->producer_id = header.producer_id;
    out->producer_epoch = header.producer_epoch;
    record_reader_release(&reader);
    return good;
}

void marker_write(const struct marker *marker, struct str *out)
{
    struct record_builder builder = {0};
    struct str key = {0}, value = {0};
    size_t start = out->size;
    writer_i16(&key, KEY_VERSION);
    writer_i16(&key, marker->commit ? MARKER_COMMIT : MARKER_ABORT);
    writer_i16(&value, VALUE_VERSION);
    writer_i32(&value, marker->coordinator_epoch);
    record_builder_add(&builder, marker->timestamp_ms, str_bytes(&key), str_bytes(&value), NULL, 0);
    err_t err = record_builder_finish(&builder, out, NULL);
    assert(err == ERR_OK); // uncompressed
    record_builder_release(&builder);
    str_release(&key);
    str_release(&value);
    struct batch_header header;
    struct bytes batch = bytes_make(out->ptr + start, out->size - start);
    (void)batch_header_read(&header, batch);
    header.attributes |= BATCH_TRANSACTIONAL | BATCH_CONTROL;
    header.producer_id = marker->producer_id;
    header.producer_epoch = marker->producer_epoch;
    header.base_sequence = -1;
    batch_header_write((uint8_t *)out->ptr + start, batch.size, &header);
}
