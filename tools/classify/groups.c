/* SPDX-License-Identifier: Apache-2.0 */
/* See groups.h. */

#include "groups.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SOURCES 1000     /* named in a group; more are only counted */

static char *copy(struct groups *g, const char *text, size_t length)
{
	char *c = strndup(text, length);
	if (!c)
		g->failed_memory = true;
	return c;
}

static struct group *find(struct groups *g, const struct clsf_verdict *v)
{
	for (size_t i = 0; i < g->n; i++) {
		struct group *group = &g->item[i];
		if (v->rule ? group->rule && strcmp(group->rule, v->rule->id) == 0
		            : !group->rule && strcmp(group->fingerprint, v->fingerprint) == 0)
			return group;
	}
	return NULL;
}

static struct group *start(struct groups *g, const struct clsf_verdict *v)
{
	if (g->n == g->capacity) {
		size_t capacity = g->capacity ? g->capacity * 2 : 16;
		struct group *grown = realloc(g->item, capacity * sizeof(*grown));
		if (!grown) {
			g->failed_memory = true;
			return NULL;
		}
		g->item = grown;
		g->capacity = capacity;
	}
	struct group *group = &g->item[g->n];
	*group = (struct group){ 0 };
	if (v->rule)
		group->rule = copy(g, v->rule->id, strlen(v->rule->id));
	group->fingerprint = copy(g, v->fingerprint, strlen(v->fingerprint));
	group->category = copy(g, v->category, strlen(v->category));
	const char *title = v->rule ? v->rule->title : v->title;
	group->title = copy(g, title, strlen(title));
	group->fields = calloc(v->n_fields + 1, sizeof(*group->fields));
	for (size_t i = 0; group->fields && i < v->n_fields; i++) {
		group->fields[i].name = copy(g, v->fields[i].name, strlen(v->fields[i].name));
		group->fields[i].value = copy(g, v->fields[i].value, v->fields[i].length);
		group->n_fields = i + 1;
	}
	g->n++;
	return group;
}

/* Drops the captures in which this log differs from the others of its group. */
static void intersect(struct group *group, const struct clsf_verdict *v)
{
	for (size_t i = 0; i < group->n_fields;) {
		bool same = false;
		for (size_t k = 0; k < v->n_fields && group->fields[i].name && group->fields[i].value; k++)
			same = same || (strcmp(v->fields[k].name, group->fields[i].name) == 0 &&
			                strlen(group->fields[i].value) == v->fields[k].length &&
			                memcmp(group->fields[i].value, v->fields[k].value,
			                       v->fields[k].length) == 0);
		if (same) {
			i++;
			continue;
		}
		free(group->fields[i].name);
		free(group->fields[i].value);
		group->fields[i] = group->fields[--group->n_fields];
	}
}

void groups_add(struct groups *g, const char *source, const struct clsf_verdict *v)
{
	if (v->outcome != CLSF_FAILED)
		return;
	g->failed++;
	struct group *group = find(g, v);
	if (group)
		intersect(group, v);
	else
		group = start(g, v);
	if (!group)
		return;
	group->count++;
	if (group->n_sources == MAX_SOURCES)
		return;
	if (group->n_sources == group->sources_capacity) {
		size_t capacity = group->sources_capacity ? group->sources_capacity * 2 : 4;
		char **grown = realloc(group->sources, capacity * sizeof(*grown));
		if (!grown) {
			g->failed_memory = true;
			return;
		}
		group->sources = grown;
		group->sources_capacity = capacity;
	}
	group->sources[group->n_sources++] = copy(g, source, strlen(source));
}

static int by_count(const void *va, const void *vb)
{
	const struct group *a = va, *b = vb;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	const char *x = a->rule ? a->rule : a->fingerprint, *y = b->rule ? b->rule : b->fingerprint;
	return x && y ? strcmp(x, y) : 0;
}

void groups_sort(struct groups *g)
{
	if (g->n)
		qsort(g->item, g->n, sizeof(*g->item), by_count);
}

void groups_free(struct groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct group *group = &g->item[i];
		for (size_t k = 0; k < group->n_fields; k++) {
			free(group->fields[k].name);
			free(group->fields[k].value);
		}
		for (size_t k = 0; k < group->n_sources; k++)
			free(group->sources[k]);
		free(group->fields);
		free(group->sources);
		free(group->rule);
		free(group->fingerprint);
		free(group->category);
		free(group->title);
	}
	free(g->item);
	*g = (struct groups){ 0 };
}
