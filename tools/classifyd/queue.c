/* SPDX-License-Identifier: Apache-2.0 */
/* See queue.h. */

#include "queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "metrics.h"
#include "push.h"
#include "queue_file.h"

#define MEMORY_SIZE ((uint64_t)64 << 20)     /* bytes of batches that are held without a file */
#define SECOND UINT64_C(1000000000)

/* A batch in memory, with copies of its positions. */
struct held {
	struct held *next;
	struct bytes body;
	size_t entries;
	bool ends;
	struct position *positions;
	size_t n_positions;
};

static struct {
	const char *path;            /* NULL: in memory */
	const char *export;          /* where positions are written for others; or NULL */
	uint64_t limit;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool opened, hurry, end;     /* under the lock, as what follows */
	bool full_told;
	struct queue_counts counts;
	struct held *first, **last;
} q = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void tell_sizes(void)
{
	metric_set(METRIC_QUEUE_ENTRIES, "", (double)q.counts.entries);
	metric_set(METRIC_QUEUE_BYTES, "", (double)q.counts.bytes);
}

/* With the lock held: until something changes, or the time is reached. */
static void wait_until(uint64_t until)
{
	const struct timespec time = { .tv_sec = (time_t)(until / SECOND), .tv_nsec = (long)(until % SECOND) };
	pthread_cond_timedwait(&q.changed, &q.lock, &time);
}

/*
 * Positions of before: the file's own go first. Where it has none, another program's are taken
 * over, which may have read the same files so far.
 */
static bool find_positions(void)
{
	if (q.path && queue_file_positions())
		return true;
	return !q.export || positions_read(q.export);
}

bool queue_open(const struct config *config)
{
	pthread_condattr_t attributes;
	q.path = config->queue;
	q.export = config->positions;
	q.limit = q.path ? config->queue_size : MEMORY_SIZE;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&q.changed, &attributes);
	pthread_condattr_destroy(&attributes);
	q.opened = true;
	if (q.path && !queue_file_open(q.path, &q.counts))
		return false;
	tell_sizes();
	return find_positions();
}

static void free_held(struct held *h)
{
	for (size_t i = 0; i < h->n_positions; i++) {
		free((char *)(uintptr_t)h->positions[i].key);
		free((char *)(uintptr_t)h->positions[i].value);
	}
	free(h->positions);
	bytes_free(&h->body);
	free(h);
}

static bool hold(const struct queue_batch *b)
{
	struct held *h = calloc(1, sizeof(*h));
	bool good = h && bytes_add(&h->body, b->body, b->length);
	if (good)
		good = (h->positions = calloc(b->n_positions + 1, sizeof(*h->positions))) != NULL;
	for (; good && h->n_positions < b->n_positions; h->n_positions++) {
		struct position *p = &h->positions[h->n_positions];
		*p = b->positions[h->n_positions];
		p->key = strdup(p->key);
		p->value = strdup(p->value);
		good = p->key && p->value;
	}
	if (!good) {
		if (h)
			free_held(h);
		return false;
	}
	h->entries = b->entries;
	h->ends = b->ends;
	*(q.first ? q.last : &q.first) = h;
	q.last = &h->next;
	return true;
}

static void set_positions(const struct position *positions, size_t n)
{
	for (size_t i = 0; i < n; i++)
		positions_set(&positions[i]);
}

/* With the lock held. A batch always fits into an empty queue. */
static bool wait_for_room(size_t length)
{
	while (length && q.counts.bytes && q.counts.bytes + length > q.limit) {
		if (q.hurry)
			return false;
		if (!q.full_told)
			log_write(LOG_WARN, "the queue is full; nothing is read until Loki takes some of it", "bytes",
			          log_number((long long)q.counts.bytes), NULL);
		q.full_told = true;
		pthread_cond_wait(&q.changed, &q.lock);
	}
	return true;
}

/* A disk may be full, and have room again later: until then nothing is read. */
static bool commit(const struct queue_batch *b)
{
	while (!queue_file_open(q.path, &q.counts) || queue_file_append(b) != QUEUE_FILE_GOOD) {
		if (q.hurry)
			return false;
		wait_until(clock_now() + SECOND);
	}
	set_positions(b->positions, b->n_positions);
	return true;
}

bool queue_append(const struct queue_batch *b)
{
	pthread_mutex_lock(&q.lock);
	bool good = wait_for_room(b->length);
	if (good)
		good = q.path ? commit(b) : hold(b);
	if (good && (b->length || !q.path)) {
		q.counts.batches++;
		q.counts.entries += b->entries;
		q.counts.bytes += b->length;
		tell_sizes();
		pthread_cond_broadcast(&q.changed);
	}
	pthread_mutex_unlock(&q.lock);
	return good;
}

static bool copy_oldest(struct queue_item *ret)
{
	if (q.path)
		return queue_file_open(q.path, &q.counts) && queue_file_oldest(ret) == QUEUE_FILE_GOOD;
	*ret = (struct queue_item){ .entries = q.first->entries, .ends = q.first->ends };
	return bytes_add(&ret->body, q.first->body.data, q.first->body.length);
}

bool queue_oldest(struct queue_item *ret)
{
	bool good = false;
	pthread_mutex_lock(&q.lock);
	while (!q.end && !good) {
		if (!q.counts.batches)
			pthread_cond_wait(&q.changed, &q.lock);
		else if (!(good = copy_oldest(ret)))
			wait_until(clock_now() + SECOND);
	}
	pthread_mutex_unlock(&q.lock);
	return good;
}

static bool remove_oldest(const struct queue_item *item)
{
	if (!q.path) {
		struct held *h = q.first;
		set_positions(h->positions, h->n_positions);
		q.first = h->next;
		free_held(h);
		return true;
	}
	for (;;) {
		enum queue_file_result result = QUEUE_FILE_FAULT;
		if (queue_file_open(q.path, &q.counts))
			result = queue_file_remove(item, q.counts.batches == 1);
		if (result != QUEUE_FILE_FAULT || q.end)
			return result == QUEUE_FILE_GOOD;
		wait_until(clock_now() + SECOND);
	}
}

void queue_remove(struct queue_item *item)
{
	pthread_mutex_lock(&q.lock);
	if (remove_oldest(item)) {
		q.counts.batches--;
		q.counts.entries -= item->entries;
		q.counts.bytes -= item->body.length;
	}
	if (q.full_told && q.counts.bytes <= q.limit / 2) {
		log_write(LOG_INFO, "the queue has room again", NULL);
		q.full_told = false;
	}
	tell_sizes();
	pthread_cond_broadcast(&q.changed);
	pthread_mutex_unlock(&q.lock);
	bytes_free(&item->body);
}

size_t queue_wait_empty(uint64_t until)
{
	pthread_mutex_lock(&q.lock);
	while (q.counts.batches && !q.end && clock_now() < until)
		wait_until(until);
	size_t left = q.counts.batches;
	pthread_mutex_unlock(&q.lock);
	return left;
}

size_t queue_entries(void)
{
	pthread_mutex_lock(&q.lock);
	size_t n = q.counts.entries;
	pthread_mutex_unlock(&q.lock);
	return n;
}

static void set(bool *what)
{
	pthread_mutex_lock(&q.lock);
	*what = true;
	if (q.opened)
		pthread_cond_broadcast(&q.changed);
	pthread_mutex_unlock(&q.lock);
}

void queue_hurry(void)
{
	set(&q.hurry);
}

void queue_end(void)
{
	set(&q.end);
}

void queue_close(void)
{
	while (q.first) {
		struct held *h = q.first;
		q.first = h->next;
		free_held(h);
	}
	queue_file_close();
}
