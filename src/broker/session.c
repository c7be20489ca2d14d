// SPDX-License-Identifier: Apache-2.0
//
// A session is one client connection: it frames requests, keeps them in the order they came, and
// lets their answers out in that order, whoever finishes first.
//
// A request that cannot be understood (unknown key, version out of range, bytes that do not decode)
// closes the connection when its turn to be answered comes, as Kafka does: an error in a shape the
// client did not ask for would be misread.
#include "broker/broker_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "broker/request_stats.h"
#include "os/clock.h"
#include "broker/security.h"
#include "broker/sign_in.h"
#include "os/clock.h"
#include "wire/kafka/api_versions.h"

#include <assert.h>
#include <stdio.h>

#define REQUEST_COST_BYTES 512 // what a waiting request costs beside its frame

struct session {
    struct broker *broker;
    struct conn *conn; // a reference
    struct endpoint *endpoint;
    struct identity identity;
    struct sign_in *sign_in; // NULL: not needed
    bool stranger;           // has not shown yet who it is
    struct list stranger_link;
    bool counted; // in the broker's crowd
    bool quiet;   // muted by a quota
    struct timer stranger_timer, quiet_timer;
    struct list requests;
    struct list produces; // request_produces()
    size_t in_flight;
    bool paused; // because too many are in flight
    bool closed;
    unsigned holds; // not to be freed now: the connection may close inside our calls to it
};

static void release_ranges(struct response_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].buf)
            buf_unref(ranges[i].buf);
        else if (ranges[i].release)
            ranges[i].release(ranges[i].ctx);
    }
}

static void request_free(struct request *request)
{
    struct broker *broker = request->broker;
    release_ranges(request->ranges, request->range_count);
    str_release(&request->out);
    buf_unref(request->frame);
    arena_release(&request->arena);
    if (broker->options.budget && request->charged)
        budget_release(broker->options.budget, request->charged);
    mem_free(request);
    mutex_lock(&broker->lock);
    if (--broker->live_requests == 0)
        cond_broadcast(&broker->idle);
    mutex_unlock(&broker->lock);
}

static void session_end(struct session *session)
{
    if (!session->closed || session->holds || !list_empty(&session->requests))
        return;
    conn_unref(session->conn);
    mem_free(session->identity.principal);
    sign_in_free(session->sign_in);
    mem_free(session);
}

// --- answers -------------------------------------------------------------------------

static void free_text(void *ctx)
{
    mem_free(ctx);
}

static void unref_buf(void *ctx)
{
    buf_unref(ctx);
}

static void send_slice(struct conn *conn, struct buf *whole, size_t from, size_t to)
{
    if (to > from)
        conn_send(conn, buf_wrap(whole->ptr + from, to - from, unref_buf, buf_ref(whole)));
}

static void send_answer(struct session *session, struct request *request)
{
    size_t size = request->out.size;
    char *text = str_take(&request->out);
    struct buf *whole = buf_wrap(text, size, free_text, text);
    if (request->range_count == 0) {
        conn_send(session->conn, whole);
        return;
    }
    size_t from = 0;
    for (size_t i = 0; i < request->range_count; i++) {
        struct response_range *range = &request->ranges[i];
        send_slice(session->conn, whole, from, range->at);
        from = range->at;
        if (range->buf)
            conn_send(session->conn, range->buf);
        else
            conn_send_file(session->conn, range->fd, range->offset, range->size, range->release,
                           range->ctx);
    }
    request->range_count = 0; // the connection has them now
    send_slice(session->conn, whole, from, size);
    buf_unref(whole);
}

// A quota's time out: nothing is taken until it is over, and what had been taken already is not
// answered.
static void begin_quiet(struct session *session, int64_t until_us)
{
    int64_t left_ms = (until_us - clock_mono_us() + 999) / 1000;
    if (left_ms <= 0)
        return;
    session->quiet = true;
    conn_pause(session->conn);
    timer_start(conn_loop(session->conn), &session->quiet_timer, left_ms);
}

static void send_finished(struct session *session)
{
    while (!list_empty(&session->requests)) {
        struct request *request = CONTAINER_OF(session->requests.next, struct request, link);
        if (!request->answered || session->quiet)
            break;
        list_remove(&request->link);
        session->in_flight--;
        if (request->fatal && !session->closed)
            conn_close(session->conn);
        else if (!request->silent && !session->closed && conn_is_open(session->conn))
            send_answer(session, request);
        if (request->last && !session->closed)
            conn_close(session->conn);
        if (request->quiet_until_us && !session->closed)
            begin_quiet(session, request->quiet_until_us);
        metric_add(request->fatal ? METRIC_KAFKA_REQUEST_ERRORS : METRIC_KAFKA_REQUESTS, 1);
        request_stats_add(request->header.key, request->header.version,
                          clock_mono_us() - request->arrived_us, request->fatal);
        request_free(request);
    }
}

static void take_more(struct session *session)
{
    if (!session->paused || session->in_flight > BROKER_IN_FLIGHT_MAX / 2)
        return;
    session->paused = false;
    conn_resume(session->conn);
}

static void end_quiet(struct timer *timer)
{
    struct session *session = CONTAINER_OF(timer, struct session, quiet_timer);
    session->quiet = false;
    session->holds++;
    send_finished(session);
    conn_resume(session->conn);
    take_more(session);
    session->holds--;
    session_end(session);
}

// On the loop. A connection that resumes may hand in frames at once, so this may nest.
static void answered(struct post *post)
{
    struct request *request = CONTAINER_OF(post, struct request, post);
    struct session *session = request->session;
    bool serial = request->serial;
    assert(!request->answered);
    request->answered = true;
    session->holds++;
    send_finished(session);
    if (serial)
        conn_resume(session->conn);
    take_more(session);
    session->holds--;
    session_end(session);
}

static void finish(struct request *request)
{
    struct loop *loop = conn_loop(request->session->conn);
    if (loop_is_here(loop))
        answered(&request->post);
    else
        loop_post(loop, &request->post, answered);
}

static void encode(struct request *request, const void *response)
{
    struct str *out = &request->out;
    writer_u32(out, 0);
    kafka_response_header_encode(request->header.key, request->header.version,
                                 request->header.correlation_id, out);
    request->api->response.encode(response, request->header.version, out);
    writer_patch_u32(out, 0, (uint32_t)(out->size - 4));
}

void request_respond_ranges(struct request *request, const void *response,
                            struct response_range *ranges, size_t count)
{
    struct str *out = &request->out;
    size_t more = 0;
    encode(request, response);
    for (size_t i = 0; i < count; i++)
        more += ranges[i].size;
    writer_patch_u32(out, 0, (uint32_t)(out->size - 4 + more));
    request->ranges = ranges;
    request->range_count = count;
    finish(request);
}

void request_respond(struct request *request, const void *response)
{
    request_respond_ranges(request, response, NULL, 0);
}

void request_done(struct request *request)
{
    request->silent = true;
    finish(request);
}

void request_respond_raw(struct request *request, struct bytes bytes)
{
    writer_u32(&request->out, (uint32_t)bytes.size);
    str_append_bytes(&request->out, bytes);
    finish(request);
}

struct pause {
    struct timer timer;
    struct request *request;
};

static void pause_over(struct timer *timer)
{
    finish(CONTAINER_OF(timer, struct pause, timer)->request);
}

static void end_pause(struct request *request)
{
    struct pause *pause = request->state;
    timer_stop(&pause->timer);
    finish(request);
}

void request_respond_last(struct request *request, const void *response, int64_t pause_ms)
{
    struct pause *pause = ARENA_NEW(&request->arena, struct pause);
    pause->request = request;
    if (response)
        encode(request, response);
    request->silent = !response;
    request->last = true;
    request->state = pause;
    timer_init(&pause->timer, pause_over);
    if (request->session->closed) {
        finish(request);
        return;
    }
    request->abandoned = end_pause;
    timer_start(conn_loop(request->session->conn), &pause->timer, pause_ms);
}

void request_refuse(struct request *request, const char *why)
{
    LOG_INFO("broker", "refused a request, closing the connection",
             "peer=%s api=%d version=%d why=\"%s\"", conn_peer(request->session->conn),
             request->header.key, request->header.version, why);
    request->fatal = true;
    finish(request);
}

// --- what handlers ask ---------------------------------------------------------------

static void run_work(struct work *work)
{
    struct request *request = CONTAINER_OF(work, struct request, work);
    metric_observe(METRIC_KAFKA_WORK_WAIT, clock_mono_us() - request->queued_us);
    request->run(request);
}

void request_work(struct request *request, void (*run)(struct request *request))
{
    request->run = run;
    request->work = (struct work){.run = run_work};
    request->queued_us = clock_mono_us();
    work_submit(request->broker->loops, &request->work);
}

struct loop *request_loop(struct request *request)
{
    return conn_loop(request->session->conn);
}

const char *request_peer(struct request *request)
{
    return conn_peer(request->session->conn);
}

struct list *request_produces(struct request *request)
{
    return &request->session->produces;
}

// "User:alice" -> "alice"
static struct bytes quota_user(const struct request *request)
{
    const char *principal = request->session->identity.principal;
    const char *colon = strchr(principal, ':');
    return bytes_from(colon ? colon + 1 : principal);
}

static int32_t quiet(struct request *request, int32_t quiet_ms)
{
    request->quiet_until_us = quiet_ms > 0 ? clock_mono_us() + (int64_t)quiet_ms * 1000 : 0;
    return quiet_ms;
}

int32_t request_charge(struct request *request, enum quota_kind kind, size_t bytes)
{
    return quiet(request, quotas_charge(security_quotas(request->broker->security), kind,
                                        quota_user(request), request->header.client_id, bytes));
}

int32_t request_try(struct request *request, enum quota_kind kind, size_t bytes)
{
    return quiet(request, quotas_try(security_quotas(request->broker->security), kind,
                                     quota_user(request), request->header.client_id, bytes));
}

const struct identity *request_identity(struct request *request)
{
    return &request->session->identity;
}

bool request_abandoned(struct request *request)
{
    return request->session->closed;
}

void request_advertised(struct request *request, struct bytes *host, int32_t *port)
{
    const struct endpoint *endpoint = request->session->endpoint;
    const struct broker_listener_options *options = &endpoint->options;
    bool told = options->advertised_host && options->advertised_host[0];
    const char *local = conn_local(request->session->conn);
    *host = bytes_from(told ? options->advertised_host : arena_strdup(&request->arena, local));
    *port = options->advertised_port ? options->advertised_port : endpoint->port;
}

// --- requests ------------------------------------------------------------------------

static bool charge(struct request *request)
{
    struct budget *budget = request->broker->options.budget;
    size_t bytes = REQUEST_COST_BYTES + request->arena.used_bytes;
    if (!budget)
        return true;
    if (!budget_charge(budget, bytes))
        return false;
    request->charged = bytes;
    return true;
}

// ApiVersions in a version we do not know is answered in version 0, so that the client learns what
// to ask.
static bool is_unknown_api_versions(const struct request *request)
{
    return request->header.key == KAFKA_API_VERSIONS &&
           (request->header.version < 0 || request->header.version > request->api->version_max);
}

static bool is_signing_in(const struct session *session)
{
    return session->sign_in && !sign_in_done(session->sign_in);
}

// Later requests of the connection wait until this one is answered.
static void be_serial(struct request *request)
{
    request->serial = true;
    conn_pause(request->session->conn);
}

static void dispatch(struct request *request, struct reader *reader)
{
    struct session *session = request->session;
    const struct api_handler *handler = api_handler_find(request->header.key);
    const char *early = session->sign_in ? sign_in_refuses(session->sign_in, request) : NULL;
    request->api = kafka_api_find(request->header.key);
    if (early) {
        request_refuse(request, early);
        return;
    }
    if (!handler || !request->api) {
        request_refuse(request, "this API is not served");
        return;
    }
    request->message = arena_zalloc(&request->arena, request->api->request.size);
    if (is_unknown_api_versions(request)) {
        request->api->request.init(request->message);
    } else if (request->header.version < handler->min || request->header.version > handler->max ||
               request->header.version <
                   request->api->version_min) { // Produce 0 to 2: only advertised
        request_refuse(request, "this version of the API is not served");
        return;
    } else if (!request->api->request.decode(request->message, request->header.version, reader,
                                             &request->arena)) {
        request_refuse(request, "its bytes do not follow the protocol");
        return;
    }
    if (!charge(request)) {
        request_refuse(request, "the memory budget is full");
        return;
    }
    if (handler->serial || is_signing_in(request->session))
        be_serial(request);
    handler->handle(request);
}

// Now it is known who the client is.
static void know(struct session *session, char *principal)
{
    mem_free(session->identity.principal);
    session->identity.principal = principal;
    if (!session->stranger)
        return;
    session->stranger = false;
    crowd_knows(session->broker->crowd, &session->stranger_link);
    timer_stop(&session->stranger_timer);
}

// TLS is done when the first frame comes.
static void meet(struct session *session)
{
    char subject[512];
    know(session, conn_tls_subject(session->conn, subject, sizeof subject)
                      ? mem_printf("User:%s", subject)
                      : mem_strdup("User:ANONYMOUS"));
}

struct sign_in *request_sign_in(struct request *request)
{
    return request->session->sign_in;
}

void request_signed_in(struct request *request, struct bytes user)
{
    know(request->session, mem_printf("User:%.*s", BYTES_PRINT(user)));
}

static void on_frame(struct conn *conn, struct buf *frame)
{
    struct session *session = conn_data(conn);
    struct reader reader = reader_make(buf_bytes(frame));
    struct request *request = MEM_NEW(struct request);
    *request = (struct request){
        .broker = session->broker, .session = session, .frame = frame, .arena = ARENA_INIT};
    request->arrived_us = clock_mono_us();
    mutex_lock(&session->broker->lock);
    session->broker->live_requests++;
    mutex_unlock(&session->broker->lock);
    list_push_back(&session->requests, &request->link);
    if (++session->in_flight >= BROKER_IN_FLIGHT_MAX && !session->paused) {
        session->paused = true;
        conn_pause(conn);
    }
    reader_u32(&reader); // the frame's length
    if (session->stranger && !session->sign_in)
        meet(session);
    if (session->sign_in && sign_in_takes_token(session->sign_in)) {
        be_serial(request);
        sign_in_token(session->sign_in, request, bytes_make(reader.at, reader_left(&reader)));
    } else if (!kafka_request_header_decode(&request->header, &reader))
        request_refuse(request, "its header does not follow the protocol");
    else
        dispatch(request, &reader);
}

static int64_t frame_size(struct conn *conn, const uint8_t *head, size_t size)
{
    if (size < 4)
        return FRAME_MORE;
    struct reader reader = reader_make(bytes_make(head, 4));
    int32_t length = reader_i32(&reader);
    struct session *session = conn_data(conn);
    int64_t max = is_signing_in(session) ? SIGN_IN_FRAME_MAX_BYTES
                                         : setting(session->broker, SETTING_REQUEST_BYTES);
    if (length < 0 || length > max) {
        LOG_INFO("broker", "refused a frame, closing the connection", "peer=%s bytes=%d",
                 conn_peer(conn), length);
        return FRAME_REFUSED;
    }
    return 4 + (int64_t)length;
}

// "127.0.0.1:51234", "[::1]:51234" -> the address alone.
static void host_of(const char *peer, char *out, size_t size)
{
    bool bracket = peer[0] == '[';
    const char *end = strrchr(peer, bracket ? ']' : ':');
    size_t length = end ? (size_t)(end - peer) - bracket : strlen(peer);
    snprintf(out, size, "%.*s", (int)length, peer + bracket);
}

static void stranger_too_long(struct timer *timer)
{
    struct session *session = CONTAINER_OF(timer, struct session, stranger_timer);
    LOG_INFO("broker", "a client did not sign in in time, closing the connection", "peer=%s",
             conn_peer(session->conn));
    conn_abort(session->conn);
}

struct away {
    struct post post;
    struct conn *conn; // a reference
};

static void go_away(struct post *post)
{
    struct away *away = CONTAINER_OF(post, struct away, post);
    if (conn_is_open(away->conn)) {
        LOG_INFO("broker", "others want to sign in, closing the connection", "peer=%s",
                 conn_peer(away->conn));
        conn_abort(away->conn);
    }
    conn_unref(away->conn);
    mem_free(away);
}

// The connection is one of another loop, and open: it leaves the crowd before it is closed.
static void send_away(struct list *link)
{
    struct session *session = CONTAINER_OF(link, struct session, stranger_link);
    struct away *away = MEM_NEW(struct away);
    away->conn = conn_ref(session->conn);
    loop_post(conn_loop(session->conn), &away->post, go_away);
}

// Who must sign in, or at least shake hands, has so long for it, and there are only so many.
static void expect_sign_in(struct session *session)
{
    struct endpoint *endpoint = session->endpoint;
    session->stranger = true;
    if (endpoint_wants_sasl(endpoint))
        session->sign_in = sign_in_new();
    crowd_stranger(session->broker->crowd, &session->stranger_link, send_away);
    timer_start(conn_loop(session->conn), &session->stranger_timer, SIGN_IN_TIMEOUT_MS);
}

// False: there are too many of its address, or in all, and the session has ended.
static bool be_counted(struct session *session)
{
    struct diag diag = DIAG_INIT;
    if (crowd_arrive(session->broker->crowd, session->identity.host, &diag) == ERR_OK) {
        session->counted = true;
        return true;
    }
    LOG_INFO("broker", "refused a connection", "peer=%s why=\"%s\"", conn_peer(session->conn),
             diag_text(&diag));
    conn_abort(session->conn);
    return false;
}

static void on_opened(struct conn *conn, void *ctx)
{
    struct session *session = MEM_NEW(struct session);
    session->endpoint = ctx;
    session->broker = session->endpoint->broker;
    session->conn = conn_ref(conn);
    session->identity.trusted = session->endpoint->local;
    session->identity.principal =
        mem_strdup(session->endpoint->local ? "User:weir" : "User:ANONYMOUS");
    host_of(conn_peer(conn), session->identity.host, sizeof session->identity.host);
    list_init(&session->requests);
    list_init(&session->produces);
    timer_init(&session->stranger_timer, stranger_too_long);
    timer_init(&session->quiet_timer, end_quiet);
    conn_set_data(conn, session);
    metric_add(METRIC_KAFKA_CONNECTIONS, 1);
    if (!session->endpoint->local && !be_counted(session))
        return;
    if (endpoint_wants_sasl(session->endpoint) || endpoint_wants_tls(session->endpoint))
        expect_sign_in(session);
}

static struct request *next_abandoned(struct session *session)
{
    LIST_EACH(&session->requests, link)
    {
        struct request *request = CONTAINER_OF(link, struct request, link);
        if (!request->answered && request->abandoned)
            return request;
    }
    return NULL;
}

static void on_closed(struct conn *conn)
{
    struct session *session = conn_data(conn);
    session->closed = true;
    timer_stop(&session->stranger_timer);
    timer_stop(&session->quiet_timer);
    if (session->stranger)
        crowd_knows(session->broker->crowd, &session->stranger_link);
    if (session->counted)
        crowd_leave(session->broker->crowd, session->identity.host);
    metric_add(METRIC_KAFKA_CONNECTIONS, -1);
    session->holds++; // an abandoned request may end now, and others with it
    struct request *request;
    while ((request = next_abandoned(session))) {
        void (*abandoned)(struct request *) = request->abandoned;
        request->abandoned = NULL;
        abandoned(request);
    }
    session->quiet = false;
    send_finished(session); // what waited for the end of a quota's time out
    session->holds--;
    session_end(session);
}

const struct conn_ops session_ops = {
    .opened = on_opened, .frame_size = frame_size, .frame = on_frame, .closed = on_closed};
