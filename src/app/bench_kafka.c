// SPDX-License-Identifier: Apache-2.0
//
// Produce and consume through librdkafka: with its default batching, with one request in flight at
// a time, and at a steady rate without lingering. Works against any broker (--brokers), so the real
// one is measured with the same client. Records go to the partitions in turn.

#include "app/bench.h"
#include "app/producer.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"

#include <librdkafka/rdkafka.h>

#define PATIENCE_MS 120000

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

// Makes the topic unless it is there.
static err_t make_topic(const struct bench *bench, rd_kafka_t *kafka, struct diag *diag)
{
    char error[256];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(bench->topic, (int)bench->partitions, 1, error, sizeof error);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
    rd_kafka_CreateTopics(kafka, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PATIENCE_MS);
    const rd_kafka_CreateTopics_result_t *result =
        event ? rd_kafka_event_CreateTopics_result(event) : NULL;
    size_t count = 0;
    const rd_kafka_topic_result_t *const *topics =
        result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
    rd_kafka_resp_err_t err =
        count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    if (err && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return FAIL(diag, ERR_IO, "cannot make topic %s: %s", bench->topic, rd_kafka_err2str(err));
    return ERR_OK;
}

static void send_one(const struct bench *bench, rd_kafka_t *kafka, int64_t number,
                     const char *value)
{
    for (;;) {
        rd_kafka_resp_err_t err =
            rd_kafka_producev(kafka, RD_KAFKA_V_TOPIC(bench->topic),
                              RD_KAFKA_V_PARTITION((int32_t)(number % bench->partitions)),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)value, (size_t)bench->size),
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
    err_t made = make_topic(bench, kafka, diag);
    int64_t cpu_us = bench_cpu_us(bench), started_us = clock_mono_us();
    for (int64_t i = 0; i < bench->count && made == ERR_OK; i++) {
        send_one(bench, kafka, i, value);
        if ((i & 255) == 0)
            rd_kafka_poll(kafka, 0);
    }
    rd_kafka_flush(kafka, PATIENCE_MS);
    double seconds = (double)(clock_mono_us() - started_us) / 1e6;
    rd_kafka_destroy(kafka);
    TRY(made);
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

struct poller {
    struct thread thread;
    rd_kafka_t *kafka;
    _Atomic bool stop;
};

// Deliveries are told while the sender waits for the time of its next record.
static void poll_deliveries(void *ctx)
{
    struct poller *poller = ctx;
    while (!poller->stop)
        rd_kafka_poll(poller->kafka, 100);
}

static void send_paced(const struct bench *bench, rd_kafka_t *kafka, const char *value)
{
    struct poller poller = {.kafka = kafka};
    thread_start(&poller.thread, "deliveries", poll_deliveries, &poller);
    int64_t started_us = clock_mono_us();
    for (int64_t i = 0; i < bench->count; i++) {
        int64_t left_us = started_us + i * 1000000 / bench->rate - clock_mono_us();
        if (left_us > 0)
            clock_sleep_us(left_us);
        send_one(bench, kafka, i, value);
    }
    poller.stop = true;
    thread_join(&poller.thread);
}

static void send_single(const struct bench *bench, rd_kafka_t *kafka, const char *value,
                        const struct counter *counter)
{
    int64_t end_us = clock_mono_us() + PATIENCE_MS * 1000;
    for (int64_t i = 0; i < bench->count && counter->done == i; i++) {
        send_one(bench, kafka, i, value);
        while (counter->done <= i && clock_mono_us() < end_us)
            rd_kafka_poll(kafka, 1000);
    }
}

// A record to every partition: connections and metadata are there when the clock starts.
static void warm_up(const struct bench *bench, rd_kafka_t *kafka, const char *value,
                    struct counter *counter)
{
    int64_t *latencies_us = counter->latencies_us;
    counter->latencies_us = NULL;
    for (int64_t i = 0; i < bench->partitions; i++)
        send_one(bench, kafka, i, value);
    rd_kafka_flush(kafka, PATIENCE_MS);
    counter->done = 0;
    counter->latencies_us = latencies_us;
}

static err_t produce_timed(struct bench *bench, const char *name, bool paced, const char *value,
                           int64_t *latencies_us, struct diag *diag)
{
    static const char *const settings[][2] = {{"acks", "all"}, {"linger.ms", "0"}, {NULL, NULL}};
    struct counter counter = {.latencies_us = latencies_us};
    rd_kafka_t *kafka = open_client(RD_KAFKA_PRODUCER, bench->args, settings, &counter, diag);
    if (!kafka)
        return diag->code;
    err_t made = make_topic(bench, kafka, diag);
    if (made == ERR_OK)
        warm_up(bench, kafka, value, &counter);
    int64_t cpu_us = bench_cpu_us(bench), started_us = clock_mono_us();
    if (made == ERR_OK && paced)
        send_paced(bench, kafka, value);
    else if (made == ERR_OK)
        send_single(bench, kafka, value, &counter);
    rd_kafka_flush(kafka, PATIENCE_MS);
    double seconds = (double)(clock_mono_us() - started_us) / 1e6;
    rd_kafka_destroy(kafka);
    TRY(made);
    if (counter.failed || counter.done < bench->count)
        return FAIL(diag, ERR_IO, "not all records were written");
    bench_result(bench, name, (double)bench->count / seconds, "requests/s");
    bench_cpu(bench, name, cpu_us, bench->count);
    bench_latencies(bench, name, latencies_us, (size_t)bench->count);
    return ERR_OK;
}

static err_t bench_timed(struct bench *bench, const char *name, bool paced, struct diag *diag)
{
    char *value = mem_alloc((size_t)bench->size);
    int64_t *latencies_us = mem_alloc((size_t)bench->count * sizeof *latencies_us);
    memset(value, 'x', (size_t)bench->size);
    err_t err = produce_timed(bench, name, paced, value, latencies_us, diag);
    mem_free(latencies_us);
    mem_free(value);
    return err;
}

err_t bench_single(struct bench *bench, struct diag *diag)
{
    return bench_timed(bench, "produce_one_in_flight", false, diag);
}

err_t bench_paced(struct bench *bench, struct diag *diag)
{
    return bench_timed(bench, "produce_paced", true, diag);
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
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)bench->partitions);
    for (int32_t p = 0; p < bench->partitions; p++)
        rd_kafka_topic_partition_list_add(list, bench->topic, p)->offset = 0;
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
