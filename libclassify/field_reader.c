/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See fields.h: what the layers of a line tell. A text is read from its start,
 * prefix by prefix: those that hold fields are taken apart here, the others are
 * stepped over as in unwrap.c. What is left is a message, with pairs or an
 * object of JSON at its end perhaps. A text wrapped in JSON is read like a line.
 *
 * Work is bounded: every byte is looked at a few times in each of MAX_LAYERS
 * texts in texts, and a text has at most MAX_PREFIXES.
 */

#include "fields.h"

#include <string.h>

#include "quoted.h"
#include "scanning.h"
#include "stamp.h"
#include "terminal.h"
#include "unwrap.h"

#define MAX_LAYERS 12
#define MAX_PREFIXES 16

/* A place in the buffer of the fields: `at` moves on, `end` stays. */
struct cursor {
	struct clsf__fields *f;
	size_t at, end;
	unsigned layer;
	bool whole;                  /* the text is the line itself, from its first byte */
};

static void read_text(struct clsf__fields *f, size_t at, size_t length, unsigned layer);

static const char *here(const struct cursor *c)
{
	return c->f->text.data + c->at;
}

static size_t left(const struct cursor *c)
{
	return c->end - c->at;
}

/* Adds a part of the text at the cursor, if it has any bytes. */
static void tell(struct cursor *c, const char *path, size_t offset, size_t length)
{
	if (length)
		clsf__fields_add(c->f, path, c->at + offset, length);
}

/* Adds a value that does not stand in the text. */
static void tell_word(struct cursor *c, const char *path, const char *value)
{
	size_t at = c->f->text.length;
	clsf__buffer_adds(&c->f->text, value);
	if (!c->f->text.failed)
		clsf__fields_add(c->f, path, at, strlen(value));
}

static void tell_pair(struct cursor *c, const struct clsf__pair *pair)
{
	c->f->path.length = 0;
	clsf__buffer_add(&c->f->path, here(c) + pair->name, pair->name_length);
	clsf__fields_add_member(c->f, c->at + pair->value, pair->value_length, pair->escaped);
}

/* Whatever is left, under a name. */
static void tell_rest(struct cursor *c, const char *path)
{
	size_t blanks = clsf__count_spaces(here(c), left(c));
	tell(c, path, blanks, left(c) - blanks);
}

static size_t run_of(const char *s, size_t n, bool (*is)(char))
{
	size_t i = 0;
	while (i < n && is(s[i]))
		i++;
	return i;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_word(char c)
{
	return c > ' ' && c < 0x7f;
}

static bool is_logger(char c)
{
	return clsf__is_name(c) || c == '$';
}

/* ---- pairs ---- */

/* A pair of logfmt at `at`, whose name is one: no option, no path. */
static bool pair_at(const struct cursor *c, size_t *at, struct clsf__pair *ret_pair)
{
	const char *s = here(c);
	return *at < left(c) && (clsf__is_alpha(s[*at]) || s[*at] == '_' || s[*at] == '@') &&
	       clsf__logfmt_pair(s, left(c), at, ret_pair);
}

/* Over a word that is no pair, or a quoted text. */
static size_t skip_word(const struct cursor *c, size_t at)
{
	const char *s = here(c);
	size_t n = left(c);
	bool escaped;
	if (s[at] == '"') {
		size_t length = clsf__quoted_length(s + at, n - at, &escaped);
		at = length ? at + length : n;
	}
	while (at < n && s[at] != ' ' && s[at] != '\t')
		at++;
	return at + clsf__count_spaces(s + at, n - at);
}

/* How many pairs there are, and where the run of them begins that reaches to the end. */
static size_t count_pairs(const struct cursor *c, size_t *ret_run)
{
	struct clsf__pair pair;
	size_t pairs = 0;
	bool running = false;
	*ret_run = left(c);
	for (size_t at = 0; at < left(c);) {
		size_t before = at;
		if (pair_at(c, &at, &pair)) {
			pairs++;
			if (!running)
				*ret_run = before;
			running = true;
		} else {
			at = skip_word(c, at);
			running = false;
			*ret_run = left(c);
		}
	}
	return pairs;
}

static void tell_pairs(struct cursor *c, size_t at)
{
	struct clsf__pair pair, message = { 0 };
	while (at < left(c)) {
		if (!pair_at(c, &at, &pair)) {
			at = skip_word(c, at);
			continue;
		}
		size_t field = c->f->n;
		tell_pair(c, &pair);
		if (pair.quoted && !message.value_length && c->f->n > field &&
		    clsf__is_message(here(c), &pair)) {
			message.value = c->f->item[field].value;
			message.value_length = c->f->item[field].value_length;
		}
	}
	if (message.value_length)
		read_text(c->f, message.value, message.value_length, c->layer + 1);
}

/*
 * level=error msg="..." from the start on, with bare words between perhaps; two
 * at least, or one that is all there is.
 */
static bool read_logfmt(struct cursor *c)
{
	struct clsf__pair pair;
	size_t at = 0, run;
	if (!pair_at(c, &at, &pair) || (count_pairs(c, &run) < 2 && run > 0))
		return false;
	tell_pairs(c, 0);
	return true;
}

/* "message" key="value" of klog's structured form */
static bool read_quoted_message(struct cursor *c)
{
	bool escaped;
	size_t n = left(c);
	size_t length = n && here(c)[0] == '"' ? clsf__quoted_length(here(c), n, &escaped) : 0;
	struct clsf__pair pair;
	size_t at = length + 1;
	if (length < 3 || (length < n && (here(c)[length] != ' ' || !pair_at(c, &at, &pair))))
		return false;
	c->f->path.length = 0;
	clsf__buffer_adds(&c->f->path, "msg");
	clsf__fields_add_member(c->f, c->at + 1, length - 2, escaped);
	if (length < n)
		tell_pairs(c, length + 1);
	return true;
}

/* ---- JSON ---- */

static bool read_json(struct cursor *c)
{
	size_t message, message_length;
	if (!clsf__fields_add_json(c->f, c->at, left(c), &message, &message_length))
		return false;
	if (message_length)
		read_text(c->f, message, message_length, c->layer + 1);
	return true;
}

static bool object_at(const char *s, size_t n)
{
	size_t blanks = n > 1 && s[0] == '{' ? clsf__count_spaces(s + 1, n - 1) : n;
	return blanks + 1 < n && s[blanks + 1] == '"';
}

/* An object behind a message, if it reaches to the end of the text. */
static bool read_last_json(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c), i = 0;
	if (n == 0 || s[n - 1] != '}')
		return false;
	while (i < n && !object_at(s + i, n - i)) {
		const char *brace = memchr(s + i + 1, '{', n - i - 1);
		i = brace ? (size_t)(brace - s) : n;
	}
	c->at += i;
	return i < n && read_json(c);
}

/* ---- prefixes that tell something; each moves the cursor behind itself ---- */

/* "stdout F " behind the time of a container's log */
static bool read_cri(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c);
	if (n < 8 || (!clsf__starts(s, n, "stdout ") && !clsf__starts(s, n, "stderr ")) ||
	    (s[7] != 'F' && s[7] != 'P') || (n > 8 && s[8] != ' ' && s[8] != ':'))
		return false;
	tell(c, "stream", 0, 6);
	tell(c, "flag", 7, 1);
	size_t tags = 7 + run_of(s + 7, n - 7, is_word);
	c->at += tags + (tags < n);
	return true;
}

/* "host ident[pid]: message"; where the time alone does not show that, the pid has to be there. */
static bool read_origin(struct cursor *c, bool sure)
{
	const char *s = here(c);
	size_t n = left(c), i = 0;
	while (i < n && (clsf__is_name(s[i]) || s[i] == ':'))
		i++;
	size_t host = i, ident = i + 1, digits = 0;
	if (host == 0 || i >= n || s[i] != ' ' || s[i - 1] == ':')
		return false;
	for (i = ident; i < n && (clsf__is_name(s[i]) || strchr("@()", s[i])) && s[i]; i++)
		;
	size_t ident_end = i;
	if (i == ident)
		return false;
	if (i < n && s[i] == '[') {
		digits = clsf__count_digits(s + i + 1, n - i - 1);
		i += digits + 2;
		if (digits == 0 || i > n || s[i - 1] != ']')
			return false;
	}
	if (i >= n || s[i] != ':' || (i + 1 < n && s[i + 1] != ' ') || !(sure || digits))
		return false;
	tell(c, "host", 0, host);
	tell(c, "ident", ident, ident_end - ident);
	tell(c, "pid", ident_end + 1, digits);
	c->at += i + 1;
	tell_rest(c, "message");
	return true;
}

static void tell_level_word(struct cursor *c, size_t offset, size_t length)
{
	tell(c, "levelname", offset, length);
	tell(c, "level", offset, length);
}

/* " - name - LEVEL - message" of Python behind a time, "platform:x86_64 - name ..." of OSBS */
static bool read_python(struct cursor *c)
{
	static const char mark[] = "platform:";
	const char *s = here(c);
	size_t n = left(c), platform = clsf__starts(s, n, mark) ? strlen(mark) : 0, lead = platform;
	if (platform)
		lead += run_of(s + lead, n - lead, is_logger);
	size_t platform_end = lead;
	lead += platform && lead < n && s[lead] == ' ';
	lead += clsf__starts(s + lead, n - lead, "- ") ? 2 : 0;
	size_t name = lead + run_of(s + lead, n - lead, is_logger);
	if (name == lead || !clsf__starts(s + name, n - name, " - "))
		return false;
	size_t level = name + 3;
	size_t end = level + run_of(s + level, n - level, is_upper);
	if (clsf__level_of(s + level, end - level) == CLSF__LEVEL_NONE ||
	    !clsf__starts(s + end, n - end, " - "))
		return false;
	tell(c, "platform", platform, platform_end - platform);
	tell(c, "name", lead, name - lead);
	tell_level_word(c, level, end - level);
	c->at += end + 3;
	tell_rest(c, "message");
	return true;
}

/* ": LEVEL/MainProcess] message" of Celery behind a time in brackets */
static bool read_celery(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c);
	if (!clsf__starts(s, n, ": "))
		return false;
	size_t level = 2 + run_of(s + 2, n - 2, is_upper);
	if (level >= n || s[level] != '/' || clsf__level_of(s + 2, level - 2) == CLSF__LEVEL_NONE)
		return false;
	size_t end = level + 1;
	while (end < n && (clsf__is_name(s[end]) || s[end] == ':'))
		end++;
	if (end >= n || s[end] != ']')
		return false;
	tell_level_word(c, 2, level - 2);
	tell(c, "processName", level + 1, end - level - 1);
	c->at += end + 1;
	tell_rest(c, "message");
	return true;
}

/* A time, and what only stands behind one. */
static bool read_stamp(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c), bracket = s[0] == '[';
	struct clsf__time t;
	size_t taken = clsf__stamp(s + bracket, n - bracket, &t);
	if (!taken && bracket)
		taken = clsf__stamp_relative(s + 1, n - 1, &t);
	if (!taken)
		return false;
	size_t end = bracket + taken;
	if (bracket && end < n && s[end] == ':') {
		c->at += end;
		if (read_celery(c))
			return true;
		c->at -= end;
	}
	if (bracket && (end >= n || s[end] != ']'))
		return false;
	/* syslog, whose year is lost, or rsyslog and journald with a zone of digits */
	bool yearless = t.clock == CLSF__CLOCK_YEARLESS && clsf__is_alpha(s[0]);
	bool iso = t.clock == CLSF__CLOCK_FULL && taken > 19 && s[bracket + 10] == 'T';
	const char *zone = iso ? memchr(s + bracket + 19, '+', taken - 19) : NULL;
	if (iso && !zone)
		zone = memchr(s + bracket + 19, '-', taken - 19);
	c->at += end + bracket;
	c->at += clsf__count_spaces(here(c), left(c));
	(void)(read_cri(c) || read_python(c) ||
	       ((yearless || iso) && read_origin(c, yearless || zone != NULL)));
	return true;
}

/* "E1029 10:45:34.123456      22 file.go:100] message" */
static bool read_klog(struct cursor *c)
{
	static const char letters[] = "IWEF";
	static const char *const levels[] = { "info", "warning", "error", "fatal" };
	const char *s = here(c);
	size_t n = left(c);
	struct clsf__time t;
	const char *letter = memchr(letters, s[0], 4);
	size_t i = letter && n > 1 && clsf__is_digit(s[1]) ? clsf__stamp(s, n, &t) : 0;
	if (!i)
		return false;
	i += clsf__count_spaces(s + i, n - i);
	size_t thread = i, thread_length = clsf__count_digits(s + i, n - i);
	i += thread_length;
	i += clsf__count_spaces(s + i, n - i);
	size_t file = i, file_length = run_of(s + i, n - i, clsf__is_name);
	i += file_length;
	if (!thread_length || !file_length || i >= n || s[i] != ':')
		return false;
	size_t line = i + 1, line_length = clsf__count_digits(s + line, n - line);
	i = line + line_length;
	if (!line_length || i >= n || s[i] != ']')
		return false;
	tell_word(c, "level", levels[letter - letters]);
	tell(c, "thread", thread, thread_length);
	tell(c, "file", file, file_length);
	tell(c, "line", line, line_length);
	c->at += i + 1;
	c->at += clsf__count_spaces(here(c), left(c));
	if (read_quoted_message(c))
		c->at = c->end;
	else
		tell_rest(c, "msg");
	return true;
}

/* "ERRO[0012] message      key=value", or with a rest of colour: "ERRO[0m[0012] message" */
static bool read_logrus(struct cursor *c)
{
	static const struct {
		const char *word, *level;
	} words[] = {
		{ "TRAC", "trace" },   { "DEBU", "debug" }, { "INFO", "info" },   { "WARN", "warning" },
		{ "ERRO", "error" },   { "FATA", "fatal" }, { "PANI", "panic" },
	};
	const char *s = here(c), *level = NULL;
	size_t n = left(c), run;
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]) && !level; w++)
		if (clsf__starts(s, n, words[w].word))
			level = words[w].level;
	if (!level)
		return false;
	size_t end = 4 + clsf__colour_rest(s + 4, n - 4);
	if (n < end + 3 || s[end] != '[' || !clsf__is_digit(s[end + 1]))
		return false;
	while (end < n && end < 48 && s[end] != ']')
		end++;
	if (end >= n || s[end] != ']')
		return false;
	tell_word(c, "level", level);
	c->at += end + 1;
	c->at += clsf__count_spaces(here(c), left(c));
	count_pairs(c, &run);
	size_t message = run;
	while (message && here(c)[message - 1] == ' ')
		message--;
	tell(c, "msg", 0, message);
	return true;
}

/* "ERROR:name:message" of Python as it is configured by default */
static bool read_python_default(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c), level = run_of(s, n, is_upper);
	if (level < 4 || level >= n || s[level] != ':' ||
	    clsf__level_of(s, level) == CLSF__LEVEL_NONE)
		return false;
	size_t name = level + 1, name_length = run_of(s + name, n - name, is_logger);
	size_t end = name + name_length;
	if (!name_length || end >= n || s[end] != ':')
		return false;
	tell_level_word(c, 0, level);
	tell(c, "name", name, name_length);
	c->at += end + 1;
	tell_rest(c, "message");
	return true;
}

/* "[ERROR] ", "ERROR: ", "ERROR " */
static bool read_level(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c), bracket = s[0] == '[';
	size_t start = bracket + (bracket ? clsf__count_spaces(s + 1, n - 1) : 0);
	size_t end = start + run_of(s + start, n - start, bracket ? clsf__is_alpha : is_upper);
	if (end - start < 3 || end >= n || clsf__level_of(s + start, end - start) == CLSF__LEVEL_NONE)
		return false;
	size_t behind = end;
	if (bracket) {
		behind += clsf__count_spaces(s + end, n - end);
		if (behind >= n || s[behind] != ']')
			return false;
		behind++;
	} else {
		if (s[end] == ':')
			behind++;
		if (behind < n && s[behind] != ' ' && s[behind] != '\t')
			return false;
	}
	tell(c, "level", start, end - start);
	c->at += behind;
	return true;
}

/* The parameters of one element "[id name="value" ...]" of structured data; false if it is none. */
static bool read_element(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c), i = 1;
	if (n < 2 || s[0] != '[')
		return false;
	while (i < n && is_word(s[i]) && !strchr("=]\"", s[i]))
		i++;
	size_t id = i - 1;
	struct clsf__pair pair;
	while (i < n && here(c)[i] == ' ') {
		i++;
		if (!clsf__logfmt_pair(here(c), n, &i, &pair) || !pair.quoted)
			return false;
		c->f->path.length = 0;
		clsf__buffer_add(&c->f->path, here(c) + 1, id);
		clsf__buffer_addc(&c->f->path, '.');
		clsf__buffer_add(&c->f->path, here(c) + pair.name, pair.name_length);
		clsf__fields_add_member(c->f, c->at + pair.value, pair.value_length, pair.escaped);
		if (c->f->text.failed)
			return false;
		/* The reader of pairs has taken the blanks behind one as well. */
		i -= i < n && here(c)[i - 1] == ' ';
	}
	if (i >= n || here(c)[i] != ']')
		return false;
	c->at += i + 1;
	return true;
}

/* RFC 5424 behind "<34>1 ": TIME HOST APP PROCID MSGID STRUCTURED-DATA message */
static bool read_syslog_header(struct cursor *c)
{
	static const char *const names[] = { "host", "ident", "pid", "msgid" };
	const char *s = here(c);
	size_t n = left(c), starts[4], lengths[4];
	struct clsf__time t;
	size_t i = clsf__starts(s, n, "- ") ? 1 : clsf__stamp(s, n, &t);
	for (size_t k = 0; k < 4; k++) {
		if (i == 0 || i >= n || s[i] != ' ')
			return false;
		starts[k] = ++i;
		lengths[k] = run_of(s + i, n - i, is_word);
		i = lengths[k] ? i + lengths[k] : 0;
	}
	if (i + 1 >= n || s[i] != ' ')
		return false;
	for (size_t k = 0; k < 4; k++)
		if (!(lengths[k] == 1 && here(c)[starts[k]] == '-'))
			tell(c, names[k], starts[k], lengths[k]);
	c->at += i + 1;
	if (here(c)[0] == '-')
		c->at++;
	else
		while (read_element(c))
			;
	tell_rest(c, "message");
	return true;
}

/* "<34>" of syslog and journald, "<34>1 " with the whole header of RFC 5424 */
static bool read_priority(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c);
	size_t digits = s[0] == '<' ? clsf__count_digits(s + 1, n - 1) : 0;
	if (digits == 0 || digits > 3 || 1 + digits >= n || s[1 + digits] != '>')
		return false;
	unsigned number = 0;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (unsigned)(s[1 + i] - '0');
	if (number > 191)
		return false;
	bool header = clsf__starts(s + digits + 2, n - digits - 2, "1 ");
	const char priority[] = { (char)('0' + number % 8), '\0' };
	const char facility[] = { (char)('0' + number / 8 / 10), (char)('0' + number / 8 % 10), '\0' };
	tell_word(c, "priority", priority);
	tell_word(c, "facility", facility + (number / 8 < 10));
	c->at += digits + 2 + (header ? 2 : 0);
	if (header)
		read_syslog_header(c);
	return true;
}

/* "section_start:1761734734:name[options]" of GitLab */
static bool read_section(struct cursor *c)
{
	static const char *const events[] = { "start", "end" };
	static const char *const marks[] = { "section_start:", "section_end:" };
	for (size_t m = 0; m < 2; m++) {
		const char *s = here(c);
		size_t n = left(c), digits = strlen(marks[m]);
		if (!clsf__starts(s, n, marks[m]))
			continue;
		size_t i = digits + clsf__count_digits(s + digits, n - digits);
		if (i == digits || i >= n || s[i] != ':')
			return false;
		size_t name = i + 1, length = run_of(s + name, n - name, clsf__is_name);
		if (!length)
			return false;
		tell(c, "section", name, length);
		tell_word(c, "section_event", events[m]);
		c->at = c->end;
		return true;
	}
	return false;
}

/* "[Pipeline] stage", "[Pipeline] { (Build)" of Jenkins */
static bool read_pipeline(struct cursor *c)
{
	static const char mark[] = "[Pipeline] ";
	if (!clsf__starts(here(c), left(c), mark))
		return false;
	c->at += strlen(mark);
	tell_rest(c, "pipeline");
	if (clsf__starts(here(c), left(c), "{ (") && c->f->text.data[c->end - 1] == ')')
		tell(c, "stage", 3, left(c) - 4);
	c->at = c->end;
	return true;
}

/* KEY=value alone on a line, as journald exports */
static bool read_export(struct cursor *c)
{
	const char *s = here(c);
	size_t n = left(c), i = 0;
	while (i < n && (is_upper(s[i]) || s[i] == '_' || (i && clsf__is_digit(s[i]))))
		i++;
	if (!c->whole || i < 2 || i >= n || s[i] != '=')
		return false;
	struct clsf__pair pair = { .name_length = i, .value = i + 1, .value_length = n - i - 1 };
	bool message = clsf__is_message(s, &pair);
	tell_pair(c, &pair);
	if (message)
		read_text(c->f, c->at + pair.value, pair.value_length, c->layer + 1);
	return true;
}

static bool read_prefix(struct cursor *c)
{
	if (read_priority(c) || read_section(c) || read_pipeline(c) || read_klog(c) ||
	    read_logrus(c) || read_stamp(c) || read_python_default(c) || read_python(c) ||
	    read_level(c))
		return true;
	size_t taken = clsf__unwrap_prefix(here(c), left(c));
	c->at += taken;
	return taken > 0;
}

/* A text without line ends: all its prefixes, then what is behind them. */
static void read_part(struct clsf__fields *f, size_t at, size_t length, unsigned layer)
{
	struct cursor c = { f, at, at + length, layer, .whole = layer == 0 };
	while (c.end > c.at && (f->text.data[c.end - 1] == ' ' || f->text.data[c.end - 1] == '\t'))
		c.end--;
	for (int prefix = 0; prefix <= MAX_PREFIXES && !f->text.failed; prefix++) {
		c.at += clsf__count_spaces(here(&c), left(&c));
		if (c.at == c.end || read_json(&c) || read_export(&c) || read_logfmt(&c) ||
		    read_quoted_message(&c))
			return;
		c.whole = false;
		if (prefix == MAX_PREFIXES || !read_prefix(&c))
			break;
	}
	size_t run;
	struct cursor behind = c;
	if (f->text.failed || read_last_json(&behind))
		return;
	count_pairs(&c, &run);
	tell_pairs(&c, run);
}

/* A text that may be several lines, or several prints of a progress bar. */
static void read_text(struct clsf__fields *f, size_t at, size_t length, unsigned layer)
{
	if (layer >= MAX_LAYERS) {
		f->cut = true;
		return;
	}
	size_t end = at + length;
	while (at < end && f->n < CLSF__MAX_FIELDS && !f->text.failed) {
		const char *s = f->text.data;
		size_t stop = at;
		while (stop < end && s[stop] != '\n' && s[stop] != '\r')
			stop++;
		read_part(f, at, stop - at, layer);
		at = stop + 1;
	}
	if (at < end)
		f->cut = true;
}

bool clsf__fields_read(struct clsf__fields *f, const char *line, size_t length)
{
	size_t mark = clsf__starts(line, length, "\xef\xbb\xbf") ? 3 : 0;
	f->n = 0;
	f->text.length = f->path.length = 0;
	f->text.failed = f->path.failed = false;
	f->cut = length > CLSF__MAX_FIELD_LINE;
	length = f->cut ? CLSF__MAX_FIELD_LINE : length;
	clsf__add_stripped(&f->text, line + mark, length - mark);
	if (!f->text.failed)
		read_text(f, 0, f->text.length, 0);
	return !f->text.failed && !f->path.failed;
}
