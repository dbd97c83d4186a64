/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_REPORT_H
#define TOOL_REPORT_H

/*
 * What the HTML report is made of: logs are added one by one, from a scan or from
 * what was remembered of earlier ones, and only sums, a few examples of each cause
 * and the newest failures are kept, so that a million logs fit. report_page.h
 * writes the page.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>

#include "report_buckets.h"
#include "span.h"
#include "text.h"

#define REPORT_LOSERS 20
#define REPORT_EXAMPLES 3    /* logs of a cause that are shown whole: the first and the newest ones */
#define REPORT_ROWS 5000     /* of the table of failures: the newest */
#define REPORT_CAUSES 10000  /* rules and templates that are told apart */
#define REPORT_KEPT ((size_t)64 << 20)  /* bytes of examples; beyond it, rarer causes lose theirs */

/* Where the time of a log comes from. */
enum report_clock {
	REPORT_CLOCK_NONE,           /* not known */
	REPORT_CLOCK_LOG,            /* a line of it tells the day */
	REPORT_CLOCK_FILE,           /* the file was last changed then */
};

struct report_time {
	enum report_clock clock;
	int64_t seconds;             /* since 1970 */
};

struct report_loser {
	const char *rule;
	uint64_t line;
	const char *why_not;
};

/* A log. Texts are borrowed for the call, and "" where there is none; none is NULL. */
struct report_log {
	const char *source;
	enum clsf_outcome outcome;
	struct report_time time;     /* when it failed or, if it did not, ended */
	unsigned warnings;           /* a bit for each code that the verdict carries */

	/* Of a log that failed. */
	const char *category;
	const char *rule;            /* its id; "" where no rule says why */
	const char *rule_title;      /* with its placeholders as they are */
	const char *pack, *owner, *retry, *severity;
	const char *title;           /* filled in, as are the texts of the runbook */
	const char *cause, *fix, *prevent, *url;
	bool url_is_rules;           /* the address is the rule's own; nothing of the log is in it */
	struct clsf_line line;
	const char *before, *after;  /* lines around it, each ended by \n; "" when none are known */
	size_t before_length, after_length;
	const struct clsf_field *fields;
	size_t n_fields;
	const char *fingerprint;
	const struct clsf_line *telling;
	size_t n_telling;
	struct report_loser losers[REPORT_LOSERS];
	size_t n_losers;
};

/* A log that is shown whole. */
struct report_example {
	struct report_time time;
	size_t number;               /* in the order of logs */
	struct text evidence, runbook;  /* HTML */
};

/* Logs that failed by the same rule, or of the same template. */
struct report_cause {
	char *rule, *fingerprint;    /* one of them is "" */
	char *rule_title;
	char *title;                 /* of the first log, filled in; of a template, its telling line */
	bool varied;                 /* others have another title */
	char *category, *pack, *owner, *retry, *severity;
	size_t count, dated;
	int64_t first, last;         /* of those that are dated */
	struct report_example example[REPORT_EXAMPLES];
	size_t n_examples;
};

/* A row of the table of failures. */
struct report_row {
	struct report_time time;
	size_t number;
	uint32_t cause;
	uint64_t line;
	char *source, *title, *text; /* cut */
};

/* Zero is a good start. */
struct report {
	size_t logs, failed, passed, undetermined;
	size_t undated, by_file;     /* failed logs without a time, and with that of their file */
	size_t warned[CLSF_WARN_ENGINE_FALLBACK + 1];
	bool dated;                  /* some log has a time: */
	int64_t first, last;         /* of all logs */
	struct report_cause *cause;  /* in the order of their first logs */
	size_t n_causes, causes_capacity;
	uint32_t *table;             /* open hash by rule and template: index + 1 */
	size_t table_size;
	size_t lost;                 /* failed logs of causes beyond the limit */
	size_t kept;                 /* bytes of the examples */
	struct buckets buckets;
	struct report_row *row;      /* a heap, the oldest first, until the page is written */
	size_t n_rows;
	bool failed_memory;
};

void report_add(struct report *report, const struct report_log *log);
void report_free(struct report *report);

/* For qsort(): the newest first, and what has no time last. */
int report_compare(const struct report_time *a, const struct report_time *b);

/* A log of a verdict. The time is left to the caller. */
void report_log_fill(struct report_log *log, const char *source, const struct clsf_verdict *v);

/*
 * When the log failed or ended: as its lines tell or, where they tell nothing, when
 * the file was last changed: at `mtime`, in nanoseconds since 1970, or, if that is 0,
 * as the file system says. A line that tells no year or no day means the nearest to
 * the log's begin or end or, where these tell no more, the last before that change.
 */
struct report_time report_time_of(const struct clsf_verdict *v, const struct span *span, const char *source,
                                  int64_t mtime);

#endif
