/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_EXPORT_H
#define TOOL_EXPORT_H

/*
 * What the writers of other formats share. The rules that loaded are exported;
 * their conditions are read again from their files, as trees.
 */

#include "cli.h"
#include "dialect.h"
#include "document.h"

/* A rule with its tree: `match` and `unless` as they stand in its file. */
struct exported_rule {
	const struct clsf_rule *rule;
	const struct node *match, *unless;   /* unless: NULL when there is none */
};

struct exporter {
	struct arena *arena;
	struct text *out;
	size_t exported, parts, left;
	bool numbers[10000];         /* CRE-0000-0000 to -9999: which are given */
};

/* Says that a rule is not exported, or not all of it, on standard error. */
void export_left(struct exporter *x, const struct clsf_rule *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void export_part(struct exporter *x, const struct clsf_rule *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Appends a condition of one line in another dialect: an expression, a text, or
 * any-of these. `shift` is how many groups stand before it; *ret_groups, how
 * many it has. False when it is none or has no counterpart: `why`.
 */
bool export_expression(struct exporter *x, const struct node *condition, enum dialect dialect, unsigned shift,
                       struct text *out, unsigned *ret_groups, char why[160]);

/* The number of the group with one of these names, 0 when there is none. Names end in NULL. */
unsigned export_group(struct exporter *x, const struct node *condition, const char *const *names);

/* A text in which ${name} became <name>. */
char *export_plain(struct arena *a, const char *text);

void export_cre_begin(struct exporter *x);
void export_cre(struct exporter *x, const struct exported_rule *rule);
void export_matcher_begin(struct exporter *x);
void export_matcher(struct exporter *x, const struct exported_rule *rule);
void export_matcher_end(struct exporter *x);

int command_rules_export(int argc, char **argv, struct outcome *o);

#endif
