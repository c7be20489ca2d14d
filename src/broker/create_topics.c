// SPDX-License-Identifier: Apache-2.0
//
// CreateTopics. A replication factor above 1 is taken as 1: on one node nothing else is possible,
// and refusing it would break every tool whose default is 3.
#include "wire/kafka/create_topics.h"

#include "base/log.h"
#include "broker/access.h"
#include "broker/config_change.h"
#include "broker/config_view.h"
#include "broker/topics.h"
#include "os/random.h"

#include <stdlib.h>

enum { PARTITIONS_MAX = 10000 }; // of one request

struct creation {
    const struct kafka_create_topics_request *message;
    size_t *first;           // topics_first() of the names asked for
    bool *twice;             // by index of the first one
    const char **collidable; // names of topics with '.' as '_', sorted; NULL until asked for
    size_t collidable_count;
};

static err_t check_assignments(struct request *request,
                               const struct kafka_create_topics_request_topic *in,
                               struct diag *diag)
{
    size_t count = (size_t)in->assignments_count;
    bool *seen = ARENA_ARRAY(&request->arena, bool, count);
    bool gap = false;
    if (in->replication_factor != -1)
        return FAIL(diag, ERR_INVALID,
                    "A manual partition assignment was specified, but replication factor was not "
                    "set to -1.");
    if (in->num_partitions != -1)
        return FAIL(diag, ERR_INVALID,
                    "A manual partition assignment was specified, but numPartitions was not set to "
                    "-1.");
    for (size_t i = 0; i < count; i++) {
        int32_t index = in->assignments[i].partition_index;
        bool fits = index >= 0 && (size_t)index < count;
        if (fits && seen[index])
            return FAIL(diag, ERR_INVALID_ASSIGNMENT,
                        "Found multiple manual partition assignments for partition %d", index);
        TRY(topics_check_replicas(in->assignments[i].broker_ids,
                                  in->assignments[i].broker_ids_count, diag));
        if (fits)
            seen[index] = true;
        else
            gap = true;
    }
    if (gap)
        return FAIL(diag, ERR_INVALID_ASSIGNMENT,
                    "partitions should be a consecutive 0-based integer sequence");
    return ERR_OK;
}

static err_t check_partitions(struct request *request,
                              const struct kafka_create_topics_request_topic *in, struct diag *diag)
{
    if (in->assignments_count > 0)
        return check_assignments(request, in, diag);
    if (in->replication_factor < -1 || in->replication_factor == 0)
        return FAIL(diag, ERR_INVALID_REPLICATION,
                    "Replication factor must be larger than 0, or -1 to use the default value.");
    if (in->num_partitions < -1 || in->num_partitions == 0)
        return FAIL(diag, ERR_INVALID_PARTITIONS,
                    "Number of partitions was set to an invalid non-positive value.");
    return ERR_OK;
}

// Of a setting that is given twice the last value counts.
static struct topic_setting *settings_of(struct request *request,
                                         const struct kafka_create_topics_request_topic *in,
                                         size_t *count)
{
    size_t given = (size_t)in->configs_count;
    struct bytes *names = ARENA_ARRAY(&request->arena, struct bytes, given);
    struct topic_setting *all = ARENA_ARRAY(&request->arena, struct topic_setting, given);
    struct topic_setting *settings = ARENA_ARRAY(&request->arena, struct topic_setting, given + 1);
    for (size_t i = 0; i < given; i++)
        names[i] = in->configs[i].name;
    const size_t *first = topics_first(&request->arena, names, given);
    for (size_t i = 0; i < given; i++) {
        all[i].key = arena_text(&request->arena, in->configs[i].name);
        all[first[i]].value =
            in->configs[i].value.ptr ? arena_text(&request->arena, in->configs[i].value) : NULL;
    }
    *count = 0;
    for (size_t i = 0; i < given; i++)
        if (first[i] == i)
            settings[(*count)++] = all[i];
    return settings;
}

static err_t check_configs(struct request *request,
                           const struct kafka_create_topics_request_topic *in, struct diag *diag)
{
    if (in->configs_count > CONFIG_CHANGES_MAX)
        return FAIL(diag, ERR_INVALID, "%d settings of one topic, expected at most %d",
                    in->configs_count, CONFIG_CHANGES_MAX);
    size_t count;
    const struct topic_setting *settings = settings_of(request, in, &count);
    return config_check_topic(request, settings, count, diag);
}

// --- names that differ in '.' and '_' only: metrics would mix them up ---

static const char *unify(struct arena *arena, const char *name)
{
    char *text = arena_strdup(arena, name);
    for (char *c = text; *c; c++)
        if (*c == '.')
            *c = '_';
    return text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void load_collidable(struct request *request, struct creation *creation)
{
    struct topic **topics =
        log_store_topics(request->broker->store, &request->arena, &creation->collidable_count);
    creation->collidable =
        ARENA_ARRAY(&request->arena, const char *, creation->collidable_count + 1);
    for (size_t i = 0; i < creation->collidable_count; i++) {
        creation->collidable[i] = unify(&request->arena, topic_name(topics[i]));
        topic_unref(topics[i]);
    }
    qsort(creation->collidable, creation->collidable_count, sizeof *creation->collidable, by_text);
}

static err_t check_collision(struct request *request, struct creation *creation, struct bytes name,
                             struct diag *diag)
{
    if (!memchr(name.ptr, '.', name.size) && !memchr(name.ptr, '_', name.size))
        return ERR_OK;
    if (!creation->collidable)
        load_collidable(request, creation);
    const char *unified = unify(&request->arena, arena_text(&request->arena, name));
    if (bsearch(&unified, creation->collidable, creation->collidable_count,
                sizeof *creation->collidable, by_text))
        return FAIL(diag, ERR_INVALID_TOPIC,
                    "Topic '%.*s' collides with an existing topic: '.' and '_' count as the same",
                    BYTES_PRINT(name));
    return ERR_OK;
}

static bool may_create(struct request *request, struct bytes name)
{
    return request_could(request, ACL_CREATE, ACL_CLUSTER, bytes_from(ACL_CLUSTER_NAME)) ||
           request_may(request, ACL_CREATE, ACL_TOPIC, name);
}

static err_t check(struct request *request, struct creation *creation, int32_t index,
                   struct diag *diag)
{
    const struct kafka_create_topics_request_topic *in = &creation->message->topics[index];
    if (creation->twice[index])
        return FAIL(diag, ERR_INVALID, "Duplicate topic name.");
    if (!may_create(request, in->name))
        return FAIL(diag, ERR_TOPIC_UNAUTHORIZED, "Authorization failed.");
    struct topic *present = log_store_topic(request->broker->store, in->name);
    topic_unref(present);
    if (present)
        return FAIL(diag, ERR_EXISTS, "Topic '%.*s' already exists.", BYTES_PRINT(in->name));
    if (!topic_name_valid(in->name))
        return FAIL(diag, ERR_INVALID_TOPIC,
                    "'%.*s' is no topic name: 1 to 249 of [a-zA-Z0-9._-], not '.' or '..'",
                    BYTES_PRINT(in->name));
    TRY(check_collision(request, creation, in->name, diag));
    TRY(check_configs(request, in, diag));
    return check_partitions(request, in, diag);
}

static int32_t partitions_of(struct request *request,
                             const struct kafka_create_topics_request_topic *in)
{
    if (in->assignments_count > 0)
        return in->assignments_count;
    if (in->num_partitions > 0)
        return in->num_partitions;
    return (int32_t)setting(request->broker, SETTING_PARTITIONS);
}

static err_t create(struct request *request, const struct kafka_create_topics_request_topic *in,
                    struct kafka_create_topics_response_topic *out, struct diag *diag)
{
    size_t setting_count;
    struct topic_setting *settings = settings_of(request, in, &setting_count);
    for (size_t i = 0; i < setting_count; i++) {
        const struct kafka_config *config =
            kafka_config_find(KAFKA_CONFIG_TOPIC, bytes_from(settings[i].key));
        if (config)
            settings[i].value =
                kafka_config_canonical(config, bytes_from(settings[i].value), &request->arena);
    }
    struct topic *topic;
    const char *name = arena_text(&request->arena, in->name);
    TRY(log_store_create_topic(request->broker->store, name, partitions_of(request, in), settings,
                               setting_count, &topic, diag));
    LOG_INFO("broker", "made a topic", "topic=%s partitions=%d", name,
             topic_partition_count(topic));
    out->topic_id = topics_uuid(topic);
    topic_unref(topic);
    return ERR_OK;
}

static void fill_configs(struct request *request,
                         const struct kafka_create_topics_request_topic *in,
                         struct kafka_create_topics_response_topic *out)
{
    size_t count;
    const struct kafka_config *configs = kafka_config_first(KAFKA_CONFIG_TOPIC, &count);
    size_t own_count;
    const struct topic_setting *own = settings_of(request, in, &own_count);
    out->configs = ARENA_ARRAY(&request->arena, struct kafka_create_topics_response_config, count);
    out->configs_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct kafka_create_topics_response_config *config = &out->configs[i];
        struct config_view view;
        config_view(request, &configs[i], own, own_count, &view);
        kafka_create_topics_response_config_init(config);
        config->name = bytes_from(configs[i].name);
        config->value = bytes_from(view.value);
        config->config_source = (int8_t)view.creation_source;
    }
}

static void handle_topic(struct request *request, struct creation *creation, int32_t index,
                         struct kafka_create_topics_response_topic *out)
{
    const struct kafka_create_topics_request_topic *in = &creation->message->topics[index];
    struct diag diag = DIAG_INIT;
    kafka_create_topics_response_topic_init(out);
    out->name = in->name;
    err_t err = check(request, creation, index, &diag);
    if (err == ERR_OK && creation->message->validate_only)
        random_fill(out->topic_id.bytes, sizeof out->topic_id.bytes); // as Kafka: never used again
    else if (err == ERR_OK)
        err = create(request, in, out, &diag);
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, &diag);
    if (err != ERR_OK)
        return;
    if (!request_could(request, ACL_DESCRIBE_CONFIGS, ACL_TOPIC, in->name)) {
        out->topic_config_error_code = kafka_code(ERR_TOPIC_UNAUTHORIZED);
        return;
    }
    out->num_partitions = partitions_of(request, in);
    out->replication_factor = 1;
    fill_configs(request, in, out);
}

static void refuse_all(struct request *request, struct kafka_create_topics_response *response,
                       err_t err, const char *words)
{
    const struct kafka_create_topics_request *m = request->message;
    for (int32_t i = 0; i < m->topics_count; i++) {
        struct kafka_create_topics_response_topic *out =
            &response->topics[response->topics_count++];
        kafka_create_topics_response_topic_init(out);
        out->name = m->topics[i].name;
        out->error_code = kafka_code(err);
        out->error_message = bytes_from(words);
    }
}

static bool too_many(struct request *request)
{
    const struct kafka_create_topics_request *m = request->message;
    int64_t sum = 0;
    for (int32_t i = 0; i < m->topics_count; i++)
        sum += partitions_of(request, &m->topics[i]);
    return sum > PARTITIONS_MAX;
}

static void find_twice(struct request *request, struct creation *creation)
{
    size_t count = (size_t)creation->message->topics_count;
    struct bytes *names = ARENA_ARRAY(&request->arena, struct bytes, count);
    for (size_t i = 0; i < count; i++)
        names[i] = creation->message->topics[i].name;
    creation->first = topics_first(&request->arena, names, count);
    creation->twice = ARENA_ARRAY(&request->arena, bool, count);
    for (size_t i = 0; i < count; i++)
        if (creation->first[i] != i)
            creation->twice[creation->first[i]] = true;
}

static void run(struct request *request)
{
    const struct kafka_create_topics_request *m = request->message;
    struct creation creation = {.message = m};
    struct kafka_create_topics_response response;
    kafka_create_topics_response_init(&response);
    response.topics = ARENA_ARRAY(&request->arena, struct kafka_create_topics_response_topic,
                                  (size_t)m->topics_count);
    find_twice(request, &creation);
    if (too_many(request)) {
        refuse_all(request, &response, ERR_POLICY_VIOLATION,
                   "Excessively large number of partitions per request.");
        request_respond(request, &response);
        return;
    }
    for (int32_t i = 0; i < m->topics_count; i++)
        if (creation.first[i] == (size_t)i)
            handle_topic(request, &creation, i, &response.topics[response.topics_count++]);
    request_respond(request, &response);
}

void create_topics_handle(struct request *request)
{
    request_work(request, run);
}
