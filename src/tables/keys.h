// SPDX-License-Identifier: Apache-2.0
//
// keys: where a row stands in KV_DATA. Byte order of keys = token order, then partition key bytes,
// then the clustering order of the table. The form is described in keys.c.
//
// Pure. Decoders accept any bytes and say false when they do not follow the form.
#ifndef TABLES_KEYS_H
#define TABLES_KEYS_H

#include "tables/schema.h"

// What stands under a partition, in this order.
enum key_kind {
    KEY_PARTITION_DELETION = 0x01,
    KEY_RANGE_DELETION = 0x02,
    KEY_STATIC = 0x03,
    KEY_ROW = 0x04,
};

enum {
    KEY_TABLE_BYTES = 4,
    KEY_TOKEN_BYTES = 12, // table and token
    KEY_PART_MAX = 65535, // of a serialised partition key or clustering value
};

// The parts of a key; views into it.
struct key_parts {
    uint32_t table;
    int64_t token;
    size_t prefix_size;   // table, token and partition key: same for all of the partition
    struct bytes escaped; // the partition key, see key_unescape()
    enum key_kind kind;
    struct bytes clustering; // encoded components
};

void key_table(struct str *out, uint32_t table);
void key_token(struct str *out, uint32_t table, int64_t token);
// Appends table, token and partition key: what all keys of a partition begin with.
void key_partition(struct str *out, uint32_t table, struct bytes partition_key);
void key_kind(struct str *out, enum key_kind kind);
bool key_split(struct key_parts *parts, struct bytes key);
size_t key_prefix_size(struct bytes key); // struct kv_format.prefix
// Appends the serialised partition key.
void key_unescape(struct str *out, struct bytes escaped);

// A serialised partition key from its columns' values and back (views into it).
void partition_key_join(struct str *out, const struct bytes *values, size_t count);
bool partition_key_split(struct bytes *values, size_t count, struct bytes partition_key);

// Appends one clustering value (well-formed, not null) so that memcmp() orders as the column does.
void key_component(struct str *out, const struct cql_type *type, bool descending,
                   struct bytes value);
// Takes one component off `*at` and appends its serialised value to `out`.
bool key_component_take(struct bytes *at, const struct cql_type *type, bool descending,
                        struct str *out);
// Could the value not be had back bit for bit from its component (decimal 1.00 is the key of 1.0)?
bool key_component_is_lossy(const struct cql_type *type);

// Range deletions: [lower, upper) over encoded clusterings; an empty upper is the end of the
// partition.
void key_range(struct str *out, struct bytes lower, struct bytes upper);
bool key_range_split(struct bytes clustering, struct bytes *lower, struct bytes *upper);
// What sorts behind every key that begins with `prefix` and before all other larger ones.
#define KEY_AFTER 0xff

#endif
