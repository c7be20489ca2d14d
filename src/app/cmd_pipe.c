// SPDX-License-Identifier: Apache-2.0
//
// weir produce, weir consume: lines in, lines out, over the Kafka protocol with librdkafka, so they
// work on weir and on any other broker (--brokers).

#include "app/cmd.h"
#include "app/producer.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

// --- produce ---

#define PRODUCE_USAGE "weir produce TOPIC [--key-separator TEXT] < lines"

static const struct option produce_options[] = {
    {"key-separator", "TEXT", "what stands between key and value on a line (default: no key)"},
    {"brokers", "LIST", "host:port,... instead of the running weir"},
    CLIENT_OPTIONS,
    {NULL, NULL, NULL}};

static void produce_line(struct producer *producer, struct bytes line, const char *separator)
{
    const char *found = separator ? strstr((const char *)line.ptr, separator) : NULL;
    struct bytes key = BYTES_NULL;
    if (found) {
        size_t key_size = (size_t)(found - (const char *)line.ptr);
        size_t used = key_size + strlen(separator);
        key = bytes_make(line.ptr, key_size);
        line = bytes_make(line.ptr + used, line.size - used);
    }
    producer_send(producer, key, line);
}

int cmd_produce(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir produce", produce_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(PRODUCE_USAGE, produce_options);
    if (args.word_count != 1)
        return cmd_usage(PRODUCE_USAGE);
    struct diag diag = DIAG_INIT;
    struct producer *producer = NULL;
    if (producer_open(&producer, &args, args.words[0], &diag))
        return cmd_failed("weir produce", &diag);
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) >= 0) {
        if (size > 0 && line[size - 1] == '\n')
            line[--size] = '\0';
        produce_line(producer, bytes_make(line, (size_t)size),
                     args_text(&args, "key-separator", NULL));
    }
    free(line);
    int64_t written = 0;
    err_t err = producer_close(producer, &written, &diag);
    fprintf(stderr, "%" PRId64 " records written to %s\n", written, args.words[0]);
    return err ? cmd_failed("weir produce", &diag) : EXIT_FINE;
}

// --- consume ---

#define CONSUME_USAGE "weir consume TOPIC [--count N] [--from beginning|end|OFFSET] [--follow]"

static const struct option consume_options[] = {
    {"count", "N", "stop after so many records"},
    {"from", "WHERE", "beginning (default), end, or an offset in each partition"},
    {"follow", NULL, "wait for new records instead of stopping at the end"},
    {"keys", NULL, "print the key and a tab before each value"},
    {"brokers", "LIST", "host:port,... instead of the running weir"},
    CLIENT_OPTIONS,
    {NULL, NULL, NULL}};

struct consume {
    const char *topic;
    int64_t count, from;
    bool follow, keys, json;
    int partitions;
    int ended;
};

static void print_json_bytes(struct str *out, const char *name, const void *ptr, size_t size)
{
    str_printf(out, ",\"%s\":", name);
    if (ptr)
        str_append_json(out, bytes_make(ptr, size));
    else
        str_append_text(out, "null");
}

static void print_record(const struct consume *consume, const rd_kafka_message_t *message)
{
    if (!consume->json) {
        if (consume->keys) {
            fwrite(message->key, 1, message->key_len, stdout);
            putchar('\t');
        }
        fwrite(message->payload, 1, message->len, stdout);
        putchar('\n');
        return;
    }
    struct str out = {0};
    rd_kafka_timestamp_type_t type;
    str_printf(&out, "{\"partition\":%d,\"offset\":%" PRId64 ",\"timestamp\":%" PRId64,
               message->partition, message->offset, rd_kafka_message_timestamp(message, &type));
    print_json_bytes(&out, "key", message->key, message->key_len);
    print_json_bytes(&out, "value", message->payload, message->len);
    str_append_byte(&out, '}');
    puts(str_text(&out));
    str_release(&out);
}

static bool assign(rd_kafka_t *kafka, struct consume *consume)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka, consume->topic, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(kafka, 0, topic, &metadata, 10000);
    if (!err && metadata->topic_cnt == 1)
        err = metadata->topics[0].err;
    if (err) {
        fprintf(stderr, "weir consume: %s: %s\n", consume->topic, rd_kafka_err2str(err));
    } else {
        consume->partitions = metadata->topics[0].partition_cnt;
        rd_kafka_topic_partition_list_t *list =
            rd_kafka_topic_partition_list_new(consume->partitions);
        for (int i = 0; i < consume->partitions; i++)
            rd_kafka_topic_partition_list_add(list, consume->topic, i)->offset = consume->from;
        err = rd_kafka_assign(kafka, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    return !err;
}

static int consume_all(rd_kafka_t *kafka, struct consume *consume)
{
    while (!interrupted && consume->count != 0 &&
           (consume->follow || consume->ended < consume->partitions)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 200);
        if (!message) {
            fflush(stdout);
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            consume->ended++;
        } else if (message->err) {
            fprintf(stderr, "weir consume: %s\n", rd_kafka_message_errstr(message));
            rd_kafka_message_destroy(message);
            return EXIT_FAILED;
        } else {
            print_record(consume, message);
            consume->count -= consume->count > 0;
        }
        rd_kafka_message_destroy(message);
    }
    return EXIT_FINE;
}

static rd_kafka_t *consumer_open(const struct args *args, struct diag *diag)
{
    static const char *const settings[][2] = {{"group.id", "weir-consume"},
                                              {"enable.auto.commit", "false"},
                                              {"enable.partition.eof", "true"},
                                              {"allow.auto.create.topics", "false"}};
    char brokers[256], error[512];
    if (producer_brokers(args, brokers, sizeof brokers, diag))
        return NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        rd_kafka_conf_set(conf, settings[i][0], settings[i][1], NULL, 0);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!kafka) {
        (void)FAIL(diag, ERR_IO, "%s", error);
        rd_kafka_conf_destroy(conf);
    }
    return kafka;
}

static bool parse_from(const char *text, int64_t *out)
{
    char *end = NULL;
    if (strcmp(text, "beginning") == 0)
        *out = RD_KAFKA_OFFSET_BEGINNING;
    else if (strcmp(text, "end") == 0)
        *out = RD_KAFKA_OFFSET_END;
    else
        *out = strtoll(text, &end, 10);
    return !end || (*end == '\0' && end != text && *out >= 0);
}

int cmd_consume(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir consume", consume_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(CONSUME_USAGE, consume_options);
    bool ok = true;
    struct consume consume = {.count = args_int(&args, "count", -1, 1, INT64_MAX, &ok),
                              .follow = args_flag(&args, "follow"),
                              .keys = args_flag(&args, "keys"),
                              .json = args_flag(&args, "json")};
    if (!ok)
        return EXIT_USAGE;
    if (args.word_count != 1 || !parse_from(args_text(&args, "from", "beginning"), &consume.from))
        return cmd_usage(CONSUME_USAGE);
    consume.topic = args.words[0];
    struct diag diag = DIAG_INIT;
    rd_kafka_t *kafka = consumer_open(&args, &diag);
    if (!kafka)
        return cmd_failed("weir consume", &diag);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    rd_kafka_poll_set_consumer(kafka);
    int code = assign(kafka, &consume) ? consume_all(kafka, &consume) : EXIT_FAILED;
    rd_kafka_destroy(kafka);
    return code;
}
