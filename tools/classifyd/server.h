/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

/*
 * The HTTP side: receives pushes, hands them to the pipeline, and tells the answers; metrics,
 * health and reload besides. server.c alone sees microhttpd.h.
 */

#include "config.h"
#include "push.h"

/* Listens. False, told, when that cannot be. */
bool server_start(const struct config *config);

/* A push has its answer. Threads: any. */
void server_answer(struct push *p);

/* The rules are there: /ready says so from now on. */
void server_ready(bool ready);

/*
 * Answers those who asked for a reload so far. The first of them sent this process a SIGHUP, as
 * anybody else would.
 */
void server_answer_reloads(bool good);

/* Takes no more connections and requests; those that were begun go on. */
void server_quiesce(void);

/* Ends all connections. Everything that was submitted has its answer by then. */
void server_stop(void);

#endif
