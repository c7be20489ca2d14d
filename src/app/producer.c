// SPDX-License-Identifier: Apache-2.0
#include "app/producer.h"

#include "base/mem.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>

#define FLUSH_MS 60000

struct producer {
    rd_kafka_t *kafka;
    char *topic;
    int64_t written, failed;
    char error[256];
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
    snprintf(producer->error, sizeof producer->error, "%s", rd_kafka_err2str(err));
}

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *ctx)
{
    (void)kafka;
    struct producer *producer = ctx;
    if (message->err)
        note_failure(producer, message->err);
    else
        producer->written++;
}

err_t producer_open(struct producer **out, const struct args *args, const char *topic,
                    struct diag *diag)
{
    char brokers[256], error[512];
    TRY(producer_brokers(args, brokers, sizeof brokers, diag));
    struct producer *producer = MEM_NEW(struct producer);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "5", NULL, 0);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, producer);
    producer->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (!producer->kafka) {
        rd_kafka_conf_destroy(conf);
        mem_free(producer);
        return FAIL(diag, ERR_IO, "%s", error);
    }
    producer->topic = mem_strdup(topic);
    *out = producer;
    return ERR_OK;
}

void producer_send(struct producer *producer, struct bytes key, struct bytes value)
{
    for (;;) {
        rd_kafka_resp_err_t err =
            rd_kafka_producev(producer->kafka, RD_KAFKA_V_TOPIC(producer->topic),
                              RD_KAFKA_V_KEY((void *)(uintptr_t)key.ptr, key.size),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)value.ptr, value.size),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            if (err)
                note_failure(producer, err);
            break;
        }
        rd_kafka_poll(producer->kafka, 100);
    }
    rd_kafka_poll(producer->kafka, 0);
}

err_t producer_close(struct producer *producer, int64_t *written, struct diag *diag)
{
    rd_kafka_flush(producer->kafka, FLUSH_MS);
    int64_t left = producer->failed + rd_kafka_outq_len(producer->kafka);
    err_t err = ERR_OK;
    if (left > 0)
        err = FAIL(diag, ERR_IO, "%" PRId64 " records not written to %s: %s", left, producer->topic,
                   producer->error[0] ? producer->error : "the broker did not answer in 60 s");
    *written = producer->written;
    rd_kafka_destroy(producer->kafka);
    mem_free(producer->topic);
    mem_free(producer);
    return err;
}
