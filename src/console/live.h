// SPDX-License-Identifier: Apache-2.0
//
// live: what the page shows, kept fresh and pushed to every open page as server-sent events.
//
// One thread looks at the ports: at once when something changed (console_changed), at most four
// times a second, and once a second for rates; a look that takes long is followed by a rest three
// times as long. While no page is open only the counters behind the rates are read. Boards are
// read no more often than their queries cost (one that takes 100 ms once a second at most).
//
// Events     `state`: {project, addresses, rss_bytes, graph, dags, streams, topics, groups, tables,
//            totals}; `boards`: [board]. Each is sent when it differs from the last one sent.
// Bounds     200 topics, tables and outside groups, 100 DAGs and queries, 12 runs of a DAG, 100
//            tasks of a run, 50 batches of a query; `totals` tells how many there are.
#ifndef CONSOLE_LIVE_H
#define CONSOLE_LIVE_H

#include "console/board.h"
#include "console/console.h"
#include "net/http_server.h"

struct live;

struct live *live_start(const struct console_options *options, const struct board *boards,
                        size_t board_count);
void live_changed(struct live *live); // any thread; does not block
// {"state":{...},"boards":[...]}: everything the first paint needs. BLOCKS for the queries.
void live_page_json(struct live *live, struct str *out);
// Makes the request an event stream. When 64 are open, refuses with 503.
void live_subscribe(struct live *live, struct http_request *request);
void live_stop(
    struct live *live); // ends the thread and closes all streams; later requests are refused
void live_free(struct live *live);

#endif
