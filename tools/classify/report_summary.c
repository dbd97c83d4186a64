/* SPDX-License-Identifier: Apache-2.0 */
/* See report_parts.h: how many failed, of what, since when, and who has to act; and what is not all there. */

#include "report_parts.h"

#include <string.h>

#include "report_chart.h"

void page_add_headline(struct page *p)
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
		text_adds(&list, " counted and not told: there are more than ");
		html_add_count(&list, REPORT_CAUSES);
		text_adds(&list, " causes.</li>\n");
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

/* ---- the first screen ---- */

void page_add_summary(struct page *p)
{
	const struct report *r = p->report;
	struct text *t = p->t;
	text_adds(t, "<header>\n<p class=\"kicker\">classify scan</p>\n<h1>");
	page_add_headline(p);
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

void page_add_outcomes(struct page *p)
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
	for (size_t i = 0; i < r->n_causes && i < PAGE_TOP; i++) {
		const struct report_cause *c = &r->cause[p->order[i]];
		text_adds(t, "<li><p class=\"count\">");
		html_add_count(t, c->count);
		text_adds(t, "</p><div><p class=\"title\">");
		page_add_link(p, i);
		text_adds(t, "</p>\n");
		chart_share(t, c->count, r->failed);
		text_adds(t, "<p class=\"facts\"><code>");
		html_add(t, c->category);
		text_adds(t, "</code> \xc2\xb7 ");
		html_add_seen(t, c);
		text_adds(t, " \xc2\xb7 ");
		html_add_owner(t, c->owner);
		if (*html_retry_words(c->retry))
			text_addf(t, " \xc2\xb7 %s", html_retry_words(c->retry));
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
		html_add_owner(t, owners[i].owner);
		text_addf(t, "<small>%s</small>", owners[i].words);
		chart_share(t, n, r->failed);
		text_adds(t, "</th><td>");
		html_add_count(t, n);
		text_adds(t, "</td></tr>\n");
	}
	text_adds(t, "</tbody></table>\n</section>\n");
}

void page_add_first(struct page *p)
{
	text_adds(p->t, "<div class=\"first\">\n");
	add_top(p);
	add_owners(p);
	text_adds(p->t, "</div>\n");
}
