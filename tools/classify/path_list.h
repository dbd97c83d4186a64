/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_PATH_LIST_H
#define TOOL_PATH_LIST_H

/*
 * A list of paths, one a line or separated by NUL, read as it is needed. Which of
 * the two it is, its first bytes tell: a NUL among them.
 */

#include <stdbool.h>

struct path_list;

enum path_list_code {
	PATH_LIST_PATH,
	PATH_LIST_BAD,               /* an entry that is no path; there may be more */
	PATH_LIST_FAILED,            /* the list cannot be read any further */
	PATH_LIST_INTERRUPTED,       /* a signal ended a wait; the call may be made again */
	PATH_LIST_END,
};

/* Opens a list; "-" is standard input. With `nul`, only NUL separates. NULL, and errno, when that fails. */
struct path_list *path_list_open(const char *name, bool nul);

/* The next path that is not empty, or why there is none. The text lives until the next call. */
enum path_list_code path_list_next(struct path_list *list, const char **ret_text);

/* "LIST:LINE" of what was returned last; it lives until the next call. */
const char *path_list_place(const struct path_list *list);

void path_list_free(struct path_list *list);

#endif
