// SPDX-License-Identifier: Apache-2.0
//
// api: the people API as a pure function, in the shape of randomuser.me's.
//
//     GET /api/?results=3&seed=a      also /api, /api/1.4, /api/1.4/
//     GET /api/portraits/men/7.svg    also /api/portraits/med/..., /api/portraits/thumb/...
//
// results 1..5000, page 1..10000, seed, gender, nat, inc, exc, format or fmt, noinfo, dl; others
// are ignored. Unlike the original, a wrong value is answered with 400 and {"error": "..."} saying
// what was expected, and gender and nat hold with a seed too.
#ifndef PEOPLE_API_H
#define PEOPLE_API_H

#include "base/str.h"

struct people_request {
    const char *method;                                // "GET", "HEAD" or "OPTIONS"
    const char *path;                                  // decoded, without the query
    const char *(*query)(void *ctx, const char *name); // decoded value, NULL if absent
    void *ctx;
};

struct people_answer {
    int status;
    const char *content_type; // static
    const char *disposition;  // static: the Content-Disposition header, or NULL
    struct str body;
};

// Fills `answer`; the caller releases its body. Every answer may carry Access-Control-Allow-Origin:
// *.
void people_api_answer(const struct people_request *request, struct people_answer *answer);

#endif
