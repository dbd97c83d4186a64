/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that come near a failure and are none: words of failure become words of
 * success, and where there are none, a telling word becomes another one. See
 * rule_draft.h.
 */

#include "rule_draft.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *bad, *good;
} opposites[] = {
	{ "could not", "could" },         { "cannot", "can" },
	{ "can not", "can" },             { "can't", "can" },
	{ "unable to", "able to" },       { "does not", "does" },
	{ "did not", "did" },             { "do not", "do" },
	{ "is not", "is" },               { "are not", "are" },
	{ "was not", "was" },             { "not found", "found" },
	{ "not", "now" },                 { "no such", "found the" },
	{ "no space", "enough space" },   { "failed", "succeeded" },
	{ "fails", "succeeds" },          { "failing", "succeeding" },
	{ "fail", "pass" },               { "failure", "success" },
	{ "unsuccessful", "successful" }, { "refused", "accepted" },
	{ "denied", "granted" },          { "forbidden", "allowed" },
	{ "unauthorized", "authorized" }, { "invalid", "valid" },
	{ "missing", "present" },         { "unexpected", "expected" },
	{ "unknown", "known" },           { "undefined", "defined" },
	{ "unreachable", "reachable" },   { "unsupported", "supported" },
	{ "timed out", "finished" },      { "timeout", "finish" },
	{ "exceeded", "kept" },           { "expired", "renewed" },
	{ "rejected", "accepted" },       { "aborted", "completed" },
	{ "killed", "finished" },         { "terminated", "started" },
	{ "lost", "found" },              { "too many", "enough" },
	{ "too large", "small enough" },  { "evicted", "started" },
	{ "broken", "working" },          { "crashed", "started" },
	{ "panic", "notice" },            { "exception", "notice" },
	{ "fatal", "info" },              { "error", "info" },
	{ "errors", "infos" },
};

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* Writes the line with each such word replaced, in its case; false if it is not there. */
static bool replace_word(const char *line, size_t length, const char *bad, size_t bad_length,
                         const char *good, struct text *t)
{
	bool found = false;
	for (size_t i = 0; i < length;) {
		bool here = length - i >= bad_length && strncasecmp(line + i, bad, bad_length) == 0 &&
		            (i == 0 || !is_word(line[i - 1])) &&
		            (i + bad_length == length || !is_word(line[i + bad_length]));
		if (!here) {
			text_add(t, line + i++, 1);
			continue;
		}
		found = true;
		bool capital = line[i] >= 'A' && line[i] <= 'Z';
		bool all = capital && bad_length > 1 && line[i + 1] >= 'A' && line[i + 1] <= 'Z';
		for (size_t k = 0; good[k]; k++) {
			bool upper = good[k] >= 'a' && good[k] <= 'z' && (all || (capital && k == 0));
			char c = upper ? (char)(good[k] - 'a' + 'A') : good[k];
			text_add(t, &c, 1);
		}
		i += bad_length;
	}
	return found;
}

/* The nth line of `words` from the last; false if there are not so many. */
static bool word_from_end(const struct text *words, size_t n, const char **ret_word, size_t *ret_length)
{
	size_t end = words->length;
	while (end > 0) {
		size_t start = end - 1;
		while (start > 0 && words->data[start - 1] != '\n')
			start--;
		if (n-- == 0) {
			*ret_word = words->data + start;
			*ret_length = end - 1 - start;
			return true;
		}
		end = start;
	}
	return false;
}

static size_t count_words(const struct text *words)
{
	size_t n = 0;
	for (size_t i = 0; i < words->length; i++)
		n += words->data[i] == '\n';
	return n;
}

bool draft_near_miss(const char *line, size_t length, const struct text *words, size_t n,
                     struct text *ret_line)
{
	size_t n_opposites = sizeof(opposites) / sizeof(opposites[0]), word_length;
	const char *word;
	ret_line->length = 0;
	if (n < n_opposites) {
		const char *bad = opposites[n].bad;
		if (!replace_word(line, length, bad, strlen(bad), opposites[n].good, ret_line))
			ret_line->length = 0;
		return true;
	}
	/* The line then speaks of something else. */
	n -= n_opposites;
	if (word_from_end(words, n, &word, &word_length)) {
		if (!replace_word(line, length, word, word_length, "other", ret_line))
			ret_line->length = 0;
		return true;
	}
	if (n > count_words(words))
		return false;
	text_adds(ret_line, "nothing of that kind happened");
	return true;
}
