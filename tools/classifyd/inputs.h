/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_INPUTS_H
#define DAEMON_INPUTS_H

/*
 * What is read rather than pushed: each kind of input is a source, which has a thread of its own,
 * gathers lines and passes them on to the queue.
 */

#include "config.h"
#include "intake.h"
#include "queue.h"

struct source {
	const char *name;
	bool (*is_wanted)(const struct config *config);
	bool (*start)(const struct config *config);   /* false: told */
	void (*join)(void);                           /* the thread ends when inputs_are_stopping() */
};

extern const struct source source_stdin, source_files, source_journal;

/* Opens the queue and starts everything that the configuration names. False, told, when that cannot be. */
bool inputs_start(const struct config *config);

/*
 * Ends the threads, and gives what the queue holds in memory some seconds to reach Loki. False when
 * something of standard input could not be delivered.
 */
bool inputs_stop(unsigned seconds);

/* Whether an input that was all there is to do has ended by itself. */
bool inputs_are_at_end(void);

/* ---- for the sources; threads: any ---- */

bool inputs_are_stopping(void);

/*
 * Waits until `fd` (or -1) can be read, the threads are to end, or the time `until` (0: never) is
 * reached. Returns whether `fd` can be read.
 */
bool inputs_wait(int fd, uint64_t until);

/* Standard input has ended: the daemon does so too. `good`: all of it was delivered, or is safe. */
void inputs_end(bool good);

/*
 * Passes what was gathered on to the queue, with the positions that it covers, and empties the
 * intake. False when the daemon ends before that, or memory is out.
 */
bool inputs_pass_on(struct intake *in, const struct position *positions, size_t n_positions, bool ends);

/* Counts a line that was read, and tells of one that was too long. */
void inputs_count(const char *source, bool cut);

/* Counts something that could not be read. */
void inputs_count_error(const char *reason);

#endif
