/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node-problem-detector: the rules of a system log monitor, and those of a
 * custom plugin monitor that run the log counter. A pattern is searched there in
 * the newest lines, joined by line breaks, and has to end where they end.
 */

#include <stdlib.h>
#include <string.h>

#include "import.h"

#define DEFAULT_BUFFER 10
#define MAX_LINES 200

static const struct node *config_of(const struct node *root)
{
	for (const struct node *document = root->first; document; document = document->next)
		if (node_get(document, "rules") && (node_get(document, "plugin") || node_get(document, "source")))
			return document;
	return NULL;
}

bool npd_knows(const struct node *root)
{
	return root->kind == NODE_LIST && config_of(root) != NULL;
}

/* A pattern as the detector compiles it: bound to the end, over lines where it must be. */
static struct condition *read_pattern(struct importer *im, struct imported_rule *rule, const struct node *pattern,
                                      long buffer)
{
	const char *what = arena_printf(im->arena, "'%s'", rule->name);
	struct expression e;
	if (!import_read(im, DIALECT_GO, pattern, what, &e))
		return NULL;
	enum expression_span span = expression_span(&e);
	expression_hold_end(im->arena, &e, span != SPAN_CERTAIN);
	if (span == SPAN_CERTAIN)
		expression_fix_anchors(im->arena, &e);
	for (size_t i = 0; i < e.n; i++) {
		if (e.token[i].kind != TOKEN_BAR || e.token[i].depth)
			continue;
		import_remark(im, rule, "only the last alternative is bound to the end of the line, as it was there");
		break;
	}
	if (span == SPAN_CERTAIN && buffer < 2) {
		import_left(im, pattern, "%s: not carried over: its buffer holds one line, which has no line break", what);
		return NULL;
	}
	const char *text = import_write(im, &e, NULL, pattern, what);
	if (!text)
		return NULL;
	struct condition *c = condition_new(im, CONDITION_REGEX, text);
	if (span == SPAN_CERTAIN) {
		c->lines = (unsigned)(buffer < MAX_LINES ? buffer : MAX_LINES);
		if (buffer > MAX_LINES)
			import_part(im, rule, pattern, "over the newest %d lines, not %ld", MAX_LINES, buffer);
	}
	return c;
}

static void describe(struct importer *im, struct imported_rule *rule, const struct node *node)
{
	const char *reason = node_text(node, "reason"), *condition = node_text(node, "condition");
	const char *type = node_text(node, "type"), *suffix = node_text(node, "patternGeneratedMessageSuffix");
	const char *category = import_category(reason ? reason : "");
	if (!category)
		category = import_category(condition ? condition : "");
	rule->category = category ? category : im->category ? im->category : "node_failed";
	rule->title = import_title(im->arena, import_words(im->arena, reason ? reason : "problem"), 200);
	if (condition)
		rule->title = arena_printf(im->arena, "%s: %s", import_title(im->arena, import_words(im->arena, condition), 100),
		                           rule->title);
	/* An event that passes is less than a state that stays; a warning is the least. */
	bool permanent = type && strcmp(type, "permanent") == 0;
	rule->severity = reason && strcasestr(reason, "warning") ? "low" : permanent ? "high" : "medium";
	rule->cause = suffix ? import_title(im->arena, suffix, 500) : NULL;
}

/* The value behind "--name=" among the arguments; *ret_node is the argument. */
static const char *find_argument(const struct node *rule, const char *name, const struct node **ret_node)
{
	const struct node *arguments = node_get(rule, "args");
	for (const struct node *a = arguments ? arguments->first : NULL; a; a = a->next) {
		if (a->kind != NODE_TEXT || strncmp(a->text, name, strlen(name)) != 0)
			continue;
		*ret_node = a;
		return a->text + strlen(name);
	}
	return NULL;
}

/* "--count=5 --lookback=20m --pattern=...": so many matches in so much time. */
static struct condition *read_counter(struct importer *im, struct imported_rule *rule, const struct node *node)
{
	const struct node *at = node;
	const char *pattern = find_argument(node, "--pattern=", &at);
	if (!pattern) {
		import_left(im, node, "'%s': not carried over: it runs a program", rule->name);
		return NULL;
	}
	struct node text = *at;
	text.text = pattern;
	text.length = strlen(pattern);
	struct condition *of = read_pattern(im, rule, &text, 1);
	if (!of)
		return NULL;
	const char *count = find_argument(node, "--count=", &at);
	const char *lookback = find_argument(node, "--lookback=", &at);
	long n = count ? strtol(count, NULL, 10) : 1;
	if (find_argument(node, "--revert-pattern=", &at))
		import_part(im, rule, at, "--revert-pattern, which takes from the count, is left out");
	if (n <= 1)
		return of;
	if (n > 1000)
		import_part(im, rule, node, "the count is 1000, not %ld", n);
	struct condition *c = condition_new(im, CONDITION_COUNT, NULL);
	c->count = n > 1000 ? 1000 : (unsigned)n;
	condition_append(c, of);
	if (lookback && *lookback)
		c->within = arena_printf(im->arena, "%s", import_title(im->arena, lookback, 40));
	else
		import_part(im, rule, node, "it names no --lookback: the count has no window");
	return c;
}

static void import_one(struct importer *im, const struct node *node, bool custom, long buffer)
{
	const char *reason = node_text(node, "reason");
	struct imported_rule *rule =
		import_rule_new(im, "npd", import_words(im->arena, reason && *reason ? reason : "problem"), node);
	if (!rule)
		return;
	rule->name = import_title(im->arena, reason && *reason ? reason : "unnamed rule", 100);
	describe(im, rule, node);
	const struct node *pattern = node_get(node, "pattern");
	if (pattern && pattern->kind == NODE_TEXT)
		rule->match = read_pattern(im, rule, pattern, buffer);
	else if (custom)
		rule->match = read_counter(im, rule, node);
	else
		import_left(im, node, "'%s': not carried over: it has no pattern", rule->name);
	if (rule->match)
		import_rule_add(im, rule);
}

void import_npd(struct importer *im, const struct node *root)
{
	const struct node *config = config_of(root);
	if (!config) {
		import_left(im, root, "it has no rules with a plugin or source beside them");
		return;
	}
	const char *plugin = node_text(config, "plugin");
	long buffer = node_number(config, "bufferSize");
	bool custom = plugin && strcmp(plugin, "custom") == 0;
	const struct node *rules = node_get(config, "rules");
	for (const struct node *node = rules ? rules->first : NULL; node; node = node->next)
		import_one(im, node, custom, buffer > 0 ? buffer : DEFAULT_BUFFER);
	import_note(im, config, "where the log is read from and how often is not carried over, nor are the texts of "
	            "healthy states (plugin, pluginConfig, logPath, lookback, conditions)");
}
