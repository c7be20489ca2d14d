// SPDX-License-Identifier: Apache-2.0
//
// person_id: national identity numbers of the kind randomuser.me shows, with the real check digits
// where the number has any (AU BR CA CH DE ES FI FR IE IN MX NL NO), and the birth date and gender
// inside where it says them.
#ifndef PEOPLE_PERSON_ID_H
#define PEOPLE_PERSON_ID_H

#include "people/person.h"

struct person_id {
    const char *kind; // "SSN" ...; "" for the nations without one: IR NZ TR UA
    char value[24];   // "" where `kind` is ""
};

struct person_id person_id(const struct person *person);

#endif
