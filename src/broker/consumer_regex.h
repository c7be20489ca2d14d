// SPDX-License-Identifier: Apache-2.0
//
// consumer_regex: regular expressions by which members subscribe to topics.
//
// The language is RE2's, as in Apache Kafka: what RE2 has not (references, looking around, atomic
// groups, possessive repeats) is refused. Matching never goes back over what it has read, so no
// expression takes exponential time.
//
// Thread     any; matching may take a while.
#ifndef BROKER_CONSUMER_REGEX_H
#define BROKER_CONSUMER_REGEX_H

#include "base/arena.h"
#include "base/diag.h"

enum { CONSUMER_REGEX_MAX_BYTES = 4096 };

// ERR_INVALID_REGEX, with a story.
MUST_USE err_t consumer_regex_check(const char *pattern, struct diag *diag);

struct consumer_matcher;
// NULL when the pattern is not valid.
struct consumer_matcher *consumer_matcher_new(const char *pattern);
void consumer_matcher_free(struct consumer_matcher *matcher);
bool consumer_matches(struct consumer_matcher *matcher, const char *topic); // as a whole

#endif
