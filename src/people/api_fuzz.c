// SPDX-License-Identifier: Apache-2.0
//
// An input is "PATH?NAME=VALUE&...", any bytes. Every answer must be whole: a known status, and
// JSON that parses where it says JSON (no bad UTF-8 either).
#include "people/api.h"

#include "data/fuzz_corpus.h"

#include <jansson.h>

struct pairs {
    char *text; // NULs at the ends of names and values
    size_t size;
};

static const char *query_of(void *ctx, const char *name)
{
    const struct pairs *pairs = ctx;
    for (size_t at = 0; at < pairs->size;) {
        const char *key = pairs->text + at;
        const char *value = key + strlen(key) + 1;
        if (value > pairs->text + pairs->size)
            return NULL;
        if (strcmp(key, name) == 0)
            return value;
        at = (size_t)(value - pairs->text) + strlen(value) + 1;
    }
    return NULL;
}

static void check(const struct people_answer *answer)
{
    if (!answer->content_type || answer->status < 200 || answer->status > 405)
        __builtin_trap();
    if (strncmp(answer->content_type, "application/json", 16) != 0)
        return;
    json_t *body = json_loadb(answer->body.ptr, answer->body.size, 0, NULL);
    if (!body)
        __builtin_trap();
    json_decref(body);
}

static void run(struct bytes input)
{
    char *text = mem_zalloc(input.size + 3);
    memcpy(text, input.ptr, input.size);
    char *query = memchr(text, '?', input.size);
    struct pairs pairs = {.text = text + input.size, .size = 0};
    if (query) {
        *query = 0;
        pairs = (struct pairs){query + 1, input.size - (size_t)(query - text) + 1};
        for (size_t i = 0; i < pairs.size; i++) {
            if (pairs.text[i] == '&' || pairs.text[i] == '=')
                pairs.text[i] = 0;
        }
    }
    struct people_request request = {
        .method = "GET", .path = text, .query = query_of, .ctx = &pairs};
    struct people_answer answer;
    people_api_answer(&request, &answer);
    check(&answer);
    str_release(&answer.body);
    mem_free(text);
}

int main(void)
{
    return fuzz_run("people_api", 400, run);
}
