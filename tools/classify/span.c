/* SPDX-License-Identifier: Apache-2.0 */
/* See span.h. */

#include "span.h"

#include <string.h>

void span_reset(struct span_finder *s)
{
	s->head_length = s->tail_length = 0;
	s->span = (struct span){ 0 };
}

void span_feed(struct span_finder *s, const char *data, size_t length)
{
	size_t room = SPAN_BYTES - s->head_length;
	size_t taken = length < room ? length : room;
	memcpy(s->head + s->head_length, data, taken);
	s->head_length += taken;
	if (length >= SPAN_BYTES) {
		memcpy(s->tail, data + length - SPAN_BYTES, SPAN_BYTES);
		s->tail_length = SPAN_BYTES;
		return;
	}
	size_t kept = s->tail_length;
	if (kept + length > SPAN_BYTES) {
		kept = SPAN_BYTES - length;
		memmove(s->tail, s->tail + s->tail_length - kept, kept);
	}
	memcpy(s->tail + kept, data, length);
	s->tail_length = kept + length;
}

/* Takes a time if it is the first, or none can be told to be. */
static void take_first(struct span *s, const struct clsf_time *t, uint64_t line)
{
	int64_t ns;
	if (s->first.clock != CLSF_CLOCK_NONE && (!clsf_time_between(&s->first, t, &ns) || ns >= 0))
		return;
	s->first = *t;
	s->first_line = line;
}

static void take_last(struct span *s, const struct clsf_time *t, uint64_t line)
{
	int64_t ns;
	if (s->last.clock != CLSF_CLOCK_NONE && (!clsf_time_between(&s->last, t, &ns) || ns < 0))
		return;
	s->last = *t;
	s->last_line = line;
}

void span_end(struct span_finder *s, uint64_t before, uint64_t lines)
{
	struct clsf_time t;
	bool plain = s->head_length == 0 || !clsf_is_utf16(s->head, s->head_length);
	uint64_t number = before + 1;
	bool found = false;
	for (size_t at = 0; plain && !found && at < s->head_length; number++) {
		const char *newline = memchr(s->head + at, '\n', s->head_length - at);
		size_t end = newline ? (size_t)(newline - s->head) : s->head_length;
		found = clsf_line_time(s->head + at, end - at, &t) != 0;
		if (found)
			take_first(&s->span, &t, number);
		at = end + 1;
	}
	/* A line that is cut at the front of the tail tells nothing sure. */
	size_t end = s->tail_length;
	number = lines;
	if (end && s->tail[end - 1] == '\n')
		end--;
	for (found = false; plain && !found && end > 0 && number > before; number--) {
		const char *newline = memrchr(s->tail, '\n', end);
		size_t start = newline ? (size_t)(newline - s->tail) + 1 : 0;
		if (!newline && s->tail_length == SPAN_BYTES)
			break;
		found = clsf_line_time(s->tail + start, end - start, &t) != 0;
		if (found)
			take_last(&s->span, &t, number);
		end = newline ? start - 1 : 0;
	}
	s->head_length = s->tail_length = 0;
}

bool span_of_failure(const struct clsf_verdict *v, struct clsf_time *ret)
{
	if (clsf_line_time(v->line.text, v->line.text_length, ret))
		return true;
	for (size_t end = v->before_length; end > 0;) {
		const char *newline = memrchr(v->before, '\n', end - 1);
		size_t start = newline ? (size_t)(newline - v->before) + 1 : 0;
		if (clsf_line_time(v->before + start, end - 1 - start, ret))
			return true;
		end = start;
	}
	return false;
}
