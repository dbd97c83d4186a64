/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_GROUPS_H
#define TOOL_GROUPS_H

/* What several failed logs of one run share: the rule (or the fingerprint), and captured values. */

#include <stdbool.h>
#include <stddef.h>

#include <classify/classify.h>

struct group_field {
	char *name, *value;  /* a capture that has this value in every log of the group */
};

struct group {
	char *rule;          /* NULL: unknown failures, by fingerprint */
	char *fingerprint;
	char *category;
	char *title;         /* the rule's, placeholders unfilled */
	size_t count;
	char **sources;
	size_t n_sources, sources_capacity;
	struct group_field *fields;
	size_t n_fields;
};

struct groups {
	struct group *item;
	size_t n, capacity;
	size_t failed;
	bool failed_memory;
};

void groups_add(struct groups *g, const char *source, const struct clsf_verdict *v);
/* Largest first; groups of a single log go last. */
void groups_sort(struct groups *g);
void groups_free(struct groups *g);

#endif
