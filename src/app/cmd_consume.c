// SPDX-License-Identifier: Apache-2.0
//
// weir consume: the records of a topic as lines, in a format of one's own, or as JSON, over the
// Kafka protocol, so it works on weir and on any other broker. It joins no group and commits
// nothing.

#define PCRE2_CODE_UNIT_WIDTH 8

#include "app/cmd.h"
#include "app/kafka_client.h"
#include "app/record_print.h"
#include "app/when.h"
#include "os/clock.h"

#include <inttypes.h>
#include <pcre2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSUME_USAGE                                                                            \
    "weir consume TOPIC [--from WHERE] [--count N] [--follow] [--filter REGEX]\n"                \
    "       WHERE: beginning, end, an offset, -N for the last N of each partition, or a time:\n" \
    "              2026-11-21T10:00:00Z, -15m, -2h, @1764000000000"

static const struct option consume_options[] = {
    {"from", "WHERE", "where to begin (default: beginning)"},
    {"count", "N", "stop after so many records"},
    {"follow", NULL, "wait for new records instead of stopping at the end"},
    {"partition", "N", "only this one"},
    {"filter", "REGEX", "only records whose value matches"},
    {"filter-key", "REGEX", "only records whose key matches"},
    {"keys", NULL, "print the key and a tab before each value"},
    {"headers", NULL, "print the headers and a tab before each value"},
    {"format", "FORMAT",
     "as kcat -f: %t topic %p partition %o offset %k key %s value %T time %h "
     "headers \\n"},
    {"uncommitted", NULL, "also records of transactions that are open or were aborted"},
    KAFKA_OPTIONS,
    {NULL, NULL, NULL}};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct consume {
    struct kafka_client client;
    const struct args *args;
    const char *topic, *format;
    bool json, follow;
    int64_t count;     // left to print; -1 = no end
    int64_t last;      // so many of each partition, or 0
    int64_t from;      // offset or RD_KAFKA_OFFSET_...
    int64_t from_ms;   // or a time, when >= 0
    int32_t partition; // -1 = all
    pcre2_code *value_filter, *key_filter;
    pcre2_match_data *match;
    int partitions, ended;
};

// --- where to begin ---

static bool read_from(struct consume *consume, const char *text)
{
    char *end;
    consume->from_ms = -1;
    if (strcmp(text, "beginning") == 0 || strcmp(text, "end") == 0) {
        consume->from = *text == 'b' ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
        return true;
    }
    long long number = strtoll(text, &end, 10);
    if (end != text && *end == '\0') {
        consume->from = number;
        consume->last = number < 0 && number > INT32_MIN ? -number : 0;
        return number >= 0 || consume->last > 0;
    }
    return when_parse(text, clock_now_ms(), &consume->from_ms);
}

static err_t find_start(struct consume *consume, rd_kafka_topic_partition_list_t *list,
                        struct diag *diag)
{
    if (consume->from_ms >= 0)
        TRY(kafka_client_offsets(&consume->client, list, consume->from_ms, diag));
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *one = &list->elems[i];
        if (consume->from_ms >= 0)
            one->offset = one->offset < 0 ? RD_KAFKA_OFFSET_END : one->offset;
        else
            one->offset = consume->last > 0 ? RD_KAFKA_OFFSET_TAIL(consume->last) : consume->from;
    }
    return ERR_OK;
}

static err_t assign(struct consume *consume, struct diag *diag)
{
    const struct rd_kafka_metadata *metadata;
    TRY(kafka_client_metadata(&consume->client, consume->topic, &metadata, diag));
    int count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (consume->partition >= count)
        return FAIL(diag, ERR_NOT_FOUND, "%s has %d partition%s, there is no %d", consume->topic,
                    count, count == 1 ? "" : "s", consume->partition);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++)
        if (consume->partition < 0 || consume->partition == i)
            rd_kafka_topic_partition_list_add(list, consume->topic, i);
    consume->partitions = list->cnt;
    err_t err = find_start(consume, list, diag);
    if (err == ERR_OK) {
        rd_kafka_resp_err_t code = rd_kafka_assign(consume->client.rk, list);
        if (code)
            err = kafka_client_failed(diag, code, NULL, consume->topic);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return err;
}

// --- filters ---

static bool compile(const struct args *args, const char *name, pcre2_code **out)
{
    const char *pattern = args_text(args, name, NULL);
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR words[256];
    if (!pattern)
        return true;
    *out = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &code, &at, NULL);
    if (*out) {
        pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE);
        return true;
    }
    pcre2_get_error_message(code, words, sizeof words);
    fprintf(stderr, "weir consume: --%s is '%s': %s at %zu\n", name, pattern, (const char *)words,
            at);
    return false;
}

static bool matches(struct consume *consume, const pcre2_code *filter, const void *ptr, size_t size)
{
    if (!filter)
        return true;
    if (!ptr)
        return false;
    return pcre2_match(filter, ptr, size, 0, 0, consume->match, NULL) >= 0;
}

// --- printing ---

static void print_record(struct consume *consume, const rd_kafka_message_t *message)
{
    struct str out = {0};
    if (consume->json)
        record_print_json(&out, message);
    else
        record_print_format(&out, consume->format, message);
    fwrite(str_text(&out), 1, out.size, stdout);
    str_release(&out);
}

static void take(struct consume *consume, const rd_kafka_message_t *message)
{
    if (!matches(consume, consume->value_filter, message->payload, message->len) ||
        !matches(consume, consume->key_filter, message->key, message->key_len))
        return;
    print_record(consume, message);
    consume->count -= consume->count > 0;
}

static err_t consume_all(struct consume *consume, struct diag *diag)
{
    while (!interrupted && consume->count != 0 && !ferror(stdout) &&
           (consume->follow || consume->ended < consume->partitions)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consume->client.rk, 200);
        if (!message) {
            fflush(stdout);
            continue;
        }
        err_t err = ERR_OK;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            consume->ended++;
        else if (message->err)
            err = kafka_client_failed(diag, message->err, rd_kafka_message_errstr(message),
                                      consume->topic);
        else
            take(consume, message);
        rd_kafka_message_destroy(message);
        if (err)
            return err;
    }
    fflush(stdout);
    return ERR_OK;
}

// --- the command ---

static int run(struct consume *consume)
{
    const char *const settings[] = {"group.id",
                                    "weir-consume",
                                    "enable.auto.commit",
                                    "false",
                                    "enable.partition.eof",
                                    "true",
                                    "auto.offset.reset",
                                    "error",
                                    "allow.auto.create.topics",
                                    "false",
                                    "isolation.level",
                                    args_flag(consume->args, "uncommitted") ? "read_uncommitted"
                                                                            : "read_committed",
                                    "fetch.wait.max.ms",
                                    consume->follow ? "500" : "10",
                                    NULL};
    struct diag diag = DIAG_INIT;
    if (kafka_client_open(&consume->client, consume->args, RD_KAFKA_CONSUMER, settings, NULL, NULL,
                          &diag))
        return cmd_failed("weir consume", &diag);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    rd_kafka_poll_set_consumer(consume->client.rk);
    err_t err = assign(consume, &diag);
    if (err == ERR_OK)
        err = consume_all(consume, &diag);
    kafka_client_close(&consume->client);
    return err ? cmd_failed("weir consume", &diag) : EXIT_FINE;
}

static bool read_format(struct consume *consume)
{
    const struct args *args = consume->args;
    const char *given = args_text(args, "format", NULL);
    bool keys = args_flag(args, "keys"), headers = args_flag(args, "headers");
    consume->format = given             ? given
                      : keys && headers ? "%k\t%h\t%s\n"
                      : keys            ? "%k\t%s\n"
                      : headers         ? "%h\t%s\n"
                                        : "%s\n";
    const char *wrong = record_format_check(consume->format);
    if (!wrong)
        return true;
    fprintf(stderr,
            "weir consume: --format has '%.2s', expected %%t %%p %%o %%k %%s %%K %%S %%T %%h "
            "%%%% or \\n \\t \\r \\0 \\\\ \\xHH\n",
            wrong);
    return false;
}

int cmd_consume(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir consume", consume_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(CONSUME_USAGE, consume_options);
    bool ok = true;
    const char *from = args_text(&args, "from", "beginning");
    struct consume consume = {.args = &args,
                              .count = args_int(&args, "count", -1, 1, INT64_MAX, &ok),
                              .follow = args_flag(&args, "follow"),
                              .json = args_flag(&args, "json")};
    consume.partition = (int32_t)args_int(&args, "partition", -1, 0, INT32_MAX, &ok);
    if (!read_from(&consume, from)) {
        fprintf(stderr,
                "weir consume: --from is '%s', expected beginning, end, an offset, -N, or a "
                "time as 2026-11-21T10:00:00Z or -15m\n",
                from);
        ok = false;
    }
    int code = EXIT_USAGE;
    consume.match = pcre2_match_data_create(1, NULL);
    ok = ok && read_format(&consume) && compile(&args, "filter", &consume.value_filter) &&
         compile(&args, "filter-key", &consume.key_filter);
    if (ok && args.word_count != 1)
        cmd_usage(CONSUME_USAGE);
    else if (ok) {
        consume.topic = args.words[0];
        code = run(&consume);
    }
    pcre2_code_free(consume.value_filter);
    pcre2_code_free(consume.key_filter);
    pcre2_match_data_free(consume.match);
    return code;
}
