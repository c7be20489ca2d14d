// SPDX-License-Identifier: Apache-2.0
//
// Power cuts. A store works on the recorded disk of os/disk_cut_test.h: producers with and without
// sequences, topics made, altered and deleted, retention, checkpoints, a reader. Every promise it
// makes is kept with the moment it was made. Then the power goes at many moments, with several
// outcomes each, also once more while the store comes back; each time a store is opened on what is
// left, and what had been promised until then must hold, without anybody repairing anything.
//
// POWER_SECONDS=600 goes on with new seeds for that long; POWER_SEED=N begins with that one.
#include "os/disk_cut_test.h"
#include "store/log/log_test_util.h"

#include "base/map.h"

enum {
    IDEMPOTENT = 3, // producers 0.. have ids, the last has none
    PRODUCERS = 4,
    PARTITIONS = 3,
    WINDOW = 4,
    FIRST_ID = 100,
    LIVES = 200,
};

// --- what was promised ---

struct life { // of a topic
    char name[8];
    uint8_t id[16];
    size_t made, delete_begun, gone; // moments
};

struct sent {
    int life, partition, producer;
    int32_t number, count; // of its first record
    err_t err;
    int64_t offset;
    size_t told;
};

enum promise_kind { PROMISE_END, PROMISE_START, PROMISE_ID, PROMISE_SETTING };

struct promise {
    enum promise_kind kind;
    int life, partition;
    int64_t value;
    size_t told;
};

struct world {
    struct log_store *store;
    struct mutex mutex;
    struct cond done;
    VEC(struct sent) sent;
    VEC(struct promise) promises;
    struct life lives[LIVES];
    int life_count;
    _Atomic int producing;
    uint64_t seed;
    bool faults;
};

static uint64_t seed_now;

static void promise(struct world *world, enum promise_kind kind, int life, int partition,
                    int64_t value)
{
    mutex_lock(&world->mutex);
    struct promise made = {kind, life, partition, value, disk_moment()};
    vec_push(&world->promises, made);
    mutex_unlock(&world->mutex);
}

// --- the load ---

struct sending {
    struct append append;
    struct world *world;
    struct sent sent;
    bool done;
};

static void sending_done(struct append *append)
{
    struct sending *sending = CONTAINER_OF(append, struct sending, append);
    size_t told = disk_moment();
    mem_free(append->story);
    mutex_lock(&sending->world->mutex);
    sending->sent.told = told;
    sending->sent.err = append->err;
    sending->sent.offset = append->base_offset;
    sending->done = true;
    cond_broadcast(&sending->world->done);
    mutex_unlock(&sending->world->mutex);
}

static struct buf *numbered_batch(int producer, int32_t number, int32_t count, size_t pad)
{
    struct record_builder builder = {0};
    for (int32_t i = 0; i < count; i++) {
        struct str value = {0};
        str_printf(&value, "%d %d ", producer, number + i);
        for (size_t p = 0; p < pad; p++)
            str_append_byte(&value, (char)('a' + (p * 7 + (size_t)number) % 26));
        record_builder_add(&builder, clock_now_ms(), BYTES_NULL, str_bytes(&value), NULL, 0);
        str_release(&value);
    }
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    record_builder_release(&builder);
    if (producer < IDEMPOTENT) {
        struct batch_header header;
        assert_true(batch_header_read(&header, str_bytes(&out)));
        header.producer_id = FIRST_ID + producer;
        header.producer_epoch = 0;
        header.base_sequence = number;
        batch_header_write((uint8_t *)out.ptr, out.size, &header);
    }
    struct buf *buf = buf_copy(out.ptr, out.size);
    str_release(&out);
    return buf;
}

static void send_batch(struct sending *sending, struct partition *partition, size_t pad)
{
    struct buf *buf =
        numbered_batch(sending->sent.producer, sending->sent.number, sending->sent.count, pad);
    sending->append = (struct append){.buf = buf,
                                      .batch = buf->ptr,
                                      .size = buf->size,
                                      .until = APPEND_SYNCED,
                                      .done = sending_done};
    partition_append(partition, &sending->append);
}

struct producer_thread {
    struct thread thread;
    struct world *world;
    struct topic *topic;
    int life, producer;
    int32_t goal;
};

// Sends a window, waits for all of it; a producer with sequences sends again from the first that
// failed. False when the partition takes no more.
static bool send_window(struct producer_thread *self, uint64_t *random, int32_t *number)
{
    struct world *world = self->world;
    struct sending window[WINDOW];
    int index = self->producer % PARTITIONS;
    struct partition *partition = topic_partition(self->topic, index);
    int count = 1 + (int)(disk_random(random) % WINDOW);
    int32_t next = *number;
    for (int i = 0; i < count; i++) {
        window[i] = (struct sending){.world = world,
                                     .sent = {self->life, index, self->producer, next,
                                              1 + (int32_t)disk_random(random) % 3, ERR_OK, -1, 0}};
        next += window[i].sent.count;
        size_t pad =
            disk_random(random) % 4 ? disk_random(random) % 300 : disk_random(random) % 3000;
        send_batch(&window[i], partition, pad);
    }
    bool failed = false;
    *number = next;
    mutex_lock(&world->mutex);
    for (int i = 0; i < count; i++) {
        while (!window[i].done)
            cond_wait(&world->done, &world->mutex);
        vec_push(&world->sent, window[i].sent);
        if (window[i].sent.err != ERR_OK && !failed) {
            failed = true;
            if (self->producer < IDEMPOTENT)
                *number = window[i].sent.number;
        }
    }
    mutex_unlock(&world->mutex);
    if (failed && !world->faults)
        fail_msg("seed %llu: an append failed", (unsigned long long)world->seed);
    mutex_lock(&partition->mutex);
    bool ended = partition->failed != ERR_OK;
    mutex_unlock(&partition->mutex);
    return !ended;
}

static void produce(void *ctx)
{
    struct producer_thread *self = ctx;
    uint64_t random = hash_u64(self->world->seed * 10 + (uint64_t)self->producer);
    int32_t number = 0;
    for (int tries = 0; tries < 400 && number < self->goal; tries++)
        if (!send_window(self, &random, &number))
            break;
    self->world->producing--;
}

static int make_life(struct world *world, const char *name, int32_t partitions,
                     struct topic_setting *settings, size_t setting_count, struct topic **topic)
{
    assert_true(world->life_count < LIVES);
    struct life *life = &world->lives[world->life_count];
    struct diag diag = DIAG_INIT;
    err_t err = log_store_create_topic(world->store, name, partitions, settings, setting_count,
                                       topic, &diag);
    if (err != ERR_OK && world->faults)
        return -1;
    must(err, &diag);
    *life = (struct life){.made = disk_moment(), .delete_begun = SIZE_MAX, .gone = SIZE_MAX};
    snprintf(life->name, sizeof life->name, "%s", name);
    memcpy(life->id, topic_id(*topic), sizeof life->id);
    return world->life_count++;
}

static void put_some(struct world *world, int life, struct partition *partition, int32_t *number)
{
    for (int i = 0; i < 3; i++, ++*number) {
        struct sent sent = {.life = life, .producer = PRODUCERS, .number = *number, .count = 1};
        sent.partition = partition->index;
        sent.err = partition_append_wait(partition, numbered_batch(PRODUCERS, *number, 1, 700),
                                         &sent.offset, NULL);
        sent.told = disk_moment();
        mutex_lock(&world->mutex);
        vec_push(&world->sent, sent);
        mutex_unlock(&world->mutex);
        if (sent.err != ERR_OK && !world->faults)
            fail_msg("an append failed");
    }
}

static void churn_topic(struct world *world, int32_t *number)
{
    struct topic *topic;
    struct topic_setting setting = {"retention.ms", "1000000"};
    bool room = world->life_count < LIVES; // else the producers take very long
    int life = room ? make_life(world, "b", 1, &setting, 1, &topic) : -1;
    if (life < 0)
        return;
    put_some(world, life, topic_partition(topic, 0), number);
    char value[32];
    for (int64_t i = 1; i <= 2; i++) {
        snprintf(value, sizeof value, "%lld", (long long)(1000000 + i));
        setting.value = value;
        if (log_store_alter_topic(world->store, "b", &setting, 1, NULL) == ERR_OK)
            promise(world, PROMISE_SETTING, life, 0, 1000000 + i);
    }
    topic_unref(topic);
    world->lives[life].delete_begun = disk_moment();
    if (log_store_delete_topic(world->store, "b", NULL) == ERR_OK)
        world->lives[life].gone = disk_moment();
}

static void look(struct world *world, struct topic *topic, int life)
{
    for (int i = 0; i < topic_partition_count(topic); i++)
        promise(world, PROMISE_END, life, i, partition_offsets(topic_partition(topic, i)).end);
}

// Until the producers are through: all that an operator and time do to a log.
static void administer(struct world *world, struct topic *a, int life_a)
{
    struct topic *r = NULL;
    struct topic_setting bounds[] = {{"retention.bytes", "6000"}, {"segment.bytes", "3000"}};
    int life_r = make_life(world, "r", 1, bounds, 2, &r);
    int32_t r_number = 0, b_number = 0;
    uint64_t random = hash_u64(world->seed);
    while (world->producing > 0) {
        struct partition *p = topic_partition(a, (int)(disk_random(&random) % PARTITIONS));
        int64_t value;
        switch (disk_random(&random) % 8) {
        case 0:
        case 1:
            (void)!checkpoint_write(world->store, false, NULL);
            break;
        case 2:
            churn_topic(world, &b_number);
            break;
        case 3:
            if (life_r >= 0)
                put_some(world, life_r, topic_partition(r, 0), &r_number);
            break;
        case 4:
            keeper_retain(world->store);
            break;
        case 5:
            value = partition_offsets(p).end * (int64_t)(disk_random(&random) % 10) / 10;
            if (partition_delete_before(p, value, &value, NULL) == ERR_OK)
                promise(world, PROMISE_START, life_a, p->index, value);
            break;
        case 6:
            if (log_store_producer_id(world->store, &value, NULL) == ERR_OK)
                promise(world, PROMISE_ID, 0, 0, value);
            break;
        default:
            look(world, a, life_a);
            break;
        }
    }
    topic_unref(r);
}

static void run_load(struct world *world, const char *dir, int32_t goal)
{
    struct diag diag = DIAG_INIT;
    struct log_store_options options = {.dir = dir, .sync = true, .segment_bytes = 20000};
    must(log_store_open(&world->store, &options, &diag), &diag);
    struct topic *a;
    bool faults = world->faults;
    world->faults = false;
    int life = make_life(world, "a", PARTITIONS, NULL, 0, &a);
    world->faults = faults;
    if (faults) {
        static const enum disk_kind kinds[] = {DISK_WRITE, DISK_SYNC, DISK_RENAME, DISK_TRUNCATE};
        enum disk_kind kind = kinds[world->seed % 4];
        disk_fail(disk_now, kind, (long)(world->seed * 7 % (kind == DISK_TRUNCATE ? 20 : 150)),
                  kind == DISK_SYNC ? 1 : 1 + (long)(world->seed % 5),
                  world->seed % 3 ? EIO : ENOSPC);
    }
    world->producing = PRODUCERS;
    struct producer_thread producers[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer_thread){
            .world = world, .topic = a, .life = life, .producer = i, .goal = goal};
        thread_start(&producers[i].thread, "producer", produce, &producers[i]);
    }
    administer(world, a, life);
    for (int i = 0; i < PRODUCERS; i++)
        thread_join(&producers[i].thread);
    look(world, a, life);
    topic_unref(a);
    log_store_close(world->store);
}

// --- what is left ---

struct found {
    int producer;
    int32_t number;
};

struct content {
    int64_t start, end;
    VEC(struct found) records; // from `start`
    struct batch_header last[IDEMPOTENT];
    bool any[IDEMPOTENT];
};

struct case_now {
    const struct world *world;
    const struct disk *disk;
    size_t at;
    char what[100];
};

static struct case_now case_now;

#define HOLDS(condition, ...)                                                                  \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            print_error("POWER_SEED=%llu, cut at op %zu (%s): ", (unsigned long long)seed_now, \
                        case_now.at, case_now.what);                                           \
            print_error(__VA_ARGS__);                                                          \
            print_error("\n");                                                                 \
            if (getenv("POWER_TRACE"))                                                         \
                disk_print(case_now.disk, 0, case_now.at);                                     \
            fail();                                                                            \
        }                                                                                      \
    } while (0)

static void see_record(struct content *content, const struct record *record)
{
    struct found found;
    char text[64];
    size_t size = record->value.size < sizeof text - 1 ? record->value.size : sizeof text - 1;
    memcpy(text, record->value.ptr, size);
    text[size] = '\0';
    HOLDS(sscanf(text, "%d %d ", &found.producer, &found.number) == 2, "strange record %s", text);
    HOLDS(record->offset == content->start + (int64_t)content->records.count ||
              record->offset < content->start,
          "offset %lld, expected %lld", (long long)record->offset,
          (long long)content->start + (long long)content->records.count);
    if (record->offset >= content->start)
        vec_push(&content->records, found);
}

static void see_batch(struct content *content, struct bytes batch)
{
    struct record_reader reader;
    MUST(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, &diag));
    int64_t id = reader.header.producer_id - FIRST_ID;
    if (id >= 0 && id < IDEMPOTENT) {
        content->last[id] = reader.header;
        content->any[id] = true;
    }
    struct record record;
    while (record_reader_next(&reader, &record))
        see_record(content, &record);
    record_reader_release(&reader);
}

static void read_content(struct partition *partition, struct content *content)
{
    HOLDS(partition->failed == ERR_OK && partition->damaged_from == INT64_MAX, "needs a person: %s",
          partition->damage_story ? partition->damage_story : partition->failed_story);
    struct partition_offsets offsets = partition_offsets(partition);
    *content = (struct content){.start = offsets.start, .end = offsets.end};
    HOLDS(offsets.start <= offsets.end, "start %lld is behind end %lld", (long long)offsets.start,
          (long long)offsets.end);
    for (int64_t next = offsets.start; next < offsets.end;) {
        struct buf *buf = NULL;
        struct diag diag = DIAG_INIT;
        err_t err = partition_read(partition, next, 1 << 20, &buf, &diag);
        HOLDS(err == ERR_OK && buf, "cannot read offset %lld: %s", (long long)next,
              diag_text(&diag));
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        while (record_batch_next(&reader, &batch)) {
            struct batch_header header;
            HOLDS(batch_header_read(&header, batch) && batch_crc_ok(batch), "bad batch at %lld",
                  (long long)next);
            see_batch(content, batch);
            next = batch_header_last_offset(&header) + 1;
        }
        HOLDS(reader_left(&reader) == 0, "half a batch was read");
        buf_unref(buf);
    }
    HOLDS((int64_t)content->records.count == offsets.end - offsets.start,
          "%zu records between %lld and %lld", content->records.count, (long long)offsets.start,
          (long long)offsets.end);
}

static void check_order(const struct content *content, const char *topic, int partition)
{
    int32_t last[PRODUCERS + 1];
    for (int i = 0; i <= PRODUCERS; i++)
        last[i] = -1;
    for (size_t i = 0; i < content->records.count; i++) {
        struct found found = content->records.items[i];
        HOLDS(found.producer >= 0 && found.producer <= PRODUCERS, "strange producer");
        HOLDS(found.number > last[found.producer],
              "%s-%d offset %lld: producer %d's %d comes behind its %d", topic, partition,
              (long long)content->start + (long long)i, found.producer, found.number,
              last[found.producer]);
        HOLDS(found.producer >= IDEMPOTENT || last[found.producer] < 0 ||
                  found.number == last[found.producer] + 1,
              "%s-%d: producer %d's %d is followed by its %d", topic, partition, found.producer,
              last[found.producer], found.number);
        last[found.producer] = found.number;
    }
}

static void check_acknowledged(const struct content *content, int life, int partition)
{
    const struct world *world = case_now.world;
    for (size_t i = 0; i < world->sent.count; i++) {
        const struct sent *sent = &world->sent.items[i];
        if (sent->life != life || sent->partition != partition || sent->err != ERR_OK ||
            sent->told > case_now.at)
            continue;
        for (int32_t r = 0; r < sent->count; r++) {
            int64_t offset = sent->offset + r;
            if (offset < content->start)
                continue;
            HOLDS(offset < content->end,
                  "%s-%d lost offset %lld (producer %d's %d), it ends at %lld",
                  world->lives[life].name, partition, (long long)offset, sent->producer,
                  sent->number + r, (long long)content->end);
            struct found found = content->records.items[offset - content->start];
            HOLDS(found.producer == sent->producer && found.number == sent->number + r,
                  "%s-%d offset %lld: %d's %d was acknowledged, %d's %d is there",
                  world->lives[life].name, partition, (long long)offset, sent->producer,
                  sent->number + r, found.producer, found.number);
        }
    }
}

static void check_promises(struct topic *topic, int life)
{
    const struct world *world = case_now.world;
    int64_t setting = 0;
    for (size_t i = 0; i < world->promises.count; i++) {
        const struct promise *made = &world->promises.items[i];
        if (made->life != life || made->told > case_now.at || made->kind == PROMISE_ID)
            continue;
        struct partition_offsets offsets =
            partition_offsets(topic_partition(topic, made->partition));
        if (made->kind == PROMISE_END)
            HOLDS(offsets.end >= made->value, "a reader saw %s-%d end at %lld, now at %lld",
                  topic_name(topic), made->partition, (long long)made->value,
                  (long long)offsets.end);
        else if (made->kind == PROMISE_START)
            HOLDS(offsets.start >= made->value, "%s-%d was cut before %lld, it starts at %lld",
                  topic_name(topic), made->partition, (long long)made->value,
                  (long long)offsets.start);
        else if (made->value > setting)
            setting = made->value;
    }
    struct arena arena = ARENA_INIT;
    size_t count;
    struct topic_setting *settings = topic_settings(topic, &arena, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].key, "retention.ms") == 0)
            HOLDS(strtoll(settings[i].value, NULL, 10) >= setting, "a setting went back");
    arena_release(&arena);
}

// A repeated batch is known, the next one is taken.
static void check_producers(struct partition *partition, const struct content *content)
{
    for (int i = 0; i < IDEMPOTENT; i++) {
        if (i % PARTITIONS != partition->index)
            continue;
        int64_t offset = -1;
        int32_t next = 0;
        if (content->any[i]) {
            const struct batch_header *last = &content->last[i];
            err_t err = partition_append_wait(
                partition, numbered_batch(i, last->base_sequence, last->record_count, 5), &offset,
                NULL);
            HOLDS(err == ERR_OK && offset == last->base_offset,
                  "repeating producer %d's %d: %s at %lld, it is at %lld", i, last->base_sequence,
                  err_name(err), (long long)offset, (long long)last->base_offset);
            next = last->base_sequence + last->record_count;
        } else if (content->start > 0) {
            continue;
        }
        err_t err = partition_append_wait(partition, numbered_batch(i, next, 1, 5), &offset, NULL);
        HOLDS(err == ERR_OK, "producer %d's next, %d: %s", i, next, err_name(err));
    }
}

static void check_topic(struct topic *topic, int life)
{
    const struct world *world = case_now.world;
    for (int32_t p = 0; p < topic_partition_count(topic); p++) {
        struct content content;
        struct partition *partition = topic_partition(topic, p);
        read_content(partition, &content);
        check_order(&content, topic_name(topic), p);
        HOLDS(life >= 0 || content.end == 0, "a topic nobody wrote to holds %lld records",
              (long long)content.end);
        if (life >= 0) {
            check_acknowledged(&content, life, p);
            if (strcmp(world->lives[life].name, "a") == 0)
                check_producers(partition, &content);
        }
        vec_release(&content.records);
    }
    if (life >= 0)
        check_promises(topic, life);
}

static int life_of(const uint8_t *id)
{
    for (int i = 0; i < case_now.world->life_count; i++)
        if (memcmp(case_now.world->lives[i].id, id, 16) == 0)
            return i;
    return -1;
}

static void check_topics(struct log_store *store)
{
    const struct world *world = case_now.world;
    for (int i = 0; i < world->life_count; i++) {
        const struct life *life = &world->lives[i];
        struct topic *topic = log_store_topic_by_id(store, life->id);
        HOLDS(topic || life->made > case_now.at || life->delete_begun <= case_now.at,
              "topic %s, life %d, is gone", life->name, i);
        HOLDS(!topic || life->gone > case_now.at, "topic %s, life %d, is back", life->name, i);
        topic_unref(topic);
    }
    struct arena arena = ARENA_INIT;
    size_t count;
    struct topic **topics = log_store_topics(store, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        check_topic(topics[i], life_of(topic_id(topics[i])));
        topic_unref(topics[i]);
    }
    arena_release(&arena);
    int64_t id;
    MUST(log_store_producer_id(store, &id, &diag));
    for (size_t i = 0; i < world->promises.count; i++)
        HOLDS(world->promises.items[i].kind != PROMISE_ID ||
                  world->promises.items[i].told > case_now.at ||
                  id > world->promises.items[i].value,
              "producer id %lld was given out before", (long long)id);
}

static struct log_store *open_left(const char *dir)
{
    struct log_store *store = NULL;
    struct log_store_options options = {.dir = dir, .sync = true, .segment_bytes = 20000};
    struct diag diag = DIAG_INIT;
    err_t err = log_store_open(&store, &options, &diag);
    HOLDS(err == ERR_OK, "does not open: %s", diag_text(&diag));
    return store;
}

// Opens what is left in `dir` and checks it. With `again` the power goes once more while it comes
// back, and the check is of what that leaves.
static void check_left(const char *dir, bool again, uint64_t seed)
{
    struct disk disk;
    if (again) {
        char dir2[300];
        snprintf(dir2, sizeof dir2, "%s.again", dir);
        disk_start(&disk, dir);
        log_store_close(open_left(dir));
        disk_stop();
        size_t at = disk.ops.count ? hash_u64(seed) % (disk.ops.count + 1) : 0;
        disk_crash(&disk, at, (enum disk_outcome)(seed / 3 % DISK_OUTCOMES), seed, dir2);
        check_left(dir2, false, seed);
        disk_release(&disk);
        remove_dir(dir);
        return;
    }
    disk_start(&disk, dir); // so that nothing is really synced
    struct log_store *store = open_left(dir);
    check_topics(store);
    log_store_close(store);
    disk_stop();
    disk_release(&disk);
    remove_dir(dir);
}

static const char *const outcomes[] = {"nothing unsynced is there", "everything is there",
                                       "half of it is there",       "most of it is there",
                                       "little of it is there",     "names in order"};

static void check_cuts(const struct world *world, const struct disk *disk, const char *dir,
                       size_t cuts)
{
    char left[280];
    snprintf(left, sizeof left, "%s.left", dir);
    uint64_t random = hash_u64(world->seed + 77);
    for (size_t i = 0; i < cuts; i++) {
        uint64_t seed = (uint64_t)disk_random(&random) << 31 | disk_random(&random);
        enum disk_outcome outcome = (enum disk_outcome)(i % DISK_OUTCOMES);
        bool again = i % 5 == 4;
        case_now =
            (struct case_now){.world = world, .disk = disk, .at = seed % (disk->ops.count + 1)};
        snprintf(case_now.what, sizeof case_now.what, "%s%s", outcomes[outcome],
                 again ? ", then another cut" : "");
        disk_crash(disk, case_now.at, outcome, seed, left);
        check_left(left, again, seed);
    }
}

static void run_world(uint64_t seed, bool faults, int32_t goal, size_t cuts)
{
    seed_now = seed;
    struct world world = {.seed = seed, .faults = faults};
    mutex_init(&world.mutex);
    cond_init(&world.done);
    char scratch[300];
    char dir[256];
    snprintf(dir, sizeof dir, "%s", fresh_dir());
    snprintf(scratch, sizeof scratch, "%s.scratch", dir);
    MUST(dir_make(dir, &diag));
    struct disk disk;
    disk_start(&disk, dir);
    run_load(&world, dir, goal);
    disk_stop();
    assert_true(disk_check(&disk, scratch));
    check_cuts(&world, &disk, dir, cuts);
    disk_release(&disk);
    remove_dir(dir);
    vec_release(&world.sent);
    vec_release(&world.promises);
    mutex_release(&world.mutex);
    cond_release(&world.done);
}

static void run_worlds(bool faults)
{
    int64_t first = disk_setting("POWER_SEED", 1),
            end_us = disk_setting("POWER_SECONDS", 0) * 500000;
    end_us = end_us ? clock_mono_us() + end_us : 0;
    for (int64_t seed = first; seed < first + (faults ? 4 : 2) || clock_mono_us() < end_us; seed++)
        run_world((uint64_t)seed, faults, 60, 150);
}

static void what_was_promised_holds_after_every_power_cut(void **state)
{
    (void)state;
    run_worlds(false);
}

static void also_when_the_disk_fails_once_before(void **state)
{
    (void)state;
    run_worlds(true);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_was_promised_holds_after_every_power_cut, disk_tear_down),
        cmocka_unit_test_teardown(also_when_the_disk_fails_once_before, disk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
