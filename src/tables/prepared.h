// SPDX-License-Identifier: Apache-2.0
//
// prepared: the cache of prepared statements, shared by all connections. Ids are MD5(keyspace +
// text), so every server and every re-prepare gives the same one.
//
// Thread     any; one small mutex.
// Bounds     PREPARED_MAX statements and PREPARED_TEXT_MAX bytes of text; the least recently used
// goes first.
#ifndef TABLES_PREPARED_H
#define TABLES_PREPARED_H

#include "tables/exec.h"

#include "os/thread.h"

enum { PREPARED_MAX = 10000, PREPARED_TEXT_MAX = 32 << 20, PREPARED_ID_SIZE = 16 };

struct prepared_cache;

struct prepared_cache *prepared_new(void);
void prepared_free(struct prepared_cache *cache);
void prepared_id(uint8_t out[PREPARED_ID_SIZE], const char *keyspace, struct bytes text);
// A reference to the plan, or NULL if it is unknown or a table it uses has changed (then it is
// forgotten).
struct plan *prepared_get(struct prepared_cache *cache, struct bytes id);
// Keeps a reference of its own to `plan`.
void prepared_put(struct prepared_cache *cache, const uint8_t id[PREPARED_ID_SIZE],
                  const char *keyspace, struct bytes text, struct plan *plan);
// Calls fn for each, least recently used last.
void prepared_each(struct prepared_cache *cache,
                   void (*fn)(void *ctx, struct bytes id, const char *keyspace, struct bytes text),
                   void *ctx);

#endif
