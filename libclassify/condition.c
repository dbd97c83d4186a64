/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See condition.h. A condition is fed the terms that hit a line, in the order
 * of lines, and keeps moments per rule:
 *
 * all:       the newest of each child; holds when all are within the window.
 *            Children that share a term stand for as many lines of it.
 * sequence:  for each prefix, the lines of the latest one that could be
 *            completed; holds when the last child comes within the window of
 *            the first. Two children of a sequence never share a line.
 * count:     the newest `count` lines in a ring; the first moment is its hand.
 * After it held, a condition starts anew, so that matches do not overlap.
 */

#include "condition.h"

#include <stdlib.h>
#include <string.h>

struct evaluation {
	const struct clsf__rule *rule;
	struct clsf__moment *moments;
	uint64_t terms;
	struct clsf__moment now;
	struct clsf__moment oldest;  /* of the node that was asked last, if it holds */
	struct clsf__held *held;     /* of the root */
	struct clsf__remarks *remarks;
};

bool clsf__number_moments(struct clsf__rule *rule)
{
	uint32_t n = 0;
	for (size_t i = 0; i < rule->n_nodes; i++) {
		rule->nodes[i].state = n;
		n += clsf__node_moments(&rule->nodes[i]);
	}
	rule->unless_moments = n;
	for (size_t i = 0; i < rule->n_unless; i++)
		n += rule->unless[i].same_line ? 0 : 1 + CLSF__UNLESS_RING;
	rule->n_moments = n;
	return n <= CLSF__MAX_MOMENTS;
}

/* Is `then` no further off than the window? */
static bool within(struct evaluation *x, const struct clsf__node *node, const struct clsf__moment *then)
{
	const struct clsf__window *w = &node->within;
	if (!then->line)
		return false;
	if (node->same_line)
		return then->line == x->now.line;
	if (w->ns) {
		int64_t ns;
		if (clsf__time_between(&then->time, &x->now.time, &ns))
			return (ns < 0 ? -ns : ns) <= w->ns;
		x->remarks->no_timestamps = true;
	}
	return w->lines == 0 || x->now.line - then->line <= w->lines;
}

static bool evaluate(struct evaluation *x, uint32_t index);

static void clear(struct clsf__moment *m, size_t n)
{
	memset(m, 0, n * sizeof(*m));
}

static int by_line(const void *va, const void *vb)
{
	const struct clsf__moment *a = va, *b = vb;
	return (a->line > b->line) - (a->line < b->line);
}

/* Does the node take one line only when it holds? */
static bool is_of_one_line(const struct clsf__rule *rule, uint32_t index)
{
	const struct clsf__node *node = &rule->nodes[index];
	bool one = node->kind == CLSF__COND_TERM || node->kind == CLSF__COND_ANY || node->same_line;
	for (uint32_t c = node->first_child, i = 0; one && i < node->n_children; i++, c = rule->nodes[c].next)
		one = is_of_one_line(rule, c);
	return one;
}

/* The root holds: these are the lines that it took. */
static void keep_held(struct evaluation *x, uint32_t index, const struct clsf__moment *m, size_t n)
{
	if (index != 0 || n > CLSF__MAX_CHILDREN)
		return;
	memcpy(x->held->at, m, n * sizeof(*m));
	x->held->n = n;
	x->held->complete = true;
	const struct clsf__node *root = &x->rule->nodes[0];
	for (uint32_t c = root->first_child, i = 0; i < root->n_children; i++, c = x->rule->nodes[c].next)
		x->held->complete = x->held->complete && is_of_one_line(x->rule, c);
}

static bool evaluate_all(struct evaluation *x, uint32_t index)
{
	const struct clsf__node *node = &x->rule->nodes[index];
	struct clsf__moment *newest = x->moments + node->state;
	struct clsf__moment oldest = x->now;
	bool some = false, held = true;
	for (uint32_t c = node->first_child, i = 0; i < node->n_children; i++, c = x->rule->nodes[c].next) {
		const struct clsf__node *child = &x->rule->nodes[c];
		const struct clsf__node *next = i + 1 < node->n_children ? &x->rule->nodes[child->next] : NULL;
		bool again = next && child->kind == CLSF__COND_TERM && next->kind == CLSF__COND_TERM &&
		             child->term == next->term;
		if (evaluate(x, c)) {
			/* The same term once more: each line of it moves down one place. */
			newest[i] = again ? newest[i + 1] : x->oldest;
			some = true;
		}
		held = held && within(x, node, &newest[i]);
		if (newest[i].line < oldest.line)
			oldest = newest[i];
	}
	held = held && some;
	if (held) {
		keep_held(x, index, newest, node->n_children);
		if (index == 0)
			qsort(x->held->at, x->held->n, sizeof(x->held->at[0]), by_line);
		clear(newest, node->n_children);
	}
	x->oldest = oldest;
	return held;
}

/* Where the lines of the prefix that ends with child i stand. */
static struct clsf__moment *prefix(struct clsf__moment *state, uint32_t i)
{
	return state + (size_t)i * (i + 1) / 2;
}

static bool evaluate_sequence(struct evaluation *x, uint32_t index)
{
	const struct clsf__node *node = &x->rule->nodes[index];
	struct clsf__moment *state = x->moments + node->state;
	struct clsf__moment began = x->now;
	uint64_t now = 0;            /* bit i: child i holds on this line */
	for (uint32_t c = node->first_child, i = 0; i < node->n_children; i++, c = x->rule->nodes[c].next) {
		if (evaluate(x, c)) {
			now |= UINT64_C(1) << i;
			began = i ? began : x->oldest;
		}
	}
	/* From the last to the first, so that a line moves each prefix on by one term only. */
	for (uint32_t i = node->n_children; i-- > 0;) {
		if (!(now >> i & 1))
			continue;
		struct clsf__moment *own = prefix(state, i);
		if (i > 0) {
			const struct clsf__moment *before = prefix(state, i - 1);
			if (!within(x, node, &before[0]))
				continue;
			memcpy(own, before, i * sizeof(*own));
		}
		own[i] = i ? x->now : began;
		if (i + 1 == node->n_children) {
			x->oldest = own[0];
			keep_held(x, index, own, node->n_children);
			clear(state, clsf__node_moments(node));
			return true;
		}
	}
	return false;
}

static bool evaluate_count(struct evaluation *x, uint32_t index)
{
	const struct clsf__node *node = &x->rule->nodes[index];
	if (!evaluate(x, node->first_child))
		return false;
	/* The hand: which slot is next, and how many are filled. */
	struct clsf__moment *hand = x->moments + node->state, *ring = hand + 1;
	uint64_t next = hand->line, filled = (uint64_t)hand->time.ns;
	ring[next] = x->oldest;
	next = (next + 1) % node->count;
	filled += filled < node->count;
	hand->line = next;
	hand->time.ns = (int64_t)filled;
	/* The slot that comes next holds the oldest line once the ring is full. */
	if (filled < node->count || !within(x, node, &ring[next]))
		return false;
	x->oldest = ring[next];
	if (node->count <= CLSF__MAX_CHILDREN) {
		keep_held(x, index, ring, node->count);
		if (index == 0)
			qsort(x->held->at, x->held->n, sizeof(x->held->at[0]), by_line);
	}
	clear(hand, 1 + node->count);
	return true;
}

static bool evaluate_any(struct evaluation *x, uint32_t index)
{
	const struct clsf__node *node = &x->rule->nodes[index];
	/* Every child is asked: each may have state to keep. */
	bool held = false;
	struct clsf__moment oldest = x->now;
	for (uint32_t c = node->first_child, i = 0; i < node->n_children; i++, c = x->rule->nodes[c].next) {
		if (!evaluate(x, c))
			continue;
		held = true;
		if (x->oldest.line < oldest.line)
			oldest = x->oldest;
	}
	x->oldest = oldest;
	return held;
}

static bool evaluate(struct evaluation *x, uint32_t index)
{
	const struct clsf__node *node = &x->rule->nodes[index];
	switch (node->kind) {
	case CLSF__COND_TERM:
		x->oldest = x->now;
		return x->terms >> node->term & 1;
	case CLSF__COND_ANY:
		return evaluate_any(x, index);
	case CLSF__COND_ALL:
		return evaluate_all(x, index);
	case CLSF__COND_SEQUENCE:
		return evaluate_sequence(x, index);
	case CLSF__COND_COUNT:
		return evaluate_count(x, index);
	}
	return false;
}

bool clsf__condition(const struct clsf__rule *rule, struct clsf__moment *moments, uint64_t terms,
                     const struct clsf__moment *now, struct clsf__held *ret_held,
                     struct clsf__remarks *remarks)
{
	struct evaluation x = {
		.rule = rule, .moments = moments, .terms = terms, .now = *now, .oldest = *now,
		.held = ret_held, .remarks = remarks,
	};
	ret_held->n = 0;
	ret_held->complete = false;
	if (!evaluate(&x, 0))
		return false;
	if (ret_held->n == 0) {
		ret_held->at[ret_held->n++] = x.oldest;
		if (x.oldest.line != now->line)
			ret_held->at[ret_held->n++] = *now;
		ret_held->complete = ret_held->n == 1;
	}
	ret_held->oldest = x.oldest.line;
	return true;
}
