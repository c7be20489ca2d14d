// SPDX-License-Identifier: Apache-2.0
#include "app/producer.h"

#include "base/mem.h"
#include "os/clock.h"

#include <inttypes.h>
#include <unistd.h>

enum { FLUSH_MS = 60000, FLUSH_STEP_MS = 200, PROGRESS_US = 500000 };

struct producer {
    struct kafka_client client;
    char *topic;
    int64_t written, failed;
    char error[256];
    bool progress;
    int64_t shown_us;
};

err_t producer_brokers(const struct args *args, char *out, size_t size, struct diag *diag)
{
    const char *given = args_text(args, "brokers", NULL);
    struct client client;
    if (given) {
        snprintf(out, size, "%s", given);
        return ERR_OK;
    }
    TRY(client_find(&client, args, diag));
    snprintf(out, size, "%s", client.kafka);
    return ERR_OK;
}

static void note_failure(struct producer *producer, rd_kafka_resp_err_t err)
{
    producer->failed++;
    snprintf(producer->error, sizeof producer->error, "%s",
             err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC       ? "there is no such topic"
             : err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ? "there is no such partition"
                                                           : rd_kafka_err2str(err));
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *ctx)
{
    (void)rk, (void)ctx;
    struct producer *producer = message->_private;
    if (message->err)
        note_failure(producer, message->err);
    else
        producer->written++;
}

static void configure(rd_kafka_conf_t *conf, void *ctx)
{
    (void)ctx;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

err_t producer_open(struct producer **out, const struct args *args,
                    const struct producer_options *options, struct diag *diag)
{
    const char *acks = options->acks ? options->acks : "all";
    const char *const settings[] = {"linger.ms",
                                    "5",
                                    "acks",
                                    acks,
                                    "enable.idempotence",
                                    strcmp(acks, "all") == 0 || strcmp(acks, "-1") == 0 ? "true"
                                                                                        : "false",
                                    "compression.type",
                                    options->compression ? options->compression : "none",
                                    NULL};
    struct producer *producer = MEM_NEW(struct producer);
    err_t err = kafka_client_open(&producer->client, args, RD_KAFKA_PRODUCER, settings, configure,
                                  NULL, diag);
    if (err != ERR_OK) {
        mem_free(producer);
        return err;
    }
    producer->topic = mem_strdup(options->topic);
    producer->progress = options->progress && isatty(2);
    producer->shown_us = clock_mono_us();
    *out = producer;
    return ERR_OK;
}

static void show(struct producer *producer, bool last)
{
    int64_t now_us = clock_mono_us();
    if (!producer->progress || (!last && now_us - producer->shown_us < PROGRESS_US))
        return;
    producer->shown_us = now_us;
    if (last)
        fputs("\r\033[K", stderr);
    else
        fprintf(stderr, "\r%" PRId64 " records written", producer->written);
}

static rd_kafka_headers_t *headers_of(const struct producer_record *record)
{
    if (record->header_count == 0)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++)
        rd_kafka_header_add(headers, (const char *)record->headers[i].key.ptr,
                            (ssize_t)record->headers[i].key.size, record->headers[i].value.ptr,
                            (ssize_t)record->headers[i].value.size);
    return headers;
}

bool producer_send(struct producer *producer, const struct producer_record *record)
{
    for (;;) {
        rd_kafka_headers_t *headers = headers_of(record);
        rd_kafka_resp_err_t err = rd_kafka_producev(
            producer->client.rk, RD_KAFKA_V_TOPIC(producer->topic),
            RD_KAFKA_V_PARTITION(record->partition),
            RD_KAFKA_V_KEY((void *)(uintptr_t)record->key.ptr, record->key.size),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.ptr, record->value.size),
            RD_KAFKA_V_TIMESTAMP(record->timestamp_ms), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_OPAQUE(producer), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (err && headers)
            rd_kafka_headers_destroy(headers);
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            if (err)
                note_failure(producer, err);
            break;
        }
        rd_kafka_poll(producer->client.rk, 100);
    }
    rd_kafka_poll(producer->client.rk, 0);
    show(producer, false);
    return producer->failed == 0;
}

err_t producer_close(struct producer *producer, int64_t *written, struct diag *diag)
{
    rd_kafka_t *rk = producer->client.rk;
    int64_t moved_us = clock_mono_us(), before = producer->written;
    while (rd_kafka_flush(rk, FLUSH_STEP_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        show(producer, false);
        if (producer->written != before)
            moved_us = clock_mono_us();
        before = producer->written;
        if (clock_mono_us() - moved_us > FLUSH_MS * 1000LL)
            break;
    }
    show(producer, true);
    int64_t left = producer->failed + rd_kafka_outq_len(rk);
    err_t err = ERR_OK;
    if (left > 0)
        err = FAIL(diag, ERR_IO, "%" PRId64 " record%s not written to %s: %s", left,
                   left == 1 ? "" : "s", producer->topic,
                   producer->error[0] ? producer->error : "the broker did not answer in 60 s");
    *written = producer->written;
    kafka_client_close(&producer->client);
    mem_free(producer->topic);
    mem_free(producer);
    return err;
}
