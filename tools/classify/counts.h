/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_COUNTS_H
#define TOOL_COUNTS_H

/*
 * How many logs of one run failed with which category and rule, and what was
 * warned of. Bounded by the number of rules, whatever the number of logs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>

#define COUNTS_CATEGORIES 64 /* room for the closed list, which has fewer */
#define COUNTS_WARNINGS (CLSF_WARN_ENGINE_FALLBACK + 1)

struct counts_rule {
	const struct clsf_rule *rule;
	size_t count;                /* logs whose verdict names it */
};

/* Zero is a good start. */
struct counts {
	size_t category[COUNTS_CATEGORIES];  /* as clsf_categories() has them */
	size_t warning[COUNTS_WARNINGS];     /* logs that carry it */
	struct counts_rule *rule;            /* in the order of their first logs */
	size_t n_rules, capacity;
	uint32_t *table;                     /* open hash by address: index + 1 */
	size_t table_size;
	uint64_t lines, bytes;
	bool failed_memory;
};

/* Counts a log. Returns the index of its rule; 0 where it has none, too. */
size_t counts_add(struct counts *counts, const struct clsf_verdict *v);
void counts_free(struct counts *counts);

#endif
