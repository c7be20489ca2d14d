// SPDX-License-Identifier: Apache-2.0
//
// Fetch: a look at every partition asked for, in the order asked; if that is not enough yet,
// waiting for more.
//
//     look     collect ranges of segment files: on the loop as long as memory tells where they are
//              (a reader at the tail), else on a worker, which also brings cold bytes into memory
//     wait     registered with every partition; a wake from the log comes back to the loop and
//              looks again
//     answer   at min_bytes, at max_wait, or at once on any error; the bytes go from the files to
//              the socket
//
// Everything between two looks happens on the connection's loop, so nothing here is locked.
// Which partitions are asked for, and which of them the answer names, a fetch session may know.
#include "base/mem.h"
#include "base/vec.h"
#include "broker/broker_int.h"
#include "broker/fetch_session.h"
#include "os/clock.h"
#include "wire/kafka/fetch.h"

#include <stdatomic.h>

enum {
    KAFKA_UNKNOWN_TOPIC_ID = 100,
    FETCH_IDS_FROM = 13,
    FETCH_COMMITTED = 1, // isolation_level
};

struct fetch;

struct fetch_part {
    struct log_waiter waiter;
    struct fetch *fetch;
    const struct kafka_fetch_request_partition *asked;
    struct topic *topic; // a reference, or NULL
    struct partition *partition;
    struct kafka_fetch_response_partition *out;
    struct log_range range;      // held while range.size > 0
    struct aborted_list aborted; // of a range of committed records
    int16_t topic_error;
};

struct fetch {
    struct request *request;
    const struct kafka_fetch_request *message;
    struct kafka_fetch_response response;
    struct fetch_plan plan;
    struct fetch_part *parts;
    size_t part_count;
    int64_t deadline_us;
    size_t found_bytes;
    bool found_error;
    bool waiting; // registered with the partitions, timer running
    bool ended;   // answer as soon as no post is on its way
    struct timer timer;
    struct post wake;
    _Atomic bool wake_posted;
    struct post looked; // from the worker
};

// --- look ---

static bool committed_only(const struct fetch *fetch)
{
    return fetch->message->isolation_level == FETCH_COMMITTED;
}

static void release_ranges(struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->part_count; i++) {
        log_range_release(&fetch->parts[i].range);
        fetch->parts[i].range.size = 0;
        vec_clear(&fetch->parts[i].aborted);
    }
}

static void fail_part(struct fetch *fetch, struct fetch_part *part, int16_t code)
{
    part->out->error_code = code;
    part->out->high_watermark = part->out->last_stable_offset = part->out->log_start_offset = -1;
    // Kafka's two ways to fail: before it looks for the partition, and after.
    part->out->aborted_transactions_count = part->partition ? -1 : 0;
    fetch->found_error = true;
}

static err_t check_part(const struct fetch *fetch, const struct fetch_part *part)
{
    const struct kafka_fetch_request_partition *asked = part->asked;
    if (fetch->message->max_bytes < 0 || asked->partition_max_bytes < 0)
        return ERR_INVALID;
    if (asked->current_leader_epoch > BROKER_LEADER_EPOCH)
        return ERR_UNKNOWN_LEADER_EPOCH;
    int32_t epoch = asked->last_fetched_epoch;
    if (epoch >= 0 && broker_epoch_end(part->partition, &epoch) < 0)
        return ERR_OFFSET_OUT_OF_RANGE;
    return ERR_OK;
}

// Has the log another history than the one the reader followed? Then it is told where they part.
static bool is_diverging(struct fetch_part *part)
{
    int32_t epoch = part->asked->last_fetched_epoch;
    if (epoch < 0)
        return false;
    int64_t end = broker_epoch_end(part->partition, &epoch);
    if (epoch >= part->asked->last_fetched_epoch && end >= part->asked->fetch_offset)
        return false;
    struct partition_offsets offsets = partition_offsets(part->partition);
    struct kafka_fetch_response_partition *out = part->out;
    out->error_code = 0;
    out->high_watermark = offsets.end;
    out->last_stable_offset = offsets.stable;
    out->log_start_offset = offsets.start;
    out->diverging_epoch.epoch = epoch;
    out->diverging_epoch.end_offset = end;
    return true;
}

static err_t find_range(struct fetch *fetch, struct fetch_part *part, size_t max_bytes,
                        unsigned flags, struct diag *diag)
{
    struct log_range *range = &part->range;
    int64_t offset = part->asked->fetch_offset;
    if (committed_only(fetch))
        flags |= RANGE_COMMITTED;
    TRY(partition_range(part->partition, offset, max_bytes, flags, range, diag));
    if (!committed_only(fetch) || range->size == 0)
        return ERR_OK;
    err_t err =
        partition_aborted(part->partition, offset, range->next_offset, flags, &part->aborted, diag);
    if (err != ERR_OK) {
        log_range_release(range);
        range->size = 0;
    }
    return err;
}

// ERR_TIMEOUT: only a worker can tell.
static err_t look_part(struct fetch *fetch, struct fetch_part *part, unsigned flags)
{
    struct kafka_fetch_response_partition *out = part->out;
    if (!part->partition) {
        fail_part(fetch, part, part->topic_error);
        return ERR_OK;
    }
    err_t err = check_part(fetch, part);
    if (err != ERR_OK || is_diverging(part)) {
        if (err != ERR_OK)
            fail_part(fetch, part, kafka_code(err));
        return ERR_OK;
    }
    size_t asked_bytes = fetch->message->max_bytes > 0 ? (size_t)fetch->message->max_bytes : 0;
    size_t most_bytes = (size_t)setting(fetch->request->broker, SETTING_FETCH_BYTES);
    if (asked_bytes > most_bytes)
        asked_bytes = most_bytes;
    size_t left = asked_bytes > fetch->found_bytes ? asked_bytes - fetch->found_bytes : 0;
    size_t part_bytes =
        part->asked->partition_max_bytes > 0 ? (size_t)part->asked->partition_max_bytes : 0;
    if (fetch->found_bytes == 0)
        flags |= RANGE_WHOLE_FIRST;
    struct diag diag = DIAG_INIT;
    err = find_range(fetch, part, part_bytes < left ? part_bytes : left, flags, &diag);
    if (err == ERR_TIMEOUT)
        return err;
    if (err == ERR_UNKNOWN_TOPIC && part->topic_error == KAFKA_UNKNOWN_TOPIC_ID) {
        fail_part(fetch, part, KAFKA_UNKNOWN_TOPIC_ID);
        return ERR_OK;
    }
    if (err != ERR_OK) {
        fail_part(fetch, part, kafka_code(err));
        return ERR_OK;
    }
    out->error_code = 0;
    out->high_watermark = part->range.offsets.end;
    out->last_stable_offset = part->range.offsets.stable;
    out->log_start_offset = part->range.offsets.start;
    fetch->found_bytes += part->range.size;
    return ERR_OK;
}

// False when a file has to be read to know.
static bool look(struct fetch *fetch, unsigned flags)
{
    release_ranges(fetch);
    fetch->found_bytes = 0;
    fetch->found_error = false;
    for (size_t i = 0; i < fetch->part_count; i++)
        if (look_part(fetch, &fetch->parts[i], flags) == ERR_TIMEOUT)
            return false;
    return true;
}

static bool enough(const struct fetch *fetch)
{
    return fetch->found_error || fetch->part_count == 0 || fetch->request->broker->closing ||
           request_abandoned(fetch->request) ||
           (int64_t)fetch->found_bytes >= fetch->message->min_bytes ||
           clock_mono_us() >= fetch->deadline_us;
}

// --- answer ---

static void sent(void *ctx)
{
    log_range_release(ctx);
    mem_free(ctx);
}

// More than the client's quota: it gets an empty answer and the time to be quiet for. A session
// that would have been opened by the answer is forgotten.
static bool is_throttled(struct fetch *fetch)
{
    struct kafka_fetch_response *response = &fetch->response;
    response->throttle_time_ms = request_try(fetch->request, QUOTA_CONSUME, fetch->found_bytes);
    if (response->throttle_time_ms <= 0)
        return false;
    response->responses_count = 0;
    if (fetch->plan.kind != FETCH_INCREMENTAL)
        response->session_id = 0;
    return true;
}

static void tell_aborted(struct request *request, struct fetch_part *part)
{
    size_t count = part->aborted.count;
    part->out->aborted_transactions_count = (int32_t)count;
    part->out->aborted_transactions =
        ARENA_ARRAY(&request->arena, struct kafka_fetch_response_aborted_transaction, count + 1);
    for (size_t i = 0; i < count; i++)
        part->out->aborted_transactions[i] = (struct kafka_fetch_response_aborted_transaction){
            .producer_id = part->aborted.items[i].producer_id,
            .first_offset = part->aborted.items[i].first_offset,
        };
    vec_release(&part->aborted);
}

static void respond(struct fetch *fetch)
{
    struct request *request = fetch->request;
    struct response_range *ranges =
        ARENA_ARRAY(&request->arena, struct response_range, fetch->part_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < fetch->part_count; i++) {
        struct fetch_part *part = &fetch->parts[i];
        part->out->records = (struct kafka_records){.ptr = (const uint8_t *)""};
        if (committed_only(fetch) && part->out->error_code == 0)
            tell_aborted(request, part);
        else
            vec_release(&part->aborted);
        if (part->range.size > 0) {
            ranges[count] = (struct response_range){
                .size = part->range.size,
                .fd = part->range.fd,
                .offset = part->range.position,
                .release = sent,
                .ctx = mem_dup(&part->range, sizeof part->range),
            };
            part->out->records =
                (struct kafka_records){.size = part->range.size, .at = &ranges[count].at};
            count++;
        }
        topic_unref(part->topic);
    }
    if (!fetch_sessions_settle(request->broker->fetch_sessions, &fetch->plan, &fetch->response)) {
        for (size_t i = 0; i < count; i++)
            sent(ranges[i].ctx);
        count = 0;
    }
    if (is_throttled(fetch)) {
        for (size_t i = 0; i < count; i++)
            sent(ranges[i].ctx);
        count = 0;
    }
    request_respond_ranges(request, &fetch->response, ranges, count);
}

// --- wait ---

static void consider(struct fetch *fetch);

static void stop_waiting(struct fetch *fetch)
{
    if (!fetch->waiting)
        return;
    fetch->waiting = false;
    timer_stop(&fetch->timer);
    for (size_t i = 0; i < fetch->part_count; i++)
        if (fetch->parts[i].partition)
            partition_unwait(fetch->parts[i].partition, &fetch->parts[i].waiter);
}

static void finish(struct fetch *fetch)
{
    stop_waiting(fetch);
    fetch->ended = true;
    if (!fetch->wake_posted) // else woken_on_loop() does it: until it has run, the loop holds its
                             // memory
        respond(fetch);
}

static void woken_on_loop(struct post *post)
{
    struct fetch *fetch = CONTAINER_OF(post, struct fetch, wake);
    fetch->wake_posted = false;
    if (fetch->ended)
        respond(fetch);
    else if (fetch->waiting)
        consider(fetch);
}

static void woken(struct log_waiter *waiter)
{
    struct fetch *fetch = CONTAINER_OF(waiter, struct fetch_part, waiter)->fetch;
    bool idle = false;
    if (atomic_compare_exchange_strong(&fetch->wake_posted, &idle, true))
        loop_post(request_loop(fetch->request), &fetch->wake, woken_on_loop);
}

static void timer_fired(struct timer *timer)
{
    struct fetch *fetch = CONTAINER_OF(timer, struct fetch, timer);
    fetch->deadline_us = 0; // whatever the clock says: this timer runs once
    consider(fetch);
}

// Its client has gone, or the broker stops. A look on a worker is followed by decide().
static void abandoned(struct request *request)
{
    struct fetch *fetch = request->state;
    if (fetch->waiting)
        finish(fetch);
}

// Has anything come since the look?
static bool outdated(const struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->part_count; i++) {
        const struct fetch_part *part = &fetch->parts[i];
        if (!part->partition)
            continue;
        struct partition_offsets now = partition_offsets(part->partition);
        if (now.end != part->out->high_watermark || now.stable != part->out->last_stable_offset ||
            topic_deleted(part->topic))
            return true;
    }
    return false;
}

// After a look: answers, or waits for more.
static void decide(struct fetch *fetch)
{
    if (enough(fetch)) {
        finish(fetch);
        return;
    }
    release_ranges(fetch);
    if (!fetch->waiting) {
        fetch->waiting = true;
        for (size_t i = 0; i < fetch->part_count; i++)
            if (fetch->parts[i].partition)
                partition_wait(fetch->parts[i].partition, &fetch->parts[i].waiter);
        timer_init(&fetch->timer, timer_fired);
        int64_t left_ms = (fetch->deadline_us - clock_mono_us() + 999) / 1000;
        timer_start(request_loop(fetch->request), &fetch->timer, left_ms > 0 ? left_ms : 1);
    }
    if (outdated(fetch))
        consider(fetch);
}

static void looked_on_loop(struct post *post)
{
    decide(CONTAINER_OF(post, struct fetch, looked));
}

static void look_on_worker(struct request *request)
{
    struct fetch *fetch = request->state;
    (void)look(fetch, 0);
    for (size_t i = 0; i < fetch->part_count; i++)
        log_range_warm(&fetch->parts[i].range);
    loop_post(request_loop(request), &fetch->looked, looked_on_loop);
}

static void consider(struct fetch *fetch)
{
    if (look(fetch, RANGE_MEMORY_ONLY)) {
        decide(fetch);
        return;
    }
    stop_waiting(fetch);
    request_work(fetch->request, look_on_worker);
}

// --- the request ---

static struct topic *find_topic(struct request *request,
                                const struct kafka_fetch_request_topic *topic)
{
    if (request_version(request) >= FETCH_IDS_FROM)
        return log_store_topic_by_id(request->broker->store, topic->topic_id.bytes);
    return log_store_topic(request->broker->store, topic->topic);
}

static void prepare_part(struct fetch *fetch, struct fetch_part *part,
                         const struct kafka_fetch_request_topic *topic, int32_t index,
                         struct kafka_fetch_response_partition *out)
{
    bool by_id = request_version(fetch->request) >= FETCH_IDS_FROM;
    part->fetch = fetch;
    part->waiter.wake = woken;
    part->asked = &topic->partitions[index];
    part->range.fd = -1;
    part->topic = find_topic(fetch->request, topic);
    part->partition = part->topic ? topic_partition(part->topic, part->asked->partition) : NULL;
    bool known = part->topic || !by_id;
    bool denied = known && !request_may(fetch->request, ACL_READ, ACL_TOPIC,
                                        by_id ? bytes_from(topic_name(part->topic)) : topic->topic);
    if (denied)
        part->partition = NULL;
    // A known id with an unknown partition is an unknown partition.
    part->topic_error = denied ? kafka_code(ERR_TOPIC_UNAUTHORIZED)
                        : by_id && !part->partition && part->topic ? kafka_code(ERR_UNKNOWN_TOPIC)
                        : by_id                                    ? (int16_t)KAFKA_UNKNOWN_TOPIC_ID
                                                                   : kafka_code(ERR_UNKNOWN_TOPIC);
    part->out = out;
    kafka_fetch_response_partition_init(out);
    out->partition_index = part->asked->partition;
    if (!committed_only(fetch) && !denied)
        out->aborted_transactions_count = -1;
}

static struct fetch *prepare(struct request *request, const struct fetch_plan *plan)
{
    struct arena *arena = &request->arena;
    struct fetch *fetch = ARENA_NEW(arena, struct fetch);
    const struct kafka_fetch_request *message = request->message;
    request->state = fetch;
    request->abandoned = abandoned;
    fetch->request = request;
    fetch->message = message;
    fetch->plan = *plan;
    int64_t wait_ms = message->max_wait_ms > 0 ? message->max_wait_ms : 0;
    fetch->deadline_us = clock_mono_us() + wait_ms * 1000;
    for (int32_t t = 0; t < plan->topic_count; t++)
        fetch->part_count += (size_t)plan->topics[t].partitions_count;
    fetch->parts = ARENA_ARRAY(arena, struct fetch_part, fetch->part_count + 1);
    kafka_fetch_response_init(&fetch->response);
    fetch->response.responses_count = plan->topic_count;
    fetch->response.responses =
        ARENA_ARRAY(arena, struct kafka_fetch_response_response, (size_t)plan->topic_count + 1);
    size_t next = 0;
    for (int32_t t = 0; t < plan->topic_count; t++) {
        const struct kafka_fetch_request_topic *topic = &plan->topics[t];
        struct kafka_fetch_response_response *out = &fetch->response.responses[t];
        kafka_fetch_response_response_init(out);
        out->topic = topic->topic;
        out->topic_id = topic->topic_id;
        out->partitions_count = topic->partitions_count;
        out->partitions = ARENA_ARRAY(arena, struct kafka_fetch_response_partition,
                                      (size_t)topic->partitions_count + 1);
        for (int32_t p = 0; p < topic->partitions_count; p++)
            prepare_part(fetch, &fetch->parts[next++], topic, p, &out->partitions[p]);
    }
    return fetch;
}

static void refuse(struct request *request, err_t err)
{
    const struct kafka_fetch_request *message = request->message;
    struct kafka_fetch_response response;
    kafka_fetch_response_init(&response);
    response.error_code = kafka_code(err);
    response.session_id = message->session_id;
    struct fetch_plan plan = {.topics = message->topics, .topic_count = message->topics_count};
    if (request_version(request) >= FETCH_IDS_FROM) // the error above is enough
        plan.topic_count = 0;
    struct fetch *fetch = prepare(request, &plan);
    for (size_t i = 0; i < fetch->part_count; i++) {
        topic_unref(fetch->parts[i].topic);
        fetch->parts[i].partition = NULL;
        fetch->parts[i].out->records = (struct kafka_records){.ptr = (const uint8_t *)""};
        fail_part(fetch, &fetch->parts[i], response.error_code);
    }
    response.responses = fetch->response.responses;
    response.responses_count = fetch->response.responses_count;
    request->abandoned = NULL;
    request_respond(request, &response);
}

void fetch_handle(struct request *request)
{
    const struct kafka_fetch_request *message = request->message;
    if (message->isolation_level < 0 || message->isolation_level > FETCH_COMMITTED) {
        refuse(request, ERR_INVALID);
        return;
    }
    struct fetch_plan plan;
    fetch_sessions_plan(request->broker->fetch_sessions, request->message, request_version(request),
                        &request->arena, &plan);
    if (plan.kind == FETCH_REFUSED) {
        struct kafka_fetch_response response;
        kafka_fetch_response_init(&response);
        response.error_code = plan.error;
        request_respond(request, &response);
        return;
    }
    consider(prepare(request, &plan));
}
