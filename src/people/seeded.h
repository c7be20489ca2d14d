// SPDX-License-Identifier: Apache-2.0
//
// seeded: the generator's random numbers. SplitMix64: one addition and one mix per draw, any
// state is a good one, and only integer operations, so a seed gives the same draws on every
// machine.
#ifndef PEOPLE_SEEDED_H
#define PEOPLE_SEEDED_H

#include <stddef.h>
#include <stdint.h>

struct seeded {
    uint64_t state;
};

static inline uint64_t seeded_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static inline uint64_t seeded_u64(struct seeded *seeded)
{
    seeded->state += 0x9e3779b97f4a7c15u;
    return seeded_mix(seeded->state);
}

// 0 .. bound - 1; bound > 0. The bias is below bound / 2^32.
static inline uint32_t seeded_below(struct seeded *seeded, uint32_t bound)
{
    return (uint32_t)(((seeded_u64(seeded) >> 32) * bound) >> 32);
}

// The state for record `index` of a seed: records do not depend on the ones before them.
static inline struct seeded seeded_for(uint64_t seed, uint64_t index)
{
    return (struct seeded){seeded_mix(seed ^ seeded_mix(index + 0x632be59bd9b4e019u))};
}

// A seed of any text (FNV-1a, mixed).
static inline uint64_t seeded_text(const char *text, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
    return seeded_mix(hash);
}

#endif
