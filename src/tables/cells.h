// SPDX-License-Identifier: Apache-2.0
//
// cells: the packed value of one row, and how two of them become one. The form is described in
// cells.c.
//
// A value is also what one write adds (a delta): merging deltas in any order and grouping gives the
// same bytes. No clock: what has expired is decided by readers and by row_purge(). Pure. Bounds:
// decoders accept any bytes and stop (failed) at the first that do not follow the form.
#ifndef TABLES_CELLS_H
#define TABLES_CELLS_H

#include "base/str.h"

// "Everything at or before `ts` is gone", said at `local_s` (unix seconds, for gc_grace).
struct tombstone {
    int64_t ts; // microseconds; TOMBSTONE_NONE.ts = nothing deleted
    int64_t local_s;
};
#define TOMBSTONE_NONE ((struct tombstone){INT64_MIN, 0})

static inline bool tombstone_is_none(struct tombstone deletion)
{
    return deletion.ts == INT64_MIN;
}

static inline struct tombstone tombstone_max(struct tombstone a, struct tombstone b)
{
    if (a.ts != b.ts)
        return a.ts > b.ts ? a : b;
    return a.local_s >= b.local_s ? a : b;
}

struct cell {
    int64_t ts;
    int64_t expiry_s; // when it stops living; dead: when it was deleted. 0 for a plain one
    int32_t ttl_s;    // 0 = does not expire
    bool dead;
    struct bytes path;  // element of a collection: key, set member or list timeuuid
    struct bytes value; // not of a dead one
};

static inline bool cell_is_live(const struct cell *cell, int64_t now_s)
{
    return !cell->dead && (cell->ttl_s == 0 || cell->expiry_s > now_s);
}

// Which of two writes to one cell wins: >0 the first, <0 the second, 0 they are equal.
int cell_compare(const struct cell *a, const struct cell *b);

// --- reading ---

struct row_reader {
    const uint8_t *at, *end;
    bool failed;
    bool has_marker;
    bool mortal; // something in it expires or is a deletion
    int64_t base_ts;
    uint64_t next_id;   // ids ascend
    struct cell marker; // ts, ttl_s, expiry_s
    struct tombstone deletion;
};

struct row_column {
    uint32_t id;
    bool many;                 // a collection of cells: row_next_cell() for each
    struct cell cell;          // when not
    struct tombstone deletion; // of a collection
};

bool row_open(struct row_reader *reader, struct bytes value); // false: damaged
// False at the end (or when damaged: reader->failed). All cells of a collection must be read
// before.
bool row_next(struct row_reader *reader, struct row_column *column);
bool row_next_cell(struct row_reader *reader, struct cell *cell);

// --- writing ---

// Appends a row to `out`: begin, then marker, deletion, columns by ascending id.
struct row_writer {
    struct str *out;
    size_t start;
    int64_t base_ts;
};

void row_begin(struct row_writer *writer, struct str *out, int64_t base_ts);
void row_marker(struct row_writer *writer, const struct cell *marker);
void row_deletion(struct row_writer *writer, struct tombstone deletion);
void row_cell(struct row_writer *writer, uint32_t id, const struct cell *cell);
void row_cells_begin(struct row_writer *writer, uint32_t id, struct tombstone deletion);
void row_cells_add(struct row_writer *writer, const struct cell *cell); // by ascending path
void row_cells_end(struct row_writer *writer);

// --- joining and forgetting ---

// struct kv_format.merge.
bool row_merge(struct str *out, const struct bytes *values, size_t count);

enum row_purge_verdict { ROW_SAME, ROW_EMPTY, ROW_CHANGED };
// Turns what has expired into deletions, forgets deletions older than gc_grace_s.
enum row_purge_verdict row_purge(struct bytes value, int64_t now_s, int64_t gc_grace_s,
                                 struct str *out);

#endif
