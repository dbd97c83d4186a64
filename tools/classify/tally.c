/* SPDX-License-Identifier: Apache-2.0 */
/* See tally.h. */

#include "tally.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES 50000
#define MAX_VALUE 256        /* bytes of a value that is compared */

uint64_t tally_hash(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *p = data;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ p[i]) * 1099511628211u;
	return hash;
}

static uint64_t hash_of(size_t group, const char *name, const char *value, size_t length)
{
	uint64_t hash = tally_hash(TALLY_HASH, &group, sizeof(group));
	hash = tally_hash(hash, name, strlen(name) + 1);
	return tally_hash(hash, value, length);
}

static bool grow_table(struct tally *t)
{
	size_t size = t->table_size ? t->table_size * 2 : 64;
	uint32_t *table = calloc(size, sizeof(*table));
	if (!table)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		const struct tally_entry *e = &t->item[i];
		size_t slot = hash_of(e->group, e->name, e->value, strlen(e->value)) & (size - 1);
		while (table[slot])
			slot = (slot + 1) & (size - 1);
		table[slot] = (uint32_t)i + 1;
	}
	free(t->table);
	t->table = table;
	t->table_size = size;
	return true;
}

static bool grow(struct tally *t)
{
	if (t->n == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 32;
		struct tally_entry *grown = realloc(t->item, capacity * sizeof(*grown));
		if (!grown)
			return false;
		t->item = grown;
		t->capacity = capacity;
	}
	return (t->n + 1) * 2 <= t->table_size || grow_table(t);
}

void tally_add(struct tally *t, size_t group, size_t log, size_t member, const char *name, const char *value,
               size_t length)
{
	if (length == 0 || length > MAX_VALUE || memchr(value, '\0', length) ||
	    memmem(value, length, "[redacted]", strlen("[redacted]")))
		return;
	if (!grow(t)) {
		t->failed_memory = true;
		return;
	}
	size_t slot = hash_of(group, name, value, length) & (t->table_size - 1);
	for (; t->table[slot]; slot = (slot + 1) & (t->table_size - 1)) {
		struct tally_entry *e = &t->item[t->table[slot] - 1];
		if (e->group != group || strcmp(e->name, name) != 0 || strlen(e->value) != length ||
		    memcmp(e->value, value, length) != 0)
			continue;
		e->count += e->log != log;
		e->spans = e->spans || e->member != member;
		e->log = log;
		return;
	}
	if (t->n == MAX_ENTRIES) {
		t->limited = true;
		return;
	}
	struct tally_entry e = { .group = group, .name = strdup(name), .value = strndup(value, length),
		                 .count = 1, .log = log, .member = member };
	if (!e.name || !e.value) {
		free(e.name);
		free(e.value);
		t->failed_memory = true;
		return;
	}
	t->item[t->n++] = e;
	t->table[slot] = (uint32_t)t->n;
}

static int by_group(const void *va, const void *vb)
{
	const struct tally_entry *a = va, *b = vb;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	int order = strcmp(a->name, b->name);
	if (order == 0)
		order = (a->count < b->count) - (a->count > b->count);
	return order ? order : strcmp(a->value, b->value);
}

void tally_sort(struct tally *t)
{
	if (t->n)
		qsort(t->item, t->n, sizeof(*t->item), by_group);
}

void tally_free(struct tally *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->item[i].name);
		free(t->item[i].value);
	}
	free(t->item);
	free(t->table);
	*t = (struct tally){ 0 };
}
