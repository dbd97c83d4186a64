/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small ring of slots between the thread that reads and the one that takes
 * what was read. A slot holds one thing: a log that begins, bytes of it, its end,
 * a remark, the end of it all. Semaphores count free and filled slots; a slot is
 * touched by nobody but the side that took it. See ahead.h.
 */

#include "ahead.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SLOTS 4
/* A slot with as many bytes goes on, though there may be room for more. */
#define ENOUGH (CLSF__ROOM / 2)

struct slot {
	enum { LOG, BYTES, LOG_END, REMARK, END } kind;
	unsigned char *room;         /* CLSF__ROOM bytes, when there were bytes in it before */
	const void *data;
	size_t length;
	char *text;                  /* the name of a log; what a remark is about, a NUL, and what it says */
	size_t text_room;
	struct clsf_member member;
	enum clsf_remark what;
	int code;                    /* with which a log, or everything, ended */
	struct clsf_error err;
	uint64_t position;
};

struct clsf__ahead {
	struct clsf__pile *pile;
	clsf_remark_fn on_remark;
	void *user;
	struct slot slot[SLOTS];
	sem_t unused, filled;
	pthread_t thread;
	bool running;
	int wake_fd;
	atomic_bool stopping;
	atomic_uint passed;          /* logs that nobody wants the rest of */

	/* Of the thread. */
	unsigned n_filled, logs;
	bool regular;

	/* Of whoever takes. */
	unsigned n_taken, taken_logs;
	bool holding;                /* the slot taken at last is not given back */
	bool ended;
	struct clsf_member member;
	char *name;
	size_t name_room;
	uint64_t position;
};

struct clsf__ahead *clsf__ahead_new(void)
{
	struct clsf__ahead *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->wake_fd = -1;
	sem_init(&a->unused, 0, 0);
	sem_init(&a->filled, 0, 0);
	return a;
}

void clsf__ahead_free(struct clsf__ahead *a)
{
	if (!a)
		return;
	clsf__ahead_stop(a);
	for (size_t i = 0; i < SLOTS; i++) {
		free(a->slot[i].room);
		free(a->slot[i].text);
	}
	sem_destroy(&a->unused);
	sem_destroy(&a->filled);
	free(a->name);
	free(a);
}

/* ---- the thread ---- */

/* The next free slot; NULL when the thread is to end. */
static struct slot *begin_slot(struct clsf__ahead *a)
{
	while (sem_wait(&a->unused) != 0)
		;
	if (!atomic_load(&a->stopping))
		return &a->slot[a->n_filled % SLOTS];
	/* Whoever asks next is not to wait, either. */
	sem_post(&a->unused);
	return NULL;
}

static void end_slot(struct clsf__ahead *a, struct slot *slot)
{
	slot->position = clsf__pile_position(a->pile);
	a->n_filled++;
	sem_post(&a->filled);
}

static bool keep_texts(struct slot *slot, const char *first, const char *second)
{
	size_t a = strlen(first) + 1, b = strlen(second) + 1;
	if (slot->text_room < a + b) {
		free(slot->text);
		slot->text = malloc(a + b);
		slot->text_room = slot->text ? a + b : 0;
	}
	if (!slot->text)
		return false;
	memcpy(slot->text, first, a);
	memcpy(slot->text + a, second, b);
	return true;
}

static int no_memory(struct slot *slot)
{
	return clsf__error(&slot->err, CLSF_E_NOMEM, 0, "out of memory");
}

/* A slot with nothing but a code and its reason. */
static void put_end(struct clsf__ahead *a, int kind, int code, const struct clsf_error *err)
{
	struct slot *slot = begin_slot(a);
	if (!slot)
		return;
	slot->kind = kind;
	slot->code = code;
	slot->err = *err;
	end_slot(a, slot);
}

static void put_remark(enum clsf_remark what, const char *name, const char *why, void *user)
{
	struct clsf__ahead *a = user;
	struct slot *slot = begin_slot(a);
	if (!slot)
		return;
	slot->kind = REMARK;
	slot->what = what;
	slot->code = keep_texts(slot, name, why) ? 0 : no_memory(slot);
	end_slot(a, slot);
}

static void put_log(struct clsf__ahead *a, const struct clsf_member *member)
{
	struct slot *slot = begin_slot(a);
	if (!slot)
		return;
	slot->kind = LOG;
	slot->member = *member;
	slot->code = keep_texts(slot, member->name, "") ? 0 : no_memory(slot);
	end_slot(a, slot);
}

/* Fills a slot with bytes. What is in the way of more is told by the next. */
static int fill(struct clsf__ahead *a, struct slot *slot, struct clsf_error *err)
{
	int code = 0;
	if (!slot->room && !(slot->room = malloc(CLSF__ROOM)))
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	slot->length = 0;
	do {
		const void *data;
		size_t length;
		code = clsf__pile_read(a->pile, slot->room + slot->length, CLSF__ROOM - slot->length, &data,
		                       &length, err);
		if (code)
			break;
		if (data != slot->room + slot->length)
			memcpy(slot->room + slot->length, data, length);
		slot->length += length;
		/* A pipe may be long in bringing more. */
	} while (slot->length < ENOUGH && a->regular);
	return code;
}

static void read_log(struct clsf__ahead *a)
{
	struct clsf_error err;
	int code = 0;
	while (!code && atomic_load(&a->passed) < a->logs) {
		struct slot *slot = begin_slot(a);
		if (!slot)
			return;
		code = fill(a, slot, &err);
		slot->kind = BYTES;
		slot->data = slot->room;
		slot->code = 0;
		if (slot->length || code == 0) {
			end_slot(a, slot);
		} else {
			/* Not used after all. */
			sem_post(&a->unused);
		}
	}
	if (code == CLSF_E_BUSY)
		return;
	put_end(a, LOG_END, code ? code : CLSF_STOPPED, &err);
}

static void *work(void *user)
{
	struct clsf__ahead *a = user;
	int code = 0;
	while (!code && !atomic_load(&a->stopping)) {
		const struct clsf_member *member;
		struct clsf_error err;
		code = clsf__pile_next(a->pile, &member, &err);
		if (code) {
			put_end(a, END, code, &err);
		} else {
			a->logs++;
			put_log(a, member);
			read_log(a);
		}
	}
	return NULL;
}

/* ---- its life ---- */

int clsf__ahead_start(struct clsf__ahead *a, struct clsf__pile *pile, const struct clsf_reader_options *options,
                      struct clsf_error *err)
{
	sigset_t all, before;
	a->pile = pile;
	a->on_remark = options->on_remark;
	a->user = options->user;
	a->regular = clsf__pile_is_regular(pile);
	a->n_filled = a->n_taken = a->logs = a->taken_logs = 0;
	a->holding = a->ended = false;
	a->position = clsf__pile_position(pile);
	atomic_store(&a->stopping, false);
	atomic_store(&a->passed, 0);
	sem_destroy(&a->unused);
	sem_destroy(&a->filled);
	sem_init(&a->unused, 0, SLOTS);
	sem_init(&a->filled, 0, 0);
	if (!a->regular) {
		a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (a->wake_fd < 0)
			return clsf__error(err, CLSF_E_NOMEM, errno, "%s", strerror(errno));
	}
	clsf__pile_wake(pile, a->wake_fd, &a->stopping);
	clsf__pile_tell(pile, options->on_remark ? put_remark : NULL, a);
	/* Signals are for the threads of the caller. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&a->thread, NULL, work, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	a->running = code == 0;
	if (code == 0)
		return 0;
	clsf__ahead_stop(a);
	return clsf__error(err, CLSF_E_NOMEM, code, "%s", strerror(code));
}

void clsf__ahead_stop(struct clsf__ahead *a)
{
	uint64_t one = 1;
	if (a->running) {
		atomic_store(&a->stopping, true);
		if (a->wake_fd >= 0 && write(a->wake_fd, &one, sizeof(one)) < 0)
			/* It cannot be full. */
			abort();
		sem_post(&a->unused);
		pthread_join(a->thread, NULL);
		a->running = false;
	}
	if (a->pile) {
		clsf__pile_wake(a->pile, -1, NULL);
		clsf__pile_tell(a->pile, a->on_remark, a->user);
	}
	if (a->wake_fd >= 0)
		close(a->wake_fd);
	a->wake_fd = -1;
	a->pile = NULL;
}

/* ---- taking ---- */

/* The next slot, which stays until the next call. CLSF_E_BUSY: a signal came. */
static int take(struct clsf__ahead *a, struct slot **ret_slot, struct clsf_error *err)
{
	if (a->holding)
		sem_post(&a->unused);
	a->holding = false;
	if (sem_wait(&a->filled) != 0)
		return clsf__error(err, CLSF_E_BUSY, 0, "interrupted");
	a->holding = true;
	*ret_slot = &a->slot[a->n_taken++ % SLOTS];
	a->position = (*ret_slot)->position;
	if ((*ret_slot)->code == CLSF_E_NOMEM && err)
		*err = (*ret_slot)->err;
	return 0;
}

/* The name has to live longer than the slot, so they change places. */
static void keep_name(struct clsf__ahead *a, struct slot *slot)
{
	char *text = slot->text;
	size_t room = slot->text_room;
	slot->text = a->name;
	slot->text_room = a->name_room;
	a->name = text;
	a->name_room = room;
	a->member = slot->member;
	a->member.name = a->name;
}

int clsf__ahead_next(struct clsf__ahead *a, const struct clsf_member **ret_member, struct clsf_error *err)
{
	struct slot *slot = NULL;
	if (a->ended)
		return CLSF_STOPPED;
	atomic_store(&a->passed, a->taken_logs);
	for (;;) {
		int code = take(a, &slot, err);
		if (code)
			return code;
		switch (slot->kind) {
		case BYTES:
		case LOG_END:
			/* Of the log before. */
			break;
		case REMARK:
			if (slot->code)
				return slot->code;
			a->on_remark(slot->what, slot->text, slot->text + strlen(slot->text) + 1, a->user);
			break;
		case LOG:
			if (slot->code)
				return slot->code;
			a->taken_logs++;
			keep_name(a, slot);
			*ret_member = &a->member;
			return 0;
		case END:
			a->ended = true;
			if (slot->code < 0 && err)
				*err = slot->err;
			return slot->code;
		}
	}
}

int clsf__ahead_read(struct clsf__ahead *a, const void **ret_data, size_t *ret_length, struct clsf_error *err)
{
	struct slot *slot = NULL;
	int code = take(a, &slot, err);
	if (code)
		return code;
	if (slot->kind == BYTES) {
		*ret_data = slot->data;
		*ret_length = slot->length;
		return 0;
	}
	if (slot->code < 0 && err)
		*err = slot->err;
	return slot->code;
}

uint64_t clsf__ahead_position(const struct clsf__ahead *a)
{
	return a->position;
}
