/* SPDX-License-Identifier: Apache-2.0 */
/* See identity.h. */

#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The real path of the folder with this name; the folder keeps it. */
static const char *resolve(struct identity_folder *folder, const char *name, size_t length)
{
	if (folder->given && strlen(folder->given) == length && memcmp(folder->given, name, length) == 0)
		return folder->real;
	identity_folder_done(folder);
	folder->given = strndup(name, length);
	folder->real = folder->given ? realpath(length ? folder->given : ".", NULL) : NULL;
	if (!folder->real)
		identity_folder_done(folder);
	return folder->real;
}

char *identity_path(struct identity_folder *folder, const char *path)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	const char *slash = memrchr(path, '/', length);
	const char *name = slash ? slash + 1 : path;
	size_t name_length = (size_t)(path + length - name);
	/* What ends in dots names a folder, whose own name is elsewhere. */
	bool dots = name_length == 0 || (name_length == 1 && *name == '.') ||
	            (name_length == 2 && memcmp(name, "..", 2) == 0);
	if (dots) {
		char *copy = strndup(path, length), *real = copy ? realpath(copy, NULL) : NULL;
		free(copy);
		return real;
	}
	const char *real = resolve(folder, path, slash ? (slash == path ? 1 : (size_t)(slash - path)) : 0);
	if (!real)
		return NULL;
	char *whole;
	const char *between = strcmp(real, "/") == 0 ? "" : "/";
	return asprintf(&whole, "%s%s%.*s", real, between, (int)name_length, name) < 0 ? NULL : whole;
}

static int64_t mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

bool identity_look(struct identity_folder *folder, const char *path, struct identity *ret)
{
	struct stat st;
	*ret = (struct identity){ .kind = IDENTITY_FLOWING };
	if (strcmp(path, "-") == 0)
		return true;
	if (stat(path, &st) != 0) {
		ret->kind = IDENTITY_ABSENT;
		return true;
	}
	if (!S_ISREG(st.st_mode))
		return true;
	ret->kind = IDENTITY_FILE;
	ret->size = (uint64_t)st.st_size;
	ret->mtime = mtime_of(&st);
	errno = 0;
	ret->path = identity_path(folder, path);
	if (ret->path)
		return true;
	ret->kind = IDENTITY_ABSENT;
	return errno != ENOMEM;
}

/* Reads as much as there is, at most `most` bytes from the offset. False on an error. */
static bool read_at(int fd, char *buffer, size_t most, uint64_t offset, SHA2_CTX *context)
{
	size_t n = 0;
	while (n < most) {
		ssize_t got = pread(fd, buffer + n, most - n, (off_t)(offset + n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	SHA256Update(context, (const uint8_t *)buffer, n);
	return true;
}

bool identity_read(struct identity *identity)
{
	if (identity->content[0])
		return true;
	char *buffer = malloc(IDENTITY_BYTES);
	int fd = buffer ? open(identity->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
	SHA2_CTX context;
	SHA256Init(&context);
	uint64_t size = identity->size;
	uint64_t tail = size > 2 * IDENTITY_BYTES ? size - IDENTITY_BYTES : IDENTITY_BYTES;
	bool good = fd >= 0 && read_at(fd, buffer, IDENTITY_BYTES, 0, &context) &&
	            (size <= IDENTITY_BYTES || read_at(fd, buffer, IDENTITY_BYTES, tail, &context));
	if (fd >= 0)
		close(fd);
	free(buffer);
	if (good)
		SHA256End(&context, identity->content);
	return good;
}

bool identity_still(const struct identity *identity)
{
	struct stat st;
	return stat(identity->path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == identity->size &&
	       mtime_of(&st) == identity->mtime;
}

void identity_done(struct identity *identity)
{
	free(identity->path);
	*identity = (struct identity){ 0 };
}

void identity_folder_done(struct identity_folder *folder)
{
	free(folder->given);
	free(folder->real);
	*folder = (struct identity_folder){ 0 };
}
