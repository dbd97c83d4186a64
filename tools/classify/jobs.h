/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_JOBS_H
#define TOOL_JOBS_H

/*
 * Many inputs, scanned by several threads and told by one.
 *
 * Threads take inputs in order, and whatever they find out about one is told in
 * the order of the inputs, by the thread that calls jobs_run(). What waits to be
 * told is bounded: a thread that is ahead of the input whose turn it is waits,
 * and that input itself is told while it is still being scanned.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "paths.h"

/* Something to tell. Whoever makes it knows what stands behind this. */
struct told {
	struct told *next;
	size_t size;                 /* bytes of memory that it holds */
};

/* An input that is being scanned, or is scanned and not told yet. */
struct job {
	struct path path;
	struct jobs *jobs;
	struct job *next;
	struct told *first, *last;
	bool done;
};

struct jobs {
	/* Set before jobs_run(). */
	struct paths *paths;
	size_t threads;              /* most that scan at a time */
	/* Scans an input; `number` is that of the thread, from 0. Runs in that thread. */
	void (*scan)(struct job *job, size_t number, void *user);
	/* Tells, and frees what it is given. Runs in the thread of jobs_run(), as do those below. */
	void (*tell)(struct told *told, void *user);
	/* All of an input is told. May be NULL. */
	void (*end)(const struct job *job, void *user);
	/* There was nothing to tell for a moment. May be NULL. */
	void (*idle)(void *user);
	void *user;

	/* Its own. */
	pthread_mutex_t taking;      /* held by who looks for the next input, before `lock` */
	pthread_mutex_t lock;        /* of all that follows */
	pthread_cond_t news, room;
	struct job *first, *last;    /* in the order of the inputs */
	size_t waiting;              /* bytes of what is not told */
	size_t running;              /* threads */
	size_t scanning;             /* threads that scan an input */
	bool more;                   /* there may be more inputs */
	pthread_t *thread;
	size_t n_threads;
	bool no_thread;              /* one could not be made: those there are have to do */
	atomic_bool stopping;
	atomic_bool failed_memory;
};

/* Scans and tells everything. False when no thread could be made. */
bool jobs_run(struct jobs *jobs);

/* For scan(): hands over something to tell, and waits where too much waits. NULL is memory that was out. */
void job_tell(struct job *job, struct told *told);

/* No further input is begun, and scan() should end soon. Any thread. */
void jobs_stop(struct jobs *jobs);
bool jobs_stopping(struct jobs *jobs);

/* How many inputs are scanned now, or are about to be. Any thread. */
size_t jobs_busy(struct jobs *jobs);

#endif
