/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `unless` with a range: what excuses a match from lines before or after it.
 * Of lines that hit it, the newest are kept in a ring; a match whose range
 * reaches beyond the line that completed it waits (pending.c).
 */

#include "condition.h"

/* The ring of an `unless`: its first moment is the hand. */
static size_t ring_place(const struct clsf__rule *rule, size_t index)
{
	size_t at = rule->unless_moments;
	for (size_t i = 0; i < index; i++)
		at += rule->unless[i].same_line ? 0 : 1 + CLSF__UNLESS_RING;
	return at;
}

void clsf__unless_note(const struct clsf__rule *rule, struct clsf__moment *moments, size_t index,
                       const struct clsf__moment *now)
{
	struct clsf__moment *hand = moments + ring_place(rule, index);
	hand[1 + hand->line] = *now;
	hand->line = (hand->line + 1) % CLSF__UNLESS_RING;
}

/* How far a line is from the anchor. True: *ret_distance is in ns, else in lines. */
static bool distance(const struct clsf__unless *u, const struct clsf__held *held, const struct clsf__moment *line,
                     struct clsf__remarks *remarks, int64_t *ret_distance, int64_t *ret_span)
{
	const struct clsf__moment *first = &held->at[0], *last = &held->at[held->n - 1];
	const struct clsf__moment *anchor = u->anchor < held->n ? &held->at[u->anchor] : last;
	*ret_span = 0;
	if (u->timed) {
		if (clsf__time_between(&anchor->time, &line->time, ret_distance) &&
		    (!u->spans || clsf__time_between(&first->time, &last->time, ret_span)))
			return true;
		remarks->no_timestamps = true;
	}
	*ret_distance = (int64_t)line->line - (int64_t)anchor->line;
	*ret_span = u->spans ? (int64_t)(last->line - first->line) : 0;
	return false;
}

/* Is the line on the inner side of this end of the range? */
static bool inside(const struct clsf__unless *u, bool upper, const struct clsf__held *held,
                   const struct clsf__moment *line, struct clsf__remarks *remarks)
{
	const uint64_t here = held->at[held->n - 1].line;
	int64_t d, span;
	switch (upper ? u->upper : u->lower) {
	case CLSF__BOUND_OPEN:
		return true;
	case CLSF__BOUND_HERE:
		return upper ? line->line <= here : line->line >= here;
	case CLSF__BOUND_AT: {
		bool timed = distance(u, held, line, remarks, &d, &span);
		return upper ? d <= (timed ? u->upper_ns : u->upper_lines) + span
		             : d >= (timed ? u->lower_ns : u->lower_lines);
	}
	}
	return false;
}

bool clsf__unless_covers(const struct clsf__unless *u, const struct clsf__held *held,
                         const struct clsf__moment *line, struct clsf__remarks *remarks)
{
	return inside(u, false, held, line, remarks) && inside(u, true, held, line, remarks);
}

bool clsf__unless_open(const struct clsf__unless *u, const struct clsf__held *held,
                       const struct clsf__moment *now, struct clsf__remarks *remarks)
{
	return u->upper != CLSF__BOUND_HERE && inside(u, true, held, now, remarks);
}

bool clsf__unless_excuses(const struct clsf__rule *rule, const struct clsf__moment *moments,
                          const struct clsf__held *held, struct clsf__remarks *remarks)
{
	for (size_t i = 0; i < rule->n_unless; i++) {
		const struct clsf__unless *u = &rule->unless[i];
		if (u->same_line)
			continue;
		const struct clsf__moment *hand = moments + ring_place(rule, i), *ring = hand + 1;
		for (size_t k = 0; k < CLSF__UNLESS_RING; k++)
			if (ring[k].line && clsf__unless_covers(u, held, &ring[k], remarks))
				return true;
		/* The oldest that is known stands in the range's upper part, so an older one may have been in it. */
		const struct clsf__moment *oldest = &ring[hand->line];
		if (oldest->line && inside(u, false, held, oldest, remarks))
			remarks->forgotten = true;
	}
	return false;
}
