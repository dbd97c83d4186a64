/* SPDX-License-Identifier: Apache-2.0 */
/* See dialect.h: writing tokens in another dialect. */

#include "dialect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	const struct expression *e;
	enum dialect dialect;
	const char *const *names;
	unsigned shift;
	struct text *out;
	bool in_set;
	char *why;
};

static bool refuse(struct writer *w, const char *what)
{
	static const char *const languages[] = { "PCRE2", "Java", "RE2", "JavaScript" };
	snprintf(w->why, 160, "it uses %s, which %s does not have", what, languages[w->dialect]);
	return false;
}

/* "[:" would be taken for the start of a class by name. */
static bool begins_class_name(const struct writer *w, uint32_t c)
{
	return w->in_set && (c == ':' || c == '.' || c == '=') && w->out->length &&
	       w->out->data[w->out->length - 1] == '[';
}

static void add_plain(struct writer *w, uint32_t c)
{
	const char *special = w->in_set ? "\\]^-[" : "\\^$.|?*+()[]{}";
	if (c == '\n')
		text_adds(w->out, "\\n");
	else if (c == '\t')
		text_adds(w->out, "\\t");
	else if (c == '\r')
		text_adds(w->out, "\\r");
	else if (c < 0x20 || c == 0x7f)
		text_addf(w->out, "\\x%02x", c);
	else if (c < 0x80 && (strchr(special, (int)c) || begins_class_name(w, c)))
		text_addf(w->out, "\\%c", (int)c);
	else
		text_add_character(w->out, c);
}

static bool is_letter(uint32_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* JavaScript has no (?i): each letter stands there in both cases. */
static bool both_cases(const struct writer *w, const struct token *t)
{
	return w->dialect == DIALECT_JAVASCRIPT && t->active & FLAG_CASELESS;
}

static void write_character(struct writer *w, const struct token *t)
{
	if (!both_cases(w, t) || !is_letter(t->value)) {
		add_plain(w, t->value);
	} else if (w->in_set) {
		text_addf(w->out, "%c%c", (int)(t->value & ~32u), (int)(t->value | 32));
	} else {
		text_addf(w->out, "[%c%c]", (int)(t->value & ~32u), (int)(t->value | 32));
	}
}

/* The part of a range that lies in one case of letters, in the other case. */
static void add_other_case(struct writer *w, uint32_t low, uint32_t high, uint32_t first, uint32_t shift)
{
	uint32_t from = low > first ? low : first, to = high < first + 25 ? high : first + 25;
	if (from <= to)
		text_addf(w->out, "%c-%c", (int)(from ^ shift), (int)(to ^ shift));
}

static void write_range(struct writer *w, const struct token *low, const struct token *high)
{
	add_plain(w, low->value);
	text_adds(w->out, "-");
	add_plain(w, high->value);
	if (!both_cases(w, low))
		return;
	add_other_case(w, low->value, high->value, 'a', 32);
	add_other_case(w, low->value, high->value, 'A', 32);
}

/* \h and its like, where a dialect lacks them. */
static bool write_escape(struct writer *w, const struct token *t)
{
	bool ours = w->dialect == DIALECT_PCRE2;
	char c = (char)t->value;
	if (strchr("dDwWsS", c) || ours) {
		text_addf(w->out, "\\%c", c);
		return true;
	}
	switch (c) {
	case 'h':
		text_adds(w->out, w->in_set ? " \\t" : "[ \\t]");
		return true;
	case 'H':
		if (w->in_set)
			return refuse(w, "\\H in a class");
		text_adds(w->out, "[^ \\t]");
		return true;
	case 'N':
		text_adds(w->out, "[^\\n]");
		return true;
	case 'v':
		text_adds(w->out, w->in_set ? "\\n\\x0b\\f\\r" : "[\\n\\x0b\\f\\r]");
		return true;
	case 'R':
		text_adds(w->out, "(?:\\r\\n|[\\n\\x0b\\f\\r])");
		return true;
	default:
		return refuse(w, c == 'X' ? "\\X" : "\\V");
	}
}

static bool write_posix(struct writer *w, const struct token *t)
{
	static const char *const classes[][2] = {
		{ "alpha", "a-zA-Z" }, { "digit", "0-9" }, { "alnum", "a-zA-Z0-9" }, { "upper", "A-Z" },
		{ "lower", "a-z" }, { "space", "\\s" }, { "blank", " \\t" }, { "word", "\\w" },
		{ "xdigit", "0-9a-fA-F" }, { "cntrl", "\\x00-\\x1f\\x7f" }, { "print", "\\x20-\\x7e" },
		{ "graph", "\\x21-\\x7e" }, { "ascii", "\\x00-\\x7f" },
		{ "punct", "!-\\/:-@\\[-`{-~" },
	};
	if (w->dialect != DIALECT_JAVASCRIPT) {
		text_addf(w->out, "[:%s%s:]", t->negated ? "^" : "", t->text);
		return true;
	}
	if (t->negated)
		return refuse(w, "a negated class by name");
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strcmp(classes[i][0], t->text) != 0)
			continue;
		bool caseless = both_cases(w, t) && (strcmp(t->text, "upper") == 0 || strcmp(t->text, "lower") == 0);
		text_adds(w->out, caseless ? "a-zA-Z" : classes[i][1]);
		return true;
	}
	return refuse(w, "a class by name");
}

static bool write_assert(struct writer *w, const struct token *t)
{
	char c = (char)t->value;
	if (c == 'G' && w->dialect != DIALECT_PCRE2)
		return refuse(w, "\\G");
	if (c == 'Z' && w->dialect == DIALECT_GO)
		c = 'z';
	if (w->dialect == DIALECT_JAVASCRIPT && strchr("AzZ", c))
		c = c == 'A' ? '^' : '$';
	text_addf(w->out, strchr("^$", c) ? "%c" : "\\%c", c);
	return true;
}

static void write_flags(struct writer *w, unsigned flags)
{
	static const char letters[] = "imsU";
	for (unsigned i = 0; i < 4; i++)
		if (flags & 1u << i)
			text_add(w->out, &letters[i], 1);
}

static void write_settings(struct writer *w, const struct token *t)
{
	text_adds(w->out, "(?");
	write_flags(w, t->flags);
	if (t->off) {
		text_adds(w->out, "-");
		write_flags(w, t->off);
	}
}

static bool write_open(struct writer *w, const struct token *t)
{
	static const char *const starts[] = { "(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>" };
	const char *name = t->group == GROUP_CAPTURE ? t->text : NULL;
	if (t->group == GROUP_CAPTURE && w->names && w->names[t->value])
		name = *w->names[t->value] ? w->names[t->value] : NULL;
	if (t->group == GROUP_PLAIN && (t->flags || t->off) && w->dialect != DIALECT_JAVASCRIPT) {
		write_settings(w, t);
		text_adds(w->out, ":");
		return true;
	}
	if (t->group > GROUP_PLAIN && w->dialect == DIALECT_GO)
		return refuse(w, t->group == GROUP_ATOMIC ? "an atomic group" : "a look ahead or behind");
	if (t->group == GROUP_ATOMIC && w->dialect == DIALECT_JAVASCRIPT)
		return refuse(w, "an atomic group");
	if (name && w->dialect != DIALECT_JAVASCRIPT)
		text_addf(w->out, w->dialect == DIALECT_GO ? "(?P<%s>" : "(?<%s>", name);
	else
		text_adds(w->out, starts[t->group]);
	return true;
}

/* JavaScript repeats nothing that takes no text. */
static bool repeats_nothing(const struct expression *e, size_t i)
{
	const struct token *before = &e->token[i - 1];
	if (before->kind == TOKEN_ASSERT)
		return true;
	if (before->kind != TOKEN_CLOSE)
		return false;
	enum group_kind kind = e->token[expression_open_of(e, i - 1)].group;
	return kind >= GROUP_AHEAD && kind <= GROUP_NOT_BEHIND;
}

static bool write_repeat(struct writer *w, const struct token *t)
{
	if (w->dialect == DIALECT_JAVASCRIPT && repeats_nothing(w->e, (size_t)(t - w->e->token)))
		return refuse(w, "a repeated look around");
	if (t->mode == REPEAT_POSSESSIVE && w->dialect != DIALECT_PCRE2)
		return refuse(w, "a possessive repetition");
	if (w->dialect == DIALECT_GO && (t->low > 1000 || t->high > 1000))
		return refuse(w, "a repetition of more than 1000");
	if (t->active & FLAG_UNGREEDY && w->dialect == DIALECT_JAVASCRIPT)
		return refuse(w, "(?U)");
	if (t->low == 0 && t->high == -1)
		text_adds(w->out, "*");
	else if (t->low == 1 && t->high == -1)
		text_adds(w->out, "+");
	else if (t->low == 0 && t->high == 1)
		text_adds(w->out, "?");
	else if (t->high == -1)
		text_addf(w->out, "{%ld,}", t->low);
	else if (t->high == t->low)
		text_addf(w->out, "{%ld}", t->low);
	else
		text_addf(w->out, "{%ld,%ld}", t->low, t->high);
	text_adds(w->out, t->mode == REPEAT_LAZY ? "?" : t->mode == REPEAT_POSSESSIVE ? "+" : "");
	return true;
}

static bool may_be_skipped(const struct expression *e, size_t close)
{
	return close + 1 < e->n && e->token[close + 1].kind == TOKEN_REPEAT && e->token[close + 1].low == 0;
}

/* Has the group that opens at `open` taken part, whenever `at` is reached? */
static bool is_certain(const struct expression *e, size_t open, size_t at)
{
	size_t i = open + 1;
	if (open >= at)
		return false;
	unsigned level = e->token[open].depth;
	for (; i < at && !(e->token[i].kind == TOKEN_CLOSE && e->token[i].depth == level); i++)
		;
	if (i >= at || may_be_skipped(e, i))
		return false;
	level--;
	for (i++; i < at; i++) {
		const struct token *t = &e->token[i];
		if (t->depth != level)
			continue;
		if (t->kind == TOKEN_BAR)
			return false;
		if (t->kind != TOKEN_CLOSE)
			continue;
		/* Of a group around it, it has to stand in the only branch. */
		size_t outer = expression_open_of(e, i);
		if (may_be_skipped(e, i) || e->token[outer].group == GROUP_NOT_AHEAD ||
		    e->token[outer].group == GROUP_NOT_BEHIND)
			return false;
		for (size_t k = outer; k < i; k++)
			if (e->token[k].kind == TOKEN_BAR && e->token[k].depth == level)
				return false;
		level--;
	}
	return true;
}

static size_t find_group(const struct expression *e, uint32_t number)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->token[i].kind == TOKEN_OPEN && e->token[i].group == GROUP_CAPTURE && e->token[i].value == number)
			return i;
	return e->n;
}

static bool write_reference(struct writer *w, const struct token *t)
{
	if (w->dialect == DIALECT_GO)
		return refuse(w, "a reference back to a group");
	if (both_cases(w, t))
		return refuse(w, "a reference back under (?i)");
	uint32_t number = t->value;
	for (size_t i = 0; t->text && i < w->e->n; i++) {
		const struct token *open = &w->e->token[i];
		if (open->kind == TOKEN_OPEN && open->group == GROUP_CAPTURE && open->text &&
		    strcmp(open->text, t->text) == 0)
			number = open->value;
	}
	if (!number)
		return refuse(w, "a reference to no group");
	/* For JavaScript a group that took no part is empty, for PCRE2 it fails. */
	if (w->dialect == DIALECT_JAVASCRIPT &&
	    !is_certain(w->e, find_group(w->e, number), (size_t)(t - w->e->token)))
		return refuse(w, "a reference to a group that may be unset");
	/* A digit may follow. */
	if (w->dialect == DIALECT_PCRE2)
		text_addf(w->out, t->negated ? "(?(%1$u)\\g{%1$u})" : "\\g{%1$u}", number + w->shift);
	else
		text_addf(w->out, "(?:\\%u)", number + w->shift);
	return true;
}

static bool write_property(struct writer *w, const struct token *t)
{
	if (w->dialect == DIALECT_JAVASCRIPT)
		return refuse(w, "\\p");
	text_addf(w->out, "\\%c{%s}", t->negated ? 'P' : 'p', t->text);
	return true;
}

static bool write_token(struct writer *w, size_t i)
{
	const struct token *t = &w->e->token[i];
	switch (t->kind) {
	case TOKEN_CHARACTER:
		/* A range is written as one. */
		if (w->in_set && i + 1 < w->e->n && t[1].kind == TOKEN_RANGE)
			write_range(w, t, t + 2);
		else if (!(w->in_set && i && t[-1].kind == TOKEN_RANGE))
			write_character(w, t);
		return true;
	case TOKEN_RANGE:
		return true;
	case TOKEN_ESCAPE:
		return write_escape(w, t);
	case TOKEN_ASSERT:
		return write_assert(w, t);
	case TOKEN_PROPERTY:
		return write_property(w, t);
	case TOKEN_DOT:
		text_adds(w->out, w->dialect == DIALECT_JAVASCRIPT && t->active & FLAG_DOTALL ? "[\\s\\S]" : ".");
		return true;
	case TOKEN_BAR:
		text_adds(w->out, "|");
		return true;
	case TOKEN_OPEN:
		return write_open(w, t);
	case TOKEN_CLOSE:
		text_adds(w->out, ")");
		return true;
	case TOKEN_FLAGS:
		if (w->dialect != DIALECT_JAVASCRIPT) {
			write_settings(w, t);
			text_adds(w->out, ")");
		}
		return true;
	case TOKEN_REPEAT:
		return write_repeat(w, t);
	case TOKEN_SET_OPEN:
		w->in_set = true;
		text_adds(w->out, t->negated ? "[^" : "[");
		return true;
	case TOKEN_SET_CLOSE:
		w->in_set = false;
		text_adds(w->out, "]");
		return true;
	case TOKEN_POSIX:
		return write_posix(w, t);
	case TOKEN_REFERENCE:
		return write_reference(w, t);
	case TOKEN_VERBATIM:
		if (w->dialect != DIALECT_PCRE2) {
			char what[64];
			snprintf(what, sizeof(what), "'%.12s'", t->text);
			return refuse(w, what);
		}
		text_adds(w->out, t->text);
		return true;
	}
	return true;
}

bool expression_write(const struct expression *e, enum dialect dialect, const char *const *names,
                      unsigned shift, struct text *out, char why[160])
{
	struct writer w = { .e = e, .dialect = dialect, .names = names, .shift = shift, .out = out, .why = why };
	why[0] = '\0';
	/* What is not ASCII says by itself that it is about characters; a property does not. */
	size_t from = out->length;
	for (size_t i = 0; i < e->n; i++)
		if (!write_token(&w, i))
			return false;
	bool ascii = true;
	for (size_t i = from; i < out->length; i++)
		ascii = ascii && !(out->data[i] & 0x80);
	if (!e->utf || !ascii || dialect != DIALECT_PCRE2)
		return true;
	char *body = strndup(out->data + from, out->length - from);
	out->length = from;
	text_adds(out, "(*UTF)");
	text_adds(out, body ? body : "");
	out->failed = out->failed || !body;
	free(body);
	return true;
}

void expression_add_literal(struct text *t, const char *text, size_t length)
{
	struct writer w = { .out = t };
	for (size_t i = 0; i < length;) {
		uint32_t c;
		i += utf8_next(text + i, length - i, &c);
		add_plain(&w, c);
	}
}
