/* SPDX-License-Identifier: Apache-2.0 */
/* See report_parts.h: what failed logs share, and each cause with its evidence. */

#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

#include "report_chart.h"

#define MAX_SHARED 12        /* groups that are told */
#define MAX_SOURCES 12       /* named of a group */

/* ---- what logs share ---- */

/* The place of a group's rule or template in the order; n_causes where it has none. */
static size_t place_of(const struct page *p, const struct group *g)
{
	size_t i = 0;
	for (; i < p->report->n_causes; i++) {
		const struct report_cause *c = &p->report->cause[p->order[i]];
		if ((g->rule && strcmp(c->rule, g->rule) == 0) ||
		    (g->fingerprint && *g->fingerprint && strcmp(c->fingerprint, g->fingerprint) == 0))
			break;
	}
	return i;
}

static void add_values(struct text *t, const struct group *g)
{
	text_adds(t, "<ul class=\"values\">");
	for (size_t i = 0; i < g->n_fields; i++) {
		text_adds(t, "<li><b>all</b> with ");
		html_add(t, g->fields[i].name);
		text_adds(t, " <code>");
		html_add_cut(t, g->fields[i].value, strlen(g->fields[i].value), 120);
		text_adds(t, "</code></li>");
	}
	for (size_t i = 0; i < g->n_shares; i++) {
		text_adds(t, "<li><b>");
		html_add_count(t, g->shares[i].count);
		text_adds(t, "</b> with ");
		html_add(t, g->shares[i].name);
		text_adds(t, " <code>");
		html_add_cut(t, g->shares[i].value, strlen(g->shares[i].value), 120);
		text_adds(t, "</code></li>");
	}
	text_adds(t, "</ul>\n");
}

static void add_sources(struct text *t, const struct group *g)
{
	size_t n = g->n_sources < MAX_SOURCES ? g->n_sources : MAX_SOURCES;
	text_adds(t, "<details><summary>");
	if (n < g->count) {
		text_addf(t, "%zu of ", n);
		html_add_count(t, g->count);
		text_adds(t, " logs");
	} else {
		html_add_counted(t, g->count, "log", "logs");
	}
	text_adds(t, "</summary><ul class=\"sources\">\n");
	for (size_t i = 0; i < n; i++) {
		text_adds(t, "<li>");
		html_add(t, g->sources[i] ? g->sources[i] : "");
		text_adds(t, "</li>\n");
	}
	text_adds(t, "</ul></details>\n");
}

static void add_group(struct page *p, const struct group *g)
{
	const struct groups *groups = p->about->groups;
	struct text *t = p->t;
	size_t place = place_of(p, g);
	text_adds(t, "<li>\n<p class=\"title\"><b>");
	html_add_count(t, g->count);
	text_adds(t, "</b> of ");
	html_add_count(t, groups->failed);
	text_adds(t, " ");
	if (place < p->report->n_causes)
		page_add_link(p, place);
	else if (g->kind == GROUP_CATEGORY)
		text_addf(t, "failed with <code>%s</code>, by %zu rules", g->category, g->rules);
	else
		text_addf(t, "failed, in %zu categories", g->rules);
	if (place < p->report->n_causes)
		text_addf(t, " <code class=\"category\">%s</code>", g->category ? g->category : "");
	text_adds(t, "</p>\n");
	chart_share(t, g->count, groups->failed);
	if (g->n_fields || g->n_shares)
		add_values(t, g);
	if (g->explained_by) {
		const struct group *cause = &groups->item[g->explained_by - 1];
		text_adds(t, "<p class=\"facts\">It may follow from <code>");
		html_add(t, cause->rule ? cause->rule : "");
		text_adds(t, "</code> in ");
		html_add_counted(t, cause->count, "other log", "other logs");
		text_adds(t, ".</p>\n");
	}
	add_sources(t, g);
	text_adds(t, "</li>\n");
}

/* Does it tell more than that a rule failed some logs, which the table of rules tells? */
static bool shares_values(const struct group *g)
{
	return g->count > 1 && (g->n_fields || g->n_shares);
}

void page_add_shared(struct page *p)
{
	const struct groups *groups = p->about->groups;
	struct text *t = p->t;
	size_t told = 0, all = 0;
	for (size_t i = 0; groups && i < groups->n; i++)
		all += shares_values(&groups->item[i]) || groups->item[i].explained_by;
	if (all == 0)
		return;
	text_adds(t, "<section aria-labelledby=\"h-shared\">\n<h2 id=\"h-shared\">What failed logs share</h2>\n<ul class=\"shared\">\n");
	/* First those with the same values, then those that may only follow from others. */
	for (int second = 0; second < 2; second++) {
		for (size_t i = 0; i < groups->n && told < MAX_SHARED; i++) {
			const struct group *g = &groups->item[i];
			if (second ? !shares_values(g) && g->explained_by : shares_values(g)) {
				add_group(p, g);
				told++;
			}
		}
	}
	text_adds(t, "</ul>\n");
	if (told < all) {
		text_addf(t, "<p class=\"note\">Showing %zu of ", told);
		html_add_count(t, all);
		text_adds(t, " groups, the largest first.</p>\n");
	}
	text_adds(t, "</section>\n");
}

/* ---- each cause with its evidence ---- */

static int by_example(const void *va, const void *vb)
{
	const struct report_example *a = va, *b = vb;
	int order = report_compare(&a->time, &b->time);
	return order ? order : a->number > b->number ? -1 : 1;
}

static void add_details(struct page *p, size_t place)
{
	struct report_cause *c = &p->report->cause[p->order[place]];
	struct text *t = p->t;
	qsort(c->example, c->n_examples, sizeof(c->example[0]), by_example);
	text_addf(t, "<details class=\"cause\"%s><summary><h3><span class=\"count\">", place < PAGE_TOP && *c->rule ? " open" : "");
	html_add_count(t, c->count);
	text_adds(t, "</span> <span>");
	html_add_title(t, c);
	text_addf(t, "</span></h3></summary>\n<div id=\"c%zu\" class=\"body\">\n<p class=\"facts\"><code>", place + 1);
	html_add(t, *c->rule ? c->rule : c->fingerprint);
	text_adds(t, "</code> \xc2\xb7 <code>");
	html_add(t, c->category);
	text_adds(t, "</code> \xc2\xb7 ");
	html_add_seen(t, c);
	if (*c->rule) {
		text_adds(t, " \xc2\xb7 ");
		html_add(t, c->severity);
		text_adds(t, " \xc2\xb7 ");
		html_add_owner(t, c->owner);
		text_addf(t, " \xc2\xb7 %s", html_retry_words(c->retry));
	}
	text_adds(t, "</p>\n");
	if (c->n_examples && c->example[0].runbook.length)
		text_add(t, c->example[0].runbook.data, c->example[0].runbook.length);
	if (!*c->rule) {
		text_adds(t, "<p class=\"note\">Once it is known why, <code>classify rules new --from-group ");
		html_add(t, c->fingerprint);
		text_adds(t, "</code> with the logs begins a rule.</p>\n");
	}
	if (c->n_examples < c->count) {
		text_addf(t, "<p class=\"label\">Showing %zu of ", c->n_examples);
		html_add_count(t, c->count);
		text_adds(t, c->n_examples ? " logs: the newest and the first</p>\n" : " logs: there was no room for more</p>\n");
	}
	for (size_t i = 0; i < c->n_examples; i++)
		text_add(t, c->example[i].evidence.data, c->example[i].evidence.length);
	text_adds(t, "</div></details>\n");
}

void page_add_causes(struct page *p, bool novel)
{
	size_t all = novel ? p->templates : p->rules, shown = 0;
	struct text *t = p->t;
	if (all == 0)
		return;
	if (novel)
		text_adds(t, "<section aria-labelledby=\"h-novel\">\n<h2 id=\"h-novel\">Failures that no rule explains</h2>\n"
		             "<p class=\"note\">Grouped by the template of their most telling line; nobody has written down yet "
		             "what they mean.</p>\n");
	else
		text_adds(t, "<section aria-labelledby=\"h-causes\">\n<h2 id=\"h-causes\">Causes, evidence and what to do</h2>\n");
	for (size_t i = 0; i < p->report->n_causes && i < PAGE_DETAILS; i++) {
		if (!*p->report->cause[p->order[i]].rule == novel) {
			add_details(p, i);
			shown++;
		}
	}
	if (shown < all) {
		text_addf(t, "<p class=\"note\">Showing %zu of ", shown);
		html_add_count(t, all);
		text_adds(t, ", the most common ones.</p>\n");
	}
	text_adds(t, "</section>\n");
}
