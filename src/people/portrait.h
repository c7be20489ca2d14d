// SPDX-License-Identifier: Apache-2.0
//
// portrait: a drawn face as SVG, made from its number: no photograph of anybody.
#ifndef PEOPLE_PORTRAIT_H
#define PEOPLE_PORTRAIT_H

#include "base/str.h"

#include <stdbool.h>

// `number` < PERSON_PORTRAITS; `size_px` is the width and height it asks for.
void portrait_write(struct str *out, bool woman, uint32_t number, uint32_t size_px);

#endif
