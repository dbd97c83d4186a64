/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge: PCRE2 on one line, for its candidates only. An expression hits a
 * line when it matches a message of it (captures come from there) or the raw
 * line; `unless` looks at all of these. Hits are then put together by rule and
 * given to the rule's condition; what holds is a match.
 */

#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "redact.h"
#include "stream.h"
#include "text.h"

/* Runs one expression on one text, noting what is not an answer. */
static enum clsf__run run_on(struct clsf_stream *s, struct clsf_worker *w,
                             const struct clsf__line *line, struct clsf__compiled *e,
                             const char *text, size_t length, uint64_t *ret_span)
{
	size_t start, end;
	uint64_t begun = clsf__now(w);
	enum clsf__run result = clsf__run(w->runner, e->code, text, length, &start, &end);
	if (w->costs) {
		struct clsf_cost *cost = &w->costs[e - w->ruleset->expressions];
		cost->judged++;
		cost->nanoseconds += clsf__now(w) - begun;
	}
	if (result == CLSF__RUN_MATCH)
		*ret_span = end > start ? end - start : 0;
	if (result == CLSF__RUN_LIMIT) {
		if (s->match_limits++ == 0) {
			s->first_limit_line = line->number;
			s->first_limit_rule = e->n_uses ? w->ruleset->uses[e->first_use].rule : UINT32_MAX;
		}
		return CLSF__RUN_NO_MATCH;
	}
	return result;
}

static bool is_raw(const struct clsf__message *m, const struct clsf__line *line)
{
	return !m->decoded && m->at == 0 && m->length == line->length;
}

/* Are all messages of the line parts of its raw text? */
static bool is_plain(struct clsf_worker *w, const struct clsf__line *line)
{
	if (w->plain < 0)
		w->plain = clsf__find_special(clsf__line_text(line), line->length, 0) == line->length;
	return w->plain;
}

bool clsf__unwrap_line(struct clsf_worker *w, const struct clsf__line *line)
{
	if (!w->unwrapped)
		w->unwrapped = clsf__unwrap(&w->messages, clsf__line_text(line), line->length);
	return w->unwrapped;
}

/*
 * Looks for the expression in the line. On a match *ret_text is the text in
 * which it matched; the runner still holds the captures.
 */
static enum clsf__run look(struct clsf_stream *s, struct clsf_worker *w,
                           const struct clsf__line *line, struct clsf__compiled *e,
                           const char **ret_text, uint64_t *ret_span)
{
	const char *raw = clsf__line_text(line);
	const struct clsf__messages *m = &w->messages;
	*ret_text = raw;
	if (s->options.no_unwrap)
		return run_on(s, w, line, e, raw, line->length, ret_span);
	/*
	 * Most candidates are no hits. An expression without context that does not
	 * match the raw line matches no part of it either: one call decides, before
	 * the line is even unwrapped.
	 */
	signed char *luck = &w->luck[e - w->ruleset->expressions];
	bool raw_first = e->context_free && (!e->captures || *luck <= 0) && is_plain(w, line);
	if (raw_first) {
		enum clsf__run result = run_on(s, w, line, e, raw, line->length, ret_span);
		/* What captures nothing is known now; where in the line it stands does not matter. */
		if (result != CLSF__RUN_MATCH || !e->captures)
			return result;
	}
	if (!clsf__unwrap_line(w, line))
		return CLSF__RUN_NOMEM;
	s->message_limit = s->message_limit || m->cut;
	for (size_t i = 0; i < m->n; i++) {
		if (is_raw(&m->item[i], line))
			continue;
		const char *text = clsf__message_text(m, raw, i);
		enum clsf__run result = run_on(s, w, line, e, text, m->item[i].length, ret_span);
		if (result != CLSF__RUN_NO_MATCH) {
			*ret_text = text;
			return result;
		}
	}
	/* The runner must hold the raw line's captures again, if another text was tried since. */
	if (raw_first && (m->n == 0 || (m->n == 1 && is_raw(&m->item[0], line))))
		return CLSF__RUN_MATCH;
	return run_on(s, w, line, e, raw, line->length, ret_span);
}

/* Copies the runner's captures to the worker's list. */
static bool keep_captures(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__compiled *e, const char *text,
                          uint32_t *ret_first, uint32_t *ret_n)
{
	struct clsf__capture captures[CLSF__MAX_CAPTURES];
	size_t n = clsf__captures(w->runner, e->code, captures);
	*ret_first = (uint32_t)w->n_fields;
	*ret_n = (uint32_t)n;
	if (!clsf__grow(&w->allocator, &w->fields, &w->fields_capacity, w->n_fields + n,
	                sizeof(*w->fields)))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t length = captures[i].end - captures[i].start;
		const char *value = text + captures[i].start;
		w->fields[w->n_fields++] = (struct clsf_field){
			.name = captures[i].name,
			.value = value,
			.length = clsf__cut(value, length, CLSF__MAX_FIELD),
		};
		s->capture_limit = s->capture_limit || length > CLSF__MAX_FIELD;
	}
	return true;
}

static int by_rule(const void *va, const void *vb)
{
	const struct clsf__hit *a = va, *b = vb;
	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	return (a->term > b->term) - (a->term < b->term);
}

/* Does the rule's `unless` hold on this line? */
static enum clsf__run excused(struct clsf_stream *s, struct clsf_worker *w,
                              const struct clsf__line *line, const struct clsf__rule *rule)
{
	if (!rule->has_unless)
		return CLSF__RUN_NO_MATCH;
	const char *text;
	uint64_t span;
	return look(s, w, line, &w->ruleset->expressions[rule->unless.expression], &text, &span);
}

/* Adds the hit's captures to those bound so far, each name once. */
static size_t bind_fields(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__hit *hit,
                          size_t n_bound)
{
	for (uint32_t i = 0; i < hit->n_fields; i++) {
		const struct clsf_field *field = &w->fields[hit->first_field + i];
		bool known = false;
		for (size_t k = 0; !known && k < n_bound; k++)
			known = strcmp(w->bound[k].name, field->name) == 0;
		s->capture_limit = s->capture_limit || (!known && n_bound == w->bound_capacity);
		if (known || n_bound == w->bound_capacity)
			continue;
		w->bound_term[n_bound] = hit->term;
		w->bound[n_bound++] = *field;
	}
	return n_bound;
}

/* Tells the caller of the library about a match. */
static int deliver(struct clsf_stream *s, const struct clsf__rule *rule, const struct clsf_line *line,
                   const struct clsf_field *fields, size_t n_fields)
{
	if (!s->options.on_match)
		return 0;
	struct clsf_match match = {
		.rule = &rule->public, .line = *line, .n_fields = n_fields, .fields = fields,
	};
	struct clsf_field redacted[CLSF__MAX_CAPTURES];
	if (s->options.redact) {
		int result = clsf__match_redact(s, &match, redacted);
		if (result)
			return result;
	}
	if (s->options.on_match(&match, s->options.user) == 0)
		return 0;
	s->stopped = true;
	return CLSF_STOPPED;
}

static struct clsf_line public_line(const struct clsf__line *line)
{
	const char *text = clsf__line_text(line);
	return (struct clsf_line){
		.number = line->number,
		.offset = line->offset,
		.length = line->full_length,
		.text = text,
		.text_length = clsf__cut(text, line->length, CLSF__MAX_TEXT),
	};
}

/* A term that is not gated hit: the rule's gated ones are looked for from the next line on. */
static bool open_gate(struct clsf_stream *s, uint32_t rule, uint64_t until)
{
	size_t i = 0;
	while (i < s->n_gates && s->gates[i].rule != rule)
		i++;
	if (i == s->n_gates) {
		if (!clsf__grow(&s->allocator, &s->gates, &s->gates_capacity, i + 1, sizeof(*s->gates)))
			return false;
		s->gates[s->n_gates++].rule = rule;
	}
	s->gates[i].until = until;
	if (until > s->gate_until)
		s->gate_until = until;
	return true;
}

size_t clsf__add_gated(const struct clsf_stream *s, struct clsf_worker *w, uint64_t line,
                       struct clsf__candidate *list, size_t n, size_t most)
{
	/* The stamps of the filter's lines serve to take each expression once. */
	w->line_serial++;
	for (size_t i = 0; i < n; i++)
		w->stamp[list[i].expression] = w->line_serial;
	for (size_t i = 0; i < s->n_gates; i++) {
		if (s->gates[i].until < line)
			continue;
		const struct clsf__rule *rule = s->ruleset->rules[s->gates[i].rule];
		for (size_t t = 0; t < rule->n_terms && n < most; t++) {
			uint32_t expression = rule->terms[t].expression;
			if (!s->ruleset->expressions[expression].gated || w->stamp[expression] == w->line_serial)
				continue;
			w->stamp[expression] = w->line_serial;
			list[n++].expression = expression;
		}
	}
	return n;
}

static bool shows(const struct clsf__rule *rule, uint32_t term)
{
	for (size_t k = 0; k < rule->n_nodes; k++)
		if (rule->nodes[k].kind == CLSF__COND_TERM && rule->nodes[k].term == term)
			return rule->nodes[k].show;
	return false;
}

/*
 * Joins the captures of the line at hand, bound already, with those kept of
 * earlier lines. Of two terms the first wins; a term that holds again binds
 * anew, so that a match carries its own values.
 */
static size_t join_kept(struct clsf_worker *w, const struct clsf__evidence *kept, size_t bound, bool *ret_full)
{
	for (size_t k = 0; k < kept->n_fields; k++) {
		const struct clsf__kept_field *field = &kept->fields[k];
		size_t same = 0;
		while (same < bound && strcmp(w->bound[same].name, field->name) != 0)
			same++;
		if (same == w->bound_capacity)
			*ret_full = true;
		if (same == w->bound_capacity || (same < bound && w->bound_term[same] <= field->term))
			continue;
		w->bound[same] = (struct clsf_field){ field->name, kept->data.data + field->at, field->length };
		w->bound_term[same] = field->term;
		w->bound_line[same] = field->line;
		bound += same == bound;
	}
	return bound;
}

static struct clsf_line evidence_line(const struct clsf__evidence *e)
{
	return (struct clsf_line){
		.number = e->line, .offset = e->offset, .length = e->length,
		.text = e->data.data, .text_length = e->text_length,
	};
}

/* Keeps the captures bound so far, and the line to show, for the lines to come. */
static int keep_state(struct clsf_stream *s, struct clsf_worker *w, struct clsf__rule_state *state,
                      const struct clsf_line *shown, size_t bound)
{
	/* Values may point into what is about to be replaced: the successor is built beside it. */
	int result = clsf__evidence_set(s, &state->spare, shown, w->bound, bound);
	if (result)
		return result;
	for (size_t i = 0; i < bound; i++) {
		state->spare.fields[i].term = w->bound_term[i];
		state->spare.fields[i].line = w->bound_line[i];
	}
	struct clsf__evidence old = state->shown;
	state->shown = state->spare;
	state->spare = old;
	return 0;
}

/* A rule of several lines: the hits move its condition on. */
static int judge_composite(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                           uint32_t index, const struct clsf__hit *hits, size_t n)
{
	const struct clsf__rule *rule = w->ruleset->rules[index];
	struct clsf__rule_state *state = clsf__rule_state(s, index);
	if (!state)
		return CLSF_E_NOMEM;
	uint64_t terms = 0, span = 0, oldest;
	size_t bound = 0;
	bool opens = false;
	struct clsf_line here = public_line(line), shown = here;
	if (state->has_shown)
		shown = evidence_line(&state->shown);
	for (size_t i = 0; i < n; i++) {
		opens = opens || !w->ruleset->expressions[rule->terms[hits[i].term].expression].gated;
		terms |= UINT64_C(1) << hits[i].term;
		span = hits[i].span > span ? hits[i].span : span;
		bound = bind_fields(s, w, &hits[i], bound);
		if (rule->shows_term && shows(rule, hits[i].term)) {
			shown = here;
			state->has_shown = true;
		}
	}
	for (size_t i = 0; i < bound; i++) {
		struct clsf_field *f = &w->bound[i];
		w->bound_line[i] = line->number;
		/* The line is gone when the match is told: whether it hides the value is seen now. */
		if (s->options.redact && clsf__is_secret(&s->allocator, clsf__line_text(line), here.text_length,
		                                         f->value, f->length)) {
			f->value = clsf__redacted;
			f->length = CLSF__REDACTED_LENGTH;
		}
	}
	if (opens && rule->gate_within && !open_gate(s, index, line->number + rule->gate_within))
		return CLSF_E_NOMEM;
	bound = join_kept(w, &state->shown, bound, &s->capture_limit);
	int result = keep_state(s, w, state, &shown, bound);
	if (result || !clsf__condition(rule, state->words, terms, line->number, &oldest))
		return result;
	/* The match is told with the line and the captures of the lines that it took, no older ones. */
	const struct clsf__evidence *e = &state->shown;
	bound = 0;
	for (size_t i = 0; i < e->n_fields; i++)
		if (e->fields[i].line >= oldest)
			w->bound[bound++] = (struct clsf_field){ e->fields[i].name, e->data.data + e->fields[i].at,
				                                 e->fields[i].length };
	bool elsewhere = state->has_shown && e->line >= oldest;
	struct clsf_line told = elsewhere ? evidence_line(e) : here;
	result = deliver(s, rule, &told, w->bound, bound);
	int added = clsf__summary_add(s, w, line, index, w->bound, bound, span, elsewhere ? &told : NULL);
	state->shown.n_fields = 0;
	state->has_shown = false;
	return added ? added : result;
}

/* A rule of one line: any term that hit is the match. */
static int judge_simple(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                        uint32_t index, const struct clsf__hit *hits, size_t n)
{
	size_t bound = 0;
	uint64_t span = 0;
	for (size_t i = 0; i < n; i++) {
		bound = bind_fields(s, w, &hits[i], bound);
		span = hits[i].span > span ? hits[i].span : span;
	}
	struct clsf_line here = public_line(line);
	int result = deliver(s, w->ruleset->rules[index], &here, w->bound, bound);
	int added = clsf__summary_add(s, w, line, index, w->bound, bound, span, NULL);
	return added ? added : result;
}

int clsf__judge_line(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                     const struct clsf__candidate *candidates, size_t n)
{
	struct clsf_ruleset *rs = w->ruleset;
	w->n_hits = w->n_fields = 0;
	w->unwrapped = false;
	w->plain = -1;
	w->messages.level = CLSF__LEVEL_NONE;
	if (++w->judge_serial == 0) {
		memset(w->judged, 0, rs->n_expressions * sizeof(*w->judged));
		w->judge_serial = 1;
	}
	bool sorted = true;
	for (size_t i = 0; i < n; i++) {
		uint32_t expression = candidates[i].expression;
		if (w->judged[expression] == w->judge_serial)
			continue;
		w->judged[expression] = w->judge_serial;
		if (w->costs)
			w->costs[expression].candidates++;
		struct clsf__compiled *e = &rs->expressions[expression];
		const char *text;
		uint64_t span;
		enum clsf__run result = look(s, w, line, e, &text, &span);
		if (result == CLSF__RUN_NOMEM)
			return CLSF_E_NOMEM;
		signed char *luck = &w->luck[expression];
		if (result == CLSF__RUN_MATCH)
			*luck += *luck < 8;
		else
			*luck -= *luck > -8;
		if (result != CLSF__RUN_MATCH)
			continue;
		if (w->costs)
			w->costs[expression].hits++;
		uint32_t first, n_fields;
		if (!keep_captures(s, w, e, text, &first, &n_fields) ||
		    !clsf__grow(&w->allocator, &w->hits, &w->hits_capacity, w->n_hits + e->n_uses,
		                sizeof(*w->hits)))
			return CLSF_E_NOMEM;
		for (uint32_t u = 0; u < e->n_uses; u++) {
			struct clsf__use use = rs->uses[e->first_use + u];
			if (w->n_hits && w->hits[w->n_hits - 1].rule > use.rule)
				sorted = false;
			if (w->n_hits && w->hits[w->n_hits - 1].rule == use.rule &&
			    w->hits[w->n_hits - 1].term > use.term)
				sorted = false;
			w->hits[w->n_hits++] = (struct clsf__hit){ use.rule, use.term, first, n_fields,
				                                   span };
		}
	}
	if (!sorted)
		qsort(w->hits, w->n_hits, sizeof(*w->hits), by_rule);
	uint64_t successes = 0;
	for (size_t i = 0; i < w->n_hits;) {
		size_t k = 1;
		while (i + k < w->n_hits && w->hits[i + k].rule == w->hits[i].rule)
			k++;
		uint32_t index = w->hits[i].rule;
		const struct clsf__rule *rule = rs->rules[index];
		enum clsf__run result = excused(s, w, line, rule);
		if (result == CLSF__RUN_NOMEM)
			return CLSF_E_NOMEM;
		if (result == CLSF__RUN_NO_MATCH) {
			int done = rule->state_words
			                   ? judge_composite(s, w, line, index, &w->hits[i], k)
			                   : judge_simple(s, w, line, index, &w->hits[i], k);
			if (done)
				return done;
			successes += rule->public.role == CLSF_ROLE_SUCCESS && s->success_line == line->number;
		}
		i += k;
	}
	/* A success marker excuses what stands on its own line, too: its episode ends with the line. */
	if (successes)
		s->episode++;
	return 0;
}
