/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See groups.h. A failed log belongs to the group of its rule or fingerprint, to
 * that of its category and to that of the run; the last two are kept only where
 * they say something that the first does not.
 */

#include "groups.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GROUPS 10000
#define MAX_SOURCES 1000     /* named in a group; more are only counted */
#define MAX_SHARES 8         /* named in a group */
#define MAX_TELLING 300      /* bytes of a telling line */
#define MAX_EXPLAINING 200   /* groups that are compared with each other */

static char *copy(struct groups *g, const char *text, size_t length)
{
	char *c = strndup(text, length);
	if (!c)
		g->failed_memory = true;
	return c;
}

/* ---- finding a group ---- */

static const char *name_of(const struct group *group)
{
	const char *name = group->kind == GROUP_RULE       ? group->rule
	                   : group->kind == GROUP_TEMPLATE ? group->fingerprint
	                                                   : group->category;
	return name ? name : "";
}

static uint64_t hash_of(enum group_kind kind, const char *name)
{
	unsigned char byte = (unsigned char)kind;
	return tally_hash(tally_hash(TALLY_HASH, &byte, 1), name, strlen(name));
}

static size_t slot_of(const struct groups *g, enum group_kind kind, const char *name)
{
	size_t slot = hash_of(kind, name) & (g->table_size - 1);
	while (g->table[slot]) {
		const struct group *group = &g->item[g->table[slot] - 1];
		if (group->kind == kind && strcmp(name_of(group), name) == 0)
			break;
		slot = (slot + 1) & (g->table_size - 1);
	}
	return slot;
}

static bool grow(struct groups *g)
{
	if (g->n == g->capacity) {
		size_t capacity = g->capacity ? g->capacity * 2 : 16;
		struct group *grown = realloc(g->item, capacity * sizeof(*grown));
		if (!grown)
			return false;
		g->item = grown;
		g->capacity = capacity;
	}
	if ((g->n + 1) * 2 <= g->table_size)
		return true;
	size_t size = g->table_size ? g->table_size * 2 : 64;
	uint32_t *table = calloc(size, sizeof(*table));
	if (!table)
		return false;
	free(g->table);
	g->table = table;
	g->table_size = size;
	for (size_t i = 0; i < g->n; i++)
		table[slot_of(g, g->item[i].kind, name_of(&g->item[i]))] = (uint32_t)i + 1;
	return true;
}

/* ---- adding a log ---- */

static void fill(struct groups *g, struct group *group, const struct clsf_verdict *v)
{
	group->of = group->kind == GROUP_RULE ? v->rule : NULL;
	if (group->of)
		group->rule = copy(g, v->rule->id, strlen(v->rule->id));
	const char *fingerprint = group->kind == GROUP_TEMPLATE ? v->fingerprint : "";
	const char *category = group->kind == GROUP_RUN ? "" : v->category;
	const char *title = group->kind == GROUP_RULE ? v->rule->title : group->kind == GROUP_TEMPLATE ? v->title : "";
	group->fingerprint = copy(g, fingerprint, strlen(fingerprint));
	group->category = copy(g, category, strlen(category));
	group->title = copy(g, title, strlen(title));
	if (group->kind == GROUP_TEMPLATE && v->n_telling) {
		const struct clsf_line *line = &v->telling[0];
		group->telling = copy(g, line->text, text_cut(line->text, line->text_length, MAX_TELLING));
	}
	group->fields = calloc(v->n_fields + 1, sizeof(*group->fields));
	g->failed_memory = g->failed_memory || !group->fields;
	for (size_t i = 0; group->fields && i < v->n_fields; i++) {
		group->fields[i].name = copy(g, v->fields[i].name, strlen(v->fields[i].name));
		group->fields[i].value = copy(g, v->fields[i].value, v->fields[i].length);
		group->n_fields = i + 1;
	}
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

static void add_source(struct groups *g, struct group *group, const char *source)
{
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

/* The group of the log, made if needed: 1 + its index, or 0 where there are too many. */
static size_t join(struct groups *g, enum group_kind kind, const char *name, const char *source,
                   const struct clsf_verdict *v)
{
	if (!grow(g)) {
		g->failed_memory = true;
		return 0;
	}
	size_t slot = slot_of(g, kind, name);
	if (!g->table[slot]) {
		if (g->n == MAX_GROUPS) {
			g->limited = true;
			return 0;
		}
		struct group *group = &g->item[g->n];
		*group = (struct group){ .kind = kind, .number = g->n };
		fill(g, group, v);
		g->table[slot] = (uint32_t)++g->n;
	} else {
		intersect(&g->item[g->table[slot] - 1], v);
	}
	struct group *group = &g->item[g->table[slot] - 1];
	group->count++;
	add_source(g, group, source);
	return g->table[slot];
}

static void count_values(struct groups *g, size_t group, size_t member, const struct clsf_verdict *v,
                         const struct clsf_field *context, size_t n_context)
{
	if (!group)
		return;
	for (size_t i = 0; i < v->n_fields; i++)
		tally_add(&g->tally, group - 1, g->failed, member, v->fields[i].name, v->fields[i].value,
		          v->fields[i].length);
	for (size_t i = 0; i < n_context; i++)
		tally_add(&g->tally, group - 1, g->failed, member, context[i].name, context[i].value,
		          context[i].length);
}

void groups_add(struct groups *g, const char *source, const struct clsf_verdict *v,
                const struct clsf_field *context, size_t n_context)
{
	if (v->outcome != CLSF_FAILED)
		return;
	g->failed++;
	size_t own = join(g, v->rule ? GROUP_RULE : GROUP_TEMPLATE, v->rule ? v->rule->id : v->fingerprint, source, v);
	size_t category = join(g, GROUP_CATEGORY, v->category, source, v);
	/* What came first in a category, and in the run, was its first rule, and its first category. */
	if (own && category && g->item[own - 1].count == 1)
		g->item[category - 1].rules++;
	size_t run = join(g, GROUP_RUN, "", source, v);
	if (category && run && g->item[category - 1].count == 1)
		g->item[run - 1].rules++;
	count_values(g, own, own, v, context, n_context);
	count_values(g, category, own, v, context, n_context);
	count_values(g, run, category, v, context, n_context);
}

/* ---- what they share ---- */

static int by_share(const void *va, const void *vb)
{
	const struct group_share *a = va, *b = vb;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	int order = strcmp(a->name, b->name);
	return order ? order : strcmp(a->value, b->value);
}

static bool is_field(const struct group *group, const struct tally_entry *e)
{
	for (size_t i = 0; i < group->n_fields; i++)
		if (group->fields[i].name && strcmp(group->fields[i].name, e->name) == 0)
			return true;
	return false;
}

/*
 * Of the values of one name those that stand out: at least two logs, a quarter
 * of the group, and half as many again as if all values were equally common. In
 * a group of several rules a value counts only if logs of more than one have it.
 */
static void add_shares(struct groups *g, struct group *group, const struct tally_entry *e, size_t n)
{
	size_t logs = 0;
	for (size_t i = 0; i < n; i++)
		logs += e[i].count;
	for (size_t i = 0; i < n; i++) {
		bool common = e[i].count >= 2 && e[i].count * 4 >= group->count &&
		              (n == 1 || e[i].count * n * 2 >= logs * 3);
		if (!common || is_field(group, &e[i]) || (group->kind >= GROUP_CATEGORY && !e[i].spans))
			continue;
		struct group_share *grown = realloc(group->shares, (group->n_shares + 1) * sizeof(*grown));
		if (!grown) {
			g->failed_memory = true;
			return;
		}
		group->shares = grown;
		group->shares[group->n_shares++] = (struct group_share){ e[i].name, e[i].value, e[i].count };
	}
}

static void find_shares(struct groups *g)
{
	const struct tally_entry *e = g->tally.item;
	tally_sort(&g->tally);
	for (size_t i = 0, end; i < g->tally.n; i = end) {
		for (end = i + 1; end < g->tally.n && e[end].group == e[i].group && strcmp(e[end].name, e[i].name) == 0;)
			end++;
		add_shares(g, &g->item[e[i].group], &e[i], end - i);
	}
	for (size_t i = 0; i < g->n; i++) {
		struct group *group = &g->item[i];
		if (group->n_shares > 1)
			qsort(group->shares, group->n_shares, sizeof(*group->shares), by_share);
		if (group->n_shares > MAX_SHARES)
			group->n_shares = MAX_SHARES;
	}
}

static bool explains(const struct clsf_rule *a, const struct clsf_rule *b)
{
	for (size_t i = 0; i < a->n_explains; i++)
		if (fnmatch(a->explains[i], b->id, 0) == 0)
			return true;
	return false;
}

/* A group whose rule another's explains may follow from it, in other logs as it does in one. */
static void find_explanations(struct groups *g)
{
	size_t n = g->n < MAX_EXPLAINING ? g->n : MAX_EXPLAINING;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n && g->item[i].of && !g->item[i].explained_by; k++)
			if (k != i && g->item[k].of && explains(g->item[k].of, g->item[i].of) &&
			    !explains(g->item[i].of, g->item[k].of))
				g->item[i].explained_by = k + 1;
}

static void group_done(struct group *group)
{
	for (size_t k = 0; k < group->n_fields; k++) {
		free(group->fields[k].name);
		free(group->fields[k].value);
	}
	for (size_t k = 0; k < group->n_sources; k++)
		free(group->sources[k]);
	free(group->fields);
	free(group->sources);
	free(group->shares);
	free(group->rule);
	free(group->fingerprint);
	free(group->category);
	free(group->title);
	free(group->telling);
}

/* A category of one rule, or a run of one category, says what that says. */
static bool says_more(const struct group *group)
{
	if (group->kind < GROUP_CATEGORY)
		return true;
	return group->rules > 1 && group->count > 1 && (group->n_shares || group->n_fields) &&
	       (group->kind != GROUP_CATEGORY || strcmp(group->category, "unknown") != 0);
}

static int by_count(const void *va, const void *vb)
{
	const struct group *a = va, *b = vb;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	return strcmp(name_of(a), name_of(b));
}

void groups_finish(struct groups *g)
{
	size_t kept = 0;
	if (g->finished)
		return;
	g->finished = true;
	find_shares(g);
	for (size_t i = 0; i < g->n; i++) {
		if (says_more(&g->item[i]))
			g->item[kept++] = g->item[i];
		else
			group_done(&g->item[i]);
	}
	g->n = kept;
	g->limited = g->limited || g->tally.limited;
	g->failed_memory = g->failed_memory || g->tally.failed_memory;
	if (g->n)
		qsort(g->item, g->n, sizeof(*g->item), by_count);
	find_explanations(g);
}

void groups_free(struct groups *g)
{
	for (size_t i = 0; i < g->n; i++)
		group_done(&g->item[i]);
	free(g->item);
	free(g->table);
	tally_free(&g->tally);
	*g = (struct groups){ 0 };
}

/* ---- in words ---- */

static void add_name(struct text *t, const struct groups *g, const struct group *group)
{
	switch (group->kind) {
	case GROUP_RULE:
	case GROUP_TEMPLATE:
		text_addf(t, "%zu of %zu failed with %s (%s%s)", group->count, g->failed, group->category,
		          group->rule ? "" : "template ", group->rule ? group->rule : group->fingerprint);
		break;
	case GROUP_CATEGORY:
		text_addf(t, "%zu of %zu failed with %s (%zu rules)", group->count, g->failed, group->category,
		          group->rules);
		break;
	case GROUP_RUN:
		text_addf(t, "all %zu failed, in %zu categories", group->count, group->rules);
		break;
	}
}

void group_sentence(const struct groups *g, const struct group *group, struct text *t)
{
	const struct group *cause = group->explained_by ? &g->item[group->explained_by - 1] : NULL;
	if (g->failed_memory || (group->count < 2 && !cause))
		return;
	add_name(t, g, group);
	for (size_t k = 0; k < group->n_fields; k++) {
		text_adds(t, k ? ", " : ", all with ");
		text_adds(t, group->fields[k].name);
		text_adds(t, " ");
		text_adds(t, group->fields[k].value);
	}
	for (size_t k = 0; k < group->n_shares; k++) {
		const struct group_share *share = &group->shares[k];
		text_addf(t, "%s%zu of them with %s ", k || group->n_fields ? "; " : ", ", share->count, share->name);
		text_adds(t, share->value);
	}
	if (group->telling) {
		text_adds(t, ": ");
		text_adds(t, group->telling);
	}
	if (cause)
		text_addf(t, "; it may follow from %s in %zu other log%s", cause->rule, cause->count,
		          cause->count == 1 ? "" : "s");
}
