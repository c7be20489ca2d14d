// SPDX-License-Identifier: Apache-2.0
//
// weir people, weir sentences: generated records to stdout or into a topic, at a rate or as fast as
// it goes.

#include "app/cmd.h"
#include "app/producer.h"
#include "os/clock.h"
#include "people/people.h"
#include "people/sentence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_BYTES    ((size_t)64 << 10)
#define PROGRESS_EVERY 1000000 // us

// Where records go, and how fast.
struct sink {
    struct producer *producer; // NULL: stdout
    struct str out;
    int64_t count, done;
    double rate; // records per second, 0 = no limit
    int64_t started_us, shown_us;
    bool terminal; // stderr is one: show progress
};

static void show_progress(struct sink *sink, bool last)
{
    int64_t now_us = clock_mono_us();
    if (!sink->terminal || (!last && now_us - sink->shown_us < PROGRESS_EVERY))
        return;
    sink->shown_us = now_us;
    double seconds = (double)(now_us - sink->started_us + 1) / 1e6;
    fprintf(stderr, "\r%" PRId64 " of %" PRId64 " records, %.0f/s ", sink->done, sink->count,
            (double)sink->done / seconds);
    if (last)
        fputc('\n', stderr);
}

static void write_out(struct sink *sink)
{
    fwrite(str_text(&sink->out), 1, sink->out.size, stdout);
    str_clear(&sink->out);
}

static bool keep_pace(struct sink *sink)
{
    if (sink->rate > 0) {
        int64_t due_us = sink->started_us + (int64_t)((double)sink->done * 1e6 / sink->rate);
        int64_t wait_us = due_us - clock_mono_us();
        if (wait_us > 1000) {
            if (!sink->producer) {
                write_out(sink);
                fflush(stdout);
            }
            clock_sleep_us(wait_us);
        }
    }
    if ((sink->done & 1023) == 0)
        show_progress(sink, false);
    return !ferror(stdout);
}

// `sink->out` holds one record from `at` on; sends it off or keeps it for the next write.
static void put_record(struct sink *sink, size_t at, struct bytes key)
{
    if (sink->producer) {
        struct producer_record record = {.partition = -1,
                                         .key = key,
                                         .value =
                                             bytes_make(sink->out.ptr + at, sink->out.size - at)};
        producer_send(sink->producer, &record);
        str_clear(&sink->out);
    } else {
        str_append_byte(&sink->out, '\n');
        if (sink->out.size >= FLUSH_BYTES)
            write_out(sink);
    }
    sink->done++;
}

static bool sink_open(struct sink *sink, const struct args *args, int64_t count, bool *ok)
{
    const char *topic = args_text(args, "topic", NULL);
    const char *rate = args_text(args, "rate", NULL);
    *sink = (struct sink){.count = count, .terminal = isatty(2) && (topic || !isatty(1))};
    char *end = NULL;
    sink->rate = rate ? strtod(rate, &end) : 0;
    if (rate && (*end != '\0' || end == rate || !(sink->rate > 0))) {
        fprintf(stderr, "%s: --rate is '%s', expected records per second, such as 100\n",
                args->command, rate);
        *ok = false;
    }
    if (!*ok)
        return false;
    struct diag diag = DIAG_INIT;
    struct producer_options options = {.topic = topic};
    if (topic && producer_open(&sink->producer, args, &options, &diag)) {
        cmd_failed(args->command, &diag);
        return false;
    }
    sink->started_us = clock_mono_us();
    return true;
}

static int sink_close(struct sink *sink, const struct args *args)
{
    struct diag diag = DIAG_INIT;
    int64_t written = sink->done;
    err_t err = ERR_OK;
    if (sink->producer)
        err = producer_close(sink->producer, &written, &diag);
    else
        write_out(sink);
    show_progress(sink, true);
    str_release(&sink->out);
    if (sink->producer)
        fprintf(stderr, "%" PRId64 " records written to %s\n", written,
                args_text(args, "topic", ""));
    return err ? cmd_failed(args->command, &diag) : EXIT_FINE;
}

// --- people ---

#define PEOPLE_USAGE                                                                           \
    "weir people [--count N] [--rate R] [--seed S] [--shape nested|flat] [--format json|csv] " \
    "[--topic T]"

static const struct option people_options[] = {
    {"count", "N", "how many (default 10)"},
    {"rate", "R", "records per second (default: as fast as it goes)"},
    {"seed", "S", "the same seed gives the same people (default: a random one)"},
    {"shape", "SHAPE", "nested (randomuser.me 1.4, default) or flat"},
    {"format", "FORMAT", "json (default) or csv"},
    {"nat", "LIST", "nationalities, such as US,GB (default: all)"},
    {"topic", "T", "write to this topic instead of stdout"},
    {"brokers", "LIST", "host:port,... instead of the running weir"},
    CLIENT_OPTIONS,
    {NULL, NULL, NULL}};

// 0 or 1 for the two words, -1 and a message for another.
static int choice(const struct args *args, const char *name, const char *first, const char *second)
{
    const char *text = args_text(args, name, first);
    if (strcmp(text, first) == 0)
        return 0;
    if (strcmp(text, second) == 0)
        return 1;
    fprintf(stderr, "%s: --%s is '%s', expected %s or %s\n", args->command, name, text, first,
            second);
    return -1;
}

static bool parse_nats(const struct args *args, uint32_t *out)
{
    const char *at = args_text(args, "nat", "");
    *out = 0;
    while (*at) {
        char code[8];
        size_t size = strcspn(at, ",");
        snprintf(code, sizeof code, "%.*s", (int)(size < 7 ? size : 7), at);
        uint32_t bit = people_nat_find(code);
        if (!bit) {
            fprintf(stderr, "%s: unknown nationality '%s', expected some of %s\n", args->command,
                    code, people_nat_list());
            return false;
        }
        *out |= bit;
        at += size + (at[size] == ',');
    }
    return true;
}

int cmd_people(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir people", people_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(PEOPLE_USAGE, people_options);
    if (args.word_count > 0)
        return cmd_usage(PEOPLE_USAGE);
    bool ok = true;
    int64_t count = args_int(&args, "count", 10, 1, INT64_MAX / 1000000, &ok);
    int shape = choice(&args, "shape", "nested", "flat");
    int format = choice(&args, "format", "json", "csv");
    struct people_options options = {.seed = args_text(&args, "seed", NULL),
                                     .shape = shape == 1 ? PEOPLE_FLAT : PEOPLE_NESTED,
                                     .format = format == 1 ? PEOPLE_CSV : PEOPLE_JSON};
    ok = ok && shape >= 0 && format >= 0 && parse_nats(&args, &options.nats);
    struct sink sink;
    if (!sink_open(&sink, &args, count, &ok))
        return ok ? EXIT_FAILED : EXIT_USAGE;
    struct people_stream *people = people_stream_new(&options);
    if (format == 1 && !sink.producer) {
        people_stream_header(people, &sink.out);
        str_append_byte(&sink.out, '\n');
    }
    while (sink.done < count && keep_pace(&sink)) {
        size_t at = sink.out.size;
        people_stream_next(people, &sink.out);
        put_record(&sink, at, bytes_from(sink.producer ? people_stream_key(people) : NULL));
    }
    people_stream_free(people);
    return sink_close(&sink, &args);
}

// --- sentences ---

#define SENTENCES_USAGE "weir sentences [--count N] [--rate R] [--seed N] [--text] [--topic T]"

static const struct option sentences_options[] = {
    {"count", "N", "how many (default 10)"},
    {"rate", "R", "records per second (default: as fast as it goes)"},
    {"seed", "N", "a number; the same seed gives the same sentences (default 1)"},
    {"first", "N", "the first id (default 1)"},
    {"text", NULL, "the bare sentence instead of JSON"},
    {"topic", "T", "write to this topic instead of stdout"},
    {"brokers", "LIST", "host:port,... instead of the running weir"},
    CLIENT_OPTIONS,
    {NULL, NULL, NULL}};

int cmd_sentences(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir sentences", sentences_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(SENTENCES_USAGE, sentences_options);
    if (args.word_count > 0)
        return cmd_usage(SENTENCES_USAGE);
    bool ok = true;
    int64_t count = args_int(&args, "count", 10, 1, INT64_MAX / 1000000, &ok);
    int64_t seed = args_int(&args, "seed", 1, 0, INT64_MAX, &ok);
    int64_t first = args_int(&args, "first", 1, 0, INT64_MAX / 2, &ok);
    struct sink sink;
    if (!sink_open(&sink, &args, count, &ok))
        return ok ? EXIT_FAILED : EXIT_USAGE;
    while (sink.done < count && keep_pace(&sink)) {
        size_t at = sink.out.size;
        uint64_t index = (uint64_t)(first + sink.done);
        if (args_flag(&args, "text"))
            sentence_text(&sink.out, (uint64_t)seed, index);
        else
            sentence_write(&sink.out, (uint64_t)seed, index);
        put_record(&sink, at, BYTES_NULL);
    }
    return sink_close(&sink, &args);
}
