/* SPDX-License-Identifier: Apache-2.0 */
/* See report.h: adding logs, and what is kept of them. */

#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "report_evidence.h"
#include "tally.h"

#define MAX_TITLE 300        /* bytes */
#define MAX_TEXT 300         /* bytes of a line in the table of failures */

static char *copy(struct report *r, const char *data, size_t length, size_t most)
{
	char *c = strndup(data, text_cut(data, length, most));
	r->failed_memory = r->failed_memory || !c;
	return c;
}

static char *copy_all(struct report *r, const char *s)
{
	return copy(r, s, strlen(s), SIZE_MAX);
}

/* ---- causes ---- */

static size_t slot_of(const struct report *r, const char *rule, const char *fingerprint)
{
	uint64_t hash = tally_hash(TALLY_HASH, rule, strlen(rule) + 1);
	size_t slot = tally_hash(hash, fingerprint, strlen(fingerprint)) & (r->table_size - 1);
	while (r->table[slot]) {
		const struct report_cause *c = &r->cause[r->table[slot] - 1];
		if (strcmp(c->rule, rule) == 0 && strcmp(c->fingerprint, fingerprint) == 0)
			break;
		slot = (slot + 1) & (r->table_size - 1);
	}
	return slot;
}

/* Room for one more. */
static bool grow(struct report *r)
{
	if (r->n_causes < r->causes_capacity)
		return true;
	size_t capacity = r->causes_capacity ? r->causes_capacity * 2 : 64, size = capacity * 4;
	struct report_cause *causes = realloc(r->cause, capacity * sizeof(*causes));
	if (!causes)
		return false;
	r->cause = causes;
	uint32_t *table = calloc(size, sizeof(*table));
	if (!table)
		return false;
	free(r->table);
	r->table = table;
	r->table_size = size;
	r->causes_capacity = capacity;
	for (size_t i = 0; i < r->n_causes; i++)
		table[slot_of(r, r->cause[i].rule, r->cause[i].fingerprint)] = (uint32_t)i + 1;
	return true;
}

/* What people read first: the title or, where there is none of use, the line. */
static void title_of(const struct report_log *log, const char **ret_title, size_t *ret_length)
{
	*ret_title = log->title;
	*ret_length = strlen(log->title);
	if (*log->rule)
		return;
	const struct clsf_line *line = log->n_telling ? &log->telling[0] : &log->line;
	if (line->text_length) {
		*ret_title = line->text;
		*ret_length = line->text_length;
	}
}

static size_t example_size(const struct report_example *e)
{
	return e->evidence.capacity + e->runbook.capacity;
}

static void drop_examples(struct report *r, struct report_cause *c)
{
	for (size_t i = 0; i < c->n_examples; i++) {
		r->kept -= example_size(&c->example[i]);
		text_free(&c->example[i].evidence);
		text_free(&c->example[i].runbook);
	}
	c->n_examples = 0;
}

static void cause_done(struct report *r, struct report_cause *c)
{
	char *texts[] = { c->rule, c->fingerprint, c->rule_title, c->title, c->category, c->pack, c->owner, c->retry,
		          c->severity };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	drop_examples(r, c);
}

static bool cause_make(struct report *r, struct report_cause *c, const struct report_log *log)
{
	const char *title;
	size_t length;
	title_of(log, &title, &length);
	*c = (struct report_cause){
		.rule = copy_all(r, log->rule),
		.fingerprint = copy_all(r, *log->rule ? "" : log->fingerprint),
		.rule_title = copy_all(r, log->rule_title),
		.title = copy(r, title, length, MAX_TITLE),
		.category = copy_all(r, log->category),
		.pack = copy_all(r, log->pack),
		.owner = copy_all(r, log->owner),
		.retry = copy_all(r, log->retry),
		.severity = copy_all(r, log->severity),
	};
	if (r->failed_memory)
		cause_done(r, c);
	return !r->failed_memory;
}

/* The cause of the log, made if needed; NULL where there are too many. */
static struct report_cause *find_cause(struct report *r, const struct report_log *log)
{
	if (!grow(r)) {
		r->failed_memory = true;
		return NULL;
	}
	size_t slot = slot_of(r, log->rule, *log->rule ? "" : log->fingerprint);
	if (r->table[slot] == 0) {
		if (r->n_causes == REPORT_CAUSES || !cause_make(r, &r->cause[r->n_causes], log))
			return NULL;
		r->table[slot] = (uint32_t)++r->n_causes;
	}
	return &r->cause[r->table[slot] - 1];
}

int report_compare(const struct report_time *a, const struct report_time *b)
{
	bool a_dated = a->clock != REPORT_CLOCK_NONE, b_dated = b->clock != REPORT_CLOCK_NONE;
	if (a_dated != b_dated)
		return a_dated ? -1 : 1;
	if (!a_dated || a->seconds == b->seconds)
		return 0;
	return a->seconds > b->seconds ? -1 : 1;
}

/* Of those of the same time, what came later. */
static bool is_newer(const struct report_time *a, size_t a_number, const struct report_time *b, size_t b_number)
{
	int order = report_compare(a, b);
	return order ? order < 0 : a_number > b_number;
}

/*
 * Room where examples take too much: causes that are no more common than half of all
 * that have examples lose them. They are not shown with examples unless there are few
 * causes, and then there is room.
 */
static void make_room(struct report *r)
{
	size_t with = 0, lost = 0;
	for (size_t i = 0; i < r->n_causes; i++)
		with += r->cause[i].n_examples > 0;
	for (size_t count = 1; lost * 2 < with; count *= 2) {
		for (size_t i = 0; i < r->n_causes && lost * 2 < with; i++) {
			if (r->cause[i].n_examples && r->cause[i].count <= count) {
				drop_examples(r, &r->cause[i]);
				lost++;
			}
		}
	}
}

/* The first log stays; of the others the newest do. */
static void keep_example(struct report *r, struct report_cause *c, const struct report_log *log)
{
	struct report_example *e = &c->example[c->n_examples];
	if (c->n_examples < REPORT_EXAMPLES) {
		*e = (struct report_example){ 0 };
		c->n_examples++;
	} else {
		e = &c->example[1];
		for (size_t i = 2; i < REPORT_EXAMPLES; i++)
			if (is_newer(&e->time, e->number, &c->example[i].time, c->example[i].number))
				e = &c->example[i];
		if (!is_newer(&log->time, r->logs, &e->time, e->number))
			return;
	}
	r->kept -= example_size(e);
	e->time = log->time;
	e->number = r->logs;
	e->evidence.length = e->runbook.length = 0;
	evidence_add(&e->evidence, log);
	evidence_add_runbook(&e->runbook, log);
	r->kept += example_size(e);
	r->failed_memory = r->failed_memory || e->evidence.failed || e->runbook.failed;
}

static void count_cause(struct report *r, struct report_cause *c, const struct report_log *log)
{
	const char *title;
	size_t length;
	title_of(log, &title, &length);
	length = text_cut(title, length, MAX_TITLE);
	c->count++;
	c->varied = c->varied || strlen(c->title) != length || memcmp(c->title, title, length) != 0;
	if (log->time.clock != REPORT_CLOCK_NONE) {
		int64_t seconds = log->time.seconds;
		c->first = c->dated == 0 || seconds < c->first ? seconds : c->first;
		c->last = c->dated == 0 || seconds > c->last ? seconds : c->last;
		c->dated++;
		buckets_add(&r->buckets, seconds, (uint32_t)(c - r->cause));
		r->failed_memory = r->failed_memory || r->buckets.failed_memory;
	}
	keep_example(r, c, log);
	if (r->kept > REPORT_KEPT)
		make_room(r);
}

/* ---- the table of failures ---- */

static void row_done(struct report_row *row)
{
	free(row->source);
	free(row->title);
	free(row->text);
}

static bool row_newer(const struct report_row *a, const struct report_row *b)
{
	return is_newer(&a->time, a->number, &b->time, b->number);
}

/* Puts the row at `at` to where the heap has its place for it. */
static void sift_down(struct report *r, size_t at)
{
	struct report_row moved = r->row[at];
	for (size_t child; (child = at * 2 + 1) < r->n_rows; at = child) {
		if (child + 1 < r->n_rows && row_newer(&r->row[child], &r->row[child + 1]))
			child++;
		if (!row_newer(&moved, &r->row[child]))
			break;
		r->row[at] = r->row[child];
	}
	r->row[at] = moved;
}

static void sift_up(struct report *r, size_t at)
{
	struct report_row moved = r->row[at];
	for (; at > 0 && row_newer(&r->row[(at - 1) / 2], &moved); at = (at - 1) / 2)
		r->row[at] = r->row[(at - 1) / 2];
	r->row[at] = moved;
}

static void add_row(struct report *r, uint32_t cause, const struct report_log *log)
{
	struct report_row row = { .time = log->time, .number = r->logs, .cause = cause, .line = log->line.number };
	if (!r->row && !(r->row = malloc(REPORT_ROWS * sizeof(*r->row)))) {
		r->failed_memory = true;
		return;
	}
	if (r->n_rows == REPORT_ROWS && !row_newer(&row, &r->row[0]))
		return;
	row.source = copy_all(r, log->source);
	row.title = copy(r, log->title, strlen(log->title), MAX_TEXT);
	row.text = copy(r, log->line.text_length ? log->line.text : "", log->line.text_length, MAX_TEXT);
	if (r->n_rows < REPORT_ROWS) {
		r->row[r->n_rows++] = row;
		sift_up(r, r->n_rows - 1);
	} else {
		row_done(&r->row[0]);
		r->row[0] = row;
		sift_down(r, 0);
	}
}

/* ---- logs ---- */

static void note_time(struct report *r, const struct report_time *t)
{
	if (t->clock == REPORT_CLOCK_NONE)
		return;
	r->first = !r->dated || t->seconds < r->first ? t->seconds : r->first;
	r->last = !r->dated || t->seconds > r->last ? t->seconds : r->last;
	r->dated = true;
}

void report_add(struct report *r, const struct report_log *log)
{
	if (r->failed_memory)
		return;
	r->logs++;
	r->failed += log->outcome == CLSF_FAILED;
	r->passed += log->outcome == CLSF_PASSED;
	r->undetermined += log->outcome == CLSF_UNDETERMINED;
	for (size_t i = 0; i < sizeof(r->warned) / sizeof(r->warned[0]); i++)
		r->warned[i] += log->warnings >> i & 1;
	note_time(r, &log->time);
	if (log->outcome != CLSF_FAILED)
		return;
	r->undated += log->time.clock == REPORT_CLOCK_NONE;
	r->by_file += log->time.clock == REPORT_CLOCK_FILE;
	struct report_cause *cause = find_cause(r, log);
	if (!cause) {
		r->lost += !r->failed_memory;
		return;
	}
	count_cause(r, cause, log);
	add_row(r, (uint32_t)(cause - r->cause), log);
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->n_causes; i++)
		cause_done(r, &r->cause[i]);
	for (size_t i = 0; i < r->n_rows; i++)
		row_done(&r->row[i]);
	buckets_free(&r->buckets);
	free(r->cause);
	free(r->table);
	free(r->row);
	*r = (struct report){ 0 };
}
