// SPDX-License-Identifier: Apache-2.0
//
// fetch_session: the partitions a consumer polls, remembered between its requests, so that these
// and their answers name only what changed (KIP-227; FetchManager of Apache Kafka 4.3).
//
// A full fetch (epoch 0) opens a session with its answer; each further request names the session
// and the next epoch, what to add and what to forget. Partitions that had data move to the end, so
// that all get their turn.
//
// Thread     any; one mutex for memory work.
// Bounds     as many sessions as is said, FETCH_SESSION_PARTITIONS_MAX partitions of all together.
//            Past them a full fetch is answered with session id 0, which every client takes, and a
//            session that outgrows them ends. A session unused for two minutes makes room.
#ifndef BROKER_FETCH_SESSION_H
#define BROKER_FETCH_SESSION_H

#include "base/arena.h"
#include "wire/kafka/fetch.h"

enum { FETCH_SESSION_PARTITIONS_MAX = 100000 };

struct fetch_sessions;
struct fetch_session;

enum fetch_kind {
    FETCH_REFUSED, // answer with `error` and nothing else
    FETCH_SESSIONLESS,
    FETCH_FULL,
    FETCH_INCREMENTAL,
};

// What one request asks for, with what its session knew already.
struct fetch_plan {
    enum fetch_kind kind;
    int16_t error;
    int16_t version;
    struct fetch_session *session; // FETCH_INCREMENTAL: a reference of the arena's
    int32_t epoch;                 // of the session while this request is under way
    const struct kafka_fetch_request_topic *topics; // in the arena or the message
    int32_t topic_count;
};

struct fetch_sessions *fetch_sessions_new(size_t max); // 0: there are none
void fetch_sessions_free(struct fetch_sessions *sessions);

void fetch_sessions_plan(struct fetch_sessions *sessions, const struct kafka_fetch_request *message,
                         int16_t version, struct arena *arena, struct fetch_plan *plan);
// Before the answer goes: opens the session of a full fetch, and takes out of an incremental answer
// what did not change. The topics and partitions of `response` are those of the plan, in order.
// False when another request used the session meanwhile: the answer is an error without partitions
// then. A session that ended meanwhile (its consumer closes) makes no difference.
bool fetch_sessions_settle(struct fetch_sessions *sessions, const struct fetch_plan *plan,
                           struct kafka_fetch_response *response);

void fetch_sessions_count(struct fetch_sessions *sessions, size_t *session_count,
                          size_t *partition_count);

#endif
