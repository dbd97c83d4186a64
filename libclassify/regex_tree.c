/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See regex_tree.h. A recursive-descent reader of pcre2pattern(3). Its rule of
 * thumb: whatever is rare or doubtful becomes CLSF__RE_ANY, and a construct
 * that changes how the rest is to be read makes the whole expression ANY.
 */

#include "regex_tree.h"

#include <string.h>

#define MAX_DEPTH 100

struct reader {
	struct clsf__arena *arena;
	const unsigned char *at;
	const unsigned char *end;
	bool utf;
	bool nocase;
	bool dotall;
	bool context_free;
	bool give_up;        /* the whole expression is ANY */
	bool no_memory;
	unsigned depth;
};

static struct clsf__re *read_alternatives(struct reader *r);

static struct clsf__re *new_node(struct reader *r, enum clsf__re_kind kind)
{
	struct clsf__re *node = clsf__arena_alloc(r->arena, sizeof(*node));
	if (!node) {
		r->no_memory = true;
		return NULL;
	}
	*node = (struct clsf__re){ .kind = kind };
	return node;
}

static void append(struct clsf__re *parent, struct clsf__re *child)
{
	if (!child)
		return;
	if (parent->last)
		parent->last->next = child;
	else
		parent->child = child;
	parent->last = child;
}

static void set_add(struct clsf__re *node, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to && c < 256; c++)
		node->set[c >> 3] |= (uint8_t)(1u << (c & 7));
}

static void set_invert(struct clsf__re *node)
{
	for (unsigned i = 0; i < 32; i++)
		node->set[i] = (uint8_t)~node->set[i];
}

/* What was met may depend on its surroundings; it reads as `kind`. */
static struct clsf__re *doubtful(struct reader *r, enum clsf__re_kind kind)
{
	r->context_free = false;
	return new_node(r, kind);
}

static struct clsf__re *give_up(struct reader *r)
{
	r->give_up = true;
	r->at = r->end;
	return new_node(r, CLSF__RE_ANY);
}

static bool is_letter(unsigned c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/*
 * One character. In UTF mode without case, "k" and "s" have other cases
 * outside ASCII (U+212A, U+017F), and so may anything beyond ASCII.
 */
static struct clsf__re *literal(struct reader *r, unsigned c)
{
	if (r->utf && r->nocase && (c >= 0x80 || (c | 0x20) == 'k' || (c | 0x20) == 's'))
		return doubtful(r, CLSF__RE_ANY);
	struct clsf__re *node = new_node(r, CLSF__RE_LITERAL);
	if (!node)
		return NULL;
	char byte = (char)c;
	node->text = clsf__arena_strndup(r->arena, &byte, 1);
	if (!node->text)
		r->no_memory = true;
	node->length = 1;
	node->nocase = r->nocase && is_letter(c);
	return node;
}

/* A code point beyond ASCII given by number: bytes in byte mode, doubtful in UTF mode. */
static struct clsf__re *code_point(struct reader *r, unsigned long c)
{
	if (c < 0x80 || (!r->utf && c < 0x100))
		return literal(r, (unsigned)c);
	return doubtful(r, CLSF__RE_ANY);
}

/* The bytes of \d, \s, \w, \h, \v, added to `node`. False when `c` names none. */
static bool add_named_set(struct clsf__re *node, unsigned c)
{
	struct clsf__re set = { .kind = CLSF__RE_CLASS };
	switch (c | 0x20) {
	case 'd':
		set_add(&set, '0', '9');
		break;
	case 's':
		set_add(&set, '\t', '\r');
		set_add(&set, ' ', ' ');
		break;
	case 'w':
		set_add(&set, '0', '9');
		set_add(&set, 'A', 'Z');
		set_add(&set, 'a', 'z');
		set_add(&set, '_', '_');
		break;
	case 'h':
		set_add(&set, '\t', '\t');
		set_add(&set, ' ', ' ');
		set_add(&set, 0xa0, 0xa0);
		break;
	case 'v':
		set_add(&set, '\n', '\r');
		set_add(&set, 0x85, 0x85);
		break;
	default:
		return false;
	}
	if (!(c & 0x20))
		set_invert(&set);
	for (unsigned i = 0; i < 32; i++)
		node->set[i] |= set.set[i];
	return true;
}

static int hex_value(unsigned c)
{
	if (c >= '0' && c <= '9')
		return (int)(c - '0');
	if (is_letter(c) && (c | 0x20) <= 'f')
		return (int)((c | 0x20) - 'a' + 10);
	return -1;
}

/* Digits of `base` up to `most`; in braces if `braced`. */
static unsigned long read_number(struct reader *r, unsigned base, unsigned most, bool braced)
{
	unsigned long value = 0;
	if (braced)
		r->at++;
	for (unsigned n = 0; r->at < r->end && (braced || n < most); n++) {
		int digit = hex_value(*r->at);
		if (digit < 0 || (unsigned)digit >= base)
			break;
		value = value * base + (unsigned)digit;
		if (value > 0x10ffff)
			value = 0x10ffff;
		r->at++;
	}
	if (braced && r->at < r->end && *r->at == '}')
		r->at++;
	return value;
}

/* A character that an escape names, or -1. `at` stands behind the letter. */
static long escaped_character(struct reader *r, unsigned c)
{
	bool braced = r->at < r->end && *r->at == '{';
	switch (c) {
	case 'a':
		return 7;
	case 'e':
		return 0x1b;
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case '0':
		return (long)read_number(r, 8, 2, false);
	case 'x':
		return (long)read_number(r, 16, 2, braced);
	case 'o':
		return braced ? (long)read_number(r, 8, 0, true) : -1;
	default:
		return is_letter(c) || (c >= '1' && c <= '9') ? -1 : (long)c;
	}
}

static void skip_delimited(struct reader *r)
{
	if (r->at >= r->end)
		return;
	unsigned close = *r->at == '{' ? '}' : *r->at == '<' ? '>' : *r->at == '\'' ? '\'' : 0;
	if (!close) {
		while (r->at < r->end && (*r->at == '-' || *r->at == '+' ||
					  (*r->at >= '0' && *r->at <= '9')))
			r->at++;
		return;
	}
	r->at++;
	while (r->at < r->end && *r->at != close)
		r->at++;
	if (r->at < r->end)
		r->at++;
}

/* The character whose first byte was read: in UTF mode all its bytes are one atom. */
static struct clsf__re *character(struct reader *r, unsigned c)
{
	if (!r->utf || c < 0x80)
		return literal(r, c);
	const unsigned char *start = r->at - 1;
	while (r->at < r->end && (*r->at & 0xc0) == 0x80)
		r->at++;
	if (r->nocase)
		return doubtful(r, CLSF__RE_ANY);
	struct clsf__re *node = new_node(r, CLSF__RE_LITERAL);
	if (!node)
		return NULL;
	node->length = (size_t)(r->at - start);
	node->text = clsf__arena_strndup(r->arena, (const char *)start, node->length);
	if (!node->text)
		r->no_memory = true;
	return node;
}

static struct clsf__re *read_quoted(struct reader *r)
{
	struct clsf__re *cat = new_node(r, CLSF__RE_CAT);
	while (cat && r->at < r->end) {
		if (r->at[0] == '\\' && r->end - r->at > 1 && r->at[1] == 'E') {
			r->at += 2;
			break;
		}
		unsigned c = *r->at++;
		append(cat, character(r, c));
	}
	return cat;
}

static struct clsf__re *read_escape(struct reader *r)
{
	if (r->at >= r->end)
		return give_up(r);
	unsigned c = *r->at++;
	switch (c) {
	case 'b': case 'B': case 'A': case 'z': case 'Z': case 'G': case 'K':
		return doubtful(r, CLSF__RE_EMPTY);
	case 'E':
		return new_node(r, CLSF__RE_EMPTY);
	case 'Q':
		/*
		 * "\Qabc\E+" repeats only the c; a quantifier applied to the
		 * whole accepts less, so quoted text is split by the caller's
		 * loop only when nothing follows that could be a quantifier.
		 */
		{
			struct clsf__re *quoted = read_quoted(r);
			if (r->at < r->end && strchr("*+?{", *r->at))
				return give_up(r);
			return quoted;
		}
	case 'd': case 'D': case 's': case 'S': case 'w': case 'W':
	case 'h': case 'H': case 'v': case 'V': {
		if (r->utf && (c < 'a' || c == 'h' || c == 'v'))
			return doubtful(r, CLSF__RE_ANY);
		struct clsf__re *node = new_node(r, CLSF__RE_CLASS);
		if (node)
			add_named_set(node, c);
		return node;
	}
	case 'N': {
		if (r->utf || (r->at < r->end && *r->at == '{'))
			return give_up(r);
		struct clsf__re *node = new_node(r, CLSF__RE_CLASS);
		if (node) {
			set_add(node, '\n', '\n');
			set_invert(node);
		}
		return node;
	}
	case 'p': case 'P':
		if (r->at < r->end && *r->at == '{')
			skip_delimited(r);
		else if (r->at < r->end)
			r->at++;
		return doubtful(r, CLSF__RE_ANY);
	case 'R': case 'X': case 'C':
		return doubtful(r, CLSF__RE_ANY);
	case 'g': case 'k':
		skip_delimited(r);
		return doubtful(r, CLSF__RE_ANY);
	case 'c':
		if (r->at < r->end)
			r->at++;
		return doubtful(r, CLSF__RE_ANY);
	default:
		break;
	}
	if (c >= '1' && c <= '9') {
		/* A back-reference or an octal code: which, depends on the groups. */
		while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
			r->at++;
		return doubtful(r, CLSF__RE_ANY);
	}
	long value = escaped_character(r, c);
	return value < 0 ? give_up(r) : code_point(r, (unsigned long)value);
}

/* `at` stands behind "[". */
static struct clsf__re *read_class(struct reader *r)
{
	struct clsf__re *node = new_node(r, CLSF__RE_CLASS);
	if (!node)
		return NULL;
	bool inverted = false, wide = false, first = true;
	if (r->at < r->end && *r->at == '^') {
		inverted = true;
		r->at++;
	}
	for (;; first = false) {
		if (r->at >= r->end)
			return give_up(r);
		unsigned c = *r->at++;
		if (c == ']' && !first)
			break;
		if (c == '[' && r->at < r->end && strchr(":.=", *r->at))
			return give_up(r);          /* [:alpha:] and friends: rare, see below */
		long low = (long)c;
		if (c == '\\') {
			if (r->at >= r->end)
				return give_up(r);
			c = *r->at++;
			if (c == 'b') {
				low = 8;
			} else if (add_named_set(node, c)) {
				wide = wide || r->utf;
				continue;
			} else if (c == 'Q' || c == 'E' || c == 'p' || c == 'P' || c == 'N' ||
				   c == 'R' || c == 'X' || c == 'c') {
				return give_up(r);
			} else if (c >= '1' && c <= '7') {
				r->at--;
				low = (long)read_number(r, 8, 3, false);
			} else {
				low = escaped_character(r, c);
				if (low < 0)
					return give_up(r);
			}
		}
		long high = low;
		if (r->end - r->at > 1 && r->at[0] == '-' && r->at[1] != ']') {
			const unsigned char *before = r->at;
			r->at++;
			c = *r->at++;
			high = (long)c;
			if (c == '[' && r->at < r->end && strchr(":.=", *r->at))
				return give_up(r);
			if (c == '\\') {
				if (r->at >= r->end)
					return give_up(r);
				c = *r->at++;
				struct clsf__re probe = { .kind = CLSF__RE_CLASS };
				if (c >= '1' && c <= '7') {
					r->at--;
					high = (long)read_number(r, 8, 3, false);
				} else {
					high = c == 'b' ? 8 : escaped_character(r, c);
				}
				if (high < 0 && !add_named_set(&probe, c))
					return give_up(r);
				if (high < 0) {     /* [a-\d]: the hyphen stands for itself */
					r->at = before;
					high = low;
				}
			}
			if (high < low)
				return give_up(r);
		}
		if (high > 0x7f && (r->utf || high > 0xff))
			wide = true;
		set_add(node, (unsigned)low, (unsigned)high);
	}
	if (r->nocase) {
		if (r->utf)
			wide = true;
		for (unsigned c = 'a'; c <= 'z'; c++) {
			unsigned upper = c - 'a' + 'A';
			if (clsf__re_set_has(node, c) || clsf__re_set_has(node, upper)) {
				set_add(node, c, c);
				set_add(node, upper, upper);
			}
		}
	}
	if (inverted)
		set_invert(node);
	if (wide || (inverted && r->utf))
		return doubtful(r, CLSF__RE_ANY);
	return node;
}

/* Skips a group whose inside does not matter; `at` stands inside it. */
static void skip_group(struct reader *r)
{
	bool nocase = r->nocase, dotall = r->dotall;
	r->depth++;
	read_alternatives(r);
	r->depth--;
	r->nocase = nocase;
	r->dotall = dotall;
	if (r->at < r->end)
		r->at++;
}

/* Option letters as in (?i-s). False when one changes how to read on. */
static bool read_options(struct reader *r)
{
	bool on = true;
	for (; r->at < r->end; r->at++) {
		switch (*r->at) {
		case '^':
			r->nocase = r->dotall = false;
			break;
		case '-':
			on = false;
			break;
		case 'i':
			r->nocase = on;
			break;
		case 's':
			r->dotall = on;
			break;
		case 'm': case 'J': case 'U': case 'n':
			break;
		default:
			return *r->at == ')' || *r->at == ':';
		}
	}
	return false;
}

/* `at` stands behind "(". */
static struct clsf__re *read_group(struct reader *r)
{
	bool nocase = r->nocase, dotall = r->dotall, drop = false;
	if (r->at < r->end && *r->at == '*')
		return give_up(r);
	if (r->at < r->end && *r->at == '?') {
		r->at++;
		unsigned c = r->at < r->end ? *r->at++ : 0;
		unsigned next = r->at < r->end ? *r->at : 0;
		switch (c) {
		case ':':
			break;
		case '|':
			break;
		case '>':
			r->context_free = false;
			break;
		case '#':
			while (r->at < r->end && *r->at != ')')
				r->at++;
			if (r->at < r->end)
				r->at++;
			return new_node(r, CLSF__RE_EMPTY);
		case '=': case '!': case '*':
			drop = true;
			break;
		case '<':
			if (next == '=' || next == '!' || next == '*') {
				r->at++;
				drop = true;
				break;
			}
			r->at--;
			skip_delimited(r);
			break;
		case '\'':
			r->at--;
			skip_delimited(r);
			break;
		case 'P':
			if (next == '<') {
				skip_delimited(r);
				break;
			}
			/* (?P=name) and (?P>name) */
			skip_group(r);
			return doubtful(r, CLSF__RE_ANY);
		case '(':
			return give_up(r);
		case 'R': case '&': case '+': case '0': case '1': case '2': case '3': case '4':
		case '5': case '6': case '7': case '8': case '9':
			skip_group(r);
			return doubtful(r, CLSF__RE_ANY);
		case '-':
			if (next >= '0' && next <= '9') {
				skip_group(r);
				return doubtful(r, CLSF__RE_ANY);
			}
			/* fall through */
		default:
			r->at--;
			if (!read_options(r))
				return give_up(r);
			if (*r->at == ')') {
				/* Holds to the end of the enclosing group; read_alternatives() of it restores. */
				r->at++;
				return new_node(r, CLSF__RE_EMPTY);
			}
			r->at++;
			break;
		}
	}
	if (drop) {
		skip_group(r);
		return doubtful(r, CLSF__RE_EMPTY);
	}
	r->depth++;
	struct clsf__re *inside = read_alternatives(r);
	r->depth--;
	r->nocase = nocase;
	r->dotall = dotall;
	if (r->at < r->end)
		r->at++;
	return inside;
}

static struct clsf__re *read_atom(struct reader *r)
{
	unsigned c = *r->at++;
	switch (c) {
	case '(':
		return read_group(r);
	case '[':
		return read_class(r);
	case '\\':
		return read_escape(r);
	case '^': case '$':
		return doubtful(r, CLSF__RE_EMPTY);
	case '.': {
		if (r->utf)
			return doubtful(r, CLSF__RE_ANY);
		struct clsf__re *node = new_node(r, CLSF__RE_CLASS);
		if (node) {
			if (!r->dotall)
				set_add(node, '\n', '\n');
			set_invert(node);
		}
		return node;
	}
	default:
		return character(r, c);
	}
}

/* {2}, {2,}, {2,5}; also {,5}, which is a quantifier only from PCRE2 10.43 on. */
static bool read_braces(struct reader *r, uint32_t *min, uint32_t *max)
{
	const unsigned char *p = r->at + 1;
	unsigned long low = 0, high = 0;
	bool has_low = false, has_high = false, comma = false;
	for (; p < r->end && *p >= '0' && *p <= '9' && low < 100000; p++, has_low = true)
		low = low * 10 + (*p - '0');
	if (p < r->end && *p == ',') {
		comma = true;
		p++;
		for (; p < r->end && *p >= '0' && *p <= '9' && high < 100000; p++, has_high = true)
			high = high * 10 + (*p - '0');
	}
	if (p >= r->end || *p != '}' || !has_low)
		return false;
	*min = (uint32_t)low;
	*max = has_high ? (uint32_t)high : comma ? CLSF__RE_UNBOUNDED : (uint32_t)low;
	r->at = p + 1;
	return true;
}

/* Comments and a \\E without \\Q: nothing at all, a quantifier behind them is of what stands before. */
static void skip_nothing(struct reader *r)
{
	for (;;) {
		if (r->end - r->at > 1 && r->at[0] == '\\' && r->at[1] == 'E') {
			r->at += 2;
		} else if (r->end - r->at > 3 && r->at[0] == '\\' && r->at[1] == 'Q' && r->at[2] == '\\' && r->at[3] == 'E') {
			r->at += 4;
		} else if (r->end - r->at > 2 && memcmp(r->at, "(?#", 3) == 0) {
			const unsigned char *close = memchr(r->at, ')', (size_t)(r->end - r->at));
			r->at = close ? close + 1 : r->end;
		} else {
			return;
		}
	}
}

static struct clsf__re *read_repeated(struct reader *r)
{
	const unsigned char *begin = r->at;
	struct clsf__re *atom = read_atom(r);
	bool quoted = r->at - begin >= 2 && begin[0] == '\\' && begin[1] == 'Q';
	skip_nothing(r);
	if (quoted && r->at < r->end && strchr("*+?{", *r->at))
		return give_up(r);
	for (;;) {
		uint32_t min = 0, max = CLSF__RE_UNBOUNDED;
		if (r->at >= r->end || !atom)
			return atom;
		if (*r->at == '*') {
			r->at++;
		} else if (*r->at == '+') {
			min = 1;
			r->at++;
		} else if (*r->at == '?') {
			max = 1;
			r->at++;
		} else if (*r->at != '{') {
			return atom;
		} else if (!read_braces(r, &min, &max)) {
			/* "{,5}" and "{ 2 }" mean one thing before 10.43 and another after it. */
			if (r->end - r->at > 1 && strchr(", 0123456789", r->at[1]))
				return give_up(r);
			return atom;
		}
		if (r->at < r->end && *r->at == '+') {
			r->context_free = false;
			r->at++;
		} else if (r->at < r->end && *r->at == '?') {
			r->at++;
		}
		struct clsf__re *repeat = new_node(r, CLSF__RE_REPEAT);
		if (!repeat)
			return NULL;
		repeat->min = min;
		repeat->max = max;
		append(repeat, atom);
		atom = repeat;
	}
}

static struct clsf__re *read_sequence(struct reader *r)
{
	struct clsf__re *cat = new_node(r, CLSF__RE_CAT);
	while (cat && r->at < r->end && *r->at != '|' && *r->at != ')' && !r->no_memory)
		append(cat, read_repeated(r));
	return cat;
}

static struct clsf__re *read_alternatives(struct reader *r)
{
	if (r->depth > MAX_DEPTH)
		return give_up(r);
	bool nocase = r->nocase, dotall = r->dotall;
	struct clsf__re *first = read_sequence(r);
	struct clsf__re *alternatives = NULL;
	while (r->at < r->end && *r->at == '|' && !r->no_memory) {
		r->at++;
		if (!alternatives) {
			alternatives = new_node(r, CLSF__RE_ALT);
			if (!alternatives)
				return NULL;
			append(alternatives, first);
		}
		append(alternatives, read_sequence(r));
	}
	r->nocase = nocase;
	r->dotall = dotall;
	return alternatives ? alternatives : first;
}

bool clsf__re_parse(struct clsf__arena *arena, const char *pattern, size_t length, bool utf,
                    struct clsf__re_tree *ret_tree)
{
	struct reader r = {
		.arena = arena,
		.at = (const unsigned char *)pattern,
		.end = (const unsigned char *)pattern + length,
		.utf = utf,
		.context_free = true,
	};
	/* (*UTF) and the newline conventions stand first; others change too much to guess. */
	while (r.end - r.at > 2 && r.at[0] == '(' && r.at[1] == '*') {
		const unsigned char *close = memchr(r.at, ')', (size_t)(r.end - r.at));
		if (!close || close - r.at != 5 || memcmp(r.at, "(*UTF", 5) != 0) {
			give_up(&r);
			break;
		}
		r.at = close + 1;
	}
	struct clsf__re *root = read_alternatives(&r);
	/* A ")" left over means that the reading went astray. */
	if (r.at < r.end || r.give_up) {
		r.context_free = false;
		root = new_node(&r, CLSF__RE_ANY);
	}
	if (r.no_memory || !root)
		return false;
	*ret_tree = (struct clsf__re_tree){ .root = root, .context_free = r.context_free };
	return true;
}
