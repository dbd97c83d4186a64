/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the jq programs that rules of others hold, as far as they are plain
 * paths and what is commonly asked of them:
 *
 *     .a.b[0]   .a[]?   .a == "x"   .a != null   (.a // 0) != 0
 *     .a | test("x")    .a | contains("x")    .a[] | (.b != null or .c == 1)
 *     select(...)   and   or   ( )
 *
 * Each comparison becomes an expression on a field; `and` a condition on one
 * line, `or` a choice. How we differ from jq: what is not there is not looked
 * at, so `.a != "x"` needs an `.a`. Anything else is refused with its place.
 */

#include "error.h"
#include "fields.h"
#include "quoted.h"
#include "yaml_reader.h"

#define MAX_DEPTH 16
#define MAX_PATH 1000  /* bytes */

struct program {
	struct clsf__reader *r;
	const yaml_node_t *node;     /* for places */
	const char *at, *end;
	unsigned depth;
};

/* A path so far, as it is written. */
struct path {
	char text[MAX_PATH];
	size_t length;
};

static uint32_t fail(struct program *p, const char *what)
{
	if (!p->r->faulty)
		FAULT(p->r, p->node, "jq: %s at '%.40s'; paths, comparisons with constants, test, contains, select, "
		                     "and, or are understood", what, p->at);
	return UINT32_MAX;
}

static void skip_blanks(struct program *p)
{
	while (p->at < p->end && strchr(" \t\r\n", *p->at))
		p->at++;
}

static bool is_word_byte(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Takes a word or an operator that comes next. */
static bool take(struct program *p, const char *word)
{
	skip_blanks(p);
	size_t n = strlen(word);
	if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0)
		return false;
	if (is_word_byte(*word) && p->at + n < p->end && is_word_byte(p->at[n]))
		return false;
	p->at += n;
	return true;
}

/* Appends a path that comes next: .a, ."b c", [0], [], and ?, which is no matter here. */
static bool take_path(struct program *p, struct path *path)
{
	skip_blanks(p);
	const char *start = p->at;
	while (p->at < p->end) {
		const char *from = p->at;
		if (*p->at == '?') {
			p->at++;
			continue;
		}
		if (*p->at == '[') {
			const char *close = memchr(p->at, ']', (size_t)(p->end - p->at));
			if (!close)
				return false;
			p->at = close + 1;
		} else if (*p->at == '.') {
			p->at++;
			if (p->at < p->end && *p->at == '"') {
				const char *close = memchr(p->at + 1, '"', (size_t)(p->end - p->at - 1));
				if (!close)
					return false;
				p->at = close + 1;
			}
			while (p->at < p->end && (is_word_byte(*p->at) || *p->at == '-'))
				p->at++;
		} else {
			break;
		}
		size_t n = (size_t)(p->at - from);
		if (path->length + n >= sizeof(path->text))
			return false;
		/* A lone dot in front of a path is the value itself. */
		if (n == 1 && *from == '.')
			continue;
		memcpy(path->text + path->length, from, n);
		path->length += n;
	}
	return p->at > start;
}

/* A constant that comes next, as the text that a field would have; *ret_text: it was in quotes. */
static bool take_constant(struct program *p, struct clsf__buffer *out, bool *ret_text)
{
	skip_blanks(p);
	*ret_text = p->at < p->end && *p->at == '"';
	if (*ret_text) {
		bool escaped;
		size_t length = clsf__quoted_length(p->at, (size_t)(p->end - p->at), &escaped);
		if (length == 0)
			return false;
		clsf__unquote(out, p->at + 1, length - 2);
		p->at += length;
		return !out->failed;
	}
	const char *start = p->at;
	while (p->at < p->end && (is_word_byte(*p->at) || *p->at == '-' || *p->at == '.'))
		p->at++;
	clsf__buffer_add(out, start, (size_t)(p->at - start));
	return p->at > start && !out->failed;
}

/* What is being made of a comparison: its constant, and the expression for it. */
struct test {
	struct clsf__buffer constant, pattern;
};

static void test_init(struct test *t, const struct program *p)
{
	clsf__buffer_init(&t->constant, p->r->file->allocator);
	clsf__buffer_init(&t->pattern, p->r->file->allocator);
}

/* Makes a node of it if it is `good`; in any case it is gone then. */
static uint32_t test_end(struct test *t, struct program *p, const struct path *path, bool good)
{
	struct clsf__reader *r = p->r;
	struct clsf__buffer normal;
	size_t column;
	clsf__buffer_init(&normal, r->file->allocator);
	uint32_t node = UINT32_MAX;
	if (good && (!clsf__field_path(path->text, path->length, &normal, &column) ||
	             (normal.length && memchr(normal.data, '\0', normal.length))))
		fail(p, "no path");
	else if (good && (normal.failed || t->constant.failed || t->pattern.failed))
		r->no_memory = true;
	else if (good)
		node = clsf__add_pattern(r, p->node, clsf__reader_keep(r, t->pattern.data, t->pattern.length),
		                         t->pattern.length, 1, clsf__reader_keep(r, normal.data, normal.length));
	clsf__buffer_done(&normal);
	clsf__buffer_done(&t->constant);
	clsf__buffer_done(&t->pattern);
	return node;
}

/*
 * What is asked of a path. `without` is a constant that stands in for a value
 * that is not there, and so is excluded with it; "" for none.
 */
static uint32_t read_comparison(struct program *p, const struct path *path, const struct clsf__buffer *without)
{
	struct test t;
	test_init(&t, p);
	bool equal = take(p, "=="), unequal = !equal && take(p, "!="), text = false;
	if ((equal || unequal) && !take_constant(p, &t.constant, &text)) {
		fail(p, "no constant");
		return test_end(&t, p, path, false);
	}
	if (equal && !text && t.constant.length == 4 && memcmp(t.constant.data, "null", 4) == 0) {
		fail(p, "a comparison with null that must hold");
		return test_end(&t, p, path, false);
	}
	clsf__buffer_adds(&t.pattern, equal ? "\\A" : "\\A(?!(?:");
	clsf__add_escaped(&t.pattern, t.constant.data, t.constant.length);
	if (equal) {
		clsf__buffer_adds(&t.pattern, "\\z");
	} else {
		/* What is asked for by itself is neither null nor false; what is compared is not null. */
		clsf__buffer_adds(&t.pattern, unequal ? "|null" : "null|false");
		if (without->length)
			clsf__buffer_adds(&t.pattern, "|false");
		clsf__buffer_adds(&t.pattern, ")\\z)");
	}
	return test_end(&t, p, path, true);
}

static uint32_t read_or(struct program *p, const struct path *base);

/* .path | test("x"): an expression on the value; .path | contains("x"): a text in it. */
static uint32_t read_function(struct program *p, const struct path *path, bool literal)
{
	struct test t;
	test_init(&t, p);
	bool text;
	bool good = take(p, "(") && take_constant(p, &t.constant, &text) && text && take(p, ")");
	if (!good)
		fail(p, "no constant in parentheses");
	else if (literal)
		clsf__add_escaped(&t.pattern, t.constant.data, t.constant.length);
	else
		clsf__buffer_add(&t.pattern, t.constant.data, t.constant.length);
	return test_end(&t, p, path, good);
}

/* A path and what follows it. */
static uint32_t read_path(struct program *p, const struct path *base)
{
	struct path path = *base;
	if (!take_path(p, &path))
		return fail(p, "nothing that is understood");
	if (take(p, "|")) {
		if (take(p, "test"))
			return read_function(p, &path, false);
		if (take(p, "contains"))
			return read_function(p, &path, true);
		return read_or(p, &path);
	}
	struct clsf__buffer none;
	clsf__buffer_init(&none, p->r->file->allocator);
	return read_comparison(p, &path, &none);
}

/* (.a // 0) != 0: a constant for what is not there. False when it is something else; nothing is taken then. */
static bool read_default(struct program *p, const struct path *base, uint32_t *ret_node)
{
	const char *start = p->at;
	struct path path = *base;
	struct clsf__buffer without;
	clsf__buffer_init(&without, p->r->file->allocator);
	bool text;
	bool found = take(p, "(") && take_path(p, &path) && take(p, "//") && take_constant(p, &without, &text) &&
	             take(p, ")");
	if (found)
		*ret_node = read_comparison(p, &path, &without);
	else
		p->at = start;
	clsf__buffer_done(&without);
	return found;
}

static uint32_t read_operand(struct program *p, const struct path *base)
{
	uint32_t node;
	skip_blanks(p);
	if (read_default(p, base, &node))
		return node;
	bool selects = take(p, "select");
	if (!take(p, "("))
		return selects ? fail(p, "no parenthesis") : read_path(p, base);
	if (++p->depth > MAX_DEPTH)
		return fail(p, "nested too deep");
	node = read_or(p, base);
	p->depth--;
	if (node != UINT32_MAX && !take(p, ")"))
		return fail(p, "no closing parenthesis");
	return node;
}

/* Operands between `word`s; several become children of one node of the kind. */
static uint32_t read_operands(struct program *p, const struct path *base, const char *word,
                              enum clsf__condition_kind kind, uint32_t (*read)(struct program *, const struct path *))
{
	struct clsf__reader *r = p->r;
	/* Parents stand before their children, and it is not known yet whether there will be several. */
	uint32_t parent = clsf__add_node(r, p->node, kind);
	if (parent == UINT32_MAX)
		return parent;
	r->nodes[parent].same_line = kind == CLSF__COND_ALL;
	do {
		uint32_t child = read(p, base);
		if (child == UINT32_MAX)
			return child;
		clsf__add_child(r, parent, child);
	} while (take(p, word));
	return parent;
}

static uint32_t read_and(struct program *p, const struct path *base)
{
	return read_operands(p, base, "and", CLSF__COND_ALL, read_operand);
}

static uint32_t read_or(struct program *p, const struct path *base)
{
	return read_operands(p, base, "or", CLSF__COND_ANY, read_and);
}

uint32_t clsf__read_jq(struct clsf__reader *r, const yaml_node_t *node)
{
	struct program p = { .r = r, .node = node, .at = scalar(node), .end = scalar(node) + node->data.scalar.length };
	const struct path root = { .length = 0 };
	uint32_t index = read_or(&p, &root);
	skip_blanks(&p);
	if (index != UINT32_MAX && p.at < p.end)
		return fail(&p, "something");
	return index;
}
