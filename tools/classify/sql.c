/* SPDX-License-Identifier: Apache-2.0 */
/* See sql.h. */

#include "sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define PATIENCE 10000   /* milliseconds for which another program's short transaction is waited for */

struct sql_query {
	struct sql *sql;
	sqlite3_stmt *statement;     /* NULL when it could not be prepared */
	struct sql_query *next;
};

struct sql {
	sqlite3 *db;
	struct sql_query *queries;
	char error[256];
	bool damaged;
};

/* What a code of SQLite means to whoever reads it. */
static void explain(char why[256], sqlite3 *db, int code)
{
	int system = db ? sqlite3_system_errno(db) : 0;
	const char *own = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
	switch (code & 0xff) {
	case SQLITE_FULL:
		snprintf(why, 256, "no space left for it");
		break;
	case SQLITE_NOTADB:
		snprintf(why, 256, "it is no SQLite database, or it is damaged");
		break;
	case SQLITE_CORRUPT:
		snprintf(why, 256, "it is damaged: %s", own);
		break;
	case SQLITE_READONLY:
		snprintf(why, 256, "it may not be written to");
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		snprintf(why, 256, "another program has it locked");
		break;
	case SQLITE_NOMEM:
		snprintf(why, 256, "out of memory");
		break;
	default:
		if (system)
			snprintf(why, 256, "%s: %s", own, strerror(system));
		else
			snprintf(why, 256, "%s", own);
	}
}

static bool is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static void note(struct sql *sql, int code)
{
	if (sql->error[0])
		return;
	explain(sql->error, sql->db, code);
	sql->damaged = is_damage(code);
}

bool sql_is_damaged(const struct sql *sql)
{
	return sql->damaged;
}

void sql_fail(struct sql *sql, const char *why)
{
	if (!sql->error[0])
		snprintf(sql->error, sizeof(sql->error), "%s", why);
}

const char *sql_error(const struct sql *sql)
{
	return sql->error[0] ? sql->error : NULL;
}

/*
 * A database that keeps a write-ahead log needs a file beside it even to be
 * read. Where nothing may be written there, and no log waits to be read, the
 * file is all there is and is read as it stands.
 */
static int open_as_it_stands(const char *path, sqlite3 **ret_db)
{
	struct text name = { 0 };
	text_adds(&name, path);
	text_adds(&name, "-wal");
	text_add(&name, "", 1);
	bool waits = name.failed || access(name.data, F_OK) == 0;
	text_free(&name);
	if (waits)
		return SQLITE_CANTOPEN;
	struct text uri = { 0 };
	text_adds(&uri, "file:");
	if (*path == '/')
		text_adds(&uri, "//");
	for (const char *p = path; *p; p++)
		text_addf(&uri, strchr("%?#", *p) ? "%%%02x" : "%c", *p);
	text_adds(&uri, "?immutable=1");
	text_add(&uri, "", 1);
	int code = uri.failed ? SQLITE_NOMEM
	                      : sqlite3_open_v2(uri.data, ret_db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	text_free(&uri);
	return code;
}

/* Opening only looks for the file: a first question tells whether it can be read. */
static int try_reading(sqlite3 *db)
{
	sqlite3_busy_timeout(db, PATIENCE);
	return sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
}

struct sql *sql_open(const char *path, enum sql_mode mode, char why[256])
{
	bool damaged;
	return sql_open_told(path, mode, &damaged, why);
}

struct sql *sql_open_told(const char *path, enum sql_mode mode, bool *ret_damaged, char why[256])
{
	struct sql *sql = calloc(1, sizeof(*sql));
	int flags = mode == SQL_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	*ret_damaged = false;
	if (!sql) {
		snprintf(why, 256, "out of memory");
		return NULL;
	}
	int code = sqlite3_open_v2(path, &sql->db, flags, NULL);
	if (code == SQLITE_OK)
		code = try_reading(sql->db);
	if (mode == SQL_READ && ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY) &&
	    access(path, R_OK) == 0) {
		sqlite3 *db = NULL;
		int other = open_as_it_stands(path, &db);
		if (other == SQLITE_OK)
			other = try_reading(db);
		if (other == SQLITE_OK) {
			sqlite3_close(sql->db);
			sql->db = db;
			code = SQLITE_OK;
		} else {
			sqlite3_close(db);
		}
	}
	if (code == SQLITE_OK)
		return sql;
	*ret_damaged = is_damage(code);
	explain(why, sql->db, code);
	sqlite3_close(sql->db);
	free(sql);
	return NULL;
}

void sql_close(struct sql *sql)
{
	if (!sql)
		return;
	while (sql->queries)
		sql_finish(sql->queries);
	sqlite3_close(sql->db);
	free(sql);
}

void sql_run(struct sql *sql, const char *statements)
{
	if (sql_error(sql))
		return;
	int code = sqlite3_exec(sql->db, statements, NULL, NULL, NULL);
	if (code != SQLITE_OK)
		note(sql, code);
}

int64_t sql_number(struct sql *sql, const char *statement)
{
	struct sql_query *q = sql_prepare(sql, statement);
	int64_t number = sql_step(q) ? sql_get_number(q, 0) : 0;
	sql_finish(q);
	return number;
}

int64_t sql_last_row(const struct sql *sql)
{
	return sqlite3_last_insert_rowid(sql->db);
}

int64_t sql_changes(const struct sql *sql)
{
	return sqlite3_changes64(sql->db);
}

struct sql_query *sql_prepare(struct sql *sql, const char *statement)
{
	struct sql_query *q = calloc(1, sizeof(*q));
	static struct sql_query none;    /* is at its end for ever */
	if (!q) {
		sql_fail(sql, "out of memory");
		return &none;
	}
	q->sql = sql;
	q->next = sql->queries;
	sql->queries = q;
	if (sql_error(sql))
		return q;
	int code = sqlite3_prepare_v3(sql->db, statement, -1, SQLITE_PREPARE_PERSISTENT, &q->statement, NULL);
	if (code != SQLITE_OK)
		note(sql, code);
	return q;
}

void sql_finish(struct sql_query *q)
{
	if (!q || !q->sql)
		return;
	struct sql_query **at = &q->sql->queries;
	while (*at && *at != q)
		at = &(*at)->next;
	if (*at)
		*at = q->next;
	sqlite3_finalize(q->statement);
	free(q);
}

static void check(struct sql_query *q, int code)
{
	if (code != SQLITE_OK)
		note(q->sql, code);
}

void sql_bind_number(struct sql_query *q, int at, int64_t number)
{
	if (q->statement)
		check(q, sqlite3_bind_int64(q->statement, at, number));
}

void sql_bind_null(struct sql_query *q, int at)
{
	if (q->statement)
		check(q, sqlite3_bind_null(q->statement, at));
}

void sql_bind_text(struct sql_query *q, int at, const char *data, size_t length)
{
	if (q->statement)
		check(q, sqlite3_bind_text64(q->statement, at, data, length, SQLITE_STATIC, SQLITE_UTF8));
}

void sql_bind_string(struct sql_query *q, int at, const char *string)
{
	if (string && *string)
		sql_bind_text(q, at, string, strlen(string));
	else
		sql_bind_null(q, at);
}

void sql_bind_blob(struct sql_query *q, int at, const void *data, size_t length)
{
	if (q->statement)
		check(q, sqlite3_bind_blob64(q->statement, at, data, length, SQLITE_STATIC));
}

void sql_bind_bytes(struct sql_query *q, int at, const char *data, size_t length)
{
	if (text_is_utf8(data, length) && !memchr(data, '\0', length))
		sql_bind_text(q, at, data, length);
	else
		sql_bind_blob(q, at, data, length);
}

bool sql_step(struct sql_query *q)
{
	if (!q->statement)
		return false;
	if (!sql_error(q->sql)) {
		int code = sqlite3_step(q->statement);
		if (code == SQLITE_ROW)
			return true;
		if (code != SQLITE_DONE)
			note(q->sql, code);
	}
	sqlite3_reset(q->statement);
	return false;
}

void sql_do(struct sql_query *q)
{
	while (sql_step(q))
		;
}

void sql_reset(struct sql_query *q)
{
	if (q->statement)
		sqlite3_reset(q->statement);
}

bool sql_is_null(const struct sql_query *q, int column)
{
	return sqlite3_column_type(q->statement, column) == SQLITE_NULL;
}

int64_t sql_get_number(const struct sql_query *q, int column)
{
	return sqlite3_column_int64(q->statement, column);
}

const char *sql_get_text(const struct sql_query *q, int column, size_t *ret_length)
{
	/* A blob comes out as the same bytes, with a NUL behind them. */
	const char *text = (const char *)sqlite3_column_text(q->statement, column);
	if (ret_length)
		*ret_length = text ? (size_t)sqlite3_column_bytes(q->statement, column) : 0;
	return text ? text : "";
}
