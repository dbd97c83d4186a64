/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_PATHS_H
#define TOOL_PATHS_H

/*
 * Which files are scanned, one after the other: those that are named, and below
 * folders every regular file, entries sorted bytewise and links not followed. A
 * folder is looked at when its turn comes, and costs the names that are in it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

struct path {
	char *name;                  /* "-" for standard input */
	char *why;                   /* NULL; else it is not to be read, and this says why */
	bool failure;                /* it should have been */
	size_t size;                 /* bytes of memory */
};

struct paths_folder;

struct paths {
	const struct list *named;
	size_t at;                   /* of those */
	struct paths_folder *folder; /* the innermost that is walked; NULL: none */
	size_t depth;
};

void paths_init(struct paths *paths, const struct list *named);

/* The next file; false when there is none. Free with path_done(). */
bool paths_next(struct paths *paths, struct path *ret_path);

/* Whether there may be another. */
bool paths_more(const struct paths *paths);

void path_done(struct path *path);
void paths_free(struct paths *paths);

#endif
