/* SPDX-License-Identifier: Apache-2.0 */
/* See interrupt.h. */

#include "interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define MAX_THREADS 1024
#define GRACE 300            /* milliseconds: wrappers such as timeout(1) send a signal twice */
#define PAUSE 10000000       /* nanoseconds between two calls to wake up */

#define WAKE SIGUSR2

static atomic_bool noted;
static bool begun;
static pthread_t watcher;
static sigset_t watched, before;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t joined[MAX_THREADS];
static size_t n_joined;

bool interrupted(void)
{
	return atomic_load_explicit(&noted, memory_order_relaxed);
}

/* Its arrival is all that matters: it ends system calls. */
static void on_wake(int signal_number)
{
	(void)signal_number;
}

static void wake_joined(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_joined; i++)
		pthread_kill(joined[i], WAKE);
	pthread_mutex_unlock(&lock);
}

static int64_t milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The program ends as the signal ends one that does not care. */
static void end_by(int number)
{
	sigset_t one;
	sigemptyset(&one);
	sigaddset(&one, number);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	raise(number);
}

/* A thread that looked at interrupted() just before it began to wait is woken by a later call. */
static void *watch(void *user)
{
	const struct timespec pause = { .tv_nsec = PAUSE };
	int number;
	(void)user;
	while (sigwait(&watched, &number) != 0)
		;
	if (number == WAKE)
		return NULL;
	atomic_store(&noted, true);
	int64_t since = milliseconds();
	for (;;) {
		wake_joined();
		number = sigtimedwait(&watched, NULL, &pause);
		if (number == WAKE)
			return NULL;
		if (number > 0 && milliseconds() - since > GRACE)
			end_by(number);
	}
}

/* What is ignored, as below nohup, stays so. */
static void watch_for(int number)
{
	struct sigaction action;
	if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
		sigaddset(&watched, number);
}

bool interrupt_begin(void)
{
	struct sigaction action = { .sa_handler = on_wake };
	sigset_t wake;
	sigemptyset(&wake);
	sigaddset(&wake, WAKE);
	watched = wake;
	watch_for(SIGINT);
	watch_for(SIGTERM);
	sigemptyset(&action.sa_mask);
	if (sigaction(WAKE, &action, NULL) != 0)
		return false;
	pthread_sigmask(SIG_BLOCK, &watched, &before);
	begun = pthread_create(&watcher, NULL, watch, NULL) == 0;
	pthread_sigmask(begun ? SIG_UNBLOCK : SIG_SETMASK, begun ? &wake : &before, NULL);
	return begun;
}

void interrupt_end(void)
{
	if (!begun)
		return;
	pthread_kill(watcher, WAKE);
	pthread_join(watcher, NULL);
	/* They stay blocked, for the output is whole: one that comes now is not to change how the program ends. */
	begun = false;
}

void interrupt_join(void)
{
	pthread_mutex_lock(&lock);
	if (n_joined < MAX_THREADS)
		joined[n_joined++] = pthread_self();
	pthread_mutex_unlock(&lock);
}

void interrupt_leave(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_joined; i++) {
		if (pthread_equal(joined[i], pthread_self())) {
			joined[i] = joined[--n_joined];
			break;
		}
	}
	pthread_mutex_unlock(&lock);
}
