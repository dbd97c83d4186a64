/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_SCANNED_H
#define TOOL_SCANNED_H

/*
 * What a thread found out and another tells: a log with its verdict, matches of a
 * log, or a remark on an input. All of it is copied, so that the thread goes on
 * with the next log at once, and its size is known, so that what waits to be told
 * can be bounded.
 */

#include <stdbool.h>
#include <stddef.h>

#include <classify/classify.h>

#include "input.h"
#include "jobs.h"
#include "marks.h"
#include "span.h"
#include "state.h"
#include "text.h"

enum scanned_kind {
	SCANNED_LOG,
	SCANNED_MATCHES,     /* `text` is what --matches prints */
	SCANNED_REMARK,      /* `text` is for standard error */
	SCANNED_BEGIN,       /* the logs that follow are of this file: for the state */
	SCANNED_END,         /* the file is over; or nothing of it was scanned */
	SCANNED_OUTSIDE,     /* a log of which no line is in the window of time */
};

struct scanned {
	struct told told;            /* first, for the queue */
	enum scanned_kind kind;
	const char *source;
	struct clsf_verdict verdict; /* of SCANNED_LOG, as is what follows */
	struct input_result result;
	struct marks marks;
	struct span span;
	struct clsf_matched *matched;  /* all rules that did; only where a state remembers them */
	size_t n_matched;
	int64_t mtime;               /* of the file: nanoseconds since 1970 */
	struct state_file *file;     /* of SCANNED_BEGIN and SCANNED_END */
	bool keep, whole;            /* as state_end() has them */
	const char *text;
	size_t length;
	bool failure;                /* a remark that the exit status knows of */
};

/*
 * Copies a log. The marks are taken over, and begun anew; they may be NULL, as
 * may the span. NULL when memory is out.
 */
struct scanned *scanned_log(const char *source, const struct clsf_verdict *verdict, const struct input_result *result,
                            struct marks *marks, const struct span *span);

struct scanned *scanned_matches(const struct text *text);

struct scanned *scanned_remark(const char *source, const char *why, bool failure);

struct scanned *scanned_file(enum scanned_kind kind, const struct state_file *file);
struct scanned *scanned_outside(const char *source);

void scanned_free(struct scanned *scanned);

#endif
