/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

/*
 * What was read and Loki has not taken yet: batches, first in, first out, and bounded. Where the
 * bound is reached, whoever reads waits.
 *
 * Threads: any.
 */

#include "config.h"
#include "memory.h"

struct queue_batch {
	const void *body;            /* a push in protobuf with snappy */
	size_t length;
	size_t entries;
	bool ends;                   /* no entries: its streams are at their ends */
};

/* The oldest batch, copied. */
struct queue_item {
	int64_t id;
	struct bytes body;
	size_t entries;
	bool ends;
};

/* False, told, when it cannot be. */
bool queue_open(const struct config *config);

/*
 * Adds a batch; waits while there is no room for it. When it returns true the batch is committed.
 * False when the daemon ends before that.
 */
bool queue_append(const struct queue_batch *batch);

/* Copies the oldest batch, or waits for one. False when the daemon ends. */
bool queue_oldest(struct queue_item *ret);
/* Removes the oldest batch, and frees its copy. */
void queue_remove(struct queue_item *item);

/* Waits until it is empty, or this time (push.h) is reached. Returns how many entries are in it. */
size_t queue_wait_empty(uint64_t until);

/* Nobody waits for room any more. */
void queue_hurry(void);
/* Nobody waits for a batch any more. */
void queue_end(void);
void queue_close(void);

#endif
