// SPDX-License-Identifier: Apache-2.0
//
// sentence: the built-in source of `weir sentences`: review-like English sentences, glad, sad and
// plain, composed from data/sentences.txt. Sentence i depends on the seed and i only.
#ifndef PEOPLE_SENTENCE_H
#define PEOPLE_SENTENCE_H

#include "base/str.h"

// Appends the sentence alone: plain ASCII text, no line end.
void sentence_text(struct str *out, uint64_t seed, uint64_t index);
// Appends {"id":INDEX,"sentence":"..."}, no line end.
void sentence_write(struct str *out, uint64_t seed, uint64_t index);

#endif
