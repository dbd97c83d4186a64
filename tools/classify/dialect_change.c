/* SPDX-License-Identifier: Apache-2.0 */
/* See dialect.h: looking at the tokens of an expression, and changing them. */

#include "dialect.h"

#include <string.h>

/* ---- looking ---- */

size_t expression_open_of(const struct expression *e, size_t close)
{
	size_t i = close;
	while (i > 0 && !(e->token[i].kind == TOKEN_OPEN && e->token[i].depth == e->token[close].depth))
		i--;
	return i;
}

/* Does the bracket that opens at `i` hold a line break, by what it lists? */
static bool set_has_newline(const struct expression *e, size_t i, bool *ret_everything)
{
	bool has = false;
	unsigned pairs = 0;
	for (i++; e->token[i].kind != TOKEN_SET_CLOSE; i++) {
		const struct token *t = &e->token[i];
		if (t->kind == TOKEN_CHARACTER && t->value == '\n')
			has = true;
		if (t->kind == TOKEN_RANGE && t[-1].value <= '\n' && t[1].value >= '\n')
			has = true;
		if (t->kind == TOKEN_POSIX)
			has = has || strcmp(t->text, "space") == 0 || strcmp(t->text, "cntrl") == 0;
		if (t->kind == TOKEN_ESCAPE) {
			has = has || strchr("sDWvRH", (int)t->value);
			const char *found = strchr("dDwWsS", (int)t->value);
			if (found)
				pairs |= 1u << (found - "dDwWsS");
		}
	}
	*ret_everything = (pairs & 3) == 3 || (pairs & 12) == 12 || (pairs & 48) == 48;
	return has;
}

enum expression_span expression_span(const struct expression *e)
{
	enum expression_span span = SPAN_NONE;
	for (size_t i = 0; i < e->n; i++) {
		const struct token *t = &e->token[i];
		bool everything = false, loose = false, certain = false;
		switch (t->kind) {
		case TOKEN_SET_OPEN:
			loose = set_has_newline(e, i, &everything) != t->negated;
			certain = everything && !t->negated;
			while (e->token[i].kind != TOKEN_SET_CLOSE) {
				certain = certain || (!t->negated && e->token[i].kind == TOKEN_CHARACTER &&
				                      e->token[i].value == '\n');
				i++;
			}
			break;
		case TOKEN_CHARACTER:
			certain = t->value == '\n';
			break;
		case TOKEN_DOT:
			certain = t->active & FLAG_DOTALL;
			break;
		case TOKEN_ESCAPE:
			certain = t->value == 'R' || t->value == 'v';
			loose = strchr("sDWHX", (int)t->value) != NULL;
			break;
		default:
			break;
		}
		if (certain)
			return SPAN_CERTAIN;
		if (loose)
			span = SPAN_LOOSE;
	}
	return span;
}

const char *expression_group_name(const struct expression *e, unsigned group)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->token[i].kind == TOKEN_OPEN && e->token[i].group == GROUP_CAPTURE &&
		    e->token[i].value == group)
			return e->token[i].text;
	return NULL;
}

/* ---- changing ---- */

/* `.*` or `.*?` at `i`; never `.*+`, which gives nothing back. */
static bool any_text(const struct expression *e, size_t i)
{
	return i + 1 < e->n && e->token[i].kind == TOKEN_DOT && e->token[i + 1].kind == TOKEN_REPEAT &&
	       e->token[i + 1].low == 0 && e->token[i + 1].high == -1 &&
	       e->token[i + 1].mode != REPEAT_POSSESSIVE;
}

struct rebuild {
	struct token *token;
	size_t n;
};

static void copy(struct rebuild *r, const struct token *t)
{
	r->token[r->n++] = *t;
}

static void put_assert(struct rebuild *r, char c)
{
	r->token[r->n++] = (struct token){ .kind = TOKEN_ASSERT, .value = (uint32_t)c };
}

/*
 * Each branch of the whole, [from, to). What is taken from an end makes no
 * assertion needed there; `hold` puts one where nothing was taken.
 */
static void rebuild_branch(struct rebuild *r, const struct expression *e, size_t from, size_t to,
                           bool front, bool hold)
{
	while (from < to && e->token[from].kind == TOKEN_FLAGS)
		copy(r, &e->token[from++]);
	if (front && from + 2 < to && any_text(e, from))
		from += 2;
	else if (hold)
		put_assert(r, '^');
	bool free_back = to >= from + 3 && any_text(e, to - 2);
	if (free_back)
		to -= 2;
	for (; from < to; from++)
		copy(r, &e->token[from]);
	if (hold && !free_back)
		put_assert(r, '$');
}

static void rebuild(struct arena *a, struct expression *e, bool front, bool hold)
{
	struct rebuild r = { .token = arena_alloc(a, (e->n * 3 + 4) * sizeof(*r.token)) };
	size_t from = 0;
	for (size_t i = 0; i <= e->n; i++) {
		if (i < e->n && !(e->token[i].kind == TOKEN_BAR && e->token[i].depth == 0))
			continue;
		rebuild_branch(&r, e, from, i, front, hold);
		if (i < e->n)
			copy(&r, &e->token[i]);
		from = i + 1;
	}
	e->token = r.token;
	e->n = r.n;
}

void expression_hold_line(struct arena *a, struct expression *e, bool free_front)
{
	rebuild(a, e, free_front, true);
}

void expression_trim(struct arena *a, struct expression *e, bool front)
{
	rebuild(a, e, front, false);
}

void expression_hold_end(struct arena *a, struct expression *e, bool free_back)
{
	if (free_back && e->n >= 3 && any_text(e, e->n - 2) && e->token[e->n - 3].kind != TOKEN_BAR) {
		e->n -= 2;
		return;
	}
	struct rebuild r = { .token = arena_alloc(a, (e->n + 1) * sizeof(*r.token)) };
	for (size_t i = 0; i < e->n; i++)
		copy(&r, &e->token[i]);
	put_assert(&r, 'z');
	e->token = r.token;
	e->n = r.n;
}

/* The first token of the atom that ends before `to`. */
static size_t atom_start(const struct expression *e, size_t to)
{
	size_t last = to - 1;
	if (e->token[last].kind == TOKEN_CLOSE)
		return expression_open_of(e, last);
	if (e->token[last].kind == TOKEN_SET_CLOSE)
		while (e->token[last].kind != TOKEN_SET_OPEN)
			last--;
	return last;
}

/* May the last text that [from, to) takes be a line break? What may be empty is looked behind. */
static bool ends_loose(const struct expression *e, size_t from, size_t to)
{
	while (to > from) {
		bool repeated = e->token[to - 1].kind == TOKEN_REPEAT && to - 1 > from;
		bool optional = repeated && e->token[to - 1].low == 0;
		size_t start = atom_start(e, repeated ? to - 1 : to);
		const struct expression atom = { .token = &e->token[start], .n = to - start };
		if (expression_span(&atom) != SPAN_NONE)
			return true;
		if (!optional && e->token[start].kind != TOKEN_ASSERT && e->token[start].kind != TOKEN_FLAGS)
			return false;
		to = start;
	}
	return false;
}

void expression_reach_line_end(struct arena *a, struct expression *e)
{
	static const struct token rest[] = {
		{ .kind = TOKEN_SET_OPEN, .negated = true }, { .kind = TOKEN_CHARACTER, .value = '\n' },
		{ .kind = TOKEN_SET_CLOSE }, { .kind = TOKEN_REPEAT, .high = -1 },
	};
	struct rebuild r = { .token = arena_alloc(a, (e->n * 5 + 4) * sizeof(*r.token)) };
	size_t from = 0;
	for (size_t i = 0; i <= e->n; i++) {
		bool end = i == e->n || (e->token[i].kind == TOKEN_BAR && e->token[i].depth == 0);
		for (size_t k = 0; end && k < 4 && ends_loose(e, from, i); k++)
			copy(&r, &rest[k]);
		if (end)
			from = i + 1;
		if (i < e->n)
			copy(&r, &e->token[i]);
	}
	e->token = r.token;
	e->n = r.n;
}

void expression_fix_anchors(struct arena *a, struct expression *e)
{
	bool any = false;
	for (size_t i = 0; i < e->n; i++)
		any = any || (e->token[i].kind == TOKEN_ASSERT && (e->token[i].value == '^' || e->token[i].value == '$') &&
		              !(e->token[i].active & FLAG_MULTILINE));
	if (!any)
		return;
	struct rebuild r = { .token = arena_alloc(a, (e->n + 1) * sizeof(*r.token)) };
	r.token[r.n++] = (struct token){ .kind = TOKEN_FLAGS, .off = FLAG_MULTILINE };
	for (size_t i = 0; i < e->n; i++)
		copy(&r, &e->token[i]);
	e->token = r.token;
	e->n = r.n;
}
