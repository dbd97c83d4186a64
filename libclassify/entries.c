/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See entries.h. The answer is that of feeding each entry by itself, which is
 * also how an entry is looked at that is large, or UTF-16. All others
 * are copied behind each other, each with an end of line, and of those that are
 * logs of their own only the ones with candidates are ever looked at again.
 */

#include <string.h>

#include "entries.h"
#include "error.h"
#include "filter.h"

#define DIRECT ((size_t)32 * 1024)   /* bytes from which on copying an entry gains nothing */

/* Where an entry begins in the block. */
struct place {
	uint32_t start;
	size_t index;                /* of the entry in the call */
};

struct clsf__entries {
	struct clsf_stream *alone;   /* the log of each entry that has no other, one after the other */
	struct clsf__buffer block;
	struct place *places;
	size_t n_places, capacity;
};

struct clsf__call {
	struct clsf_worker *w;
	struct clsf__entries *e;
	struct clsf_stream *stream;  /* of entries that name none */
	const struct clsf_entry *entries;
	struct clsf_lines_options options;
	bool always;                 /* some expression is looked for on every line */
	bool unwrap;                 /* some entry of the block is to be unwrapped */

	const char *block;           /* joined entries; NULL while one is fed by itself */
	size_t length;
	size_t done;                 /* entries of the block that are over */
	size_t place, index;         /* of the line at hand */
	uint64_t begin;              /* of an entry that is fed by itself: its offset in its log */
};

/* ---- what the worker keeps ---- */

void clsf__entries_free(struct clsf__entries *e)
{
	if (!e)
		return;
	struct clsf_allocator a = e->block.allocator;
	clsf_stream_free(e->alone);
	clsf__buffer_done(&e->block);
	clsf__free(&a, e->places);
	clsf__free(&a, e);
}

static int entries_new(struct clsf_worker *w)
{
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	struct clsf__entries *e = clsf__calloc(&w->allocator, 1, sizeof(*e));
	if (!e)
		return CLSF_E_NOMEM;
	clsf__buffer_init(&e->block, &w->allocator);
	options.allocator = &w->allocator;
	int result = clsf_stream_new(w->ruleset, &options, &e->alone);
	if (result) {
		clsf__entries_free(e);
		return result;
	}
	e->alone->alone = true;
	w->entries = e;
	return 0;
}

/* ---- what the judge asks and tells ---- */

/* Where the entry at a place of the block ends. */
static size_t place_end(const struct clsf__call *c, size_t place)
{
	return place + 1 < c->e->n_places ? c->e->places[place + 1].start : c->length;
}

void clsf__call_line(struct clsf__call *c, const char *text)
{
	if (!c->block)
		return;
	/* Lines come in their order. */
	while (c->block + place_end(c, c->place) <= text)
		c->place++;
	c->index = c->e->places[c->place].index;
}

const struct clsf_entry *clsf__call_entry(const struct clsf__call *c, const struct clsf__line *line,
                                          uint64_t *ret_begin)
{
	*ret_begin = c->begin;
	if (c->block) {
		size_t at = (size_t)(clsf__line_text(line) - c->block);
		*ret_begin = line->offset - (at - c->e->places[c->place].start);
	}
	return &c->entries[c->index];
}

bool clsf__call_deliver(const struct clsf__call *c, const struct clsf_match *match)
{
	return !c->options.on_match || c->options.on_match(c->index, match, c->options.user) == 0;
}

/* ---- an entry that is a log of its own ---- */

static int tell_warnings(struct clsf__call *c, struct clsf_stream *s)
{
	bool any = s->long_lines || s->text_limit || s->capture_limit || s->message_limit || s->span_limit ||
	           s->pending_limit || s->field_limit || s->remarks.forgotten || s->remarks.no_timestamps ||
	           s->match_limits;
	if (!any || !c->options.on_warning)
		return 0;
	int result = clsf__warnings_build(s);
	for (size_t i = 0; result == 0 && i < s->verdict.n_warnings; i++) {
		const struct clsf_warning *warning = &s->verdict.warnings[i];
		/* These are of the rules and the same for every entry. */
		if (warning->code != CLSF_WARN_RULE_QUARANTINED && warning->code != CLSF_WARN_ENGINE_FALLBACK)
			c->options.on_warning(c->index, warning, c->options.user);
	}
	return result;
}

/* All lines were looked at, unless `result` tells why not. */
static int end_alone(struct clsf__call *c, int result)
{
	struct clsf_stream *s = c->e->alone;
	if (result == 0)
		result = clsf__pending_finish(s);
	if (result >= 0) {
		int told = tell_warnings(c, s);
		result = told ? told : result;
	}
	clsf_stream_reset(s);
	return result;
}

/* ---- a block of entries ---- */

static struct clsf_stream *stream_of(const struct clsf__call *c, size_t index)
{
	return c->entries[index].stream ? c->entries[index].stream : c->stream;
}

/* Judges the part of an entry that is a log of its own, as far as it is within [from, to). */
static int judge_alone(struct clsf__call *c, size_t from, size_t start, size_t to)
{
	size_t place = c->done, end = place_end(c, place);
	bool over = end <= to;
	c->place = place;
	c->index = c->e->places[place].index;
	int result = clsf__judge_block(c->e->alone, c->w, c->block + from, start - from, (over ? end : to) - from, 0,
	                               !over);
	return over || result ? end_alone(c, result) : 0;
}

/* Judges entries that follow each other in one stream, as far as they are within [from, to). */
static int judge_appended(struct clsf__call *c, struct clsf_stream *s, size_t from, size_t start, size_t to,
                          size_t *ret_done)
{
	size_t place = c->done, end = place_end(c, place);
	c->place = place;
	c->index = c->e->places[place].index;
	while (end < to && stream_of(c, c->e->places[place + 1].index) == s)
		end = place_end(c, ++place);
	*ret_done = end <= to ? place + 1 : place;
	if (end > to)
		end = to;
	s->bytes += end - start;
	s->call = c;
	int result = clsf__judge_block(s, c->w, c->block + from, start - from, end - from, 0, true);
	s->call = NULL;
	return result;
}

static int judge_entries(struct clsf__call *c, size_t from, size_t to)
{
	int result = 0;
	size_t next = clsf__next_line(c->w);
	while (result == 0 && c->done < c->e->n_places && c->e->places[c->done].start < to) {
		size_t begin = c->e->places[c->done].start, end = place_end(c, c->done);
		size_t start = begin > from ? begin : from;
		struct clsf_stream *s = stream_of(c, c->e->places[c->done].index);
		bool quiet = !c->always && begin >= from && end <= to && (next == SIZE_MAX || next + from >= end);
		if (s) {
			size_t done;
			result = judge_appended(c, s, from, start, to, &done);
			next = clsf__next_line(c->w);
			/* What is split goes on in the next part. */
			if (done == c->done || (done < c->e->n_places && c->e->places[done].start < to &&
			                        place_end(c, done) > to && stream_of(c, c->e->places[done].index) == s)) {
				c->done = done;
				return result;
			}
			c->done = done;
		} else if (quiet) {
			c->w->work.lines++;
			c->w->work.bytes += end - begin;
			c->done++;
		} else {
			result = judge_alone(c, from, start, to);
			next = clsf__next_line(c->w);
			if (end > to)
				return result;
			c->done++;
		}
	}
	return result;
}

static int scan_entries(struct clsf__call *c, size_t from, size_t to)
{
	bool full;
	int result = clsf__collect(c->w, c->block + from, to - from, c->unwrap, &full);
	if (result)
		return result;
	size_t split = full ? clsf__split_point(c->block + from, to - from) : 0;
	if (split) {
		result = scan_entries(c, from, from + split);
		return result ? result : scan_entries(c, from + split, to);
	}
	return judge_entries(c, from, to);
}

static int scan_block(struct clsf__call *c, const char *block, size_t length)
{
	c->block = block;
	c->length = length;
	c->done = 0;
	c->e->alone->call = c;
	int result = length ? scan_entries(c, 0, length) : 0;
	/* Where it ended early, an entry may be half looked at. */
	if (result)
		clsf_stream_reset(c->e->alone);
	c->e->alone->call = NULL;
	c->block = NULL;
	c->e->n_places = 0;
	c->unwrap = false;
	return result;
}

static int flush(struct clsf__call *c)
{
	struct clsf__buffer *block = &c->e->block;
	int result = scan_block(c, block->data, block->length);
	clsf__buffer_clear(block);
	return result;
}

/* Notes that the block holds the entry from `start` on. */
static int add_place(struct clsf__call *c, size_t index, size_t start, bool unwrap)
{
	struct clsf__entries *e = c->e;
	if (!clsf__grow(&e->block.allocator, &e->places, &e->capacity, e->n_places + 1, sizeof(*e->places)))
		return CLSF_E_NOMEM;
	e->places[e->n_places++] = (struct place){ (uint32_t)start, index };
	c->unwrap = c->unwrap || unwrap;
	return 0;
}

/* ---- an entry by itself ---- */

static int feed_entry(struct clsf__call *c, size_t index)
{
	const struct clsf_entry *entry = &c->entries[index];
	struct clsf_stream *s = stream_of(c, index);
	const char *data = entry->data;
	c->index = index;
	if (!s) {
		s = c->e->alone;
		c->begin = 0;
		s->call = c;
		int result = end_alone(c, clsf__feed_whole(s, c->w, data, entry->length));
		s->call = NULL;
		return result;
	}
	c->begin = s->offset;
	s->bytes += entry->length;
	s->call = c;
	int result = clsf__feed_text(s, c->w, data, entry->length);
	if (result == 0 && (entry->length == 0 || data[entry->length - 1] != '\n')) {
		s->bytes++;
		result = clsf__feed_text(s, c->w, "\n", 1);
	}
	s->call = NULL;
	return result;
}

static int take_entry(struct clsf__call *c, size_t index, bool only)
{
	const struct clsf_entry *entry = &c->entries[index];
	struct clsf_stream *s = stream_of(c, index);
	struct clsf__buffer *block = &c->e->block;
	bool unwrap = s ? !s->options.no_unwrap : !c->options.no_unwrap;
	int result = 0;
	if (!s && entry->length == 0)
		return 0;
	bool wide = !s && clsf_is_utf16(entry->data, entry->length);
	if (wide || entry->length > CLSF__BLOCK || (entry->length > DIRECT && s)) {
		result = flush(c);
		return result ? result : feed_entry(c, index);
	}
	/* A log of its own needs no copy where there is nothing to join it with. */
	if (!s && (only || entry->length > DIRECT)) {
		result = flush(c);
		if (result == 0)
			result = add_place(c, index, 0, unwrap);
		return result ? result : scan_block(c, entry->data, entry->length);
	}
	if (block->length + entry->length + 1 > CLSF__BLOCK)
		result = flush(c);
	if (result == 0)
		result = add_place(c, index, block->length, unwrap);
	if (result)
		return result;
	clsf__buffer_add(block, entry->data, entry->length);
	if (entry->length == 0 || block->data[block->length - 1] != '\n')
		clsf__buffer_addc(block, '\n');
	return block->failed ? CLSF_E_NOMEM : 0;
}

/* ---- the public call ---- */

static int scan_lines(struct clsf__call *c, size_t n)
{
	struct clsf_worker *w = c->w;
	const struct clsf_stream *last = NULL;
	if (!w->entries) {
		int result = entries_new(w);
		if (result)
			return result;
	}
	size_t n_always;
	clsf__filter_always(w->ruleset->filter, &n_always);
	c->always = n_always > 0;
	c->e = w->entries;
	c->e->n_places = 0;
	clsf__buffer_clear(&c->e->block);
	c->e->alone->options.no_unwrap = c->options.no_unwrap;
	c->e->alone->options.redact = c->options.redact;
	int result = n > 1 && !clsf__buffer_reserve(&c->e->block, CLSF__BLOCK) ? CLSF_E_NOMEM : 0;
	for (size_t i = 0; result == 0 && i < n; i++) {
		struct clsf_stream *s = stream_of(c, i);
		if (s && s != last)
			result = clsf__begin_line(s, w);
		last = s;
		if (result == 0)
			result = take_entry(c, i, n == 1);
	}
	return result ? result : flush(c);
}

int clsf_scan_lines(struct clsf_worker *w, struct clsf_stream *stream, const struct clsf_entry *entries, size_t n,
                    const struct clsf_lines_options *options)
{
	CLSF__REQUIRE(w && (entries || n == 0));
	CLSF__REQUIRE(!options || options->size == sizeof(*options));
	struct clsf__call call = { .w = w, .stream = stream, .entries = entries };
	if (options)
		call.options = *options;
	const struct clsf_stream *last = NULL;
	bool stopped = false;
	for (size_t i = 0; i < n; i++) {
		const struct clsf_stream *s = stream_of(&call, i);
		CLSF__REQUIRE(entries[i].data || entries[i].length == 0);
		if (s && s != last) {
			CLSF__REQUIRE(!s->finished && !s->utf16 && s->ruleset == w->ruleset);
			stopped = stopped || s->stopped;
		}
		last = s;
	}
	if (atomic_exchange(&w->busy, true))
		return CLSF_E_BUSY;
	int result = stopped ? CLSF_STOPPED : scan_lines(&call, n);
	/* Which of them it took cannot be told. */
	for (size_t i = 0; result < 0 && i < n; i++) {
		struct clsf_stream *s = stream_of(&call, i);
		if (s && !s->truncated)
			clsf_stream_truncated(s, clsf_strerror(result));
	}
	atomic_store(&w->busy, false);
	return result;
}
