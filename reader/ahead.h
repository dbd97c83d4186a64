/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_READER_AHEAD_H
#define CLSF_READER_AHEAD_H

/*
 * A thread that works through a pile ahead of whoever wants the logs, so that
 * decompressing and scanning overlap, and a wait for a pipe can be interrupted
 * wherever the decoder stands.
 */

#include "pile.h"

struct clsf__ahead;

struct clsf__ahead *clsf__ahead_new(void);
void clsf__ahead_free(struct clsf__ahead *ahead);

/*
 * Gives the pile to a thread until clsf__ahead_stop(). Remarks go to the
 * functions of `options`, from the thread that calls clsf__ahead_next().
 * Returns 0, CLSF_E_NOMEM.
 */
int clsf__ahead_start(struct clsf__ahead *ahead, struct clsf__pile *pile,
                      const struct clsf_reader_options *options, struct clsf_error *err);
/* Ends the thread; the pile is where that left it. Fine if there is none. */
void clsf__ahead_stop(struct clsf__ahead *ahead);

/* As the public calls, for which they stand. */
int clsf__ahead_next(struct clsf__ahead *ahead, const struct clsf_member **ret_member, struct clsf_error *err);
int clsf__ahead_read(struct clsf__ahead *ahead, const void **ret_data, size_t *ret_length,
                     struct clsf_error *err);
uint64_t clsf__ahead_position(const struct clsf__ahead *ahead);

#endif
