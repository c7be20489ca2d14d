// SPDX-License-Identifier: Apache-2.0
//
// timetable: when a DAG runs and which period of data each run stands for: Airflow 3.3's rules,
// checked line by line against gold answers of the real one.
//
// INTERVAL kind: a run stands for [start, end) and becomes due at its end. TRIGGER kind: a run
// stands for the tick at which it becomes due. `now` is always passed in: no clock in here.
//
// Thread     any; a timetable does not change.
#ifndef SCHEDULER_TIMETABLE_H
#define SCHEDULER_TIMETABLE_H

#include "scheduler/instant.h"

enum timetable_kind {
    TIMETABLE_INTERVAL,
    TIMETABLE_TRIGGER,
};

struct timetable;

struct data_interval {
    int64_t start_us, end_us;
};

struct timetable_limits {
    int64_t start_us, end_us; // of the DAG, both inclusive; INSTANT_NONE = open
    bool catchup;
};

struct timetable_run {
    struct data_interval interval;
    int64_t run_after_us; // due from then on
};

// `schedule`: a preset (@once, @continuous, @hourly, @daily, @weekly, @monthly, @quarterly,
// @yearly), a cron expression, an ISO duration ("PT90S", "P1D"), or NULL: started by hand only.
// `zone` NULL = UTC. ERR_INVALID.
MUST_USE err_t timetable_open(struct timetable **out, enum timetable_kind kind,
                              const char *schedule, const char *zone, struct diag *diag);
// Every `period_us`.
MUST_USE err_t timetable_open_every(struct timetable **out, enum timetable_kind kind,
                                    int64_t period_us, struct diag *diag);
void timetable_close(struct timetable *timetable); // NULL is fine

// The run after `last` (the interval of the newest scheduled or backfilled run; NULL = none yet).
// False when there is none any more.
bool timetable_next(const struct timetable *timetable, struct timetable_limits limits,
                    const struct data_interval *last, int64_t now_us, struct timetable_run *out);
// The period of a run started by hand.
struct data_interval timetable_manual(const struct timetable *timetable, int64_t at_us);
bool timetable_is_continuous(const struct timetable *timetable); // one run at a time
const char *timetable_text(const struct timetable *timetable);   // as written, or "None"
const struct zone *timetable_zone(const struct timetable *timetable);

#endif
