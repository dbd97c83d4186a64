/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_UPSTREAM_H
#define DAEMON_UPSTREAM_H

/*
 * Requests to Loki: any number at once, by one thread. upstream.c alone sees curl.h.
 *
 * Threads: upstream_send() from any; `done` is called by the thread of this file.
 */

#include "config.h"
#include "memory.h"

struct upstream_request {
	/* what is sent; borrowed until `done` is called */
	const char *path;
	const char *tenant, *authorization, *content_type, *content_encoding, *user_agent;   /* or NULL */
	const void *body;
	size_t length;
	void (*done)(struct upstream_request *r);
	void *user;

	/* the answer */
	int status;                  /* 0: there was none; `why` says why */
	bool timed_out;
	char why[256];
	struct bytes answer;         /* at most 64 KiB of it; whoever is told frees it */
	char answer_type[80], retry_after[40];

	/* upstream.c's own */
	struct upstream_request *next;
	void *handle, *headers;
};

/* Starts the thread. False, told, when something in the configuration is not to be had. */
bool upstream_start(const struct config *config);
void upstream_send(struct upstream_request *r);
/* Ends what is under way without an answer, and the thread. */
void upstream_stop(void);

#endif
