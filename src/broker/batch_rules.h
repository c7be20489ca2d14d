// SPDX-License-Identifier: Apache-2.0
//
// batch_rules: what a topic's settings ask of a batch on its way in: timestamps within bounds, keys
// on compacted topics, the broker's clock (message.timestamp.type=LogAppendTime), the broker's
// codec (compression.type).
//
// Thread     any; packing takes CPU time: batch_rules_packs() tells whether it is due.
#ifndef BROKER_BATCH_RULES_H
#define BROKER_BATCH_RULES_H

#include "base/arena.h"
#include "store/log/log_store.h"
#include "wire/kafka/record.h"

enum { BATCH_FAULTS_MAX = 1000 }; // so many are told of one batch

struct batch_fault {
    int32_t index; // of the record
    const char *words;
};

struct batch_faults {
    struct batch_fault *items; // in `arena`
    size_t count;
};

// Has the batch to be packed anew?
bool batch_rules_packs(const struct topic_rules *rules, int attributes);

// `survey` is of this batch (record_validate). ERR_INVALID_TIMESTAMP, ERR_INVALID_RECORD with the
// records at fault.
MUST_USE err_t batch_rules_check(const struct topic_rules *rules, struct bytes batch,
                                 const struct record_survey *survey, int64_t now_ms,
                                 struct arena *arena, struct batch_faults *faults,
                                 struct diag *diag);

// Makes of a batch that passed what the topic keeps: its header is changed in place, or, when it
// has to be packed anew, `*packed` is a new batch (a reference for the caller) and otherwise NULL.
MUST_USE err_t batch_rules_apply(const struct topic_rules *rules, uint8_t *batch, size_t size,
                                 const struct record_survey *survey, int64_t now_ms,
                                 struct buf **packed, struct diag *diag);

#endif
