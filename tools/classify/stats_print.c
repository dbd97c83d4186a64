/* SPDX-License-Identifier: Apache-2.0 */
/* `classify stats`: its rows for people, and for programs. See stats.h. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"

#define TEXT_TOP 20          /* rows of the text format, where --top says nothing */
#define TIME_TOP 31
#define BAR 12               /* columns of a bar */
#define DAY 10               /* of a date */
#define MIN_NAME 12
#define CELL 9               /* of a number in a table, with the blanks before it */
#define MAX_COLUMNS 64       /* of a table */

struct printer {
	const struct stats_options *o;
	const struct stats_totals *totals;
	FILE *f;
	struct text t;
	bool blocks;                 /* bars may be drawn with block characters */
	bool failed;                 /* memory was out */

	/* Rows that are kept until their widths are known. */
	struct kept {
		char *name[STATS_MAX_BY], *first, *last, *example;
		int64_t count, logs, line;
	} *rows;
	size_t n_rows, capacity;

	/* Of a table. */
	char *column[MAX_COLUMNS];
	size_t n_columns, more_columns;
};

static void emit(struct printer *p)
{
	if (p->t.failed)
		p->failed = true;
	else
		fwrite(p->t.data, 1, p->t.length, p->f);
	p->t.length = 0;
	p->t.failed = false;
}

static void add(struct text *t, const char *s)
{
	text_add_visible(t, s, strlen(s));
}

static void dim(struct printer *p, bool on)
{
	if (p->o->output.colour)
		text_adds(&p->t, on ? "\x1b[2m" : "\x1b[0m");
}

static const char *shown_name(const char *name)
{
	return *name ? name : "(none)";
}

static size_t columns_of(const char *name)
{
	struct text t = { 0 };
	add(&t, shown_name(name));
	size_t n = t.failed ? strlen(name) : text_columns(t.data ? t.data : "", t.length);
	text_free(&t);
	return n;
}

static void pad(struct text *t, size_t n)
{
	text_addf(t, "%*s", (int)n, "");
}

/* A name, filled up with blanks; one that is too long has a line for itself. */
static void add_name(struct text *t, const char *name, size_t width)
{
	size_t columns = columns_of(name);
	add(t, shown_name(name));
	if (columns > width) {
		text_adds(t, "\n");
		columns = 0;
	}
	pad(t, width - columns);
}

/* 1,234,567 */
static void add_count(struct text *t, int64_t n, size_t width)
{
	char digits[32], out[48];
	int length = snprintf(digits, sizeof(digits), "%" PRId64, n), k = 0;
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0 && digits[i - 1] != '-')
			out[k++] = ',';
		out[k++] = digits[i];
	}
	out[k] = '\0';
	text_addf(t, "%*s", (int)width, out);
}

static void add_bar(struct printer *p, double part)
{
	static const char *const eighths[] = { "", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589" };
	size_t used, whole;
	if (p->blocks) {
		size_t all = (size_t)(part * BAR * 8 + 0.5);
		all = all ? all : part > 0;
		whole = all / 8;
		for (size_t i = 0; i < whole; i++)
			text_adds(&p->t, "\u2588");
		text_adds(&p->t, eighths[all % 8]);
		used = whole + (all % 8 != 0);
	} else {
		used = (size_t)(part * BAR + 0.5);
		used = used ? used : part > 0;
		for (size_t i = 0; i < used; i++)
			text_adds(&p->t, "#");
	}
	pad(&p->t, BAR - used);
}

static double share(int64_t part, int64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

/* ---- what comes first ---- */

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void print_totals(struct printer *p)
{
	const struct stats_totals *s = p->totals;
	struct text *t = &p->t;
	add_count(t, s->logs, 0);
	text_addf(t, " log%s of ", plural(s->logs));
	add_count(t, s->files, 0);
	text_addf(t, " file%s: ", plural(s->files));
	add_count(t, s->failed, 0);
	text_adds(t, " failed, ");
	add_count(t, s->passed, 0);
	text_adds(t, " passed, ");
	add_count(t, s->undetermined, 0);
	text_adds(t, " undetermined\n");
	if (s->first[0])
		text_addf(t, "from %.10s to %.10s, ", s->first, s->last);
	if (s->scanned[0])
		text_addf(t, "last scan %.10s %.5s UTC", s->scanned, s->scanned + 11);
	else
		text_adds(t, "never scanned");
	text_adds(t, "\n");
	emit(p);
}

/* ---- rows that are kept ---- */

static char *keep_string(struct printer *p, const char *s)
{
	char *copy = s ? strdup(s) : NULL;
	p->failed = p->failed || (s && !copy);
	return copy;
}

static void free_kept(struct kept *kept)
{
	for (size_t k = 0; k < STATS_MAX_BY; k++)
		free(kept->name[k]);
	free(kept->first);
	free(kept->last);
	free(kept->example);
}

static void keep_row(const struct stats_row *row, void *user)
{
	struct printer *p = user;
	if (p->n_rows == p->capacity) {
		size_t capacity = p->capacity ? p->capacity * 2 : 64;
		struct kept *grown = realloc(p->rows, capacity * sizeof(*grown));
		if (!grown) {
			p->failed = true;
			return;
		}
		p->rows = grown;
		p->capacity = capacity;
	}
	struct kept *kept = &p->rows[p->n_rows];
	*kept = (struct kept){ .count = row->count, .logs = row->logs, .line = row->line };
	for (size_t i = 0; i < STATS_MAX_BY; i++)
		kept->name[i] = keep_string(p, row->name[i]);
	kept->first = keep_string(p, row->first);
	kept->last = keep_string(p, row->last);
	kept->example = keep_string(p, row->example);
	/* A row is whole or it is missing, and that is told. */
	if (p->failed)
		free_kept(kept);
	else
		p->n_rows++;
}

static void free_rows(struct printer *p)
{
	for (size_t i = 0; i < p->n_rows; i++)
		free_kept(&p->rows[i]);
	free(p->rows);
	for (size_t i = 0; i < p->n_columns; i++)
		free(p->column[i]);
}

static void tell_more(struct printer *p, int64_t more)
{
	if (more <= 0)
		return;
	dim(p, true);
	text_adds(&p->t, "and ");
	add_count(&p->t, more, 0);
	text_addf(&p->t, " more; --top 0 shows all\n");
	dim(p, false);
	emit(p);
}

/* ---- one key: a list ---- */

struct layout {
	size_t name;
	bool logs, bar, first;
};

/* What fits beside the names: where room is scarce the bar goes first, then the first day. */
static struct layout lay_out(const struct printer *p)
{
	const struct stats_key *key = p->o->by[0];
	struct layout l = { .logs = !key->failures && !key->outcomes, .bar = true, .first = !key->times };
	size_t longest = MIN_NAME, width = p->o->output.width;
	for (size_t i = 0; i < p->n_rows; i++) {
		size_t columns = columns_of(p->rows[i].name[0]);
		longest = columns > longest ? columns : longest;
	}
	for (;;) {
		size_t rest = CELL + (l.logs ? CELL : 0) + 8 + (l.bar ? 2 + BAR : 0) + (l.first ? 2 + DAY : 0) +
		              (key->times ? 0 : 2 + DAY);
		size_t room = width > rest + MIN_NAME ? width - rest : MIN_NAME;
		l.name = longest < room ? longest : room;
		if (longest <= room || (!l.bar && !l.first))
			return l;
		if (l.bar)
			l.bar = false;
		else
			l.first = false;
	}
}

static void print_row(struct printer *p, const struct layout *l, const struct kept *row, int64_t most)
{
	const struct stats_key *key = p->o->by[0];
	struct text *t = &p->t;
	int64_t whole = key->outcomes ? p->totals->logs : p->totals->failed;
	add_name(t, row->name[0], l->name);
	add_count(t, row->count, CELL);
	if (l->logs)
		add_count(t, row->logs, CELL);
	text_addf(t, "%7.1f%%", 100 * share(row->count, l->logs ? row->logs : whole));
	if (l->bar) {
		text_adds(t, "  ");
		add_bar(p, share(row->count, most));
	}
	if (l->first)
		text_addf(t, "  %-*.10s", DAY, row->first);
	if (!key->times)
		text_addf(t, "  %-*.10s", DAY, row->last);
	while (t->length && t->data[t->length - 1] == ' ')
		t->length--;
	text_adds(t, "\n");
	if (row->example && !key->times && !key->outcomes && strcmp(key->name, "source") != 0) {
		dim(p, true);
		text_adds(t, "  newest: ");
		add(t, row->example);
		if (row->line)
			text_addf(t, ":%" PRId64, row->line);
		dim(p, false);
		text_adds(t, "\n");
	}
	emit(p);
}

static void print_list(struct printer *p, struct sql *sql)
{
	const struct stats_key *key = p->o->by[0];
	int64_t top = p->o->top >= 0 ? p->o->top : key->times ? TIME_TOP : TEXT_TOP;
	int64_t more = stats_rows(sql, p->o, top, keep_row, p), most = 0;
	struct layout l = lay_out(p);
	for (size_t i = 0; i < p->n_rows; i++)
		most = p->rows[i].count > most ? p->rows[i].count : most;
	if (p->n_rows == 0)
		return;
	text_adds(&p->t, "\n");
	dim(p, true);
	add_name(&p->t, key->name, l.name);
	text_addf(&p->t, "%*s", CELL, key->outcomes ? "logs" : "failed");
	if (l.logs)
		text_addf(&p->t, "%*s", CELL, "of logs");
	text_addf(&p->t, "%8s", l.logs ? "rate" : "share");
	if (l.bar && (l.first || !key->times))
		pad(&p->t, 2 + BAR);
	if (l.first)
		text_addf(&p->t, "  %-*s", DAY, "first");
	if (!key->times)
		text_adds(&p->t, "  last");
	dim(p, false);
	text_adds(&p->t, "\n");
	for (size_t i = 0; i < p->n_rows; i++)
		print_row(p, &l, &p->rows[i], most);
	tell_more(p, more);
}

/* ---- two keys: a table ---- */

static void keep_column(const struct stats_row *row, void *user)
{
	struct printer *p = user;
	if (p->n_columns == MAX_COLUMNS) {
		p->more_columns++;
		return;
	}
	p->column[p->n_columns] = keep_string(p, row->name[0]);
	p->n_columns += p->column[p->n_columns] != NULL;
}

static size_t find_column(const struct printer *p, size_t n, const char *name)
{
	size_t i = 0;
	while (i < n && strcmp(p->column[i], name) != 0)
		i++;
	return i;
}

/* Over the last digits of the first n columns. */
static void add_marks(struct printer *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pad(&p->t, CELL - 1);
		text_adds(&p->t, p->blocks ? "\u2502" : "|");
	}
}

/* Names of columns stand above each other, for they are longer than the numbers below. */
static void print_columns(struct printer *p, size_t name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pad(&p->t, name);
		add_marks(p, i);
		pad(&p->t, CELL - 1);
		text_adds(&p->t, p->blocks ? "\u250c " : "+ ");
		add(&p->t, shown_name(p->column[i]));
		text_adds(&p->t, "\n");
	}
}

static void print_cells(struct printer *p, const char *label, size_t name, const int64_t *cell, size_t n)
{
	int64_t sum = 0;
	add_name(&p->t, label, name);
	for (size_t c = 0; c < n; c++) {
		if (cell[c])
			add_count(&p->t, cell[c], CELL);
		else
			text_addf(&p->t, "%*s", CELL, ".");
		sum += cell[c];
	}
	add_count(&p->t, sum, CELL);
	text_adds(&p->t, "\n");
	emit(p);
}

static void print_table(struct printer *p, struct sql *sql)
{
	const struct stats_key *rows = p->o->by[0];
	int64_t top = p->o->top >= 0 ? p->o->top : rows->times ? TIME_TOP : TEXT_TOP;
	stats_columns(sql, p->o, top, keep_column, p);
	int64_t more = stats_rows(sql, p->o, top, keep_row, p);
	size_t name = MIN_NAME;
	for (size_t i = 0; i < p->n_rows; i++) {
		size_t columns = columns_of(p->rows[i].name[0]);
		name = columns > name ? columns : name;
	}
	/* The sum has a column of its own, and so have the columns that find no room, together. */
	size_t room = p->o->output.width > name + 2 * CELL ? (p->o->output.width - name) / CELL - 1 : 1;
	size_t n = p->n_columns <= room ? p->n_columns : room > 1 ? room - 1 : 1;
	bool others = n < p->n_columns || p->more_columns;
	if (p->n_rows == 0)
		return;
	text_adds(&p->t, "\n");
	dim(p, true);
	print_columns(p, name, n);
	add_name(&p->t, rows->name, name);
	add_marks(p, n);
	if (others)
		text_addf(&p->t, "%*s", CELL, "others");
	text_addf(&p->t, "%*s", CELL, "all");
	dim(p, false);
	text_adds(&p->t, "\n");
	int64_t all[MAX_COLUMNS + 1] = { 0 };
	size_t lines = 0;
	for (size_t i = 0; i < p->n_rows; lines++) {
		int64_t cell[MAX_COLUMNS + 1] = { 0 };
		size_t k = i;
		for (; k < p->n_rows && strcmp(p->rows[k].name[0], p->rows[i].name[0]) == 0; k++) {
			size_t c = find_column(p, n, p->rows[k].name[1]);
			cell[c] += p->rows[k].count;
			all[c] += p->rows[k].count;
		}
		print_cells(p, p->rows[i].name[0], name, cell, n + others);
		i = k;
	}
	if (lines > 1)
		print_cells(p, more ? "those above" : "all", name, all, n + others);
	tell_more(p, more);
}

/* ---- for programs ---- */

static void add_json(struct text *t, const char *s)
{
	if (s && *s)
		text_add_json(t, s, strlen(s));
	else
		text_adds(t, "null");
}

static int64_t whole_of(const struct printer *p)
{
	bool outcomes = false;
	for (size_t i = 0; i < p->o->n_by; i++)
		outcomes = outcomes || p->o->by[i]->outcomes;
	return outcomes ? p->totals->logs : p->totals->failed;
}

static void print_json(const struct stats_row *row, void *user)
{
	struct printer *p = user;
	struct text *t = &p->t;
	text_adds(t, "{\"schema\":1,");
	for (size_t i = 0; i < p->o->n_by; i++) {
		text_addf(t, "\"%s\":", p->o->by[i]->name);
		add_json(t, row->name[i]);
		text_adds(t, ",");
	}
	text_addf(t, "\"count\":%" PRId64 ",\"logs\":%" PRId64 ",\"share\":%.6f,\"first\":", row->count, row->logs,
	          share(row->count, whole_of(p)));
	add_json(t, row->first);
	text_adds(t, ",\"last\":");
	add_json(t, row->last);
	text_adds(t, ",\"example\":");
	add_json(t, row->example);
	if (row->example && row->line)
		text_addf(t, ",\"line\":%" PRId64 "}\n", row->line);
	else
		text_adds(t, ",\"line\":null}\n");
	emit(p);
}

static void print_json_totals(struct printer *p)
{
	const struct stats_totals *s = p->totals;
	struct text *t = &p->t;
	text_addf(t,
	          "{\"schema\":1,\"totals\":{\"files\":%" PRId64 ",\"logs\":%" PRId64 ",\"failed\":%" PRId64
	          ",\"passed\":%" PRId64 ",\"undetermined\":%" PRId64 ",\"first\":",
	          s->files, s->logs, s->failed, s->passed, s->undetermined);
	add_json(t, s->first);
	text_adds(t, ",\"last\":");
	add_json(t, s->last);
	text_adds(t, ",\"scanned\":");
	add_json(t, s->scanned);
	text_adds(t, "}}\n");
	emit(p);
}

static void add_cell(struct text *t, const char *s)
{
	text_add_csv(t, s ? s : "", s ? strlen(s) : 0);
	text_adds(t, ",");
}

static void print_csv(const struct stats_row *row, void *user)
{
	struct printer *p = user;
	struct text *t = &p->t;
	for (size_t i = 0; i < p->o->n_by; i++)
		add_cell(t, row->name[i]);
	text_addf(t, "%" PRId64 ",%" PRId64 ",%.6f,", row->count, row->logs, share(row->count, whole_of(p)));
	add_cell(t, row->first);
	add_cell(t, row->last);
	add_cell(t, row->example);
	if (row->example && row->line)
		text_addf(t, "%" PRId64, row->line);
	text_adds(t, "\r\n");
	emit(p);
}

/* ---- all ---- */

/* Does the terminal, or whoever reads, expect UTF-8? The first of these that is set decides. */
static bool expects_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

void stats_print(struct sql *sql, const struct stats_options *o, const struct stats_totals *totals, FILE *f)
{
	struct printer p = { .o = o, .totals = totals, .f = f, .blocks = expects_utf8() };
	switch (o->format) {
	case STATS_TEXT:
		print_totals(&p);
		if (o->n_by == 1)
			print_list(&p, sql);
		else
			print_table(&p, sql);
		break;
	case STATS_JSONL:
		print_json_totals(&p);
		stats_rows(sql, o, o->top > 0 ? o->top : 0, print_json, &p);
		break;
	case STATS_CSV:
		for (size_t i = 0; i < o->n_by; i++)
			text_addf(&p.t, "%s,", o->by[i]->name);
		text_adds(&p.t, "count,logs,share,first,last,example,line\r\n");
		emit(&p);
		stats_rows(sql, o, o->top > 0 ? o->top : 0, print_csv, &p);
		break;
	}
	if (p.failed)
		sql_fail(sql, "out of memory");
	free_rows(&p);
	text_free(&p.t);
}
