/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See timestamp.h. The beginning of a line is walked prefix by prefix, each
 * time looking for a stamp; then the places further on where some programs have
 * theirs; then pairs of logfmt. An object of JSON on the way is asked for its
 * members. What stands outside wins over what it wraps.
 *
 * Work is bounded: a few prefixes in the first bytes, a few kilobytes of pairs,
 * and texts in texts only so deep.
 */

#include "timestamp.h"

#include <assert.h>
#include <string.h>

#include <classify/scan.h>

#include "quoted.h"
#include "scanning.h"
#include "stamp.h"
#include "terminal.h"
#include "unwrap.h"

#define MAX_PREFIXES 16
#define MAX_DEPTH 4             /* texts within members of JSON */
#define LONGEST_STAMP 64        /* one that begins within reach may end beyond it */
#define MIDDLE_REACH 300        /* access logs have the client in front */
#define COLUMNS_REACH 200       /* job and step in front */

/* Where programs put the time, in JSON or logfmt. */
static const char *const time_names[] = {
	"time", "ts", "t", "timestamp", "@timestamp", "Time", "Timestamp", "TIMESTAMP", "@t",
	"datetime", "date", "asctime", "created", "eventTime", "event_time", "log_time", "logTime",
	"timestamp_ms", "time_unix_nano", "timeUnixNano", "_SOURCE_REALTIME_TIMESTAMP",
	"__REALTIME_TIMESTAMP",
};

static bool text_time(const char *s, size_t n, unsigned depth, struct clsf__time *ret_time);

static bool is_time_name(const char *s, const struct clsf__pair *pair)
{
	for (size_t i = 0; i < sizeof(time_names) / sizeof(time_names[0]); i++)
		if (clsf__pair_is(s, pair, time_names[i]))
			return true;
	return false;
}

/* ---- values of pairs ---- */

/* A stamp or an epoch that the value begins with. A time of day may be the length of a film. */
static bool value_time(const char *s, size_t n, struct clsf__time *ret_time)
{
	size_t i = clsf__count_spaces(s, n);
	if (clsf__stamp(s + i, n - i, ret_time))
		return ret_time->clock != CLSF__CLOCK_DAY;
	return clsf__stamp_epoch(s + i, n - i, ret_time) != 0;
}

/* {"$date":"..."} of MongoDB, {"seconds":1761734734,"nanos":1} of protocol buffers */
static bool object_time(const char *s, size_t n, struct clsf__time *ret_time)
{
	struct clsf__pair pair;
	size_t at = 1;
	return n && s[0] == '{' && clsf__json_pair(s, n, &at, &pair) &&
	       value_time(s + pair.value, pair.value_length, ret_time);
}

static bool pair_time(const char *s, const struct clsf__pair *pair, struct clsf__time *ret_time)
{
	const char *value = s + pair->value;
	size_t length = pair->value_length;
	return is_time_name(s, pair) &&
	       (value_time(value, length, ret_time) ||
	        (!pair->quoted && object_time(value, length, ret_time)));
}

/* A member of the object at `s` that is a time, or else the stamp of the message in it. */
static bool json_time(const char *s, size_t n, unsigned depth, struct clsf__time *ret_time)
{
	struct clsf__pair pair, message = { 0 };
	for (size_t at = 1; clsf__json_pair(s, n, &at, &pair);) {
		if (pair_time(s, &pair, ret_time))
			return true;
		if (pair.quoted && !message.value_length && clsf__is_message(s, &pair))
			message = pair;
	}
	return message.value_length && depth < MAX_DEPTH &&
	       text_time(s + message.value, message.value_length, depth + 1, ret_time);
}

/* "audit(1761734734.123:456)" as a value */
static bool audit_time(const char *s, size_t n, struct clsf__time *ret_time)
{
	static const char audit[] = "audit(";
	return clsf__starts(s, n, audit) &&
	       clsf__stamp_epoch(s + strlen(audit), n - strlen(audit), ret_time);
}

/*
 * A pair of logfmt that is a time, wherever words begin. Where the text is the
 * inside of a JSON string, quotes have a backslash in front.
 */
static bool logfmt_time(const char *s, size_t n, struct clsf__time *ret_time)
{
	/* Most lines have no pairs, and walking their words costs more than all the rest. */
	if (!memchr(s, '=', n))
		return false;
	for (size_t i = 0; i < n;) {
		struct clsf__pair pair = { .name = i };
		while (i < n && (clsf__is_name(s[i]) || s[i] == '@'))
			i++;
		pair.name_length = i - pair.name;
		if (i < n && s[i] == '=') {
			pair.value = i + 1;
			while (pair.value < n && (s[pair.value] == '\\' || s[pair.value] == '"'))
				pair.value++;
			pair.value_length = n - pair.value;
			if (pair_time(s, &pair, ret_time) ||
			    audit_time(s + pair.value, pair.value_length, ret_time))
				return true;
			i++;
		}
		if (i < n && s[i] == '"') {
			bool escaped;
			size_t length = clsf__quoted_length(s + i, n - i, &escaped);
			if (!length)
				return false;
			i += length;
		}
		while (i < n && s[i] != ' ' && s[i] != '\t')
			i++;
		i += clsf__count_spaces(s + i, n - i);
	}
	return false;
}

/* ---- the beginning of a line ---- */

/* Blanks, colour and marks that may stand in front of anything. */
static size_t skip_noise(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n) {
		if (s[i] == ' ' || s[i] == '\t' || s[i] == '\r')
			i++;
		else if (s[i] == '\x1b')
			i += clsf__escape_length(s + i, n - i);
		else if (clsf__starts(s + i, n - i, "\xef\xbb\xbf"))
			i += 3;
		else
			break;
	}
	return i < n ? i : n;
}

/* Colour at the start of the text, whether its ESC is still there or not. */
static size_t skip_colour(const char *s, size_t n)
{
	size_t i = 0, taken;
	while (i < n) {
		taken = s[i] == '\x1b' ? clsf__escape_length(s + i, n - i)
		                       : clsf__colour_rest(s + i, n - i);
		if (!taken)
			break;
		i += taken;
	}
	return i < n ? i : n;
}

/* "[2025-...", "[   12.345678]", "[1761734734.5]"; right behind a level of logrus, "[0012]" too. */
static bool bracket_time(const char *s, size_t n, bool levelled, struct clsf__time *ret_time)
{
	struct clsf__time t;
	if (n < 2 || s[0] != '[')
		return false;
	size_t inside = 1 + skip_colour(s + 1, n - 1);
	if (inside >= n)
		return false;
	s += inside;
	n -= inside;
	size_t taken = clsf__stamp(s, n, &t);
	if (!taken && (taken = clsf__stamp_epoch(s, n, &t)) == 0) {
		taken = clsf__stamp_relative(s, n, &t);
		bool kernel = taken > 7 && s[taken - 7] == '.';
		if (!taken || taken >= n || s[taken] != ']' || !(kernel || (levelled && taken >= 4)))
			return false;
	}
	*ret_time = t;
	return true;
}

/* "section_start:1761734734:name" of GitLab */
static bool section_time(const char *s, size_t n, struct clsf__time *ret_time)
{
	static const char *const marks[] = { "section_start:", "section_end:" };
	for (size_t m = 0; m < 2; m++) {
		size_t i = strlen(marks[m]);
		if (clsf__starts(s, n, marks[m]))
			return clsf__stamp_epoch(s + i, n - i, ret_time) != 0;
	}
	return false;
}

/* "INFO", "warning:", "Error |" in front of a stamp, and the colour behind them */
static size_t level_prefix(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && i < 12 && clsf__is_alpha(s[i]))
		i++;
	if (i < 3 || clsf__level_of(s, i) == CLSF__LEVEL_NONE)
		return 0;
	if (i < n && (s[i] == ':' || s[i] == ',' || s[i] == '|'))
		i++;
	i += skip_colour(s + i, n - i);
	return i == n || s[i] == ' ' || s[i] == '\t' || s[i] == '[' ? i : 0;
}

/* "<13>", "<13>1 " of syslog, "1:M " of Redis, "[INFO]", "--" of wget, "- " and "| " */
static size_t short_prefix(const char *s, size_t n)
{
	size_t digits = clsf__count_digits(s + 1, n - 1);
	if (s[0] == '<' && digits && digits <= 3 && 1 + digits < n && s[1 + digits] == '>')
		return digits + 2 + 2 * clsf__starts(s + digits + 2, n - digits - 2, "1 ");
	digits = clsf__count_digits(s, n);
	if (digits && digits <= 7 && digits + 2 < n && s[digits] == ':' && s[digits + 1] >= 'A' &&
	    s[digits + 1] <= 'Z' && s[digits + 2] == ' ')
		return digits + 3;
	if (s[0] == '[') {
		size_t i = 1;
		while (i < n && i < 160 && s[i] != ']' && s[i] != '[')
			i++;
		return i < n && s[i] == ']' ? i + 1 : 0;
	}
	return clsf__starts(s, n, "- ") || clsf__starts(s, n, "| ") || clsf__starts(s, n, "--") ? 2 : 0;
}

/* ---- stamps further on ---- */

/* "[29/Oct/2025:10:45:34 +0000]" behind an access log's client, ctime's behind uWSGI's. */
static bool middle_time(const char *s, size_t n, struct clsf__time *ret_time)
{
	const char *end = s + (n < MIDDLE_REACH ? n : MIDDLE_REACH);
	for (const char *t = s; (t = memchr(t, '[', (size_t)(end - t))) != NULL;) {
		t++;
		size_t left = n - (size_t)(t - s);
		if (left < 2)
			break;
		if ((clsf__is_alpha(t[0]) || clsf__shaped(t, left, "00/")) &&
		    clsf__stamp(t, left, ret_time) && ret_time->clock == CLSF__CLOCK_FULL)
			return true;
	}
	return false;
}

/* "job<tab>step<tab>2025-..." as a downloaded log of GitHub Actions has it */
static bool column_time(const char *s, size_t n, struct clsf__time *ret_time)
{
	size_t columns = 0;
	if (!memchr(s, '\t', n < COLUMNS_REACH ? n : COLUMNS_REACH))
		return false;
	for (size_t i = 0; i < n && i < COLUMNS_REACH && columns < 2; i++) {
		if (s[i] != '\t')
			continue;
		columns++;
		i += skip_noise(s + i, n - i) - 1;
		if (clsf__stamp(s + i + 1, n - i - 1, ret_time) && ret_time->clock == CLSF__CLOCK_FULL)
			return true;
	}
	return false;
}

/* The first stamp in a text: at its beginning, further on, or in pairs. */
static bool text_time(const char *s, size_t n, unsigned depth, struct clsf__time *ret_time)
{
	size_t reach = n < CLSF__STAMP_REACH ? n : CLSF__STAMP_REACH;
	size_t near = n < CLSF__STAMP_REACH + LONGEST_STAMP ? n : CLSF__STAMP_REACH + LONGEST_STAMP;
	size_t fields = n < CLSF__STAMP_FIELDS_REACH ? n : CLSF__STAMP_FIELDS_REACH;
	size_t at = 0, taken;
	bool levelled = false;
	for (int prefix = 0; prefix < MAX_PREFIXES; prefix++) {
		at += skip_noise(s + at, near - at);
		if (at >= reach)
			break;
		const char *text = s + at;
		size_t left = near - at;
		if (text[0] == '{')
			return json_time(text, fields - at, depth, ret_time);
		if (clsf__stamp(text, left, ret_time) || bracket_time(text, left, levelled, ret_time) ||
		    section_time(text, left, ret_time) ||
		    (prefix == 0 && clsf__stamp_epoch(text, left, ret_time)))
			return true;
		taken = level_prefix(text, left);
		levelled = taken && taken < left && text[taken] == '[';
		if (!taken && (taken = short_prefix(text, left)) == 0)
			taken = clsf__unwrap_prefix(text, left);
		if (!taken)
			break;
		at += taken;
	}
	return middle_time(s, n, ret_time) || column_time(s, n, ret_time) ||
	       logfmt_time(s, fields, ret_time);
}

bool clsf__line_time(const char *line, size_t length, struct clsf__time *ret_time)
{
	struct clsf__time t;
	*ret_time = (struct clsf__time){ 0, CLSF__CLOCK_NONE };
	if (!text_time(line, length, 0, &t))
		return false;
	*ret_time = t;
	return true;
}

/* ---- between two ---- */

/* The difference that is nearest to 0, of those that are equal but for whole periods. */
static int64_t nearest(int64_t difference, int64_t period)
{
	difference %= period;
	if (difference > period / 2)
		return difference - period;
	return difference < -period / 2 ? difference + period : difference;
}

/* From a full time to the nearest that the yearless one can mean. */
static int64_t full_to_yearless(int64_t full, int64_t yearless)
{
	int year = clsf__stamp_year(full);
	int64_t best = INT64_MAX;
	for (int y = year - 1; y <= year + 1; y++) {
		int64_t difference = clsf__stamp_in_year(yearless, y) - full;
		if (best == INT64_MAX || (difference < 0 ? -difference : difference) <
		                                 (best < 0 ? -best : best))
			best = difference;
	}
	return best;
}

/*
 * Stamps without a year count in a leap year. Between two on either side of its
 * 29th of February, the reading of a common year is the nearer one.
 */
static int64_t yearless_between(int64_t then, int64_t now)
{
	const int64_t leap_day = 59 * CLSF__DAY, march = 60 * CLSF__DAY;
	int64_t ns = nearest(now - then, 366 * CLSF__DAY);
	bool over = (then < leap_day && now >= march) || (now < leap_day && then >= march);
	if (over && ns > CLSF__DAY && now > then)
		ns -= CLSF__DAY;
	else if (over && ns < -CLSF__DAY && now < then)
		ns += CLSF__DAY;
	return ns;
}

bool clsf__time_between(const struct clsf__time *then, const struct clsf__time *now,
                        int64_t *ret_ns)
{
	enum clsf__clock a = then->clock, b = now->clock;
	if (a == CLSF__CLOCK_NONE || b == CLSF__CLOCK_NONE ||
	    (a == CLSF__CLOCK_RELATIVE) != (b == CLSF__CLOCK_RELATIVE))
		return false;
	if (a == CLSF__CLOCK_DAY || b == CLSF__CLOCK_DAY)
		*ret_ns = nearest(now->ns % CLSF__DAY - then->ns % CLSF__DAY, CLSF__DAY);
	else if (a == CLSF__CLOCK_FULL && b == CLSF__CLOCK_YEARLESS)
		*ret_ns = full_to_yearless(then->ns, now->ns);
	else if (a == CLSF__CLOCK_YEARLESS && b == CLSF__CLOCK_FULL)
		*ret_ns = -full_to_yearless(now->ns, then->ns);
	else if (a == CLSF__CLOCK_YEARLESS)
		*ret_ns = yearless_between(then->ns, now->ns);
	else
		*ret_ns = now->ns - then->ns;
	return true;
}

/* ---- for others ---- */

/* The clocks of the two sides are the same numbers. */
static_assert((int)CLSF__CLOCK_NONE == (int)CLSF_CLOCK_NONE && (int)CLSF__CLOCK_FULL == (int)CLSF_CLOCK_FULL &&
              (int)CLSF__CLOCK_YEARLESS == (int)CLSF_CLOCK_YEARLESS &&
              (int)CLSF__CLOCK_DAY == (int)CLSF_CLOCK_DAY &&
              (int)CLSF__CLOCK_RELATIVE == (int)CLSF_CLOCK_RELATIVE, "clocks");

int clsf_line_time(const char *line, size_t length, struct clsf_time *ret_time)
{
	struct clsf__time t = { 0, CLSF__CLOCK_NONE };
	if (!ret_time)
		return 0;
	bool found = line && clsf__line_time(line, length, &t);
	*ret_time = (struct clsf_time){ t.ns, (enum clsf_clock)t.clock };
	return found;
}

int clsf_time_between(const struct clsf_time *then, const struct clsf_time *now, int64_t *ret_nanoseconds)
{
	if (!then || !now || !ret_nanoseconds)
		return 0;
	struct clsf__time a = { then->nanoseconds, (enum clsf__clock)then->clock };
	struct clsf__time b = { now->nanoseconds, (enum clsf__clock)now->clock };
	return clsf__time_between(&a, &b, ret_nanoseconds);
}

/* ---- durations ---- */

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },  { "us", 1000 },  { "ms", 1000000 },  { "s", CLSF__SECOND },
	{ "m", 60 * CLSF__SECOND },  { "h", 3600 * CLSF__SECOND },  { "d", CLSF__DAY },
};

/* The unit at the beginning of the text, as long as letters go; 0 if it is none. */
static size_t read_unit(const char *s, size_t n, int64_t *ret_ns)
{
	size_t letters = 0;
	while (letters < n && clsf__is_alpha(s[letters]))
		letters++;
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		if (letters != strlen(units[u].name) || memcmp(s, units[u].name, letters) != 0)
			continue;
		*ret_ns = units[u].ns;
		return letters;
	}
	return 0;
}

/* digits * unit, and a tenth of it for each digit behind a point. False when it is too long. */
static bool scale(const char *s, size_t whole, size_t fraction, int64_t unit, int64_t *total)
{
	int64_t number = 0;
	for (size_t i = 0; i < whole; i++) {
		number = number * 10 + (s[i] - '0');
		if (number > CLSF__MAX_DURATION / unit)
			return false;
	}
	*total += number * unit;
	for (size_t i = 0; i < fraction; i++) {
		unit /= 10;
		*total += unit * (s[whole + 1 + i] - '0');
	}
	return *total <= CLSF__MAX_DURATION;
}

bool clsf__duration(const char *text, size_t length, int64_t *ret_ns)
{
	int64_t total = 0, unit;
	for (size_t i = 0; i < length;) {
		const char *s = text + i;
		size_t left = length - i, fraction = 0;
		size_t whole = clsf__count_digits(s, left), number = whole;
		if (whole < left && s[whole] == '.') {
			fraction = clsf__count_digits(s + whole + 1, left - whole - 1);
			number += 1 + fraction;
		}
		size_t taken = read_unit(s + number, left - number, &unit);
		if (whole + fraction == 0 || !taken || !scale(s, whole, fraction, unit, &total))
			return false;
		i += number + taken;
	}
	if (total <= 0)
		return false;
	*ret_ns = total;
	return true;
}
