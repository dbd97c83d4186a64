/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_PAIRS_H
#define CLSF_PAIRS_H

/*
 * Names and their values, as JSON objects and logfmt write them. Lenient, for
 * lines get cut, and not every program that writes JSON does so well.
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct clsf__pair {
	size_t name, name_length;    /* offsets in the text; JSON's name as it stands, not decoded */
	size_t value, value_length;  /* inside the quotes, if quoted */
	bool quoted;
	bool escaped;                /* the value holds escapes */
};

/*
 * Where the JSON value that begins at `at` ends: brackets are counted, strings
 * stepped over. n if it does not end.
 */
size_t clsf__json_skip(const char *s, size_t n, size_t at);

/*
 * The next member of the JSON object that *at is inside of (behind its brace or
 * a member). False at the end, or where the text is no JSON any more.
 */
bool clsf__json_pair(const char *s, size_t n, size_t *at, struct clsf__pair *ret_pair);

/* name=value or name="value" at *at, which moves on to the next word. False if it is no such. */
bool clsf__logfmt_pair(const char *s, size_t n, size_t *at, struct clsf__pair *ret_pair);

static inline bool clsf__pair_is(const char *s, const struct clsf__pair *pair, const char *name)
{
	return pair->name_length == strlen(name) && memcmp(s + pair->name, name, pair->name_length) == 0;
}

#endif
