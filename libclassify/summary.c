/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded summary of a log: for each rule that hit, how often, where first
 * and last, and one line of evidence with its captures. A success marker
 * begins a new episode; what matched in an earlier one was recovered from.
 *
 * The evidence of a rule is its first match in the newest episode, but a match
 * on a line that is a warning or a retry gives way to the first that is not,
 * if that is not too far off: a rule that hits thousands of INFO lines need not
 * look at all of them.
 */

#include <string.h>

#include "error.h"
#include "lines.h"
#include "stream.h"
#include "text.h"

#define MAX_TRIES 64         /* later matches that may take the place of a weak evidence */

/* The state was of another entry alone: its memory is kept, nothing else. */
static void renew(struct clsf_stream *s, struct clsf__rule_state *state)
{
	if (state->moments)
		memset(state->moments, 0, s->ruleset->rules[state->rule]->n_moments * sizeof(*state->moments));
	/* The count of what is kept has begun anew with the entry. */
	struct clsf__evidence *const evidence[] = { &state->evidence, &state->shown, &state->spare };
	for (size_t i = 0; i < sizeof(evidence) / sizeof(evidence[0]); i++) {
		clsf__buffer_clear(&evidence[i]->data);
		evidence[i]->n_fields = 0;
	}
	state->has_shown = false;
	state->log = s->log;
}

struct clsf__rule_state *clsf__rule_state(struct clsf_stream *s, uint32_t rule)
{
	const struct clsf_allocator *a = &s->allocator;
	if (s->n_states * 2 >= s->table_size) {
		size_t size = s->table_size ? s->table_size * 2 : 32;
		uint32_t *table = clsf__calloc(a, size, sizeof(*table));
		if (!table)
			return NULL;
		for (size_t i = 0; i < s->n_states; i++) {
			size_t slot = s->states[i]->rule * 2654435761u & (size - 1);
			while (table[slot])
				slot = (slot + 1) & (size - 1);
			table[slot] = (uint32_t)i + 1;
		}
		clsf__free(a, s->table);
		s->table = table;
		s->table_size = size;
	}
	size_t slot = rule * 2654435761u & (s->table_size - 1);
	while (s->table[slot]) {
		struct clsf__rule_state *state = s->states[s->table[slot] - 1];
		if (state->rule == rule) {
			if (state->log != s->log)
				renew(s, state);
			return state;
		}
		slot = (slot + 1) & (s->table_size - 1);
	}
	if (!clsf__grow(a, &s->states, &s->states_capacity, s->n_states + 1, sizeof(struct clsf__rule_state *)))
		return NULL;
	struct clsf__rule_state *state = clsf__calloc(a, 1, sizeof(*state));
	if (!state)
		return NULL;
	uint32_t moments = s->ruleset->rules[rule]->n_moments;
	if (moments) {
		state->moments = clsf__calloc(a, moments, sizeof(*state->moments));
		if (!state->moments) {
			clsf__free(a, state);
			return NULL;
		}
	}
	state->rule = rule;
	state->log = s->log;
	clsf__evidence_init(&state->evidence, a);
	clsf__evidence_init(&state->shown, a);
	clsf__evidence_init(&state->spare, a);
	s->states[s->n_states++] = state;
	s->table[slot] = (uint32_t)s->n_states;
	return state;
}

/* ---- evidence ---- */

void clsf__evidence_init(struct clsf__evidence *e, const struct clsf_allocator *a)
{
	clsf__buffer_init(&e->data, a);
	clsf__buffer_init(&e->before, a);
	clsf__buffer_init(&e->after, a);
}

struct clsf_line clsf__evidence_line(const struct clsf__evidence *e)
{
	return (struct clsf_line){
		.number = e->line, .offset = e->offset, .length = e->length,
		.text = e->data.data, .text_length = e->text_length,
	};
}

/* No more lines after it are wanted. */
static void forget_after(struct clsf_stream *s, struct clsf__evidence *e)
{
	if (e->after_wanted)
		s->n_after--;
	e->after_wanted = 0;
}

/* The lines around it are dropped, and no more are wanted. */
static void clear_context(struct clsf_stream *s, struct clsf__evidence *e)
{
	s->kept -= e->before.length + e->after.length;
	clsf__buffer_clear(&e->before);
	clsf__buffer_clear(&e->after);
	forget_after(s, e);
}

void clsf__evidence_clear(struct clsf_stream *s, struct clsf__evidence *e)
{
	clear_context(s, e);
	s->kept -= e->data.length;
	clsf__buffer_clear(&e->data);
	e->n_fields = 0;
}

void clsf__evidence_done(struct clsf_stream *s, struct clsf__evidence *e)
{
	clsf__buffer_done(&e->data);
	clsf__buffer_done(&e->before);
	clsf__buffer_done(&e->after);
	clsf__free(&s->allocator, e->fields);
}

int clsf__evidence_set(struct clsf_stream *s, struct clsf__evidence *e, const struct clsf_line *line,
                       const struct clsf_field *fields, size_t n_fields)
{
	/* When a log's summary has grown too large, texts are cut short. */
	size_t limit = CLSF__MAX_TEXT;
	s->kept -= e->data.length;
	clsf__buffer_clear(&e->data);
	e->n_fields = 0;
	if (s->kept > CLSF__MAX_KEPT) {
		s->text_limit = true;
		limit = CLSF__SHORT_TEXT;
	}
	e->line = line->number;
	e->offset = line->offset;
	e->length = line->length;
	e->text_length = clsf__cut(line->text, line->text_length, limit);
	clsf__buffer_add(&e->data, line->text, e->text_length);
	clsf__buffer_addc(&e->data, '\0');
	bool room = clsf__grow(&s->allocator, &e->fields, &e->fields_capacity, n_fields, sizeof(*e->fields));
	for (size_t i = 0; room && i < n_fields; i++) {
		size_t length = clsf__cut(fields[i].value, fields[i].length, limit);
		e->fields[e->n_fields++] =
			(struct clsf__kept_field){ .name = fields[i].name, .at = e->data.length, .length = length };
		clsf__buffer_add(&e->data, fields[i].value, length);
		clsf__buffer_addc(&e->data, '\0');
	}
	s->kept += e->data.length;
	if (!e->data.failed && room)
		return 0;
	/* What it had is gone already: it has a place and no text. */
	e->text_length = 0;
	e->n_fields = 0;
	return CLSF_E_NOMEM;
}

void clsf__context_add(struct clsf_stream *s, struct clsf__buffer *b, const char *text, size_t length)
{
	size_t before = b->length;
	bool full = s->kept > CLSF__MAX_KEPT;
	s->text_limit = s->text_limit || full;
	/* With redaction a cut word may be half a secret: such a line is left out whole. */
	size_t kept = clsf__cut(text, length, full ? CLSF__SHORT_TEXT : CLSF__MAX_TEXT);
	if (kept == length || !s->options.redact)
		clsf__buffer_add(b, text, kept);
	clsf__buffer_addc(b, '\n');
	s->kept += b->length - before;
}

/* Those after `line` come with clsf__summary_after(). */
int clsf__evidence_context(struct clsf_stream *s, struct clsf__evidence *e, const struct clsf__line *line)
{
	uint32_t wanted = s->options.context;
	clear_context(s, e);
	if (!wanted)
		return 0;
	struct clsf__above above[CLSF__LOOKBACK_LINES];
	size_t n = clsf__lines_above(s, line, above, CLSF__LOOKBACK_LINES, CLSF__LOOKBACK_BYTES);
	uint32_t left = wanted;
	/* An evidence that is out of sight has no context: lines from elsewhere would mislead. */
	if (e->line < line->number && (n == 0 || above[n - 1].number > e->line))
		return 0;
	while (n-- > 0) {
		if (above[n].number < e->line && e->line - above[n].number <= wanted)
			clsf__context_add(s, &e->before, above[n].text, above[n].length);
		if (above[n].number > e->line && left) {
			clsf__context_add(s, &e->after, above[n].text, above[n].length);
			left--;
		}
	}
	if (e->line < line->number && left) {
		clsf__context_add(s, &e->after, clsf__line_text(line), line->length);
		left--;
	}
	e->after_wanted = left;
	e->after_next = line->number + 1;
	s->n_after += left > 0;
	return e->before.failed || e->after.failed ? CLSF_E_NOMEM : 0;
}

/* Adds the lines of the block that the evidence still wants. */
static int add_after(struct clsf_stream *s, struct clsf__evidence *e, const char *block, size_t length,
                     uint64_t number)
{
	for (size_t at = 0; e->after_wanted && at < length; number++) {
		const char *newline = memchr(block + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - block) : length;
		if (number == e->after_next) {
			size_t n = end > at && block[end - 1] == '\r' ? end - 1 - at : end - at;
			clsf__context_add(s, &e->after, block + at, n);
			if (e->after.failed)
				return CLSF_E_NOMEM;
			e->after_next++;
			if (--e->after_wanted == 0)
				s->n_after--;
		}
		at = end + 1;
	}
	return 0;
}

int clsf__summary_after(struct clsf_stream *s, const char *block, size_t length, uint64_t first_number)
{
	int result = 0;
	for (size_t i = 0; result == 0 && s->n_after && i < s->n_states; i++)
		result = add_after(s, &s->states[i]->evidence, block, length, first_number);
	for (size_t i = 0; result == 0 && s->n_after && i < s->n_waiting; i++)
		result = add_after(s, &s->waiting[i]->told, block, length, first_number);
	return result;
}

void clsf__summary_no_after(struct clsf_stream *s)
{
	for (size_t i = 0; i < s->n_states; i++)
		forget_after(s, &s->states[i]->evidence);
	for (size_t i = 0; i < s->n_waiting; i++)
		forget_after(s, &s->waiting[i]->told);
}

/* ---- matches ---- */

static bool contains_retry(const char *text, size_t length)
{
	static const char *const words[] = { "etrying", "etry in ", "ill retry", "tries remaining",
		                             "try remaining", "ill try " };
	if (length > CLSF__MAX_TEXT)
		length = CLSF__MAX_TEXT;
	/* All of them have it, and most lines have not. */
	if (!memmem(text, length, "tr", 2))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (clsf__contains(text, length, words[i], strlen(words[i])))
			return true;
	return false;
}

/*
 * Is the message the source of a Python frame that raises an exception? It
 * holds the words of the exception, whose own line with the values stands below.
 */
static bool is_raise(const struct clsf__messages *m, const struct clsf__line *line)
{
	const char *text = m && m->n ? clsf__message_text(m, clsf__line_text(line), 0) : clsf__line_text(line);
	size_t length = m && m->n ? m->item[0].length : line->length;
	while (length && (*text == ' ' || *text == '\t')) {
		text++;
		length--;
	}
	return length > 6 && memcmp(text, "raise ", 6) == 0;
}

int clsf__is_weak(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line, bool *ret_weak)
{
	if (!s->options.no_unwrap && !clsf__unwrap_line(w, line))
		return CLSF_E_NOMEM;
	/* Where lines are taken raw, the worker's messages are of some other line. */
	const struct clsf__messages *m = s->options.no_unwrap ? NULL : &w->messages;
	enum clsf__level level = m ? m->level : CLSF__LEVEL_NONE;
	*ret_weak = (level != CLSF__LEVEL_NONE && level < CLSF__LEVEL_ERROR) ||
	            contains_retry(clsf__line_text(line), line->length) || is_raise(m, line);
	return 0;
}

int clsf__choose_line(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line, uint32_t rule,
                      struct clsf_line *ret_line)
{
	const char *text = clsf__line_text(line);
	struct clsf__above above;
	int found = s->ruleset->rules[rule]->show_above ? clsf__telling_above(s, w, line, &above) : 0;
	if (found < 0)
		return found;
	if (found)
		*ret_line = (struct clsf_line){
			.number = above.number, .offset = above.offset, .length = above.length, .text = above.text,
			.text_length = clsf__cut(above.text, above.length, CLSF__MAX_TEXT),
		};
	else
		*ret_line = (struct clsf_line){
			.number = line->number, .offset = line->offset, .length = line->full_length,
			.text = text, .text_length = clsf__cut(text, line->length, CLSF__MAX_TEXT),
		};
	return 0;
}

int clsf__summary_add(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                      uint32_t rule, const struct clsf_field *fields, size_t n_fields, uint64_t span,
                      const struct clsf_line *shown)
{
	if (s->alone)
		return 0;
	struct clsf__rule_state *state = clsf__rule_state(s, rule);
	if (!state)
		return CLSF_E_NOMEM;
	const struct clsf__rule *r = s->ruleset->rules[rule];
	bool first = state->count == 0 || state->episode != s->episode;
	bool replace = first;
	bool weak = false;
	if (first)
		state->tries = 0;
	if (first || r->show_last || (state->evidence.weak && state->tries++ < MAX_TRIES)) {
		int result = clsf__is_weak(s, w, line, &weak);
		if (result)
			return result;
		replace = first || !weak || (r->show_last && state->evidence.weak);
	}
	/* A match without its evidence is none: it counts when that is kept. */
	if (replace) {
		struct clsf_line evidence;
		int result = 0;
		if (shown)
			evidence = *shown;
		else
			result = clsf__choose_line(s, w, line, rule, &evidence);
		if (result == 0)
			result = clsf__evidence_set(s, &state->evidence, &evidence, fields, n_fields);
		if (result == 0)
			result = clsf__evidence_context(s, &state->evidence, line);
		if (result)
			return result;
		state->evidence.weak = weak;
		state->evidence.span = span;
		if (first || r->show_last)
			state->episode_line = line->number;
	}
	if (state->count++ == 0)
		state->first_line = line->number;
	state->last_line = line->number;
	state->episode = s->episode;
	if (r->public.role == CLSF_ROLE_SUCCESS)
		s->success_line = line->number;
	return first && r->public.role == CLSF_ROLE_FAILURE ? clsf__telling_keep(s, w, line) : 0;
}

int clsf__summary_add_pending(struct clsf_stream *s, struct clsf__pending *p)
{
	if (s->alone)
		return 0;
	struct clsf__rule_state *state = clsf__rule_state(s, p->rule);
	if (!state)
		return CLSF_E_NOMEM;
	/* It comes late: of two in one episode the earlier one is the first, whichever was told first. */
	bool first = state->count == 0 || state->episode < p->episode;
	bool earlier = state->count && state->episode == p->episode && p->line < state->episode_line;
	const bool last = s->ruleset->rules[p->rule]->show_last;
	bool replace = first || (state->episode == p->episode && (earlier != last ? !p->told.weak || state->evidence.weak
	                                                                          : !p->told.weak && state->evidence.weak));
	if (state->count++ == 0 || p->line < state->first_line)
		state->first_line = p->line;
	if (p->line > state->last_line)
		state->last_line = p->line;
	if (first)
		state->episode = p->episode;
	if (first || (last ? replace : earlier))
		state->episode_line = p->line;
	if (replace) {
		struct clsf__evidence old = state->evidence;
		state->evidence = p->told;
		p->told = old;
	}
	return 0;
}

int clsf_stream_matched(const struct clsf_stream *s, size_t index, struct clsf_matched *ret_matched)
{
	CLSF__REQUIRE(s && s->finished && ret_matched);
	for (size_t i = 0; i < s->n_states; i++) {
		const struct clsf__rule_state *state = s->states[i];
		/* A rule of several lines has a state from the first of them on. */
		if (state->count == 0 || index-- > 0)
			continue;
		*ret_matched = (struct clsf_matched){
			.rule = &s->ruleset->rules[state->rule]->public, .count = state->count,
			.first_line = state->first_line, .last_line = state->last_line,
		};
		return 0;
	}
	return CLSF_E_LIMIT;
}

static void forget_states(struct clsf_stream *s)
{
	for (size_t i = 0; i < s->n_states; i++) {
		struct clsf__rule_state *state = s->states[i];
		clsf__evidence_done(s, &state->evidence);
		clsf__evidence_done(s, &state->shown);
		clsf__evidence_done(s, &state->spare);
		clsf__free(&s->allocator, state->moments);
		clsf__free(&s->allocator, state);
	}
	s->n_states = 0;
	if (s->table)
		memset(s->table, 0, s->table_size * sizeof(*s->table));
}

void clsf__summary_reset(struct clsf_stream *s)
{
	/* Entries come by the million: what their rules need is kept for the next. */
	if (s->alone)
		s->log++;
	else
		forget_states(s);
	clsf__pending_reset(s);
	s->episode = s->success_line = 0;
	s->kept = s->n_after = s->n_telling = 0;
	s->n_gates = 0;
	s->gate_until = 0;
	s->untimed = (struct clsf__untimed){ 0 };
	s->has_telling = false;
	if (s->has_weighed)
		memset(s->weighed, 0, sizeof(s->weighed));
	s->has_weighed = false;
	clsf__buffer_clear(&s->telling_text);
	clsf__buffer_clear(&s->telling_before);
	clsf__buffer_clear(&s->telling_after);
}

void clsf__summary_done(struct clsf_stream *s)
{
	clsf__summary_reset(s);
	forget_states(s);
	clsf__pending_done(s);
	clsf__free(&s->allocator, s->states);
	clsf__free(&s->allocator, s->table);
	clsf__free(&s->allocator, s->gates);
	s->gates = NULL;
	s->gates_capacity = 0;
	s->states = NULL;
	s->table = NULL;
	s->states_capacity = s->table_size = 0;
	clsf__buffer_done(&s->telling_text);
	clsf__buffer_done(&s->telling_before);
	clsf__buffer_done(&s->telling_after);
}
