/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONNECTIONS_H
#define DAEMON_CONNECTIONS_H

/*
 * The connections of clients, and when each has to have got further. libmicrohttpd ends those on
 * which nothing happens; a client that sends a byte now and then would hold one for ever. Here a
 * request has a time at which it has to be whole, and what takes longer is cut off.
 *
 * A client that went away in the middle of a request is found here, too: with libmicrohttpd 0.9.75
 * its end is overlooked where it comes together with the last bytes, and shows as silence.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

/* Begins and ends the thread that looks at the times. False when there is none to be had. */
bool connections_start(void);
void connections_stop(void);

/*
 * How many connections there may be: `wanted`, or fewer where the system allows too few open files
 * for these, for requests to Loki, and, `with_inputs`, for files that are read.
 */
size_t connections_allowed(size_t wanted, bool with_inputs);

/* A connection with this descriptor, which stays open until it is removed. NULL: memory is out. */
struct connection *connections_add(int descriptor);
void connections_remove(struct connection *c);

/*
 * What is to happen on it: the client has to send a whole request, or to take its answer, within so
 * many nanoseconds; or it is we who have to do something. NULL is nothing. Threads: any.
 */
void connections_reads(struct connection *c, uint64_t within);
void connections_writes(struct connection *c, uint64_t within);
void connections_rests(struct connection *c);

#endif
