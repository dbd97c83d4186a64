/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_TRIAL_H
#define TOOL_TRIAL_H

/*
 * One text or log after the other through one ruleset, remembering which rules
 * matched and what they captured: for whatever tries rules rather than logs.
 */

#include "input.h"
#include "text.h"

/* A rule that matched; of its first match the captures, copied, each value ended by NUL besides. */
struct trial_match {
	const struct clsf_rule *rule;
	uint64_t first_line, last_line;
	char *text;                  /* of the first line */
	size_t length;
	struct clsf_field *fields;
	size_t n_fields;
};

struct trial {
	struct input_feeding feeding;
	struct trial_match *matches; /* one a rule, in the order of their first matches */
	size_t n_matches;
	const struct clsf_verdict *verdict;   /* until the next run */
	bool no_memory;
};

/* False when memory is out. trial_stop() is due in either case. */
bool trial_start(struct trial *t, struct clsf_ruleset *ruleset);
void trial_stop(struct trial *t);

/* Scans a text as a log of its own. False when that failed. */
bool trial_run(struct trial *t, const char *data, size_t length);

/* The same for a file; `result` says whether it could be read. */
bool trial_read(struct trial *t, const char *path, struct input_result *result);

/* The match of the rule with this id, or NULL. */
const struct trial_match *trial_find(const struct trial *t, const char *id);

/* The captures of a match, as the value of `fields` of an example. */
void trial_add_fields(struct text *t, const struct trial_match *m);

/*
 * Compiles rules of a text without the engine, so that nothing can explode and nothing is
 * printed. NULL when they cannot be; `ret_error` is of that, or of the first fault.
 */
struct clsf_ruleset *trial_compile(const char *name, const char *rules, size_t length,
                                   struct clsf_error *ret_error);

#endif
