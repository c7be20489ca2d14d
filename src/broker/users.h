// SPDX-License-Identifier: Apache-2.0
//
// users: who may sign in, and the SCRAM credentials they do it with. One user has at most one
// credential of each mechanism; PLAIN is checked against any of them.
//
// Thread     any; one short mutex.
#ifndef BROKER_USERS_H
#define BROKER_USERS_H

#include "broker/scram.h"

struct users;

struct users *users_new(void);
void users_free(struct users *users);

void users_set(struct users *users, struct bytes name, const struct scram_credential *credential);
bool users_remove(struct users *users, struct bytes name, enum scram_mechanism mechanism);
// False when the user has none of this mechanism; SCRAM_NONE takes any.
bool users_find(struct users *users, struct bytes name, enum scram_mechanism mechanism,
                struct scram_credential *out);

struct user_entry {
    struct bytes name;
    struct scram_credential credential;
};
// Every credential, sorted by name and mechanism; copies in `arena`.
struct user_entry *users_all(struct users *users, struct arena *arena, size_t *count);

#endif
