/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

/*
 * How far a scan is, on one line of the terminal that is standard error: the
 * part that is done, logs, those that failed, speed, and the time that is left.
 * Nothing of it is drawn anywhere else, nor where the program runs in the
 * background. It goes away before anything else is written, and at the end.
 *
 * How much there is to do, a thread of its own finds out, which walks the inputs
 * as the scan does, and is ahead of it: until it is done, and where there are
 * pipes or lists, no part is told.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "paths.h"

/* What a thread that scans tells of itself. */
struct progress_reader {
	_Atomic uint64_t position;   /* in the file at hand */
	_Atomic uint64_t taken;      /* bytes of logs, decompressed, ever */
	_Atomic uint64_t finished;   /* bytes of files that it is done with */
	uint64_t size;               /* of the file at hand */
};

struct progress {
	bool on;
	bool shown;
	bool shares;                 /* standard output goes to a terminal as well */
	uint64_t begun, drawn;       /* nanoseconds */
	const struct progress_reader *readers;
	size_t n_readers, stride;
	uint64_t last_taken, last_done;
	double waited;               /* seconds since last_done grew */
	double speed, pace;          /* bytes of logs, and of files, in a second: of late */

	/* What there is to do. */
	pthread_t surveyor;
	bool surveyed;               /* there is that thread */
	struct paths paths;
	atomic_bool ending, known, unknown;
	_Atomic uint64_t total;      /* bytes of files */
};

/*
 * Begins, if it is to be seen. The readers are `n` structs, `stride` bytes from
 * one to the next, and outlive it, as do the lists of inputs.
 */
void progress_begin(struct progress *progress, const struct list *named, const struct list *lists,
                    const struct progress_reader *readers, size_t n, size_t stride);
/* Draws it, if it is time. */
void progress_draw(struct progress *progress, size_t logs, size_t failed);
/* Standard output is about to be written to. */
void progress_make_way(struct progress *progress);
void progress_end(struct progress *progress);

/* ---- threads that scan ---- */

void progress_open(struct progress_reader *reader, const char *path);
static inline void progress_take(struct progress_reader *reader, uint64_t position, size_t length)
{
	atomic_store_explicit(&reader->position, position, memory_order_relaxed);
	atomic_fetch_add_explicit(&reader->taken, length, memory_order_relaxed);
}
void progress_close(struct progress_reader *reader);

#endif
