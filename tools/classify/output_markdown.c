/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown that pastes into a ticket: no byte of the log acts in it. */

#include <inttypes.h>
#include <string.h>

#include "output_formats.h"

static void words(struct text *t, const char *data, size_t length)
{
	text_add_markdown(t, data, length);
}

static void row(struct text *t, const char *label, const char *value)
{
	if (!*value)
		return;
	text_addf(t, "| %s | ", label);
	words(t, value, strlen(value));
	text_adds(t, " |\n");
}

static void section(struct text *t, const char *title, const char *value)
{
	if (!*value)
		return;
	text_addf(t, "\n**%s.** ", title);
	words(t, value, strlen(value));
	text_adds(t, "\n");
}

void format_markdown_log(struct text *t, const char *source,
                         const struct clsf_verdict *v, const char *hash)
{
	text_adds(t, "## ");
	if (v->outcome == CLSF_FAILED)
		words(t, v->title, strlen(v->title));
	else
		text_addf(t, "%s", v->outcome == CLSF_PASSED ? "Passed" : "Undetermined");
	text_adds(t, "\n\n| | |\n|---|---|\n");
	row(t, "log", source);
	row(t, "outcome", clsf_outcome_name(v->outcome));
	row(t, "category", v->category);
	if (v->rule) {
		row(t, "rule", v->rule->id);
		row(t, "severity", clsf_severity_name(v->rule->severity));
		row(t, "who has to act", v->rule->owner);
		row(t, "retry", v->rule->retry);
	}
	row(t, "template", v->fingerprint);
	for (size_t i = 0; i < v->n_fields; i++) {
		text_adds(t, "| ");
		text_add_markdown(t, v->fields[i].name, strlen(v->fields[i].name));
		text_adds(t, " | ");
		words(t, v->fields[i].value, v->fields[i].length);
		text_adds(t, " |\n");
	}
	for (size_t i = 0; i < v->n_warnings; i++)
		row(t, clsf_warning_name(v->warnings[i].code), v->warnings[i].message);
	if (v->line.number) {
		struct text lines = { 0 };
		text_addf(t, "\nLine %" PRIu64 ":\n\n", v->line.number);
		text_add(&lines, v->before, v->before_length);
		text_add(&lines, v->line.text, v->line.text_length);
		text_adds(&lines, "\n");
		text_add(&lines, v->after, v->after_length);
		text_add_code_block(t, "text", lines.data ? lines.data : "", lines.length);
		t->failed = t->failed || lines.failed;
		text_free(&lines);
	}
	if (v->n_telling > 1) {
		struct text lines = { 0 };
		for (size_t i = 1; i < v->n_telling; i++) {
			text_addf(&lines, "%" PRIu64 ": ", v->telling[i].number);
			text_add(&lines, v->telling[i].text, v->telling[i].text_length);
			text_adds(&lines, "\n");
		}
		text_adds(t, "\nOther telling lines:\n\n");
		text_add_code_block(t, "text", lines.data ? lines.data : "", lines.length);
		t->failed = t->failed || lines.failed;
		text_free(&lines);
	}
	section(t, "Cause", v->cause);
	if (*v->fix) {
		text_adds(t, "\n**Fix.**\n\n");
		text_add_code_block(t, "sh", v->fix, strlen(v->fix));
	}
	section(t, "Prevent", v->prevent);
	/* The rule's own address is a link; one with captures filled in is the log's, and is none. */
	if (v->rule && v->url == v->rule->url && *v->url)
		text_addf(t, "\n**See.** %s\n", v->url);
	else
		section(t, "See", v->url);
	if (v->n_also)
		text_adds(t, "\n**Not chosen:**\n\n");
	for (size_t i = 0; i < v->n_also; i++) {
		const struct clsf_also *a = &v->also[i];
		text_adds(t, "- ");
		text_add_markdown(t, a->rule->id, strlen(a->rule->id));
		text_addf(t, " (line %" PRIu64 ", %" PRIu64 " time%s): ", a->line.number, a->count,
		          a->count == 1 ? "" : "s");
		text_add_markdown(t, a->why_not, strlen(a->why_not));
		text_adds(t, "\n");
	}
	text_addf(t, "\nRuleset `%s`.\n\n", hash);
}

void format_markdown_end(struct text *t, const struct output_totals *totals,
                         const struct groups *groups)
{
	if (totals->logs < 2)
		return;
	text_addf(t, "## Summary\n\n%zu logs: %zu failed, %zu passed, %zu undetermined.\n", totals->logs,
	          totals->failed, totals->passed, totals->undetermined);
	bool first = true;
	for (size_t i = 0; i < groups->n; i++) {
		struct text sentence = { 0 };
		group_sentence(groups, &groups->item[i], &sentence);
		if (sentence.length) {
			text_adds(t, first ? "\n- " : "- ");
			words(t, sentence.data, sentence.length);
			text_adds(t, "\n");
			first = false;
		}
		t->failed = t->failed || sentence.failed;
		text_free(&sentence);
	}
}
