/* SPDX-License-Identifier: Apache-2.0 */
/* See state.h: the life of a state, and the files in it. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "state_store.h"

#define STRING(x) #x
#define VALUE(x) STRING(x)

/*
 * One run at a time holds this byte of the file locked, far behind those that
 * SQLite locks itself. The kernel lets it go however the run ends.
 */
#define LOCK_BYTE 0x50000000

#define MAX_PENDING 1000                     /* files of one transaction */
#define MAX_SECONDS UINT64_C(1000000000)     /* nanoseconds that one is open, between files */
#define SETTLED INT64_C(2000000000)          /* nanoseconds after which a file's time tells a change for sure */

static const char schema[] =
	"CREATE TABLE runs (id INTEGER PRIMARY KEY, begun TEXT NOT NULL, ended TEXT, version TEXT NOT NULL,"
	" ruleset TEXT NOT NULL, options TEXT NOT NULL, files INTEGER NOT NULL DEFAULT 0,"
	" logs INTEGER NOT NULL DEFAULT 0, unchanged_files INTEGER NOT NULL DEFAULT 0,"
	" unchanged_logs INTEGER NOT NULL DEFAULT 0, interrupted INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE rulesets (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, options TEXT NOT NULL,"
	" UNIQUE (hash, options));"
	"CREATE TABLE rules (ruleset INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE, id TEXT NOT NULL,"
	" pack TEXT, title TEXT, category TEXT, role TEXT, severity TEXT, owner TEXT, retry TEXT, condition TEXT,"
	" whole TEXT, PRIMARY KEY (ruleset, id)) WITHOUT ROWID;"
	"CREATE TABLE files (id INTEGER PRIMARY KEY, path NOT NULL UNIQUE, size INTEGER, mtime INTEGER, content TEXT,"
	" checked INTEGER NOT NULL, ruleset INTEGER NOT NULL REFERENCES rulesets (id),"
	" run INTEGER NOT NULL REFERENCES runs (id), logs INTEGER NOT NULL DEFAULT 0,"
	" limited INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE runbooks (id INTEGER PRIMARY KEY, cause TEXT NOT NULL, fix TEXT NOT NULL, prevent TEXT NOT NULL,"
	" url TEXT NOT NULL, UNIQUE (cause, fix, prevent, url));"
	"CREATE TABLE logs (id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,"
	" source NOT NULL, outcome TEXT NOT NULL, category TEXT, rule TEXT, pack TEXT, system TEXT, severity TEXT,"
	" owner TEXT, retry TEXT, title TEXT, line INTEGER, offset INTEGER, length INTEGER, text TEXT, before TEXT,"
	" after TEXT, fields TEXT NOT NULL, runbook INTEGER REFERENCES runbooks (id), fingerprint TEXT,"
	" telling TEXT NOT NULL, also TEXT NOT NULL, warnings TEXT NOT NULL, lines INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, first_time TEXT, last_time TEXT, timed INTEGER NOT NULL);"
	"CREATE INDEX logs_file ON logs (file);"
	"CREATE INDEX logs_runbook ON logs (runbook) WHERE runbook IS NOT NULL;"
	"CREATE TABLE matches (log INTEGER NOT NULL REFERENCES logs (id) ON DELETE CASCADE, rule TEXT NOT NULL,"
	" count INTEGER NOT NULL, first_line INTEGER NOT NULL, last_line INTEGER NOT NULL, PRIMARY KEY (log, rule))"
	" WITHOUT ROWID;"
	"CREATE VIEW failures AS SELECT l.source, l.category, l.rule, l.title, l.line, l.text, l.fields, l.severity,"
	" l.owner, l.retry, l.pack, l.system, l.fingerprint, l.first_time, l.last_time, r.cause, r.fix, r.prevent,"
	" r.url, f.path, l.id AS log FROM logs l JOIN files f ON f.id = l.file LEFT JOIN runbooks r"
	" ON r.id = l.runbook WHERE l.outcome = 'failed';"
	"PRAGMA application_id = " VALUE(STATE_ID) ";"
	"PRAGMA user_version = " VALUE(STATE_FORMAT) ";";

/* What no file and no log refers to any more. */
#define TIDY "DELETE FROM rulesets WHERE id NOT IN (SELECT ruleset FROM files);" \
	"DELETE FROM runbooks WHERE NOT EXISTS (SELECT 1 FROM logs WHERE runbook = runbooks.id);"

/* ---- opening ---- */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int state_check(struct sql *sql, char why[256])
{
	int64_t id = sql_number(sql, "PRAGMA application_id");
	int64_t format = sql_number(sql, "PRAGMA user_version");
	int64_t tables = sql_number(sql, "SELECT count(*) FROM sqlite_schema");
	const char *error = sql_error(sql);
	if (error)
		snprintf(why, 256, "%s", error);
	else if (id == 0 && format == 0 && tables == 0)
		return 1;
	else if (id != STATE_ID)
		snprintf(why, 256, "it is a database of something else");
	else if (format != STATE_FORMAT)
		snprintf(why, 256, "it has format %lld, and this version knows %d", (long long)format, STATE_FORMAT);
	else
		return 0;
	return -1;
}

/* The file, made if needed, and locked by this run. -1 and the reason. */
static int take_lock(const char *path, char why[256], bool *ret_busy)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	*ret_busy = false;
	if (fd < 0) {
		snprintf(why, 256, "%s", strerror(errno));
		return -1;
	}
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_BYTE, .l_len = 1 };
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return fd;
	*ret_busy = errno == EAGAIN || errno == EACCES;
	snprintf(why, 256, "%s", *ret_busy ? "another run is using it" : strerror(errno));
	close(fd);
	return -1;
}

/* Makes the tables where there are none. All of them or none: a run that is killed here leaves an empty file. */
static bool set_up(struct state *st, char why[256])
{
	int found = state_check(st->sql, why);
	if (found < 0)
		return false;
	/* Its log beside the file lets others read while a run writes, and a commit waits for no disk. */
	sql_run(st->sql, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
	                 "PRAGMA temp_store = MEMORY");
	if (found == 1) {
		sql_run(st->sql, "BEGIN IMMEDIATE");
		sql_run(st->sql, schema);
		sql_run(st->sql, "COMMIT");
	}
	if (!sql_error(st->sql))
		return true;
	snprintf(why, 256, "%s", sql_error(st->sql));
	return false;
}

#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

static void begin_run(struct state *st)
{
	struct sql_query *q = sql_prepare(st->sql, "SELECT begun FROM runs ORDER BY id DESC LIMIT 1");
	if (sql_step(q))
		snprintf(st->sums.since, sizeof(st->sums.since), "%s", sql_get_text(q, 0, NULL));
	sql_finish(q);
	sql_run(st->sql, "BEGIN IMMEDIATE");
	state__ruleset_write(st);
	q = sql_prepare(st->sql,
	                "INSERT INTO runs (begun, version, ruleset, options) VALUES (" NOW ", ?1, ?2, ?3)");
	sql_bind_string(q, 1, clsf_version());
	sql_bind_string(q, 2, clsf_ruleset_hash(st->ruleset));
	sql_bind_text(q, 3, st->options, strlen(st->options));
	sql_do(q);
	sql_finish(q);
	st->run = sql_last_row(st->sql);
	sql_run(st->sql, "COMMIT");
}

static void prepare(struct state *st)
{
	st->look = sql_prepare(st->asking, "SELECT id, size, mtime, content, checked, ruleset, logs, limited FROM files"
	                                " WHERE path = ?1");
	st->knew = sql_prepare(st->asking, "SELECT DISTINCT m.rule FROM logs l JOIN matches m ON m.log = l.id"
	                                " WHERE l.file = ?1");
	st->forget = sql_prepare(st->sql, "DELETE FROM logs WHERE file = ?1");
	st->file_new = sql_prepare(st->sql,
		"INSERT INTO files (path, size, mtime, content, checked, ruleset, run) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
		" ON CONFLICT (path) DO UPDATE SET size = ?2, mtime = ?3, content = ?4, checked = ?5, ruleset = ?6,"
		" run = ?7, logs = 0, limited = 0 RETURNING id");
	st->file_end = sql_prepare(st->sql, "UPDATE files SET logs = ?2, limited = ?3,"
	                                    " mtime = CASE WHEN ?4 THEN mtime END,"
	                                    " content = CASE WHEN ?4 THEN content END WHERE id = ?1");
	st->file_keep = sql_prepare(st->sql, "UPDATE files SET mtime = ?2, checked = ?3, ruleset = ?4 WHERE id = ?1");
	state__log_prepare(st);
}

static void release(struct state *st)
{
	state__rules_free(st);
	for (size_t i = 0; i < sizeof(st->scratch) / sizeof(st->scratch[0]); i++)
		text_free(&st->scratch[i]);
	arena_free(&st->ghosts);
	free(st->kept);
	sql_close(st->asking);
	/* SQLite's locks of the file end with any descriptor of it that is closed: this one is the last. */
	sql_close(st->sql);
	if (st->lock >= 0)
		close(st->lock);
	pthread_mutex_destroy(&st->mutex);
	free(st->path);
	free(st->options);
	free(st);
}

struct state *state_open(const char *path, const struct clsf_ruleset *ruleset, const char *options, char why[256],
                         bool *ret_busy)
{
	struct state *st = calloc(1, sizeof(*st));
	*ret_busy = false;
	snprintf(why, 256, "out of memory");
	if (!st)
		return NULL;
	pthread_mutex_init(&st->mutex, NULL);
	st->ruleset = ruleset;
	st->lock = take_lock(path, why, ret_busy);
	bool good = st->lock >= 0;
	if (good) {
		struct identity_folder folder = { 0 };
		st->path = identity_path(&folder, path);
		st->options = strdup(options);
		identity_folder_done(&folder);
		good = st->path && st->options && state__rules_load(st);
	}
	good = good && (st->sql = sql_open(path, SQL_WRITE, why)) && set_up(st, why);
	if (good) {
		begin_run(st);
		st->asking = sql_open(path, SQL_READ, why);
		good = st->asking != NULL;
	}
	if (good) {
		prepare(st);
		const char *error = sql_error(st->sql) ? sql_error(st->sql) : sql_error(st->asking);
		good = !error;
		if (error)
			snprintf(why, 256, "%s", error);
	}
	if (good)
		return st;
	release(st);
	return NULL;
}

struct sql *state_open_to_read(const char *path, char why[256])
{
	if (access(path, R_OK) != 0) {
		snprintf(why, 256, "%s", strerror(errno));
		return NULL;
	}
	struct sql *sql = sql_open(path, SQL_READ, why);
	int found = sql ? state_check(sql, why) : -1;
	if (found == 0)
		return sql;
	if (found == 1)
		snprintf(why, 256, "it is empty: no scan has been remembered");
	sql_close(sql);
	return NULL;
}

/* Whether nothing has this name any more; what may not be looked at is not gone. */
static bool is_gone(const char *path)
{
	struct stat st;
	return stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void forget_missing(struct sql *sql, int64_t *ret_files, int64_t *ret_logs)
{
	*ret_files = *ret_logs = 0;
	sql_run(sql, "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; CREATE TEMP TABLE gone (file INTEGER PRIMARY KEY)");
	struct sql_query *files = sql_prepare(sql, "SELECT id, path, logs FROM files");
	struct sql_query *gone = sql_prepare(sql, "INSERT INTO gone VALUES (?1)");
	while (sql_step(files)) {
		if (!is_gone(sql_get_text(files, 1, NULL)))
			continue;
		sql_bind_number(gone, 1, sql_get_number(files, 0));
		sql_do(gone);
		(*ret_files)++;
		*ret_logs += sql_get_number(files, 2);
	}
	sql_finish(files);
	sql_finish(gone);
	sql_run(sql, "DELETE FROM files WHERE id IN (SELECT file FROM gone);" TIDY "COMMIT");
}

bool state_forget_missing(const char *path, int64_t *ret_files, int64_t *ret_logs, char why[256])
{
	bool busy;
	/* A state that is not there is not to be made. */
	struct sql *sql = state_open_to_read(path, why);
	sql_close(sql);
	int lock = sql ? take_lock(path, why, &busy) : -1;
	sql = lock >= 0 ? sql_open(path, SQL_WRITE, why) : NULL;
	bool good = sql != NULL;
	if (sql) {
		forget_missing(sql, ret_files, ret_logs);
		good = !sql_error(sql);
		if (!good)
			snprintf(why, 256, "%s", sql_error(sql));
	}
	sql_close(sql);
	if (lock >= 0)
		close(lock);
	return good;
}

/* ---- transactions ---- */

static void begin(struct state *st)
{
	if (st->open)
		return;
	sql_run(st->sql, "BEGIN IMMEDIATE");
	st->open = !sql_error(st->sql);
	st->opened = now_ns(CLOCK_MONOTONIC);
	st->pending = 0;
}

static void note_run(struct state *st)
{
	struct sql_query *q = sql_prepare(st->sql, "UPDATE runs SET files = ?2, logs = ?3, unchanged_files = ?4,"
	                                           " unchanged_logs = ?5 WHERE id = ?1");
	sql_bind_number(q, 1, st->run);
	sql_bind_number(q, 2, (int64_t)st->scanned_files);
	sql_bind_number(q, 3, (int64_t)st->scanned_logs);
	pthread_mutex_lock(&st->mutex);
	sql_bind_number(q, 4, (int64_t)st->sums.files);
	sql_bind_number(q, 5, (int64_t)st->sums.logs);
	pthread_mutex_unlock(&st->mutex);
	sql_do(q);
	sql_finish(q);
}

static void commit(struct state *st)
{
	if (!st->open)
		return;
	note_run(st);
	sql_run(st->sql, "COMMIT");
	st->open = false;
	st->pending = 0;
}

bool state_due(struct state *st)
{
	return st->open && !st->file &&
	       (st->pending >= MAX_PENDING || now_ns(CLOCK_MONOTONIC) - st->opened >= MAX_SECONDS);
}

void state_commit(struct state *st)
{
	commit(st);
}

static void unit_end(struct state *st, bool keep)
{
	sql_run(st->sql, keep ? "RELEASE unit" : "ROLLBACK TO unit; RELEASE unit");
	st->file = 0;
}

bool state_close(struct state *st, bool was_told, bool interrupted, char why[256])
{
	if (!st)
		return true;
	if (st->file)
		unit_end(st, false);
	if (st->open && !was_told) {
		sql_run(st->sql, "ROLLBACK");
		st->open = false;
	}
	if (was_told) {
		begin(st);
		if (!interrupted)
			sql_run(st->sql, TIDY);
		struct sql_query *q =
			sql_prepare(st->sql, "UPDATE runs SET ended = " NOW ", interrupted = ?2 WHERE id = ?1");
		sql_bind_number(q, 1, st->run);
		sql_bind_number(q, 2, interrupted);
		sql_do(q);
		sql_finish(q);
		commit(st);
	}
	const char *error = sql_error(st->sql);
	if (error)
		snprintf(why, 256, "%s", error);
	release(st);
	return !error;
}

const char *state_error(struct state *st)
{
	const char *error = sql_error(st->sql);
	if (error)
		return error;
	/* Where nothing can be asked, everything is scanned; what is told then is that. */
	pthread_mutex_lock(&st->mutex);
	error = sql_error(st->asking);
	pthread_mutex_unlock(&st->mutex);
	return error;
}

/* ---- looking ---- */

/* What is remembered of a file. */
struct remembered {
	int64_t id, size, mtime, checked, ruleset, logs;
	bool whole, limited;
	char content[65];
};

static bool recall_file(struct state *st, const char *path, struct remembered *r)
{
	struct sql_query *q = st->look;
	sql_bind_bytes(q, 1, path, strlen(path));
	if (!sql_step(q))
		return false;
	*r = (struct remembered){
		.id = sql_get_number(q, 0), .size = sql_get_number(q, 1), .mtime = sql_get_number(q, 2),
		.checked = sql_get_number(q, 4), .ruleset = sql_get_number(q, 5), .logs = sql_get_number(q, 6),
		.limited = sql_get_number(q, 7) != 0, .whole = !sql_is_null(q, 3),
	};
	snprintf(r->content, sizeof(r->content), "%s", sql_get_text(q, 3, NULL));
	sql_reset(q);
	return true;
}

/* The state, or what SQLite keeps beside it. */
static bool is_own(const struct state *st, const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	size_t length = strlen(st->path);
	if (strncmp(path, st->path, length) != 0)
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcmp(path + length, suffixes[i]) == 0)
			return true;
	return false;
}

/* Whether the file is what is remembered; if not, what else it is. */
static enum state_answer compare(struct state_file *f, const struct remembered *r)
{
	struct identity *now = &f->identity;
	bool same_time = now->mtime == r->mtime;
	if (!r->whole) {
		identity_read(now);
		return STATE_BROKEN;
	}
	/* A file that was changed just before it was looked at may have changed once more under the same time. */
	if ((int64_t)now->size == r->size && same_time && r->checked - r->mtime >= SETTLED) {
		snprintf(now->content, sizeof(now->content), "%s", r->content);
		return STATE_UNCHANGED;
	}
	if (identity_read(now) && (int64_t)now->size == r->size && strcmp(now->content, r->content) == 0) {
		f->touched = !same_time;
		return STATE_UNCHANGED;
	}
	return (int64_t)now->size > r->size ? STATE_GREW : STATE_CHANGED;
}

/* A file stays as it is. With the mutex. False when memory is out. */
static bool keep(struct state *st, const struct state_file *f)
{
	if (st->n_kept == st->kept_capacity) {
		size_t capacity = st->kept_capacity ? st->kept_capacity * 2 : 64;
		int64_t *grown = realloc(st->kept, capacity * sizeof(*grown));
		if (!grown)
			return false;
		st->kept = grown;
		st->kept_capacity = capacity;
	}
	st->kept[st->n_kept++] = f->id;
	st->sums.files++;
	st->sums.logs += (size_t)f->logs;
	st->sums.asked += f->was_asked;
	return true;
}

/* The file is what is remembered: do the rules of now concern it? With the mutex. False when memory is out. */
static bool judge(struct state *st, struct state_file *f, const struct remembered *r)
{
	if (r->ruleset == st->ruleset_id)
		return f->touched || keep(st, f);
	struct state_change *change = state__change(st, r->ruleset);
	if (!change)
		return false;
	f->other_rules = true;
	f->answer = state__judge(st, change, r->id, r->limited);
	f->asked = change->subset;
	if (change->rules > st->sums.rules)
		st->sums.rules = change->rules;
	return true;
}

bool state_look(struct state *st, struct identity_folder *folder, const char *path, struct state_file *ret)
{
	struct remembered r;
	*ret = (struct state_file){ .answer = STATE_FLOWING };
	if (!identity_look(folder, path, &ret->identity))
		return false;
	ret->checked = (int64_t)now_ns(CLOCK_REALTIME);
	if (ret->identity.kind != IDENTITY_FILE)
		return true;
	if (is_own(st, ret->identity.path)) {
		ret->answer = STATE_OWN;
		return true;
	}
	pthread_mutex_lock(&st->mutex);
	bool found = recall_file(st, ret->identity.path, &r);
	pthread_mutex_unlock(&st->mutex);
	if (!found) {
		ret->answer = STATE_NEW;
		identity_read(&ret->identity);
		return true;
	}
	ret->id = r.id;
	ret->logs = r.logs;
	ret->answer = compare(ret, &r);
	if (ret->answer != STATE_UNCHANGED)
		return true;
	pthread_mutex_lock(&st->mutex);
	bool good = judge(st, ret, &r);
	pthread_mutex_unlock(&st->mutex);
	return good;
}

bool state_file_waits(const struct state_file *file)
{
	return file->answer == STATE_UNCHANGED && (file->touched || file->other_rules);
}

void state_file_asked(struct state_file *file, bool concerned)
{
	file->was_asked = true;
	file->answer = concerned ? STATE_RULES : STATE_UNCHANGED;
}

void state_file_done(struct state_file *file)
{
	identity_done(&file->identity);
	*file = (struct state_file){ 0 };
}

/* ---- writing ---- */

void state_begin(struct state *st, const struct state_file *f)
{
	if (f->identity.kind != IDENTITY_FILE)
		return;
	begin(st);
	sql_run(st->sql, "SAVEPOINT unit");
	struct sql_query *q = st->file_new;
	sql_bind_bytes(q, 1, f->identity.path, strlen(f->identity.path));
	sql_bind_number(q, 2, (int64_t)f->identity.size);
	sql_bind_number(q, 3, f->identity.mtime);
	sql_bind_string(q, 4, f->identity.content);
	sql_bind_number(q, 5, f->checked);
	sql_bind_number(q, 6, st->ruleset_id);
	sql_bind_number(q, 7, st->run);
	st->file = sql_step(q) ? sql_get_number(q, 0) : 0;
	sql_do(q);
	sql_bind_number(st->forget, 1, st->file);
	sql_do(st->forget);
	st->file_logs = 0;
	st->file_limited = false;
}

void state_add(struct state *st, const struct state_log *log)
{
	if (!st->file)
		return;
	state__log_write(st, log);
	st->file_logs++;
}

static void note_scanned(struct state *st, const struct state_file *f)
{
	st->scanned_files++;
	st->scanned_logs += (size_t)st->file_logs;
	pthread_mutex_lock(&st->mutex);
	if (f->answer == STATE_RULES) {
		st->sums.again_files++;
		st->sums.again_logs += (size_t)st->file_logs;
	}
	st->sums.grew += f->answer == STATE_GREW;
	st->sums.options += f->answer == STATE_OPTIONS;
	st->sums.broken += f->answer == STATE_BROKEN;
	st->sums.asked += f->was_asked;
	pthread_mutex_unlock(&st->mutex);
}

void state_end(struct state *st, const struct state_file *f, bool wanted, bool whole)
{
	if (!st->file)
		return;
	if (wanted) {
		sql_bind_number(st->file_end, 1, st->file);
		sql_bind_number(st->file_end, 2, st->file_logs);
		sql_bind_number(st->file_end, 3, st->file_limited);
		sql_bind_number(st->file_end, 4, whole && f->identity.content[0]);
		sql_do(st->file_end);
		note_scanned(st, f);
	}
	unit_end(st, wanted);
	st->pending++;
}

void state_keep(struct state *st, const struct state_file *f)
{
	if (f->identity.kind == IDENTITY_FLOWING) {
		pthread_mutex_lock(&st->mutex);
		st->sums.flowing++;
		pthread_mutex_unlock(&st->mutex);
		return;
	}
	if (!state_file_waits(f))
		return;
	begin(st);
	sql_bind_number(st->file_keep, 1, f->id);
	sql_bind_number(st->file_keep, 2, f->identity.mtime);
	sql_bind_number(st->file_keep, 3, f->checked);
	sql_bind_number(st->file_keep, 4, st->ruleset_id);
	sql_do(st->file_keep);
	st->pending++;
	pthread_mutex_lock(&st->mutex);
	if (!keep(st, f))
		sql_fail(st->sql, "out of memory");
	pthread_mutex_unlock(&st->mutex);
}

void state_sum(struct state *st, struct state_sums *ret)
{
	pthread_mutex_lock(&st->mutex);
	*ret = st->sums;
	pthread_mutex_unlock(&st->mutex);
}
