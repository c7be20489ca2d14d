// SPDX-License-Identifier: Apache-2.0
//
// security_fuzz: SCRAM messages and records of data_dir/security, mutated: reading stays within the
// bytes, and no mutated proof lets anybody in.
#include "base/mem.h"
#include "broker/security.h"

#include <assert.h>
#include <stdlib.h>

enum { ROUNDS = 20000, TEXT_MAX = 512 };

static uint64_t state = 11;

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

// A copy on the heap, exact, so that a read past its end is seen.
static struct bytes mutated(struct bytes seed)
{
    static const char special[] = ",=nrspcva2CD3 \0/+";
    uint8_t text[TEXT_MAX];
    size_t size = seed.size;
    memcpy(text, seed.ptr, size);
    for (uint32_t n = 1 + next() % 3; n; n--) {
        size_t at = next() % size;
        if (next() % 4 == 0)
            text[at] = (uint8_t)next();
        else
            text[at] = (uint8_t)special[next() % (sizeof special - 1)];
    }
    if (next() % 4 == 0)
        size = next() % (size + 1);
    return bytes_make(mem_dup(text, size), size);
}

static void begin(struct bytes message)
{
    struct arena arena = ARENA_INIT;
    struct scram_exchange exchange = {0};
    struct bytes user, authzid;
    if (scram_begin(&exchange, &arena, message, &user, &authzid, NULL) == ERR_OK) {
        assert(user.size > 0 && user.size <= message.size);
        exchange.credential = (struct scram_credential){.mechanism = SCRAM_SHA_256};
        scram_challenge(&exchange, &arena, bytes_from("nonce"));
    }
    arena_release(&arena);
}

static void finish(const struct scram_credential *credential, struct bytes message)
{
    struct arena arena = ARENA_INIT;
    struct scram_exchange exchange = {0};
    struct bytes user, authzid, out;
    err_t err =
        scram_begin(&exchange, &arena, bytes_from("n,,n=user,r=client"), &user, &authzid, NULL);
    assert(err == ERR_OK);
    exchange.credential = *credential;
    scram_challenge(&exchange, &arena, bytes_from("server"));
    assert(scram_finish(&exchange, &arena, message, &out, NULL) != ERR_OK);
    arena_release(&arena);
}

static void record(const struct security_change *change)
{
    struct str key = {0}, value = {0};
    struct security_change out;
    security_encode(change, &key, &value);
    for (int i = 0; i < ROUNDS; i++) {
        struct bytes k = mutated(str_bytes(&key)), v = mutated(str_bytes(&value));
        bool good = security_decode(i % 3 ? k : str_bytes(&key), i % 3 == 1 ? str_bytes(&value) : v,
                                    i % 7 != 0, &out);
        if (good && out.kind == SECURITY_ACL)
            assert(acl_check(&out.acl, NULL) == ERR_OK);
        if (good && out.kind == SECURITY_USER)
            assert(out.credential.salt_size <= SCRAM_SALT_MAX);
        mem_free((void *)(uintptr_t)k.ptr);
        mem_free((void *)(uintptr_t)v.ptr);
    }
    str_release(&key);
    str_release(&value);
}

int main(void)
{
    static const char *const firsts[] = {"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                                         "n,a=other,n=a=2Cb=3D,r=abc,tokenauth=true"};
    static const char final[] =
        "c=biws,r=clientserver,x=1,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    struct security_change user = {.kind = SECURITY_USER, .user = bytes_from("user")};
    scram_make(&user.credential, SCRAM_SHA_256, bytes_from("secret"), SCRAM_ITERATIONS_MIN);
    for (int i = 0; i < ROUNDS; i++) {
        struct bytes first = mutated(bytes_from(firsts[i % 2])), last = mutated(bytes_from(final));
        begin(first);
        finish(&user.credential, last);
        mem_free((void *)(uintptr_t)first.ptr);
        mem_free((void *)(uintptr_t)last.ptr);
    }
    record(&user);
    record(&(struct security_change){.kind = SECURITY_ACL,
                                     .acl = {.resource = ACL_TOPIC,
                                             .pattern = ACL_PREFIXED,
                                             .name = bytes_from("topic"),
                                             .principal = bytes_from("User:a"),
                                             .host = bytes_from("*"),
                                             .operation = ACL_READ,
                                             .permission = ACL_DENY}});
    record(&(struct security_change){
        .kind = SECURITY_QUOTA, .entity = {.has_user = true, .user = bytes_from("u")}, .limit = 5});
    return 0;
}
