/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_SCANNING_H
#define CLSF_SCANNING_H

/*
 * Looking at the bytes of a line: what kind a byte is, what shape a text has,
 * how far a run goes. ASCII only, whatever the locale. Inline, for unwrapping
 * does this with a good part of all lines.
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline bool clsf__is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool clsf__is_alpha(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool clsf__is_name(char c)
{
	return clsf__is_alpha(c) || clsf__is_digit(c) || c == '-' || c == '_' || c == '.' || c == '/';
}

/* Does `s` have the shape of `form`? 0 a digit, any other character itself. */
static inline bool clsf__shaped(const char *s, size_t n, const char *form)
{
	for (size_t i = 0; form[i]; i++)
		if (i >= n || (form[i] == '0' ? !clsf__is_digit(s[i]) : s[i] != form[i]))
			return false;
	return true;
}

static inline size_t clsf__count_digits(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && clsf__is_digit(s[i]))
		i++;
	return i;
}

static inline size_t clsf__count_spaces(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	return i;
}

/* Do the first bytes of `s` spell `word`? */
static inline bool clsf__starts(const char *s, size_t n, const char *word)
{
	size_t length = strlen(word);
	return n >= length && memcmp(s, word, length) == 0;
}

#endif
