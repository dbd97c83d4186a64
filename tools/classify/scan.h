/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_SCAN_H
#define TOOL_SCAN_H

/*
 * What the files of `scan` share: the run as a whole, which belongs to the thread
 * that tells, and what each thread that scans has of its own.
 */

#include <stdbool.h>
#include <stddef.h>

#include "incident.h"
#include "input.h"
#include "jobs.h"
#include "marks.h"
#include "options.h"
#include "postmortem.h"
#include "progress.h"
#include "report.h"
#include "scan_state.h"
#include "scanned.h"
#include "span.h"
#include "state.h"
#include "window.h"

/* What a thread that scans has of its own. */
struct scanner {
	struct scan *scan;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	struct job *job;             /* the input at hand; NULL for an incident */
	const char *source;          /* the log at hand */
	struct incident *incident;   /* the log at hand is one; or NULL */
	int code;                    /* of feeding it */
	struct input input;
	struct progress_reader progress;
	size_t skipped, lost;        /* entries of the file at hand that are no logs, and that cannot be read */
	struct text first_skipped;
	struct marks marks;          /* of the log at hand */
	struct span_finder *span;    /* of the log at hand; NULL when nobody asks */
	struct window_filter window; /* of the log at hand, if the run has one */
	struct text matches;         /* found, not handed over yet */
	struct state_file file;      /* the input at hand, where there is a state */
	struct identity_folder folder;
	struct scan_asking asking;
	int64_t mtime;               /* of the log at hand: nanoseconds since 1970 */
	bool begun;                  /* some of the file was handed over; */
	bool dropped;                /* some could not be, for memory was out, */
	bool broken;                 /* or not be read */
};

struct scan {
	struct scan_options *options;
	struct outcome *outcome;
	struct clsf_ruleset *ruleset;
	struct clsf_stream_options stream_options;
	struct jobs jobs;
	struct scanner *scanner;     /* one a thread */
	size_t n_scanners;
	size_t cores;
	int64_t begun;               /* nanoseconds since 1970 */
	bool marked;                 /* markers of logs are asked for */
	bool spans;                  /* and from when to when they go */

	bool windowed;               /* only a window of time is looked at */
	size_t outside;              /* logs that are not in it */

	struct progress progress;

	struct output_totals totals;
	struct output_state output;
	bool grouped;                /* the output tells what several logs share */
	struct groups groups;
	bool document;               /* a post-mortem is written */
	struct postmortem postmortem;
	struct state *state;         /* of --state; NULL: there is none */
	bool state_failed;           /* and that was told */
	struct report report;        /* filled if --report is given */
	struct groups remembered;    /* of the report, with --state: also those of earlier runs */
};

/* ---- scan.c: telling ---- */

/* Tells what a thread handed over, and frees it. `user` is the struct scan. */
void scan_tell(struct told *told, void *user);
/* Counts a verdict and puts it out. */
void scan_tell_log(struct scan *scan, struct postmortem_log *log);
/* Says on standard error what was odd about an input. */
void scan_tell_input(struct scan *scan, const char *source, const struct input_result *result);

/* ---- scan_log.c: scanning ---- */

/* Makes what a thread needs, the first time. A code of the library, told by the caller. */
int scanner_prepare(struct scan *scan, struct scanner *scanner);
void scanner_done(struct scanner *scanner);

/* Reads the input at the path into the stream. False if there is none. */
bool scanner_read(struct scanner *scanner, const char *path, struct input_result *result);

/* The verdict for what was fed; NULL, and the reason, when there is none. */
const struct clsf_verdict *scanner_finish(struct scanner *scanner, const char **ret_why);

/* For struct jobs. */
void scan_job(struct job *job, size_t number, void *user);

/* ---- scan_incident.c ---- */

/* Several inputs as one log. */
void scan_incident(struct scan *scan);
/* Puts out a match with its place within its input. Not 0 when nothing more can be written. */
int scan_incident_match(struct scanner *scanner, const struct clsf_match *match);

#endif
