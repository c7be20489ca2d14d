// SPDX-License-Identifier: Apache-2.0
//
// The parser on real statements and mutations of them; the terms of what parses are evaluated and
// written.
#include "data/fuzz_corpus.h"
#include "tables/parse.h"

static void use_term(const struct term *term, struct arena *arena)
{
    static const enum cql_kind kinds[] = {CQL_INT,      CQL_VARCHAR, CQL_TIMESTAMP,
                                          CQL_DURATION, CQL_DECIMAL, CQL_BLOB};
    struct term_context context = {.arena = arena, .now_us = 1};
    struct str text = {0};
    struct bytes value;
    term_write(&text, term, NULL);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        (void)(term_eval(term, cql_type_scalar(kinds[i]), "c", &context, &value, NULL, NULL) ==
               ERR_OK);
    const struct cql_type *list = cql_type_list(arena, cql_type_scalar(CQL_INT), false);
    (void)(term_eval(term, list, "c", &context, &value, NULL, NULL) == ERR_OK);
    str_release(&text);
}

static void run(struct bytes text)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    const struct statement *statement;
    if (statement_parse(&statement, &arena, text, &diag) == ERR_OK &&
        statement->kind == STATEMENT_INSERT) {
        for (size_t i = 0; i < statement->insert.count; i++)
            use_term(statement->insert.values[i], &arena);
    }
    struct bytes rest = text, one = BYTES_NULL;
    uint32_t line = 1;
    while (parse_script_next(&rest, &one, &line))
        ;
    arena_release(&arena);
}

int main(void)
{
    return fuzz_run("cql_parse", 100000, run);
}
