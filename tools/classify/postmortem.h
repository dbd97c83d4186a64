/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_POSTMORTEM_H
#define TOOL_POSTMORTEM_H

/*
 * The skeleton of a post-mortem, in Markdown, of one run over one log or many:
 * what the logs tell is filled in, with its place; what they do not tell is left
 * open and says so. Nothing of it is guessed, and no byte of a log acts in it.
 */

#include "groups.h"
#include "incident.h"
#include "marks.h"
#include "output.h"
#include "span.h"

/* A log with its verdict. */
struct postmortem_log {
	const char *source;
	const struct clsf_verdict *verdict;
	const struct clsf_verdict *whole;    /* the same with lines of the whole incident; NULL for a log */
	const struct incident *incident;     /* NULL for a log */
	uint64_t line;                       /* the verdict's, of the whole */
	const struct marks *marks;
	const struct span *span;
	int64_t mtime;                       /* of the file: nanoseconds since 1970; 0: not known */
};

struct postmortem_row;

struct postmortem {
	struct postmortem_row *rows;
	size_t n_rows, capacity;
	size_t logs;                 /* that failed */
	size_t hidden_rows;
	size_t hidden_logs;          /* that failed and are counted only */
	struct text title;           /* of the first failure */
	struct clsf_time since;      /* the first of what failed a log, where days are told */
	struct text impact, evidence, candidates, actions, questions;
	const struct clsf_rule **acted;  /* rules that have their section of actions */
	size_t n_acted;
	bool failed_memory;
};

void postmortem_add(struct postmortem *pm, const struct postmortem_log *log);
void postmortem_write(struct postmortem *pm, const struct output_totals *totals, struct groups *groups,
                      const char *ruleset_hash, FILE *f);
void postmortem_free(struct postmortem *pm);

#endif
