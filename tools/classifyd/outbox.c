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

#define MAX_WAITING 1000
#define MAX_UNDER_WAY 8
#define SECOND UINT64_C(1000000000)
#define LONGEST_WAIT (60 * SECOND)

struct letter {
	struct letter *next;
	struct upstream_request request;
	char *body, *tenant, *authorization;
	uint64_t due, wait;          /* when it is sent, and how long after a refusal it is sent again */
};

static struct {
	pthread_mutex_t lock;
	struct letter *first;        /* that wait, the oldest last */
	size_t n, under_way;
} box = { .lock = PTHREAD_MUTEX_INITIALIZER };

static atomic_bool lost;         /* was a verdict */

static void free_letter(struct letter *l)
{
	free(l->body);
	free(l->tenant);
	free(l->authorization);
	bytes_free(&l->request.answer);
	free(l);
}

static void lose(const char *why)
{
	char labels[METRIC_LABELS];
	atomic_store(&lost, true);
	metric_add(METRIC_VERDICTS_DROPPED, metric_labels(labels, "reason", why, NULL), 1);
	log_write(LOG_ERROR, "a verdict is lost", "reason", why, NULL);
}

static char *copy_of(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;
	*failed = *failed || (text && !copy);
	return copy;
}

void outbox_add(const char *body, size_t length, const char *tenant, const char *authorization)
{
	struct letter *l = body ? calloc(1, sizeof(*l)) : NULL;
	bool failed = false;
	if (l) {
		l->body = malloc(length);
		l->tenant = copy_of(tenant, &failed);
		l->authorization = copy_of(authorization, &failed);
	}
	if (!l || failed || !l->body) {
		if (l)
			free_letter(l);
		lose("memory");
		return;
	}
	memcpy(l->body, body, length);
	l->request.length = length;
	l->wait = SECOND;
	pthread_mutex_lock(&box.lock);
	bool full = box.n + box.under_way >= MAX_WAITING;
	if (!full) {
		l->next = box.first;
		box.first = l;
		box.n++;
	}
	pthread_mutex_unlock(&box.lock);
	if (full) {
		free_letter(l);
		lose("full");
	}
}

static void on_answer(struct upstream_request *r)
{
	struct letter *l = r->user;
	bool taken = r->status / 100 == 2;
	bool again = !taken && (r->status == 0 || r->status == 429 || r->status >= 500);
	if (!taken)
		log_write(LOG_WARN, "Loki did not take a verdict", "code", log_number(r->status), "err",
		          r->answer.length && bytes_add(&r->answer, "", 1) ? r->answer.data : r->why, NULL);
	if (!taken && !again)
		lose("refused");
	pthread_mutex_lock(&box.lock);
	box.under_way--;
	if (again) {
		l->due = clock_now() + l->wait;
		l->wait = l->wait * 2 < LONGEST_WAIT ? l->wait * 2 : LONGEST_WAIT;
		l->next = box.first;
		box.first = l;
		box.n++;
	}
	pthread_mutex_unlock(&box.lock);
	if (!again)
		free_letter(l);
}

/* The oldest one that is due, taken out; NULL when there is none, or enough are under way. */
static struct letter *take(uint64_t now)
{
	struct letter **found = NULL, *l = NULL;
	pthread_mutex_lock(&box.lock);
	for (struct letter **place = &box.first; *place; place = &(*place)->next)
		if ((*place)->due <= now)
			found = place;
	if (found && box.under_way < MAX_UNDER_WAY) {
		l = *found;
		*found = l->next;
		box.n--;
		box.under_way++;
	}
	pthread_mutex_unlock(&box.lock);
	return l;
}

void outbox_send(uint64_t now)
{
	for (struct letter *l; (l = take(now)) != NULL;) {
		l->request.path = "/loki/api/v1/push";
		l->request.content_type = "application/json";
		l->request.tenant = l->tenant;
		l->request.authorization = l->authorization;
		l->request.body = l->body;
		l->request.done = on_answer;
		l->request.user = l;
		upstream_send(&l->request);
	}
}

static size_t waiting(void)
{
	pthread_mutex_lock(&box.lock);
	size_t n = box.n + box.under_way;
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
	if (box.n)
		log_write(LOG_ERROR, "verdicts that Loki did not take are lost", "verdicts",
		          log_number((long long)box.n), NULL);
	bool good = !box.n && !atomic_load(&lost);
	while (box.first) {
		struct letter *l = box.first;
		box.first = l->next;
		free_letter(l);
	}
	return good;
}
