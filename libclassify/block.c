/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of whole lines: the filter finds candidates over the raw bytes, and
 * over the decoded texts of those lines whose message may differ from a part
 * of their raw text; line by line they go to the judge.
 *
 * Candidates are noted as (line, expression), each pair once, in an array of
 * fixed size. A block that has more of them than fit is split in two and
 * scanned again: memory stays bounded, and the result is the same.
 */

#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "lines.h"
#include "stream.h"

/* A line that holds something to decode. */
struct clsf__special {
	uint32_t line;               /* where it starts in the block, */
	uint32_t at;                 /* and where the first such byte is */
	bool cut;                    /* CLSF__MAX_MESSAGES was passed on it */
};

/* A decoded text in the side buffer, and the line it is of. */
struct clsf__piece {
	size_t start;
	uint32_t line;
};

struct collection {
	struct clsf_worker *w;
	const char *block;
	size_t start, end;           /* the line of the newest candidate, as far as it was looked at */
	size_t piece;                /* of the side buffer */
	uint32_t newest;             /* line of the newest candidate of this run */
	bool sorted;                 /* each run is in the order of lines, as the engine promises */
	bool full;
};

static bool add_candidate(struct collection *c, uint32_t line, uint32_t expression, bool raw)
{
	struct clsf_worker *w = c->w;
	if (w->stamp[expression] == w->line_serial)
		return true;
	if (w->n_candidates == w->max_candidates) {
		c->full = true;
		return false;
	}
	w->stamp[expression] = w->line_serial;
	if (line < c->newest)
		c->sorted = false;
	c->newest = line;
	w->candidates[w->n_candidates++] = (struct clsf__candidate){ line, expression, raw };
	return true;
}

static bool on_candidate(void *context, uint32_t expression, size_t end)
{
	struct collection *c = context;
	size_t at = end - 1;
	/* The engine goes forward: what lies behind `end` is looked at once. */
	bool back = at < c->start;
	size_t from = back ? 0 : c->end;
	const char *newline = at > from ? clsf__last_newline(c->block + from, at - from) : NULL;
	if (newline || back) {
		c->start = newline ? (size_t)(newline - c->block) + 1 : 0;
		c->w->line_serial++;
	}
	if (newline || back || at > c->end)
		c->end = at;
	return add_candidate(c, (uint32_t)c->start, expression, true);
}

static bool on_side_candidate(void *context, uint32_t expression, size_t end)
{
	struct collection *c = context;
	struct clsf_worker *w = c->w;
	size_t at = end - 1;
	if (at < c->start || at >= c->end) {
		size_t low = 0, high = w->n_pieces;
		while (high - low > 1) {
			size_t middle = (low + high) / 2;
			if (w->pieces[middle].start <= at)
				low = middle;
			else
				high = middle;
		}
		c->start = w->pieces[low].start;
		c->end = low + 1 < w->n_pieces ? w->pieces[low + 1].start : w->side.length;
		c->piece = low;
		w->line_serial++;
	}
	return add_candidate(c, w->pieces[c->piece].line, expression, false);
}

static int by_line(const void *va, const void *vb)
{
	const struct clsf__candidate *a = va, *b = vb;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->expression != b->expression)
		return a->expression < b->expression ? -1 : 1;
	return b->raw - a->raw;
}

/* Two runs in the order of lines, [0, n_raw) and the rest, become one; of a line, the raw one's come first. */
static void merge(struct clsf_worker *w, size_t n_raw)
{
	size_t a = 0, b = n_raw, n = 0;
	const struct clsf__candidate *in = w->candidates;
	while (a < n_raw || b < w->n_candidates) {
		bool first = b == w->n_candidates || (a < n_raw && in[a].line <= in[b].line);
		w->merged[n++] = in[first ? a++ : b++];
	}
	struct clsf__candidate *swap = w->candidates;
	w->candidates = w->merged;
	w->merged = swap;
}

/* The end of the line that starts at `start`: its \n, or the end of the block. */
static size_t line_end(const char *block, size_t length, size_t start)
{
	if (start >= length)
		return length;
	const char *newline = memchr(block + start, '\n', length - start);
	return newline ? (size_t)(newline - block) : length;
}

/* Decodes the special lines of the block into the side buffer. */
static int fill_side(struct clsf_worker *w, const char *block, size_t length)
{
	clsf__buffer_clear(&w->side);
	w->n_pieces = 0;
	size_t at = length ? clsf__find_special(block, length, 0) : 0, start = 0;
	while (at < length) {
		/* Back to the line's start, at most to the end of the special line before. */
		const char *newline = clsf__last_newline(block + start, at - start);
		if (newline)
			start = (size_t)(newline - block) + 1;
		size_t end = line_end(block, length, at);
		size_t kept = end > start && block[end - 1] == '\r' ? end - 1 : end;
		if (!clsf__grow(&w->allocator, &w->specials, &w->specials_capacity, w->n_specials + 1,
		                sizeof(*w->specials)))
			return CLSF_E_NOMEM;
		struct clsf__special *special = &w->specials[w->n_specials++];
		*special = (struct clsf__special){ .line = (uint32_t)start, .at = (uint32_t)at };
		size_t piece = w->side.length;
		w->messages.cut = false;
		if (!clsf__unwrap_decoded(&w->messages, block + start, kept - start, &w->side))
			return CLSF_E_NOMEM;
		special->cut = w->messages.cut;
		if (w->side.length > piece) {
			if (!clsf__grow(&w->allocator, &w->pieces, &w->pieces_capacity, w->n_pieces + 1,
			                sizeof(*w->pieces)))
				return CLSF_E_NOMEM;
			w->pieces[w->n_pieces++] = (struct clsf__piece){ piece, (uint32_t)start };
		}
		if (end >= length)
			break;
		start = end + 1;
		at = clsf__find_special(block, length, start);
	}
	return 0;
}

/*
 * On a special line the value of a field may differ from the raw text, and it
 * need not be part of a message: every expression that is run on fields is a
 * candidate where the name of its field stands, or could, escaped as well.
 */
static void add_field_candidates(struct collection *c, size_t length)
{
	struct clsf_worker *w = c->w;
	const struct clsf_ruleset *rs = w->ruleset;
	for (size_t i = 0; i < w->n_specials && !c->full; i++) {
		const uint32_t start = w->specials[i].line;
		const char *line = c->block + start;
		const size_t n = line_end(c->block, length, w->specials[i].at) - start;
		const bool any = clsf__contains(line, n, "\\u", 2);
		w->line_serial++;
		for (uint32_t k = 0; k < rs->n_field_expressions && !c->full; k++) {
			uint32_t expression = rs->field_expressions[k];
			const struct clsf__compiled *e = &rs->expressions[expression];
			bool sought = e->plan == CLSF_PLAN_LITERALS || e->plan == CLSF_PLAN_RELAXED;
			if (!sought || !(any || e->field_anywhere ||
			                 clsf__contains(line, n, e->field_name, e->field_name_length)))
				continue;
			c->sorted = false;
			add_candidate(c, start, expression, false);
		}
	}
}

static int collect(struct clsf_worker *w, const char *block, size_t length, bool unwrap, bool *ret_full)
{
	/* Serials tell lines apart; when they run out, all stamps are old. */
	if (w->line_serial > UINT32_MAX - 4 * (uint32_t)CLSF__MAX_LINE) {
		memset(w->stamp, 0, w->ruleset->n_expressions * sizeof(*w->stamp));
		w->line_serial = 0;
	}
	w->n_candidates = w->n_specials = 0;
	w->next_candidate = w->next_special = 0;
	w->unwrapped = false;
	w->line_serial++;
	struct collection c = { .w = w, .block = block, .sorted = true };
	size_t n_raw = SIZE_MAX;
	int result = clsf__filter_scan(w->ruleset->filter, w->scratch, block, length, on_candidate, &c);
	if (result == 0 && (unwrap || w->ruleset->n_field_expressions)) {
		result = fill_side(w, block, length);
		if (result == 0 && w->side.length && unwrap) {
			c.start = c.end = 0;
			c.newest = 0;
			n_raw = w->n_candidates;
			w->line_serial++;
			/* The engine takes at most 4 GiB at once; decoded text is far below. */
			result = clsf__filter_scan(w->ruleset->filter, w->scratch, w->side.data,
			                           w->side.length, on_side_candidate, &c);
		}
		if (result == 0 && w->ruleset->n_field_expressions)
			add_field_candidates(&c, length);
	}
	*ret_full = c.full;
	if (result == CLSF_STOPPED)
		result = 0;
	if (c.full)
		return result;
	if (!c.sorted)
		qsort(w->candidates, w->n_candidates, sizeof(*w->candidates), by_line);
	else if (n_raw < w->n_candidates)
		merge(w, n_raw);
	return result;
}

int clsf__collect(struct clsf_worker *w, const char *block, size_t length, bool unwrap, bool *ret_full)
{
	uint64_t begun = clsf__now(w);
	int result = collect(w, block, length, unwrap, ret_full);
	w->work.filter_nanoseconds += clsf__now(w) - begun;
	return result;
}

size_t clsf__split_point(const char *block, size_t length)
{
	if (length < 2)
		return 0;
	const char *newline = clsf__last_newline(block, length / 2);
	if (!newline)
		newline = memchr(block + length / 2, '\n', length - length / 2);
	size_t at = newline ? (size_t)(newline - block) + 1 : 0;
	return at < length ? at : 0;
}

/* What was found in the part of a block that belongs to one stream, counted from the part's own start. */
struct part {
	const char *text;
	size_t length;
	const struct clsf__candidate *candidates;
	size_t n_candidates;
	const struct clsf__special *specials;
	size_t n_specials;
	bool cut;                    /* CLSF__MAX_MESSAGES was passed in it */
};

static struct part take_part(struct clsf_worker *w, const char *block, size_t from, size_t to)
{
	size_t c = w->next_candidate, p = w->next_special;
	/* Entries without candidates are passed over, and their special lines with them. */
	while (p < w->n_specials && w->specials[p].line < from)
		p++;
	w->next_special = p;
	struct part part = { .text = block + from, .length = to - from,
		             .candidates = w->candidates + c, .specials = w->specials + p };
	for (; c < w->n_candidates && w->candidates[c].line < to; c++)
		w->candidates[c].line -= (uint32_t)from;
	for (; p < w->n_specials && w->specials[p].line < to; p++) {
		w->specials[p].line -= (uint32_t)from;
		w->specials[p].at -= (uint32_t)from;
		part.cut = part.cut || w->specials[p].cut;
	}
	part.n_candidates = c - w->next_candidate;
	part.n_specials = p - w->next_special;
	w->next_candidate = c;
	w->next_special = p;
	return part;
}

size_t clsf__next_line(const struct clsf_worker *w)
{
	size_t next = w->next_candidate < w->n_candidates ? w->candidates[w->next_candidate].line : SIZE_MAX;
	for (size_t i = w->next_special; i < w->n_specials && w->specials[i].line < next; i++)
		if (w->specials[i].cut)
			return w->specials[i].line;
	return next;
}

struct position {
	uint64_t number;             /* of the line at `at` */
	size_t at;                   /* up to here newlines are counted, */
	uint64_t raw;                /* and bytes of the log as it came */
	size_t special;              /* special lines up to here */
};

static void advance(const struct clsf_stream *s, struct position *p, const char *block, size_t to)
{
	p->number += clsf__count_newlines(block + p->at, to - p->at);
	p->raw += clsf__raw_length(s, block + p->at, to - p->at);
	p->at = to;
}

/* Steps over a line that ends with the newline at `end`, or with the block. */
static void step(const struct clsf_stream *s, struct position *p, const char *block, size_t length,
                 size_t end)
{
	size_t next = end < length ? end + 1 : length;
	p->number += end < length;
	p->raw += clsf__raw_length(s, block + p->at, next - p->at);
	p->at = next;
}

/* Does the line, which starts at `start`, need no decoding? Lines are asked for in their order. */
static bool is_plain(const struct part *part, struct position *p, size_t start, size_t length)
{
	while (p->special < part->n_specials && part->specials[p->special].line < start)
		p->special++;
	return p->special == part->n_specials || part->specials[p->special].line != start ||
	       part->specials[p->special].at >= start + length;
}

/* Judges the line that starts at `start`; *ret_end is where it ends. */
static int judge_at(struct clsf_stream *s, struct clsf_worker *w, const struct part *part,
                    uint64_t dropped, struct position *p, size_t start,
                    const struct clsf__candidate *candidates, size_t n, size_t n_found, size_t *ret_end)
{
	const char *block = part->text;
	const size_t length = part->length;
	advance(s, p, block, start);
	size_t end = line_end(block, length, start);
	size_t kept = end;
	bool last = end >= length || end + 1 == length;
	uint64_t more = last ? dropped - (dropped && s->cr_dropped ? clsf__raw_length(s, "\r", 1) : 0) : 0;
	if (kept > start && block[kept - 1] == '\r' && more == 0)
		kept--;
	struct clsf__line line = {
		.block = block,
		.start = start,
		.length = kept - start,
		.full_length = clsf__raw_length(s, block + start, kept - start) + more,
		.number = p->number,
		.offset = s->offset + p->raw,
		.plain = is_plain(part, p, start, kept - start),
	};
	step(s, p, block, length, end);
	*ret_end = end;
	w->work.judged_lines++;
	if (s->call)
		clsf__call_line(s->call, clsf__line_text(&line));
	return clsf__judge_line(s, w, &line, candidates, n, n_found);
}

/*
 * The lines with candidates go to the judge; so do all lines while some rule's
 * gate is open, and all lines at all when an expression is always a candidate.
 */
static int judge_lines(struct clsf_stream *s, struct clsf_worker *w, const struct part *part,
                       uint64_t dropped, struct position *p)
{
	const char *block = part->text;
	const size_t length = part->length;
	struct clsf__candidate *joined = w->joined;
	const size_t most = w->max_joined;
	size_t n_always;
	const uint32_t *always = clsf__filter_always(w->ruleset->filter, &n_always);
	for (size_t start = 0, i = 0; start < length;) {
		/* `start` is the line behind the last judged one: is it wanted in any case? */
		if (!n_always && s->gate_until == 0) {
			if (i == part->n_candidates)
				break;
			start = part->candidates[i].line;
		} else if (!n_always) {
			advance(s, p, block, start);
			if (s->gate_until < p->number) {
				s->gate_until = 0;
				continue;
			}
		}
		size_t own = 0;
		while (i + own < part->n_candidates && part->candidates[i + own].line == start)
			own++;
		const struct clsf__candidate *list = &part->candidates[i];
		size_t n = own;
		if (n_always || s->gate_until) {
			n = 0;
			for (size_t k = 0; k < own && n < most; k++)
				joined[n++] = list[k];
			for (size_t k = 0; k < n_always && n < most; k++)
				joined[n++] = (struct clsf__candidate){ .expression = always[k] };
			if (s->gate_until) {
				advance(s, p, block, start);
				n = clsf__add_gated(s, w, p->number, joined, n, most);
			}
			list = joined;
		}
		size_t end;
		int result = 0;
		if (n)
			result = judge_at(s, w, part, dropped, p, start, list, n, own, &end);
		else
			end = line_end(block, length, start);
		if (result)
			return result;
		i += own;
		start = end + 1;
	}
	return 0;
}

int clsf__judge_block(struct clsf_stream *s, struct clsf_worker *w, const char *block, size_t from, size_t to,
                      uint64_t dropped, bool more)
{
	uint64_t begun = clsf__now(w);
	const struct part part = take_part(w, block, from, to);
	s->message_limit = s->message_limit || (part.cut && !s->options.no_unwrap);
	struct position p = { .number = s->lines + 1 };
	int result = judge_lines(s, w, &part, dropped, &p);
	if (result)
		return result;
	uint64_t judged = clsf__now(w);
	w->work.judge_nanoseconds += judged - begun;
	if (more) {
		result = clsf__summary_after(s, part.text, part.length, s->lines + 1);
		if (result == 0)
			result = clsf__tail_update(s, part.text, part.length);
	}
	advance(s, &p, part.text, part.length);
	uint64_t lines = p.number - (s->lines + 1) + (part.length && part.text[part.length - 1] != '\n');
	s->lines += lines;
	s->offset += p.raw;
	w->work.bytes += part.length;
	w->work.lines += lines;
	w->work.other_nanoseconds += clsf__now(w) - judged;
	return result;
}

static int scan_part(struct clsf_stream *s, struct clsf_worker *w, const char *block, size_t length,
                     uint64_t dropped)
{
	bool full;
	int result = clsf__collect(w, block, length, !s->options.no_unwrap, &full);
	if (result)
		return result;
	size_t split = full ? clsf__split_point(block, length) : 0;
	if (split) {
		result = scan_part(s, w, block, split, 0);
		return result ? result : scan_part(s, w, block + split, length - split, dropped);
	}
	return clsf__judge_block(s, w, block, 0, length, dropped, true);
}

int clsf__scan_block(struct clsf_stream *s, struct clsf_worker *w, const char *block, size_t length,
                     uint64_t dropped)
{
	if (length == 0)
		return 0;
	int result = scan_part(s, w, block, length, dropped);
	s->offset += dropped;
	return result;
}
