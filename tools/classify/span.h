/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_SPAN_H
#define TOOL_SPAN_H

/*
 * From when to when a log goes: the first and the last timestamp of its lines,
 * looked for in its first and last bytes. Of a log in UTF-16 nothing is known.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>

#define SPAN_BYTES ((size_t)16 * 1024)

struct span {
	struct clsf_time first, last;   /* clock NONE: not known */
	uint64_t first_line, last_line;
};

/* Looks for the span of a log, or of several that are one. */
struct span_finder {
	struct span span;               /* found so far */
	char head[SPAN_BYTES], tail[SPAN_BYTES];
	size_t head_length, tail_length;
};

/* Another log begins. */
void span_reset(struct span_finder *finder);
/* Its next bytes. */
void span_feed(struct span_finder *finder, const char *data, size_t length);
/* It, or a part of it, ends; it had so many lines before that part, and has so many with it. */
void span_end(struct span_finder *finder, uint64_t lines_before, uint64_t lines);

/* The time of what failed: of its line, or the last that a line of context above it tells. */
bool span_of_failure(const struct clsf_verdict *v, struct clsf_time *ret_time);

#endif
