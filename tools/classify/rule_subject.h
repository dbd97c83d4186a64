/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_RULE_SUBJECT_H
#define TOOL_RULE_SUBJECT_H

/*
 * The line for which a rule is made: given, or taken from a log by its number,
 * or the one that tells most of a log that no rule knows. The library reads it,
 * so that it is the line that rules see, and takes its wrappers off.
 */

#include <stdint.h>

#include "cli.h"
#include "text.h"

struct subject {
	struct text line;            /* cut where the library cuts texts */
	struct text message;         /* without its wrappers */
};

/* Each says what is wrong and returns false when there is no such line. */

/* A line as it was typed; several are a log. */
bool subject_from_text(const char *line, struct clsf_ruleset *rs, struct subject *subject, struct outcome *o);
/* Standard input: one line, or a log; if `log`, it is one however short. */
bool subject_from_input(struct clsf_ruleset *rs, struct subject *subject, bool log, struct outcome *o);
/* "LOG", or "LOG:NUMBER" if there is no file of that name. */
bool subject_from_log(const char *from, struct clsf_ruleset *rs, struct subject *subject, struct outcome *o);
/* The line of this number. */
bool subject_from_line(const char *path, uint64_t number, struct subject *subject, struct outcome *o);

void subject_done(struct subject *subject);

#endif
