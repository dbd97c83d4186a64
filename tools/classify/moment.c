/* SPDX-License-Identifier: Apache-2.0 */
/* See moment.h. */

#include "moment.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000000)
#define DAY INT64_C(86400)

int64_t moment_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

/* A number of `least` to `most` digits, which the cursor passes. */
static bool take_number(const char **at, size_t least, size_t most, int64_t *ret)
{
	size_t n = 0;
	int64_t value = 0;
	while (n < most && (*at)[n] >= '0' && (*at)[n] <= '9')
		value = value * 10 + ((*at)[n++] - '0');
	if (n < least)
		return false;
	*at += n;
	*ret = value;
	return true;
}

static bool take(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* How long ago: numbers with units, all added. */
static bool parse_age(const char *at, int64_t *ret_seconds)
{
	static const struct {
		char name;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY }, { 'w', 7 * DAY } };
	int64_t total = 0, number;
	if (!*at)
		return false;
	while (*at) {
		size_t u = 0;
		if (!take_number(&at, 1, 6, &number))
			return false;
		while (u < sizeof(units) / sizeof(units[0]) && units[u].name != *at)
			u++;
		if (u == sizeof(units) / sizeof(units[0]))
			return false;
		total += number * units[u].seconds;
		at++;
	}
	*ret_seconds = total;
	return true;
}

/* "HH:MM", with seconds and a fraction of them. */
static bool take_time(const char **at, int64_t *ret_nanoseconds)
{
	int64_t hours, minutes, seconds = 0, fraction = 0;
	if (!take_number(at, 2, 2, &hours) || !take(at, ':') || !take_number(at, 2, 2, &minutes))
		return false;
	if (take(at, ':')) {
		if (!take_number(at, 2, 2, &seconds))
			return false;
		if (**at == '.' || **at == ',') {
			const char *begin = ++*at;
			if (!take_number(at, 1, 9, &fraction))
				return false;
			for (size_t n = (size_t)(*at - begin); n < 9; n++)
				fraction *= 10;
		}
	}
	*ret_nanoseconds = ((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction;
	return hours < 24 && minutes < 60 && seconds <= 60;
}

/* "Z", "+01:00", "+0100", or nothing. */
static bool take_zone(const char **at, int64_t *ret_seconds)
{
	int64_t hours, minutes;
	*ret_seconds = 0;
	if (take(at, 'Z') || take(at, 'z') || (**at != '+' && **at != '-'))
		return true;
	int64_t sign = *(*at)++ == '-' ? -1 : 1;
	if (!take_number(at, 2, 2, &hours))
		return false;
	take(at, ':');
	if (!take_number(at, 2, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_seconds = sign * (hours * 60 + minutes) * 60;
	return true;
}

static bool parse_date(const char *at, int64_t *ret)
{
	int64_t year, month, day, time_of_day = 0, zone = 0;
	if (!take_number(&at, 4, 4, &year) || !take(&at, '-') || !take_number(&at, 2, 2, &month) || !take(&at, '-') ||
	    !take_number(&at, 2, 2, &day) || month < 1 || month > 12 || day < 1)
		return false;
	if ((take(&at, 'T') || take(&at, 't') || take(&at, ' ')) && (!take_time(&at, &time_of_day) || !take_zone(&at, &zone)))
		return false;
	struct tm tm = { .tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day };
	int64_t seconds = timegm(&tm);
	/* A day that the month does not have would be one of the next. */
	if (*at || tm.tm_mday != (int)day || year < 1900 || year > 2200)
		return false;
	*ret = (seconds - zone) * SECOND + time_of_day;
	return true;
}

bool moment_parse(const char *text, int64_t now, int64_t *ret)
{
	int64_t seconds = now / SECOND, age;
	const char *at = text;
	if (strcmp(text, "now") == 0) {
		*ret = now;
	} else if (strcmp(text, "today") == 0) {
		*ret = (seconds - seconds % DAY) * SECOND;
	} else if (strcmp(text, "yesterday") == 0) {
		*ret = (seconds - seconds % DAY - DAY) * SECOND;
	} else if (take(&at, '@')) {
		if (!take_number(&at, 1, 10, &seconds) || *at || seconds > INT64_C(7258118400))
			return false;
		*ret = seconds * SECOND;
	} else if (parse_age(text, &age)) {
		*ret = now - (age < seconds ? age : seconds) * SECOND;
	} else {
		return parse_date(text, ret);
	}
	return true;
}
