/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

/*
 * Verdicts written for people and for programs. One printer a format; all of
 * them get their texts through text.h and, with `redact`, through
 * clsf_redact() first.
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
};

struct output_options {
	enum output_format format;
	bool colour;
	bool redact;
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
void output_match(const struct output_options *options, FILE *f, const char *source,
                  const struct clsf_match *m);

/* Appends log text, redacted if so asked, with one of the text_add_* functions. */
typedef void (*text_writer)(struct text *t, const char *data, size_t length);
void output_add(const struct output_options *options, struct text *t, text_writer writer,
                const char *data, size_t length);

/* The parts of the text format that `explain` shares. */
void output_heading(const struct output_options *o, struct text *t, const char *label);
void output_runbook(const struct output_options *o, struct text *t, const char *cause, const char *fix,
                    const char *prevent, const char *url);

#endif
