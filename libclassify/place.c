/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See place.h. What stands in the file and what YAML makes of it differ in
 * quotes, escapes and in how lines are folded, but not in the order and number
 * of the characters that are no white space. So those are counted: as many of
 * them as the value has before the offset are passed in the file, and then the
 * blanks that follow.
 */

#include "place.h"

#include <string.h>

struct walk {
	const char *p;
	const char *end;
	struct clsf__scalar_place place;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

/* Passes one character. */
static void pass(struct walk *w)
{
	bool newline = *w->p == '\n' || (*w->p == '\r' && !(w->p + 1 < w->end && w->p[1] == '\n'));
	w->p++;
	while (w->p < w->end && ((unsigned char)*w->p & 0xc0) == 0x80)
		w->p++;
	w->place.column++;
	if (newline) {
		w->place.line++;
		w->place.column = 0;
	}
}

static void pass_some(struct walk *w, size_t n)
{
	for (size_t i = 0; i < n && w->p < w->end; i++)
		pass(w);
}

/* Anchors and tags stand before the text itself; then its quote, or the line of | or >. */
static void pass_start(struct walk *w, enum clsf__scalar_style style)
{
	while (w->p < w->end && (*w->p == '&' || *w->p == '!')) {
		while (w->p < w->end && !is_space(*w->p))
			pass(w);
		while (w->p < w->end && is_space(*w->p))
			pass(w);
	}
	if (style == CLSF__SCALAR_SINGLE || style == CLSF__SCALAR_DOUBLE)
		pass_some(w, 1);
	while (style == CLSF__SCALAR_BLOCK && w->p < w->end && *w->p != '\n')
		pass(w);
}

static bool is_escaped_space(const struct walk *w)
{
	return w->end - w->p > 1 && w->p[1] && strchr("tnr \t\r\n", w->p[1]);
}

/* The characters of the escape at hand, and whether it stands for white space. */
static size_t measure_escape(const struct walk *w, bool *ret_space)
{
	char c = w->end - w->p > 1 ? w->p[1] : '\\';
	size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
	unsigned long number = 0;
	for (size_t i = 0; i < digits && w->end - w->p > (ptrdiff_t)(2 + i); i++) {
		char digit = w->p[2 + i];
		number = number << 4 | (digit <= '9' ? digit & 0xfu : (digit & 0xfu) + 9);
	}
	*ret_space = is_escaped_space(w) || (digits && number < 0x80 && is_space((char)number));
	return 2 + digits;
}

static void pass_spaces(struct walk *w, enum clsf__scalar_style style)
{
	while (w->p < w->end) {
		bool space = is_space(*w->p);
		size_t n = 1;
		if (style == CLSF__SCALAR_DOUBLE && *w->p == '\\')
			n = measure_escape(w, &space);
		if (!space)
			break;
		pass_some(w, n);
	}
}

/* Passes one character of the value that is no white space, and what stands before it. */
static void pass_character(struct walk *w, enum clsf__scalar_style style)
{
	size_t n = 1;
	bool space;
	pass_spaces(w, style);
	if (style == CLSF__SCALAR_DOUBLE && w->p < w->end && *w->p == '\\')
		n = measure_escape(w, &space);
	else if (style == CLSF__SCALAR_SINGLE && w->end - w->p > 1 && memcmp(w->p, "''", 2) == 0)
		n = 2;
	pass_some(w, n);
}

void clsf__place_in_scalar(const char *source, size_t length, enum clsf__scalar_style style,
                           const char *value, size_t offset, struct clsf__scalar_place *place)
{
	struct walk w = { source, source + length, *place };
	size_t blanks = 0;
	pass_start(&w, style);
	for (size_t i = 0; i < offset; i++) {
		bool inside = ((unsigned char)value[i] & 0xc0) == 0x80;
		if (is_space(value[i])) {
			blanks++;
		} else if (!inside) {
			pass_character(&w, style);
			blanks = 0;
		}
	}
	/* To what follows, or so far as the blanks of this line go. */
	if (value[offset] && !is_space(value[offset]))
		pass_spaces(&w, style);
	for (size_t i = 0; i < blanks && w.p < w.end && is_blank(*w.p); i++)
		pass(&w);
	*place = w.place;
}
