/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SENDER_H
#define DAEMON_SENDER_H

/*
 * Takes the oldest batch of the queue, gives it to the pipeline as if a client had pushed it, and
 * removes it when Loki took it. Where a client would try again, this does: after a second, then
 * later and later up to a minute, or when Loki says. What Loki refuses for good is dropped, counted
 * and told.
 */

#include "config.h"

/* Starts the thread. False, told, when that cannot be. */
bool sender_start(const struct config *config);

/* When a batch was taken last, in the time of clock_now(); 0: none was. Threads: any. */
uint64_t sender_last_success(void);

/* Whether Loki has refused something for good. Threads: any. */
bool sender_has_dropped(void);

/* Ends the thread after the answer that it waits for. */
void sender_stop(void);

#endif
