/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_QUOTED_H
#define CLSF_QUOTED_H

/* Strings in double quotes with backslash escapes, as JSON and Go write them. */

#include <stdbool.h>
#include <stddef.h>

#include "memory.h"

/*
 * The length of a double-quoted string with backslash escapes, quotes included;
 * 0 if it does not end here. *escaped tells whether there is anything to decode.
 */
static inline size_t clsf__quoted_length(const char *s, size_t n, bool *escaped)
{
	*escaped = false;
	for (size_t i = 1; i < n; i++) {
		if (s[i] == '\\') {
			*escaped = true;
			i++;
		} else if (s[i] == '"') {
			return i + 1;
		}
	}
	return 0;
}

/*
 * Appends the inside of a quoted string without its escapes. Half a surrogate
 * pair becomes U+FFFD, a byte that is no escape stays what it is.
 */
void clsf__unquote(struct clsf__buffer *b, const char *s, size_t n);

#endif
