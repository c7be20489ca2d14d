// SPDX-License-Identifier: Apache-2.0
//
// marker: the control batch that ends a transaction in one partition. Pure.
//
// One record; key (version i16, type i16: 0 abort, 1 commit), value (version i16, coordinator epoch
// i32). Its header holds the producer's id and epoch, no sequence.
#ifndef WIRE_KAFKA_MARKER_H
#define WIRE_KAFKA_MARKER_H

#include "base/str.h"
#include "wire/kafka/batch_header.h"

struct marker {
    bool commit;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t coordinator_epoch;
    int64_t timestamp_ms;
};

// False when the batch is not a control batch, or one of another kind, or a compacted one that
// holds no record any more.
bool marker_read(struct marker *out, struct bytes batch);
// Appends the whole batch to `out`.
void marker_write(const struct marker *marker, struct str *out);

#endif
