// SPDX-License-Identifier: Apache-2.0
//
// txn_record: the records of __transaction_state, as Kafka's tools read them
// (schema/kafka/transaction_log.tbl): TransactionLogKey v0 -> TransactionLogValue v1, a null value
// deletes.
#ifndef BROKER_TXN_RECORD_H
#define BROKER_TXN_RECORD_H

#include "base/str.h"
#include "broker/txn.h"

// One batch with the record of `meta`; Dead deletes. The partitions are those of both sets.
void txn_record_write(const char *id, const struct txn_meta *meta,
                      const struct txn_partitions *partitions, const struct txn_partitions *added,
                      struct str *batch);

struct txn_record {
    struct bytes id; // a view into the key
    bool deletes;
    struct txn_meta meta;
    struct txn_partitions partitions; // txn_partitions_release()
};
// False when the record is of another kind or breaks the format.
bool txn_record_read(struct bytes key, struct bytes value, struct txn_record *out);

#endif
