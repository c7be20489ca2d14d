// SPDX-License-Identifier: Apache-2.0
//
// fuzz_corpus: what this folder's *_fuzz.c mains share: every file of tests/corpus/<name>, then
// seeded mutations of them, given to one function. Included by fuzz mains only.
#ifndef DATA_FUZZ_CORPUS_H
#define DATA_FUZZ_CORPUS_H

#include "base/bytes.h"
#include "base/mem.h"
#include "base/vec.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct fuzz_inputs {
    VEC(struct bytes) all;
};

static uint64_t fuzz_seed = 0x9e3779b97f4a7c15U;

static inline uint64_t fuzz_random(void)
{
    fuzz_seed ^= fuzz_seed << 13;
    fuzz_seed ^= fuzz_seed >> 7;
    fuzz_seed ^= fuzz_seed << 17;
    return fuzz_seed;
}

static inline void fuzz_load(struct fuzz_inputs *inputs, const char *name)
{
    char path[512];
    const char *seed = getenv("FUZZ_SEED"); // `make fuzz` hunts with others
    if (seed)
        fuzz_seed ^= strtoull(seed, NULL, 10);
    snprintf(path, sizeof path, "tests/corpus/%s", name);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        snprintf(path, sizeof path, "tests/corpus/%s/%s", name, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!file)
            continue;
        uint8_t *text = mem_alloc(1 << 16);
        size_t size = fread(text, 1, 1 << 16, file);
        fclose(file);
        vec_push(&inputs->all, bytes_make(text, size));
    }
    if (dir)
        closedir(dir);
}

// Flips, drops, repeats and splices bytes. `out` has room for size + 64.
static inline size_t fuzz_mutate(const struct fuzz_inputs *inputs, struct bytes from, uint8_t *out)
{
    memcpy(out, from.ptr, from.size);
    size_t size = from.size;
    for (uint64_t rounds = 1 + fuzz_random() % 4; rounds && size; rounds--) {
        size_t at = fuzz_random() % size, length = 1 + fuzz_random() % 8;
        if (length > size - at)
            length = size - at;
        struct bytes other = inputs->all.items[fuzz_random() % inputs->all.count];
        switch (fuzz_random() % 4) {
        case 0:
            out[at] ^= (uint8_t)(1U << (fuzz_random() % 8));
            break;
        case 1:
            memmove(out + at, out + at + length, size - at - length);
            size -= length;
            break;
        case 2:
            if (size + length <= from.size + 64) {
                memmove(out + at + length, out + at, size - at);
                size += length;
            }
            break;
        default:
            if (other.size >= length)
                memcpy(out + at, other.ptr + fuzz_random() % (other.size - length + 1), length);
        }
    }
    return size;
}

// Each input is handed over in an exact heap block, so that reading past it is seen.
static inline void fuzz_one(void (*run)(struct bytes text), const uint8_t *ptr, size_t size)
{
    uint8_t *exact = mem_alloc(size ? size : 1);
    if (size)
        memcpy(exact, ptr, size);
    run(bytes_make(exact, size));
    mem_free(exact);
}

static inline int fuzz_run(const char *name, int mutations, void (*run)(struct bytes text))
{
    struct fuzz_inputs inputs = {0};
    fuzz_load(&inputs, name);
    if (inputs.all.count == 0) {
        printf("tests/corpus/%s is empty\n", name);
        return 1;
    }
    for (size_t i = 0; i < inputs.all.count; i++)
        fuzz_one(run, inputs.all.items[i].ptr, inputs.all.items[i].size);
    for (int i = 0; i < mutations; i++) {
        struct bytes from = inputs.all.items[fuzz_random() % inputs.all.count];
        uint8_t *mutated = mem_alloc(from.size + 64);
        fuzz_one(run, mutated, fuzz_mutate(&inputs, from, mutated));
        mem_free(mutated);
    }
    for (size_t i = 0; i < inputs.all.count; i++)
        mem_free((void *)(uintptr_t)inputs.all.items[i].ptr);
    vec_release(&inputs.all);
    return 0;
}

#endif
