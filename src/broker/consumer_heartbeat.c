// SPDX-License-Identifier: Apache-2.0
//
// ConsumerGroupHeartbeat: first everything is checked that could refuse it, then the member is
// brought up to date, then, if need be, the epoch, the target and the member's own assignment.
#include "broker/consumer_int.h"

#include "base/log.h"
#include "broker/assign.h"
#include "broker/consumer_records.h"
#include "broker/consumer_regex.h"
#include "broker/group_records.h"
#include "broker/group_write.h"
#include "os/clock.h"

#include <assert.h>

static err_t refuse(struct consumer_beat *beat, err_t err, const char *format, ...)
    PRINTF_LIKE(3, 4);
static err_t refuse(struct consumer_beat *beat, err_t err, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    beat->message = arena_strdup(beat->arena, str_text(&text));
    str_release(&text);
    return err;
}

// --- checks --------------------------------------------------------------------------

// Is it a group of the new protocol, or can it become one? `*upgraded`: of a classic group with
// members.
static err_t check_type(struct group *group, struct consumer_env *env, struct consumer_beat *beat,
                        struct consumer **upgraded)
{
    struct diag diag = DIAG_INIT;
    if (group->state == GROUP_DEAD || group_unsaved(group))
        return ERR_COORDINATOR_NOT_AVAILABLE;
    if (group->consumer || (beat->epoch == CONSUMER_JOIN && group->state == GROUP_EMPTY))
        return ERR_OK;
    if (beat->epoch != CONSUMER_JOIN)
        return refuse(beat, ERR_GROUP_NOT_FOUND, "Group %s is not a consumer group.", group->id);
    err_t err = consumer__upgrade(group, env, upgraded, &diag);
    return err == ERR_OK ? ERR_OK : refuse(beat, err, "%s", diag_text(&diag));
}

static err_t check_epoch(struct consumer_beat *beat, const struct consumer_member *member)
{
    if (beat->epoch == CONSUMER_JOIN)
        return ERR_OK;
    assert(member);
    if (beat->epoch == member->epoch)
        return ERR_OK;
    if (beat->epoch > member->epoch)
        return refuse(beat, ERR_FENCED_MEMBER_EPOCH,
                      "The consumer group member has a greater member epoch (%d) than the one "
                      "known by the group coordinator (%d). The member must abandon all its "
                      "partitions and rejoin.",
                      beat->epoch, member->epoch);
    // The answer with the present epoch may have been lost.
    if (beat->epoch == member->previous_epoch && beat->owned &&
        consumer_parts_within(beat->owned, &member->assigned))
        return ERR_OK;
    return refuse(beat, ERR_FENCED_MEMBER_EPOCH,
                  "The consumer group member has a smaller member epoch (%d) than the one known by "
                  "the group coordinator (%d). The member must abandon all its partitions and "
                  "rejoin.",
                  beat->epoch, member->epoch);
}

static err_t check_fenced(struct consumer_beat *beat, const struct consumer_member *member)
{
    if (!member)
        return refuse(beat, ERR_UNKNOWN_MEMBER, "Instance id %.*s is unknown.",
                      BYTES_PRINT(beat->instance_id));
    if (consumer__check_fenced(member, beat->member_id) != ERR_OK)
        return refuse(beat, ERR_FENCED_INSTANCE,
                      "Static member %.*s with instance id %.*s was fenced by member %s.",
                      BYTES_PRINT(beat->member_id), BYTES_PRINT(beat->instance_id), member->id);
    return ERR_OK;
}

// `*out` is the member of its instance id, and becomes who comes, under the id that comes with it.
static err_t check_static_join(const struct consumer *consumer, struct consumer_beat *beat,
                               struct consumer_member **out)
{
    struct consumer_member *same_id = consumer ? consumer_member(consumer, beat->member_id) : NULL;
    if (!*out)
        *out = same_id; // takes the instance id, as in Kafka
    else if (!(*out)->classic && (*out)->epoch != CONSUMER_LEAVE_STATIC)
        return refuse(beat, ERR_UNRELEASED_INSTANCE,
                      "Static member %.*s with instance id %.*s cannot join the group because "
                      "the instance id is owned by %s member.",
                      BYTES_PRINT(beat->member_id), BYTES_PRINT(beat->instance_id), (*out)->id);
    else if (same_id && same_id != *out)
        return refuse(beat, ERR_FENCED_INSTANCE,
                      "Static member %.*s with instance id %.*s cannot take the place of member "
                      "%s: its own id is that of another member.",
                      BYTES_PRINT(beat->member_id), BYTES_PRINT(beat->instance_id), (*out)->id);
    return ERR_OK;
}

// Who is it? `*out` is NULL for a new member; one that takes the place of a static one is not new.
static err_t find(const struct consumer *consumer, struct consumer_beat *beat,
                  struct consumer_member **out)
{
    *out = NULL;
    if (beat->instance_id.ptr) {
        *out = consumer ? consumer__of_instance(consumer, beat->instance_id) : NULL;
        if (beat->epoch != CONSUMER_JOIN) {
            TRY(check_fenced(beat, *out));
            return check_epoch(beat, *out);
        }
        return check_static_join(consumer, beat, out);
    }
    *out = consumer ? consumer_member(consumer, beat->member_id) : NULL;
    if (*out)
        return check_epoch(beat, *out);
    if (beat->epoch == CONSUMER_JOIN)
        return ERR_OK;
    return refuse(beat, ERR_UNKNOWN_MEMBER, "Member %.*s is not a member of group.",
                  BYTES_PRINT(beat->member_id));
}

static err_t check_regex(const struct consumer *consumer, struct consumer_beat *beat)
{
    struct diag diag = DIAG_INIT;
    if (!beat->regex.size)
        return ERR_OK;
    char *pattern = arena_text(beat->arena, beat->regex);
    if (consumer && consumer__regex(consumer, pattern))
        return ERR_OK;
    if (consumer_regex_check(pattern, &diag) == ERR_OK)
        return ERR_OK;
    return refuse(beat, ERR_INVALID_REGEX,
                  "SubscribedTopicRegex `%s` is not a valid regular expression: %s.", pattern,
                  diag_text(&diag));
}

static err_t check_room(const struct group *group, struct consumer_env *env,
                        const struct consumer *consumer, struct consumer_beat *beat)
{
    if (!consumer || consumer_member(consumer, beat->member_id))
        return ERR_OK;
    int32_t most = consumer__members_max(env, group->id);
    return consumer->members.count < (size_t)most
               ? ERR_OK
               : refuse(beat, ERR_GROUP_FULL,
                        "The consumer group has reached its maximum capacity of %d members.", most);
}

static err_t check(const struct consumer *consumer, struct consumer_beat *beat,
                   struct consumer_member **member)
{
    *member = NULL;
    TRY(find(consumer, beat, member));
    return check_regex(consumer, beat);
}

// --- the group -----------------------------------------------------------------------

static void become_consumer(struct group *group, struct consumer_env *env,
                            struct consumer *upgraded, struct record_builder *records)
{
    if (upgraded) {
        consumer__become(group, upgraded, records);
        return;
    }
    if (group->consumer)
        return;
    if (group->generation)
        group_record_add_tombstone(records, group);
    group__reset(group);
    group->consumer = consumer__new(env);
}

static bool wants_resolving(const struct consumer *consumer)
{
    int64_t now_ms = clock_now_ms();
    uint64_t version = consumer->env->version(consumer->env);
    if (!consumer->regexes.count || consumer->resolving)
        return false;
    bool wants = false;
    for (size_t i = 0; i < consumer->regexes.count; i++) {
        const struct consumer_regex *regex = consumer->regexes.items[i];
        if (regex->resolved && now_ms <= regex->resolved_ms + CONSUMER_REGEX_EVERY_MS)
            return false;
        wants = wants || !regex->resolved || regex->version != version ||
                now_ms > regex->resolved_ms + CONSUMER_REGEX_REFRESH_MS;
    }
    return wants;
}

// --- the answer ----------------------------------------------------------------------

static void fill(struct consumer_beat *beat, const struct consumer_member *member, bool assignment)
{
    beat->out_member_id = bytes_from(arena_strdup(beat->arena, member->id));
    beat->out_epoch = member->epoch;
    beat->has_assignment = assignment;
    if (!assignment)
        return;
    beat->assignment_count = member->assigned.count;
    beat->assignment = arena_dup(beat->arena, member->assigned.items,
                                 sizeof *member->assigned.items * member->assigned.count);
}

static void finish(struct group *group, struct consumer_beat *beat, err_t err)
{
    beat->err = err;
    list_push_back(&group->beats, &beat->link);
}

static void written(struct group_write *write)
{
    finish(write->group, write->ctx, write->err == ERR_OK ? ERR_OK : ERR_COORDINATOR_NOT_AVAILABLE);
}

static void send(struct group *group, struct consumer_beat *beat, struct record_builder *records)
{
    struct group_write *write = MEM_NEW(struct group_write);
    write->keep = true;
    write->done = written;
    write->ctx = beat;
    group_write(group, records, write);
}

// --- the calls -----------------------------------------------------------------------

static bool is_full(const struct consumer_beat *beat)
{
    return beat->rebalance_timeout_ms != -1 && (beat->topic_count >= 0 || beat->regex.ptr) &&
           beat->owned;
}

static struct consumer_words words_of(const struct consumer_beat *beat)
{
    return (struct consumer_words){
        .instance_id = beat->instance_id,
        .rack_id = beat->rack_id,
        .assignor = beat->assignor,
        .regex = beat->regex,
        .client_id = beat->client_id,
        .client_host = beat->client_host,
        .topics = beat->topics,
        .topic_count = beat->topic_count,
        .rebalance_timeout_ms = beat->rebalance_timeout_ms,
    };
}

// The group is what it was asked to be: the member is brought up to date.
static void go_on(struct group *group, struct consumer_member *member, struct consumer_beat *beat,
                  struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    char *id = arena_text(beat->arena, beat->member_id);
    if (!member)
        member = consumer__add_member(consumer, id);
    else if (strcmp(member->id, id) != 0)
        consumer__replace(group, member, id, records);
    struct consumer_parts before = {0};
    consumer_parts_set(&before, &member->assigned);
    struct consumer_words words = words_of(beat);
    struct consumer_update change = consumer__update(group, member, &words, records);
    consumer__maybe_bump(group, change.topics || change.regex == REGEX_CHANGED_AND_KNOWN, records);
    consumer__retarget(group, records);
    consumer__reconcile(group, member, change.topics || change.regex != REGEX_SAME, beat->owned,
                        records);
    consumer__touch(group, member);
    beat->heartbeat_ms = consumer->env->settings(consumer->env, group->id).heartbeat_ms;
    fill(beat, member,
         beat->epoch == CONSUMER_JOIN || is_full(beat) ||
             !consumer_parts_equal(&before, &member->assigned));
    consumer_parts_release(&before);
    if (wants_resolving(consumer)) {
        consumer->resolving = true;
        beat->resolve(beat, group);
    }
}

static void beat_on(struct group *group, struct consumer_env *env, struct consumer_beat *beat)
{
    struct consumer_member *member = NULL;
    struct consumer *upgraded = NULL;
    struct record_builder records = {0};
    if (beat->member_id.size == 0)
        beat->member_id = bytes_from(consumer__make_id(beat->arena));
    err_t err = check_type(group, env, beat, &upgraded);
    const struct consumer *consumer = upgraded ? upgraded : group->consumer;
    if (err == ERR_OK)
        err = check_room(group, env, consumer, beat);
    if (err == ERR_OK)
        err = check(consumer, beat, &member);
    if (err != ERR_OK) {
        if (upgraded)
            consumer_free(upgraded);
        finish(group, beat, err);
        return;
    }
    become_consumer(group, env, upgraded, &records);
    go_on(group, member, beat, &records);
    send(group, beat, &records);
}

// Leaves for a while: what it has stays its own until its session ends.
static void leave_static(struct group *group, struct consumer_member *member,
                         struct record_builder *records)
{
    struct consumer_parts none = {0};
    struct consumer_parts assigned = {0};
    consumer_parts_set(&assigned, &member->assigned);
    for (size_t i = 0; i < assigned.count; i++)
        assigned.items[i].epoch = 0;
    consumer__set_parts(group->consumer, member, &assigned, &none);
    member->epoch = CONSUMER_LEAVE_STATIC;
    member->revoke_until_us = 0;
    consumer_record_add_current(records, group, member);
}

static err_t check_leave(struct group *group, struct consumer_beat *beat,
                         struct consumer_member **member)
{
    *member = NULL;
    TRY(check_type(group, NULL, beat, NULL)); // who leaves upgrades nothing
    if (beat->instance_id.ptr) {
        *member = consumer__of_instance(group->consumer, beat->instance_id);
        return check_fenced(beat, *member);
    }
    *member = consumer_member(group->consumer, beat->member_id);
    if (*member)
        return ERR_OK;
    return refuse(beat, ERR_UNKNOWN_MEMBER, "Member %.*s is not a member of group %s.",
                  BYTES_PRINT(beat->member_id), group->id);
}

static void leave(struct group *group, struct consumer_beat *beat)
{
    struct consumer_member *member;
    struct record_builder records = {0};
    err_t err = check_leave(group, beat, &member);
    if (err != ERR_OK) {
        finish(group, beat, err);
        return;
    }
    beat->out_member_id = beat->member_id;
    beat->out_epoch = beat->epoch;
    if (beat->instance_id.ptr && beat->epoch == CONSUMER_LEAVE_STATIC)
        leave_static(group, member, &records);
    else
        consumer__fence(group, &member, 1, &records);
    send(group, beat, &records);
}

void consumer_heartbeat(struct group *group, struct consumer_env *env, struct consumer_beat *beat)
{
    list_init(&beat->link);
    mutex_lock(&group->lock);
    if (beat->epoch < CONSUMER_JOIN)
        leave(group, beat);
    else
        beat_on(group, env, beat);
    group__unlock(group);
}

static void keep(struct group *group, struct record_builder *records)
{
    struct group_write *write = MEM_NEW(struct group_write);
    write->keep = true;
    group_write(group, records, write);
}

static void expel(struct group *group, struct consumer_member **members, size_t count)
{
    struct record_builder records = {0};
    consumer__fence(group, members, count, &records);
    keep(group, &records);
}

static err_t find_leaver(const struct consumer *consumer, const struct group_caller *caller,
                         struct consumer_member **out)
{
    *out = caller->instance_id.ptr ? consumer__of_instance(consumer, caller->instance_id)
                                   : consumer_member(consumer, caller->member_id);
    if (!*out)
        return ERR_UNKNOWN_MEMBER;
    bool named = caller->instance_id.ptr && caller->member_id.size;
    return named ? consumer__check_fenced(*out, caller->member_id) : ERR_OK;
}

void consumer_leave(struct group *group, const struct group_caller *callers, size_t count,
                    err_t *errs)
{
    VEC(struct consumer_member *) leaving = {0};
    for (size_t i = 0; i < count; i++) {
        struct consumer_member *member = NULL;
        errs[i] = group_unsaved(group) ? ERR_COORDINATOR_NOT_AVAILABLE
                                       : find_leaver(group->consumer, &callers[i], &member);
        if (errs[i] != ERR_OK || member->leaving)
            continue;
        member->leaving = true;
        vec_push(&leaving, member);
    }
    if (leaving.count)
        expel(group, leaving.items, leaving.count);
    vec_release(&leaving);
}

void consumer_end(struct group *group)
{
    struct record_builder records = {0};
    if (group->consumer->target_ms) // it was written
        consumer_record_add_group_gone(&records, group);
    keep(group, &records);
    consumer_free(group->consumer);
    group->consumer = NULL;
}

// --- time ----------------------------------------------------------------------------

static bool is_over(const struct group *group, const struct consumer_member *member, int64_t now_us)
{
    const struct consumer_classic *classic = member->classic;
    const char *why = NULL;
    if (now_us >= member->expires_us)
        why = "a member was silent past its session";
    else if (member->revoke_until_us && now_us >= member->revoke_until_us)
        why = "a member did not revoke its partitions in time";
    else if (classic && classic->join_until_us && now_us >= classic->join_until_us)
        why = "a member did not join again in time";
    else if (classic && classic->sync_until_us && now_us >= classic->sync_until_us)
        why = "a member did not ask for its assignment in time";
    if (why)
        LOG_INFO("broker", why, "group=%s member=%s", group->id, member->id);
    return why != NULL;
}

void consumer_tick(struct group *group)
{
    struct consumer *consumer = group->consumer;
    int64_t now_us = clock_mono_us();
    VEC(struct consumer_member *) over = {0};
    if (group_unsaved(group))
        return;
    for (size_t i = 0; i < consumer->members.count; i++)
        if (is_over(group, consumer->members.items[i], now_us))
            vec_push(&over, consumer->members.items[i]);
    if (over.count)
        expel(group, over.items, over.count);
    vec_release(&over);
}

void consumer_loaded(struct group *group)
{
    struct consumer *consumer = group->consumer;
    int64_t now_us = clock_mono_us();
    for (size_t i = consumer->members.count; i-- > 0;) {
        struct consumer_member *member = consumer->members.items[i];
        if (member->loading) { // its own record is gone
            struct record_builder records = {0};
            consumer__take_out(group, member, &records);
            record_builder_release(&records);
            continue;
        }
        consumer__touch(group, member);
        if (member->state == CONSUMER_UNREVOKED && !member->classic)
            member->revoke_until_us = now_us + (int64_t)member->rebalance_timeout_ms * 1000;
    }
}
