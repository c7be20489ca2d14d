// SPDX-License-Identifier: Apache-2.0
//
// system: cells of system tables, for the producers in system.c and system_schema.c; and who we say
// we are.
#ifndef TABLES_SYSTEM_H
#define TABLES_SYSTEM_H

#include "tables/system_tables.h"

// What drivers and cqlsh decide by: 4.0 and later bring server-side DESCRIBE and peers_v2; PyPI's
// cqlsh prints a warning in front of every output unless it is exactly this one.
#define SYSTEM_RELEASE_VERSION "5.0.0"
#define SYSTEM_CQL_VERSION     "3.4.7"
#define SYSTEM_CLUSTER_NAME    "weir"
#define SYSTEM_PARTITIONER     "org.apache.cassandra.dht.Murmur3Partitioner"
#define SYSTEM_TOKEN           "0" // the only one: we own the whole ring

static inline struct bytes cell_text(const char *text)
{
    return bytes_from(text); // NULL is null
}

struct bytes cell_int(struct arena *arena, int64_t value, size_t width);
struct bytes cell_bool(bool value);
struct bytes cell_double(struct arena *arena, double value);
struct bytes cell_inet(struct arena *arena, const char *host); // 127.0.0.1 for names and wildcards
struct bytes cell_map(struct arena *arena, const struct option_pair *pairs, size_t count);
struct bytes cell_set(struct arena *arena, const char *element); // of one text

#endif
