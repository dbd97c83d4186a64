/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_CONDITION_H
#define CLSF_CONDITION_H

/*
 * Conditions of more than one line, and what excuses their matches. They see
 * which terms hit which line, and never text, so they are the same however the
 * log was cut.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ruleset.h"
#include "timestamp.h"

/* A line that counted for a condition; its line is 0 for "not yet". */
struct clsf__moment {
	uint64_t line;
	struct clsf__time time;
};

/* A match of a condition: the lines that it took, in their order. */
struct clsf__held {
	size_t n;
	struct clsf__moment at[CLSF__MAX_CHILDREN];
	uint64_t oldest;             /* line of the first */
	bool complete;               /* these are all; else there may be more between them */
};

/* What decisions leave to be said. */
struct clsf__remarks {
	bool no_timestamps;          /* a window in time was taken in lines */
	bool forgotten;              /* more lines of an `unless` hit than are remembered */
};

/*
 * Gives every node, and every `unless` with a range, its place among the
 * moments, and sets rule->n_moments. False when those are more than
 * CLSF__MAX_MOMENTS.
 */
bool clsf__number_moments(struct clsf__rule *rule);

/*
 * Feeds the hits of one rule on one line (bit t of `terms`: term t) to its
 * condition. Returns whether it holds now, and if so what it took for that.
 */
bool clsf__condition(const struct clsf__rule *rule, struct clsf__moment *moments, uint64_t terms,
                     const struct clsf__moment *now, struct clsf__held *ret_held,
                     struct clsf__remarks *remarks);

/* Notes that `unless` number `index` of the rule hit a line. */
void clsf__unless_note(const struct clsf__rule *rule, struct clsf__moment *moments, size_t index,
                       const struct clsf__moment *now);

/* Is the line within the range in which this `unless` excuses the match? */
bool clsf__unless_covers(const struct clsf__unless *u, const struct clsf__held *held,
                         const struct clsf__moment *line, struct clsf__remarks *remarks);

/* Can a line from `now` on still be in that range? */
bool clsf__unless_open(const struct clsf__unless *u, const struct clsf__held *held,
                       const struct clsf__moment *now, struct clsf__remarks *remarks);

/* Does any line that was noted so far excuse the match? */
bool clsf__unless_excuses(const struct clsf__rule *rule, const struct clsf__moment *moments,
                          const struct clsf__held *held, struct clsf__remarks *remarks);

#endif
