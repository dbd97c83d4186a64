/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_BUILDS_H
#define DAEMON_BUILDS_H

/*
 * From entries that were delivered to the verdicts of builds. Each stream, that is each set of
 * labels of a tenant, is a log in progress; it is a build that ends when the next one starts in it
 * (a start marker after a marker of success or failure, or the same start marker again), when what
 * it is read from ends, when it is silent for a while, or when the daemon ends. One thread does all
 * of it.
 *
 * Threads: builds_take() from any.
 */

#include "config.h"
#include "push.h"

/* Starts the thread. False, told, when that cannot be. */
bool builds_start(const struct config *config);

/* Takes a push that was delivered, and the reference to it. */
void builds_take(struct push *p);

/*
 * Waits while more pushes are behind than can be worth it: who takes new ones asks first, so that
 * clients are slowed and memory is bounded.
 */
void builds_wait(void);

/* Gives the builds that are open their verdicts, and ends the thread. */
void builds_stop(void);

#endif
