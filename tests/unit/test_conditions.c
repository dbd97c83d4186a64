/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of several lines over random logs: windows in time and lines,
 * ranges of `unless`, fields, expressions over lines, folded entries. However
 * the log is cut and whichever engine looks for candidates, the matches, their
 * order and the verdict are the same (invariants 1 and 2).
 */

#include <stdlib.h>

#include "support.h"

static const char rules[] =
	"pack: test\n"
	"rules:\n"
	"  - {id: near, title: N, category: timeout, match: {all: ['alpha (?<a>\\d)', 'beta'], within: 5s}}\n"
	"  - {id: order, title: O, category: timeout, match: {sequence: ['alpha', {any: [beta, gamma]}, 'delta (?<d>\\d)'], within: 20s or 6 lines}}\n"
	"  - {id: often, title: C, category: timeout, match: {count: 3, of: beta, within: 9s}}\n"
	"  - {id: deep, title: D, category: timeout, match: {all: [{count: 2, of: alpha}, {sequence: [beta, gamma]}], within: 12 lines}}\n"
	"  - {id: after, title: A, category: timeout, match: 'gamma (?<g>\\d)', unless: {regex: 'delta', within: 3 lines, where: after}}\n"
	"  - {id: before, title: B, category: timeout, match: 'gamma', unless: [{text: alpha, within: 8s, where: before}, 'gamma 3']}\n"
	"  - {id: around, title: R, category: timeout, match: {sequence: [gamma, delta], within: 9 lines}, unless: {regex: 'epsilon', within: 7s, where: around}}\n"
	"  - {id: open, title: P, category: timeout, match: 'zeta', unless: {regex: 'omega', where: after}}\n"
	"  - {id: field, title: F, category: timeout, match: {field: {code: '^[12]$', what: 'al\"pha'}}}\n"
	"  - {id: level, title: L, category: timeout, match: {field: {level: '^error$', msg: 'beta'}}}\n"
	"  - {id: lines, title: M, category: timeout, match: {regex: 'alpha (?<n>\\d)\\n(?:.*\\n){0,3}delta', lines: 5}}\n"
	"  - {id: pair, title: Q, category: timeout, match: {sequence: [{regex: 'beta \\d\\n.*gamma', lines: 2}, {field: {code: '.'}}], within: 10 lines}}\n"
	"  - {id: good, title: G, role: success, match: '^all done'}\n"
	"  - {id: process, title: P, category: timeout, match: {field: {processName: 'Main\\w+[0-9]'}}}\n"
	"  - {id: slash, title: S, category: timeout, match: {field: {'a[\"b/c\"]': 'alpha/[12]'}}}\n"
	"  - cre: {id: CRE-2026-0001, title: T, severity: 1}\n"
	"    rule: {sequence: {window: 15s, order: [{value: alpha, count: 2}, {regex: 'beta.*delta'}], negate: [{value: epsilon, anchor: 1, window: 4s}, {regex: 'omeg[a]', slide: -5s, window: 3s, absolute: true}]}}\n"
	"  - cre: {id: CRE-2026-0002, title: U, severity: 2}\n"
	"    rule: {set: {window: 10s, match: [{regex: 'gamma.+gamma'}, {field: code, regex: '^[0-3]$|delta [12]'}, {value: zeta}, {jq: '.code == 1 or (.what // \"x\") != \"y\"'}]}}\n";

/* ---- logs ---- */

struct text {
	char *data;
	size_t length, size;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	t->length += (size_t)vsnprintf(t->data + t->length, t->size - t->length, format, arguments);
	va_end(arguments);
	assert_true(t->length < t->size);
}

/* A log of words, in one of several dresses, whose clock moves on now and then. */
static void make_log(struct text *t, uint64_t *rng)
{
	static const char *const words[] = { "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "omega", "other" };
	unsigned second = random_below(rng, 50), dress = random_below(rng, 5), n = 5 + random_below(rng, 60);
	t->length = 0;
	for (unsigned i = 0; i < n; i++) {
		const char *word = words[random_below(rng, 8)];
		unsigned digit = random_below(rng, 4);
		second += random_below(rng, 3) ? 0 : random_below(rng, 6);
		char stamp[64] = "";
		if (dress && random_below(rng, 4))
			snprintf(stamp, sizeof(stamp), "2026-03-01T10:%02u:%02u.0Z ", second / 60 % 60, second % 60);
		switch (random_below(rng, 12)) {
		case 9:
			add(t, "[2026-03-01 10:%02u:%02u,123: ERROR/MainProcess%u] %s %u\n", second / 60 % 60, second % 60,
			    digit, word, digit);
			break;
		case 10:
			add(t, "%s{\"a\":{\"b\\/c\":\"%s\\/%u\"}}\n", stamp, word, digit);
			break;
		case 11:
			/* Words that only stand on one line when the lines of an entry are joined. */
			add(t, "%s%.*s\n%s\n", stamp, 3, word, word + 3);
			break;
		case 0:
			add(t, "%s{\"level\":\"%s\",\"code\":%u,\"what\":\"al\\\"pha\",\"msg\":\"%s %u\"}\n", stamp,
			    digit ? "error" : "info", digit, word, digit);
			break;
		case 1:
			add(t, "time=\"2026-03-01T10:%02u:%02uZ\" level=error msg=\"%s \\\"%u\\\"\" code=%u\n", second / 60 % 60,
			    second % 60, word, digit, digit);
			break;
		case 2:
			add(t, "  %s %u\r\n", word, digit);
			break;
		case 3:
			add(t, "%s\n", random_below(rng, 8) ? "" : "all done");
			break;
		case 4:
			add(t, "%s\x1b[31m%s %u\x1b[0m %s\n", stamp, word, digit, words[random_below(rng, 8)]);
			break;
		default:
			add(t, "%s%s %u\n", stamp, word, digit);
		}
	}
	if (random_below(rng, 2))
		t->length--;
}

/* ---- what is told of a log ---- */

static int note_match(const struct clsf_match *m, void *user)
{
	struct text *t = user;
	add(t, "%s %llu %llu %.*s", m->rule->id, (unsigned long long)m->line.number, (unsigned long long)m->line.offset,
	    (int)m->line.text_length, m->line.text);
	for (size_t i = 0; i < m->n_fields; i++)
		add(t, " %s=%.*s", m->fields[i].name, (int)m->fields[i].length, m->fields[i].value);
	add(t, "\n");
	return 0;
}

static void note_verdict(struct text *t, const struct clsf_verdict *v)
{
	add(t, "%s %s %llu %.*s\n", clsf_outcome_name(v->outcome), v->rule ? v->rule->id : "-",
	    (unsigned long long)v->line.number, (int)v->line.text_length, v->line.text ? v->line.text : "");
	for (size_t i = 0; i < v->n_also; i++)
		add(t, "%s %llu %llu %s\n", v->also[i].rule->id, (unsigned long long)v->also[i].line.number,
		    (unsigned long long)v->also[i].count, v->also[i].why_not);
	for (size_t i = 0; i < v->n_warnings; i++)
		if (v->warnings[i].code != CLSF_WARN_ENGINE_FALLBACK)
			add(t, "%s\n", v->warnings[i].message);
	add(t, "%.*s|%.*s\n", (int)v->before_length, v->before, (int)v->after_length, v->after);
}

struct scanner {
	struct clsf_ruleset *ruleset;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	struct text told;
};

static void open_scanner(struct scanner *s, enum clsf_engine engine, int no_unwrap)
{
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	s->told = (struct text){ .data = malloc(1 << 20), .size = 1 << 20 };
	options.on_match = note_match;
	options.user = &s->told;
	options.context = 2;
	options.no_unwrap = no_unwrap;
	s->ruleset = rules_of(rules, engine);
	assert_int_equal(clsf_worker_new(s->ruleset, NULL, &s->worker), 0);
	assert_int_equal(clsf_stream_new(s->ruleset, &options, &s->stream), 0);
}

static void close_scanner(struct scanner *s)
{
	clsf_stream_free(s->stream);
	clsf_worker_free(s->worker);
	clsf_ruleset_unref(s->ruleset);
	free(s->told.data);
}

/* Scans the log in pieces of at most `chunk` bytes, each of a random length. */
static const char *scan(struct scanner *s, const struct text *log, size_t chunk, uint64_t *rng)
{
	const struct clsf_verdict *v;
	s->told.length = 0;
	clsf_stream_reset(s->stream);
	for (size_t at = 0; at < log->length;) {
		size_t left = log->length - at;
		size_t n = 1 + random_below(rng, (unsigned)chunk);
		n = n < left ? n : left;
		assert_int_equal(clsf_stream_feed(s->stream, s->worker, log->data + at, n), 0);
		at += n;
	}
	assert_int_equal(clsf_stream_finish(s->stream, s->worker, &v), 0);
	note_verdict(&s->told, v);
	return s->told.data;
}

/* Two accounts of one log must not differ; the first line that does is told, with the log. */
static void check_same(const struct text *log, const char *is, const char *expected)
{
	size_t at = 0, start = 0;
	while (is[at] && is[at] == expected[at])
		if (is[at++] == '\n')
			start = at;
	if (is[at] != expected[at])
		fail_msg("is:       %.*s\nexpected: %.*s\nlog:\n%.*s", (int)strcspn(is + start, "\n"), is + start,
		         (int)strcspn(expected + start, "\n"), expected + start, (int)log->length, log->data);
}

static void check_cuts_and_engines(int no_unwrap, unsigned logs)
{
	struct scanner engines[3];
	open_scanner(&engines[0], CLSF_ENGINE_AUTO, no_unwrap);
	open_scanner(&engines[1], CLSF_ENGINE_PCRE2, no_unwrap);
	open_scanner(&engines[2], CLSF_ENGINE_LITERALS, no_unwrap);
	struct text log = { .data = malloc(1 << 16), .size = 1 << 16 };
	uint64_t rng = 11;
	size_t seen[32] = { 0 };
	for (unsigned i = 0; i < logs; i++) {
		make_log(&log, &rng);
		char *whole = strdup(scan(&engines[0], &log, 1 << 16, &rng));
		for (size_t e = 0; e < 3; e++) {
			check_same(&log, scan(&engines[e], &log, 1 << 16, &rng), whole);
			check_same(&log, scan(&engines[e], &log, 1, &rng), whole);
			check_same(&log, scan(&engines[e], &log, 1 + random_below(&rng, 200), &rng), whole);
		}
		for (size_t r = 0; r < clsf_ruleset_count(engines[0].ruleset); r++) {
			char line[64];
			snprintf(line, sizeof(line), "\n%s ", clsf_ruleset_rule(engines[0].ruleset, r)->id);
			seen[r] += strstr(whole, line) != NULL;
		}
		free(whole);
	}
	/* Nothing is proven by a rule that never matched. */
	for (size_t r = 0; r < clsf_ruleset_count(engines[0].ruleset); r++)
		if (seen[r] < 20 && !no_unwrap)
			fail_msg("%s matched in %zu logs only", clsf_ruleset_rule(engines[0].ruleset, r)->id, seen[r]);
	free(log.data);
	for (size_t e = 0; e < 3; e++)
		close_scanner(&engines[e]);
}

static void test_cuts_and_engines(void **state)
{
	(void)state;
	check_cuts_and_engines(0, 1500);
}

static void test_without_unwrapping(void **state)
{
	(void)state;
	check_cuts_and_engines(1, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts_and_engines),
		cmocka_unit_test(test_without_unwrapping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
