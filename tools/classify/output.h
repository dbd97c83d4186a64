/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

/*
 * Verdicts written for people and for programs. One printer a format; all of
 * them get their texts through text.h. Redaction is the library's.
 */

#include <stdio.h>

#include <classify/classify.h>

#include "groups.h"
#include "text.h"

enum output_format {
	OUTPUT_TEXT,
	OUTPUT_JSONL,
	OUTPUT_JSON,
	OUTPUT_MARKDOWN,
	OUTPUT_POSTMORTEM,   /* postmortem.h writes it */
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

/* What comes before, between and after the logs of one run. */
void output_begin(const struct output_options *options, FILE *f);
void output_log(const struct output_options *options, FILE *f, const char *source,
                const struct clsf_verdict *v, const char *ruleset_hash, bool first);
void output_end(const struct output_options *options, FILE *f, const struct output_totals *totals,
                struct groups *groups);

/* --matches: one object a match. */
void output_match(FILE *f, const char *source, const struct clsf_match *m);

/* The parts of the text format that `explain` shares. */
void output_heading(const struct output_options *o, struct text *t, const char *label);
void output_runbook(const struct output_options *o, struct text *t, const char *cause, const char *fix,
                    const char *prevent, const char *url);

#endif
