/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See unwrap.h. A text is peeled layer by layer: each peeler looks at the start
 * of the text and tells how many bytes of prefix it takes, or decodes a value
 * (JSON, Go's quoted strings) into the buffer and goes on there. What no
 * peeler knows is the innermost message.
 *
 * Work is bounded: a layer takes at least one byte off or decodes to at most
 * its own length, and there are at most MAX_LAYERS of them.
 */

#include "unwrap.h"

#include <string.h>

#include "quoted.h"
#include "scanning.h"
#include "terminal.h"

#define MAX_LAYERS 12

struct text {
	bool decoded;
	size_t at;
	size_t length;
};

struct peeler {
	struct clsf__messages *m;
	const char *line;
	struct clsf__prefixes prefixes;
};

void clsf__messages_init(struct clsf__messages *m, const struct clsf_allocator *a)
{
	*m = (struct clsf__messages){ .allocator = *a };
	clsf__buffer_init(&m->decoded, a);
}

void clsf__messages_done(struct clsf__messages *m)
{
	clsf__free(&m->allocator, m->item);
	clsf__buffer_done(&m->decoded);
	m->item = NULL;
	m->n = m->capacity = 0;
}

static const char *data_of(const struct peeler *p, struct text t)
{
	return t.decoded ? p->m->decoded.data + t.at : p->line + t.at;
}

size_t clsf__unwrap_prefix(const char *s, size_t n)
{
	struct clsf__prefixes p = { .stamped = true };
	return n > 2 ? clsf__prefix_peel(&p, s, n) : 0;
}

/* ---- messages ---- */

/* A message; false when memory is out. */
static bool add_message(struct clsf__messages *m, struct text t)
{
	if (m->n == CLSF__MAX_MESSAGES) {
		m->cut = true;
		return true;
	}
	if (!clsf__grow(&m->allocator, &m->item, &m->capacity, m->n + 1, sizeof(*m->item)))
		return false;
	m->item[m->n++] = (struct clsf__message){ t.decoded, t.at, t.length };
	return true;
}

static bool peel(struct peeler *p, struct text t, unsigned layer);
static bool peel_parts(struct peeler *p, struct text t, unsigned layer);

/*
 * The value of a quoted string at `s` (offset `at` in `t`) as a text of its
 * own, peeled further, line by line where it holds several.
 */
static bool peel_value(struct peeler *p, struct text t, size_t at, size_t length, bool escaped,
                       unsigned layer)
{
	/* The \n at the end of what Docker logs is nearly always the only escape. */
	const char *value = data_of(p, t) + at;
	if (escaped && length >= 2 && memcmp(value + length - 2, "\\n", 2) == 0 &&
	    !memchr(value, '\\', length - 2)) {
		length -= 2;
		escaped = false;
	}
	if (!escaped)
		return length == 0 || peel_parts(p, (struct text){ t.decoded, t.at + at, length }, layer);
	struct clsf__buffer *b = &p->m->decoded;
	size_t start = b->length;
	/* The source may be in this very buffer: make room first, then take its address. */
	if (!clsf__buffer_reserve(b, length + 1))
		return false;
	clsf__unquote(b, data_of(p, t) + at, length);
	size_t end = b->length;
	clsf__buffer_addc(b, '\n');
	if (b->failed)
		return false;
	while (start < end) {
		const char *newline = memchr(b->data + start, '\n', end - start);
		size_t line = newline ? (size_t)(newline - (b->data + start)) : end - start;
		if (!peel_parts(p, (struct text){ true, start, line }, layer))
			return false;
		start += line + 1;
	}
	return true;
}

/* Picks the texts that matter from a JSON object or logfmt pairs as they pass. */
struct picked {
	struct clsf__pair message, error, other, inside;
	bool has_message, has_error, has_other, has_inside;
};

struct name {
	const char *text;
	size_t length;
};

#define NAME(text) { text, sizeof(text) - 1 }

static const struct name level_names[] = {
	NAME("level"), NAME("severity"), NAME("levelname"), NAME("lvl"), { NULL, 0 },
};
static const struct name message_names[] = {
	NAME("msg"), NAME("message"), NAME("log"), NAME("MESSAGE"), NAME("@message"),
	NAME("textPayload"), { NULL, 0 },
};
/*
 * Where logcli, Drone, CircleCI's steps, Splunk and others put it; a member of
 * the names above goes before.
 */
static const struct name other_names[] = {
	NAME("line"), NAME("out"), NAME("output"), NAME("_raw"), NAME("body"), NAME("content"),
	{ NULL, 0 },
};
/* Objects of which one holds the text as a member. */
static const struct name inside_names[] = {
	NAME("jsonPayload"), NAME("_source"), NAME("record"), NAME("fields"), { NULL, 0 },
};
static const struct name error_names[] = {
	NAME("error"), NAME("err"), NAME("exception"), NAME("stderr"), { NULL, 0 },
};

static bool is_one_of(const char *s, const struct clsf__pair *pair, const struct name *names)
{
	for (; names->text; names++)
		if (pair->name_length == names->length &&
		    memcmp(s + pair->name, names->text, names->length) == 0)
			return true;
	return false;
}

static void pick(struct peeler *p, const char *s, const struct clsf__pair *kv,
                 struct picked *picked)
{
	if (is_one_of(s, kv, level_names)) {
		clsf__prefix_level(&p->prefixes, s + kv->value, kv->value_length);
	} else if (!picked->has_message && is_one_of(s, kv, message_names)) {
		picked->message = *kv;
		picked->has_message = true;
	} else if (!picked->has_error && is_one_of(s, kv, error_names)) {
		picked->error = *kv;
		picked->has_error = true;
	} else if (!picked->has_other && is_one_of(s, kv, other_names)) {
		picked->other = *kv;
		picked->has_other = true;
	}
}

bool clsf__is_message(const char *s, const struct clsf__pair *pair)
{
	return is_one_of(s, pair, message_names);
}

static bool peel_picked(struct peeler *p, struct text t, const struct picked *picked,
                        unsigned layer)
{
	const struct clsf__pair *m = &picked->message, *e = &picked->error, *o = &picked->other;
	if (picked->has_inside && !picked->has_message)
		return peel(p,
		            (struct text){ t.decoded, t.at + picked->inside.value,
		                           picked->inside.value_length },
		            layer);
	if (picked->has_message && m->value_length &&
	    !peel_value(p, t, m->value, m->value_length, m->escaped, layer))
		return false;
	if (!picked->has_message && picked->has_other && o->value_length &&
	    !peel_value(p, t, o->value, o->value_length, o->escaped, layer))
		return false;
	if (picked->has_error && e->value_length &&
	    !peel_value(p, t, e->value, e->value_length, e->escaped, layer))
		return false;
	return true;
}

/*
 * {"level":"error","msg":"..."}: strings of the top level. False when it is no
 * such object.
 */
static bool read_json(struct peeler *p, const char *s, size_t n, struct picked *picked)
{
	struct clsf__pair pair;
	if (n < 8 || s[0] != '{')
		return false;
	for (size_t at = 1; clsf__json_pair(s, n, &at, &pair);)
		if (pair.quoted) {
			pick(p, s, &pair, picked);
		} else if (!picked->has_inside && s[pair.value] == '{' &&
		           is_one_of(s, &pair, inside_names)) {
			picked->inside = pair;
			picked->has_inside = true;
		}
	return picked->has_message || picked->has_error || picked->has_other || picked->has_inside;
}

/* A member on a line of its own, as JSON is written for people: "message": "...", */
static bool read_member(struct peeler *p, const char *s, size_t n, struct picked *picked)
{
	struct clsf__pair pair;
	size_t at = 0;
	if (n < 8 || !clsf__json_pair(s, n, &at, &pair) || !pair.quoted)
		return false;
	at += at < n && s[at] == ',';
	if (at + clsf__count_spaces(s + at, n - at) < n)
		return false;
	pick(p, s, &pair, picked);
	return picked->has_message || picked->has_error || picked->has_other;
}

/* [{"out":"..."},{"out":"..."}]: the objects of a list, one after the other. */
static bool peel_list(struct peeler *p, struct text t, unsigned layer)
{
	for (size_t at = 1; at < t.length && !p->m->cut;) {
		const char *s = data_of(p, t);
		at += clsf__count_spaces(s + at, t.length - at);
		if (at >= t.length || s[at] != '{')
			break;
		size_t end = clsf__json_skip(s, t.length, at);
		p->prefixes.stamped = false;
		if (!peel(p, (struct text){ t.decoded, t.at + at, end - at }, layer))
			return false;
		at = end + 1;
	}
	return true;
}

/* Pairs of logfmt from `i` on; returns how many there are. */
static unsigned read_pairs(struct peeler *p, const char *s, size_t n, size_t i,
                           struct picked *picked)
{
	unsigned pairs = 0;
	struct clsf__pair pair;
	for (; clsf__logfmt_pair(s, n, &i, &pair); pairs++)
		pick(p, s, &pair, picked);
	return pairs;
}

/* time="..." level=error msg="..." : at least a message, and pairs from the very start. */
static bool read_logfmt(struct peeler *p, const char *s, size_t n, struct picked *picked)
{
	return n >= 6 && clsf__is_alpha(s[0]) && read_pairs(p, s, n, 0, picked) >= 2 &&
	       (picked->has_message || picked->has_error);
}

/* "message" key="value" of klog's structured form */
static bool read_klog_values(struct peeler *p, const char *s, size_t n, struct picked *picked)
{
	bool escaped;
	size_t length = clsf__quoted_length(s, n, &escaped);
	if (length < 3 || (length < n && s[length] != ' '))
		return false;
	struct clsf__pair message = { .value = 1, .value_length = length - 2, .quoted = true,
	                              .escaped = escaped };
	struct picked rest = { 0 };
	if (length < n && read_pairs(p, s, n, length + 1, &rest) == 0)
		return false;
	if (rest.has_error) {
		picked->error = rest.error;
		picked->has_error = true;
	}
	picked->message = message;
	picked->has_message = true;
	return true;
}

/* Adds the messages inside `t`, innermost first, then `t` itself. */
static bool peel(struct peeler *p, struct text t, unsigned layer)
{
	if (layer < MAX_LAYERS && t.length > 2) {
		const char *s = data_of(p, t);
		struct picked picked = { 0 };
		size_t blanks = clsf__count_spaces(s, t.length);
		bool quote = blanks < t.length && s[blanks] == '"';
		if (s[0] == '{' ? read_json(p, s, t.length, &picked)
		    : quote     ? (!blanks && read_klog_values(p, s, t.length, &picked)) ||
		                      read_member(p, s, t.length, &picked)
		                : !blanks && read_logfmt(p, s, t.length, &picked)) {
			if (!peel_picked(p, t, &picked, layer + 1))
				return false;
		} else if (s[0] == '[' && t.length > 2 && s[1] == '{') {
			if (!peel_list(p, t, layer + 1))
				return false;
		} else {
			p->prefixes.padded = false;
			p->prefixes.behind = 0;
			size_t taken = clsf__prefix_peel(&p->prefixes, s, t.length);
			size_t end = t.length - p->prefixes.behind;
			while (p->prefixes.padded && end > taken && s[end - 1] == ' ')
				end--;
			if (taken && taken < end &&
			    !peel(p, (struct text){ t.decoded, t.at + taken, end - taken }, layer + 1))
				return false;
		}
	}
	return add_message(p->m, t);
}

/* ---- escape sequences of terminals (ECMA-48) ---- */

/*
 * Takes whole escape sequences off both ends: a line that is coloured as a
 * whole needs no decoding. The end is found by walking, as a sequence can only
 * be told from its start.
 */
static void trim_escapes(const char *s, size_t n, size_t *ret_start, size_t *ret_end)
{
	size_t start = 0;
	while (start < n && s[start] == '\x1b')
		start += clsf__escape_length(s + start, n - start);
	size_t end = start, at = start;
	while (at < n) {
		if (s[at] == '\x1b') {
			at += clsf__escape_length(s + at, n - at);
			continue;
		}
		const char *next = memchr(s + at, '\x1b', n - at);
		at = next ? (size_t)(next - s) : n;
		end = at;
	}
	*ret_start = start < n ? start : n;
	*ret_end = end;
}

/* One part between \r: without escape sequences, then peeled. */
static bool peel_part(struct peeler *p, struct text t, unsigned layer)
{
	if (t.length == 0)
		return true;
	const char *raw = data_of(p, t);
	if (memchr(raw, '\x1b', t.length)) {
		size_t start, end;
		trim_escapes(raw, t.length, &start, &end);
		t.at += start;
		t.length = end - start;
		raw += start;
	}
	if (t.length == 0 || !memchr(raw, '\x1b', t.length))
		return t.length == 0 || peel(p, t, layer);
	struct clsf__buffer *b = &p->m->decoded;
	size_t start = b->length;
	/* The source may be in this very buffer: make room first, then take its address. */
	if (!clsf__buffer_reserve(b, t.length + 1))
		return false;
	clsf__add_stripped(b, data_of(p, t), t.length);
	size_t end = b->length;
	clsf__buffer_addc(b, '\n');
	if (b->failed)
		return false;
	return end == start || peel(p, (struct text){ true, start, end - start }, layer);
}

/* The parts of a text between \r: each print of a progress bar is a message. */
static bool peel_parts(struct peeler *p, struct text t, unsigned layer)
{
	size_t at = 0;
	while (at < t.length && !p->m->cut) {
		const char *s = data_of(p, t);
		const char *cr = memchr(s + at, '\r', t.length - at);
		size_t part = cr ? (size_t)(cr - (s + at)) : t.length - at;
		p->prefixes.stamped = false;
		if (!peel_part(p, (struct text){ t.decoded, t.at + at, part }, layer))
			return false;
		at += part + 1;
	}
	return true;
}

bool clsf__unwrap(struct clsf__messages *m, const char *line, size_t length)
{
	m->n = 0;
	m->cut = false;
	m->decoded.length = 0;
	m->decoded.failed = false;
	struct peeler p = { .m = m, .line = line };
	size_t mark = length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	bool good = peel_parts(&p, (struct text){ false, mark, length - mark }, 0);
	m->level = p.prefixes.level;
	return good;
}

bool clsf__unwrap_decoded(struct clsf__messages *m, const char *line, size_t length,
                          struct clsf__buffer *out)
{
	/* The two common kinds need no parsing: one "\\n" before a quote, and colour alone. */
	const char *backslash = memchr(line, '\\', length);
	bool colour = memchr(line, '\x1b', length) != NULL, parts = memchr(line, '\r', length) != NULL;
	if (backslash && !colour && !parts) {
		size_t at = (size_t)(backslash - line);
		if (length - at > 2 && backslash[1] == 'n' && backslash[2] == '"' &&
		    !memchr(backslash + 1, '\\', length - at - 1))
			return true;
	}
	if (!backslash && !parts) {
		size_t mark = length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, start, end;
		line += mark;
		trim_escapes(line, length - mark, &start, &end);
		if (end == start || !memchr(line + start, '\x1b', end - start))
			return true;
		clsf__add_stripped(out, line + start, end - start);
		clsf__buffer_addc(out, '\n');
		return !out->failed;
	}
	if (!clsf__unwrap(m, line, length))
		return false;
	clsf__buffer_add(out, m->decoded.data, m->decoded.length);
	return !out->failed;
}
