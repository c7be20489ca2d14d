// SPDX-License-Identifier: Apache-2.0
//
// A part may name lists in braces; their parts name no list but through the same rule, to a depth
// that a broken table cannot exceed.
#include "people/sentence.h"

#include "people/seeded.h"
#include "people/tables.h"

enum { SENTENCE_DEPTH_MAX = 4 };

static void put_list(struct str *out, struct bytes name, struct seeded *seeded, int depth);

static void put_part(struct str *out, struct bytes part, struct seeded *seeded, int depth)
{
    while (part.size) {
        const uint8_t *open = memchr(part.ptr, '{', part.size);
        const uint8_t *close =
            open ? memchr(open, '}', part.size - (size_t)(open - part.ptr)) : NULL;
        size_t plain = close ? (size_t)(open - part.ptr) : part.size;
        str_append(out, part.ptr, plain);
        if (!close)
            return;
        put_list(out, bytes_make(open + 1, (size_t)(close - open) - 1), seeded, depth + 1);
        size_t used = (size_t)(close - part.ptr) + 1;
        part = bytes_make(part.ptr + used, part.size - used);
    }
}

static void put_list(struct str *out, struct bytes name, struct seeded *seeded, int depth)
{
    if (depth > SENTENCE_DEPTH_MAX)
        return;
    for (size_t i = 0; i < sentence_lists_count; i++) {
        const struct sentence_list *list = &sentence_lists[i];
        if (!bytes_equal(name, bytes_make(people_texts + list->name.at, list->name.size)))
            continue;
        struct people_text part =
            sentence_parts[list->parts.first + seeded_below(seeded, list->parts.count)];
        put_part(out, bytes_make(people_texts + part.at, part.size), seeded, depth);
        return;
    }
}

void sentence_text(struct str *out, uint64_t seed, uint64_t index)
{
    struct seeded seeded = seeded_for(seeded_mix(seed), index);
    put_list(out, bytes_from("sentence"), &seeded, 0);
}

void sentence_write(struct str *out, uint64_t seed, uint64_t index)
{
    str_printf(out, "{\"id\":%llu,\"sentence\":\"", (unsigned long long)index);
    sentence_text(out, seed, index); // holds nothing to escape: tools/gen_people.c checks the parts
    str_append_text(out, "\"}");
}
