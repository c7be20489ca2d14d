// SPDX-License-Identifier: Apache-2.0
//
// DESCRIBE, as cqlsh 6 sends it to the server.
#include "tables/parser.h"

static const struct {
    const char *word, *second;
    enum describe_kind kind;
    bool named;
} forms[] = {
    {"CLUSTER", NULL, DESCRIBE_CLUSTER, false},
    {"SCHEMA", NULL, DESCRIBE_SCHEMA, false},
    {"KEYSPACES", NULL, DESCRIBE_KEYSPACES, false},
    {"TABLES", NULL, DESCRIBE_TABLES, false},
    {"COLUMNFAMILIES", NULL, DESCRIBE_TABLES, false},
    {"TABLE", NULL, DESCRIBE_TABLE, true},
    {"COLUMNFAMILY", NULL, DESCRIBE_TABLE, true},
    {"INDEX", NULL, DESCRIBE_INDEX, true},
    {"MATERIALIZED", "VIEW", DESCRIBE_VIEW, true},
    {"TYPES", NULL, DESCRIBE_TYPES, false},
    {"TYPE", NULL, DESCRIBE_TYPE, true},
    {"FUNCTIONS", NULL, DESCRIBE_FUNCTIONS, false},
    {"FUNCTION", NULL, DESCRIBE_FUNCTION, true},
    {"AGGREGATES", NULL, DESCRIBE_AGGREGATES, false},
    {"AGGREGATE", NULL, DESCRIBE_AGGREGATE, true},
};

static err_t internals(struct parser *parser, struct describe *out)
{
    if (!parser__take_word(parser, "WITH"))
        return ERR_OK;
    out->with_internals = true;
    return parser__expect_word(parser, "INTERNALS");
}

static bool at_end(const struct parser *parser)
{
    return parser__peek(parser, 0)->kind == TOKEN_END || parser__is_mark(parser, 0, ';') ||
           parser__is_word(parser, 0, "WITH");
}

static bool take_form(struct parser *parser, const char *word, const char *second)
{
    return second ? parser__take_words(parser, word, second) : parser__take_word(parser, word);
}

// DESCRIBE KEYSPACE [name], where no name means the current one.
static err_t keyspace(struct parser *parser, struct describe *out)
{
    out->kind = DESCRIBE_KEYSPACE;
    parser__next(parser);
    if (!at_end(parser))
        TRY(parser__name(parser, &out->target.keyspace));
    return internals(parser, out);
}

err_t parser__describe(struct parser *parser, struct describe *out)
{
    if (parser__take_word(parser, "FULL")) {
        out->full = true;
        out->kind = DESCRIBE_SCHEMA;
        TRY(parser__expect_word(parser, "SCHEMA"));
        return internals(parser, out);
    }
    if (parser__take_word(parser, "ONLY")) {
        out->only = true;
        if (!parser__is_word(parser, 0, "KEYSPACE"))
            return parser__mismatch(parser, "K_KEYSPACE");
    }
    if (parser__is_word(parser, 0, "KEYSPACE"))
        return keyspace(parser, out);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!take_form(parser, forms[i].word, forms[i].second))
            continue;
        out->kind = forms[i].kind;
        if (forms[i].named)
            TRY(parser__table(parser, &out->target));
        return internals(parser, out);
    }
    out->kind = DESCRIBE_ELEMENT;
    TRY(parser__table(parser, &out->target));
    return internals(parser, out);
}
