/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as a source: those that patterns match are read from where they were left, and followed.
 *
 * A file is its device and inode, whatever name it has. When its name passes to another file, what
 * is left of the old one is read and the new one is begun; when the name is gone for some seconds,
 * its stream has ended. A file that became shorter, or whose bytes before the position are others
 * than they were, was written anew and is read from its start.
 *
 * inotify wakes the thread; what it does not tell, as on NFS, is looked for every second, and new
 * names every ten.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cutter.h"
#include "inputs.h"
#include "log.h"
#include "push.h"

#define SECOND UINT64_C(1000000000)
#define RESCAN (10 * SECOND)
#define LOOK SECOND
#define PARTIAL_WAIT (5 * SECOND)    /* after which a line without its end is taken for one */
#define GONE_WAIT (5 * SECOND)       /* after which a name without a file has ended */
#define FORMER_WAIT (5 * SECOND)     /* for which a file that lost its name may still be written to */
#define MAX_FILES 10000
#define READ_SIZE ((size_t)64 * 1024)
#define READS 16                     /* of a file before it is another one's turn */
#define CHECKED 64                   /* bytes before a position that are remembered */
#define BUCKETS 4096

struct tail {
	struct tail *next;               /* in its bucket */
	char *path;                      /* as it was found */
	int fd, watch;                   /* -1: it cannot be opened, or watched */
	uint64_t device, inode;
	uint64_t read;                   /* where the next byte is read */
	uint64_t sent;                   /* behind the last line that was taken */
	uint64_t committed;
	uint64_t check;                  /* of the bytes before `read`; 0: not known */
	uint64_t size_seen, changed_seen;
	uint64_t grown, missing;         /* clock_now(); 0: it is not missing */
	bool former;                     /* its name is another file's */
	bool new, told, after_partial;
	struct cutter cutter;
	struct intake_stream stream;
};

static struct {
	const struct config *config;
	pthread_t thread;
	struct intake intake;
	struct tail *buckets[BUCKETS];
	size_t n;
	int notify;
	struct position *positions;      /* of a batch */
	size_t positions_capacity;
	bool limit_told;
	bool lost;                       /* what was gathered was not committed */
	char buffer[READ_SIZE];
} in;

static bool is_wanted(const struct config *config)
{
	return config->files.n > 0;
}

/* ---- the files at hand ---- */

static size_t bucket_of(const char *path)
{
	uint32_t h = 2166136261u;
	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 16777619u;
	return h % BUCKETS;
}

/* The one that has this name now. */
static struct tail *find(const char *path)
{
	struct tail *t = in.buckets[bucket_of(path)];
	while (t && (t->former || strcmp(t->path, path) != 0))
		t = t->next;
	return t;
}

static void free_tail(struct tail *t)
{
	struct tail **place = &in.buckets[bucket_of(t->path)];
	while (*place && *place != t)
		place = &(*place)->next;
	if (*place) {
		*place = t->next;
		in.n--;
	}
	if (t->watch >= 0)
		inotify_rm_watch(in.notify, t->watch);
	if (t->fd >= 0)
		close(t->fd);
	cutter_free(&t->cutter);
	text_free(&t->stream.labels);
	free(t->path);
	free(t);
}

static struct tail *new_tail(const char *path, const struct config_files *group)
{
	struct tail *t = in.n < MAX_FILES ? calloc(1, sizeof(*t)) : NULL;
	if (!t) {
		if (!in.limit_told)
			log_write(LOG_ERROR, "too many files; further ones are not read", "file", path, "limit",
			          log_number(MAX_FILES), NULL);
		in.limit_told = true;
		inputs_count_error("limit");
		return NULL;
	}
	t->fd = t->watch = -1;
	t->path = strdup(path);
	if (!t->path || !intake_labels(&t->stream.labels, &group->labels, "filename", path)) {
		text_free(&t->stream.labels);
		free(t->path);
		free(t);
		return NULL;
	}
	t->next = in.buckets[bucket_of(path)];
	in.buckets[bucket_of(path)] = t;
	in.n++;
	return t;
}

/* ---- what stands before a position ---- */

/* Of the bytes before `offset`; 0 where there are none or they cannot be read. */
static uint64_t check_of(int fd, uint64_t offset)
{
	unsigned char bytes[CHECKED];
	size_t n = offset < CHECKED ? (size_t)offset : CHECKED;
	uint64_t h = UINT64_C(14695981039346656037);
	if (n == 0 || pread(fd, bytes, n, (off_t)(offset - n)) != (ssize_t)n)
		return 0;
	for (size_t i = 0; i < n; i++)
		h = (h ^ bytes[i]) * UINT64_C(1099511628211);
	h &= INT64_MAX;                  /* a number of SQLite's */
	return h ? h : 1;
}

/* ---- passing on ---- */

static bool add_position(size_t *n, const struct tail *t, bool gone)
{
	char *value;
	if (*n == in.positions_capacity) {
		size_t capacity = in.positions_capacity ? in.positions_capacity * 2 : 64;
		struct position *grown = realloc(in.positions, capacity * sizeof(*grown));
		if (!grown)
			return false;
		in.positions = grown;
		in.positions_capacity = capacity;
	}
	if (asprintf(&value, "%" PRIu64, t->sent) < 0)
		return false;
	in.positions[(*n)++] = (struct position){
		.key = t->path, .device = t->device, .inode = t->inode, .value = value,
		.check = gone ? 0 : check_of(t->fd, t->sent), .former = t->former, .gone = gone };
	return true;
}

static bool has_moved(const struct tail *t)
{
	return t->fd >= 0 && (t->new || t->sent != t->committed);
}

/* Commits what was gathered, with the positions behind it; `ended` is a file that is forgotten. */
static void pass_on(const struct tail *ended)
{
	size_t n = 0;
	bool good = true;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct tail *t = in.buckets[i]; t && good; t = t->next)
			if (t != ended && has_moved(t))
				good = add_position(&n, t, false);
	if (ended && ended->inode)
		good = good && add_position(&n, ended, true);
	if (good)
		good = inputs_pass_on(&in.intake, in.positions, n, false);
	while (n > 0)
		free((char *)(uintptr_t)in.positions[--n].value);
	for (size_t i = 0; good && i < BUCKETS; i++) {
		for (struct tail *t = in.buckets[i]; t; t = t->next) {
			t->committed = t->sent;
			t->new = t->fd < 0;
		}
	}
	in.lost = in.lost || !good;
}

/* ---- reading ---- */

/* Whether it was taken. */
static bool take_line(struct tail *t, const char *line, size_t length, bool cut)
{
	if (!intake_add(&in.intake, &t->stream, clock_calendar(), line, length))
		return false;
	inputs_count("files", cut);
	return true;
}

static void begin_anew(struct tail *t, const char *why)
{
	log_write(LOG_WARN, "a file is read from its start", "file", t->path, "reason", why, NULL);
	t->read = t->sent = t->check = 0;
	t->new = true;
	t->after_partial = false;
	cutter_reset(&t->cutter);
}

/* What stands behind the last end of a line, as a line. */
static void take_partial(struct tail *t)
{
	const char *line;
	size_t length;
	enum cutter_result r = cutter_end(&t->cutter, &line, &length);
	if (r == CUTTER_MORE)
		return;
	if (!take_line(t, line, length, r == CUTTER_CUT_LINE)) {
		t->read = t->sent;
		return;
	}
	t->sent = t->read;
	t->after_partial = true;
}

/* The lines in what was read. False: memory is out, and it is read once more later. */
static bool take(struct tail *t, size_t size)
{
	const char *at = in.buffer, *end = in.buffer + size, *line;
	size_t length;
	for (;;) {
		enum cutter_result r = cutter_next(&t->cutter, &at, end, &line, &length);
		if (r == CUTTER_MORE)
			return true;
		/* The end of a line that was taken without it is no line. */
		bool ends_partial = t->after_partial && r == CUTTER_LINE && length == 0;
		t->after_partial = false;
		if (r == CUTTER_NO_MEMORY || (!ends_partial && !take_line(t, line, length, r == CUTTER_CUT_LINE))) {
			t->read = t->sent;
			cutter_reset(&t->cutter);
			return false;
		}
		t->sent = t->read - (uint64_t)(end - at);
		if (intake_is_due(&in.intake, clock_now()))
			pass_on(NULL);
		if (in.lost)
			return false;
	}
}

static void complain(struct tail *t, const char *what, const char *reason)
{
	if (t->told)
		return;
	log_write(LOG_ERROR, what, "file", t->path, "err", strerror(errno), NULL);
	inputs_count_error(reason);
	t->told = true;
}

/* Is what was read so far still what the file holds? */
static void look_for_changes(struct tail *t, const struct stat *st)
{
	uint64_t changed = (uint64_t)st->st_mtim.tv_sec * SECOND + (uint64_t)st->st_mtim.tv_nsec;
	if ((uint64_t)st->st_size < t->read) {
		take_partial(t);
		begin_anew(t, "it is shorter than before");
	} else if (t->read && (changed != t->changed_seen || (uint64_t)st->st_size != t->size_seen) && t->check) {
		uint64_t now = check_of(t->fd, t->read);
		if (now && now != t->check)
			begin_anew(t, "it holds something else than before");
	}
	t->changed_seen = changed;
	t->size_seen = (uint64_t)st->st_size;
}

/* Reads some of it. Whether there is more. */
static bool read_some(struct tail *t)
{
	struct stat st;
	if (t->fd < 0)
		return false;
	if (fstat(t->fd, &st) != 0) {
		complain(t, "a file cannot be read", "read");
		return false;
	}
	look_for_changes(t, &st);
	if ((uint64_t)st.st_size <= t->read)
		return false;
	for (int i = 0; i < READS && !in.lost; i++) {
		ssize_t n = pread(t->fd, in.buffer, sizeof(in.buffer), (off_t)t->read);
		if (n <= 0) {
			if (n < 0)
				complain(t, "a file cannot be read", "read");
			break;
		}
		t->told = false;
		t->grown = clock_now();
		t->read += (uint64_t)n;
		if (!take(t, (size_t)n))
			break;
		if ((size_t)n < sizeof(in.buffer))
			break;
	}
	t->check = check_of(t->fd, t->read);
	return (uint64_t)st.st_size > t->read;
}

/* ---- names ---- */

static void watch(struct tail *t)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(t->path, '/');
	if (in.notify < 0)
		return;
	t->watch = inotify_add_watch(in.notify, t->path, IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB);
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - t->path) + 1 : 1, slash ? t->path : ".");
	inotify_add_watch(in.notify, folder, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
}

/* From where it is read on: what is known of it, or its start. */
static void find_position(struct tail *t, const struct stat *st)
{
	char *value, *end;
	uint64_t check = 0;
	t->new = true;
	if (!positions_find(t->path, t->device, t->inode, &check, &value))
		return;
	uint64_t offset = strtoull(value, &end, 10);
	bool good = *value && *end == '\0';
	free(value);
	if (good && offset > (uint64_t)st->st_size) {
		begin_anew(t, "it is shorter than before");
	} else if (good && check && check_of(t->fd, offset) != check) {
		begin_anew(t, "it holds something else than before");
	} else if (good) {
		t->read = t->sent = offset;
		t->check = check_of(t->fd, offset);
	}
}

/* Opens the file of a tail that has none open. */
static void open_tail(struct tail *t, const char *name)
{
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd < 0 && errno != ENOENT)
			complain(t, "a file cannot be opened", "open");
		if (fd >= 0)
			close(fd);
		return;
	}
	t->fd = fd;
	t->told = false;
	t->device = st.st_dev;
	t->inode = st.st_ino;
	t->grown = clock_now();
	find_position(t, &st);
	watch(t);
	log_write(LOG_DEBUG, "a file is read", "file", t->path, "from", log_number((long long)t->read), NULL);
}

/* It is read no more. `ended`: its stream has ended with it. */
static void finish(struct tail *t, bool ended)
{
	take_partial(t);
	pass_on(t);
	if (in.lost)
		return;                          /* it is forgotten at another time */
	if (ended && intake_add_stream(&in.intake, &t->stream))
		in.lost = !inputs_pass_on(&in.intake, NULL, 0, true);
	intake_reset(&in.intake);
	free_tail(t);
}

static const struct config_files *group_of(const char *path)
{
	for (size_t i = 0; i < in.config->files.n; i++) {
		const struct config_files *g = &in.config->files.item[i];
		bool in_it = false;
		for (size_t j = 0; j < g->paths.n; j++)
			in_it = in_it || fnmatch(g->paths.item[j], path, FNM_PATHNAME | FNM_PERIOD) == 0;
		for (size_t j = 0; j < g->exclude.n; j++)
			in_it = in_it && fnmatch(g->exclude.item[j], path, FNM_PATHNAME | FNM_PERIOD) != 0;
		if (in_it)
			return g;
	}
	return NULL;
}

static bool is_compressed(const char *path)
{
	static const char *const ends[] = { ".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".Z" };
	size_t length = strlen(path);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (length > strlen(ends[i]) && strcmp(path + length - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* What became of the name of a file that is read to its end. True when `t` is gone. */
static bool look_at_name(struct tail *t, uint64_t now)
{
	struct stat st;
	if (t->former) {
		if (now - t->grown < FORMER_WAIT)
			return false;
		finish(t, false);
		return true;
	}
	if (stat(t->path, &st) == 0 && st.st_dev == t->device && st.st_ino == t->inode) {
		t->missing = 0;
		if (now - t->grown >= PARTIAL_WAIT)
			take_partial(t);
		return false;
	}
	if (access(t->path, F_OK) == 0) {
		log_write(LOG_INFO, "a file was rotated", "file", t->path, NULL);
		t->former = t->new = true;
		t->missing = 0;
		t->grown = now;
		struct tail *next = new_tail(t->path, group_of(t->path));
		if (next)
			open_tail(next, next->path);
		return false;
	}
	if (t->missing == 0)
		t->missing = now;
	if (now - t->missing < GONE_WAIT)
		return false;
	log_write(LOG_INFO, "a file is gone", "file", t->path, NULL);
	finish(t, true);
	return true;
}

/* One that reads this file and whose own name is not the file's any more. */
static struct tail *find_renamed(const struct stat *st)
{
	struct stat now;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct tail *t = in.buckets[i]; t; t = t->next)
			if (t->fd >= 0 && t->inode == st->st_ino && t->device == st->st_dev &&
			    (stat(t->path, &now) != 0 || now.st_ino != t->inode || now.st_dev != t->device))
				return t;
	return NULL;
}

/* Goes on under another name, which a pattern matches as well: nothing is read twice. */
static void rename_tail(struct tail *old, struct tail *t)
{
	t->fd = old->fd;
	t->device = old->device;
	t->inode = old->inode;
	t->read = old->read;
	t->sent = old->sent;
	t->check = old->check;
	t->size_seen = old->size_seen;
	t->changed_seen = old->changed_seen;
	t->grown = old->grown;
	t->after_partial = old->after_partial;
	t->cutter = old->cutter;
	t->new = true;
	old->cutter = (struct cutter){ 0 };
	old->fd = -1;
	log_write(LOG_INFO, "a file was renamed", "file", old->path, "now", t->path, NULL);
	pass_on(old);
	free_tail(old);
	watch(t);
}

static void take_name(const char *path, const struct config_files *group)
{
	struct stat st;
	struct tail *t = find(path);
	if (t && t->fd >= 0)
		return;
	if (is_compressed(path) || group_of(path) != group)
		return;
	bool there = stat(path, &st) == 0;
	if (!t && there && !S_ISREG(st.st_mode))
		return;
	struct tail *old = there ? find_renamed(&st) : NULL;
	if (!t)
		t = new_tail(path, group);
	if (t && old)
		rename_tail(old, t);
	else if (t)
		open_tail(t, path);
}

static void watch_folder_of(const char *pattern)
{
	char folder[PATH_MAX];
	size_t length = strcspn(pattern, "*?[\\");
	while (length > 0 && pattern[length - 1] != '/')
		length--;
	snprintf(folder, sizeof(folder), "%.*s", length ? (int)length : 1, length ? pattern : ".");
	inotify_add_watch(in.notify, folder, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
}

static void rescan(void)
{
	for (size_t i = 0; i < in.config->files.n; i++) {
		const struct config_files *group = &in.config->files.item[i];
		for (size_t j = 0; j < group->paths.n; j++) {
			glob_t found;
			watch_folder_of(group->paths.item[j]);
			if (glob(group->paths.item[j], 0, NULL, &found) == 0)
				for (size_t k = 0; k < found.gl_pathc; k++)
					take_name(found.gl_pathv[k], group);
			globfree(&found);
		}
	}
	/* What could not be opened and is not there any more. */
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct tail *t = in.buckets[i], *next; t; t = next) {
			next = t->next;
			if (t->fd < 0 && access(t->path, F_OK) != 0)
				free_tail(t);
		}
	}
}

/* ---- where it was left ---- */

/* A file of this inode in a folder, open. */
static int find_inode(const char *folder, const struct position *p)
{
	DIR *d = opendir(folder);
	int fd = -1;
	for (struct dirent *e; d && fd < 0 && (e = readdir(d)) != NULL;) {
		struct stat st;
		if (e->d_ino != p->inode || is_compressed(e->d_name))
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
		if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_ino != p->inode ||
		                st.st_dev != p->device)) {
			close(fd);
			fd = -1;
		}
	}
	if (d)
		closedir(d);
	return fd;
}

/* The folder of a path, or of what it is a link to. */
static bool folder_of(const char *path, bool through_links, char to[PATH_MAX])
{
	char *real = through_links ? realpath(path, NULL) : strdup(path);
	char *slash = real ? strrchr(real, '/') : NULL;
	if (slash)
		snprintf(to, PATH_MAX, "%.*s", (int)(slash - real) + 1, real);
	else
		snprintf(to, PATH_MAX, ".");
	free(real);
	return real != NULL;
}

/* A file that had this name when the daemon ended. What is left of it is read under its new one. */
static void resume(const struct position *p)
{
	const struct config_files *group = group_of(p->key);
	struct stat st;
	char folder[PATH_MAX];
	int fd = -1;
	if (!group || !p->inode || strspn(p->value, "0123456789") != strlen(p->value))
		return;
	if (stat(p->key, &st) == 0 && st.st_dev == p->device && st.st_ino == p->inode)
		return;
	for (int links = 0; links < 2 && fd < 0; links++)
		if (folder_of(p->key, links, folder))
			fd = find_inode(folder, p);
	struct tail *t = new_tail(p->key, group);
	if (!t) {
		if (fd >= 0)
			close(fd);
		return;
	}
	t->former = true;
	t->device = p->device;
	t->inode = p->inode;
	t->read = t->sent = t->committed = strtoull(p->value, NULL, 10);
	t->check = p->check;
	t->new = true;                   /* from now on it is one of a former name */
	t->grown = clock_now();
	t->fd = fd;
	if (fd >= 0 && (!p->check || check_of(fd, t->read) == p->check)) {
		log_write(LOG_INFO, "a file was rotated; the rest of it is read", "file", t->path, NULL);
		return;
	}
	/* Not there, or its inode is another file's by now. Where its folder is not there either, it may come back. */
	bool for_good = fd >= 0 || (folder_of(p->key, false, folder) && access(folder, F_OK) == 0);
	if (for_good) {
		log_write(LOG_WARN, "a file is gone; what was written to it while nobody read it is lost", "file",
		          t->path, NULL);
		pass_on(t);
	}
	free_tail(t);
}

static void resume_all(void)
{
	struct position *all = positions_copy();
	for (struct position *p = all; p && p->key; p++)
		resume(p);
	positions_free_copy(all);
}

/* ---- the thread ---- */

/* Whether a name came or went. */
static bool drain_notifications(void)
{
	_Alignas(struct inotify_event) char events[8192];
	bool names = false;
	for (ssize_t n; in.notify >= 0 && (n = read(in.notify, events, sizeof(events))) > 0;) {
		for (char *at = events; at < events + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(void *)at;
			names = names || (e->mask & ~(uint32_t)(IN_MODIFY | IN_IGNORED)) != 0;
			at += sizeof(*e) + e->len;
		}
	}
	return names;
}

/* Whether something has more to read. */
static bool read_round(void)
{
	bool more = false;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct tail *t = in.buckets[i], *next; t && !in.lost; t = next) {
			next = t->next;
			if (t->fd < 0)
				continue;
			if (read_some(t))
				more = true;
			else if (!in.lost)
				look_at_name(t, clock_now());
		}
	}
	return more;
}

/* Memory was out: what was gathered is read once more, in a while. */
static void rewind_all(void)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct tail *t = in.buckets[i]; t; t = t->next) {
			t->read = t->sent = t->committed;
			t->check = t->fd >= 0 ? check_of(t->fd, t->read) : 0;
			cutter_reset(&t->cutter);
		}
	}
	in.lost = false;
	inputs_wait(-1, clock_now() + SECOND);
}

static bool any_has_moved(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct tail *t = in.buckets[i]; t; t = t->next)
			if (has_moved(t))
				return true;
	return false;
}

static void *run(void *unused)
{
	uint64_t next_rescan = 0, next_export = clock_now() + RESCAN, rescanned = 0;
	bool names = false;
	(void)unused;
	resume_all();
	while (!inputs_are_stopping()) {
		names = drain_notifications() || names;
		uint64_t now = clock_now();
		if ((names && now - rescanned >= SECOND / 10) || now >= next_rescan) {
			rescan();
			names = false;
			rescanned = now;
			next_rescan = now + RESCAN;
		}
		bool more = read_round();
		now = clock_now();
		if (in.lost && !inputs_are_stopping())
			rewind_all();
		else if (!in.lost && (intake_is_due(&in.intake, now) || (!in.intake.n_entries && any_has_moved())))
			pass_on(NULL);
		if (in.config->positions && now >= next_export) {
			positions_write(in.config->positions);
			next_export = now + RESCAN;
		}
		if (more)
			continue;
		uint64_t until = now + (names ? SECOND / 10 : LOOK), due = in.intake.since + SECOND;
		if (inputs_wait(in.notify, in.intake.n_entries && due < until ? due : until))
			inputs_wait(-1, clock_now() + SECOND / 50);   /* more is about to come */
	}
	if (!in.lost)
		pass_on(NULL);
	for (size_t i = 0; i < BUCKETS; i++)
		while (in.buckets[i])
			free_tail(in.buckets[i]);
	intake_free(&in.intake);
	free(in.positions);
	if (in.notify >= 0)
		close(in.notify);
	return NULL;
}

static bool start(const struct config *config)
{
	in.config = config;
	in.notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (in.notify < 0)
		log_write(LOG_WARN, "no notice of changes can be had; files are looked at every second", "err",
		          strerror(errno), NULL);
	if (pthread_create(&in.thread, NULL, run, NULL) != 0) {
		log_write(LOG_ERROR, "no thread for files", NULL);
		return false;
	}
	return true;
}

static void join(void)
{
	pthread_join(in.thread, NULL);
}

const struct source source_files = { "files", is_wanted, start, join };
