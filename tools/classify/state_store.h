/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_STATE_STORE_H
#define TOOL_STATE_STORE_H

/* The inside of a state, shared by the files state*.c. */

#include <pthread.h>

#include "arena.h"
#include "sql.h"
#include "state.h"
#include "text.h"

/* How the rules of now differ from those with which files were scanned. */
struct state_change {
	struct state_change *next;
	int64_t ruleset;             /* those */
	bool options;                /* and other options, which is all that matters then */
	bool all;                    /* too much changed: everything is scanned again */
	char **touched;              /* ids of rules that are gone or are not what they were, sorted */
	size_t n_touched;
	size_t *asked;               /* indexes of rules that are new or have another condition */
	size_t n_asked;
	size_t rules;                /* how many are new, changed or gone */
	struct clsf_ruleset *subset; /* of `asked`; NULL as long as nobody wanted it */
};

/* A rule of now. */
struct state_rule {
	const struct clsf_rule *rule;
	size_t index;
	char condition[65], whole[65];
};

/*
 * Two connections: the thread that tells writes by one, and threads that scan ask
 * by the other, which sees what is committed. So neither waits for the other.
 */
struct state {
	struct sql *sql;             /* of the thread that tells */
	int lock;                    /* a descriptor whose lock says that a run is going on */
	char *path;                  /* absolute */
	const struct clsf_ruleset *ruleset;
	struct state_rule *rules;    /* sorted by id */
	size_t n_rules;
	int64_t ruleset_id;          /* 0: not written yet */
	char *options;
	int64_t run;

	pthread_mutex_t mutex;       /* of what follows */
	struct sql *asking;          /* of threads that scan */
	struct sql_query *look, *knew;
	struct state_change *changes;
	struct state_sums sums;
	int64_t *kept;               /* files that the run left as they are */
	size_t n_kept, kept_capacity;

	/* Of the thread that tells. */
	struct sql_query *forget, *file_new, *file_end, *file_keep;
	struct sql_query *log, *match, *runbook_find, *runbook;

	bool open;                   /* a transaction is */
	uint64_t opened;             /* when */
	size_t pending;              /* files in it */
	int64_t file;                /* between state_begin() and state_end() */
	int64_t file_logs;
	bool file_limited;
	size_t scanned_files, scanned_logs;
	struct text scratch[8];      /* for columns of the log at hand */
	struct arena ghosts;         /* rules that are remembered and are not there now */
	struct state_ghost *ghost;
};

/* Is it a state of this format? 0; 1 when it is an empty database; -1 and the reason. */
int state_check(struct sql *sql, char why[256]);

/* ---- state_rules.c ---- */

/* Fills state->rules. False when memory is out. */
bool state__rules_load(struct state *state);
void state__rules_free(struct state *state);

/* The change from a ruleset to that of now, remembered. NULL when memory is out. With the mutex. */
struct state_change *state__change(struct state *state, int64_t ruleset);

/* Writes the ruleset of now, if it is not there, and sets state->ruleset_id. */
void state__ruleset_write(struct state *state);

/* What the change asks of a file. With the mutex. */
enum state_answer state__judge(struct state *state, struct state_change *change, int64_t file, bool limited);

/* ---- state_log.c ---- */

void state__log_prepare(struct state *state);
void state__log_write(struct state *state, const struct state_log *log);

#endif
