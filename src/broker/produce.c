// SPDX-License-Identifier: Apache-2.0
//
// Produce: every batch is checked on the connection's loop and handed to its partition's log in the
// order it came; the last partition to finish answers. Batches lie in the request's frame, so they
// are written without a copy.
//
// Records of uncompressed batches are walked; of compressed ones only header and checksum are
// looked at (a reader unpacks them anyway, and unpacking here would hold up every other connection
// of the loop).
#include "base/mem.h"
#include "broker/broker_int.h"
#include "wire/kafka/produce.h"
#include "wire/kafka/record.h"

enum {
    KAFKA_INVALID_TXN_STATE = 48,
    KAFKA_UNKNOWN_TOPIC_ID = 100,
    PRODUCE_ZSTD_FROM = 7,
    PRODUCE_IDS_FROM = 13
};

struct produce;

struct produce_part {
    struct append append;
    struct produce *produce;
    struct topic *topic; // a reference, or NULL
    struct kafka_produce_response_partition_response *out;
};

struct produce {
    struct request *request;
    struct kafka_produce_response response;
    struct produce_part *parts;
    size_t part_count;
    _Atomic size_t pending; // parts, and one for the loop that hands them in
    int16_t acks;
};

// --- the answer
// ---------------------------------------------------------------------------------------------

static void fill(struct request *request, struct produce_part *part)
{
    const struct append *append = &part->append;
    struct kafka_produce_response_partition_response *out = part->out;
    if (out->error_code != 0)
        return;
    out->error_code = kafka_code(append->err);
    out->base_offset = append->err == ERR_OK ? append->base_offset : -1;
    out->log_start_offset = append->err == ERR_OK ? append->start_offset : -1;
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
        topic_unref(part->topic);
    }
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

// --- checks
// -------------------------------------------------------------------------------------------------

static err_t check_batch(const struct request *request, struct bytes batch, struct diag *diag)
{
    struct batch_header header;
    if (batch.size == 0)
        return FAIL(diag, ERR_INVALID_RECORD, "no record batch for a partition");
    if (!batch_header_read(&header, batch))
        return ERR_OK; // the log finds the words
    if (header.magic != BATCH_MAGIC)
        return FAIL(diag, ERR_INVALID_RECORD, "message format %d, only 2 is taken", header.magic);
    int codec = header.attributes & BATCH_COMPRESSION_MASK;
    if (codec > BATCH_ZSTD)
        return FAIL(diag, ERR_UNSUPPORTED_COMPRESSION, "compression type %d", codec);
    if (codec == BATCH_ZSTD && request_version(request) < PRODUCE_ZSTD_FROM)
        return FAIL(diag, ERR_UNSUPPORTED_COMPRESSION, "zstd needs Produce version %d, this is %d",
                    PRODUCE_ZSTD_FROM, request_version(request));
    if (header.attributes & BATCH_CONTROL)
        return FAIL(diag, ERR_INVALID_RECORD, "clients may not write control batches");
    if (codec != BATCH_NONE || batch_header_size(&header) != batch.size || !batch_crc_ok(batch))
        return ERR_OK;
    return record_validate(batch, RECORD_UNPACKED_MAX_BYTES, diag);
}

static bool is_transactional(struct bytes batch)
{
    struct batch_header header;
    return batch_header_read(&header, batch) && (header.attributes & BATCH_TRANSACTIONAL);
}

static void refuse(struct request *request, struct produce_part *part, int16_t code,
                   const char *words)
{
    part->out->error_code = code;
    part->out->base_offset = -1;
    part->out->error_message = bytes_from(arena_strdup(&request->arena, words));
}

// Refuses the part, or hands it to the log. Each ends in exactly one part_ends().
static void start_part(struct produce *produce, struct produce_part *part,
                       const struct kafka_produce_request_partition_data *data, int16_t topic_error)
{
    struct request *request = produce->request;
    struct bytes batch = kafka_records_bytes(data->records);
    struct partition *partition = part->topic ? topic_partition(part->topic, data->index) : NULL;
    struct diag diag = DIAG_INIT;
    err_t err = ERR_OK;
    if (produce->acks < -1 || produce->acks > 1)
        err = FAIL(&diag, ERR_INVALID_REQUIRED_ACKS, "acks=%d, expected -1, 0 or 1", produce->acks);
    else if (!part->topic && topic_error == KAFKA_UNKNOWN_TOPIC_ID)
        refuse(request, part, topic_error, "no topic has this id");
    else if (!partition)
        err = FAIL(&diag, ERR_UNKNOWN_TOPIC, "unknown topic or partition %d", data->index);
    else if (is_transactional(batch))
        refuse(request, part, KAFKA_INVALID_TXN_STATE, "the producer has no open transaction");
    else
        err = check_batch(request, batch, &diag);
    if (err != ERR_OK)
        refuse(request, part, kafka_code(err), diag.text);
    if (part->out->error_code != 0) {
        part_ends(produce);
        return;
    }
    part->append.buf = buf_ref(request->frame);
    part->append.batch = request->frame->ptr + (batch.ptr - request->frame->ptr);
    part->append.size = batch.size;
    part->append.until = produce->acks == -1 ? APPEND_SYNCED : APPEND_WRITTEN;
    part->append.done = append_done;
    partition_append(partition, &part->append);
}

// --- the request
// --------------------------------------------------------------------------------------------

static struct topic *find_topic(struct request *request,
                                const struct kafka_produce_request_topic_data *data)
{
    if (request_version(request) >= PRODUCE_IDS_FROM)
        return log_store_topic_by_id(request->broker->store, data->topic_id.bytes);
    return log_store_topic(request->broker->store, data->name);
}

static struct produce *prepare(struct request *request, const struct kafka_produce_request *message)
{
    struct arena *arena = &request->arena;
    struct produce *produce = ARENA_NEW(arena, struct produce);
    produce->request = request;
    produce->acks = message->acks;
    for (int32_t t = 0; t < message->topic_data_count; t++)
        produce->part_count += (size_t)message->topic_data[t].partition_data_count;
    produce->parts = ARENA_ARRAY(arena, struct produce_part, produce->part_count + 1);
    kafka_produce_response_init(&produce->response);
    produce->response.responses_count = message->topic_data_count;
    produce->response.responses = ARENA_ARRAY(arena, struct kafka_produce_response_response,
                                              (size_t)message->topic_data_count + 1);
    return produce;
}

void produce_handle(struct request *request)
{
    const struct kafka_produce_request *message = request->message;
    struct produce *produce = prepare(request, message);
    produce->pending = produce->part_count + 1;
    size_t next = 0;
    for (int32_t t = 0; t < message->topic_data_count; t++) {
        const struct kafka_produce_request_topic_data *topic = &message->topic_data[t];
        struct kafka_produce_response_response *out = &produce->response.responses[t];
        kafka_produce_response_response_init(out);
        out->name = topic->name;
        out->topic_id = topic->topic_id;
        out->partition_responses_count = topic->partition_data_count;
        out->partition_responses =
            ARENA_ARRAY(&request->arena, struct kafka_produce_response_partition_response,
                        (size_t)topic->partition_data_count + 1);
        for (int32_t p = 0; p < topic->partition_data_count; p++) {
            struct produce_part *part = &produce->parts[next++];
            part->produce = produce;
            part->out = &out->partition_responses[p];
            kafka_produce_response_partition_response_init(part->out);
            part->out->index = topic->partition_data[p].index;
            part->topic = find_topic(request, topic);
            start_part(produce, part, &topic->partition_data[p],
                       request_version(request) >= PRODUCE_IDS_FROM ? KAFKA_UNKNOWN_TOPIC_ID : 0);
        }
    }
    part_ends(produce);
}
