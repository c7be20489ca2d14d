// SPDX-License-Identifier: Apache-2.0
//
// json_node: a type being filled from JSON: the column in progress and, for structs, how keys are
// found. Shared by the files of json_column only.
//
// A slot that was not written is null and zero. Lists are appended: `filled` tells how many rows
// have their offsets.
#ifndef DATA_JSON_NODE_H
#define DATA_JSON_NODE_H

#include "data/json_lex.h"

enum {
    JSON_GUESS_BYTES = 32,
    JSON_GUESSES_MAX = 64,
};

// What key came at a place of the object last time: most records of a topic look the same.
struct json_guess {
    uint8_t text[JSON_GUESS_BYTES]; // with both quotes
    uint32_t size;                  // 0 = no guess
    int32_t field;                  // -1 = not wanted
};

struct json_node {
    const struct type *type;
    struct column *column;
    size_t capacity; // rows with memory
    size_t rows;     // items of a list: how many are there
    size_t filled;
    struct json_node *fields;
    // STRUCT
    int32_t *table; // open addressing, field + 1
    size_t table_size;
    struct json_guess *guesses;
    size_t guess_count;
};

struct json_reader {
    struct json_options options;
    const struct zone *zone;
    struct json_node root;
    int32_t corrupt;     // field of the root struct, or -1
    struct arena *arena; // of the call that runs
    struct str scratch;  // texts of tokens that go into string fields
};

enum json_status {
    JSON_FINE,
    JSON_PARTIAL, // a value is there, but something in it was bad
    JSON_WRONG,   // this field stays null
    JSON_DAMAGED, // the text is no JSON: the record is null
};

enum json_status json_node__scalar(struct json_reader *reader, struct json_lex *lex,
                                   struct json_node *node, size_t row,
                                   const struct json_value *value);

#endif
