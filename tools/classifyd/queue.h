/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

/*
 * What was read and Loki has not taken yet: batches, first in, first out, and bounded. Where the
 * bound is reached, whoever reads waits.
 *
 * With a file (SQLite), a batch and the positions of the inputs that it covers are committed
 * together before anybody may take it, so that neither a crash of the daemon nor one of Loki loses
 * it or makes it be read again. Without one, both are in memory, and positions count when a batch
 * is gone: what was not delivered is read again.
 *
 * Threads: any.
 */

#include "config.h"
#include "memory.h"
#include "positions.h"

struct queue_batch {
	const void *body;            /* a push in protobuf with snappy */
	size_t length;               /* 0: there are positions only */
	size_t entries;
	bool ends;                   /* no entries: its streams are at their ends */
	const struct position *positions;
	size_t n_positions;
};

/* The oldest batch, copied. */
struct queue_item {
	int64_t id;
	unsigned generation;         /* of the file that it is from */
	struct bytes body;
	size_t entries;
	bool ends;
};

/* Opens it; the positions that it holds become those of positions.h. False, told, when it cannot be. */
bool queue_open(const struct config *config);

/*
 * Adds a batch; waits while there is no room for it. When it returns true the batch is committed.
 * False when the daemon ends before that.
 */
bool queue_append(const struct queue_batch *batch);

/* Copies the oldest batch, or waits for one. False when the daemon ends. */
bool queue_oldest(struct queue_item *ret);
/* Removes the oldest batch, and frees its copy. It stays when the daemon ends while the file cannot be written. */
void queue_remove(struct queue_item *item);

/* Waits until it is empty, or this time (push.h) is reached. Returns how many batches are in it. */
size_t queue_wait_empty(uint64_t until);

/* How many entries are in it. */
size_t queue_entries(void);

/* Nobody waits for room any more. */
void queue_hurry(void);
/* Nobody waits for a batch any more. */
void queue_end(void);
void queue_close(void);

#endif
