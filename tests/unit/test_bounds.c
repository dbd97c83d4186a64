/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a log can cost: logs that are made to be expensive are doubled, and what is done for them must not
 * grow faster than they do. Counted are the steps of PCRE2, its calls, and what is allocated; no clock.
 */

#include "support.h"

#include "../../libclassify/stream.h"

static const char rules[] =
	"pack: test\n"
	"rules:\n"
	"  - {id: a, title: 'T ${x}', category: disk_full, match: 'no space(?<x>\\W+\\w+)?', runbook: {cause: c, fix: 'run ${x}'}}\n"
	"  - {id: square, title: t, category: timeout, match: 'foo.*qux'}\n"
	"  - {id: cube, title: t, category: timeout, match: 'foo.*bar.*baz.*qux'}\n"
	"  - {id: power, title: t, category: timeout, match: '(?:a+)+b'}\n"
	"  - {id: words, title: t, category: timeout, match: 'say (?:\\w+\\s?)+ok'}\n"
	"  - {id: letters, title: t, category: timeout, match: 'größe.*maß'}\n"
	"  - {id: sequence, title: t, category: dns_failed, match: {sequence: [one, 'two \\d+', three], within: 100000 lines}}\n"
	"  - {id: all, title: t, category: tls_invalid, match: {all: [al, be, ga], within: 5s}}\n"
	"  - {id: count, title: t, category: disk_full, match: {count: 1000, of: 'alpha (?<v>\\w+)', within: 100000 lines}}\n"
	"  - {id: field, title: t, category: tool_bug, match: {field: {level: '^err', n: 5}}}\n"
	"  - {id: window, title: t, category: node_failed, match: {regex: 'START(?:.*\\n)*?.*END', lines: 200}}\n"
	"  - {id: cubed, title: t, category: node_failed, match: {regex: 'gap.*\\n(?:.*\\n)*mid.*\\n(?:.*\\n)*fin', lines: 200}}\n"
	"  - {id: excused, title: t, category: timeout, match: hitme, unless: [{regex: excuse, where: around, within: 1000 lines}]}\n"
	"  - {id: begins, title: t, role: start, match: 'begin (?<job>.*)'}\n"
	"  - {id: fails, title: t, role: failure, match: '^failed'}\n";

/* A log is `before`, then `again` over and over (a %u in it becomes a number), then `behind`. */
struct hostile {
	const char *name, *before, *again, *behind;
};

static const struct hostile logs[] = {
	{ "candidates on one line", "", "no space one two 5 three al be ga ", "\n" },
	{ "starts of a match that never comes", "qux ", "foo x ", "\n" },
	{ "the same with three parts", "qux ", "foo bar baz x ", "\n" },
	{ "repetitions in repetitions", "b ", "aaaaaaaa", "\n" },
	{ "words", "ok ", "say ab cd ", "\n" },
	{ "characters", "ma\xc3\x9f ", "gr\xc3\xb6\xc3\x9f" "e x ", "\n" },
	{ "characters that are none", "ma\xc3\x9f \xff", "gr\xc3\xb6\xc3\x9f" "e x ", "\n" },
	{ "JSON in JSON", "", "{\"a\":", "1\n" },
	{ "arrays", "", "[", "\n" },
	{ "members", "{", "\"k%u\":%u,", "\"level\":\"err\",\"n\":5}\n" },
	{ "pairs", "", "a=\"b\" level=err n=5 ", "\n" },
	{ "quotes", "", "a=\"", "\n" },
	{ "backslashes", "msg=\"", "\\", "\n" },
	{ "escape sequences", "", "\x1b[31m\x1b]", "no space\n" },
	{ "progress", "", "no space \r", "\n" },
	{ "progress in JSON", "{\"msg\":\"", "one \\r no space \\n", "\"}\n" },
	{ "wrappers", "", "2026-01-01T00:00:00.1Z stdout F ", "no space\n" },
	{ "times", "", "2026-01-01T00:00:00Z [x] ", "\n" },
	{ "hits", "", "no space left\n", "" },
	{ "captures", "", "no space v%u\n", "" },
	{ "captures that count", "", "alpha v%u\n", "" },
	{ "sequences", "", "one\ntwo %u\n", "" },
	{ "conditions beside each other", "", "alpha x\nhitme\none\nal\nbe\ntwo 5\nexcuse\nthree\n", "" },
	{ "excuses that may come", "", "hitme\n", "" },
	{ "windows that begin", "", "START\n", "" },
	{ "windows that end", "", "END\n", "" },
	{ "windows with three parts", "fin\n", "gap\nmid\n", "fin\n" },
	{ "starts", "", "begin %u\nno space\n", "" },
	{ "ends", "", "failed\nbegin %u\n", "" },
	{ "telling lines", "", "error: cannot find w%u\n", "failed\n" },
	{ "empty lines", "", "\n", "" },
};

struct work {
	uint64_t steps, calls, allocated;
};

static void *count_memory(void *context, void *pointer, size_t size)
{
	if (size == 0) {
		free(pointer);
		return NULL;
	}
	*(uint64_t *)context += size;
	return realloc(pointer, size);
}

static uint64_t no_clock(void *context)
{
	(void)context;
	return 0;
}

static size_t make(const struct hostile *h, size_t size, char **ret_log)
{
	char *log = malloc(size + 256);
	assert_non_null(log);
	size_t length = (size_t)snprintf(log, 64, "%s", h->before);
	for (unsigned n = 0; length < size; n++) {
		for (const char *p = h->again; *p; p++) {
			if (p[0] == '%' && p[1] == 'u')
				length += (size_t)snprintf(log + length, 16, "%u", n), p++;
			else
				log[length++] = *p;
		}
	}
	length += (size_t)snprintf(log + length, 64, "%s", h->behind);
	*ret_log = log;
	return length;
}

static struct work work_of(struct clsf_ruleset *ruleset, const struct hostile *h, size_t size)
{
	uint64_t allocated = 0;
	struct clsf_allocator allocator = { .reallocate = count_memory, .context = &allocated };
	struct clsf_worker_options worker_options = CLSF_WORKER_OPTIONS_INIT;
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	struct clsf_cost cost;
	const struct clsf_verdict *verdict;
	char *log;
	size_t length = make(h, size, &log);
	worker_options.clock = no_clock;
	options.context = 5;
	options.redact = 1;
	assert_int_equal(clsf_worker_new(ruleset, &worker_options, &worker), 0);
	options.allocator = &allocator;
	assert_int_equal(clsf_stream_new(ruleset, &options, &stream), 0);
	assert_int_equal(clsf_stream_feed(stream, worker, log, length), 0);
	assert_int_equal(clsf_stream_finish(stream, worker, &verdict), 0);
	struct work work = { .steps = clsf__runner_work(worker->runner), .allocated = allocated };
	for (size_t i = 0; clsf_worker_cost(worker, i, &cost, NULL) == 0; i++)
		work.calls += cost.judged;
	clsf_stream_free(stream);
	clsf_worker_free(worker);
	free(log);
	return work;
}

/* Twice as much, and a tenth; below the floor there is nothing to compare. */
static void at_most_twice(const char *log, const char *what, uint64_t before, uint64_t after, uint64_t floor)
{
	if (after > floor && (double)after > 2.2 * (double)(before > floor / 2 ? before : floor / 2))
		fail_msg("%s: %llu %s, and %llu for twice the log", log, (unsigned long long)before, what,
		         (unsigned long long)after);
}

static void test_doubled(void **state)
{
	(void)state;
	struct clsf_ruleset *ruleset = rules_of(rules, CLSF_ENGINE_LITERALS);
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		struct work last = { 0 };
		/* A text of many lines is looked at on each of them; up to 16 KiB steps are not counted. */
		size_t first = strstr(logs[i].name, "windows") ? 1024 : 32 * 1024;
		for (size_t size = first; size <= 4 * first; size *= 2) {
			struct work work = work_of(ruleset, &logs[i], size);
			if (last.calls || last.allocated) {
				at_most_twice(logs[i].name, "steps", last.steps, work.steps, 2000000);
				at_most_twice(logs[i].name, "calls", last.calls, work.calls, 100);
				at_most_twice(logs[i].name, "bytes allocated", last.allocated, work.allocated, 1000000);
			}
			last = work;
		}
	}
	clsf_ruleset_unref(ruleset);
}

/* One expression on one text: all steps together are bounded, and giving up is told. */
static void test_steps(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *before, *again;
		enum clsf__run run;
	} cases[] = {
		{ "foo.*qux", "qux ", "foo x ", CLSF__RUN_LIMIT },
		{ "foo.*bar.*baz.*qux", "qux ", "foo bar baz x ", CLSF__RUN_LIMIT },
		{ "(?:a+)+[bc]", "", "a", CLSF__RUN_LIMIT },
		{ "gr\xc3\xb6\xc3\x9f" "e.*[xy]", "\xff", "gr\xc3\xb6\xc3\x9f" "e ", CLSF__RUN_LIMIT },
		{ "foo.*ba[rt]", "", "foo baz ", CLSF__RUN_LIMIT },
		{ "foo \\d+ bar", "", "foo 12 baz ", CLSF__RUN_NO_MATCH },
		{ "foo[^\\n]*qux", "foo bar qux ", "foo bar ", CLSF__RUN_MATCH },
		{ "^x.*y$", "", "foo bar ", CLSF__RUN_NO_MATCH },
	};
	struct clsf_allocator a = clsf__allocator(NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t size = 32 * 1024; size <= 128 * 1024; size *= 4) {
			struct clsf__runner *runner;
			struct clsf__expression *e = clsf__expression_new(&a, cases[i].pattern, strlen(cases[i].pattern));
			struct hostile h = { "", cases[i].before, cases[i].again, "" };
			char *text;
			size_t start, end, length = make(&h, size, &text);
			assert_int_equal(clsf__runner_new(&a, 1000000, &runner), 0);
			assert_int_equal(clsf__run(runner, e, text, length, &start, &end), cases[i].run);
			uint64_t most = 64 * (uint64_t)length;
			most = most > 1000000 ? most : 1000000;
			/* The last step may be a long one. */
			assert_true(clsf__runner_work(runner) > most || cases[i].run != CLSF__RUN_LIMIT);
			assert_true(clsf__runner_work(runner) <= most + length + 1);
			clsf__runner_free(runner);
			clsf__expression_free(&a, e);
			free(text);
		}
	}
}

/*
 * One that goes back to each repetition: PCRE2 keeps them all, and has so much room for that, its compiled code less
 * than its interpreter.
 */
static void test_room(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		size_t good, bad;
	} cases[] = { { "^(?:(a)|b)*$", 2 * 1024, 128 * 1024 }, { "(*NO_JIT)^(?:(a)|b)*$", 2 * 1024, 1024 * 1024 } };
	struct clsf_allocator a = clsf__allocator(NULL);
	for (size_t i = 0; i < 4; i++) {
		const char *pattern = cases[i / 2].pattern;
		size_t start, end, size = i % 2 ? cases[i / 2].bad : cases[i / 2].good;
		struct clsf__runner *runner;
		struct clsf__expression *e = clsf__expression_new(&a, pattern, strlen(pattern));
		char *text = malloc(size);
		assert_non_null(text);
		for (size_t k = 0; k < size; k++)
			text[k] = k % 2 ? 'a' : 'b';
		assert_int_equal(clsf__runner_new(&a, 1000000, &runner), 0);
		assert_int_equal(clsf__run(runner, e, text, size, &start, &end), i % 2 ? CLSF__RUN_LIMIT : CLSF__RUN_MATCH);
		/* It is not the steps that end it. */
		assert_true(clsf__runner_work(runner) < 64 * (uint64_t)size);
		clsf__runner_free(runner);
		clsf__expression_free(&a, e);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_doubled), cmocka_unit_test(test_steps),
	                                    cmocka_unit_test(test_room) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
