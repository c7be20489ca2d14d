// SPDX-License-Identifier: Apache-2.0
//
// people_server: the people API (people/api.h) on a port of its own. Any thread.
#ifndef PEOPLE_PEOPLE_SERVER_H
#define PEOPLE_PEOPLE_SERVER_H

#include "base/diag.h"

#include <stdint.h>

struct people_server;

MUST_USE err_t people_server_start(struct people_server **out, const char *host, uint16_t port,
                                   struct diag *diag);
uint16_t people_server_port(const struct people_server *server);
void people_server_stop(struct people_server *server); // waits for answers being made; NULL is fine

#endif
