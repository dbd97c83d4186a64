/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See report_page.h: the parts of the page in their order. The first screen answers
 * how many failed, of what, since when, and who has to act; what follows is evidence.
 */

#include "report_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "report_chart.h"
#include "report_evidence.h"

#define TOP_CAUSES 3
#define MAX_SHARED 12        /* groups that are told */
#define MAX_SOURCES 12       /* named of a group */
#define MAX_DETAILS 300      /* causes that are shown with their examples */
#define MAX_PACKS 64         /* systems that are told apart */
#define MAX_CELL 160         /* bytes of a line in the table of failures */

static const char style[] =
#include "report.css.inc"
;

static const char script[] =
#include "report.js.inc"
;

struct page {
	struct report *report;
	const struct report_about *about;
	struct text *t;
	struct slots slots;
	size_t *order;               /* causes, the most common first */
	size_t rules, templates;     /* causes of either kind */
};

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

static void add_headline(struct page *p)
{
	const struct report *r = p->report;
	if (r->failed == 0) {
		text_adds(p->t, r->logs == 0 ? "There was no log" : r->logs == 1 ? "The log did not fail" : "None of ");
		if (r->logs > 1) {
			html_add_count(p->t, r->logs);
			text_adds(p->t, " logs failed");
		}
	} else if (r->logs == 1) {
		text_adds(p->t, "The log failed");
	} else {
		html_add_count(p->t, r->failed);
		text_adds(p->t, " of ");
		html_add_count(p->t, r->logs);
		text_adds(p->t, " logs failed");
	}
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
	add_headline(p);
	text_adds(t, "</title>\n<style>");
	text_adds(t, style);
	text_adds(t, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the causes</a>\n");
}

/* ---- notices ---- */

static void add_notices(struct page *p)
{
	const struct report *r = p->report;
	const struct report_about *a = p->about;
	struct text *t = p->t;
	struct text list = { 0 };
	if (a->window && (a->window->has_since || a->window->has_until)) {
		text_adds(&list, "<li>Only lines");
		if (a->window->has_since) {
			text_adds(&list, " from ");
			html_add_time(&list, a->window->since / 1000000000);
			text_adds(&list, " on");
		}
		if (a->window->has_until) {
			text_adds(&list, a->window->has_since ? " and before " : " before ");
			html_add_time(&list, a->window->until / 1000000000);
		}
		text_adds(&list, " were looked at, and logs without any such line are left out.</li>\n");
	}
	if (a->interrupted)
		text_adds(&list, "<li><b>The scan was interrupted.</b> What was found until then is all here; what would have "
		                 "come after it is not.</li>\n");
	if (a->unread)
		text_adds(&list, "<li><b>Not every input could be read in full.</b> Standard error said which.</li>\n");
	if (!*a->ruleset_hash)
		text_adds(&list, "<li><b>No rule could be loaded.</b></li>\n");
	if (a->quarantined) {
		text_adds(&list, "<li>");
		html_add_counted(&list, a->quarantined, "faulty rule was", "faulty rules were");
		text_adds(&list, " left out; what they look for is not found here.</li>\n");
	}
	for (size_t code = 0; code < sizeof(r->warned) / sizeof(r->warned[0]); code++) {
		if (r->warned[code] == 0 || code == CLSF_WARN_RULE_QUARANTINED)
			continue;
		text_adds(&list, "<li>");
		html_add_counted(&list, r->warned[code], "log carries", "logs carry");
		text_addf(&list, " the warning <code>%s</code>.</li>\n", clsf_warning_name((enum clsf_warning_code)code));
	}
	if (r->lost) {
		text_adds(&list, "<li>");
		html_add_counted(&list, r->lost, "failure is", "failures are");
		text_addf(&list, " counted and not told: there are more than %d causes.</li>\n", REPORT_CAUSES);
	}
	if (a->groups && a->groups->limited)
		text_adds(&list, "<li>There are more groups or captured values than are compared; those met first are.</li>\n");
	if (list.length) {
		text_adds(t, "<ul class=\"notices\">\n");
		text_add(t, list.data, list.length);
		text_adds(t, "</ul>\n");
	}
	t->failed = t->failed || list.failed;
	text_free(&list);
}

/* ---- causes, as words ---- */

/* "${name}" of a title that differs from log to log is a place, not a text. */
static void add_template(struct text *t, const char *title)
{
	for (const char *open; (open = strstr(title, "${")) && strchr(open, '}');) {
		const char *close = strchr(open, '}');
		text_add_html(t, title, (size_t)(open - title));
		text_adds(t, "<var>");
		text_add_html(t, open + 2, (size_t)(close - open - 2));
		text_adds(t, "</var>");
		title = close + 1;
	}
	html_add(t, title);
}

static void add_title(struct text *t, const struct report_cause *c)
{
	if (!*c->rule) {
		text_adds(t, "<code>");
		html_add_cut(t, c->title, strlen(c->title), 200);
		text_adds(t, "</code>");
	} else if (c->varied && *c->rule_title) {
		add_template(t, c->rule_title);
	} else {
		html_add(t, c->title);
	}
}

/* The place of its details: the number in the order. */
static void add_link(struct text *t, size_t place, const struct report_cause *c)
{
	if (place >= MAX_DETAILS) {
		add_title(t, c);
		return;
	}
	text_addf(t, "<a href=\"#c%zu\">", place + 1);
	add_title(t, c);
	text_adds(t, "</a>");
}

static const char *owner_words(const char *owner)
{
	return *owner ? owner : "not known";
}

static const char *retry_words(const char *retry)
{
	return strcmp(retry, "now") == 0     ? "retry now"
	       : strcmp(retry, "later") == 0 ? "retry later"
	       : strcmp(retry, "never") == 0 ? "a retry does not help"
	                                     : "";
}

static void add_owner(struct text *t, const char *owner)
{
	text_addf(t, "<span class=\"owner %s\">", strcmp(owner, "user") == 0       ? "user"
	                                          : strcmp(owner, "platform") == 0 ? "platform"
	                                          : strcmp(owner, "upstream") == 0 ? "upstream"
	                                                                           : "nobody");
	html_add(t, owner_words(owner));
	text_adds(t, "</span>");
}

static void add_seen(struct text *t, const struct report_cause *c)
{
	if (c->dated == 0) {
		text_adds(t, "<span class=\"none\">no date</span>");
		return;
	}
	if (c->dated > 1)
		text_adds(t, "since ");
	html_add_time(t, c->first);
	if (c->last != c->first) {
		text_adds(t, ", last ");
		html_add_time(t, c->last);
	}
}

/* ---- the first screen ---- */

static void add_summary(struct page *p)
{
	const struct report *r = p->report;
	struct text *t = p->t;
	text_adds(t, "<header>\n<p class=\"kicker\">classify scan</p>\n<h1>");
	add_headline(p);
	text_adds(t, "</h1>\n<p class=\"meta\">");
	if (r->dated) {
		html_add_time(t, r->first);
		text_adds(t, " to ");
		html_add_time(t, r->last);
		text_adds(t, " UTC");
	} else {
		text_adds(t, "No log tells its day");
	}
	text_adds(t, " \xc2\xb7 made ");
	html_add_time(t, p->about->made);
	text_adds(t, p->about->redacted ? " \xc2\xb7 secrets are hidden</p>\n" : " \xc2\xb7 <b>secrets are shown</b></p>\n");
	add_notices(p);
	text_adds(t, "</header>\n");
}

static void add_outcomes(struct page *p)
{
	const struct report *r = p->report;
	struct text *t = p->t;
	const struct { const char *name; size_t n; } outcomes[] = {
		{ "failed", r->failed }, { "passed", r->passed }, { "undetermined", r->undetermined },
	};
	text_adds(t, "<dl class=\"figures\">\n");
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		text_addf(t, "<div class=\"%s\"><dt>%s</dt><dd>", outcomes[i].name, outcomes[i].name);
		html_add_count(t, outcomes[i].n);
		if (r->logs)
			text_addf(t, " <small>%zu\xe2\x80\x89%%</small>", (outcomes[i].n * 100 + r->logs / 2) / r->logs);
		text_adds(t, "</dd></div>\n");
	}
	text_adds(t, "<div><dt>causes that rules know</dt><dd>");
	html_add_count(t, p->rules);
	text_adds(t, "</dd></div>\n<div><dt>templates that none knows</dt><dd>");
	html_add_count(t, p->templates);
	text_adds(t, "</dd></div>\n</dl>\n");
}

static void add_top(struct page *p)
{
	const struct report *r = p->report;
	struct text *t = p->t;
	text_adds(t, "<section class=\"top\" aria-labelledby=\"h-top\">\n<h2 id=\"h-top\">Most common causes</h2>\n<ol>\n");
	for (size_t i = 0; i < r->n_causes && i < TOP_CAUSES; i++) {
		const struct report_cause *c = &r->cause[p->order[i]];
		text_adds(t, "<li><p class=\"count\">");
		html_add_count(t, c->count);
		text_adds(t, "</p><div><p class=\"title\">");
		add_link(t, i, c);
		text_adds(t, "</p>\n");
		chart_share(t, c->count, r->failed);
		text_adds(t, "<p class=\"facts\"><code>");
		html_add(t, c->category);
		text_adds(t, "</code> \xc2\xb7 ");
		add_seen(t, c);
		text_adds(t, " \xc2\xb7 ");
		add_owner(t, c->owner);
		if (*retry_words(c->retry))
			text_addf(t, " \xc2\xb7 %s", retry_words(c->retry));
		text_adds(t, "</p></div></li>\n");
	}
	text_adds(t, "</ol>\n</section>\n");
}

static void add_owners(struct page *p)
{
	static const struct { const char *owner, *words; } owners[] = {
		{ "platform", "who runs the platform" },
		{ "user", "who owns the build" },
		{ "upstream", "somebody else: wait, or report it" },
		{ "", "no rule says" },
	};
	const struct report *r = p->report;
	struct text *t = p->t;
	text_adds(t, "<section class=\"act\" aria-labelledby=\"h-act\">\n<h2 id=\"h-act\">Who has to act</h2>\n"
	             "<table><thead class=\"sr\"><tr><th scope=\"col\">who</th><th scope=\"col\">failures</th></tr></thead>"
	             "<tbody>\n");
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		size_t n = *owners[i].owner ? 0 : r->lost;
		for (size_t k = 0; k < r->n_causes; k++)
			n += strcmp(r->cause[k].owner, owners[i].owner) == 0 ? r->cause[k].count : 0;
		if (n == 0)
			continue;
		text_adds(t, "<tr><th scope=\"row\">");
		add_owner(t, owners[i].owner);
		text_addf(t, "<small>%s</small>", owners[i].words);
		chart_share(t, n, r->failed);
		text_adds(t, "</th><td>");
		html_add_count(t, n);
		text_adds(t, "</td></tr>\n");
	}
	text_adds(t, "</tbody></table>\n</section>\n");
}

/* ---- over time ---- */

struct category {
	const char *name;
	size_t count;
};

static int by_category(const void *va, const void *vb)
{
	const struct category *a = va, *b = vb;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* The categories that failed, the most common first. */
static size_t count_categories(const struct page *p, struct category categories[64])
{
	const char *const *names = clsf_categories();
	size_t n = 0;
	for (size_t i = 0; i < 64 && names[i]; i++) {
		struct category c = { names[i], 0 };
		for (size_t k = 0; k < p->report->n_causes; k++)
			c.count += strcmp(p->report->cause[k].category, names[i]) == 0 ? p->report->cause[k].count : 0;
		if (c.count)
			categories[n++] = c;
	}
	qsort(categories, n, sizeof(categories[0]), by_category);
	return n;
}

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

static void add_over_time(struct page *p)
{
	static struct chart_series series[CHART_SERIES];
	struct category categories[64];
	const struct report *r = p->report;
	struct text *t = p->t;
	size_t n = count_categories(p, categories), n_series = n < CHART_SERIES ? n : CHART_SERIES;
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
		add_link(t, place, &p->report->cause[p->order[place]]);
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

static void add_shared(struct page *p)
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

static void add_systems(struct page *p)
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
		add_link(t, packs[i].top, &r->cause[p->order[packs[i].top]]);
		text_adds(t, "</td></tr>\n");
	}
	text_adds(t, "</tbody></table>\n</section>\n");
}

static void add_rules(struct page *p)
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
		add_link(t, i, c);
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
		add_owner(t, c->owner);
		text_adds(t, "</td><td>");
		html_add(t, c->retry);
		text_adds(t, "</td></tr>\n");
	}
	text_adds(t, "</tbody></table>\n</section>\n");
}

/* ---- each cause with its evidence ---- */

static int by_example(const void *va, const void *vb)
{
	const struct report_example *a = va, *b = vb;
	bool a_dated = a->time.clock != REPORT_CLOCK_NONE, b_dated = b->time.clock != REPORT_CLOCK_NONE;
	if (a_dated != b_dated)
		return a_dated ? -1 : 1;
	if (a_dated && a->time.seconds != b->time.seconds)
		return a->time.seconds > b->time.seconds ? -1 : 1;
	return a->number > b->number ? -1 : 1;
}

static void add_details(struct page *p, size_t place)
{
	struct report_cause *c = &p->report->cause[p->order[place]];
	struct text *t = p->t;
	qsort(c->example, c->n_examples, sizeof(c->example[0]), by_example);
	text_addf(t, "<details class=\"cause\"%s><summary><h3><span class=\"count\">", place < TOP_CAUSES && *c->rule ? " open" : "");
	html_add_count(t, c->count);
	text_adds(t, "</span> <span>");
	add_title(t, c);
	text_addf(t, "</span></h3></summary>\n<div id=\"c%zu\" class=\"body\">\n<p class=\"facts\"><code>", place + 1);
	html_add(t, *c->rule ? c->rule : c->fingerprint);
	text_adds(t, "</code> \xc2\xb7 <code>");
	html_add(t, c->category);
	text_adds(t, "</code> \xc2\xb7 ");
	add_seen(t, c);
	if (*c->rule) {
		text_adds(t, " \xc2\xb7 ");
		html_add(t, c->severity);
		text_adds(t, " \xc2\xb7 ");
		add_owner(t, c->owner);
		text_addf(t, " \xc2\xb7 %s", retry_words(c->retry));
	}
	text_adds(t, "</p>\n");
	if (c->example[0].runbook.length)
		text_add(t, c->example[0].runbook.data, c->example[0].runbook.length);
	if (!*c->rule) {
		text_adds(t, "<p class=\"note\">Once it is known why, <code>classify rules new --from-group ");
		html_add(t, c->fingerprint);
		text_adds(t, "</code> with the logs begins a rule.</p>\n");
	}
	if (c->n_examples < c->count) {
		text_addf(t, "<p class=\"label\">Showing %zu of ", c->n_examples);
		html_add_count(t, c->count);
		text_adds(t, " logs: the newest and the first</p>\n");
	}
	for (size_t i = 0; i < c->n_examples; i++)
		text_add(t, c->example[i].evidence.data, c->example[i].evidence.length);
	text_adds(t, "</div></details>\n");
}

static void add_all_details(struct page *p, bool novel)
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
	for (size_t i = 0; i < p->report->n_causes && i < MAX_DETAILS; i++) {
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

/* ---- every failure ---- */

static int by_row(const void *va, const void *vb)
{
	const struct report_row *a = va, *b = vb;
	bool a_dated = a->time.clock != REPORT_CLOCK_NONE, b_dated = b->time.clock != REPORT_CLOCK_NONE;
	if (a_dated != b_dated)
		return a_dated ? -1 : 1;
	if (a_dated && a->time.seconds != b->time.seconds)
		return a->time.seconds > b->time.seconds ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

static void add_filter(struct page *p)
{
	struct category categories[64];
	struct text *t = p->t;
	size_t n = count_categories(p, categories);
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
	if (place[row->cause] < MAX_DETAILS)
		text_addf(t, "<a href=\"#c%zu\">", place[row->cause] + 1);
	html_add(t, *c->rule ? c->rule : c->fingerprint);
	if (place[row->cause] < MAX_DETAILS)
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

static void add_failures(struct page *p)
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
	             "where it tells no year or no day, the nearest to the rest of its log, or to the last change of its "
	             "file, is meant. All of this is in this one file, which loads nothing from elsewhere.</p></footer>\n");
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
	add_summary(&p);
	text_adds(t, "<main id=\"main\">\n");
	if (r->logs)
		add_outcomes(&p);
	if (r->failed) {
		text_adds(t, "<div class=\"first\">\n");
		add_top(&p);
		add_owners(&p);
		text_adds(t, "</div>\n");
		add_over_time(&p);
		add_shared(&p);
		add_systems(&p);
		add_rules(&p);
		add_all_details(&p, false);
		add_all_details(&p, true);
		add_failures(&p);
	}
	text_adds(t, "</main>\n");
	add_foot(&p);
	text_adds(t, "<script>");
	text_adds(t, script);
	text_adds(t, "</script>\n</body>\n</html>\n");
	slots_free(&p.slots);
	free(p.order);
}
