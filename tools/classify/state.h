/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_STATE_H
#define TOOL_STATE_H

/*
 * What `scan --state` remembers from one run to the next: which files were
 * scanned, with which rules, and what was found in them. docs/state.md describes
 * the tables.
 *
 * The unit is the input file: what is remembered of it changes in one
 * transaction, whether it holds one log or a thousand. A transaction ends only
 * after what it holds was told, so that a run that is killed has told everything
 * that is remembered, and what was not remembered yet is scanned again.
 *
 * Looking at files is for any thread; all else is for the thread that tells.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>

#include "cli.h"
#include "identity.h"
#include "span.h"

#define STATE_ID 1129075526   /* SQLite's application_id of it: "CLSF" */
#define STATE_FORMAT 1       /* of the file: docs/state.md says what a change of it means */

struct state;

/* What is to be done with an input. */
enum state_answer {
	STATE_NEW,           /* it is not remembered */
	STATE_CHANGED,       /* it has other content than what is remembered */
	STATE_GREW,          /* it is longer than what is remembered */
	STATE_BROKEN,        /* it was not read in full, or changed while it was read */
	STATE_OPTIONS,       /* it was scanned with other options */
	STATE_RULES,         /* rules that had a part in it have changed */
	STATE_ASK,           /* rules have changed, and whether they concern it, `asked` tells */
	STATE_UNCHANGED,     /* what is remembered holds */
	STATE_FLOWING,       /* it cannot be met again: scanned, not remembered */
	STATE_OWN,           /* it is the state itself: neither */
};

/* An input as it was found. */
struct state_file {
	struct identity identity;
	enum state_answer answer;
	int64_t id;                          /* 0: not remembered */
	int64_t logs;                        /* remembered of it */
	int64_t checked;                     /* when it was looked at: nanoseconds since 1970 */
	bool touched;                        /* the same content with another time */
	bool other_rules;                    /* it was scanned with a ruleset that is not that of now */
	bool was_asked;                      /* STATE_ASK was answered */
	struct clsf_ruleset *asked;          /* of STATE_ASK: the rules that changed; the state's */
};

/* A log, for remembering. */
struct state_log {
	const char *source;
	const struct clsf_verdict *verdict;
	const struct clsf_matched *matched;
	size_t n_matched;
	const struct span *span;             /* may be NULL */
	int64_t mtime;                       /* of the file or the member: where the log tells no time */
};

/* What came of a run. */
struct state_sums {
	size_t files, logs;                  /* unchanged */
	size_t again_files, again_logs;      /* scanned again because of rules */
	size_t asked;                        /* files that were read with the changed rules alone */
	size_t rules;                        /* that changed since */
	size_t grew, options, broken, flowing;
	char since[32];                      /* when the run before this one began; "" if there was none */
};

/*
 * Opens a state for a run with this ruleset, which is borrowed until
 * state_close(), and these options in words. NULL: `why` says what is wrong, and
 * *ret_busy whether that is another run.
 */
struct state *state_open(const char *path, const struct clsf_ruleset *ruleset, const char *options, char why[256],
                         bool *ret_busy);

/* Ends the run: what is left is committed, if it `was_told`. False and the reason when it could not be. NULL is fine. */
bool state_close(struct state *state, bool was_told, bool interrupted, char why[256]);

/* NULL as long as nothing went wrong; then nothing more is remembered. */
const char *state_error(struct state *state);

/* Looks at an input. Any thread; the folder is the thread's own. False when memory is out. */
bool state_look(struct state *state, struct identity_folder *folder, const char *path, struct state_file *ret);
/* The answer to STATE_ASK: whether one of `asked` matches in the file, or met a limit there. */
void state_file_asked(struct state_file *file, bool concerned);
/* Whether a file that is unchanged has to be told to state_keep(); others are noted already. */
bool state_file_waits(const struct state_file *file);
void state_file_done(struct state_file *file);

/* A file is scanned: from here to state_end(), its logs take the place of those remembered. */
void state_begin(struct state *state, const struct state_file *file);
void state_add(struct state *state, const struct state_log *log);
/* `whole`: it was read in full and did not change meanwhile. Where it is not `wanted`, all is as it was before. */
void state_end(struct state *state, const struct state_file *file, bool wanted, bool whole);

/* A file is as remembered, or is none that can be. */
void state_keep(struct state *state, const struct state_file *file);

/* Whether it is time to commit: what was told is written out first. */
bool state_due(struct state *state);
void state_commit(struct state *state);

void state_sum(struct state *state, struct state_sums *ret);

/* ---- without a run ---- */

struct sql;

/* The database of a state, to be read while anybody writes. NULL: `why` says what is wrong. */
struct sql *state_open_to_read(const char *path, char why[256]);

/* Forgets files that are not there any more. Goes with no run at the same time. */
bool state_forget_missing(const char *path, int64_t *ret_files, int64_t *ret_logs, char why[256]);

/* ---- state_recall.c ---- */

/* A log as it is remembered. It lives for the call. */
struct state_recalled {
	const char *source;
	const struct clsf_verdict *verdict;  /* its rules are made of what is remembered of them */
	int64_t first, last;                 /* when the log begins and ends: seconds since 1970 */
	bool timed;                          /* its own lines say so; otherwise it is the time of the file */
};

typedef bool (*state_visitor)(const struct state_recalled *log, void *user);

/*
 * Calls `visit` for the logs that this run did not scan and that are remembered
 * of files at or below the inputs, or that it came by, in the order of paths.
 */
void state_recall(struct state *state, const struct list *inputs, state_visitor visit, void *user);

#endif
