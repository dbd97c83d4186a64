/* SPDX-License-Identifier: Apache-2.0 */
/* See pairs.h. */

#include "pairs.h"

#include "quoted.h"
#include "scanning.h"

size_t clsf__json_skip(const char *s, size_t n, size_t at)
{
	size_t depth = 0;
	while (at < n) {
		char c = s[at];
		if (c == '"') {
			bool escaped;
			size_t length = clsf__quoted_length(s + at, n - at, &escaped);
			if (!length)
				return n;
			at += length;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth)
			depth--;
		else if (depth == 0 && (c == ',' || c == '}'))
			return at;
		at++;
	}
	return n;
}

bool clsf__json_pair(const char *s, size_t n, size_t *at, struct clsf__pair *ret_pair)
{
	size_t i = *at;
	bool escaped;
	while (i < n && (s[i] == ' ' || s[i] == ',' || s[i] == '\t'))
		i++;
	if (i >= n || s[i] != '"')
		return false;
	size_t length = clsf__quoted_length(s + i, n - i, &escaped);
	if (!length)
		return false;
	struct clsf__pair pair = { .name = i + 1, .name_length = length - 2 };
	i += length;
	i += clsf__count_spaces(s + i, n - i);
	if (i >= n || s[i] != ':')
		return false;
	i++;
	i += clsf__count_spaces(s + i, n - i);
	if (i >= n)
		return false;
	if (s[i] == '"') {
		length = clsf__quoted_length(s + i, n - i, &pair.escaped);
		if (!length)
			return false;
		pair.quoted = true;
		pair.value = i + 1;
		pair.value_length = length - 2;
		i += length;
	} else {
		pair.value = i;
		i = clsf__json_skip(s, n, i);
		pair.value_length = i - pair.value;
	}
	*at = i;
	*ret_pair = pair;
	return true;
}

bool clsf__logfmt_pair(const char *s, size_t n, size_t *at, struct clsf__pair *ret_pair)
{
	size_t i = *at;
	struct clsf__pair pair = { .name = i };
	while (i < n && (clsf__is_name(s[i]) || s[i] == '@'))
		i++;
	pair.name_length = i - pair.name;
	if (pair.name_length == 0 || i >= n || s[i] != '=')
		return false;
	i++;
	if (i < n && s[i] == '"') {
		size_t length = clsf__quoted_length(s + i, n - i, &pair.escaped);
		if (!length)
			return false;
		pair.quoted = true;
		pair.value = i + 1;
		pair.value_length = length - 2;
		i += length;
	} else {
		pair.value = i;
		while (i < n && s[i] != ' ')
			i++;
		pair.value_length = i - pair.value;
	}
	*at = i + clsf__count_spaces(s + i, n - i);
	*ret_pair = pair;
	return true;
}
