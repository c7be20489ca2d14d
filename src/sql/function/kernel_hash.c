// SPDX-License-Identifier: Apache-2.0
//
// hash(), xxhash64() as Spark computes them; md5, sha and crc32.
#include "sql/function_rules.h"

#include "data/spark_hash.h"

#include <openssl/evp.h>
#include <zlib.h>

err_t kernel_hash(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->out->ints[i] = SPARK_HASH_SEED;
    for (size_t a = 0; a < call->arg_count; a++) {
        struct column column;
        vector_flatten(&column, call_arena(call), &call->args[a], call->count);
        spark_murmur3(call->out->ints, &column);
    }
    return ERR_OK;
}

err_t kernel_xxhash64(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->out->longs[i] = SPARK_HASH_SEED;
    for (size_t a = 0; a < call->arg_count; a++) {
        struct column column;
        vector_flatten(&column, call_arena(call), &call->args[a], call->count);
        spark_xxhash64(call->out->longs, &column);
    }
    return ERR_OK;
}

static err_t digest(struct call *call, size_t row, const EVP_MD *kind)
{
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    struct bytes text = vector_text(&call->args[0], row);
    if (!EVP_Digest(text.ptr ? text.ptr : (const uint8_t *)"", text.size, out, &size, kind, NULL))
        return call_fail(call, ERR_INTERNAL, "the digest could not be computed");
    char *hex = arena_alloc(call_arena(call), size * 2 + 1);
    for (unsigned k = 0; k < size; k++) {
        hex[2 * k] = "0123456789abcdef"[out[k] >> 4];
        hex[2 * k + 1] = "0123456789abcdef"[out[k] & 15];
    }
    call->out->strings[row] = bytes_make(hex, size * 2);
    return ERR_OK;
}

err_t kernel_md5(struct call *call)
{
    CALL_ROWS(call, i)
    TRY(digest(call, i, EVP_md5()));
    return ERR_OK;
}

err_t kernel_sha1(struct call *call)
{
    CALL_ROWS(call, i)
    TRY(digest(call, i, EVP_sha1()));
    return ERR_OK;
}

err_t kernel_sha2(struct call *call)
{
    CALL_ROWS(call, i)
    {
        int32_t bits = vector_int(&call->args[1], i);
        const EVP_MD *kind = bits == 0 || bits == 256 ? EVP_sha256()
                             : bits == 224            ? EVP_sha224()
                             : bits == 384            ? EVP_sha384()
                             : bits == 512            ? EVP_sha512()
                                                      : NULL;
        if (kind)
            TRY(digest(call, i, kind));
        else
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_crc32(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes text = vector_text(&call->args[0], i);
        call->out->longs[i] = (int64_t)crc32_z(0, text.ptr, text.size);
    }
    return ERR_OK;
}
