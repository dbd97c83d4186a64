/* SPDX-License-Identifier: Apache-2.0 */
/* See terminal.h. */

#include "terminal.h"

#include <string.h>

#include "scanning.h"

size_t clsf__escape_length(const char *s, size_t n)
{
	if (n < 2)
		return 1;
	size_t i = 2;
	if (s[1] == '[') {
		while (i < n && s[i] >= 0x20 && s[i] <= 0x3f)
			i++;
		return i < n && s[i] >= 0x40 && s[i] <= 0x7e ? i + 1 : i;
	}
	/* Strings for the terminal, its title for one; Buildkite puts the time of a line into one. */
	if (memchr("]_P^X", s[1], 5)) {
		for (; i < n; i++) {
			if (s[i] == '\a')
				return i + 1;
			if (s[i] == '\x1b')
				return i + 1 < n && s[i + 1] == '\\' ? i + 2 : i;
		}
		return n;
	}
	return s[1] >= 0x20 && s[1] <= 0x2f ? (n > 2 ? 3 : 2) : 2;
}

void clsf__add_stripped(struct clsf__buffer *b, const char *s, size_t length)
{
	for (size_t i = 0; i < length;) {
		if (s[i] == '\x1b') {
			i += clsf__escape_length(s + i, length - i);
			continue;
		}
		const char *next = memchr(s + i, '\x1b', length - i);
		size_t run = next ? (size_t)(next - (s + i)) : length - i;
		clsf__buffer_add(b, s + i, run);
		i += run;
	}
}

size_t clsf__colour_rest(const char *s, size_t n)
{
	size_t i = n > 2 && memcmp(s, "\xef\xbf\xbd", 3) == 0 ? 3 : 0;
	if (i >= n || s[i] != '[')
		return 0;
	size_t digits = 0;
	for (i++; i < n && (clsf__is_digit(s[i]) || s[i] == ';') && digits < 12; i++)
		digits++;
	return digits && i < n && s[i] == 'm' ? i + 1 : 0;
}
