/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_MARKS_H
#define TOOL_MARKS_H

/*
 * The markers of a log that a verdict does not hold: where it started, passed
 * and failed, and what its start markers captured, as a node or a parser, which
 * is what several logs may share.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>

#include "text.h"

#define MARKS_CONTEXT 16     /* captures of start markers that are kept of a log */

struct mark {
	const struct clsf_rule *rule;  /* NULL: there was none */
	uint64_t line;
	struct text text;              /* cut */
};

struct marks {
	struct mark start;             /* the first */
	struct mark success, failure;  /* the last ones */
	struct clsf_field context[MARKS_CONTEXT];
	size_t n_context;
	bool failed_memory;
};

/* Do start markers of the rules capture anything? */
bool marks_capture(const struct clsf_ruleset *ruleset);

/* Takes a match, whatever it is of. */
void marks_add(struct marks *marks, const struct clsf_match *match);
/* Another log begins. */
void marks_reset(struct marks *marks);
/* Bytes of memory that its texts hold. */
size_t marks_size(const struct marks *marks);
void marks_free(struct marks *marks);

#endif
