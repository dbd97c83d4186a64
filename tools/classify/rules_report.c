/* SPDX-License-Identifier: Apache-2.0 */
/* See rules_report.h. Collects, and writes text and jsonl; rules_junit.c writes XML. */

#include "rules_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 10   /* findings of a level that the text format lists without being asked */

/* ---- collecting ---- */

/* Room for one more item behind the n there are; grown at the powers of two. NULL: memory is out. */
static void *grow(struct report *r, void *items, size_t n, size_t size)
{
	if (n & (n - 1))
		return items;
	void *grown = realloc(items, (n ? n * 2 : 1) * size);
	r->failed = r->failed || !grown;
	return grown;
}

struct test_case *report_case(struct report *r)
{
	struct test_case *grown = grow(r, r->cases, r->n_cases, sizeof(*grown));
	if (!grown)
		return NULL;
	r->cases = grown;
	grown[r->n_cases] = (struct test_case){ 0 };
	return &grown[r->n_cases++];
}

struct test_log *report_log(struct report *r, const char *path)
{
	struct test_log *grown = grow(r, r->logs, r->n_logs, sizeof(*grown));
	if (!grown)
		return NULL;
	r->logs = grown;
	grown[r->n_logs] = (struct test_log){ .path = strdup(path), .passed = true };
	if (!grown[r->n_logs].path) {
		r->failed = true;
		return NULL;
	}
	return &grown[r->n_logs++];
}

void report_finding(struct report *r, enum finding_level level, const char *kind,
                    const struct clsf_rule *rule, const struct clsf_rule *other, const char *format, ...)
{
	char *message = NULL;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&message, format, arguments);
	va_end(arguments);
	struct finding *grown = length < 0 ? NULL : grow(r, r->findings, r->n_findings, sizeof(*grown));
	if (!grown) {
		if (length >= 0)
			free(message);
		r->failed = true;
		return;
	}
	r->findings = grown;
	grown[r->n_findings++] = (struct finding){
		.level = level, .kind = kind, .rule = rule, .other = other, .message = message,
	};
}

size_t report_count(const struct report *r, const char *kind, enum finding_level level)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_findings; i++)
		n += r->findings[i].level >= level && (!kind || strcmp(r->findings[i].kind, kind) == 0);
	return n;
}

static size_t engines_passed(const struct report *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_cases; i++)
		n += r->cases[i].passed;
	return n;
}

static size_t engines_failed(const struct report *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_cases; i++)
		n += r->cases[i].failed;
	return n;
}

size_t report_failed_logs(const struct report *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_logs; i++)
		n += !r->logs[i].passed;
	return n;
}

bool report_bad(const struct report *r)
{
	return engines_failed(r) > 0 || report_failed_logs(r) > 0;
}

void report_done(struct report *r)
{
	for (size_t i = 0; i < r->n_cases; i++)
		text_free(&r->cases[i].problems);
	for (size_t i = 0; i < r->n_logs; i++) {
		free(r->logs[i].path);
		text_free(&r->logs[i].problems);
	}
	for (size_t i = 0; i < r->n_findings; i++)
		free(r->findings[i].message);
	free(r->cases);
	free(r->logs);
	free(r->findings);
	text_free(&r->summary);
	*r = (struct report){ 0 };
}

/* ---- text ---- */

static void add_case(const struct test_case *c, struct text *t)
{
	const char *line;
	size_t length;
	for (size_t at = 0; text_line(&c->problems, &at, &line, &length);) {
		text_add_visible(t, c->rule->file, strlen(c->rule->file));
		text_addf(t, ":%u: %s: ", c->example->line, c->rule->id);
		text_add_visible(t, line, length);
		text_adds(t, "\n");
		const struct text example = { .data = (char *)(uintptr_t)c->example->text, .length = c->example->length };
		for (size_t k = 0; text_line(&example, &k, &line, &length);) {
			text_adds(t, "    ");
			text_add_visible(t, line, length);
			text_adds(t, "\n");
		}
	}
}

static const char *const level_names[] = { "note", "warning", "error" };

static void add_finding(const struct finding *f, struct text *t)
{
	text_add_visible(t, f->rule->file, strlen(f->rule->file));
	text_addf(t, ":%u: %s: ", f->rule->line, level_names[f->level]);
	text_add_visible(t, f->message, strlen(f->message));
	text_addf(t, " [%s]\n", f->rule->id);
}

void report_text(const struct report *r, bool verbose, struct text *t)
{
	for (size_t i = 0; i < r->n_cases; i++)
		add_case(&r->cases[i], t);
	for (int level = FINDING_ERROR; level >= (verbose ? FINDING_NOTE : FINDING_WARNING); level--) {
		size_t shown = 0;
		for (size_t i = 0; i < r->n_findings; i++)
			if ((int)r->findings[i].level == level && (verbose || shown++ < SHOWN))
				add_finding(&r->findings[i], t);
		if (shown > SHOWN)
			text_addf(t, "and %zu more %ss; -v shows them\n", shown - SHOWN, level_names[level]);
	}
	text_addf(t, "%zu rules, %zu examples passed, %zu failed\n", r->rules, engines_passed(r),
	          engines_failed(r));
	if (r->n_logs)
		text_addf(t, "%zu passing logs, %zu called failed\n", r->n_logs, report_failed_logs(r));
	text_add(t, r->summary.data, r->summary.length);
	size_t shadowed = report_count(r, "shadowed", FINDING_WARNING);
	if (shadowed)
		text_addf(t, "%zu rule%s shadowed by others\n", shadowed, shadowed == 1 ? "" : "s");
	size_t notes = report_count(r, NULL, FINDING_NOTE) - report_count(r, NULL, FINDING_WARNING);
	if (notes && !verbose)
		text_addf(t, "%zu note%s; -v shows them\n", notes,
		          notes == 1 ? "" : "s");
}

/* ---- jsonl ---- */

static void add_string(struct text *t, const char *key, const char *value)
{
	text_addf(t, ",\"%s\":", key);
	if (value)
		text_add_json(t, value, strlen(value));
	else
		text_adds(t, "null");
}

static void add_problems(struct text *t, const struct text *problems)
{
	const char *line;
	size_t length;
	text_adds(t, ",\"problems\":[");
	for (size_t at = 0; text_line(problems, &at, &line, &length);) {
		text_adds(t, t->data[t->length - 1] == '[' ? "" : ",");
		text_add_json(t, line, length);
	}
	text_adds(t, "]}\n");
}

static void add_rule(struct text *t, const struct clsf_rule *rule, uint32_t line)
{
	add_string(t, "rule", rule->id);
	add_string(t, "pack", rule->pack);
	add_string(t, "file", rule->file);
	text_addf(t, ",\"line\":%u", line);
}

void report_jsonl(const struct report *r, struct text *t)
{
	for (size_t i = 0; i < r->n_cases; i++) {
		const struct test_case *c = &r->cases[i];
		text_adds(t, "{\"schema\":1,\"kind\":\"example\"");
		add_rule(t, c->rule, c->example->line);
		text_adds(t, ",\"text\":");
		text_add_json(t, c->example->text, c->example->length);
		text_addf(t, ",\"must\":\"%s\",\"passed\":%s", c->example->must_match ? "match" : "reject",
		          c->failed ? "false" : "true");
		add_problems(t, &c->problems);
	}
	for (size_t i = 0; i < r->n_logs; i++) {
		text_adds(t, "{\"schema\":1,\"kind\":\"log\"");
		add_string(t, "log", r->logs[i].path);
		text_addf(t, ",\"passed\":%s", r->logs[i].passed ? "true" : "false");
		add_problems(t, &r->logs[i].problems);
	}
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = &r->findings[i];
		text_addf(t, "{\"schema\":1,\"kind\":\"%s\",\"level\":\"%s\"", f->kind, level_names[f->level]);
		add_rule(t, f->rule, f->rule->line);
		add_string(t, "other", f->other ? f->other->id : NULL);
		add_string(t, "message", f->message);
		text_adds(t, "}\n");
	}
	text_addf(t,
	          "{\"schema\":1,\"kind\":\"summary\",\"rules\":%zu,\"examples_passed\":%zu,\"examples_failed\":%zu,"
	          "\"logs\":%zu,\"logs_failed\":%zu,\"errors\":%zu,\"warnings\":%zu,\"notes\":%zu}\n",
	          r->rules, engines_passed(r), engines_failed(r), r->n_logs, report_failed_logs(r),
	          report_count(r, NULL, FINDING_ERROR),
	          report_count(r, NULL, FINDING_WARNING) - report_count(r, NULL, FINDING_ERROR),
	          report_count(r, NULL, FINDING_NOTE) - report_count(r, NULL, FINDING_WARNING));
}
