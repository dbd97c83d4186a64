/* SPDX-License-Identifier: Apache-2.0 */
/* See report_parts.h: failures over time, by system and rule, and one by one. */

#include "report_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report_chart.h"

#define MAX_PACKS 64         /* systems that are told apart */
#define MAX_CELL 160         /* bytes of a line in the table of failures */

/* ---- over time ---- */

static void fill_series(const struct page *p, const struct category *categories, size_t n,
                        struct chart_series *series, size_t n_series)
{
	for (size_t k = 0; k < p->report->n_causes; k++) {
		size_t at = 0;
		while (at < n && strcmp(categories[at].name, p->report->cause[k].category) != 0)
			at++;
		struct chart_series *s = &series[at < n_series ? at : n_series - 1];
		s->total += p->report->cause[k].dated;
		for (size_t i = 0; i < p->slots.n; i++)
			s->count[i] += p->slots.count[k * p->slots.n + i];
	}
}

void page_add_over_time(struct page *p)
{
	static struct chart_series series[CHART_SERIES];
	struct category categories[PAGE_CATEGORIES];
	const struct report *r = p->report;
	struct text *t = p->t;
	size_t n = page_categories(p, categories), n_series = n < CHART_SERIES ? n : CHART_SERIES;
	size_t dated = r->failed - r->undated - r->lost;
	if (p->slots.n == 0 || dated < 2)
		return;
	memset(series, 0, sizeof(series));
	for (size_t i = 0; i < n_series; i++)
		series[i].name = i + 1 == CHART_SERIES && n > CHART_SERIES ? "all other" : categories[i].name;
	fill_series(p, categories, n, series, n_series);
	text_addf(t, "<section aria-labelledby=\"h-time\">\n<h2 id=\"h-time\">Failures over time <small>by category, each %s, "
	             "UTC</small></h2>\n",
	          chart_unit(&p->slots));
	chart_over_time(t, &p->slots, series, n_series);
	if (r->undated || r->by_file || p->slots.earlier || p->slots.later) {
		text_adds(t, "<p class=\"note\">");
		if (p->slots.earlier || p->slots.later) {
			html_add_count(t, p->slots.earlier);
			text_adds(t, " earlier and ");
			html_add_counted(t, p->slots.later, "later failure is", "later failures are");
			text_adds(t, " not drawn, for they are few and far from the rest. ");
		}
		if (r->by_file) {
			html_add_counted(t, r->by_file, "failed log tells", "failed logs tell");
			text_adds(t, " no day and stand where their file was last changed. ");
		}
		if (r->undated) {
			html_add_counted(t, r->undated, "failed log has", "failed logs have");
			text_adds(t, " no time at all and are not drawn.");
		}
		text_adds(t, "</p>\n");
	}
	text_adds(t, "</section>\n");
}

/* ---- systems and rules ---- */

struct pack {
	const char *name;
	size_t count, rules;
	uint32_t slots[BUCKETS_SLOTS];
	size_t top;                  /* the place of its most common rule */
};

static int by_pack(const void *va, const void *vb)
{
	const struct pack *a = va, *b = vb;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Those of rules alone: what no rule explains is of no system that is known. */
static size_t count_packs(const struct page *p, struct pack *packs)
{
	size_t n = 0;
	for (size_t place = 0; place < p->report->n_causes; place++) {
		const struct report_cause *c = &p->report->cause[p->order[place]];
		size_t at = 0;
		const char *name = *c->rule ? *c->pack ? c->pack : "no pack" : "no rule explains it";
		while (at < n && strcmp(packs[at].name, name) != 0)
			at++;
		if (at == MAX_PACKS)
			packs[--at].name = "others";
		else if (at == n)
			packs[n++] = (struct pack){ .name = name, .top = place };
		packs[at].count += c->count;
		packs[at].rules++;
		for (size_t i = 0; i < p->slots.n; i++)
			packs[at].slots[i] += p->slots.count[p->order[place] * p->slots.n + i];
	}
	qsort(packs, n, sizeof(*packs), by_pack);
	return n;
}

void page_add_systems(struct page *p)
{
	static struct pack packs[MAX_PACKS];
	const struct report *r = p->report;
	struct text *t = p->t;
	size_t n = count_packs(p, packs);
	text_adds(t, "<section aria-labelledby=\"h-systems\">\n<h2 id=\"h-systems\">Systems</h2>\n"
	             "<table class=\"systems\"><thead><tr><th scope=\"col\">system</th><th scope=\"col\" class=\"n\">failed</th>"
	             "<th scope=\"col\" class=\"wide\"><span class=\"sr\">share</span></th>"
	             "<th scope=\"col\" class=\"wide\">over time</th><th scope=\"col\">most common</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < n; i++) {
		text_adds(t, "<tr><th scope=\"row\">");
		html_add(t, packs[i].name);
		text_adds(t, "</th><td class=\"n\">");
		html_add_count(t, packs[i].count);
		text_adds(t, "</td><td class=\"wide\">");
		chart_share(t, packs[i].count, r->failed);
		text_adds(t, "</td><td class=\"wide\">");
		chart_trend(t, &p->slots, packs[i].slots);
		text_adds(t, "</td><td>");
		page_add_link(p, packs[i].top);
		text_adds(t, "</td></tr>\n");
	}
	text_adds(t, "</tbody></table>\n</section>\n");
}

void page_add_rules(struct page *p)
{
	const struct report *r = p->report;
	struct text *t = p->t;
	if (p->rules == 0)
		return;
	text_adds(t, "<section aria-labelledby=\"h-rules\">\n<h2 id=\"h-rules\">Rules</h2>\n"
	             "<table class=\"rules sortable\"><thead><tr><th scope=\"col\">rule</th><th scope=\"col\">category</th>"
	             "<th scope=\"col\" class=\"n\" data-sort=\"number\" aria-sort=\"descending\">failed</th>"
	             "<th scope=\"col\" class=\"wide\" data-sort=\"none\">over time</th>"
	             "<th scope=\"col\">first seen</th><th scope=\"col\">last seen</th>"
	             "<th scope=\"col\">who</th><th scope=\"col\">retry</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < r->n_causes; i++) {
		const struct report_cause *c = &r->cause[p->order[i]];
		if (!*c->rule)
			continue;
		text_adds(t, "<tr><th scope=\"row\">");
		page_add_link(p, i);
		text_adds(t, "<small><code>");
		html_add(t, c->rule);
		text_adds(t, "</code></small></th><td><code>");
		html_add(t, c->category);
		text_adds(t, "</code></td><td class=\"n\">");
		html_add_count(t, c->count);
		text_adds(t, "</td><td class=\"wide\">");
		if (p->slots.n)
			chart_trend(t, &p->slots, p->slots.count + p->order[i] * p->slots.n);
		text_adds(t, "</td><td>");
		if (c->dated)
			html_add_time(t, c->first);
		text_adds(t, "</td><td>");
		if (c->dated)
			html_add_time(t, c->last);
		text_adds(t, "</td><td>");
		html_add_owner(t, c->owner);
		text_adds(t, "</td><td>");
		html_add(t, c->retry);
		text_adds(t, "</td></tr>\n");
	}
	text_adds(t, "</tbody></table>\n</section>\n");
}

/* ---- every failure ---- */

static int by_row(const void *va, const void *vb)
{
	const struct report_row *a = va, *b = vb;
	int order = report_compare(&a->time, &b->time);
	return order ? order : a->number < b->number ? -1 : 1;
}

static void add_filter(struct page *p)
{
	struct category categories[PAGE_CATEGORIES];
	struct text *t = p->t;
	size_t n = page_categories(p, categories);
	text_adds(t, "<form id=\"filter\" role=\"search\" hidden>\n"
	             "<label>Filter <input id=\"filter-text\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" "
	             "placeholder=\"name, rule or text\"></label>\n"
	             "<label>Category <select id=\"filter-category\"><option value=\"\">all</option>");
	for (size_t i = 0; i < n; i++)
		text_addf(t, "<option>%s</option>", categories[i].name);
	text_adds(t, "</select></label>\n<output id=\"filter-shown\" aria-live=\"polite\"></output>\n</form>\n");
}

static void add_row(struct page *p, const struct report_row *row, const size_t *place)
{
	const struct report_cause *c = &p->report->cause[row->cause];
	struct text *t = p->t;
	text_adds(t, "<tr><td>");
	html_add_log_time(t, &row->time);
	text_adds(t, "</td><th scope=\"row\">");
	html_add(t, row->source);
	if (row->line)
		text_addf(t, ":%" PRIu64, row->line);
	text_adds(t, "</th><td><code>");
	html_add(t, c->category);
	text_adds(t, "</code></td><td>");
	if (place[row->cause] < PAGE_DETAILS)
		text_addf(t, "<a href=\"#c%zu\">", place[row->cause] + 1);
	html_add(t, *c->rule ? c->rule : c->fingerprint);
	if (place[row->cause] < PAGE_DETAILS)
		text_adds(t, "</a>");
	text_adds(t, "</td><td>");
	if (*c->rule) {
		html_add(t, row->title);
		text_adds(t, "<small><code>");
		html_add_cut(t, row->text, strlen(row->text), MAX_CELL);
		text_adds(t, "</code></small>");
	} else {
		text_adds(t, "<code>");
		html_add_cut(t, row->text, strlen(row->text), MAX_CELL);
		text_adds(t, "</code>");
	}
	text_adds(t, "</td></tr>\n");
}

void page_add_failures(struct page *p)
{
	struct report *r = p->report;
	struct text *t = p->t;
	size_t *place = calloc(r->n_causes + 1, sizeof(*place));
	if (!place) {
		t->failed = true;
		return;
	}
	for (size_t i = 0; i < r->n_causes; i++)
		place[p->order[i]] = i;
	qsort(r->row, r->n_rows, sizeof(*r->row), by_row);
	text_adds(t, "<section aria-labelledby=\"h-failures\">\n<h2 id=\"h-failures\">Every failed log</h2>\n");
	if (r->n_rows < r->failed) {
		text_adds(t, "<p class=\"note\">The newest ");
		html_add_count(t, r->n_rows);
		text_adds(t, " of ");
		html_add_count(t, r->failed);
		text_adds(t, "; the sums above count all of them.</p>\n");
	}
	add_filter(p);
	text_adds(t, "<table id=\"failures\" class=\"failures sortable\"><thead><tr>"
	             "<th scope=\"col\" aria-sort=\"descending\">time (UTC)</th><th scope=\"col\">log and line</th>"
	             "<th scope=\"col\">category</th><th scope=\"col\">rule or template</th>"
	             "<th scope=\"col\">what the line says</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < r->n_rows; i++)
		add_row(p, &r->row[i], place);
	text_adds(t, "</tbody></table>\n</section>\n");
	free(place);
}
