/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_RULE_GROUP_H
#define TOOL_RULE_GROUP_H

/*
 * The lines for which a rule is made of a group of unknown failures: of each log
 * whose most telling line has the group's template, that line.
 */

#include "rule_draft.h"
#include "rule_subject.h"

#define GROUP_MEMBERS 20     /* different lines that are looked at */

struct rule_group {
	struct subject member[GROUP_MEMBERS];
	size_t n;
	size_t logs;                 /* of the group */
	size_t seen;                 /* logs that were read */
};

/* Says what is wrong and returns false when there is none. */
bool rule_group_find(const char *fingerprint, const struct list *paths, struct clsf_ruleset *rs,
                     struct rule_group *group, struct outcome *o);
void rule_group_done(struct rule_group *group);

/*
 * A draft of what the messages of a group have in common: what is the same in
 * all of them is literal, what differs a capture. False when they are too
 * different, or no UTF-8.
 */
bool rule_group_draft(struct draft *d, const struct rule_group *group);

#endif
