/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See unwrap.h. A text is peeled layer by layer: each peeler looks at the start
 * of the text and tells how many bytes of prefix it takes, or decodes a value
 * (JSON, Go's quoted strings) into the buffer and goes on there. What no
 * peeler knows is the innermost message.
 *
 * Work is bounded: a layer takes at least one byte off or decodes to at most
 * its own length, and there are at most MAX_LAYERS of them.
 */

#include "unwrap.h"

#include <string.h>

#include "quoted.h"
#include "scanning.h"
#include "terminal.h"

#define MAX_LAYERS 12

struct text {
	bool decoded;
	size_t at;
	size_t length;
};

struct peeler {
	struct clsf__messages *m;
	const char *line;
	enum clsf__level level;
	bool stamped;        /* a time or the like was taken off, so that a level word may follow */
	bool padded;         /* the prefix was of the kind that pads its message with blanks */
};

void clsf__messages_init(struct clsf__messages *m, const struct clsf_allocator *a)
{
	*m = (struct clsf__messages){ .allocator = *a };
	clsf__buffer_init(&m->decoded, a);
}

void clsf__messages_done(struct clsf__messages *m)
{
	clsf__free(&m->allocator, m->item);
	clsf__buffer_done(&m->decoded);
	m->item = NULL;
	m->n = m->capacity = 0;
}

static const char *data_of(const struct peeler *p, struct text t)
{
	return t.decoded ? p->m->decoded.data + t.at : p->line + t.at;
}

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

static void note_level(struct peeler *p, const char *s, size_t n)
{
	enum clsf__level level = clsf__level_of(s, n);
	if (level != CLSF__LEVEL_NONE)
		p->level = level;
}

/* ---- prefixes: each returns the bytes it takes, 0 for none ---- */

/* "2026-11-20T07:25:52.251416760Z", "2026-11-20 07:25:52,251", "2026/11/20 07:25:52" */
static size_t date_time(const char *s, size_t n)
{
	size_t i;
	if (clsf__shaped(s, n, "0000-00-00T00:00:00") || clsf__shaped(s, n, "0000-00-00 00:00:00") ||
	    clsf__shaped(s, n, "0000/00/00 00:00:00"))
		i = 19;
	else
		return 0;
	if (i + 1 < n && (s[i] == '.' || s[i] == ',') && clsf__is_digit(s[i + 1]))
		i += 1 + clsf__count_digits(s + i + 1, n - i - 1);
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
	size_t i = 8;
	if (i + 1 < n && (s[i] == '.' || s[i] == ',') && clsf__is_digit(s[i + 1]))
		i += 1 + clsf__count_digits(s + i + 1, n - i - 1);
	return i;
}

/* "Nov 20 07:25:52" */
static size_t syslog_time(const char *s, size_t n)
{
	if (n < 15 || !clsf__is_alpha(s[0]) || !clsf__is_alpha(s[1]) || !clsf__is_alpha(s[2]) ||
	    s[3] != ' ' || !(s[4] == ' ' || clsf__is_digit(s[4])) || !clsf__is_digit(s[5]) ||
	    s[6] != ' ')
		return 0;
	return clsf__shaped(s + 7, n - 7, "00:00:00") ? 15 : 0;
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

/* A time with what may follow it: CRI stream and tag, GitLab's stream number, a syslog origin. */
static size_t peel_time(struct peeler *p, const char *s, size_t n)
{
	size_t i = 0, t;
	bool bracket = n && s[0] == '[';
	if (bracket)
		i = 1;
	if ((t = date_time(s + i, n - i)) == 0 && (t = syslog_time(s + i, n - i)) == 0 &&
	    (t = clock_time(s + i, n - i)) == 0)
		return 0;
	i += t;
	if (bracket) {
		if (i >= n || s[i] != ']')
			return 0;
		i++;
	}
	/* One blank: more may be the indentation of what was printed. */
	if (i < n && s[i] != ' ' && s[i] != '\t')
		return 0;
	i += i < n;
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
	return left > 2 && r[0] == '-' && r[1] == ' ' ? i + 2 : i;
}

/* Blanks behind a time or a prefix in brackets: indentation, or only a wider gap. */
static size_t peel_blanks(const struct peeler *p, const char *s, size_t n)
{
	return p->stamped ? clsf__count_spaces(s, n) : 0;
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
static size_t peel_python_default(struct peeler *p, const char *s, size_t n)
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
	note_level(p, s, name - 1);
	return i + 1;
}

/* "E0323 20:23:21.609447      22 file.go:100] " */
static size_t peel_klog(struct peeler *p, const char *s, size_t n)
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
static size_t peel_logrus_colour(struct peeler *p, const char *s, size_t n)
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
		note_level(p, s, 4);
		p->padded = true;
		k++;
		return k + clsf__count_spaces(s + k, n - k);
	}
	return 0;
}

/* "ERROR: ", "WARNING ", "[error] " and the like: taken only behind a time, but always noted. */
static size_t peel_level_word(struct peeler *p, const char *s, size_t n)
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
	note_level(p, s, word);
	if (!p->stamped || !upper)
		return 0;
	i += gap;
	return i + (i + 1 < n && s[i] == '-' && s[i + 1] == ' ' ? 2 : 0);
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
static size_t peel_python_name(struct peeler *p, const char *s, size_t n)
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
	note_level(p, s + word, i - word);
	return i + 3;
}

/* "[build : step] ", "[pod/x/container] ", "[step] ", "[ERROR] " */
static size_t peel_bracket(struct peeler *p, const char *s, size_t n)
{
	if (n < 4 || s[0] != '[')
		return 0;
	size_t i = 1;
	while (i < n && i < 160 && (clsf__is_name(s[i]) || s[i] == ':' || s[i] == ' ' || s[i] == '@'))
		i++;
	if (i >= n || s[i] != ']' || i < 3 || s[1] == ' ' ||
	    !(clsf__is_alpha(s[1]) || clsf__is_digit(s[1])))
		return 0;
	note_level(p, s + 1, i - 1);
	p->stamped = true;
	return i + 1 < n && s[i + 1] == ' ' ? i + 2 : 0;
}

/* "web-1  | " of Compose, "| " of boxes drawn around an error by Terraform */
static size_t peel_bar(const char *s, size_t n)
{
	if (n > 3 && memcmp(s, "\xe2\x94\x82", 3) == 0)
		return 3 + (s[3] == ' ');
	size_t i = 0;
	while (i < n && i < 64 && clsf__is_name(s[i]))
		i++;
	if (i == 0)
		return 0;
	size_t gap = clsf__count_spaces(s + i, n - i);
	i += gap;
	return gap && i + 1 < n && s[i] == '|' && s[i + 1] == ' ' ? i + 2 : 0;
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
static size_t peel_github(struct peeler *p, const char *s, size_t n)
{
	if (n < 5)
		return 0;
	if (s[0] == '#' && s[1] == '#' && s[2] == '[') {
		size_t i = 3;
		while (i < n && clsf__is_alpha(s[i]))
			i++;
		if (i == 3 || i >= n || s[i] != ']')
			return 0;
		note_level(p, s + 3, i - 3);
		return i + 1;
	}
	if (s[0] == ':' && s[1] == ':' && clsf__is_alpha(s[2])) {
		size_t i = 2;
		while (i < n && clsf__is_alpha(s[i]))
			i++;
		note_level(p, s + 2, i - 2);
		for (; i + 1 < n && i < 300; i++)
			if (s[i] == ':' && s[i + 1] == ':')
				return i + 2;
	}
	return 0;
}

/* Each kind of prefix is looked for only behind a first byte that it can have. */
static size_t peel_prefix(struct peeler *p, const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];
	size_t taken = 0;
	if (clsf__is_digit((char)c))
		taken = peel_time(p, s, n);
	else if (c == '[')
		(void)((taken = clsf__colour_rest(s, n)) || (taken = peel_time(p, s, n)) ||
		       (taken = peel_bracket(p, s, n)));
	else if (c == ' ' || c == '\t')
		taken = peel_blanks(p, s, n);
	else if (c == '<')
		taken = peel_priority(s, n);
	else if (c == '#')
		(void)((taken = peel_github(p, s, n)) || (taken = peel_step(s, n)));
	else if (c == ':')
		taken = peel_github(p, s, n);
	else if (c >= 0x80)
		(void)((taken = clsf__colour_rest(s, n)) || (taken = peel_bar(s, n)));
	else if (c >= 'A' && c <= 'Z')
		(void)((taken = peel_logrus_colour(p, s, n)) || (taken = peel_klog(p, s, n)) ||
		       (taken = peel_time(p, s, n)) || (taken = peel_python_default(p, s, n)) ||
		       (taken = peel_step(s, n)));
	if (taken || !clsf__is_name((char)c))
		return taken;
	(void)((taken = peel_python_name(p, s, n)) || (taken = peel_level_word(p, s, n)) ||
	       (taken = p->stamped ? syslog_origin(s, n) : 0) || (taken = peel_bar(s, n)));
	return taken;
}

size_t clsf__unwrap_prefix(const char *s, size_t n)
{
	struct peeler p = { .stamped = true };
	return n > 2 ? peel_prefix(&p, s, n) : 0;
}

/* ---- messages ---- */

/* A message; false when memory is out. */
static bool add_message(struct clsf__messages *m, struct text t)
{
	if (m->n == CLSF__MAX_MESSAGES) {
		m->cut = true;
		return true;
	}
	if (!clsf__grow(&m->allocator, &m->item, &m->capacity, m->n + 1, sizeof(*m->item)))
		return false;
	m->item[m->n++] = (struct clsf__message){ t.decoded, t.at, t.length };
	return true;
}

static bool peel(struct peeler *p, struct text t, unsigned layer);
static bool peel_parts(struct peeler *p, struct text t, unsigned layer);

/*
 * The value of a quoted string at `s` (offset `at` in `t`) as a text of its
 * own, peeled further, line by line where it holds several.
 */
static bool peel_value(struct peeler *p, struct text t, size_t at, size_t length, bool escaped,
                       unsigned layer)
{
	/* The \n at the end of what Docker logs is nearly always the only escape. */
	const char *value = data_of(p, t) + at;
	if (escaped && length >= 2 && memcmp(value + length - 2, "\\n", 2) == 0 &&
	    !memchr(value, '\\', length - 2)) {
		length -= 2;
		escaped = false;
	}
	if (!escaped)
		return length == 0 || peel_parts(p, (struct text){ t.decoded, t.at + at, length }, layer);
	struct clsf__buffer *b = &p->m->decoded;
	size_t start = b->length;
	/* The source may be in this very buffer: make room first, then take its address. */
	if (!clsf__buffer_reserve(b, length + 1))
		return false;
	clsf__unquote(b, data_of(p, t) + at, length);
	size_t end = b->length;
	clsf__buffer_addc(b, '\n');
	if (b->failed)
		return false;
	while (start < end) {
		const char *newline = memchr(b->data + start, '\n', end - start);
		size_t line = newline ? (size_t)(newline - (b->data + start)) : end - start;
		if (!peel_parts(p, (struct text){ true, start, line }, layer))
			return false;
		start += line + 1;
	}
	return true;
}

/* Picks the texts that matter from a JSON object or logfmt pairs as they pass. */
struct picked {
	struct clsf__pair message, error;
	bool has_message, has_error;
};

struct name {
	const char *text;
	size_t length;
};

#define NAME(text) { text, sizeof(text) - 1 }

static const struct name level_names[] = {
	NAME("level"), NAME("severity"), NAME("levelname"), NAME("lvl"), { NULL, 0 },
};
static const struct name message_names[] = {
	NAME("msg"), NAME("message"), NAME("log"), NAME("MESSAGE"), NAME("@message"),
	NAME("textPayload"), { NULL, 0 },
};
static const struct name error_names[] = {
	NAME("error"), NAME("err"), NAME("exception"), { NULL, 0 },
};

static bool is_one_of(const char *s, const struct clsf__pair *pair, const struct name *names)
{
	for (; names->text; names++)
		if (pair->name_length == names->length &&
		    memcmp(s + pair->name, names->text, names->length) == 0)
			return true;
	return false;
}

static void pick(struct peeler *p, const char *s, const struct clsf__pair *kv,
                 struct picked *picked)
{
	if (is_one_of(s, kv, level_names)) {
		note_level(p, s + kv->value, kv->value_length);
	} else if (!picked->has_message && is_one_of(s, kv, message_names)) {
		picked->message = *kv;
		picked->has_message = true;
	} else if (!picked->has_error && is_one_of(s, kv, error_names)) {
		picked->error = *kv;
		picked->has_error = true;
	}
}

bool clsf__is_message(const char *s, const struct clsf__pair *pair)
{
	return is_one_of(s, pair, message_names);
}

static bool peel_picked(struct peeler *p, struct text t, const struct picked *picked,
                        unsigned layer)
{
	const struct clsf__pair *m = &picked->message, *e = &picked->error;
	if (picked->has_message && m->value_length &&
	    !peel_value(p, t, m->value, m->value_length, m->escaped, layer))
		return false;
	if (picked->has_error && e->value_length &&
	    !peel_value(p, t, e->value, e->value_length, e->escaped, layer))
		return false;
	return true;
}

/*
 * {"level":"error","msg":"..."}: strings of the top level. False when it is no
 * such object.
 */
static bool read_json(struct peeler *p, const char *s, size_t n, struct picked *picked)
{
	struct clsf__pair pair;
	if (n < 8 || s[0] != '{')
		return false;
	for (size_t at = 1; clsf__json_pair(s, n, &at, &pair);)
		if (pair.quoted)
			pick(p, s, &pair, picked);
	return picked->has_message || picked->has_error;
}

/* Pairs of logfmt from `i` on; returns how many there are. */
static unsigned read_pairs(struct peeler *p, const char *s, size_t n, size_t i,
                           struct picked *picked)
{
	unsigned pairs = 0;
	struct clsf__pair pair;
	for (; clsf__logfmt_pair(s, n, &i, &pair); pairs++)
		pick(p, s, &pair, picked);
	return pairs;
}

/* time="..." level=error msg="..." : at least a message, and pairs from the very start. */
static bool read_logfmt(struct peeler *p, const char *s, size_t n, struct picked *picked)
{
	return n >= 6 && clsf__is_alpha(s[0]) && read_pairs(p, s, n, 0, picked) >= 2 &&
	       (picked->has_message || picked->has_error);
}

/* "message" key="value" of klog's structured form */
static bool read_klog_values(struct peeler *p, const char *s, size_t n, struct picked *picked)
{
	bool escaped;
	size_t length = clsf__quoted_length(s, n, &escaped);
	if (length < 3 || (length < n && s[length] != ' '))
		return false;
	struct clsf__pair message = { .value = 1, .value_length = length - 2, .quoted = true,
	                              .escaped = escaped };
	struct picked rest = { 0 };
	if (length < n && read_pairs(p, s, n, length + 1, &rest) == 0)
		return false;
	if (rest.has_error) {
		picked->error = rest.error;
		picked->has_error = true;
	}
	picked->message = message;
	picked->has_message = true;
	return true;
}

/* Adds the messages inside `t`, innermost first, then `t` itself. */
static bool peel(struct peeler *p, struct text t, unsigned layer)
{
	if (layer < MAX_LAYERS && t.length > 2) {
		const char *s = data_of(p, t);
		struct picked picked = { 0 };
		if (s[0] == '{'   ? read_json(p, s, t.length, &picked)
		    : s[0] == '"' ? read_klog_values(p, s, t.length, &picked)
		                  : read_logfmt(p, s, t.length, &picked)) {
			if (!peel_picked(p, t, &picked, layer + 1))
				return false;
		} else {
			p->padded = false;
			size_t taken = peel_prefix(p, s, t.length), end = t.length;
			while (p->padded && end > taken && s[end - 1] == ' ')
				end--;
			if (taken && taken < end &&
			    !peel(p, (struct text){ t.decoded, t.at + taken, end - taken }, layer + 1))
				return false;
		}
	}
	return add_message(p->m, t);
}

/* ---- escape sequences of terminals (ECMA-48) ---- */

/*
 * Takes whole escape sequences off both ends: a line that is coloured as a
 * whole needs no decoding. The end is found by walking, as a sequence can only
 * be told from its start.
 */
static void trim_escapes(const char *s, size_t n, size_t *ret_start, size_t *ret_end)
{
	size_t start = 0;
	while (start < n && s[start] == '\x1b')
		start += clsf__escape_length(s + start, n - start);
	size_t end = start, at = start;
	while (at < n) {
		if (s[at] == '\x1b') {
			at += clsf__escape_length(s + at, n - at);
			continue;
		}
		const char *next = memchr(s + at, '\x1b', n - at);
		at = next ? (size_t)(next - s) : n;
		end = at;
	}
	*ret_start = start < n ? start : n;
	*ret_end = end;
}

/* One part between \r: without escape sequences, then peeled. */
static bool peel_part(struct peeler *p, struct text t, unsigned layer)
{
	if (t.length == 0)
		return true;
	const char *raw = data_of(p, t);
	if (memchr(raw, '\x1b', t.length)) {
		size_t start, end;
		trim_escapes(raw, t.length, &start, &end);
		t.at += start;
		t.length = end - start;
		raw += start;
	}
	if (t.length == 0 || !memchr(raw, '\x1b', t.length))
		return t.length == 0 || peel(p, t, layer);
	struct clsf__buffer *b = &p->m->decoded;
	size_t start = b->length;
	/* The source may be in this very buffer: make room first, then take its address. */
	if (!clsf__buffer_reserve(b, t.length + 1))
		return false;
	clsf__add_stripped(b, data_of(p, t), t.length);
	size_t end = b->length;
	clsf__buffer_addc(b, '\n');
	if (b->failed)
		return false;
	return end == start || peel(p, (struct text){ true, start, end - start }, layer);
}

/* The parts of a text between \r: each print of a progress bar is a message. */
static bool peel_parts(struct peeler *p, struct text t, unsigned layer)
{
	size_t at = 0;
	while (at < t.length && !p->m->cut) {
		const char *s = data_of(p, t);
		const char *cr = memchr(s + at, '\r', t.length - at);
		size_t part = cr ? (size_t)(cr - (s + at)) : t.length - at;
		p->stamped = false;
		if (!peel_part(p, (struct text){ t.decoded, t.at + at, part }, layer))
			return false;
		at += part + 1;
	}
	return true;
}

bool clsf__unwrap(struct clsf__messages *m, const char *line, size_t length)
{
	m->n = 0;
	m->cut = false;
	m->decoded.length = 0;
	m->decoded.failed = false;
	struct peeler p = { .m = m, .line = line, .level = CLSF__LEVEL_NONE };
	size_t mark = length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	bool good = peel_parts(&p, (struct text){ false, mark, length - mark }, 0);
	m->level = p.level;
	return good;
}

bool clsf__unwrap_decoded(struct clsf__messages *m, const char *line, size_t length,
                          struct clsf__buffer *out)
{
	/* The two common kinds need no parsing: one "\\n" before a quote, and colour alone. */
	const char *backslash = memchr(line, '\\', length);
	bool colour = memchr(line, '\x1b', length) != NULL, parts = memchr(line, '\r', length) != NULL;
	if (backslash && !colour && !parts) {
		size_t at = (size_t)(backslash - line);
		if (length - at > 2 && backslash[1] == 'n' && backslash[2] == '"' &&
		    !memchr(backslash + 1, '\\', length - at - 1))
			return true;
	}
	if (!backslash && !parts) {
		size_t mark = length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, start, end;
		line += mark;
		trim_escapes(line, length - mark, &start, &end);
		if (end == start || !memchr(line + start, '\x1b', end - start))
			return true;
		clsf__add_stripped(out, line + start, end - start);
		clsf__buffer_addc(out, '\n');
		return !out->failed;
	}
	if (!clsf__unwrap(m, line, length))
		return false;
	clsf__buffer_add(out, m->decoded.data, m->decoded.length);
	return !out->failed;
}
