/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_GROUPS_H
#define TOOL_GROUPS_H

/*
 * What several failed logs of one run share: the rule (or, of failures that no
 * rule explains, the fingerprint), the category, and captured values: the same
 * bucket, registry, host or node.
 */

#include <stdbool.h>
#include <stddef.h>

#include <classify/classify.h>

#include "tally.h"
#include "text.h"

enum group_kind {
	GROUP_RULE,
	GROUP_TEMPLATE,      /* unknown failures, by fingerprint */
	GROUP_CATEGORY,      /* several rules of one category */
	GROUP_RUN,           /* all that failed, in several categories */
};

struct group_field {
	char *name, *value;  /* a capture that has this value in every log of the group */
};

/* A value that more logs of the group have than chance would give. */
struct group_share {
	const char *name, *value;
	size_t count;
};

struct group {
	enum group_kind kind;
	const struct clsf_rule *of;  /* NULL but for GROUP_RULE; the ruleset's */
	char *rule;          /* its id; NULL as that is */
	char *fingerprint;
	char *category;      /* "" for GROUP_RUN */
	char *title;         /* the rule's, placeholders unfilled */
	char *telling;       /* of GROUP_TEMPLATE: the line of its first log, cut; else NULL */
	size_t count;
	size_t rules;        /* of GROUP_CATEGORY and GROUP_RUN: rules, or categories, in it */
	char **sources;
	size_t n_sources, sources_capacity;
	struct group_field *fields;
	size_t n_fields;
	struct group_share *shares;  /* without those of `fields`, most logs first */
	size_t n_shares;
	size_t explained_by; /* 1 + the index of a group whose rule explains this one's */
	size_t number;       /* in the order of the first logs */
};

struct groups {
	struct group *item;
	size_t n, capacity;
	uint32_t *table;     /* open hash by kind and name: index + 1 */
	size_t table_size;
	struct tally tally;
	size_t failed;
	bool finished;
	bool limited;        /* there were more than are kept */
	bool failed_memory;
};

/* Adds a verdict; `context` are captures of its start markers. */
void groups_add(struct groups *g, const char *source, const struct clsf_verdict *v,
                const struct clsf_field *context, size_t n_context);
/* When all are added: what they share, and largest first; groups of a single log go last. Once is enough. */
void groups_finish(struct groups *g);
void groups_free(struct groups *g);

/* "17 of 20 failed with access_denied (RULE), all with bucket b"; nothing where there is nothing to say. */
void group_sentence(const struct groups *groups, const struct group *group, struct text *ret);

#endif
