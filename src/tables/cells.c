// SPDX-License-Identifier: Apache-2.0
//
// The packed row.
//
//     row      = head base [marker] [deletion] column*
//     head     = 1 byte: version 1 in the low half; HAS_MARKER, MARKER_EXPIRES, HAS_DELETION,
//     MORTAL base     = 8 bytes big-endian: the timestamp the others are told against marker   = ts
//     [ttl expiry] deletion = ts local column   = id flags rest            ascending ids
//       rest   = cell                     flags has CELL
//              | [deletion] item* 0       flags has MANY; the deletion when DEAD
//     item     = flags path cell          ascending paths
//     cell     = [ts when OTHER_TS] [ttl expiry when EXPIRES] (local when DEAD | size bytes)
//
// ts is a zigzag varint of (base - ts); ttl, expiry, local, id and sizes are varints; a path is
// size and bytes.
//
// Joining keeps, per cell, the winner of cell_compare(); the deletions with the highest timestamps;
// and nothing a deletion of the same row covers (timestamp <= its own). Each of these is
// commutative, associative and idempotent, and the base of the result is the highest base, so any
// order of merges ends in the same bytes.
//
// Ties (Cassandra's Cells.resolveRegular, CASSANDRA-14592; ScyllaDB's
// compare_atomic_cell_for_merge): timestamp; then a dead or expiring cell over a plain one; dead
// over expiring; later expiry; smaller ttl; larger value.

#include "tables/cells.h"

#include "base/mem.h"

#include <assert.h>

#define VERSION 1

enum head_flags {
    HAS_MARKER = 0x10,
    MARKER_EXPIRES = 0x20,
    HAS_DELETION = 0x40,
    MORTAL = 0x80,
};

enum column_flags {
    CELL = 0x01,
    MANY = 0x02,
    DEAD = 0x04,
    EXPIRES = 0x08,
    OTHER_TS = 0x10,
};
#define ALL_COLUMN_FLAGS 0x1f

int cell_compare(const struct cell *a, const struct cell *b)
{
    if (a->ts != b->ts)
        return a->ts > b->ts ? 1 : -1;
    bool mortal_a = a->dead || a->ttl_s, mortal_b = b->dead || b->ttl_s;
    if (mortal_a != mortal_b)
        return mortal_a ? 1 : -1;
    if (a->dead != b->dead)
        return a->dead ? 1 : -1;
    if (a->expiry_s != b->expiry_s)
        return a->expiry_s > b->expiry_s ? 1 : -1;
    if (a->ttl_s != b->ttl_s)
        return a->ttl_s < b->ttl_s ? 1 : -1;
    return bytes_compare(a->value, b->value);
}

// --- reading ---

static bool fail(struct row_reader *reader)
{
    reader->failed = true;
    reader->at = reader->end;
    return false;
}

static uint64_t get_uvarint(struct row_reader *reader)
{
    if (reader->at < reader->end && *reader->at < 0x80)
        return *reader->at++;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    fail(reader);
    return 0;
}

static uint8_t get_byte(struct row_reader *reader)
{
    if (reader->at < reader->end)
        return *reader->at++;
    fail(reader);
    return 0;
}

static int64_t get_ts(struct row_reader *reader)
{
    uint64_t zigzag = get_uvarint(reader);
    uint64_t delta = zigzag >> 1 ^ -(zigzag & 1);
    return (int64_t)((uint64_t)reader->base_ts - delta);
}

static struct bytes get_bytes(struct row_reader *reader)
{
    uint64_t size = get_uvarint(reader);
    if (size > (uint64_t)(reader->end - reader->at)) {
        fail(reader);
        return BYTES_NULL;
    }
    struct bytes bytes = bytes_make(reader->at, (size_t)size);
    reader->at += size;
    return bytes;
}

static void get_ttl(struct row_reader *reader, struct cell *cell)
{
    uint64_t ttl = get_uvarint(reader), expiry = get_uvarint(reader);
    if (ttl == 0 || ttl > INT32_MAX || expiry > INT64_MAX)
        fail(reader);
    cell->ttl_s = (int32_t)(ttl & INT32_MAX);
    cell->expiry_s = (int64_t)(expiry & INT64_MAX);
}

static struct tombstone get_deletion(struct row_reader *reader)
{
    struct tombstone deletion = {.ts = get_ts(reader)};
    deletion.local_s = (int64_t)(get_uvarint(reader) & INT64_MAX);
    return deletion;
}

static void get_cell(struct row_reader *reader, uint8_t flags, struct cell *cell)
{
    *cell = (struct cell){.ts = flags & OTHER_TS ? get_ts(reader) : reader->base_ts};
    if (flags & EXPIRES)
        get_ttl(reader, cell);
    if (flags & DEAD) {
        cell->dead = true;
        cell->expiry_s = (int64_t)(get_uvarint(reader) & INT64_MAX);
        if (flags & EXPIRES)
            fail(reader);
    } else {
        cell->value = get_bytes(reader);
    }
}

bool row_open(struct row_reader *reader, struct bytes value)
{
    *reader = (struct row_reader){
        .at = value.ptr, .end = value.ptr + value.size, .deletion = TOMBSTONE_NONE};
    if (value.size < 9 || (value.ptr[0] & 0x0f) != VERSION)
        return fail(reader);
    uint8_t head = *reader->at++;
    uint64_t base = 0;
    for (int i = 0; i < 8; i++)
        base = base << 8 | *reader->at++;
    reader->base_ts = (int64_t)base;
    reader->mortal = head & MORTAL;
    if (head & HAS_MARKER) {
        reader->has_marker = true;
        reader->marker.ts = get_ts(reader);
        if (head & MARKER_EXPIRES)
            get_ttl(reader, &reader->marker);
    }
    if (head & HAS_DELETION)
        reader->deletion = get_deletion(reader);
    return !reader->failed;
}

bool row_next(struct row_reader *reader, struct row_column *column)
{
    if (reader->at == reader->end)
        return false;
    uint64_t id = get_uvarint(reader);
    uint8_t flags = get_byte(reader);
    if (reader->failed || id > UINT32_MAX || id < reader->next_id || flags & ~ALL_COLUMN_FLAGS ||
        !(flags & CELL) == !(flags & MANY))
        return fail(reader);
    reader->next_id = id + 1;
    column->id = (uint32_t)id;
    column->many = flags & MANY;
    column->deletion = TOMBSTONE_NONE;
    if (!column->many)
        get_cell(reader, flags, &column->cell);
    else if (flags & DEAD)
        column->deletion = get_deletion(reader);
    return !reader->failed;
}

bool row_next_cell(struct row_reader *reader, struct cell *cell)
{
    uint8_t flags = get_byte(reader);
    if (flags == 0 || reader->failed)
        return false;
    if (flags & ~(ALL_COLUMN_FLAGS & ~MANY) || !(flags & CELL))
        return fail(reader);
    struct bytes path = get_bytes(reader);
    get_cell(reader, flags, cell);
    cell->path = path;
    return !reader->failed;
}

// --- writing ---

static void put_uvarint(struct str *out, uint64_t value)
{
    str_reserve(out, 10);
    for (; value >= 0x80; value >>= 7)
        out->ptr[out->size++] = (char)(value | 0x80);
    out->ptr[out->size++] = (char)value;
}

static void put_ts(struct row_writer *writer, int64_t ts)
{
    uint64_t delta = (uint64_t)writer->base_ts - (uint64_t)ts;
    put_uvarint(writer->out, delta << 1 ^ (uint64_t)((int64_t)delta >> 63));
}

static void put_bytes(struct str *out, struct bytes bytes)
{
    put_uvarint(out, bytes.size);
    if (bytes.size > 0)
        str_append(out, bytes.ptr, bytes.size);
}

static void set_head(struct row_writer *writer, unsigned flags)
{
    writer->out->ptr[writer->start] = (char)(writer->out->ptr[writer->start] | (int)flags);
}

void row_begin(struct row_writer *writer, struct str *out, int64_t base_ts)
{
    *writer = (struct row_writer){.out = out, .start = out->size, .base_ts = base_ts};
    uint8_t head[9] = {VERSION};
    for (int i = 0; i < 8; i++)
        head[1 + i] = (uint8_t)((uint64_t)base_ts >> (56 - 8 * i));
    str_append(out, head, sizeof head);
}

void row_marker(struct row_writer *writer, const struct cell *marker)
{
    set_head(writer, HAS_MARKER);
    put_ts(writer, marker->ts);
    if (marker->ttl_s) {
        set_head(writer, MARKER_EXPIRES | MORTAL);
        put_uvarint(writer->out, (uint64_t)marker->ttl_s);
        put_uvarint(writer->out, (uint64_t)marker->expiry_s);
    }
}

static void put_deletion(struct row_writer *writer, struct tombstone deletion)
{
    set_head(writer, MORTAL);
    put_ts(writer, deletion.ts);
    put_uvarint(writer->out, (uint64_t)deletion.local_s);
}

void row_deletion(struct row_writer *writer, struct tombstone deletion)
{
    set_head(writer, HAS_DELETION);
    put_deletion(writer, deletion);
}

static uint8_t cell_flags(const struct row_writer *writer, const struct cell *cell)
{
    return (uint8_t)(CELL | (cell->dead ? DEAD : 0) | (cell->ttl_s && !cell->dead ? EXPIRES : 0) |
                     (cell->ts != writer->base_ts ? OTHER_TS : 0));
}

static void put_cell(struct row_writer *writer, uint8_t flags, const struct cell *cell)
{
    if (flags & OTHER_TS)
        put_ts(writer, cell->ts);
    if (flags & EXPIRES) {
        put_uvarint(writer->out, (uint64_t)cell->ttl_s);
        put_uvarint(writer->out, (uint64_t)cell->expiry_s);
    }
    if (flags & DEAD)
        put_uvarint(writer->out, (uint64_t)cell->expiry_s);
    else
        put_bytes(writer->out, cell->value);
    if (flags & (DEAD | EXPIRES))
        set_head(writer, MORTAL);
}

void row_cell(struct row_writer *writer, uint32_t id, const struct cell *cell)
{
    uint8_t flags = cell_flags(writer, cell);
    put_uvarint(writer->out, id);
    str_append_byte(writer->out, (char)flags);
    put_cell(writer, flags, cell);
}

void row_cells_begin(struct row_writer *writer, uint32_t id, struct tombstone deletion)
{
    bool dead = !tombstone_is_none(deletion);
    put_uvarint(writer->out, id);
    str_append_byte(writer->out, (char)(MANY | (dead ? DEAD : 0)));
    if (dead)
        put_deletion(writer, deletion);
}

void row_cells_add(struct row_writer *writer, const struct cell *cell)
{
    uint8_t flags = cell_flags(writer, cell);
    str_append_byte(writer->out, (char)flags);
    put_bytes(writer->out, cell->path);
    put_cell(writer, flags, cell);
}

void row_cells_end(struct row_writer *writer)
{
    str_append_byte(writer->out, 0);
}

// --- joining ---

// One of the rows being joined, standing at a column.
struct source {
    struct row_reader reader;
    struct row_column column;
    struct cell cell; // of a collection
    bool has_column, has_cell;
};

static void join_cells(struct row_writer *writer, struct source *sources, size_t count, uint32_t id,
                       struct tombstone row)
{
    struct tombstone deletion = TOMBSTONE_NONE;
    for (size_t i = 0; i < count; i++) {
        struct source *source = &sources[i];
        source->has_cell = source->has_column && source->column.id == id;
        if (!source->has_cell)
            continue;
        if (!source->column.many) {
            fail(&source->reader);
            return;
        }
        deletion = tombstone_max(deletion, source->column.deletion);
        source->has_cell = row_next_cell(&source->reader, &source->cell);
    }
    if (deletion.ts <= row.ts)
        deletion = TOMBSTONE_NONE;
    int64_t covered = deletion.ts > row.ts ? deletion.ts : row.ts;
    bool begun = !tombstone_is_none(deletion);
    if (begun)
        row_cells_begin(writer, id, deletion);
    for (;;) {
        struct cell *best = NULL;
        for (size_t i = 0; i < count; i++) {
            struct cell *cell = &sources[i].cell;
            if (!sources[i].has_cell)
                continue;
            int order = best ? bytes_compare(cell->path, best->path) : -1;
            if (order < 0 || (order == 0 && cell_compare(cell, best) > 0))
                best = cell;
        }
        if (!best)
            break;
        struct cell winner = *best;
        for (size_t i = 0; i < count; i++)
            if (sources[i].has_cell && bytes_equal(sources[i].cell.path, winner.path))
                sources[i].has_cell = row_next_cell(&sources[i].reader, &sources[i].cell);
        if (winner.ts <= covered)
            continue;
        if (!begun)
            row_cells_begin(writer, id, TOMBSTONE_NONE);
        begun = true;
        row_cells_add(writer, &winner);
    }
    if (begun)
        row_cells_end(writer);
}

static void join_column(struct row_writer *writer, struct source *sources, size_t count,
                        uint32_t id, struct tombstone row)
{
    const struct cell *best = NULL;
    for (size_t i = 0; i < count; i++) {
        struct source *source = &sources[i];
        if (!source->has_column || source->column.id != id)
            continue;
        if (source->column.many) {
            join_cells(writer, sources, count, id, row);
            return;
        }
        if (!best || cell_compare(&source->column.cell, best) > 0)
            best = &source->column.cell;
    }
    if (best && best->ts > row.ts)
        row_cell(writer, id, best);
}

static bool join(struct str *out, struct source *sources, const struct bytes *values, size_t count)
{
    struct tombstone deletion = TOMBSTONE_NONE;
    const struct cell *marker = NULL;
    int64_t base_ts = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        struct row_reader *reader = &sources[i].reader;
        if (!row_open(reader, values[i]))
            return false;
        deletion = tombstone_max(deletion, reader->deletion);
        if (reader->has_marker && (!marker || cell_compare(&reader->marker, marker) > 0))
            marker = &reader->marker;
        if (reader->base_ts > base_ts)
            base_ts = reader->base_ts;
        sources[i].has_column = row_next(reader, &sources[i].column);
    }
    struct row_writer writer;
    row_begin(&writer, out, base_ts);
    if (marker && marker->ts > deletion.ts)
        row_marker(&writer, marker);
    if (!tombstone_is_none(deletion))
        row_deletion(&writer, deletion);
    for (;;) {
        bool any = false;
        uint32_t id = 0;
        for (size_t i = 0; i < count; i++) {
            if (sources[i].has_column && (!any || sources[i].column.id < id)) {
                id = sources[i].column.id;
                any = true;
            }
        }
        if (!any)
            break;
        join_column(&writer, sources, count, id, deletion);
        for (size_t i = 0; i < count; i++)
            if (sources[i].has_column && sources[i].column.id == id)
                sources[i].has_column = row_next(&sources[i].reader, &sources[i].column);
    }
    for (size_t i = 0; i < count; i++)
        if (sources[i].reader.failed)
            return false;
    return true;
}

#define FEW 8

// Many at once are joined a few at a time, so that one hot row costs no more than its size times
// their number.
bool row_merge(struct str *out, const struct bytes *values, size_t count)
{
    struct source sources[FEW];
    if (count <= FEW)
        return join(out, sources, values, count);
    struct str spare = {0};
    struct bytes some[FEW];
    struct bytes joined = values[0];
    bool fine = true;
    for (size_t at = 1; fine && at < count;) {
        size_t take = count - at < FEW - 1 ? count - at : FEW - 1;
        some[0] = joined;
        memcpy(some + 1, values + at, take * sizeof *values);
        str_clear(out);
        fine = join(out, sources, some, take + 1);
        at += take;
        struct str swap = *out; // the result is read by the next join
        *out = spare;
        spare = swap;
        joined = str_bytes(&spare);
    }
    str_clear(out);
    str_append_bytes(out, joined);
    str_release(&spare);
    return fine;
}

// --- forgetting ---

struct purge {
    int64_t now_s;
    int64_t before_s; // deletions from then on stay
    bool changed;
    bool any; // something is left
};

// False: the cell goes.
static bool purge_cell(struct purge *purge, struct cell *cell)
{
    if (!cell->dead && cell->ttl_s && cell->expiry_s <= purge->now_s) {
        cell->dead = true;
        cell->value = BYTES_NULL;
        cell->ttl_s = 0;
        purge->changed = true;
    }
    if (cell->dead && cell->expiry_s < purge->before_s) {
        purge->changed = true;
        return false;
    }
    purge->any = true;
    return true;
}

static struct tombstone purge_deletion(struct purge *purge, struct tombstone deletion)
{
    if (tombstone_is_none(deletion))
        return deletion;
    if (deletion.local_s < purge->before_s) {
        purge->changed = true;
        return TOMBSTONE_NONE;
    }
    purge->any = true;
    return deletion;
}

static void purge_cells(struct purge *purge, struct row_reader *reader, struct row_writer *writer,
                        const struct row_column *column)
{
    struct tombstone deletion = purge_deletion(purge, column->deletion);
    bool begun = !tombstone_is_none(deletion);
    if (begun)
        row_cells_begin(writer, column->id, deletion);
    struct cell cell;
    while (row_next_cell(reader, &cell)) {
        if (!purge_cell(purge, &cell))
            continue;
        if (!begun)
            row_cells_begin(writer, column->id, TOMBSTONE_NONE);
        begun = true;
        row_cells_add(writer, &cell);
    }
    if (begun)
        row_cells_end(writer);
}

enum row_purge_verdict row_purge(struct bytes value, int64_t now_s, int64_t gc_grace_s,
                                 struct str *out)
{
    struct row_reader reader;
    if (!row_open(&reader, value) || !reader.mortal)
        return ROW_SAME;
    struct purge purge = {.now_s = now_s, .before_s = now_s - gc_grace_s};
    struct row_writer writer;
    row_begin(&writer, out, reader.base_ts);
    if (reader.has_marker) {
        if (reader.marker.ttl_s && reader.marker.expiry_s < purge.before_s) {
            purge.changed = true;
        } else {
            purge.any = true;
            row_marker(&writer, &reader.marker);
        }
    }
    struct tombstone deletion = purge_deletion(&purge, reader.deletion);
    if (!tombstone_is_none(deletion))
        row_deletion(&writer, deletion);
    struct row_column column;
    while (row_next(&reader, &column)) {
        if (column.many)
            purge_cells(&purge, &reader, &writer, &column);
        else if (purge_cell(&purge, &column.cell))
            row_cell(&writer, column.id, &column.cell);
    }
    if (reader.failed || !purge.changed)
        return ROW_SAME;
    return purge.any ? ROW_CHANGED : ROW_EMPTY;
}
