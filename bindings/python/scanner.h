/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PYTHON_SCANNER_H
#define PYTHON_SCANNER_H

/*
 * A worker, a stream and what they told, as one object: what a thread of
 * Python takes to scan one log, or one line, after the other. Nothing here
 * knows Python, so that all of it may run while the interpreter's lock is
 * released; `in_call` is read and written with the lock held.
 */

#include <classify/reader.h>

#include "collector.h"

struct scanner {
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	struct collector told;
	struct clsf_lines_options lines;
	bool in_call;                /* a thread is in a method of it */
	bool finished;               /* the log was ended: reset comes next */
	bool sampled;                /* its beginning was seen to be text */
};

/* Returns 0 or a CLSF_E_*. With `keep`, matches are collected. */
int scanner_new(struct clsf_ruleset *ruleset, const struct clsf_stream_options *options, bool keep,
                struct scanner **ret_scanner);
void scanner_free(struct scanner *s);

/* Another log: forgets the one before, and what was told of it. */
void scan_reset(struct scanner *s);

/* As clsf_stream_feed() and clsf_stream_finish(); the collector's lack of memory is CLSF_E_NOMEM. */
int scan_feed(struct scanner *s, const void *data, size_t length);
int scan_finish(struct scanner *s, const struct clsf_verdict **ret_verdict);

/* Each entry as a log of its own; the matches are collected with the entry's index. */
int scan_entries(struct scanner *s, const struct clsf_entry *entries, size_t n);

enum scan_state {
	SCAN_END = 0,                /* of the log */
	SCAN_MORE = 1,
	SCAN_BINARY = 2,             /* it is no text; nothing was fed */
};

/* Feeds about `size` bytes of the reader's log at hand. A failure is the reader's, told in `err`, or of feeding. */
int scan_read(struct scanner *s, struct clsf_reader *reader, size_t size, enum scan_state *ret_state,
              struct clsf_error *err);

#endif
