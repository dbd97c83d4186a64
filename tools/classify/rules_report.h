/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_RULES_REPORT_H
#define TOOL_RULES_REPORT_H

/*
 * What `rules test` found out, and its formats: text, jsonl, and JUnit XML. The
 * parts of the test add to the report; nothing is printed before it is whole.
 */

#include "cli.h"
#include "text.h"

/* One example of one rule, tried with every engine. Rule and example are borrowed from the ruleset. */
struct test_case {
	const struct clsf_rule *rule;
	const struct clsf_example *example;
	size_t number;               /* among the rule's examples of its kind, from 1 */
	size_t passed, failed;       /* how many engines */
	struct text problems;        /* a line each */
};

/* A log of the bank. */
struct test_log {
	char *path;
	bool passed;
	struct text problems;        /* a line each */
};

enum finding_level { FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };

/* What is to be said of a rule besides its examples. */
struct finding {
	enum finding_level level;
	const char *kind;            /* static: passing, shadowed, explained, overlap, unmatched */
	const struct clsf_rule *rule;
	const struct clsf_rule *other;   /* the rule that it is about, or NULL */
	char *message;
};

struct report {
	size_t rules;
	struct test_case *cases;
	size_t n_cases;
	struct test_log *logs;
	size_t n_logs;
	struct finding *findings;
	size_t n_findings;
	struct text summary;         /* further lines of the text format */
	bool failed;                 /* memory was out */
};

/* The case is good until it changes; NULL when memory is out. */
struct test_case *report_case(struct report *r);
struct test_log *report_log(struct report *r, const char *path);
void report_finding(struct report *r, enum finding_level level, const char *kind,
                    const struct clsf_rule *rule, const struct clsf_rule *other, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* How many findings are of this kind; of any, for NULL; `level` or higher. */
size_t report_count(const struct report *r, const char *kind, enum finding_level level);
/* Whether an example, or a log of the bank, did not come out as it should. */
bool report_bad(const struct report *r);
size_t report_failed_logs(const struct report *r);

void report_text(const struct report *r, bool verbose, struct text *t);
void report_jsonl(const struct report *r, struct text *t);
void report_junit(const struct report *r, struct text *t);
void report_done(struct report *r);

#endif
