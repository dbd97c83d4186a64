/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_SCAN_STATE_H
#define TOOL_SCAN_STATE_H

/*
 * `scan --state`: asking the state before an input is scanned, and having it
 * remember what was told. All of it does nothing where there is no state.
 */

#include <stdbool.h>

struct job;
struct scan;
struct scanned;
struct scanner;

/* What a thread that scans keeps for it. */
struct scan_asking {
	const struct clsf_ruleset *ruleset;  /* the changed rules, of which these are */
	struct clsf_worker *worker;
	struct clsf_stream *stream;
};

/* ---- the thread that tells ---- */

/* Opens the state. False when nothing may be scanned; where it just cannot be used, that is told. */
bool scan_state_open(struct scan *scan);
/* Something was told. */
void scan_state_tell(struct scan *scan, const struct scanned *scanned);
/* Commits what was told, if it is time. */
void scan_state_pause(struct scan *scan);
/* Takes what is remembered, and was not scanned, into what is told of all logs. */
void scan_state_recall(struct scan *scan);
/* The end of the run, after all output was written. */
void scan_state_close(struct scan *scan);

/* ---- threads that scan ---- */

/* Whether the input is to be scanned. If not, that is handed over. */
bool scan_state_wants(struct scanner *s, struct job *job);
/* Hands over a log, with what is remembered of it. NULL is memory that was out. */
void scan_state_log(struct scanner *s, struct job *job, struct scanned *log);
/* All of the input was handed over, or as much as will be. */
void scan_state_scanned(struct scanner *s, struct job *job);
void scan_state_done(struct scanner *s);

#endif
