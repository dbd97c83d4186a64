/* SPDX-License-Identifier: Apache-2.0 */
/* `classify stats`: what is asked becomes SQL, and its answers rows. See stats.h. */

#include <stdio.h>
#include <string.h>

#include "stats.h"

/*
 * A week is named by its Monday. A file stands for its logs, so that an archive
 * is one source. What a log does not have is "".
 */
static const struct stats_key keys[] = {
	{ .name = "category", .expression = "coalesce(l.category, '')", .failures = true },
	{ .name = "rule", .expression = "coalesce(l.rule, '')", .failures = true },
	{ .name = "pack", .expression = "coalesce(l.pack, '')", .failures = true },
	{ .name = "owner", .expression = "coalesce(l.owner, '')", .failures = true },
	{ .name = "severity", .expression = "coalesce(l.severity, '')", .failures = true },
	{ .name = "system", .expression = "coalesce(l.system, '')" },
	{ .name = "source", .expression = "f.path" },
	{ .name = "outcome", .expression = "l.outcome", .outcomes = true },
	{ .name = "day", .expression = "coalesce(substr(l.last_time, 1, 10), '')", .times = true },
	{ .name = "week", .expression = "coalesce(date(l.last_time, 'weekday 0', '-6 days'), '')", .times = true },
	{ .name = "month", .expression = "coalesce(substr(l.last_time, 1, 7), '')", .times = true },
};

const struct stats_key *stats_keys(size_t *ret_n)
{
	*ret_n = sizeof(keys) / sizeof(keys[0]);
	return keys;
}

const struct stats_key *stats_key(const char *name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* ---- parts of statements ---- */

#define FROM " FROM logs l JOIN files f ON f.id = l.file"

static bool only_failures(const struct stats_options *o)
{
	bool any = false;
	for (size_t i = 0; i < o->n_by; i++)
		any = any || o->by[i]->failures;
	return any;
}

static bool counts_outcomes(const struct stats_options *o)
{
	bool any = false;
	for (size_t i = 0; i < o->n_by; i++)
		any = any || o->by[i]->outcomes;
	return any;
}

/* The logs that are asked for. */
static void add_where(struct text *t, const struct stats_options *o, bool failures)
{
	text_adds(t, " WHERE 1");
	if (failures)
		text_adds(t, " AND l.outcome = 'failed'");
	if (o->since[0])
		text_addf(t, " AND l.last_time >= '%s'", o->since);
	if (o->until[0])
		text_addf(t, " AND l.last_time < '%s'", o->until);
}

/* What of a group is counted, as a condition. */
static const char *counted(const struct stats_options *o)
{
	return counts_outcomes(o) ? "1" : "l.outcome = 'failed'";
}

static struct sql_query *prepare(struct sql *sql, struct text *t)
{
	text_add(t, "", 1);
	if (t->failed)
		sql_fail(sql, "out of memory");
	struct sql_query *q = sql_prepare(sql, t->failed ? "" : t->data);
	text_free(t);
	return q;
}

static void copy(char out[40], const struct sql_query *q, int column)
{
	snprintf(out, 40, "%s", sql_get_text(q, column, NULL));
}

void stats_total(struct sql *sql, const struct stats_options *o, struct stats_totals *ret)
{
	struct text t = { 0 };
	*ret = (struct stats_totals){ 0 };
	text_adds(&t, "SELECT count(*), sum(l.outcome = 'failed'), sum(l.outcome = 'passed'), count(DISTINCT l.file),"
	              " min(l.first_time), max(l.last_time)" FROM);
	add_where(&t, o, false);
	struct sql_query *q = prepare(sql, &t);
	if (sql_step(q)) {
		ret->logs = sql_get_number(q, 0);
		ret->failed = sql_get_number(q, 1);
		ret->passed = sql_get_number(q, 2);
		ret->files = sql_get_number(q, 3);
		ret->undetermined = ret->logs - ret->failed - ret->passed;
		copy(ret->first, q, 4);
		copy(ret->last, q, 5);
	}
	sql_finish(q);
	q = sql_prepare(sql, "SELECT begun FROM runs ORDER BY id DESC LIMIT 1");
	if (sql_step(q))
		copy(ret->scanned, q, 0);
	sql_finish(q);
}

/*
 * The values of the first key that are printed where not all are: those with
 * the most failures, or the newest.
 */
static void add_chosen(struct text *t, const struct stats_options *o, int64_t top)
{
	const struct stats_key *key = o->by[0];
	text_addf(t, " AND %s IN (SELECT k FROM (SELECT %s AS k, sum(%s) AS n" FROM, key->expression, key->expression,
	          counted(o));
	add_where(t, o, only_failures(o));
	text_addf(t, " GROUP BY k ORDER BY %s LIMIT %lld))", key->times ? "k DESC" : "n DESC, k",
	          (long long)top);
}

static int64_t count_values(struct sql *sql, const struct stats_options *o)
{
	struct text t = { 0 };
	text_addf(&t, "SELECT count(DISTINCT %s)" FROM, o->by[0]->expression);
	add_where(&t, o, only_failures(o));
	struct sql_query *q = prepare(sql, &t);
	int64_t n = sql_step(q) ? sql_get_number(q, 0) : 0;
	sql_finish(q);
	return n;
}

/* The newest of those that are counted, found by the row number behind its time. */
static void find_example(struct sql_query *q, const char *newest, struct stats_row *row)
{
	const char *id = strrchr(newest, ' ');
	int64_t number = 0;
	for (const char *p = id ? id + 1 : ""; *p >= '0' && *p <= '9'; p++)
		number = number * 10 + (*p - '0');
	sql_bind_number(q, 1, number);
	row->example = NULL;
	if (sql_step(q)) {
		row->example = sql_get_text(q, 0, NULL);
		row->line = sql_get_number(q, 1);
	}
}

int64_t stats_rows(struct sql *sql, const struct stats_options *o, int64_t top, stats_visitor visit, void *user)
{
	struct text t = { 0 };
	const char *what = counted(o);
	int64_t values = top ? count_values(sql, o) : 0;
	text_adds(&t, "SELECT");
	for (size_t i = 0; i < STATS_MAX_BY; i++)
		text_addf(&t, " %s AS k%zu,", i < o->n_by ? o->by[i]->expression : "NULL", i);
	text_addf(&t, " sum(%s) AS n, count(*), min(CASE WHEN %s THEN l.first_time END),"
	              " max(CASE WHEN %s THEN l.last_time END),"
	              " max(CASE WHEN %s THEN coalesce(l.last_time, '') || printf(' %%018d', l.id) END)" FROM,
	          what, what, what, what);
	add_where(&t, o, only_failures(o));
	if (top && values > top)
		add_chosen(&t, o, top);
	text_adds(&t, " GROUP BY k0, k1 ORDER BY");
	if (o->n_by == 2)
		text_addf(&t, " %s k0,", o->by[0]->times ? "" : "sum(n) OVER (PARTITION BY k0) DESC,");
	const struct stats_key *last = o->by[o->n_by - 1];
	text_addf(&t, " %s k0, k1", last->times ? "" : "n DESC,");
	struct sql_query *q = prepare(sql, &t);
	struct sql_query *example = sql_prepare(sql, "SELECT source, line FROM logs WHERE id = ?1");
	while (sql_step(q)) {
		struct stats_row row = { .count = sql_get_number(q, 2), .logs = sql_get_number(q, 3) };
		for (int i = 0; i < STATS_MAX_BY; i++)
			row.name[i] = sql_get_text(q, i, NULL);
		row.first = sql_get_text(q, 4, NULL);
		row.last = sql_get_text(q, 5, NULL);
		find_example(example, sql_get_text(q, 6, NULL), &row);
		visit(&row, user);
		sql_reset(example);
	}
	sql_finish(example);
	sql_finish(q);
	return top && values > top ? values - top : 0;
}

void stats_columns(struct sql *sql, const struct stats_options *o, int64_t top, stats_visitor visit, void *user)
{
	struct text t = { 0 };
	text_addf(&t, "SELECT %s AS k, sum(%s) AS n" FROM, o->by[1]->expression, counted(o));
	add_where(&t, o, only_failures(o));
	if (top && count_values(sql, o) > top)
		add_chosen(&t, o, top);
	text_addf(&t, " GROUP BY k ORDER BY %s k", o->by[1]->times ? "" : "n DESC,");
	struct sql_query *q = prepare(sql, &t);
	while (sql_step(q)) {
		struct stats_row row = { .count = sql_get_number(q, 1) };
		row.name[0] = sql_get_text(q, 0, NULL);
		visit(&row, user);
	}
	sql_finish(q);
}
