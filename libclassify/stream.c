/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a stream: bytes in whatever pieces, cut into blocks of whole
 * lines, and the verdict at the end. Whole lines are scanned in the caller's
 * memory; only an unfinished line is copied. The first bytes tell UTF-16,
 * which is decoded to UTF-8 on the way.
 */

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "lines.h"
#include "stream.h"
#include "text.h"

#define SLICE ((size_t)32 * 1024)  /* bytes of UTF-16 decoded at once */

int clsf_stream_new(struct clsf_ruleset *ruleset, const struct clsf_stream_options *options,
                    struct clsf_stream **ret_stream)
{
	CLSF__REQUIRE(ruleset && ret_stream);
	CLSF__REQUIRE(!options || options->size == sizeof(*options));
	struct clsf_allocator a = clsf__allocator(options ? options->allocator : NULL);
	struct clsf_stream *s = clsf__calloc(&a, 1, sizeof(*s));
	if (!s)
		return CLSF_E_NOMEM;
	s->allocator = a;
	if (options)
		s->options = *options;
	if (!s->options.max_line)
		s->options.max_line = CLSF__MAX_LINE;
	/* A block holds lines up to its own size without looking at each. */
	if (s->options.max_line < CLSF__BLOCK)
		s->options.max_line = CLSF__BLOCK;
	if (s->options.max_line > ((size_t)1 << 30))
		s->options.max_line = (size_t)1 << 30;
	if (s->options.context > CLSF__MAX_CONTEXT)
		s->options.context = CLSF__MAX_CONTEXT;
	s->ruleset = clsf_ruleset_ref(ruleset);
	struct clsf__buffer *buffers[] = { &s->partial, &s->wide, &s->tail, &s->telling_text,
		                          &s->telling_before, &s->telling_after };
	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
		clsf__buffer_init(buffers[i], &a);
	clsf__arena_init(&s->arena, &a);
	*ret_stream = s;
	return 0;
}

void clsf_stream_free(struct clsf_stream *s)
{
	if (!s)
		return;
	clsf__summary_done(s);
	clsf__buffer_done(&s->partial);
	clsf__buffer_done(&s->wide);
	clsf__buffer_done(&s->tail);
	clsf__arena_done(&s->arena);
	clsf__free(&s->allocator, s->part_ends);
	clsf_ruleset_unref(s->ruleset);
	struct clsf_allocator a = s->allocator;
	clsf__free(&a, s);
}

void clsf_stream_reset(struct clsf_stream *s)
{
	if (!s)
		return;
	clsf__summary_reset(s);
	s->partial.length = s->wide.length = s->tail.length = 0;
	s->partial.failed = s->wide.failed = s->tail.failed = s->telling_text.failed = false;
	s->telling_before.failed = s->telling_after.failed = false;
	s->dropped = s->lines = s->offset = s->bytes = 0;
	s->cr_dropped = s->begun = s->utf16 = s->utf16_big = s->finished = s->stopped = false;
	s->n_pending = s->n_parts = 0;
	s->truncated = s->text_limit = s->capture_limit = s->message_limit = false;
	s->span_limit = s->pending_limit = s->field_limit = false;
	s->broken = 0;
	s->remarks = (struct clsf__remarks){ 0 };
	s->long_lines = s->match_limits = 0;
}

uint64_t clsf__raw_length(const struct clsf_stream *s, const char *text, size_t length)
{
	if (!s->utf16)
		return length;
	/* Two bytes a character; four for those that take four in UTF-8 as well. */
	uint64_t bytes = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bytes += (c & 0xc0) == 0x80 ? 0 : c >= 0xf0 ? 4 : 2;
	}
	return bytes;
}

/* ---- whole lines ---- */

/* The unfinished line is complete, with its \n or at the end of the log. */
static int scan_partial(struct clsf_stream *s, struct clsf_worker *w, bool newline)
{
	if (s->dropped && s->long_lines++ == 0) {
		s->first_long_line = s->lines + 1;
		s->first_long_offset = s->offset;
	}
	if (newline)
		clsf__buffer_addc(&s->partial, '\n');
	if (s->partial.failed)
		return CLSF_E_NOMEM;
	int result = clsf__scan_block(s, w, s->partial.data, s->partial.length, s->dropped);
	s->partial.length = 0;
	s->dropped = 0;
	s->cr_dropped = false;
	/* A stream costs kilobytes: what one long line took is given back. */
	if (s->partial.capacity > CLSF__BLOCK)
		clsf__buffer_done(&s->partial);
	return result;
}

/* Adds to the unfinished line; what goes beyond the limit is counted, not kept. */
static int add_partial(struct clsf_stream *s, const char *data, size_t length)
{
	size_t room = s->options.max_line - s->partial.length;
	size_t kept = length < room ? length : room;
	clsf__buffer_add(&s->partial, data, kept);
	if (kept < length) {
		s->dropped += clsf__raw_length(s, data + kept, length - kept);
		s->cr_dropped = data[length - 1] == '\r';
	}
	return s->partial.failed ? CLSF_E_NOMEM : 0;
}

int clsf__feed_text(struct clsf_stream *s, struct clsf_worker *w, const char *data, size_t length)
{
	while (length > 0) {
		size_t window = length < CLSF__BLOCK ? length : CLSF__BLOCK;
		const char *newline = NULL;
		size_t taken;
		int result;
		if (s->partial.length || s->dropped) {
			newline = memchr(data, '\n', length);
			taken = newline ? (size_t)(newline - data) : length;
			result = add_partial(s, data, taken);
			if (result == 0 && newline) {
				taken++;
				result = scan_partial(s, w, true);
			}
		} else if ((newline = clsf__last_newline(data, window)) != NULL) {
			taken = (size_t)(newline - data) + 1;
			result = clsf__scan_block(s, w, data, taken, 0);
		} else if (window < length && (newline = memchr(data + window, '\n', length - window)) &&
		           (size_t)(newline - data) <= s->options.max_line) {
			taken = (size_t)(newline - data) + 1;
			result = clsf__scan_block(s, w, data, taken, 0);
		} else {
			taken = newline ? (size_t)(newline - data) : length;
			result = add_partial(s, data, taken);
			/* The newline itself is met in the next round. */
		}
		if (result)
			return result;
		data += taken;
		length -= taken;
	}
	return 0;
}

/* ---- UTF-16 ---- */

/* The unit at p, two bytes. */
static uint32_t unit(const struct clsf_stream *s, const unsigned char *p)
{
	return s->utf16_big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* Decodes what is pending as far as it is complete. A surrogate alone becomes U+FFFD. */
static void decode_pending(struct clsf_stream *s)
{
	while (s->n_pending >= 2) {
		uint32_t c = unit(s, s->pending);
		size_t used = 2;
		if (c >= 0xd800 && c < 0xdc00) {
			if (s->n_pending < 4)
				return;
			uint32_t low = unit(s, s->pending + 2);
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				used = 4;
			} else {
				c = 0xfffd;
			}
		} else if (c >= 0xdc00 && c < 0xe000) {
			c = 0xfffd;
		}
		clsf__add_utf8(&s->wide, c);
		s->n_pending -= used;
		memmove(s->pending, s->pending + used, s->n_pending);
	}
}

static int feed_utf16(struct clsf_stream *s, struct clsf_worker *w, const char *data, size_t length)
{
	while (length > 0) {
		size_t slice = length < SLICE ? length : SLICE;
		s->wide.length = 0;
		for (size_t i = 0; i < slice; i++) {
			s->pending[s->n_pending++] = (unsigned char)data[i];
			decode_pending(s);
		}
		if (s->wide.failed)
			return CLSF_E_NOMEM;
		int result = clsf__feed_text(s, w, s->wide.data, s->wide.length);
		if (result)
			return result;
		data += slice;
		length -= slice;
	}
	return 0;
}

/* ---- the public calls ---- */

enum utf16 { UTF16_NO, UTF16_PERHAPS, UTF16_YES };

/*
 * Whether a log that begins with these bytes is UTF-16: by its byte order mark
 * or, where it has none, by units that are all of ASCII text, to the size of
 * s->pending. Plain text is known by its second byte and so waits for nothing.
 */
static enum utf16 is_utf16(const unsigned char *p, size_t n, bool *ret_big, size_t *ret_mark)
{
	if (n < 2)
		return UTF16_PERHAPS;
	*ret_mark = (p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff) ? 2 : 0;
	*ret_big = *ret_mark ? p[0] == 0xfe : p[0] == 0;
	if (*ret_mark)
		return UTF16_YES;
	for (size_t i = 0; i < n; i++) {
		bool high = (i % 2 == 0) == *ret_big;
		bool text = (p[i] >= 0x20 && p[i] < 0x7f) || (p[i] && strchr("\t\n\r\x1b", p[i]));
		if (high ? p[i] != 0 : !text)
			return UTF16_NO;
	}
	return n < sizeof(((struct clsf_stream *)NULL)->pending) ? UTF16_PERHAPS : UTF16_YES;
}

int clsf_is_utf16(const void *data, size_t length)
{
	bool big;
	size_t mark;
	size_t most = sizeof(((struct clsf_stream *)NULL)->pending);
	return is_utf16(data, length < most ? length : most, &big, &mark) == UTF16_YES;
}

static int feed_known(struct clsf_stream *s, struct clsf_worker *w, const char *data, size_t length)
{
	return s->utf16 ? feed_utf16(s, w, data, length) : clsf__feed_text(s, w, data, length);
}

/* The first bytes decide; until they do they wait, and so they do not when the log ends. */
static int feed(struct clsf_stream *s, struct clsf_worker *w, const char *data, size_t length, bool end)
{
	if (!s->begun) {
		enum utf16 answer;
		bool big = false;
		size_t mark = 0;
		while ((answer = is_utf16(s->pending, s->n_pending, &big, &mark)) == UTF16_PERHAPS && length > 0) {
			s->pending[s->n_pending++] = (unsigned char)*data++;
			length--;
		}
		if (answer == UTF16_PERHAPS && !end)
			return 0;
		char first[sizeof(s->pending)];
		size_t n = s->n_pending;
		memcpy(first, s->pending, n);
		s->begun = true;
		s->n_pending = 0;
		s->utf16 = answer == UTF16_YES;
		s->utf16_big = big;
		s->offset += mark;
		int result = feed_known(s, w, first + mark, n - mark);
		if (result)
			return result;
	}
	return feed_known(s, w, data, length);
}

/* Behind a hole no line would have its number: what comes after a failure is not looked at, and the verdict says so. */
static int leave(struct clsf_stream *s, struct clsf_worker *w, int code)
{
	if (code < 0) {
		s->broken = code;
		if (!s->truncated)
			clsf_stream_truncated(s, clsf_strerror(code));
	}
	atomic_store(&w->busy, false);
	return code;
}

static int enter(struct clsf_stream *s, struct clsf_worker *w)
{
	CLSF__REQUIRE(s && w && !s->finished && w->ruleset == s->ruleset);
	return atomic_exchange(&w->busy, true) ? CLSF_E_BUSY : 0;
}

int clsf_stream_feed(struct clsf_stream *s, struct clsf_worker *w, const void *data, size_t length)
{
	CLSF__REQUIRE(data || length == 0);
	int result = enter(s, w);
	if (result)
		return result;
	if (!s->broken)
		s->bytes += length;
	result = s->broken ? s->broken : s->stopped ? CLSF_STOPPED : feed(s, w, data, length, false);
	return leave(s, w, result);
}

int clsf_stream_truncated(struct clsf_stream *s, const char *message)
{
	CLSF__REQUIRE(s && message && !s->finished);
	s->truncated = true;
	snprintf(s->truncated_message, sizeof(s->truncated_message), "%s", message);
	return 0;
}

/* The text is complete, with a last line that has no \n. */
static int end_text(struct clsf_stream *s, struct clsf_worker *w)
{
	int result = 0;
	if (s->stopped || s->broken)
		return s->broken ? s->broken : CLSF_STOPPED;
	if (!s->begun && s->n_pending)
		result = feed(s, w, "", 0, true);
	if (result == 0 && s->utf16 && s->n_pending) {
		s->wide.length = 0;
		clsf__add_utf8(&s->wide, 0xfffd);
		result = s->wide.failed ? CLSF_E_NOMEM : clsf__feed_text(s, w, s->wide.data, s->wide.length);
	}
	if (result == 0 && (s->partial.length || s->dropped))
		result = scan_partial(s, w, false);
	return result;
}

int clsf__feed_whole(struct clsf_stream *s, struct clsf_worker *w, const char *data, size_t length)
{
	s->bytes += length;
	int result = feed(s, w, data, length, false);
	return result ? result : end_text(s, w);
}

int clsf__begin_line(struct clsf_stream *s, struct clsf_worker *w)
{
	int result = s->begun ? 0 : feed(s, w, "", 0, true);
	if (result == 0 && (s->partial.length || s->dropped)) {
		s->bytes++;
		result = scan_partial(s, w, true);
	}
	return result;
}

int clsf_stream_part(struct clsf_stream *s, struct clsf_worker *w, uint64_t *ret_lines, uint64_t *ret_bytes)
{
	int result = enter(s, w);
	if (result)
		return result;
	result = end_text(s, w);
	/* What follows has an encoding of its own, and nothing above it. */
	s->begun = s->utf16 = s->utf16_big = false;
	s->n_pending = 0;
	s->tail.length = 0;
	s->offset = s->bytes;
	clsf__summary_no_after(s);
	if (result == 0 && s->lines && (s->n_parts == 0 || s->part_ends[s->n_parts - 1] < s->lines)) {
		if (clsf__grow(&s->allocator, &s->part_ends, &s->parts_capacity, s->n_parts + 1, sizeof(*s->part_ends)))
			s->part_ends[s->n_parts++] = s->lines;
		else
			result = CLSF_E_NOMEM;
	}
	if (ret_lines)
		*ret_lines = s->lines;
	if (ret_bytes)
		*ret_bytes = s->bytes;
	return leave(s, w, result);
}

int clsf_stream_skip(struct clsf_stream *s, struct clsf_worker *w, uint64_t lines, uint64_t bytes)
{
	int result = enter(s, w);
	if (result)
		return result;
	result = end_text(s, w);
	/* What is passed over decides nothing: where the log begins with it, the rest counts as text. */
	s->begun = true;
	s->n_pending = 0;
	s->tail.length = 0;
	clsf__summary_no_after(s);
	s->lines += lines;
	s->bytes += bytes;
	s->offset = s->bytes;
	return leave(s, w, result);
}

static int finish(struct clsf_stream *s, struct clsf_worker *w)
{
	/* What came before a failure is answered for. */
	int result = s->broken ? 0 : end_text(s, w);
	return result ? result : clsf__pending_finish(s);
}

int clsf_stream_finish(struct clsf_stream *s, struct clsf_worker *w,
                       const struct clsf_verdict **ret_verdict)
{
	CLSF__REQUIRE(ret_verdict);
	int result = enter(s, w);
	if (result)
		return result;
	result = finish(s, w);
	s->finished = true;
	if (result >= 0) {
		int built = clsf__verdict_build(s);
		if (built == 0)
			*ret_verdict = &s->verdict;
		else
			result = built;
	}
	atomic_store(&w->busy, false);
	return result;
}
