// SPDX-License-Identifier: Apache-2.0
//
// tls_test: certificates made on the spot, as PEM files, for tests that need TLS.
#ifndef NET_TLS_TEST_H
#define NET_TLS_TEST_H

#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdio.h>

struct test_cert {
    EVP_PKEY *key;
    X509 *cert;
};

// A certificate for "CN=`name`,O=weir", issued by `issuer` (NULL: by itself, and it may issue).
static inline struct test_cert test_cert_make(const char *name, const struct test_cert *issuer)
{
    static long serial = 1;
    struct test_cert made = {EVP_EC_gen("P-256"), X509_new()};
    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), 86400);
    X509_set_pubkey(made.cert, made.key);
    X509_NAME *subject = X509_get_subject_name(made.cert);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"weir", -1, -1,
                               0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made.cert, issuer ? X509_get_subject_name(issuer->cert) : subject);
    X509_EXTENSION *basic = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                                issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    X509_add_ext(made.cert, basic, -1);
    X509_EXTENSION_free(basic);
    X509_sign(made.cert, issuer ? issuer->key : made.key, EVP_sha256());
    return made;
}

static inline void test_cert_free(struct test_cert *cert)
{
    EVP_PKEY_free(cert->key);
    X509_free(cert->cert);
}

// Writes DIR/NAME.pem and DIR/NAME.key.
static inline void test_cert_write(const struct test_cert *cert, const char *dir, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.pem", dir, name);
    FILE *out = fopen(path, "w");
    PEM_write_X509(out, cert->cert);
    fclose(out);
    snprintf(path, sizeof path, "%s/%s.key", dir, name);
    out = fopen(path, "w");
    PEM_write_PrivateKey(out, cert->key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
}

#endif
