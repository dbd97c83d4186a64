/* SPDX-License-Identifier: Apache-2.0 */
/* See counts.h. */

#include "counts.h"

#include <stdlib.h>
#include <string.h>

static size_t slot_of(const struct counts *c, const struct clsf_rule *rule)
{
	size_t slot = (size_t)((uintptr_t)rule / sizeof(void *) * 2654435761u) & (c->table_size - 1);
	while (c->table[slot] && c->rule[c->table[slot] - 1].rule != rule)
		slot = (slot + 1) & (c->table_size - 1);
	return slot;
}

/* Room for one more. */
static bool grow(struct counts *c)
{
	if (c->n_rules < c->capacity)
		return true;
	size_t capacity = c->capacity ? c->capacity * 2 : 32, size = capacity * 4;
	struct counts_rule *rules = realloc(c->rule, capacity * sizeof(*rules));
	if (!rules)
		return false;
	c->rule = rules;
	uint32_t *table = calloc(size, sizeof(*table));
	if (!table)
		return false;
	free(c->table);
	c->table = table;
	c->table_size = size;
	c->capacity = capacity;
	for (size_t i = 0; i < c->n_rules; i++)
		table[slot_of(c, c->rule[i].rule)] = (uint32_t)i + 1;
	return true;
}

static size_t count_rule(struct counts *c, const struct clsf_rule *rule)
{
	if (!grow(c)) {
		c->failed_memory = true;
		return 0;
	}
	size_t slot = slot_of(c, rule);
	if (!c->table[slot]) {
		c->rule[c->n_rules++] = (struct counts_rule){ .rule = rule };
		c->table[slot] = (uint32_t)c->n_rules;
	}
	size_t index = c->table[slot] - 1;
	c->rule[index].count++;
	return index;
}

size_t counts_add(struct counts *c, const struct clsf_verdict *v)
{
	const char *const *categories = clsf_categories();
	c->lines += v->lines;
	c->bytes += v->bytes;
	for (size_t code = 0; code < COUNTS_WARNINGS; code++) {
		bool carried = false;
		for (size_t i = 0; i < v->n_warnings && !carried; i++)
			carried = (size_t)v->warnings[i].code == code;
		c->warning[code] += carried;
	}
	if (v->outcome != CLSF_FAILED)
		return 0;
	for (size_t i = 0; i < COUNTS_CATEGORIES && categories[i]; i++)
		c->category[i] += strcmp(categories[i], v->category) == 0;
	return v->rule ? count_rule(c, v->rule) : 0;
}

void counts_free(struct counts *c)
{
	free(c->rule);
	free(c->table);
	*c = (struct counts){ 0 };
}
