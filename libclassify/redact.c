/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hides secrets in a text that leaves the machine: what a key or a header
 * names as secret, what has the shape of a known token, passwords in URLs, and
 * e-mail addresses. The group "s" of each expression is what is hidden.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "error.h"
#include "expression.h"
#include "redact.h"

static const char *const secrets[] = {
	/* scheme://user:password@host, scheme://token@host */
	"\\b[a-z][a-z0-9+.-]{1,20}://(?<s>[^\\s/@:]*:[^\\s/@]+|[^\\s/@:]{12,})@",
	"(?i)\\bauthorization[\"']?\\s*[:=]\\s*[\"']?(?:basic|bearer|token)?\\s*(?<s>[A-Za-z0-9+/=._~-]{6,})",
	"(?i)\\bbearer\\s+(?<s>[A-Za-z0-9+/=._~-]{12,})",
	"(?i)(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
	"[\"'\\\\]*\\s*[=:]\\s*[\"'\\\\]*(?<s>[^\\s\"'\\\\&,;]{4,})",
	"(?i)--(?:pass(?:word|wd)?|token|secret|api-key)[ =][\"']?(?<s>[^\\s\"']{4,})",
	"\\b(?<s>(?:AKIA|ASIA)[0-9A-Z]{16})\\b",
	"\\b(?<s>gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,}"
	"|xox[abprs]-[A-Za-z0-9-]{10,}|sha256~[A-Za-z0-9_-]{20,}|hvs\\.[A-Za-z0-9_-]{20,})",
	"\\b(?<s>eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*)?)",
	"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(?<s>.+?)(?:-----END|\\z)",
	/* A line of a key or certificate whose beginning is out of sight. */
	"(?m)^[ \\t]*(?<s>[A-Za-z0-9+/]{60,76}={0,2})[ \\t]*$",
	/* The same behind a timestamp or a name: neither a hash in hexadecimal nor a path looks like it. */
	"(?m)[\\s|\\]](?<s>(?=[^\\s=]*[A-Z])(?=[^\\s=]*[a-z])(?=[^\\s=]*[0-9])[A-Za-z0-9+][A-Za-z0-9+/]{59,75}={0,2})[ \\t\\r]*$",
	"(?<s>[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63})*\\.[A-Za-z]{2,24})\\b",
};
#define N_SECRETS (sizeof(secrets) / sizeof(secrets[0]))

const char clsf__redacted[] = "[redacted]";

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static struct clsf__expression *compiled[N_SECRETS];
static atomic_bool ready;

/* Makes them, once in a process. False when memory is out; the next call goes on from there. */
static bool make_all(void)
{
	if (atomic_load_explicit(&ready, memory_order_acquire))
		return true;
	struct clsf_allocator a = clsf__allocator(NULL);
	bool good = true;
	pthread_mutex_lock(&making);
	for (size_t i = 0; i < N_SECRETS && good; i++) {
		if (!compiled[i])
			compiled[i] = clsf__expression_new(&a, secrets[i], strlen(secrets[i]));
		good = compiled[i] != NULL;
	}
	atomic_store_explicit(&ready, good, memory_order_release);
	pthread_mutex_unlock(&making);
	return good;
}

/* Is this already a mark, or a part of one? */
static bool is_marked(const char *text, size_t length)
{
	return length <= CLSF__REDACTED_LENGTH && memmem(clsf__redacted, CLSF__REDACTED_LENGTH, text, length);
}

/* Replaces the group of one expression wherever it matches, from *from to *to. */
static int replace_all(struct clsf__runner *runner, struct clsf__expression *e,
                       const struct clsf__buffer *from, struct clsf__buffer *to)
{
	size_t at = 0;
	to->length = 0;
	while (at < from->length) {
		size_t start, end;
		enum clsf__run run = clsf__run(runner, e, from->data + at, from->length - at, &start, &end);
		if (run == CLSF__RUN_NOMEM)
			return CLSF_E_NOMEM;
		if (run == CLSF__RUN_LIMIT) {
			/* What cannot be looked at cannot be shown. */
			clsf__buffer_adds(to, clsf__redacted);
			at = from->length;
			break;
		}
		if (run != CLSF__RUN_MATCH || end == 0)
			break;
		struct clsf__capture capture[CLSF__MAX_CAPTURES];
		if (clsf__captures(runner, e, capture) == 0)
			break;
		const char *secret = from->data + at + capture[0].start;
		size_t length = capture[0].end - capture[0].start;
		clsf__buffer_add(to, from->data + at, capture[0].start);
		if (is_marked(secret, length))
			clsf__buffer_add(to, secret, length);
		else
			clsf__buffer_adds(to, clsf__redacted);
		at += capture[0].end > 0 ? capture[0].end : 1;
	}
	clsf__buffer_add(to, from->data + at, from->length - at);
	return to->failed ? CLSF_E_NOMEM : 0;
}

int clsf__redact(const struct clsf_allocator *given, const char *text, size_t length,
                 struct clsf__buffer *out)
{
	if (!make_all())
		return CLSF_E_NOMEM;
	struct clsf__runner *runner;
	int result = clsf__runner_new(given, 1000000, &runner);
	if (result)
		return result;
	struct clsf__buffer other;
	clsf__buffer_init(&other, given);
	out->length = 0;
	clsf__buffer_add(out, text, length);
	result = out->failed ? CLSF_E_NOMEM : 0;
	for (size_t i = 0; i < N_SECRETS && result == 0; i++) {
		result = replace_all(runner, compiled[i], out, &other);
		struct clsf__buffer swap = *out;
		*out = other;
		other = swap;
	}
	clsf__buffer_done(&other);
	clsf__runner_free(runner);
	return result;
}

int clsf__is_secret(const struct clsf_allocator *a, const char *line, size_t line_length,
                     const char *value, size_t length)
{
	struct clsf__buffer out;
	clsf__buffer_init(&out, a);
	int result = clsf__redact(a, line, line_length, &out);
	if (result == 0)
		result = memmem(line, line_length, value, length) && !memmem(out.data, out.length, value, length);
	clsf__buffer_done(&out);
	return result;
}

int clsf_redact(const char *text, size_t length, char *destination, size_t capacity,
                size_t *ret_length)
{
	CLSF__REQUIRE((text || length == 0) && (destination || capacity == 0) && ret_length);
	struct clsf_allocator a = clsf__allocator(NULL);
	struct clsf__buffer out;
	clsf__buffer_init(&out, &a);
	int result = clsf__redact(&a, text, length, &out);
	if (result == 0) {
		size_t n = out.length < capacity ? out.length : capacity;
		if (n)
			memcpy(destination, out.data, n);
		*ret_length = out.length;
	}
	clsf__buffer_done(&out);
	return result;
}
