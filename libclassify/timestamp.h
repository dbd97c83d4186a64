/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_TIMESTAMP_H
#define CLSF_TIMESTAMP_H

/*
 * The time that a line tells of itself, the time between two lines, and
 * durations as people write them. Many stamps tell only a part of the time, so
 * each comes with the clock it was read from.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLSF__SECOND INT64_C(1000000000)            /* in ns, as all times are */
#define CLSF__DAY (86400 * CLSF__SECOND)
#define CLSF__MAX_DURATION (3653 * CLSF__DAY)       /* ten years */

#define CLSF__STAMP_REACH 512                       /* a stamp begins within so many bytes */
#define CLSF__STAMP_FIELDS_REACH ((size_t)4 * 1024) /* or is a value of JSON or logfmt in these */

enum clsf__clock {
	CLSF__CLOCK_NONE,
	CLSF__CLOCK_FULL,            /* ns since the epoch; UTC where no zone is told */
	CLSF__CLOCK_YEARLESS,        /* ns into a leap year */
	CLSF__CLOCK_DAY,             /* ns into a day */
	CLSF__CLOCK_RELATIVE,        /* ns since some start, as the kernel counts from boot */
};

struct clsf__time {
	int64_t ns;
	enum clsf__clock clock;
};

/*
 * The first timestamp at the beginning of the line, behind wrappers' prefixes or
 * in the fields where programs put it. False, and clock NONE, when it has none.
 */
bool clsf__line_time(const char *line, size_t length, struct clsf__time *ret_time);

/*
 * then -> now in ns. Where a year or a date is missing on either side, the
 * nearest time that fits is meant. False when they cannot be compared.
 */
bool clsf__time_between(const struct clsf__time *then, const struct clsf__time *now,
                        int64_t *ret_ns);

/*
 * As Go writes them, with d for days: 500ms, 1m30s, 2h, 1.5h, 1d. False when it
 * is no such, is 0 or negative, or is longer than ten years.
 */
bool clsf__duration(const char *text, size_t length, int64_t *ret_ns);

#endif
