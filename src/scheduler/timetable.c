// SPDX-License-Identifier: Apache-2.0
//
// next/prev(t): the first tick strictly after/before t; align_next/prev(t): t itself if it is a
// tick. Cron ticks are computed on wall-clock time and put back into the zone (second of a repeated
// hour, a gap moves forward). Where cron covers every hour the *elapsed* difference counts instead,
// so the repeated hour gets its extra ticks. Periods ignore the clock's changes.
#include "scheduler/timetable.h"

#include "base/mem.h"
#include "scheduler/cron.h"

#include <ctype.h>

enum form {
    FORM_NONE,
    FORM_ONCE,
    FORM_CONTINUOUS,
    FORM_CRON,
    FORM_PERIOD,
};

struct timetable {
    enum timetable_kind kind;
    enum form form;
    struct cron cron;
    int64_t period_us;
    const struct zone *zone;
    char *text;
};

static const char *const presets[][2] = {
    {"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"}, {"@monthly", "0 0 1 * *"},  {"@quarterly", "0 0 1 */3 *"},
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

// --- opening ---

// P[nD][T[nH][nM][nS]]
static bool iso_period(const char *text, int64_t *out_us)
{
    static const char units[] = "DHMS";
    static const int64_t unit_us[] = {INSTANT_DAY, INSTANT_HOUR, INSTANT_MINUTE, INSTANT_SECOND};
    bool in_time = false, any = false;
    int64_t total = 0;
    if (*text++ != 'P')
        return false;
    while (*text) {
        if (*text == 'T' && !in_time) {
            in_time = true;
            text++;
            continue;
        }
        int64_t value = 0;
        const char *start = text;
        for (; isdigit((unsigned char)*text) && value < INT64_C(10000000000); text++)
            value = value * 10 + (*text - '0');
        const char *unit = *text ? strchr(units, *text) : NULL;
        if (text == start || !unit || in_time == (*unit == 'D') ||
            value > (INT64_C(1) << 60) / unit_us[unit - units])
            return false;
        total += value * unit_us[unit - units];
        any = true;
        text++;
    }
    *out_us = total;
    return any && total > 0;
}

static err_t read_schedule(struct timetable *timetable, const char *schedule, struct diag *diag)
{
    if (!schedule)
        return ERR_OK;
    if (strcmp(schedule, "@once") == 0) {
        timetable->form = FORM_ONCE;
        return ERR_OK;
    }
    if (strcmp(schedule, "@continuous") == 0) {
        timetable->form = FORM_CONTINUOUS;
        return ERR_OK;
    }
    if (iso_period(schedule, &timetable->period_us)) {
        timetable->form = FORM_PERIOD;
        return ERR_OK;
    }
    timetable->form = FORM_CRON;
    if (*schedule != '@')
        return cron_parse(&timetable->cron, schedule, diag);
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(schedule, presets[i][0]) == 0)
            return cron_parse(&timetable->cron, presets[i][1], diag);
    return FAIL(
        diag, ERR_INVALID,
        "unknown schedule '%.40s', expected @once, @continuous, @hourly, @daily, @weekly, @monthly,"
        " @quarterly, @yearly or a cron expression",
        schedule);
}

err_t timetable_open(struct timetable **out, enum timetable_kind kind, const char *schedule,
                     const char *zone, struct diag *diag)
{
    struct timetable *timetable = MEM_NEW(struct timetable);
    timetable->kind = kind;
    timetable->text = mem_strdup(schedule ? schedule : "None");
    err_t err = zone_find(&timetable->zone, bytes_from(zone ? zone : "UTC"), diag);
    if (err == ERR_OK)
        err = read_schedule(timetable, schedule, diag);
    if (err != ERR_OK) {
        timetable_close(timetable);
        return err;
    }
    *out = timetable;
    return ERR_OK;
}

err_t timetable_open_every(struct timetable **out, enum timetable_kind kind, int64_t period_us,
                           struct diag *diag)
{
    if (period_us <= 0 || period_us > 36500 * INSTANT_DAY)
        return FAIL(diag, ERR_INVALID,
                    "a schedule's period must be above zero and below 100 years");
    TRY(timetable_open(out, kind, NULL, NULL, diag));
    (*out)->form = FORM_PERIOD;
    (*out)->period_us = period_us;
    mem_free((*out)->text);
    (*out)->text = period_us % INSTANT_SECOND
                       ? mem_printf("every %lld ms", (long long)(period_us / 1000))
                       : mem_printf("every %lld s", (long long)(period_us / INSTANT_SECOND));
    return ERR_OK;
}

void timetable_close(struct timetable *timetable)
{
    if (!timetable)
        return;
    mem_free(timetable->text);
    mem_free(timetable);
}

bool timetable_is_continuous(const struct timetable *timetable)
{
    return timetable->form == FORM_CONTINUOUS;
}

const char *timetable_text(const struct timetable *timetable)
{
    return timetable->text;
}

const struct zone *timetable_zone(const struct timetable *timetable)
{
    return timetable->zone;
}

// --- ticks ---

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// cron_parse has seen that ticks exist; should the search end all the same, time stands still.
static int64_t step(const struct timetable *timetable, int64_t at_us, bool forward)
{
    if (timetable->form == FORM_PERIOD)
        return forward ? at_us + timetable->period_us : at_us - timetable->period_us;
    int64_t local = at_us + zone_offset_us(timetable->zone, at_us), tick;
    bool found = forward ? cron_next(&timetable->cron, local, &tick)
                         : cron_prev(&timetable->cron, local, &tick);
    if (!found)
        return at_us;
    if (timetable->cron.every_hour)
        return at_us + (tick - local);
    return instant_from_local(timetable->zone, tick);
}

static int64_t next(const struct timetable *timetable, int64_t at_us)
{
    return step(timetable, at_us, true);
}

static int64_t prev(const struct timetable *timetable, int64_t at_us)
{
    return step(timetable, at_us, false);
}

static int64_t align_next(const struct timetable *timetable, int64_t at_us)
{
    if (timetable->form == FORM_PERIOD)
        return at_us;
    int64_t after = next(timetable, at_us);
    return prev(timetable, after) == at_us ? at_us : after;
}

static int64_t align_prev(const struct timetable *timetable, int64_t at_us)
{
    if (timetable->form == FORM_PERIOD)
        return at_us;
    int64_t before = prev(timetable, at_us);
    return next(timetable, before) == at_us ? at_us : before;
}

// --- runs ---

// Where the newest complete interval starts, for a DAG that does not catch up.
static int64_t newest_complete(const struct timetable *timetable, int64_t now_us)
{
    if (timetable->form == FORM_PERIOD) {
        int64_t period = timetable->period_us;
        return floor_div(now_us, period) * period - period;
    }
    int64_t before = prev(timetable, now_us);
    return next(timetable, before) == now_us ? before : prev(timetable, before);
}

static bool next_interval(const struct timetable *timetable, struct timetable_limits limits,
                          const struct data_interval *last, int64_t now_us,
                          struct timetable_run *out)
{
    int64_t earliest = limits.start_us;
    if (earliest != INSTANT_NONE)
        earliest = align_next(timetable, earliest);
    if (!limits.catchup)
        earliest = max_of(newest_complete(timetable, now_us), earliest);
    int64_t start = earliest;
    if (last) {
        start = max_of(align_prev(timetable, last->end_us), earliest);
        if (start <= last->start_us) // the schedule has changed and snapped back
            start = next(timetable, start);
        if (start <= last->start_us)
            return false;
    }
    if (start == INSTANT_NONE || (limits.end_us != INSTANT_NONE && start > limits.end_us))
        return false;
    out->interval = (struct data_interval){start, next(timetable, start)};
    out->run_after_us = out->interval.end_us;
    return out->interval.end_us > start;
}

static bool next_trigger(const struct timetable *timetable, struct timetable_limits limits,
                         const struct data_interval *last, int64_t now_us,
                         struct timetable_run *out)
{
    int64_t first =
        limits.start_us != INSTANT_NONE ? align_next(timetable, limits.start_us) : INSTANT_NONE;
    int64_t tick;
    if (last)
        tick = next(timetable, last->end_us);
    else if (first != INSTANT_NONE)
        tick = first;
    else // without a start date the past tick counts only while it is fresh
        tick = timetable->form == FORM_PERIOD ? now_us : align_next(timetable, now_us);
    if (!last && first == INSTANT_NONE && timetable->form == FORM_CRON) {
        int64_t past = align_prev(timetable, now_us);
        if (now_us - past <= max_of((tick - past) / 10, 5 * INSTANT_MINUTE))
            tick = past;
    }
    if (!limits.catchup)
        tick = max_of(max_of(tick, first), align_prev(timetable, now_us));
    if (limits.end_us != INSTANT_NONE && tick > limits.end_us)
        return false;
    out->interval = (struct data_interval){tick, tick};
    out->run_after_us = tick;
    return true;
}

static bool next_once(struct timetable_limits limits, const struct data_interval *last,
                      int64_t now_us, struct timetable_run *out)
{
    int64_t at = limits.start_us != INSTANT_NONE ? limits.start_us : now_us;
    if (last || (limits.end_us != INSTANT_NONE && at > limits.end_us))
        return false;
    out->interval = (struct data_interval){at, at};
    out->run_after_us = at;
    return true;
}

static bool next_continuous(struct timetable_limits limits, const struct data_interval *last,
                            int64_t now_us, struct timetable_run *out)
{
    int64_t start = limits.start_us != INSTANT_NONE ? limits.start_us : now_us;
    int64_t end = max_of(start, now_us);
    if (last && last->end_us > now_us) {
        end = start + (last->end_us - last->start_us);
    } else if (last) {
        start = last->end_us;
        end = now_us;
    }
    if (limits.end_us != INSTANT_NONE && end > limits.end_us)
        return false;
    out->interval = (struct data_interval){start, end};
    out->run_after_us = end;
    return true;
}

bool timetable_next(const struct timetable *timetable, struct timetable_limits limits,
                    const struct data_interval *last, int64_t now_us, struct timetable_run *out)
{
    switch (timetable->form) {
    case FORM_NONE:
        return false;
    case FORM_ONCE:
        return next_once(limits, last, now_us, out);
    case FORM_CONTINUOUS:
        return next_continuous(limits, last, now_us, out);
    case FORM_CRON:
    case FORM_PERIOD:
        break;
    }
    if (timetable->kind == TIMETABLE_INTERVAL)
        return next_interval(timetable, limits, last, now_us, out);
    return next_trigger(timetable, limits, last, now_us, out);
}

struct data_interval timetable_manual(const struct timetable *timetable, int64_t at_us)
{
    bool ticks = timetable->form == FORM_CRON || timetable->form == FORM_PERIOD;
    if (!ticks || timetable->kind == TIMETABLE_TRIGGER)
        return (struct data_interval){at_us, at_us};
    int64_t end = align_prev(timetable, at_us);
    return (struct data_interval){prev(timetable, end), end};
}
