/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See connections.h. To cut one off, its socket is shut down: whoever serves it then finds that its
 * client is gone, and needs to know nothing of this file.
 */

#include "connections.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"
#include "metrics.h"
#include "push.h"

#define OTHER_FILES ((rlim_t)256)            /* requests to Loki, the queue, rules that are loaded anew */
#define BETWEEN_LOOKS (200 * 1000 * 1000)    /* nanoseconds */
#define AT_ONCE 256                          /* descriptors that are asked with one call */

struct connection {
	struct connection *previous, *next;
	int descriptor;
	_Atomic uint64_t due;        /* by clock_now(); 0: never */
	atomic_bool reads;           /* something of the client's is to come */
	bool ended;                  /* nothing more came at the last look */
};

static struct {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;        /* of what follows, and of the descriptors being open */
	pthread_cond_t ending;
	struct connection *first;
	bool stop;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

size_t connections_allowed(size_t wanted, bool with_inputs)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
		return wanted;
	rlim_t room = files.rlim_cur > 2 * OTHER_FILES ? files.rlim_cur - OTHER_FILES : files.rlim_cur / 2;
	if (with_inputs)
		room /= 2;
	if (wanted <= room)
		return wanted;
	log_write(LOG_INFO, "fewer connections than limits.connections are taken: so few open files are allowed",
	          "files", log_number((int64_t)files.rlim_cur), "connections", log_number((int64_t)room), NULL);
	return (size_t)room;
}

struct connection *connections_add(int descriptor)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->descriptor = descriptor;
	pthread_mutex_lock(&all.lock);
	c->next = all.first;
	if (c->next)
		c->next->previous = c;
	all.first = c;
	pthread_mutex_unlock(&all.lock);
	return c;
}

void connections_remove(struct connection *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&all.lock);
	*(c->previous ? &c->previous->next : &all.first) = c->next;
	if (c->next)
		c->next->previous = c->previous;
	pthread_mutex_unlock(&all.lock);
	free(c);
}

static void expect(struct connection *c, bool reads, uint64_t due)
{
	if (!c)
		return;
	atomic_store(&c->reads, reads);
	atomic_store(&c->due, due);
}

void connections_reads(struct connection *c, uint64_t within)
{
	expect(c, true, clock_now() + within);
}

void connections_writes(struct connection *c, uint64_t within)
{
	expect(c, false, clock_now() + within);
}

void connections_rests(struct connection *c)
{
	expect(c, false, 0);
}

/* The following are called under the lock. */

static void cut_late_ones(void)
{
	uint64_t now = clock_now();
	for (struct connection *c = all.first; c; c = c->next) {
		uint64_t due = atomic_load(&c->due);
		if (!due || due > now || !atomic_compare_exchange_strong(&c->due, &due, 0))
			continue;
		shutdown(c->descriptor, SHUT_RDWR);
		metric_add(METRIC_CONNECTIONS_CUT, "", 1);
	}
}

/*
 * Ended is one whose client sends no more while all that it sent was taken, and that stays so from
 * one look to the next: what was taken last may have made the request whole.
 */
static void look_at(struct connection **asked, struct pollfd *descriptors, size_t n)
{
	char byte;
	if (poll(descriptors, n, 0) <= 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct connection *c = asked[i];
		bool ended = (descriptors[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0 &&
		             recv(c->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0 && atomic_load(&c->reads);
		if (ended && c->ended)
			shutdown(c->descriptor, SHUT_RDWR);
		c->ended = ended;
	}
}

static void cut_ended_ones(void)
{
	struct connection *asked[AT_ONCE];
	struct pollfd descriptors[AT_ONCE];
	size_t n = 0;
	for (struct connection *c = all.first; c; c = c->next) {
		if (!atomic_load(&c->reads))
			continue;
		asked[n] = c;
		descriptors[n++] = (struct pollfd){ .fd = c->descriptor, .events = POLLRDHUP };
		if (n == AT_ONCE) {
			look_at(asked, descriptors, n);
			n = 0;
		}
	}
	look_at(asked, descriptors, n);
}

static void *run(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&all.lock);
	for (unsigned looks = 1; !all.stop; looks++) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += BETWEEN_LOOKS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&all.ending, &all.lock, &until);
		cut_late_ones();
		if (looks % 5 == 0)
			cut_ended_ones();
	}
	pthread_mutex_unlock(&all.lock);
	return NULL;
}

bool connections_start(void)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&all.ending, &attributes);
	pthread_condattr_destroy(&attributes);
	all.started = pthread_create(&all.thread, NULL, run, NULL) == 0;
	if (!all.started)
		log_write(LOG_ERROR, "no thread for the connections", NULL);
	return all.started;
}

void connections_stop(void)
{
	if (!all.started)
		return;
	pthread_mutex_lock(&all.lock);
	all.stop = true;
	pthread_cond_signal(&all.ending);
	pthread_mutex_unlock(&all.lock);
	pthread_join(all.thread, NULL);
	all.started = false;
}
