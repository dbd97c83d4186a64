/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See stamp.h. The forms stand in one table, and one small reader follows them;
 * neither the C library's strptime() nor the locale has a part in it.
 */

#include "stamp.h"

#include <string.h>

#include "scanning.h"

#define FIRST_YEAR 1970
#define LAST_YEAR 2199          /* 64 bits of ns reach to 2262 */
#define LEAP_YEAR 2000          /* what yearless stamps are counted in */
#define EPOCH_DIGITS 19         /* of ns; ten of them are seconds */
#define LAST_EPOCH INT64_C(4102444800000000000)  /* the year 2100: larger is no time */

struct parts {
	int year, month, day, hour, minute, second;
	int64_t fraction;            /* ns */
	int zone;                    /* minutes east of UTC */
};

/*
 * %Y year of four digits   %m %d %H %M %S two digits   %e day, %k hour of one or two
 * %b month's name          %a weekday's name           %t a T or a blank
 * %L klog's letter         %f perhaps a fraction       %F a fraction
 * %p AM or PM              %z perhaps a zone           %Z perhaps any word for a zone
 *
 * A longer form stands in front of one that is a part of it.
 */
static const struct {
	const char *form;
	enum clsf__clock clock;
} forms[] = {
	{ "%Y-%m-%d%t%H:%M:%S%f%z", CLSF__CLOCK_FULL },         /* RFC 3339 and most others */
	{ "%Y-%m-%d  %k:%M:%S%f%z", CLSF__CLOCK_FULL },         /* MariaDB before ten o'clock */
	{ "%Y/%m/%d %H:%M:%S%f%z", CLSF__CLOCK_FULL },          /* Go, nginx */
	{ "%Y%m%dT%H%M%S%f%z", CLSF__CLOCK_FULL },              /* ISO 8601, short */
	{ "%d/%b/%Y:%H:%M:%S%f%z", CLSF__CLOCK_FULL },          /* access logs */
	{ "%a %b %e %H:%M:%S%f%Z %Y", CLSF__CLOCK_FULL },       /* ctime(), date, Apache */
	{ "%a %b %e %k:%M:%S%f%p%Z %Y", CLSF__CLOCK_FULL },
	{ "%a, %e %b %Y %H:%M:%S%f%z", CLSF__CLOCK_FULL },      /* mail */
	{ "%a %e %b %Y %k:%M:%S%f%p%z", CLSF__CLOCK_FULL },
	{ "%a %e %b %Y %H:%M:%S%f%z", CLSF__CLOCK_FULL },
	{ "%a %Y-%m-%d %H:%M:%S%f%z", CLSF__CLOCK_FULL },       /* journalctl -o short-full */
	{ "%e %b %Y %H:%M:%S%f%z", CLSF__CLOCK_FULL },          /* Redis */
	{ "%b %e, %Y %k:%M:%S%f%p%z", CLSF__CLOCK_FULL },       /* java.util.logging */
	{ "%b %e, %Y %H:%M:%S%f%z", CLSF__CLOCK_FULL },
	{ "%b %e %Y %H:%M:%S%f%z", CLSF__CLOCK_FULL },          /* routers' syslog */
	{ "%L%Y%m%d %H:%M:%S%F", CLSF__CLOCK_FULL },            /* glog with the year */
	{ "%L%m%d %H:%M:%S%F", CLSF__CLOCK_YEARLESS },          /* klog, glog */
	{ "%b %e %H:%M:%S%f", CLSF__CLOCK_YEARLESS },           /* syslog, journalctl */
	{ "%e %b %H:%M:%S%f", CLSF__CLOCK_YEARLESS },           /* older Redis */
	{ "%a %b %e %H:%M:%S%f", CLSF__CLOCK_YEARLESS },
	{ "%m-%d %H:%M:%S%F", CLSF__CLOCK_YEARLESS },           /* logcat */
	{ "%k:%M:%S%f%p", CLSF__CLOCK_DAY },
	{ "%H:%M:%S%f", CLSF__CLOCK_DAY },
};

static const struct {
	const char *word;
	int minutes;
} zones[] = {
	{ "UTC", 0 },     { "GMT", 0 },     { "UT", 0 },      { "Z", 0 },       { "WET", 0 },
	{ "WEST", 60 },   { "BST", 60 },    { "CET", 60 },    { "CEST", 120 },  { "EET", 120 },
	{ "EEST", 180 },  { "MSK", 180 },   { "JST", 540 },   { "KST", 540 },   { "AEST", 600 },
	{ "AEDT", 660 },  { "EST", -300 },  { "EDT", -240 },  { "CST", -360 },  { "CDT", -300 },
	{ "MST", -420 },  { "MDT", -360 },  { "PST", -480 },  { "PDT", -420 },
};

static const char *const months[] = {
	"January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December",
};

static const char weekdays[] = "MonTueWedThuFriSatSun";

/* ---- the calendar ---- */

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970 to the beginning of the year. */
static int64_t days_before_year(int year)
{
	int past = year - 1;
	return INT64_C(365) * (year - FIRST_YEAR) + (past / 4 - past / 100 + past / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400);
}

int64_t clsf__stamp_in_year(int64_t leap_year_ns, int year)
{
	const int march = 31 + 29;
	int64_t day = leap_year_ns / CLSF__DAY;
	if (day >= march && !is_leap(year))
		day--;
	return (days_before_year(year) + day) * CLSF__DAY + leap_year_ns % CLSF__DAY;
}

int clsf__stamp_year(int64_t ns)
{
	int64_t days = ns / CLSF__DAY - (ns % CLSF__DAY < 0);
	int year = FIRST_YEAR + (int)(days / 366);
	while (days_before_year(year + 1) <= days)
		year++;
	while (days_before_year(year) > days)
		year--;
	return year;
}

/* False when there is no such time. */
static bool time_of(const struct parts *p, enum clsf__clock clock, struct clsf__time *ret_time)
{
	if (p->hour > 23 || p->minute > 59 || p->second > 60)
		return false;
	int64_t ns = (p->hour * INT64_C(3600) + p->minute * 60 + p->second) * CLSF__SECOND + p->fraction;
	if (clock != CLSF__CLOCK_DAY) {
		int year = clock == CLSF__CLOCK_FULL ? p->year : LEAP_YEAR;
		if (year < FIRST_YEAR || year > LAST_YEAR || p->month < 1 || p->month > 12 ||
		    p->day < 1 || p->day > days_in_month(year, p->month))
			return false;
		int64_t days = p->day - 1;
		for (int month = 1; month < p->month; month++)
			days += days_in_month(year, month);
		if (clock == CLSF__CLOCK_FULL)
			days += days_before_year(year);
		ns += days * CLSF__DAY - p->zone * 60 * CLSF__SECOND;
	}
	*ret_time = (struct clsf__time){ ns, clock };
	return true;
}

/* ---- parts of a form: each returns the bytes it takes, 0 for none ---- */

static size_t read_number(const char *s, size_t n, size_t least, size_t most, int *ret_value)
{
	size_t i = 0;
	int value = 0;
	for (; i < n && i < most && clsf__is_digit(s[i]); i++)
		value = value * 10 + (s[i] - '0');
	if (i < least)
		return 0;
	*ret_value = value;
	return i;
}

/* ".123" or ",123456789", to the ns */
static size_t read_fraction(const char *s, size_t n, int64_t *ret_ns)
{
	if (n < 2 || (s[0] != '.' && s[0] != ',') || !clsf__is_digit(s[1]))
		return 0;
	size_t i = 1;
	int64_t unit = CLSF__SECOND, ns = 0;
	for (; i < n && clsf__is_digit(s[i]); i++) {
		unit /= 10;
		ns += unit * (s[i] - '0');
	}
	*ret_ns = ns;
	return i;
}

static bool same_letters(const char *s, size_t n, const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (i >= n || (s[i] | 0x20) != (word[i] | 0x20))
			return false;
	return true;
}

/* "Oct" or "October" */
static size_t read_month(const char *s, size_t n, int *ret_month)
{
	for (int m = 0; m < 12; m++) {
		if (!same_letters(s, n, months[m], 3))
			continue;
		*ret_month = m + 1;
		size_t whole = strlen(months[m]);
		return same_letters(s, n, months[m], whole) ? whole : 3;
	}
	return 0;
}

static size_t read_weekday(const char *s, size_t n)
{
	for (size_t day = 0; day + 3 < sizeof(weekdays); day += 3)
		if (same_letters(s, n, weekdays + day, 3))
			return 3;
	return 0;
}

/* "AM" behind a blank, the narrow blank of newer Java, or nothing; makes the hour one of 24. */
static size_t read_half_day(const char *s, size_t n, struct parts *p)
{
	size_t i = n && s[0] == ' ' ? 1 : clsf__starts(s, n, "\xe2\x80\xaf") ? 3 : 0;
	if (i + 1 >= n || (s[i + 1] | 0x20) != 'm' || p->hour < 1 || p->hour > 12)
		return 0;
	char half = s[i] | 0x20;
	if (half != 'a' && half != 'p')
		return 0;
	p->hour = p->hour % 12 + (half == 'p' ? 12 : 0);
	return i + 2;
}

/* "+01:00", "+0100", "+01": the last not behind a blank, where it may be any number. */
static size_t read_offset(const char *s, size_t n, bool apart, int *ret_minutes)
{
	int hours, minutes = 0;
	if (n < 3 || (s[0] != '+' && s[0] != '-') || !read_number(s + 1, n - 1, 2, 2, &hours))
		return 0;
	size_t i = 3 + (n > 3 && s[3] == ':');
	size_t taken = read_number(s + i, n - i, 2, 2, &minutes);
	if ((!taken && (apart || i == 4)) || hours > 15 || minutes > 59)
		return 0;
	if (i + taken < n && clsf__is_digit(s[i + taken]))
		return 0;
	*ret_minutes = (s[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
	return i + taken;
}

static size_t read_zone(const char *s, size_t n, int *ret_minutes)
{
	size_t i = n && s[0] == ' ';
	size_t taken = read_offset(s + i, n - i, i > 0, ret_minutes);
	if (taken)
		return i + taken;
	size_t letters = 0;
	while (i + letters < n && clsf__is_alpha(s[i + letters]))
		letters++;
	for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		if (letters != strlen(zones[z].word) || memcmp(s + i, zones[z].word, letters) != 0)
			continue;
		*ret_minutes = zones[z].minutes;
		return i + letters;
	}
	return n && (s[0] == 'z') && letters == 1 ? 1 : 0;
}

/* Between a time and a year anything like " IST" is a zone, if an unknown one. */
static size_t read_zone_word(const char *s, size_t n, int *ret_minutes)
{
	size_t taken = read_zone(s, n, ret_minutes);
	if (taken || n < 2 || s[0] != ' ')
		return taken;
	size_t i = 1;
	while (i < n && i < 7 && s[i] >= 'A' && s[i] <= 'Z')
		i++;
	return i > 2 ? i : 0;
}

/* What one letter of a form stands for. False when the text has no such thing. */
static bool read_part(char letter, const char *s, size_t n, struct parts *p, size_t *ret_taken)
{
	size_t blank;
	switch (letter) {
	case 'Y':
		return (*ret_taken = read_number(s, n, 4, 4, &p->year)) != 0;
	case 'm':
		return (*ret_taken = read_number(s, n, 2, 2, &p->month)) != 0;
	case 'd':
		return (*ret_taken = read_number(s, n, 2, 2, &p->day)) != 0;
	case 'H':
		return (*ret_taken = read_number(s, n, 2, 2, &p->hour)) != 0;
	case 'M':
		return (*ret_taken = read_number(s, n, 2, 2, &p->minute)) != 0;
	case 'S':
		return (*ret_taken = read_number(s, n, 2, 2, &p->second)) != 0;
	case 'k':
		return (*ret_taken = read_number(s, n, 1, 2, &p->hour)) != 0;
	case 'e':
		blank = n && s[0] == ' ';
		*ret_taken = read_number(s + blank, n - blank, 1, 2 - blank, &p->day);
		*ret_taken += *ret_taken ? blank : 0;
		return *ret_taken != 0;
	case 'b':
		return (*ret_taken = read_month(s, n, &p->month)) != 0;
	case 'a':
		return (*ret_taken = read_weekday(s, n)) != 0;
	case 't':
		*ret_taken = 1;
		return n && (s[0] == 'T' || s[0] == ' ' || s[0] == 't');
	case 'L':
		*ret_taken = 1;
		return n && memchr("IWEF", s[0], 4);
	case 'F':
		return (*ret_taken = read_fraction(s, n, &p->fraction)) != 0;
	case 'p':
		return (*ret_taken = read_half_day(s, n, p)) != 0;
	case 'f':
		*ret_taken = read_fraction(s, n, &p->fraction);
		return true;
	case 'z':
		*ret_taken = read_zone(s, n, &p->zone);
		return true;
	default:
		*ret_taken = read_zone_word(s, n, &p->zone);
		return true;
	}
}

/* The bytes of the text that are of the form, 0 if it is not. */
static size_t read_form(const char *form, const char *s, size_t n, struct parts *p)
{
	size_t i = 0;
	for (; *form; form++) {
		size_t taken = 1;
		if (*form == '%') {
			if (!read_part(*++form, s + i, n - i, p, &taken))
				return 0;
		} else if (i >= n || s[i] != *form) {
			return 0;
		}
		i += taken;
	}
	return i;
}

/* A stamp does not end within a word or a number. */
static bool ends_well(const char *s, size_t n, enum clsf__clock clock)
{
	if (n == 0)
		return true;
	if (clsf__is_alpha(s[0]) || clsf__is_digit(s[0]) || s[0] == '_')
		return false;
	/* Two digits and a colon are so common that a time of day alone has to stand free. */
	if (clock == CLSF__CLOCK_DAY)
		return strchr(" \t])|,;\"\r\n\x1b", s[0]) || (s[0] == ':' && (n == 1 || s[1] == ' '));
	return true;
}

size_t clsf__stamp(const char *s, size_t n, struct clsf__time *ret_time)
{
	int month;
	if (n < 7 || !(clsf__is_alpha(s[0]) || clsf__is_digit(s[0])))
		return 0;
	/* Letters are a month, a weekday, or klog's level before digits: so most words end here. */
	if (clsf__is_alpha(s[0]) && !clsf__is_digit(s[1]) && !read_month(s, n, &month) &&
	    !read_weekday(s, n))
		return 0;
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		struct parts p = { 0 };
		size_t length = read_form(forms[f].form, s, n, &p);
		if (length && ends_well(s + length, n - length, forms[f].clock) &&
		    time_of(&p, forms[f].clock, ret_time))
			return length;
	}
	return 0;
}

/* "e+09" behind a number; larger ones are none. */
static size_t read_exponent(const char *s, size_t n, size_t *ret_exponent)
{
	int value;
	if (n < 2 || (s[0] | 0x20) != 'e')
		return 0;
	size_t i = 1 + (s[1] == '+');
	size_t digits = read_number(s + i, n - i, 1, 2, &value);
	if (!digits)
		return 0;
	*ret_exponent = (size_t)value;
	return i + digits;
}

size_t clsf__stamp_epoch(const char *s, size_t n, struct clsf__time *ret_time)
{
	/*
	 * Whatever the unit is, the first ten digits are seconds and the next nine
	 * their fraction: 1761734734.5, 1761734734500 and 1.7617347345e9 are the
	 * same digits. All that differs is where the point would have to be.
	 */
	int64_t ns = 0;
	size_t i = 0, digits = 0, whole = 0, exponent = 0;
	for (bool point = false; i < n; i++) {
		if (s[i] == '.' && !point && i + 1 < n && clsf__is_digit(s[i + 1])) {
			point = true;
			continue;
		}
		if (!clsf__is_digit(s[i]))
			break;
		if (digits < EPOCH_DIGITS) {
			if (ns > LAST_EPOCH / 10)
				return 0;
			ns = ns * 10 + (s[i] - '0');
			digits++;
		}
		whole += !point;
	}
	if (digits == 0 || s[0] == '0')
		return 0;
	i += read_exponent(s + i, n - i, &exponent);
	whole += exponent;
	for (; digits < EPOCH_DIGITS; digits++) {
		if (ns > LAST_EPOCH / 10)
			return 0;
		ns *= 10;
	}
	if ((whole != 10 && whole != 13 && whole != 16 && whole != 19) || ns > LAST_EPOCH ||
	    (i < n && (clsf__is_name(s[i]) || s[i] == '%')))
		return 0;
	*ret_time = (struct clsf__time){ ns, CLSF__CLOCK_FULL };
	return i;
}

size_t clsf__stamp_relative(const char *s, size_t n, struct clsf__time *ret_time)
{
	size_t i = clsf__count_spaces(s, n);
	int seconds;
	int64_t fraction = 0;
	size_t digits = read_number(s + i, n - i, 1, 9, &seconds);
	if (!digits)
		return 0;
	i += digits;
	i += read_fraction(s + i, n - i, &fraction);
	if (i < n && clsf__is_name(s[i]))
		return 0;
	*ret_time = (struct clsf__time){ seconds * CLSF__SECOND + fraction, CLSF__CLOCK_RELATIVE };
	return i;
}
