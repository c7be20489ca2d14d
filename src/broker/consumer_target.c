// SPDX-License-Identifier: Apache-2.0
#include "broker/consumer_int.h"

#include "base/log.h"
#include "broker/assign.h"
#include "broker/consumer_records.h"
#include "os/clock.h"

#include <stdlib.h>

void consumer__bump(struct group *group, struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    consumer->topics_version = consumer->env->version(consumer->env);
    consumer->topics_hash = consumer__topics_hash(consumer);
    consumer->epoch++;
    consumer_record_add_group(records, group);
}

void consumer__maybe_bump(struct group *group, bool resubscribed, struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    uint64_t version = consumer->env->version(consumer->env);
    if (!resubscribed && version == consumer->topics_version)
        return;
    consumer->topics_version = version;
    if (resubscribed || consumer__topics_hash(consumer) != consumer->topics_hash)
        consumer__bump(group, records);
}

// --- what the assignor is given ------------------------------------------------------

struct question {
    struct assign assign;
    struct assign_topic **lists; // what each member reads; lists[0] only when all read the same
    size_t *counts;
    struct assign_topic *topics; // all of them
    uint32_t *indexes;
};

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct assign_topic *)a)->id, ((const struct assign_topic *)b)->id, 16);
}

static size_t lists_of(const struct question *question)
{
    return question->assign.same ? 1 : question->assign.member_count;
}

static void list_topics(const struct consumer *consumer, struct question *question)
{
    size_t lists = lists_of(question);
    size_t total = 0;
    question->lists = mem_zalloc(sizeof *question->lists * lists);
    question->counts = mem_zalloc(sizeof *question->counts * lists);
    for (size_t i = 0; i < lists; i++) {
        question->lists[i] =
            consumer__topics_of(consumer, consumer->members.items[i], &question->counts[i]);
        total += question->counts[i];
    }
    question->topics = mem_alloc(sizeof *question->topics * (total + 1));
    question->indexes = mem_alloc(sizeof *question->indexes * (total + 1));
    size_t count = 0;
    for (size_t i = 0; i < lists; i++) {
        memcpy(question->topics + count, question->lists[i],
               sizeof *question->topics * question->counts[i]);
        count += question->counts[i];
    }
    qsort(question->topics, count, sizeof *question->topics, by_id);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!kept || by_id(&question->topics[kept - 1], &question->topics[i]) != 0)
            question->topics[kept++] = question->topics[i];
    question->assign.topics = question->topics;
    question->assign.topic_count = kept;
}

static void ask(const struct consumer *consumer, struct question *question)
{
    question->assign.member_count = consumer->members.count;
    question->assign.same = consumer__reads_same(consumer);
    list_topics(consumer, question);
    question->assign.members =
        mem_zalloc(sizeof *question->assign.members * question->assign.member_count);
    uint32_t *next = question->indexes;
    for (size_t i = 0; i < consumer->members.count; i++) {
        const struct consumer_member *member = consumer->members.items[i];
        struct assign_member *out = &question->assign.members[i];
        size_t list = question->assign.same ? 0 : i;
        if (!question->assign.same || i == 0)
            for (size_t t = 0; t < question->counts[list]; t++)
                next[t] =
                    (uint32_t)assign_topic_index(&question->assign, question->lists[list][t].id);
        *out = (struct assign_member){.id = member->id,
                                      .instance_id = member->instance_id,
                                      .topics = next,
                                      .topic_count = question->counts[list],
                                      .present = &member->target};
        if (!question->assign.same)
            next += question->counts[list];
    }
}

static void forget(struct question *question)
{
    for (size_t i = 0; i < lists_of(question); i++)
        mem_free(question->lists[i]);
    mem_free(question->lists);
    mem_free(question->counts);
    mem_free(question->topics);
    mem_free(question->indexes);
    mem_free(question->assign.members);
}

// --- the target ----------------------------------------------------------------------

static bool is_too_early(const struct group *group, int64_t now_ms)
{
    const struct consumer *consumer = group->consumer;
    int32_t every_ms = consumer->env->settings(consumer->env, group->id).assign_every_ms;
    return consumer->target_ms && every_ms && now_ms >= consumer->target_ms &&
           now_ms < consumer->target_ms + every_ms;
}

void consumer__retarget(struct group *group, struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    int64_t now_ms = clock_now_ms();
    if (consumer->target_epoch >= consumer->epoch || is_too_early(group, now_ms))
        return;
    struct question question = {0};
    const char *name = consumer_assignor_name(consumer);
    ask(consumer, &question);
    assignor_find(bytes_from(name))->run(&question.assign);
    for (size_t i = 0; i < consumer->members.count; i++) {
        struct consumer_member *member = consumer->members.items[i];
        struct consumer_parts *target = &question.assign.members[i].target;
        bool same = consumer_parts_equal(&member->target, target) && member->has_target;
        consumer_parts_take(&member->target, target);
        member->has_target = true;
        if (!same)
            consumer_record_add_target_member(records, group, member);
    }
    forget(&question);
    consumer->target_epoch = consumer->epoch;
    consumer->target_ms = now_ms;
    consumer_record_add_target(records, group);
    LOG_DEBUG("broker", "a group has a new target", "group=%s epoch=%d members=%zu assignor=%s",
              group->id, consumer->epoch, consumer->members.count, name);
}
