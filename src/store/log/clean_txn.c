// SPDX-License-Identifier: Apache-2.0
#include "store/log/clean_txn.h"

#include "base/vec.h"

void clean_txns_begin(struct clean_txns *txns, int64_t offset)
{
    clean_txn_map_release(&txns->open);
    txns->next = 0;
    txns->begin = offset;
}

// Transactions that begin at or before the batch are met.
static void meet(struct clean_txns *txns, int64_t offset)
{
    while (txns->next < txns->aborted.count &&
           txns->aborted.items[txns->next].first_offset <= offset) {
        const struct aborted_txn *aborted = &txns->aborted.items[txns->next++];
        if (aborted->last_offset < txns->begin)
            continue; // over before the walk began
        struct clean_txn *txn = clean_txn_map_put(&txns->open, aborted->producer_id, NULL);
        if (!txn->aborted)
            *txn = (struct clean_txn){.aborted = true, .entry = *aborted};
    }
}

bool clean_txns_data(struct clean_txns *txns, const struct batch_header *header)
{
    meet(txns, batch_header_last_offset(header));
    if (!(header->attributes & BATCH_TRANSACTIONAL))
        return false;
    struct clean_txn *txn = clean_txn_map_put(&txns->open, header->producer_id, NULL);
    txn->has_data = true;
    return txn->aborted;
}

bool clean_txns_marker(struct clean_txns *txns, const struct batch_header *header,
                       struct aborted_txn *entry)
{
    meet(txns, batch_header_last_offset(header));
    entry->first_offset = -1;
    const struct clean_txn *txn = clean_txn_map_get(&txns->open, header->producer_id);
    bool has_data = txn && txn->has_data;
    if (has_data && txn->aborted)
        *entry = txn->entry;
    clean_txn_map_remove(&txns->open, header->producer_id);
    return !has_data || header->record_count == 0;
}

void clean_txns_release(struct clean_txns *txns)
{
    vec_release(&txns->aborted);
    clean_txn_map_release(&txns->open);
}
