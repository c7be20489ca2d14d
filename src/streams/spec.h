// SPDX-License-Identifier: Apache-2.0
//
// spec: one streams/*.yaml file, read and checked. The SQL is compiled here too, so that everything
// wrong with a file is told before anything starts.
//
// Lifetime   a spec lives in the arena it was read into; its query is freed by spec_release().
#ifndef STREAMS_SPEC_H
#define STREAMS_SPEC_H

#include "data/yaml.h"
#include "sql/query.h"

enum spec_start {
    SPEC_LATEST,
    SPEC_EARLIEST,
    SPEC_OFFSETS,
};

enum {
    SPEC_OFFSET_LATEST = -1, // as in Spark's JSON of offsets
    SPEC_OFFSET_EARLIEST = -2,
    SPEC_PARTITIONS_MAX = 10000,
};

struct spec_offset {
    int32_t partition;
    int64_t offset;
};

enum spec_trigger {
    SPEC_TRIGGER_NONE, // the next batch follows at once
    SPEC_TRIGGER_PROCESSING_TIME,
    SPEC_TRIGGER_AVAILABLE_NOW,
};

enum spec_mode {
    SPEC_APPEND,
    SPEC_UPDATE,
};

struct spec {
    const char *file;
    const char *name;
    const char *topic;
    const char *table; // the name the SQL uses; the topic's own works too
    enum spec_start start;
    const struct spec_offset *offsets; // SPEC_OFFSETS; partitions not named start at the earliest
    size_t offset_count;
    int64_t max_offsets_per_trigger; // 0 = no limit
    bool fail_on_data_loss;
    int32_t partitions; // of the topic when the query is the one to make it; 0 = the log's default
    const char *sql;
    const char *sink_keyspace, *sink_table;
    enum spec_trigger trigger;
    int64_t interval_ms;
    enum spec_mode mode;
    struct sql_query *query;
};

struct specs {
    size_t count;
    struct spec *items;
};

// Every *.yaml and *.yml of `dir`, in byte order of their names. A folder that is not there has
// none. Files with problems are left out.
void specs_load(struct specs *specs, struct arena *arena, const char *dir,
                const struct sql_options *options, struct problems *problems);
void specs_release(struct specs *specs);

// The columns every topic shows: key, value, topic, partition, offset, timestamp, timestampType.
const struct type *spec_topic_type(struct arena *arena);

#endif
