/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PYTHON_SCANNER_H
#define PYTHON_SCANNER_H

/*
 * A worker, a stream and what they told, as one object: what a thread of
 * Python takes to scan one log, or one line, after the other. Nothing here
 * knows Python, so that all of it may run while the interpreter's lock is
 * released; `in_call` is read and written with the lock held.
 */

#include "collector.h"

struct scanner {
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	struct collector told;
	bool in_call;                /* a thread is in a method of it */
	bool finished;               /* the log was ended: reset comes next */
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
struct scanner_entry {
	const void *data;
	size_t length;
};
int scan_entries(struct scanner *s, const struct scanner_entry *entries, size_t n);

#endif
