/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown that pastes into a ticket: no byte of the log acts in it. */

#include <inttypes.h>
#include <string.h>

#include "output_formats.h"

static void words(const struct output_options *o, struct text *t, const char *data, size_t length)
{
	output_add(o, t, text_add_markdown, data, length);
}

static void row(const struct output_options *o, struct text *t, const char *label, const char *value)
{
	if (!*value)
		return;
	text_addf(t, "| %s | ", label);
	words(o, t, value, strlen(value));
	text_adds(t, " |\n");
}

/* Redacts first and fences then, so that a fence is chosen for what is really shown. */
static void code_lines(struct text *t, const char *data, size_t length)
{
	text_add_code_block(t, "text", data, length);
}

static void code_shell(struct text *t, const char *data, size_t length)
{
	text_add_code_block(t, "sh", data, length);
}

static void section(const struct output_options *o, struct text *t, const char *title, const char *value)
{
	if (!*value)
		return;
	text_addf(t, "\n**%s.** ", title);
	words(o, t, value, strlen(value));
	text_adds(t, "\n");
}

void format_markdown_log(const struct output_options *o, struct text *t, const char *source,
                         const struct clsf_verdict *v, const char *hash)
{
	text_adds(t, "## ");
	if (v->outcome == CLSF_FAILED)
		words(o, t, v->title, strlen(v->title));
	else
		text_addf(t, "%s", v->outcome == CLSF_PASSED ? "Passed" : "Undetermined");
	text_adds(t, "\n\n| | |\n|---|---|\n");
	row(o, t, "log", source);
	row(o, t, "outcome", clsf_outcome_name(v->outcome));
	row(o, t, "category", v->category);
	if (v->rule) {
		row(o, t, "rule", v->rule->id);
		row(o, t, "severity", clsf_severity_name(v->rule->severity));
		row(o, t, "who has to act", v->rule->owner);
		row(o, t, "retry", v->rule->retry);
	}
	row(o, t, "template", v->fingerprint);
	for (size_t i = 0; i < v->n_fields; i++) {
		text_adds(t, "| ");
		text_add_markdown(t, v->fields[i].name, strlen(v->fields[i].name));
		text_adds(t, " | ");
		words(o, t, v->fields[i].value, v->fields[i].length);
		text_adds(t, " |\n");
	}
	for (size_t i = 0; i < v->n_warnings; i++)
		row(o, t, clsf_warning_name(v->warnings[i].code), v->warnings[i].message);
	if (v->line.number) {
		struct text lines = { 0 };
		text_addf(t, "\nLine %" PRIu64 ":\n\n", v->line.number);
		text_add(&lines, v->before, v->before_length);
		text_add(&lines, v->line.text, v->line.text_length);
		text_adds(&lines, "\n");
		text_add(&lines, v->after, v->after_length);
		for (size_t i = 1; i < v->n_telling; i++) {
			text_add(&lines, v->telling[i].text, v->telling[i].text_length);
			text_adds(&lines, "\n");
		}
		output_add(o, t, code_lines, lines.data ? lines.data : "", lines.length);
		t->failed = t->failed || lines.failed;
		text_free(&lines);
	}
	section(o, t, "Cause", v->cause);
	if (*v->fix) {
		text_adds(t, "\n**Fix.**\n\n");
		output_add(o, t, code_shell, v->fix, strlen(v->fix));
	}
	section(o, t, "Prevent", v->prevent);
	section(o, t, "See", v->url);
	if (v->n_also)
		text_adds(t, "\n**Not chosen:**\n\n");
	for (size_t i = 0; i < v->n_also; i++) {
		const struct clsf_also *a = &v->also[i];
		text_adds(t, "- ");
		text_add_markdown(t, a->rule->id, strlen(a->rule->id));
		text_addf(t, " (line %" PRIu64 ", %" PRIu64 " times): ", a->line.number, a->count);
		text_add_markdown(t, a->why_not, strlen(a->why_not));
		text_adds(t, "\n");
	}
	text_addf(t, "\nRuleset `%s`.\n\n", hash);
}

void format_markdown_end(const struct output_options *o, struct text *t, const struct output_totals *totals,
                         const struct groups *groups)
{
	if (totals->logs < 2)
		return;
	text_addf(t, "## Summary\n\n%zu logs: %zu failed, %zu passed, %zu undetermined.\n", totals->logs,
	          totals->failed, totals->passed, totals->undetermined);
	bool first = true;
	for (size_t i = 0; i < groups->n && groups->item[i].count > 1; i++) {
		const struct group *g = &groups->item[i];
		text_addf(t, "%s- %zu of %zu failed with ", first ? "\n" : "", g->count, groups->failed);
		first = false;
		words(o, t, g->category ? g->category : "", g->category ? strlen(g->category) : 0);
		if (g->rule) {
			text_adds(t, " (");
			text_add_markdown(t, g->rule, strlen(g->rule));
			text_adds(t, ")");
		}
		for (size_t k = 0; k < g->n_fields; k++) {
			text_adds(t, k ? ", " : ", all with ");
			text_add_markdown(t, g->fields[k].name, strlen(g->fields[k].name));
			text_adds(t, " ");
			words(o, t, g->fields[k].value, strlen(g->fields[k].value));
		}
		text_adds(t, "\n");
	}
}
