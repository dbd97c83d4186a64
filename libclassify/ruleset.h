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
#define CLSF__MAX_NODES 96           /* nodes of one rule's condition */
#define CLSF__MAX_COUNT 1000         /* of a `count` condition */
#define CLSF__MAX_EXPRESSION 8192    /* bytes of one expression */

enum clsf__condition_kind {
	CLSF__COND_TERM,
	CLSF__COND_ANY,
	CLSF__COND_ALL,
	CLSF__COND_SEQUENCE,
	CLSF__COND_COUNT,
};

/*
 * A node of a condition. A rule's nodes stand in one array, parents before
 * children; `state` is the node's place in the words that a stream keeps for a
 * rule of more than one line.
 */
struct clsf__node {
	enum clsf__condition_kind kind;
	bool show;
	uint32_t term;               /* of a term: its number in the rule */
	uint32_t first_child;        /* index of the first child, 0: none */
	uint32_t next;               /* index of the next sibling, 0: none */
	uint32_t n_children;
	uint64_t within;             /* lines; 0: no limit */
	uint32_t count;
	uint32_t state;
};

/* One expression of a rule. `expression` indexes ruleset->expressions once that is compiled. */
struct clsf__term {
	const char *pattern;         /* as PCRE2 compiles it */
	size_t length;
	uint32_t expression;
	uint32_t line, column;       /* in the rule file */
};

struct clsf__rule {
	struct clsf_rule public;
	uint32_t column;
	bool show_above;
	size_t n_explains;
	const char **explains;       /* ids, or globs over ids */
	size_t n_nodes;
	struct clsf__node *nodes;
	size_t n_terms;
	struct clsf__term *terms;
	bool has_unless;
	struct clsf__term unless;
	uint32_t state_words;        /* of a stream's state for it; 0: a rule of one line */
	bool shows_term;             /* some term says `show: true` */
	uint64_t gate_within;        /* lines for which its gated expressions are looked for; 0: it has none */
};

/* Which rule and term an expression stands for. */
struct clsf__use {
	uint32_t rule;
	uint32_t term;
};

struct clsf__compiled {
	struct clsf__expression *code;
	const char *pattern;
	size_t length;
	bool captures;               /* has named groups */
	bool context_free;           /* a match inside a part of a line is a match in the line */
	uint32_t first_rule;         /* that uses it */
	bool positive;               /* some rule's term, not only an `unless` */
	enum clsf_plan plan;
	unsigned bits;               /* of its literals */
	bool gated;                  /* looked for only once the sequences that use it have begun */
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
	uint32_t max_terms;          /* the most terms that one rule has */
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
/* Once it is known which expressions are gated: for how long each rule opens its gate. */
void clsf__ruleset_set_gate_windows(struct clsf_ruleset *ruleset);
int clsf__ruleset_build_filter(struct clsf_ruleset *ruleset, enum clsf_engine engine,
                               struct clsf_error *err);

#endif
