// SPDX-License-Identifier: Apache-2.0
//
// graph: the pipeline as nodes and edges, derived from what the ports tell: source -> DAG -> topic
// -> query -> table.
#ifndef CONSOLE_GRAPH_H
#define CONSOLE_GRAPH_H

#include "console/rates.h"

#include <jansson.h>

// {nodes: [{id, kind, title, state, note, count, unit}], edges: [{from, to, rate, lag}]}.
// kind: source, dag, topic, query, table; state: ok, running, waiting, failed, idle.
// The lists are those of dag_port.dags, stream_port.streams and of the topics (name, records,
// bytes).
json_t *graph_json(const json_t *dags, const json_t *streams, const json_t *topics,
                   struct rates *rates);

// Only the counters of graph_json.
void graph_note_rates(const json_t *streams, const json_t *topics, struct rates *rates);

#endif
