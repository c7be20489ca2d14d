// SPDX-License-Identifier: Apache-2.0
//
// data_dir/log         the topics (store/log)
// data_dir/security    users, ACLs and quotas
// data_dir/admin.sock  where this user's programs connect
// data_dir/configs     settings of brokers and groups (config_store.h)
// data_dir/cluster_id  22 characters, made once; clients tell clusters apart by it
#include "broker/broker_int.h"
#include "broker/config_store.h"
#include "broker/fetch_session.h"
#include "broker/groups.h"
#include "broker/request_stats.h"
#include "broker/txn_offsets.h"
#include "broker/txns.h"
#include "broker/security.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/random.h"

#include <assert.h>
#include <stdlib.h>

static void make_cluster_id(char out[23])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[18] = {0};
    do
        random_fill(bytes, 16);
    while (bytes[0] >> 2 == 62); // tools mistake a leading '-' for an option
    for (size_t i = 0; i < 22; i++) {
        size_t bit = i * 6;
        unsigned pair = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
        out[i] = digits[pair >> (10 - bit % 8) & 63];
    }
    out[22] = '\0';
}

static err_t load_cluster_id(struct broker *broker, struct diag *diag)
{
    char *path = mem_printf("%s/cluster_id", broker->options.data_dir);
    struct str text = {0};
    err_t err = ERR_OK;
    if (file_exists(path)) {
        err = file_read_all(path, 64, &text, diag);
        if (err == ERR_OK && text.size < 22)
            err = FAIL(diag, ERR_CORRUPT, "%s holds no cluster id (22 characters)", path);
        if (err == ERR_OK)
            memcpy(broker->cluster_id, text.ptr, 22);
    } else {
        make_cluster_id(broker->cluster_id);
        str_printf(&text, "%s\n", broker->cluster_id);
        err = file_replace(path, str_bytes(&text), diag);
    }
    str_release(&text);
    mem_free(path);
    return err;
}

static err_t open_store(struct broker *broker, struct diag *diag)
{
    char *dir = mem_printf("%s/log", broker->options.data_dir);
    err_t err = dir_make(dir, diag);
    if (err == ERR_OK)
        err = load_cluster_id(broker, diag);
    struct log_store_options options = {.dir = dir, .sync = broker->options.sync};
    if (err == ERR_OK)
        err = log_store_open(&broker->store, &options, diag);
    mem_free(dir);
    return err;
}

static err_t open_security(struct broker *broker, struct diag *diag)
{
    char *dir = mem_printf("%s/security", broker->options.data_dir);
    err_t err = security_open(&broker->security, dir, broker->access, diag);
    mem_free(dir);
    return err;
}

static err_t open_configs(struct broker *broker, struct diag *diag)
{
    char *path = mem_printf("%s/configs", broker->options.data_dir);
    err_t err = config_store_open(&broker->configs, path, diag);
    if (err == ERR_OK)
        err = settings_apply(broker, diag);
    if (err == ERR_OK)
        broker->fetch_sessions =
            fetch_sessions_new((size_t)setting(broker, SETTING_FETCH_SESSIONS));
    mem_free(path);
    return err;
}

static err_t open_txns(struct broker *broker, struct diag *diag)
{
    err_t err = txns_open(&broker->txns, broker, diag);
    if (err != ERR_OK) {
        groups_stop(broker->groups);
        groups_close(broker->groups);
    }
    return err;
}

static void broker_free(struct broker *broker)
{
    config_store_free(broker->configs);
    request_looks_free(broker->request_looks);
    if (broker->store)
        log_store_close(broker->store);
    txn_offsets_free(broker->txn_offsets);
    if (broker->security)
        security_close(broker->security);
    access_free(broker->access);
    settings_release(&broker->settings);
    endpoints_release(&broker->endpoints);
    crowd_free(broker->crowd);
    fetch_sessions_free(broker->fetch_sessions);
    mutex_release(&broker->lock);
    cond_release(&broker->idle);
    mem_free((char *)(uintptr_t)broker->options.data_dir);
    mem_free(broker);
}

err_t broker_open(struct broker **out, const struct broker_options *options, struct diag *diag)
{
    struct broker *broker = MEM_NEW(struct broker);
    broker->options = *options;
    broker->options.data_dir = mem_strdup(options->data_dir);
    endpoints_init(&broker->endpoints, broker, options);
    random_fill(broker->decoy_secret, sizeof broker->decoy_secret);
    broker->decoy = bytes_make(broker->decoy_secret, sizeof broker->decoy_secret);
    broker->loops = options->loops;
    broker->crowd = crowd_new(BROKER_STRANGERS_MAX);
    settings_init(&broker->settings, options->settings, options->setting_count);
    broker->access = access_new(&options->access);
    broker->options.access = (struct access_options){0}; // its texts are the caller's
    broker->request_looks = request_looks_new();
    mutex_init(&broker->lock);
    cond_init(&broker->idle);
    broker->txn_offsets = txn_offsets_new();
    err_t err = open_store(broker, diag);
    if (err == ERR_OK)
        err = open_security(broker, diag);
    if (err == ERR_OK)
        err = open_configs(broker, diag);
    if (err == ERR_OK)
        err = groups_open(&broker->groups, broker, diag);
    if (err == ERR_OK)
        err = open_txns(broker, diag);
    if (err != ERR_OK) {
        broker_free(broker);
        return err;
    }
    *out = broker;
    return ERR_OK;
}

err_t broker_set_user(struct broker *broker, struct bytes name, struct bytes password,
                      struct diag *diag)
{
    struct security_change changes[SCRAM_SHA_512];
    size_t count = 0;
    for (int mechanism = SCRAM_SHA_256; mechanism <= SCRAM_SHA_512; mechanism++) {
        struct scram_credential present;
        if (users_find(security_users(broker->security), name, (enum scram_mechanism)mechanism,
                       &present) &&
            scram_is_password(&present, password))
            continue;
        changes[count] = (struct security_change){.kind = SECURITY_USER, .user = name};
        scram_make(&changes[count++].credential, (enum scram_mechanism)mechanism, password,
                   SCRAM_ITERATIONS_MIN);
    }
    return security_change_wait(broker->security, changes, count, diag);
}

err_t broker_listen(struct broker *broker, uint16_t *port, struct diag *diag)
{
    TRY(endpoints_open(&broker->endpoints, diag));
    *port = broker->endpoints.all[0].port;
    return ERR_OK;
}

err_t broker_listen_locally(struct broker *broker, struct diag *diag)
{
    return endpoints_open_local(&broker->endpoints, diag);
}

uint16_t broker_port(const struct broker *broker, size_t listener)
{
    return broker->endpoints.all[listener].port;
}

void broker_close(struct broker *broker)
{
    broker->closing = true;
    txns_stop(broker->txns);
    groups_stop(broker->groups);
    endpoints_close(&broker->endpoints); // every waiting request is abandoned
    mutex_lock(&broker->lock);
    while (broker->live_requests)
        cond_wait(&broker->idle, &broker->lock);
    mutex_unlock(&broker->lock);
    txns_close(broker->txns);
    groups_close(broker->groups);
    broker_free(broker);
}

const char *broker_log_dir(struct request *request)
{
    const char *path = arena_printf(&request->arena, "%s/log", request->broker->options.data_dir);
    char *whole = realpath(path, NULL);
    if (whole)
        path = arena_strdup(&request->arena, whole);
    free(whole);
    return path;
}
