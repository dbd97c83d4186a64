/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls: see classify/reader.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ahead.h"

#define DEFAULT_DEPTH 1
#define DEFAULT_MEMBERS 1000000
#define DEFAULT_RATIO 2000
#define DEFAULT_MEMBER_BYTES (UINT64_C(1) << 40)
#define DEFAULT_TOTAL_BYTES (UINT64_C(1) << 42)

/* A file of less is read by the time that a thread is there. */
#define WORTH_A_THREAD ((uint64_t)256 * 1024)

struct clsf_reader {
	struct clsf_reader_options options;
	struct clsf__pile *pile;
	void *room;
	struct clsf__ahead *ahead;
	bool begun;                  /* it is known what the file is, and who reads it: */
	bool is_ahead;               /* the thread */
	bool usable;                 /* there may be another log */
	bool in_log;
	int log_end;                 /* what a read of the log at hand answered at last */
	struct clsf_error fault;
};

/* The options of the caller, who may know fewer of them, with the defaults in place. */
static bool complete_options(const struct clsf_reader_options *given, struct clsf_reader_options *ret)
{
	struct clsf_reader_options o = { 0 };
	if (given) {
		if (given->size < sizeof(size_t))
			return false;
		memcpy(&o, given, given->size < sizeof(o) ? given->size : sizeof(o));
	}
	o.size = sizeof(o);
	o.max_depth = o.max_depth ? o.max_depth : DEFAULT_DEPTH;
	o.max_members = o.max_members ? o.max_members : DEFAULT_MEMBERS;
	o.max_ratio = o.max_ratio ? o.max_ratio : DEFAULT_RATIO;
	o.max_member_bytes = o.max_member_bytes ? o.max_member_bytes : DEFAULT_MEMBER_BYTES;
	o.max_total_bytes = o.max_total_bytes ? o.max_total_bytes : DEFAULT_TOTAL_BYTES;
	*ret = o;
	return true;
}

static void stop(struct clsf_reader *r)
{
	if (r->is_ahead)
		clsf__ahead_stop(r->ahead);
	r->is_ahead = false;
}

static int use(struct clsf_reader *r, int fd, bool owned, const char *name, struct clsf_error *err)
{
	r->in_log = r->begun = false;
	int code = clsf__pile_use(r->pile, fd, owned, name, err);
	r->usable = code == 0;
	return code;
}

static int open_file(const char *path, int *ret_fd, struct clsf_error *err)
{
	/* Opening a pipe waits for its writer, and a signal may end that. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return clsf__error(err, errno == EINTR ? CLSF_E_BUSY : CLSF_E_IO, errno, "%s", strerror(errno));
	*ret_fd = fd;
	return 0;
}

static struct clsf_reader *new_reader(const struct clsf_reader_options *options)
{
	struct clsf_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->options = *options;
	r->pile = clsf__pile_new(options);
	if (!r->pile) {
		free(r);
		return NULL;
	}
	return r;
}

static int open_any(int fd, bool owned, const char *name, const struct clsf_reader_options *options,
                    struct clsf_reader **ret_reader, struct clsf_error *err)
{
	struct clsf_reader *r = new_reader(options);
	if (!r) {
		if (owned)
			close(fd);
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	}
	int code = use(r, fd, owned, name, err);
	if (code) {
		clsf_reader_free(r);
		return code;
	}
	*ret_reader = r;
	return 0;
}

int clsf_reader_open(const char *path, const struct clsf_reader_options *given, struct clsf_reader **ret_reader,
                     struct clsf_error *err)
{
	struct clsf_reader_options options;
	int fd = -1;
	CLSF__REQUIRE(path && ret_reader);
	CLSF__REQUIRE(complete_options(given, &options));
	int code = open_file(path, &fd, err);
	return code ? code : open_any(fd, true, path, &options, ret_reader, err);
}

int clsf_reader_open_fd(int fd, const char *name, const struct clsf_reader_options *given,
                        struct clsf_reader **ret_reader, struct clsf_error *err)
{
	struct clsf_reader_options options;
	CLSF__REQUIRE(fd >= 0 && name && ret_reader);
	CLSF__REQUIRE(complete_options(given, &options));
	return open_any(fd, false, name, &options, ret_reader, err);
}

int clsf_reader_reopen(struct clsf_reader *r, const char *path, struct clsf_error *err)
{
	int fd = -1;
	CLSF__REQUIRE(r && path);
	stop(r);
	clsf__pile_close(r->pile);
	r->usable = r->in_log = false;
	int code = open_file(path, &fd, err);
	return code ? code : use(r, fd, true, path, err);
}

/* Looks at the file, and starts the thread if it is one for that. */
static int begin(struct clsf_reader *r, struct clsf_error *err)
{
	bool decodes, needs_thread;
	int code = clsf__pile_begin(r->pile, &decodes, &needs_thread, err);
	if (code)
		return code;
	r->begun = true;
	if (!needs_thread && !(decodes && r->options.ahead && clsf__pile_size(r->pile) >= WORTH_A_THREAD))
		return 0;
	if (!r->ahead && !(r->ahead = clsf__ahead_new()))
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	code = clsf__ahead_start(r->ahead, r->pile, &r->options, err);
	r->is_ahead = code == 0;
	/* It only takes longer. */
	return needs_thread ? code : 0;
}

int clsf_reader_next(struct clsf_reader *r, const struct clsf_member **ret_member, struct clsf_error *err)
{
	CLSF__REQUIRE(r && ret_member);
	r->in_log = false;
	if (!r->usable)
		return CLSF_STOPPED;
	int code = r->begun ? 0 : begin(r, err);
	if (!code)
		code = r->is_ahead ? clsf__ahead_next(r->ahead, ret_member, err) : clsf__pile_next(r->pile, ret_member, err);
	r->in_log = code == 0;
	r->log_end = 0;
	r->usable = code == 0 || code == CLSF_E_BUSY;
	return code;
}

int clsf_reader_read(struct clsf_reader *r, const void **ret_data, size_t *ret_length, struct clsf_error *err)
{
	CLSF__REQUIRE(r && ret_data && ret_length);
	if (!r->in_log)
		return clsf__error(err, CLSF_E_INVALID, 0, "there is no log at hand");
	if (!r->is_ahead && !r->room && !(r->room = malloc(CLSF__ROOM)))
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	const void *data = NULL;
	size_t length = 0;
	int code = r->log_end;
	if (!code) {
		code = r->is_ahead ? clsf__ahead_read(r->ahead, &data, &length, &r->fault)
		                   : clsf__pile_read(r->pile, r->room, CLSF__ROOM, &data, &length, &r->fault);
		r->log_end = code == CLSF_E_BUSY ? 0 : code;
	}
	if (code < 0 && err)
		*err = r->fault;
	if (code)
		return code;
	*ret_data = data;
	*ret_length = length;
	return 0;
}

uint64_t clsf_reader_position(const struct clsf_reader *r)
{
	if (!r)
		return 0;
	return r->is_ahead ? clsf__ahead_position(r->ahead) : clsf__pile_position(r->pile);
}

void clsf_reader_free(struct clsf_reader *r)
{
	if (!r)
		return;
	stop(r);
	clsf__ahead_free(r->ahead);
	clsf__pile_free(r->pile);
	free(r->room);
	free(r);
}
