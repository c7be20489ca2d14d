// SPDX-License-Identifier: Apache-2.0
//
// parser: what the parse_*.c files share: a cursor over tokens, expectations that fail in
// Cassandra's words, and lists that grow in the arena. Not for users of the parser: they include
// parse.h.
#ifndef TABLES_PARSER_H
#define TABLES_PARSER_H

#include "tables/lex.h"
#include "tables/parse.h"

#include "base/vec.h"

struct parser {
    struct tokens tokens;
    size_t at; // the current token; never white space
    struct arena *arena;
    struct diag *diag;
    size_t marker_count, marker_capacity;
    const char **marker_names;
    int depth;
};

// --- looking -------------------------------------------------------------------------------------
const struct token *parser__peek(const struct parser *parser, size_t ahead); // 0: the current one
void parser__next(struct parser *parser);
bool parser__is_word(const struct parser *parser, size_t ahead, const char *word);
bool parser__is_mark(const struct parser *parser, size_t ahead, int mark);
bool parser__is_name(const struct parser *parser,
                     size_t ahead); // an identifier that is not reserved
bool parser__take_word(struct parser *parser, const char *word);
bool parser__take_words(struct parser *parser, const char *first, const char *second);
bool parser__take_mark(struct parser *parser, int mark);

// --- failing -------------------------------------------------------------------------------------
MUST_USE err_t parser__mismatch(struct parser *parser, const char *expecting); // "K_FROM", "')'"
MUST_USE err_t parser__no_viable(struct parser *parser);
// The alternatives began at token `from`, but the one that fits none is the current one.
MUST_USE err_t parser__no_viable_from(struct parser *parser, size_t from);
MUST_USE err_t parser__expect_word(struct parser *parser, const char *word); // upper case
MUST_USE err_t parser__expect_mark(struct parser *parser, int mark);
MUST_USE err_t parser__enter(struct parser *parser); // one level deeper; pair with parser__leave()
void parser__leave(struct parser *parser);

// --- taking --------------------------------------------------------------------------------------
MUST_USE err_t parser__name(struct parser *parser,
                            const char **out); // folded to lower case unless quoted
MUST_USE err_t parser__table(struct parser *parser, struct table_name *out); // [keyspace.]name
MUST_USE err_t parser__names(struct parser *parser, const char *const **out, size_t *count); // a, b
MUST_USE err_t parser__type(struct parser *parser, const struct cql_type **out);
MUST_USE err_t parser__string(struct parser *parser, const char **out);
// IF NOT EXISTS, IF EXISTS
MUST_USE err_t parser__if_not_exists(struct parser *parser, bool *out);
MUST_USE err_t parser__if_exists(struct parser *parser, bool *out);

// Room for one more after `count` items: doubles at powers of two.
void *parser__grown(struct parser *parser, void *items, size_t count, size_t item_bytes);
#define PARSER_PUSH(parser, items, count, item)                            \
    ((items) = parser__grown((parser), (items), (count), sizeof *(items)), \
     (items)[(count)++] = (item))

// --- the grammar, by file ------------------------------------------------------------------------
MUST_USE err_t parser__term(struct parser *parser, const struct term **out); // parse_term.c
MUST_USE err_t parser__simple_term(struct parser *parser,
                                   const struct term **out); // no arithmetic on top
// LIMIT, TTL, TIMESTAMP: an integer or a marker.
MUST_USE err_t parser__integer_term(struct parser *parser, const struct term **out);
MUST_USE err_t parser__select(struct parser *parser, struct select *out); // parse_select.c
MUST_USE err_t parser__where(struct parser *parser, bool conditions,
                             struct where *out);                          // parse_where.c
MUST_USE err_t parser__insert(struct parser *parser, struct insert *out); // parse_write.c
MUST_USE err_t parser__update(struct parser *parser, struct update *out);
MUST_USE err_t parser__delete(struct parser *parser, struct delete_ *out);
MUST_USE err_t parser__batch(struct parser *parser, struct batch_statement *out);
// Statements that begin with CREATE, ALTER, DROP: parse_schema.c
MUST_USE err_t parser__create(struct parser *parser, struct statement *out);
MUST_USE err_t parser__alter(struct parser *parser, struct statement *out);
MUST_USE err_t parser__drop(struct parser *parser, struct statement *out);
MUST_USE err_t parser__describe(struct parser *parser, struct describe *out); // parse_describe.c
// The rest of the statement is not looked at.
MUST_USE err_t parser__unsupported(struct parser *parser, struct statement *out, const char *what);

#endif
