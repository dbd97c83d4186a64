/* SPDX-License-Identifier: Apache-2.0 */
/* The format for people at a terminal: what failed, the line, the cause, the fix, why not the others. */

#include <inttypes.h>
#include <string.h>

#include "output_formats.h"

#define LABEL 10             /* columns of the labels */
#define MAX_SHOWN 600        /* bytes of a line that are shown here */
#define MAX_LOSERS 5

#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define YELLOW "\x1b[33m"
#define BOLD "\x1b[1m"
#define DIM "\x1b[2m"
#define PLAIN "\x1b[0m"

static void colour(const struct output_options *o, struct text *t, const char *sequence)
{
	if (o->colour)
		text_adds(t, sequence);
}

void output_heading(const struct output_options *o, struct text *t, const char *label)
{
	text_adds(t, "  ");
	colour(o, t, DIM);
	text_addf(t, "%-*s", LABEL - 2, label);
	colour(o, t, PLAIN);
}

/*
 * Sentences begin with a capital letter, commands with a small one, a path or a variable that is set
 * for them. A comment is for the shell as well: a part of it on a line of its own would be run.
 */
static bool is_command(const char *s)
{
	return (*s >= 'a' && *s <= 'z') || (*s && strchr("/.$#'\"(", *s)) || s[strcspn(s, " =")] == '=';
}

/* Are there lines of a fix that belong together, as in quotes or a here-document? Then none is broken. */
static bool has_open_line(const char *fix, size_t length)
{
	for (size_t at = 0; at < length;) {
		const char *newline = memchr(fix + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - fix) : length;
		if (is_command(fix + at) && !text_is_closed_command(fix + at, end - at))
			return true;
		at = end + 1;
	}
	return false;
}

/* A label and a text of ours or of a rule, wrapped; its own line ends are kept. `commands`: it may hold some. */
static void wrapped(const struct output_options *o, struct text *t, const char *label, const char *value,
                    size_t length, bool commands)
{
	struct text visible = { 0 };
	size_t at = 0;
	bool first = true;
	while (length && value[length - 1] == '\n')
		length--;
	if (length == 0)
		return;
	size_t width = commands && has_open_line(value, length) ? SIZE_MAX : o->width;
	while (at <= length) {
		const char *newline = at < length ? memchr(value + at, '\n', length - at) : NULL;
		size_t end = newline ? (size_t)(newline - value) : length;
		output_heading(o, t, first ? label : "");
		visible.length = 0;
		text_add_visible(&visible, value + at, end - at);
		/* A command is to be pasted: it may only be broken where the shell joins it again. */
		if (commands && visible.length && is_command(visible.data))
			text_add_command(t, visible.data, visible.length, LABEL, width);
		else
			text_add_wrapped(t, visible.data ? visible.data : "", visible.length, LABEL, width);
		at = end + 1;
		first = false;
	}
	t->failed = t->failed || visible.failed;
	text_free(&visible);
}

static void paragraph(const struct output_options *o, struct text *t, const char *label, const char *value,
                      size_t length)
{
	wrapped(o, t, label, value, length, false);
}

void output_runbook(const struct output_options *o, struct text *t, const char *cause, const char *fix,
                    const char *prevent, const char *url)
{
	paragraph(o, t, "cause", cause, strlen(cause));
	wrapped(o, t, "fix", fix, strlen(fix), true);
	paragraph(o, t, "prevent", prevent, strlen(prevent));
	paragraph(o, t, "see", url, strlen(url));
}

/* "line 12   text": the evidence bold, and marked among its neighbours. */
static void show_line(const struct output_options *o, struct text *t, const struct clsf_line *line, bool strong,
                      bool marked)
{
	struct text visible = { 0 };
	char label[32];
	snprintf(label, sizeof(label), "line %" PRIu64, line->number);
	text_adds(t, marked ? "> " : "  ");
	colour(o, t, DIM);
	text_addf(t, "%-*s", LABEL - 2, label);
	colour(o, t, PLAIN);
	size_t indent = LABEL;
	if (strlen(label) > LABEL - 2) {
		text_adds(t, "  ");
		indent = strlen(label) + 4;
	}
	bool cut = line->text_length > MAX_SHOWN;
	text_add_visible(&visible, line->text,
	           line->text_length < MAX_SHOWN ? line->text_length : MAX_SHOWN);
	if (cut)
		text_adds(&visible, " ...");
	if (strong)
		colour(o, t, BOLD);
	struct text wrapped = { 0 };
	text_add_wrapped(&wrapped, visible.data ? visible.data : "", visible.length, indent, o->width);
	if (wrapped.length)
		wrapped.length--;
	text_add(t, wrapped.data ? wrapped.data : "", wrapped.length);
	if (strong)
		colour(o, t, PLAIN);
	text_adds(t, "\n");
	t->failed = t->failed || visible.failed || wrapped.failed;
	text_free(&wrapped);
	text_free(&visible);
}

/* Context lines, numbered. */
static void show_context(const struct output_options *o, struct text *t, const char *lines, size_t length,
                         uint64_t number)
{
	for (size_t at = 0; at < length;) {
		const char *newline = memchr(lines + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - lines) : length;
		struct clsf_line line = { .number = number++, .text = lines + at, .text_length = end - at,
			                  .length = end - at };
		show_line(o, t, &line, false, false);
		at = end + 1;
	}
}

static void show_source(const struct output_options *o, struct text *t, const char *source,
                        const struct clsf_verdict *v)
{
	colour(o, t, BOLD);
	text_add_visible(t, source, strlen(source));
	colour(o, t, PLAIN);
	text_adds(t, "  ");
	colour(o, t, v->outcome == CLSF_FAILED ? RED : v->outcome == CLSF_PASSED ? GREEN : YELLOW);
	text_adds(t, v->outcome == CLSF_FAILED ? "FAILED" : clsf_outcome_name(v->outcome));
	colour(o, t, PLAIN);
}

static void show_warnings(const struct output_options *o, struct text *t, const struct clsf_verdict *v)
{
	for (size_t i = 0; i < v->n_warnings; i++) {
		const struct clsf_warning *w = &v->warnings[i];
		struct text m = { 0 };
		text_addf(&m, "%s: %s", clsf_warning_name(w->code), w->message);
		if (w->line)
			text_addf(&m, " (line %" PRIu64 ")", w->line);
		else if (w->has_offset)
			text_addf(&m, " (offset %" PRIu64 ")", w->offset);
		paragraph(o, t, "warning", m.data ? m.data : "", m.length);
		t->failed = t->failed || m.failed;
		text_free(&m);
	}
}

static void show_losers(const struct output_options *o, struct text *t, const struct clsf_verdict *v)
{
	for (size_t i = 0; i < v->n_also && i < MAX_LOSERS; i++) {
		const struct clsf_also *a = &v->also[i];
		struct text m = { 0 };
		text_addf(&m, "%s (line %" PRIu64 "): %s", a->rule->id, a->line.number, a->why_not);
		paragraph(o, t, i == 0 ? "not" : "", m.data ? m.data : "", m.length);
		t->failed = t->failed || m.failed;
		text_free(&m);
	}
	if (v->n_also > MAX_LOSERS) {
		char more[64];
		snprintf(more, sizeof(more), "and %zu more; 'classify explain' lists them", v->n_also - MAX_LOSERS);
		paragraph(o, t, "", more, strlen(more));
	}
}

void format_text_log(const struct output_options *o, struct text *t, const char *source,
                     const struct clsf_verdict *v)
{
	show_source(o, t, source, v);
	if (v->outcome != CLSF_FAILED) {
		text_addf(t, "  (%" PRIu64 " line%s)\n", v->lines, v->lines == 1 ? "" : "s");
		if (!o->quiet)
			show_warnings(o, t, v);
		return;
	}
	text_addf(t, "  %s", v->category);
	if (v->rule)
		text_addf(t, "  %s", v->rule->id);
	if (o->quiet) {
		text_addf(t, "  line %" PRIu64 "\n", v->line.number);
		return;
	}
	text_adds(t, "\n");
	paragraph(o, t, "what", v->title, strlen(v->title));
	show_context(o, t, v->before, v->before_length,
	             v->line.number - text_count_lines(v->before, v->before_length));
	if (v->line.number)
		show_line(o, t, &v->line, true, v->before_length || v->after_length);
	show_context(o, t, v->after, v->after_length, v->line.number + 1);
	if (v->rule) {
		char facts[160];
		snprintf(facts, sizeof(facts), "%s has to act; retry: %s; severity %s", v->rule->owner,
		         v->rule->retry, clsf_severity_name(v->rule->severity));
		output_runbook(o, t, v->cause, v->fix, v->prevent, v->url);
		paragraph(o, t, "who", facts, strlen(facts));
	} else {
		for (size_t i = 1; i < v->n_telling; i++)
			show_line(o, t, &v->telling[i], false, false);
		paragraph(o, t, "shape", v->fingerprint, strlen(v->fingerprint));
	}
	show_losers(o, t, v);
	show_warnings(o, t, v);
	text_adds(t, "\n");
}

static void show_groups(const struct output_options *o, struct text *t, const struct groups *groups)
{
	for (size_t i = 0; i < groups->n; i++) {
		struct text m = { 0 };
		group_sentence(groups, &groups->item[i], &m);
		paragraph(o, t, "shared", m.data ? m.data : "", m.length);
		t->failed = t->failed || m.failed;
		text_free(&m);
	}
}

void format_text_end(const struct output_options *o, struct text *t, const struct output_totals *totals,
                     const struct groups *groups)
{
	if (totals->logs < 2 || o->quiet)
		return;
	text_addf(t, "%zu logs: ", totals->logs);
	colour(o, t, totals->failed ? RED : PLAIN);
	text_addf(t, "%zu failed", totals->failed);
	colour(o, t, PLAIN);
	text_addf(t, ", %zu passed, %zu undetermined\n", totals->passed, totals->undetermined);
	show_groups(o, t, groups);
}
