/* SPDX-License-Identifier: Apache-2.0 */
/* See outbox.h. */

#include "outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "metrics.h"
#include "push.h"
#include "upstream.h"

#define MAX_WAITING (64 << 20)   /* bytes of entries */
#define MAX_JOINED (256 << 10)   /* bytes of entries in one push, if there is more than one */
#define MAX_UNDER_WAY 8
#define SECOND UINT64_C(1000000000)
#define LONGEST_WAIT (60 * SECOND)

struct letter {
	struct letter *next;
	size_t length;
	char text[];                 /* an element of "streams" */
};

/*
 * Who entries are sent as. One push is under way for each, so that entries
 * come to Loki in their order; what waits meanwhile is the next push. Where
 * Loki refuses several at once, they are sent one by one, for only one of them
 * may be wrong.
 */
struct recipient {
	struct recipient *next;
	char *tenant, *authorization;
	struct letter *first, **end;
	size_t n;
	size_t under_way;            /* of the first of them; 0: no push is */
	size_t singly;               /* so many are sent one by one */
	uint64_t due, wait;          /* when the next push is sent, and how long after a refusal */
};

struct parcel {
	struct upstream_request request;
	struct recipient *recipient;
	struct bytes body;
};

static struct {
	pthread_mutex_t lock;
	struct recipient *recipients;   /* that have entries; the newest first */
	size_t bytes, pushes;           /* of entries, and under way */
	bool closed;
} box = { .lock = PTHREAD_MUTEX_INITIALIZER };

static atomic_bool lost;         /* was a verdict */

static void lose(const char *why)
{
	char labels[METRIC_LABELS];
	atomic_store(&lost, true);
	metric_add(METRIC_VERDICTS_DROPPED, metric_labels(labels, "reason", why, NULL), 1);
	log_write(LOG_ERROR, "a verdict is lost", "reason", why, NULL);
}

/* ---- recipients; the lock is held ---- */

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static char *copy_of(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;
	*failed = *failed || (text && !copy);
	return copy;
}

static void free_recipient(struct recipient *r)
{
	free(r->tenant);
	free(r->authorization);
	free(r);
}

/* Finds it or makes it; NULL when memory is out. */
static struct recipient *recipient_of(const char *tenant, const char *authorization)
{
	for (struct recipient *r = box.recipients; r; r = r->next)
		if (is_same(r->tenant, tenant) && is_same(r->authorization, authorization))
			return r;
	struct recipient *r = calloc(1, sizeof(*r));
	bool failed = false;
	if (!r)
		return NULL;
	r->tenant = copy_of(tenant, &failed);
	r->authorization = copy_of(authorization, &failed);
	r->end = &r->first;
	r->wait = SECOND;
	if (failed) {
		free_recipient(r);
		return NULL;
	}
	r->next = box.recipients;
	box.recipients = r;
	return r;
}

/* Forgets the first n letters, and the recipient when there are no more. */
static void drop_letters(struct recipient *r, size_t n)
{
	for (; n; n--, r->n--) {
		struct letter *l = r->first;
		r->first = l->next;
		box.bytes -= l->length;
		free(l);
	}
	if (r->first)
		return;
	struct recipient **place = &box.recipients;
	while (*place != r)
		place = &(*place)->next;
	*place = r->next;
	free_recipient(r);
}

void outbox_add(const char *stream, size_t length, const char *tenant, const char *authorization)
{
	struct letter *l = stream ? malloc(sizeof(*l) + length) : NULL;
	const char *why = l ? NULL : "memory";
	pthread_mutex_lock(&box.lock);
	if (l && box.bytes + length > MAX_WAITING)
		why = "full";
	struct recipient *r = why ? NULL : recipient_of(tenant, authorization);
	if (r) {
		l->next = NULL;
		l->length = length;
		memcpy(l->text, stream, length);
		*r->end = l;
		r->end = &l->next;
		r->n++;
		box.bytes += length;
	}
	pthread_mutex_unlock(&box.lock);
	if (r)
		return;
	free(l);
	lose(why ? why : "memory");
}

/* ---- pushes ---- */

static void on_answer(struct upstream_request *request)
{
	struct parcel *p = request->user;
	struct recipient *r = p->recipient;
	bool taken = request->status / 100 == 2;
	bool again = !taken && (request->status == 0 || request->status == 429 || request->status >= 500);
	if (!taken)
		log_write(LOG_WARN, "Loki did not take verdicts", "code", log_number(request->status), "err",
		          request->answer.length && bytes_add(&request->answer, "", 1) ? request->answer.data : request->why,
		          NULL);
	pthread_mutex_lock(&box.lock);
	size_t n = r->under_way;
	bool refused = !taken && !again && n == 1;
	box.pushes--;
	r->under_way = 0;
	if (again) {
		r->due = clock_now() + r->wait;
		r->wait = r->wait * 2 < LONGEST_WAIT ? r->wait * 2 : LONGEST_WAIT;
	} else if (taken || refused) {
		r->wait = SECOND;
		r->singly -= r->singly > 0;
		drop_letters(r, n);
	} else {
		r->singly = n;
	}
	pthread_mutex_unlock(&box.lock);
	if (refused)
		lose("refused");
	bytes_free(&request->answer);
	bytes_free(&p->body);
	free(p);
	/* What came meanwhile does not wait for the next round. */
	if (!again)
		outbox_send(clock_now());
}

/* A push of the first entries of the recipient; NULL when memory is out: then later. The lock is held. */
static struct parcel *make_parcel(struct recipient *r)
{
	static const char head[] = "{\"streams\":[", tail[] = "]}";
	struct parcel *p = calloc(1, sizeof(*p));
	size_t n = 0;
	bool good = p && bytes_add(&p->body, head, strlen(head));
	for (struct letter *l = r->first; good && l; l = l->next, n++) {
		if (n && (r->singly || p->body.length + l->length > MAX_JOINED))
			break;
		good = (n == 0 || bytes_add(&p->body, ",", 1)) && bytes_add(&p->body, l->text, l->length);
	}
	if (!good || !bytes_add(&p->body, tail, strlen(tail))) {
		if (p)
			bytes_free(&p->body);
		free(p);
		return NULL;
	}
	p->recipient = r;
	p->request = (struct upstream_request){
		.path = "/loki/api/v1/push", .content_type = "application/json", .tenant = r->tenant,
		.authorization = r->authorization, .body = p->body.data, .length = p->body.length,
		.done = on_answer, .user = p,
	};
	r->under_way = n;
	box.pushes++;
	return p;
}

/* Of the recipients whose time has come the one that has waited longest; NULL for none. */
static struct parcel *take(uint64_t now)
{
	struct parcel *p = NULL;
	pthread_mutex_lock(&box.lock);
	struct recipient *found = NULL;
	for (struct recipient *r = box.recipients; r && !box.closed && box.pushes < MAX_UNDER_WAY; r = r->next)
		if (!r->under_way && r->due <= now && (!found || r->due <= found->due))
			found = r;
	if (found)
		p = make_parcel(found);
	pthread_mutex_unlock(&box.lock);
	return p;
}

void outbox_send(uint64_t now)
{
	for (struct parcel *p; (p = take(now)) != NULL;)
		upstream_send(&p->request);
}

static size_t waiting(void)
{
	size_t n = 0;
	pthread_mutex_lock(&box.lock);
	for (const struct recipient *r = box.recipients; r; r = r->next)
		n += r->n;
	pthread_mutex_unlock(&box.lock);
	return n;
}

bool outbox_close(unsigned seconds)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	for (uint64_t end = clock_now() + seconds * SECOND; waiting() && clock_now() < end;) {
		outbox_send(clock_now());
		nanosleep(&pause, NULL);
	}
	pthread_mutex_lock(&box.lock);
	box.closed = true;
	pthread_mutex_unlock(&box.lock);
	size_t left = waiting();
	if (left)
		log_write(LOG_ERROR, "verdicts that Loki did not take are lost", "verdicts", log_number((long long)left),
		          NULL);
	return !left && !atomic_load(&lost);
}

void outbox_free(void)
{
	while (box.recipients)
		drop_letters(box.recipients, box.recipients->n);
}
