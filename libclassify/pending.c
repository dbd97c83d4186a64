/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matches that wait: a line to come may still excuse them. They are looked at
 * when a line has hits, and at the end of the log, and at no other time, so
 * that what becomes of them, and in which order, does not depend on how the
 * log was cut into blocks. A range in lines is over for good on any later line;
 * one in time is taken to be over only where the rule itself has hits, for
 * times may be missing or run backwards, and what other rules hit must not
 * decide.
 */

#include <string.h>

#include "stream.h"

/* Takes number i out of those that wait; its memory is kept for the next. */
static void drop(struct clsf_stream *s, size_t i)
{
	struct clsf__pending *p = s->waiting[i];
	clsf__evidence_clear(s, &p->told);
	s->n_waiting--;
	memmove(&s->waiting[i], &s->waiting[i + 1], (s->n_waiting - i) * sizeof(struct clsf__pending *));
	s->waiting[s->n_waiting] = p;
}

/* Nothing can excuse number i any more: it is a match. */
static int tell(struct clsf_stream *s, size_t i)
{
	struct clsf__pending *p = s->waiting[i];
	const struct clsf__evidence *e = &p->told;
	struct clsf_field fields[CLSF__MAX_CAPTURES];
	size_t n = e->n_fields < CLSF__MAX_CAPTURES ? e->n_fields : CLSF__MAX_CAPTURES;
	for (size_t k = 0; k < n; k++)
		fields[k] = (struct clsf_field){ e->fields[k].name, e->data.data + e->fields[k].at, e->fields[k].length };
	struct clsf_line line = clsf__evidence_line(e);
	int result = clsf__deliver(s, s->ruleset->rules[p->rule], &line, fields, n);
	int added = clsf__summary_add_pending(s, p);
	drop(s, i);
	return added ? added : result;
}

int clsf__pending_add(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line, uint32_t rule,
                      const struct clsf__held *held, const struct clsf_line *told,
                      const struct clsf_field *fields, size_t n_fields, uint64_t span)
{
	int result = 0;
	if (s->n_waiting == CLSF__MAX_PENDING) {
		s->pending_limit = true;
		result = tell(s, 0);
		if (result)
			return result;
	}
	if (s->n_waiting == s->waiting_allocated) {
		if (!clsf__grow(&s->allocator, &s->waiting, &s->waiting_capacity, s->waiting_allocated + 1,
		                sizeof(struct clsf__pending *)))
			return CLSF_E_NOMEM;
		struct clsf__pending *p = clsf__calloc(&s->allocator, 1, sizeof(*p));
		if (!p)
			return CLSF_E_NOMEM;
		clsf__evidence_init(&p->told, &s->allocator);
		s->waiting[s->waiting_allocated++] = p;
	}
	struct clsf__pending *p = s->waiting[s->n_waiting];
	p->rule = rule;
	p->line = line->number;
	p->episode = s->episode;
	p->held = *held;
	p->told.span = span;
	result = clsf__is_weak(s, w, line, &p->told.weak);
	if (result == 0)
		result = clsf__evidence_set(s, &p->told, told, fields, n_fields);
	if (result == 0)
		result = clsf__evidence_context(s, &p->told, line);
	if (result)
		clsf__evidence_clear(s, &p->told);
	else
		s->n_waiting++;
	return result;
}

/* The hits of the rule on the line at hand, which are sorted by rule. */
static const struct clsf__hit *own_hits(const struct clsf_worker *w, uint32_t rule, size_t *ret_n)
{
	size_t first = 0, n = 0;
	while (first < w->n_hits && w->hits[first].rule < rule)
		first++;
	while (first + n < w->n_hits && w->hits[first + n].rule == rule)
		n++;
	*ret_n = n;
	return &w->hits[first];
}

/* Did an `unless` of the rule hit the line at hand, in its range around the match? */
static bool is_excused(struct clsf_stream *s, const struct clsf__pending *p, const struct clsf__hit *hits, size_t n,
                       const struct clsf__moment *now)
{
	const struct clsf__rule *rule = s->ruleset->rules[p->rule];
	for (size_t i = 0; i < n; i++)
		if (hits[i].term >= rule->n_terms &&
		    clsf__unless_covers(&rule->unless[hits[i].term - rule->n_terms], &p->held, now, &s->remarks))
			return true;
	return false;
}

static bool is_open(struct clsf_stream *s, const struct clsf__pending *p, bool own, const struct clsf__moment *now)
{
	const struct clsf__rule *rule = s->ruleset->rules[p->rule];
	for (size_t i = 0; i < rule->n_unless; i++) {
		const struct clsf__unless *u = &rule->unless[i];
		bool undecided = u->timed && u->upper == CLSF__BOUND_AT && !own;
		if (!u->same_line && (undecided || clsf__unless_open(u, &p->held, now, &s->remarks)))
			return true;
	}
	return false;
}

int clsf__pending_pass(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line)
{
	for (size_t i = 0; i < s->n_waiting;) {
		const struct clsf__rule *rule = s->ruleset->rules[s->waiting[i]->rule];
		const struct clsf__moment *now = clsf__line_moment(s, w, line, rule);
		size_t n;
		const struct clsf__hit *hits = own_hits(w, s->waiting[i]->rule, &n);
		if (is_excused(s, s->waiting[i], hits, n, now)) {
			drop(s, i);
		} else if (!is_open(s, s->waiting[i], n > 0, now)) {
			int result = tell(s, i);
			if (result)
				return result;
		} else {
			i++;
		}
	}
	return 0;
}

int clsf__pending_finish(struct clsf_stream *s)
{
	int result = 0;
	while (result == 0 && s->n_waiting)
		result = tell(s, 0);
	return result;
}

void clsf__pending_reset(struct clsf_stream *s)
{
	while (s->n_waiting)
		drop(s, s->n_waiting - 1);
}

void clsf__pending_done(struct clsf_stream *s)
{
	for (size_t i = 0; i < s->waiting_allocated; i++) {
		clsf__evidence_done(s, &s->waiting[i]->told);
		clsf__free(&s->allocator, s->waiting[i]);
	}
	clsf__free(&s->allocator, s->waiting);
	s->waiting = NULL;
	s->waiting_allocated = s->waiting_capacity = 0;
}
