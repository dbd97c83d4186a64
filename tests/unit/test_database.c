/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled form: a ruleset that was saved and restored answers as the one
 * it was made of; what is cut, flipped or rewritten is refused or compiled
 * anew, and never crashes.
 */

#include "../../libclassify/digest.h"
#include "support.h"

static const char rules[] =
	"pack: test\n"
	"rules:\n"
	"  - {id: dns, title: 'No name ${host}', category: dns_failed, match: 'lookup (?<host>\\S+): no such host', explains: ['p*'], runbook: {cause: c, fix: 'dig ${host}', prevent: p, url: 'https://x.example'}, examples: {match: [{line: 'lookup a.example: no such host', fields: {host: a.example}}], reject: [x]}}\n"
	"  - {id: pull, title: Pull, category: image_pull_failed, role: symptom, match: {text: 'pull (failed)'}, unless: 'retry'}\n"
	"  - {id: run, title: Run, category: build_step_failed, role: symptom, severity: low, match: '^exit status \\d+$', show: above}\n"
	"  - {id: pair, title: Pair, category: timeout, match: {any: [{sequence: [{regex: 'waiting for (?<what>\\w+)', show: true}, '^\\d+$'], within: 3 lines}, {count: 2, of: 'slow', within: 5 lines}]}}\n"
	"  - {id: good, title: Good, role: success, match: '(?i)^pushed'}\n"
	"  - {id: odd, title: Odd, category: unknown, severity: info, match: '\\d+:\\d+'}\n"
	"  - {id: near, title: Near, category: unknown, match: {all: [boom, pushed], within: 5s}, unless: [{regex: never, where: after, within: 3 lines}, {field: {x: y}, within: 9s or 5 lines}]}\n"
	"  - {id: part, title: Part, category: unknown, match: {field: {'a.b': '^al\"p (?<z>.)', n: 5, level: error}}}\n"
	"  - {id: over, title: Over, category: unknown, match: {regex: 'boom.*\\n(?:.*\\n)?10', lines: 5}}\n"
	"  - cre: {id: CRE-2026-0001, title: 'T ${x}', severity: 2, references: [x, y]}\n"
	"    rule: {sequence: {window: 9s, order: [{value: pushed, count: 2}, {value: boom}], negate: [{regex: 'never', window: 5s}]}}\n"
	"  - cre: {id: CRE-2026-0002, title: t, severity: 1}\n"
	"    rule: {set: {match: [{regex: 'exit status.*then this'}]}}\n";

static const char log_text[] =
	"pushed\nwaiting for db\n12\nlookup r.example: no such host\npull (failed)\nboom: error\nexit status 3\n10:11\n"
	"{\"level\":\"error\",\"a\":{\"b\":\"al\\\"p q\"},\"n\":5}\nit is pushed, is pushed\n2026-03-01T10:00:00Z boom, exit status 4\nand then this\n";

struct bytes {
	char *data;
	size_t length;
};

static int keep(const void *data, size_t length, void *user)
{
	struct bytes *b = user;
	b->data = realloc(b->data, b->length + length);
	assert_non_null(b->data);
	memcpy(b->data + b->length, data, length);
	b->length += length;
	return 0;
}

static int count_matches(const struct clsf_match *m, void *user)
{
	char *out = user;
	size_t n = strlen(out);
	snprintf(out + n, 4096 - n, "%s@%llu ", m->rule->id, (unsigned long long)m->line.number);
	return 0;
}

/* Everything that a ruleset says of the log. */
static void answer(struct clsf_ruleset *rs, char out[8192])
{
	char matches[4096] = "";
	struct clsf_worker *w;
	struct clsf_stream *s;
	const struct clsf_verdict *v;
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.on_match = count_matches;
	options.user = matches;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &options, &s), 0);
	assert_int_equal(clsf_stream_feed(s, w, log_text, sizeof(log_text) - 1), 0);
	assert_int_equal(clsf_stream_finish(s, w, &v), 0);
	snprintf(out, 8192, "%s %s %s %s %s %llu %s| %s| %zu %zu %s", clsf_outcome_name(v->outcome), v->category,
	         v->rule ? v->rule->id : "", v->title, v->fix, (unsigned long long)v->line.number, matches,
	         v->n_also ? v->also[0].why_not : "", clsf_ruleset_count(rs), clsf_ruleset_quarantined(rs),
	         clsf_ruleset_hash(rs));
	clsf_stream_free(s);
	clsf_worker_free(w);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct clsf_ruleset *rs = rules_of(rules, CLSF_ENGINE_AUTO), *restored;
	struct bytes first = { 0 }, second = { 0 };
	char before[8192], after[8192];
	struct clsf_error error;
	assert_int_equal(clsf_ruleset_save(rs, keep, &first), 0);
	assert_int_equal(clsf_ruleset_restore(NULL, first.data, first.length, &restored, &error), 0);
	answer(rs, before);
	answer(restored, after);
	assert_string_equal(after, before);
	assert_non_null(strstr(before, "part@9 "));
	assert_non_null(strstr(before, "over@8 "));
	assert_non_null(strstr(before, "CRE-2026-0002@12 "));
	/* The rule is told in full. */
	const struct clsf_rule *a = clsf_ruleset_find(rs, "dns"), *b = clsf_ruleset_find(restored, "dns");
	assert_string_equal(a->url, b->url);
	assert_int_equal(a->line, b->line);
	assert_int_equal(b->n_examples, 2);
	assert_string_equal(b->examples[0].field_values[0], "a.example");
	assert_string_equal(b->expressions[0], a->expressions[0]);
	/* What is restored is saved as the same bytes. */
	assert_int_equal(clsf_ruleset_save(restored, keep, &second), 0);
	assert_int_equal(second.length, first.length);
	assert_memory_equal(second.data, first.data, first.length);
	clsf_ruleset_unref(rs);
	clsf_ruleset_unref(restored);
	free(first.data);
	free(second.data);
}

/* Every cut, and a flipped bit anywhere, is told: nothing is restored from it. */
static void test_damage(void **state)
{
	(void)state;
	struct clsf_ruleset *rs = rules_of(rules, CLSF_ENGINE_AUTO), *restored = NULL;
	struct bytes b = { 0 };
	assert_int_equal(clsf_ruleset_save(rs, keep, &b), 0);
	for (size_t n = 0; n < b.length; n += n < 400 ? 1 : 97) {
		char *cut = malloc(n ? n : 1);
		memcpy(cut, b.data, n);
		assert_int_equal(clsf_ruleset_restore(NULL, cut, n, &restored, NULL), CLSF_E_SYNTAX);
		free(cut);
	}
	for (size_t i = 0; i < b.length; i += i < 400 ? 1 : 31) {
		b.data[i] ^= 1 << (i % 8);
		assert_int_equal(clsf_ruleset_restore(NULL, b.data, b.length, &restored, NULL), CLSF_E_SYNTAX);
		b.data[i] ^= 1 << (i % 8);
	}
	assert_null(restored);
	clsf_ruleset_unref(rs);
	free(b.data);
}

#define HEAD 32

static void sign(struct bytes *b)
{
	uint64_t sum = clsf__checksum(b->data + HEAD, b->length - HEAD);
	for (int i = 0; i < 8; i++)
		b->data[24 + i] = (char)(sum >> (8 * i));
}

/* Changes under a checksum that is right again: whatever comes of it, no crash and nothing leaked. */
static void test_lies(void **state)
{
	(void)state;
	struct clsf_ruleset *rs = rules_of(rules, CLSF_ENGINE_AUTO);
	struct bytes b = { 0 };
	uint64_t rng = 99;
	size_t refused = 0, restored_count = 0;
	assert_int_equal(clsf_ruleset_save(rs, keep, &b), 0);
	for (int round = 0; round < 1500; round++) {
		struct bytes copy = { malloc(b.length), b.length };
		memcpy(copy.data, b.data, b.length);
		unsigned changes = 1 + random_below(&rng, 3);
		for (unsigned i = 0; i < changes; i++) {
			/* Mostly in the rules, which come first. */
			size_t limit = random_below(&rng, 4) ? 4000 : b.length - HEAD;
			size_t at = HEAD + random_below(&rng, (unsigned)(limit < b.length - HEAD ? limit : b.length - HEAD));
			copy.data[at] = random_below(&rng, 2) ? (char)random_below(&rng, 256) : (char)(copy.data[at] ^ 1);
		}
		sign(&copy);
		struct clsf_ruleset *restored;
		if (clsf_ruleset_restore(NULL, copy.data, copy.length, &restored, NULL) >= 0) {
			restored_count++;
			struct clsf_worker *w;
			struct clsf_stream *s;
			const struct clsf_verdict *v;
			if (clsf_worker_new(restored, NULL, &w) == 0) {
				assert_int_equal(clsf_stream_new(restored, NULL, &s), 0);
				(void)clsf_stream_feed(s, w, log_text, sizeof(log_text) - 1);
				(void)clsf_stream_finish(s, w, &v);
				clsf_stream_free(s);
				clsf_worker_free(w);
			}
			clsf_ruleset_unref(restored);
		} else {
			refused++;
		}
		free(copy.data);
	}
	assert_true(refused > 100 && restored_count > 100);
	clsf_ruleset_unref(rs);
	free(b.data);
}

/* Made for another processor: compiled anew from the rules beside it, with the same answers. */
static void test_other_platform(void **state)
{
	(void)state;
	struct clsf_ruleset *rs = rules_of(rules, CLSF_ENGINE_AUTO), *restored;
	struct bytes b = { 0 };
	char before[8192], after[8192];
	assert_int_equal(clsf_ruleset_save(rs, keep, &b), 0);
	char *tune = memmem(b.data, b.length, "; tune ", 7);
	assert_non_null(tune);
	tune[7] ^= 1;
	sign(&b);
	assert_int_equal(clsf_ruleset_restore(NULL, b.data, b.length, &restored, NULL), CLSF_RECOMPILED);
	answer(rs, before);
	answer(restored, after);
	assert_string_equal(after, before);
	clsf_ruleset_unref(rs);
	clsf_ruleset_unref(restored);
	free(b.data);
}

/* Names, contents and options make the key; faults and the order of calls beyond that do not. */
static void test_key(void **state)
{
	(void)state;
	char keys[4][65];
	for (int i = 0; i < 4; i++) {
		struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
		struct clsf_loader *l;
		struct clsf_ruleset *rs;
		options.defer = 1;
		options.match_limit = i == 3 ? 5000 : 0;
		assert_int_equal(clsf_loader_new(&options, &l), 0);
		assert_int_equal(clsf_loader_add_buffer(l, i == 2 ? "b" : "a", rules, sizeof(rules) - 1, NULL), 0);
		assert_int_equal(clsf_loader_key(l, keys[i]), 0);
		assert_int_equal(clsf_loader_compile(l, &rs, NULL), 0);
		assert_int_equal(clsf_ruleset_count(rs), 11);
		clsf_ruleset_unref(rs);
		clsf_loader_free(l);
	}
	assert_string_equal(keys[0], keys[1]);
	assert_string_not_equal(keys[0], keys[2]);
	assert_string_not_equal(keys[0], keys[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_other_platform),
		cmocka_unit_test(test_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
