// SPDX-License-Identifier: Apache-2.0
//
// The log folder as a whole: the catalog, the checkpoint and its mark, the small files, and every
// partition's folder. Segments are inspect_segment.c's.
#include "store/log/inspect_int.h"

#include "store/log/recover.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NAME_DIGITS = 20, CHECKPOINT_MAX_BYTES = 1 << 30 };

struct saved_known {
    const struct topic *topic;
    int32_t index;
    struct saved_partition partition;
};

struct walk {
    struct inspect inspect;
    struct log_store *store; // what the catalog says; NULL when it cannot be read
    struct arena arena;
    VEC(struct saved_known) saved; // what the checkpoint says
    struct diag *diag;
    bool matched; // a folder that was asked for
};

void inspect__tell(struct inspect *inspect, const struct inspect_place *place, const char *format,
                   ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    struct inspect_finding finding = {
        .kind = place->kind,
        .path = place->path,
        .byte = place->byte,
        .topic = place->partition ? place->partition->topic : NULL,
        .partition = place->partition ? place->partition->index : -1,
        .offset = place->offset,
        .found = str_text(&text),
        .remedy = place->remedy,
    };
    if (place->kind == INSPECT_DAMAGE)
        inspect->totals->damages++;
    else
        inspect->totals->notes++;
    inspect->options->found(&finding, inspect->options->ctx);
    str_release(&text);
}

static void tell_file(struct walk *walk, enum inspect_kind kind, const char *path, int64_t byte,
                      const char *found, const char *remedy)
{
    struct inspect_place place = {
        .kind = kind, .path = path, .byte = byte, .offset = -1, .remedy = remedy};
    inspect__tell(&walk->inspect, &place, "%s", found);
}

static void path_in(const struct walk *walk, const char *name, char *out)
{
    snprintf(out, PATH_BYTES, "%s/%s", walk->inspect.options->dir, name);
}

// --- what the checkpoint says ---

static struct topic *topic_of(struct log_store *store, const uint8_t key[20], int32_t *index)
{
    *index = 0;
    for (int i = 0; i < 4; i++)
        *index = *index << 8 | key[16 + i];
    struct topic *topic = log_store_topic_by_id(store, key);
    if (topic && *index >= topic_partition_count(topic)) {
        topic_unref(topic);
        return NULL;
    }
    return topic;
}

static void keep_saved(const uint8_t key[20], const struct saved_partition *saved, void *ctx)
{
    struct walk *walk = ctx;
    struct saved_known known = {.partition = *saved};
    struct topic *topic = walk->store ? topic_of(walk->store, key, &known.index) : NULL;
    known.topic = topic;
    if (topic)
        vec_push(&walk->saved, known);
    topic_unref(topic); // the catalog's lives on
}

static void read_saved(struct walk *walk)
{
    char path[PATH_BYTES];
    struct str text = {0};
    path_in(walk, "checkpoint", path);
    // What is wrong with it is told later.
    if (file_exists(path) && file_read_all(path, CHECKPOINT_MAX_BYTES, &text, NULL) == ERR_OK)
        (void)!checkpoint_each(str_bytes(&text), &walk->arena, keep_saved, walk, NULL);
    str_release(&text);
}

static const struct saved_partition *saved_of(const struct walk *walk, const char *topic,
                                              int32_t index)
{
    for (size_t i = 0; i < walk->saved.count; i++) {
        const struct saved_known *known = &walk->saved.items[i];
        if (known->index == index && strcmp(known->topic->name, topic) == 0)
            return &known->partition;
    }
    return NULL;
}

// How much of a segment was on disk at the checkpoint.
static int64_t saved_size(const struct saved_partition *saved, int64_t base)
{
    for (size_t i = 0; saved && !saved->rescan && i < saved->segment_count; i++)
        if (saved->segments[i].base_offset == base)
            return saved->segments[i].size;
    return 0;
}

// --- partitions ---

struct bases {
    VEC(int64_t) all;
};

static err_t see_name(const char *name, bool is_dir, void *ctx)
{
    struct bases *bases = ctx;
    if (is_dir || strlen(name) != NAME_DIGITS + 4 || strcmp(name + NAME_DIGITS, ".log") != 0)
        return ERR_OK;
    char *end;
    int64_t base = strtoll(name, &end, 10);
    if (end == name + NAME_DIGITS && base >= 0)
        vec_push(&bases->all, base);
    return ERR_OK;
}

err_t inspect_segments(const char *dir, struct arena *arena, int64_t **bases, size_t *count,
                       struct diag *diag)
{
    struct bases found = {0};
    err_t err = dir_each(dir, see_name, &found, diag);
    *count = found.all.count;
    *bases = ARENA_ARRAY(arena, int64_t, found.all.count + 1);
    if (found.all.count > 0)
        memcpy(*bases, found.all.items, found.all.count * sizeof **bases);
    vec_release(&found.all);
    return err;
}

static bool has_segment(const char *dir, int64_t base)
{
    char path[PATH_BYTES + 40];
    int fd = -1;
    int64_t size = 0;
    snprintf(path, sizeof path, "%s/%020lld.log", dir, (long long)base);
    bool has = file_open(&fd, path, FILE_READ, NULL) == ERR_OK &&
               file_size(fd, &size, NULL) == ERR_OK && size > 0;
    file_close(fd);
    return has;
}

// Does the topic's policy let offsets be missing? Without a catalog nobody knows.
static bool has_gaps(const struct walk *walk, const char *name, int32_t index)
{
    if (!walk->store)
        return true;
    struct topic *topic = log_store_topic(walk->store, bytes_from(name));
    if (!topic)
        return true;
    struct arena arena = ARENA_INIT;
    size_t count;
    struct topic_setting *settings = topic_settings(topic, &arena, &count);
    bool gaps = false;
    for (size_t i = 0; i < count; i++)
        gaps = gaps || (strcmp(settings[i].key, "cleanup.policy") == 0 &&
                        strstr(settings[i].value, "compact"));
    const struct saved_partition *saved = saved_of(walk, name, index);
    gaps = gaps || (saved && saved->cleaned_to > 0);
    arena_release(&arena);
    topic_unref(topic);
    return gaps;
}

static void check_start(struct walk *walk, const struct inspect_partition *partition)
{
    char path[PATH_BYTES + 10];
    snprintf(path, sizeof path, "%s/start", partition->dir);
    if (!file_exists(path))
        return;
    struct str text = {0};
    struct diag diag = DIAG_INIT;
    char *end = NULL;
    err_t err = file_read_all(path, 64, &text, &diag);
    int64_t start = err == ERR_OK ? strtoll(str_text(&text), &end, 10) : 0;
    struct inspect_place place = {.kind = INSPECT_DAMAGE,
                                  .path = path,
                                  .partition = partition,
                                  .byte = 0,
                                  .offset = -1,
                                  .remedy = "serves the partition from its first segment on"};
    if (err != ERR_OK)
        inspect__tell(&walk->inspect, &place, "%s", diag_text(&diag));
    else if (end == text.ptr || *end != '\n')
        inspect__tell(&walk->inspect, &place, "not a number and a line's end");
    else if (start > partition->next)
        inspect__tell(&walk->inspect, &place, "the log starts at offset %lld, it ends at %lld",
                      (long long)start, (long long)partition->next);
    str_release(&text);
}

static err_t check_folder(struct walk *walk, const char *dir, const char *topic, int32_t index)
{
    struct inspect_partition partition = {.inspect = &walk->inspect,
                                          .topic = topic,
                                          .index = index,
                                          .dir = dir,
                                          .gaps = has_gaps(walk, topic, index)};
    const struct saved_partition *saved = saved_of(walk, topic, index);
    struct arena arena = ARENA_INIT;
    int64_t *bases;
    size_t count;
    err_t err = inspect_segments(dir, &arena, &bases, &count, walk->diag);
    walk->inspect.totals->partitions++;
    if (err == ERR_OK && count > 0)
        partition.next = bases[0];
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        // A listing may miss files that are made meanwhile.
        while (partition.next < bases[i] && has_segment(dir, partition.next))
            inspect__segment(&partition, partition.next, 0, true);
        inspect__segment(&partition, bases[i], saved_size(saved, bases[i]), i + 1 == count);
    }
    if (err == ERR_OK)
        check_start(walk, &partition);
    arena_release(&arena);
    return err;
}

static bool is_wanted(const struct walk *walk, const char *topic, int32_t index)
{
    const struct inspect_options *options = walk->inspect.options;
    return (!options->topic || strcmp(options->topic, topic) == 0) &&
           (options->partition < 0 || options->partition == index);
}

static bool is_known(const struct walk *walk, const char *name, int32_t index)
{
    struct topic *topic = walk->store ? log_store_topic(walk->store, bytes_from(name)) : NULL;
    bool known = !walk->store || (topic && index < topic_partition_count(topic));
    topic_unref(topic);
    return known;
}

static err_t see_folder(const char *name, bool is_dir, void *ctx)
{
    struct walk *walk = ctx;
    const char *dash = strrchr(name, '-');
    char topic[256], dir[PATH_BYTES], *end;
    if (!is_dir || !dash || dash[1] < '0' || dash[1] > '9' || dash - name > 249)
        return ERR_OK;
    long index = strtol(dash + 1, &end, 10);
    snprintf(topic, sizeof topic, "%.*s", (int)(dash - name), name);
    if (*end != '\0' || index > INT32_MAX || !is_wanted(walk, topic, (int32_t)index))
        return ERR_OK;
    walk->matched = true;
    path_in(walk, name, dir);
    if (!is_known(walk, topic, (int32_t)index)) {
        tell_file(walk, INSPECT_NOTE, dir, -1, "files of a topic that the catalog does not have",
                  "removes them: the topic was deleted");
        return ERR_OK;
    }
    return check_folder(walk, dir, topic, (int32_t)index);
}

// --- the checkpoint ---

struct saved_look {
    struct walk *walk;
    const char *path;
    bool clean;
};

// Retention may take any file that has one behind it.
static bool has_later(const char *dir, int64_t base)
{
    struct arena arena = ARENA_INIT;
    int64_t *bases;
    size_t count;
    bool later = inspect_segments(dir, &arena, &bases, &count, NULL) == ERR_OK && count > 0 &&
                 bases[count - 1] > base;
    arena_release(&arena);
    return later;
}

static void check_saved_segment(struct saved_look *look, const struct inspect_partition *partition,
                                const struct saved_segment *saved)
{
    char path[PATH_BYTES + 40];
    snprintf(path, sizeof path, "%s/%020lld.log", partition->dir, (long long)saved->base_offset);
    struct inspect_place place = {.kind = INSPECT_DAMAGE,
                                  .path = path,
                                  .partition = partition,
                                  .byte = -1,
                                  .offset = saved->base_offset,
                                  .remedy = "serves what is there and refuses appends"};
    int fd = -1;
    int64_t size = -1;
    err_t err = file_open(&fd, path, FILE_READ, NULL);
    if (err == ERR_OK)
        err = file_size(fd, &size, NULL);
    file_close(fd);
    place.byte = size;
    if (err != ERR_OK && !look->clean && has_later(partition->dir, saved->base_offset))
        return;
    if (err != ERR_OK)
        inspect__tell(&look->walk->inspect, &place,
                      "missing; it was on disk with %lld bytes at the last checkpoint",
                      (long long)saved->size);
    else if (size < saved->size)
        inspect__tell(&look->walk->inspect, &place,
                      "%lld bytes; %lld were on disk at the last checkpoint", (long long)size,
                      (long long)saved->size);
}

static void check_saved(const uint8_t key[20], const struct saved_partition *saved, void *ctx)
{
    struct saved_look *look = ctx;
    struct log_store *store = look->walk->store;
    int32_t index;
    struct topic *topic = store ? topic_of(store, key, &index) : NULL;
    if (!topic || saved->segment_count == 0 || !is_wanted(look->walk, topic->name, index) ||
        has_gaps(look->walk, topic->name, index)) {
        topic_unref(topic);
        return;
    }
    char dir[PATH_BYTES];
    partition__dir(topic_partition(topic, index), dir);
    struct inspect_partition partition = {.topic = topic->name, .index = index, .dir = dir};
    // Older ones may have gone since, by retention.
    size_t first = look->clean ? 0 : saved->segment_count - 1;
    for (size_t i = first; i < saved->segment_count; i++)
        check_saved_segment(look, &partition, &saved->segments[i]);
    topic_unref(topic);
}

static void check_checkpoint(struct walk *walk)
{
    char path[PATH_BYTES], mark_path[PATH_BYTES];
    path_in(walk, "checkpoint", path);
    path_in(walk, "clean-stop", mark_path);
    if (!file_exists(path))
        return;
    struct str text = {0}, mark = {0};
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    bool marked = file_exists(mark_path) && file_read_all(mark_path, 64, &mark, NULL) == ERR_OK;
    err_t err = file_read_all(path, CHECKPOINT_MAX_BYTES, &text, &diag);
    struct saved_look look = {.walk = walk, .path = path};
    look.clean = err == ERR_OK && text.size >= 4 && mark.size == 4 &&
                 memcmp(mark.ptr, text.ptr + text.size - 4, 4) == 0;
    if (err == ERR_OK)
        err = checkpoint_each(str_bytes(&text), &arena, check_saved, &look, &diag);
    if (err != ERR_OK)
        tell_file(walk, INSPECT_DAMAGE, path, -1, diag_text(&diag), "reads every segment instead");
    else if (marked && !look.clean)
        tell_file(walk, INSPECT_NOTE, mark_path, 0, "it is not that of this checkpoint",
                  "takes the stop for an unclean one and reads what was written since");
    arena_release(&arena);
    str_release(&text);
    str_release(&mark);
}

// --- the rest ---

static void check_producer_ids(struct walk *walk)
{
    char path[PATH_BYTES];
    path_in(walk, "producer-ids", path);
    if (!file_exists(path))
        return;
    struct str text = {0};
    struct diag diag = DIAG_INIT;
    char *end = NULL;
    err_t err = file_read_all(path, 64, &text, &diag);
    int64_t next = err == ERR_OK ? strtoll(str_text(&text), &end, 10) : 0;
    if (err != ERR_OK)
        tell_file(walk, INSPECT_DAMAGE, path, -1, diag_text(&diag), "does not start");
    else if (end == text.ptr || *end != '\n' || next < 0)
        tell_file(walk, INSPECT_DAMAGE, path, 0, "not a number and a line's end", "does not start");
    str_release(&text);
}

static void read_catalog(struct walk *walk)
{
    struct diag diag = DIAG_INIT;
    char path[PATH_BYTES];
    path_in(walk, "catalog", path);
    if (log_store__look(&walk->store, walk->inspect.options->dir, &diag) != ERR_OK)
        tell_file(walk, INSPECT_DAMAGE, path, -1, diag_text(&diag),
                  "does not start; the folders of the partitions are untouched");
    else
        walk->inspect.mark_key = walk->store->mark_key;
}

err_t inspect_log(const struct inspect_options *options, struct inspect_totals *totals,
                  struct diag *diag)
{
    *totals = (struct inspect_totals){0};
    if (strlen(options->dir) > PATH_BYTES - 400)
        return FAIL(diag, ERR_CONFIG, "the path of the log is longer than %d bytes",
                    PATH_BYTES - 400);
    struct walk walk = {.inspect = {options, totals}, .diag = diag, .arena = ARENA_INIT};
    read_catalog(&walk);
    read_saved(&walk);
    err_t err = dir_each(options->dir, see_folder, &walk, diag);
    if (err == ERR_OK) {
        check_checkpoint(&walk);
        if (!options->topic)
            check_producer_ids(&walk);
    }
    if (err == ERR_OK && options->topic && !walk.matched &&
        !(walk.store && is_known(&walk, options->topic, options->partition)))
        err = FAIL(diag, ERR_NOT_FOUND, "no topic %s%s in %s", options->topic,
                   options->partition >= 0 ? " with that partition" : "", options->dir);
    vec_release(&walk.saved);
    arena_release(&walk.arena);
    if (walk.store)
        log_store__look_end(walk.store);
    return err;
}
