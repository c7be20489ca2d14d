// SPDX-License-Identifier: Apache-2.0
//
// What a member says of itself, by a heartbeat or by a JoinGroup of the classic protocol.
#include "broker/consumer_int.h"

#include "broker/consumer_records.h"
#include "os/random.h"

static bool is_set(const char *text)
{
    return text && *text;
}

static bool is_text(const char *text, struct bytes bytes)
{
    return text ? bytes.ptr && bytes_is(bytes, text) : !bytes.ptr;
}

const char *consumer__make_id(struct arena *arena)
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

void consumer__replace(struct group *group, struct consumer_member *member, const char *id,
                       struct record_builder *records)
{
    consumer_record_add_gone(records, group, member->id);
    consumer__rename(group->consumer, member, id);
    member->epoch = member->previous_epoch = CONSUMER_JOIN;
    consumer_record_add_member(records, group, member);
    consumer_record_add_target_member(records, group, member);
    consumer_record_add_current(records, group, member);
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

static enum consumer_regex_change set_regex(struct group *group, struct consumer_member *member,
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

static bool set_protocols(struct consumer *consumer, struct consumer_member *member,
                          const struct consumer_words *words)
{
    return words->protocols ? consumer__set_classic(consumer, member, words->session_ms,
                                                    words->protocols, words->protocol_count)
                            : consumer__drop_classic(consumer, member);
}

struct consumer_update consumer__update(struct group *group, struct consumer_member *member,
                                        const struct consumer_words *words,
                                        struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    struct consumer_update update = {0};
    bool changed = set_instance(consumer, member, words->instance_id);
    changed |= set_if(&member->rack_id, words->rack_id);
    changed |= set_if(&member->assignor, words->assignor);
    changed |=
        set_if(&member->client_id, words->client_id.ptr ? words->client_id : bytes_make("", 0));
    changed |= set_if(&member->client_host, words->client_host);
    changed |= set_timeout(member, words->rebalance_timeout_ms);
    changed |= set_protocols(consumer, member, words);
    if (words->topic_count >= 0)
        update.topics = consumer__set_topics(consumer, member, words->topics, words->topic_count);
    update.regex = set_regex(group, member, words->regex, records);
    if (changed || update.topics || update.regex != REGEX_SAME)
        consumer_record_add_member(records, group, member);
    return update;
}
