// SPDX-License-Identifier: Apache-2.0
#include "broker/group_write.h"

#include "base/log.h"
#include "broker/group_int.h"

#include <assert.h>

void group_write_free(struct group_write *write)
{
    buf_unref(write->buf);
    mem_free(write->member_id);
    mem_free(write->leader);
    mem_free(write);
}

bool group_unsaved(const struct group *group)
{
    return !list_empty(&group->unsaved);
}

// What follows a batch that failed has not been written either, as far as a reader is concerned:
// it is written again after it, so that the order stays.
static void settle(struct group_write *write)
{
    struct group *group = write->group;
    if (write->keep && write->err == ERR_OK && group_unsaved(group))
        write->err = ERR_COORDINATOR_NOT_AVAILABLE;
    if (write->err != ERR_OK)
        LOG_WARN("broker", "cannot write a group's records", "group=%s why=\"%s\"", group->id,
                 write->append.story ? write->append.story : err_info(write->err)->text);
    mem_free(write->append.story);
    write->append.story = NULL;
    if (write->done)
        write->done(write);
    if (write->keep && write->err != ERR_OK && group->state != GROUP_DEAD) {
        write->done = NULL;
        list_push_back(&group->unsaved, &write->link);
    } else {
        group_write_free(write);
    }
}

static void enter(struct group_write *write, void (*next)(struct group_write *write))
{
    struct group *group = write->group;
    bool held = mutex_held(&group->lock); // refused at once, inside group_write()
    if (!held)
        mutex_lock(&group->lock);
    write->err = write->append.err;
    next(write);
    if (!held)
        group__unlock(group);
    group_unref(group);
}

static void appended(struct append *append)
{
    enter(CONTAINER_OF(append, struct group_write, append), settle);
}

static void send(struct group_write *write, void (*done)(struct append *append))
{
    group_ref(write->group);
    write->append = (struct append){.buf = buf_ref(write->buf),
                                    .batch = write->buf->ptr,
                                    .size = write->buf->size,
                                    .until = APPEND_SYNCED,
                                    .done = done};
    write->group->journal->append(write->group->journal, &write->append);
}

void group_write(struct group *group, struct record_builder *records, struct group_write *write)
{
    assert(mutex_held(&group->lock));
    write->group = group;
    list_init(&write->link);
    if (!group->journal || group->state == GROUP_DEAD || records->count == 0) {
        record_builder_release(records);
        *records = (struct record_builder){0};
        if (write->done)
            write->done(write);
        group_write_free(write);
        return;
    }
    struct str batch = {0};
    err_t err = record_builder_finish(records, &batch, NULL);
    assert(err == ERR_OK); // uncompressed
    record_builder_release(records);
    write->buf = buf_copy(batch.ptr, batch.size);
    str_release(&batch);
    send(write, appended);
}

// --- again ---------------------------------------------------------------------------

static void send_first(struct group *group);

static void settle_again(struct group_write *write)
{
    struct group *group = write->group;
    mem_free(write->append.story);
    write->append.story = NULL;
    group->retrying = false;
    if (write->err != ERR_OK) // the next tick
        return;
    list_remove(&write->link);
    group_write_free(write);
    if (group_unsaved(group) && group->state != GROUP_DEAD)
        send_first(group);
}

static void appended_again(struct append *append)
{
    enter(CONTAINER_OF(append, struct group_write, append), settle_again);
}

static void send_first(struct group *group)
{
    group->retrying = true;
    send(CONTAINER_OF(group->unsaved.next, struct group_write, link), appended_again);
}

void group_write_retry(struct group *group)
{
    if (group_unsaved(group) && !group->retrying)
        send_first(group);
}
