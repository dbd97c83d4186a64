/* SPDX-License-Identifier: Apache-2.0 */
/* See cache.h. */

#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX ".clsfrs"
#define KEY_LENGTH 64
#define MAX_SIZE ((off_t)1 << 30)
#define MAX_AGE (30L * 24 * 3600)    /* seconds that an unused file is kept */

void blob_free(struct blob *b)
{
	free(b->data);
	*b = (struct blob){ 0 };
}

int blob_write(const void *data, size_t length, void *user)
{
	struct blob *b = user;
	char *grown = realloc(b->data, b->length + length + 1);
	if (!grown)
		return 1;
	memcpy(grown + b->length, data, length);
	b->data = grown;
	b->length += length;
	return 0;
}

char *cache_folder(const char *given)
{
	char *path = NULL;
	const char *base = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int n = -1;
	if (given)
		return *given ? strdup(given) : NULL;
	/* The specification says that a relative path is to be ignored. */
	if (base && *base == '/')
		n = asprintf(&path, "%s/classify", base);
	else if (home && *home == '/')
		n = asprintf(&path, "%s/.cache/classify", home);
	return n < 0 ? NULL : path;
}

/* Makes the folder and what is above it. */
static bool make_folder(const char *folder)
{
	char *path = strdup(folder);
	bool good = path != NULL;
	for (char *p = path; good && p; ) {
		p = strchr(p + 1, '/');
		if (p)
			*p = '\0';
		good = mkdir(path, 0700) == 0 || errno == EEXIST;
		if (p)
			*p = '/';
	}
	free(path);
	return good;
}

/* Only this user or root may own it, and nobody else write to it. */
static bool is_trusted(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static bool read_all(int fd, size_t size, struct blob *b)
{
	b->data = malloc(size ? size : 1);
	b->length = 0;
	while (b->data && b->length < size) {
		ssize_t n = read(fd, b->data + b->length, size - b->length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		b->length += (size_t)n;
	}
	return b->data && b->length == size;
}

bool read_trusted(const char *path, struct blob *ret_blob, char why[256])
{
	struct stat st;
	*ret_blob = (struct blob){ 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	bool good = false;
	if (fd < 0 && errno == ELOOP)
		snprintf(why, 256, "a symbolic link, which is not followed");
	else if (fd < 0 || fstat(fd, &st) != 0)
		snprintf(why, 256, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		snprintf(why, 256, "not a regular file");
	else if (!is_trusted(&st))
		snprintf(why, 256, "others can write to it, so it is not believed");
	else if (st.st_size > MAX_SIZE)
		snprintf(why, 256, "larger than %lld bytes", (long long)MAX_SIZE);
	else if (!read_all(fd, (size_t)st.st_size, ret_blob))
		snprintf(why, 256, "could not be read in full");
	else
		good = true;
	if (fd >= 0)
		close(fd);
	if (!good)
		blob_free(ret_blob);
	return good;
}

static bool write_all(int fd, const struct blob *b)
{
	for (size_t at = 0; at < b->length;) {
		ssize_t n = write(fd, b->data + at, b->length - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* Into a device, a pipe or whatever else is no file: nothing can be renamed over it. */
static bool write_through(const char *path, const struct blob *content)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write_all(fd, content);
	int reason = errno;
	if (fd >= 0 && close(fd) != 0 && good) {
		good = false;
		reason = errno;
	}
	errno = reason;
	return good;
}

bool replace_file(const char *path, const struct blob *content, mode_t mode)
{
	char *beside = NULL;
	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return false;
	int fd = mkstemp(beside);
	bool good = fd >= 0 && write_all(fd, content) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	int reason = errno;
	if (fd >= 0 && close(fd) != 0 && good) {
		good = false;
		reason = errno;
	}
	if (good && rename(beside, path) != 0) {
		good = false;
		reason = errno;
	}
	if (!good && fd >= 0)
		unlink(beside);
	free(beside);
	errno = reason;
	return good;
}

bool write_atomically(const char *path, const struct blob *content)
{
	struct stat st;
	char *target = NULL;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_through(path, content);
	/* A link stays one: what it leads to is replaced. */
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		target = realpath(path, NULL);
	bool good = replace_file(target ? target : path, content, 0644);
	int reason = errno;
	free(target);
	errno = reason;
	return good;
}

static char *file_of(const char *folder, const char *key)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s" SUFFIX, folder, key) < 0 ? NULL : path;
}

static bool folder_trusted(const char *folder)
{
	struct stat st;
	return stat(folder, &st) == 0 && S_ISDIR(st.st_mode) && is_trusted(&st);
}

bool cache_load(const char *folder, const char *key, struct clsf_ruleset **ret_ruleset)
{
	char why[256];
	struct blob blob;
	char *path = file_of(folder, key);
	bool good = path && folder_trusted(folder) && read_trusted(path, &blob, why);
	if (good) {
		/* The key stands in front, so that no other ruleset is taken for this one. */
		bool ours = blob.length > KEY_LENGTH && memcmp(blob.data, key, KEY_LENGTH) == 0;
		int code = !ours ? CLSF_E_SYNTAX
		                 : clsf_ruleset_restore(NULL, blob.data + KEY_LENGTH, blob.length - KEY_LENGTH,
		                                        ret_ruleset, NULL);
		good = code >= 0;
		blob_free(&blob);
		/* Used today: what is not is removed some day. A damaged file goes at once; one that memory is out for stays. */
		if (code == 0)
			utimensat(AT_FDCWD, path, NULL, 0);
		else if (code != CLSF_E_NOMEM)
			unlink(path);
		if (code == CLSF_RECOMPILED && clsf_ruleset_save(*ret_ruleset, blob_write, &blob) == 0)
			cache_store(folder, key, &blob);
		blob_free(&blob);
	}
	free(path);
	return good;
}

static void prune(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	time_t now = time(NULL);
	while (dir && (entry = readdir(dir)) != NULL) {
		struct stat st;
		/* Files that a killed writer left beside have more behind the suffix. */
		if (!strstr(entry->d_name, SUFFIX) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(st.st_mode) && now - st.st_mtime > MAX_AGE)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

void cache_store(const char *folder, const char *key, const struct blob *compiled)
{
	char *path = file_of(folder, key);
	struct blob content = { 0 };
	if (path && blob_write(key, KEY_LENGTH, &content) == 0 &&
	    blob_write(compiled->data, compiled->length, &content) == 0 && make_folder(folder) &&
	    folder_trusted(folder) && write_atomically(path, &content))
		prune(folder);
	blob_free(&content);
	free(path);
}
