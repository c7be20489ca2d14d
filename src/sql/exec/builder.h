// SPDX-License-Identifier: Apache-2.0
//
// builder: a column grown value by value, nested types too. A list is closed after its elements
// were appended to the children; a struct's fields are appended to its children before
// builder_struct().
//
// Lifetime   all in the arena; strings are views unless the caller copies them.
#ifndef SQL_EXEC_BUILDER_H
#define SQL_EXEC_BUILDER_H

#include "data/column.h"

struct builder {
    const struct type *type;
    struct arena *arena;
    size_t count, capacity;
    uint8_t *valid; // made with the first null
    union {
        void *data;
        uint8_t *booleans;
        int32_t *ints;
        int64_t *longs;
        double *doubles;
        struct bytes *strings;
        int32_t *offsets; // ends of lists: offsets[i + 1]
    };
    struct builder *children;
};

void builder_init(struct builder *builder, struct arena *arena, const struct type *type,
                  size_t capacity);
void builder_null(struct builder *builder);
// A copy of one value; strings stay views.
void builder_value(struct builder *builder, const struct column *column, size_t row);
// The same with string bytes copied into the arena.
void builder_copy(struct builder *builder, const struct column *column, size_t row);
void builder_int(struct builder *builder, int32_t value);  // INT, DATE
void builder_long(struct builder *builder, int64_t value); // LONG, TIMESTAMP
void builder_bool(struct builder *builder, bool value);
void builder_double(struct builder *builder, double value);
void builder_text(struct builder *builder, struct bytes value); // STRING, BINARY; not copied
void builder_list(struct builder *builder);                     // closes an ARRAY or MAP row
void builder_struct(struct builder *builder);                   // closes a STRUCT row
void builder_finish(struct builder *builder, struct column *out);

#endif
