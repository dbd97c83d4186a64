/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_RULE_READER_H
#define CLSF_RULE_READER_H

/* From the text of a rule file to rules. libyaml is seen by yaml_reader.h alone, and who includes that. */

#include "ruleset.h"

struct clsf__rule_file {
	struct clsf__arena *arena;           /* rules and strings go there */
	const struct clsf_allocator *allocator;
	const char *name;                    /* for faults */
	clsf_fault_fn on_fault;
	void *user;
	/* Called for each good rule. False stops (memory, a limit). */
	bool (*on_rule)(struct clsf__rule *rule, void *context);
	void *context;
	size_t faulty_rules;                 /* ret: rules left out */
	size_t faults;                       /* ret: errors, warnings not counted */
	size_t told;                         /* ret: errors and warnings */
};

/*
 * Reads `text`. Returns 0 (also when rules were faulty), CLSF_E_NOMEM, or what
 * stopped on_rule (CLSF_E_LIMIT).
 */
int clsf__read_rules(struct clsf__rule_file *file, const char *text, size_t length);

#endif
