/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See queue_file.h. Every commit is on the disk before it counts: the write-ahead log is synced.
 */

#include "queue_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "../classify/sql.h"
#include "log.h"

#define VERSION 1
#define RESERVE ((uint64_t)16 << 20)     /* bytes of the disk that are left, for removing needs some, too */
#define FREE_PAGES 2560          /* empty pages of a file, 10 MiB, before it is made smaller */

static const char settings[] =
	"PRAGMA locking_mode=EXCLUSIVE;"
	"PRAGMA auto_vacuum=INCREMENTAL;"
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=FULL;";

static const char setup[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL,"
	" entries INTEGER NOT NULL, ends INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS position (key BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,"
	" value BLOB NOT NULL, mark INTEGER NOT NULL, former INTEGER NOT NULL, PRIMARY KEY (key, device, inode))"
	" WITHOUT ROWID;"
	"PRAGMA user_version=1;"
	"COMMIT;";

static struct {
	struct sql *sql;
	const char *path;
	struct sql_query *append, *oldest, *remove, *set, *forget;
	unsigned generation;
	bool starved;                /* the disk is nearly full: once it is empty, the file is made small */
	bool told;                   /* what is wrong: once, until something works */
} file;

static bool fault(const char *path, const char *why)
{
	if (!file.told)
		log_write(LOG_ERROR, "the queue cannot be used", "file", path ? path : "", "err", why, NULL);
	file.told = true;
	return false;
}

/* Renames the file and what SQLite keeps beside it. */
static bool put_aside(const char *path, const char *why)
{
	static const char *const kinds[] = { "", "-wal", "-shm" };
	char from[4200], to[4300];
	for (size_t i = 0; i < 3; i++) {
		snprintf(from, sizeof(from), "%s%s", path, kinds[i]);
		snprintf(to, sizeof(to), "%s.damaged-%lld%s", path, (long long)time(NULL), kinds[i]);
		if (rename(from, to) != 0 && (i == 0 || errno != ENOENT))
			return fault(path, strerror(errno));
		if (i == 0)
			log_write(LOG_ERROR, "the queue is damaged; it was put aside, and a new one is begun", "file", path,
			          "now", to, "err", why, NULL);
	}
	file.generation++;
	return true;
}

/* Logs may hold anything: the file is for its owner alone. */
static bool make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_whole(struct sql *sql)
{
	struct sql_query *q = sql_prepare(sql, "PRAGMA quick_check(1)");
	bool whole = sql_step(q) && strcmp(sql_get_text(q, 0, NULL), "ok") == 0;
	sql_finish(q);
	return whole;
}

/* Opens it once. False: *ret_damaged says whether another file would help. */
static bool try_open(const char *path, bool *ret_damaged, char why[256])
{
	*ret_damaged = false;
	if (!make(path)) {
		snprintf(why, 256, "%s", strerror(errno));
		return false;
	}
	struct sql *sql = sql_open_told(path, SQL_WRITE, ret_damaged, why);
	if (!sql)
		return false;
	int64_t version = sql_number(sql, "PRAGMA user_version");
	if (!sql_error(sql) && version > VERSION) {
		snprintf(why, 256, "a later version has made it");
		sql_close(sql);
		return false;
	}
	sql_run(sql, settings);
	if (version < VERSION)
		sql_run(sql, setup);
	if (!sql_error(sql) && !is_whole(sql)) {
		*ret_damaged = true;
		snprintf(why, 256, "%s", sql_error(sql) ? sql_error(sql) : "its pages do not fit together");
	} else if (sql_error(sql)) {
		*ret_damaged = sql_is_damaged(sql);
		snprintf(why, 256, "%s", sql_error(sql));
	} else {
		file.sql = sql;
		return true;
	}
	sql_close(sql);
	return false;
}

static bool close_for(const char *path)
{
	char why[256];
	snprintf(why, sizeof(why), "%s", sql_error(file.sql));
	sql_close(file.sql);
	file.sql = NULL;
	return fault(path, why);
}

bool queue_file_open(const char *path, struct queue_counts *ret)
{
	char why[256];
	bool damaged;
	file.path = path;
	if (file.sql && !sql_error(file.sql))
		return true;
	if (file.sql)
		close_for(path);
	if (!try_open(path, &damaged, why) &&
	    !(damaged && put_aside(path, why) && try_open(path, &damaged, why)))
		return fault(path, why);
	file.append = sql_prepare(file.sql, "INSERT INTO batch (body, entries, ends) VALUES (?, ?, ?)");
	file.oldest = sql_prepare(file.sql, "SELECT id, body, entries, ends FROM batch ORDER BY id LIMIT 1");
	file.remove = sql_prepare(file.sql, "DELETE FROM batch WHERE id = ?");
	file.set = sql_prepare(file.sql, "INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?, ?, ?)");
	file.forget = sql_prepare(file.sql, "DELETE FROM position WHERE key = ? AND device = ? AND inode = ?");
	ret->batches = (uint64_t)sql_number(file.sql, "SELECT count(*) FROM batch");
	ret->entries = (uint64_t)sql_number(file.sql, "SELECT coalesce(sum(entries), 0) FROM batch");
	ret->bytes = (uint64_t)sql_number(file.sql, "SELECT coalesce(sum(length(body)), 0) FROM batch");
	ret->generation = file.generation;
	return sql_error(file.sql) ? close_for(path) : true;
}

static enum queue_file_result finished(void)
{
	if (!sql_error(file.sql)) {
		file.told = false;
		return QUEUE_FILE_GOOD;
	}
	close_for(file.path);
	return QUEUE_FILE_FAULT;
}

static void write_position(const struct position *p)
{
	struct sql_query *q = p->gone ? file.forget : file.set;
	sql_bind_blob(q, 1, p->key, strlen(p->key));
	sql_bind_number(q, 2, (int64_t)p->device);
	sql_bind_number(q, 3, (int64_t)p->inode);
	if (!p->gone) {
		sql_bind_blob(q, 4, p->value, strlen(p->value));
		sql_bind_number(q, 5, (int64_t)p->check);
		sql_bind_number(q, 6, p->former);
	}
	sql_do(q);
	if (p->inode) {
		/* What was taken over from a file of promtail's is known better now. */
		sql_bind_blob(file.forget, 1, p->key, strlen(p->key));
		sql_bind_number(file.forget, 2, 0);
		sql_bind_number(file.forget, 3, 0);
		sql_do(file.forget);
	}
}

/*
 * A queue that filled the disk could not be emptied: what is removed is first written to the log of
 * SQLite. So a disk counts as full while there is room for that; one batch at a time still goes.
 */
static bool has_room(size_t length)
{
	struct statvfs disk;
	bool known = length != 0 && statvfs(file.path, &disk) == 0;
	uint64_t free_bytes = known ? (uint64_t)disk.f_bavail * disk.f_frsize : 0, wanted = 4 * (uint64_t)length;
	if (!known || free_bytes >= RESERVE + wanted ||
	    (free_bytes >= wanted && sql_number(file.sql, "SELECT count(*) FROM (SELECT 1 FROM batch LIMIT 1)") == 0)) {
		file.starved = false;
		return true;
	}
	file.starved = true;
	return fault(file.path, "less than 16 MiB of its disk are free; nothing is read until there are more");
}

enum queue_file_result queue_file_append(const struct queue_batch *b)
{
	if (!has_room(b->length))
		return QUEUE_FILE_FAULT;
	sql_run(file.sql, "BEGIN IMMEDIATE");
	if (b->length) {
		sql_bind_blob(file.append, 1, b->body, b->length);
		sql_bind_number(file.append, 2, (int64_t)b->entries);
		sql_bind_number(file.append, 3, b->ends);
		sql_do(file.append);
	}
	for (size_t i = 0; i < b->n_positions; i++)
		write_position(&b->positions[i]);
	sql_run(file.sql, "COMMIT");
	return finished();
}

enum queue_file_result queue_file_oldest(struct queue_item *ret)
{
	struct queue_item item = { .generation = file.generation };
	size_t length;
	bool found = sql_step(file.oldest);
	if (found) {
		const char *body = sql_get_text(file.oldest, 1, &length);
		item.id = sql_get_number(file.oldest, 0);
		item.entries = (size_t)sql_get_number(file.oldest, 2);
		item.ends = sql_get_number(file.oldest, 3) != 0;
		if (!bytes_add(&item.body, body, length))
			sql_fail(file.sql, "out of memory");
		sql_reset(file.oldest);
	}
	enum queue_file_result result = finished();
	if (result == QUEUE_FILE_GOOD && found)
		*ret = item;
	else
		bytes_free(&item.body);
	return result == QUEUE_FILE_GOOD && !found ? QUEUE_FILE_NONE : result;
}

enum queue_file_result queue_file_remove(const struct queue_item *item, bool last)
{
	if (item->generation != file.generation)
		return QUEUE_FILE_NONE;          /* it went aside with its file */
	sql_bind_number(file.remove, 1, item->id);
	sql_do(file.remove);
	bool removed = sql_changes(file.sql) > 0;
	enum queue_file_result result = finished();
	/* What fails here is met by the next call. */
	if (result == QUEUE_FILE_GOOD && last &&
	    (file.starved || sql_number(file.sql, "PRAGMA freelist_count") > FREE_PAGES))
		sql_run(file.sql, "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
	return result == QUEUE_FILE_GOOD && !removed ? QUEUE_FILE_NONE : result;
}

bool queue_file_positions(void)
{
	struct sql_query *q = sql_prepare(file.sql, "SELECT key, device, inode, value, mark, former FROM position");
	bool any = false;
	while (sql_step(q)) {
		const struct position p = {
			.key = sql_get_text(q, 0, NULL), .device = (uint64_t)sql_get_number(q, 1),
			.inode = (uint64_t)sql_get_number(q, 2), .value = sql_get_text(q, 3, NULL),
			.check = (uint64_t)sql_get_number(q, 4), .former = sql_get_number(q, 5) != 0,
		};
		positions_set(&p);
		any = true;
	}
	sql_finish(q);
	return any;
}

void queue_file_close(void)
{
	sql_close(file.sql);
	file.sql = NULL;
}
