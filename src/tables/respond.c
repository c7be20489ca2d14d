// SPDX-License-Identifier: Apache-2.0
//
// Outcomes as frames. What some error codes carry beyond their words: native protocol v4 §9.
#include "tables/server.h"

#include "wire/writer.h"

static void free_bytes(void *ptr)
{
    mem_free(ptr);
}

static struct buf *wrapped(struct str *out)
{
    size_t size = out->size;
    char *ptr = str_take(out);
    return buf_wrap(ptr, size, free_bytes, ptr);
}

struct buf *respond_simple(int version, int16_t stream, enum cql_opcode opcode)
{
    struct str out = {0};
    size_t begin = cql_frame_begin(&out, version, 0, stream, opcode);
    if (opcode == CQL_SUPPORTED)
        cql_supported_encode(&out);
    cql_frame_end(&out, begin, CQL_PLAIN);
    return wrapped(&out);
}

struct buf *respond_error(int version, int16_t stream, int code, const char *text)
{
    struct str out = {0};
    size_t begin = cql_frame_begin(&out, version, 0, stream, CQL_ERROR);
    cql_error_encode(&out, code, text);
    cql_frame_end(&out, begin, CQL_PLAIN);
    return wrapped(&out);
}

struct buf *respond_event(int version, const struct exec_result *change)
{
    struct str out = {0};
    size_t begin = cql_frame_begin(&out, version, 0, -1, CQL_EVENT);
    cql_string(&out, "SCHEMA_CHANGE");
    cql_schema_change_encode(&out, change->change, change->target, change->keyspace, change->name);
    cql_frame_end(&out, begin, CQL_PLAIN);
    return wrapped(&out);
}

static size_t begin(struct str *out, const struct request *request, enum cql_opcode opcode,
                    size_t warning_count, const char *const *warnings)
{
    struct cql_prelude prelude = {.trace_id = request->traced ? request->trace_id : NULL,
                                  .warning_count = request->version >= 4 ? warning_count : 0,
                                  .warnings = warnings};
    size_t at = cql_frame_begin(out, request->version, cql_prelude_flags(&prelude),
                                request->message.head.stream, opcode);
    cql_prelude_encode(out, &prelude);
    return at;
}

static struct buf *finish(struct str *out, size_t at, const struct request *request)
{
    cql_frame_end(out, at, request->compression);
    return wrapped(out);
}

int exec_error_code(const struct exec_error *error)
{
    return error->cql_code ? error->cql_code : err_info(error->diag.code)->cql;
}

static struct buf *failure(const struct request *request, const struct exec_error *error)
{
    struct str out = {0};
    size_t at = begin(&out, request, CQL_ERROR, 0, NULL);
    int code = exec_error_code(error);
    cql_error_encode(&out, code, diag_text(&error->diag));
    uint16_t consistency = request->exec.consistency;
    switch (code) {
    case 0x1000: // unavailable: consistency, required, alive
        writer_u16(&out, consistency);
        writer_u32(&out, 1);
        writer_u32(&out, 0);
        break;
    case 0x1100: // write timeout: consistency, received, needed, kind of write
        writer_u16(&out, consistency);
        writer_u32(&out, 0);
        writer_u32(&out, 1);
        cql_string(&out, request->exec.is_batch ? "BATCH" : "SIMPLE");
        break;
    case 0x1200: // read timeout: consistency, received, needed, data present
        writer_u16(&out, consistency);
        writer_u32(&out, 0);
        writer_u32(&out, 1);
        writer_u8(&out, 0);
        break;
    case 0x2400: // exists: keyspace, table
        cql_string(&out, error->keyspace ? error->keyspace : "");
        cql_string(&out, error->table ? error->table : "");
        break;
    default:
        break;
    }
    return finish(&out, at, request);
}

struct buf *respond_unprepared(const struct request *request, struct bytes id)
{
    struct str out = {0}, words = {0};
    size_t at = begin(&out, request, CQL_ERROR, 0, NULL);
    str_append_text(&words, "Prepared query with ID ");
    for (size_t i = 0; i < id.size && i < 32; i++)
        str_printf(&words, "%02x", id.ptr[i]);
    str_append_text(&words,
                    " not found (either the query was not prepared on this host (maybe the "
                    "host has been restarted?) or you have prepared too many queries and it has "
                    "been evicted from the internal cache)");
    cql_error_encode(&out, err_info(ERR_UNPREPARED)->cql, str_text(&words));
    cql_short_bytes(&out, id);
    str_release(&words);
    return finish(&out, at, request);
}

struct buf *respond_prepared(const struct request *request, const uint8_t id[PREPARED_ID_SIZE],
                             const struct plan_info *info)
{
    struct str out = {0};
    size_t at = begin(&out, request, CQL_RESULT, 0, NULL);
    cql_prepared_encode(&out,
                        &(struct cql_prepared){.id = bytes_make(id, PREPARED_ID_SIZE),
                                               .bind_count = info->bind_count,
                                               .binds = info->binds,
                                               .key_count = info->key_count,
                                               .key_binds = info->key_binds,
                                               .result_count = info->result_count,
                                               .results = info->results},
                        request->version);
    return finish(&out, at, request);
}

static void encode_rows(struct str *out, const struct request *request,
                        const struct exec_result *result)
{
    // A client that was not told the columns when it prepared (a conditional write) must be told
    // now.
    bool known = request->plan && plan_info(request->plan)->result_count > 0;
    bool skip = request->message.head.opcode == CQL_EXECUTE &&
                request->message.params.skip_metadata && known;
    str_reserve(out, result->rows.size + 256);
    cql_rows_begin(out,
                   &(struct cql_rows_meta){.column_count = result->column_count,
                                           .columns = result->columns,
                                           .paging_state = str_bytes(&result->paging_state),
                                           .skip = skip},
                   request->version);
    writer_u32(out, result->row_count);
    str_append_bytes(out, str_bytes(&result->rows));
}

struct buf *respond_result(const struct request *request, const struct exec_result *result)
{
    if (result->kind == EXEC_ERROR)
        return failure(request, &result->error);
    struct str out = {0};
    size_t at = begin(&out, request, CQL_RESULT, result->warning_count, result->warnings);
    switch (result->kind) {
    case EXEC_ROWS:
        encode_rows(&out, request, result);
        break;
    case EXEC_SET_KEYSPACE:
        writer_u32(&out, EXEC_SET_KEYSPACE);
        cql_string(&out, result->keyspace);
        break;
    case EXEC_SCHEMA_CHANGE:
        writer_u32(&out, EXEC_SCHEMA_CHANGE);
        cql_schema_change_encode(&out, result->change, result->target, result->keyspace,
                                 result->name);
        break;
    case EXEC_VOID:
    case EXEC_ERROR:
        writer_u32(&out, EXEC_VOID);
        break;
    }
    return finish(&out, at, request);
}
