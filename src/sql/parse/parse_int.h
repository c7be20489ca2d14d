// SPDX-License-Identifier: Apache-2.0
//
// parse_int: what the parser's files share: the cursor over the tokens and the rules that call each
// other.
//
// A rule returns its node, or NULL after sql_parser__fail(); callers pass NULL up. The first
// failure wins.
#ifndef SQL_PARSE_PARSE_INT_H
#define SQL_PARSE_PARSE_INT_H

#include "sql/parse/ast.h"
#include "sql/parse/lex.h"
#include "sql/parse/parse.h"

struct parser {
    struct tokens tokens;
    size_t at;
    int depth;
    struct arena *arena;
    struct diag *diag;
    err_t err;
};

// A growing array in the arena.
struct ast_list {
    void **items;
    size_t count, capacity;
};
void sql_parser__add(struct parser *parser, struct ast_list *list, void *item);

void *sql_parser__fail(struct parser *parser, uint32_t at, err_t code, const char *format, ...)
    PRINTF_LIKE(4, 5);
void *sql_parser__expected(struct parser *parser, const char *what); // at the current token
bool sql_parser__enter(struct parser *parser); // one level deeper; false when too deep
static inline void sql_parser__leave(struct parser *parser)
{
    parser->depth--;
}

static inline const struct token *sql_parser__token(const struct parser *parser, size_t ahead)
{
    size_t at = parser->at + ahead;
    return &parser->tokens.items[at < parser->tokens.count ? at : parser->tokens.count - 1];
}
bool sql_parser__is_word(const struct parser *parser, size_t ahead, const char *word);
bool sql_parser__is_sign(const struct parser *parser, size_t ahead, const char *sign);
bool sql_parser__word(struct parser *parser, const char *word); // takes it when it is next
bool sql_parser__words(struct parser *parser, const char *first, const char *second);
bool sql_parser__sign(struct parser *parser, const char *sign);
bool sql_parser__need_word(struct parser *parser, const char *word);
bool sql_parser__need_sign(struct parser *parser, const char *sign);
// A word or quoted name; NULL (with an error) when there is none.
const char *sql_parser__name(struct parser *parser, const char *what);
// Whether the next token may be an alias without AS.
bool sql_parser__at_alias(const struct parser *parser, bool of_table);

struct ast *sql_parser__node(struct parser *parser, enum ast_kind kind, uint32_t at);
struct ast *sql_parser__call(struct parser *parser, const char *name, uint32_t at, size_t count,
                             ...);

struct ast *sql_parser__expr(struct parser *parser);
struct ast *sql_parser__value(struct parser *parser); // without NOT, AND, OR and predicates
struct ast *sql_parser__primary(struct parser *parser);
struct ast *
sql_parser__special(struct parser *parser); // CASE, CAST, EXTRACT …; NULL without error: none
struct ast *sql_parser__number(struct parser *parser, bool negative);
struct ast *sql_parser__interval(struct parser *parser);
struct bytes sql_parser__strings(struct parser *parser); // adjacent string tokens, joined
const struct type *sql_parser__type(struct parser *parser);
struct ast_query *sql_parser__query(struct parser *parser);
bool sql_parser__at_query(const struct parser *parser, size_t ahead);
struct ast_relation *sql_parser__from(struct parser *parser);
struct ast_relation *sql_parser__values(struct parser *parser);
bool sql_parser__order_by(struct parser *parser, struct ast_order **out, size_t *count);
struct ast_window *sql_parser__window(struct parser *parser);
struct ast *sql_parser__named_expr(struct parser *parser); // expr [[AS] alias]

#endif
