/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_QUEUE_FILE_H
#define DAEMON_QUEUE_FILE_H

/*
 * The queue's file: an SQLite database of batches and positions, which one daemon has for itself.
 * What goes wrong is told; the file is closed then, and the next call opens it anew.
 *
 * Threads: one at a time; for queue.c.
 */

#include "queue.h"

struct queue_counts {
	uint64_t batches, entries, bytes;
	unsigned generation;         /* becomes another when the file was damaged and a new one took its place */
};

enum queue_file_result {
	QUEUE_FILE_GOOD,
	QUEUE_FILE_NONE,             /* there is no batch */
	QUEUE_FILE_FAULT,            /* told */
};

/*
 * Opens it, if it is not open, and counts what is in it. A file that is damaged is put aside, under
 * another name, and a new one made.
 */
bool queue_file_open(const char *path, struct queue_counts *ret);

enum queue_file_result queue_file_append(const struct queue_batch *batch);
enum queue_file_result queue_file_oldest(struct queue_item *ret);
/* QUEUE_FILE_NONE: it was not there. */
enum queue_file_result queue_file_remove(const struct queue_item *item, bool last);

/* Makes the positions in it those of positions.h. False when it holds none. */
bool queue_file_positions(void);

void queue_file_close(void);

#endif
