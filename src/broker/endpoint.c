// SPDX-License-Identifier: Apache-2.0
#include "broker/endpoint.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/broker_int.h"

static const char *own(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

void endpoints_init(struct endpoints *endpoints, struct broker *broker,
                    const struct broker_options *options)
{
    const struct broker_listener_options one = {.name = "kafka",
                                                .host = options->host,
                                                .port = options->port,
                                                .advertised_host = options->advertised_host,
                                                .advertised_port = options->advertised_port};
    const struct broker_listener_options *from =
        options->listener_count ? options->listeners : &one;
    endpoints->count = options->listener_count ? options->listener_count : 1;
    endpoints->all = mem_zalloc((endpoints->count + 1) * sizeof *endpoints->all);
    for (size_t i = 0; i < endpoints->count; i++) {
        struct endpoint *endpoint = &endpoints->all[i];
        endpoint->broker = broker;
        endpoint->options = from[i];
        endpoint->options.name = own(from[i].name);
        endpoint->options.host = own(from[i].host);
        endpoint->options.advertised_host = own(from[i].advertised_host);
        endpoint->options.tls = from[i].tls ? tls_ref(from[i].tls) : NULL;
    }
    struct endpoint *local = &endpoints->all[endpoints->count];
    local->broker = broker;
    local->local = true;
}

static err_t open_one(struct endpoint *endpoint, struct diag *diag)
{
    struct broker *broker = endpoint->broker;
    int64_t idle_ms = settings_number(broker, "connections.max.idle.ms");
    struct listener_options options = {
        .host = endpoint->options.host,
        .port = endpoint->options.port,
        .bound_port = &endpoint->port,
        .frame_max_bytes = (size_t)setting(broker, SETTING_REQUEST_BYTES) + 4,
        .idle_timeout_ms = idle_ms > 0 ? idle_ms : 0,
        .budget = broker->options.budget,
        .tls = endpoint_wants_tls(endpoint) ? endpoint->options.tls : NULL,
        .ops = &session_ops,
        .ctx = endpoint,
    };
    if (endpoint->local) {
        options.dir = broker->options.data_dir;
        options.name = BROKER_LOCAL_SOCKET;
    }
    return listener_open(&endpoint->listener, broker->loops, &options, diag);
}

err_t endpoints_open_local(struct endpoints *endpoints, struct diag *diag)
{
    return open_one(&endpoints->all[endpoints->count], diag);
}

err_t endpoints_open(struct endpoints *endpoints, struct diag *diag)
{
    struct diag local = DIAG_INIT;
    for (size_t i = 0; i < endpoints->count; i++) {
        err_t err = open_one(&endpoints->all[i], diag);
        if (err != ERR_OK) {
            endpoints_close(endpoints);
            return err;
        }
    }
    if (endpoints_open_local(endpoints, &local) != ERR_OK)
        LOG_WARN("broker", "no local socket: weir users and weir acls will not find this broker",
                 "why=\"%s\"", diag_text(&local));
    return ERR_OK;
}

void endpoints_close(struct endpoints *endpoints)
{
    for (size_t i = 0; i <= endpoints->count; i++) {
        if (endpoints->all[i].listener)
            listener_close(endpoints->all[i].listener);
        endpoints->all[i].listener = NULL;
    }
}

void endpoints_release(struct endpoints *endpoints)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        struct endpoint *endpoint = &endpoints->all[i];
        mem_free((char *)(uintptr_t)endpoint->options.name);
        mem_free((char *)(uintptr_t)endpoint->options.host);
        mem_free((char *)(uintptr_t)endpoint->options.advertised_host);
        tls_unref(endpoint->options.tls);
    }
    mem_free(endpoints->all);
}
