// SPDX-License-Identifier: Apache-2.0
//
// __consumer_offsets has one partition. It is kept short by snapshots: when it holds many more
// records than there are offsets, every group is written anew, each with its mutex held so that no
// commit can come between reading and queueing; once all of that is durable, everything from before
// it began is deleted.
#include "broker/groups.h"

#include "base/log.h"
#include "base/map.h"
#include "broker/topics.h"
#include "os/clock.h"
#include "wire/kafka/record.h"

#include <stdatomic.h>
#include <stdlib.h>

#define TICK_MS              200
#define READ_BYTES           (4u << 20)
#define SNAPSHOT_RECORDS_MIN 100000
#define EXPIRE_EVERY_MS      (60 * 60 * 1000)
#define RETENTION_MS         (7 * 24 * 60 * 60 * 1000LL) // offsets.retention.minutes

MAP_DEFINE(group_map, struct bytes, struct group *, bytes_hash, bytes_equal);

struct groups {
    struct broker *broker;
    struct mutex lock; // guards map, idle, upkeep; a leaf: taken last, also after a group's
    struct cond idle;
    struct group_map map;
    struct topic *topic;
    struct partition *partition;
    struct timer timer;
    struct post start, stop;
    struct work upkeep;
    bool upkeep_runs;
    bool timer_stopped;
    _Atomic bool ticking;
    _Atomic bool stopping;
    _Atomic int64_t written;    // records since the last snapshot
    _Atomic int64_t expired_ms; // when old offsets were last looked for
};

// --- the map -------------------------------------------------------------------------

struct group *groups_find(struct groups *groups, struct bytes id)
{
    mutex_lock(&groups->lock);
    struct group **found = group_map_get(&groups->map, id);
    struct group *group = found ? group_ref(*found) : NULL;
    mutex_unlock(&groups->lock);
    return group;
}

struct group *groups_get(struct groups *groups, struct bytes id)
{
    mutex_lock(&groups->lock);
    struct group **found = group_map_get(&groups->map, id);
    struct group *group = found ? *found : NULL;
    if (!group) {
        group = group_new(id);
        *group_map_put(&groups->map, bytes_from(group->id), NULL) = group;
    }
    group_ref(group);
    mutex_unlock(&groups->lock);
    return group;
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct group *const *)a)->id, (*(struct group *const *)b)->id);
}

struct group **groups_all(struct groups *groups, struct arena *arena, size_t *count)
{
    *count = 0;
    mutex_lock(&groups->lock);
    struct group **all = ARENA_ARRAY(arena, struct group *, groups->map.count + 1);
    for (size_t i = 0; i < groups->map.capacity; i++)
        if (groups->map.used[i])
            all[(*count)++] = group_ref(groups->map.values[i]);
    mutex_unlock(&groups->lock);
    qsort(all, *count, sizeof *all, by_id);
    return all;
}

static void take_out(struct groups *groups, struct group *group)
{
    mutex_lock(&groups->lock);
    struct group **found = group_map_get(&groups->map, bytes_from(group->id));
    bool ours = found && *found == group;
    if (ours)
        group_map_remove(&groups->map, bytes_from(group->id));
    mutex_unlock(&groups->lock);
    if (ours)
        group_unref(group);
}

// --- the tick ------------------------------------------------------------------------

static void start_upkeep(struct groups *groups);

// Nobody is in it and it keeps nothing: forgotten, as if it had never been. A caller that has just
// got hold of it is told to ask again.
static void drop_if_unused(struct groups *groups, struct group *group)
{
    mutex_lock(&group->lock);
    bool unused = group->state == GROUP_EMPTY && !group->members.count && !group->pending.count &&
                  !offsets_any(group);
    if (unused)
        group->state = GROUP_DEAD;
    mutex_unlock(&group->lock);
    if (unused)
        take_out(groups, group);
}

static void tick(struct timer *timer)
{
    struct groups *groups = CONTAINER_OF(timer, struct groups, timer);
    if (groups->stopping)
        return;
    struct arena arena = ARENA_INIT;
    size_t count;
    bool more = false;
    groups->ticking = false;
    struct group **all = groups_all(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (group_tick(all[i]))
            more = true;
        else
            drop_if_unused(groups, all[i]);
        group_unref(all[i]);
    }
    arena_release(&arena);
    if (clock_now_ms() - groups->expired_ms >= EXPIRE_EVERY_MS)
        start_upkeep(groups);
    struct loop *loop = loops_at(groups->broker->loops, 0);
    if (!more)
        timer_start(loop, timer, EXPIRE_EVERY_MS);
    else if (!atomic_exchange(&groups->ticking, true))
        timer_start(loop, timer, TICK_MS);
}

static void start_timer(struct post *post)
{
    struct groups *groups = CONTAINER_OF(post, struct groups, start);
    tick(&groups->timer);
}

static void stop_timer(struct post *post)
{
    struct groups *groups = CONTAINER_OF(post, struct groups, stop);
    timer_stop(&groups->timer);
    mutex_lock(&groups->lock);
    groups->timer_stopped = true;
    cond_broadcast(&groups->idle);
    mutex_unlock(&groups->lock);
}

void groups_watch(struct groups *groups)
{
    if (!groups->stopping && !atomic_exchange(&groups->ticking, true))
        loop_post(loops_at(groups->broker->loops, 0), &groups->start, start_timer);
}

// --- writing -------------------------------------------------------------------------

void groups_write(struct groups *groups, struct offset_write *write)
{
    groups->written += (int64_t)write->count;
    offsets_write(write, groups->partition);
    if (groups->written > SNAPSHOT_RECORDS_MIN)
        start_upkeep(groups);
}

struct waited {
    struct offset_write write;
    struct mutex lock;
    struct cond cond;
    bool finished;
    char *story;
};

static void wake_waited(struct offset_write *write)
{
    struct waited *waited = CONTAINER_OF(write, struct waited, write);
    mutex_lock(&waited->lock);
    waited->story = write->story ? mem_strdup(write->story) : NULL;
    waited->finished = true;
    cond_signal(&waited->cond);
    mutex_unlock(&waited->lock);
}

err_t groups_write_wait(struct groups *groups, struct group *group,
                        const struct group_caller *caller, struct offset_change *changes,
                        size_t count, struct diag *diag)
{
    if (count == 0)
        return ERR_OK;
    struct waited waited = {
        .write = {.group = group, .changes = changes, .count = count, .done = wake_waited}};
    mutex_init(&waited.lock);
    cond_init(&waited.cond);
    mutex_lock(&group->lock);
    err_t refused = caller ? group_may_commit(group, caller) : ERR_OK;
    if (refused == ERR_OK)
        groups_write(groups, &waited.write);
    mutex_unlock(&group->lock);
    mutex_lock(&waited.lock);
    while (refused == ERR_OK && !waited.finished)
        cond_wait(&waited.cond, &waited.lock);
    mutex_unlock(&waited.lock);
    cond_release(&waited.cond);
    mutex_release(&waited.lock);
    if (refused != ERR_OK)
        return FAIL(diag, refused, "group '%s' takes no commit: %s", group->id,
                    err_info(refused)->text);
    err_t err = waited.write.err;
    if (err != ERR_OK)
        err = FAIL(diag, err, "cannot write to " OFFSETS_TOPIC ": %s",
                   waited.story ? waited.story : err_info(err)->text);
    mem_free(waited.story);
    return err;
}

static err_t forget(struct groups *groups, struct group *group, struct bytes topic,
                    int64_t older_than_ms, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    size_t doomed = 0;
    mutex_lock(&group->lock);
    struct offset_change *all = offsets_all(group, &arena, &count);
    mutex_unlock(&group->lock);
    for (size_t i = 0; i < count; i++) {
        if (topic.ptr && !bytes_equal(all[i].topic, topic))
            continue;
        if (older_than_ms && all[i].value.commit_ms >= older_than_ms)
            continue;
        all[doomed] = all[i];
        all[doomed].value = (struct offset_value){.offset = -1, .commit_ms = clock_now_ms()};
        doomed++;
    }
    err_t err = groups_write_wait(groups, group, NULL, all, doomed, diag);
    arena_release(&arena);
    return err;
}

err_t groups_delete(struct groups *groups, struct bytes id, struct diag *diag)
{
    struct group *group = groups_find(groups, id);
    if (!group)
        return FAIL(diag, ERR_GROUP_NOT_FOUND, "there is no group '%.*s'", BYTES_PRINT(id));
    mutex_lock(&group->lock);
    err_t err = group->state == GROUP_EMPTY && !group->pending.count ? ERR_OK : ERR_NON_EMPTY_GROUP;
    if (err == ERR_OK)
        group->state = GROUP_DEAD; // nobody joins or commits any more
    mutex_unlock(&group->lock);
    if (err == ERR_OK)
        err = forget(groups, group, BYTES_NULL, 0, diag);
    else
        err = FAIL(diag, err, "group '%s' has members", group->id);
    if (err == ERR_OK)
        take_out(groups, group);
    group_unref(group);
    return err;
}

void groups_forget_topic(struct groups *groups, struct bytes topic)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    struct group **all = groups_all(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct diag diag = DIAG_INIT;
        if (forget(groups, all[i], topic, 0, &diag) != ERR_OK)
            LOG_WARN("broker", "cannot forget the offsets of a deleted topic",
                     "group=%s why=\"%s\"", all[i]->id, diag_text(&diag));
        group_unref(all[i]);
    }
    arena_release(&arena);
}

// --- upkeep: snapshots and retention -------------------------------------------------

struct snapshot_append {
    struct append append;
    struct mutex lock;
    struct cond cond;
    bool finished;
};

static void snapshot_appended(struct append *append)
{
    struct snapshot_append *snapshot = CONTAINER_OF(append, struct snapshot_append, append);
    mutex_lock(&snapshot->lock);
    snapshot->finished = true;
    cond_signal(&snapshot->cond);
    mutex_unlock(&snapshot->lock);
}

// Queues the group's offsets with its mutex held, then waits.
static err_t snapshot_group(struct groups *groups, struct group *group, struct diag *diag)
{
    struct str batch = {0};
    struct snapshot_append snapshot = {0};
    mutex_init(&snapshot.lock);
    cond_init(&snapshot.cond);
    mutex_lock(&group->lock);
    bool any = offsets_snapshot(group, &batch);
    if (any) {
        struct buf *buf = buf_copy(batch.ptr, batch.size);
        snapshot.append = (struct append){.buf = buf,
                                          .batch = buf->ptr,
                                          .size = buf->size,
                                          .until = APPEND_SYNCED,
                                          .done = snapshot_appended};
        partition_append(groups->partition, &snapshot.append);
    }
    mutex_unlock(&group->lock);
    mutex_lock(&snapshot.lock);
    while (any && !snapshot.finished)
        cond_wait(&snapshot.cond, &snapshot.lock);
    mutex_unlock(&snapshot.lock);
    err_t err = any ? snapshot.append.err : ERR_OK;
    if (err != ERR_OK)
        err = FAIL(diag, err, "%s",
                   snapshot.append.story ? snapshot.append.story : err_info(err)->text);
    mem_free(snapshot.append.story);
    cond_release(&snapshot.cond);
    mutex_release(&snapshot.lock);
    str_release(&batch);
    return err;
}

err_t groups_snapshot(struct groups *groups, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    err_t err = ERR_OK;
    groups->written = 0;
    // What is written from here on stays, so a group made after this line loses nothing. What lies
    // before belongs to groups that are written anew.
    int64_t first = partition_offsets(groups->partition).end;
    struct group **all = groups_all(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (err == ERR_OK)
            err = snapshot_group(groups, all[i], diag);
        group_unref(all[i]);
    }
    arena_release(&arena);
    int64_t start;
    if (err == ERR_OK)
        err = partition_delete_before(groups->partition, first, &start, diag);
    return err;
}

static bool is_over(struct group *group, int64_t older_than_ms)
{
    mutex_lock(&group->lock);
    bool over = group->state == GROUP_EMPTY && group->state_since_ms < older_than_ms;
    mutex_unlock(&group->lock);
    return over;
}

static void expire_offsets(struct groups *groups)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    int64_t older_than_ms = clock_now_ms() - RETENTION_MS;
    groups->expired_ms = clock_now_ms();
    struct group **all = groups_all(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct diag diag = DIAG_INIT;
        if (is_over(all[i], older_than_ms) &&
            forget(groups, all[i], BYTES_NULL, older_than_ms, &diag) != ERR_OK)
            LOG_WARN("broker", "cannot forget old offsets", "group=%s why=\"%s\"", all[i]->id,
                     diag_text(&diag));
        group_unref(all[i]);
    }
    arena_release(&arena);
}

static void end_upkeep(struct groups *groups)
{
    mutex_lock(&groups->lock);
    groups->upkeep_runs = false;
    cond_broadcast(&groups->idle);
    mutex_unlock(&groups->lock);
}

static void run_upkeep(struct work *work)
{
    struct groups *groups = CONTAINER_OF(work, struct groups, upkeep);
    struct diag diag = DIAG_INIT;
    if (clock_now_ms() - groups->expired_ms >= EXPIRE_EVERY_MS)
        expire_offsets(groups);
    if (groups->written > SNAPSHOT_RECORDS_MIN && groups_snapshot(groups, &diag) != ERR_OK)
        LOG_WARN("broker", "cannot write a snapshot of the committed offsets", "why=\"%s\"",
                 diag_text(&diag));
    end_upkeep(groups);
}

static void start_upkeep(struct groups *groups)
{
    mutex_lock(&groups->lock);
    bool start = !groups->upkeep_runs && !groups->stopping;
    groups->upkeep_runs = groups->upkeep_runs || start;
    mutex_unlock(&groups->lock);
    if (!start)
        return;
    groups->upkeep = (struct work){.run = run_upkeep};
    work_submit(groups->broker->loops, &groups->upkeep);
}

// --- opening and closing -------------------------------------------------------------

static void load_batch(struct groups *groups, struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    struct offset_record offset;
    if (record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, NULL) != ERR_OK)
        return;
    for (; record_reader_next(&reader, &record); groups->written++) {
        if (!offsets_parse(record.key, record.value, &offset))
            continue;
        struct group *group = groups_get(groups, offset.group);
        offsets_apply(group, &offset.change);
        if (offset.change.value.commit_ms > 0)
            group->state_since_ms = offset.change.value.commit_ms;
        group_unref(group);
    }
    record_reader_release(&reader);
}

static err_t load(struct groups *groups, struct diag *diag)
{
    int64_t offset = partition_offsets(groups->partition).start;
    for (;;) {
        struct buf *buf;
        TRY(partition_read(groups->partition, offset, READ_BYTES, &buf, diag));
        if (!buf)
            return ERR_OK;
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        struct batch_header header;
        while (record_batch_next(&reader, &batch) && batch_header_read(&header, batch)) {
            load_batch(groups, batch);
            offset = batch_header_last_offset(&header) + 1;
        }
        buf_unref(buf);
    }
}

static err_t open_topic(struct groups *groups, struct diag *diag)
{
    static const struct topic_setting settings[] = {
        {"cleanup.policy", "compact"}, {"retention.ms", "-1"}, {"segment.bytes", "16777216"}};
    struct log_store *store = groups->broker->store;
    groups->topic = log_store_topic(store, bytes_from(OFFSETS_TOPIC));
    if (!groups->topic)
        TRY(log_store_create_topic(store, OFFSETS_TOPIC, 1, settings,
                                   sizeof settings / sizeof *settings, &groups->topic, diag));
    groups->partition = topic_partition(groups->topic, 0);
    return ERR_OK;
}

err_t groups_open(struct groups **out, struct broker *broker, struct diag *diag)
{
    struct groups *groups = MEM_NEW(struct groups);
    groups->broker = broker;
    groups->expired_ms = clock_now_ms() - EXPIRE_EVERY_MS;
    mutex_init(&groups->lock);
    cond_init(&groups->idle);
    timer_init(&groups->timer, tick);
    err_t err = open_topic(groups, diag);
    if (err == ERR_OK)
        err = load(groups, diag);
    if (err != ERR_OK) {
        diag_context(diag, "cannot load the committed offsets");
        groups->timer_stopped = true;
        groups_close(groups);
        return err;
    }
    groups_watch(groups);
    *out = groups;
    return ERR_OK;
}

void groups_stop(struct groups *groups)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    groups->stopping = true;
    loop_post(loops_at(groups->broker->loops, 0), &groups->stop, stop_timer);
    struct group **all = groups_all(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        group_kill(all[i]);
        group_unref(all[i]);
    }
    arena_release(&arena);
    mutex_lock(&groups->lock);
    while (!groups->timer_stopped || groups->upkeep_runs)
        cond_wait(&groups->idle, &groups->lock);
    mutex_unlock(&groups->lock);
}

void groups_close(struct groups *groups)
{
    for (size_t i = 0; i < groups->map.capacity; i++)
        if (groups->map.used[i])
            group_unref(groups->map.values[i]);
    group_map_release(&groups->map);
    topic_unref(groups->topic);
    mutex_release(&groups->lock);
    cond_release(&groups->idle);
    mem_free(groups);
}
