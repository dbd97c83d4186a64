/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_IDENTITY_H
#define TOOL_IDENTITY_H

/*
 * Which file an input is, and whether it is still the same: its absolute path,
 * its size, when it was last changed, and a hash of its beginning and its end.
 * Links above the file are resolved, so that one file has one path; the file's
 * own name is left as it is, for a link that is turned to another file is the
 * same input with other content.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDENTITY_BYTES ((size_t)64 * 1024)   /* of either end that are hashed */

enum identity_kind {
	IDENTITY_FILE,
	IDENTITY_FLOWING,    /* standard input, a pipe, a device: cannot be met again */
	IDENTITY_ABSENT,     /* it cannot be looked at; reading it will say why */
};

struct identity {
	enum identity_kind kind;
	char *path;                  /* of IDENTITY_FILE, as is what follows */
	uint64_t size;
	int64_t mtime;               /* nanoseconds since 1970 */
	char content[65];            /* "" until identity_read() */
};

/* The folder that was resolved last: files mostly come folder by folder. */
struct identity_folder {
	char *given, *real;
};

/* Looks at an input. False when memory is out. */
bool identity_look(struct identity_folder *folder, const char *path, struct identity *ret);

/* Reads both ends of the file. False when they cannot be read; then it is not known to be the same as any. */
bool identity_read(struct identity *identity);

/* Whether size and time of the file are still those. */
bool identity_still(const struct identity *identity);

/* The absolute path of a file or folder, as above; NULL when there is none. For free(). */
char *identity_path(struct identity_folder *folder, const char *path);

void identity_done(struct identity *identity);
void identity_folder_done(struct identity_folder *folder);

#endif
