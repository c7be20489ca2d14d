// SPDX-License-Identifier: Apache-2.0
//
// codec_fuzz: every message of every API and version, fed with the golden frames, cut and mutated.
// What decodes must encode to bytes that decode again to the same bytes.
#include "wire/kafka/api.h"
#include "wire/kafka/golden.h"
#include "wire/kafka/header.h"

struct rng {
    uint64_t state;
};

static uint32_t next(struct rng *rng)
{
    rng->state = rng->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng->state >> 33);
}

static void feed(const struct kafka_codec *codec, int16_t version, struct bytes body)
{
    struct arena arena = ARENA_INIT;
    struct str first = {0};
    struct str again = {0};
    struct str text = {0};
    void *m = mem_alloc(codec->size);
    struct reader reader = reader_make(body);
    if (codec->decode(m, version, &reader, &arena)) {
        codec->encode(m, version, &first);
        codec->print(m, version, &text);
        reader = reader_make(str_bytes(&first));
        bool fine = codec->decode(m, version, &reader, &arena);
        assert(fine);
        codec->encode(m, version, &again);
        assert(bytes_equal(str_bytes(&first), str_bytes(&again)));
    }
    mem_free(m);
    str_release(&first);
    str_release(&again);
    str_release(&text);
    arena_release(&arena);
}

static void mutate(struct rng *rng, uint8_t *ptr, size_t size)
{
    for (uint32_t n = 1 + next(rng) % 4; n; n--) {
        static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe};
        ptr[next(rng) % size] = next(rng) % 2 ? edges[next(rng) % 6] : (uint8_t)next(rng);
    }
}

static void fuzz_codec(struct rng *rng, const struct kafka_api *api,
                       const struct kafka_codec *codec, struct bytes body)
{
    if (body.size == 0)
        return;
    for (int16_t v = api->version_min; v <= api->version_max; v++)
        feed(codec, v, body);
    int16_t span = (int16_t)(api->version_max - api->version_min + 1);
    for (int i = 0; i < 60; i++) {
        uint8_t *copy = mem_dup(body.ptr, body.size);
        mutate(rng, copy, body.size);
        size_t size = i % 3 ? body.size : next(rng) % body.size;
        feed(codec, (int16_t)(api->version_min + (int16_t)(next(rng) % (uint32_t)span)),
             bytes_make(copy, size));
        mem_free(copy);
    }
}

static void fuzz_exchange(const struct golden *golden, void *ctx)
{
    struct rng *rng = ctx;
    const struct kafka_api *api = kafka_api_find(golden->key);
    if (!api)
        return;
    struct kafka_request_header header;
    struct reader reader = reader_make(golden->request);
    if (kafka_request_header_decode(&header, &reader))
        fuzz_codec(rng, api, &api->request, bytes_make(reader.at, reader_left(&reader)));
    if (golden->response.size > 4)
        fuzz_codec(rng, api, &api->response,
                   bytes_make(golden->response.ptr + 4, golden->response.size - 4));
}

int main(void)
{
    struct rng rng = {42};
    return golden_each(fuzz_exchange, &rng) > 0 ? 0 : 1;
}
