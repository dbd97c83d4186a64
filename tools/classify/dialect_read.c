/* SPDX-License-Identifier: Apache-2.0 */
/* See dialect.h: reading an expression of each dialect to tokens. */

#include "dialect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FLAG_EXTENDED 16u    /* (?x), which is resolved here: blanks and comments are gone */
#define MAX_REPEAT 65535

struct reader {
	struct arena *arena;
	enum dialect dialect;
	const char *text;
	size_t length, at;
	struct expression *e;
	size_t capacity;
	unsigned active;
	unsigned depth;
	unsigned outer[DIALECT_MAX_DEPTH + 1];   /* the settings outside each open group */
	bool names;                              /* JavaScript: \k is a reference only where names are */
	char *why;
};

static bool refuse(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct reader *r, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(r->why, 160, format, arguments);
	va_end(arguments);
	return false;
}

static struct token *add(struct reader *r, enum token_kind kind)
{
	struct expression *e = r->e;
	if (e->n == r->capacity) {
		r->capacity = r->capacity ? r->capacity * 2 : 64;
		struct token *grown = arena_alloc(r->arena, r->capacity * sizeof(*grown));
		if (e->n)
			memcpy(grown, e->token, e->n * sizeof(*grown));
		e->token = grown;
	}
	struct token *t = &e->token[e->n++];
	*t = (struct token){ .kind = kind, .active = r->active & ~FLAG_EXTENDED, .depth = r->depth };
	return t;
}

static void add_value(struct reader *r, enum token_kind kind, uint32_t value)
{
	add(r, kind)->value = value;
	if (kind == TOKEN_CHARACTER && value > 0x7f)
		r->e->utf = true;
}

static int peek(const struct reader *r, size_t ahead)
{
	return r->at + ahead < r->length ? (unsigned char)r->text[r->at + ahead] : -1;
}

static bool starts(const struct reader *r, const char *with)
{
	size_t n = strlen(with);
	return r->length - r->at >= n && memcmp(r->text + r->at, with, n) == 0;
}

static int digit_value(int c)
{
	return c >= '0' && c <= '9'            ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
	                                       : 99;
}

/* Up to `most` digits of a base; *ret_used of them were there. */
static uint32_t read_digits(struct reader *r, unsigned base, size_t most, size_t *ret_used)
{
	uint32_t value = 0;
	size_t used = 0;
	while (used < most && peek(r, 0) >= 0 && digit_value(peek(r, 0)) < (int)base) {
		value = value * base + (uint32_t)digit_value(peek(r, 0));
		if (value > 0x10ffff)
			value = 0x110000;
		r->at++;
		used++;
	}
	*ret_used = used;
	return value;
}

static bool add_coded(struct reader *r, uint32_t value, size_t used)
{
	if (!used || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return refuse(r, "a character is given by a number that is none");
	/* In our bytes a number above 0x7f may be half a character. */
	if (r->dialect == DIALECT_PCRE2 && value > 0x7f && !r->e->utf)
		return refuse(r, "it matches single bytes above 0x7f");
	add_value(r, TOKEN_CHARACTER, value);
	return true;
}

/* \x41, \x{41}, \u0041, \u{41}, \0101, \o{101}; the letter is taken already. */
static bool read_coded(struct reader *r, int letter)
{
	unsigned base = letter == 'o' || letter == '0' ? 8 : 16;
	size_t used, from = r->at;
	/* JavaScript takes what is no such escape for the letter. */
	if (r->dialect == DIALECT_JAVASCRIPT && letter != '0') {
		size_t digits = letter == 'u' ? 4 : 2;
		read_digits(r, 16, digits, &used);
		r->at = from;
		if (used < digits) {
			add_value(r, TOKEN_CHARACTER, (uint32_t)letter);
			return true;
		}
	}
	if (letter != '0' && peek(r, 0) == '{') {
		r->at++;
		uint32_t value = read_digits(r, base, 8, &used);
		if (peek(r, 0) != '}')
			return refuse(r, "\\%c{ has no end", letter);
		r->at++;
		return add_coded(r, value, used);
	}
	size_t most = letter == 'u' ? 4 : letter == 'x' ? 2 : r->dialect == DIALECT_JAVA ? 3 : 2;
	uint32_t value = read_digits(r, base, most, &used);
	if (letter == '0' && !used)
		return add_coded(r, 0, 1);
	/* Two halves of one character, as Java and JavaScript write what is above 0xffff. */
	if (value >= 0xd800 && value < 0xdc00 && starts(r, "\\u")) {
		r->at += 2;
		uint32_t low = read_digits(r, 16, 4, &used);
		if (low >= 0xdc00 && low < 0xe000)
			value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
	}
	return add_coded(r, value, used);
}

/* What Java calls otherwise than PCRE2 does. */
static const char *const java_classes[][2] = {
	{ "Lower", "lower" }, { "Upper", "upper" }, { "ASCII", "ascii" }, { "Alpha", "alpha" },
	{ "Digit", "digit" }, { "Alnum", "alnum" }, { "Punct", "punct" }, { "Graph", "graph" },
	{ "Print", "print" }, { "Blank", "blank" }, { "Cntrl", "cntrl" }, { "XDigit", "xdigit" },
	{ "Space", "space" },
};

static bool add_property(struct reader *r, const char *name, size_t length, bool negated, bool in_set)
{
	if (length && *name == '^') {
		negated = !negated;
		name++;
		length--;
	}
	if (r->dialect == DIALECT_JAVA) {
		for (size_t i = 0; i < sizeof(java_classes) / sizeof(java_classes[0]); i++) {
			if (strlen(java_classes[i][0]) != length || memcmp(name, java_classes[i][0], length) != 0)
				continue;
			struct token *open = in_set ? NULL : add(r, TOKEN_SET_OPEN);
			if (open)
				open->negated = negated;
			struct token *t = add(r, TOKEN_POSIX);
			t->text = java_classes[i][1];
			t->negated = in_set && negated;
			if (open)
				add(r, TOKEN_SET_CLOSE);
			return true;
		}
		if (length > 2 && memcmp(name, "Is", 2) == 0 && length <= 4) {
			name += 2;
			length -= 2;
		}
		if (length > 2)
			return refuse(r, "\\p{%.*s} has no counterpart", (int)(length < 60 ? length : 60), name);
	}
	struct token *t = add(r, TOKEN_PROPERTY);
	t->text = arena_strndup(r->arena, name, length);
	t->negated = negated;
	r->e->utf = true;
	return true;
}

static bool read_property(struct reader *r, bool negated, bool in_set)
{
	if (r->dialect == DIALECT_JAVASCRIPT) {
		add_value(r, TOKEN_CHARACTER, negated ? 'P' : 'p');
		return true;
	}
	if (peek(r, 0) != '{') {
		if (peek(r, 0) < 0)
			return refuse(r, "\\p has no end");
		r->at++;
		return add_property(r, r->text + r->at - 1, 1, negated, in_set);
	}
	const char *from = r->text + r->at + 1;
	const char *end = memchr(from, '}', r->length - r->at - 1);
	if (!end)
		return refuse(r, "\\p{ has no end");
	r->at = (size_t)(end + 1 - r->text);
	return add_property(r, from, (size_t)(end - from), negated, in_set);
}

/* A name up to `close`; NULL when there is none. */
static const char *read_name(struct reader *r, char close)
{
	const char *from = r->text + r->at;
	const char *end = memchr(from, close, r->length - r->at);
	if (!end || end == from || end - from > 32)
		return NULL;
	for (const char *p = from; p < end; p++) {
		bool letter = (*p | 32) >= 'a' && (*p | 32) <= 'z';
		if (!letter && *p != '_' && !(*p >= '0' && *p <= '9' && p > from))
			return NULL;
	}
	r->at = (size_t)(end + 1 - r->text);
	return arena_strndup(r->arena, from, (size_t)(end - from));
}

static bool add_reference(struct reader *r, uint32_t number, const char *name)
{
	if (r->dialect == DIALECT_GO)
		return refuse(r, "it refers back to a group, which Go does not know");
	struct token *t = add(r, TOKEN_REFERENCE);
	t->value = number;
	t->text = name;
	/* In JavaScript a group that took no part is empty, and fails nowhere. */
	t->negated = r->dialect == DIALECT_JAVASCRIPT;
	return true;
}

static bool add_verbatim(struct reader *r, size_t from)
{
	add(r, TOKEN_VERBATIM)->text = arena_strndup(r->arena, r->text + from, r->at - from);
	return true;
}

/* \Q...\E: every character is itself. */
static bool read_quoted(struct reader *r)
{
	while (r->at < r->length && !starts(r, "\\E")) {
		uint32_t c;
		r->at += utf8_next(r->text + r->at, r->length - r->at, &c);
		add_value(r, TOKEN_CHARACTER, c);
	}
	if (r->at < r->length)
		r->at += 2;
	return true;
}

/* \1 to \9, and more digits where there are so many groups; octal otherwise. */
static bool read_number_escape(struct reader *r, bool in_set)
{
	size_t used, from = r->at;
	if (r->dialect == DIALECT_GO) {
		uint32_t octal = read_digits(r, 8, 3, &used);
		return used > 1 ? add_coded(r, octal, used) : add_reference(r, 0, NULL);
	}
	uint32_t number = read_digits(r, 10, 3, &used);
	if (!in_set && (number < 10 || number <= r->e->groups))
		return add_reference(r, number, NULL);
	r->at = from;
	number = read_digits(r, 8, 3, &used);
	return used ? add_coded(r, number, used) : refuse(r, "an escape refers to no group");
}

/* A letter that every dialect but JavaScript gives a meaning. */
static bool read_letter(struct reader *r, int c, size_t from)
{
	bool ours = r->dialect == DIALECT_PCRE2, go = r->dialect == DIALECT_GO;
	const char *name;
	switch (c) {
	case 'A': case 'z':
		add_value(r, TOKEN_ASSERT, (uint32_t)c);
		return true;
	case 'Z': case 'G':
		if (go)
			break;
		add_value(r, TOKEN_ASSERT, (uint32_t)c);
		return true;
	case 'a':
		add_value(r, TOKEN_CHARACTER, 7);
		return true;
	case 'e':
		if (go)
			break;
		add_value(r, TOKEN_CHARACTER, 27);
		return true;
	case 'h': case 'H': case 'V': case 'R': case 'X':
		if (go)
			break;
		add_value(r, TOKEN_ESCAPE, (uint32_t)c);
		return true;
	case 'N':
		if (!ours || peek(r, 0) == '{')
			break;
		add_value(r, TOKEN_ESCAPE, 'N');
		return true;
	case 'o':
		if (!ours)
			break;
		return read_coded(r, 'o');
	case 'Q':
		return read_quoted(r);
	case 'E':
		return true;
	case 'k':
		if (go || (peek(r, 0) != '<' && !(ours && (peek(r, 0) == '{' || peek(r, 0) == '\''))))
			break;
		r->at++;
		name = read_name(r, r->text[r->at - 1] == '<' ? '>' : r->text[r->at - 1] == '{' ? '}' : '\'');
		return name ? add_reference(r, 0, name) : refuse(r, "\\k names no group");
	case 'g': case 'K':
		if (!ours)
			break;
		if (c == 'g' && (peek(r, 0) == '{' || peek(r, 0) == '<' || peek(r, 0) == '\'')) {
			int close = peek(r, 0) == '{' ? '}' : peek(r, 0) == '<' ? '>' : '\'';
			const char *end = memchr(r->text + r->at + 1, close, r->length - r->at - 1);
			r->at = end ? (size_t)(end + 1 - r->text) : r->length;
		}
		return add_verbatim(r, from);
	}
	return refuse(r, "\\%c has no counterpart", c);
}

static bool read_escape(struct reader *r, bool in_set)
{
	size_t from = r->at++;
	int c = peek(r, 0);
	uint32_t character;
	if (c < 0)
		return refuse(r, "it ends in a backslash");
	if (c > 0x7f) {
		r->at += utf8_next(r->text + r->at, r->length - r->at, &character);
		add_value(r, TOKEN_CHARACTER, character);
		return true;
	}
	r->at++;
	switch (c) {
	case 'd': case 'D': case 'w': case 'W': case 's': case 'S':
		add_value(r, TOKEN_ESCAPE, (uint32_t)c);
		return true;
	case 'b':
		add_value(r, in_set ? TOKEN_CHARACTER : TOKEN_ASSERT, in_set ? 8 : 'b');
		return true;
	case 'B':
		add_value(r, TOKEN_ASSERT, 'B');
		return true;
	case 't':
		add_value(r, TOKEN_CHARACTER, 9);
		return true;
	case 'n':
		add_value(r, TOKEN_CHARACTER, 10);
		return true;
	case 'r':
		/* Lines come without the carriage return at their end. */
		if (!in_set && starts(r, "\\n"))
			return true;
		add_value(r, TOKEN_CHARACTER, 13);
		return true;
	case 'f':
		add_value(r, TOKEN_CHARACTER, 12);
		return true;
	case 'v':
		if (r->dialect == DIALECT_GO || r->dialect == DIALECT_JAVASCRIPT)
			add_value(r, TOKEN_CHARACTER, 11);
		else
			add_value(r, TOKEN_ESCAPE, 'v');
		return true;
	case 'x':
		return read_coded(r, 'x');
	case 'u':
		if (r->dialect != DIALECT_JAVA && r->dialect != DIALECT_JAVASCRIPT)
			return refuse(r, "\\u has no counterpart");
		return read_coded(r, 'u');
	case 'c':
		if (peek(r, 0) < 0 || r->dialect == DIALECT_GO || !((peek(r, 0) | 32) >= 'a' && (peek(r, 0) | 32) <= 'z'))
			return refuse(r, "\\c has no counterpart");
		add_value(r, TOKEN_CHARACTER, (uint32_t)(peek(r, 0) & 0x1f));
		r->at++;
		return true;
	case 'p': case 'P':
		return read_property(r, c == 'P', in_set);
	case '0':
		return read_coded(r, '0');
	}
	if (c >= '1' && c <= '9') {
		r->at--;
		return read_number_escape(r, in_set);
	}
	bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
	if (r->dialect == DIALECT_JAVASCRIPT && c == 'k' && r->names) {
		const char *name = peek(r, 0) == '<' ? (r->at++, read_name(r, '>')) : NULL;
		return name ? add_reference(r, 0, name) : refuse(r, "\\k names no group");
	}
	if (letter && r->dialect != DIALECT_JAVASCRIPT)
		return read_letter(r, c, from);
	add_value(r, TOKEN_CHARACTER, (uint32_t)c);
	return true;
}

/* Inside [...] of Java: [...] is a union. Only what adds is taken; the brackets fall away. */
static bool read_set_items(struct reader *r, unsigned nested);

static bool read_nested_set(struct reader *r, unsigned nested)
{
	if (peek(r, 1) == '^')
		return refuse(r, "a class holds a negated class");
	if (nested > 8)
		return refuse(r, "its classes are nested too deep");
	r->at++;
	return read_set_items(r, nested + 1);
}

static bool read_posix(struct reader *r, bool *ret_found)
{
	const char *from = r->text + r->at + 2;
	const char *end = memmem(from, r->length - r->at - 2, ":]", 2);
	*ret_found = false;
	if (!end || end - from > 12)
		return true;
	bool negated = end > from && *from == '^';
	for (const char *p = from + negated; p < end; p++)
		if (*p < 'a' || *p > 'z')
			return true;
	struct token *t = add(r, TOKEN_POSIX);
	t->text = arena_strndup(r->arena, from + negated, (size_t)(end - from) - negated);
	t->negated = negated;
	r->at = (size_t)(end + 2 - r->text);
	*ret_found = true;
	return true;
}

static bool read_set_items(struct reader *r, unsigned nested)
{
	bool first = true;
	size_t barrier = r->e->n;    /* what stands before it begins no range */
	for (;; first = false) {
		int c = peek(r, 0);
		if (c < 0)
			return refuse(r, "a class has no end");
		if (c == ']' && !(first && (r->dialect == DIALECT_PCRE2 || r->dialect == DIALECT_GO))) {
			r->at++;
			return true;
		}
		if (r->dialect == DIALECT_JAVA && starts(r, "&&"))
			return refuse(r, "it intersects classes with &&");
		if (r->dialect == DIALECT_JAVA && c == '[') {
			if (!read_nested_set(r, nested))
				return false;
			barrier = r->e->n;
			continue;
		}
		if (starts(r, "[:") && (r->dialect == DIALECT_PCRE2 || r->dialect == DIALECT_GO)) {
			bool found;
			if (!read_posix(r, &found))
				return false;
			if (found)
				continue;
		}
		size_t before = r->e->n;
		if (c == '\\') {
			if (!read_escape(r, true))
				return false;
			if (r->e->n > before && (r->e->token[r->e->n - 1].kind == TOKEN_ASSERT ||
			                         r->e->token[r->e->n - 1].kind == TOKEN_REFERENCE ||
			                         r->e->token[r->e->n - 1].kind == TOKEN_VERBATIM))
				return refuse(r, "a class holds an escape that is no character");
		} else if (c == '-' && before > barrier && r->e->token[before - 1].kind == TOKEN_CHARACTER &&
		           peek(r, 1) >= 0 && peek(r, 1) != ']' &&
		           (before < 2 || r->e->token[before - 2].kind != TOKEN_RANGE)) {
			r->at++;
			add(r, TOKEN_RANGE);
		} else {
			uint32_t character;
			r->at += utf8_next(r->text + r->at, r->length - r->at, &character);
			add_value(r, TOKEN_CHARACTER, character);
		}
		/* A range ends in a character; "a-\d" is three items. */
		if (r->e->n > before && before && r->e->token[before - 1].kind == TOKEN_RANGE &&
		    r->e->token[before].kind != TOKEN_CHARACTER) {
			r->e->token[before - 1].kind = TOKEN_CHARACTER;
			r->e->token[before - 1].value = '-';
		}
	}
}

static bool read_set(struct reader *r)
{
	r->at++;
	struct token *open = add(r, TOKEN_SET_OPEN);
	if (peek(r, 0) == '^') {
		open->negated = true;
		r->at++;
	}
	if (r->dialect == DIALECT_JAVASCRIPT && peek(r, 0) == ']') {
		/* [] matches nothing, [^] everything; ours has neither. */
		open->negated = !open->negated;
		r->at++;
		add_value(r, TOKEN_ESCAPE, 's');
		add_value(r, TOKEN_ESCAPE, 'S');
		add(r, TOKEN_SET_CLOSE);
		return true;
	}
	if (!read_set_items(r, 0))
		return false;
	add(r, TOKEN_SET_CLOSE);
	return true;
}

/* One of i, m, s, x and the like; 0 and a note, or `why`, when it has no counterpart. */
static bool flag_of(struct reader *r, char c, unsigned *ret_flag)
{
	bool java = r->dialect == DIALECT_JAVA;
	*ret_flag = c == 'i'                                   ? FLAG_CASELESS
	            : c == 'm'                                 ? FLAG_MULTILINE
	            : c == 's'                                 ? FLAG_DOTALL
	            : c == 'U' && !java                        ? FLAG_UNGREEDY
	            : c == 'x' && r->dialect != DIALECT_GO     ? FLAG_EXTENDED
	                                                       : 0;
	if (*ret_flag)
		return true;
	if (java && strchr("duU", c)) {
		if (c != 'd')
			snprintf(r->e->note, sizeof(r->e->note), "the setting (?%c) is left out", c);
		return true;
	}
	return refuse(r, "the setting (?%c) has no counterpart", c);
}

/* (?i-s) and (?i-s:...), behind "(?". */
static bool read_flags(struct reader *r)
{
	unsigned on = 0, off = 0, flag;
	bool minus = false;
	for (;; r->at++) {
		int c = peek(r, 0);
		if (c == ':' || c == ')')
			break;
		if (c == '-' && !minus) {
			minus = true;
			continue;
		}
		if (c < 0 || !((c | 32) >= 'a' && (c | 32) <= 'z'))
			return refuse(r, "a group begins in a way that has no counterpart");
		if (!flag_of(r, (char)c, &flag))
			return false;
		if (minus)
			off |= flag;
		else
			on |= flag;
	}
	bool group = peek(r, 0) == ':';
	r->at++;
	if (group) {
		if (r->depth == DIALECT_MAX_DEPTH)
			return refuse(r, "its groups are nested too deep");
		r->outer[++r->depth] = r->active;
	}
	r->active = (r->active | on) & ~off;
	struct token *t = add(r, group ? TOKEN_OPEN : TOKEN_FLAGS);
	t->group = GROUP_PLAIN;
	t->flags = on & ~FLAG_EXTENDED;
	t->off = off & ~FLAG_EXTENDED;
	if (!group && !t->flags && !t->off)
		r->e->n--;
	return true;
}

static bool open_group(struct reader *r, enum group_kind kind, size_t skip, const char *name)
{
	if (r->depth == DIALECT_MAX_DEPTH)
		return refuse(r, "its groups are nested too deep");
	r->at += skip;
	r->outer[++r->depth] = r->active;
	struct token *t = add(r, TOKEN_OPEN);
	t->group = kind;
	t->text = name;
	if (kind == GROUP_CAPTURE)
		t->value = ++r->e->groups;
	return true;
}

static bool read_group(struct reader *r)
{
	static const struct {
		const char *start;
		enum group_kind kind;
		bool go;
	} kinds[] = {
		{ "(?:", GROUP_PLAIN, true },       { "(?=", GROUP_AHEAD, false },
		{ "(?!", GROUP_NOT_AHEAD, false },  { "(?<=", GROUP_BEHIND, false },
		{ "(?<!", GROUP_NOT_BEHIND, false }, { "(?>", GROUP_ATOMIC, false },
	};
	if (!starts(r, "(?") && !starts(r, "(*"))
		return open_group(r, GROUP_CAPTURE, 1, NULL);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!starts(r, kinds[i].start))
			continue;
		if (r->dialect == DIALECT_GO && !kinds[i].go)
			return refuse(r, "it looks around, which Go does not know");
		return open_group(r, kinds[i].kind, strlen(kinds[i].start), NULL);
	}
	size_t from = r->at;
	size_t skip = starts(r, "(?P<") ? 4 : starts(r, "(?<") || starts(r, "(?'") ? 3 : 0;
	if (skip && !(skip == 4 && r->dialect != DIALECT_GO && r->dialect != DIALECT_PCRE2)) {
		r->at += skip;
		const char *name = read_name(r, r->text[r->at - 1] == '\'' ? '\'' : '>');
		return name ? open_group(r, GROUP_CAPTURE, 0, name) : refuse(r, "a group's name is none for us");
	}
	if (r->dialect == DIALECT_PCRE2 && starts(r, "(?#")) {
		const char *end = memchr(r->text + r->at, ')', r->length - r->at);
		r->at = end ? (size_t)(end + 1 - r->text) : r->length;
		return true;
	}
	if (r->dialect == DIALECT_PCRE2 && starts(r, "(*UTF)") && r->at == 0) {
		r->at += 6;
		r->e->utf = true;
		return true;
	}
	char second = from + 2 < r->length ? r->text[from + 2] : 0;
	bool flags = starts(r, "(?") && ((second | 32) >= 'a' || second == '-') && second != 'P' &&
	             second != 'R' && second != 'C' && second != '|';
	if (!flags) {
		/* Recursion, conditions, verbs: what follows is not looked at any more. */
		if (r->dialect != DIALECT_PCRE2)
			return refuse(r, "a group begins in a way that has no counterpart");
		r->at = r->length;
		return add_verbatim(r, from);
	}
	r->at += 2;
	return read_flags(r);
}

/* {2}, {2,}, {2,5}; in ours and Java's own way nothing else. */
static bool read_bounds(struct reader *r, long *ret_low, long *ret_high)
{
	size_t at = r->at + 1, used = 0;
	long bounds[2] = { 0, -1 };
	for (int i = 0; i < 2; i++) {
		long value = 0;
		for (used = 0; at < r->length && r->text[at] >= '0' && r->text[at] <= '9' && used < 6; at++, used++)
			value = value * 10 + (r->text[at] - '0');
		if (used)
			bounds[i] = value;
		if (i == 0 && !used)
			return false;
		if (i == 0 && at < r->length && r->text[at] == '}')
			bounds[1] = bounds[0];
		if (at >= r->length || r->text[at] != (i == 0 && bounds[1] < 0 ? ',' : '}'))
			return false;
		if (r->text[at++] == '}')
			break;
	}
	*ret_low = bounds[0];
	*ret_high = bounds[1];
	r->at = at;
	return true;
}

static bool read_repeat(struct reader *r, long low, long high)
{
	if (r->e->n == 0)
		return refuse(r, "a repetition repeats nothing");
	if (low > MAX_REPEAT || high > MAX_REPEAT)
		return refuse(r, "a repetition is too high");
	struct token *t = add(r, TOKEN_REPEAT);
	t->low = low;
	t->high = high;
	if (peek(r, 0) == '?') {
		t->mode = REPEAT_LAZY;
		r->at++;
	} else if (peek(r, 0) == '+' && (r->dialect == DIALECT_JAVA || r->dialect == DIALECT_PCRE2)) {
		t->mode = REPEAT_POSSESSIVE;
		r->at++;
	}
	return true;
}

static bool close_group(struct reader *r)
{
	if (r->depth == 0)
		return refuse(r, "a bracket closes what was not opened");
	r->at++;
	add(r, TOKEN_CLOSE);
	r->active = r->outer[r->depth--];
	return true;
}

static bool read_token(struct reader *r)
{
	int c = peek(r, 0);
	long low, high;
	uint32_t character;
	if (r->active & FLAG_EXTENDED) {
		if (strchr(" \t\n\r\f\v", c)) {
			r->at++;
			return true;
		}
		if (c == '#') {
			const char *end = memchr(r->text + r->at, '\n', r->length - r->at);
			r->at = end ? (size_t)(end + 1 - r->text) : r->length;
			return true;
		}
	}
	switch (c) {
	case '\\':
		return read_escape(r, false);
	case '[':
		return read_set(r);
	case '(':
		return read_group(r);
	case ')':
		return close_group(r);
	case '.':
		r->at++;
		add(r, TOKEN_DOT);
		return true;
	case '|':
		r->at++;
		add(r, TOKEN_BAR);
		return true;
	case '^':
	case '$':
		r->at++;
		add_value(r, TOKEN_ASSERT, (uint32_t)c);
		return true;
	case '*':
	case '+':
	case '?':
		r->at++;
		return read_repeat(r, c == '+', c == '?' ? 1 : -1);
	case '{':
		if (read_bounds(r, &low, &high))
			return read_repeat(r, low, high);
		break;
	}
	r->at += utf8_next(r->text + r->at, r->length - r->at, &character);
	add_value(r, TOKEN_CHARACTER, character);
	return true;
}

bool expression_read(struct arena *a, enum dialect dialect, const char *text, size_t length,
                     struct expression *ret_expression, char why[160])
{
	struct reader r = { .arena = a, .dialect = dialect, .text = text, .length = length,
		            .e = ret_expression, .why = why };
	*ret_expression = (struct expression){ 0 };
	why[0] = '\0';
	if (length == 0)
		return refuse(&r, "the expression is empty");
	if (length > DIALECT_MAX_LENGTH)
		return refuse(&r, "the expression has more than %zu bytes", DIALECT_MAX_LENGTH);
	for (size_t i = 0, step; i < length; i += step) {
		uint32_t c;
		step = utf8_next(text + i, length - i, &c);
		if (c == 0xfffd && (step < 3 || memcmp(text + i, "\xef\xbf\xbd", 3) != 0))
			return refuse(&r, "the expression is not UTF-8");
		if (c == 0)
			return refuse(&r, "the expression holds a NUL byte");
	}
	r.names = memmem(text, length, "(?<", 3) != NULL;
	while (r.at < length)
		if (!read_token(&r))
			return false;
	if (r.depth > 0 && !(r.e->n && r.e->token[r.e->n - 1].kind == TOKEN_VERBATIM))
		return refuse(&r, "a group has no end");
	return true;
}
