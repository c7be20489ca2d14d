// SPDX-License-Identifier: Apache-2.0
//
// The digests are real (OpenSSL), so tools that check them find them right.
#include "people/person_login.h"

#include "base/mem.h"
#include "people/seeded.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const adjectives[] = {
    "amber",  "angry",  "big",    "black",  "blue",  "brown",  "calm",   "clever",
    "crazy",  "fast",   "gentle", "gold",   "green", "happy",  "heavy",  "hidden",
    "jolly",  "kind",   "lazy",   "little", "loud",  "lucky",  "merry",  "noble",
    "orange", "proud",  "purple", "quick",  "quiet", "red",    "round",  "rusty",
    "silent", "silver", "sleepy", "small",  "smart", "smooth", "sunny",  "swift",
    "tall",   "tiny",   "warm",   "white",  "wild",  "wise",   "yellow", "young"};
static const char *const animals[] = {
    "ant",      "badger", "bear",  "beaver", "bird",    "bison",   "butterfly", "camel",
    "cat",      "crab",   "crane", "deer",   "dog",     "dolphin", "duck",      "eagle",
    "elephant", "falcon", "fish",  "fox",    "frog",    "goat",    "goose",     "gorilla",
    "hare",     "heron",  "horse", "koala",  "ladybug", "leopard", "lion",      "lynx",
    "moose",    "mouse",  "otter", "owl",    "panda",   "peacock", "rabbit",    "raven",
    "seal",     "snake",  "swan",  "tiger",  "turtle",  "whale",   "wolf",      "zebra"};
static const char *const secrets[] = {
    "acorn",   "anchor", "apple",   "autumn",  "bamboo", "banjo",  "basil",  "bridge",
    "candle",  "canyon", "carpet",  "castle",  "cherry", "cinema", "cobalt", "compass",
    "copper",  "cosmos", "cotton",  "desert",  "engine", "ferry",  "forest", "galaxy",
    "garden",  "ginger", "glacier", "guitar",  "harbor", "island", "jacket", "jasmine",
    "kettle",  "ladder", "lemon",   "magnet",  "marble", "meadow", "mirror", "nutmeg",
    "ocean",   "orchid", "paddle",  "pepper",  "pillow", "planet", "pocket", "prairie",
    "quartz",  "rocket", "saddle",  "saffron", "shadow", "spring", "summit", "sunset",
    "thunder", "tunnel", "velvet",  "violin",  "walnut", "willow", "window", "winter"};
#define PICK(seeded, list) ((list)[seeded_below((seeded), sizeof(list) / sizeof(list)[0])])

enum { DIGESTS = 3 };
struct login_maker {
    EVP_MD_CTX *contexts[DIGESTS];
    EVP_MD *kinds[DIGESTS];
};

struct login_maker *login_maker_new(void)
{
    static const char *const names[] = {"MD5", "SHA1", "SHA256"};
    struct login_maker *maker = mem_zalloc(sizeof *maker);
    for (size_t i = 0; i < DIGESTS; i++) {
        maker->kinds[i] = EVP_MD_fetch(NULL, names[i], NULL);
        maker->contexts[i] = EVP_MD_CTX_new();
        if (!maker->kinds[i] || !maker->contexts[i])
            abort(); // libcrypto without its default digests, or out of memory
    }
    return maker;
}

void login_maker_free(struct login_maker *maker)
{
    if (!maker)
        return;
    for (size_t i = 0; i < DIGESTS; i++) {
        EVP_MD_CTX_free(maker->contexts[i]);
        EVP_MD_free(maker->kinds[i]);
    }
    mem_free(maker);
}

static void digest(struct login_maker *maker, size_t kind, const char *text, size_t size, char *hex)
{
    uint8_t made[EVP_MAX_MD_SIZE];
    unsigned made_size = 0;
    if (!EVP_DigestInit_ex(maker->contexts[kind], maker->kinds[kind], NULL) ||
        !EVP_DigestUpdate(maker->contexts[kind], text, size) ||
        !EVP_DigestFinal_ex(maker->contexts[kind], made, &made_size))
        abort();
    for (unsigned i = 0; i < made_size; i++) {
        hex[2 * i] = "0123456789abcdef"[made[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[made[i] & 15];
    }
    hex[2 * made_size] = 0;
}

void login_maker_make(struct login_maker *maker, const struct person *person,
                      struct person_login *login)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct seeded seeded = {person->login_seed};
    const char *adjective = PICK(&seeded, adjectives), *animal = PICK(&seeded, animals);
    snprintf(login->username, sizeof login->username, "%s%s%03u", adjective, animal,
             seeded_below(&seeded, 1000));
    const char *secret = PICK(&seeded, secrets);
    snprintf(login->password, sizeof login->password, "%s%u", secret, seeded_below(&seeded, 100));
    for (size_t i = 0; i < 8; i++)
        login->salt[i] = letters[seeded_below(&seeded, sizeof letters - 1)];
    login->salt[8] = 0;
    char salted[64];
    int size = snprintf(salted, sizeof salted, "%s%s", login->password, login->salt);
    digest(maker, 0, salted, (size_t)size, login->md5);
    digest(maker, 1, salted, (size_t)size, login->sha1);
    digest(maker, 2, salted, (size_t)size, login->sha256);
}
