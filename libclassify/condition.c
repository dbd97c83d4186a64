/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of more than one line. A condition is fed the terms that hit a
 * line, in the order of lines, and keeps a few words of state per rule: line
 * numbers, 0 for "not yet". It never looks at text, so it is the same however
 * the log was cut.
 *
 * all:       newest line of each child; holds when all are within the window.
 * sequence:  for each prefix, the latest line on which it could have begun;
 *            holds when the last child comes within the window of the first.
 *            Two terms of a sequence never share a line.
 * count:     the newest `count` lines in a ring.
 * After it held, a condition starts anew, so that matches do not overlap.
 */

#include <string.h>

#include "stream.h"

struct evaluation {
	const struct clsf__rule *rule;
	uint64_t *words;
	uint64_t terms;
	uint64_t line;
	uint64_t oldest;             /* of the node that was asked last, if it holds */
};

/* Is `then` no more than the window before the line at hand? */
static bool within(const struct evaluation *x, const struct clsf__node *node, uint64_t then)
{
	return then && (node->within == 0 || x->line - then <= node->within);
}

static bool evaluate(struct evaluation *x, uint32_t index);

static bool evaluate_all(struct evaluation *x, const struct clsf__node *node)
{
	uint64_t *newest = x->words + node->state;
	uint64_t oldest = x->line;
	bool now = false, held = true;
	for (uint32_t c = node->first_child, i = 0; i < node->n_children; i++, c = x->rule->nodes[c].next) {
		if (evaluate(x, c)) {
			newest[i] = x->line;
			now = true;
		}
		held = held && within(x, node, newest[i]);
		oldest = newest[i] < oldest ? newest[i] : oldest;
	}
	held = held && now;
	x->oldest = oldest;
	if (held)
		memset(newest, 0, node->n_children * sizeof(*newest));
	return held;
}

static bool evaluate_sequence(struct evaluation *x, const struct clsf__node *node)
{
	uint64_t *begun = x->words + node->state;
	uint64_t now = 0;            /* bit i: child i holds on this line */
	for (uint32_t c = node->first_child, i = 0; i < node->n_children; i++, c = x->rule->nodes[c].next)
		if (evaluate(x, c))
			now |= UINT64_C(1) << (i & 63);
	/* From the last to the first, so that a line moves each prefix on by one term only. */
	for (uint32_t i = node->n_children; i-- > 0;) {
		if (!(now >> (i & 63) & 1))
			continue;
		if (i == 0) {
			begun[0] = x->line;
		} else if (within(x, node, begun[i - 1])) {
			begun[i] = begun[i - 1];
			if (i + 1 == node->n_children) {
				x->oldest = begun[i];
				memset(begun, 0, node->n_children * sizeof(*begun));
				return true;
			}
		}
	}
	x->oldest = x->line;
	return node->n_children == 1 && begun[0] == x->line;
}

static bool evaluate_count(struct evaluation *x, const struct clsf__node *node)
{
	if (!evaluate(x, node->first_child))
		return false;
	uint64_t *ring = x->words + node->state + 2;
	uint64_t *next = &x->words[node->state], *filled = &x->words[node->state + 1];
	ring[*next] = x->line;
	*next = (*next + 1) % node->count;
	if (*filled < node->count)
		(*filled)++;
	/* The slot that comes next holds the oldest line once the ring is full. */
	if (*filled < node->count || !within(x, node, ring[*next]))
		return false;
	x->oldest = ring[*next];
	*next = *filled = 0;
	return true;
}

static bool evaluate(struct evaluation *x, uint32_t index)
{
	const struct clsf__node *node = &x->rule->nodes[index];
	switch (node->kind) {
	case CLSF__COND_TERM:
		x->oldest = x->line;
		return x->terms >> node->term & 1;
	case CLSF__COND_ANY: {
		/* Every child is asked: each may have state to keep. */
		bool held = false;
		uint64_t oldest = x->line;
		for (uint32_t c = node->first_child, i = 0; i < node->n_children;
		     i++, c = x->rule->nodes[c].next) {
			if (evaluate(x, c)) {
				held = true;
				oldest = x->oldest < oldest ? x->oldest : oldest;
			}
		}
		x->oldest = oldest;
		return held;
	}
	case CLSF__COND_ALL:
		return evaluate_all(x, node);
	case CLSF__COND_SEQUENCE:
		return evaluate_sequence(x, node);
	case CLSF__COND_COUNT:
		return evaluate_count(x, node);
	}
	return false;
}

bool clsf__condition(const struct clsf__rule *rule, uint64_t *words, uint64_t terms, uint64_t line,
                     uint64_t *ret_oldest)
{
	struct evaluation x = { rule, words, terms, line, line };
	bool held = evaluate(&x, 0);
	*ret_oldest = x.oldest;
	return held;
}
