// SPDX-License-Identifier: Apache-2.0
#include "broker/fetch_session.h"

#include "base/list.h"
#include "base/map.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/thread.h"

enum {
    KAFKA_FETCH_SESSION_ID_NOT_FOUND = 70,
    KAFKA_INVALID_FETCH_SESSION_EPOCH = 71,
    KAFKA_FETCH_SESSION_TOPIC_ID_ERROR = 106,
    EPOCH_INITIAL = 0,
    EPOCH_FINAL = -1,
    TOPIC_IDS_FROM = 13,
    EVICTION_US = 120 * 1000 * 1000, // min.incremental.fetch.session.eviction.ms
};

struct part_key {
    struct bytes topic; // its name, or the 16 bytes of its id
    int32_t partition;
};

static uint64_t part_key_hash(struct part_key key)
{
    return bytes_hash(key.topic) ^ hash_u64((uint64_t)key.partition);
}

static bool part_key_equal(struct part_key a, struct part_key b)
{
    return a.partition == b.partition && bytes_equal(a.topic, b.topic);
}

struct cached {
    struct list link;
    struct part_key key; // points at text
    struct kafka_fetch_request_partition asked;
    int64_t high_watermark; // as the client was told last; -1 = tell again
    int64_t start_offset;
    uint8_t text[];
};

MAP_DEFINE(cached_map, struct part_key, struct cached *, part_key_hash, part_key_equal);

struct fetch_session {
    struct list link;      // in fetch_sessions.by_use
    _Atomic unsigned refs; // of the cache until it ends, and of each request under way
    int32_t id;
    int32_t epoch;
    bool by_id;
    int64_t used_us;
    struct list parts; // in the order they are served
    struct cached_map map;
};

static uint64_t session_id_hash(int32_t id)
{
    return hash_u64((uint64_t)id);
}

static bool session_id_equal(int32_t a, int32_t b)
{
    return a == b;
}

MAP_DEFINE(session_map, int32_t, struct fetch_session *, session_id_hash, session_id_equal);

struct fetch_sessions {
    struct mutex mutex; // guards all below, and the sessions
    struct session_map by_id;
    struct list by_use; // longest unused first
    size_t partition_count;
    size_t max;
};

struct fetch_sessions *fetch_sessions_new(size_t max)
{
    struct fetch_sessions *sessions = MEM_NEW(struct fetch_sessions);
    sessions->max = max;
    mutex_init(&sessions->mutex);
    list_init(&sessions->by_use);
    return sessions;
}

// --- one session ---

static void free_part(struct fetch_session *session, struct cached *part)
{
    cached_map_remove(&session->map, part->key);
    list_remove(&part->link);
    mem_free(part);
}

static void forget(struct fetch_sessions *sessions, struct fetch_session *session,
                   struct cached *part)
{
    free_part(session, part);
    sessions->partition_count--;
}

static void unref_session(void *ctx)
{
    struct fetch_session *session = ctx;
    if (--session->refs)
        return;
    while (!list_empty(&session->parts))
        free_part(session, CONTAINER_OF(session->parts.next, struct cached, link));
    cached_map_release(&session->map);
    mem_free(session);
}

// A request of it that is under way is still answered as if it went on.
static void end_session(struct fetch_sessions *sessions, struct fetch_session *session)
{
    sessions->partition_count -= session->map.count;
    session_map_remove(&sessions->by_id, session->id);
    list_remove(&session->link);
    unref_session(session);
}

static struct fetch_session *find_session(struct fetch_sessions *sessions, int32_t id)
{
    struct fetch_session **found = session_map_get(&sessions->by_id, id);
    return found ? *found : NULL;
}

static struct part_key key_of(bool by_id, struct bytes name, const struct kafka_uuid *id,
                              int32_t partition)
{
    return (struct part_key){by_id ? bytes_make(id->bytes, sizeof id->bytes) : name, partition};
}

// The cached partition of `key`, made if need be; its request is replaced.
static struct cached *remember(struct fetch_sessions *sessions, struct fetch_session *session,
                               struct part_key key,
                               const struct kafka_fetch_request_partition *asked)
{
    struct cached **found = cached_map_get(&session->map, key);
    struct cached *part = found ? *found : NULL;
    if (!part) {
        part = mem_zalloc(sizeof *part + key.topic.size);
        if (key.topic.size > 0)
            memcpy(part->text, key.topic.ptr, key.topic.size);
        part->key = (struct part_key){bytes_make(part->text, key.topic.size), key.partition};
        part->high_watermark = part->start_offset = -1;
        *cached_map_put(&session->map, part->key, NULL) = part;
        list_push_back(&session->parts, &part->link);
        sessions->partition_count++;
    }
    part->asked = *asked;
    return part;
}

static int32_t epoch_after(int32_t epoch)
{
    return epoch < 0 ? EPOCH_FINAL : epoch == INT32_MAX ? 1 : epoch + 1;
}

// --- a request ---

static void update(struct fetch_sessions *sessions, struct fetch_session *session,
                   const struct kafka_fetch_request *message)
{
    for (int32_t t = 0; t < message->topics_count; t++) {
        const struct kafka_fetch_request_topic *topic = &message->topics[t];
        for (int32_t p = 0; p < topic->partitions_count; p++)
            remember(sessions, session,
                     key_of(session->by_id, topic->topic, &topic->topic_id,
                            topic->partitions[p].partition),
                     &topic->partitions[p]);
    }
    for (int32_t t = 0; t < message->forgotten_topics_data_count; t++) {
        const struct kafka_fetch_request_forgotten_topics_data *topic =
            &message->forgotten_topics_data[t];
        for (int32_t p = 0; p < topic->partitions_count; p++) {
            struct cached **part =
                cached_map_get(&session->map, key_of(session->by_id, topic->topic, &topic->topic_id,
                                                     topic->partitions[p]));
            if (part)
                forget(sessions, session, *part);
        }
    }
}

// The whole of what the session polls, as a request would name it.
static void list_parts(const struct fetch_session *session, struct arena *arena,
                       struct fetch_plan *plan)
{
    size_t count = session->map.count;
    struct kafka_fetch_request_partition *partitions =
        ARENA_ARRAY(arena, struct kafka_fetch_request_partition, count);
    struct kafka_fetch_request_topic *topics =
        ARENA_ARRAY(arena, struct kafka_fetch_request_topic, count);
    struct kafka_fetch_request_topic *topic = NULL;
    struct bytes last = BYTES_NULL;
    plan->topics = topics;
    plan->topic_count = 0;
    LIST_EACH(&session->parts, link)
    {
        const struct cached *part = CONTAINER_OF(link, struct cached, link);
        if (!topic || !bytes_equal(last, part->key.topic)) {
            topic = &topics[plan->topic_count++];
            kafka_fetch_request_topic_init(topic);
            last = part->key.topic;
            if (session->by_id)
                memcpy(topic->topic_id.bytes, last.ptr, sizeof topic->topic_id.bytes);
            else
                topic->topic = bytes_make(arena_dup(arena, last.ptr, last.size), last.size);
            topic->partitions = partitions;
        }
        *partitions++ = part->asked;
        topic->partitions_count++;
    }
}

static void plan_next(struct fetch_sessions *sessions, const struct kafka_fetch_request *message,
                      int16_t version, struct arena *arena, struct fetch_plan *plan)
{
    struct fetch_session *session = find_session(sessions, message->session_id);
    plan->kind = FETCH_REFUSED;
    if (!session) {
        plan->error = KAFKA_FETCH_SESSION_ID_NOT_FOUND;
    } else if (session->epoch != message->session_epoch) {
        plan->error = KAFKA_INVALID_FETCH_SESSION_EPOCH;
    } else if (session->by_id != (version >= TOPIC_IDS_FROM)) {
        plan->error = KAFKA_FETCH_SESSION_TOPIC_ID_ERROR;
    } else {
        update(sessions, session, message);
        if (sessions->partition_count > FETCH_SESSION_PARTITIONS_MAX) {
            plan->error = KAFKA_FETCH_SESSION_ID_NOT_FOUND; // the client begins anew, in full
            end_session(sessions, session);
        } else if (session->map.count == 0) {
            plan->kind = FETCH_SESSIONLESS;
            end_session(sessions, session);
        } else {
            plan->kind = FETCH_INCREMENTAL;
            plan->session = session;
            session->refs++;
            arena_on_clear(arena, unref_session, session);
            plan->epoch = session->epoch = epoch_after(session->epoch);
            session->used_us = clock_mono_us();
            list_remove(&session->link);
            list_push_back(&sessions->by_use, &session->link);
            list_parts(session, arena, plan);
        }
    }
}

void fetch_sessions_plan(struct fetch_sessions *sessions, const struct kafka_fetch_request *message,
                         int16_t version, struct arena *arena, struct fetch_plan *plan)
{
    int32_t epoch = message->session_epoch;
    *plan = (struct fetch_plan){
        .kind = epoch == EPOCH_FINAL ? FETCH_SESSIONLESS : FETCH_FULL,
        .version = version,
        .topics = message->topics,
        .topic_count = message->topics_count,
    };
    mutex_lock(&sessions->mutex);
    if (epoch == EPOCH_INITIAL || epoch == EPOCH_FINAL) {
        struct fetch_session *old = find_session(sessions, message->session_id);
        if (old)
            end_session(sessions, old);
    } else {
        plan_next(sessions, message, version, arena, plan);
    }
    mutex_unlock(&sessions->mutex);
}

// --- its answer ---

static bool make_room(struct fetch_sessions *sessions, size_t parts)
{
    if (sessions->max == 0)
        return false;
    if (sessions->by_id.count >= sessions->max) {
        struct fetch_session *oldest =
            CONTAINER_OF(sessions->by_use.next, struct fetch_session, link);
        if (clock_mono_us() - oldest->used_us < EVICTION_US)
            return false;
        end_session(sessions, oldest);
    }
    return parts > 0 && sessions->partition_count + parts <= FETCH_SESSION_PARTITIONS_MAX;
}

static int32_t new_id(const struct fetch_sessions *sessions)
{
    int32_t id;
    do
        id = (int32_t)(random_u64() & INT32_MAX);
    while (id == 0 || session_map_get(&sessions->by_id, id));
    return id;
}

static void open_session(struct fetch_sessions *sessions, const struct fetch_plan *plan,
                         struct kafka_fetch_response *response)
{
    size_t parts = 0;
    for (int32_t t = 0; t < plan->topic_count; t++)
        parts += (size_t)plan->topics[t].partitions_count;
    if (!make_room(sessions, parts))
        return;
    struct fetch_session *session = MEM_NEW(struct fetch_session);
    session->refs = 1;
    session->id = new_id(sessions);
    session->epoch = epoch_after(EPOCH_INITIAL);
    session->by_id = plan->version >= TOPIC_IDS_FROM;
    session->used_us = clock_mono_us();
    list_init(&session->parts);
    list_push_back(&sessions->by_use, &session->link);
    *session_map_put(&sessions->by_id, session->id, NULL) = session;
    for (int32_t t = 0; t < plan->topic_count; t++) {
        const struct kafka_fetch_request_topic *topic = &plan->topics[t];
        for (int32_t p = 0; p < topic->partitions_count; p++) {
            const struct kafka_fetch_response_partition *told =
                &response->responses[t].partitions[p];
            struct cached *part = remember(sessions, session,
                                           key_of(session->by_id, topic->topic, &topic->topic_id,
                                                  topic->partitions[p].partition),
                                           &topic->partitions[p]);
            part->high_watermark = told->high_watermark;
            part->start_offset = told->log_start_offset;
        }
    }
    response->session_id = session->id;
}

// Is there anything to tell of this partition? Then it counts as told.
static bool changed(struct fetch_session *session, struct part_key key,
                    const struct kafka_fetch_response_partition *now)
{
    struct cached **found = cached_map_get(&session->map, key);
    if (!found)
        return false;
    struct cached *part = *found;
    bool tell = now->records.size > 0 || now->error_code != 0 ||
                part->high_watermark != now->high_watermark ||
                part->start_offset != now->log_start_offset;
    // After an error it is told once more when the error has gone.
    part->high_watermark = now->error_code != 0 ? -1 : now->high_watermark;
    part->start_offset = now->log_start_offset;
    if (now->records.size > 0) {
        list_remove(&part->link);
        list_push_back(&session->parts, &part->link);
    }
    return tell;
}

static void drop_unchanged(struct fetch_session *session, struct kafka_fetch_response *response)
{
    int32_t topics = 0;
    for (int32_t t = 0; t < response->responses_count; t++) {
        struct kafka_fetch_response_response *topic = &response->responses[t];
        int32_t kept = 0;
        for (int32_t p = 0; p < topic->partitions_count; p++)
            if (changed(session,
                        key_of(session->by_id, topic->topic, &topic->topic_id,
                               topic->partitions[p].partition_index),
                        &topic->partitions[p]))
                topic->partitions[kept++] = topic->partitions[p];
        topic->partitions_count = kept;
        if (kept > 0)
            response->responses[topics++] = *topic;
    }
    response->responses_count = topics;
}

bool fetch_sessions_settle(struct fetch_sessions *sessions, const struct fetch_plan *plan,
                           struct kafka_fetch_response *response)
{
    bool good = true;
    mutex_lock(&sessions->mutex);
    if (plan->kind == FETCH_FULL) {
        open_session(sessions, plan, response);
    } else if (plan->kind == FETCH_INCREMENTAL) {
        response->session_id = plan->session->id;
        good = plan->session->epoch == plan->epoch;
        if (good)
            drop_unchanged(plan->session, response);
    }
    mutex_unlock(&sessions->mutex);
    if (!good) {
        response->error_code = KAFKA_INVALID_FETCH_SESSION_EPOCH;
        response->responses_count = 0;
    }
    return good;
}

void fetch_sessions_count(struct fetch_sessions *sessions, size_t *session_count,
                          size_t *partition_count)
{
    mutex_lock(&sessions->mutex);
    *session_count = sessions->by_id.count;
    *partition_count = sessions->partition_count;
    mutex_unlock(&sessions->mutex);
}

void fetch_sessions_free(struct fetch_sessions *sessions)
{
    if (!sessions)
        return;
    while (!list_empty(&sessions->by_use))
        end_session(sessions, CONTAINER_OF(sessions->by_use.next, struct fetch_session, link));
    session_map_release(&sessions->by_id);
    mutex_release(&sessions->mutex);
    mem_free(sessions);
}
