// SPDX-License-Identifier: Apache-2.0
//
// Values: an input is "type|literal" as text, or "type=" and raw bytes. What passes the check is
// put in normal form, printed in all styles and compared; its normal form must pass the check again
// and be equal to itself.
#include "data/fuzz_corpus.h"
#include "wire/cql/value.h"

#include <stdlib.h>

static void use_value(const struct cql_type *type, struct bytes value, struct arena *arena)
{
    struct str text = {0};
    if (cql_value_check(type, value, NULL) == ERR_OK) {
        struct bytes normal = cql_value_normalize(type, value, arena);
        cql_value_write_literal(&text, type, normal);
        cql_value_write_json(&text, type, normal);
        if (cql_value_check(type, normal, NULL) != ERR_OK ||
            cql_value_compare(type, normal, normal) != 0)
            abort();
    }
    cql_value_write(&text, type, value);
    str_release(&text);
}

static void run(struct bytes input)
{
    struct arena arena = ARENA_INIT;
    const struct cql_type *type;
    size_t split = 0;
    while (split < input.size && input.ptr[split] != '|' && input.ptr[split] != '=')
        split++;
    struct bytes rest = split < input.size
                            ? bytes_make(input.ptr + split + 1, input.size - split - 1)
                            : bytes_make("", 0);
    if (cql_type_parse(&type, &arena, bytes_make(input.ptr, split), NULL) == ERR_OK) {
        struct str text = {0}, bytes = {0};
        cql_type_write(&text, type);
        cql_type_write_class(&text, type);
        (void)(cql_type_check(type, NULL) == ERR_OK);
        if (split < input.size && input.ptr[split] == '|') {
            if (cql_value_text(&bytes, type, rest, NULL) == ERR_OK)
                use_value(type, bytes_make(str_text(&bytes), bytes.size), &arena);
        } else {
            use_value(type, rest, &arena);
        }
        str_release(&text);
        str_release(&bytes);
    }
    arena_release(&arena);
}

int main(void)
{
    return fuzz_run("cql_value", 200000, run);
}
