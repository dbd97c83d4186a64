/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problem matchers of GitHub Actions: a pattern of one line becomes an
 * expression, patterns of consecutive lines a sequence of neighbours. What they
 * number, we name.
 */

#include <stdio.h>
#include <string.h>

#include "import.h"

static const char *const properties[][2] = {
	{ "file", "file" }, { "line", "line" }, { "column", "column" }, { "severity", "severity" },
	{ "code", "code" }, { "message", "message" }, { "fromPath", "from_path" },
};
#define N_PROPERTIES (sizeof(properties) / sizeof(properties[0]))

static const struct node *matchers_of(const struct node *document)
{
	return node_get(document, "problemMatcher");
}

bool matcher_knows(const struct node *root)
{
	for (const struct node *document = root->kind == NODE_LIST ? root->first : NULL; document;
	     document = document->next)
		if (matchers_of(document))
			return true;
	return false;
}

static bool is_true(const struct node *map, const char *key)
{
	const char *text = node_text(map, key);
	return text && strcmp(text, "true") == 0;
}

/* One pattern as an expression; `has` notes which properties it captures. */
static struct condition *read_pattern(struct importer *im, struct imported_rule *rule, const struct node *pattern,
                                      bool has[N_PROPERTIES])
{
	const char *what = arena_printf(im->arena, "'%s'", rule->name);
	const struct node *regexp = node_get(pattern, "regexp");
	if (!regexp || regexp->kind != NODE_TEXT) {
		import_left(im, pattern, "%s: not carried over: a pattern has no regexp", what);
		return NULL;
	}
	struct expression e;
	if (!import_read(im, DIALECT_JAVASCRIPT, regexp, what, &e))
		return NULL;
	const char **names = arena_alloc(im->arena, (e.groups + 1) * sizeof(*names));
	for (size_t i = 0; i < N_PROPERTIES; i++) {
		long group = node_number(pattern, properties[i][0]);
		if (group < 1)
			continue;
		if (group > (long)e.groups)
			import_part(im, rule, pattern, "'%s' is group %ld, which is not there", properties[i][0], group);
		else if (names[group])
			import_part(im, rule, pattern, "'%s' is the group that is '%s' already", properties[i][0], names[group]);
		else if (has[i])
			import_part(im, rule, pattern, "'%s' is captured by an earlier pattern already", properties[i][0]);
		else {
			names[group] = properties[i][1];
			has[i] = true;
		}
	}
	const char *text = import_write(im, &e, names, regexp, what);
	return text ? condition_new(im, CONDITION_REGEX, text) : NULL;
}

static struct condition *read_patterns(struct importer *im, struct imported_rule *rule, const struct node *list,
                                       bool has[N_PROPERTIES])
{
	const struct node *pattern = list && list->kind == NODE_LIST ? list->first : list;
	if (!pattern || pattern->kind != NODE_MAP) {
		import_left(im, list, "'%s': not carried over: it has no pattern", rule->name);
		return NULL;
	}
	struct condition *sequence = condition_new(im, CONDITION_SEQUENCE, NULL);
	unsigned n = 0;
	for (; pattern; pattern = pattern->next) {
		struct condition *c = read_pattern(im, rule, pattern, has);
		if (!c)
			return NULL;
		condition_append(sequence, c);
		n++;
		if (is_true(pattern, "loop") && n > 1)
			import_part(im, rule, pattern, "'loop': of the lines that repeat the last pattern, only the first is a match");
		if (list->kind != NODE_LIST)
			break;
	}
	if (n == 1)
		return sequence->first;
	sequence->within = arena_printf(im->arena, n == 2 ? "1 line" : "%u lines", n - 1);
	return sequence;
}

/* "${file}:${line}:${column}: ${code}", of what there is. */
static const char *place_of(struct importer *im, const bool has[N_PROPERTIES])
{
	struct text t = { 0 };
	for (size_t i = 0; i < 3; i++)
		if (has[i])
			text_addf(&t, "%s${%s}", t.length ? ":" : "", properties[i][1]);
	if (has[4])
		text_addf(&t, "%s${%s}", t.length ? ": " : "", properties[4][1]);
	const char *place = arena_strndup(im->arena, t.data ? t.data : "", t.length);
	text_free(&t);
	return place;
}

static void import_one(struct importer *im, const struct node *matcher)
{
	const char *owner = node_text(matcher, "owner");
	if (!owner || !*owner)
		owner = "unnamed matcher";
	struct imported_rule *rule = import_rule_new(im, "matcher", owner, matcher);
	if (!rule)
		return;
	bool has[N_PROPERTIES] = { false };
	rule->match = read_patterns(im, rule, node_get(matcher, "pattern"), has);
	if (!rule->match)
		return;
	const char *title = import_title(im->arena, owner, 100), *category = import_category(owner);
	rule->title = has[5] ? arena_printf(im->arena, "%s: ${message}", title)
	                     : arena_printf(im->arena, "A problem that %s reports", title);
	rule->category = category ? category : im->category ? im->category : "build_step_failed";
	rule->owner = "user";
	rule->cause = place_of(im, has);
	const char *severity = node_text(matcher, "severity");
	rule->severity = import_severity(severity && *severity ? severity : "error");
	if (!rule->severity)
		import_part(im, rule, matcher, "the severity '%s' is none that we know", severity);
	if (has[3] && !severity) {
		/* A line that is only a warning must not fail a log. */
		rule->severity = "medium";
		import_part(im, rule, matcher, "the line tells the severity there; here it is medium, "
		            "and the capture 'severity' tells the line's");
	}
	import_rule_add(im, rule);
}

void import_matcher(struct importer *im, const struct node *root)
{
	for (const struct node *document = root->first; document; document = document->next) {
		const struct node *list = matchers_of(document);
		if (!list)
			import_left(im, document, "it has no 'problemMatcher'");
		for (const struct node *matcher = list ? list->first : NULL; matcher; matcher = matcher->next)
			import_one(im, matcher);
	}
}
