// SPDX-License-Identifier: Apache-2.0
//
// The way of a request: request_start() on the loop decodes it; a prepared statement that does not
// block is submitted there and then, everything else goes to a worker. done() may come on any
// thread: it builds the answer and posts it to the loop, which sends it and frees the request.
#include "tables/server.h"

#include "base/log.h"
#include "base/metric.h"
#include "os/clock.h"
#include "os/random.h"
#include "tables/parse.h"

enum { CHARGED_BYTES = 16 << 10 };
enum { CONSISTENCY_MAX = 0x000A, SERIAL = 0x0008, LOCAL_SERIAL = 0x0009 };

// --- the end -------------------------------------------------------------------------------------
static void request_free(struct request *request)
{
    struct tables_server *server = request->server;
    for (size_t i = 0; i < request->plan_count; i++) {
        if (request->exec.plans[i])
            plan_unref(request->exec.plans[i]);
    }
    if (request->plan)
        plan_unref(request->plan);
    exec_result_release(&request->exec.result);
    str_release(&request->body);
    if (request->charged_bytes)
        budget_release(&server->frames, request->charged_bytes);
    buf_unref(request->frame);
    arena_release(&request->arena);
    conn_unref(request->conn);
    mem_free(request);
    mutex_lock(&server->mutex);
    if (--server->in_flight == 0)
        cond_broadcast(&server->idle);
    mutex_unlock(&server->mutex);
}

// Sends the answer. LOOP
static void deliver_one(struct request *request)
{
    struct session *session = request->session;
    if (!conn_is_open(request->conn)) {
        buf_unref(request->answer);
        request_free(request);
        return;
    }
    if (request->exec.result.kind == EXEC_SET_KEYSPACE) {
        mem_free(session->keyspace);
        session->keyspace = mem_strdup(request->exec.result.keyspace);
    }
    conn_send(request->conn, request->answer);
    session->in_flight--;
    session->running -= request->running;
    request_free(request);
}

static void go_on(struct session *session)
{
    request_start_waiting(session);
    if (session->paused && session->in_flight < SESSION_IN_FLIGHT_MAX / 2) {
        session->paused = false;
        conn_resume(session->conn);
    }
}

static void deliver(struct post *post)
{
    struct request *request = CONTAINER_OF(post, struct request, post);
    struct conn *conn = conn_ref(request->conn);
    struct session *session = request->session;
    deliver_one(request);
    if (conn_is_open(conn))
        go_on(session);
    conn_unref(conn);
}

// --- bunches -------------------------------------------------------------------------------------
// Reads of one row are so short that the way to a worker and back costs more than the read: those
// that came together go together, and their answers come back together.
struct bunch {
    struct work work;
    struct post post;
    struct conn *conn; // a reference
    struct session *session;
    struct list requests; // not run yet
    struct list answered;
    size_t answer_bytes;
};

static _Thread_local struct bunch *running_bunch;

// LOOP
static void deliver_bunch(struct post *post)
{
    struct bunch *bunch = CONTAINER_OF(post, struct bunch, post);
    struct session *session = bunch->session;
    struct list *link;
    while ((link = list_pop_front(&bunch->answered)))
        deliver_one(CONTAINER_OF(link, struct request, link));
    bool open = conn_is_open(bunch->conn);
    while (!list_empty(&bunch->requests)) {
        link = bunch->requests.prev;
        list_remove(link);
        if (open) {
            list_push_front(&session->points, link);
            session->point_count++;
        } else {
            request_free(CONTAINER_OF(link, struct request, link));
        }
    }
    if (open) {
        session->running--;
        go_on(session);
    }
    conn_unref(bunch->conn);
    mem_free(bunch);
}

static const char *opcode_name(uint8_t opcode)
{
    return opcode == CQL_QUERY     ? "QUERY"
           : opcode == CQL_PREPARE ? "PREPARE"
           : opcode == CQL_EXECUTE ? "EXECUTE"
                                   : "BATCH";
}

static void keep_trace(const struct request *request)
{
    struct tables_server *server = request->server;
    mutex_lock(&server->mutex);
    struct trace *trace = &server->traces[server->trace_count++ % TRACES_MAX];
    memcpy(trace->id, request->trace_id, sizeof trace->id);
    trace->started_us = request->started_us;
    trace->duration_us = clock_now_us() - request->started_us;
    snprintf(trace->client, sizeof trace->client, "%s", conn_peer(request->conn));
    snprintf(trace->command, sizeof trace->command, "%s",
             opcode_name(request->message.head.opcode));
    bool text =
        request->message.head.opcode != CQL_BATCH && request->message.head.opcode != CQL_EXECUTE;
    snprintf(trace->query, sizeof trace->query, "%.*s",
             BYTES_PRINT(text ? request->message.text : BYTES_NULL));
    mutex_unlock(&server->mutex);
}

struct charged {
    struct budget *budget;
    struct buf *frame;
};

static void release_charged(void *ctx)
{
    struct charged *charged = ctx;
    budget_release(charged->budget, charged->frame->size);
    buf_unref(charged->frame);
    mem_free(charged);
}

// Large answers that clients have not taken yet are bounded together.
static struct buf *charge(const struct request *request, struct buf *frame)
{
    struct budget *budget = &request->server->answers;
    if (frame->size < CHARGED_BYTES)
        return frame;
    if (!budget_charge(budget, frame->size)) {
        buf_unref(frame);
        return respond_error(request->version, request->message.head.stream,
                             err_info(ERR_OVERLOADED)->cql,
                             "busy: too many large answers wait for their clients to read them");
    }
    struct charged *charged = MEM_NEW(struct charged);
    *charged = (struct charged){budget, frame};
    return buf_wrap(frame->ptr, frame->size, release_charged, charged);
}

static void answer(struct request *request, struct buf *frame)
{
    frame = charge(request, frame);
    if (request->traced)
        keep_trace(request);
    metric_add(METRIC_CQL_REQUESTS, 1);
    if (request->exec.result.kind == EXEC_ERROR && request->exec.result.error.diag.code)
        metric_add(METRIC_CQL_REQUEST_ERRORS, 1);
    request->answer = frame;
    if (running_bunch) {
        running_bunch->answer_bytes += frame->size;
        list_push_back(&running_bunch->answered, &request->link);
        return;
    }
    loop_post(conn_loop(request->conn), &request->post, deliver);
}

static void answer_result(struct request *request)
{
    answer(request, respond_result(request, &request->exec.result));
}

static void answer_error(struct request *request, const struct exec_error *error)
{
    request->exec.result.kind = EXEC_ERROR;
    request->exec.result.error = *error;
    answer_result(request);
}

static void refuse(struct request *request, err_t code, const char *text)
{
    struct exec_error error = {.diag = {.code = code}};
    snprintf(error.diag.text, sizeof error.diag.text, "%s", text);
    answer_error(request, &error);
}

static void exec_done(struct exec *exec)
{
    answer_result(exec->ctx);
}

// --- values --------------------------------------------------------------------------------------
static const struct bound_value *value_named(const struct cql_params *params, const char *name)
{
    for (size_t i = 0; i < params->value_count; i++) {
        if (bytes_is(params->names[i], name))
            return &params->values[i];
    }
    return NULL;
}

// The values in marker order; named ones are looked up by the names of the markers.
static bool order_values(struct request *request, const struct plan_info *info,
                         const struct bound_value **out, struct exec_error *error)
{
    const struct cql_params *params = &request->message.params;
    *out = params->values;
    if (!params->names && params->value_count == info->bind_count)
        return true;
    if (!params->names && request->message.head.opcode == CQL_QUERY) {
        error->diag.code = FAIL(&error->diag, ERR_INVALID, "Invalid amount of bind variables");
        return false;
    }
    if (!params->names) {
        error->diag.code = FAIL(&error->diag, ERR_INVALID,
                                "there were %zu markers(?) in CQL but %zu bound variables",
                                info->bind_count, params->value_count);
        return false;
    }
    struct bound_value *values = ARENA_ARRAY(&request->arena, struct bound_value, info->bind_count);
    for (size_t i = 0; i < info->bind_count; i++) {
        const struct bound_value *value = value_named(params, info->binds[i].name);
        if (!value) {
            error->diag.code = FAIL(&error->diag, ERR_INVALID,
                                    "Invalid amount of bind variables: "
                                    "no value is named '%s'",
                                    info->binds[i].name);
            return false;
        }
        values[i] = *value;
    }
    *out = values;
    return true;
}

static bool check_consistency(const struct cql_params *params, bool conditional,
                              struct exec_error *error)
{
    if (params->consistency > CONSISTENCY_MAX) {
        error->diag.code = FAIL(&error->diag, ERR_MALFORMED,
                                "Unknown code %d for a consistency level", params->consistency);
    } else if (conditional && params->serial_consistency != SERIAL &&
               params->serial_consistency != LOCAL_SERIAL) {
        error->diag.code = FAIL(&error->diag, ERR_INVALID,
                                "Invalid consistency for conditional update. Must be one "
                                "of SERIAL or LOCAL_SERIAL");
    }
    return error->diag.code == ERR_OK;
}

static void fill_exec(struct request *request, const struct cql_params *params)
{
    struct exec *exec = &request->exec;
    exec->keyspace = request->keyspace;
    exec->consistency = params->consistency;
    exec->serial_consistency = params->serial_consistency;
    exec->timestamp_us = params->timestamp_us;
    exec->page_size = params->page_size;
    exec->paging_state = params->paging_state;
    exec->arena = &request->arena;
    exec->done = exec_done;
    exec->ctx = request;
}

// Runs request->plan with the request's values.
static void run_plan(struct request *request)
{
    const struct plan_info *info = plan_info(request->plan);
    const struct cql_params *params = &request->message.params;
    struct exec_error error = {0};
    const struct bound_value *values;
    if (!check_consistency(params, info->is_conditional, &error) ||
        !order_values(request, info, &values, &error)) {
        answer_error(request, &error);
        return;
    }
    fill_exec(request, params);
    struct exec *exec = &request->exec;
    exec->plans = &request->plan;
    exec->plan_count = 1;
    exec->values = arena_dup(&request->arena, &values, sizeof(values));
    exec->value_counts = arena_dup(&request->arena, &info->bind_count, sizeof info->bind_count);
    tables_submit(request->server->tables, exec);
}

// --- on a worker ---------------------------------------------------------------------------------
// DESCRIBE, LIST ROLES and what is refused by name; true if the request has been answered.
static bool answer_described(struct request *request, const struct statement *statement)
{
    bool query = request->message.head.opcode == CQL_QUERY;
    struct exec_result *result = &request->exec.result;
    if (!describe_execute(request->server->tables, statement, request->keyspace, &request->arena,
                          result))
        return false;
    if (query || result->kind == EXEC_ERROR) {
        answer_result(request);
    } else {
        exec_result_release(result);
        *result = (struct exec_result){0};
        refuse(request, ERR_INVALID, "only statements that read or write tables can be prepared");
    }
    return true;
}

// Does the statement name the keyspace of every table it touches?
static bool is_qualified(const struct statement *statement)
{
    switch ((int)statement->kind) {
    case STATEMENT_SELECT:
        return statement->select.table.keyspace;
    case STATEMENT_INSERT:
        return statement->insert.table.keyspace;
    case STATEMENT_UPDATE:
        return statement->update.table.keyspace;
    case STATEMENT_DELETE:
        return statement->delete_.table.keyspace;
    case STATEMENT_BATCH:
        for (size_t i = 0; i < statement->batch.count; i++) {
            if (!is_qualified(statement->batch.statements[i]))
                return false;
        }
        return true;
    default:
        return false;
    }
}

// Parses and plans; true if `*out` is a plan, else the request has been answered.
static bool plan_text(struct request *request, struct bytes text, struct plan **out,
                      bool *qualified)
{
    struct arena arena;
    struct exec_error error = {0};
    const struct statement *statement;
    arena_init(&arena, 4096);
    err_t err = statement_parse(&statement, &arena, text, &error.diag);
    if (err == ERR_OK && answer_described(request, statement)) {
        arena_release(&arena);
        return false;
    }
    *qualified = err == ERR_OK && is_qualified(statement);
    if (err == ERR_OK)
        err = tables_prepare(request->server->tables, statement, &arena, request->keyspace, out,
                             &error);
    else
        arena_release(&arena);
    if (err == ERR_OK)
        return true;
    error.diag.code = err;
    answer_error(request, &error);
    return false;
}

static void run_query(struct work *work)
{
    struct request *request = CONTAINER_OF(work, struct request, work);
    bool qualified;
    if (plan_text(request, request->message.text, &request->plan, &qualified))
        run_plan(request);
}

static void run_execute(struct work *work)
{
    run_plan(CONTAINER_OF(work, struct request, work));
}

// Ids are Cassandra's: the connection's keyspace counts only where the statement needs it.
static void run_prepare(struct work *work)
{
    struct request *request = CONTAINER_OF(work, struct request, work);
    struct prepared_cache *cache = request->server->prepared;
    struct bytes text = request->message.text;
    uint8_t id[PREPARED_ID_SIZE], own_id[PREPARED_ID_SIZE];
    prepared_id(id, NULL, text);
    prepared_id(own_id, request->keyspace, text);
    request->plan = prepared_get(cache, bytes_make(id, sizeof id));
    if (!request->plan && (request->plan = prepared_get(cache, bytes_make(own_id, sizeof id))))
        memcpy(id, own_id, sizeof id);
    if (!request->plan) {
        bool qualified;
        if (!plan_text(request, text, &request->plan, &qualified))
            return;
        if (!qualified)
            memcpy(id, own_id, sizeof id);
        prepared_put(cache, id, request->keyspace, text, request->plan);
    }
    request->exec.result.kind = EXEC_VOID;
    answer(request, respond_prepared(request, id, plan_info(request->plan)));
}

// One statement of a batch; false if the request has been answered.
static bool batch_plan(struct request *request, const struct cql_batch_item *item,
                       struct plan **out)
{
    bool qualified;
    if (!item->prepared)
        return plan_text(request, item->text, out, &qualified);
    *out = prepared_get(request->server->prepared, item->text);
    if (!*out)
        answer(request, respond_unprepared(request, item->text));
    return *out != NULL;
}

static void run_batch(struct work *work)
{
    struct request *request = CONTAINER_OF(work, struct request, work);
    const struct cql_batch *batch = &request->message.batch;
    struct exec *exec = &request->exec;
    struct exec_error error = {0};
    struct plan **plans = ARENA_ARRAY(&request->arena, struct plan *, batch->count);
    const struct bound_value **values =
        ARENA_ARRAY(&request->arena, const struct bound_value *, batch->count);
    size_t *counts = ARENA_ARRAY(&request->arena, size_t, batch->count);
    bool conditional = false;
    exec->plans = plans;
    exec->values = values;
    exec->value_counts = counts;
    exec->is_batch = true;
    exec->batch_kind = (enum batch_kind)batch->kind;
    exec->result.kind = EXEC_VOID;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch_plan(request, &batch->items[i], &plans[i]))
            return;
        request->plan_count = exec->plan_count = i + 1;
        const struct plan_info *info = plan_info(plans[i]);
        conditional = conditional || info->is_conditional;
        values[i] = batch->items[i].values;
        counts[i] = batch->items[i].value_count;
        if (counts[i] != info->bind_count) {
            error.diag.code = FAIL(&error.diag, ERR_INVALID,
                                   "There were %zu markers(?) in CQL but %zu bound variables",
                                   info->bind_count, counts[i]);
            answer_error(request, &error);
            return;
        }
    }
    if (!check_consistency(&batch->params, conditional, &error)) {
        answer_error(request, &error);
        return;
    }
    fill_exec(request, &batch->params);
    tables_submit(request->server->tables, exec);
}

// --- on the loop ---------------------------------------------------------------------------------
// A connection gets a bounded share of the workers, and none while its client does not read: it may
// not keep the others waiting, nor pile up answers.
static void submit(struct request *request, void (*run)(struct work *work))
{
    request->work.run = run;
    request->work.done = NULL;
    request->work.loop = NULL;
    list_push_back(&request->session->waiting, &request->link);
}

static void run_bunch(struct work *work)
{
    struct bunch *bunch = CONTAINER_OF(work, struct bunch, work);
    struct list *link;
    running_bunch = bunch;
    while (bunch->answer_bytes <= BUNCH_BYTES_MAX && (link = list_pop_front(&bunch->requests)))
        run_plan(CONTAINER_OF(link, struct request, link));
    running_bunch = NULL;
    loop_post(conn_loop(bunch->conn), &bunch->post, deliver_bunch);
}

static void start_bunch(struct session *session, size_t count)
{
    struct bunch *bunch = MEM_NEW(struct bunch);
    bunch->conn = conn_ref(session->conn);
    bunch->session = session;
    bunch->work.run = run_bunch;
    list_init(&bunch->requests);
    list_init(&bunch->answered);
    session->point_count -= count;
    session->running++;
    for (size_t i = 0; i < count; i++)
        list_push_back(&bunch->requests, list_pop_front(&session->points));
    work_submit(tables_loops(session->server->tables), &bunch->work);
}

static bool may_start(const struct session *session)
{
    return session->running < session->server->running_max &&
           conn_queued_bytes(session->conn) <= SESSION_UNREAD_MAX;
}

void request_start_waiting(struct session *session)
{
    while (session->point_count > 0 && may_start(session))
        start_bunch(session, session->point_count < BUNCH_MAX ? session->point_count : BUNCH_MAX);
    while (may_start(session)) {
        struct list *link = list_pop_front(&session->waiting);
        if (!link)
            break;
        struct request *request = CONTAINER_OF(link, struct request, link);
        request->running = true;
        session->running++;
        work_submit(tables_loops(session->server->tables), &request->work);
    }
}

void request_drop_waiting(struct session *session)
{
    struct list *link;
    while ((link = list_pop_front(&session->waiting)) || (link = list_pop_front(&session->points)))
        request_free(CONTAINER_OF(link, struct request, link));
}

static void submit_point(struct request *request)
{
    list_push_back(&request->session->points, &request->link);
    request->session->point_count++;
}

static void start_execute(struct request *request)
{
    request->plan = prepared_get(request->server->prepared, request->message.text);
    if (!request->plan)
        answer(request, respond_unprepared(request, request->message.text));
    else if (plan_info(request->plan)->does_not_block)
        run_plan(request);
    else if (plan_info(request->plan)->reads_one_row)
        submit_point(request);
    else
        submit(request, run_execute);
}

static void dispatch(struct request *request)
{
    switch (request->message.head.opcode) {
    case CQL_QUERY:
        submit(request, run_query);
        break;
    case CQL_PREPARE:
        submit(request, run_prepare);
        break;
    case CQL_EXECUTE:
        start_execute(request);
        break;
    default:
        submit(request, run_batch);
    }
}

static struct request *request_new(struct session *session, struct cql_head head, struct buf *frame)
{
    struct request *request = MEM_NEW(struct request);
    request->session = session;
    request->server = session->server;
    request->conn = conn_ref(session->conn);
    request->frame = frame;
    request->version = session->version;
    request->compression = session->compression;
    request->message.head = head;
    request->traced = head.flags & CQL_FLAG_TRACING;
    arena_init(&request->arena, 2048);
    if (session->keyspace)
        request->keyspace = arena_strdup(&request->arena, session->keyspace);
    if (request->traced) {
        request->started_us = clock_now_us();
        term_timeuuid_new(request->trace_id, request->started_us);
    }
    if (++session->in_flight >= SESSION_IN_FLIGHT_MAX && !session->paused) {
        session->paused = true;
        conn_pause(session->conn);
    }
    mutex_lock(&session->server->mutex);
    session->server->in_flight++;
    mutex_unlock(&session->server->mutex);
    return request;
}

static err_t unpack(struct request *request, struct bytes body, struct diag *diag)
{
    struct tables_server *server = request->server;
    TRY(cql_decompress(&request->body, request->compression, body, server->body_max_bytes, diag));
    size_t size = request->body.size;
    if (size < CHARGED_BYTES)
        return ERR_OK;
    if (!budget_charge(&server->frames, size))
        return FAIL(diag, ERR_OVERLOADED, "busy: no memory for a request of %zu bytes", size);
    request->charged_bytes = size;
    return ERR_OK;
}

void request_start(struct session *session, struct cql_head head, struct buf *frame)
{
    struct request *request = request_new(session, head, frame);
    struct diag diag = DIAG_INIT;
    struct bytes body = bytes_make(frame->ptr + CQL_HEAD_SIZE, frame->size - CQL_HEAD_SIZE);
    err_t err = ERR_OK;
    session->request_count++;
    if (head.flags & CQL_FLAG_COMPRESSED) {
        err = unpack(request, body, &diag);
        body = bytes_make(str_text(&request->body), request->body.size);
    }
    if (err == ERR_OK)
        err = cql_request_decode(&request->message, &request->arena, head, body, &diag);
    if (err == ERR_OK)
        dispatch(request);
    else
        refuse(request, err, diag_text(&diag));
}
