/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PUSH_H
#define DAEMON_PUSH_H

/*
 * A push on its way: what a client sent, what becomes of it, and the answer.
 *
 *     server.c receives, or sender.c takes from the queue
 *         -> pipeline.c decodes, labels, encodes -> upstream.c sends
 *         -> the answer goes back to where it came from
 *         -> what Loki took goes to builds.c
 *
 * One thread at a time works on it; the queues between hand it over. The server and the builds
 * hold a reference each, for they are done with it in no particular order.
 */

#include <stdatomic.h>

#include <classify/classify.h>

#include "batch.h"
#include "encoding.h"

struct push {
	atomic_int references;
	struct push *next;           /* in the queue that it waits in */

	/* Is told once, when the answer is there, and takes over the reference. */
	void (*done)(struct push *p);
	bool own;                    /* made of lines that the daemon read: limits of clients are not for it */
	bool ends;                   /* it has no entries, and says that its streams are at their ends */

	/* as it came */
	const char *path;            /* of the route: static */
	enum batch_format format;
	char *tenant;                /* X-Scope-OrgID, or NULL */
	char *authorization;         /* to be passed on, or NULL */
	char *content_type, *content_encoding, *user_agent;   /* or NULL */
	struct bytes body;
	uint64_t received;           /* clock_now() when the body was whole */

	/* what becomes of it */
	bool read;                   /* `batch` is what the body says */
	bool classified;             /* and its entries were looked at */
	bool marked;                 /* an entry in it has a mark: `labelled` is what is sent */
	bool original;               /* the labels were refused: `body` is what is sent */
	struct bytes decoded;
	struct batch batch;
	struct bytes labelled;
	struct clsf_ruleset *ruleset;    /* the marks are of its rules; or NULL */

	/* the answer */
	int status;                  /* 0: not known yet */
	struct bytes answer;
	char answer_type[80], retry_after[40];

	void *connection;            /* the server's own */
	size_t charged;              /* bytes of it that count as held */
};

/* NULL when memory is out. One reference, the caller's. */
struct push *push_new(void);
struct push *push_hold(struct push *p);
void push_release(struct push *p);

/* Counts what the push holds now among the bytes in flight. */
void push_charge(struct push *p);
/* Frees what is needed no more when Loki has taken it: all but the entries and the answer. */
void push_trim(struct push *p);
/* The bytes in flight of all pushes. */
size_t push_bytes_held(void);

/* An answer of our own: a line of text. */
void push_refuse(struct push *p, int status, const char *why);

/* Pushes that wait for a thread: first in, first out. Zero is a good start. */
struct push_queue {
	struct push *first, **last;
};
void push_queue_add(struct push_queue *q, struct push *p);
struct push *push_queue_take(struct push_queue *q);

/* Nanoseconds of a clock that does not go back, and of the calendar. */
uint64_t clock_now(void);
int64_t clock_calendar(void);

#endif
