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
#include "os/random.h"

#include <assert.h>

static bool is_set(const char *text)
{
    return text && *text;
}

static bool is_text(const char *text, struct bytes bytes)
{
    return text ? bytes.ptr && bytes_is(bytes, text) : !bytes.ptr;
}

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

static err_t check_type(struct group *group, struct consumer_beat *beat)
{
    if (group->state == GROUP_DEAD || group_unsaved(group))
        return ERR_COORDINATOR_NOT_AVAILABLE;
    if (group->consumer || (beat->epoch == CONSUMER_JOIN && group_is_empty(group)))
        return ERR_OK;
    if (beat->epoch == CONSUMER_JOIN)
        return refuse(beat, ERR_GROUP_NOT_FOUND,
                      "Cannot upgrade classic group %s to consumer group because online upgrade is "
                      "disabled.",
                      group->id);
    return refuse(beat, ERR_GROUP_NOT_FOUND, "Group %s is not a consumer group.", group->id);
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
    if (!bytes_is(beat->member_id, member->id))
        return refuse(beat, ERR_FENCED_INSTANCE,
                      "Static member %.*s with instance id %.*s was fenced by member %s.",
                      BYTES_PRINT(beat->member_id), BYTES_PRINT(beat->instance_id), member->id);
    return ERR_OK;
}

// Who is it? `*out` is NULL for a new member; one that takes the place of a static one is not new.
static err_t find(struct consumer *consumer, struct consumer_beat *beat,
                  struct consumer_member **out)
{
    *out = NULL;
    if (beat->instance_id.ptr) {
        *out = consumer ? consumer__of_instance(consumer, beat->instance_id) : NULL;
        if (beat->epoch != CONSUMER_JOIN) {
            TRY(check_fenced(beat, *out));
            return check_epoch(beat, *out);
        }
        if (*out && (*out)->epoch != CONSUMER_LEAVE_STATIC)
            return refuse(beat, ERR_UNRELEASED_INSTANCE,
                          "Static member %.*s with instance id %.*s cannot join the group because "
                          "the instance id is owned by %s member.",
                          BYTES_PRINT(beat->member_id), BYTES_PRINT(beat->instance_id), (*out)->id);
        return ERR_OK;
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

static err_t check(struct group *group, struct consumer_beat *beat, struct consumer_member **member)
{
    *member = NULL;
    TRY(check_type(group, beat));
    if (group->consumer && group->consumer->members.count >= GROUP_MEMBERS_MAX &&
        !consumer_member(group->consumer, beat->member_id))
        return refuse(beat, ERR_GROUP_FULL,
                      "The consumer group has reached its maximum capacity of %d members.",
                      GROUP_MEMBERS_MAX);
    TRY(find(group->consumer, beat, member));
    return check_regex(group->consumer, beat);
}

// --- the member ----------------------------------------------------------------------

static void become_consumer(struct group *group, struct consumer_env *env,
                            struct record_builder *records)
{
    if (group->consumer)
        return;
    if (group->generation)
        group_record_add_tombstone(records, group);
    group__reset(group);
    group->consumer = consumer__new(env);
}

// A static member has come back: it takes over what its predecessor had.
static void replace(struct group *group, struct consumer_member *member, const char *id,
                    struct record_builder *records)
{
    consumer_record_add_gone(records, group, member->id);
    consumer__rename(group->consumer, member, id);
    member->epoch = member->previous_epoch = CONSUMER_JOIN;
    consumer_record_add_member(records, group, member);
    consumer_record_add_target_member(records, group, member);
    consumer_record_add_current(records, group, member);
}

static char *make_id(struct arena *arena)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[17] = {0};
    char *text = arena_zalloc(arena, 23);
    random_uuid(bytes);
    for (size_t i = 0; i < 22; i++) {
        unsigned pair = (unsigned)bytes[i * 6 / 8] << 8 | bytes[i * 6 / 8 + 1];
        text[i] = digits[pair >> (10 - i * 6 % 8) & 63];
    }
    return text;
}

static bool set_if(char **slot, struct bytes text)
{
    if (!text.ptr || (*slot && bytes_is(text, *slot)))
        return false;
    mem_free(*slot);
    *slot = group__text(text);
    return true;
}

static bool set_timeout(struct consumer_member *member, int32_t timeout_ms)
{
    bool changed = timeout_ms != -1 && timeout_ms != member->rebalance_timeout_ms;
    if (changed)
        member->rebalance_timeout_ms = timeout_ms;
    return changed;
}

static bool set_instance(struct consumer *consumer, struct consumer_member *member,
                         struct bytes instance_id)
{
    if (!instance_id.ptr || is_text(member->instance_id, instance_id))
        return false;
    consumer__set_instance(consumer, member, instance_id);
    return true;
}

enum regex_change { REGEX_SAME, REGEX_CHANGED, REGEX_CHANGED_AND_KNOWN };

static enum regex_change set_regex(struct group *group, struct consumer_member *member,
                                   struct bytes text, struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    if (!text.ptr || is_text(member->regex, text))
        return REGEX_SAME;
    bool had = is_set(member->regex);
    if (had && consumer__leave_regex(consumer, member->regex))
        consumer_record_add_regex_gone(records, group, member->regex);
    mem_free(member->regex);
    member->regex = group__text(text);
    if (!is_set(member->regex))
        return had ? REGEX_CHANGED_AND_KNOWN : REGEX_CHANGED;
    consumer__use_regex(consumer, member->regex);
    return consumer__regex(consumer, member->regex)->resolved ? REGEX_CHANGED_AND_KNOWN
                                                              : REGEX_CHANGED;
}

struct update {
    bool topics; // the subscription by names changed
    enum regex_change regex;
};

static struct update update(struct group *group, struct consumer_member *member,
                            const struct consumer_beat *beat, struct record_builder *records)
{
    struct update update = {0};
    bool changed = set_instance(group->consumer, member, beat->instance_id);
    changed |= set_if(&member->rack_id, beat->rack_id);
    changed |= set_if(&member->assignor, beat->assignor);
    changed |=
        set_if(&member->client_id, beat->client_id.ptr ? beat->client_id : bytes_make("", 0));
    changed |= set_if(&member->client_host, beat->client_host);
    changed |= set_timeout(member, beat->rebalance_timeout_ms);
    if (beat->topic_count >= 0)
        update.topics =
            consumer__set_topics(group->consumer, member, beat->topics, beat->topic_count);
    update.regex = set_regex(group, member, beat->regex, records);
    if (changed || update.topics || update.regex != REGEX_SAME)
        consumer_record_add_member(records, group, member);
    return update;
}

// --- the group -----------------------------------------------------------------------

static void maybe_bump(struct group *group, bool resubscribed, struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    uint64_t version = consumer->env->version(consumer->env);
    if (!resubscribed && version == consumer->topics_version)
        return;
    consumer->topics_version = version;
    if (resubscribed || consumer__topics_hash(consumer) != consumer->topics_hash)
        consumer__bump(group, records);
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

static void touch(struct group *group, struct consumer_member *member)
{
    struct consumer *consumer = group->consumer;
    struct consumer_settings settings = consumer->env->settings(consumer->env, group->id);
    member->expires_us = clock_mono_us() + (int64_t)settings.session_ms * 1000;
}

// --- the calls -----------------------------------------------------------------------

static bool is_full(const struct consumer_beat *beat)
{
    return beat->rebalance_timeout_ms != -1 && (beat->topic_count >= 0 || beat->regex.ptr) &&
           beat->owned;
}

static void beat_on(struct group *group, struct consumer_env *env, struct consumer_beat *beat)
{
    struct consumer_member *member;
    struct record_builder records = {0};
    if (beat->member_id.size == 0)
        beat->member_id = bytes_from(make_id(beat->arena));
    err_t err = check(group, beat, &member);
    if (err != ERR_OK) {
        finish(group, beat, err);
        return;
    }
    become_consumer(group, env, &records);
    char *id = arena_text(beat->arena, beat->member_id);
    if (!member)
        member = consumer__add_member(group->consumer, id);
    else if (strcmp(member->id, id) != 0)
        replace(group, member, id, &records);
    struct consumer_parts before = {0};
    consumer_parts_set(&before, &member->assigned);
    struct update change = update(group, member, beat, &records);
    maybe_bump(group, change.topics || change.regex == REGEX_CHANGED_AND_KNOWN, &records);
    consumer__retarget(group, &records);
    consumer__reconcile(group, member, change.topics || change.regex != REGEX_SAME, beat->owned,
                        &records);
    touch(group, member);
    beat->heartbeat_ms = env->settings(env, group->id).heartbeat_ms;
    fill(beat, member,
         beat->epoch == CONSUMER_JOIN || is_full(beat) ||
             !consumer_parts_equal(&before, &member->assigned));
    consumer_parts_release(&before);
    if (wants_resolving(group->consumer)) {
        group->consumer->resolving = true;
        beat->resolve(beat, group);
    }
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
    TRY(check_type(group, beat));
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
        consumer__remove(group, &member, 1, &records);
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
    consumer__remove(group, members, count, &records);
    keep(group, &records);
}

err_t consumer_expel(struct group *group, const struct group_caller *caller)
{
    struct consumer *consumer = group->consumer;
    if (group_unsaved(group))
        return ERR_COORDINATOR_NOT_AVAILABLE;
    struct consumer_member *member = caller->instance_id.ptr
                                         ? consumer__of_instance(consumer, caller->instance_id)
                                         : consumer_member(consumer, caller->member_id);
    if (!member)
        return ERR_UNKNOWN_MEMBER;
    if (caller->instance_id.ptr && caller->member_id.size &&
        !bytes_is(caller->member_id, member->id))
        return ERR_FENCED_INSTANCE;
    expel(group, &member, 1);
    return ERR_OK;
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
    bool silent = now_us >= member->expires_us;
    bool late = member->revoke_until_us && now_us >= member->revoke_until_us;
    if (silent || late)
        LOG_INFO("broker",
                 silent ? "a member was silent past its session"
                        : "a member did not revoke its partitions in time",
                 "group=%s member=%s", group->id, member->id);
    return silent || late;
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
        touch(group, member);
        if (member->state == CONSUMER_UNREVOKED)
            member->revoke_until_us = now_us + (int64_t)member->rebalance_timeout_ms * 1000;
    }
}
