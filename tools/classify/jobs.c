/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See jobs.h. Threads are made as inputs are met, so that one small log costs one
 * thread.
 *
 * Nothing waits for ever: the input whose turn it is may always hand over one
 * thing when nothing of it waits, however much waits behind it.
 */

#include "jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "interrupt.h"

#define MAX_WAITING ((size_t)4 * 1024 * 1024)  /* bytes that wait to be told, for each thread */
#define IDLE 100000000L                        /* nanoseconds */

void jobs_stop(struct jobs *j)
{
	atomic_store(&j->stopping, true);
}

bool jobs_stopping(struct jobs *j)
{
	return atomic_load_explicit(&j->stopping, memory_order_relaxed) || interrupted();
}

size_t jobs_busy(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	size_t busy = j->more ? j->threads : j->scanning;
	pthread_mutex_unlock(&j->lock);
	return busy;
}

static size_t most_waiting(const struct jobs *j)
{
	return MAX_WAITING * j->threads;
}

/* ---- the threads that scan ---- */

/* With the lock. */
static void append(struct job *job, struct told *told)
{
	told->next = NULL;
	if (job->last)
		job->last->next = told;
	else
		job->first = told;
	job->last = told;
	job->jobs->waiting += told->size;
	pthread_cond_signal(&job->jobs->news);
}

void job_tell(struct job *job, struct told *told)
{
	struct jobs *j = job->jobs;
	if (!told) {
		atomic_store(&j->failed_memory, true);
		return;
	}
	pthread_mutex_lock(&j->lock);
	while (j->waiting + told->size > most_waiting(j) && !(j->first == job && !job->first))
		pthread_cond_wait(&j->room, &j->lock);
	append(job, told);
	pthread_mutex_unlock(&j->lock);
}

static void *run(void *user);

/* With the lock. */
static void add_thread(struct jobs *j)
{
	if (j->n_threads == j->threads || j->no_thread)
		return;
	if (pthread_create(&j->thread[j->n_threads], NULL, run, j) == 0) {
		j->n_threads++;
		j->running++;
	} else {
		j->no_thread = true;
	}
}

static struct job *take(struct jobs *j)
{
	struct job *job = NULL;
	pthread_mutex_lock(&j->taking);
	pthread_mutex_lock(&j->lock);
	while (j->waiting > most_waiting(j) && j->first && !jobs_stopping(j))
		pthread_cond_wait(&j->room, &j->lock);
	pthread_mutex_unlock(&j->lock);
	struct path path;
	if (!jobs_stopping(j) && paths_next(j->paths, &path)) {
		bool more = paths_more(j->paths);
		job = malloc(sizeof(*job));
		if (job) {
			*job = (struct job){ .path = path, .jobs = j };
			pthread_mutex_lock(&j->lock);
			if (j->last)
				j->last->next = job;
			else
				j->first = job;
			j->last = job;
			j->waiting += sizeof(*job) + path.size;
			j->scanning++;
			j->more = more;
			if (more)
				add_thread(j);
			pthread_mutex_unlock(&j->lock);
		} else {
			atomic_store(&j->failed_memory, true);
			path_done(&path);
		}
	}
	pthread_mutex_unlock(&j->taking);
	return job;
}

static void *run(void *user)
{
	struct jobs *j = user;
	struct job *job;
	size_t number = 0;
	pthread_mutex_lock(&j->lock);
	while (!pthread_equal(j->thread[number], pthread_self()))
		number++;
	pthread_mutex_unlock(&j->lock);
	interrupt_join();
	while ((job = take(j)) != NULL) {
		j->scan(job, number, j->user);
		pthread_mutex_lock(&j->lock);
		job->done = true;
		j->scanning--;
		pthread_cond_signal(&j->news);
		pthread_mutex_unlock(&j->lock);
	}
	interrupt_leave();
	pthread_mutex_lock(&j->lock);
	j->running--;
	pthread_cond_signal(&j->news);
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* ---- the thread that tells ---- */

static struct timespec after(long nanoseconds)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += nanoseconds;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

/* Waits for a moment, which ends at `until`, or begins. With the lock, which is given up while idle() runs. */
static void wait_for_news(struct jobs *j, struct timespec *until, bool *waits)
{
	if (!*waits)
		*until = after(IDLE);
	*waits = true;
	/* There may be news of inputs whose turn it is not. */
	if (pthread_cond_timedwait(&j->news, &j->lock, until) != ETIMEDOUT)
		return;
	*waits = false;
	if (j->idle) {
		pthread_mutex_unlock(&j->lock);
		j->idle(j->user);
		pthread_mutex_lock(&j->lock);
	}
}

static void tell_all(struct jobs *j)
{
	struct timespec until;
	bool waits = false;
	pthread_mutex_lock(&j->lock);
	while (j->first || j->running) {
		struct job *job = j->first;
		if (job && job->first) {
			struct told *told = job->first;
			waits = false;
			job->first = job->last = NULL;
			for (struct told *t = told; t; t = t->next)
				j->waiting -= t->size;
			pthread_cond_broadcast(&j->room);
			pthread_mutex_unlock(&j->lock);
			while (told) {
				struct told *next = told->next;
				j->tell(told, j->user);
				told = next;
			}
			pthread_mutex_lock(&j->lock);
		} else if (job && job->done) {
			j->first = job->next;
			if (!j->first)
				j->last = NULL;
			j->waiting -= sizeof(*job) + job->path.size;
			pthread_cond_broadcast(&j->room);
			pthread_mutex_unlock(&j->lock);
			if (j->end)
				j->end(job, j->user);
			path_done(&job->path);
			free(job);
			pthread_mutex_lock(&j->lock);
		} else {
			wait_for_news(j, &until, &waits);
		}
	}
	pthread_mutex_unlock(&j->lock);
}

bool jobs_run(struct jobs *j)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&j->taking, NULL);
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->news, &monotonic);
	pthread_cond_init(&j->room, NULL);
	pthread_condattr_destroy(&monotonic);
	j->thread = calloc(j->threads, sizeof(*j->thread));
	if (j->thread) {
		pthread_mutex_lock(&j->lock);
		add_thread(j);
		pthread_mutex_unlock(&j->lock);
		tell_all(j);
		for (size_t i = 0; i < j->n_threads; i++)
			pthread_join(j->thread[i], NULL);
	}
	bool good = j->n_threads > 0;
	free(j->thread);
	pthread_cond_destroy(&j->room);
	pthread_cond_destroy(&j->news);
	pthread_mutex_destroy(&j->lock);
	pthread_mutex_destroy(&j->taking);
	return good;
}
