// SPDX-License-Identifier: Apache-2.0
//
// weir produce: lines, JSON or whole files into a topic, over the Kafka protocol, so it works on
// weir and on any other broker. What `weir consume --json` prints, --format json takes.

#include "app/cmd.h"
#include "app/producer.h"
#include "base/mem.h"
#include "os/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRODUCE_USAGE                                                                           \
    "weir produce TOPIC [FILE ...]         one record per line (stdin without FILE)\n"          \
    "       weir produce TOPIC --format json   one JSON object per line: key, value, headers, " \
    "...\n"                                                                                     \
    "       weir produce TOPIC --format file FILE ...   one record per file"

enum { HEADERS_MAX = 64, FILE_MAX_BYTES = 1 << 30 };

static const struct option produce_options[] = {
    {"format", "FORMAT", "lines (default), json, or file"},
    {"key", "TEXT", "the key of every record"},
    {"key-separator", "TEXT", "lines: what stands between key and value (default: no key)"},
    {"header", "KEY=VALUE", "a header of every record; repeatable"},
    {"null", "TEXT", "lines: a value that is this text is null, which deletes the key"},
    {"partition", "N", "write there (default: by key, or spread)"},
    {"acks", "all|1|0", "what counts as written (default: all)"},
    {"compression", "CODEC", "gzip, snappy, lz4 or zstd (default: none)"},
    KAFKA_OPTIONS,
    {NULL, NULL, NULL}};

struct produce {
    const struct args *args;
    struct producer *producer;
    const char *separator, *null_text;
    struct producer_record each; // what all records have
    struct record_header headers[HEADERS_MAX];
    bool json;
};

static bool equals(struct bytes bytes, const char *text)
{
    return text && bytes_is(bytes, text);
}

static bool send_line(struct produce *produce, struct bytes line)
{
    struct producer_record record = produce->each;
    const char *found = produce->separator ? memmem(line.ptr, line.size, produce->separator,
                                                    strlen(produce->separator))
                                           : NULL;
    if (found) {
        size_t key_size = (size_t)(found - (const char *)line.ptr);
        size_t used = key_size + strlen(produce->separator);
        record.key = bytes_make(line.ptr, key_size);
        line = bytes_make(line.ptr + used, line.size - used);
    }
    record.value = equals(line, produce->null_text) ? BYTES_NULL : line;
    return producer_send(produce->producer, &record);
}

// --- JSON ---

// Text as it is, anything else as its JSON; null as null. `*owned` is to be freed.
static struct bytes json_bytes(const json_t *value, char **owned)
{
    *owned = NULL;
    if (!value || json_is_null(value))
        return BYTES_NULL;
    if (json_is_string(value))
        return bytes_make(json_string_value(value), json_string_length(value));
    *owned = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    return bytes_from(*owned);
}

static bool send_object(struct produce *produce, const json_t *object)
{
    struct producer_record record = produce->each;
    struct record_header headers[HEADERS_MAX];
    char *owned[HEADERS_MAX + 2];
    size_t owned_count = 0;
    const char *key;
    json_t *value;
    if (json_object_get(object, "key"))
        record.key = json_bytes(json_object_get(object, "key"), &owned[owned_count++]);
    record.value = json_bytes(json_object_get(object, "value"), &owned[owned_count++]);
    memcpy(headers, produce->headers, record.header_count * sizeof *headers);
    json_object_foreach((json_t *)(uintptr_t)json_object_get(object, "headers"), key, value)
    {
        if (record.header_count == HEADERS_MAX || owned_count == HEADERS_MAX + 2)
            break;
        headers[record.header_count++] =
            (struct record_header){bytes_from(key), json_bytes(value, &owned[owned_count++])};
    }
    record.headers = headers;
    if (json_is_integer(json_object_get(object, "timestamp")))
        record.timestamp_ms = json_integer_value(json_object_get(object, "timestamp"));
    if (record.partition < 0 && json_is_integer(json_object_get(object, "partition")))
        record.partition = (int32_t)json_integer_value(json_object_get(object, "partition"));
    bool sent = producer_send(produce->producer, &record);
    while (owned_count-- > 0)
        free(owned[owned_count]);
    return sent;
}

static bool send_json(struct produce *produce, struct bytes line, int64_t number)
{
    json_error_t where;
    if (line.size == 0)
        return true;
    json_t *object = json_loadb((const char *)line.ptr, line.size, JSON_ALLOW_NUL, &where);
    if (!json_is_object(object)) {
        fprintf(stderr, "weir produce: line %" PRId64 " is no JSON object: %s\n", number,
                object ? "expected {\"key\": ..., \"value\": ...}" : where.text);
        json_decref(object);
        return false;
    }
    bool sent = send_object(produce, object);
    json_decref(object);
    return sent;
}

// --- input ---

static bool send_lines(struct produce *produce, FILE *in)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    bool going = true;
    for (int64_t number = 1; going && (size = getline(&line, &room, in)) >= 0; number++) {
        if (size > 0 && line[size - 1] == '\n')
            line[--size] = '\0';
        struct bytes bytes = bytes_make(line, (size_t)size);
        going = produce->json ? send_json(produce, bytes, number) : send_line(produce, bytes);
    }
    free(line);
    return going;
}

static bool send_file(struct produce *produce, const char *path)
{
    struct str text = {0};
    struct diag diag = DIAG_INIT;
    if (file_read_all(path, FILE_MAX_BYTES, &text, &diag)) {
        cmd_failed("weir produce", &diag);
        return false;
    }
    struct producer_record record = produce->each;
    record.value = str_bytes(&text);
    if (!record.value.ptr)
        record.value = bytes_from("");
    bool sent = producer_send(produce->producer, &record);
    str_release(&text);
    return sent;
}

static bool send_all(struct produce *produce, bool whole)
{
    const struct args *args = produce->args;
    if (args->word_count == 1)
        return send_lines(produce, stdin);
    for (size_t i = 1; i < args->word_count; i++) {
        if (whole) {
            if (!send_file(produce, args->words[i]))
                return false;
            continue;
        }
        FILE *in = fopen(args->words[i], "r");
        if (!in) {
            fprintf(stderr, "weir produce: cannot open %s: %s\n", args->words[i], strerror(errno));
            return false;
        }
        bool sent = send_lines(produce, in);
        fclose(in);
        if (!sent)
            return false;
    }
    return true;
}

// --- the command ---

static bool read_headers(struct produce *produce)
{
    const char *pair;
    for (size_t at = 0; (pair = args_next(produce->args, "header", &at)) != NULL;) {
        const char *mark = strchr(pair, '=');
        if (!mark || produce->each.header_count == HEADERS_MAX) {
            fprintf(stderr, "weir produce: --header is '%s', expected KEY=VALUE, at most %d\n",
                    pair, HEADERS_MAX);
            return false;
        }
        produce->headers[produce->each.header_count++] =
            (struct record_header){bytes_make(pair, (size_t)(mark - pair)), bytes_from(mark + 1)};
    }
    produce->each.headers = produce->headers;
    return true;
}

static int run(struct produce *produce, const struct producer_options *options, bool whole)
{
    struct diag diag = DIAG_INIT;
    int64_t written = 0;
    if (producer_open(&produce->producer, produce->args, options, &diag))
        return cmd_failed("weir produce", &diag);
    bool sent = send_all(produce, whole);
    err_t err = producer_close(produce->producer, &written, &diag);
    if (args_flag(produce->args, "json"))
        printf("{\"topic\": \"%s\", \"records\": %" PRId64 "}\n", options->topic, written);
    else
        fprintf(stderr, "%" PRId64 " record%s written to %s\n", written, written == 1 ? "" : "s",
                options->topic);
    if (err)
        return cmd_failed("weir produce", &diag);
    return sent ? EXIT_FINE : EXIT_FAILED;
}

int cmd_produce(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir produce", produce_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(PRODUCE_USAGE, produce_options);
    bool ok = true;
    const char *format = args_text(&args, "format", "lines");
    const char *acks = args_text(&args, "acks", "all");
    bool whole = strcmp(format, "file") == 0;
    struct produce produce = {.args = &args,
                              .separator = args_text(&args, "key-separator", NULL),
                              .null_text = args_text(&args, "null", NULL),
                              .json = strcmp(format, "json") == 0};
    produce.each.partition = (int32_t)args_int(&args, "partition", -1, 0, INT32_MAX, &ok);
    if (args_flag(&args, "key"))
        produce.each.key = bytes_from(args_text(&args, "key", ""));
    if (!whole && !produce.json && strcmp(format, "lines") != 0) {
        fprintf(stderr, "weir produce: --format is '%s', expected lines, json or file\n", format);
        ok = false;
    }
    if (strcmp(acks, "all") != 0 && strcmp(acks, "1") != 0 && strcmp(acks, "0") != 0) {
        fprintf(stderr, "weir produce: --acks is '%s', expected all, 1 or 0\n", acks);
        ok = false;
    }
    if (!ok || !read_headers(&produce))
        return EXIT_USAGE;
    if (args.word_count == 0 || (whole && args.word_count == 1))
        return cmd_usage(PRODUCE_USAGE);
    struct producer_options options = {.topic = args.words[0],
                                       .acks = acks,
                                       .compression = args_text(&args, "compression", NULL),
                                       .progress = true};
    return run(&produce, &options, whole);
}
