/* SPDX-License-Identifier: Apache-2.0 */
/* See yaml_out.h. */

#include "yaml_out.h"

#include <string.h>
#include <strings.h>

/* Characters that may stand in YAML as they are; the others need an escape. */
static bool stands_bare(uint32_t c)
{
	return (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c < 0xd800 && c != 0x2028 && c != 0x2029) ||
	       (c >= 0xe000 && c < 0xfffe && c != 0xfeff) || c >= 0x10000;
}

static bool all_bare(const char *text, size_t length, bool lines)
{
	for (size_t i = 0; i < length;) {
		uint32_t c;
		i += utf8_next(text + i, length - i, &c);
		if (!stands_bare(c) && !(lines && (c == '\n' || c == '\t')))
			return false;
	}
	return true;
}

/* Words that some reader of YAML takes for something else than a text. */
static bool is_word_of_yaml(const char *text, size_t length)
{
	static const char *const words[] = { "null", "true", "false", "yes", "no", "on", "off", "y", "n" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == length && strncasecmp(words[i], text, length) == 0)
			return true;
	return false;
}

/* A letter first, then letters, digits and marks that mean nothing; so no number, either. */
static bool is_plain(const char *text, size_t length)
{
	if (length == 0 || length > 200 || is_word_of_yaml(text, length) || text[length - 1] == ' ')
		return false;
	if (!((*text | 32) >= 'a' && (*text | 32) <= 'z'))
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		bool letter = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9');
		if (!letter && !strchr(" ._-/+;()$%", c))
			return false;
		if (!c)
			return false;
	}
	return true;
}

static void add_single_quoted(struct text *t, const char *text, size_t length)
{
	text_adds(t, "'");
	for (size_t i = 0; i < length; i++) {
		text_add(t, text + i, 1);
		if (text[i] == '\'')
			text_adds(t, "'");
	}
	text_adds(t, "'");
}

static void add_double_quoted(struct text *t, const char *text, size_t length)
{
	text_adds(t, "\"");
	for (size_t i = 0; i < length;) {
		uint32_t c;
		size_t step = utf8_next(text + i, length - i, &c);
		if (c == '"' || c == '\\')
			text_addf(t, "\\%c", (int)c);
		else if (c == '\n')
			text_adds(t, "\\n");
		else if (c == '\t')
			text_adds(t, "\\t");
		else if (stands_bare(c))
			text_add_character(t, c);
		else
			text_addf(t, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
		i += step;
	}
	text_adds(t, "\"");
}

void yaml_add_quoted(struct text *t, const char *text, size_t length)
{
	if (all_bare(text, length, false))
		add_single_quoted(t, text, length);
	else
		add_double_quoted(t, text, length);
}

void yaml_add_scalar(struct text *t, const char *text, size_t length)
{
	if (is_plain(text, length))
		text_add(t, text, length);
	else
		yaml_add_quoted(t, text, length);
}

void yaml_add_block(struct text *t, const char *text, size_t length, size_t indent)
{
	size_t body = length;
	while (body && text[body - 1] == '\n')
		body--;
	/* A block strips or keeps one line break at its end, and guesses its indent from the first line. */
	bool block = memchr(text, '\n', body) && all_bare(text, length, true) && length - body <= 1 &&
	             !strchr(" \t\n", *text);
	if (!block) {
		yaml_add_scalar(t, text, length);
		return;
	}
	text_adds(t, body == length ? "|-" : "|");
	for (size_t from = 0; from < body;) {
		const char *end = memchr(text + from, '\n', body - from);
		size_t n = end ? (size_t)(end - text) - from : body - from;
		text_adds(t, "\n");
		if (n)
			text_addf(t, "%*s", (int)indent, "");
		text_add(t, text + from, n);
		from += n + 1;
	}
}

void yaml_add_comment(struct text *t, const char *text, size_t indent)
{
	do {
		size_t n = strcspn(text, "\n");
		text_addf(t, "%*s# ", (int)indent, "");
		text_add_visible(t, text, n);
		text_adds(t, "\n");
		text += n + (text[n] == '\n');
	} while (*text);
}
