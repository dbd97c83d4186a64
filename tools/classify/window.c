/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See window.h. Runs of lines that are inside are given to the stream where they
 * lie; only an unfinished line, and lines above the first time, are copied.
 */

#include "window.h"

#include <stdlib.h>
#include <string.h>

void window_begin(struct window_filter *f, const struct window *window, struct clsf_stream *stream,
                  struct clsf_worker *worker, int64_t changed)
{
	char *line = f->line, *head = f->head;
	*f = (struct window_filter){ .window = window, .stream = stream, .worker = worker, .line = line, .head = head,
		                     .anchor = { changed, CLSF_CLOCK_FULL } };
	if (!line)
		f->line = malloc(WINDOW_LINE);
	if (!head)
		f->head = malloc(WINDOW_HEAD);
	f->failed_memory = !f->line || !f->head;
}

void window_done(struct window_filter *f)
{
	free(f->line);
	free(f->head);
}

bool window_left_out(const struct window_filter *f)
{
	return f->timed && !f->any;
}

/* ---- to the stream ---- */

static int skip(struct window_filter *f)
{
	int code = f->skip_bytes ? clsf_stream_skip(f->stream, f->worker, f->skip_lines, f->skip_bytes) : 0;
	f->skip_lines = f->skip_bytes = 0;
	return code;
}

/* Bytes that share one fate; `lines` begin in them. */
static int pass_on(struct window_filter *f, const char *data, size_t length, uint64_t lines)
{
	if (length == 0)
		return 0;
	if (f->state == WINDOW_OUTSIDE) {
		f->skip_lines += lines;
		f->skip_bytes += length;
		return 0;
	}
	int code = skip(f);
	f->any = true;
	return code ? code : clsf_stream_feed(f->stream, f->worker, data, length);
}

static int release_head(struct window_filter *f)
{
	int code = pass_on(f, f->head, f->head_length, f->head_lines);
	f->head_length = 0;
	f->head_lines = 0;
	return code;
}

/* ---- the time of a line ---- */

static void note(struct window_filter *f, const struct clsf_time *t)
{
	if (f->span.first.clock == CLSF_CLOCK_NONE) {
		f->span.first = *t;
		f->span.first_line = f->lines;
	}
	f->span.last = *t;
	f->span.last_line = f->lines;
}

/* What becomes of a line that begins; without a time, what became of the one above it. */
static enum window_state judge(struct window_filter *f, const char *line, size_t length)
{
	const struct window *w = f->window;
	struct clsf_time t;
	int64_t since;
	f->lines++;
	if (length > WINDOW_LINE)
		length = WINDOW_LINE;
	if (!clsf_line_time(line, length, &t) || !clsf_time_between(&t, &f->anchor, &since))
		return f->state;
	int64_t then = f->anchor.nanoseconds - since;
	bool inside = (!w->has_since || then >= w->since) && (!w->has_until || then < w->until);
	f->timed = true;
	if (inside)
		note(f, &t);
	return inside ? WINDOW_INSIDE : WINDOW_OUTSIDE;
}

/* The lines that waited for the first time share what becomes of it. */
static int change(struct window_filter *f, enum window_state state)
{
	bool waited = f->state == WINDOW_WAITS && state != WINDOW_WAITS;
	f->state = state;
	return waited ? release_head(f) : 0;
}

/* Bytes of one line, of which it is known what becomes of it, or that it waits. */
static int take(struct window_filter *f, const char *data, size_t length, bool begins)
{
	int code = 0;
	if (f->state == WINDOW_WAITS && f->head_length + length > WINDOW_HEAD)
		code = change(f, WINDOW_INSIDE);
	if (code || f->state != WINDOW_WAITS)
		return code ? code : pass_on(f, data, length, begins);
	memcpy(f->head + f->head_length, data, length);
	f->head_length += length;
	f->head_lines += begins;
	return 0;
}

/* ---- lines ---- */

/* The line that an earlier call brought the beginning of is there, as far as its time may stand in it. */
static int end_line(struct window_filter *f, bool newline)
{
	int code = change(f, judge(f, f->line, f->line_length - newline));
	if (code == 0)
		code = take(f, f->line, f->line_length, true);
	f->line_length = 0;
	return code;
}

/* More of a line that was begun by an earlier call. Sets how many bytes that took. */
static int go_on(struct window_filter *f, const char *data, size_t length, size_t *ret_taken)
{
	const char *newline = memchr(data, '\n', length);
	size_t n = newline ? (size_t)(newline - data) + 1 : length;
	if (f->in_line) {
		*ret_taken = n;
		f->in_line = !newline;
		return take(f, data, n, false);
	}
	size_t room = WINDOW_LINE - f->line_length;
	bool whole = newline && n <= room;
	n = n < room ? n : room;
	memcpy(f->line + f->line_length, data, n);
	f->line_length += n;
	*ret_taken = n;
	if (!whole && n < room)
		return 0;
	f->in_line = !whole;
	return end_line(f, whole);
}

int window_feed(struct window_filter *f, const char *data, size_t length)
{
	const char *end = data + length;
	int code = f->failed_memory ? CLSF_E_NOMEM : 0;
	size_t taken;
	while (code == 0 && data < end && (f->in_line || f->line_length)) {
		code = go_on(f, data, (size_t)(end - data), &taken);
		data += taken;
	}
	/* Lines that share what becomes of them are passed on together. */
	const char *run = data;
	uint64_t lines = 0;
	while (code == 0 && data < end) {
		size_t left = (size_t)(end - data);
		const char *newline = memchr(data, '\n', left);
		size_t n = newline ? (size_t)(newline - data) + 1 : left;
		if (!newline && left < WINDOW_LINE)
			break;
		enum window_state next = judge(f, data, newline ? n - 1 : n);
		if (next != f->state) {
			code = pass_on(f, run, (size_t)(data - run), lines);
			if (code == 0)
				code = change(f, next);
			run = data;
			lines = 0;
		}
		f->in_line = !newline;
		lines++;
		if (code == 0 && f->state == WINDOW_WAITS) {
			code = take(f, data, n, true);
			run = data + n;
			lines = 0;
		}
		data += n;
	}
	if (code == 0)
		code = pass_on(f, run, (size_t)(data - run), lines);
	if (code == 0 && data < end) {
		f->line_length = (size_t)(end - data);
		memcpy(f->line, data, f->line_length);
	}
	return code;
}

int window_end(struct window_filter *f)
{
	int code = f->failed_memory ? CLSF_E_NOMEM : 0;
	if (code == 0 && f->line_length)
		code = end_line(f, false);
	/* No line told a time. */
	if (code == 0)
		code = change(f, f->state == WINDOW_WAITS ? WINDOW_INSIDE : f->state);
	return code ? code : skip(f);
}
