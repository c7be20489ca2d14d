// SPDX-License-Identifier: Apache-2.0
//
// clean_batch: what compaction leaves of one record batch. Pure.
//
// Offsets, sequences, producer and times of what stays do not change; the batch keeps its first and
// last offset, so that a producer's last sequence survives its records. A batch that loses nothing
// is copied byte for byte, another one is packed anew with its own codec.
//
// Tombstones, and markers of transactions that have no data left, must be seen by every reader that
// is not too slow: when a batch with one is cleaned for the first time, the time when they may go
// is written into it (attribute bit 6, in the place of the base timestamp).
#ifndef STORE_LOG_CLEAN_BATCH_H
#define STORE_LOG_CLEAN_BATCH_H

#include "wire/kafka/record.h"

struct batch_cleaning {
    bool keeps_none;    // no record stays, none is asked for
    bool keeps_all;     // all do (a marker)
    bool keeps_empty;   // the batch itself stays when no record does
    bool sets_horizon;  // a marker without data
    int64_t horizon_ms; // when tombstones of a batch cleaned for the first time may go
    bool (*keeps)(void *ctx, const struct batch_header *header, const struct record *record);
    void *ctx;
};

struct batch_cleaned {
    int64_t records_read;
    int64_t records_kept;
    bool kept;             // something was appended to `out`
    bool same;             // byte for byte
    int64_t max_timestamp; // of what was
};

// `batch` is one whole batch whose checksum holds; `scratch` is memory to work with. ERR_CORRUPT
// when its records break the format, and the errors of compress_*().
MUST_USE err_t clean_batch(const struct batch_cleaning *cleaning, struct bytes batch,
                           struct str *scratch, struct str *out, struct batch_cleaned *cleaned,
                           struct diag *diag);
// When the tombstones in it may go; -1 when that was not decided yet.
static inline int64_t batch_horizon_ms(const struct batch_header *header)
{
    return header->attributes & BATCH_DELETE_HORIZON ? header->base_timestamp : -1;
}

#endif
