// SPDX-License-Identifier: Apache-2.0
#include "console/graph.h"

#include "os/clock.h"

#include <stdbool.h>

#include <stdio.h>
#include <string.h>

struct graph {
    json_t *nodes, *edges;
    struct rates *rates;
};

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static bool has_node(const struct graph *graph, const char *id)
{
    size_t index;
    json_t *node;
    json_array_foreach(graph->nodes, index, node)
    {
        if (strcmp(text_of(node, "id"), id) == 0)
            return true;
    }
    return false;
}

// `id` is "kind:title".
static void add_node(struct graph *graph, const char *id, const char *state, const char *note,
                     json_int_t count, const char *unit)
{
    const char *colon = strchr(id, ':');
    if (has_node(graph, id))
        return;
    json_array_append_new(graph->nodes,
                          json_pack("{s:s, s:s%, s:s, s:s, s:s, s:I, s:s}", "id", id, "kind", id,
                                    (size_t)(colon - id), "title", colon + 1, "state", state,
                                    "note", note, "count", count, "unit", unit));
}

static void add_edge(struct graph *graph, const char *from, const char *to, const char *counter,
                     const json_t *lag)
{
    json_t *edge = json_pack("{s:s, s:s, s:f}", "from", from, "to", to, "rate",
                             rates_per_second(graph->rates, counter));
    if (json_is_integer(lag))
        json_object_set_new(edge, "lag", json_integer(json_integer_value(lag)));
    json_array_append_new(graph->edges, edge);
}

// Does a task of the DAG fetch records?
static bool fetches(const json_t *dag)
{
    size_t index;
    json_t *task;
    json_array_foreach(json_object_get(dag, "tasks"), index, task)
    {
        if (text_of(task, "topic")[0])
            return true;
    }
    return false;
}

// A run that fetched nothing is not "ok".
static const char *run_state(const json_t *dag, const json_t *run)
{
    const char *state = text_of(run, "state");
    bool empty = fetches(dag) && json_integer_value(json_object_get(run, "records")) == 0;
    if (strcmp(state, "success") == 0)
        return empty ? "waiting" : "ok";
    if (strcmp(state, "running") == 0)
        return "running";
    if (strcmp(state, "failed") == 0)
        return "failed";
    return state[0] ? "waiting" : "idle";
}

static void add_task(struct graph *graph, const char *dag_id, const json_t *task)
{
    char source[300], topic[300], counter[300];
    const char *topic_name = text_of(task, "topic");
    if (strcmp(text_of(task, "type"), "http") == 0) {
        const char *url = text_of(task, "url");
        snprintf(source, sizeof source, "source:%s", url[0] ? url : text_of(task, "task_id"));
        add_node(graph, source, "ok", "HTTP", 0, "");
        snprintf(counter, sizeof counter, "topic:%s", topic_name);
        add_edge(graph, source, dag_id, counter, NULL);
    }
    if (!topic_name[0])
        return;
    snprintf(topic, sizeof topic, "topic:%s", topic_name);
    add_node(graph, topic, "idle", "", 0, "records");
    add_edge(graph, dag_id, topic, topic, NULL);
}

static void add_dag(struct graph *graph, const json_t *dag)
{
    char id[300];
    const json_t *run = json_object_get(dag, "last_run");
    const char *note = text_of(dag, "waiting");
    if (json_is_true(json_object_get(dag, "is_paused")))
        note = "paused";
    else if (text_of(run, "note")[0])
        note = text_of(run, "note");
    snprintf(id, sizeof id, "dag:%s", text_of(dag, "dag_id"));
    add_node(graph, id, run_state(dag, run), note,
             json_integer_value(json_object_get(run, "records")), "records");
    size_t index;
    json_t *task;
    json_array_foreach(json_object_get(dag, "tasks"), index, task) add_task(graph, id, task);
}

static void add_stream(struct graph *graph, const json_t *stream)
{
    char topic[300], query[300], table[300];
    const json_t *sink = json_object_get(stream, "sink");
    const char *error = text_of(stream, "error");
    const char *state = text_of(stream, "state");
    json_int_t rows = json_integer_value(json_object_get(stream, "numInputRows"));
    snprintf(topic, sizeof topic, "topic:%s", text_of(json_object_get(stream, "source"), "topic"));
    snprintf(query, sizeof query, "query:%s", text_of(stream, "name"));
    snprintf(table, sizeof table, "table:%s.%s", text_of(sink, "keyspace"), text_of(sink, "table"));
    add_node(graph, topic, "idle", "", 0, "records");
    json_int_t lag = json_integer_value(json_object_get(stream, "lag"));
    const char *shown = strcmp(state, "failed") == 0    ? "failed"
                        : strcmp(state, "running") == 0 ? "running"
                        : lag > 0                       ? "waiting"
                                                        : "ok"; // has read all there is
    add_node(graph, query, shown, error[0] ? error : text_of(stream, "waiting"), rows, "rows");
    add_edge(graph, topic, query, query, json_object_get(stream, "lag"));
    if (text_of(sink, "table")[0]) {
        add_node(graph, table, "ok", "", 0, "");
        add_edge(graph, query, table, query, NULL);
    }
}

static void add_topic(struct graph *graph, const json_t *topic)
{
    char id[300];
    snprintf(id, sizeof id, "topic:%s", text_of(topic, "name"));
    json_int_t records = json_integer_value(json_object_get(topic, "records"));
    add_node(graph, id, rates_per_second(graph->rates, id) > 0 ? "running" : "ok", "", records,
             "records");
}

void graph_note_rates(const json_t *streams, const json_t *topics, struct rates *rates)
{
    char name[300];
    size_t index;
    json_t *item;
    int64_t now_us = clock_mono_us();
    json_array_foreach(topics, index, item)
    {
        snprintf(name, sizeof name, "topic:%s", text_of(item, "name"));
        rates_note(rates, name, json_integer_value(json_object_get(item, "records")), now_us);
    }
    json_array_foreach(streams, index, item)
    {
        snprintf(name, sizeof name, "query:%s", text_of(item, "name"));
        rates_note(rates, name, json_integer_value(json_object_get(item, "numInputRows")), now_us);
    }
}

json_t *graph_json(const json_t *dags, const json_t *streams, const json_t *topics,
                   struct rates *rates)
{
    struct graph graph = {.nodes = json_array(), .edges = json_array(), .rates = rates};
    size_t index;
    json_t *item;
    graph_note_rates(streams, topics, rates);
    json_array_foreach(topics, index, item) add_topic(&graph, item);
    json_array_foreach(dags, index, item) add_dag(&graph, item);
    json_array_foreach(streams, index, item) add_stream(&graph, item);
    return json_pack("{s:o, s:o}", "nodes", graph.nodes, "edges", graph.edges);
}
