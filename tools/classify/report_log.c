/* SPDX-License-Identifier: Apache-2.0 */
/* See report.h: a verdict as a log of the report, and the time of a log. */

#include "report.h"

#include <string.h>
#include <sys/stat.h>

#define SECOND INT64_C(1000000000)
#define DAY (86400 * SECOND)

void report_log_fill(struct report_log *log, const char *source, const struct clsf_verdict *v)
{
	const struct clsf_rule *rule = v->rule;
	*log = (struct report_log){
		.source = source,
		.outcome = v->outcome,
		.category = v->category,
		.rule = rule ? rule->id : "",
		.rule_title = rule ? rule->title : "",
		.pack = rule ? rule->pack : "",
		.owner = rule ? rule->owner : "",
		.retry = rule ? rule->retry : "",
		.severity = rule ? clsf_severity_name(rule->severity) : "",
		.title = v->title,
		.cause = v->cause,
		.fix = v->fix,
		.prevent = v->prevent,
		.url = v->url,
		.url_is_rules = rule && strcmp(v->url, rule->url) == 0,
		.line = v->line,
		.before = v->before,
		.before_length = v->before_length,
		.after = v->after,
		.after_length = v->after_length,
		.fields = v->fields,
		.n_fields = v->n_fields,
		.fingerprint = v->fingerprint,
		.telling = v->telling,
		.n_telling = v->n_telling,
	};
	for (size_t i = 0; i < v->n_warnings; i++)
		log->warnings |= 1u << v->warnings[i].code;
	for (size_t i = 0; i < v->n_also && i < REPORT_LOSERS; i++)
		log->losers[log->n_losers++] = (struct report_loser){ v->also[i].rule->id, v->also[i].line.number,
			                                              v->also[i].why_not };
}

/* When the file was last changed; 0: not known. */
static int64_t changed(const char *source)
{
	struct stat st;
	if (strcmp(source, "-") == 0 || stat(source, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	return st.st_mtime * SECOND;
}

/* The day that a time means which does not tell all of it. */
static bool complete(struct clsf_time *t, const struct span *span, int64_t mtime)
{
	struct clsf_time around = { mtime, mtime ? CLSF_CLOCK_FULL : CLSF_CLOCK_NONE };
	int64_t ns;
	/* A line is older than the last change of its file, or a little younger where clocks differ. */
	if (t->clock == CLSF_CLOCK_YEARLESS)
		around.nanoseconds -= 182 * DAY;
	else if (t->clock == CLSF_CLOCK_DAY)
		around.nanoseconds -= DAY * 11 / 24;
	if (span->last.clock == CLSF_CLOCK_FULL)
		around = span->last;
	else if (span->first.clock == CLSF_CLOCK_FULL)
		around = span->first;
	if (t->clock == CLSF_CLOCK_FULL)
		return true;
	if (around.clock == CLSF_CLOCK_NONE || t->clock == CLSF_CLOCK_NONE || !clsf_time_between(&around, t, &ns))
		return false;
	*t = (struct clsf_time){ around.nanoseconds + ns, CLSF_CLOCK_FULL };
	return true;
}

struct report_time report_time_of(const struct clsf_verdict *v, const struct span *span, const char *source,
                                  int64_t mtime)
{
	struct clsf_time t;
	if (mtime == 0)
		mtime = changed(source);
	if (v->outcome == CLSF_FAILED && span_of_failure(v, &t) && complete(&t, span, mtime))
		return (struct report_time){ REPORT_CLOCK_LOG, t.nanoseconds / SECOND };
	t = span->last;
	if (complete(&t, span, mtime))
		return (struct report_time){ REPORT_CLOCK_LOG, t.nanoseconds / SECOND };
	return (struct report_time){ mtime ? REPORT_CLOCK_FILE : REPORT_CLOCK_NONE, mtime / SECOND };
}
