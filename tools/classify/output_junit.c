/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit XML, as CI servers read it: a case a log. One that failed is a failure of
 * the type of its category; one that says neither is skipped, for nothing was shown
 * to work. docs/formats.md is the contract.
 */

#include <inttypes.h>
#include <string.h>

#include "output_formats.h"

static void value(struct text *t, const char *s)
{
	text_add_xml(t, s, strlen(s));
}

static void attribute(struct text *t, const char *name, const char *s)
{
	text_addf(t, " %s=\"", name);
	value(t, s);
	text_adds(t, "\"");
}

static void row(struct text *t, const char *label, const char *s)
{
	size_t length = strlen(s);
	while (length && s[length - 1] == '\n')
		length--;
	if (length == 0)
		return;
	text_addf(t, "%s: ", label);
	text_add_xml(t, s, length);
	text_adds(t, "\n");
}

/* Lines around the one that shows it, which end in \n themselves. */
static void context(struct text *t, const char *lines, size_t length)
{
	for (size_t at = 0; at < length;) {
		const char *newline = memchr(lines + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - lines) : length;
		text_adds(t, "  ");
		text_add_xml(t, lines + at, end - at);
		text_adds(t, "\n");
		at = end + 1;
	}
}

static void line(struct text *t, const struct clsf_line *l)
{
	text_addf(t, "line %" PRIu64 ": ", l->number);
	text_add_xml(t, l->text, l->text_length);
	text_adds(t, "\n");
}

static void failure(struct text *t, const struct clsf_verdict *v)
{
	text_adds(t, "      <failure");
	attribute(t, "type", v->category);
	attribute(t, "message", v->title);
	text_adds(t, ">");
	context(t, v->before, v->before_length);
	if (v->line.number)
		line(t, &v->line);
	context(t, v->after, v->after_length);
	for (size_t i = 1; i < v->n_telling; i++)
		line(t, &v->telling[i]);
	if (v->rule) {
		row(t, "rule", v->rule->id);
		row(t, "severity", clsf_severity_name(v->rule->severity));
		row(t, "who has to act", v->rule->owner);
		row(t, "retry", v->rule->retry);
	}
	row(t, "template", v->fingerprint);
	row(t, "cause", v->cause);
	row(t, "fix", v->fix);
	row(t, "prevent", v->prevent);
	row(t, "see", v->url);
	text_adds(t, "</failure>\n");
}

static void warnings(struct text *t, const struct clsf_verdict *v)
{
	if (v->n_warnings == 0)
		return;
	text_adds(t, "      <system-err>");
	for (size_t i = 0; i < v->n_warnings; i++)
		row(t, clsf_warning_name(v->warnings[i].code), v->warnings[i].message);
	text_adds(t, "</system-err>\n");
}

void format_junit_log(struct text *t, const char *source, const struct clsf_verdict *v)
{
	text_adds(t, "    <testcase classname=\"classify.scan\"");
	attribute(t, "name", source);
	text_adds(t, " time=\"0\"");
	if (v->outcome == CLSF_PASSED && v->n_warnings == 0) {
		text_adds(t, "/>\n");
		return;
	}
	text_adds(t, ">\n");
	if (v->outcome == CLSF_FAILED)
		failure(t, v);
	else if (v->outcome == CLSF_UNDETERMINED)
		text_adds(t, "      <skipped message=\"the log tells neither success nor failure\"/>\n");
	warnings(t, v);
	text_adds(t, "    </testcase>\n");
}

void format_junit_begin_suite(struct text *t, const struct output_totals *totals)
{
	text_addf(t,
	          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	          "<testsuites name=\"classify scan\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n"
	          "  <testsuite name=\"classify scan\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" "
	          "time=\"0\">\n",
	          totals->logs, totals->failed, totals->logs, totals->failed, totals->undetermined);
}

void format_junit_end(struct text *t, const struct output_run *run)
{
	if (!run->complete)
		text_adds(t, "    <system-err>The scan is not complete: an input could not be read in full, "
		             "or an interrupt came.</system-err>\n");
	text_adds(t, "  </testsuite>\n</testsuites>\n");
}
