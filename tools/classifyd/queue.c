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

#define MEMORY_SIZE ((uint64_t)64 << 20)     /* bytes of batches that are held without a file */
#define SECOND UINT64_C(1000000000)

struct held {
	struct held *next;
	int64_t id;
	struct bytes body;
	size_t entries;
	bool ends;
};

static struct {
	const struct config *config;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool opened, hurry, end;     /* under the lock, as what follows */
	bool full_told;
	uint64_t batches, entries, bytes;
	struct held *first, **last;
	int64_t last_id;
} q = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void tell_sizes(void)
{
	metric_set(METRIC_QUEUE_ENTRIES, "", (double)q.entries);
	metric_set(METRIC_QUEUE_BYTES, "", (double)q.bytes);
}

static struct timespec as_timespec(uint64_t time)
{
	return (struct timespec){ .tv_sec = (time_t)(time / SECOND), .tv_nsec = (long)(time % SECOND) };
}

bool queue_open(const struct config *config)
{
	pthread_condattr_t attributes;
	q.config = config;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&q.changed, &attributes);
	pthread_condattr_destroy(&attributes);
	q.opened = true;
	tell_sizes();
	return true;
}

static bool hold(const struct queue_batch *b)
{
	struct held *h = calloc(1, sizeof(*h));
	if (!h || !bytes_add(&h->body, b->body, b->length)) {
		free(h);
		return false;
	}
	h->id = ++q.last_id;
	h->entries = b->entries;
	h->ends = b->ends;
	*(q.first ? q.last : &q.first) = h;
	q.last = &h->next;
	return true;
}

/* With the lock held. */
static bool wait_for_room(size_t length)
{
	while (q.bytes && q.bytes + length > MEMORY_SIZE) {
		if (q.hurry)
			return false;
		if (!q.full_told)
			log_write(LOG_WARN, "the queue is full; nothing is read until Loki takes some of it", "bytes",
			          log_number((long long)q.bytes), NULL);
		q.full_told = true;
		pthread_cond_wait(&q.changed, &q.lock);
	}
	return true;
}

bool queue_append(const struct queue_batch *b)
{
	pthread_mutex_lock(&q.lock);
	bool good = wait_for_room(b->length) && hold(b);
	if (good) {
		q.batches++;
		q.entries += b->entries;
		q.bytes += b->length;
		tell_sizes();
		pthread_cond_broadcast(&q.changed);
	}
	pthread_mutex_unlock(&q.lock);
	return good;
}

bool queue_oldest(struct queue_item *ret)
{
	bool good = false;
	pthread_mutex_lock(&q.lock);
	while (!q.end && !q.batches)
		pthread_cond_wait(&q.changed, &q.lock);
	if (!q.end) {
		*ret = (struct queue_item){ .id = q.first->id, .entries = q.first->entries, .ends = q.first->ends };
		good = bytes_add(&ret->body, q.first->body.data, q.first->body.length);
	}
	pthread_mutex_unlock(&q.lock);
	return good;
}

void queue_remove(struct queue_item *item)
{
	pthread_mutex_lock(&q.lock);
	struct held *h = q.first;
	q.first = h->next;
	q.batches--;
	q.entries -= h->entries;
	q.bytes -= h->body.length;
	if (q.full_told && q.bytes <= MEMORY_SIZE / 2) {
		log_write(LOG_INFO, "the queue has room again", NULL);
		q.full_told = false;
	}
	tell_sizes();
	pthread_cond_broadcast(&q.changed);
	pthread_mutex_unlock(&q.lock);
	bytes_free(&h->body);
	free(h);
	bytes_free(&item->body);
}

size_t queue_wait_empty(uint64_t until)
{
	const struct timespec time = as_timespec(until);
	pthread_mutex_lock(&q.lock);
	while (q.batches && !q.end && clock_now() < until)
		pthread_cond_timedwait(&q.changed, &q.lock, &time);
	size_t left = q.entries;
	pthread_mutex_unlock(&q.lock);
	return left;
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
		bytes_free(&h->body);
		free(h);
	}
}
