/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matches that wait: a line to come may still excuse them. They are looked at
 * when a line has hits, and at the end of the log, and at no other time, so
 * that what becomes of them, and in which order, does not depend on how the
 * log was cut into blocks.
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
	struct clsf_line line = {
		.number = e->line, .offset = e->offset, .length = e->length,
		.text = e->data.data, .text_length = e->text_length,
	};
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

/* Did an `unless` of the rule hit the line at hand, in its range around the match? */
static bool is_excused(struct clsf_stream *s, const struct clsf_worker *w, const struct clsf__pending *p,
                       const struct clsf__moment *now)
{
	const struct clsf__rule *rule = s->ruleset->rules[p->rule];
	for (size_t i = 0; i < w->n_hits; i++) {
		const struct clsf__hit *hit = &w->hits[i];
		if (hit->rule == p->rule && hit->term >= rule->n_terms &&
		    clsf__unless_covers(&rule->unless[hit->term - rule->n_terms], &p->held, now, &s->remarks))
			return true;
	}
	return false;
}

static bool is_open(struct clsf_stream *s, const struct clsf__pending *p, const struct clsf__moment *now)
{
	const struct clsf__rule *rule = s->ruleset->rules[p->rule];
	for (size_t i = 0; i < rule->n_unless; i++)
		if (!rule->unless[i].same_line && clsf__unless_open(&rule->unless[i], &p->held, now, &s->remarks))
			return true;
	return false;
}

int clsf__pending_pass(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line)
{
	const struct clsf__moment *now = clsf__line_moment(s, w, line);
	for (size_t i = 0; i < s->n_waiting;) {
		if (is_excused(s, w, s->waiting[i], now)) {
			drop(s, i);
		} else if (!is_open(s, s->waiting[i], now)) {
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
