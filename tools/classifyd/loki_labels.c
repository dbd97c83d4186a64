/* SPDX-License-Identifier: Apache-2.0 */
/* See loki_labels.h. */

#include "loki_labels.h"

#include <ctype.h>

static int hexadecimal(const char *p, const char *end, int digits)
{
	int value = 0;
	for (int i = 0; i < digits; i++) {
		if (p + i >= end || !isxdigit((unsigned char)p[i]))
			return -1;
		int c = tolower((unsigned char)p[i]);
		value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return value;
}

/* What follows a backslash. NULL when it is nothing that Go writes. */
static const char *unescape(const char *p, const char *end, struct text *value)
{
	static const char from[] = "abfnrtv\\\"'", to[] = "\a\b\f\n\r\t\v\\\"'";
	const char *simple = p < end && *p ? strchr(from, *p) : NULL;
	if (simple) {
		text_add(value, &to[simple - from], 1);
		return p + 1;
	}
	int digits = p >= end ? 0 : *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
	int character = digits ? hexadecimal(p + 1, end, digits) : -1;
	if (character < 0)
		return NULL;
	if (digits == 2)
		text_add(value, &(char){ (char)character }, 1);
	else
		text_add_character(value, (uint32_t)character);
	return p + 1 + digits;
}

static const char *skip(const char *p, const char *end, const char *characters)
{
	while (p < end && *p && strchr(characters, *p))
		p++;
	return p;
}

bool loki_labels_next(const char **at, const char *end, const char **ret_name, size_t *ret_name_length,
                      struct text *value)
{
	const char *name = skip(*at, end, "{, \t"), *p = name;
	value->length = 0;
	while (p < end && (isalnum((unsigned char)*p) || strchr("_:.-/", *p)) && *p)
		p++;
	*ret_name = name;
	*ret_name_length = (size_t)(p - name);
	p = skip(p, end, " \t");
	if (p == name || p >= end || *p != '=')
		return false;
	p = skip(p + 1, end, " \t");
	if (p >= end || *p != '"')
		return false;
	for (p++; p < end && *p != '"';) {
		if (*p == '\\') {
			p = unescape(p + 1, end, value);
			if (!p)
				return false;
		} else {
			text_add(value, p++, 1);
		}
	}
	*at = p + 1;
	return p < end;
}

void loki_labels_add(struct text *labels, const char *name, const char *value, size_t length)
{
	text_adds(labels, labels->length && labels->data[labels->length - 1] != '{' ? ", " : "");
	text_adds(labels, name);
	text_adds(labels, "=\"");
	for (size_t i = 0; i < length; i++) {
		char c = value[i];
		if (c == '"' || c == '\\')
			text_add(labels, "\\", 1);
		if (c == '\n')
			text_adds(labels, "\\n");
		else
			text_add(labels, &c, 1);
	}
	text_adds(labels, "\"");
}

void loki_labels_as_json(struct text *to, const char *labels, size_t length)
{
	struct text value = { 0 };
	const char *at = labels, *name;
	size_t name_length;
	bool first = true;
	text_adds(to, "{");
	while (length && loki_labels_next(&at, labels + length, &name, &name_length, &value)) {
		text_adds(to, first ? "" : ",");
		text_add_json(to, name, name_length);
		text_adds(to, ":");
		text_add_json(to, value.data, value.length);
		first = false;
	}
	text_adds(to, "}");
	to->failed = to->failed || value.failed;
	text_free(&value);
}
