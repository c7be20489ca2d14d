// SPDX-License-Identifier: Apache-2.0
//
// tls: the certificate a listener shows, and what it wants from its clients. TLS 1.2 and 1.3, no
// renegotiation, no compression, no session tickets.
//
// Lifetime   counted; a listener keeps a reference, and each connection the certificate it began
//            with.
// Thread     any.
// Errors     ERR_CONFIG, naming the file and what is wrong with it.
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/diag.h"

enum tls_clients {
    TLS_CLIENTS_ANY,      // are not asked for a certificate
    TLS_CLIENTS_ASKED,    // are asked; one that shows none is let in
    TLS_CLIENTS_REQUIRED, // must show one
};

struct tls_options {
    const char *cert; // PEM: the certificate and those it was issued by, in that order
    const char *key;  // PEM, not encrypted
    const char *ca;   // PEM: who may have issued clients' certificates; NULL = nobody
    enum tls_clients clients;
};

struct tls;

MUST_USE err_t tls_open(struct tls **out, const struct tls_options *options,
                        struct diag *diag); // BLOCKS
// Reads the files again; new connections get what is in them now. On failure the old ones stay in
// use. BLOCKS
MUST_USE err_t tls_reload(struct tls *tls, struct diag *diag);
struct tls *tls_ref(struct tls *tls);
void tls_unref(struct tls *tls); // NULL is fine

#endif
