// SPDX-License-Identifier: Apache-2.0
//
// The exchanges are those of RFC 7677 (SHA-256) and of a Python client's own computation with
// hashlib (SHA-512, the names of RFC 5802).
#include "broker/scram.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FIRST        "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define CHALLENGE    "r=rOprNGfwEbeRWgbNEkqO" SERVER_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL_256 \
    "c=biws,r=rOprNGfwEbeRWgbNEkqO" SERVER_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE_256 "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void set_password(struct scram_exchange *exchange, enum scram_mechanism mechanism,
                         const char *password)
{
    static const uint8_t salt[] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
                                   0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};
    uint8_t salted[SCRAM_KEY_MAX];
    exchange->credential = (struct scram_credential){
        .mechanism = mechanism, .iterations = 4096, .salt_size = sizeof salt};
    memcpy(exchange->credential.salt, salt, sizeof salt);
    scram_salt_password(mechanism, bytes_from(password), bytes_make(salt, sizeof salt), 4096,
                        salted);
    scram_derive(&exchange->credential, salted);
}

static err_t begin(struct scram_exchange *exchange, struct arena *arena, const char *first)
{
    struct bytes user, authzid;
    return scram_begin(exchange, arena, bytes_from(first), &user, &authzid, NULL);
}

static void the_exchange_of_rfc_7677_passes(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct scram_exchange exchange = {0};
    struct bytes user, authzid, out;
    assert_int_equal(scram_begin(&exchange, &arena, bytes_from(FIRST), &user, &authzid, NULL),
                     ERR_OK);
    assert_true(bytes_is(user, "user"));
    assert_int_equal(authzid.size, 0);
    set_password(&exchange, SCRAM_SHA_256, "pencil");
    struct bytes challenge = scram_challenge(&exchange, &arena, bytes_from(SERVER_NONCE));
    assert_true(bytes_is(challenge, CHALLENGE));
    assert_int_equal(scram_finish(&exchange, &arena, bytes_from(FINAL_256), &out, NULL), ERR_OK);
    assert_true(bytes_is(out, SIGNATURE_256));
    arena_release(&arena);
}

static void the_exchange_with_sha_512_passes(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct scram_exchange exchange = {0};
    struct bytes out;
    assert_int_equal(begin(&exchange, &arena, FIRST), ERR_OK);
    set_password(&exchange, SCRAM_SHA_512, "pencil");
    scram_challenge(&exchange, &arena, bytes_from(SERVER_NONCE));
    assert_int_equal(
        scram_finish(
            &exchange, &arena,
            bytes_from("c=biws,r=rOprNGfwEbeRWgbNEkqO" SERVER_NONCE ",p=gMGXRcevScNtxZ6/"
                       "8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ=="),
            &out, NULL),
        ERR_OK);
    assert_true(bytes_is(out, "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/"
                              "AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="));
    arena_release(&arena);
}

static err_t finish(const char *password, const char *final)
{
    struct arena arena = ARENA_INIT;
    struct scram_exchange exchange = {0};
    struct bytes out;
    assert_int_equal(begin(&exchange, &arena, FIRST), ERR_OK);
    set_password(&exchange, SCRAM_SHA_256, password);
    scram_challenge(&exchange, &arena, bytes_from(SERVER_NONCE));
    err_t err = scram_finish(&exchange, &arena, bytes_from(final), &out, NULL);
    arena_release(&arena);
    return err;
}

static void a_nonce_with_the_clients_half_twice_passes_as_older_librdkafka_sends_it(void **state)
{
    (void)state;
    static const char final[] = "c=biws,r=rOprNGfwEbeRWgbNEkqOrOprNGfwEbeRWgbNEkqO" SERVER_NONCE
                                ",p=1Y75+q7XaCGJj/r6vyQWwoNxSzV5ksS8xhp5Lqyriec=";
    assert_int_equal(finish("pencil", final), ERR_OK);
    assert_int_equal(finish("Pencil", final), ERR_UNAUTHENTICATED);
}

static void wrong_passwords_proofs_nonces_and_bindings_are_refused(void **state)
{
    (void)state;
    assert_int_equal(finish("pencil", FINAL_256), ERR_OK);
    assert_int_equal(finish("Pencil", FINAL_256), ERR_UNAUTHENTICATED);
    static const char *const finals[] = {
        "",
        "c=biws",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO" SERVER_NONCE,
        "c=biws,r=rOprNGfwEbeRWgbNEkqO" SERVER_NONCE ",p=",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO" SERVER_NONCE ",p=AAAA",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "c=eSws,r=rOprNGfwEbeRWgbNEkqO" SERVER_NONCE
        ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        FINAL_256 ",x=1",
    };
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++)
        assert_int_equal(finish("pencil", finals[i]), ERR_UNAUTHENTICATED);
}

static void first_messages_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const firsts[] = {
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=user",
        "n,,n=,r=abc",
        "p=x,,n=user,r=abc",
        "n,,m=ext,n=user,r=abc",
        "n,,n=u=ser,r=abc",
        "n,,n=user,r=",
        "n,,n=user,r=a b",
        "x,,n=user,r=abc",
    };
    struct arena arena = ARENA_INIT;
    struct scram_exchange exchange;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        assert_int_equal(begin(&exchange, &arena, firsts[i]), ERR_UNAUTHENTICATED);
    arena_release(&arena);
}

static void names_are_unescaped(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct scram_exchange exchange;
    struct bytes user, authzid;
    assert_int_equal(scram_begin(&exchange, &arena,
                                 bytes_from("n,a=b=2Cc,n=a=3Db=2C,r=abc,tokenauth=true"), &user,
                                 &authzid, NULL),
                     ERR_OK);
    assert_true(bytes_is(user, "a=b,"));
    assert_true(bytes_is(authzid, "b,c"));
    assert_true(bytes_is(exchange.gs2, "n,a=b=2Cc,"));
    arena_release(&arena);
}

static void passwords_are_told_from_others(void **state)
{
    (void)state;
    struct scram_credential credential, again;
    for (enum scram_mechanism mechanism = SCRAM_SHA_256; mechanism <= SCRAM_SHA_512; mechanism++) {
        scram_make(&credential, mechanism, bytes_from("secret"), 4096);
        scram_make(&again, mechanism, bytes_from("secret"), 4096);
        assert_true(scram_is_password(&credential, bytes_from("secret")));
        assert_false(scram_is_password(&credential, bytes_from("secret ")));
        assert_false(scram_is_password(&credential, bytes_from("")));
        assert_memory_not_equal(credential.stored_key, again.stored_key, 32);
    }
}

static void a_decoy_looks_the_same_each_time_and_has_no_password(void **state)
{
    (void)state;
    struct scram_credential one, two, other;
    scram_decoy(&one, SCRAM_SHA_256, bytes_from("secret"), bytes_from("nobody"));
    scram_decoy(&two, SCRAM_SHA_256, bytes_from("secret"), bytes_from("nobody"));
    scram_decoy(&other, SCRAM_SHA_256, bytes_from("secret"), bytes_from("no one"));
    assert_int_equal(one.iterations, 4096);
    assert_int_equal(one.salt_size, two.salt_size);
    assert_memory_equal(one.salt, two.salt, one.salt_size);
    assert_memory_not_equal(one.salt, other.salt, one.salt_size);
    assert_false(scram_is_password(&one, bytes_from("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exchange_of_rfc_7677_passes),
        cmocka_unit_test(the_exchange_with_sha_512_passes),
        cmocka_unit_test(a_nonce_with_the_clients_half_twice_passes_as_older_librdkafka_sends_it),
        cmocka_unit_test(wrong_passwords_proofs_nonces_and_bindings_are_refused),
        cmocka_unit_test(first_messages_that_are_none_are_refused),
        cmocka_unit_test(names_are_unescaped),
        cmocka_unit_test(passwords_are_told_from_others),
        cmocka_unit_test(a_decoy_looks_the_same_each_time_and_has_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
