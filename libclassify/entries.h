/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_ENTRIES_H
#define CLSF_ENTRIES_H

/*
 * Many separate texts in one call. They are joined to blocks, which the filter
 * sees as a whole; what it finds is judged entry by entry, each with the stream
 * that it belongs to. A stream knows of that by its `call` only: whoever judges
 * one of its lines tells the call which line, and whoever tells a match tells
 * the call, too.
 */

#include "stream.h"

struct clsf__entries;
struct clsf__call;

/* Frees what a worker keeps for such calls; NULL is fine. */
void clsf__entries_free(struct clsf__entries *e);

/* The line at hand is another one. */
void clsf__call_line(struct clsf__call *c, const char *text);

/* The entry that the line at hand is of, and the offset in its log at which it begins. */
const struct clsf_entry *clsf__call_entry(const struct clsf__call *c, const struct clsf__line *line,
                                          uint64_t *ret_begin);

/* Tells the caller about a match. False: no more of them. */
bool clsf__call_deliver(const struct clsf__call *c, const struct clsf_match *match);

#endif
