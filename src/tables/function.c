// SPDX-License-Identifier: Apache-2.0
//
// The scalar functions of CQL: time UUIDs and the conversions between time types, xAsBlob and
// blobAsX, tojson.
#include "tables/term.h"

#include "os/random.h"

#include <pthread.h>
#include <stdatomic.h>

static struct bytes put(const struct term_context *context, const void *ptr, size_t size)
{
    return bytes_make(arena_dup(context->arena, ptr, size), size);
}

static struct bytes put_i64(const struct term_context *context, int64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    return put(context, bytes, sizeof bytes);
}

static int64_t get_i64(struct bytes value)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < value.size; i++)
        bits = bits << 8 | value.ptr[i];
    return (int64_t)bits;
}

// --- time UUIDs ----------------------------------------------------------------------------------
static void timeuuid_make(uint8_t out[16], uint64_t ticks, uint64_t low_half)
{
    uint32_t low = (uint32_t)ticks;
    uint16_t mid = (uint16_t)(ticks >> 32), high = (uint16_t)(ticks >> 48 & 0x0fff) | 0x1000;
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(low >> (24 - 8 * i));
    out[4] = (uint8_t)(mid >> 8);
    out[5] = (uint8_t)mid;
    out[6] = (uint8_t)(high >> 8);
    out[7] = (uint8_t)high;
    for (int i = 0; i < 8; i++)
        out[8 + i] = (uint8_t)(low_half >> (56 - 8 * i));
}

static uint64_t node_id; // clock sequence and node, one per process

static void node_make(void)
{
    node_id = (random_u64() & 0x3fffffffffffffffULL) | 0x8000010000000000ULL; // variant, multicast
}

// Ticks grow strictly within the process, so no two time UUIDs are equal.
void term_timeuuid_new(uint8_t out[16], int64_t now_us)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Atomic uint64_t last;
    pthread_once(&once, node_make);
    uint64_t now = (uint64_t)now_us * 10 + CQL_TICKS_AT_EPOCH, before = atomic_load(&last), ticks;
    do {
        ticks = before >= now ? before + 1 : now;
    } while (!atomic_compare_exchange_weak(&last, &before, ticks));
    timeuuid_make(out, ticks, node_id);
}

#define ARGUMENTS                                                                         \
    const struct function_info *info, const struct term_context *context,                 \
        const struct cql_type *const *types, const struct bytes *args, struct bytes *out, \
        struct diag *diag
#define UNUSED_ARGUMENTS                                 \
    do {                                                 \
        (void)info, (void)types, (void)args, (void)diag; \
    } while (0)

static err_t eval_now(ARGUMENTS)
{
    UNUSED_ARGUMENTS;
    uint8_t uuid[16];
    term_timeuuid_new(uuid, context->now_us);
    *out = put(context, uuid, sizeof uuid);
    return ERR_OK;
}

static err_t eval_uuid(ARGUMENTS)
{
    UNUSED_ARGUMENTS;
    uint8_t uuid[16];
    random_uuid(uuid);
    *out = put(context, uuid, sizeof uuid);
    return ERR_OK;
}

static err_t eval_bound_uuid(ARGUMENTS)
{
    UNUSED_ARGUMENTS;
    bool max = info->name[0] == 'm' && info->name[1] == 'a';
    uint8_t uuid[16];
    uint64_t ticks =
        (uint64_t)get_i64(args[0]) * CQL_TICKS_PER_MS + CQL_TICKS_AT_EPOCH + (max ? 9999 : 0);
    timeuuid_make(uuid, ticks, max ? 0x7f7f7f7f7f7f7f7fULL : 0x8080808080808080ULL);
    *out = put(context, uuid, sizeof uuid);
    return ERR_OK;
}

// --- times ---------------------------------------------------------------------------------------
// Unix milliseconds of a timeuuid, timestamp or date.
static int64_t ms_of(const struct cql_type *type, struct bytes value)
{
    if (type->kind == CQL_TIMEUUID || type->kind == CQL_UUID)
        return ((int64_t)cql_timeuuid_ticks(value.ptr) - (int64_t)CQL_TICKS_AT_EPOCH) /
               CQL_TICKS_PER_MS;
    if (type->kind == CQL_DATE)
        return (get_i64(value) - 0x80000000LL) * 86400000;
    return get_i64(value);
}

static struct bytes date_of(const struct term_context *context, int64_t ms)
{
    int64_t days = ms / 86400000 - (ms % 86400000 < 0);
    uint32_t raw = (uint32_t)(days + 0x80000000LL);
    uint8_t bytes[4] = {(uint8_t)(raw >> 24), (uint8_t)(raw >> 16), (uint8_t)(raw >> 8),
                        (uint8_t)raw};
    return put(context, bytes, sizeof bytes);
}

static err_t eval_current(ARGUMENTS)
{
    UNUSED_ARGUMENTS;
    int64_t us = context->now_us;
    if (info->result == CQL_DATE)
        *out = date_of(context, us / 1000);
    else if (info->result == CQL_TIME)
        *out = put_i64(context, us % 86400000000 * 1000);
    else
        *out = put_i64(context, us / 1000);
    return ERR_OK;
}

static err_t eval_to_time(ARGUMENTS)
{
    enum cql_kind from = types[0]->kind;
    if (from != CQL_TIMEUUID && from != CQL_TIMESTAMP && from != CQL_DATE)
        return FAIL(diag, ERR_INVALID,
                    "Invalid call to function %s, none of its type signatures match (%s given)",
                    info->name, cql_kind_name(from));
    int64_t ms = ms_of(types[0], args[0]);
    *out = info->result == CQL_DATE ? date_of(context, ms) : put_i64(context, ms);
    return ERR_OK;
}

// --- blobs and JSON ------------------------------------------------------------------------------
static err_t eval_as_blob(ARGUMENTS)
{
    UNUSED_ARGUMENTS;
    (void)context;
    *out = args[0];
    return ERR_OK;
}

static err_t eval_from_blob(ARGUMENTS)
{
    (void)context, (void)types;
    if (cql_value_check(cql_type_scalar(info->result), args[0], NULL) != ERR_OK)
        return FAIL(diag, ERR_INVALID,
                    "In call to function system.%s, value is not a valid binary representation for "
                    "type %s",
                    info->name, cql_kind_name(info->result));
    *out = args[0];
    return ERR_OK;
}

static err_t eval_to_json(ARGUMENTS)
{
    (void)info, (void)diag;
    struct str text = {0};
    cql_value_write_json(&text, types[0], args[0]);
    *out = put(context, text.ptr, text.size);
    str_release(&text);
    return ERR_OK;
}

static const struct function_info functions[] = {
    {"now", CQL_TIMEUUID, 0, 0, eval_now},
    {"currenttimeuuid", CQL_TIMEUUID, 0, 0, eval_now},
    {"uuid", CQL_UUID, 0, 0, eval_uuid},
    {"currenttimestamp", CQL_TIMESTAMP, 0, 0, eval_current},
    {"currentdate", CQL_DATE, 0, 0, eval_current},
    {"currenttime", CQL_TIME, 0, 0, eval_current},
    {"mintimeuuid", CQL_TIMEUUID, 1, CQL_TIMESTAMP, eval_bound_uuid},
    {"maxtimeuuid", CQL_TIMEUUID, 1, CQL_TIMESTAMP, eval_bound_uuid},
    {"dateof", CQL_TIMESTAMP, 1, CQL_TIMEUUID, eval_to_time},
    {"unixtimestampof", CQL_BIGINT, 1, CQL_TIMEUUID, eval_to_time},
    {"todate", CQL_DATE, 1, CQL_CUSTOM, eval_to_time},
    {"totimestamp", CQL_TIMESTAMP, 1, CQL_CUSTOM, eval_to_time},
    {"tounixtimestamp", CQL_BIGINT, 1, CQL_CUSTOM, eval_to_time},
    {"tojson", CQL_VARCHAR, 1, CQL_CUSTOM, eval_to_json},
#define BLOB_PAIR(word, kind)                            \
    {word "asblob", CQL_BLOB, 1, kind, eval_as_blob},    \
    {                                                    \
        "blobas" word, kind, 1, CQL_BLOB, eval_from_blob \
    }
    BLOB_PAIR("ascii", CQL_ASCII),
    BLOB_PAIR("bigint", CQL_BIGINT),
    BLOB_PAIR("boolean", CQL_BOOLEAN),
    BLOB_PAIR("counter", CQL_COUNTER),
    BLOB_PAIR("date", CQL_DATE),
    BLOB_PAIR("decimal", CQL_DECIMAL),
    BLOB_PAIR("double", CQL_DOUBLE),
    BLOB_PAIR("duration", CQL_DURATION),
    BLOB_PAIR("float", CQL_FLOAT),
    BLOB_PAIR("inet", CQL_INET),
    BLOB_PAIR("int", CQL_INT),
    BLOB_PAIR("smallint", CQL_SMALLINT),
    BLOB_PAIR("text", CQL_VARCHAR),
    BLOB_PAIR("time", CQL_TIME),
    BLOB_PAIR("timestamp", CQL_TIMESTAMP),
    BLOB_PAIR("timeuuid", CQL_TIMEUUID),
    BLOB_PAIR("tinyint", CQL_TINYINT),
    BLOB_PAIR("uuid", CQL_UUID),
    BLOB_PAIR("varchar", CQL_VARCHAR),
    BLOB_PAIR("varint", CQL_VARINT),
};

// "to_timestamp" and "totimestamp" are one.
static bool same_name(const char *wanted, const char *name)
{
    for (; *wanted; wanted++) {
        if (*wanted == '_')
            continue;
        if (*wanted != *name++)
            return false;
    }
    return *name == '\0';
}

const struct function_info *function_find(const char *name, size_t arg_count)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (functions[i].arg_count == arg_count && same_name(name, functions[i].name))
            return &functions[i];
    }
    return NULL;
}

err_t function_check(const struct function_info *info, const struct cql_type *const *types,
                     struct diag *diag)
{
    for (size_t i = 0; i < info->arg_count; i++) {
        if (info->arg == CQL_CUSTOM || cql_type_is_compatible(cql_type_scalar(info->arg), types[i]))
            continue;
        return FAIL(diag, ERR_INVALID,
                    "Invalid call to function %s, none of its type signatures match (known type "
                    "signatures: system.%s : (%s) -> %s)",
                    info->name, info->name, cql_kind_name(info->arg), cql_kind_name(info->result));
    }
    return ERR_OK;
}

err_t function_eval(const struct function_info *info, const struct term_context *context,
                    const struct cql_type *const *types, const struct bytes *args,
                    struct bytes *out, struct diag *diag)
{
    *out = BYTES_NULL;
    TRY(function_check(info, types, diag));
    bool null = info->arg_count == 1 && !args[0].ptr;
    bool empty = info->arg_count == 1 && args[0].size == 0 && info->eval != eval_to_json &&
                 info->eval != eval_as_blob && info->eval != eval_from_blob;
    if ((null && info->eval != eval_to_json) || empty)
        return ERR_OK;
    return info->eval(info, context, types, args, out, diag);
}
