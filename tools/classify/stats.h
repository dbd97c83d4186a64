/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_STATS_H
#define TOOL_STATS_H

/* What the files of the command `stats` share: what is asked, and the rows that answer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output.h"
#include "sql.h"
#include "text.h"

#define STATS_MAX_BY 2

enum stats_format {
	STATS_TEXT,
	STATS_JSONL,
	STATS_CSV,
};

/* What logs may be counted by. */
struct stats_key {
	const char *name;
	const char *expression;      /* over the row l of logs and f of files */
	bool failures;               /* only failed logs have it */
	bool times;                  /* its values are in the order of time */
	bool outcomes;               /* it tells failed logs from others: all are counted */
};

struct stats_options {
	struct output_options output;
	enum stats_format format;
	const struct stats_key *by[STATS_MAX_BY];
	size_t n_by;
	char since[40], until[40];   /* "" for none; as the state writes times */
	int64_t top;                 /* rows at most; 0: all; -1: as the format has it */
};

struct stats_totals {
	int64_t files, logs, failed, passed, undetermined;
	char first[40], last[40];    /* of all logs */
	char scanned[40];            /* when the last run began */
};

/* Logs that have the same values. */
struct stats_row {
	const char *name[STATS_MAX_BY];  /* "": they have none */
	int64_t count;               /* logs that failed; by outcome, all of them */
	int64_t logs;                /* all of them, where more than failed ones may have the value; else as count */
	const char *first, *last;    /* from when to when those that are counted go; "" where none is */
	const char *example;         /* the newest of them; NULL: there is none, */
	int64_t line;                /* and the line that shows its failure; 0: none */
};

typedef void (*stats_visitor)(const struct stats_row *row, void *user);

/* The keys there are, and one by its name; NULL when there is none. */
const struct stats_key *stats_keys(size_t *ret_n);
const struct stats_key *stats_key(const char *name);

/* ---- stats_query.c: failures stick to the connection ---- */

void stats_total(struct sql *sql, const struct stats_options *o, struct stats_totals *ret);
/* Calls for each row, in the order of printing. Returns how many more there are than `top`. */
int64_t stats_rows(struct sql *sql, const struct stats_options *o, int64_t top, stats_visitor visit, void *user);
/* The values of the second key, most failures first, or in the order of time. */
void stats_columns(struct sql *sql, const struct stats_options *o, int64_t top, stats_visitor visit, void *user);

/* ---- stats_print.c ---- */

void stats_print(struct sql *sql, const struct stats_options *o, const struct stats_totals *totals, FILE *f);

#endif
