// SPDX-License-Identifier: Apache-2.0
//
// golden: reads tests/golden/kafka/*.hex for tests and fuzzers. Test code only.
#ifndef WIRE_KAFKA_GOLDEN_H
#define WIRE_KAFKA_GOLDEN_H

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct golden {
    const char *file;
    int line;
    int16_t key, version;
    struct bytes request;
    struct bytes response; // ptr NULL: none
};

static inline struct bytes golden_hex(const char *text, struct str *out)
{
    if (text[0] == '-')
        return BYTES_NULL;
    size_t start = out->size;
    str_reserve(out, strlen(text));
    for (size_t i = 0; text[i] && text[i + 1]; i += 2) {
        char pair[3] = {text[i], text[i + 1], '\0'};
        str_append_byte(out, (char)strtol(pair, NULL, 16));
    }
    return bytes_make(out->ptr + start, out->size - start);
}

// Calls fn for every exchange of every file; returns how many there were.
static inline int golden_each(void (*fn)(const struct golden *golden, void *ctx), void *ctx)
{
    static const char dir_path[] = "tests/golden/kafka";
    int count = 0;
    DIR *dir = opendir(dir_path);
    assert(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".hex") != 0)
            continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir_path, entry->d_name);
        FILE *in = fopen(path, "r");
        assert(in);
        static char row[65536];
        static char request[32768];
        static char response[32768];
        for (int line = 1; fgets(row, sizeof row, in); line++) {
            int key = 0;
            int version = 0;
            if (row[0] == '#')
                continue;
            if (sscanf(row, "%d %d %32767s %32767s", &key, &version, request, response) != 4)
                assert(!"four columns in a golden file");
            struct str bytes = {0};
            struct str more = {0};
            struct golden golden = {entry->d_name,
                                    line,
                                    (int16_t)key,
                                    (int16_t)version,
                                    golden_hex(request, &bytes),
                                    golden_hex(response, &more)};
            fn(&golden, ctx);
            str_release(&bytes);
            str_release(&more);
            count++;
        }
        fclose(in);
    }
    closedir(dir);
    return count;
}

#endif
