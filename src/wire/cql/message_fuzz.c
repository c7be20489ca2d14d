// SPDX-License-Identifier: Apache-2.0
//
// Requests: frames of real clients (tests/corpus/cql_frame) and mutations of them are decoded;
// whatever decodes is read to its last byte.
#include "data/fuzz_corpus.h"
#include "wire/cql/message.h"

static volatile uint8_t sink;

static void touch(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        sink = (uint8_t)(sink ^ bytes.ptr[i]);
}

static void touch_params(const struct cql_params *params)
{
    for (size_t i = 0; i < params->value_count; i++) {
        touch(params->values[i].bytes);
        if (params->names)
            touch(params->names[i]);
    }
    touch(params->paging_state);
}

static void touch_request(const struct cql_request *request)
{
    touch(request->text);
    if (request->head.opcode == CQL_QUERY || request->head.opcode == CQL_EXECUTE)
        touch_params(&request->params);
    if (request->head.opcode != CQL_BATCH)
        return;
    for (size_t i = 0; i < request->batch.count; i++) {
        const struct cql_batch_item *item = &request->batch.items[i];
        touch(item->text);
        for (size_t j = 0; j < item->value_count; j++)
            touch(item->values[j].bytes);
    }
}

static void run(struct bytes text)
{
    if (text.size < CQL_HEAD_SIZE)
        return;
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    struct cql_request request;
    struct str body = {0};
    struct cql_head head = cql_head_read(text.ptr);
    struct bytes bytes = bytes_make(text.ptr + CQL_HEAD_SIZE, text.size - CQL_HEAD_SIZE);
    err_t err = ERR_OK;
    if (head.flags & CQL_FLAG_COMPRESSED) {
        err = cql_decompress(&body, head.stream % 2 ? CQL_LZ4 : CQL_SNAPPY, bytes, 1 << 20, &diag);
        bytes = bytes_make(str_text(&body), body.size);
    }
    if (err == ERR_OK && cql_request_decode(&request, &arena, head, bytes, &diag) == ERR_OK)
        touch_request(&request);
    str_release(&body);
    arena_release(&arena);
}

int main(void)
{
    return fuzz_run("cql_frame", 200000, run);
}
