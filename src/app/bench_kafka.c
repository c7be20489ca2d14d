// SPDX-License-Identifier: Apache-2.0
//
// Produce and consume through librdkafka with its default batching, and one request in flight at a
// time; works against any broker (--brokers), so the real one is measured with the same client.

#include "app/bench.h"
#include "app/producer.h"
#include "base/mem.h"
#include "os/clock.h"

#include <librdkafka/rdkafka.h>

#define TOPIC "weir-bench"

struct counter {
    int64_t done, failed;
    int64_t *latencies_us; // may be NULL
};

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *ctx)
{
    (void)kafka;
    struct counter *counter = ctx;
    if (message->err)
        counter->failed++;
    else if (counter->latencies_us)
        counter->latencies_us[counter->done] =
            clock_mono_us() - (int64_t)(intptr_t)message->_private;
    counter->done++;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, const struct args *args,
                               const char *const (*settings)[2], struct counter *counter,
                               struct diag *diag)
{
    char brokers[256], error[512];
    if (producer_brokers(args, brokers, sizeof brokers, diag))
        return NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    for (; (*settings)[0]; settings++)
        rd_kafka_conf_set(conf, (*settings)[0], (*settings)[1], NULL, 0);
    if (counter) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        rd_kafka_conf_set_opaque(conf, counter);
    }
    rd_kafka_t *kafka = rd_kafka_new(type, conf, error, sizeof error);
    if (!kafka) {
        (void)FAIL(diag, ERR_IO, "%s", error);
        rd_kafka_conf_destroy(conf);
    }
    return kafka;
}

static void send_one(rd_kafka_t *kafka, const char *value, size_t size)
{
    for (;;) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            kafka, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_VALUE((void *)(uintptr_t)value, size),
            RD_KAFKA_V_OPAQUE((void *)(intptr_t)clock_mono_us()),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return;
        rd_kafka_poll(kafka, 10);
    }
}

static err_t produce_batched(struct bench *bench, const char *value, struct diag *diag)
{
    static const char *const settings[][2] = {
        {"acks", "all"}, {"queue.buffering.max.kbytes", "262144"}, {NULL, NULL}};
    struct counter counter = {0};
    rd_kafka_t *kafka = open_client(RD_KAFKA_PRODUCER, bench->args, settings, &counter, diag);
    if (!kafka)
        return diag->code;
    int64_t cpu_us = bench_cpu_us(bench), started_us = clock_mono_us();
    for (int64_t i = 0; i < bench->count; i++) {
        send_one(kafka, value, (size_t)bench->size);
        if ((i & 255) == 0)
            rd_kafka_poll(kafka, 0);
    }
    rd_kafka_flush(kafka, 120000);
    double seconds = (double)(clock_mono_us() - started_us) / 1e6;
    rd_kafka_destroy(kafka);
    if (counter.failed || counter.done < bench->count)
        return FAIL(diag, ERR_IO, "not all records were written");
    bench_result(bench, "produce_acks_all", (double)bench->count / seconds, "records/s");
    bench_cpu(bench, "produce", cpu_us, bench->count);
    return ERR_OK;
}

err_t bench_produce(struct bench *bench, struct diag *diag)
{
    char *value = mem_alloc((size_t)bench->size);
    memset(value, 'x', (size_t)bench->size);
    err_t err = produce_batched(bench, value, diag);
    mem_free(value);
    return err;
}

static err_t produce_single(struct bench *bench, const char *value, int64_t *latencies_us,
                            struct diag *diag)
{
    static const char *const settings[][2] = {{"acks", "all"}, {"linger.ms", "0"}, {NULL, NULL}};
    struct counter counter = {.latencies_us = latencies_us};
    rd_kafka_t *kafka = open_client(RD_KAFKA_PRODUCER, bench->args, settings, &counter, diag);
    if (!kafka)
        return diag->code;
    int64_t cpu_us = bench_cpu_us(bench), started_us = clock_mono_us();
    for (int64_t i = 0; i < bench->count && counter.done == i; i++) {
        send_one(kafka, value, (size_t)bench->size);
        while (counter.done <= i && clock_mono_us() - started_us < 120000000)
            rd_kafka_poll(kafka, 1000);
    }
    double seconds = (double)(clock_mono_us() - started_us) / 1e6;
    rd_kafka_destroy(kafka);
    if (counter.failed || counter.done < bench->count)
        return FAIL(diag, ERR_IO, "not all records were written");
    bench_result(bench, "produce_one_in_flight", (double)bench->count / seconds, "requests/s");
    bench_cpu(bench, "produce_one_in_flight", cpu_us, bench->count);
    bench_latencies(bench, "produce_one_in_flight", latencies_us, (size_t)bench->count);
    return ERR_OK;
}

err_t bench_single(struct bench *bench, struct diag *diag)
{
    char *value = mem_alloc((size_t)bench->size);
    int64_t *latencies_us = mem_alloc((size_t)bench->count * sizeof *latencies_us);
    memset(value, 'x', (size_t)bench->size);
    err_t err = produce_single(bench, value, latencies_us, diag);
    mem_free(latencies_us);
    mem_free(value);
    return err;
}

err_t bench_consume(struct bench *bench, struct diag *diag)
{
    static const char *const settings[][2] = {{"group.id", "weir-bench"},
                                              {"enable.auto.commit", "false"},
                                              {"queued.min.messages", "1000000"},
                                              {"check.crcs", "false"},
                                              {NULL, NULL}};
    rd_kafka_t *kafka = open_client(RD_KAFKA_CONSUMER, bench->args, settings, NULL, diag);
    if (!kafka)
        return diag->code;
    rd_kafka_poll_set_consumer(kafka);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, TOPIC, 0)->offset = 0;
    int64_t cpu_us = bench_cpu_us(bench), started_us = clock_mono_us(), got = 0;
    rd_kafka_assign(kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(kafka);
    rd_kafka_message_t *messages[1000];
    while (got < bench->count) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, 10000, messages, 1000);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++) {
            got += !messages[i]->err;
            rd_kafka_message_destroy(messages[i]);
        }
    }
    double seconds = (double)(clock_mono_us() - started_us) / 1e6;
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    if (got < bench->count)
        return FAIL(diag, ERR_TIMEOUT, "only %lld records came; run `weir bench produce` first",
                    (long long)got);
    bench_result(bench, "consume", (double)got / seconds, "records/s");
    bench_cpu(bench, "consume", cpu_us, got);
    return ERR_OK;
}
