/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that no rule knows, weighed by how much they tell: words of failure
 * count for a line, being a log's routine or a bare wrapper against it. Used
 * where a rule points above itself (`show: above`), and for failures that no
 * rule explains.
 *
 * The lookback is defined in lines and bytes before the hit, not by blocks: the
 * stream keeps as much of the newest lines as it can reach.
 */

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "lines.h"
#include "stream.h"
#include "text.h"

/* ---- looking back ---- */

/* Takes lines off the end of text[0..length), nearest first. Returns false when the bound is reached. */
static bool take_lines(const struct clsf_stream *s, const char *text, size_t length, uint64_t end_offset, uint64_t next_number,
                       struct clsf__above *above, size_t *n, size_t most, size_t *bytes, size_t most_bytes)
{
	while (length > 0) {
		if (*n == most)
			return false;
		size_t end = length - (text[length - 1] == '\n');
		const char *newline = clsf__last_newline(text, end);
		size_t start = newline ? (size_t)(newline - text) + 1 : 0;
		*bytes += length - start;
		if (*bytes > most_bytes)
			return false;
		size_t kept = end > start && text[end - 1] == '\r' ? end - 1 : end;
		end_offset -= clsf__raw_length(s, text + start, length - start);
		above[*n] = (struct clsf__above){ text + start, kept - start, next_number - 1 - *n,
			                          end_offset };
		(*n)++;
		length = start;
	}
	return true;
}

size_t clsf__lines_above(const struct clsf_stream *s, const struct clsf__line *line,
                         struct clsf__above *above, size_t most, size_t most_bytes)
{
	size_t n = 0, bytes = 0;
	if (take_lines(s, line->block, line->start, line->offset, line->number, above, &n, most, &bytes, most_bytes))
		take_lines(s, s->tail.data, s->tail.length, s->offset, line->number, above, &n, most, &bytes, most_bytes);
	return n;
}

/*
 * One byte more than any lookback may reach, so that a line which is cut at the
 * front of the tail is always out of reach.
 */
static size_t tail_bytes(const struct clsf_stream *s)
{
	return (s->ruleset->max_lines > 1 ? CLSF__SPAN_BYTES : CLSF__TELLING_BYTES) + 1;
}

int clsf__tail_update(struct clsf_stream *s, const char *block, size_t length)
{
	struct clsf__buffer *tail = &s->tail;
	const size_t most = tail_bytes(s);
	if (length >= most) {
		block += length - most;
		length = most;
		tail->length = 0;
	} else if (tail->length + length > 2 * most) {
		memmove(tail->data, tail->data + tail->length - most, most);
		tail->length = most;
	}
	clsf__buffer_add(tail, block, length);
	return tail->failed ? CLSF_E_NOMEM : 0;
}

/* ---- weighing ---- */

struct word {
	const char *word;
	int weight;
};

static const struct word words[] = {
	{ "error", 3 },        { "fatal", 4 },        { "failed", 3 },        { "failure", 3 },
	{ "cannot", 3 },       { "can't", 3 },        { "could not", 3 },     { "couldn't", 3 },
	{ "unable to", 3 },    { "denied", 3 },       { "not found", 3 },     { "no such", 3 },
	{ "invalid", 3 },      { "unexpected", 3 },   { "exception", 3 },     { "panic", 4 },
	{ "abort", 3 },        { "killed", 4 },       { "refused", 3 },       { "unknown", 2 },
	{ "missing", 3 },      { "undefined", 3 },    { "illegal", 3 },       { "unsupported", 3 },
	{ "mismatch", 3 },     { "timed out", 3 },    { "timeout", 2 },       { "unrecognized", 3 },
	{ "does not exist", 3 }, { "out of memory", 4 }, { "not permitted", 3 }, { "expected", 1 },
	{ "rejected", 3 },     { "conflict", 2 },     { "forbidden", 3 },     { "unauthorized", 3 },
	{ "no space left", 4 }, { "exceeded", 3 },    { "deadlock", 4 },      { "corrupt", 3 },
	{ "too many", 3 },     { "evicted", 4 },      { "no matching", 3 },   { "no valid", 3 },
	{ "not supported", 3 }, { "unavailable", 3 }, { "unreachable", 3 },   { "doesn't", 2 },
	{ "requires", 2 },     { "required", 1 },     { "must be", 1 },      { "not a ", 1 },        { "bad ", 1 },
};

static const struct word routine[] = {
	{ "exit status", -4 },      { "exit code", -4 },       { "exited with", -3 },
	{ "non-zero", -3 },         { "job failed", -4 },      { "complete log", -4 },
	{ "see above", -3 },        { "0 errors", -4 },        { "usage:", -4 },
	{ "--help", -3 },           { "elifecycle", -2 },      { "deprecated", -2 },
	{ "warning", -1 },          { "retrying", -2 },        { "cleaning up", -3 },
	{ "notice", -2 },           { "error 1", -2 },         { "error 2", -2 },
	{ "finished: failure", -4 }, { "main process exited", -4 }, { "most recent call", -4 },
	{ "build failed", -2 },     { "for more information", -1 }, { "rerun", -2 },
	{ "stack trace", -3 },      { "[help ", -3 },
	{ "no errors", -4 },        { "0 failed", -3 },
	{ "was ignored", -3 },      { "running after_script", -4 }, { "skipping", -1 },
	{ "section_end:", -4 },     { "section_start:", -4 },
};

#define N_WORDS (sizeof(words) / sizeof(words[0]))
#define N_ROUTINE (sizeof(routine) / sizeof(routine[0]))
static_assert(N_WORDS <= 64 && N_ROUTINE <= 64, "a bit for each word");

/* The two lists; bit i of a set is word i of its list. */
enum list { WORDS, ROUTINE, LISTS };
static const struct word *const lists[LISTS] = { words, routine };
static const size_t list_lengths[LISTS] = { N_WORDS, N_ROUTINE };

/* Which words may begin with this byte, and have this one next. */
static uint64_t first_bytes[256][LISTS], second_bytes[256][LISTS];
static pthread_once_t bytes_once = PTHREAD_ONCE_INIT;

static unsigned char upper(char c)
{
	return (unsigned char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static void note_bytes(void)
{
	for (size_t l = 0; l < LISTS; l++) {
		for (size_t i = 0; i < list_lengths[l]; i++) {
			const char *word = lists[l][i].word;
			first_bytes[(unsigned char)word[0]][l] |= UINT64_C(1) << i;
			first_bytes[upper(word[0])][l] |= UINT64_C(1) << i;
			second_bytes[(unsigned char)word[1]][l] |= UINT64_C(1) << i;
			second_bytes[upper(word[1])][l] |= UINT64_C(1) << i;
		}
	}
}

/* Does the text begin with the word, in either case? */
static bool begins_with(const char *text, size_t length, const char *word)
{
	size_t i = 0;
	while (word[i] && i < length && (text[i] == word[i] || (unsigned char)text[i] == upper(word[i])))
		i++;
	return word[i] == '\0';
}

static bool is_letter_or_digit(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

/*
 * Is the word at `at` a part of a name: errors.proto, test_not_found.py, -Werror, api/error-pages, timeout=10?
 * The exception in KeyError is none, nor is a word between punctuation.
 */
static bool in_name(const char *text, size_t length, size_t at, size_t word)
{
	if (at >= 2 && text[at - 1] == 'W' && text[at - 2] == '-')
		return true;
	if (at >= 2 && strchr("-_/", text[at - 1]) && is_letter_or_digit(text[at - 2]))
		return true;
	size_t end = at + word;
	while (end < length && ((text[end] | 0x20) >= 'a' && (text[end] | 0x20) <= 'z'))
		end++;
	if (end + 1 >= length)
		return false;
	const char next = text[end + 1];
	return (strchr("-_/.", text[end]) && is_letter_or_digit(next)) ||
	       (text[end] == '=' && next >= '0' && next <= '9');
}

/* Which of the words are in the text, in either case. One pass over it; few pairs of bytes begin a word. */
static void find_words(const char *text, size_t length, uint64_t found[LISTS])
{
	pthread_once(&bytes_once, note_bytes);
	found[WORDS] = found[ROUTINE] = 0;
	for (size_t at = 0; at + 1 < length; at++) {
		const uint64_t *first = first_bytes[(unsigned char)text[at]];
		const uint64_t *second = second_bytes[(unsigned char)text[at + 1]];
		for (size_t l = 0; l < LISTS; l++) {
			for (uint64_t left = first[l] & second[l] & ~found[l]; left; left &= left - 1) {
				size_t i = (size_t)__builtin_ctzll(left);
				const char *word = lists[l][i].word;
				if (begins_with(text + at, length - at, word) &&
				    (l != WORDS || !in_name(text, length, at, strlen(word))))
					found[l] |= UINT64_C(1) << i;
			}
		}
	}
}

/* "uploading 3/4", "12%": how far something got */
static bool is_progress(const char *text, size_t length)
{
	for (size_t i = 1; i < length; i++) {
		bool digit = text[i - 1] >= '0' && text[i - 1] <= '9';
		if (digit && (text[i] == '%' || (text[i] == '/' && i + 1 < length && text[i + 1] >= '0' &&
		                                 text[i + 1] <= '9')))
			return true;
	}
	return false;
}

static int weigh(const char *text, size_t length, enum clsf__level level)
{
	if (length > 1024)
		length = 1024;
	size_t letters = 0;
	for (size_t i = 0; i < length && letters < 4; i++)
		letters += ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z') || (text[i] & 0x80);
	if (letters < 3)
		return -100;
	int score = 0, found = 0;
	uint64_t telling[LISTS];
	find_words(text, length, telling);
	for (size_t i = 0; i < N_WORDS && found < 3; i++) {
		if (telling[WORDS] >> i & 1) {
			score += found ? 1 : words[i].weight;
			found++;
		}
	}
	for (size_t i = 0; i < N_ROUTINE; i++)
		score += telling[ROUTINE] >> i & 1 ? routine[i].weight : 0;
	if (level == CLSF__LEVEL_INFO || level == CLSF__LEVEL_DEBUG)
		score -= 4;
	else if (level == CLSF__LEVEL_ERROR)
		score += 1;
	if (score == 0 && is_progress(text, length))
		score = -1;
	/* Frames of a stack and flags of a usage text are indented. */
	size_t indent = 0;
	while (indent < length && (text[indent] == ' ' || text[indent] == '\t'))
		indent++;
	const char *body = text + indent;
	size_t left = length - indent;
	if (indent && ((left > 3 && (memcmp(body, "at ", 3) == 0 || (body[0] == '-' && body[1] != ' '))) ||
	               (left > 6 && memcmp(body, "File \"", 6) == 0)))
		score -= 5;
	return score;
}

/*
 * Where failures follow close upon each other, each looks back at the same
 * lines: what a line weighs is remembered by its number, as long as the
 * lookback can reach it.
 */
static bool weigh_line(struct clsf_stream *s, struct clsf_worker *w, uint64_t number, const char *text,
                       size_t length, struct clsf__weighed *ret)
{
	struct clsf__weighed *known = &s->weighed[number % CLSF__MAX_WEIGHED];
	if (known->line == number) {
		*ret = *known;
		return true;
	}
	const char *inner = text;
	size_t inner_length = length;
	*ret = (struct clsf__weighed){ .line = number };
	if (!s->options.no_unwrap) {
		if (!clsf__unwrap(&w->other, text, length))
			return false;
		if (w->other.n) {
			inner = clsf__message_text(&w->other, text, 0);
			inner_length = w->other.item[0].length;
		}
		ret->level = w->other.level;
	}
	ret->score = weigh(inner, inner_length, ret->level);
	*known = *ret;
	s->has_weighed = true;
	return true;
}

int clsf__telling_above(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line,
                        struct clsf__above *ret_above)
{
	struct clsf__above above[CLSF__LOOKBACK_LINES];
	size_t n = clsf__lines_above(s, line, above, CLSF__LOOKBACK_LINES, CLSF__LOOKBACK_BYTES);
	int best = 0;
	bool found = false;
	for (size_t i = 0; i < n; i++) {
		struct clsf__weighed weighed;
		if (!weigh_line(s, w, above[i].number, above[i].text, above[i].length, &weighed))
			return CLSF_E_NOMEM;
		/* The tool's own routine lines bound the output of the step that failed. */
		if (weighed.level == CLSF__LEVEL_INFO || weighed.level == CLSF__LEVEL_DEBUG)
			break;
		/* The last thing that was said may be an error in words of its own. */
		if (weighed.score > best || (i == 0 && weighed.score == 0)) {
			best = weighed.score;
			*ret_above = above[i];
			found = true;
		}
	}
	return found;
}

/* Lines are looked at from the end: of two that tell as much the first is the cause, if they tell anything. */
static bool comes_before(int score, int other)
{
	return score > other || (score == other && score > 0);
}

/* Keeps the lines around lines[at], of which the nearest to the end come first. */
static bool keep_context(struct clsf_stream *s, const struct clsf__above *lines, size_t n, size_t at)
{
	const size_t wanted = s->options.context;
	size_t first = n - 1 - at < wanted ? n - 1 : at + wanted;
	s->kept -= s->telling_before.length + s->telling_after.length;
	s->telling_before.length = s->telling_after.length = 0;
	for (size_t i = first; i > at; i--)
		clsf__context_add(s, &s->telling_before, lines[i].text, lines[i].length);
	for (size_t i = at; i-- > 0 && at - i <= wanted;)
		clsf__context_add(s, &s->telling_after, lines[i].text, lines[i].length);
	return !s->telling_before.failed && !s->telling_after.failed;
}

int clsf__telling_keep(struct clsf_stream *s, struct clsf_worker *w, const struct clsf__line *line)
{
	if (s->has_telling && s->telling_episode == s->episode)
		return 0;
	struct clsf__above lines[CLSF__TELLING_LINES + 1];
	lines[0] = (struct clsf__above){ clsf__line_text(line), line->length, line->number, line->offset };
	size_t n = 1 + clsf__lines_above(s, line, lines + 1, CLSF__TELLING_LINES, CLSF__TELLING_BYTES);
	/* What stands before a success was recovered from. */
	while (n > 1 && lines[n - 1].number <= s->success_line)
		n--;
	s->has_telling = true;
	s->telling_episode = s->episode;
	s->n_telling = 0;
	s->telling_text.length = 0;
	size_t order[CLSF__MAX_TELLING];
	for (size_t i = 0; i < n; i++) {
		struct clsf__weighed weighed;
		if (!weigh_line(s, w, lines[i].number, lines[i].text, lines[i].length, &weighed)) {
			s->n_telling = 0;
			return CLSF_E_NOMEM;
		}
		/* The marker is a candidate too, and stays one when nothing else tells anything. */
		if (i > 0 && weighed.score < 0)
			continue;
		size_t at = s->n_telling < CLSF__MAX_TELLING ? s->n_telling++ : CLSF__MAX_TELLING;
		for (; at > 0 && comes_before(weighed.score, s->telling[at - 1].score); at--) {
			if (at < CLSF__MAX_TELLING) {
				s->telling[at] = s->telling[at - 1];
				order[at] = order[at - 1];
			}
		}
		if (at < CLSF__MAX_TELLING) {
			s->telling[at] = (struct clsf__telling){
				.line = lines[i].number, .offset = lines[i].offset,
				.length = i ? lines[i].length : line->full_length,
				.score = weighed.score,
			};
			order[at] = i;
		}
	}
	for (size_t i = 0; i < s->n_telling; i++) {
		const struct clsf__above *kept = &lines[order[i]];
		s->telling[i].at = s->telling_text.length;
		s->telling[i].text_length = clsf__cut(kept->text, kept->length, CLSF__MAX_TEXT);
		clsf__buffer_add(&s->telling_text, kept->text, s->telling[i].text_length);
		clsf__buffer_addc(&s->telling_text, '\0');
	}
	if (!s->telling_text.failed && (s->n_telling == 0 || keep_context(s, lines, n, order[0])))
		return 0;
	s->n_telling = 0;
	return CLSF_E_NOMEM;
}

/* ---- fingerprint ---- */

static bool is_word(unsigned char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

/* FNV-1a over the text in which numbers, words with digits, quoted texts and paths are one sign each. */
void clsf__fingerprint(const char *text, size_t length, char out[17])
{
	uint64_t h = 14695981039346656037u;
	for (size_t i = 0; i < length;) {
		unsigned char c = (unsigned char)text[i];
		unsigned char sign;
		size_t end = i;
		if (c == '"' || c == '\'' || c == '`') {
			const char *close = memchr(text + i + 1, c, length - i - 1);
			end = close && (size_t)(close - text) - i < 256 ? (size_t)(close - text) + 1 : i + 1;
			sign = '"';
		} else if (is_word(c)) {
			bool digits = false;
			for (; end < length && (is_word((unsigned char)text[end]) || text[end] == '-' ||
			                        text[end] == '.' || text[end] == '/' || text[end] == ':');
			     end++)
				digits = digits || (text[end] >= '0' && text[end] <= '9') || text[end] == '/';
			if (!digits) {
				for (; i < end; i++)
					h = (h ^ (unsigned char)(text[i] | 0x20)) * 1099511628211u;
				continue;
			}
			sign = '#';
		} else if (c == '/') {
			while (end < length && text[end] != ' ' && text[end] != ':' && text[end] != ',')
				end++;
			sign = '#';
		} else {
			while (end < length && !is_word((unsigned char)text[end]) && !strchr("\"'`/", text[end]))
				end++;
			if (end == i)
				end++;
			sign = ' ';
		}
		h = (h ^ sign) * 1099511628211u;
		i = end;
	}
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < 16; i++)
		out[i] = hex[h >> (60 - 4 * i) & 15];
	out[16] = '\0';
}
