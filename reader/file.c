/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a descriptor. A regular file is read up to the size that it had
 * when it was opened, so that one that grows as fast as it is read comes to an
 * end; one that became shorter meanwhile is told. What has no size, pipes and
 * devices and the files of /proc, is read to its end.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"

/* From here on the kernel is told that the file is read from beginning to end. */
#define LARGE ((uint64_t)1024 * 1024)

struct file {
	struct clsf__source base;
	int fd;
	int wake_fd;                 /* readable when nobody is to wait any longer; or -1 */
	bool owned;
	bool regular;
	bool asks;                   /* before a read, whether there is something */
	uint64_t position;           /* bytes that were read */
	uint64_t size;               /* bytes that there were at the beginning, or UINT64_MAX */
	uint64_t start;              /* where it was read from */
	int64_t mtime;
};

/* Waits until there is something to read, or somebody has to be heard. */
static int wait_for_bytes(struct file *f, struct clsf_error *err)
{
	struct pollfd fds[2] = { { .fd = f->fd, .events = POLLIN }, { .fd = f->wake_fd, .events = POLLIN } };
	int n;
	do
		n = poll(fds, f->wake_fd >= 0 ? 2 : 1, -1);
	while (n < 0 && errno == EINTR && f->wake_fd >= 0);
	if (n < 0 || (f->wake_fd >= 0 && fds[1].revents))
		return clsf__error(err, CLSF_E_BUSY, 0, "interrupted");
	return 0;
}

/* What it means that there are no more bytes. */
static int end_of_file(struct file *f, struct clsf_error *err)
{
	struct stat st;
	/* The files of /sys end before the size that they have. */
	if (f->size != UINT64_MAX && f->position < f->size && fstat(f->fd, &st) == 0 &&
	    (uint64_t)st.st_size < f->size)
		return clsf__error(err, CLSF_E_IO, 0, "the file became shorter while it was read, to %llu bytes",
		                   (unsigned long long)f->position);
	return CLSF_STOPPED;
}

static int file_read(struct clsf__source *s, void *room, size_t capacity, const void **ret_data,
                     size_t *ret_length, struct clsf_error *err)
{
	struct file *f = (struct file *)s;
	if (f->size - f->position < capacity)
		capacity = (size_t)(f->size - f->position);
	if (capacity == 0)
		return CLSF_STOPPED;
	for (;;) {
		int code = f->asks ? wait_for_bytes(f, err) : 0;
		if (code)
			return code;
		ssize_t got = read(f->fd, room, capacity);
		if (got > 0) {
			f->position += (uint64_t)got;
			if (s->used < f->position)
				s->used = f->position;
			*ret_data = room;
			*ret_length = (size_t)got;
			return 0;
		}
		if (got == 0)
			return end_of_file(f, err);
		if (errno == EAGAIN)
			f->asks = true;
		else if (errno == EINTR && f->wake_fd < 0 && !f->regular)
			return clsf__error(err, CLSF_E_BUSY, 0, "interrupted");
		else if (errno != EINTR)
			return clsf__error(err, CLSF_E_IO, errno, "read error at offset %llu: %s",
			                   (unsigned long long)f->position, strerror(errno));
	}
}

int clsf__file_read_at(struct clsf__source *s, uint64_t offset, void *room, size_t capacity, size_t *ret_length,
                       struct clsf_error *err)
{
	struct file *f = (struct file *)s;
	ssize_t got;
	if (offset >= f->size)
		return CLSF_STOPPED;
	if (f->size - offset < capacity)
		capacity = (size_t)(f->size - offset);
	do
		got = pread(f->fd, room, capacity, (off_t)(f->start + offset));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return clsf__error(err, CLSF_E_IO, errno, "read error at offset %llu: %s", (unsigned long long)offset,
		                   strerror(errno));
	if (got == 0)
		return CLSF_STOPPED;
	s->used = f->size - s->used > (uint64_t)got ? s->used + (uint64_t)got : f->size;
	*ret_length = (size_t)got;
	return 0;
}

static void file_close(struct file *f)
{
	if (f->owned)
		close(f->fd);
	f->owned = false;
	f->fd = -1;
}

static void file_free(struct clsf__source *s)
{
	file_close((struct file *)s);
	clsf__source_done(s);
	free(s);
}

static const struct clsf__source_class file_class = { file_read, file_free };

struct clsf__source *clsf__file_new(void)
{
	struct file *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->fd = -1;
	clsf__source_begin(&f->base, &file_class, NULL);
	return &f->base;
}

int clsf__file_use(struct clsf__source *s, int fd, bool owned, struct clsf_error *err)
{
	struct file *f = (struct file *)s;
	struct stat st;
	file_close(f);
	clsf__source_begin(s, &file_class, NULL);
	f->fd = fd;
	f->owned = owned;
	f->wake_fd = -1;
	f->asks = false;
	f->position = f->start = 0;
	f->size = UINT64_MAX;
	if (fstat(fd, &st) != 0)
		return clsf__error(err, CLSF_E_IO, errno, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return clsf__error(err, CLSF_E_IO, EISDIR, "is a folder");
	f->regular = S_ISREG(st.st_mode);
	f->mtime = st.st_mtime;
	if (f->regular && st.st_size > 0) {
		off_t begun = owned ? 0 : lseek(fd, 0, SEEK_CUR);
		f->start = begun > 0 ? (uint64_t)begun : 0;
		f->size = (uint64_t)st.st_size > f->start ? (uint64_t)st.st_size - f->start : 0;
		if (f->size >= LARGE)
			posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	return 0;
}

void clsf__file_close(struct clsf__source *s)
{
	file_close((struct file *)s);
}

void clsf__file_wake(struct clsf__source *s, int wake_fd)
{
	struct file *f = (struct file *)s;
	f->wake_fd = wake_fd;
	f->asks = wake_fd >= 0 && !f->regular;
}

bool clsf__file_is_regular(const struct clsf__source *s)
{
	return ((const struct file *)s)->regular;
}

int64_t clsf__file_mtime(const struct clsf__source *s)
{
	return ((const struct file *)s)->mtime;
}

uint64_t clsf__file_size(const struct clsf__source *s)
{
	return ((const struct file *)s)->size;
}
