/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See postmortem.h. Verdicts do not outlive their log, so that each log is put
 * into words when it comes; the document is put together at the end.
 */

#include "postmortem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_LOGS 20          /* failed logs that are told one by one */
#define MAX_ROWS 200         /* of the timeline */
#define MAX_TEXT 240         /* bytes of a line in a table */
#define SECOND INT64_C(1000000000)
#define LEAP_YEAR (INT64_C(730) * 86400)  /* seconds from 1970 to 1972, a year that has every day */

struct postmortem_row {
	struct clsf_time time;       /* clock NONE: the line tells none */
	struct clsf_time order;      /* the same, or that of the row before */
	size_t number;               /* in the order of logs and lines */
	uint64_t line;
	const char *what;
	struct text place, text;
};

/* ---- words ---- */

static void say(struct text *t, const char *s)
{
	text_add_markdown(t, s, strlen(s));
}

/* A text in a table's cell or a list: as much of it as one reads there. */
static void add_short(struct text *t, const char *data, size_t length)
{
	size_t n = text_cut(data, length, MAX_TEXT);
	text_add_markdown(t, data, n);
	text_adds(t, n < length ? " ..." : "");
}

static void add_time(struct text *t, const struct clsf_time *time)
{
	time_t seconds = (time_t)(time->nanoseconds / SECOND);
	int64_t rest = time->nanoseconds % SECOND;
	struct tm tm;
	char form[40] = "";
	switch (time->clock) {
	case CLSF_CLOCK_NONE:
		text_adds(t, "not told");
		return;
	case CLSF_CLOCK_RELATIVE:
		text_addf(t, "+%" PRId64 ".%03d s", time->nanoseconds / SECOND, (int)(rest / 1000000));
		return;
	case CLSF_CLOCK_FULL:
		if (gmtime_r(&seconds, &tm))
			strftime(form, sizeof(form), "%Y-%m-%d %H:%M:%S", &tm);
		break;
	case CLSF_CLOCK_YEARLESS:
		seconds += LEAP_YEAR;
		if (gmtime_r(&seconds, &tm))
			strftime(form, sizeof(form), "%m-%d %H:%M:%S", &tm);
		break;
	case CLSF_CLOCK_DAY:
		if (gmtime_r(&seconds, &tm))
			strftime(form, sizeof(form), "%H:%M:%S", &tm);
		break;
	}
	text_adds(t, form);
	if (rest > 0)
		text_addf(t, ".%03d", (int)(rest / 1000000));
}

static void add_duration(struct text *t, int64_t ns)
{
	int64_t seconds = ns / SECOND;
	if (seconds >= 86400)
		text_addf(t, "%" PRId64 "d", seconds / 86400);
	if (seconds >= 3600)
		text_addf(t, "%" PRId64 "h", seconds / 3600 % 24);
	if (seconds >= 60)
		text_addf(t, "%" PRId64 "m", seconds / 60 % 60);
	text_addf(t, "%" PRId64, seconds % 60);
	if (ns % SECOND && seconds < 60)
		text_addf(t, ".%03d", (int)(ns % SECOND / 1000000));
	text_adds(t, "s");
}

/* "FILE:LINE" of a line of the whole. */
static void add_place(struct text *t, const struct postmortem_log *log, uint64_t line)
{
	struct text place = { 0 };
	const struct incident_part *part = log->incident ? incident_part_of(log->incident, line) : NULL;
	if (part)
		incident_source(log->incident, part, &place);
	else
		text_adds(&place, log->source);
	text_add(&place, "", 1);
	say(t, place.failed ? "" : place.data);
	t->failed = t->failed || place.failed;
	text_addf(t, ":%" PRIu64, line - (part ? part->lines : 0));
	text_free(&place);
}

static bool begins(const char *s, const char *word)
{
	return strncmp(s, word, strlen(word)) == 0;
}

/* ---- the timeline ---- */

static void add_row(struct postmortem *pm, const struct postmortem_log *log, const char *what, uint64_t line,
                    const struct clsf_time *time, const char *text, size_t length)
{
	if (pm->n_rows == MAX_ROWS) {
		pm->hidden_rows++;
		return;
	}
	if (pm->n_rows == pm->capacity) {
		size_t capacity = pm->capacity ? pm->capacity * 2 : 32;
		struct postmortem_row *grown = realloc(pm->rows, capacity * sizeof(*grown));
		pm->failed_memory = pm->failed_memory || !grown;
		if (!grown)
			return;
		pm->rows = grown;
		pm->capacity = capacity;
	}
	struct postmortem_row *row = &pm->rows[pm->n_rows++];
	*row = (struct postmortem_row){ .what = what, .line = line };
	if (time)
		row->time = *time;
	else
		clsf_line_time(text, length, &row->time);
	add_place(&row->place, log, line);
	add_short(&row->text, text, length);
}

/* No two rows of a log are of one line. */
static int by_line(const void *va, const void *vb)
{
	const struct postmortem_row *a = va, *b = vb;
	return (a->line > b->line) - (a->line < b->line);
}

static const struct clsf_also *also_whole(const struct postmortem_log *log, size_t i)
{
	return log->whole ? &log->whole->also[i] : &log->verdict->also[i];
}

static const char *root_name(const struct clsf_verdict *v)
{
	if (!v->rule)
		return "most telling line";
	return v->rule->role == CLSF_ROLE_SYMPTOM ? "symptom; no rule tells its cause" : "root cause";
}

static bool has_row(const struct postmortem *pm, size_t begun, uint64_t line)
{
	for (size_t i = begun; i < pm->n_rows; i++)
		if (pm->rows[i].line == line)
			return true;
	return false;
}

/* One row for a line, whatever matched on it. */
static void add_candidates(struct postmortem *pm, const struct postmortem_log *log, size_t begun)
{
	const struct clsf_verdict *v = log->verdict;
	uint64_t first = log->line;
	for (size_t i = 0; i < v->n_also; i++) {
		uint64_t line = also_whole(log, i)->line.number;
		if (line < first && !begins(v->also[i].why_not, "recovered"))
			first = line;
	}
	for (size_t i = 0; i < v->n_also; i++) {
		const struct clsf_also *a = &v->also[i];
		uint64_t line = also_whole(log, i)->line.number;
		if (has_row(pm, begun, line))
			continue;
		add_row(pm, log,
		        begins(a->why_not, "recovered") ? "recovered from"
		        : line == first                 ? "first sign"
		        : line < log->line              ? "sign"
		                                        : "follows",
		        line, NULL, a->line.text, a->line.text_length);
	}
}

static void add_timeline(struct postmortem *pm, const struct postmortem_log *log)
{
	static const char first[] = "the first line that tells a time", last[] = "the last line that tells a time";
	const struct clsf_verdict *v = log->verdict;
	const struct marks *m = log->marks;
	size_t begun = pm->n_rows;
	if (m->start.rule && m->start.line != log->line)
		add_row(pm, log, "start", m->start.line, NULL, m->start.text.data, m->start.text.length);
	else if (log->span->first.clock != CLSF_CLOCK_NONE && log->span->first_line != log->line)
		add_row(pm, log, "log begins", log->span->first_line, &log->span->first, first, strlen(first));
	add_row(pm, log, root_name(v), log->line, NULL, v->line.text, v->line.text_length);
	if (m->success.rule && !has_row(pm, begun, m->success.line))
		add_row(pm, log, "passed", m->success.line, NULL, m->success.text.data, m->success.text.length);
	if (m->failure.rule && !has_row(pm, begun, m->failure.line))
		add_row(pm, log, "failed", m->failure.line, NULL, m->failure.text.data, m->failure.text.length);
	add_candidates(pm, log, begun);
	if (log->span->last.clock != CLSF_CLOCK_NONE && !has_row(pm, begun, log->span->last_line))
		add_row(pm, log, "log ends", log->span->last_line, &log->span->last, last, strlen(last));
	if (pm->n_rows > begun)
		qsort(pm->rows + begun, pm->n_rows - begun, sizeof(*pm->rows), by_line);
	/* Rows without a time go with the one before or, at the start, with the first that has one. */
	struct clsf_time order = { 0 };
	for (size_t i = begun; i < pm->n_rows && order.clock == CLSF_CLOCK_NONE; i++)
		order = pm->rows[i].time;
	for (size_t i = begun; i < pm->n_rows; i++) {
		if (pm->rows[i].time.clock != CLSF_CLOCK_NONE)
			order = pm->rows[i].time;
		pm->rows[i].order = order;
		pm->rows[i].number = i;
	}
}

static int by_time(const void *va, const void *vb)
{
	const struct postmortem_row *a = va, *b = vb;
	if (a->order.nanoseconds != b->order.nanoseconds)
		return a->order.nanoseconds < b->order.nanoseconds ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

/* Rows of several logs are put in the order of time where all of them tell the day. */
static bool sort_rows(struct postmortem *pm)
{
	for (size_t i = 0; i < pm->n_rows; i++)
		if (pm->rows[i].order.clock != CLSF_CLOCK_FULL)
			return false;
	if (pm->n_rows)
		qsort(pm->rows, pm->n_rows, sizeof(*pm->rows), by_time);
	return true;
}

/* ---- a log ---- */

static void add_impact(struct postmortem *pm, const struct postmortem_log *log)
{
	struct text *t = &pm->impact;
	const struct span *s = log->span;
	int64_t ns;
	text_adds(t, "| ");
	say(t, log->incident ? log->incident->name : log->source);
	text_adds(t, " | ");
	say(t, log->verdict->category);
	text_adds(t, " | ");
	add_time(t, &s->first);
	text_adds(t, " | ");
	add_time(t, &s->last);
	text_adds(t, " | ");
	if (clsf_time_between(&s->first, &s->last, &ns) && ns >= 0)
		add_duration(t, ns);
	else
		text_adds(t, "not told");
	text_adds(t, " |\n");
}

static void add_evidence(struct postmortem *pm, const struct postmortem_log *log)
{
	const struct clsf_verdict *v = log->verdict;
	struct text *t = &pm->evidence, lines = { 0 };
	text_adds(t, "\n### ");
	add_place(t, log, log->line);
	text_adds(t, "\n\n");
	say(t, v->category);
	text_adds(t, v->rule ? " by the rule " : "; no rule explains it; template ");
	say(t, v->rule ? v->rule->id : v->fingerprint);
	text_adds(t, ".");
	for (size_t i = 0; i < v->n_fields; i++) {
		text_adds(t, i ? ", " : " Captured: ");
		say(t, v->fields[i].name);
		text_adds(t, " ");
		add_short(t, v->fields[i].value, v->fields[i].length);
	}
	text_adds(t, v->n_fields ? ".\n\n" : "\n\n");
	text_add(&lines, v->before, v->before_length);
	text_add(&lines, v->line.text, v->line.text_length);
	text_adds(&lines, "\n");
	text_add(&lines, v->after, v->after_length);
	text_add_code_block(t, "text", lines.data ? lines.data : "", lines.length);
	if (v->n_telling > 1) {
		lines.length = 0;
		for (size_t i = 1; i < v->n_telling; i++) {
			text_addf(&lines, "%" PRIu64 ": ", v->telling[i].number);
			text_add(&lines, v->telling[i].text, v->telling[i].text_length);
			text_adds(&lines, "\n");
		}
		text_adds(t, "\nOther telling lines:\n\n");
		text_add_code_block(t, "text", lines.data ? lines.data : "", lines.length);
	}
	t->failed = t->failed || lines.failed;
	text_free(&lines);
}

static void add_others(struct postmortem *pm, const struct postmortem_log *log)
{
	struct text *t = &pm->candidates;
	for (size_t i = 0; i < log->verdict->n_also; i++) {
		const struct clsf_also *a = &log->verdict->also[i];
		text_adds(t, "- ");
		say(t, a->rule->id);
		text_adds(t, " at ");
		add_place(t, log, also_whole(log, i)->line.number);
		text_addf(t, ", %" PRIu64 " time%s: ", a->count, a->count == 1 ? "" : "s");
		say(t, a->why_not);
		text_adds(t, "\n");
	}
}

static bool is_new(struct postmortem *pm, const struct clsf_rule *rule)
{
	for (size_t i = 0; i < pm->n_acted; i++)
		if (pm->acted[i] == rule)
			return false;
	const struct clsf_rule **grown = realloc(pm->acted, (pm->n_acted + 1) * sizeof(*grown));
	if (!grown) {
		pm->failed_memory = true;
		return false;
	}
	pm->acted = grown;
	pm->acted[pm->n_acted++] = rule;
	return true;
}

static void add_actions(struct postmortem *pm, const struct clsf_verdict *v)
{
	struct text *t = &pm->actions;
	if (!v->rule || !is_new(pm, v->rule))
		return;
	text_adds(t, "\n### ");
	say(t, v->title);
	text_adds(t, "\n\n");
	if (*v->cause) {
		say(t, v->cause);
		text_adds(t, "\n\n");
	}
	text_adds(t, "- [ ] Fix (");
	say(t, v->rule->owner);
	text_adds(t, " has to act; retry: ");
	say(t, v->rule->retry);
	text_addf(t, ")%s\n", *v->fix ? ":" : ": the rule has no steps; _to be filled in_");
	if (*v->fix) {
		text_adds(t, "\n");
		text_add_code_block(t, "sh", v->fix, strlen(v->fix));
		text_adds(t, "\n");
	}
	text_adds(t, "- [ ] Prevent: ");
	if (*v->prevent)
		say(t, v->prevent);
	else
		text_adds(t, "the rule says nothing; _to be filled in_");
	text_adds(t, "\n");
	/* The rule's own address is a link; one with captures filled in is the log's, and is none. */
	if (*v->url) {
		text_adds(t, "- See ");
		if (v->url == v->rule->url)
			text_adds(t, v->url);
		else
			say(t, v->url);
		text_adds(t, "\n");
	}
}

static void add_questions(struct postmortem *pm, const struct postmortem_log *log)
{
	const struct clsf_verdict *v = log->verdict;
	struct text *t = &pm->questions;
	if (!v->rule) {
		text_adds(t, "- Why did ");
		say(t, log->source);
		text_adds(t, " fail? No rule explains it. Once it is known, `classify rules new --from-group ");
		say(t, v->fingerprint);
		text_adds(t, "` with the logs starts a rule.\n");
	} else if (v->rule->role == CLSF_ROLE_SYMPTOM) {
		text_adds(t, "- What caused ");
		say(t, v->rule->id);
		text_adds(t, " in ");
		say(t, log->source);
		text_adds(t, "? It is a symptom, and no rule tells its cause.\n");
	}
	for (size_t i = 0; i < v->n_warnings; i++) {
		text_adds(t, "- What does this hide in ");
		say(t, log->source);
		text_adds(t, "? ");
		say(t, clsf_warning_name(v->warnings[i].code));
		text_adds(t, ": ");
		say(t, v->warnings[i].message);
		text_adds(t, "\n");
	}
}

void postmortem_add(struct postmortem *pm, const struct postmortem_log *log)
{
	const struct clsf_verdict *v = log->verdict;
	struct clsf_time t;
	if (v->outcome != CLSF_FAILED)
		return;
	if (pm->logs++ == 0)
		say(&pm->title, v->title);
	if (span_of_failure(v, &t) && t.clock == CLSF_CLOCK_FULL &&
	    (pm->since.clock == CLSF_CLOCK_NONE || t.nanoseconds < pm->since.nanoseconds))
		pm->since = t;
	add_actions(pm, v);
	if (pm->logs > MAX_LOGS) {
		pm->hidden_logs++;
		return;
	}
	add_timeline(pm, log);
	add_impact(pm, log);
	add_evidence(pm, log);
	add_others(pm, log);
	add_questions(pm, log);
}

/* ---- the document ---- */

static void write_summary(struct postmortem *pm, struct text *t, const struct output_totals *totals,
                          struct groups *groups)
{
	struct text sentence = { 0 };
	text_adds(t, "\n## Summary\n\n");
	text_addf(t, "%zu of %zu log%s failed; %zu passed, and %zu tell%s neither.\n", totals->failed, totals->logs,
	          totals->logs == 1 ? "" : "s", totals->passed, totals->undetermined,
	          totals->undetermined == 1 ? "s" : "");
	for (size_t i = 0; i < groups->n; i++) {
		const struct group *g = &groups->item[i];
		sentence.length = 0;
		if (g->count > 1 || g->explained_by) {
			group_sentence(groups, g, &sentence);
		} else if (g->kind < GROUP_CATEGORY) {
			text_addf(&sentence, "1 of %zu failed with ", groups->failed);
			text_adds(&sentence, g->category ? g->category : "");
			text_addf(&sentence, " (%s%s)", g->rule ? "" : "template ", g->rule ? g->rule : g->fingerprint);
		}
		if (sentence.length == 0)
			continue;
		text_adds(t, i ? "- " : "\n- ");
		text_add_markdown(t, sentence.data, sentence.length);
		text_adds(t, "\n");
	}
	t->failed = t->failed || sentence.failed;
	text_free(&sentence);
	text_adds(t, "\nThe first of it, as far as the logs tell: ");
	if (pm->since.clock != CLSF_CLOCK_NONE)
		add_time(t, &pm->since);
	else
		text_adds(t, "not known, for the lines tell no day");
	text_adds(t, ".\n\nIn a sentence, for those who were not there: _to be filled in_\n");
}

static void write_timeline(struct postmortem *pm, struct text *t)
{
	bool sorted = sort_rows(pm);
	text_adds(t, "\n## Timeline\n\n"
	             "The times are those that lines tell, in UTC; where a line tells no zone, it is taken for UTC.");
	if (!sorted && pm->logs > 1)
		text_adds(t, " Not all lines tell the day: rows stand in the order of the logs.");
	text_adds(t, "\n\n| time | what | where | line |\n|---|---|---|---|\n");
	for (size_t i = 0; i < pm->n_rows; i++) {
		const struct postmortem_row *row = &pm->rows[i];
		text_adds(t, "| ");
		add_time(t, &row->time);
		text_addf(t, " | %s | ", row->what);
		text_add(t, row->place.data, row->place.length);
		text_adds(t, " | ");
		text_add(t, row->text.data ? row->text.data : "", row->text.length);
		text_adds(t, " |\n");
	}
	if (pm->hidden_rows)
		text_addf(t, "\n%zu more rows are left out.\n", pm->hidden_rows);
	text_adds(t, "\nNoticed, mitigated, resolved, closed: _to be filled in, the logs do not tell_\n");
}

static void add_all(struct text *t, const struct text *part)
{
	if (part->length)
		text_add(t, part->data, part->length);
	t->failed = t->failed || part->failed;
}

static void write_rest(struct postmortem *pm, struct text *t, const struct output_totals *totals)
{
	char more[96] = "";
	if (pm->hidden_logs)
		snprintf(more, sizeof(more), "\n%zu more failed logs are not told one by one.\n", pm->hidden_logs);
	text_adds(t, "\n## Evidence\n");
	add_all(t, &pm->evidence);
	text_adds(t, more);
	text_addf(t, "\n## Impact\n\n%zu failed log%s.\n\n| log | category | from | to | lasted |\n|---|---|---|---|---|\n",
	          pm->logs, pm->logs == 1 ? "" : "s");
	add_all(t, &pm->impact);
	text_adds(t, more);
	text_adds(t, "\nWho and what was affected, for how long, and what it cost: "
	             "_to be filled in, the logs do not tell_\n");
	text_adds(t, "\n## What may have contributed\n\n");
	if (pm->candidates.length)
		text_adds(t, "Other rules that matched, and why the verdict did not choose them.\n\n");
	else
		text_adds(t, "No other rule matched.\n");
	add_all(t, &pm->candidates);
	text_adds(t, "\n## Actions\n");
	add_all(t, &pm->actions);
	if (pm->n_acted == 0)
		text_adds(t, "\nNo rule explains the failure, so that there is no runbook: _to be filled in_\n");
	text_adds(t, "\nWho does what until when: _to be filled in_\n\n## Open questions\n\n");
	add_all(t, &pm->questions);
	if (totals->undetermined)
		text_addf(t, "- What became of the %zu log%s that tell%s neither success nor failure?\n", totals->undetermined,
		          totals->undetermined == 1 ? "" : "s", totals->undetermined == 1 ? "s" : "");
	text_adds(t, "- How was it noticed, and how could it have been noticed sooner?\n"
	             "- Has it happened before?\n");
}

void postmortem_write(struct postmortem *pm, const struct output_totals *totals, struct groups *groups,
                      const char *hash, FILE *f)
{
	const struct text *parts[] = { &pm->title, &pm->impact, &pm->evidence, &pm->candidates, &pm->actions,
		                       &pm->questions };
	struct text t = { 0 };
	groups_finish(groups);
	text_adds(&t, "# Post-mortem: ");
	if (groups->failed && groups->item && groups->item[0].count == groups->failed)
		add_all(&t, &pm->title);
	else
		text_addf(&t, "%zu of %zu logs failed", totals->failed, totals->logs);
	text_adds(&t, "\n\nA skeleton, made of the logs alone; what they do not tell is _to be filled in_.\n"
	              "Status: _active, mitigated, resolved or closed?_\n");
	if (pm->logs == 0) {
		text_addf(&t, "\n%zu log%s: none failed, %zu passed, and %zu tell neither. There is nothing to tell of.\n",
		          totals->logs, totals->logs == 1 ? "" : "s", totals->passed, totals->undetermined);
	} else {
		write_summary(pm, &t, totals, groups);
		write_timeline(pm, &t);
		write_rest(pm, &t, totals);
	}
	text_addf(&t, "\nRuleset `%s`.\n", hash);
	t.failed = t.failed || pm->failed_memory || groups->failed_memory;
	for (size_t i = 0; i < pm->n_rows; i++)
		t.failed = t.failed || pm->rows[i].place.failed || pm->rows[i].text.failed;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		t.failed = t.failed || parts[i]->failed;
	print_text(f, &t);
	text_free(&t);
}

void postmortem_free(struct postmortem *pm)
{
	struct text *texts[] = { &pm->title, &pm->impact, &pm->evidence, &pm->candidates, &pm->actions, &pm->questions };
	for (size_t i = 0; i < pm->n_rows; i++) {
		text_free(&pm->rows[i].place);
		text_free(&pm->rows[i].text);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		text_free(texts[i]);
	free(pm->rows);
	free(pm->acted);
	*pm = (struct postmortem){ 0 };
}
