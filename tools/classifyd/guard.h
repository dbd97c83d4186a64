/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_GUARD_H
#define DAEMON_GUARD_H

/*
 * What bounds captures: a capture that turns out to be different in every entry (a request id, a
 * path with a date in it) is left out after so many values, until an hour is over.
 *
 * Threads: any.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard;

/* At most `values` different values of a capture in an hour. NULL when memory is out. */
struct guard *guard_new(size_t values);
void guard_free(struct guard *g);

/* Whether this value may go out; `now` is a time in nanoseconds. When memory is out, it may not. */
bool guard_admit(struct guard *g, const char *rule, const char *field, const char *value, size_t length,
                 uint64_t now);

#endif
