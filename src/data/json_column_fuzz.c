// SPDX-License-Identifier: Apache-2.0
//
// An input's first line is a schema, each further line a document.
#include "data/cast.h"
#include "data/json_text.h"

#include "data/fuzz_corpus.h"

static struct bytes line(struct bytes *rest)
{
    const uint8_t *end = rest->size ? memchr(rest->ptr, '\n', rest->size) : NULL;
    size_t size = end ? (size_t)(end - rest->ptr) : rest->size;
    struct bytes out = bytes_make(rest->ptr, size);
    rest->ptr += size + (end != NULL);
    rest->size -= size + (end != NULL);
    return out;
}

static void look_inside(struct arena *arena, struct bytes document)
{
    static const char *const paths[] = {"$.a[*].b", "$[*][*]", "$.a[0][*]", "$"};
    struct bytes out, *keys;
    int32_t length;
    size_t count;
    const struct type *type;
    struct json_options options = {0};
    for (int i = 0; i < 4; i++)
        json_path_get(json_path_parse(arena, bytes_from(paths[i])), arena, document, &out);
    json_path_parse(arena, document);
    json_array_length(document, &length);
    json_object_keys(arena, document, &keys, &count);
    if (json_infer(&type, arena, document, &options, NULL) != ERR_OK)
        return;
}

static void run(struct bytes text)
{
    struct arena arena = ARENA_INIT;
    struct column documents, column, out;
    struct json_reader *reader;
    const struct type *type = NULL;
    struct json_options options = {.exact_text = fuzz_random() % 2,
                                   .allow_comments = fuzz_random() % 2,
                                   .allow_unquoted_names = fuzz_random() % 2,
                                   .allow_backslash_any = fuzz_random() % 2};
    struct bytes schema = line(&text);
    bool fine = type_parse(&type, &arena, schema, NULL) == ERR_OK &&
                json_reader_new(&reader, &arena, type, &options, NULL) == ERR_OK;
    size_t count = 0;
    column_init(&documents, &arena, &type_string, 64);
    while (text.size && count < 64) {
        documents.strings[count++] = line(&text);
        look_inside(&arena, documents.strings[count - 1]);
    }
    documents.count = count;
    if (fine && json_reader_read(reader, &column, &arena, &documents, NULL) == ERR_OK) {
        struct cast_options plain = {0};
        if (cast_column(&out, &arena, &column, &type_string, &plain, NULL) != ERR_OK ||
            json_write_column(&out, &arena, &column, &options, NULL) != ERR_OK)
            __builtin_trap();
    }
    arena_release(&arena);
}

int main(void)
{
    return fuzz_run("json_column", 5000, run);
}
