// SPDX-License-Identifier: Apache-2.0
#include "people/people.h"

#include "base/mem.h"
#include "os/random.h"
#include "people/person.h"
#include "people/person_login.h"
#include "people/person_write.h"

#include <ctype.h>
#include <stdio.h>

struct people_stream {
    struct people_options options;
    struct person_choice choice;
    struct login_maker *maker; // NULL while no login is asked for
    char *seed;
    uint64_t next;
    char key[37];
};

struct people_stream *people_stream_new(const struct people_options *options)
{
    struct people_stream *stream = mem_zalloc(sizeof *stream);
    stream->options = *options;
    if (stream->options.page == 0)
        stream->options.page = 1;
    if (stream->options.fields == 0)
        stream->options.fields = PERSON_FIELDS_ALL;
    stream->seed = options->seed && *options->seed
                       ? mem_strdup(options->seed)
                       : mem_printf("%016llx", (unsigned long long)random_u64());
    stream->choice =
        person_choose(stream->seed, stream->options.page, options->gender, options->nats);
    bool login = options->shape == PEOPLE_NESTED && (stream->options.fields & PERSON_FIELD_LOGIN);
    stream->maker = login ? login_maker_new() : NULL;
    return stream;
}

void people_stream_free(struct people_stream *stream)
{
    if (!stream)
        return;
    login_maker_free(stream->maker);
    mem_free(stream->seed);
    mem_free(stream);
}

const char *people_stream_seed(const struct people_stream *stream)
{
    return stream->seed;
}

const char *people_stream_key(const struct people_stream *stream)
{
    return stream->key;
}

void people_stream_seek(struct people_stream *stream, uint64_t index)
{
    stream->next = index;
}

void people_stream_header(const struct people_stream *stream, struct str *out)
{
    if (stream->options.format == PEOPLE_CSV)
        person_write_columns(out, stream->options.shape, stream->options.fields);
}

void people_stream_next(struct people_stream *stream, struct str *out)
{
    const struct people_options *options = &stream->options;
    struct person person;
    person_make(&person, &stream->choice, stream->next++);
    person_uuid(&person, stream->key);
    if (options->shape == PEOPLE_FLAT)
        person_write_flat(out, &person, options->format);
    else
        person_write_nested(out, &person, options->format, options->fields, 0, stream->maker);
}

uint32_t people_nat_find(const char *code)
{
    if (strlen(code) != 2)
        return 0;
    for (uint32_t i = 0; i < people_nations_count; i++) {
        if (toupper((unsigned char)code[0]) == people_nations[i].code[0] &&
            toupper((unsigned char)code[1]) == people_nations[i].code[1])
            return 1u << i;
    }
    return 0;
}

const char *people_nat_list(void)
{
    return "AU, BR, CA, CH, DE, DK, ES, FI, FR, GB, IE, IN, IR, MX, NL, NO, NZ, RS, TR, UA, US";
}
