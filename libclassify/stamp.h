/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_STAMP_H
#define CLSF_STAMP_H

/*
 * One timestamp at a known place, in any of the forms in which programs write
 * it. Where in a line it may stand is the business of timestamp.c.
 */

#include "timestamp.h"

/*
 * The length of the date and time, or time of day, that the text begins with;
 * 0 if there is none. Impossible ones (month 13) are none; second 60 is one.
 */
size_t clsf__stamp(const char *s, size_t n, struct clsf__time *ret_time);

/* The same for a number of seconds, ms, us or ns since 1970; the size tells which. */
size_t clsf__stamp_epoch(const char *s, size_t n, struct clsf__time *ret_time);

/* The same for seconds since a start: "   12.345678" of the kernel, "0012" of logrus. */
size_t clsf__stamp_relative(const char *s, size_t n, struct clsf__time *ret_time);

/* ns since 1970 of the same moment of a leap year, in the year that is given. */
int64_t clsf__stamp_in_year(int64_t leap_year_ns, int year);

/* The year that ns since 1970 are in. */
int clsf__stamp_year(int64_t ns);

#endif
