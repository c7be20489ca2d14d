// SPDX-License-Identifier: Apache-2.0
//
// One topic of one partition in a log store of its own. Changes come into force on its writer
// thread, when they are durable, in the order they have in the log. The topic is compacted like any
// other: of each key the newest record stays. When it holds many more records than there are things
// to tell, opening writes all of them anew and drops what was before.
#include "broker/security.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "wire/kafka/record.h"

#define TOPIC            "security"
#define READ_BYTES       (1u << 20)
#define ANEW_RECORDS_MIN 1000
#define ANEW_BATCH       500

struct security {
    struct access *access;
    struct users *users;
    struct quotas *quotas;
    struct log_store *store;
    struct topic *topic;
    struct partition *partition;
    size_t records; // while opening
};

struct users *security_users(struct security *security)
{
    return security->users;
}

struct quotas *security_quotas(struct security *security)
{
    return security->quotas;
}

static void apply(struct security *security, const struct security_change *change)
{
    struct acls *acls = access_acls(security->access);
    if (change->kind == SECURITY_USER && change->remove)
        users_remove(security->users, change->user, change->credential.mechanism);
    else if (change->kind == SECURITY_USER)
        users_set(security->users, change->user, &change->credential);
    else if (change->kind == SECURITY_ACL && change->remove)
        acls_remove(acls, &change->acl);
    else if (change->kind == SECURITY_ACL)
        acls_add(acls, &change->acl);
    else
        quotas_set(security->quotas, &change->entity, change->quota,
                   change->remove ? 0 : change->limit);
}

// --- writing -------------------------------------------------------------------------

static err_t make_batch(const struct security_change *changes, size_t count, struct str *out,
                        struct diag *diag)
{
    struct record_builder builder = {0};
    struct str key = {0}, value = {0};
    for (size_t i = 0; i < count; i++) {
        str_clear(&key);
        str_clear(&value);
        security_encode(&changes[i], &key, &value);
        record_builder_add(&builder, clock_now_ms(), str_bytes(&key),
                           changes[i].remove ? BYTES_NULL : str_bytes(&value), NULL, 0);
    }
    err_t err = record_builder_finish(&builder, out, diag);
    record_builder_release(&builder);
    str_release(&key);
    str_release(&value);
    return err;
}

static void appended(struct append *append)
{
    struct security_write *write = CONTAINER_OF(append, struct security_write, append);
    write->err = append->err;
    if (append->err == ERR_OK)
        for (size_t i = 0; i < write->count; i++)
            apply(write->security, &write->changes[i]);
    else
        LOG_ERROR("broker/security", "cannot write a change of users, ACLs or quotas", "why=\"%s\"",
                  append->story ? append->story : err_info(append->err)->text);
    mem_free(append->story);
    write->done(write);
}

void security_change(struct security *security, struct security_write *write)
{
    struct str batch = {0};
    write->security = security;
    write->err = write->count ? make_batch(write->changes, write->count, &batch, NULL) : ERR_OK;
    if (write->count == 0 || write->err != ERR_OK) {
        str_release(&batch);
        write->done(write);
        return;
    }
    struct buf *buf = buf_copy(batch.ptr, batch.size);
    str_release(&batch);
    write->append = (struct append){
        .buf = buf, .batch = buf->ptr, .size = buf->size, .until = APPEND_SYNCED, .done = appended};
    partition_append(security->partition, &write->append);
}

struct waited {
    struct security_write write;
    struct mutex lock;
    struct cond cond;
    bool finished;
};

static void wake(struct security_write *write)
{
    struct waited *waited = CONTAINER_OF(write, struct waited, write);
    mutex_lock(&waited->lock);
    waited->finished = true;
    cond_signal(&waited->cond);
    mutex_unlock(&waited->lock);
}

err_t security_change_wait(struct security *security, const struct security_change *changes,
                           size_t count, struct diag *diag)
{
    struct waited waited = {.write = {.changes = changes, .count = count, .done = wake}};
    mutex_init(&waited.lock);
    cond_init(&waited.cond);
    security_change(security, &waited.write);
    mutex_lock(&waited.lock);
    while (!waited.finished)
        cond_wait(&waited.cond, &waited.lock);
    mutex_unlock(&waited.lock);
    cond_release(&waited.cond);
    mutex_release(&waited.lock);
    err_t err = waited.write.err;
    return err == ERR_OK ? err : FAIL(diag, err, "cannot write users, ACLs or quotas");
}

// --- opening and closing -------------------------------------------------------------

static void load_batch(struct security *security, struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    struct security_change change;
    if (record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, NULL) != ERR_OK)
        return;
    for (; record_reader_next(&reader, &record); security->records++) {
        if (security_decode(record.key, record.value, record.value.ptr != NULL, &change))
            apply(security, &change);
        else
            LOG_WARN("broker/security", "left out a record that this version does not know",
                     "offset=%lld", (long long)record.offset);
    }
    record_reader_release(&reader);
}

static err_t load(struct security *security, struct diag *diag)
{
    int64_t offset = partition_offsets(security->partition).start;
    for (;;) {
        struct buf *buf;
        TRY(partition_read(security->partition, offset, READ_BYTES, &buf, diag));
        if (!buf)
            return ERR_OK;
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        struct batch_header header;
        int64_t from = offset;
        while (record_batch_next(&reader, &batch) && batch_header_read(&header, batch)) {
            load_batch(security, batch);
            offset = batch_header_last_offset(&header) + 1;
        }
        buf_unref(buf);
        if (offset == from)
            return FAIL(diag, ERR_CORRUPT, "no batch can be read at offset %lld",
                        (long long)offset);
    }
}

// Everything there is, as changes.
static struct security_change *all_changes(struct security *security, struct arena *arena,
                                           size_t *count)
{
    static const struct acl every = {.resource = ACL_RESOURCE_ANY,
                                     .pattern = ACL_PATTERN_ANY,
                                     .operation = ACL_OPERATION_ANY,
                                     .permission = ACL_PERMISSION_ANY};
    size_t users, acls, quotas;
    struct user_entry *user = users_all(security->users, arena, &users);
    struct acl *acl = acls_find(access_acls(security->access), &every, arena, &acls);
    struct quota_entry *quota = quotas_all(security->quotas, arena, &quotas);
    struct security_change *all =
        ARENA_ARRAY(arena, struct security_change, users + acls + quotas * QUOTA_KINDS + 1);
    size_t at = 0;
    for (size_t i = 0; i < users; i++)
        all[at++] = (struct security_change){
            .kind = SECURITY_USER, .user = user[i].name, .credential = user[i].credential};
    for (size_t i = 0; i < acls; i++)
        all[at++] = (struct security_change){.kind = SECURITY_ACL, .acl = acl[i]};
    for (size_t i = 0; i < quotas; i++)
        for (int kind = 0; kind < QUOTA_KINDS; kind++)
            if (quota[i].limits[kind] > 0)
                all[at++] = (struct security_change){.kind = SECURITY_QUOTA,
                                                     .entity = quota[i].entity,
                                                     .quota = (enum quota_kind)kind,
                                                     .limit = quota[i].limits[kind]};
    *count = at;
    return all;
}

static err_t write_anew(struct security *security, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    err_t err = ERR_OK;
    struct security_change *all = all_changes(security, &arena, &count);
    if (security->records >= ANEW_RECORDS_MIN && security->records / 4 > count) {
        int64_t start = partition_offsets(security->partition).end;
        for (size_t i = 0; i < count && err == ERR_OK; i += ANEW_BATCH)
            err = security_change_wait(security, all + i,
                                       count - i < ANEW_BATCH ? count - i : ANEW_BATCH, diag);
        if (err == ERR_OK)
            err = partition_delete_before(security->partition, start, &start, diag);
    }
    arena_release(&arena);
    return err;
}

static bool is_set(struct topic *topic, const struct topic_setting *wanted, size_t count)
{
    struct arena arena = ARENA_INIT;
    size_t given_count;
    struct topic_setting *given = topic_settings(topic, &arena, &given_count); // sorted
    bool same = given_count == count;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(given[i].key, wanted[i].key) == 0 &&
               strcmp(given[i].value, wanted[i].value) == 0;
    arena_release(&arena);
    return same;
}

static err_t open_log(struct security *security, const char *dir, struct diag *diag)
{
    static const struct topic_setting settings[] = {{"cleanup.policy", "compact,delete"},
                                                    {"delete.retention.ms", "0"},
                                                    {"retention.bytes", "-1"},
                                                    {"retention.ms", "-1"},
                                                    {"segment.bytes", "1048576"}};
    const size_t setting_count = sizeof settings / sizeof *settings;
    struct log_store_options options = {.dir = dir, .sync = true, .file_max = 16};
    TRY(dir_make_private(dir, diag));
    TRY(log_store_open(&security->store, &options, diag));
    security->topic = log_store_topic(security->store, bytes_from(TOPIC));
    if (!security->topic)
        TRY(log_store_create_topic(security->store, TOPIC, 1, settings, setting_count,
                                   &security->topic, diag));
    else if (!is_set(security->topic, settings, setting_count)) // by an older version
        TRY(log_store_alter_topic(security->store, TOPIC, settings, setting_count, diag));
    security->partition = topic_partition(security->topic, 0);
    TRY(load(security, diag));
    return write_anew(security, diag);
}

err_t security_open(struct security **out, const char *dir, struct access *access,
                    struct diag *diag)
{
    struct security *security = MEM_NEW(struct security);
    security->access = access;
    security->users = users_new();
    security->quotas = quotas_new();
    err_t err = open_log(security, dir, diag);
    if (err != ERR_OK) {
        diag_context(diag, "cannot load users, ACLs and quotas");
        security_close(security);
        return err;
    }
    *out = security;
    return ERR_OK;
}

void security_close(struct security *security)
{
    topic_unref(security->topic);
    if (security->store)
        log_store_close(security->store);
    users_free(security->users);
    quotas_free(security->quotas);
    mem_free(security);
}
