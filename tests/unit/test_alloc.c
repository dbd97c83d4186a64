/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: a steady state without allocation (invariant 4), and every
 * allocation failed in turn, through load, scan and verdict: an error each
 * time, nothing leaked.
 */

#include "support.h"

struct ledger {
	size_t calls;
	size_t live;
	size_t fail_at;              /* the call that fails; 0: none */
};

static void *counting_reallocate(void *context, void *pointer, size_t size)
{
	struct ledger *ledger = context;
	if (size == 0) {
		ledger->live--;
		free(pointer);
		return NULL;
	}
	ledger->calls++;
	if (ledger->fail_at && ledger->calls == ledger->fail_at)
		return NULL;
	void *p = realloc(pointer, size);
	if (p && !pointer)
		ledger->live++;
	return p;
}

static const char rules[] =
	"pack: test\n"
	"rules:\n"
	"  - {id: a, title: 'T ${x}', category: unknown, match: 'alpha (?<x>\\w+)', runbook: {cause: c, fix: 'run ${x}'}, examples: {match: [{line: 'alpha b', fields: {x: b}}], reject: [z]}}\n"
	"  - {id: b, title: t, category: unknown, role: symptom, match: {any: [beta, {text: 'be.ta'}]}, unless: gamma, show: above}\n"
	"  - {id: c, title: t, role: failure, match: '^the end'}\n"
	"  - {id: d, title: t, category: unknown, match: {sequence: [{regex: 'one', show: true}, '\\d+'], within: 9 lines}, explains: ['b*', nobody]}\n"
	"  - {id: e, title: t, category: unknown, match: {all: [alpha, 'be(?<y>t)a'], within: 5s}, unless: [{regex: never, where: after, within: 3 lines}, {text: delta, within: 9s}]}\n"
	"  - {id: f, title: t, category: unknown, match: {field: {'a.b': '^al\"pha (?<z>.)', n: 5}}}\n"
	"  - {id: g, title: t, category: unknown, match: {count: 2, of: {regex: 'alpha.*\\n(?:.*\\n)?the end', lines: 5}, within: 50 lines}}\n"
	"  - cre: {id: CRE-2026-0001, title: t, severity: 2, references: [x, y]}\n"
	"    rule: {sequence: {window: 9s, order: [{value: alpha, count: 2}, {jq: '.n == 5 and .a.b'}], negate: [{regex: 'never', window: 5s}]}}\n"
	"  - cre: {id: CRE-2026-0002, title: t, severity: 4}\n"
	"    rule: {set: {match: [{regex: 'alpha two.*the end'}]}}\n";

static const char log_text[] =
	"nothing here\n\x1b[31malpha one\x1b[0m\n{\"log\":\"beta \\\"x\\\"\\n\"}\nbeta\n12\n"
	"2026-03-01T10:00:00Z delta\nalpha two\nthe end\n{\"a\":{\"b\":\"al\\\"pha x\"},\"n\":5}\nafter it\n";

/* With someone to tell, the loader looks for the names in `explains`. */
static void on_fault(enum clsf_fault_level level, const struct clsf_error *fault, void *user)
{
	(void)level;
	(void)fault;
	(void)user;
}

/* The lines of a text as entries of `stream`, or as logs of their own. */
static size_t entries_of(const char *text, size_t length, struct clsf_stream *stream, struct clsf_entry *entries,
                         size_t most)
{
	size_t n = 0;
	for (const char *line = text, *end = text + length; line < end && n < most; n++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		entries[n] = (struct clsf_entry){ .data = line, .length = (size_t)(newline - line), .stream = stream };
		line = newline + 1;
	}
	return n;
}

/* The whole life once. Returns the first error. */
static int live(struct ledger *ledger, bool must_work)
{
	struct clsf_allocator allocator = { counting_reallocate, ledger };
	struct clsf_loader_options lo = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_worker_options wo = CLSF_WORKER_OPTIONS_INIT;
	struct clsf_stream_options so = CLSF_STREAM_OPTIONS_INIT;
	struct clsf_loader *l = NULL;
	struct clsf_ruleset *rs = NULL, *some = NULL;
	struct clsf_worker *w = NULL;
	struct clsf_stream *s = NULL;
	struct clsf_error error;
	const struct clsf_verdict *v = NULL;
	lo.allocator = wo.allocator = so.allocator = &allocator;
	lo.on_fault = on_fault;
	so.context = 2;
	int result = clsf_loader_new(&lo, &l);
	if (result == 0)
		result = clsf_loader_add_buffer(l, "test", rules, sizeof(rules) - 1, &error);
	if (result == 0)
		result = clsf_loader_compile(l, &rs, &error);
	clsf_loader_free(l);
	if (result == 0)
		result = clsf_ruleset_subset(rs, (const size_t[]){ 4, 0 }, 2, CLSF_ENGINE_LITERALS, &some, &error);
	if (result == 0)
		result = clsf_worker_new(rs, &wo, &w);
	if (result == 0)
		result = clsf_stream_new(rs, &so, &s);
	if (result == 0)
		result = clsf_stream_feed(s, w, log_text, 20);
	if (result == 0)
		result = clsf_stream_feed(s, w, log_text + 20, sizeof(log_text) - 21);
	if (result == 0)
		result = clsf_stream_part(s, w, NULL, NULL);
	if (result == 0)
		result = clsf_stream_skip(s, w, 1, 10);
	struct clsf_entry entries[20];
	size_t n = entries_of(log_text, sizeof(log_text) - 1, NULL, entries, 10);
	n += entries_of(log_text, sizeof(log_text) - 1, s, entries + n, 10);
	if (result == 0)
		result = clsf_scan_lines(w, NULL, entries, n, NULL);
	if (result == 0)
		result = clsf_stream_finish(s, w, &v);
	if (result == 0 && must_work) {
		assert_int_equal(v->outcome, CLSF_FAILED);
		assert_string_equal(v->rule->id, "g");
	}
	clsf_stream_free(s);
	clsf_worker_free(w);
	clsf_ruleset_unref(some);
	clsf_ruleset_unref(rs);
	return result;
}

static void test_every_failure(void **state)
{
	(void)state;
	struct ledger whole = { 0 };
	assert_int_equal(live(&whole, true), 0);
	assert_int_equal(whole.live, 0);
	assert_true(whole.calls > 50);
	size_t refused = 0;
	for (size_t n = 1; n <= whole.calls; n++) {
		struct ledger ledger = { .fail_at = n };
		int result = live(&ledger, false);
		/* PCRE2 does without its JIT code when memory for that is refused. */
		if (result != 0 && result != CLSF_E_NOMEM)
			fail_msg("allocation %zu: result %d", n, result);
		refused += result == CLSF_E_NOMEM;
		if (ledger.live != 0)
			fail_msg("allocation %zu: %zu left", n, ledger.live);
	}
	assert_true(refused > whole.calls / 2);
}

static void test_steady_state(void **state)
{
	(void)state;
	struct ledger ledger = { 0 };
	struct clsf_allocator allocator = { counting_reallocate, &ledger };
	struct clsf_loader_options lo = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_worker_options wo = CLSF_WORKER_OPTIONS_INIT;
	struct clsf_stream_options so = CLSF_STREAM_OPTIONS_INIT;
	struct clsf_loader *l;
	struct clsf_ruleset *rs;
	struct clsf_worker *w;
	struct clsf_stream *s;
	lo.allocator = wo.allocator = so.allocator = &allocator;
	assert_int_equal(clsf_loader_new(&lo, &l), 0);
	assert_int_equal(clsf_loader_add_buffer(l, "test", rules, sizeof(rules) - 1, NULL), 0);
	assert_int_equal(clsf_loader_compile(l, &rs, NULL), 0);
	clsf_loader_free(l);
	assert_int_equal(clsf_worker_new(rs, &wo, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &so, &s), 0);
	char *log = malloc(sizeof(log_text) * 2000);
	size_t n = 0;
	for (int i = 0; i < 2000; i++, n += sizeof(log_text) - 1)
		memcpy(log + n, log_text, sizeof(log_text) - 1);
	size_t before = 0;
	/* Pieces that cut lines, so that the way of unfinished lines is steady too. */
	for (int round = 0; round < 6; round++) {
		if (round == 2)
			before = ledger.calls;
		for (size_t at = 0; at < n; at += 70001)
			assert_int_equal(clsf_stream_feed(s, w, log + at, n - at < 70001 ? n - at : 70001), 0);
	}
	assert_int_equal(ledger.calls, before);
	/* So are entries: alone, one by one, and as lines of a log. */
	enum { MOST = 5000 };
	struct clsf_entry *entries = calloc(2 * MOST, sizeof(*entries));
	assert_non_null(entries);
	size_t count = entries_of(log, n, NULL, entries, MOST);
	count += entries_of(log, n, s, entries + count, MOST);
	for (int round = 0; round < 6; round++) {
		if (round == 2)
			before = ledger.calls;
		assert_int_equal(clsf_scan_lines(w, NULL, entries, count, NULL), 0);
		for (size_t i = 0; i < 100; i++)
			assert_int_equal(clsf_scan_lines(w, NULL, &entries[i], 1, NULL), 0);
	}
	assert_int_equal(ledger.calls, before);
	free(entries);
	free(log);
	clsf_stream_free(s);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
	assert_int_equal(ledger.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_failure),
		cmocka_unit_test(test_steady_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
