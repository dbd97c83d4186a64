/* SPDX-License-Identifier: Apache-2.0 */
/* Stamps of lines in every form and place, near misses, the time between two, durations. */

#include "../../libclassify/timestamp.h"
#include "support.h"

/* 2025-10-29 10:45:34 on each clock, in seconds. */
#define FULL INT64_C(1761734734)
#define OF_YEAR (INT64_C(302) * 86400 + 38734)
#define OF_DAY INT64_C(38734)

struct stamped {
	const char *line;
	int64_t seconds, ns;
};

static const struct stamped full[] = {
	/* RFC 3339 and what is near to it */
	{ "2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "2025-10-29T10:45:34", FULL, 0 },
	{ "2025-10-29t10:45:34z msg", FULL, 0 },
	{ "2025-10-29 10:45:34 msg", FULL, 0 },
	{ "2025-10-29T10:45:34.5Z msg", FULL, 500000000 },
	{ "2025-10-29T10:45:34.123456789012Z msg", FULL, 123456789 },
	{ "2025-10-29T12:45:34+02:00 msg", FULL, 0 },
	{ "2025-10-29T12:45:34+0200 msg", FULL, 0 },
	{ "2025-10-29T12:45:34.25+02 msg", FULL, 250000000 },
	{ "2025-10-29T05:15:34-05:30 msg", FULL, 0 },
	{ "2025-10-29 11:45:34 +0100 msg", FULL, 0 },
	{ "2025-10-29 10:45:34.123 +0000 UTC m=+0.1", FULL, 123000000 },
	{ "2025-10-29 11:45:34 CET msg", FULL, 0 },
	{ "20251029T104534Z msg", FULL, 0 },
	{ "2024-02-29T00:00:00Z", INT64_C(1709164800), 0 },
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "2025-10-29T10:45:60Z leap second", FULL + 26, 0 },
	/* programs of their own way */
	{ "2025-10-29 10:45:34,123 - builder - ERROR - msg", FULL, 123000000 },
	{ "2025-10-29 10:45:34.123 UTC [12] LOG:  msg", FULL, 123000000 },
	{ "2025-10-29 06:45:34.123 EDT [12] FATAL:  msg", FULL, 123000000 },
	{ "[2025-10-29T10:45:34,123][INFO ][o.e.n.Node] [n1] msg", FULL, 123000000 },
	{ "[2025-10-29 10:45:34,123: ERROR/MainProcess] msg", FULL, 123000000 },
	{ "2025/10/29 10:45:34 [error] 7#7: *1 msg", FULL, 0 },
	{ "2025/10/29 10:45:34.123456 main.go:7: msg", FULL, 123456000 },
	{ "[Wed Oct 29 10:45:34.123456 2025] [core:error] msg", FULL, 123456000 },
	{ "Wed Oct 29 10:45:34 2025 msg", FULL, 0 },
	{ "Wed Oct 29 10:45:34 UTC 2025", FULL, 0 },
	{ "Wed Oct 29 11:45:34 CET 2025", FULL, 0 },
	{ "Wed Oct 29 10:45:34 XYZT 2025", FULL, 0 },
	{ "Wed Oct 29 10:45:34 PM UTC 2025", FULL + 43200, 0 },
	{ "Wed 29 Oct 2025 10:45:34 AM UTC", FULL, 0 },
	{ "Wed, 29 Oct 2025 10:45:34 GMT", FULL, 0 },
	{ "Wed 2025-10-29 10:45:34 UTC host app[1]: msg", FULL, 0 },
	{ "29 Oct 2025 10:45:34 msg", FULL, 0 },
	{ "29 October 2025 10:45:34 msg", FULL, 0 },
	{ "Oct 29, 2025 10:45:34 AM com.example.App main", FULL, 0 },
	{ "Oct 29, 2025 10:45:34 PM com.example.App main", FULL + 43200, 0 },
	{ "Oct 29, 2025 12:45:34 AM msg", FULL - 36000, 0 },
	{ "Oct 29, 2025 10:45:34\xe2\x80\xaf""AM msg", FULL, 0 },
	{ "Oct 29 2025 10:45:34: %LINK-3-UPDOWN: msg", FULL, 0 },
	{ "1:M 29 Oct 2025 10:45:34.123 * msg", FULL, 123000000 },
	{ "2025-10-29T10:45:34.123456Z 0 [Note] msg", FULL, 123456000 },
	{ "2025-10-29  1:45:34 0 [Note] msg", FULL - 9 * 3600, 0 },
	{ "--2025-10-29 10:45:34--  https://a.example/", FULL, 0 },
	{ "I20251029 10:45:34.123456     7 a.cc:1] msg", FULL, 123456000 },
	/* epochs */
	{ "1761734734 msg", FULL, 0 },
	{ "4102444800 msg", INT64_C(4102444800), 0 },
	{ "1761734734.123 msg", FULL, 123000000 },
	{ "1761734734123 msg", FULL, 123000000 },
	{ "1761734734123456 msg", FULL, 123456000 },
	{ "1761734734123456789 msg", FULL, 123456789 },
	{ "[1761734734.5] msg", FULL, 500000000 },
	{ "section_start:1761734734:build\r\x1b[0KBuilding", FULL, 0 },
	{ "section_end:1761734734:build", FULL, 0 },
	{ "type=SYSCALL msg=audit(1761734734.123:456): arch=x", FULL, 123000000 },
	/* access logs */
	{ "10.0.0.7 - - [29/Oct/2025:10:45:34 +0000] \"GET / HTTP/1.1\" 502 157", FULL, 0 },
	{ "client.example - u [29/Oct/2025:12:45:34 +0200] \"GET /\"", FULL, 0 },
	{ "[pid: 7|app: 0] 10.0.0.7 () {28 vars} [Wed Oct 29 10:45:34 2025] GET /", FULL, 0 },
	/* behind prefixes */
	{ "<13>1 2025-10-29T10:45:34.003Z host app 7 ID - msg", FULL, 3000000 },
	{ "2025-10-29T10:45:34+0000 host kubelet[812]: msg", FULL, 0 },
	{ "2025-10-29T10:45:34.1Z stderr F time=\"2001-01-01T00:00:00Z\" level=info", FULL, 100000000 },
	{ "[INFO] 2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "[ INFO][2025-10-29 10:45:34] msg", FULL, 0 },
	{ "INFO 2025-10-29 10:45:34 msg", FULL, 0 },
	{ "info: 2025-10-29 10:45:34 msg", FULL, 0 },
	{ "WARN | 2025-10-29 10:45:34 msg", FULL, 0 },
	{ "INFO[2025-10-29T10:45:34Z] msg", FULL, 0 },
	{ "\x1b[36mINFO\x1b[0m[2025-10-29T10:45:34Z] msg", FULL, 0 },
	{ "[pod/build-7f9c4/kaniko] 2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "[main] [worker 7] 2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "web-1  | 2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "#9 0.157 2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "##[debug]2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "build\tSet up job\t2025-10-29T10:45:34.1234567Z msg", FULL, 123456700 },
	{ "build\tSet up job\t\xef\xbb\xbf""2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "\x1b[2m2025-10-29T10:45:34Z\x1b[0m msg", FULL, 0 },
	{ "\x1b[31m\x1b[1m[\x1b[0m2025-10-29T10:45:34Z] msg", FULL, 0 },
	{ "\xef\xbb\xbf""2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "   2025-10-29T10:45:34Z msg", FULL, 0 },
	{ "[2025-10-29T10:45:34.123Z] msg", FULL, 123000000 },
	{ "2025-10-29T10:45:34.123456Z 00O msg", FULL, 123456000 },
	/* logfmt */
	{ "time=\"2025-10-29T10:45:34Z\" level=error msg=x", FULL, 0 },
	{ "ts=2025-10-29T10:45:34.5Z caller=main.go:1 level=warn", FULL, 500000000 },
	{ "level=info t=2025-10-29T10:45:34+0000 msg=x", FULL, 0 },
	{ "level=info msg=\"no time=1 here\" timestamp=1761734734", FULL, 0 },
	{ "level=info ts=1761734734.25 msg=x", FULL, 250000000 },
	{ "__REALTIME_TIMESTAMP=1761734734123456", FULL, 123456000 },
	/* JSON */
	{ "{\"level\":\"info\",\"time\":\"2025-10-29T10:45:34Z\"}", FULL, 0 },
	{ "{\"ts\":1761734734.123,\"msg\":\"x\"}", FULL, 123000000 },
	{ "{\"ts\":1.761734734e+09,\"msg\":\"x\"}", FULL, 0 },
	{ "{\"ts\":1761734734123.4567,\"msg\":\"x\"}", FULL, 123456700 },
	{ "{ \"timestamp\" : 1761734734123 }", FULL, 123000000 },
	{ "{\"@timestamp\":\"2025-10-29T10:45:34.123Z\"}", FULL, 123000000 },
	{ "{\"MESSAGE\":\"x\",\"_SOURCE_REALTIME_TIMESTAMP\":\"1761734734123456\"}", FULL, 123456000 },
	{ "{\"__REALTIME_TIMESTAMP\":\"1761734734123456\"}", FULL, 123456000 },
	{ "{\"t\":{\"$date\":\"2025-10-29T10:45:34.123+00:00\"},\"s\":\"I\"}", FULL, 123000000 },
	{ "{\"timestamp\":{\"seconds\":1761734734,\"nanos\":5},\"message\":\"x\"}", FULL, 0 },
	{ "{\"a\":{\"time\":\"2001-01-01T00:00:00Z\"},\"time\":\"2025-10-29T10:45:34Z\"}", FULL, 0 },
	{ "{\"log\":\"2001-01-01T00:00:00Z x\\n\",\"stream\":\"stderr\",\"time\":\"2025-10-29T10:45:34.5Z\"}",
	  FULL, 500000000 },
	{ "{\"log\":\"2025-10-29T10:45:34Z x\\n\",\"stream\":\"stderr\"}", FULL, 0 },
	{ "{\"log\":\"time=\\\"2025-10-29T10:45:34Z\\\" level=info\\n\"}", FULL, 0 },
	{ "[INFO] {\"time\":\"2025-10-29T10:45:34Z\"}", FULL, 0 },
};

static const struct stamped yearless[] = {
	{ "Oct 29 10:45:34 host app[1]: msg", OF_YEAR, 0 },
	{ "Oct 29 10:45:34.123456 host app[1]: msg", OF_YEAR, 123456000 },
	{ "<13>Oct 29 10:45:34 host app: msg", OF_YEAR, 0 },
	{ "Oct  9 10:45:34 host app: msg", OF_YEAR - 20 * 86400, 0 },
	{ "Feb 29 00:00:00 host app: msg", INT64_C(59) * 86400, 0 },
	{ "I1029 10:45:34.123456       7 a.go:1] msg", OF_YEAR, 123456000 },
	{ "\x1b[31mE1029 10:45:34.123456       7 a.go:1] msg", OF_YEAR, 123456000 },
	{ "[1] 29 Oct 10:45:34.123 # msg", OF_YEAR, 123000000 },
	{ "10-29 10:45:34.123  812  812 E Tag: msg", OF_YEAR, 123000000 },
};

static const struct stamped of_day[] = {
	{ "10:45:34 msg", OF_DAY, 0 },
	{ "10:45:34", OF_DAY, 0 },
	{ "10:45:34.123 [main] INFO msg", OF_DAY, 123000000 },
	{ "[10:45:34] msg", OF_DAY, 0 },
	{ "10:45:34,123 msg", OF_DAY, 123000000 },
	{ "10:45:34: msg", OF_DAY, 0 },
	{ "[INFO] 10:45:34 msg", OF_DAY, 0 },
	{ "10:45:34 PM msg", OF_DAY + 43200, 0 },
	/* the outer stamp, if the poorer one */
	{ "10:45:34 2025-10-29T10:45:35Z msg", OF_DAY, 0 },
};

static const struct stamped relative[] = {
	{ "[   12.345678] usb 1-1: msg", 12, 345678000 },
	{ "[12345.345678] usb 1-1: msg", 12345, 345678000 },
	{ "<4>[   12.345678] msg", 12, 345678000 },
	{ "[    0.000000][    T0] msg", 0, 0 },
	{ "INFO[0012] msg", 12, 0 },
	{ "\x1b[33mWARN\x1b[0m[0012] msg", 12, 0 },
	{ "[33mWARN[0m[0012] msg", 12, 0 },
	{ "\xef\xbf\xbd[33mWARN\xef\xbf\xbd[0m[0012] msg", 12, 0 },
};

/* None of these has a time. */
static const char *const none[] = {
	"",
	" ",
	"plain words",
	"2025-13-29T10:45:34Z month",
	"2025-00-29T10:45:34Z month",
	"2025-02-29T10:45:34Z day",
	"2025-10-32T10:45:34Z day",
	"2025-10-29T24:45:34Z hour",
	"2025-10-29T10:60:34Z minute",
	"2025-10-29T10:45:61Z second",
	"0001-01-01T00:00:00Z zero",
	"1969-12-31T23:59:59Z before",
	"2200-01-01T00:00:00Z beyond",
	"2025-10-29T10:45:34x in a word",
	"2025-10-29T10:45:34_build.log",
	"2025-10-29 a date alone",
	"10:45 no seconds",
	"10:45:34:ab:cd:ef is an address",
	"10:45:34/7 is a path",
	"25:00:00 hours",
	"[0012] a number",
	"ERROR [0012] a process",
	"INFO [main] [0012] a process",
	"[12.5] a number",
	"12.345678 a number",
	"4 items",
	"123456789 nine digits",
	"12345678901 eleven digits",
	"1761734734x digits in a word",
	"1761734734-5.tar digits in a name",
	"[step] 1761734734 behind a prefix, where any number may be",
	"4102444801 too far",
	"9999999999 too far",
	"0000000000 zero",
	"INFO[main] msg",
	"Okt 29 10:45:34 host",
	"Oct 32 10:45:34 host",
	"Oct 29 host",
	"I1329 10:45:34.123456 7 a.go:1] month",
	"I1029 10:45:34 no fraction",
	"took 2025-10-29T10:45:34Z in the middle of words",
	"a [2025-10-29 10:45:34] bracket in the middle",
	"level=info time=12ms msg=x",
	"level=info msg=\"ts=2025-10-29T10:45:34Z is quoted\"",
	"frame=1 time=00:00:02.00 bitrate=1",
	"{\"time\":\"10:45:34\"}",
	"mytime=2025-10-29T10:45:34Z",
	"{\"msg\":\"x\",\"elapsed\":1761734734}",
	"{\"time\":12,\"ts\":\"soon\",\"t\":{},\"timestamp\":[]}",
	"{\"a\":{\"time\":\"2025-10-29T10:45:34Z\"}}",
	"section_start:build:7",
	"10.0.0.7 - - [29/Okt/2025:10:45:34 +0000] \"GET /\"",
};

static void check(const struct stamped *cases, size_t n, enum clsf__clock clock)
{
	for (size_t i = 0; i < n; i++) {
		struct clsf__time t;
		if (!clsf__line_time(cases[i].line, strlen(cases[i].line), &t))
			fail_msg("no time in: %s", cases[i].line);
		int64_t expected = cases[i].seconds * CLSF__SECOND + cases[i].ns;
		if (t.clock != clock || t.ns != expected)
			fail_msg("clock %d, %lld instead of %lld in: %s", (int)t.clock, (long long)t.ns,
			         (long long)expected, cases[i].line);
	}
}

#define CHECK(table, clock) check(table, sizeof(table) / sizeof(table[0]), clock)

static void test_forms(void **state)
{
	(void)state;
	CHECK(full, CLSF__CLOCK_FULL);
	CHECK(yearless, CLSF__CLOCK_YEARLESS);
	CHECK(of_day, CLSF__CLOCK_DAY);
	CHECK(relative, CLSF__CLOCK_RELATIVE);
}

static void test_near_misses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct clsf__time t = { 1, CLSF__CLOCK_FULL };
		if (clsf__line_time(none[i], strlen(none[i]), &t))
			fail_msg("clock %d, %lld in: %s", (int)t.clock, (long long)t.ns, none[i]);
		assert_int_equal(t.clock, CLSF__CLOCK_NONE);
	}
}

/* Every day from 1970 to 2199 has the number that counting gives it. */
static void test_calendar(void **state)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t count = 0;
	(void)state;
	for (int year = 1970; year <= 2199; year++) {
		bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
		for (int month = 1; month <= 12; month++) {
			for (int day = 1; day <= days[month - 1] + (leap && month == 2); day++, count++) {
				char line[64];
				struct clsf__time t;
				snprintf(line, sizeof(line), "%04d-%02d-%02dT00:00:01Z", year, month, day);
				assert_true(clsf__line_time(line, strlen(line), &t));
				assert_int_equal(t.ns, count * CLSF__DAY + CLSF__SECOND);
			}
		}
	}
}

/* How far into a line a stamp is looked for. */
static void test_reach(void **state)
{
	static char line[8192];
	const char *stamp = "2025-10-29T10:45:34Z x";
	struct clsf__time t;
	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line + CLSF__STAMP_REACH - 1, stamp, strlen(stamp));
	assert_true(clsf__line_time(line, sizeof(line), &t));
	assert_int_equal(t.ns, FULL * CLSF__SECOND);
	memset(line, ' ', sizeof(line));
	memcpy(line + CLSF__STAMP_REACH, stamp, strlen(stamp));
	assert_false(clsf__line_time(line, sizeof(line), &t));

	const char *field = "ts=2025-10-29T10:45:34Z x";
	memset(line, ' ', sizeof(line));
	memcpy(line, "msg=x", 5);
	memcpy(line + CLSF__STAMP_FIELDS_REACH - strlen(field), field, strlen(field));
	assert_true(clsf__line_time(line, sizeof(line), &t));
	memset(line + 5, ' ', sizeof(line) - 5);
	memcpy(line + CLSF__STAMP_FIELDS_REACH, field, strlen(field));
	assert_false(clsf__line_time(line, sizeof(line), &t));
}

/* How many prefixes may stand in front of one. */
static void test_prefixes(void **state)
{
	static char line[512];
	struct clsf__time t;
	(void)state;
	for (size_t n = 15; n <= 16; n++) {
		size_t length = 0;
		for (size_t i = 0; i < n; i++)
			length += (size_t)snprintf(line + length, sizeof(line) - length, "[x] ");
		length += (size_t)snprintf(line + length, sizeof(line) - length, "2025-10-29T10:45:34Z x");
		assert_int_equal(clsf__line_time(line, length, &t), n < 16);
	}
}

static void read_exactly(const char *text, size_t n)
{
	/* At the end of its own allocation, so that a sanitizer sees one byte too many. */
	char *exact = malloc(n ? n : 1);
	struct clsf__time t;
	memcpy(exact, text, n);
	bool found = clsf__line_time(exact, n, &t);
	assert_int_equal(found, t.clock != CLSF__CLOCK_NONE);
	free(exact);
}

static void cut_everywhere(const struct stamped *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t length = 0; length <= strlen(cases[i].line); length++)
			read_exactly(cases[i].line, length);
}

static void test_cut(void **state)
{
	(void)state;
	cut_everywhere(full, sizeof(full) / sizeof(full[0]));
	cut_everywhere(yearless, sizeof(yearless) / sizeof(yearless[0]));
	cut_everywhere(of_day, sizeof(of_day) / sizeof(of_day[0]));
	cut_everywhere(relative, sizeof(relative) / sizeof(relative[0]));
}

static void test_random(void **state)
{
	static const char *const pieces[] = {
		"2025-10-29", "T", " ", "10:45:34", ".123", ",", "Z", "+01", ":00", "UTC", "[", "]", "Oct ",
		"29 ", "Wed ", "2025", "AM", "I1029", "<13>", "1 ", "INFO", "time=", "\"", "\\", "{", "}",
		"\"ts\":", "\"log\":\"", "e+09", "1761734734", "999999999999", "-", "|", "\x1b[", "m", "\t",
		"section_start:", "\xef\xbb\xbf", "\xe2\x80\xaf", "msg=audit(", "\0", "\xff", "0",
	};
	uint64_t rng = 11;
	(void)state;
	for (int round = 0; round < 60000; round++) {
		char line[512];
		size_t n = 0;
		unsigned parts = random_below(&rng, 14);
		for (unsigned i = 0; i < parts; i++) {
			const char *piece = pieces[random_below(&rng, sizeof(pieces) / sizeof(pieces[0]))];
			size_t length = *piece ? strlen(piece) : 1;
			memcpy(line + n, piece, length);
			n += length;
		}
		for (unsigned i = random_below(&rng, 3); n && i > 0; i--)
			line[random_below(&rng, (unsigned)n)] = (char)random_below(&rng, 256);
		read_exactly(line, n);
	}
}

static void test_huge(void **state)
{
	static const char *const fills[] = { "[", "{", "1", "t={ ", "[INFO]", "\\", "\"", "{\"log\":\"", "\x1b[" };
	enum { SIZE = 1 << 20 };
	char *line = malloc(SIZE);
	(void)state;
	for (size_t f = 0; f < sizeof(fills) / sizeof(fills[0]); f++) {
		for (size_t i = 0; i < SIZE; i++)
			line[i] = fills[f][i % strlen(fills[f])];
		read_exactly(line, SIZE);
	}
	free(line);
}

/* ---- between two ---- */

#define S(seconds) ((seconds) * CLSF__SECOND)

static void test_between(void **state)
{
	static const struct {
		const char *then, *now;
		int64_t ns;
	} cases[] = {
		{ "2025-10-29T10:45:34Z x", "2025-10-29T10:46:35.5Z x", S(INT64_C(61)) + 500000000 },
		{ "2025-10-29T10:45:34Z x", "2025-10-29T10:45:33Z x", S(INT64_C(-1)) },
		{ "2025-10-29T10:45:34Z x", "2025-10-29T11:45:34+01:00 x", 0 },
		{ "2025-10-29T10:45:34Z x", "1761734735 x", S(INT64_C(1)) },
		/* no year: the turn of a year is no long time */
		{ "Oct 29 10:45:34 h a: x", "Oct 29 10:45:44 h a: x", S(INT64_C(10)) },
		{ "Dec 31 23:59:59 h a: x", "Jan  1 00:00:01 h a: x", S(INT64_C(2)) },
		{ "Jan  1 00:00:01 h a: x", "Dec 31 23:59:59 h a: x", S(INT64_C(-2)) },
		{ "2025-10-29T10:45:34Z x", "Oct 29 10:45:44 h a: x", S(INT64_C(10)) },
		{ "Oct 29 10:45:44 h a: x", "2025-10-29T10:45:34Z x", S(INT64_C(-10)) },
		{ "2025-12-31T23:59:59Z x", "Jan  1 00:00:01 h a: x", S(INT64_C(2)) },
		{ "Dec 31 23:59:59 h a: x", "2026-01-01T00:00:01Z x", S(INT64_C(2)) },
		/* the year that is told knows whether it has a 29th of February */
		{ "2025-02-28T23:59:59Z x", "Mar  1 00:00:00 h a: x", S(INT64_C(1)) },
		{ "2024-02-28T23:59:59Z x", "Mar  1 00:00:00 h a: x", S(INT64_C(86401)) },
		/* no date: midnight is no long time */
		{ "23:59:59 x", "00:00:01 x", S(INT64_C(2)) },
		{ "00:00:01 x", "23:59:59 x", S(INT64_C(-2)) },
		{ "2025-10-29T10:45:34Z x", "10:45:44 x", S(INT64_C(10)) },
		{ "2025-10-29T23:59:59Z x", "00:00:01 x", S(INT64_C(2)) },
		{ "10:45:44 x", "Oct 29 10:45:34 h a: x", S(INT64_C(-10)) },
		{ "[   12.345678] x", "[   13.345678] x", S(INT64_C(1)) },
		{ "INFO[0012] x", "INFO[0010] x", S(INT64_C(-2)) },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clsf__time then, now;
		int64_t ns = -7;
		assert_true(clsf__line_time(cases[i].then, strlen(cases[i].then), &then));
		assert_true(clsf__line_time(cases[i].now, strlen(cases[i].now), &now));
		if (!clsf__time_between(&then, &now, &ns) || ns != cases[i].ns)
			fail_msg("%lld from %s to %s", (long long)ns, cases[i].then, cases[i].now);
	}
}

static void test_not_comparable(void **state)
{
	const enum clsf__clock clocks[] = { CLSF__CLOCK_NONE, CLSF__CLOCK_FULL, CLSF__CLOCK_YEARLESS,
	                                    CLSF__CLOCK_DAY, CLSF__CLOCK_RELATIVE };
	(void)state;
	for (int a = 0; a < 5; a++) {
		for (int b = 0; b < 5; b++) {
			struct clsf__time then = { 1, clocks[a] }, now = { 2, clocks[b] };
			int64_t ns = -7;
			bool comparable = a != 0 && b != 0 && (a == 4) == (b == 4);
			assert_int_equal(clsf__time_between(&then, &now, &ns), comparable);
			if (!comparable)
				assert_int_equal(ns, -7);
		}
	}
}

/* ---- durations ---- */

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "1ns", 1 },
		{ "5us", 5000 },
		{ "500ms", 500000000 },
		{ "30s", S(INT64_C(30)) },
		{ "1m30s", S(INT64_C(90)) },
		{ "2h", S(INT64_C(7200)) },
		{ "1.5h", S(INT64_C(5400)) },
		{ ".5s", 500000000 },
		{ "1.s", S(INT64_C(1)) },
		{ "0.000000001s", 1 },
		{ "1d", CLSF__DAY },
		{ "1d2h3m4s5ms6us7ns", CLSF__DAY + S(INT64_C(7384)) + 5006007 },
		{ "0h1s", S(INT64_C(1)) },
		{ "3653d", CLSF__MAX_DURATION },
	};
	static const char *const wrong[] = {
		"", "0", "0s", "0.0h", "0.1ns", "5", "s", "-5s", "+5s", "1.5", "1h30", "1 h", "1h ", " 1h",
		"1x", "1H", "1M", "1sec", "1min", "1w", "1.2.3s", ".s", ".", "1e3s", "0x1s", "3654d",
		"3653d1ns", "99999999999999999999s", "9223372036854775807ns9223372036854775807ns",
		"1m\0s",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ns = -7;
		if (!clsf__duration(cases[i].text, strlen(cases[i].text), &ns) || ns != cases[i].ns)
			fail_msg("%lld for %s", (long long)ns, cases[i].text);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int64_t ns = -7;
		size_t length = strlen(wrong[i]) + (strcmp(wrong[i], "1m") == 0 ? 2 : 0);
		if (clsf__duration(wrong[i], length, &ns) || ns != -7)
			fail_msg("%lld for %s", (long long)ns, wrong[i]);
	}
}

/* The same for programs that use the library. */
static void test_public(void **state)
{
	static const char line[] = "2025-10-29T10:45:34.5Z msg", later[] = "10:46:00 msg";
	struct clsf_time a, b;
	int64_t ns = -7;
	(void)state;
	assert_int_equal(clsf_line_time(line, strlen(line), &a), 1);
	assert_int_equal(a.clock, CLSF_CLOCK_FULL);
	assert_int_equal(a.nanoseconds, FULL * CLSF__SECOND + 500000000);
	assert_int_equal(clsf_line_time(later, strlen(later), &b), 1);
	assert_int_equal(b.clock, CLSF_CLOCK_DAY);
	assert_int_equal(clsf_time_between(&a, &b, &ns), 1);
	assert_int_equal(ns, 25 * CLSF__SECOND + 500000000);
	assert_int_equal(clsf_line_time("msg", 3, &b), 0);
	assert_int_equal(b.clock, CLSF_CLOCK_NONE);
	ns = -7;
	assert_int_equal(clsf_time_between(&a, &b, &ns), 0);
	assert_int_equal(ns, -7);
	assert_int_equal(clsf_line_time(NULL, 3, &b), 0);
	assert_int_equal(clsf_line_time(line, 3, NULL), 0);
	assert_int_equal(clsf_time_between(NULL, &b, &ns), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),      cmocka_unit_test(test_near_misses),
		cmocka_unit_test(test_calendar),   cmocka_unit_test(test_reach), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_cut),        cmocka_unit_test(test_random),
		cmocka_unit_test(test_huge),       cmocka_unit_test(test_between),
		cmocka_unit_test(test_not_comparable), cmocka_unit_test(test_durations),
		cmocka_unit_test(test_public),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
