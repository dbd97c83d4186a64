/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_PATHS_H
#define TOOL_PATHS_H

/*
 * Which files are scanned, one after the other: those that are named, then those
 * in lists, and below folders every regular file, entries sorted bytewise and
 * links not followed. A folder is looked at when its turn comes, and costs the
 * names that are in it; a list is read as it is needed, and may be endless.
 */

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

struct path {
	char *name;                  /* "-" for standard input */
	char *place;                 /* "LIST:LINE" of the list that names it; or NULL */
	char *why;                   /* NULL; else it is not to be read, and this says why */
	bool failure;                /* it should have been */
	size_t size;                 /* bytes of memory */
};

struct paths_folder;
struct path_list;

struct paths {
	/* Set before paths_next(). */
	const struct list *named;
	const struct list *lists;    /* of paths, "-" for standard input; or NULL */
	bool nul;                    /* the paths in lists are separated by NUL */
	bool (*going)(void *user);   /* after a signal: is it to be gone on? NULL: yes */
	void *user;

	/* Its own. */
	size_t at, list_at;          /* of those */
	struct path_list *list;      /* that is read; or NULL */
	struct paths_folder *folder; /* the innermost that is walked; NULL: none */
	size_t depth;
};

/* The next file; false when there is none. Free with path_done(). */
bool paths_next(struct paths *paths, struct path *ret_path);

/* Whether there may be another. */
bool paths_more(const struct paths *paths);

void path_done(struct path *path);
void paths_free(struct paths *paths);

/* Called for each file; false ends the walk. */
typedef bool (*path_visitor)(const char *path, void *user);
/* Called for what cannot be walked. */
typedef void (*path_complaint)(const char *path, const char *why, void *user);

/*
 * Calls `visit` for the path itself or, below a folder, for every file. False
 * when the visitor ended it.
 */
bool paths_walk(const char *path, path_visitor visit, path_complaint complaint, void *user);

#endif
