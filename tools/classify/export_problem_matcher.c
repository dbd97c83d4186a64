/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules as problem matchers of GitHub Actions: one owner a rule. Expressions are
 * JavaScript's; the message is a capture of that name, or the whole line.
 * `unless` becomes a look ahead from the start of the line, which says the same.
 */

#include "export.h"

#include <stdio.h>
#include <string.h>

#include "yaml_out.h"

static const char *const message_names[] = { "message", "msg", NULL };
static const struct {
	const char *property;
	const char *const names[4];
} captured[] = {
	{ "file", { "file", "path", "filename", NULL } },
	{ "line", { "line", "lineno", NULL } },
	{ "column", { "column", "col", NULL } },
	{ "code", { "code", NULL } },
	{ "severity", { "severity", NULL } },
	{ "fromPath", { "from_path", NULL } },
};
#define N_CAPTURED (sizeof(captured) / sizeof(captured[0]))

void export_matcher_begin(struct exporter *x)
{
	text_adds(x->out, "{\n  \"problemMatcher\": [");
}

void export_matcher_end(struct exporter *x)
{
	text_adds(x->out, "\n  ]\n}\n");
}

/* `unless` of the same line, as a look ahead. False and `why` when it is more than that. */
static bool add_unless(struct exporter *x, struct text *t, const struct node *unless, char why[160])
{
	const struct node *item = unless->kind == NODE_LIST ? unless->first : unless;
	for (; item; item = item->next) {
		unsigned groups;
		if (node_get(item, "within") || node_get(item, "where") || node_get(item, "field")) {
			snprintf(why, 160, "its 'unless' looks at more than the line");
			return false;
		}
		text_adds(t, "(?!.*(?:");
		struct text inner = { 0 };
		bool good = export_expression(x, item, DIALECT_JAVASCRIPT, 0, &inner, &groups, why);
		if (good && groups) {
			/* Groups in there would shift the numbers behind. */
			snprintf(why, 160, "its 'unless' has groups");
			good = false;
		}
		text_add(t, inner.data ? inner.data : "", inner.length);
		text_free(&inner);
		if (!good)
			return false;
		text_adds(t, "))");
		if (unless->kind != NODE_LIST)
			break;
	}
	return true;
}

/* One pattern; the last one of a matcher has the message. `set` notes what was set before. */
static bool add_pattern(struct exporter *x, struct text *t, const struct exported_rule *rule,
                        const struct node *condition, bool last, bool set[N_CAPTURED], char why[160])
{
	struct text expression = { 0 }, front = { 0 };
	unsigned message = last ? export_group(x, condition, message_names) : 0, shift = 0, groups;
	bool good = true;
	if (last && rule->unless) {
		text_adds(&front, "^");
		good = add_unless(x, &front, rule->unless, why);
	}
	if (last && !message) {
		/* The message is the line, in a group before all others. */
		text_adds(&front, front.length ? "(.*(?:" : "^(.*(?:");
		shift = 1;
	} else if (front.length) {
		text_adds(&front, ".*?(?:");
	}
	good = good && export_expression(x, condition, DIALECT_JAVASCRIPT, shift, &expression, &groups, why);
	if (good) {
		text_add(&front, expression.data ? expression.data : "", expression.length);
		text_adds(&front, last && !message ? ").*)$" : front.length > expression.length ? ")" : "");
		text_adds(t, "        {\n          \"regexp\": ");
		text_add_json(t, front.data, front.length);
		if (last)
			text_addf(t, ",\n          \"message\": %u", message ? message : 1);
		for (size_t i = 0; i < N_CAPTURED; i++) {
			unsigned group = export_group(x, condition, captured[i].names);
			if (!group || set[i])
				continue;
			set[i] = true;
			text_addf(t, ",\n          \"%s\": %u", captured[i].property, group + shift);
		}
		text_adds(t, "\n        }");
	}
	text_free(&expression);
	text_free(&front);
	return good;
}

/* "1 line", "2 lines": how many neighbours a sequence needs. */
static bool are_neighbours(const struct node *match, unsigned terms)
{
	const char *within = node_text(match, "within");
	unsigned lines = 0;
	int used = 0;
	return within && sscanf(within, "%6u line%n", &lines, &used) == 1 && used && lines == terms - 1;
}

void export_matcher(struct exporter *x, const struct exported_rule *rule)
{
	const struct node *sequence = node_get(rule->match, "sequence"), *term = rule->match;
	struct text patterns = { 0 };
	char why[160] = "";
	bool set[N_CAPTURED] = { false }, good = true;
	unsigned n = 0;
	for (const struct node *child = sequence ? sequence->first : NULL; child; child = child->next)
		n++;
	if (sequence && (n < 2 || !are_neighbours(rule->match, n))) {
		snprintf(why, sizeof(why), "condition of several lines that need not be neighbours");
		good = false;
	}
	for (term = sequence ? sequence->first : term; good && term; term = sequence ? term->next : NULL) {
		if (patterns.length)
			text_adds(&patterns, ",\n");
		good = add_pattern(x, &patterns, rule, term, !sequence || !term->next, set, why);
	}
	if (!good) {
		export_left(x, rule->rule, "%s", why);
	} else {
		text_addf(x->out, "%s\n    {\n      \"owner\": ", x->exported ? "," : "");
		text_add_json(x->out, rule->rule->id, strlen(rule->rule->id));
		text_addf(x->out, ",\n      \"severity\": \"%s\",\n      \"pattern\": [\n",
		          rule->rule->severity <= CLSF_SEVERITY_LOW ? "warning" : "error");
		text_add(x->out, patterns.data, patterns.length);
		text_adds(x->out, "\n      ]\n    }");
		x->exported++;
	}
	text_free(&patterns);
}
