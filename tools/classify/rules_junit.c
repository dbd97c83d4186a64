/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rules test` as JUnit XML, as CI servers read it: a suite for each rule file,
 * a case for each example, and a suite for the bank of passing logs. A warning
 * is no failure here either: it stands in the output of the suite.
 */

#include "rules_report.h"

#include <string.h>

static void add_attribute(struct text *t, const char *name, const char *value, size_t length)
{
	text_addf(t, " %s=\"", name);
	text_add_xml(t, value, length);
	text_adds(t, "\"");
}

/* The first problem is the message, all of them are the text, and below stands what was tried. */
static void add_failure(struct text *t, const struct text *problems, const char *tried, size_t length)
{
	const char *line;
	size_t n, at = 0;
	if (!text_line(problems, &at, &line, &n))
		return;
	text_adds(t, "      <failure type=\"failed\"");
	add_attribute(t, "message", line, n);
	text_adds(t, ">");
	text_add_xml(t, problems->data, problems->length);
	text_add_xml(t, tried, length);
	text_adds(t, "</failure>\n");
}

/* A name that people can read and that stays the same: the kind, its number, the start of the line. */
static void add_case(struct text *t, const struct test_case *c)
{
	struct text name = { 0 };
	const char *newline = memchr(c->example->text, '\n', c->example->length);
	size_t length = newline ? (size_t)(newline - c->example->text) : c->example->length;
	text_addf(&name, "%s %zu: ", c->example->must_match ? "match" : "reject", c->number);
	for (size_t i = 0; i < length && name.length < 100;) {
		uint32_t character;
		i += utf8_next(c->example->text + i, length - i, &character);
		text_add_character(&name, character);
	}
	text_adds(t, "    <testcase");
	add_attribute(t, "classname", c->rule->id, strlen(c->rule->id));
	add_attribute(t, "name", name.data, name.length);
	add_attribute(t, "file", c->rule->file, strlen(c->rule->file));
	text_addf(t, " line=\"%u\" time=\"0\"", c->example->line);
	text_free(&name);
	if (!c->failed) {
		text_adds(t, "/>\n");
		return;
	}
	text_adds(t, ">\n");
	add_failure(t, &c->problems, c->example->text, c->example->length);
	text_adds(t, "    </testcase>\n");
}

static void begin_suite(struct text *t, const char *name, size_t cases, size_t failures)
{
	text_adds(t, "  <testsuite");
	add_attribute(t, "name", name, strlen(name));
	text_addf(t, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\" time=\"0\">\n", cases, failures);
}

/* The findings on the rules of a file. */
static void end_suite(struct text *t, const struct report *r, const char *file)
{
	struct text said = { 0 };
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = &r->findings[i];
		if (f->level >= FINDING_WARNING && file && strcmp(f->rule->file, file) == 0)
			text_addf(&said, "%s:%u: %s [%s]\n", file, f->rule->line, f->message, f->rule->id);
	}
	if (said.length) {
		text_adds(t, "    <system-out>");
		text_add_xml(t, said.data, said.length);
		text_adds(t, "</system-out>\n");
	}
	text_free(&said);
	text_adds(t, "  </testsuite>\n");
}

/* The cases from `first` on that are of one file: they stand together. */
static size_t add_file(struct text *t, const struct report *r, size_t first)
{
	const char *file = r->cases[first].rule->file;
	size_t end = first, failures = 0;
	for (; end < r->n_cases && strcmp(r->cases[end].rule->file, file) == 0; end++)
		failures += r->cases[end].failed > 0;
	begin_suite(t, file, end - first, failures);
	for (size_t i = first; i < end; i++)
		add_case(t, &r->cases[i]);
	end_suite(t, r, file);
	return end;
}

static void add_logs(struct text *t, const struct report *r)
{
	begin_suite(t, "passing logs", r->n_logs, report_failed_logs(r));
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct test_log *log = &r->logs[i];
		text_adds(t, "    <testcase classname=\"passing\"");
		add_attribute(t, "name", log->path, strlen(log->path));
		text_adds(t, log->passed ? " time=\"0\"/>\n" : " time=\"0\">\n");
		if (log->passed)
			continue;
		add_failure(t, &log->problems, "", 0);
		text_adds(t, "    </testcase>\n");
	}
	end_suite(t, r, NULL);
}

void report_junit(const struct report *r, struct text *t)
{
	size_t failures = report_failed_logs(r);
	for (size_t i = 0; i < r->n_cases; i++)
		failures += r->cases[i].failed > 0;
	text_addf(t,
	          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	          "<testsuites name=\"classify rules test\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n",
	          r->n_cases + r->n_logs, failures);
	for (size_t i = 0; i < r->n_cases;)
		i = add_file(t, r, i);
	if (r->n_logs)
		add_logs(t, r);
	text_adds(t, "</testsuites>\n");
}
