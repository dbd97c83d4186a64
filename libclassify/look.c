/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for one expression in the line at hand: in its messages and in the
 * line as it came, in a decoded field of it, or over it and the lines above.
 * What has to be made of the line for that is made once, when first asked for.
 */

#include <string.h>

#include "entries.h"
#include "lines.h"
#include "stream.h"

void clsf__look_begin(struct clsf_worker *w)
{
	w->unwrapped = false;
	w->messages.level = CLSF__LEVEL_NONE;
	w->has_fields = w->has_moment = w->has_own_time = false;
	w->spans[0].made = w->spans[1].made = w->spans[2].made = false;
}

/* Runs one expression on one text, noting what is not an answer. */
static enum clsf__run run_between(struct clsf_stream *s, struct clsf_worker *w,
                                  const struct clsf__line *line, struct clsf__compiled *e,
                                  const char *text, size_t length, size_t *ret_start, size_t *ret_end)
{
	uint64_t begun = clsf__now(w);
	enum clsf__run result = clsf__run(w->runner, e->code, text, length, ret_start, ret_end);
	if (w->costs) {
		struct clsf_cost *cost = &w->costs[e - w->ruleset->expressions];
		cost->judged++;
		cost->nanoseconds += clsf__now(w) - begun;
	}
	if (result == CLSF__RUN_LIMIT) {
		if (s->match_limits++ == 0) {
			s->first_limit_line = line->number;
			s->first_limit_rule = e->n_uses ? w->ruleset->uses[e->first_use].rule : UINT32_MAX;
		}
		return CLSF__RUN_NO_MATCH;
	}
	return result;
}

static enum clsf__run run_on(struct clsf_stream *s, struct clsf_worker *w,
                             const struct clsf__line *line, struct clsf__compiled *e,
                             const char *text, size_t length, struct clsf__sight *ret_sight)
{
	size_t start, end;
	enum clsf__run result = run_between(s, w, line, e, text, length, &start, &end);
	if (result == CLSF__RUN_MATCH)
		*ret_sight = (struct clsf__sight){ text, length, end > start ? end - start : 0 };
	return result;
}

static bool is_raw(const struct clsf__message *m, const struct clsf__line *line)
{
	return !m->decoded && m->at == 0 && m->length == line->length;
}

bool clsf__unwrap_line(struct clsf_worker *w, const struct clsf__line *line)
{
	if (!w->unwrapped)
		w->unwrapped = clsf__unwrap(&w->messages, clsf__line_text(line), line->length);
	return w->unwrapped;
}

/* An expression of one line: in its messages, and in the line as it came. */
static enum clsf__run look_in_line(struct clsf_stream *s, struct clsf_worker *w,
                           const struct clsf__line *line, struct clsf__compiled *e,
                           struct clsf__sight *ret_sight)
{
	const char *raw = clsf__line_text(line);
	const struct clsf__messages *m = &w->messages;
	if (s->options.no_unwrap)
		return run_on(s, w, line, e, raw, line->length, ret_sight);
	/*
	 * Most candidates are no hits. An expression without context that does not
	 * match the raw line matches no part of it either: one call decides, before
	 * the line is even unwrapped.
	 */
	signed char *luck = &w->luck[e - w->ruleset->expressions];
	bool raw_first = e->context_free && (!e->captures || *luck <= 0) && line->plain;
	if (raw_first) {
		enum clsf__run result = run_on(s, w, line, e, raw, line->length, ret_sight);
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
		enum clsf__run result = run_on(s, w, line, e, text, m->item[i].length, ret_sight);
		if (result != CLSF__RUN_NO_MATCH)
			return result;
	}
	/* The runner must hold the raw line's captures again, if another text was tried since. */
	if (raw_first && (m->n == 0 || (m->n == 1 && is_raw(&m->item[0], line))))
		return CLSF__RUN_MATCH;
	return run_on(s, w, line, e, raw, line->length, ret_sight);
}

/* ---- fields ---- */

static enum clsf__run look_in_fields(struct clsf_stream *s, struct clsf_worker *w,
                                     const struct clsf__line *line, struct clsf__compiled *e,
                                     struct clsf__sight *ret_sight)
{
	if (!w->has_fields && !clsf__fields_read(&w->line_fields, clsf__line_text(line), line->length))
		return CLSF__RUN_NOMEM;
	w->has_fields = true;
	s->field_limit = s->field_limit || w->line_fields.cut;
	size_t at = 0, length;
	const char *value;
	bool there = false;
	while (clsf__fields_find(&w->line_fields, e->field, &at, &value, &length)) {
		enum clsf__run result = run_on(s, w, line, e, value, length, ret_sight);
		if (result != CLSF__RUN_NO_MATCH)
			return result;
		there = true;
	}
	return e->or_line && !there ? look_in_line(s, w, line, e, ret_sight) : CLSF__RUN_NO_MATCH;
}

/* ---- several lines ---- */

/*
 * Where a message begins with its indentation, which it was told without: a
 * wrapper ends with one blank, so of those in front of the message all but one
 * are its own.
 */
static size_t indented_start(const char *text, size_t at)
{
	size_t start = at;
	while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\t'))
		start--;
	bool wrapped = start > 0 && text[start - 1] != '\n' && start < at;
	return start + wrapped;
}

/*
 * Appends the innermost messages of a line. They come before the texts that
 * hold them, so that what begins inside the last one taken is passed over;
 * where a message held several lines, all of them are taken.
 */
static void add_messages(struct clsf__buffer *out, const struct clsf__messages *m, const char *line)
{
	size_t end = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct clsf__message *item = &m->item[i];
		if (i > 0 && (item->at < end || item->decoded != m->item[0].decoded))
			continue;
		const char *text = item->decoded ? m->decoded.data : line;
		size_t start = indented_start(text, item->at);
		if (i > 0)
			clsf__buffer_addc(out, '\n');
		end = item->at + item->length;
		clsf__buffer_add(out, text + start, end - start);
	}
}

/* Appends a line of a span: its messages, or as it came. */
static bool add_span_line(struct clsf_worker *w, struct clsf__span_text *span, const char *text, size_t length,
                          bool message)
{
	if (message) {
		if (!clsf__unwrap(&w->other, text, length))
			return false;
		if (w->other.n) {
			add_messages(&span->text, &w->other, text);
			return !span->text.failed;
		}
	}
	clsf__buffer_add(&span->text, text, length);
	return !span->text.failed;
}

/* Joins the line at hand and those above it, as far as the ruleset's widest expression reaches. */
static bool make_span(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line, bool message)
{
	struct clsf__span_text *span = &w->spans[message ? 0 : 1];
	if (span->made)
		return true;
	struct clsf__above above[CLSF__MAX_SPAN_LINES];
	size_t most = w->ruleset->max_lines - 1;
	size_t n = clsf__lines_above(s, line, above, most, CLSF__SPAN_BYTES);
	clsf__buffer_clear(&span->text);
	span->cut = n < most && line->number > n + 1;
	span->n = n + 1;
	for (size_t i = n; i-- > 0;) {
		span->start[i + 1] = span->text.length;
		if (!add_span_line(w, span, above[i].text, above[i].length, message))
			return false;
		clsf__buffer_addc(&span->text, '\n');
	}
	span->start[0] = span->text.length;
	span->made = add_span_line(w, span, clsf__line_text(line), line->length, message);
	return span->made;
}

/* The first match that ends on the line at hand. */
static enum clsf__run run_on_span(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                                  struct clsf__compiled *e, const struct clsf__span_text *span,
                                  struct clsf__sight *ret_sight)
{
	const char *end = span->text.data + span->text.length;
	const char *last = span->text.data + span->start[0];
	/* Whatever is found and ends above, the search goes on from the line after the one where it began. */
	for (size_t i = e->lines < span->n ? e->lines - 1 : span->n - 1;; i--) {
		const char *text = span->text.data + span->start[i];
		size_t from, to;
		enum clsf__run result = run_between(s, w, line, e, text, (size_t)(end - text), &from, &to);
		if (result != CLSF__RUN_MATCH)
			return result;
		if (text + to > last || (text + to == last && last == end)) {
			*ret_sight = (struct clsf__sight){ text, (size_t)(end - text), to > from ? to - from : 0 };
			return result;
		}
		while (i > 0 && span->text.data + span->start[i - 1] <= text + from)
			i--;
		if (i == 0)
			return CLSF__RUN_NO_MATCH;
	}
}

static enum clsf__run look_over_lines(struct clsf_stream *s, struct clsf_worker *w,
                                      const struct clsf__line *line, struct clsf__compiled *e,
                                      struct clsf__sight *ret_sight)
{
	struct clsf__span_text *messages = &w->spans[0], *raw = &w->spans[1];
	if (!make_span(s, w, line, false))
		return CLSF__RUN_NOMEM;
	s->span_limit = s->span_limit || (raw->cut && raw->n < e->lines);
	if (s->options.no_unwrap)
		return run_on_span(s, w, line, e, raw, ret_sight);
	if (!make_span(s, w, line, true))
		return CLSF__RUN_NOMEM;
	enum clsf__run result = run_on_span(s, w, line, e, messages, ret_sight);
	/* Where nothing was wrapped both are the same text. */
	if (result != CLSF__RUN_NO_MATCH ||
	    (raw->text.length == messages->text.length &&
	     memcmp(raw->text.data, messages->text.data, raw->text.length) == 0))
		return result;
	return run_on_span(s, w, line, e, raw, ret_sight);
}

/*
 * How many of the lines above, which are nearest first, are of the entry of the
 * line at hand, which tells no time; 0 when none of them tells one. What was
 * found out for an earlier line is not asked again, so that an entry of many
 * lines costs no more than its lines.
 */
static size_t count_entry_lines(struct clsf_stream *s, const struct clsf__line *line,
                                const struct clsf__above *above, size_t n)
{
	const struct clsf__untimed known = s->untimed;
	struct clsf__untimed now = { line->number, line->number, false };
	struct clsf__time time;
	size_t i = 0;
	while (i < n && !now.headed) {
		const uint64_t number = above[i].number;
		if (known.last && number <= known.last && number >= known.first) {
			now.first = known.first;
			now.headed = known.headed;
			i += number - known.first + 1;
		} else if (clsf__line_time(above[i].text, above[i].length, &time)) {
			now.headed = true;
		} else {
			now.first = number;
			i++;
		}
	}
	s->untimed = now;
	return now.headed && i < n ? i + 1 : 0;
}

/*
 * The entry that the line at hand is part of: the nearest line above that tells
 * a time, and what stands below it, joined by a byte that no literal which the
 * filter looks for holds (see may_fold() in ruleset.c). Where no line tells a
 * time, every line is an entry of its own.
 */
static bool make_entry(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line)
{
	struct clsf__span_text *entry = &w->spans[2];
	if (entry->made)
		return true;
	struct clsf__above above[CLSF__MAX_SPAN_LINES];
	size_t n = clsf__lines_above(s, line, above, CLSF__MAX_SPAN_LINES - 1, CLSF__SPAN_BYTES);
	clsf__buffer_clear(&entry->text);
	entry->n = 1 + count_entry_lines(s, line, above, n);
	for (size_t i = entry->n - 1; i-- > 0;) {
		entry->start[i + 1] = entry->text.length;
		clsf__buffer_add(&entry->text, above[i].text, above[i].length);
		clsf__buffer_addc(&entry->text, CLSF__FOLD);
	}
	entry->start[0] = entry->text.length;
	clsf__buffer_add(&entry->text, clsf__line_text(line), line->length);
	entry->made = !entry->text.failed;
	return entry->made;
}

static enum clsf__run look_in_entry(struct clsf_stream *s, struct clsf_worker *w,
                                    const struct clsf__line *line, struct clsf__compiled *e,
                                    struct clsf__sight *ret_sight)
{
	enum clsf__run result = look_in_line(s, w, line, e, ret_sight);
	if (result != CLSF__RUN_NO_MATCH || clsf__line_has_time(w, line))
		return result;
	if (!make_entry(s, w, line))
		return CLSF__RUN_NOMEM;
	const struct clsf__span_text *entry = &w->spans[2];
	if (entry->n == 1 || line->length == 0)
		return CLSF__RUN_NO_MATCH;
	result = run_on_span(s, w, line, e, entry, ret_sight);
	if (result != CLSF__RUN_MATCH)
		return result;
	/* An entry is hit by the line that completes it; what matches without this line was told before. */
	struct clsf__sight earlier;
	result = run_on(s, w, line, e, entry->text.data, entry->start[0], &earlier);
	if (result != CLSF__RUN_NO_MATCH)
		return result == CLSF__RUN_MATCH ? CLSF__RUN_NO_MATCH : result;
	/* The runner has to hold what the whole entry captured. */
	return run_on_span(s, w, line, e, entry, ret_sight);
}

enum clsf__run clsf__look(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                          struct clsf__compiled *e, struct clsf__sight *ret_sight)
{
	if (*e->field)
		return look_in_fields(s, w, line, e, ret_sight);
	if (e->folded)
		return look_in_entry(s, w, line, e, ret_sight);
	if (e->lines > 1)
		return look_over_lines(s, w, line, e, ret_sight);
	return look_in_line(s, w, line, e, ret_sight);
}

/* ---- time ---- */

bool clsf__line_has_time(struct clsf_worker *w, const struct clsf__line *line)
{
	if (!w->has_own_time) {
		clsf__line_time(clsf__line_text(line), line->length, &w->own_time);
		w->has_own_time = true;
	}
	return w->own_time.clock != CLSF__CLOCK_NONE;
}

const struct clsf__moment *clsf__line_moment(const struct clsf_stream *s, struct clsf_worker *w,
                                             const struct clsf__line *line, const struct clsf__rule *rule)
{
	if (!rule->timed) {
		w->place = (struct clsf__moment){ .line = line->number };
		return &w->place;
	}
	if (w->has_moment)
		return &w->moment;
	w->has_moment = true;
	w->moment = (struct clsf__moment){ .line = line->number };
	if (clsf__line_has_time(w, line)) {
		w->moment.time = w->own_time;
		return &w->moment;
	}
	/*
	 * A line without a time has that of the nearest above which tells one; where
	 * its entry comes with a time, no lines above the entry are asked.
	 */
	uint64_t begin = 0;
	const struct clsf_entry *entry = s->call ? clsf__call_entry(s->call, line, &begin) : NULL;
	bool timed = entry && entry->has_time;
	struct clsf__above above[CLSF__LOOKBACK_LINES];
	size_t n = clsf__lines_above(s, line, above, CLSF__LOOKBACK_LINES, CLSF__LOOKBACK_BYTES);
	for (size_t i = 0; i < n && (!timed || above[i].offset >= begin); i++)
		if (clsf__line_time(above[i].text, above[i].length, &w->moment.time))
			return &w->moment;
	if (timed)
		w->moment.time = (struct clsf__time){ entry->time, CLSF__CLOCK_FULL };
	return &w->moment;
}
