/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_WINDOW_H
#define TOOL_WINDOW_H

/*
 * `scan --since` and `--until`: of each log, the lines that tell a time in a
 * window, and those without a time that follow them. The others are not looked
 * at, but count: numbers and offsets are those of the whole log.
 *
 * What the result is depends on the lines alone, and not on how the bytes are
 * cut into calls.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>

#include "span.h"

struct window {
	bool has_since, has_until;
	int64_t since, until;        /* nanoseconds since 1970: from one, and before the other */
};

#define WINDOW_LINE ((size_t)64 * 1024)  /* bytes of a line in which its time is looked for */
#define WINDOW_HEAD ((size_t)256 * 1024) /* bytes before the first time that wait for it */

/* What becomes of the line at hand. */
enum window_state {
	WINDOW_WAITS,                /* for the first time */
	WINDOW_INSIDE,
	WINDOW_OUTSIDE,
};

/* A log on its way through a window. */
struct window_filter {
	const struct window *window;
	struct clsf_stream *stream;
	struct clsf_worker *worker;
	struct clsf_time anchor;     /* years and dates that stamps do not tell are the nearest to this */

	enum window_state state;
	bool timed;                  /* some line told a time */
	bool any;                    /* something was scanned, or is about to be */
	bool in_line;                /* of the line at hand is decided already what becomes of it */
	char *line, *head;           /* an unfinished line; the lines that wait */
	size_t line_length, head_length;
	uint64_t head_lines;
	uint64_t skip_lines, skip_bytes;
	uint64_t lines;              /* begun so far */
	struct span span;            /* of what is inside */
	bool failed_memory;
};

/* Begins a log, of which the file was last changed then, in nanoseconds since 1970. */
void window_begin(struct window_filter *filter, const struct window *window, struct clsf_stream *stream,
                  struct clsf_worker *worker, int64_t changed);
/* Its next bytes: feeds the stream with what is inside. Returns as clsf_stream_feed(). */
int window_feed(struct window_filter *filter, const char *data, size_t length);
/* It ends. What comes next is clsf_stream_finish(). */
int window_end(struct window_filter *filter);

/* Once it has ended: does it tell times, and all of them outside? */
bool window_left_out(const struct window_filter *filter);

void window_done(struct window_filter *filter);

#endif
