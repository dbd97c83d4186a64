/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_INCIDENT_H
#define TOOL_INCIDENT_H

/*
 * Several inputs of one incident: which there are, the order in which they are
 * read as one log, and where a line of that log stands in them.
 *
 * Events come first, for they tell what led to the log; then logs; then the
 * status of jobs and pods, which tells how it ended. So what a log outlived is
 * earlier than what it ends with, and a kill that left nothing in the log comes
 * last. What an input is, its first bytes say; those of a kind keep their order.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "input.h"
#include "paths.h"
#include "text.h"

struct incident_part {
	char *path;
	char *name;                  /* path below the folder that is the incident, else the path */
	int kind;
	size_t order;                /* as it was found */
	uint64_t lines, bytes;       /* of the incident before this part */
	bool read;
};

struct incident {
	char *name;                  /* the folder, or the first of several inputs */
	struct incident_part *parts;
	size_t n, capacity;
	size_t truncated;            /* 1 + the part that was cut, and how much of it was read */
	uint64_t truncated_bytes;
	bool failed_memory;
};

/* Finds the parts below the inputs, sorted. Complains of what cannot be walked, and of too many. */
void incident_collect(struct incident *incident, const struct list *inputs, path_complaint complaint, void *user);
void incident_free(struct incident *incident);

/*
 * Of a failure that no rule explains and that only a status or an event tells:
 * what the last of the logs that tell anything has to say. Without such a log
 * the verdict is NULL. To be freed in either case.
 */
struct incident_told {
	const struct clsf_verdict *verdict;  /* lines are the part's own */
	const struct incident_part *part;
	struct clsf_ruleset *rules;
	struct input_feeding feeding;
	bool failed_memory;
};
void incident_look_into_logs(const struct incident *incident, const struct clsf_verdict *verdict,
                             const struct clsf_stream_options *options, struct incident_told *ret_told);
void incident_told_free(struct incident_told *told);

/* The part that holds a line of the whole; NULL for line 0. */
const struct incident_part *incident_part_of(const struct incident *incident, uint64_t line);

/* "INCIDENT!FILE", or what of it says all. `part` may be NULL. */
void incident_source(const struct incident *incident, const struct incident_part *part, struct text *ret_source);

/*
 * A verdict whose lines and offsets are those within their files: of the file
 * that `ret_source` names or, where the reason of a candidate or a warning names
 * another, of that.
 */
struct local_verdict {
	struct clsf_verdict verdict;
	struct text source;
	char **texts;                /* that were written for it */
	size_t n_texts, capacity;
	bool failed;
};
void incident_localize(const struct incident *incident, const struct clsf_verdict *verdict,
                       const struct incident_told *told, struct local_verdict *ret_local);
void local_verdict_free(struct local_verdict *local);

#endif
