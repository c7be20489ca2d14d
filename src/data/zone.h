// SPDX-License-Identifier: Apache-2.0
//
// zone: time zones: UTC <-> local time by the rules of the IANA database (through ICU), quick per
// row.
//
// Lifetime   a zone found once lives as long as the process. Thread: any.
#ifndef DATA_ZONE_H
#define DATA_ZONE_H

#include "base/diag.h"
#include "base/bytes.h"

struct zone;

extern const struct zone *const zone_utc;

// "Europe/Berlin", "UTC", "Z", "+02:00", "+2", "GMT+2", "UTC-03:30", "EST", "PST" ...; ERR_INVALID
// with words when unknown.
MUST_USE err_t zone_find(const struct zone **out, struct bytes name, struct diag *diag);
const char *zone_name(const struct zone *zone); // as Java's ZoneId.getId()

int64_t zone_offset_us(const struct zone *zone, int64_t utc_us); // local minus UTC at that instant
int64_t zone_local_us(const struct zone *zone, int64_t utc_us);
// A local time in a gap moves forward by the gap; of two in an overlap the earlier instant is taken
// (Java's rule).
int64_t zone_utc_us(const struct zone *zone, int64_t local_us);
// "PST" / "Pacific Standard Time" at that instant (pattern letters z, zzzz). The length, cut at
// `size`.
size_t zone_display(const struct zone *zone, int64_t utc_us, bool full, char *out, size_t size);

#endif
