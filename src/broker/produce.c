// SPDX-License-Identifier: Apache-2.0
//
// Produce: batches are checked and handed to their partitions' logs in the order they came; the
// last partition to finish answers. Batches lie in the request's frame, so they are written without
// a copy.
//
//     check    header, checksum, every record, the topic's rules (batch_rules.h). What has to be
//              unpacked or packed for that goes to a worker
//     start    on the connection's loop, request by request: one that needs no worker still waits
//              for those before it
//     answer   wherever the last append ends
#include "base/mem.h"
#include "broker/access.h"
#include "broker/batch_rules.h"
#include "broker/txn_enrol.h"
#include "os/clock.h"
#include "wire/kafka/produce.h"

enum {
    KAFKA_UNKNOWN_TOPIC_ID = 100,
    PRODUCE_ZSTD_FROM = 7,
    PRODUCE_ABORTABLE_FROM = 11,
    PRODUCE_ENROLS_FROM = 12, // KIP-890
    PRODUCE_IDS_FROM = 13
};

struct produce;

struct produce_part {
    struct append append;
    struct produce *produce;
    struct topic *topic; // a reference, or NULL
    err_t denied;        // ERR_OK: the client may write here
    struct topic_rules rules;
    struct buf *packed;     // the batch in the topic's codec: a reference, or NULL
    int64_t append_time_ms; // -1 unless the topic's timestamps are the broker's
    const struct kafka_produce_request_partition_data *data;
    struct kafka_produce_response_partition_response *out;
    bool is_intact; // its checksum holds
};

struct produce {
    struct request *request;
    struct kafka_produce_response response;
    struct produce_part *parts;
    size_t part_count;
    _Atomic size_t pending; // parts, and one for the loop that hands them in
    int16_t acks;
    bool checked;
    err_t denied;       // all of it: no right to the transactional id
    bool transactional; // holds a batch of a transaction
    bool enrols_later;  // enrolled() goes on with the requests that wait
    bool enrolled;      // its partitions have joined the transaction, or cannot
    struct txn *txn;    // a reference, or NULL
    struct txn_enrol enrol;
    struct list link; // in request_produces() until it is started
    struct post post;
};

// --- the answer ---

// Kafka tells the log start with every refusal that the log itself gave, except for these.
static bool tells_start(err_t err)
{
    return err != ERR_CORRUPT && err != ERR_TOO_LARGE && err != ERR_UNKNOWN_TOPIC &&
           err != ERR_IO && err != ERR_DISK_FULL;
}

static int64_t start_of(const struct produce_part *part)
{
    return partition_offsets(topic_partition(part->topic, part->data->index)).start;
}

static void fill(struct request *request, struct produce_part *part)
{
    const struct append *append = &part->append;
    struct kafka_produce_response_partition_response *out = part->out;
    if (out->error_code != 0)
        return;
    out->error_code = kafka_code(append->err);
    out->base_offset = append->err == ERR_OK ? append->base_offset : -1;
    out->log_start_offset = append->err == ERR_OK      ? append->start_offset
                            : tells_start(append->err) ? start_of(part)
                                                       : -1;
    out->log_append_time_ms = append->err == ERR_OK ? part->append_time_ms : -1;
    if (append->repeated) // as Kafka: the time of the first copy
        out->log_append_time_ms = append->max_timestamp;
    if (append->err != ERR_OK)
        out->error_message = bytes_from(arena_strdup(
            &request->arena, append->story ? append->story : err_info(append->err)->text));
}

static void answer(struct produce *produce)
{
    struct request *request = produce->request;
    char why[600] = "";
    for (size_t i = 0; i < produce->part_count; i++) {
        struct produce_part *part = &produce->parts[i];
        fill(request, part);
        if (part->out->error_code != 0 && why[0] == '\0')
            snprintf(why, sizeof why, "a batch was refused: %.*s",
                     BYTES_PRINT(part->out->error_message));
        mem_free(part->append.story);
        buf_unref(part->packed); // of a part that was not started
        if (part->topic)
            topic_count_produce(part->topic, part->out->error_code != 0);
        topic_unref(part->topic);
    }
    txn_unref(produce->txn);
    produce->response.throttle_time_ms =
        request_charge(request, QUOTA_PRODUCE, request->frame->size);
    if (produce->acks != 0)
        request_respond(request, &produce->response);
    else if (why[0] != '\0')
        request_refuse(request,
                       why); // without an answer, a closed connection is all the client can notice
    else
        request_done(request);
}

static void part_ends(struct produce *produce)
{
    if (--produce->pending == 0)
        answer(produce);
}

static void append_done(struct append *append)
{
    part_ends(CONTAINER_OF(append, struct produce_part, append)->produce);
}

// --- checks ---

// The first look, before the partition is asked: exactly one whole batch of format 2.
static err_t check_shape(const struct request *request, struct bytes batch, struct diag *diag)
{
    enum { LENGTH_AT = 8, MAGIC_AT = 16, LEGACY_MIN = 14 };
    struct batch_header header;
    if (batch.size < BATCH_LENGTH_END)
        return FAIL(diag, ERR_INVALID_RECORD, "no record batch for a partition");
    struct reader reader = reader_make(bytes_make(batch.ptr + LENGTH_AT, 4));
    int32_t length = reader_i32(&reader);
    if (length < LEGACY_MIN)
        return FAIL(diag, ERR_CORRUPT, "a record batch of %d bytes", length);
    if (batch.size <= MAGIC_AT)
        return FAIL(diag, ERR_INVALID_RECORD, "a record batch is cut short");
    if (batch.ptr[MAGIC_AT] > BATCH_MAGIC)
        return FAIL(diag, ERR_CORRUPT, "message format %d, only 2 is taken", batch.ptr[MAGIC_AT]);
    if ((size_t)length > batch.size - BATCH_LENGTH_END)
        return FAIL(diag, ERR_INVALID_RECORD, "a record batch is cut short: %zu of %d bytes",
                    batch.size - BATCH_LENGTH_END, length);
    if (batch.ptr[MAGIC_AT] != BATCH_MAGIC)
        return FAIL(diag, ERR_INVALID_RECORD, "message format %d, only 2 is taken",
                    batch.ptr[MAGIC_AT]);
    if (!batch_header_read(&header, batch))
        return FAIL(diag, ERR_CORRUPT, "a record batch shorter than its header");
    int codec = header.attributes & BATCH_COMPRESSION_MASK;
    if (codec >= BATCH_ZSTD && request_version(request) < PRODUCE_ZSTD_FROM)
        return FAIL(diag, ERR_UNSUPPORTED_COMPRESSION,
                    "compression type %d needs Produce version %d, this is %d", codec,
                    PRODUCE_ZSTD_FROM, request_version(request));
    if (batch.size - BATCH_LENGTH_END - (size_t)length >= BATCH_LENGTH_END)
        return FAIL(diag, ERR_INVALID_RECORD, "more than one record batch for a partition");
    return ERR_OK;
}

static err_t check_batch(struct produce_part *part, struct bytes batch,
                         struct record_survey *survey, struct diag *diag)
{
    struct batch_header header;
    TRY(batch_check(&header, batch, diag));
    part->is_intact = true;
    if ((header.attributes & BATCH_COMPRESSION_MASK) > BATCH_ZSTD)
        return FAIL(diag, ERR_UNSUPPORTED_COMPRESSION, "compression type %d",
                    header.attributes & BATCH_COMPRESSION_MASK);
    if (header.base_offset != 0)
        return FAIL(diag, ERR_INVALID_RECORD, "a record batch with base offset %lld, expected 0",
                    (long long)header.base_offset);
    if (header.attributes & BATCH_CONTROL)
        return FAIL(diag, ERR_INVALID_RECORD, "clients may not write control batches");
    return record_validate(batch, RECORD_UNPACKED_MAX_BYTES, survey, diag);
}

static void refuse(struct request *request, struct produce_part *part, int16_t code,
                   const char *words)
{
    part->out->error_code = code;
    part->out->base_offset = -1;
    part->out->error_message = bytes_from(arena_strdup(&request->arena, words));
}

static bool has_attribute(struct bytes batch, int attributes)
{
    struct batch_header header;
    return batch_header_read(&header, batch) && (header.attributes & attributes);
}

static void tell_faults(struct request *request, struct produce_part *part,
                        const struct batch_faults *faults)
{
    struct kafka_produce_response_record_error *errors =
        ARENA_ARRAY(&request->arena, struct kafka_produce_response_record_error, faults->count + 1);
    for (size_t i = 0; i < faults->count; i++) {
        kafka_produce_response_record_error_init(&errors[i]);
        errors[i].batch_index = faults->items[i].index;
        errors[i].batch_index_error_message = bytes_from(faults->items[i].words);
    }
    part->out->record_errors = errors;
    part->out->record_errors_count = (int32_t)faults->count;
}

// What the topic's settings say of the batch, and make of it.
static err_t apply_rules(struct produce *produce, struct produce_part *part, struct bytes batch,
                         struct diag *diag)
{
    struct request *request = produce->request;
    const struct topic_rules *rules = &part->rules;
    struct record_survey survey;
    struct batch_faults faults;
    TRY(check_batch(part, batch, &survey, diag));
    if ((int64_t)batch.size > rules->batch_max_bytes)
        return FAIL(diag, ERR_TOO_LARGE, "a record batch of %zu bytes, max.message.bytes is %lld",
                    batch.size, (long long)rules->batch_max_bytes);
    int64_t now_ms = clock_now_ms();
    err_t err = batch_rules_check(rules, batch, &survey, now_ms, &request->arena, &faults, diag);
    if (err != ERR_OK) {
        tell_faults(request, part, &faults);
        return err;
    }
    if (rules->append_time)
        part->append_time_ms = now_ms;
    uint8_t *in_frame = request->frame->ptr + (batch.ptr - request->frame->ptr);
    return batch_rules_apply(rules, in_frame, batch.size, &survey, now_ms, &part->packed, diag);
}

static void refuse_txn(struct produce *produce, struct produce_part *part, err_t err)
{
    int16_t version = request_version(produce->request);
    if (err == ERR_PRODUCER_FENCED)
        err = ERR_PRODUCER_EPOCH; // which lets an idempotent producer's client go on
    else if (err == ERR_TRANSACTION_ABORTABLE && version < PRODUCE_ABORTABLE_FROM)
        err = ERR_INVALID_TXN_STATE;
    else if ((err == ERR_CONCURRENT_TRANSACTIONS && version < PRODUCE_ENROLS_FROM) ||
             err == ERR_COORDINATOR_NOT_AVAILABLE)
        err = ERR_NOT_ENOUGH_REPLICAS; // older clients try again, and need not ask for metadata
    refuse(produce->request, part, kafka_code(err), err_info(err)->text);
}

static void check_part(struct produce *produce, struct produce_part *part)
{
    struct request *request = produce->request;
    struct bytes batch = kafka_records_bytes(part->data->records);
    struct diag diag = DIAG_INIT;
    err_t err = ERR_OK;
    if (produce->acks < -1 || produce->acks > 1)
        err = FAIL(&diag, ERR_INVALID_REQUIRED_ACKS, "acks=%d, expected -1, 0 or 1", produce->acks);
    else if (!part->topic && request_version(request) >= PRODUCE_IDS_FROM)
        refuse(request, part, KAFKA_UNKNOWN_TOPIC_ID, "no topic has this id");
    else if (part->denied != ERR_OK)
        err = FAIL(&diag, part->denied, "%s", err_info(part->denied)->text);
    else if (!part->topic || !topic_partition(part->topic, part->data->index))
        err = FAIL(&diag, ERR_UNKNOWN_TOPIC, "unknown topic or partition %d", part->data->index);
    else if (txns_internal_topic(bytes_from(topic_name(part->topic))))
        err = FAIL(&diag, ERR_INVALID_TOPIC, "clients may not write into %s",
                   topic_name(part->topic));
    else
        err = check_shape(request, batch, &diag);
    if (err != ERR_OK)
        refuse(request, part, kafka_code(err), diag.text);
    if (part->out->error_code != 0)
        return;
    err = apply_rules(produce, part, batch, &diag);
    if (err == ERR_OK)
        return;
    refuse(request, part, kafka_code(err), diag.text);
    if ((part->is_intact || tells_start(err)) && err != ERR_TOO_LARGE)
        part->out->log_start_offset = start_of(part);
}

static void check_all(struct produce *produce)
{
    for (size_t i = 0; i < produce->part_count; i++)
        check_part(produce, &produce->parts[i]);
}

// --- start ---

// Each part ends in exactly one part_ends().
static void start_part(struct produce *produce, struct produce_part *part)
{
    struct buf *frame = produce->request->frame;
    if (part->out->error_code != 0) {
        part_ends(produce);
        return;
    }
    if (part->packed) {
        part->append.buf = part->packed; // moves there
        part->append.batch = part->packed->ptr;
        part->append.size = part->packed->size;
        part->packed = NULL;
    } else {
        part->append.buf = buf_ref(frame);
        part->append.batch = frame->ptr + (part->data->records.ptr - frame->ptr);
        part->append.size = part->data->records.size;
    }
    part->append.checked = true;
    part->append.txn_version =
        request_version(produce->request) >= PRODUCE_ENROLS_FROM ? TXN_VERSION_BUMPS : 0;
    part->append.until = produce->acks != 0 ? APPEND_SYNCED : APPEND_WRITTEN;
    part->append.done = append_done;
    partition_append(topic_partition(part->topic, part->data->index), &part->append);
}

// With the transaction's mutex held until the batch is queued, its marker can only come behind it.
static void verify_part(struct produce *produce, struct produce_part *part)
{
    struct batch_header header;
    if (part->out->error_code != 0 ||
        !batch_header_read(&header, kafka_records_bytes(part->data->records)) ||
        !(header.attributes & BATCH_TRANSACTIONAL))
        return;
    const struct txn_caller caller = {header.producer_id, header.producer_epoch};
    err_t err = produce->txn && !produce->txn->gone
                    ? txn_verify(produce->txn, &caller, bytes_from(topic_name(part->topic)),
                                 part->data->index)
                    : ERR_PRODUCER_ID_MAPPING;
    if (err != ERR_OK)
        refuse_txn(produce, part, err);
}

static void start_all(struct produce *produce)
{
    struct txn *txn = produce->txn ? txn_ref(produce->txn) : NULL;
    produce->pending = produce->part_count + 1;
    if (txn)
        mutex_lock(&txn->lock);
    for (size_t i = 0; i < produce->part_count; i++) {
        if (produce->transactional)
            verify_part(produce, &produce->parts[i]);
        start_part(produce, &produce->parts[i]);
    }
    if (txn)
        mutex_unlock(&txn->lock);
    txn_unref(txn);
    part_ends(produce);
}

// --- transactions ---

static void go_on(struct list *waiting);

static void enrolled(struct txn_enrol *enrol)
{
    struct produce *produce = CONTAINER_OF(enrol, struct produce, enrol);
    produce->enrolled = true;
    for (size_t i = 0; enrol->err != ERR_OK && i < produce->part_count; i++) {
        struct produce_part *part = &produce->parts[i];
        if (part->out->error_code == 0 &&
            has_attribute(kafka_records_bytes(part->data->records), BATCH_TRANSACTIONAL))
            refuse_txn(produce, part, enrol->err);
    }
    if (produce->enrols_later)
        go_on(request_produces(produce->request));
}

// From PRODUCE_ENROLS_FROM on writing into a partition makes it part of the transaction.
static void enrol(struct produce *produce)
{
    struct txn_enrol *enrol = &produce->enrol;
    *enrol = (struct txn_enrol){.request = produce->request, .txn = produce->txn, .done = enrolled};
    for (size_t i = 0; i < produce->part_count; i++) {
        struct produce_part *part = &produce->parts[i];
        struct batch_header header;
        if (part->out->error_code != 0 ||
            !batch_header_read(&header, kafka_records_bytes(part->data->records)) ||
            !(header.attributes & BATCH_TRANSACTIONAL))
            continue;
        enrol->caller = (struct txn_caller){header.producer_id, header.producer_epoch};
        txn_partitions_add(&enrol->partitions, bytes_from(topic_name(part->topic)),
                           part->data->index);
    }
    produce->enrolled = enrol->partitions.count == 0 || !produce->txn;
    if (produce->enrolled)
        txn_partitions_release(&enrol->partitions);
    else
        txn_enrol(enrol);
}

static bool has_to_enrol(const struct produce *produce)
{
    return produce->transactional && !produce->enrolled &&
           request_version(produce->request) >= PRODUCE_ENROLS_FROM;
}

// Starts those whose turn it is, in the order they came.
static void go_on(struct list *waiting)
{
    while (!list_empty(waiting)) {
        struct produce *first = CONTAINER_OF(waiting->next, struct produce, link);
        if (!first->checked)
            return;
        if (has_to_enrol(first)) {
            if (first->enrols_later)
                return;
            enrol(first);
            first->enrols_later = !first->enrolled;
            if (first->enrols_later)
                return;
        }
        list_remove(&first->link);
        bool last = list_empty(waiting); // afterwards the connection may be gone
        start_all(first);
        if (last)
            return;
    }
}

static void checked_on_loop(struct post *post)
{
    struct produce *checked = CONTAINER_OF(post, struct produce, post);
    checked->checked = true;
    go_on(request_produces(checked->request));
}

static void check_on_worker(struct request *request)
{
    struct produce *produce = request->state;
    check_all(produce);
    loop_post(request_loop(request), &produce->post, checked_on_loop);
}

// --- the request ---

static struct topic *find_topic(struct request *request,
                                const struct kafka_produce_request_topic_data *data)
{
    if (request_version(request) >= PRODUCE_IDS_FROM)
        return log_store_topic_by_id(request->broker->store, data->topic_id.bytes);
    return log_store_topic(request->broker->store, data->name);
}

static bool may_write(struct request *request, const struct kafka_produce_request_topic_data *data)
{
    struct topic *topic = data->name.size == 0 ? find_topic(request, data) : NULL;
    struct bytes name = topic ? bytes_from(topic_name(topic)) : data->name;
    bool may = request_may(request, ACL_WRITE, ACL_TOPIC, name);
    topic_unref(topic);
    return may;
}

// A request with a transactional batch in it needs the right to its transactional id, or fails
// whole.
static err_t check_transaction(struct request *request)
{
    const struct kafka_produce_request *message = request->message;
    bool transactional = false;
    for (int32_t t = 0; t < message->topic_data_count; t++)
        for (int32_t p = 0; p < message->topic_data[t].partition_data_count; p++)
            transactional |=
                has_attribute(kafka_records_bytes(message->topic_data[t].partition_data[p].records),
                              BATCH_TRANSACTIONAL);
    if (!transactional)
        return ERR_OK;
    return message->transactional_id.ptr &&
                   request_may(request, ACL_WRITE, ACL_TRANSACTIONAL_ID, message->transactional_id)
               ? ERR_OK
               : ERR_TXN_UNAUTHORIZED;
}

static void prepare_topic(struct produce *produce,
                          const struct kafka_produce_request_topic_data *topic,
                          struct kafka_produce_response_response *out, struct produce_part *parts)
{
    struct request *request = produce->request;
    kafka_produce_response_response_init(out);
    out->name = topic->name;
    out->topic_id = topic->topic_id;
    err_t denied = produce->denied;
    if (denied == ERR_OK && !may_write(request, topic))
        denied = ERR_TOPIC_UNAUTHORIZED;
    out->partition_responses_count = topic->partition_data_count;
    out->partition_responses =
        ARENA_ARRAY(&request->arena, struct kafka_produce_response_partition_response,
                    (size_t)topic->partition_data_count + 1);
    for (int32_t p = 0; p < topic->partition_data_count; p++) {
        parts[p].produce = produce;
        parts[p].denied = denied;
        parts[p].data = &topic->partition_data[p];
        parts[p].topic = find_topic(request, topic);
        parts[p].append_time_ms = -1;
        if (parts[p].topic)
            parts[p].rules = topic_rules(parts[p].topic);
        parts[p].out = &out->partition_responses[p];
        kafka_produce_response_partition_response_init(parts[p].out);
        parts[p].out->index = topic->partition_data[p].index;
    }
}

static struct produce *prepare(struct request *request, const struct kafka_produce_request *message)
{
    struct arena *arena = &request->arena;
    struct produce *produce = ARENA_NEW(arena, struct produce);
    request->state = produce;
    produce->request = request;
    produce->acks = message->acks;
    produce->denied = check_transaction(request);
    for (int32_t t = 0; t < message->topic_data_count; t++)
        produce->part_count += (size_t)message->topic_data[t].partition_data_count;
    produce->parts = ARENA_ARRAY(arena, struct produce_part, produce->part_count + 1);
    kafka_produce_response_init(&produce->response);
    produce->response.responses = ARENA_ARRAY(arena, struct kafka_produce_response_response,
                                              (size_t)message->topic_data_count + 1);
    struct produce_part *parts = produce->parts;
    for (int32_t t = 0; t < message->topic_data_count; t++) {
        if (message->topic_data[t].partition_data_count == 0)
            continue;
        prepare_topic(produce, &message->topic_data[t],
                      &produce->response.responses[produce->response.responses_count++], parts);
        parts += message->topic_data[t].partition_data_count;
    }
    for (size_t i = 0; i < produce->part_count && !produce->transactional; i++)
        produce->transactional = has_attribute(kafka_records_bytes(produce->parts[i].data->records),
                                               BATCH_TRANSACTIONAL);
    if (produce->transactional && message->transactional_id.ptr)
        produce->txn = txns_find(request->broker->txns, message->transactional_id);
    return produce;
}

// Compressed batches have to be unpacked, and those of a topic with a codec of its own packed.
static bool needs_worker(const struct produce *produce)
{
    for (size_t i = 0; i < produce->part_count; i++) {
        const struct produce_part *part = &produce->parts[i];
        struct batch_header header;
        if (batch_header_read(&header, kafka_records_bytes(part->data->records)) &&
            ((header.attributes & BATCH_COMPRESSION_MASK) ||
             (part->topic && batch_rules_packs(&part->rules, header.attributes))))
            return true;
    }
    return false;
}

void produce_handle(struct request *request)
{
    struct produce *produce = prepare(request, request->message);
    struct list *waiting = request_produces(request);
    if (needs_worker(produce) || !list_empty(waiting)) {
        list_push_back(waiting, &produce->link);
        request_work(request, check_on_worker);
        return;
    }
    check_all(produce);
    if (has_to_enrol(produce)) {
        produce->checked = true;
        list_push_back(waiting, &produce->link);
        go_on(waiting);
    } else {
        start_all(produce);
    }
}
