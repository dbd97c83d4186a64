/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_OUTBOX_H
#define DAEMON_OUTBOX_H

/*
 * Entries of our own that Loki has not taken yet. They are sent again, later and later, until it
 * does, those of a tenant in their order, and several in one push where they came faster than Loki
 * answers; at most 64 MiB of them wait, in memory.
 *
 * Threads: any.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies an element of "streams" of a push in JSON; NULL for one that memory was short for, which counts as lost. */
void outbox_add(const char *stream, size_t length, const char *tenant, const char *authorization);

/* Sends what is due at the time `now` (push.h). */
void outbox_send(uint64_t now);

/* Tries for some more seconds to empty it; what is left is told and lost. False when a verdict was lost. */
bool outbox_close(unsigned seconds);

/* Forgets what is left, once no request is under way any more. */
void outbox_free(void);

#endif
