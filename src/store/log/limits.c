// SPDX-License-Identifier: Apache-2.0
//
// The settings of a topic that the store obeys, from Kafka's names and texts to numbers. The broker
// has checked them against Kafka's own bounds; here only what would make no sense is refused.
#include "store/log/log_int.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

const struct topic_limits limits__default = {
    .segment_bytes = 1LL << 30,
    .segment_ms = 7LL * 24 * 60 * 60 * 1000,
    .retention_bytes = -1,
    .retention_ms = 7LL * 24 * 60 * 60 * 1000,
    .batch_max_bytes = 1048588,
    .ahead_max_ms = 60LL * 60 * 1000,
    .behind_max_ms = INT64_MAX,
    .file_delete_delay_ms = 60 * 1000,
    .index_interval_bytes = INDEX_STEP_BYTES,
    .index_max_bytes = 10 << 20,
    .delete_old = true,
    .codec = -1,
    .levels = {[BATCH_GZIP] = -1, [BATCH_LZ4] = 9, [BATCH_ZSTD] = 3},
    .dirty_ratio_min = 0.5,
    .compaction_lag_max_ms = INT64_MAX,
    .delete_retention_ms = 24LL * 60 * 60 * 1000,
};

static err_t number(const char *key, const char *value, int64_t min, int64_t max, int64_t *out,
                    struct diag *diag)
{
    char *end;
    errno = 0;
    long long parsed = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || parsed < min || parsed > max)
        return FAIL(diag, ERR_CONFIG, "%s is \"%s\", expected a whole number from %lld to %lld",
                    key, value, (long long)min, (long long)max);
    *out = parsed;
    return ERR_OK;
}

// One of the words; `*out` is its place.
static err_t word(const char *key, const char *value, const char *const *words, int8_t *out,
                  struct diag *diag)
{
    for (int8_t i = 0; words[i]; i++) {
        if (strcmp(value, words[i]) == 0) {
            *out = i;
            return ERR_OK;
        }
    }
    return FAIL(diag, ERR_CONFIG, "%s is \"%s\", which it cannot be", key, value);
}

static err_t set_number(struct topic_limits *limits, const char *key, const char *value,
                        bool *known, struct diag *diag)
{
    const struct {
        const char *key;
        int64_t *to;
        int64_t min, max;
    } numbers[] = {
        {"segment.bytes", &limits->segment_bytes, 14, INT32_MAX},
        {"internal.segment.bytes", &limits->segment_bytes, 14, INT32_MAX},
        {"segment.ms", &limits->segment_ms, 1, INT64_MAX},
        {"segment.jitter.ms", &limits->segment_jitter_ms, 0, INT64_MAX},
        {"segment.index.bytes", &limits->index_max_bytes, 4, INT32_MAX},
        {"retention.bytes", &limits->retention_bytes, INT64_MIN, INT64_MAX},
        {"retention.ms", &limits->retention_ms, -1, INT64_MAX},
        {"max.message.bytes", &limits->batch_max_bytes, 0, INT32_MAX},
        {"message.timestamp.after.max.ms", &limits->ahead_max_ms, 0, INT64_MAX},
        {"message.timestamp.before.max.ms", &limits->behind_max_ms, 0, INT64_MAX},
        {"file.delete.delay.ms", &limits->file_delete_delay_ms, 0, INT64_MAX},
        {"index.interval.bytes", &limits->index_interval_bytes, 0, INT32_MAX},
        {"min.compaction.lag.ms", &limits->compaction_lag_min_ms, 0, INT64_MAX},
        {"max.compaction.lag.ms", &limits->compaction_lag_max_ms, 1, INT64_MAX},
        {"delete.retention.ms", &limits->delete_retention_ms, 0, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        *known = strcmp(key, numbers[i].key) == 0;
        if (*known)
            return number(key, value, numbers[i].min, numbers[i].max, numbers[i].to, diag);
    }
    return ERR_OK;
}

static err_t set_level(struct topic_limits *limits, enum batch_compression codec, const char *key,
                       const char *value, struct diag *diag)
{
    int64_t level;
    TRY(number(key, value, -131072, 22, &level, diag));
    limits->levels[codec] = (int32_t)level;
    return ERR_OK;
}

static err_t set_policy(struct topic_limits *limits, const char *value, struct diag *diag)
{
    limits->delete_old = limits->compact = false;
    for (const char *at = value; *at;) {
        size_t size = strcspn(at, ", ");
        struct bytes policy = bytes_make(at, size);
        if (bytes_is(policy, "delete"))
            limits->delete_old = true;
        else if (bytes_is(policy, "compact"))
            limits->compact = true;
        else if (size > 0)
            return FAIL(diag, ERR_CONFIG, "cleanup.policy is \"%s\", expected delete, compact",
                        value);
        at += size + strspn(at + size, ", ");
    }
    return ERR_OK;
}

static err_t set_ratio(struct topic_limits *limits, const char *value, struct diag *diag)
{
    char *end;
    double ratio = strtod(value, &end);
    if (end == value || *end != '\0' || !(ratio >= 0 && ratio <= 1))
        return FAIL(diag, ERR_CONFIG,
                    "min.cleanable.dirty.ratio is \"%s\", expected a number from 0 to 1", value);
    limits->dirty_ratio_min = ratio;
    return ERR_OK;
}

// Keys the store does not know are the broker's business.
err_t limits__apply(struct topic_limits *limits, const char *key, const char *value,
                    struct diag *diag)
{
    static const char *const codecs[] = {"producer", "uncompressed", "gzip", "snappy",
                                         "lz4",      "zstd",         NULL};
    static const char *const clocks[] = {"CreateTime", "LogAppendTime", NULL};
    bool known;
    err_t err = set_number(limits, key, value, &known, diag);
    if (known)
        return err;
    struct bytes name = bytes_from(key);
    int8_t place;
    if (bytes_is(name, "message.timestamp.type")) {
        TRY(word(key, value, clocks, &place, diag));
        limits->append_time = place == 1;
    } else if (bytes_is(name, "compression.type")) {
        TRY(word(key, value, codecs, &place, diag));
        limits->codec = (int8_t)(place - 1);
    } else if (bytes_is(name, "compression.gzip.level")) {
        return set_level(limits, BATCH_GZIP, key, value, diag);
    } else if (bytes_is(name, "compression.lz4.level")) {
        return set_level(limits, BATCH_LZ4, key, value, diag);
    } else if (bytes_is(name, "compression.zstd.level")) {
        return set_level(limits, BATCH_ZSTD, key, value, diag);
    } else if (bytes_is(name, "cleanup.policy")) {
        return set_policy(limits, value, diag);
    } else if (bytes_is(name, "min.cleanable.dirty.ratio")) {
        return set_ratio(limits, value, diag);
    } else if (bytes_is(name, "preallocate")) {
        limits->preallocate = strcasecmp(value, "true") == 0;
    }
    return ERR_OK;
}
