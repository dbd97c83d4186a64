/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_FILTER_H
#define CLSF_FILTER_H

/*
 * The filter: which expressions might match which lines of a block.
 *
 * A superset, and an answer only for expressions that are nothing but text:
 * what it reports of others is confirmed by PCRE2, what it leaves out cannot
 * match. Expressions go in as required literals where these
 * are telling, else relaxed (regex_filter.h); an expression for which neither
 * works is always a candidate. Only filter.c includes hs.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/rules.h>

#include "codec.h"
#include "memory.h"
#include "regex_filter.h"

struct clsf__filter;
struct clsf__scratch;

/* An alternative of an expression, or the whole of it. */
struct clsf__filter_part {
	struct clsf__literals literals;        /* n is 0: none */
	const char *relaxed;                   /* NULL: none */
};

/* What a filter is made of: one per distinct expression, `id` counting from 0. */
struct clsf__filter_input {
	struct clsf__filter_part *parts;       /* one of them is in every line that the expression matches */
	size_t n_parts;
	size_t exact;                          /* it is its one literal, of this length, and nothing else; or 0 */
	bool skip;                             /* not looked for at all */
	enum clsf_plan plan;                   /* ret */
};

/* Fills in the parts of an expression, in memory of the arena. False only when memory is out. */
bool clsf__filter_split(struct clsf__arena *arena, const char *pattern, size_t length,
                        const struct clsf__re_tree *tree, struct clsf__filter_input *input);

/*
 * Builds the filter over n expressions. With CLSF_ENGINE_PCRE2 (or on a
 * processor that the engine cannot use) every expression is always a
 * candidate, with CLSF_ENGINE_LITERALS (or when the self-test fails) those that
 * have no telling literals; *ret_fallback then tells why ("" otherwise).
 *
 * Returns 0, CLSF_E_NOMEM, CLSF_E_ENGINE.
 */
int clsf__filter_new(const struct clsf_allocator *a, struct clsf__filter_input *inputs, size_t n,
                     enum clsf_engine engine, struct clsf__filter **ret_filter,
                     const char **ret_fallback, struct clsf_error *err);
void clsf__filter_free(struct clsf__filter *filter);

/*
 * Writes the compiled databases to `out`, and makes a filter of what was
 * written. Only for the engine and the processor that clsf__filter_platform()
 * names: the caller compares. Restoring returns 0, CLSF_E_NOMEM, or
 * CLSF_E_ENGINE when what was written makes no filter over n expressions.
 */
int clsf__filter_save(const struct clsf__filter *filter, struct clsf__buffer *out);
int clsf__filter_restore(const struct clsf_allocator *a, struct clsf__source *in, size_t n,
                         struct clsf__filter **ret_filter);

/* The exact engine, and what of the processor its databases depend on; static. */
const char *clsf__filter_platform(void);

/* Does this processor have what the engine needs? */
bool clsf__filter_runs(void);

/* What a thread needs to run the filter. */
int clsf__scratch_new(const struct clsf__filter *filter, struct clsf__scratch **ret_scratch);
void clsf__scratch_free(struct clsf__scratch *scratch);

/* Called with the expression and the offset in the block at which something of it ends (> 0). */
typedef bool (*clsf__candidate_fn)(void *context, uint32_t expression, size_t end);

/*
 * Runs the filter over a block. False from `found` ends it early
 * (CLSF_STOPPED). A (expression, line) may be reported many times and in any
 * order. Returns 0, CLSF_STOPPED, CLSF_E_ENGINE.
 */
int clsf__filter_scan(const struct clsf__filter *filter, struct clsf__scratch *scratch,
                      const char *block, size_t length, clsf__candidate_fn found, void *context);

/* Expressions that are candidates on every line. */
const uint32_t *clsf__filter_always(const struct clsf__filter *filter, size_t *ret_n);

/*
 * By expression: the length of the text that it is. What the filter reports of
 * such an expression is a match of it, at the end it reports; 0: it has to be
 * confirmed.
 */
const uint32_t *clsf__filter_exact(const struct clsf__filter *f);

/* "hyperscan 5.4.0", "vectorscan 5.4.9" */
const char *clsf__filter_engine(void);

#endif
