// SPDX-License-Identifier: Apache-2.0
//
// person_login: user name, password, salt and the hex digests of password + salt.
//
// Thread     a maker is one thread's.
#ifndef PEOPLE_PERSON_LOGIN_H
#define PEOPLE_PERSON_LOGIN_H

#include "people/person.h"

struct person_login {
    char username[40];
    char password[40];
    char salt[9];
    char md5[33];
    char sha1[41];
    char sha256[65];
};

struct login_maker; // holds the digests' contexts, which are dear to make

struct login_maker *login_maker_new(void);
void login_maker_free(struct login_maker *maker); // NULL is fine
void login_maker_make(struct login_maker *maker, const struct person *person,
                      struct person_login *login);

#endif
