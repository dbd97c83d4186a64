/* SPDX-License-Identifier: Apache-2.0 */
/* See text.h. */

#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool reserve(struct text *t, size_t extra)
{
	if (t->failed || extra > SIZE_MAX / 2 - t->length) {
		t->failed = true;
		return false;
	}
	if (t->length + extra <= t->capacity)
		return true;
	size_t capacity = t->capacity ? t->capacity : 256;
	while (capacity < t->length + extra)
		capacity *= 2;
	char *data = realloc(t->data, capacity);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->capacity = capacity;
	return true;
}

void text_add(struct text *t, const char *data, size_t length)
{
	if (length && reserve(t, length)) {
		memcpy(t->data + t->length, data, length);
		t->length += length;
	}
}

void text_addf(struct text *t, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int need = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (need < 0 || !reserve(t, (size_t)need + 1))
		return;
	va_start(arguments, format);
	vsnprintf(t->data + t->length, (size_t)need + 1, format, arguments);
	va_end(arguments);
	t->length += (size_t)need;
}

void text_add_number(struct text *t, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	text_add(t, digits + at, sizeof(digits) - at);
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

size_t utf8_next(const char *data, size_t length, uint32_t *ret_character)
{
	const unsigned char *p = (const unsigned char *)data;
	unsigned char low = 0x80, high = 0xbf;   /* what the second byte may be */
	size_t need;
	uint32_t c;
	if (p[0] < 0x80) {
		*ret_character = p[0];
		return 1;
	}
	*ret_character = 0xfffd;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		need = 2;
		c = p[0] & 0x1fu;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		need = 3;
		c = p[0] & 0x0fu;
		low = p[0] == 0xe0 ? 0xa0 : 0x80;
		high = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		need = 4;
		c = p[0] & 0x07u;
		low = p[0] == 0xf0 ? 0x90 : 0x80;
		high = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 1;
	}
	for (size_t i = 1; i < need; i++) {
		if (i >= length || p[i] < low || p[i] > high)
			return i;
		c = c << 6 | (p[i] & 0x3fu);
		low = 0x80;
		high = 0xbf;
	}
	*ret_character = c;
	return need;
}

bool text_line(const struct text *t, size_t *at, const char **ret_line, size_t *ret_length)
{
	if (*at >= t->length)
		return false;
	const char *newline = memchr(t->data + *at, '\n', t->length - *at);
	*ret_line = t->data + *at;
	*ret_length = newline ? (size_t)(newline - *ret_line) : t->length - *at;
	*at += *ret_length + 1;
	return true;
}

uint64_t text_count_lines(const char *data, size_t length)
{
	uint64_t n = 0;
	for (size_t i = 0; i < length; i++)
		n += data[i] == '\n';
	return n;
}

size_t text_cut(const char *data, size_t length, size_t most)
{
	if (length <= most)
		return length;
	size_t n = most;
	while (n > 0 && (data[n] & 0xc0) == 0x80)
		n--;
	return n;
}

bool text_is_address(const char *url)
{
	bool web = strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p == 0x7f || strchr("\"'<>\\^`{|}", *p))
			return false;
	return web;
}

bool text_is_utf8(const char *data, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t c;
		size_t n = utf8_next(data + i, length - i, &c);
		/* U+FFFD may stand in the text itself. */
		if (c == 0xfffd && (n != 3 || memcmp(data + i, "\xef\xbf\xbd", 3) != 0))
			return false;
		i += n;
	}
	return true;
}

void text_add_character(struct text *t, uint32_t c)
{
	char out[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	if (n == 1) {
		out[0] = (char)c;
	} else {
		for (size_t i = n; i-- > 1; c >>= 6)
			out[i] = (char)(0x80 | (c & 0x3f));
		out[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
	}
	text_add(t, out, n);
}

/* Bytes of a word of eight that are zero: their highest bits. Exact as to whether there are any. */
static uint64_t zero_bytes(uint64_t word)
{
	return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* How many bytes from `data` on stand in a JSON string as they are. */
static size_t json_run(const char *data, size_t length)
{
	const uint64_t each = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
	size_t run = 0;
	/* Eight at a time: none below a blank, none above ASCII, no quote, backslash or DEL. */
	for (; length - run >= 8; run += 8) {
		uint64_t word;
		memcpy(&word, data + run, sizeof(word));
		if ((((word - each * 0x20) | word) & high) | zero_bytes(word ^ each * '"') |
		    zero_bytes(word ^ each * '\\') | zero_bytes(word ^ each * 0x7f))
			break;
	}
	while (run < length && (unsigned char)data[run] >= 0x20 && (unsigned char)data[run] < 0x7f &&
	       data[run] != '"' && data[run] != '\\')
		run++;
	return run;
}

/* Characters that reorder or hide what stands around them, or end a line for some readers. */
static bool is_treacherous(uint32_t c)
{
	return c == 0x61c || c == 0x180e || c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

/* A character as JSON escapes it: beyond U+FFFF by two halves. */
static void add_json_escaped(struct text *t, uint32_t c)
{
	if (c < 0x10000)
		text_addf(t, "\\u%04x", (unsigned)c);
	else
		text_addf(t, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
		          (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
}

void text_add_json(struct text *t, const char *data, size_t length)
{
	text_add(t, "\"", 1);
	for (size_t i = 0; i < length;) {
		size_t run = i + json_run(data + i, length - i);
		text_add(t, data + i, run - i);
		i = run;
		if (i == length)
			break;
		uint32_t c;
		i += utf8_next(data + i, length - i, &c);
		switch (c) {
		case '"':
			text_adds(t, "\\\"");
			break;
		case '\\':
			text_adds(t, "\\\\");
			break;
		case '\n':
			text_adds(t, "\\n");
			break;
		case '\r':
			text_adds(t, "\\r");
			break;
		case '\t':
			text_adds(t, "\\t");
			break;
		default:
			/* It is often read on a terminal: what would act there is escaped, and nothing is lost. */
			if (c < 0x20 || (c >= 0x7f && c < 0xa0) || is_treacherous(c))
				add_json_escaped(t, c);
			else
				text_add_character(t, c);
			break;
		}
	}
	text_add(t, "\"", 1);
}

static void add_visible(struct text *t, uint32_t c)
{
	if (c == '\t')
		text_adds(t, "    ");
	else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		text_addf(t, "\\x%02x", (unsigned)c);
	else if (is_treacherous(c))
		text_addf(t, "\\u%04x", (unsigned)c);
	else
		text_add_character(t, c);
}

void text_add_visible(struct text *t, const char *data, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t run = i;
		while (run < length && (unsigned char)data[run] >= 0x20 && (unsigned char)data[run] < 0x7f)
			run++;
		text_add(t, data + i, run - i);
		i = run;
		if (i == length)
			break;
		uint32_t c;
		i += utf8_next(data + i, length - i, &c);
		add_visible(t, c);
	}
}

/* What stands for a character that would act in XML and HTML alike; NULL for others. */
static const char *reference_of(uint32_t c)
{
	return c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : NULL;
}

void text_add_xml(struct text *t, const char *data, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t c;
		i += utf8_next(data + i, length - i, &c);
		const char *reference = reference_of(c);
		if (reference)
			text_adds(t, reference);
		else if (c == '\n' || c == '\t')
			text_addf(t, "&#%u;", (unsigned)c);
		else if (c == 0xfffe || c == 0xffff)
			text_add_character(t, 0xfffd);           /* no characters of XML 1.0 */
		else
			add_visible(t, c);
	}
}

/* The length of a sequence that sets colour or weight, ESC [ ... m, at this place; 0: there is none. */
static size_t colour_sequence(const char *data, size_t length)
{
	if (length < 3 || data[0] != '\x1b' || data[1] != '[')
		return 0;
	size_t n = 2;
	while (n < length && ((data[n] >= '0' && data[n] <= '9') || data[n] == ';' || data[n] == ':'))
		n++;
	return n < length && data[n] == 'm' ? n + 1 : 0;
}

void text_add_html(struct text *t, const char *data, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t colour = colour_sequence(data + i, length - i);
		if (colour) {
			i += colour;
			continue;
		}
		uint32_t c;
		i += utf8_next(data + i, length - i, &c);
		const char *reference = reference_of(c);
		if (reference)
			text_adds(t, reference);
		else if (c == '\'')
			text_adds(t, "&#39;");
		else if (c == '\n' || c == '\t')
			text_add_character(t, c);
		else if ((c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
			text_add_character(t, 0xfffd);           /* no characters of HTML */
		else
			add_visible(t, c);
	}
}

/* What a spreadsheet takes for the beginning of a formula; the last ones are the wide forms of the first. */
static bool begins_formula(uint32_t c)
{
	return c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' || c == '\r' || c == '\n' ||
	       c == 0xff1d || c == 0xff0b || c == 0xff0d || c == 0xff20;
}

/* Needs no quotes in CSV, whatever character some program takes for the separator. */
static bool is_plain_csv(const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = data[i];
		bool word = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
		if (!word && c != '_' && c != '-' && c != '.' && c != '/' && c != ':')
			return false;
	}
	return length == 0 || data[0] != '-';
}

void text_add_csv(struct text *t, const char *data, size_t length)
{
	if (is_plain_csv(data, length)) {
		text_add(t, data, length);
		return;
	}
	text_adds(t, "\"");
	for (size_t i = 0; i < length;) {
		uint32_t c;
		size_t n = utf8_next(data + i, length - i, &c);
		/* Read with another separator, the quotes of the cell count for nothing: a new one begins there. */
		bool begins = i == 0 || data[i - 1] == ';' || data[i - 1] == '\t' || data[i - 1] == '\n';
		if (begins && begins_formula(c))
			text_adds(t, "'");
		if (c == '"')
			text_adds(t, "\"\"");
		else if (c == '\n' || c == '\t')
			text_add_character(t, c);
		else
			add_visible(t, c);
		i += n;
	}
	text_adds(t, "\"");
}

void text_add_uri_path(struct text *t, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)data[i];
		bool plain = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		             c == '.' || c == '_' || c == '~' || c == '/';
		if (plain)
			text_add(t, data + i, 1);
		else
			text_addf(t, "%%%02X", (unsigned)c);
	}
}

void text_add_label(struct text *t, const char *data, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t c;
		i += utf8_next(data + i, length - i, &c);
		if (c == '\\')
			text_adds(t, "\\\\");
		else if (c == '"')
			text_adds(t, "\\\"");
		else if (c == '\n')
			text_adds(t, "\\n");
		else
			add_visible(t, c);
	}
}

/* Cannot stand in single quotes: it would act, be folded, or not be seen. */
static bool needs_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || is_treacherous(c) || c == 0xfffe || c == 0xffff;
}

/* A word that begins with a letter and is none of those to which YAML 1.1 gives a meaning. */
static bool is_plain_yaml(const char *data, size_t length)
{
	static const char *const meant[] = { "yes", "no", "on", "off", "true", "false", "null" };
	for (size_t i = 0; i < length; i++) {
		char c = data[i];
		bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/')))
			return false;
	}
	for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
		if (strlen(meant[i]) == length && strncasecmp(meant[i], data, length) == 0)
			return false;
	return length > 0;
}

static void add_yaml_escaped(struct text *t, uint32_t c)
{
	if (c == '"' || c == '\\')
		text_addf(t, "\\%c", (int)c);
	else if (c == '\n')
		text_adds(t, "\\n");
	else if (c == '\t')
		text_adds(t, "\\t");
	else if (!needs_escape(c))
		text_add_character(t, c);
	else if (c < 0x100)
		text_addf(t, "\\x%02x", (unsigned)c);
	else
		text_addf(t, c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

void text_add_yaml(struct text *t, const char *data, size_t length)
{
	if (is_plain_yaml(data, length)) {
		text_add(t, data, length);
		return;
	}
	bool escaped = false;
	uint32_t c;
	for (size_t i = 0; i < length && !escaped;) {
		i += utf8_next(data + i, length - i, &c);
		escaped = needs_escape(c);
	}
	text_adds(t, escaped ? "\"" : "'");
	for (size_t i = 0; i < length;) {
		i += utf8_next(data + i, length - i, &c);
		if (escaped)
			add_yaml_escaped(t, c);
		else if (c == '\'')
			text_adds(t, "''");
		else
			text_add_character(t, c);
	}
	text_adds(t, escaped ? "\"" : "'");
}

/*
 * Where tickets are kept, "@name" calls a person and "#12" or "GH-12" leads from another ticket to
 * this one. That is done once Markdown has become HTML, so that no backslash helps, but code is left
 * alone. Is the character at this place the sign of one?
 */
static bool calls_somebody(const char *data, size_t length, size_t at)
{
	bool number = at + 1 < length && data[at + 1] >= '0' && data[at + 1] <= '9';
	return data[at] == '@' || (data[at] == '#' && number) ||
	       (data[at] == '-' && number && at >= 2 && strncasecmp(data + at - 2, "gh", 2) == 0);
}

/* Such a sign as code, with those like it behind it, for two codes beside each other are none. Returns how many. */
static size_t add_code_run(struct text *t, const char *data, size_t length, size_t at)
{
	size_t n = 1;
	while (at + n < length && data[at + n] == data[at])
		n++;
	text_adds(t, "`");
	text_add(t, data + at, n);
	text_adds(t, "`");
	return n;
}

void text_add_markdown(struct text *t, const char *data, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t c;
		i += utf8_next(data + i, length - i, &c);
		if (c == '<')
			text_adds(t, "&lt;");
		else if (c == '>')
			text_adds(t, "&gt;");
		else if (c == '&')
			text_adds(t, "&amp;");
		else if (calls_somebody(data, length, i - 1))
			i += add_code_run(t, data, length, i - 1) - 1;
		else if (c < 0x80 && c && strchr("\\`*_{}[]()#+!|~", (int)c))
			text_addf(t, "\\%c", (int)c);
		else if (c == '\n')
			text_adds(t, " ");
		else if ((c == ':' && i < length && data[i] == '/') ||
		         (c == '.' && i >= 4 && strncasecmp(data + i - 4, "www", 3) == 0))
			text_addf(t, "&#%u;", (unsigned)c);      /* no link is made of what a log says */
		else
			add_visible(t, c);
	}
}

void text_add_code_block(struct text *t, const char *language, const char *data, size_t length)
{
	size_t longest = 0, run = 0;
	for (size_t i = 0; i < length; i++) {
		run = data[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	size_t fence = longest < 3 ? 3 : longest + 1;
	for (size_t i = 0; i < fence; i++)
		text_add(t, "`", 1);
	text_addf(t, "%s\n", language);
	size_t start = 0;
	while (start < length) {
		const char *newline = memchr(data + start, '\n', length - start);
		size_t end = newline ? (size_t)(newline - data) : length;
		text_add_visible(t, data + start, end - start);
		text_add(t, "\n", 1);
		start = end + 1;
	}
	for (size_t i = 0; i < fence; i++)
		text_add(t, "`", 1);
	text_add(t, "\n", 1);
}

static size_t character_columns(uint32_t c)
{
	/* Wide: CJK, Hangul, full-width forms, emoji. Combining marks take none. */
	if ((c >= 0x300 && c <= 0x36f) || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f))
		return 0;
	if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
	    (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
	    (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd))
		return 2;
	return 1;
}

size_t text_columns(const char *data, size_t length)
{
	size_t columns = 0;
	for (size_t i = 0; i < length;) {
		uint32_t c;
		i += utf8_next(data + i, length - i, &c);
		columns += character_columns(c);
	}
	return columns;
}

/* The most bytes of `data` that fit into `room` columns, at least one character. */
static size_t fitting(const char *data, size_t length, size_t room)
{
	size_t i = 0, columns = 0;
	while (i < length) {
		uint32_t c;
		size_t n = utf8_next(data + i, length - i, &c);
		columns += character_columns(c);
		if (columns > room && i > 0)
			break;
		i += n;
	}
	return i;
}

static void add_spaces(struct text *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_add(t, " ", 1);
}

void text_add_wrapped(struct text *t, const char *data, size_t length, size_t indent, size_t width)
{
	size_t room = width > indent + 20 ? width - indent : 20;
	size_t at = 0;
	bool first = true;
	do {
		size_t n = fitting(data + at, length - at, room);
		if (at + n < length) {
			/* Back to the last space, unless that would leave less than half a line. */
			size_t cut = n;
			while (cut > n / 2 && data[at + cut] != ' ')
				cut--;
			if (data[at + cut] == ' ')
				n = cut;
		}
		if (!first)
			add_spaces(t, indent);
		text_add(t, data + at, n);
		text_add(t, "\n", 1);
		at += n;
		while (at < length && data[at] == ' ')
			at++;
		first = false;
	} while (at < length);
}

/* What a shell reads at a place of one line: inside quotes, in a comment, behind a backslash? */
struct place {
	char quote;
	bool comment, escaped, word;
};

static void place_move(struct place *p, uint32_t c)
{
	bool escaped = p->escaped;
	p->escaped = false;
	if (p->comment || escaped)
		;
	else if (c == '\\' && p->quote != '\'')
		p->escaped = true;
	else if (p->quote)
		p->quote = c == (uint32_t)p->quote ? 0 : p->quote;
	else if (c == '\'' || c == '"' || c == '`')
		p->quote = (char)c;
	else if (c == '#' && !p->word)
		p->comment = true;
	p->word = c != ' ' || escaped;
}

bool text_is_closed_command(const char *data, size_t length)
{
	struct place place = { 0 };
	for (size_t i = 0; i < length; i++) {
		if (!place.quote && !place.comment && data[i] == '<' && i + 1 < length && data[i + 1] == '<')
			return false;
		place_move(&place, (unsigned char)data[i]);
	}
	return !place.quote && !(place.escaped && !place.comment);
}

void text_add_command(struct text *t, const char *data, size_t length, size_t indent, size_t width)
{
	size_t room = width > indent + 20 ? width - indent - 2 : 20, at = 0;
	struct place place = { 0 };
	while (at < length) {
		/* The last blank at which the shell would join the line again, or the first one behind what fits. */
		size_t end = length, columns = 0;
		struct place here = place, there = place;
		for (size_t i = at; i < length && text_columns(data + at, length - at) > room + 2;) {
			uint32_t c;
			size_t n = utf8_next(data + i, length - i, &c);
			if (c == ' ' && !here.quote && !here.comment && !here.escaped && i > at) {
				if (columns > room && end != length)
					break;
				end = i;
				there = here;
				if (columns > room)
					break;
			}
			place_move(&here, c);
			columns += character_columns(c);
			i += n;
		}
		if (at)
			add_spaces(t, indent + 2);
		text_add(t, data + at, end - at);
		text_adds(t, end < length ? " \\\n" : "\n");
		at = end;
		while (at < length && data[at] == ' ')
			at++;
		place = there;
		place.word = false;
		room = width > indent + 22 ? width - indent - 4 : 20;
	}
}
