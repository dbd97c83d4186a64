/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_RULESET_H
#define CLSF_RULESET_H

/* The inside of a ruleset and of the rules in it; shared by the reader, the compiler and the scanner. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <classify/rules.h>

#include "expression.h"
#include "filter.h"
#include "memory.h"

#define CLSF__MAX_TERMS 64           /* expressions of one rule */
#define CLSF__MAX_NODES 160          /* nodes of one rule's condition */
#define CLSF__MAX_COUNT 1000         /* of a `count` condition */
#define CLSF__MAX_EXPRESSION 8192    /* bytes of one expression */
#define CLSF__MAX_CHILDREN 64        /* of one `all` or `sequence` */
#define CLSF__MAX_UNLESS 32          /* items of one `unless` */
#define CLSF__UNLESS_RING 32         /* newest lines of an `unless` that are remembered */
#define CLSF__MAX_SPAN_LINES 200     /* over which one expression may reach */
#define CLSF__MAX_MOMENTS 4096       /* lines that a rule keeps in mind of one log */
#define CLSF__FOLD '\t'              /* between the lines of an entry that are looked at together */
#define CLSF__WINDOW_LINES 200       /* of a window in time, where the log has no timestamps */

enum clsf__condition_kind {
	CLSF__COND_TERM,
	CLSF__COND_ANY,
	CLSF__COND_ALL,
	CLSF__COND_SEQUENCE,
	CLSF__COND_COUNT,
};

/*
 * How far two lines of a match may be apart. In time, where that is given and
 * the log tells the time of both; else in lines. Both 0: no bound.
 */
struct clsf__window {
	int64_t ns;
	uint64_t lines;
};

/*
 * A node of a condition. A rule's nodes stand in one array, parents before
 * children; `state` is the node's place among the moments that a stream keeps
 * for a rule of more than one line.
 */
struct clsf__node {
	enum clsf__condition_kind kind;
	bool show;
	bool same_line;              /* of `all`: its children hold on one line */
	uint32_t term;               /* of a term: its number in the rule */
	uint32_t first_child;        /* index of the first child, 0: none */
	uint32_t next;               /* index of the next sibling, 0: none */
	uint32_t n_children;
	struct clsf__window within;
	uint32_t count;
	uint32_t state;
};

/* How many moments the node keeps (condition.c says what they are). */
static inline uint32_t clsf__node_moments(const struct clsf__node *n)
{
	switch (n->kind) {
	case CLSF__COND_ALL:
		return n->n_children;
	case CLSF__COND_SEQUENCE:
		return n->n_children * (n->n_children + 1) / 2;
	case CLSF__COND_COUNT:
		return n->count + 1;
	case CLSF__COND_TERM:
	case CLSF__COND_ANY:
		break;
	}
	return 0;
}

/* One expression of a rule. `expression` indexes ruleset->expressions once that is compiled. */
struct clsf__term {
	const char *pattern;         /* as PCRE2 compiles it */
	size_t length;
	const char *field;           /* normalised path of the field that it is run on; "": on the line */
	uint32_t lines;              /* over how many it may reach, the newest being the line at hand */
	bool folded;                 /* these are of one entry: a line with a time, and those without one below */
	bool or_line;                /* where a line does not have the field, it is run on the line */
	uint32_t expression;
	uint32_t line, column;       /* in the rule file */
};

/* One end of the range in which an `unless` excuses a match. */
enum clsf__bound {
	CLSF__BOUND_OPEN,            /* there is none */
	CLSF__BOUND_HERE,            /* the line that completed the match */
	CLSF__BOUND_AT,              /* a distance from the anchor */
};

/*
 * An expression that excuses the rule. On the same line, or when it hits
 * within a range around the match, counted from the anchor: of the lines of
 * the match, in their order, the one with that number. Distances are in time
 * where `timed` says so and the log tells it, else in lines.
 */
struct clsf__unless {
	struct clsf__term term;
	bool same_line;              /* the rest is not used */
	bool timed;
	bool spans;                  /* the upper end is moved on by the length of the match */
	uint32_t anchor;             /* UINT32_MAX: the line that completed the match */
	enum clsf__bound lower, upper;
	int64_t lower_ns, upper_ns;
	int64_t lower_lines, upper_lines;
};

/* A place in a rule file. */
struct clsf__place {
	uint32_t line, column;
};

struct clsf__rule {
	struct clsf_rule public;
	uint32_t column;
	bool show_above;
	bool show_last;              /* of several matches in an episode the newest counts */
	bool verbatim;               /* its texts hold no ${name} */
	size_t n_explains;
	const char **explains;       /* ids, or globs over ids */
	struct clsf__place *explains_at; /* of each; not in a ruleset that was restored */
	size_t n_nodes;
	struct clsf__node *nodes;
	size_t n_terms;
	struct clsf__term *terms;
	size_t n_unless;
	struct clsf__unless *unless;
	uint32_t unless_moments;     /* where among the moments those of `unless` begin */
	uint32_t n_moments;          /* of a stream's state for it; 0: a rule of one line */
	bool line_gated;             /* some of its expressions are looked for where another of it hit */
	bool shows_term;             /* some term says `show: true` */
	bool timed;                  /* some window asks for the time of lines */
	uint64_t gate_within;        /* lines for which its gated expressions are looked for; 0: it has none */
};

/*
 * Which rule and term an expression stands for; terms from rule->n_terms on are
 * those of `unless`, when they have a range.
 */
struct clsf__use {
	uint32_t rule;
	uint32_t term;
};

struct clsf__compiled {
	struct clsf__expression *code;
	const char *pattern;
	size_t length;
	const char *field;
	const char *field_name;      /* the last name in that path; "" if there is none */
	size_t field_name_length;
	bool field_anywhere;         /* the name need not stand in the line as it is */
	uint32_t lines;
	bool folded;
	bool or_line;
	bool captures;               /* has named groups */
	bool context_free;           /* a match inside a part of a line is a match in the line */
	uint32_t first_rule;         /* that uses it */
	bool positive;               /* is looked for; else only ever an `unless` on the same line */
	enum clsf_plan plan;
	unsigned bits;               /* of its literals */
	bool gated;                  /* looked for only once the sequences that use it have begun, */
	bool line_gated;             /* or where another term of its rules hit the line */
	uint32_t first_use;          /* in ruleset->uses; sorted by rule, then term */
	uint32_t n_uses;
};

struct clsf_ruleset {
	atomic_uint references;
	struct clsf_allocator allocator;
	struct clsf__arena arena;
	struct clsf__rule **rules;
	size_t n_rules;
	struct clsf__compiled *expressions;
	size_t n_expressions;
	struct clsf__use *uses;
	struct clsf__filter *filter;
	const char *fallback;        /* why the engine is not used in full; "" if it is */
	size_t quarantined;
	uint32_t match_limit;
	uint32_t max_lines;          /* over which any expression may reach */
	uint32_t *field_expressions; /* those that are run on fields */
	uint32_t n_field_expressions;
	char hash[8 + 64];
};

/* Does rule `a` explain rule `b`? */
bool clsf__rule_explains(const struct clsf__rule *a, const struct clsf__rule *b);

/* Fills ruleset->hash. */
bool clsf__ruleset_hash(struct clsf_ruleset *ruleset);

/*
 * Makes a ruleset of the n rules, whose memory is in `arena`, which it takes
 * over; the array of rules too. On failure the caller keeps both.
 */
int clsf__ruleset_compile(const struct clsf_allocator *a, struct clsf__arena *arena,
                          struct clsf__rule **rules, size_t n, uint32_t match_limit,
                          enum clsf_engine engine, struct clsf_ruleset **ret_ruleset,
                          struct clsf_error *err);

/*
 * The parts of it that database.c needs: a ruleset whose expressions are
 * merged but that has no filter yet, and the filter made by compiling.
 */
int clsf__ruleset_start(const struct clsf_allocator *a, struct clsf__rule **rules, size_t n,
                        uint32_t match_limit, struct clsf_ruleset **ret_ruleset);
/* Once it is known which expressions are gated or folded: how far each rule's gate, and any expression, reaches. */
void clsf__ruleset_set_reach(struct clsf_ruleset *ruleset);
int clsf__ruleset_build_filter(struct clsf_ruleset *ruleset, enum clsf_engine engine,
                               struct clsf_error *err);

#endif
