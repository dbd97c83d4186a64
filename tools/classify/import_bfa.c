/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The knowledge base of the Jenkins Build Failure Analyzer, from Jenkins' own XML
 * or as JSON from a database. A cause becomes a rule, its indications an
 * any-of. An indication of one line had to match the whole line; one of several
 * lines was searched with dot-all and multi-line.
 */

#include <stdio.h>
#include <string.h>

#include "import.h"

#define WINDOW 200           /* lines: 10,000 characters there, and the most there are here */
#define MAX_PLACEHOLDERS 64  /* different ones in a description */

static bool ends_in(const char *text, const char *end)
{
	size_t n = text ? strlen(text) : 0, m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_cause(const struct node *node)
{
	if (node->kind != NODE_MAP)
		return false;
	return node_get(node, "indications") || ends_in(node->key, ".FailureCause") ||
	       ends_in(node->key, ".model.FailureCause");
}

static const struct node *find_cause(const struct node *node)
{
	if (is_cause(node))
		return node;
	for (const struct node *child = node->first; child; child = child->next) {
		const struct node *found = find_cause(child);
		if (found)
			return found;
	}
	return NULL;
}

bool bfa_knows(const struct node *root)
{
	return find_cause(root) != NULL;
}

/* The groups that a description asks for. Indications and groups count from 1. */
struct placeholder {
	unsigned indication, group;
	const char *name;            /* of our capture; NULL while there is none */
};

struct placeholders {
	struct placeholder item[MAX_PLACEHOLDERS];
	size_t n;
};

static struct placeholder *find_placeholder(struct placeholders *ph, unsigned indication, unsigned group)
{
	for (size_t i = 0; i < ph->n; i++)
		if (ph->item[i].indication == indication && ph->item[i].group == group)
			return &ph->item[i];
	return NULL;
}

/* "${ 1 , 2 }" at p: its length, and the numbers. 0 when it is none. */
static size_t read_placeholder(const char *p, unsigned *ret_indication, unsigned *ret_group)
{
	int used = 0;
	if (p[0] != '$' || p[1] != '{' || sscanf(p, "${ %4u , %4u }%n", ret_indication, ret_group, &used) != 2)
		return 0;
	return used > 0 ? (size_t)used : 0;
}

static void find_placeholders(struct placeholders *ph, const char *text)
{
	unsigned i, g;
	for (const char *p = strstr(text, "${"); p; p = strstr(p + 2, "${")) {
		bool escaped = p > text && p[-1] == '\\';
		if (!escaped && read_placeholder(p, &i, &g) && !find_placeholder(ph, i, g) && ph->n < MAX_PLACEHOLDERS)
			ph->item[ph->n++] = (struct placeholder){ .indication = i, .group = g };
	}
}

/* The description with our placeholders. False where one of them names nothing that we have. */
static bool fill_description(struct importer *im, struct placeholders *ph, const char *text,
                             const char **ret_text)
{
	struct text t = { 0 };
	bool whole = true;
	unsigned i, g;
	for (const char *p = text; *p;) {
		if (p[0] == '\\' && read_placeholder(p + 1, &i, &g)) {
			text_adds(&t, "$ ");
			p += 2;
			continue;
		}
		size_t n = read_placeholder(p, &i, &g);
		if (n) {
			const struct placeholder *known = find_placeholder(ph, i, g);
			if (known && known->name)
				text_addf(&t, "${%s}", known->name);
			else
				text_adds(&t, "...");
			whole = whole && known && known->name;
			p += n;
			continue;
		}
		text_add(&t, p, 1);
		/* Whatever else looks like a placeholder was none there. */
		if (p[0] == '$' && p[1] == '{')
			text_adds(&t, " ");
		p++;
	}
	*ret_text = arena_strndup(im->arena, t.data ? t.data : "", t.length);
	text_free(&t);
	return whole;
}

/* Names for the groups that the description asks for, as far as they are there. */
static const char **name_groups(struct importer *im, struct placeholders *ph, unsigned indication,
                                const struct expression *e)
{
	const char **names = arena_alloc(im->arena, (e->groups + 1) * sizeof(*names));
	for (size_t i = 0; i < ph->n; i++) {
		struct placeholder *p = &ph->item[i];
		if (p->indication != indication || p->group < 1 || p->group > e->groups)
			continue;
		const char *own = expression_group_name(e, p->group);
		p->name = own ? own : arena_printf(im->arena, "i%ug%u", indication, p->group);
		names[p->group] = p->name;
	}
	return names;
}

static bool asks_for_groups(const struct placeholders *ph, unsigned indication)
{
	for (size_t i = 0; i < ph->n; i++)
		if (ph->item[i].indication == indication && ph->item[i].group > 0)
			return true;
	return false;
}

static void forget_names(struct placeholders *ph, unsigned indication)
{
	for (size_t i = 0; i < ph->n; i++)
		if (ph->item[i].indication == indication)
			ph->item[i].name = NULL;
}

/* One indication as a condition; NULL when it is left behind, which is told. */
static struct condition *read_indication(struct importer *im, struct imported_rule *rule,
                                         struct placeholders *ph, unsigned number, const struct node *node)
{
	const char *class = node_text(node, "@class");
	if (!class)
		class = node->class ? node->class : node->key ? node->key : "";
	const struct node *pattern = node_get(node, "pattern");
	const char *what = arena_printf(im->arena, "'%s', indication %u", rule->name, number);
	bool several = ends_in(class, "MultilineBuildLogIndication") || ends_in(class, "multilineBuildLog");
	if (!several && *class && !ends_in(class, "BuildLogIndication") && !ends_in(class, "buildLog")) {
		import_left(im, node, "%s: not carried over: it is a %s", what, class);
		return NULL;
	}
	if (!pattern || pattern->kind != NODE_TEXT) {
		import_left(im, node, "%s: not carried over: it has no pattern", what);
		return NULL;
	}
	struct expression e;
	bool free_front = !asks_for_groups(ph, number);
	/* What (?ms) in front says goes for all branches. */
	struct node whole = *pattern;
	if (several) {
		whole.text = arena_printf(im->arena, "(?ms)%s", pattern->text);
		whole.length += 5;
	}
	if (!import_read(im, DIALECT_JAVA, &whole, what, &e))
		return NULL;
	if (several)
		expression_trim(im->arena, &e, free_front);
	else
		expression_hold_line(im->arena, &e, free_front);
	if (e.note[0])
		import_part(im, rule, pattern, "indication %u: %s", number, e.note);
	bool spans = several && expression_span(&e) != SPAN_NONE;
	if (spans)
		expression_reach_line_end(im->arena, &e);
	const char **names = name_groups(im, ph, number, &e);
	const char *text = import_write(im, &e, names, pattern, what);
	if (!text)
		return NULL;
	struct condition *c = condition_new(im, CONDITION_REGEX, text);
	if (spans)
		c->lines = WINDOW;
	/* One that cannot be had must not cost the others. */
	const char *fault = c->lines ? import_condition_fault(im, c) : NULL;
	if (!fault)
		return c;
	import_left(im, pattern, "%s: not carried over: %s", what, fault);
	return NULL;
}

/* The words of a cause's categories, also where they are one text with blanks. */
static const char *category_words(struct importer *im, const struct node *cause)
{
	const struct node *list = node_get(cause, "categories");
	struct text t = { 0 };
	if (list && list->kind == NODE_TEXT)
		text_adds(&t, list->text);
	for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
		if (item->kind == NODE_TEXT)
			text_addf(&t, "%s%s", t.length ? " " : "", item->text);
	}
	const char *words = arena_strndup(im->arena, t.data ? t.data : "", t.length);
	text_free(&t);
	return words;
}

static bool has_word(const char *words, const char *const *list)
{
	for (; *list; list++)
		if (strcasestr(words, *list))
			return true;
	return false;
}

/* What the categories say of a rule besides its category. */
static void read_categories(struct importer *im, struct imported_rule *rule, const char *words,
                            const char *fallbacks)
{
	static const char *const users[] = { "code", "compil", "developer", "unit test", "lint", "user", NULL };
	static const char *const passing[] = { "flaky", "transient", "intermittent", "retry", "random", NULL };
	const char *category = import_category(words);
	if (!category)
		category = import_category(rule->title);
	rule->category = category ? category : im->category ? im->category : "build_step_failed";
	if (has_word(words, users))
		rule->owner = "user";
	if (has_word(words, passing))
		rule->retry = "now";
	if (*words)
		import_remark(im, rule, arena_printf(im->arena, "categories: %s", words));
	/* Those of the fallback categories count only where no other cause was found. */
	for (const char *word = words; *word;) {
		size_t n = strcspn(word, " ");
		if (n && *fallbacks && strstr(fallbacks, arena_printf(im->arena, "\n%.*s\n", (int)n, word)))
			rule->role = "symptom";
		word += n + (word[n] == ' ');
	}
}

static void import_cause(struct importer *im, const struct node *cause, const char *fallbacks)
{
	const char *name = node_text(cause, "name");
	if (!name || !*name)
		name = "unnamed cause";
	struct imported_rule *rule = import_rule_new(im, "bfa", name, cause);
	if (!rule)
		return;
	if (node_get(cause, "_removed")) {
		import_left(im, cause, "'%s': not carried over: it was removed there", rule->name);
		return;
	}
	rule->title = import_title(im->arena, name, 200);
	const char *html = node_text(cause, "description"), *comment = node_text(cause, "comment");
	const char *description = import_html(im->arena, html ? html : "", &rule->url);
	struct placeholders *ph = arena_alloc(im->arena, sizeof(*ph));
	find_placeholders(ph, description);
	read_categories(im, rule, category_words(im, cause), fallbacks);
	if (comment && *comment)
		import_remark(im, rule, arena_printf(im->arena, "comment: %s", comment));

	struct condition *any = condition_new(im, CONDITION_ANY, NULL);
	const struct node *indications = node_get(cause, "indications");
	unsigned number = 0, lost = 0;
	for (const struct node *node = indications ? indications->first : NULL; node; node = node->next) {
		size_t before = im->n_left;
		struct condition *c = read_indication(im, rule, ph, ++number, node);
		if (c)
			condition_append(any, c);
		else
			forget_names(ph, number);
		/* With others left, this is a part of a rule, and no rule. */
		lost += !c;
		im->n_left = before;
	}
	if (!any->first) {
		import_left(im, cause, "'%s': not carried over: %s", rule->name,
		            number ? "none of its indications is" : "it has no indications");
		return;
	}
	if (lost)
		import_part(im, rule, cause, "%u of %u indications are not carried over", lost, number);
	rule->match = any->first->next ? any : any->first;
	if (!fill_description(im, ph, description, &rule->cause))
		import_part(im, rule, cause, "a placeholder of the description names no group that is carried over");
	import_rule_add(im, rule);
}

struct walk {
	struct importer *im;
	const char *fallbacks;
	size_t with_history;
};

static void walk_causes(struct walk *w, const struct node *node)
{
	if (is_cause(node)) {
		w->with_history += node_get(node, "modifications") || node_get(node, "lastOccurred");
		import_cause(w->im, node, w->fallbacks);
		return;
	}
	for (const struct node *child = node->first; child; child = child->next)
		walk_causes(w, child);
}

/* The fallback categories of the settings, each between line breaks. */
static void add_fallbacks(struct text *t, const struct node *node)
{
	if (node->key && strncmp(node->key, "fallbackCategories", 18) == 0) {
		if (node->kind == NODE_TEXT)
			text_addf(t, "\n%s\n", node->text);
		for (const struct node *item = node->first; item; item = item->next)
			text_addf(t, "\n%s\n", item->text);
		return;
	}
	for (const struct node *child = node->first; child && !is_cause(node); child = child->next)
		add_fallbacks(t, child);
}

void import_bfa(struct importer *im, const struct node *root)
{
	struct text t = { 0 };
	add_fallbacks(&t, root);
	text_add(&t, "", 1);
	for (size_t i = 0; t.data && i + 1 < t.length; i++)
		if (strchr(" ,\t", t.data[i]))
			t.data[i] = '\n';
	struct walk w = { .im = im, .fallbacks = t.data ? t.data : "" };
	size_t before = im->n_rules + im->n_left;
	walk_causes(&w, root);
	if (w.with_history)
		import_note(im, root, "the history (modifications, last occurrence) is left out; causes with one: %zu",
		            w.with_history);
	if (im->n_rules + im->n_left == before)
		import_note(im, root, "it holds no failure causes");
	text_free(&t);
}
