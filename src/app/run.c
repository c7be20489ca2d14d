// SPDX-License-Identifier: Apache-2.0
//
// Order of starting: what others need comes first (loops, log and tables side by side, then the
// services that use them), and the listeners of a part open as soon as it has recovered. The ready
// file in the data directory is written last and removed first.

#include "app/run.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "broker/broker.h"
#include "console/console.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/heap.h"
#include "os/thread.h"
#include "people/people_server.h"
#include "scheduler/scheduler.h"
#include "streams/streams.h"
#include "tables/folder.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define ADDRESS_BYTES 160
#define QUIET_PART    64         // of the memory allowed: when less is in use, nobody works
#define SLACK_BYTES   (16 << 20) // what a burst may leave for the next one

struct run {
    const struct project *project;
    int lock;
    struct budget budget; // memory: of weir.yaml
    bool quiet;           // little of it was in use at the last look
    struct loops *loops;
    struct broker *broker;
    struct tls *tls; // NULL: no listener wants it
    struct tables *tables;
    struct people_server *people;
    struct streams *streams;
    struct scheduler *scheduler;
    struct mutex mutex; // guards `console`, which the jobs' threads tell of changes
    struct console *console;
    char kafka[ADDRESS_BYTES], cql[ADDRESS_BYTES], people_at[ADDRESS_BYTES],
        console_at[ADDRESS_BYTES];
    struct str ready; // JSON
    char *ready_path;
};

static const char *folder(struct run *run, const char *name)
{
    return arena_printf((struct arena *)&run->project->config.arena, "%s/%s",
                        run->project->config.data_dir, name);
}

// How another program on this machine reaches the listener.
static void put_host(const char *host, uint16_t port, char *out)
{
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    snprintf(out, ADDRESS_BYTES, strchr(host, ':') && !any ? "[%s]:%u" : "%s:%u",
             any ? "127.0.0.1" : host, port);
}

static void put_address(const struct run *run, enum config_id id, uint16_t port, char *out)
{
    struct config_address address = config_address(&run->project->config, id);
    put_host(address.host, port, out);
}

static bool syncs(const struct run *run)
{
    return config_is(&run->project->config, CONFIG_DURABILITY, "sync");
}

static err_t set_users(struct run *run, struct diag *diag)
{
    const struct kafka_config *kafka = &run->project->kafka;
    for (size_t i = 0; i < kafka->user_count; i++)
        TRY(broker_set_user(run->broker, bytes_from(kafka->users[i].name),
                            bytes_from(kafka->users[i].password), diag));
    return ERR_OK;
}

static err_t start_broker(struct run *run, const char *dir, struct diag *diag)
{
    const struct kafka_config *kafka = &run->project->kafka;
    if (kafka->tls.cert)
        TRY(tls_open(&run->tls, &kafka->tls, diag));
    for (size_t i = 0; i < kafka->listener_count; i++)
        kafka->listeners[i].tls = run->tls;
    struct broker_options options = {.data_dir = dir,
                                     .loops = run->loops,
                                     .listeners = kafka->listeners,
                                     .listener_count = kafka->listener_count,
                                     .access = kafka->access,
                                     .settings = kafka->settings,
                                     .setting_count = kafka->setting_count,
                                     .sync = syncs(run),
                                     .budget = &run->budget};
    TRY(broker_open(&run->broker, &options, diag));
    return set_users(run, diag);
}

static err_t start_tables(struct run *run, struct diag *diag)
{
    struct tables_options options = {.data_dir = folder(run, "tables"),
                                     .loops = run->loops,
                                     .sync = syncs(run),
                                     .memory_bytes =
                                         config_size(&run->project->config, CONFIG_MEMORY) / 4,
                                     .budget = &run->budget};
    return tables_open(&run->tables, &options, diag);
}

// The two stores recover side by side: each is mostly waiting for its disk.
struct opening {
    struct run *run;
    const char *dir;
    struct diag diag;
    err_t err;
};

static void open_broker(void *ctx)
{
    struct opening *opening = ctx;
    opening->err = start_broker(opening->run, opening->dir, &opening->diag);
}

static err_t open_stores(struct run *run, struct diag *diag)
{
    // Its path is made here: folder() is for one thread.
    struct opening opening = {.run = run, .dir = folder(run, "kafka")};
    struct thread thread;
    thread_start(&thread, "open-log", open_broker, &opening);
    err_t err = start_tables(run, diag);
    thread_join(&thread);
    if (!err && opening.err)
        err = FAIL(diag, opening.err, "%s", diag_text(&opening.diag));
    return err;
}

static err_t listen(struct run *run, struct diag *diag)
{
    const struct config *config = &run->project->config;
    struct config_address cql = config_address(config, CONFIG_CQL_LISTEN);
    struct config_address people = config_address(config, CONFIG_PEOPLE_LISTEN);
    uint16_t kafka_port = 0;
    metric_collector(broker_collect, run->broker);
    TRY(broker_listen(run->broker, &kafka_port, diag));
    struct tables_listen_options options = {.host = cql.host, .port = cql.port};
    TRY(tables_listen(run->tables, &options, diag));
    TRY(people_server_start(&run->people, people.host, people.port, diag));
    const struct kafka_config *kafka = &run->project->kafka;
    put_host(kafka->listeners[kafka->tools_listener].host,
             broker_port(run->broker, kafka->tools_listener), run->kafka);
    put_address(run, CONFIG_CQL_LISTEN, tables_port_number(run->tables), run->cql);
    put_address(run, CONFIG_PEOPLE_LISTEN, people_server_port(run->people), run->people_at);
    return ERR_OK;
}

static void jobs_changed(void *ctx)
{
    struct run *run = ctx;
    mutex_lock(&run->mutex);
    if (run->console)
        console_changed(run->console);
    mutex_unlock(&run->mutex);
}

static err_t start_jobs(struct run *run, struct problems *problems, struct diag *diag)
{
    const struct project *project = run->project;
    TRY(folder_apply(run->tables, project->tables_dir, problems, diag));
    struct streams_options streams = {.dir = project->streams_dir,
                                      .log = broker_log_port(run->broker),
                                      .tables = tables_port(run->tables),
                                      .changed = jobs_changed,
                                      .changed_ctx = run};
    TRY(streams_open(&run->streams, &streams, problems, diag));
    char people[ADDRESS_BYTES + 8];
    snprintf(people, sizeof people, "http://%s", run->people_at);
    struct scheduler_var vars[] = {{"weir.people_url", people}};
    struct scheduler_options scheduler = {.data_dir = folder(run, "scheduler"),
                                          .dags_dir = project->dags_dir,
                                          .log = broker_log_port(run->broker),
                                          .tables = tables_port(run->tables),
                                          .streams = streams_port(run->streams),
                                          .vars = vars,
                                          .var_count = 1,
                                          .changed = jobs_changed,
                                          .changed_ctx = run};
    return scheduler_open(&run->scheduler, &scheduler, problems, diag);
}

static err_t start_console(struct run *run, struct problems *problems, struct diag *diag)
{
    struct config_address address = config_address(&run->project->config, CONFIG_CONSOLE_LISTEN);
    struct console_options options = {.host = address.host,
                                      .port = address.port,
                                      .boards_dir = run->project->boards_dir,
                                      .project = run->project->config.dir,
                                      .data_dir = run->project->config.data_dir,
                                      .kafka = run->kafka,
                                      .cql = run->cql,
                                      .people = run->people_at,
                                      .log = broker_log_port(run->broker),
                                      .tables = tables_port(run->tables),
                                      .dags = scheduler_dag_port(run->scheduler),
                                      .streams = streams_port(run->streams)};
    struct console *console = NULL;
    TRY(console_start(&console, &options, problems, diag));
    mutex_lock(&run->mutex);
    run->console = console;
    mutex_unlock(&run->mutex);
    put_address(run, CONFIG_CONSOLE_LISTEN, console_port(console), run->console_at);
    return ERR_OK;
}

// Where each Kafka listener is, when there are several.
static void put_listeners(struct run *run)
{
    const struct kafka_config *kafka = &run->project->kafka;
    if (kafka->listener_count == 1)
        return;
    str_append_text(&run->ready, ",\"kafka_listeners\":{");
    for (size_t i = 0; i < kafka->listener_count; i++) {
        char address[ADDRESS_BYTES];
        put_host(kafka->listeners[i].host, broker_port(run->broker, i), address);
        str_append_text(&run->ready, i ? "," : "");
        str_append_json(&run->ready, bytes_from(kafka->listeners[i].name));
        str_printf(&run->ready, ":\"%s\"", address);
    }
    str_append_text(&run->ready, "}");
}

static err_t start_parts(struct run *run, struct problems *problems, struct diag *diag)
{
    const struct config *config = &run->project->config;
    TRY(dir_make(config->data_dir, diag));
    TRY(file_lock(&run->lock, folder(run, "lock"), diag));
    budget_init(&run->budget, NULL, config_size(config, CONFIG_MEMORY));
    TRY(loops_start(&run->loops, 0, 0, diag));
    TRY(open_stores(run, diag));
    TRY(listen(run, diag));
    TRY(start_jobs(run, problems, diag));
    TRY(start_console(run, problems, diag));
    str_printf(&run->ready,
               "{\"kafka\":\"%s\",\"cql\":\"%s\",\"console\":\"%s\",\"people\":\"%s\",\"pid\":%ld",
               run->kafka, run->cql, run->console_at, run->people_at, (long)getpid());
    put_listeners(run);
    str_append_text(&run->ready, "}\n");
    run->ready_path = mem_printf("%s/ready.json", config->data_dir);
    return file_replace(run->ready_path, str_bytes(&run->ready), diag);
}

err_t run_start(struct run **out, const struct project *project, struct problems *problems,
                struct diag *diag)
{
    struct run *run = MEM_NEW(struct run);
    run->project = project;
    run->lock = -1;
    mutex_init(&run->mutex);
    metric_set(METRIC_PROCESS_START, clock_now_us() / 1000000);
    err_t err = start_parts(run, problems, diag);
    if (err) {
        run_stop(run);
        return err;
    }
    *out = run;
    return ERR_OK;
}

const char *run_ready_json(const struct run *run)
{
    return str_text(&run->ready);
}

struct dag_port run_dags(const struct run *run)
{
    return scheduler_dag_port(run->scheduler);
}

struct stream_port run_streams(const struct run *run)
{
    return streams_port(run->streams);
}

void run_reload(struct run *run)
{
    struct diag diag = DIAG_INIT;
    if (run->tls && tls_reload(run->tls, &diag) != ERR_OK)
        LOG_ERROR("app", "the old certificate stays in use", "why=\"%s\"", diag_text(&diag));
    else if (run->tls)
        LOG_INFO("app", "read the certificate again", "cert=%s", run->project->kafka.tls.cert);
}

void run_look(struct run *run)
{
    size_t used = atomic_load(&run->budget.used_bytes);
    bool quiet = used < run->budget.limit_bytes / QUIET_PART;
    if (quiet && run->quiet)
        heap_give_back(SLACK_BYTES);
    run->quiet = quiet;
}

void run_stop(struct run *run)
{
    struct diag diag = DIAG_INIT;
    if (run->ready_path && file_remove(run->ready_path, &diag) != ERR_OK)
        fprintf(stderr, "weir: %s\n", diag_text(&diag));
    mutex_lock(&run->mutex);
    struct console *console = run->console;
    run->console = NULL;
    mutex_unlock(&run->mutex);
    console_stop(console);
    scheduler_close(run->scheduler);
    streams_close(run->streams);
    people_server_stop(run->people);
    if (run->broker)
        broker_close(run->broker);
    if (run->tables)
        tables_close(run->tables);
    if (run->loops)
        loops_stop(run->loops);
    tls_unref(run->tls);
    file_close(run->lock);
    mutex_release(&run->mutex);
    str_release(&run->ready);
    mem_free(run->ready_path);
    mem_free(run);
}
