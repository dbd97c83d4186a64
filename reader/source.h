/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_READER_SOURCE_H
#define CLSF_READER_SOURCE_H

/*
 * What gives bytes, one after the other: a file, what is compressed in it, the
 * member of an archive at hand. Sources stand on one another, each reading from
 * the one below; reader.c keeps the pile.
 *
 * Whoever reads gives the room that the bytes may go into, so that a decoder
 * writes where its reader wants them; a source that has them in memory of its
 * own answers with that. Either way they stay until the next call.
 *
 * The first bytes can be looked at before it is known who will read them, and
 * read again from their beginning as long as nothing behind them was read.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/reader.h>

#include "../libclassify/error.h"

/* The first bytes of a source that are kept; the tar header at 0 to 512 is among them. */
#define CLSF__HEAD ((size_t)64 * 1024)
/* Room for the bytes of a log that are given at once. */
#define CLSF__ROOM ((size_t)512 * 1024)

struct clsf__source;

struct clsf__source_class {
	/*
	 * The next bytes, at least one: into `room`, or others that stay until the
	 * next call. Returns 0, CLSF_STOPPED at the end, CLSF_E_BUSY when a wait was
	 * interrupted, another failure; after these two it is not called again.
	 */
	int (*read)(struct clsf__source *s, void *room, size_t capacity, const void **ret_data,
	            size_t *ret_length, struct clsf_error *err);
	/* Frees it, and not what is below it. */
	void (*free)(struct clsf__source *s);
};

/* What all sources of a file may give together: see struct clsf_reader_options. */
struct clsf__limits {
	uint64_t max_total;
	uint32_t max_ratio;
	const struct clsf__source *file;
	const atomic_bool *stop;     /* whether nobody wants more; or NULL */
	bool over;                   /* one was passed */
	struct clsf_error fault;     /* which */
};

struct clsf__source {
	const struct clsf__source_class *class;
	struct clsf__limits *limits; /* NULL: for the file itself there are none */
	uint64_t *given;             /* bytes that came from sources at this level of the pile, all of them */
	uint64_t used;               /* bytes of the file that were read; 0 for what stands on it */
	unsigned char *head;         /* CLSF__HEAD bytes of room */
	size_t head_length, head_given;
	const unsigned char *lent;   /* the class's own, behind what is in the head */
	size_t lent_length, lent_given;
	bool moved;                  /* bytes behind those were read */
	int end;                     /* what the class answered at last; 0: it has more */
	struct clsf_error fault;     /* if that is a failure */
};

/* Begins a source; of what it was before, the room of its head is kept. */
void clsf__source_begin(struct clsf__source *s, const struct clsf__source_class *class, uint64_t *given);

/* Frees what clsf__source_peek() took. */
void clsf__source_done(struct clsf__source *s);

/*
 * Makes at least `length` first bytes visible, fewer only where the source ends
 * or fails. Returns 0, CLSF_E_BUSY, CLSF_E_NOMEM. At most CLSF__HEAD.
 */
int clsf__source_peek(struct clsf__source *s, size_t length, struct clsf_error *err);

/* As the class's read, with what was looked at first. */
int clsf__source_read(struct clsf__source *s, void *room, size_t capacity, const void **ret_data,
                      size_t *ret_length, struct clsf_error *err);

/* Whether there are bytes that were looked at and not read. */
bool clsf__source_peeked(const struct clsf__source *s);

/* Back to the first byte; false if bytes that are not kept were read since. */
bool clsf__source_rewind(struct clsf__source *s);

/* Returns 0 as long as no more was decompressed than the limits allow; CLSF_E_LIMIT. */
int clsf__limits_check(struct clsf__limits *limits, uint64_t given, struct clsf_error *err);

/*
 * The file itself. `owned` descriptors are closed at the end, or by the next
 * call of clsf__file_use(). A read that waits ends with CLSF_E_BUSY when a
 * signal comes, or, after clsf__file_wake(), when that descriptor can be read.
 */
struct clsf__source *clsf__file_new(void);
int clsf__file_use(struct clsf__source *s, int fd, bool owned, struct clsf_error *err);
void clsf__file_close(struct clsf__source *s);
void clsf__file_wake(struct clsf__source *s, int wake_fd);
bool clsf__file_is_regular(const struct clsf__source *s);
int64_t clsf__file_mtime(const struct clsf__source *s);
/* Reads at any place of a regular file. */
int clsf__file_read_at(struct clsf__source *s, uint64_t offset, void *room, size_t capacity, size_t *ret_length,
                       struct clsf_error *err);
/* Bytes of it as it was opened; UINT64_MAX if that cannot be known. */
uint64_t clsf__file_size(const struct clsf__source *s);

#endif
