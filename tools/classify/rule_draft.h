/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_RULE_DRAFT_H
#define TOOL_RULE_DRAFT_H

/*
 * From a message to the draft of a rule: what stays the same becomes literal,
 * what varies becomes a named capture. A guess by form alone; whether it
 * matches is tried by whoever prints it.
 */

#include "text.h"

struct draft {
	struct text expression;
	struct text title;           /* with ${name} for captures */
	struct text words;           /* the telling literal words, each ended by \n */
	size_t n_names;
	char names[24][33];
};

/* How much of a message is taken for variable. */
enum draft_way {
	DRAFT_CAPTURES,              /* numbers, paths, quoted values and so on */
	DRAFT_LITERAL,               /* nothing */
	DRAFT_WHOLE,                 /* nothing, and the message holds nothing else */
};

void draft_make(struct draft *d, const char *message, size_t length, enum draft_way way);
void draft_done(struct draft *d);

/*
 * Writes the nth line that comes near the given one and says the opposite, or
 * something else; nothing where the line has no word for it. False when there
 * are no more. `words` are those of the draft.
 */
bool draft_near_miss(const char *line, size_t length, const struct text *words, size_t n,
                     struct text *ret_line);

#endif
