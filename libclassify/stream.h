/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_STREAM_H
#define CLSF_STREAM_H

/*
 * The inside of a stream and of a worker, shared by what works on them:
 *
 *   stream.c   bytes -> blocks of whole lines; the life of a stream
 *   entries.c  many separate texts -> blocks, and back to the logs they are of
 *   block.c    a block -> candidates -> the lines they are on
 *   judge.c    a line and its candidates -> hits -> matches
 *   look.c     an expression and a line -> whether it hits it
 *   condition.c  hits of a rule of several lines -> whether its condition holds
 *   unless.c   what excuses a match from other lines
 *   pending.c  matches that wait for what may still excuse them
 *   summary.c  matches -> the bounded summary of a log
 *   verdict.c  the summary -> the verdict
 *   telling.c  lines above a hit -> the most telling of them
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <classify/scan.h>

#include "condition.h"
#include "fields.h"
#include "memory.h"
#include "ruleset.h"
#include "unwrap.h"

#define CLSF__BLOCK ((size_t)256 * 1024)     /* bytes given to the engine at once */
#define CLSF__MAX_LINE ((size_t)1024 * 1024) /* bytes of a line that are looked at */
#define CLSF__MAX_TEXT ((size_t)8192)        /* bytes of a line that a verdict shows */
#define CLSF__SHORT_TEXT ((size_t)256)   /* bytes of a text once CLSF__MAX_KEPT is passed */
#define CLSF__MAX_FIELD ((size_t)4096)       /* bytes of a capture that are kept */
#define CLSF__MAX_ALSO 20                    /* losers that a verdict lists */
#define CLSF__MAX_CONTEXT 20                 /* lines of context on either side */
#define CLSF__MAX_TELLING 5                  /* telling lines of an unknown failure */
#define CLSF__LOOKBACK_LINES 40              /* how far above a hit the telling line may be */
#define CLSF__LOOKBACK_BYTES ((size_t)8192)
#define CLSF__TELLING_LINES 160              /* the same, of a failure that no rule explains */
#define CLSF__TELLING_BYTES ((size_t)16 * 1024)
#define CLSF__SPAN_BYTES ((size_t)32 * 1024) /* how far an expression over several lines may reach */
#define CLSF__MAX_PENDING 256                /* matches of a log that wait at once */
#define CLSF__MAX_WEIGHED 256                /* lines whose weight is remembered */
#define CLSF__MAX_KEPT ((size_t)4 * 1024 * 1024) /* bytes of texts that one log's summary keeps */

/* ---- what a log's summary is made of ---- */

struct clsf__kept_field {
	const char *name;            /* the ruleset's */
	uint32_t term;               /* that bound it, in a rule of several lines, */
	uint64_t line;               /* and on which line */
	size_t at, length;           /* in `data` of the evidence */
};

/* A line that was kept, with the captures of the match. */
struct clsf__evidence {
	uint64_t line, offset, length;
	struct clsf__buffer data;    /* the text, NUL, then the values of fields, each with NUL */
	size_t text_length;
	struct clsf__kept_field *fields;
	size_t n_fields, fields_capacity;
	struct clsf__buffer before, after;
	uint32_t after_wanted;       /* lines still to come, */
	uint64_t after_next;         /* the first of them */
	uint64_t span;               /* length of the longest match on the line */
	bool weak;                   /* the line tells less than another may: see clsf__is_weak() */
};

/* What a stream knows of a rule that has hit. */
struct clsf__rule_state {
	uint32_t rule;
	uint64_t log;                /* of a stream for entries alone: the log that it was last used for */
	uint64_t count;              /* matches */
	uint64_t first_line;         /* of all matches */
	uint64_t last_line;
	uint64_t episode;            /* of the newest match */
	uint64_t episode_line;       /* first match of that episode */
	uint32_t tries;              /* later matches that were looked at as evidence */
	struct clsf__evidence evidence;
	/* Of a rule of several lines: */
	struct clsf__moment *moments; /* rule->n_moments of them */
	struct clsf__evidence shown; /* of the term that says `show: true`, with captures so far */
	struct clsf__evidence spare; /* where its successor is built */
	bool has_shown;
};

/*
 * The gated expressions of a rule are looked for up to a line; or one
 * expression that reaches over several lines is, after something of it was
 * found. The other of the two is UINT32_MAX.
 */
struct clsf__gate {
	uint32_t rule, expression;
	uint64_t until;
};

/* A match that a line to come may still excuse. */
struct clsf__pending {
	uint32_t rule;
	uint64_t line, episode;      /* of the line that completed it */
	struct clsf__held held;
	struct clsf__evidence told;  /* the line that is shown, with the captures */
};

/* A telling line of an unexplained failure. */
struct clsf__telling {
	uint64_t line, offset, length;
	size_t at, text_length;      /* in telling_text */
	int score;
};

/* How much a line tells, and what it says of its own weight. */
struct clsf__weighed {
	uint64_t line;               /* its number; 0 when nothing is remembered */
	int score;
	enum clsf__level level;
};

struct clsf_stream {
	struct clsf_allocator allocator;
	struct clsf_ruleset *ruleset;
	struct clsf_stream_options options;
	struct clsf__call *call;     /* what entries are looked at, while they are (entries.h) */
	bool alone;                  /* for entries that are logs of their own: matches only, no verdict */

	/* Bytes on their way. */
	struct clsf__buffer partial; /* the unfinished line, at most max_line of it */
	uint64_t dropped;            /* bytes of it beyond that */
	bool cr_dropped;             /* the newest of those was \r */
	bool begun, utf16, utf16_big, finished, stopped;
	unsigned char pending[8];    /* bytes of an unfinished byte order mark or UTF-16 unit */
	size_t n_pending;
	struct clsf__buffer wide;    /* UTF-16 decoded to UTF-8 */
	struct clsf__buffer tail;    /* the newest whole lines before the block */
	uint64_t *part_ends;         /* the last lines of the parts that are over */
	size_t n_parts, parts_capacity;
	uint64_t lines;              /* that were scanned */
	uint64_t offset;             /* of the first byte not scanned yet */
	uint64_t bytes;

	/* The summary. */
	uint64_t log;                /* how many were before, of a stream for entries alone */
	struct clsf__rule_state **states;
	size_t n_states, states_capacity;
	uint32_t *table;             /* open hash by rule: index + 1 into states */
	size_t table_size;
	struct clsf__gate *gates;
	size_t n_gates, gates_capacity;
	uint64_t gate_until;         /* the last line that any of them wants */
	/* The newest lines that are known to tell no time, by number, 0 for none; does the one above tell it? */
	struct clsf__untimed {
		uint64_t first, last;
		bool headed;
	} untimed;
	uint64_t episode;            /* success markers so far */
	uint64_t success_line;       /* the newest success marker */
	struct clsf__pending **waiting; /* in the order of their lines; those behind n_waiting are spare */
	size_t n_waiting, waiting_allocated, waiting_capacity;
	size_t kept;                 /* bytes of texts */
	size_t n_after;              /* evidences that want lines after them */
	struct clsf__telling telling[CLSF__MAX_TELLING];
	size_t n_telling;
	uint64_t telling_episode;
	bool has_telling;
	struct clsf__buffer telling_text;
	struct clsf__weighed weighed[CLSF__MAX_WEIGHED];  /* by line number */
	bool has_weighed;
	struct clsf__buffer telling_before, telling_after; /* lines around the first of them */

	/* What is to be said besides. */
	int broken;                  /* a failure, after which no more is taken */
	bool truncated;
	char truncated_message[256];
	uint64_t long_lines, first_long_line, first_long_offset;
	uint64_t match_limits, first_limit_line;
	uint32_t first_limit_rule;
	bool text_limit;             /* CLSF__MAX_KEPT was passed */
	bool capture_limit;          /* CLSF__MAX_FIELD was passed */
	bool message_limit;          /* CLSF__MAX_MESSAGES was passed */
	bool span_limit;             /* CLSF__SPAN_BYTES was */
	bool pending_limit;          /* CLSF__MAX_PENDING was */
	bool field_limit;            /* a line has more fields than are read */
	struct clsf__remarks remarks;

	/* The verdict, in memory of its own. */
	struct clsf__arena arena;
	struct clsf_verdict verdict;
};

struct clsf__candidate {
	uint32_t line;               /* offset of its line in the block */
	uint32_t expression : 31;
	uint32_t raw : 1;            /* reported of the raw line itself */
};

/* A term of a rule that is confirmed on the line at hand. */
struct clsf__hit {
	uint32_t rule, term;
	uint32_t first_field, n_fields;
	uint64_t span;
};

struct clsf_worker {
	struct clsf_allocator allocator;
	struct clsf_worker_options options;
	struct clsf_cost *costs;     /* by expression; NULL without a clock */
	struct clsf_work work;
	struct clsf_ruleset *ruleset;
	struct clsf__scratch *scratch;
	struct clsf__runner *runner;
	atomic_bool busy;

	struct clsf__candidate *candidates;
	size_t n_candidates, max_candidates;
	struct clsf__candidate *merged;  /* as many: room to put two runs of them in order */
	struct clsf__candidate *joined;  /* those of one line, with what is always or for now looked for */
	size_t max_joined;
	uint32_t *stamp;             /* by expression: the line it was last noted for */
	uint32_t line_serial;
	uint32_t *judged;            /* by expression: the line it was last judged on */
	uint32_t judge_serial;
	signed char *luck;           /* by expression: above 0 it has mostly hit of late */

	struct clsf__messages messages;
	bool unwrapped;              /* messages are those of the line at hand */
	struct clsf__buffer side;    /* decoded texts of special lines, for the filter */
	struct clsf__piece *pieces;  /* which line each came from */
	size_t n_pieces, pieces_capacity;
	struct clsf__special *specials;  /* the lines of the block that need decoding */
	size_t n_specials, specials_capacity;
	size_t next_candidate, next_special; /* those before are judged */
	struct clsf__entries *entries;   /* made when first asked for */

	struct clsf__hit *hits;
	size_t n_hits, hits_capacity;
	struct clsf_field *fields;   /* captures of the hits of the line at hand */
	size_t n_fields, fields_capacity;
	struct clsf_field *bound;    /* of the match at hand, names bound once */
	uint32_t *bound_term;        /* and the terms that bound them, */
	uint64_t *bound_line;        /* on which lines */
	size_t bound_capacity;
	struct clsf__messages other; /* for looking at lines other than the one at hand */

	/* Of the line at hand, made when first asked for: */
	struct clsf__fields line_fields;
	bool has_fields;
	struct clsf__time own_time;
	bool has_own_time;
	struct clsf__moment place;   /* without the time */
	struct clsf__moment moment;
	bool has_moment;
	struct clsf__span_text {
		struct clsf__buffer text;
		size_t start[CLSF__MAX_SPAN_LINES]; /* of the line at hand first, then those above it */
		size_t n;
		bool made, cut;
	} spans[3];                  /* of the newest lines' messages, as they came, and folded */
};

/* A line of the block at hand. */
struct clsf__line {
	const char *block;
	size_t start;                /* in the block */
	size_t length;               /* without its end */
	uint64_t full_length;        /* what was dropped included */
	uint64_t number;
	uint64_t offset;
	bool plain;                  /* nothing to decode: all messages are parts of the raw text */
};

/* The worker's clock; 0 without one. */
static inline uint64_t clsf__now(const struct clsf_worker *w)
{
	return w->costs ? w->options.clock(w->options.clock_context) : 0;
}

static inline const char *clsf__line_text(const struct clsf__line *line)
{
	return line->block + line->start;
}

/*
 * The bytes that a text of this log takes in the log as it came: its length, or
 * for UTF-16, what it was before it was decoded.
 */
uint64_t clsf__raw_length(const struct clsf_stream *s, const char *text, size_t length);

/* ---- stream.c ---- */

/* Feeds text that is known not to be UTF-16. */
int clsf__feed_text(struct clsf_stream *s, struct clsf_worker *w, const char *data, size_t length);

/* Feeds a whole log and ends it, but for the verdict. */
int clsf__feed_whole(struct clsf_stream *s, struct clsf_worker *w, const char *data, size_t length);

/* What was fed so far is decided to be text, and its unfinished line ends. */
int clsf__begin_line(struct clsf_stream *s, struct clsf_worker *w);

/* ---- block.c ---- */

/*
 * The filter's part: what clsf__judge_block() will go through. Sets *ret_full,
 * and nothing else is of use, where there is too much of that: the block has to
 * be taken in two, at clsf__split_point(), if it has one (else 0).
 */
int clsf__collect(struct clsf_worker *w, const char *block, size_t length, bool unwrap, bool *ret_full);
size_t clsf__split_point(const char *block, size_t length);

/* Where the next line begins that is not judged and may be of interest; SIZE_MAX if there is none. */
size_t clsf__next_line(const struct clsf_worker *w);

/*
 * The judge's part, for the whole lines block[from..to) of a stream; they have
 * to be asked for in their order. `dropped` is as below. With `more`, what
 * follows of the log may look back at them.
 */
int clsf__judge_block(struct clsf_stream *s, struct clsf_worker *w, const char *block, size_t from, size_t to,
                      uint64_t dropped, bool more);

/*
 * Scans `length` bytes of whole lines (the last may lack its \n). `dropped`
 * bytes more belong to the last line but were too many to look at.
 */
int clsf__scan_block(struct clsf_stream *s, struct clsf_worker *w, const char *block, size_t length,
                     uint64_t dropped);

/* ---- judge.c ---- */

/*
 * Judges the expressions that are candidates on the line; delivers matches.
 * The first `n_found` are those of which the filter found something there.
 */
int clsf__judge_line(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                     const struct clsf__candidate *candidates, size_t n, size_t n_found);

/* Tells the caller of the library about a match. Returns 0 or CLSF_STOPPED. */
int clsf__deliver(struct clsf_stream *s, const struct clsf__rule *rule, const struct clsf_line *line,
                  const struct clsf_field *fields, size_t n_fields);

/* ---- look.c ---- */

/* The line at hand is another one: what was made of the last is forgotten. */
void clsf__look_begin(struct clsf_worker *w);

/* Where an expression matched: the whole text that was looked at, and how much of it the match took. */
struct clsf__sight {
	const char *text;            /* valid until the next line */
	size_t length;
	uint64_t span;
};

/* Looks for the expression in the line. On a match the runner still holds the captures. */
enum clsf__run clsf__look(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                          struct clsf__compiled *e, struct clsf__sight *ret_sight);

/* Does the line tell a time itself? */
bool clsf__line_has_time(struct clsf_worker *w, const struct clsf__line *line);

/* The line at hand, with its time where the rule wants it. */
const struct clsf__moment *clsf__line_moment(const struct clsf_stream *s, struct clsf_worker *w,
                                             const struct clsf__line *line, const struct clsf__rule *rule);

/* Makes worker->messages those of the line at hand. False when memory is out. */
bool clsf__unwrap_line(struct clsf_worker *w, const struct clsf__line *line);

/* Appends the expressions whose gates are open on the line; returns how many there are then. */
size_t clsf__add_gated(const struct clsf_stream *s, struct clsf_worker *w, uint64_t line,
                       struct clsf__candidate *list, size_t n, size_t most);

/* ---- pending.c ---- */

/* Lets a match wait; `told` is the line that is shown. */
int clsf__pending_add(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line, uint32_t rule,
                      const struct clsf__held *held, const struct clsf_line *told,
                      const struct clsf_field *fields, size_t n_fields, uint64_t span);

/*
 * A line has hits: those that wait for the range of an `unless` which is past
 * are told, those that a hit of the line excuses are dropped.
 */
int clsf__pending_pass(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line);

/* The log is at its end: what still waits is told. */
int clsf__pending_finish(struct clsf_stream *s);

void clsf__pending_reset(struct clsf_stream *s);
void clsf__pending_done(struct clsf_stream *s);

/* ---- summary.c ---- */

/* The state of a rule, made if needed; NULL when memory is out. */
struct clsf__rule_state *clsf__rule_state(struct clsf_stream *s, uint32_t rule);

/* Notes a match of `rule` on the line; `shown` is an earlier line that tells more, or NULL. */
int clsf__summary_add(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                      uint32_t rule, const struct clsf_field *fields, size_t n_fields,
                      uint64_t span, const struct clsf_line *shown);

/* Notes a match that has waited; its evidence is taken out of it. */
int clsf__summary_add_pending(struct clsf_stream *s, struct clsf__pending *p);

/* Is the line one of level warning or less, does it speak of a retry, or is it the source of what raises? */
int clsf__is_weak(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line, bool *ret_weak);

/* The line that a verdict shows of a match on `line`: that, or the telling one above it where the rule says so. */
int clsf__choose_line(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line, uint32_t rule,
                      struct clsf_line *ret_line);

struct clsf_line clsf__evidence_line(const struct clsf__evidence *e);
void clsf__evidence_init(struct clsf__evidence *e, const struct clsf_allocator *a);
/* Empties it: it keeps its memory, and wants no more context. */
void clsf__evidence_clear(struct clsf_stream *s, struct clsf__evidence *e);
void clsf__evidence_done(struct clsf_stream *s, struct clsf__evidence *e);

/* Keeps the lines around an evidence that is the line, or stands above it. */
int clsf__evidence_context(struct clsf_stream *s, struct clsf__evidence *e, const struct clsf__line *line);

/* Adds a line to a context, ended by \n; cut short once the summary has grown too large. */
void clsf__context_add(struct clsf_stream *s, struct clsf__buffer *b, const char *text, size_t length);

/* Keeps a line and captures as evidence, replacing what it held. */
int clsf__evidence_set(struct clsf_stream *s, struct clsf__evidence *e, const struct clsf_line *line,
                       const struct clsf_field *fields, size_t n_fields);

/* Adds the lines of the block to the evidences that want lines after them. */
int clsf__summary_after(struct clsf_stream *s, const char *block, size_t length,
                        uint64_t first_number);

/* The part of the log that the evidences stand in is over: they want no more lines. */
void clsf__summary_no_after(struct clsf_stream *s);

void clsf__summary_reset(struct clsf_stream *s);
void clsf__summary_done(struct clsf_stream *s);

/* ---- telling.c ---- */

struct clsf__above {
	const char *text;
	size_t length;               /* without its end */
	uint64_t number;
	uint64_t offset;
};

/*
 * The lines above `line`, nearest first: at most `most` of them, and at most
 * `most_bytes` in all (CLSF__LOOKBACK_BYTES or CLSF__SPAN_BYTES).
 */
size_t clsf__lines_above(const struct clsf_stream *s, const struct clsf__line *line,
                         struct clsf__above *above, size_t most, size_t most_bytes);

/*
 * The most telling line of the program output right above `line`. Returns 1,
 * 0 when there is none, or CLSF_E_NOMEM.
 */
int clsf__telling_above(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                        struct clsf__above *ret_above);

/* Keeps the most telling lines above and at the failure marker. */
int clsf__telling_keep(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line);

/* Writes 16 hexadecimal digits and NUL: a hash of the text without its numbers, names and paths. */
void clsf__fingerprint(const char *text, size_t length, char out[17]);

/* Remembers the end of the block for the lookback of the next one. */
int clsf__tail_update(struct clsf_stream *s, const char *block, size_t length);

/* ---- verdict.c ---- */

int clsf__verdict_build(struct clsf_stream *s);

/* Makes the warnings of a verdict alone. */
int clsf__warnings_build(struct clsf_stream *s);

/* Hides the secrets of a match; `fields` has room for m->n_fields. */
int clsf__match_redact(struct clsf_stream *s, struct clsf_match *m, struct clsf_field *fields);

#endif
