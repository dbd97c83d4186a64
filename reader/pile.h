/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_READER_PILE_H
#define CLSF_READER_PILE_H

/*
 * The pile of sources from a file to the log at hand: the file, what is
 * compressed in it, the archive in that, and so on. See source.h. One thread
 * at a time.
 */

#include "source.h"

struct clsf__pile;

/* `options` are complete: nothing in them is left to a default. */
struct clsf__pile *clsf__pile_new(const struct clsf_reader_options *options);
void clsf__pile_free(struct clsf__pile *pile);

/* Begins with a file. The descriptor is closed by the next call, if it is `owned`. */
int clsf__pile_use(struct clsf__pile *pile, int fd, bool owned, const char *name, struct clsf_error *err);
void clsf__pile_close(struct clsf__pile *pile);

/*
 * Finds out what the file is, and no more: whether there is anything to decode,
 * and whether that is an archive that comes through a pipe: libarchive cannot go
 * on where a read that waits was interrupted, so that another thread has to wait
 * for it. CLSF_E_BUSY: may be called again.
 */
int clsf__pile_begin(struct clsf__pile *pile, bool *ret_decodes, bool *ret_needs_thread,
                     struct clsf_error *err);

/* As the public calls, for which they stand. */
int clsf__pile_next(struct clsf__pile *pile, const struct clsf_member **ret_member, struct clsf_error *err);
int clsf__pile_read(struct clsf__pile *pile, void *room, size_t capacity, const void **ret_data,
                    size_t *ret_length, struct clsf_error *err);
uint64_t clsf__pile_position(const struct clsf__pile *pile);

/* Whether it is a regular file, and how many bytes that has; UINT64_MAX where nobody knows. */
bool clsf__pile_is_regular(const struct clsf__pile *pile);
uint64_t clsf__pile_size(const struct clsf__pile *pile);

/*
 * Reads that wait end when the descriptor can be read; -1: when a signal comes.
 * Whatever decodes ends soon after `*stop` is true. Either is CLSF_E_BUSY.
 */
void clsf__pile_wake(struct clsf__pile *pile, int wake_fd, const atomic_bool *stop);

/* Whom remarks go to from now on. */
void clsf__pile_tell(struct clsf__pile *pile, clsf_remark_fn on_remark, void *user);

#endif
