/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the examples of a rule fare among all rules, each as a log of its own. A
 * rule is shadowed when the verdict never names it, be it on its own examples;
 * where one of the two explains the other, that is what their author asked for.
 * Rules overlap when one matches the examples of another.
 */

#include "rules_test.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool explains(const struct clsf_rule *rule, const struct clsf_rule *other)
{
	for (size_t i = 0; i < rule->n_explains; i++)
		if (fnmatch(rule->explains[i], other->id, 0) == 0)
			return true;
	return false;
}

/* Markers are no causes, and rules of severity info are never named. */
static bool may_be_named(const struct clsf_rule *rule)
{
	return (rule->role == CLSF_ROLE_CAUSE || rule->role == CLSF_ROLE_SYMPTOM) &&
	       rule->severity > CLSF_SEVERITY_INFO;
}

static void note_loss(struct rivals *v, const struct clsf_rule *rule, const struct clsf_verdict *verdict)
{
	const struct clsf_rule *winner = verdict->rule;
	const char *why = "";
	for (size_t i = 0; i < verdict->n_also; i++)
		if (verdict->also[i].rule == rule)
			why = verdict->also[i].why_not;
	bool explained = strncmp(why, "explained by", 12) == 0 || explains(winner, rule) || explains(rule, winner);
	if (v->lost++ == 0) {
		v->winner = winner;
		v->explained = explained;
		snprintf(v->why, sizeof(v->why), "%s", why);
	}
	v->several = v->several || winner != v->winner;
	v->explained = v->explained && explained;
}

static void note_meeting(struct rivals *v, const struct clsf_rule *other)
{
	for (size_t i = 0; i < v->n_meetings; i++) {
		if (v->meetings[i].other == other) {
			v->meetings[i].examples++;
			return;
		}
	}
	struct meeting *grown = realloc(v->meetings, (v->n_meetings + 1) * sizeof(*grown));
	if (!grown)
		return;
	v->meetings = grown;
	grown[v->n_meetings++] = (struct meeting){ .other = other, .examples = 1 };
}

void rivals_note(struct rivals *v, const struct clsf_rule *rule, const struct trial *t)
{
	v->matched++;
	const struct clsf_rule *named = t->verdict->rule;
	if (may_be_named(rule) && named && named != rule)
		note_loss(v, rule, t->verdict);
	for (size_t i = 0; i < t->n_matches; i++)
		if (t->matches[i].rule != rule)
			note_meeting(v, t->matches[i].rule);
}

void rivals_end(struct rivals *v, const struct clsf_rule *rule, struct report *r)
{
	if (v->matched && v->lost == v->matched)
		report_finding(r, v->explained ? FINDING_NOTE : FINDING_WARNING,
		               v->explained ? "explained" : "shadowed", rule, v->winner,
		               "%s %s%s, which the verdict names on all its examples%s%s%s",
		               v->explained ? "yields to" : "shadowed by", v->winner->id,
		               v->several ? " and others" : "", *v->why ? " (" : "", v->why, *v->why ? ")" : "");
	for (size_t i = 0; i < v->n_meetings; i++)
		report_finding(r, FINDING_NOTE, "overlap", rule, v->meetings[i].other,
		               "%zu of %zu examples %s also matched by %s", v->meetings[i].examples, v->matched,
		               v->meetings[i].examples == 1 ? "is" : "are", v->meetings[i].other->id);
	free(v->meetings);
	*v = (struct rivals){ 0 };
}
