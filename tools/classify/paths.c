/* SPDX-License-Identifier: Apache-2.0 */
/* See paths.h. */

#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "path_list.h"

#define MAX_DEPTH 64

struct entry {
	size_t name;                 /* in the text of the folder */
	unsigned char type;          /* DT_* */
};

/* A folder that is being walked: its names are one text, for there may be a million. */
struct paths_folder {
	struct paths_folder *outer;
	char *path;
	char *names;
	struct entry *entry;
	size_t n, at;
};

static void out_of_memory(void) __attribute__((noreturn));

static void out_of_memory(void)
{
	fputs("classify: out of memory\n", stderr);
	exit(2);
}

static struct path make(char *name, char *why, bool failure)
{
	if (!name)
		out_of_memory();
	return (struct path){ .name = name, .why = why, .failure = failure,
		              .size = strlen(name) + (why ? strlen(why) : 0) + 2 };
}

static struct path refuse(const char *name, const char *why, bool failure)
{
	char *copy = strdup(why);
	if (!copy)
		out_of_memory();
	return make(strdup(name), copy, failure);
}

/* ---- folders ---- */

static void leave_folder(struct paths *p)
{
	struct paths_folder *f = p->folder;
	p->folder = f->outer;
	p->depth--;
	free(f->path);
	free(f->names);
	free(f->entry);
	free(f);
}

static int by_name(const void *va, const void *vb, void *names)
{
	const struct entry *a = va, *b = vb;
	return strcmp((const char *)names + a->name, (const char *)names + b->name);
}

static void *grow(void *memory, size_t n, size_t *capacity, size_t size, size_t least)
{
	if (n <= *capacity)
		return memory;
	*capacity = *capacity * 2 > n ? *capacity * 2 : n > least ? n : least;
	memory = realloc(memory, *capacity * size);
	if (!memory)
		out_of_memory();
	return memory;
}

/* Reads the names. What is told of a read that fails is for the caller. */
static int read_names(struct paths_folder *f, DIR *folder)
{
	size_t used = 0, room = 0, capacity = 0;
	for (;;) {
		errno = 0;
		const struct dirent *d = readdir(folder);
		if (!d)
			break;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		size_t length = strlen(d->d_name) + 1;
		f->names = grow(f->names, used + length, &room, 1, 4096);
		f->entry = grow(f->entry, f->n + 1, &capacity, sizeof(*f->entry), 64);
		memcpy(f->names + used, d->d_name, length);
		f->entry[f->n++] = (struct entry){ .name = used, .type = d->d_type };
		used += length;
	}
	int code = errno;
	if (f->n)
		qsort_r(f->entry, f->n, sizeof(*f->entry), by_name, f->names);
	return code;
}

/* Goes into a folder. False, and what to tell, when that cannot be done in full; what was read of it is walked. */
static bool enter_folder(struct paths *p, const char *path, struct path *ret)
{
	if (p->depth > MAX_DEPTH) {
		*ret = refuse(path, "folders nested too deep", true);
		return false;
	}
	DIR *folder = opendir(path);
	if (!folder) {
		*ret = refuse(path, strerror(errno), true);
		return false;
	}
	struct paths_folder *f = calloc(1, sizeof(*f));
	if (!f || !(f->path = strdup(path)))
		out_of_memory();
	f->outer = p->folder;
	p->folder = f;
	p->depth++;
	int code = read_names(f, folder);
	closedir(folder);
	if (code)
		*ret = refuse(path, strerror(code), true);
	return code == 0;
}

static char *join(const char *folder, const char *name)
{
	size_t length = strlen(folder);
	char *path;
	if (asprintf(&path, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name) < 0)
		out_of_memory();
	return path;
}

/* The kind of an entry; 0, and errno, when it cannot be told. */
static unsigned char type_of(const struct entry *e, const char *path)
{
	struct stat st;
	if (e->type != DT_UNKNOWN)
		return e->type;
	return lstat(path, &st) == 0 ? IFTODT(st.st_mode) : DT_UNKNOWN;
}

/* One entry of the folder at hand. True when there is something to say of it. */
static bool next_entry(struct paths *p, struct path *ret)
{
	struct paths_folder *f = p->folder;
	if (f->at == f->n) {
		leave_folder(p);
		return false;
	}
	const struct entry *e = &f->entry[f->at++];
	char *path = join(f->path, f->names + e->name);
	bool told = true;
	switch (type_of(e, path)) {
	case DT_REG:
		*ret = make(path, NULL, false);
		return true;
	case DT_DIR:
		told = !enter_folder(p, path, ret);
		break;
	case DT_LNK:
		told = false;
		break;
	case DT_FIFO:
		*ret = refuse(path, "is a FIFO, not opened", false);
		break;
	case DT_SOCK:
		*ret = refuse(path, "is a socket, not opened", false);
		break;
	case DT_CHR:
	case DT_BLK:
		*ret = refuse(path, "is a device, not opened", false);
		break;
	default:
		*ret = refuse(path, strerror(errno), true);
		break;
	}
	free(path);
	return told;
}

/* ---- what is named ---- */

/* A path that is named, by the user or a list. False when it is a folder, which is gone into. */
static bool take_path(struct paths *p, const char *name, struct path *ret)
{
	struct stat st;
	if (strcmp(name, "-") != 0 && stat(name, &st) == 0 && S_ISDIR(st.st_mode))
		return !enter_folder(p, name, ret);
	*ret = make(strdup(name), NULL, false);
	return true;
}

/* The next list is opened. True when that fails, which is told. */
static bool open_list(struct paths *p, struct path *ret)
{
	const char *name = p->lists->item[p->list_at++];
	p->list = path_list_open(name, p->nul);
	if (!p->list)
		*ret = refuse(name, strerror(errno), true);
	return !p->list;
}

/* One path of the list at hand. True when there is something to say of it. */
static bool next_of_list(struct paths *p, struct path *ret)
{
	struct path_list *list = p->list;
	const char *text;
	enum path_list_code code;
	bool told = false;
	do
		code = path_list_next(list, &text);
	while (code == PATH_LIST_INTERRUPTED && (!p->going || p->going(p->user)));
	switch (code) {
	case PATH_LIST_PATH:
		/* In a list "-" is a file like any other. */
		told = take_path(p, strcmp(text, "-") == 0 ? "./-" : text, ret);
		if (told && !(ret->place = strdup(path_list_place(list))))
			out_of_memory();
		return told;
	case PATH_LIST_BAD:
		*ret = refuse(path_list_place(list), text, true);
		return true;
	case PATH_LIST_FAILED:
		*ret = refuse(path_list_place(list), text, true);
		told = true;
		break;
	case PATH_LIST_INTERRUPTED:
	case PATH_LIST_END:
		break;
	}
	path_list_free(list);
	p->list = NULL;
	return told;
}

/* ---- all of it ---- */

/* Folders that are walked to their end are left at once, so that the last file is known to be the last. */
static void leave_finished(struct paths *p)
{
	while (p->folder && p->folder->at == p->folder->n)
		leave_folder(p);
}

bool paths_more(const struct paths *p)
{
	return p->folder || p->at < p->named->n || p->list || (p->lists && p->list_at < p->lists->n);
}

bool paths_next(struct paths *p, struct path *ret)
{
	bool found = false;
	while (!found && paths_more(p)) {
		if (p->folder)
			found = next_entry(p, ret);
		else if (p->at < p->named->n)
			found = take_path(p, p->named->item[p->at++], ret);
		else
			found = p->list ? next_of_list(p, ret) : open_list(p, ret);
	}
	leave_finished(p);
	return found;
}

void path_done(struct path *path)
{
	free(path->name);
	free(path->place);
	free(path->why);
}

void paths_free(struct paths *p)
{
	while (p->folder)
		leave_folder(p);
	path_list_free(p->list);
}

bool paths_walk(const char *path, path_visitor visit, path_complaint complaint, void *user)
{
	struct list named = { .item = &path, .n = 1 };
	struct paths paths = { .named = &named };
	struct path found;
	bool going = true;
	while (going && paths_next(&paths, &found)) {
		if (!found.why)
			going = visit(found.name, user);
		else if (found.failure)
			complaint(found.name, found.why, user);
		path_done(&found);
	}
	paths_free(&paths);
	return going;
}
