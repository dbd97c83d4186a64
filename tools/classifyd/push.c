/* SPDX-License-Identifier: Apache-2.0 */
/* See push.h. */

#include "push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "metrics.h"

static atomic_size_t held;

struct push *push_new(void)
{
	struct push *p = calloc(1, sizeof(*p));
	if (p)
		atomic_init(&p->references, 1);
	return p;
}

struct push *push_hold(struct push *p)
{
	atomic_fetch_add(&p->references, 1);
	return p;
}

static void set_charge(struct push *p, size_t bytes)
{
	if (bytes == p->charged)
		return;
	size_t now = atomic_fetch_add(&held, bytes - p->charged) + bytes - p->charged;
	p->charged = bytes;
	metric_set(METRIC_IN_FLIGHT_BYTES, "", (double)now);
}

void push_charge(struct push *p)
{
	set_charge(p, p->body.capacity + p->decoded.capacity + p->labelled.capacity + p->batch.pool.used);
}

/* The entries of every form are copies, in the batch's pool or its tree. */
void push_trim(struct push *p)
{
	bytes_free(&p->body);
	bytes_free(&p->decoded);
	bytes_free(&p->labelled);
	push_charge(p);
}

size_t push_bytes_held(void)
{
	return atomic_load(&held);
}

void push_release(struct push *p)
{
	if (!p || atomic_fetch_sub(&p->references, 1) != 1)
		return;
	set_charge(p, 0);
	free(p->tenant);
	free(p->authorization);
	free(p->content_type);
	free(p->content_encoding);
	free(p->user_agent);
	bytes_free(&p->body);
	bytes_free(&p->decoded);
	bytes_free(&p->labelled);
	bytes_free(&p->answer);
	batch_free(&p->batch);
	clsf_ruleset_unref(p->ruleset);
	free(p);
}

void push_refuse(struct push *p, int status, const char *why)
{
	p->status = status;
	p->answer.length = 0;
	bytes_add(&p->answer, why, strlen(why));
	bytes_add(&p->answer, "\n", 1);
	snprintf(p->answer_type, sizeof(p->answer_type), "text/plain; charset=utf-8");
	snprintf(p->retry_after, sizeof(p->retry_after), "%s", status == 503 || status == 429 ? "1" : "");
}

void push_queue_add(struct push_queue *q, struct push *p)
{
	p->next = NULL;
	*(q->first ? q->last : &q->first) = p;
	q->last = &p->next;
}

struct push *push_queue_take(struct push_queue *q)
{
	struct push *p = q->first;
	if (p)
		q->first = p->next;
	return p;
}

uint64_t clock_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t clock_calendar(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
