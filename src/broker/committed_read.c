// SPDX-License-Identifier: Apache-2.0
#include "broker/committed_read.h"

#include "base/vec.h"
#include "os/file.h"
#include "wire/kafka/record.h"

struct filter {
    const struct aborted_list *aborted; // by first offset
    size_t next;                        // of `aborted`, not looked at yet
    VEC(struct aborted_txn) open;       // those that reach into the present batch
};

// Batches come by offset, so each aborted transaction is taken up and dropped once.
static bool was_aborted(struct filter *filter, const struct batch_header *header)
{
    const struct aborted_list *aborted = filter->aborted;
    while (filter->next < aborted->count &&
           aborted->items[filter->next].first_offset <= header->base_offset) {
        vec_push(&filter->open, aborted->items[filter->next]);
        filter->next++;
    }
    bool found = false;
    for (size_t i = 0; i < filter->open.count;) {
        if (filter->open.items[i].last_offset < header->base_offset) {
            vec_remove(&filter->open, i);
            continue;
        }
        found = found || filter->open.items[i].producer_id == header->producer_id;
        i++;
    }
    return found && (header->attributes & BATCH_TRANSACTIONAL);
}

// A header alone, over the same offsets.
static void write_empty(uint8_t *at, struct batch_header header)
{
    header.attributes = 0;
    header.producer_id = -1;
    header.producer_epoch = -1;
    header.base_sequence = -1;
    header.record_count = 0;
    batch_header_write(at, BATCH_HEADER_BYTES, &header);
}

// Puts the batches that count, and headers of the others, together at the front; how many bytes.
static size_t leave_out(struct buf *buf, const struct aborted_list *aborted)
{
    struct filter filter = {.aborted = aborted};
    struct reader reader = reader_make(buf_bytes(buf));
    struct bytes batch;
    struct batch_header header;
    size_t size = 0;
    while (record_batch_next(&reader, &batch) && batch_header_read(&header, batch)) {
        uint8_t *to = buf->ptr + size;
        bool hidden = was_aborted(&filter, &header) || (header.attributes & BATCH_CONTROL);
        if (hidden)
            write_empty(to, header);
        else if (to != batch.ptr)
            memmove(to, batch.ptr, batch.size);
        size += hidden ? (size_t)BATCH_HEADER_BYTES : batch.size;
    }
    vec_release(&filter.open);
    return size;
}

err_t committed_read(struct partition *partition, int64_t offset, size_t max_bytes,
                     struct buf **out, struct diag *diag)
{
    struct log_range range;
    struct aborted_list aborted = {0};
    *out = NULL;
    TRY(partition_range(partition, offset, max_bytes, RANGE_WHOLE_FIRST | RANGE_COMMITTED, &range,
                        diag));
    if (range.size == 0)
        return ERR_OK;
    struct buf *buf = buf_new(range.size);
    err_t err = partition_aborted(partition, offset, range.next_offset, 0, &aborted, diag);
    if (err == ERR_OK)
        err = file_pread(range.fd, buf->ptr, range.size, range.position, diag);
    log_range_release(&range);
    if (err == ERR_OK) {
        buf->size = leave_out(buf, &aborted);
        *out = buf;
    } else {
        buf_unref(buf);
    }
    vec_release(&aborted);
    return err;
}
