// SPDX-License-Identifier: Apache-2.0
//
// console: the pages and the HTTP API behind them and behind the command line, and /metrics.
//
// Sees the ports and the metrics, never a service's inside. Pages are embedded, gzipped. The API is
// listed in docs/walks/console.md; every answer is JSON, every refusal {"error","code"}.
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "data/yaml.h"
#include "port/job_port.h"
#include "port/log_port.h"
#include "port/table_port.h"

struct console;

struct console_options {
    const char *host;
    uint16_t port;                    // 0 = any free one
    const char *boards_dir;           // boards/*.yaml; may not exist
    const char *project;              // shown as the title
    const char *kafka, *cql, *people; // what the others are bound to, host:port
    const char *data_dir;
    struct log_port log;
    struct table_port tables;
    struct dag_port dags;
    struct stream_port streams;
};

// The options' texts must outlive the console. Mistakes in boards are problems. BLOCKS
MUST_USE err_t console_start(struct console **out, const struct console_options *options,
                             struct problems *problems, struct diag *diag);
uint16_t console_port(const struct console *console);
// Something a page shows has changed: pages are told soon. Any thread; does not block.
void console_changed(struct console *console);
void console_stop(struct console *console); // NULL is fine

#endif
