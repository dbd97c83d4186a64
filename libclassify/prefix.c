/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See prefix.h. Each peeler looks at the start of the text for one kind of
 * prefix and tells how many bytes it takes, 0 for none. A prefix is taken where
 * its shape alone tells it from a message; where a word could be either, only
 * behind a time.
 */

#include "prefix.h"

#include <string.h>

#include "quoted.h"
#include "scanning.h"
#include "stamp.h"
#include "terminal.h"

#define MOST_GAP 1           /* blanks that are no indentation */
#define COLUMNS_REACH 200    /* job and step in front of a time */
#define WORD_REACH 80        /* names of containers and targets in front of a bar */

/* ---- levels ---- */

static const struct {
	const char *word;
	enum clsf__level level;
} level_words[] = {
	{ "trace", CLSF__LEVEL_DEBUG },   { "trac", CLSF__LEVEL_DEBUG },
	{ "debug", CLSF__LEVEL_DEBUG },   { "debu", CLSF__LEVEL_DEBUG },
	{ "info", CLSF__LEVEL_INFO },     { "information", CLSF__LEVEL_INFO },
	{ "notice", CLSF__LEVEL_INFO },   { "warn", CLSF__LEVEL_WARN },
	{ "warning", CLSF__LEVEL_WARN },  { "error", CLSF__LEVEL_ERROR },
	{ "erro", CLSF__LEVEL_ERROR },    { "err", CLSF__LEVEL_ERROR },
	{ "critical", CLSF__LEVEL_ERROR }, { "crit", CLSF__LEVEL_ERROR },
	{ "fatal", CLSF__LEVEL_ERROR },   { "fata", CLSF__LEVEL_ERROR },
	{ "panic", CLSF__LEVEL_ERROR },   { "pani", CLSF__LEVEL_ERROR },
	{ "severe", CLSF__LEVEL_ERROR },
};

enum clsf__level clsf__level_of(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(level_words) / sizeof(level_words[0]); i++) {
		const char *w = level_words[i].word;
		size_t j = 0;
		while (j < n && w[j] && (s[j] | 0x20) == w[j])
			j++;
		if (j == n && !w[j])
			return level_words[i].level;
	}
	return CLSF__LEVEL_NONE;
}

void clsf__prefix_level(struct clsf__prefixes *p, const char *s, size_t n)
{
	enum clsf__level level = clsf__level_of(s, n);
	if (level != CLSF__LEVEL_NONE)
		p->level = level;
}

/* ---- prefixes: each returns the bytes it takes, 0 for none ---- */

/* ".123" or ",251" behind a time */
static size_t count_fraction(const char *s, size_t n)
{
	if (n < 2 || (s[0] != '.' && s[0] != ',') || !clsf__is_digit(s[1]))
		return 0;
	return 1 + clsf__count_digits(s + 1, n - 1);
}

/* "2026-11-20T07:25:52.251416760Z", "2026-11-20 07:25:52,251", "2026/11/20 07:25:52" */
static size_t date_time(const char *s, size_t n)
{
	size_t i;
	if (clsf__shaped(s, n, "0000-00-00T00:00:00") || clsf__shaped(s, n, "0000-00-00 00:00:00") ||
	    clsf__shaped(s, n, "0000/00/00 00:00:00"))
		i = 19;
	else if (clsf__shaped(s, n, "0000-00-00, 00:00:00"))
		i = 20;
	else
		return 0;
	i += count_fraction(s + i, n - i);
	if (i < n && s[i] == 'Z')
		return i + 1;
	if (i < n && s[i] == ' ' && i + 5 < n && (s[i + 1] == '+' || s[i + 1] == '-') &&
	    clsf__shaped(s + i + 2, n - i - 2, "0000"))
		return i + 6;
	if (i < n && (s[i] == '+' || s[i] == '-')) {
		if (clsf__shaped(s + i + 1, n - i - 1, "00:00"))
			return i + 6;
		if (clsf__shaped(s + i + 1, n - i - 1, "0000"))
			return i + 5;
	}
	return i;
}

/* "07:25:52", "07:25:52.123" */
static size_t clock_time(const char *s, size_t n)
{
	if (!clsf__shaped(s, n, "00:00:00"))
		return 0;
	return 8 + count_fraction(s + 8, n - 8);
}

/* "Nov 20 07:25:52", "Nov 20 07:25:52.123456" */
static size_t syslog_time(const char *s, size_t n)
{
	if (n < 15 || !clsf__is_alpha(s[0]) || !clsf__is_alpha(s[1]) || !clsf__is_alpha(s[2]) ||
	    s[3] != ' ' || !(s[4] == ' ' || clsf__is_digit(s[4])) || !clsf__is_digit(s[5]) ||
	    s[6] != ' ')
		return 0;
	size_t clock = clock_time(s + 7, n - 7);
	return clock ? 7 + clock : 0;
}

/* "host process[123]: " or "host process: " behind a syslog time */
static size_t syslog_origin(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && (clsf__is_name(s[i]) || s[i] == ':'))
		i++;
	if (i == 0 || i >= n || s[i] != ' ')
		return 0;
	size_t process = ++i;
	while (i < n && (clsf__is_name(s[i]) || s[i] == '@' || s[i] == '(' || s[i] == ')'))
		i++;
	if (i == process)
		return 0;
	if (i < n && s[i] == '[') {
		size_t digits = clsf__count_digits(s + i + 1, n - i - 1);
		if (i + 1 + digits >= n || s[i + 1 + digits] != ']')
			return 0;
		i += digits + 2;
	}
	return i + 1 < n && s[i] == ':' && s[i + 1] == ' ' ? i + 2 : 0;
}

/* The other forms that stamp.c knows; its table is read only where the first bytes may be of one. */
static size_t rarer_time(const char *s, size_t n)
{
	struct clsf__time time;
	bool word = n > 4 && clsf__is_alpha(s[1]) && clsf__is_alpha(s[2]) && (s[3] == ' ' || s[3] == ',');
	if (n > 4 && (word || (clsf__is_digit(s[0]) && memchr(s, ':', n < 24 ? n : 24))))
		return clsf__stamp(s, n, &time);
	return 0;
}

/* " UTC" behind a time, as Airflow writes it */
static size_t count_zone(const char *s, size_t n)
{
	return clsf__starts(s, n, " UTC") && (n == 4 || s[4] == ' ' || s[4] == ']') ? 4 : 0;
}

/* A time with what may follow it: CRI stream and tag, GitLab's stream number, a syslog origin. */
static size_t peel_time(struct clsf__prefixes *p, const char *s, size_t n)
{
	size_t i = 0, t;
	bool bracket = n && s[0] == '[';
	if (bracket)
		i = 1;
	if ((t = date_time(s + i, n - i)) == 0 && (t = syslog_time(s + i, n - i)) == 0 &&
	    (t = clock_time(s + i, n - i)) == 0 && (t = rarer_time(s + i, n - i)) == 0)
		return 0;
	i += t;
	i += count_zone(s + i, n - i);
	if (bracket) {
		if (i >= n || s[i] != ']')
			return 0;
		i++;
		/* TeamCity: "[02:11:05]W:" and a tab */
		if (i + 2 < n && (s[i] == ':' || s[i + 1] == ':') && s[i + 1 + (s[i] != ':')] == '\t')
			i += 1 + (s[i] != ':');
	} else if (i + 1 < n && (s[i] == ',' || (s[i] == ':' && s[i + 1] == ' '))) {
		/* A table, whose message may be quoted, and Netlify */
		i++;
		if (s[i - 1] == ',' && s[i] == '"') {
			p->stamped = true;
			p->behind = n > i + 1 && s[n - 1] == '"';
			return i + 1;
		}
		if (s[i - 1] == ',') {
			p->stamped = true;
			return i;
		}
	}
	/* One blank: more may be the indentation of what was printed. */
	if (i < n && s[i] != ' ' && s[i] != '\t')
		return 0;
	i += i < n;
	/* Jenkins and Concourse leave two behind a bare time of day. */
	i += t == 8 && !bracket && i < n && s[i] == ' ';
	p->stamped = true;
	const char *r = s + i;
	size_t left = n - i;
	if (left > 8 && (memcmp(r, "stdout ", 7) == 0 || memcmp(r, "stderr ", 7) == 0) &&
	    (r[7] == 'F' || r[7] == 'P') && (r[8] == ' ' || r[8] == ':')) {
		size_t k = 8;
		while (k < left && r[k] != ' ')
			k++;
		return i + (k < left ? k + 1 : k);
	}
	if (left == 8 && (memcmp(r, "stdout F", 8) == 0 || memcmp(r, "stderr F", 8) == 0))
		return n;
	if (left >= 3 && clsf__is_digit(r[0]) && clsf__is_digit(r[1]) && (r[2] == 'O' || r[2] == 'E') &&
	    (left == 3 || r[3] == ' ' || r[3] == '+'))
		return i + (left == 3 ? 3 : 4);
	/* "- " between a time and a name, "| " of Zuul, whose next column is the node */
	return left > 2 && (r[0] == '-' || r[0] == '|') && r[1] == ' ' ? i + 2 : i;
}

/*
 * Blanks behind a time or a prefix in brackets. One more than the prefix ends
 * with is a wider gap, as Jenkins leaves it; several are the indentation of
 * what was printed, which tells the detail of a report from a message.
 */
static size_t peel_blanks(const struct clsf__prefixes *p, const char *s, size_t n)
{
	size_t blanks = clsf__count_spaces(s, n);
	return p->stamped && blanks <= MOST_GAP ? blanks : 0;
}

/* The rest of an RFC 5424 header behind "<34>1 ": TIME HOST APP PROCID MSGID STRUCTURED-DATA. */
static size_t syslog_header(const char *s, size_t n)
{
	size_t i = date_time(s, n);
	if (i == 0)
		return 0;
	for (int field = 0; field < 4; field++) {
		if (i + 1 >= n || s[i] != ' ' || s[i + 1] == ' ')
			return 0;
		for (i++; i < n && s[i] != ' '; i++)
			;
	}
	if (i + 1 >= n || s[i++] != ' ')
		return 0;
	if (s[i] == '-') {
		i++;
	} else {
		bool quoted = false;
		if (s[i] != '[')
			return 0;
		for (; i < n; i++) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				quoted = !quoted;
			else if (s[i] == ']' && !quoted && (i + 1 == n || s[i + 1] != '['))
				break;
		}
		i++;
	}
	return i < n && s[i] == ' ' ? i + 1 : 0;
}

/* "<34>" and "<34>1 " of syslog, "<3>" of journald and the kernel */
static size_t peel_priority(const char *s, size_t n)
{
	if (n < 3 || s[0] != '<')
		return 0;
	size_t digits = clsf__count_digits(s + 1, n - 1);
	if (digits == 0 || digits > 3 || 1 + digits >= n || s[1 + digits] != '>')
		return 0;
	size_t i = digits + 2;
	if (i + 1 >= n || s[i] != '1' || s[i + 1] != ' ')
		return i;
	return i + 2 + syslog_header(s + i + 2, n - i - 2);
}

/* "ERROR:root:" of Python's logging as it is configured by default */
static size_t peel_python_default(struct clsf__prefixes *p, const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && s[i] >= 'A' && s[i] <= 'Z')
		i++;
	if (i < 4 || i + 1 >= n || s[i] != ':' || clsf__level_of(s, i) == CLSF__LEVEL_NONE)
		return 0;
	size_t name = ++i;
	while (i < n && clsf__is_name(s[i]))
		i++;
	if (i == name || i >= n || s[i] != ':')
		return 0;
	clsf__prefix_level(p, s, name - 1);
	return i + 1;
}

/* "E0323 20:23:21.609447      22 file.go:100] " */
static size_t peel_klog(struct clsf__prefixes *p, const char *s, size_t n)
{
	if (n < 22 || !strchr("IWEF", s[0]) || !clsf__shaped(s + 1, n - 1, "0000 00:00:00."))
		return 0;
	size_t i = 15 + clsf__count_digits(s + 15, n - 15);
	size_t end = n < 200 ? n : 200;
	for (; i + 1 < end; i++) {
		if (s[i] == ']' && s[i + 1] == ' ') {
			p->level = s[0] == 'I'   ? CLSF__LEVEL_INFO
			           : s[0] == 'W' ? CLSF__LEVEL_WARN
			                         : CLSF__LEVEL_ERROR;
			return i + 2;
		}
		if (s[i] == '[')
			return 0;
	}
	return 0;
}

/* "INFO[0012] " of logrus on a terminal, with rests of colour between */
static size_t peel_logrus_colour(struct clsf__prefixes *p, const char *s, size_t n)
{
	static const char *const words[] = { "TRAC", "DEBU", "INFO", "WARN", "ERRO", "FATA", "PANI" };
	if (n < 7)
		return 0;
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		if (memcmp(s, words[w], 4) != 0)
			continue;
		size_t i = 4 + clsf__colour_rest(s + 4, n - 4);
		if (i >= n || s[i] != '[')
			return 0;
		size_t k = ++i;
		while (k < n && k - i < 40 && s[k] != ']')
			k++;
		if (k >= n || s[k] != ']' || k == i || !clsf__is_digit(s[i]))
			return 0;
		clsf__prefix_level(p, s, 4);
		p->padded = true;
		k++;
		return k + clsf__count_spaces(s + k, n - k);
	}
	return 0;
}

/* "ERROR: ", "WARNING ", "[error] " and the like: taken only behind a time, but always noted. */
static size_t peel_level_word(struct clsf__prefixes *p, const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && i < 12 && clsf__is_alpha(s[i]))
		i++;
	if (i < 3 || clsf__level_of(s, i) == CLSF__LEVEL_NONE)
		return 0;
	bool upper = s[0] < 'a' && s[1] < 'a';
	if (!upper && !(i < n && s[i] == ':'))
		return 0;
	size_t word = i;
	while (i < n && (s[i] == ':' || s[i] == ']' || s[i] == '|'))
		i++;
	size_t gap = clsf__count_spaces(s + i, n - i);
	if (i < n && gap == 0)
		return 0;
	clsf__prefix_level(p, s, word);
	if (!p->stamped || !upper)
		return 0;
	i += gap;
	return i + (i + 1 < n && s[i] == '-' && s[i + 1] == ' ' ? 2 : 0);
}

/* ".py:459:" or ".go:484:" behind the name of a file; the bytes with the name, 0 where there is none. */
static size_t count_place(const char *s, size_t n, const char *suffix)
{
	size_t i = 0;
	while (i < n && (clsf__is_alpha(s[i]) || clsf__is_digit(s[i]) || s[i] == '_'))
		i++;
	if (i == 0 || !clsf__starts(s + i, n - i, suffix))
		return 0;
	i += strlen(suffix);
	size_t digits = clsf__count_digits(s + i, n - i);
	return digits && i + digits < n && s[i + digits] == ':' ? i + digits + 1 : 0;
}

/* "DEBUG util.py:459:  " of mock, which logs at this level what the commands print, errors too */
static size_t peel_mock(struct clsf__prefixes *p, const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && i < 9 && s[i] >= 'A' && s[i] <= 'Z')
		i++;
	enum clsf__level level = clsf__level_of(s, i);
	if (level == CLSF__LEVEL_NONE || i >= n || s[i] != ' ')
		return 0;
	size_t place = count_place(s + i + 1, n - i - 1, ".py:");
	if (!place)
		return 0;
	i += 1 + place;
	if (level != CLSF__LEVEL_DEBUG)
		p->level = level;
	for (int blank = 0; blank < 2 && i < n && s[i] == ' '; blank++)
		i++;
	return i < n ? i : 0;
}

/* "upgrade.go:484: 2026-02-19 10:44:51.01 +0100 CET m=+301.2 [debug] " of Helm */
static size_t peel_helm_debug(struct clsf__prefixes *p, const char *s, size_t n)
{
	static const char mark[] = "[debug] ";
	size_t i = count_place(s, n, ".go:");
	if (!i)
		return 0;
	const char *debug = memmem(s + i, n - i < WORD_REACH ? n - i : WORD_REACH, mark, strlen(mark));
	if (!debug)
		return 0;
	p->level = CLSF__LEVEL_DEBUG;
	return (size_t)(debug - s) + strlen(mark);
}

/* "fatal: [build-02]: FAILED! => " of Ansible in front of an object */
static size_t peel_ansible(const char *s, size_t n)
{
	static const char arrow[] = " => {";
	if (!clsf__starts(s, n, "fatal: [") && !clsf__starts(s, n, "failed: ["))
		return 0;
	const char *object = memmem(s, n < COLUMNS_REACH ? n : COLUMNS_REACH, arrow, strlen(arrow));
	return object ? (size_t)(object - s) + strlen(arrow) - 1 : 0;
}

/* "platform:x86_64 - ", with which OSBS marks the lines of the builds that it merges */
static size_t count_platform(const char *s, size_t n)
{
	static const char mark[] = "platform:";
	if (!clsf__starts(s, n, mark))
		return 0;
	size_t i = strlen(mark);
	while (i < n && clsf__is_name(s[i]))
		i++;
	return clsf__starts(s + i, n - i, " - ") ? i + 3 : 0;
}

/* "name - LEVEL - " of Python's logging, behind a time */
static size_t peel_python_name(struct clsf__prefixes *p, const char *s, size_t n)
{
	if (!p->stamped)
		return 0;
	size_t name = count_platform(s, n), i = name;
	while (i < n && clsf__is_name(s[i]))
		i++;
	if (i == name || i + 3 >= n || memcmp(s + i, " - ", 3) != 0)
		return 0;
	i += 3;
	size_t word = i;
	while (i < n && clsf__is_alpha(s[i]))
		i++;
	if (clsf__level_of(s + word, i - word) == CLSF__LEVEL_NONE || i + 3 > n ||
	    memcmp(s + i, " - ", 3) != 0)
		return 0;
	clsf__prefix_level(p, s + word, i - word);
	return i + 3;
}

/* "[build : step] ", "[pod/x/container] ", "[step] ", "[ERROR] " */
static size_t peel_bracket(struct clsf__prefixes *p, const char *s, size_t n)
{
	if (n < 4 || s[0] != '[')
		return 0;
	size_t i = 1;
	while (i < n && i < 160 && (clsf__is_name(s[i]) || s[i] == ':' || s[i] == ' ' || s[i] == '@'))
		i++;
	if (i >= n || s[i] != ']' || i < 3 || s[1] == ' ' ||
	    !(clsf__is_alpha(s[1]) || clsf__is_digit(s[1])))
		return 0;
	clsf__prefix_level(p, s + 1, i - 1);
	p->stamped = true;
	return i + 1 < n && s[i + 1] == ' ' ? i + 2 : 0;
}

/* "web-1  | " of Compose, "| " of boxes drawn around an error by Terraform */
static size_t peel_bar(const char *s, size_t n)
{
	if (n > 3 && memcmp(s, "\xe2\x94\x82", 3) == 0)
		return 3 + (s[3] == ' ');
	/* The bar first, for most lines have none. */
	const char *blank = memchr(s, ' ', n < WORD_REACH ? n : WORD_REACH);
	if (!blank)
		return 0;
	size_t length = (size_t)(blank - s), bar = length + clsf__count_spaces(blank, n - length);
	if (length == 0 || !clsf__starts(s + bar, n - bar, "| "))
		return 0;
	for (size_t i = 0; i < length; i++)
		if (!clsf__is_name(s[i]) && s[i] != '@')
			return 0;
	return bar + 2;
}

/*
 * "     ./api+build | " of Earthly; elsewhere blanks in front of a bar are a
 * compiler's quote of the source.
 */
static size_t peel_target(const char *s, size_t n)
{
	size_t start = clsf__count_spaces(s, n), left = n - start;
	const char *blank = memchr(s + start, ' ', left < WORD_REACH ? left : WORD_REACH);
	if (!blank || !clsf__starts(blank, n - (size_t)(blank - s), " | "))
		return 0;
	bool plus = false;
	for (const char *c = s + start; c < blank; c++) {
		if (!clsf__is_name(*c) && *c != '+' && *c != '*')
			return 0;
		plus = plus || (*c == '+' && clsf__is_alpha(c[1]));
	}
	return plus ? (size_t)(blank - s) + 3 : 0;
}

/* "#9 0.157 ", "#9 " of BuildKit; "Step #0 - \"name\": " of Cloud Build */
static size_t peel_step(const char *s, size_t n)
{
	size_t i = 0;
	if (n > 6 && memcmp(s, "Step #", 6) == 0) {
		i = 6 + clsf__count_digits(s + 6, n - 6);
		if (i == 6)
			return 0;
		if (i + 4 < n && memcmp(s + i, " - \"", 4) == 0) {
			i += 4;
			while (i < n && s[i] != '"')
				i++;
			i++;
		}
		return i + 1 < n && s[i] == ':' && s[i + 1] == ' ' ? i + 2 : 0;
	}
	if (n < 4 || s[0] != '#')
		return 0;
	i = 1 + clsf__count_digits(s + 1, n - 1);
	if (i == 1 || i >= n || s[i] != ' ')
		return 0;
	i++;
	size_t whole = clsf__count_digits(s + i, n - i);
	if (whole && i + whole < n && s[i + whole] == '.') {
		size_t part = clsf__count_digits(s + i + whole + 1, n - i - whole - 1);
		size_t end = i + whole + 1 + part;
		if (part && end < n && s[end] == ' ')
			return end + 1;
	}
	return i;
}

/* "##[error]" and "::error file=x::" of GitHub Actions */
static size_t peel_github(struct clsf__prefixes *p, const char *s, size_t n)
{
	if (n < 5)
		return 0;
	if (s[0] == '#' && s[1] == '#' && s[2] == '[') {
		size_t i = 3;
		while (i < n && clsf__is_alpha(s[i]))
			i++;
		if (i == 3 || i >= n || s[i] != ']')
			return 0;
		clsf__prefix_level(p, s + 3, i - 3);
		return i + 1;
	}
	if (s[0] == ':' && s[1] == ':' && clsf__is_alpha(s[2])) {
		size_t i = 2;
		while (i < n && clsf__is_alpha(s[i]))
			i++;
		clsf__prefix_level(p, s + 2, i - 2);
		for (; i + 1 < n && i < 300; i++)
			if (s[i] == ':' && s[i + 1] == ':')
				return i + 2;
	}
	return 0;
}

/* "_bk;t=1741830000000" of Buildkite, where the escape sequence around it lost its first byte */
static size_t peel_buildkite(const char *s, size_t n)
{
	static const char mark[] = "_bk;t=";
	if (!clsf__starts(s, n, mark))
		return 0;
	size_t i = strlen(mark) + clsf__count_digits(s + strlen(mark), n - strlen(mark));
	return i + (i < n && s[i] == '\a');
}

/* "12.345 " of the excerpt that BuildKit gives of a step that failed: always three digits */
static size_t peel_seconds(const char *s, size_t n)
{
	size_t whole = clsf__count_digits(s, n);
	if (whole == 0 || whole > 5 || whole + 4 >= n || s[whole] != '.' ||
	    clsf__count_digits(s + whole + 1, 4) != 3)
		return 0;
	return s[whole + 4] == ' ' ? whole + 5 : 0;
}

/* "[  131.200300] " of the kernel; without blanks inside it is like any other prefix in brackets */
static size_t peel_kernel(struct clsf__prefixes *p, const char *s, size_t n)
{
	size_t i = 1 + clsf__count_spaces(s + 1, n - 1);
	size_t whole = clsf__count_digits(s + i, n - i);
	if (i == 1 || whole == 0 || i + whole + 8 >= n || s[i + whole] != '.')
		return 0;
	i += whole + 1;
	if (clsf__count_digits(s + i, n - i) != 6 || s[i + 6] != ']' || s[i + 7] != ' ')
		return 0;
	p->stamped = true;
	return i + 8;
}

/*
 * Columns with tabs between, the last of them a time: job and step of
 * "gh run view --log", the epoch of Grafana's tables. The time itself is the
 * next prefix; a byte order mark stands in front of it where GitHub began a file.
 */
static size_t peel_columns(const char *s, size_t n)
{
	size_t i = 0;
	for (unsigned column = 0; column < 2; column++) {
		const char *tab = memchr(s + i, '\t', n - i < COLUMNS_REACH ? n - i : COLUMNS_REACH);
		if (!tab)
			return 0;
		i = (size_t)(tab - s) + 1;
		if (clsf__starts(s + i, n - i, "\xef\xbb\xbf"))
			i += 3;
		if (date_time(s + i, n - i))
			return i;
	}
	return 0;
}

/* "EVENTS", the ingestion's time, the message and its own, of "aws logs --output text" */
static size_t peel_events(struct clsf__prefixes *p, const char *s, size_t n)
{
	static const char events[] = "EVENTS\t";
	if (!clsf__starts(s, n, events))
		return 0;
	size_t i = strlen(events), columns = 0, digits;
	while ((digits = clsf__count_digits(s + i, n - i)) >= 13 && i + digits < n &&
	       s[i + digits] == '\t') {
		i += digits + 1;
		columns++;
	}
	/* Filtered events also have an id, and the name of the stream. */
	const char *tab = columns == 2 ? memchr(s + i, '\t', n - i) : NULL;
	i = tab ? (size_t)(tab - s) + 1 : i;
	size_t end = n;
	while (end > i && clsf__is_digit(s[end - 1]))
		end--;
	if (columns && end > i && s[end - 1] == '\t' && n - end == 13)
		p->behind = n - end + 1;
	p->stamped = columns > 0;
	return columns ? i : 0;
}

/* {app="x", pod="y-1"} of logcli, behind the time */
static size_t peel_labels(const struct clsf__prefixes *p, const char *s, size_t n)
{
	size_t i = 0;
	bool escaped;
	if (!p->stamped || s[0] != '{')
		return 0;
	do {
		i++;
		i += clsf__count_spaces(s + i, n - i);
		size_t name = i;
		while (i < n && clsf__is_name(s[i]))
			i++;
		if (i == name || i + 1 >= n || s[i] != '=' || s[i + 1] != '"')
			return 0;
		size_t length = clsf__quoted_length(s + i + 1, n - i - 1, &escaped);
		if (!length)
			return 0;
		i += 1 + length;
	} while (i < n && s[i] == ',');
	if (i + 1 >= n || s[i] != '}' || (s[i + 1] != ' ' && s[i + 1] != '\t'))
		return 0;
	i++;
	return i + clsf__count_spaces(s + i, n - i);
}

/*
 * Where CloudWatch has it from, behind the time: "ecs/builder/0b1c2d3e4f5a",
 * "2026/03/14/[$LATEST]0b1c2d3e4f5a"; "app[web.1]: " of Heroku; "{taskinstance.py:93} " of
 * Airflow.
 */
static size_t peel_origin(const struct clsf__prefixes *p, const char *s, size_t n)
{
	if (!p->stamped)
		return 0;
	size_t i = 0;
	if (s[0] == '{') {
		for (i = 1; i < n && (clsf__is_name(s[i]) || s[i] == ':'); i++)
			;
		bool closed = i > 4 && i + 1 < n && s[i] == '}' && s[i + 1] == ' ';
		return closed && clsf__is_digit(s[i - 1]) ? i + 2 : 0;
	}
	size_t id = 0, slashes = 0;
	for (; i < n && clsf__is_name(s[i]); i++) {
		if (s[i] == '/') {
			id = i + 1;
			slashes++;
		}
	}
	if (i < n && i > 1 && s[i] == '[') {
		if (s[i - 1] == '/' && clsf__starts(s + i, n - i, "[$LATEST]")) {
			for (i += 9; i < n && s[i] != ' '; i++)
				;
			return i < n ? i + 1 : 0;
		}
		size_t inner = ++i;
		while (i < n && clsf__is_name(s[i]))
			i++;
		return i > inner && clsf__starts(s + i, n - i, "]: ") ? i + 3 : 0;
	}
	if (slashes < 2 || i >= n || s[i] != ' ')
		return 0;
	size_t begun = id;
	while (clsf__is_digit(s[id]) || (s[id] >= 'a' && s[id] <= 'f'))
		id++;
	return id == i && id - begun >= 8 ? i + 1 : 0;
}

/* ---- pods ---- */

static bool is_label(char c)
{
	return (c >= 'a' && c <= 'z') || clsf__is_digit(c) || c == '-' || c == '.';
}

/*
 * Does a name end as Kubernetes makes names unique: five characters behind a
 * dash, among which are no vowels, or letters and digits? Numbers are those of
 * Argo's nodes, if long, and of a StatefulSet, if short; twelve digits may be
 * the end of a UUID.
 */
enum ending { ENDING_NONE, ENDING_RANDOM, ENDING_NUMBER };

static enum ending pod_ending(const char *s, size_t n)
{
	const char *dash = n > 2 ? memrchr(s + 1, '-', n - 1) : NULL;
	if (!dash)
		return ENDING_NONE;
	size_t length = n - (size_t)(dash + 1 - s), digits = 0, vowels = 0;
	for (const char *c = dash + 1; c < s + n; c++) {
		digits += clsf__is_digit(*c);
		vowels += strchr("aeiou", *c) != NULL;
	}
	if (length && digits == length)
		return length <= 2                 ? ENDING_NUMBER
		       : length >= 7 && length <= 10 ? ENDING_RANDOM
		                                     : ENDING_NONE;
	return length == 5 && (digits || !vowels) ? ENDING_RANDOM : ENDING_NONE;
}

static size_t count_label(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && i < 253 && is_label(s[i]))
		i++;
	return i;
}

/* " " or " › " between a pod and its container; 0 for neither */
static size_t count_gap(const char *s, size_t n, bool *arrow)
{
	static const char mark[] = " \xe2\x80\xba ";
	*arrow = clsf__starts(s, n, mark);
	return *arrow ? strlen(mark) : n && s[0] == ' ';
}

/*
 * "POD CONTAINER " and "NAMESPACE POD CONTAINER " of stern, "NAMESPACE/POD[CONTAINER]: " of
 * kail, "POD: " of Argo.
 */
static size_t peel_pod(struct clsf__prefixes *p, const char *s, size_t n)
{
	size_t pod = 0, length = count_label(s, n), end = length, gap;
	bool arrow;
	if (length == 0 || end >= n)
		return 0;
	if (s[end] == '/') {
		pod = end + 1;
		length = count_label(s + pod, n - pod);
		end = pod + length;
		if (end >= n || s[end] != '[' || pod_ending(s + pod, length) == ENDING_NONE)
			return 0;
		size_t inner = count_label(s + end + 1, n - end - 1);
		end += 1 + inner;
		p->stamped = p->stamped || (inner && clsf__starts(s + end, n - end, "]: "));
		return inner && clsf__starts(s + end, n - end, "]: ") ? end + 3 : 0;
	}
	enum ending ending = pod_ending(s, length);
	if (ending == ENDING_RANDOM && clsf__starts(s + end, n - end, ": ")) {
		p->stamped = true;
		return end + 2;
	}
	if ((gap = count_gap(s + end, n - end, &arrow)) == 0)
		return 0;
	if (ending == ENDING_NONE && !arrow) {
		/* The namespace comes first, where there are several. */
		pod = end + gap;
		length = count_label(s + pod, n - pod);
		ending = pod_ending(s + pod, length);
		end = pod + length;
		if (ending != ENDING_RANDOM || (gap = count_gap(s + end, n - end, &arrow)) == 0)
			return 0;
	}
	size_t container = end + gap, inner = count_label(s + container, n - container);
	end = container + inner;
	if (inner == 0 || !clsf__is_alpha(s[container]))
		return 0;
	bool second;
	gap = count_gap(s + end, n - end, &second);
	/* A number is no sign of its own: "utf-8 codec". The pod of a set has a container of its name. */
	bool of_set = ending == ENDING_NUMBER && inner + 2 <= length &&
	              memcmp(s + container, s + pod, inner) == 0;
	bool likely = ending == ENDING_RANDOM || arrow || second || of_set;
	if (!likely || (gap == 0 && end < n))
		return 0;
	p->stamped = true;
	return end + gap;
}

/*
 * "@acme/api:build: " of Turborepo, "packages/api build: " of pnpm, "@acme/api: " of Lerna.
 * Only usual names of scripts are known, for "a:b: " is the head of many messages.
 */
static size_t peel_script(const char *s, size_t n)
{
	static const char *const scripts[] = {
		"build", "test", "lint", "typecheck", "check", "compile", "deploy", "start", "dev", "e2e",
		"install", "prepare", "bundle", "ci", "unit",
	};
	/* A script ends with a colon, be it the first word or the second. */
	const char *blank = memchr(s, ' ', n < WORD_REACH ? n : WORD_REACH);
	if (!blank || blank == s || (blank[-1] != ':' && !memchr(s, '/', (size_t)(blank - s))))
		return 0;
	size_t i = 0;
	bool slash = false;
	for (; i < n && i < 100 && (is_label(s[i]) || s[i] == '@' || s[i] == '/' || s[i] == '_'); i++)
		slash = slash || s[i] == '/';
	if (i < 2 || i + 2 >= n)
		return 0;
	if (s[0] == '@' && slash && s[i] == ':' && s[i + 1] == ' ')
		return i + 2;
	if (s[i] != ':' && !(s[i] == ' ' && slash))
		return 0;
	size_t name = ++i;
	while (i < n && (is_label(s[i]) || s[i] == ':'))
		i++;
	if (i >= n || s[i] != ' ' || i <= name + 1 || s[i - 1] != ':')
		return 0;
	for (size_t k = 0; k < sizeof(scripts) / sizeof(scripts[0]); k++) {
		size_t length = strlen(scripts[k]);
		if (clsf__starts(s + name, i - 1 - name, scripts[k]) &&
		    (name + length == i - 1 || s[name + length] == ':' || s[name + length] == '-'))
			return i + 1;
	}
	return 0;
}

/* Each kind of prefix is looked for only behind a first byte that it can have. */
size_t clsf__prefix_peel(struct clsf__prefixes *p, const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];
	size_t taken = 0;
	if (clsf__is_digit((char)c))
		(void)((taken = peel_time(p, s, n)) || (taken = peel_seconds(s, n)));
	else if (c == '[')
		(void)((taken = clsf__colour_rest(s, n)) || (taken = peel_time(p, s, n)) ||
		       (taken = peel_bracket(p, s, n)) || (taken = peel_kernel(p, s, n)));
	else if (c == ' ' || c == '\t')
		(void)((taken = peel_blanks(p, s, n)) || (taken = peel_target(s, n)));
	else if (c == '<')
		taken = peel_priority(s, n);
	else if (c == '#')
		(void)((taken = peel_github(p, s, n)) || (taken = peel_step(s, n)));
	else if (c == ':')
		taken = peel_github(p, s, n);
	else if (c == '{')
		(void)((taken = peel_labels(p, s, n)) || (taken = peel_origin(p, s, n)));
	else if (c == '+' || c == '*')
		taken = peel_target(s, n);
	else if (c == '@')
		taken = peel_script(s, n);
	else if (c >= 0x80)
		(void)((taken = clsf__colour_rest(s, n)) || (taken = peel_bar(s, n)));
	else if (c >= 'A' && c <= 'Z')
		(void)((taken = peel_logrus_colour(p, s, n)) || (taken = peel_klog(p, s, n)) ||
		       (taken = peel_time(p, s, n)) || (taken = peel_python_default(p, s, n)) ||
		       (taken = peel_mock(p, s, n)) ||
		       (taken = peel_step(s, n)) || (taken = peel_events(p, s, n)));
	if (taken)
		return taken;
	if (clsf__is_name((char)c))
		(void)((taken = peel_buildkite(s, n)) || (taken = peel_python_name(p, s, n)) ||
		       (taken = peel_level_word(p, s, n)) || (taken = peel_origin(p, s, n)) ||
		       (taken = p->stamped ? syslog_origin(s, n) : 0) ||
		       (taken = peel_bar(s, n)) || (taken = peel_pod(p, s, n)) || (taken = peel_script(s, n)) ||
		       (taken = peel_ansible(s, n)) || (taken = peel_helm_debug(p, s, n)) ||
		       (taken = peel_target(s, n)));
	return taken || c == '{' || c == ' ' ? taken : peel_columns(s, n);
}
