// SPDX-License-Identifier: Apache-2.0
#include "streams/streams.h"

#include "base/mem.h"
#include "os/clock.h"
#include "streams/batch_query.h"
#include "streams/spec.h"
#include "streams/stream.h"

struct streams {
    struct arena arena;
    struct streams_options options;
    struct specs specs;
    struct stream **all;
};

static struct sql_options sql_settings(const struct streams_options *options)
{
    return (struct sql_options){
        .ansi = options->ansi, .time_zone = options->time_zone, .now_us = clock_now_us()};
}

void streams_check(const char *dir, struct problems *problems)
{
    struct arena arena = ARENA_INIT;
    struct streams_options options = {0};
    struct sql_options settings = sql_settings(&options);
    struct specs specs;
    specs_load(&specs, &arena, dir, &settings, problems);
    specs_release(&specs);
    arena_release(&arena);
}

err_t streams_open(struct streams **out, const struct streams_options *options,
                   struct problems *problems, struct diag *diag)
{
    struct streams *streams = MEM_NEW(struct streams);
    struct sql_options settings = sql_settings(options);
    size_t before = problems->count;
    arena_init(&streams->arena, 4096);
    streams->options = *options;
    specs_load(&streams->specs, &streams->arena, options->dir, &settings, problems);
    if (problems->count > before) {
        size_t count = problems->count - before;
        streams_close(streams);
        return FAIL(diag, ERR_CONFIG, "%s has %zu problem%s", options->dir, count,
                    count == 1 ? "" : "s");
    }
    streams->all = ARENA_ARRAY(&streams->arena, struct stream *, streams->specs.count + 1);
    for (size_t i = 0; i < streams->specs.count; i++)
        streams->all[i] = stream_start(&streams->specs.items[i], &streams->options);
    *out = streams;
    return ERR_OK;
}

void streams_close(struct streams *streams)
{
    if (!streams)
        return;
    for (size_t i = 0; streams->all && i < streams->specs.count; i++)
        stream_stop(streams->all[i]); // all at once, then one after the other
    for (size_t i = 0; streams->all && i < streams->specs.count; i++)
        stream_free(streams->all[i]);
    specs_release(&streams->specs);
    arena_release(&streams->arena);
    mem_free(streams);
}

// --- the port
// ------------------------------------------------------------------------------------------

static err_t list(void *self, struct str *json, struct diag *diag)
{
    struct streams *streams = self;
    (void)diag;
    str_append_byte(json, '[');
    for (size_t i = 0; i < streams->specs.count; i++) {
        if (i)
            str_append_byte(json, ',');
        stream_write(streams->all[i], json);
    }
    str_append_byte(json, ']');
    return ERR_OK;
}

static err_t progress(void *self, const char *name, size_t limit, struct str *json,
                      struct diag *diag)
{
    struct streams *streams = self;
    for (size_t i = 0; i < streams->specs.count; i++) {
        if (strcmp(stream_name(streams->all[i]), name) != 0)
            continue;
        stream_write_progress(streams->all[i], limit, json);
        return ERR_OK;
    }
    return FAIL(diag, ERR_NOT_FOUND, "no stream '%s'", name);
}

static err_t query(void *self, struct bytes sql, size_t max_rows, struct str *json,
                   struct diag *diag)
{
    struct streams *streams = self;
    return batch_query(&streams->options, &streams->specs, sql, max_rows, json, diag);
}

struct stream_port streams_port(struct streams *streams)
{
    static const struct stream_port_ops ops = {list, progress, query};
    return (struct stream_port){&ops, streams};
}
