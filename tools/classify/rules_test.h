/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_RULES_TEST_H
#define TOOL_RULES_TEST_H

/* The parts of `rules test`: each adds to the report what it finds out. */

#include "rules_report.h"
#include "trial.h"

/* ---- rules_examples.c ---- */

/* Every example through the engine and, if `plain` is not NULL, through the same rules without it. */
void test_examples(struct clsf_ruleset *rs, struct clsf_ruleset *plain, struct report *r, struct outcome *o);

/* Whether the captures are those that the example promises, no more and no fewer. */
bool fields_right(const struct clsf_example *e, const struct trial_match *m);

/* ---- rules_rivals.c ---- */

/* How the examples of one rule fare among all rules. Zero is a good start. */
struct rivals {
	size_t matched;              /* examples that the rule matches, as it should */
	size_t lost;                 /* of them those whose verdict names another rule */
	const struct clsf_rule *winner;  /* of the first that was lost */
	bool several;                /* not all of them lost to it */
	bool explained;              /* all were lost because one rule explains the other */
	char why[200];               /* why the first was lost */
	struct meeting {
		const struct clsf_rule *other;
		size_t examples;
	} *meetings;
	size_t n_meetings;
};

/* Takes note of an example that the rule matched in this trial. */
void rivals_note(struct rivals *v, const struct clsf_rule *rule, const struct trial *t);
/* Tells what came of it and frees. */
void rivals_end(struct rivals *v, const struct clsf_rule *rule, struct report *r);

/* ---- rules_bank.c ---- */

/* The bundled bank of passing logs, or NULL: static. */
const char *default_passing(void);

/* No rule may call a log failed that passed. */
void test_passing(struct clsf_ruleset *rs, const struct list *paths, struct report *r, struct outcome *o);

/* Which rules match no log of their own pack. */
void test_logs(struct clsf_ruleset *rs, const struct list *paths, struct report *r, struct outcome *o);

/* ---- rules_bless.c ---- */

/*
 * Writes the captures of matching examples into the rule files, and says on standard error what it
 * changed and what it could not. True when a file was changed.
 */
bool bless_examples(struct clsf_ruleset *rs, struct outcome *o);

#endif
