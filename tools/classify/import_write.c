/* SPDX-License-Identifier: Apache-2.0 */
/* An imported rule as YAML. */

#include <string.h>

#include "import.h"
#include "yaml_out.h"

static void add_key(struct text *t, size_t indent, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	text_addf(t, "%*s%s: ", (int)indent, "", key);
	yaml_add_block(t, value, strlen(value), indent + 2);
	text_adds(t, "\n");
}

static bool is_regex(const struct condition *c)
{
	return c->kind == CONDITION_REGEX && c->lines < 2;
}

/* What fits on one line: an expression, a field, an expression over lines. */
static void add_leaf(struct text *t, const struct condition *c)
{
	if (is_regex(c)) {
		yaml_add_quoted(t, c->text, strlen(c->text));
		return;
	}
	if (c->kind == CONDITION_FIELD) {
		text_adds(t, "{field: {");
		yaml_add_quoted(t, c->path, strlen(c->path));
		text_adds(t, ": ");
		yaml_add_quoted(t, c->text, strlen(c->text));
		text_adds(t, "}}");
		return;
	}
	text_adds(t, "{regex: ");
	yaml_add_quoted(t, c->text, strlen(c->text));
	text_addf(t, ", lines: %u}", c->lines);
}

/* Behind a key and its colon. */
static void add_condition(struct text *t, const struct condition *c, size_t indent)
{
	if (c->kind == CONDITION_REGEX || c->kind == CONDITION_FIELD) {
		text_adds(t, " ");
		add_leaf(t, c);
		text_adds(t, "\n");
		return;
	}
	text_adds(t, "\n");
	if (c->kind == CONDITION_COUNT) {
		text_addf(t, "%*scount: %u\n%*sof: ", (int)indent, "", c->count, (int)indent, "");
		add_leaf(t, c->first);
		text_adds(t, "\n");
	} else {
		text_addf(t, "%*s%s:\n", (int)indent, "", c->kind == CONDITION_ANY ? "any" : "sequence");
		for (const struct condition *child = c->first; child; child = child->next) {
			text_addf(t, "%*s- ", (int)indent + 2, "");
			add_leaf(t, child);
			text_adds(t, "\n");
		}
	}
	if (c->within)
		text_addf(t, "%*swithin: %s\n", (int)indent, "", c->within);
}

void import_print_rule(struct text *t, const struct imported_rule *rule)
{
	text_adds(t, "\n");
	for (const struct remark *r = rule->remarks; r; r = r->next)
		yaml_add_comment(t, r->text, 2);
	text_addf(t, "  - id: ");
	yaml_add_scalar(t, rule->id, strlen(rule->id));
	text_adds(t, "\n");
	add_key(t, 4, "title", rule->title);
	add_key(t, 4, "category", rule->category);
	add_key(t, 4, "role", rule->role);
	add_key(t, 4, "severity", rule->severity);
	add_key(t, 4, "owner", rule->owner);
	add_key(t, 4, "retry", rule->retry);
	text_adds(t, "    match:");
	add_condition(t, rule->match, 6);
	if (rule->unless) {
		text_adds(t, "    unless: ");
		yaml_add_quoted(t, rule->unless, strlen(rule->unless));
		text_adds(t, "\n");
	}
	if ((rule->cause && *rule->cause) || rule->url) {
		text_adds(t, "    runbook:\n");
		add_key(t, 6, "cause", rule->cause);
		add_key(t, 6, "url", rule->url);
	}
}
