/* SPDX-License-Identifier: Apache-2.0 */
/* See report_words.h. */

#include "report_words.h"

#include <string.h>
#include <time.h>

void html_add(struct text *t, const char *s)
{
	text_add_html(t, s, strlen(s));
}

void html_add_cut(struct text *t, const char *data, size_t length, size_t most)
{
	size_t n = text_cut(data, length, most);
	text_add_html(t, data, n);
	if (n < length)
		text_adds(t, "\xe2\x80\xa6");
}

void html_add_count(struct text *t, size_t n)
{
	if (n >= 1000) {
		html_add_count(t, n / 1000);
		text_addf(t, ",%03zu", n % 1000);
	} else {
		text_add_number(t, n);
	}
}

void html_add_counted(struct text *t, size_t n, const char *one, const char *many)
{
	html_add_count(t, n);
	text_addf(t, " %s", n == 1 ? one : many);
}

void html_add_time(struct text *t, int64_t seconds)
{
	time_t moment = (time_t)seconds;
	struct tm tm;
	char machine[40] = "", people[40] = "";
	if (gmtime_r(&moment, &tm)) {
		strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%SZ", &tm);
		strftime(people, sizeof(people), "%Y-%m-%d %H:%M", &tm);
	}
	text_addf(t, "<time datetime=\"%s\">%s</time>", machine, people);
}

void html_add_log_time(struct text *t, const struct report_time *time)
{
	if (time->clock == REPORT_CLOCK_NONE)
		text_adds(t, "<span class=\"none\">no date</span>");
	else
		html_add_time(t, time->seconds);
}

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

void html_add_title(struct text *t, const struct report_cause *c)
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

static const char *owner_words(const char *owner)
{
	return *owner ? owner : "not known";
}

const char *html_retry_words(const char *retry)
{
	return strcmp(retry, "now") == 0     ? "retry now"
	       : strcmp(retry, "later") == 0 ? "retry later"
	       : strcmp(retry, "never") == 0 ? "a retry does not help"
	                                     : "";
}

void html_add_owner(struct text *t, const char *owner)
{
	text_addf(t, "<span class=\"owner %s\">", strcmp(owner, "user") == 0       ? "user"
	                                          : strcmp(owner, "platform") == 0 ? "platform"
	                                          : strcmp(owner, "upstream") == 0 ? "upstream"
	                                                                           : "nobody");
	html_add(t, owner_words(owner));
	text_adds(t, "</span>");
}

void html_add_seen(struct text *t, const struct report_cause *c)
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
