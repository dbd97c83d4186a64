/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

/*
 * Verdicts written for people and for programs. One printer a format; all of
 * them get their texts through text.h. Redaction is the library's.
 */

#include <stdio.h>

#include <classify/classify.h>

#include "counts.h"
#include "groups.h"
#include "text.h"

enum output_format {
	OUTPUT_TEXT,
	OUTPUT_JSONL,
	OUTPUT_JSON,
	OUTPUT_MARKDOWN,
	OUTPUT_POSTMORTEM,   /* postmortem.h writes it */
	OUTPUT_CSV,
	OUTPUT_JUNIT,
	OUTPUT_SARIF,
	OUTPUT_PROMETHEUS,
};

struct output_options {
	enum output_format format;
	bool colour;
	bool quiet;          /* text: one line a log */
	size_t width;        /* columns of the text format */
};

struct output_totals {
	size_t logs, failed, passed, undetermined;
};

/*
 * What a format keeps from one log to the next. Formats that begin with sums, or
 * end with lists, have part of their text wait in a temporary file, so that the
 * number of logs does not count in memory. Zero is a good start.
 */
struct output_state {
	struct counts counts;
	FILE *spool, *notes;
	size_t n_spooled, n_notes;
	struct text container;       /* sarif: the archive that the last log was in, */
	size_t container_index;      /* and its place among the artifacts */
	bool failed;                 /* memory was out, or a temporary file not written: the output is not whole */
};

/* What the end tells of the run. */
struct output_run {
	const struct clsf_ruleset *ruleset;  /* NULL: there is none */
	bool complete;               /* everything was read in full, and no interrupt came */
	uint64_t nanoseconds;        /* that it took */
	int64_t ended;               /* seconds since 1970 */
};

/* Does the format tell what several logs share? */
bool output_tells_groups(enum output_format format);

/* Is what it tells of a log there, or of any use, only when the run has ended? */
bool output_waits(enum output_format format);

/* What comes before, between and after the logs of one run. */
void output_begin(const struct output_options *options, FILE *f);
void output_log(const struct output_options *options, struct output_state *state, FILE *f, const char *source,
                const struct clsf_verdict *v, const char *ruleset_hash, bool first);
void output_end(const struct output_options *options, struct output_state *state, FILE *f,
                const struct output_totals *totals, struct groups *groups, const struct output_run *run);
void output_state_free(struct output_state *state);

/* --matches: appends one object, on a line. */
void output_match(struct text *t, const char *source, const struct clsf_match *m);

/* The parts of the text format that `explain` shares. */
void output_heading(const struct output_options *o, struct text *t, const char *label);
void output_runbook(const struct output_options *o, struct text *t, const char *cause, const char *fix,
                    const char *prevent, const char *url);

#endif
