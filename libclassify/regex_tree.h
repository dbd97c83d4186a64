/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_REGEX_TREE_H
#define CLSF_REGEX_TREE_H

/*
 * A loose reading of PCRE2 syntax, for the filter only.
 *
 * The tree accepts at least every line that the expression accepts (a
 * superset): zero-width assertions become empty, what the reader does not
 * understand becomes "any string". PCRE2 itself stays the judge of syntax and
 * of matches, so a loose tree costs speed, never an answer. Expressions are
 * given to it only after PCRE2 compiled them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

enum clsf__re_kind {
	CLSF__RE_EMPTY,      /* the empty string */
	CLSF__RE_LITERAL,    /* `text`, letters in either case if `nocase` */
	CLSF__RE_CLASS,      /* one byte of `set` */
	CLSF__RE_ANY,        /* any string within a line, possibly empty */
	CLSF__RE_CAT,        /* the children one after the other */
	CLSF__RE_ALT,        /* one of the children */
	CLSF__RE_REPEAT,     /* the child, `min` to `max` times */
};

#define CLSF__RE_UNBOUNDED UINT32_MAX

struct clsf__re {
	enum clsf__re_kind kind;
	bool nocase;
	uint32_t min, max;
	const char *text;
	size_t length;
	uint8_t set[32];
	struct clsf__re *child;
	struct clsf__re *last;
	struct clsf__re *next;
};

struct clsf__re_tree {
	struct clsf__re *root;
	/*
	 * What the expression matches inside a part of a line it also matches
	 * in the whole line: no anchors, no lookaround, nothing atomic, nothing
	 * that was not understood.
	 */
	bool context_free;
};

/*
 * Reads `pattern`. `utf`: PCRE2_UTF is set, so that a character is up to four
 * bytes. Memory comes from `arena`. False only when memory is out.
 */
bool clsf__re_parse(struct clsf__arena *arena, const char *pattern, size_t length, bool utf,
                    struct clsf__re_tree *ret_tree);

static inline bool clsf__re_set_has(const struct clsf__re *node, unsigned byte)
{
	return node->set[byte >> 3] >> (byte & 7) & 1;
}

#endif
