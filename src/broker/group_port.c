// SPDX-License-Identifier: Apache-2.0
//
// What the broker's log_port does with groups: a stream commits its progress as a group without
// members, and everybody can list groups with their lag.
#include "broker/groups.h"
#include "os/clock.h"

err_t broker_group_commit(struct broker *broker, const char *id, const char *topic,
                          const int32_t *partitions, const int64_t *offsets, size_t count,
                          struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    struct diag local = DIAG_INIT;
    struct group_caller nobody = {bytes_make("", 0), BYTES_NULL, -1};
    struct offset_change *changes = ARENA_ARRAY(&arena, struct offset_change, count);
    for (size_t i = 0; i < count; i++)
        changes[i] = (struct offset_change){.topic = bytes_from(topic),
                                            .partition = partitions[i],
                                            .value = {.offset = offsets[i],
                                                      .leader_epoch = -1,
                                                      .commit_ms = clock_now_ms(),
                                                      .metadata = bytes_make("", 0)}};
    err_t err;
    do { // it may be deleted just when we got hold of it
        diag_clear(&local);
        struct group *group = groups_get(broker->groups, bytes_from(id));
        struct offset_write write = {.changes = changes, .count = count};
        err = groups_write_wait(broker->groups, group, &nobody, write, &local);
        group_unref(group);
    } while (err == ERR_COORDINATOR_NOT_AVAILABLE && !broker->closing);
    if (err != ERR_OK)
        err = FAIL(diag, err, "%s", diag_text(&local));
    arena_release(&arena);
    return err;
}

static int64_t end_of(struct broker *broker, struct bytes name, int32_t index)
{
    struct topic *topic = log_store_topic(broker->store, name);
    struct partition *partition = topic ? topic_partition(topic, index) : NULL;
    int64_t end = partition ? partition_offsets(partition).end : -1;
    topic_unref(topic);
    return end;
}

static void fill(struct broker *broker, struct group *group, struct arena *arena,
                 struct log_group *out)
{
    size_t count;
    mutex_lock(&group->lock);
    const struct offset_change *all = offsets_all(group, arena, &count);
    out->id = arena_strdup(arena, group->id);
    out->state = group_state_name(group);
    out->member_count = group_member_count(group);
    mutex_unlock(&group->lock);
    struct log_group_offset *offsets = ARENA_ARRAY(arena, struct log_group_offset, count);
    for (size_t i = 0; i < count; i++)
        offsets[i] = (struct log_group_offset){arena_text(arena, all[i].topic), all[i].partition,
                                               all[i].value.offset,
                                               end_of(broker, all[i].topic, all[i].partition)};
    out->offsets = offsets;
    out->offset_count = count;
}

err_t broker_group_list(struct broker *broker, struct arena *arena, const struct log_group **out,
                        size_t *count, struct diag *diag)
{
    (void)diag;
    struct group **all = groups_all(broker->groups, arena, count);
    struct log_group *list = ARENA_ARRAY(arena, struct log_group, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        fill(broker, all[i], arena, &list[i]);
        group_unref(all[i]);
    }
    *out = list;
    return ERR_OK;
}
