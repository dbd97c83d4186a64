/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules as Common Reliability Enumerations. Their windows are times and never
 * lines, their expressions RE2, and what negates looks at times, too: not at the
 * line that matched. Ids and hashes are made of our ids and of the text, so that
 * they are the same each time.
 */

#include "export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "yaml_out.h"

#define DIGEST HASH_SIZE

static void add_base58(struct text *t, const uint8_t *bytes, size_t n)
{
	static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
	uint8_t number[DIGEST];
	char digits[DIGEST * 2];
	size_t at = sizeof(digits);
	bool more = true;
	memcpy(number, bytes, n);
	while (more) {
		unsigned rest = 0;
		more = false;
		for (size_t i = 0; i < n; i++) {
			unsigned value = rest * 256 + number[i];
			number[i] = (uint8_t)(value / 58);
			rest = value % 58;
			more = more || number[i];
		}
		digits[--at] = alphabet[rest];
	}
	text_add(t, digits + at, sizeof(digits) - at);
}

/* A number for a rule, from its id; the next one where two ids give the same. -1: none is left. */
static int take_number(struct exporter *x, const uint8_t hash[DIGEST])
{
	unsigned first = (unsigned)(hash[16] << 16 | hash[17] << 8 | hash[18]) % 10000;
	for (unsigned i = 0; i < 10000; i++) {
		unsigned n = (first + i) % 10000;
		if (!x->numbers[n]) {
			x->numbers[n] = true;
			return (int)n;
		}
	}
	return -1;
}

/* ---- windows ---- */

/*
 * The time of a window, in the words of Go, which knows no days: "30s" of
 * "30s or 200 lines". NULL when it is in lines alone.
 */
static const char *window_of(struct arena *a, const struct node *map)
{
	const char *within = node_text(map, "within");
	if (!within)
		return NULL;
	size_t n = strcspn(within, " ");
	if (strncmp(within + n, " line", 5) == 0)
		return NULL;
	struct text t = { 0 };
	char *end;
	for (const char *p = within; p < within + n; p = end) {
		double number = strtod(p, &end);
		size_t unit = strcspn(end, "0123456789. ");
		if (end == p || !unit)
			break;
		if (*end == 'd')
			text_addf(&t, "%gh", number * 24);
		else
			text_add(&t, p, (size_t)(end - p) + unit);
		end += unit;
	}
	const char *window = t.length ? arena_strndup(a, t.data, t.length) : NULL;
	text_free(&t);
	return window;
}

/* ---- terms ---- */

/* "regex: ..." or "value: ..."; false and `why` when it is of several lines or beyond RE2. */
static bool add_term(struct exporter *x, struct text *t, const struct node *condition, char why[160])
{
	const char *literal = condition->kind == NODE_MAP ? node_text(condition, "text") : NULL;
	if (literal) {
		text_adds(t, "value: ");
		yaml_add_quoted(t, literal, strlen(literal));
		text_adds(t, "\n");
		return true;
	}
	struct text expression = { 0 };
	unsigned groups;
	bool good = export_expression(x, condition, DIALECT_GO, 0, &expression, &groups, why);
	if (good) {
		text_adds(t, "regex: ");
		yaml_add_quoted(t, expression.data, expression.length);
		text_adds(t, "\n");
	}
	text_free(&expression);
	return good;
}

static bool add_terms(struct exporter *x, struct text *t, const struct node *list, char why[160])
{
	for (const struct node *child = list->first; child; child = child->next) {
		text_adds(t, "          - ");
		if (!add_term(x, t, child, why))
			return false;
	}
	return true;
}

/* A count of n is n-1 and one more, for an order needs two. */
static bool add_count(struct exporter *x, struct text *t, const struct node *match, char why[160])
{
	const struct node *of = node_get(match, "of");
	long count = node_number(match, "count");
	for (int i = count > 1 ? 0 : 1; of && i < 2; i++) {
		text_adds(t, "          - ");
		if (!add_term(x, t, of, why))
			return false;
		if (i == 0 && count > 2)
			text_addf(t, "            count: %ld\n", count - 1);
	}
	return of != NULL;
}

/*
 * `unless` in a window of time. The shift of the window is relative to the
 * last of `terms`; without a time there is nothing to say it with.
 */
static bool add_unless(struct exporter *x, struct text *t, const struct node *item, unsigned terms)
{
	const char *window = item->kind == NODE_MAP ? window_of(x->arena, item) : NULL;
	const char *where = node_text(item, "where");
	char why[160];
	if (!window)
		return false;
	struct text term = { 0 };
	bool good = add_term(x, &term, item, why);
	if (good) {
		bool before = where && strcmp(where, "before") == 0, after = where && strcmp(where, "after") == 0;
		text_adds(t, "          - ");
		text_add(t, term.data, term.length);
		text_addf(t, "            window: %s\n            absolute: true\n            anchor: %u\n", window,
		          terms - 1);
		if (before)
			text_addf(t, "            slide: -%s\n", window);
		/* Around would be twice the window: the half before is what tells of most recoveries. */
		good = before || after;
	}
	text_free(&term);
	return good;
}

static void add_negations(struct exporter *x, struct text *t, const struct exported_rule *rule, unsigned terms)
{
	struct text list = { 0 };
	unsigned lost = 0;
	const struct node *unless = rule->unless;
	const struct node *item = unless && unless->kind == NODE_LIST ? unless->first : unless;
	for (; item; item = item->next) {
		size_t before = list.length;
		if (!add_unless(x, &list, item, terms)) {
			list.length = before;
			lost++;
		}
		if (unless->kind != NODE_LIST)
			break;
	}
	if (list.length) {
		text_adds(t, "        negate:\n");
		text_add(t, list.data, list.length);
	}
	if (lost)
		export_part(x, rule->rule, "'unless' is left out, for theirs looks at times and not at the line: "
		            "it matches more there");
	text_free(&list);
}

static unsigned count_of(const struct node *list)
{
	unsigned n = 0;
	for (const struct node *child = list->first; child; child = child->next)
		n++;
	return n;
}

/* What stands below `rule:`. False and `why` when it cannot be said. */
static bool add_condition(struct exporter *x, struct text *t, const struct exported_rule *rule, char why[160])
{
	const struct node *match = rule->match, *all = node_get(match, "all"), *sequence = node_get(match, "sequence");
	bool count = node_get(match, "count") != NULL, several = all || sequence || count;
	const char *window = several ? window_of(x->arena, match) : NULL;
	if (several && !window) {
		snprintf(why, 160, "condition of several lines, without a window in time");
		return false;
	}
	text_addf(t, "    rule:\n      %s:\n", sequence || count ? "sequence" : "set");
	if (window)
		text_addf(t, "        window: %s\n", window);
	text_adds(t, "        event:\n          source: ");
	char *source = arena_printf(x->arena, "cre.log.%s", *rule->rule->pack ? rule->rule->pack : "build");
	yaml_add_scalar(t, source, strlen(source));
	text_addf(t, "\n        %s:\n", sequence || count ? "order" : "match");
	unsigned terms = 1;
	bool good;
	if (sequence || all) {
		terms = count_of(sequence ? sequence : all);
		good = add_terms(x, t, sequence ? sequence : all, why);
	} else if (count) {
		terms = 2;
		good = add_count(x, t, match, why);
	} else {
		text_adds(t, "          - ");
		good = add_term(x, t, match, why);
	}
	if (good && rule->unless)
		add_negations(x, t, rule, terms);
	return good;
}

/* ---- the document ---- */

static void add_text(struct exporter *x, struct text *t, const char *key, const char *text)
{
	if (!*text)
		return;
	const char *plain = export_plain(x->arena, text);
	text_addf(t, "      %s: ", key);
	yaml_add_block(t, plain, strlen(plain), 8);
	text_adds(t, "\n");
}

static void add_enumeration(struct exporter *x, struct text *t, const struct clsf_rule *rule, int number)
{
	char *category = arena_strndup(x->arena, rule->category, strlen(rule->category));
	for (char *p = category; *p; p++)
		if (*p == '_')
			*p = '-';
	text_addf(t, "    cre:\n      id: CRE-0000-%04d\n      severity: %d\n", number,
	          (int)CLSF_SEVERITY_CRITICAL - (int)rule->severity);
	add_text(x, t, "title", rule->title);
	text_addf(t, "      category: %s\n", category);
	add_text(x, t, "description", arena_printf(x->arena, "%s (rule %s of pack %s)", rule->title, rule->id,
	                                          *rule->pack ? rule->pack : "none"));
	add_text(x, t, "cause", *rule->cause ? rule->cause : rule->title);
	text_addf(t, "      impact: %s\n", rule->severity >= CLSF_SEVERITY_MEDIUM ? "The build fails."
	                                                                       : "The build may go on.");
	const char *gap = *rule->fix && *rule->prevent ? "\n\n" : "";
	add_text(x, t, "mitigation", arena_printf(x->arena, "%s%s%s", rule->fix, gap, rule->prevent));
	if (*rule->url) {
		text_adds(t, "      references:\n        - ");
		yaml_add_quoted(t, rule->url, strlen(rule->url));
		text_adds(t, "\n");
	}
}

void export_cre_begin(struct exporter *x)
{
	text_adds(x->out, "# Exported by 'classify rules export'.\nrules:\n");
}

void export_cre(struct exporter *x, const struct exported_rule *rule)
{
	struct text condition = { 0 }, body = { 0 };
	char why[160] = "";
	uint8_t hash[DIGEST];
	hash_text(rule->rule->id, strlen(rule->rule->id), hash);
	int number = -1;
	if (!add_condition(x, &condition, rule, why))
		export_left(x, rule->rule, "%s", why);
	else if ((number = take_number(x, hash)) < 0)
		export_left(x, rule->rule, "all numbers of a year are taken");
	if (number >= 0) {
		uint8_t whole[DIGEST];
		add_enumeration(x, &body, rule->rule, number);
		text_add(&body, condition.data, condition.length);
		hash_text(body.data ? body.data : "", body.length, whole);
		text_adds(x->out, "  - metadata:\n      id: ");
		add_base58(x->out, hash, 16);
		text_adds(x->out, "\n      hash: ");
		add_base58(x->out, whole, DIGEST);
		text_adds(x->out, "\n      gen: 1\n      kind: prequel\n      version: \"1.0.0\"\n");
		text_add(x->out, body.data, body.length);
		x->exported++;
	}
	text_free(&condition);
	text_free(&body);
}
