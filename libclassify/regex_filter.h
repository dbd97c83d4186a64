/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_REGEX_FILTER_H
#define CLSF_REGEX_FILTER_H

/*
 * What the engine may look for in place of an expression: literals of which
 * one stands in every line that the expression matches, or a relaxed
 * expression that matches at least those lines.
 *
 * The choice of literals follows the way of RE2's prefilter (exact sets
 * multiplied along a concatenation, the best set kept); how we differ: sets
 * are weighed by how rare their strings are in logs, not by length alone.
 */

#include <stdbool.h>
#include <stddef.h>

#include "memory.h"
#include "regex_tree.h"

#define CLSF__MAX_LITERALS 48       /* of one expression */
#define CLSF__MAX_LITERAL_LENGTH 64 /* bytes; longer ones are cut, which accepts more */

struct clsf__literal {
	const char *text;
	size_t length;
	bool nocase;
};

struct clsf__literals {
	size_t n;                    /* 0: there is no usable set */
	struct clsf__literal *item;
	double bits;                 /* about -log2 of the chance to meet one at a given byte */
	struct clsf__literal companion; /* another one that every match holds, where there is one literal; or empty */
};

/*
 * Splits an expression that is a choice of alternatives: each of them is then
 * looked for on its own, as what suits it best. Returns how many there are, 1
 * for an expression that is no choice or one of more than `most`; trees[0] is
 * then the whole.
 */
size_t clsf__re_alternatives(const struct clsf__re_tree *tree, struct clsf__re_tree *trees, size_t most);

/*
 * Where a literal is best cut off at its end for a search that looks at the
 * last bytes first: the ends of literals are much alike ("failed", "not
 * found"), and what is left is still telling.
 */
size_t clsf__literal_cut(const struct clsf__literal *literal);

/*
 * The text that an expression is, if it is nothing but text: printable ASCII,
 * with signs escaped or between \Q and \E. Such an expression matches where
 * its text stands and nowhere else. False when it is more; `text` has room for
 * `length` bytes.
 */
bool clsf__re_plain(const char *pattern, size_t length, char *text, size_t *ret_length);

/*
 * The best set of required literals, each of which stands on one line also
 * where the expression reaches `over_lines`. False only when memory is out.
 */
bool clsf__re_literals(struct clsf__arena *arena, const struct clsf__re_tree *tree, bool over_lines,
                       struct clsf__literals *ret_literals);

/* Takes this one in their place, if it is rarer; the text is borrowed. False only when memory is out. */
bool clsf__re_prefer_literal(struct clsf__arena *arena, const char *text, size_t length,
                             struct clsf__literals *literals);

/*
 * Appends the relaxed expression in the syntax of Hyperscan. It holds no
 * anchor, no assertion, no back-reference and never matches a newline.
 * Returns false when there is none to be had (it could match the empty
 * string, or would be too large).
 */
bool clsf__re_relax(const struct clsf__re_tree *tree, struct clsf__buffer *out);

#endif
