/* SPDX-License-Identifier: Apache-2.0 */
/* See report_evidence.h. */

#include "report_evidence.h"

#include <inttypes.h>
#include <string.h>

#include "report_words.h"

#define MAX_LINE 2000        /* bytes of the line that shows it */
#define MAX_CONTEXT 400      /* bytes of a line around it */

/* ---- the line and what is around it ---- */

static void add_line(struct text *t, uint64_t number, const char *text, size_t length, bool shown)
{
	if (number)
		text_addf(t, shown ? "<b class=\"l\"><i>%" PRIu64 "</i>" : "<span class=\"l\"><i>%" PRIu64 "</i>", number);
	else
		text_adds(t, shown ? "<b class=\"l\"><i></i>" : "<span class=\"l\"><i></i>");
	text_adds(t, "<code>");
	html_add_cut(t, text, length, shown ? MAX_LINE : MAX_CONTEXT);
	text_adds(t, shown ? "</code></b>\n" : "</code></span>\n");
}

static void add_lines(struct text *t, uint64_t number, const char *lines, size_t length)
{
	for (size_t at = 0; at < length; number++) {
		const char *newline = memchr(lines + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - lines) : length;
		add_line(t, number, lines + at, end - at, false);
		at = end + 1;
	}
}

static void add_fields(struct text *t, const struct report_log *log)
{
	if (log->n_fields == 0)
		return;
	text_adds(t, "<dl class=\"fields\">");
	for (size_t i = 0; i < log->n_fields; i++) {
		text_adds(t, "<div><dt>");
		html_add(t, log->fields[i].name);
		text_adds(t, "</dt><dd><code>");
		html_add_cut(t, log->fields[i].value, log->fields[i].length, MAX_CONTEXT);
		text_adds(t, "</code></dd></div>");
	}
	text_adds(t, "</dl>\n");
}

static void add_losers(struct text *t, const struct report_log *log)
{
	if (log->n_losers == 0)
		return;
	text_addf(t, "<details class=\"losers\"><summary>%zu other rule%s matched</summary><ul>\n", log->n_losers,
	          log->n_losers == 1 ? "" : "s");
	for (size_t i = 0; i < log->n_losers; i++) {
		text_adds(t, "<li><code>");
		html_add(t, log->losers[i].rule);
		text_addf(t, "</code>, line %" PRIu64 ": ", log->losers[i].line);
		html_add(t, log->losers[i].why_not);
		text_adds(t, "</li>\n");
	}
	text_adds(t, "</ul></details>\n");
}

void evidence_add(struct text *t, const struct report_log *log)
{
	text_adds(t, "<figure class=\"evidence\"><figcaption><span class=\"source\">");
	html_add(t, log->source);
	text_adds(t, "</span> ");
	html_add_log_time(t, &log->time);
	text_adds(t, "</figcaption>\n<pre class=\"log\">");
	if (log->line.number) {
		add_lines(t, log->line.number - text_count_lines(log->before, log->before_length), log->before, log->before_length);
		add_line(t, log->line.number, log->line.text, log->line.text_length, true);
		add_lines(t, log->line.number + 1, log->after, log->after_length);
	}
	text_adds(t, "</pre>\n");
	if (log->n_telling > 1) {
		text_adds(t, "<p class=\"label\">Other telling lines</p>\n<pre class=\"log\">");
		for (size_t i = 1; i < log->n_telling; i++)
			add_line(t, log->telling[i].number, log->telling[i].text, log->telling[i].text_length, false);
		text_adds(t, "</pre>\n");
	}
	add_fields(t, log);
	add_losers(t, log);
	text_adds(t, "</figure>\n");
}

/* ---- the runbook ---- */

static void add_prose(struct text *t, const char *label, const char *s)
{
	if (!*s)
		return;
	text_addf(t, "<dt>%s</dt><dd class=\"prose\">", label);
	html_add(t, s);
	text_adds(t, "</dd>\n");
}

void evidence_add_runbook(struct text *t, const struct report_log *log)
{
	if (!*log->cause && !*log->fix && !*log->prevent && !*log->url)
		return;
	text_adds(t, "<dl class=\"runbook\">\n");
	add_prose(t, "Cause", log->cause);
	if (*log->fix) {
		size_t length = strlen(log->fix);
		while (length && log->fix[length - 1] == '\n')
			length--;
		text_adds(t, "<dt>Fix</dt><dd><pre class=\"fix\"><code>");
		text_add_html(t, log->fix, length);
		text_adds(t, "</code></pre></dd>\n");
	}
	add_prose(t, "Prevent", log->prevent);
	/* The rule's own address is a link; one with captures filled in is the log's, and is none. */
	if (*log->url && log->url_is_rules && text_is_address(log->url)) {
		text_adds(t, "<dt>See</dt><dd><a rel=\"noopener noreferrer\" href=\"");
		html_add(t, log->url);
		text_adds(t, "\">");
		html_add(t, log->url);
		text_adds(t, "</a></dd>\n");
	} else {
		add_prose(t, "See", log->url);
	}
	text_adds(t, "</dl>\n");
}
