/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_SQL_H
#define TOOL_SQL_H

/*
 * SQLite behind few functions, so that the rest sees no SQL library: only sql.c
 * includes sqlite3.h. What goes wrong sticks: from then on nothing is done, every
 * query is at its end, and sql_error() tells what the first failure was. So it is
 * enough to look once, where something is finished.
 *
 * A connection belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sql;
struct sql_query;

enum sql_mode {
	SQL_READ,            /* the file is only read; nothing is written beside it where that is not possible */
	SQL_WRITE,           /* it is made if it is not there */
};

/* Opens a file. NULL: `why` says what is wrong. */
struct sql *sql_open(const char *path, enum sql_mode mode, char why[256]);
/* The same; where it returns NULL, *ret_damaged is whether the file is damaged, or no database at all. */
struct sql *sql_open_told(const char *path, enum sql_mode mode, bool *ret_damaged, char why[256]);
void sql_close(struct sql *sql);

/* NULL as long as nothing went wrong. */
const char *sql_error(const struct sql *sql);
/* Whether what went wrong is that the file is damaged. */
bool sql_is_damaged(const struct sql *sql);
/* Notes a failure of the caller's own. */
void sql_fail(struct sql *sql, const char *why);

/* Runs statements that have no parameters and no results. */
void sql_run(struct sql *sql, const char *statements);
/* The one number that a statement gives; 0 when there is none. */
int64_t sql_number(struct sql *sql, const char *statement);
/* The row that was inserted last. */
int64_t sql_last_row(const struct sql *sql);
/* Rows that the last statement changed. */
int64_t sql_changes(const struct sql *sql);

/* Prepares a statement, which lives until sql_close() or sql_finish(). Never NULL. */
struct sql_query *sql_prepare(struct sql *sql, const char *statement);
void sql_finish(struct sql_query *query);

/* Parameters count from 1. Texts are borrowed until sql_reset(). */
void sql_bind_number(struct sql_query *q, int at, int64_t number);
void sql_bind_null(struct sql_query *q, int at);
void sql_bind_text(struct sql_query *q, int at, const char *data, size_t length);
/* A string that ends in NUL; "" and NULL become NULL. */
void sql_bind_string(struct sql_query *q, int at, const char *string);
/* Bytes that are never compared with a text. */
void sql_bind_blob(struct sql_query *q, int at, const void *data, size_t length);
/* Bytes of whatever kind: a text where they are UTF-8 without NUL, a blob otherwise. */
void sql_bind_bytes(struct sql_query *q, int at, const char *data, size_t length);

/* The next row; false at the end, after which the query may be bound and stepped anew. */
bool sql_step(struct sql_query *q);
/* Steps to the end. */
void sql_do(struct sql_query *q);
/* Ends it early. */
void sql_reset(struct sql_query *q);

/* Columns count from 0; what they give is valid until the next step. */
bool sql_is_null(const struct sql_query *q, int column);
int64_t sql_get_number(const struct sql_query *q, int column);
/* Never NULL, and ends in NUL. */
const char *sql_get_text(const struct sql_query *q, int column, size_t *ret_length);

#endif
