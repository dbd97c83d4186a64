/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

/* What the unit tests share: cmocka, rules from a text, a repeatable random number. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <classify/classify.h>

/* The ruleset of a YAML text; fails the test when it does not load or has a fault. */
static inline struct clsf_ruleset *rules_of(const char *yaml, enum clsf_engine engine)
{
	struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_loader *loader;
	struct clsf_ruleset *ruleset;
	struct clsf_error error = { 0 };
	options.engine = engine;
	assert_int_equal(clsf_loader_new(&options, &loader), 0);
	assert_int_equal(clsf_loader_add_buffer(loader, "test.yaml", yaml, strlen(yaml), &error), 0);
	assert_int_equal(clsf_loader_quarantined(loader), 0);
	if (clsf_loader_compile(loader, &ruleset, &error) != 0)
		fail_msg("%s", error.message);
	clsf_loader_free(loader);
	return ruleset;
}

/* xorshift64*: the same numbers everywhere. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static inline unsigned random_below(uint64_t *state, unsigned n)
{
	return (unsigned)((random_next(state) >> 33) % n);
}

#endif
