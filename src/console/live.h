// SPDX-License-Identifier: Apache-2.0
//
// live: what the page shows, kept fresh and pushed to every open page as server-sent events.
//
// One thread looks at the ports: at once when something changed (console_changed), at most four
// times a second, and once a second for rates. Boards are read only while a page is open, and no
// more often than their queries cost (a board that takes 100 ms is read every second at most).
//
// Events     `state`: {project, pid, graph, dags, streams, topics, groups}; `boards`: [board]. Each
// is sent when
//            it differs from the last one sent.
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
