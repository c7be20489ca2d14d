// SPDX-License-Identifier: Apache-2.0
//
// Records of data_dir/security. A text is a u16 length and its bytes, 0xffff a null one. A record
// without a value takes away what its key names.
//
//   key    u8 version 0, u8 kind, then
//     user   text name, u8 mechanism
//     ACL    u8 resource, u8 pattern, text name, text principal, text host, u8 operation,
//            u8 permission
//     quota  u8 parts (1 user, 2 client id), text user, text client id, u8 kind of limit
//   value  u8 version 0, then
//     user   u32 iterations, text salt, text stored key, text server key
//     ACL    nothing
//     quota  u64 the limit in bytes a second, the bits of a double
#include "broker/security.h"

#include "wire/reader.h"
#include "wire/writer.h"

enum { VERSION = 0, NULL_TEXT = 0xffff, PART_USER = 1, PART_CLIENT = 2 };

static void put_text(struct str *out, struct bytes text)
{
    writer_u16(out, text.ptr ? (uint16_t)text.size : NULL_TEXT);
    str_append_bytes(out, text);
}

static struct bytes take_text(struct reader *reader)
{
    uint16_t size = reader_u16(reader);
    return size == NULL_TEXT ? BYTES_NULL : reader_bytes(reader, size);
}

static void encode_user(const struct security_change *change, struct str *key, struct str *value)
{
    const struct scram_credential *credential = &change->credential;
    size_t size = scram_key_size(credential->mechanism);
    put_text(key, change->user);
    writer_u8(key, (uint8_t)credential->mechanism);
    writer_i32(value, credential->iterations);
    put_text(value, bytes_make(credential->salt, credential->salt_size));
    put_text(value, bytes_make(credential->stored_key, size));
    put_text(value, bytes_make(credential->server_key, size));
}

static void encode_acl(const struct acl *acl, struct str *key)
{
    writer_u8(key, (uint8_t)acl->resource);
    writer_u8(key, (uint8_t)acl->pattern);
    put_text(key, acl->name);
    put_text(key, acl->principal);
    put_text(key, acl->host);
    writer_u8(key, (uint8_t)acl->operation);
    writer_u8(key, (uint8_t)acl->permission);
}

static void encode_quota(const struct security_change *change, struct str *key, struct str *value)
{
    uint64_t bits;
    memcpy(&bits, &change->limit, sizeof bits);
    writer_u8(key, (uint8_t)((change->entity.has_user ? PART_USER : 0) |
                             (change->entity.has_client ? PART_CLIENT : 0)));
    put_text(key, change->entity.user);
    put_text(key, change->entity.client);
    writer_u8(key, (uint8_t)change->quota);
    writer_u64(value, bits);
}

void security_encode(const struct security_change *change, struct str *key, struct str *value)
{
    writer_u8(key, VERSION);
    writer_u8(key, (uint8_t)change->kind);
    writer_u8(value, VERSION);
    if (change->kind == SECURITY_USER)
        encode_user(change, key, value);
    else if (change->kind == SECURITY_ACL)
        encode_acl(&change->acl, key);
    else
        encode_quota(change, key, value);
}

static bool take_key(struct reader *reader, size_t size, uint8_t *out)
{
    struct bytes text = take_text(reader);
    if (!text.ptr || text.size != size)
        return false;
    memcpy(out, text.ptr, size);
    return true;
}

static bool decode_user(struct reader *key, struct reader *value, struct security_change *out)
{
    struct scram_credential *credential = &out->credential;
    out->user = take_text(key);
    credential->mechanism = reader_u8(key);
    if (credential->mechanism != SCRAM_SHA_256 && credential->mechanism != SCRAM_SHA_512)
        return false;
    if (out->remove)
        return out->user.ptr;
    size_t size = scram_key_size(credential->mechanism);
    credential->iterations = reader_i32(value);
    struct bytes salt = take_text(value);
    if (!salt.ptr || salt.size > SCRAM_SALT_MAX)
        return false;
    credential->salt_size = salt.size;
    memcpy(credential->salt, salt.ptr, salt.size);
    return out->user.ptr && take_key(value, size, credential->stored_key) &&
           take_key(value, size, credential->server_key);
}

static bool decode_acl(struct reader *key, struct acl *out)
{
    out->resource = reader_u8(key);
    out->pattern = reader_u8(key);
    out->name = take_text(key);
    out->principal = take_text(key);
    out->host = take_text(key);
    out->operation = reader_u8(key);
    out->permission = reader_u8(key);
    return !key->failed && acl_check(out, NULL) == ERR_OK;
}

static bool decode_quota(struct reader *key, struct reader *value, struct security_change *out)
{
    uint8_t parts = reader_u8(key);
    out->entity.has_user = parts & PART_USER;
    out->entity.has_client = parts & PART_CLIENT;
    out->entity.user = take_text(key);
    out->entity.client = take_text(key);
    out->quota = reader_u8(key);
    uint64_t bits = out->remove ? 0 : reader_u64(value);
    memcpy(&out->limit, &bits, sizeof bits);
    return out->quota < QUOTA_KINDS && (out->remove || out->limit > 0);
}

bool security_decode(struct bytes key, struct bytes value, bool has_value,
                     struct security_change *out)
{
    struct reader keys = reader_make(key), values = reader_make(value);
    *out = (struct security_change){.remove = !has_value};
    if (reader_u8(&keys) != VERSION || (has_value && reader_u8(&values) != VERSION))
        return false;
    out->kind = reader_u8(&keys);
    bool good = false;
    if (out->kind == SECURITY_USER)
        good = decode_user(&keys, &values, out);
    else if (out->kind == SECURITY_ACL)
        good = decode_acl(&keys, &out->acl);
    else if (out->kind == SECURITY_QUOTA)
        good = decode_quota(&keys, &values, out);
    return good && !keys.failed && !values.failed;
}
