/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_EXPRESSION_H
#define CLSF_EXPRESSION_H

/*
 * One PCRE2 expression in the dialect of rules, and the state to run it.
 *
 * Dialect: byte mode, case-sensitive, no UCP; an expression with bytes above
 * 0x7f or a leading (*UTF) is compiled with PCRE2_UTF and
 * PCRE2_MATCH_INVALID_UTF. A newline is \n alone.
 *
 * An expression is checked when it is read, and compiled and translated to
 * machine code when it first has a candidate: most rules of a large set never
 * do. Only expression.c includes pcre2.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct clsf__expression;
struct clsf__runner;

#define CLSF__MAX_CAPTURES 32

/* The bytes of one named capture; `name` belongs to the expression. */
struct clsf__capture {
	const char *name;
	size_t start, end;
};

/*
 * Does the pattern compile? On failure returns CLSF_E_EXPRESSION (or
 * CLSF_E_NOMEM), with PCRE2's words, its number and the offset in the pattern.
 */
int clsf__expression_check(const struct clsf_allocator *a, const char *pattern, size_t length,
                           size_t *ret_offset, struct clsf_error *err);

/*
 * An expression that is compiled when it first runs. The pattern was checked
 * before; it is borrowed as long as the expression lives. NULL: out of memory.
 */
struct clsf__expression *clsf__expression_new(const struct clsf_allocator *a, const char *pattern,
                                              size_t length);
void clsf__expression_free(const struct clsf_allocator *a, struct clsf__expression *expression);

/* Would it be compiled with PCRE2_UTF? */
bool clsf__pattern_is_utf(const char *pattern, size_t length);

/* Match data, a fixed JIT stack and the match limit; one a worker. */
int clsf__runner_new(const struct clsf_allocator *a, uint32_t match_limit,
                     struct clsf__runner **ret_runner);
void clsf__runner_free(struct clsf__runner *runner);

/* Steps that were counted since it was made: those on long texts, and on others where they were many. */
uint64_t clsf__runner_work(const struct clsf__runner *runner);

enum clsf__run {
	CLSF__RUN_NO_MATCH,
	CLSF__RUN_MATCH,
	CLSF__RUN_LIMIT,     /* it gave up (match limit, JIT stack, anything unexpected): no match, and reported */
	CLSF__RUN_NOMEM,
};

/* Runs the expression on `subject`. On a match *ret_start and *ret_end tell the whole match. */
enum clsf__run clsf__run(struct clsf__runner *runner, struct clsf__expression *expression,
                         const char *subject, size_t length, size_t *ret_start, size_t *ret_end);

/*
 * The named captures of the last match, those that took part, in the order of
 * their groups; at most CLSF__MAX_CAPTURES. Returns how many.
 */
size_t clsf__captures(const struct clsf__runner *runner, const struct clsf__expression *expression,
                      struct clsf__capture captures[CLSF__MAX_CAPTURES]);

/* "pcre2 10.42 jit" */
const char *clsf__expression_engine(void);

#endif
