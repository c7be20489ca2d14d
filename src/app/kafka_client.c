// SPDX-License-Identifier: Apache-2.0
//
// The running weir is reached through the socket in its data directory where there is one: it needs
// no password there, whatever its listeners ask for.
#include "app/kafka_client.h"

#include "os/clock.h"
#include "os/file.h"
#include "os/socket.h"
#include "os/terminal.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LOCAL_SOCKET "admin.sock"

enum { TRY_MS = 1000 };

const char *const kafka_client_asks[] = {"allow.auto.create.topics", "false", NULL};

// --- connecting ---

// librdkafka would write these to stderr, from any of its threads; the first tells why nobody
// answers.
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct kafka_client *client = rd_kafka_opaque(rk);
    (void)level;
    if (!client || strcmp(facility, "FAIL") != 0 || atomic_exchange(&client->fails, true))
        return;
    const char *why = strstr(text, "failed: ");
    if (!why)
        why = strstr(text, ": ");
    snprintf(client->trouble, sizeof client->trouble, "%s", why ? strchr(why, ' ') + 1 : text);
    char *state = strstr(client->trouble, " (after");
    if (state)
        *state = '\0';
    client->troubled = true;
}

static int local_socket(int domain, int type, int protocol, void *opaque)
{
    struct kafka_client *client = opaque;
    int fd;
    (void)domain, (void)type, (void)protocol;
    return socket_connect_at(&fd, client->weir.log_dir, LOCAL_SOCKET, NULL) == ERR_OK ? fd : -1;
}

static int local_connect(int fd, const struct sockaddr *address, int size, const char *id,
                         void *opaque)
{
    (void)fd, (void)address, (void)size, (void)id, (void)opaque;
    return 0; // it is connected
}

static err_t set(rd_kafka_conf_t *conf, const char *key, const char *value, struct diag *diag)
{
    char error[256];
    if (rd_kafka_conf_set(conf, key, value, error, sizeof error) != RD_KAFKA_CONF_OK)
        return FAIL(diag, ERR_INVALID, "%s", error);
    return ERR_OK;
}

static err_t set_properties(rd_kafka_conf_t *conf, const struct args *args, struct diag *diag)
{
    const char *pair;
    for (size_t at = 0; (pair = args_next(args, "property", &at)) != NULL;) {
        char key[128];
        const char *equals = strchr(pair, '=');
        if (!equals)
            return FAIL(diag, ERR_INVALID, "--property is '%s', expected KEY=VALUE", pair);
        snprintf(key, sizeof key, "%.*s", (int)(equals - pair), pair);
        TRY(set(conf, key, equals + 1, diag));
    }
    return ERR_OK;
}

static err_t set_user(rd_kafka_conf_t *conf, const char *user, struct diag *diag)
{
    const char *password = getenv("WEIR_PASSWORD");
    if (!password)
        TRY(terminal_password("password: ", &password, diag));
    TRY(set(conf, "sasl.mechanism", "SCRAM-SHA-256", diag));
    TRY(set(conf, "sasl.username", user, diag));
    return set(conf, "sasl.password", password, diag);
}

// --user and --tls-ca, in librdkafka's words.
static err_t set_access(rd_kafka_conf_t *conf, const struct args *args, struct diag *diag)
{
    const char *user = args_text(args, "user", NULL), *ca = args_text(args, "tls-ca", NULL);
    if (!user && !ca)
        return ERR_OK;
    if (!args_text(args, "brokers", NULL))
        return FAIL(diag, ERR_INVALID,
                    "%s needs --brokers: the running weir is reached without signing in",
                    user ? "--user" : "--tls-ca");
    TRY(set(conf, "security.protocol", !user ? "SSL" : ca ? "SASL_SSL" : "SASL_PLAINTEXT", diag));
    if (ca)
        TRY(set(conf, "ssl.ca.location", ca, diag));
    return user ? set_user(conf, user, diag) : ERR_OK;
}

static err_t find(struct kafka_client *client, const struct args *args, struct diag *diag)
{
    const char *given = args_text(args, "brokers", NULL);
    client->own = !given;
    if (given) {
        snprintf(client->brokers, sizeof client->brokers, "%s", given);
        return ERR_OK;
    }
    TRY(client_find(&client->weir, args, diag));
    snprintf(client->brokers, sizeof client->brokers, "%s", client->weir.kafka);
    return ERR_OK;
}

bool kafka_client_is_local(const struct kafka_client *client)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", client->weir.log_dir, LOCAL_SOCKET);
    return client->own && client->weir.log_dir[0] && file_exists(path);
}

// Waits for the first answer, but not long where nobody listens.
static err_t first_answer(struct kafka_client *client, struct diag *diag)
{
    int64_t end_us = clock_mono_us() + KAFKA_TIMEOUT_MS * 1000LL;
    rd_kafka_resp_err_t err;
    do {
        const struct rd_kafka_metadata *metadata;
        err = rd_kafka_metadata(client->rk, 0, NULL, &metadata, TRY_MS);
        if (!err) {
            rd_kafka_metadata_destroy(metadata);
            return ERR_OK;
        }
    } while (clock_mono_us() < end_us && !client->troubled);
    return FAIL(diag, ERR_IO, "no Kafka answers at %s: %s", client->brokers,
                client->troubled ? client->trouble : rd_kafka_err2str(err));
}

err_t kafka_client_open(struct kafka_client *client, const struct args *args, rd_kafka_type_t type,
                        const char *const *settings,
                        void (*configure)(rd_kafka_conf_t *conf, void *ctx), void *ctx,
                        struct diag *diag)
{
    char error[256], patience[16];
    memset(client, 0, sizeof *client);
    snprintf(patience, sizeof patience, "%d", KAFKA_TIMEOUT_MS);
    TRY(find(client, args, diag));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (kafka_client_is_local(client)) {
        rd_kafka_conf_set_socket_cb(conf, local_socket);
        rd_kafka_conf_set_connect_cb(conf, local_connect);
    }
    err_t err = set(conf, "bootstrap.servers", client->brokers, diag);
    if (err == ERR_OK)
        err = set(conf, "client.id", "weir", diag);
    if (err == ERR_OK) // otherwise it gives up after 10 s
        err = set(conf, "api.version.request.timeout.ms", patience, diag);
    for (; settings && settings[0] && err == ERR_OK; settings += 2)
        err = set(conf, settings[0], settings[1], diag);
    if (err == ERR_OK)
        err = set_access(conf, args, diag);
    if (err == ERR_OK)
        err = set_properties(conf, args, diag);
    if (err != ERR_OK) {
        rd_kafka_conf_destroy(conf);
        return err;
    }
    if (configure)
        configure(conf, ctx);
    client->rk = rd_kafka_new(type, conf, error, sizeof error);
    if (!client->rk) {
        rd_kafka_conf_destroy(conf);
        return FAIL(diag, ERR_INVALID, "%s", error);
    }
    client->queue = rd_kafka_queue_new(client->rk);
    err = first_answer(client, diag);
    if (err != ERR_OK)
        kafka_client_close(client);
    return err;
}

void kafka_client_close(struct kafka_client *client)
{
    if (client->queue)
        rd_kafka_queue_destroy(client->queue);
    if (client->rk)
        rd_kafka_destroy(client->rk);
    client->queue = NULL;
    client->rk = NULL;
}

// --- asking ---

err_t kafka_client_failed(struct diag *diag, rd_kafka_resp_err_t code, const char *words,
                          const char *what)
{
    err_t err = ERR_INVALID;
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        err = ERR_IO;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        err = ERR_NOT_FOUND;
    const char *text = words && words[0] ? words : rd_kafka_err2str(code);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        text = "there is no such topic or partition";
    if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        text = "there is no such group";
    return FAIL(diag, err, "%s: %s", what, text);
}

err_t kafka_client_metadata(struct kafka_client *client, const char *topic,
                            const struct rd_kafka_metadata **out, struct diag *diag)
{
    rd_kafka_topic_t *one = topic ? rd_kafka_topic_new(client->rk, topic, NULL) : NULL;
    if (topic && !one)
        return FAIL(diag, ERR_INVALID, "'%s' is no topic name", topic);
    rd_kafka_resp_err_t err = rd_kafka_metadata(client->rk, !topic, one, out, KAFKA_TIMEOUT_MS);
    if (one)
        rd_kafka_topic_destroy(one);
    if (err)
        return kafka_client_failed(diag, err, NULL, "cannot read the topics");
    if (topic && (*out)->topic_cnt == 1 && (*out)->topics[0].err) {
        err = (*out)->topics[0].err;
        rd_kafka_metadata_destroy(*out);
        return kafka_client_failed(diag, err, NULL, topic);
    }
    return ERR_OK;
}

err_t kafka_client_offsets(struct kafka_client *client, rd_kafka_topic_partition_list_t *list,
                           int64_t what, struct diag *diag)
{
    if (list->cnt == 0)
        return ERR_OK;
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = what;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(client->rk, list, KAFKA_TIMEOUT_MS);
    for (int i = 0; i < list->cnt && !err; i++)
        err = list->elems[i].err;
    return err ? kafka_client_failed(diag, err, NULL, "cannot read the offsets") : ERR_OK;
}

err_t kafka_client_wait(struct kafka_client *client, rd_kafka_event_t **out, struct diag *diag)
{
    *out = rd_kafka_queue_poll(client->queue, KAFKA_TIMEOUT_MS);
    if (!*out)
        return FAIL(diag, ERR_TIMEOUT, "%s did not answer in %d s", client->brokers,
                    KAFKA_TIMEOUT_MS / 1000);
    rd_kafka_resp_err_t code = rd_kafka_event_error(*out);
    if (!code)
        return ERR_OK;
    err_t err = kafka_client_failed(diag, code, rd_kafka_event_error_string(*out), "refused");
    rd_kafka_event_destroy(*out);
    return err;
}
