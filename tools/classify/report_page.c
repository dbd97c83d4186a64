/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See report_page.h: what stands around the parts of the page, and their order. The
 * first screen answers the questions; what follows is evidence.
 */

#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

static const char style[] =
#include "report.css.inc"
;

static const char script[] =
#include "report.js.inc"
;

/* ---- what the parts share ---- */

void page_add_link(struct page *p, size_t place)
{
	const struct report_cause *c = &p->report->cause[p->order[place]];
	if (place < PAGE_DETAILS)
		text_addf(p->t, "<a href=\"#c%zu\">", place + 1);
	html_add_title(p->t, c);
	if (place < PAGE_DETAILS)
		text_adds(p->t, "</a>");
}

static int by_category(const void *va, const void *vb)
{
	const struct category *a = va, *b = vb;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

size_t page_categories(const struct page *p, struct category categories[PAGE_CATEGORIES])
{
	const char *const *names = clsf_categories();
	size_t n = 0;
	for (size_t i = 0; i < PAGE_CATEGORIES && names[i]; i++) {
		struct category c = { names[i], 0 };
		for (size_t k = 0; k < p->report->n_causes; k++)
			c.count += strcmp(p->report->cause[k].category, names[i]) == 0 ? p->report->cause[k].count : 0;
		if (c.count)
			categories[n++] = c;
	}
	qsort(categories, n, sizeof(categories[0]), by_category);
	return n;
}

/* ---- the head ---- */

static void add_hash(struct text *t, const char *content)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t hash[HASH_SIZE + 1] = { 0 };
	hash_text(content, strlen(content), hash);
	text_adds(t, "'sha256-");
	for (size_t i = 0; i < HASH_SIZE; i += 3) {
		uint32_t bits = (uint32_t)hash[i] << 16 | (uint32_t)hash[i + 1] << 8 | (i + 2 < HASH_SIZE ? hash[i + 2] : 0u);
		for (int shift = 18; shift >= 0; shift -= 6)
			if (shift || i + 2 < HASH_SIZE)
				text_add(t, &digits[bits >> shift & 63], 1);
	}
	text_adds(t, "='");
}

static void add_head(struct page *p)
{
	struct text *t = p->t;
	text_adds(t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
	add_hash(t, style);
	text_adds(t, "; script-src ");
	add_hash(t, script);
	text_adds(t, "; base-uri 'none'; form-action 'none'\">\n"
	             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	             "<meta name=\"color-scheme\" content=\"light dark\">\n"
	             "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
	page_add_headline(p);
	text_adds(t, "</title>\n<style>");
	text_adds(t, style);
	text_adds(t, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the causes</a>\n");
}

/* ---- the whole ---- */

static void add_foot(struct page *p)
{
	const struct report_about *a = p->about;
	struct text *t = p->t;
	text_adds(t, "<footer><p>classify ");
	html_add(t, clsf_version());
	if (*a->ruleset_hash) {
		text_adds(t, " with ");
		html_add_counted(t, a->rules, "rule", "rules");
		text_adds(t, ", ruleset <code>");
		html_add(t, a->ruleset_hash);
		text_adds(t, "</code>");
	}
	text_adds(t, ".</p><p>Times are those that the lines tell, in UTC; where a line tells no zone, it is taken for UTC, and "
	             "where it tells no year or no day, the nearest to the rest of its log, or the last before its file "
	             "was changed, is meant. All of this is in this one file, which loads nothing from elsewhere.</p></footer>\n");
}

/* For qsort(), which takes no context. */
static const struct report *sorted;

static int severity_of(const struct report_cause *c)
{
	static const char *const severities[] = { "critical", "high", "medium", "low", "info" };
	int i = 0;
	while (i < 5 && strcmp(c->severity, severities[i]) != 0)
		i++;
	return i;
}

/* Of those that are equally common, the most severe, and what a rule knows before what none does. */
static int by_count(const void *va, const void *vb)
{
	size_t a = *(const size_t *)va, b = *(const size_t *)vb;
	const struct report_cause *ca = &sorted->cause[a], *cb = &sorted->cause[b];
	if (ca->count != cb->count)
		return ca->count > cb->count ? -1 : 1;
	int severity = severity_of(ca) - severity_of(cb);
	return severity ? severity : a < b ? -1 : 1;
}

static bool prepare(struct page *p)
{
	struct report *r = p->report;
	p->order = malloc((r->n_causes + 1) * sizeof(*p->order));
	if (!p->order || !slots_make(&p->slots, &r->buckets, r->n_causes))
		return false;
	for (size_t i = 0; i < r->n_causes; i++) {
		p->order[i] = i;
		p->rules += *r->cause[i].rule != '\0';
		p->templates += *r->cause[i].rule == '\0';
	}
	sorted = r;
	qsort(p->order, r->n_causes, sizeof(*p->order), by_count);
	return true;
}

void report_page(struct report *r, const struct report_about *about, struct text *t)
{
	struct page p = { .report = r, .about = about, .t = t };
	if (r->failed_memory || !prepare(&p)) {
		t->failed = true;
		free(p.order);
		return;
	}
	add_head(&p);
	page_add_summary(&p);
	text_adds(t, "<main id=\"main\">\n");
	if (r->logs)
		page_add_outcomes(&p);
	if (r->failed) {
		page_add_first(&p);
		page_add_over_time(&p);
		page_add_shared(&p);
		page_add_systems(&p);
		page_add_rules(&p);
		page_add_causes(&p, false);
		page_add_causes(&p, true);
		page_add_failures(&p);
	}
	text_adds(t, "</main>\n");
	add_foot(&p);
	text_adds(t, "<script>");
	text_adds(t, script);
	text_adds(t, "</script>\n</body>\n</html>\n");
	slots_free(&p.slots);
	free(p.order);
}
