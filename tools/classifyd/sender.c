/* SPDX-License-Identifier: Apache-2.0 */
/* See sender.h. */

#include "sender.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "metrics.h"
#include "pipeline.h"
#include "print.h"
#include "queue.h"

#define SECOND UINT64_C(1000000000)
#define LONGEST_WAIT (60 * SECOND)
#define LONGEST_ASKED 3600       /* seconds for which Loki may ask to be left alone */

static struct {
	const struct config *config;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop;                   /* under the lock */
	struct push *answered;       /* under the lock */
	_Atomic uint64_t success;
	atomic_bool dropped;
} s = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void on_answer(struct push *p)
{
	pthread_mutex_lock(&s.lock);
	s.answered = p;
	pthread_cond_broadcast(&s.changed);
	pthread_mutex_unlock(&s.lock);
}

/* The push with its answer; NULL when memory is out. */
static struct push *ask(const struct queue_item *item)
{
	struct push *p = push_new();
	if (!p || !bytes_add(&p->body, item->body.data, item->body.length) ||
	    (s.config->tenant && !(p->tenant = strdup(s.config->tenant))) ||
	    !(p->content_type = strdup("application/x-protobuf"))) {
		push_release(p);
		return NULL;
	}
	p->path = "/loki/api/v1/push";
	p->format = BATCH_LOKI_PROTOBUF;
	p->own = true;
	p->ends = item->ends;
	p->done = on_answer;
	p->received = clock_now();
	pipeline_submit(p);
	pthread_mutex_lock(&s.lock);
	while (!s.answered)
		pthread_cond_wait(&s.changed, &s.lock);
	p = s.answered;
	s.answered = NULL;
	pthread_mutex_unlock(&s.lock);
	return p;
}

/* False when the daemon ends before. */
static bool wait(uint64_t duration)
{
	uint64_t until = clock_now() + duration;
	const struct timespec time = { .tv_sec = (time_t)(until / SECOND), .tv_nsec = (long)(until % SECOND) };
	pthread_mutex_lock(&s.lock);
	while (!s.stop && clock_now() < until)
		pthread_cond_timedwait(&s.changed, &s.lock, &time);
	bool stop = s.stop;
	pthread_mutex_unlock(&s.lock);
	return !stop;
}

/*
 * Whether the batch may be taken another time. Besides what Loki's clients try again, that is what
 * tells of who sends and where to, rather than of the batch: whoever is to set that right finds
 * nothing lost.
 */
static bool is_worth_another_try(int status)
{
	return status == 429 || status >= 500 || status == 401 || status == 403 || status == 404 || status == 408;
}

static void drop(const struct queue_item *item, const struct push *p)
{
	char labels[METRIC_LABELS];
	struct bytes why = { 0 };
	if (!bytes_add(&why, p->answer.data, p->answer.length) || !bytes_add(&why, "", 1))
		why.length = 0;
	log_write(LOG_ERROR, "Loki refused entries for good; they are dropped", "entries",
	          log_number((long long)item->entries), "code", log_number(p->status), "err", why.length ? why.data : "",
	          NULL);
	bytes_free(&why);
	atomic_store(&s.dropped, true);
	metric_add(METRIC_QUEUE_DROPPED, metric_labels(labels, "reason", "refused", NULL), (double)item->entries);
}

/* How long Loki asked to be left alone; 0: it said nothing of it. */
static uint64_t asked_for(const struct push *p)
{
	char *end;
	long seconds = strtol(p->retry_after, &end, 10);
	if (end == p->retry_after || *end != '\0' || seconds < 0)
		return 0;
	return (uint64_t)(seconds < LONGEST_ASKED ? seconds : LONGEST_ASKED) * SECOND;
}

/* One batch, until it is gone. False when the daemon ends before. */
static bool send(struct queue_item *item)
{
	if (item->body.length == 0) {
		queue_remove(item);              /* positions only */
		return true;
	}
	for (uint64_t pause = SECOND;; pause = pause * 2 < LONGEST_WAIT ? pause * 2 : LONGEST_WAIT) {
		struct push *p = ask(item);
		int status = p ? p->status : 503;
		uint64_t asked = p ? asked_for(p) : 0;
		if (!s.config->loki && !print_is_good()) {
			push_release(p);
			kill(getpid(), SIGTERM);         /* nothing that is read can go anywhere */
			return false;
		}
		if (status / 100 == 2)
			atomic_store(&s.success, clock_now());
		else if (p && !is_worth_another_try(status))
			drop(item, p);
		else
			log_write(LOG_WARN, "Loki did not take what was read; it is sent again", "code", log_number(status),
			          "after", log_number((long long)((asked ? asked : pause) / SECOND)), NULL);
		bool again = !p || is_worth_another_try(status);
		push_release(p);
		if (!again) {
			queue_remove(item);
			return true;
		}
		if (!wait(asked ? asked : pause))
			return false;
	}
}

static void *run(void *unused)
{
	struct queue_item item = { 0 };
	(void)unused;
	while (queue_oldest(&item) && send(&item))
		;
	bytes_free(&item.body);
	return NULL;
}

bool sender_start(const struct config *config)
{
	pthread_condattr_t attributes;
	s.config = config;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&s.changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&s.thread, NULL, run, NULL) != 0) {
		log_write(LOG_ERROR, "no thread to send what is read", NULL);
		return false;
	}
	s.started = true;
	return true;
}

uint64_t sender_last_success(void)
{
	return atomic_load(&s.success);
}

bool sender_has_dropped(void)
{
	return atomic_load(&s.dropped);
}

void sender_stop(void)
{
	queue_end();
	if (!s.started)
		return;
	pthread_mutex_lock(&s.lock);
	s.stop = true;
	pthread_cond_broadcast(&s.changed);
	pthread_mutex_unlock(&s.lock);
	pthread_join(s.thread, NULL);
	s.started = false;
}
