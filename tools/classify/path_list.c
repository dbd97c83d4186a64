/* SPDX-License-Identifier: Apache-2.0 */
/* See path_list.h. */

#include "path_list.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM ((size_t)64 * 1024) /* bytes read at once, and of a path */

struct path_list {
	int fd;
	char *name;
	char *place;
	char data[ROOM + 1];         /* and one for the NUL behind a last path */
	size_t begin, end;           /* what is not returned yet */
	uint64_t line;
	bool nul, ended;
	bool decided;                /* which of the two separates */
	bool skipping;               /* the rest of an entry that is too long */
	size_t place_room;
};

struct path_list *path_list_open(const char *name, bool nul)
{
	bool standard = strcmp(name, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	struct path_list *list = calloc(1, sizeof(*list));
	if (list) {
		list->fd = fd;
		list->nul = nul;
		list->decided = nul;
		list->name = strdup(name);
		list->place_room = strlen(name) + 24;
		list->place = malloc(list->place_room);
	}
	if (list && list->name && list->place)
		return list;
	path_list_free(list);
	if (!list && !standard)
		close(fd);
	errno = ENOMEM;
	return NULL;
}

void path_list_free(struct path_list *list)
{
	if (!list)
		return;
	if (list->fd != STDIN_FILENO)
		close(list->fd);
	free(list->place);
	free(list->name);
	free(list);
}

const char *path_list_place(const struct path_list *list)
{
	snprintf(list->place, list->place_room, "%s:%" PRIu64, list->name, list->line);
	return list->place;
}

/* More bytes behind those there are. False, and errno, when that fails. */
static bool read_more(struct path_list *list)
{
	memmove(list->data, list->data + list->begin, list->end - list->begin);
	list->end -= list->begin;
	list->begin = 0;
	ssize_t got = read(list->fd, list->data + list->end, ROOM - list->end);
	if (got < 0)
		return false;
	list->ended = got == 0;
	list->end += (size_t)got;
	if (!list->decided) {
		list->nul = memchr(list->data, '\0', list->end) != NULL;
		list->decided = list->nul || memchr(list->data, '\n', list->end);
	}
	return true;
}

/* The end of the entry that begins the data; NULL when it is not there yet. */
static char *entry_end(struct path_list *list)
{
	size_t length = list->end - list->begin;
	char *end = memchr(list->data + list->begin, list->nul ? '\0' : '\n', length);
	if (end || !list->ended || length == 0)
		return end;
	list->data[list->end] = '\0';
	return list->data + list->end;
}

enum path_list_code path_list_next(struct path_list *list, const char **ret_text)
{
	for (;;) {
		char *entry = list->data + list->begin, *end = entry_end(list);
		if (end) {
			size_t length = (size_t)(end - entry);
			list->begin += length + (end < list->data + list->end);
			bool rest = list->skipping;
			list->skipping = false;
			list->line += !rest;
			if (length == 0 || rest)
				continue;
			*ret_text = memchr(entry, '\0', length) ? "a NUL byte in a list of lines; is --null meant?" : entry;
			*end = '\0';
			return *ret_text == entry ? PATH_LIST_PATH : PATH_LIST_BAD;
		}
		if (list->ended)
			return PATH_LIST_END;
		if (list->end - list->begin == ROOM) {
			list->begin = list->end;
			bool rest = list->skipping;
			list->skipping = true;
			list->line += !rest;
			*ret_text = "longer than 65536 bytes, left out";
			if (!rest)
				return PATH_LIST_BAD;
		}
		if (!read_more(list)) {
			*ret_text = strerror(errno);
			return errno == EINTR ? PATH_LIST_INTERRUPTED : PATH_LIST_FAILED;
		}
	}
}
