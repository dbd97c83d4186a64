/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLASSIFY_SCAN_H
#define CLASSIFY_SCAN_H

/*
 * From the bytes of a log to its verdict.
 *
 * Three lifetimes: a ruleset is immutable and shared; a worker holds what a
 * thread needs to scan (one a thread); a stream is one log in progress and
 * costs kilobytes, so that many can be open at once.
 *
 *     clsf_worker_new(ruleset, NULL, &worker);
 *     clsf_stream_new(ruleset, NULL, &stream);
 *     while ((n = read(fd, buffer, sizeof(buffer))) > 0)
 *         clsf_stream_feed(stream, worker, buffer, n);
 *     clsf_stream_finish(stream, worker, &verdict);
 *
 * The same bytes give the same matches and the same verdict, however they are
 * cut into calls.
 */

#include <classify/common.h>
#include <classify/rules.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clsf_worker;
struct clsf_stream;

enum clsf_outcome {
	CLSF_UNDETERMINED = 0,           /* the log says neither */
	CLSF_PASSED = 1,
	CLSF_FAILED = 2,
};

/*
 * A capture of an expression. `value` is raw bytes of the log; that of a
 * verdict ends in NUL besides, that of a match need not.
 */
struct clsf_field {
	const char *name;
	const char *value;
	size_t length;
};

/* A line of the log. */
struct clsf_line {
	uint64_t number;                 /* counts from 1; 0: none */
	uint64_t offset;                 /* of its first byte in the decompressed log; UTF-16 as it came */
	uint64_t length;                 /* full length in bytes of the log, without its end */
	const char *text;                /* raw bytes, cut at 8 KiB on a character boundary */
	size_t text_length;
};

/* One rule whose whole condition held. Valid during the callback. */
struct clsf_match {
	const struct clsf_rule *rule;
	struct clsf_line line;
	size_t n_fields;
	const struct clsf_field *fields;
};

/* Return 0 to go on, anything else to stop the scan (CLSF_STOPPED). */
typedef int (*clsf_match_fn)(const struct clsf_match *match, void *user);

/* What the verdict does not hide. The numbers are stable. */
enum clsf_warning_code {
	CLSF_WARN_TRUNCATED_INPUT = 0,
	CLSF_WARN_LINE_TOO_LONG = 1,
	CLSF_WARN_LIMIT_REACHED = 2,
	CLSF_WARN_RULE_QUARANTINED = 3,
	CLSF_WARN_MATCH_LIMIT = 4,
	CLSF_WARN_NO_TIMESTAMPS = 5,
	CLSF_WARN_ENGINE_FALLBACK = 6,
};

struct clsf_warning {
	enum clsf_warning_code code;
	const char *message;
	uint64_t line;                   /* 0: none */
	int has_offset;
	uint64_t offset;
};

/* A rule that matched and was not chosen, with the reason. */
struct clsf_also {
	const struct clsf_rule *rule;
	struct clsf_line line;
	uint64_t count;                  /* lines it matched */
	const char *why_not;             /* begins with: explained by, symptom, recovered, earlier, weaker, duplicate */
};

/*
 * The answer for a log. Belongs to the stream and lives until the stream is
 * reset, fed again or freed. Where `rule` is NULL (not failed, or failed and
 * no rule says why) the texts of the runbook are "".
 */
struct clsf_verdict {
	enum clsf_outcome outcome;
	const struct clsf_rule *rule;    /* NULL when not failed or unknown */
	const char *category;            /* "" unless failed; "unknown" when no rule says why */
	const char *title;               /* captures filled in */
	const char *cause;
	const char *fix;                 /* captures filled in, quoted for the shell */
	const char *prevent;
	const char *url;
	struct clsf_line line;           /* the line that shows it; number 0 unless failed */
	const char *before;              /* up to `context` lines before it, each ended by \n */
	size_t before_length;
	const char *after;
	size_t after_length;
	size_t n_fields;
	const struct clsf_field *fields;
	const char *fingerprint;         /* of an unknown failure's template; "" otherwise */
	size_t n_telling;                /* an unknown failure's most telling lines, best first */
	const struct clsf_line *telling;
	size_t n_also;                   /* the losers, at most 20 */
	const struct clsf_also *also;
	size_t n_warnings;
	const struct clsf_warning *warnings;
	uint64_t lines;
	uint64_t bytes;
};

/* Nanoseconds from a clock that does not go back. */
typedef uint64_t (*clsf_clock_fn)(void *context);

/* Options of a worker; what is zero or NULL takes the default. */
struct clsf_worker_options {
	size_t size;
	const struct clsf_allocator *allocator;
	clsf_clock_fn clock;             /* given: the worker keeps account of where time goes, and is slower */
	void *clock_context;
};
#define CLSF_WORKER_OPTIONS_INIT CLSF__INIT(struct clsf_worker_options)

/* Options of a stream; what is zero or NULL takes the default. */
struct clsf_stream_options {
	size_t size;
	const struct clsf_allocator *allocator;
	clsf_match_fn on_match;
	void *user;                      /* passed to on_match */
	int no_unwrap;                   /* 1: rules see raw lines only */
	int redact;                      /* 1: texts and captures of matches and verdicts go through clsf_redact() */
	uint32_t context;                /* lines kept around the telling line; default 0, at most 20 */
	size_t max_line;                 /* bytes of a line that are looked at; default 1 MiB */
};
#define CLSF_STREAM_OPTIONS_INIT CLSF__INIT(struct clsf_stream_options)

/*
 * Makes a worker for streams of `ruleset`, to which it holds a reference.
 *
 * Returns 0, CLSF_E_NOMEM, CLSF_E_ENGINE, CLSF_E_INVALID.
 *
 * Threads: a worker belongs to one thread at a time.
 */
CLSF_API int clsf_worker_new(struct clsf_ruleset *ruleset,
                             const struct clsf_worker_options *options,
                             struct clsf_worker **ret_worker);

/* Frees a worker; NULL is fine. Threads: one at a time. */
CLSF_API void clsf_worker_free(struct clsf_worker *worker);

/* What an expression of the ruleset cost a worker so far. */
struct clsf_cost {
	const struct clsf_rule *rule;    /* the first that uses it */
	const char *expression;
	enum clsf_plan plan;
	uint64_t candidates;             /* lines on which the filter proposed it */
	uint64_t judged;                 /* calls of PCRE2 for it */
	uint64_t hits;                   /* lines on which it was confirmed */
	uint64_t nanoseconds;            /* in these calls */
};

/* What a worker did so far, and where its time went. */
struct clsf_work {
	uint64_t bytes;
	uint64_t lines;                  /* that were scanned */
	uint64_t judged_lines;           /* that had a candidate */
	uint64_t filter_nanoseconds;
	uint64_t judge_nanoseconds;
	uint64_t other_nanoseconds;      /* lines, blocks, the summary */
};

/*
 * The account of a worker that was given a clock: of the expression at `index`
 * and, if `ret_work` is not NULL, of the whole.
 *
 * Returns 0; CLSF_E_LIMIT when there is no expression at `index` (*ret_work is
 * filled all the same); CLSF_E_INVALID, also without a clock.
 *
 * Threads: one at a time for the worker.
 */
CLSF_API int clsf_worker_cost(const struct clsf_worker *worker, size_t index,
                              struct clsf_cost *ret_cost, struct clsf_work *ret_work);

/*
 * Starts a log. The stream holds a reference to the ruleset.
 *
 * Returns 0, CLSF_E_NOMEM, CLSF_E_INVALID.
 *
 * Threads: a stream belongs to one thread at a time; which may change.
 */
CLSF_API int clsf_stream_new(struct clsf_ruleset *ruleset,
                             const struct clsf_stream_options *options,
                             struct clsf_stream **ret_stream);

/*
 * Takes the next bytes of the log, whatever their number and wherever lines
 * end. Large calls (256 KiB and more) are scanned in place and are fastest.
 *
 * Returns 0; CLSF_STOPPED when on_match asked for it (finish or reset is what
 * may follow); CLSF_E_NOMEM, CLSF_E_ENGINE (the same: nothing that is fed later
 * is looked at, and the verdict is of what came before and carries the warning
 * `truncated_input`); CLSF_E_BUSY (the worker is in a call already),
 * CLSF_E_INVALID (also: worker of another ruleset, or a stream that is
 * finished).
 *
 * Threads: one at a time for the stream, and for the worker.
 */
CLSF_API int clsf_stream_feed(struct clsf_stream *stream, struct clsf_worker *worker,
                              const void *data, size_t length);

/*
 * Whether a stream would take a log that begins with this data for UTF-16 and
 * decode it: by its byte order mark or, without one, by its first four
 * characters, if they are ASCII. Give at least 8 bytes, or the whole log.
 *
 * Returns 1 or 0.
 *
 * Threads: any.
 */
CLSF_API int clsf_is_utf16(const void *data, size_t length);

/*
 * Notes that the log is not complete (a corrupt archive, a read error); the
 * verdict then carries the warning `truncated_input` with the offset reached.
 * `message` is copied.
 *
 * Returns 0, CLSF_E_NOMEM, CLSF_E_INVALID.
 *
 * Threads: one at a time.
 */
CLSF_API int clsf_stream_truncated(struct clsf_stream *stream, const char *message);

/*
 * Ends a part of the log, as where several files are one log: a last line
 * without \n counts, and what follows may have another encoding. Lines and
 * bytes count on, and conditions reach across; expressions over several lines,
 * lines of context and the look for telling lines do not.
 *
 * *ret_lines and *ret_bytes, either of which may be NULL, say how much there
 * was so far: what comes next begins behind them.
 *
 * Returns as clsf_stream_feed() does.
 *
 * Threads: one at a time for the stream, and for the worker.
 */
CLSF_API int clsf_stream_part(struct clsf_stream *stream, struct clsf_worker *worker,
                              uint64_t *ret_lines, uint64_t *ret_bytes);

/*
 * Passes over a piece of the log that is not looked at, as one outside a window
 * of time: `lines` of them, which take `bytes`. An unfinished line before them
 * ends, and numbers and offsets behind them are those of the whole log. As with
 * parts, expressions over several lines, lines of context and the look for
 * telling lines do not reach across.
 *
 * Returns as clsf_stream_feed() does.
 *
 * Threads: one at a time for the stream, and for the worker.
 */
CLSF_API int clsf_stream_skip(struct clsf_stream *stream, struct clsf_worker *worker,
                              uint64_t lines, uint64_t bytes);

/*
 * Ends the log: a last line without \n counts. The verdict belongs to the
 * stream. Whether it succeeds or fails, the stream is finished, and reset or
 * free is what may follow.
 *
 * Returns 0, CLSF_STOPPED, CLSF_E_NOMEM, CLSF_E_ENGINE, CLSF_E_INVALID.
 *
 * Threads: one at a time for the stream, and for the worker.
 */
CLSF_API int clsf_stream_finish(struct clsf_stream *stream, struct clsf_worker *worker,
                                const struct clsf_verdict **ret_verdict);

/* What a rule did in a log: markers too, and what was recovered from. */
struct clsf_matched {
	const struct clsf_rule *rule;
	uint64_t count;                  /* matches */
	uint64_t first_line, last_line;  /* those that completed the first and the last */
};

/*
 * The rule at `index` of those that matched, in no particular order: all of
 * them, where a verdict lists at most 20. To be called between
 * clsf_stream_finish() and clsf_stream_reset().
 *
 * Returns 0; CLSF_E_LIMIT when there are no more; CLSF_E_INVALID.
 *
 * Threads: one at a time for a stream.
 */
CLSF_API int clsf_stream_matched(const struct clsf_stream *stream, size_t index,
                                 struct clsf_matched *ret_matched);

/* Makes the stream ready for another log, keeping its memory. Threads: one at a time. */
CLSF_API void clsf_stream_reset(struct clsf_stream *stream);

/* Frees a stream, finished or not; NULL is fine. Threads: one at a time. */
CLSF_API void clsf_stream_free(struct clsf_stream *stream);

/*
 * A text that somebody else has cut out already, as a message of a push body:
 * one line or several, its last \n left out or not.
 */
struct clsf_entry {
	const void *data;
	size_t length;
	struct clsf_stream *stream;      /* the log that it is appended to; NULL: see clsf_scan_lines() */
	int has_time;                    /* 1: its time is known besides what its lines tell */
	int64_t time;                    /* nanoseconds since 1970 */
};

/*
 * Called for each match, with the index of the entry that was looked at when
 * the match held. Return 0 to go on, anything else to stop (CLSF_STOPPED).
 */
typedef int (*clsf_entry_match_fn)(size_t index, const struct clsf_match *match, void *user);

/*
 * Called for what a verdict of an entry would not hide, were there one: a limit
 * that was passed on it. `warning` is valid during the call.
 */
typedef void (*clsf_entry_warning_fn)(size_t index, const struct clsf_warning *warning, void *user);

/*
 * Options of clsf_scan_lines(); what is zero or NULL takes the default. Those
 * below `user` are for entries that are logs of their own: for others, the
 * options of their streams hold.
 */
struct clsf_lines_options {
	size_t size;
	clsf_entry_match_fn on_match;
	clsf_entry_warning_fn on_warning;
	void *user;                      /* passed to both */
	int no_unwrap;                   /* 1: rules see raw lines only */
	int redact;                      /* 1: texts and captures of matches go through clsf_redact() */
};
#define CLSF_LINES_OPTIONS_INIT CLSF__INIT(struct clsf_lines_options)

/*
 * Takes many entries at once: the filter runs over all of them as over one
 * block, however short each is. An entry without a stream of its own belongs to
 * `stream`; where that is NULL as well, it is a log of its own, and what it
 * matches is what clsf_stream_feed() and clsf_stream_finish() would tell of it
 * alone: conditions of several lines hold within the entry only, and an empty
 * one has no lines.
 *
 * Any other entry is appended to the log of its stream, as if it were fed with
 * a \n behind it, unless it ends in one; an empty one is an empty line. A line
 * that was fed and has no end yet is ended first. What is told of it is told to
 * on_match of the stream, too, if it has one; a match that was waiting for an
 * `unless` comes with the entry that ended the wait, and clsf_stream_finish()
 * tells what still waits to the stream's on_match only. Entries of streams are
 * bytes of ASCII or UTF-8, not UTF-16.
 *
 * The time of an entry is that of its lines as far as they, and lines above
 * them in the same entry, tell none.
 *
 * Returns 0; CLSF_STOPPED when a callback asked for it: what comes after that
 * match was not looked at and is appended to no stream, and the stream that it
 * is of may only be finished or reset (a call with an entry of such a stream
 * does nothing and returns CLSF_STOPPED, too); CLSF_E_NOMEM, CLSF_E_ENGINE (some
 * of the entries were not looked at, and the verdict of each stream that has one
 * among them carries the warning `truncated_input`); CLSF_E_BUSY (the worker is
 * in a call already), CLSF_E_INVALID (also: a stream of another ruleset, one that
 * is finished, or one whose text is UTF-16).
 *
 * Threads: one at a time for the worker, and for each of the streams.
 */
CLSF_API int clsf_scan_lines(struct clsf_worker *worker, struct clsf_stream *stream,
                             const struct clsf_entry *entries, size_t n,
                             const struct clsf_lines_options *options);

/* What a timestamp tells of the time; the numbers are stable. */
enum clsf_clock {
	CLSF_CLOCK_NONE = 0,
	CLSF_CLOCK_FULL = 1,             /* nanoseconds since 1970; UTC where no zone is told */
	CLSF_CLOCK_YEARLESS = 2,         /* into a leap year */
	CLSF_CLOCK_DAY = 3,              /* into a day */
	CLSF_CLOCK_RELATIVE = 4,         /* since some start, as the kernel counts from boot */
};

struct clsf_time {
	int64_t nanoseconds;
	enum clsf_clock clock;
};

/*
 * The time that a line tells of itself: the first timestamp at its beginning,
 * behind wrappers or in the fields where programs put it.
 *
 * Returns 1, or 0 and CLSF_CLOCK_NONE when it tells none.
 *
 * Threads: any.
 */
CLSF_API int clsf_line_time(const char *line, size_t length, struct clsf_time *ret_time);

/*
 * The nanoseconds from one time to another. Where either tells no year or no
 * date, the nearest that fits is meant.
 *
 * Returns 1, or 0 when the two cannot be compared.
 *
 * Threads: any.
 */
CLSF_API int clsf_time_between(const struct clsf_time *then, const struct clsf_time *now,
                               int64_t *ret_nanoseconds);

/* "failed", "passed", "undetermined". Threads: any. */
CLSF_API const char *clsf_outcome_name(enum clsf_outcome outcome);

/* "truncated_input" and so on. Threads: any. */
CLSF_API const char *clsf_warning_name(enum clsf_warning_code code);

#ifdef __cplusplus
}
#endif

#endif
