/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a change of rules concerns. See state_store.h.
 *
 * A rule that matches nothing in a log has no part in its verdict (verdict.c
 * says why), so there are two ways in which a change can reach a log:
 *
 * - A rule that matched in it is gone or is not what it was, be it only in its
 *   words. Which rules matched is remembered.
 * - A rule that is new, or has another condition, matches now. Those few rules
 *   are asked alone, with a ruleset of nothing else.
 *
 * All other files keep what is remembered of them, without being scanned. Where
 * a log met a limit the argument does not hold, for rules share some limits: such
 * a file is scanned again after any change.
 */

#include "state_store.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ASKED 200   /* changed rules that are asked alone; more are no shorter than all */

/* ---- the rules of now ---- */

static int by_id(const void *va, const void *vb)
{
	const struct state_rule *a = va, *b = vb;
	return strcmp(a->rule->id, b->rule->id);
}

bool state__rules_load(struct state *st)
{
	st->n_rules = clsf_ruleset_count(st->ruleset);
	st->rules = calloc(st->n_rules ? st->n_rules : 1, sizeof(*st->rules));
	if (!st->rules)
		return false;
	for (size_t i = 0; i < st->n_rules; i++) {
		struct state_rule *r = &st->rules[i];
		r->rule = clsf_ruleset_rule(st->ruleset, i);
		r->index = i;
		clsf_ruleset_rule_hash(st->ruleset, i, r->condition, r->whole);
	}
	qsort(st->rules, st->n_rules, sizeof(*st->rules), by_id);
	return true;
}

void state__ruleset_write(struct state *st)
{
	if (st->ruleset_id || sql_error(st->sql))
		return;
	const char *hash = clsf_ruleset_hash(st->ruleset);
	struct sql_query *q = sql_prepare(st->sql, "SELECT id FROM rulesets WHERE hash = ?1 AND options = ?2");
	sql_bind_string(q, 1, hash);
	sql_bind_text(q, 2, st->options, strlen(st->options));
	bool found = sql_step(q);
	if (found)
		st->ruleset_id = sql_get_number(q, 0);
	sql_finish(q);
	if (found)
		return;
	q = sql_prepare(st->sql, "INSERT INTO rulesets (hash, options) VALUES (?1, ?2)");
	sql_bind_string(q, 1, hash);
	sql_bind_text(q, 2, st->options, strlen(st->options));
	sql_do(q);
	sql_finish(q);
	st->ruleset_id = sql_last_row(st->sql);
	q = sql_prepare(st->sql,
	                "INSERT INTO rules (ruleset, id, pack, title, category, role, severity, owner, retry,"
	                " condition, whole) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
	for (size_t i = 0; i < st->n_rules; i++) {
		const struct clsf_rule *r = st->rules[i].rule;
		const char *const texts[] = { r->id, r->pack, r->title, r->category, clsf_role_name(r->role),
			                      clsf_severity_name(r->severity), r->owner, r->retry,
			                      st->rules[i].condition, st->rules[i].whole };
		sql_bind_number(q, 1, st->ruleset_id);
		for (int k = 0; k < (int)(sizeof(texts) / sizeof(texts[0])); k++)
			sql_bind_string(q, k + 2, texts[k]);
		sql_do(q);
	}
	sql_finish(q);
	if (sql_error(st->sql))
		st->ruleset_id = 0;
}

/* ---- what changed ---- */

static bool touch(struct state_change *c, const char *id)
{
	char **grown = realloc(c->touched, (c->n_touched + 1) * sizeof(*grown));
	if (!grown)
		return false;
	c->touched = grown;
	c->touched[c->n_touched] = strdup(id);
	return c->touched[c->n_touched++] != NULL;
}

static bool ask(struct state_change *c, size_t index)
{
	if (c->n_asked == MAX_ASKED) {
		c->all = true;
		return true;
	}
	size_t *grown = realloc(c->asked, (c->n_asked + 1) * sizeof(*grown));
	if (!grown)
		return false;
	c->asked = grown;
	c->asked[c->n_asked++] = index;
	return true;
}

/* Both lists are sorted by id, and walked side by side. */
static bool compare(struct state *st, struct state_change *c)
{
	struct sql_query *q =
		sql_prepare(st->asking, "SELECT id, condition, whole FROM rules WHERE ruleset = ?1 ORDER BY id");
	sql_bind_number(q, 1, c->ruleset);
	size_t now = 0;
	bool good = true;
	while (good && sql_step(q)) {
		const char *id = sql_get_text(q, 0, NULL);
		int order = -1;
		while (good && now < st->n_rules && (order = strcmp(st->rules[now].rule->id, id)) < 0) {
			good = ask(c, st->rules[now++].index);
			c->rules++;
		}
		if (now == st->n_rules || order > 0) {
			good = good && touch(c, id);
			c->rules++;
			continue;
		}
		const struct state_rule *r = &st->rules[now++];
		if (strcmp(r->whole, sql_get_text(q, 2, NULL)) == 0)
			continue;
		c->rules++;
		good = good && touch(c, id);
		if (strcmp(r->condition, sql_get_text(q, 1, NULL)) != 0)
			good = good && ask(c, r->index);
	}
	sql_finish(q);
	for (; good && now < st->n_rules; now++, c->rules++)
		good = ask(c, st->rules[now].index);
	return good;
}

static void change_free(struct state_change *c)
{
	for (size_t i = 0; i < c->n_touched; i++)
		free(c->touched[i]);
	free(c->touched);
	free(c->asked);
	clsf_ruleset_unref(c->subset);
	free(c);
}

struct state_change *state__change(struct state *st, int64_t ruleset)
{
	for (struct state_change *c = st->changes; c; c = c->next)
		if (c->ruleset == ruleset)
			return c;
	struct state_change *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->ruleset = ruleset;
	struct sql_query *q = sql_prepare(st->asking, "SELECT options FROM rulesets WHERE id = ?1");
	sql_bind_number(q, 1, ruleset);
	c->options = !sql_step(q) || strcmp(sql_get_text(q, 0, NULL), st->options) != 0;
	sql_finish(q);
	if (!c->options && !compare(st, c)) {
		change_free(c);
		return NULL;
	}
	c->all = c->all || c->n_asked > st->n_rules / 2 + 1;
	/* Where they cannot be asked alone, every file is scanned again: slower, and as right. */
	if (!c->options && !c->all && c->n_asked &&
	    clsf_ruleset_subset(st->ruleset, c->asked, c->n_asked, CLSF_ENGINE_LITERALS, &c->subset, NULL) != 0)
		c->all = true;
	c->next = st->changes;
	st->changes = c;
	return c;
}

static int by_text(const void *va, const void *vb)
{
	return strcmp(*(char *const *)va, *(char *const *)vb);
}

/* Did one of the rules that are not what they were match in the file? */
static bool knew(struct state *st, const struct state_change *c, int64_t file)
{
	bool found = false;
	if (c->n_touched == 0)
		return false;
	sql_bind_number(st->knew, 1, file);
	while (!found && sql_step(st->knew)) {
		const char *id = sql_get_text(st->knew, 0, NULL);
		found = bsearch(&id, c->touched, c->n_touched, sizeof(*c->touched), by_text) != NULL;
	}
	sql_reset(st->knew);
	return found;
}

enum state_answer state__judge(struct state *st, struct state_change *c, int64_t file, bool limited)
{
	if (c->options)
		return STATE_OPTIONS;
	if (c->rules && (c->all || limited || knew(st, c, file)))
		return STATE_RULES;
	return c->n_asked ? STATE_ASK : STATE_UNCHANGED;
}

void state__rules_free(struct state *st)
{
	while (st->changes) {
		struct state_change *next = st->changes->next;
		change_free(st->changes);
		st->changes = next;
	}
	free(st->rules);
}
