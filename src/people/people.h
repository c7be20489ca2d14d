// SPDX-License-Identifier: Apache-2.0
//
// people: made-up persons as a stream of records, for `weir people` and for feeding a topic.
//
// The same options give the same bytes on every machine and every day: ages and dates are measured
// from PERSON_TODAY (people/person.h), never from the clock. Record i depends on the seed, the
// page and i only, so a stream can start anywhere.
//
//     struct people_stream *stream = people_stream_new(&options);
//     people_stream_header(stream, &out);                 // the names of the columns, CSV only, no
//     line end while (count-- > 0) {
//         people_stream_next(stream, &out);               // one record, no line end
//         str_append_byte(&out, '\n');
//     }
//     people_stream_free(stream);
//
// Thread     one stream is one thread's; any number of streams may run.
#ifndef PEOPLE_PEOPLE_H
#define PEOPLE_PEOPLE_H

#include "base/str.h"

enum people_shape {
    PEOPLE_NESTED, // randomuser.me 1.4
    PEOPLE_FLAT,   // user_id, first_name, ... nat: one level, text and numbers only
};

enum people_format {
    PEOPLE_JSON,
    PEOPLE_PRETTY, // JSON, indented by two
    PEOPLE_CSV,
};

enum people_gender {
    PEOPLE_ANY,
    PEOPLE_FEMALE,
    PEOPLE_MALE,
};

struct people_options {
    const char *seed; // any text; NULL or "" = a random one, told by people_stream_seed()
    uint32_t page;    // 0 = 1
    enum people_shape shape;
    enum people_format format;
    enum people_gender gender;
    uint32_t nats;   // people_nat_find() bits; 0 = all
    uint32_t fields; // PERSON_FIELD_* of people/person.h, nested only; 0 = all
};

struct people_stream;

struct people_stream *people_stream_new(const struct people_options *options);
void people_stream_free(struct people_stream *stream); // NULL is fine

const char *people_stream_seed(const struct people_stream *stream);
// Nothing where the format has no header.
void people_stream_header(const struct people_stream *stream, struct str *out);
void people_stream_next(struct people_stream *stream, struct str *out);
// The next record will be number `index` of the stream, counted from 0.
void people_stream_seek(struct people_stream *stream, uint64_t index);
// user_id (flat) or login.uuid (nested) of the record written last: a good record key.
const char *people_stream_key(const struct people_stream *stream);

// 1 << the nationality's number, or 0 for an unknown code. Any case: "US", "us".
uint32_t people_nat_find(const char *code);
// "AU, BR, ...": the codes there are.
const char *people_nat_list(void);

#endif
