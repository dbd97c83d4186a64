/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PIPELINE_H
#define DAEMON_PIPELINE_H

/*
 * What happens to a push between its body and its answer: it is decoded, its entries are labelled,
 * and it is sent to Loki or printed. A body that cannot be decoded goes on as it came: whether it
 * is wrong is for Loki to say.
 *
 * Threads: any.
 */

#include "config.h"
#include "push.h"

/* Starts the threads that classify. False, told, when that cannot be. */
bool pipeline_start(const struct config *config);

/* Takes a push with a whole body, and the reference to it; its `done` is called in the end. */
void pipeline_submit(struct push *p);

/* Waits until all that was submitted is answered, and ends the threads. */
void pipeline_stop(void);

#endif
