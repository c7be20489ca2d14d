// SPDX-License-Identifier: Apache-2.0
//
// crowd: how many connections there are, from which address, and who of them has not shown yet who
// it is (the strangers, in the order they came).
//
// Thread     any; one short mutex.
// Bounds     max.connections, max.connections.per.ip and its overrides; strangers: whoever comes
//            when there are `stranger_max` sends the one away that has waited longest.
#ifndef BROKER_CROWD_H
#define BROKER_CROWD_H

#include "base/diag.h"
#include "base/list.h"

#include <stdint.h>

struct crowd;

struct crowd_limits {
    int64_t all;
    int64_t per_address;
    const char *overrides; // "10.0.0.1:200,::1:5"
};

struct crowd *crowd_new(size_t stranger_max);
void crowd_free(struct crowd *crowd); // NULL is fine
// Those who are there already stay.
void crowd_set_limits(struct crowd *crowd, const struct crowd_limits *limits);
// ERR_CONFIG says what is wrong with it.
MUST_USE err_t crowd_check_overrides(const char *overrides, struct diag *diag);

// ERR_OVERLOADED says which bound there is, and then nobody came. Every arrival leaves once.
MUST_USE err_t crowd_arrive(struct crowd *crowd, const char *address, struct diag *diag);
void crowd_leave(struct crowd *crowd, const char *address);

// `link` is the stranger's until crowd_knows(); send_away(link) may be called meanwhile, by another
// stranger's arrival, with the mutex held.
void crowd_stranger(struct crowd *crowd, struct list *link, void (*send_away)(struct list *link));
void crowd_knows(struct crowd *crowd, struct list *link); // a second call does nothing

#endif
