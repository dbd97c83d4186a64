/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge: PCRE2 on one line, for its candidates only. An expression hits a
 * line when it matches a message of it (captures come from there) or the raw
 * line; `unless` looks at all of these. Hits are then put together by rule and
 * given to the rule's condition; what holds is a match.
 */

#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "redact.h"
#include "stream.h"
#include "text.h"

/*
 * Is the value a secret, by the text that it stands in? A field may be one by
 * its name, which is not part of that text. Returns 1, 0, or CLSF_E_NOMEM.
 */
static int is_secret(struct clsf_stream *s, const struct clsf__compiled *e, const struct clsf__sight *sight,
                      const char *value, size_t length)
{
	int result = clsf__is_secret(&s->allocator, sight->text, sight->length, value, length);
	if (result || !*e->field)
		return result;
	struct clsf__buffer b;
	clsf__buffer_init(&b, &s->allocator);
	clsf__buffer_addf(&b, "%.*s=", (int)e->field_name_length, e->field_name);
	size_t at = b.length;
	clsf__buffer_add(&b, value, length);
	result = b.failed ? CLSF_E_NOMEM : clsf__is_secret(&s->allocator, b.data, b.length, b.data + at, length);
	clsf__buffer_done(&b);
	return result;
}

/* Copies the runner's captures to the worker's list; with redaction, secrets are left out already. */
static bool keep_captures(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__compiled *e,
                          const struct clsf__sight *sight, uint32_t *ret_first, uint32_t *ret_n)
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
		const char *value = sight->text + captures[i].start;
		int hidden = s->options.redact ? is_secret(s, e, sight, value, length) : 0;
		if (hidden < 0)
			return false;
		w->fields[w->n_fields++] = (struct clsf_field){
			.name = captures[i].name,
			.value = hidden ? clsf__redacted : value,
			.length = hidden ? CLSF__REDACTED_LENGTH : clsf__cut(value, length, CLSF__MAX_FIELD),
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

/* Does an `unless` of the rule for the same line hold? */
static enum clsf__run excused(struct clsf_stream *s, struct clsf_worker *w,
                              const struct clsf__line *line, const struct clsf__rule *rule)
{
	for (size_t i = 0; i < rule->n_unless; i++) {
		const struct clsf__unless *u = &rule->unless[i];
		struct clsf__sight sight;
		if (!u->same_line)
			continue;
		enum clsf__run result = clsf__look(s, w, line, &w->ruleset->expressions[u->term.expression], &sight);
		if (result != CLSF__RUN_NO_MATCH)
			return result;
	}
	return CLSF__RUN_NO_MATCH;
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

int clsf__deliver(struct clsf_stream *s, const struct clsf__rule *rule, const struct clsf_line *line,
                  const struct clsf_field *fields, size_t n_fields)
{
	if (!s->options.on_match && !s->call)
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
	bool go_on = !s->call || clsf__call_deliver(s->call, &match);
	if (s->options.on_match)
		go_on = s->options.on_match(&match, s->options.user) == 0 && go_on;
	if (go_on)
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

/* ---- gates ---- */

/* Opens the gate of a rule, or of an expression over several lines, up to a line. */
static bool open_gate(struct clsf_stream *s, uint32_t rule, uint32_t expression, uint64_t until)
{
	size_t i = 0;
	while (i < s->n_gates && (s->gates[i].rule != rule || s->gates[i].expression != expression))
		i++;
	if (i == s->n_gates) {
		if (!clsf__grow(&s->allocator, &s->gates, &s->gates_capacity, i + 1, sizeof(*s->gates)))
			return false;
		s->gates[s->n_gates++] = (struct clsf__gate){ .rule = rule, .expression = expression };
	}
	s->gates[i].until = until;
	if (until > s->gate_until)
		s->gate_until = until;
	return true;
}

/* An entry ended: the gate of a folded expression closes. */
static void close_gate(struct clsf_stream *s, uint32_t expression)
{
	s->gate_until = 0;
	for (size_t i = 0; i < s->n_gates; i++) {
		if (s->gates[i].expression == expression)
			s->gates[i].until = 0;
		if (s->gates[i].until > s->gate_until)
			s->gate_until = s->gates[i].until;
	}
}

/*
 * An expression that may reach over several lines was judged: where the filter
 * found something of it, and it may be completed by lines to come, it is looked
 * for in these.
 */
static bool update_gate(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                        uint32_t expression, bool found)
{
	const struct clsf__compiled *e = &w->ruleset->expressions[expression];
	if (e->plan == CLSF_PLAN_ALWAYS)
		return true;
	if (found)
		return open_gate(s, UINT32_MAX, expression, line->number + e->lines - 1);
	if (e->folded && clsf__line_has_time(w, line))
		close_gate(s, expression);
	return true;
}

/* Adds an expression that is not among the candidates yet. */
static size_t add_once(struct clsf_worker *w, struct clsf__candidate *list, size_t n, size_t most, uint32_t expression)
{
	if (n < most && w->stamp[expression] != w->line_serial) {
		w->stamp[expression] = w->line_serial;
		list[n++] = (struct clsf__candidate){ .expression = expression };
	}
	return n;
}

size_t clsf__add_gated(const struct clsf_stream *s, struct clsf_worker *w, uint64_t line,
                       struct clsf__candidate *list, size_t n, size_t most)
{
	/* The stamps of the filter's lines serve to take each expression once. */
	w->line_serial++;
	for (size_t i = 0; i < n; i++)
		w->stamp[list[i].expression] = w->line_serial;
	for (size_t i = 0; i < s->n_gates; i++) {
		const struct clsf__gate *gate = &s->gates[i];
		if (gate->until < line)
			continue;
		if (gate->rule == UINT32_MAX) {
			n = add_once(w, list, n, most, gate->expression);
			continue;
		}
		const struct clsf__rule *rule = s->ruleset->rules[gate->rule];
		for (size_t t = 0; t < rule->n_terms; t++)
			if (s->ruleset->expressions[rule->terms[t].expression].gated)
				n = add_once(w, list, n, most, rule->terms[t].expression);
	}
	return n;
}

/* ---- rules of several lines ---- */

static bool shows(const struct clsf__rule *rule, uint32_t term)
{
	for (size_t k = 0; k < rule->n_nodes; k++)
		if (rule->nodes[k].kind == CLSF__COND_TERM && rule->nodes[k].term == term)
			return rule->nodes[k].show;
	return false;
}

/*
 * Joins the captures of the line at hand with those kept of earlier lines, the
 * newest first: which of them a match takes is known when it holds.
 */
static size_t join_kept(struct clsf_worker *w, const struct clsf__evidence *kept, size_t bound, bool *ret_full)
{
	for (size_t k = 0; k < kept->n_fields; k++) {
		const struct clsf__kept_field *field = &kept->fields[k];
		if (bound == w->bound_capacity) {
			*ret_full = true;
			break;
		}
		w->bound[bound] = (struct clsf_field){ field->name, kept->data.data + field->at, field->length };
		w->bound_term[bound] = field->term;
		w->bound_line[bound] = field->line;
		bound++;
	}
	return bound;
}

/* Did the match take the line? Where not all its lines are known, every one since the oldest may be. */
static bool took_line(const struct clsf__held *held, uint64_t line)
{
	for (size_t i = 0; held->complete && i < held->n; i++)
		if (held->at[i].line == line)
			return true;
	return !held->complete && line >= held->oldest;
}

/* The captures of the lines that the match took, each name once: of two terms the first wins, of two lines the newer. */
static size_t choose_fields(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__evidence *e,
                            const struct clsf__held *held)
{
	size_t bound = 0;
	for (size_t i = 0; i < e->n_fields; i++) {
		const struct clsf__kept_field *field = &e->fields[i];
		if (!took_line(held, field->line))
			continue;
		size_t same = 0;
		while (same < bound && strcmp(w->bound[same].name, field->name) != 0)
			same++;
		if (same < bound && w->bound_term[same] <= field->term)
			continue;
		s->capture_limit = s->capture_limit || same == CLSF__MAX_CAPTURES;
		if (same == CLSF__MAX_CAPTURES)
			continue;
		w->bound[same] = (struct clsf_field){ field->name, e->data.data + field->at, field->length };
		w->bound_term[same] = field->term;
		bound += same == bound;
	}
	return bound;
}

/* Keeps the captures bound so far, and the line to show, for the lines to come. */
static int keep_state(struct clsf_stream *s, struct clsf_worker *w, struct clsf__rule_state *state,
                      const struct clsf_line *shown, size_t bound)
{
	/* Most conditions capture nothing and show the line that completes them: nothing is to be kept. */
	if (bound == 0 && !state->has_shown && state->shown.n_fields == 0)
		return 0;
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

/* The match that holds now, with the line and the captures of the lines that it took, no older ones. */
static int match_composite(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                           uint32_t index, struct clsf__rule_state *state, const struct clsf__held *held,
                           uint64_t span)
{
	const struct clsf__rule *rule = w->ruleset->rules[index];
	const struct clsf__evidence *e = &state->shown;
	size_t bound = choose_fields(s, w, e, held);
	bool elsewhere = state->has_shown && took_line(held, e->line);
	struct clsf_line told = elsewhere ? clsf__evidence_line(e) : public_line(line);
	int result = 0;
	if (!clsf__unless_excuses(rule, state->moments, held, &s->remarks)) {
		const struct clsf__moment *now = clsf__line_moment(s, w, line, rule);
		bool open = false;
		for (size_t i = 0; i < rule->n_unless; i++)
			open = open || (!rule->unless[i].same_line &&
			                clsf__unless_open(&rule->unless[i], held, now, &s->remarks));
		if (open) {
			if (!elsewhere)
				result = clsf__choose_line(s, w, line, index, &told);
			if (result == 0)
				result = clsf__pending_add(s, w, line, index, held, &told, w->bound, bound, span);
		} else {
			result = clsf__deliver(s, rule, &told, w->bound, bound);
			int added = clsf__summary_add(s, w, line, index, w->bound, bound, span, elsewhere ? &told : NULL);
			result = added ? added : result;
		}
	}
	state->shown.n_fields = 0;
	state->has_shown = false;
	return result;
}

/* A rule of several lines: the hits move its condition on. */
static int judge_composite(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                           uint32_t index, const struct clsf__hit *hits, size_t n)
{
	const struct clsf__rule *rule = w->ruleset->rules[index];
	struct clsf__rule_state *state = clsf__rule_state(s, index);
	if (!state)
		return CLSF_E_NOMEM;
	const struct clsf__moment *now = clsf__line_moment(s, w, line, rule);
	/* Terms come first, then what excuses; what excuses on the same line was asked already. */
	for (; n && hits[n - 1].term >= rule->n_terms; n--)
		clsf__unless_note(rule, state->moments, hits[n - 1].term - rule->n_terms, now);
	if (n == 0)
		return 0;
	uint64_t terms = 0, span = 0;
	size_t bound = 0;
	bool opens = false;
	struct clsf_line here = public_line(line), shown = here;
	if (state->has_shown)
		shown = clsf__evidence_line(&state->shown);
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
	for (size_t i = 0; i < bound; i++)
		w->bound_line[i] = line->number;
	if (opens && rule->gate_within && !open_gate(s, index, UINT32_MAX, line->number + rule->gate_within))
		return CLSF_E_NOMEM;
	bound = join_kept(w, &state->shown, bound, &s->capture_limit);
	int result = keep_state(s, w, state, &shown, bound);
	struct clsf__held held;
	if (result || !clsf__condition(rule, state->moments, terms, now, &held, &s->remarks))
		return result;
	return match_composite(s, w, line, index, state, &held, span);
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
	int result = clsf__deliver(s, w->ruleset->rules[index], &here, w->bound, bound);
	int added = clsf__summary_add(s, w, line, index, w->bound, bound, span, NULL);
	return added ? added : result;
}

/* Judges one expression on the line, if that was not done yet; notes its hits. */
static int judge_expression(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                            const struct clsf__candidate *candidate, bool found)
{
	uint32_t expression = candidate->expression;
	struct clsf_ruleset *rs = w->ruleset;
	if (w->judged[expression] == w->judge_serial)
		return 0;
	w->judged[expression] = w->judge_serial;
	if (w->costs)
		w->costs[expression].candidates++;
	struct clsf__compiled *e = &rs->expressions[expression];
	struct clsf__sight sight = {
		clsf__line_text(line), line->length, candidate->raw ? clsf__filter_exact(rs->filter)[expression] : 0,
	};
	/* What is nothing but text matches where the filter found it: nothing is left to confirm. */
	enum clsf__run result = sight.span ? CLSF__RUN_MATCH : clsf__look(s, w, line, e, &sight);
	if (result == CLSF__RUN_NOMEM ||
	    (e->lines > 1 && !update_gate(s, w, line, expression, found)))
		return CLSF_E_NOMEM;
	signed char *luck = &w->luck[expression];
	if (result == CLSF__RUN_MATCH)
		*luck += *luck < 8;
	else
		*luck -= *luck > -8;
	if (result != CLSF__RUN_MATCH)
		return 0;
	if (w->costs)
		w->costs[expression].hits++;
	uint32_t first = (uint32_t)w->n_fields, n_fields = 0;
	if ((e->captures && !keep_captures(s, w, e, &sight, &first, &n_fields)) ||
	    !clsf__grow(&w->allocator, &w->hits, &w->hits_capacity, w->n_hits + e->n_uses, sizeof(*w->hits)))
		return CLSF_E_NOMEM;
	for (uint32_t u = 0; u < e->n_uses; u++) {
		struct clsf__use use = rs->uses[e->first_use + u];
		w->hits[w->n_hits++] = (struct clsf__hit){ use.rule, use.term, first, n_fields, sight.span };
	}
	return 0;
}

/* Where one term of a rule hit, others of it that are not looked for by themselves are judged, too. */
static int judge_line_gated(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line)
{
	const struct clsf_ruleset *rs = w->ruleset;
	for (size_t i = 0; i < w->n_hits; i++) {
		const struct clsf__rule *rule = rs->rules[w->hits[i].rule];
		for (size_t t = 0; rule->line_gated && t < rule->n_terms; t++) {
			const struct clsf__candidate gated = { .expression = rule->terms[t].expression };
			int result = rs->expressions[gated.expression].line_gated ? judge_expression(s, w, line, &gated, false)
			                                                          : 0;
			if (result)
				return result;
		}
	}
	return 0;
}

static void sort_hits(struct clsf_worker *w)
{
	for (size_t i = 1; i < w->n_hits; i++) {
		if (by_rule(&w->hits[i - 1], &w->hits[i]) > 0) {
			qsort(w->hits, w->n_hits, sizeof(*w->hits), by_rule);
			return;
		}
	}
}

int clsf__judge_line(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                     const struct clsf__candidate *candidates, size_t n, size_t n_found)
{
	struct clsf_ruleset *rs = w->ruleset;
	w->n_hits = w->n_fields = 0;
	clsf__look_begin(w);
	if (++w->judge_serial == 0) {
		memset(w->judged, 0, rs->n_expressions * sizeof(*w->judged));
		w->judge_serial = 1;
	}
	int result = 0;
	for (size_t i = 0; result == 0 && i < n; i++)
		result = judge_expression(s, w, line, &candidates[i], i < n_found);
	if (result == 0)
		result = judge_line_gated(s, w, line);
	if (result)
		return result;
	sort_hits(w);
	if (w->n_hits && s->n_waiting)
		result = clsf__pending_pass(s, w, line);
	if (result)
		return result;
	uint64_t successes = 0;
	for (size_t i = 0; i < w->n_hits;) {
		size_t k = 1;
		while (i + k < w->n_hits && w->hits[i + k].rule == w->hits[i].rule)
			k++;
		uint32_t index = w->hits[i].rule;
		const struct clsf__rule *rule = rs->rules[index];
		/* A line that excuses itself counts for no term, but it may excuse others. */
		size_t skipped = 0;
		enum clsf__run excuse = excused(s, w, line, rule);
		if (excuse == CLSF__RUN_NOMEM)
			return CLSF_E_NOMEM;
		while (excuse == CLSF__RUN_MATCH && skipped < k && w->hits[i + skipped].term < rule->n_terms)
			skipped++;
		if (skipped < k) {
			const struct clsf__hit *hits = &w->hits[i + skipped];
			int done = rule->n_moments ? judge_composite(s, w, line, index, hits, k - skipped)
			                           : judge_simple(s, w, line, index, hits, k - skipped);
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
