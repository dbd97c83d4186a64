/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules one by one: what their hashes know, and that a rule which matches
 * nothing in a log has no part in its verdict.
 */

#include "support.h"

#define N_RULES 14

static const char *const rules[N_RULES] = {
	"{id: dns, title: 'No name ${host}', category: dns_failed, match: 'lookup (?<host>\\S+): no such host', explains: [pull]}",
	"{id: disk, title: Disk, category: disk_full, match: 'no space left', unless: 'dry run'}",
	"{id: pull, title: Pull, category: image_pull_failed, role: symptom, match: 'pull failed'}",
	"{id: run, title: Run, category: build_step_failed, role: symptom, match: 'exit status \\d+', show: above}",
	"{id: hint, title: Hint, category: permission_denied, severity: low, match: 'not allowed'}",
	"{id: note, title: Note, category: unknown, severity: info, match: 'waiting', explains: ['*']}",
	"{id: begin, title: Begin, role: start, match: '^start of (?<job>\\w+)'}",
	"{id: end, title: End, role: failure, match: '^job failed'}",
	"{id: good, title: Good, role: success, match: '^pushed image'}",
	"{id: pair, title: Pair, category: timeout, match: {sequence: ['waiting for (?<what>\\w+)', 'gave up'], within: 3 lines}}",
	"{id: many, title: Many, category: rate_limited, match: {count: 3, of: 'slow down', within: 5 lines}}",
	"{id: both, title: Both, category: tls_invalid, match: {all: [{regex: 'left half', show: true}, 'right half'], within: 4 lines}}",
	"{id: over, title: Over, category: unknown, match: {regex: 'gave.*\\n(?:.*\\n)?exit', lines: 5}}",
	"{id: calm, title: Calm, category: unknown, match: 'slow', unless: {regex: 'pushed', where: after, within: 3 lines}}",
};

static const char *const lines[] = {
	"lookup db.example: no such host\n", "no space left\n", "no space left (dry run)\n", "pull failed\n",
	"exit status 3\n", "this is not allowed\n", "start of build\n", "job failed\n", "pushed image x\n",
	"waiting for db\n", "gave up\n", "slow down\n", "the left half\n", "the right half\n", "a line\n",
	"level=error msg=\"it broke\"\n", "retrying: pull failed\n", "12:00:01 lookup x.example: no such host\n",
};

static struct clsf_ruleset *load(const char *const *texts, const bool *take, size_t n)
{
	char yaml[8192] = "pack: test\nrules:\n";
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(yaml);
		if (!take || take[i])
			snprintf(yaml + used, sizeof(yaml) - used, "  - %s\n", texts[i]);
	}
	return rules_of(yaml, CLSF_ENGINE_AUTO);
}

struct answer {
	char text[16384];
	char matched[1024];
	size_t n_matched;
};

/* All that the verdict says, but for the hash of the rules, and which rules matched. */
static void scan(struct clsf_ruleset *rs, const char *log, struct answer *a)
{
	struct clsf_worker *w;
	struct clsf_stream *s;
	const struct clsf_verdict *v;
	struct clsf_matched m;
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.context = 2;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &options, &s), 0);
	assert_int_equal(clsf_stream_feed(s, w, log, strlen(log)), 0);
	assert_int_equal(clsf_stream_finish(s, w, &v), 0);
	size_t n = (size_t)snprintf(a->text, sizeof(a->text), "%s %s %s [%s] %llu %.*s|%.*s|%.*s|%s|%zu\n",
	                            clsf_outcome_name(v->outcome), v->category, v->rule ? v->rule->id : "", v->title,
	                            (unsigned long long)v->line.number, (int)v->line.text_length,
	                            v->line.text ? v->line.text : "", (int)v->before_length, v->before,
	                            (int)v->after_length, v->after, v->fingerprint, v->n_fields);
	for (size_t i = 0; i < v->n_also; i++)
		n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, "%s %llu %s %llu\n", v->also[i].rule->id,
		                      (unsigned long long)v->also[i].count, v->also[i].why_not,
		                      (unsigned long long)v->also[i].line.number);
	for (size_t i = 0; i < v->n_telling; i++)
		n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, "%.*s\n", (int)v->telling[i].text_length,
		                      v->telling[i].text);
	for (size_t i = 0; i < v->n_warnings; i++)
		n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, "%s\n", v->warnings[i].message);
	a->matched[0] = '\0';
	for (a->n_matched = 0; clsf_stream_matched(s, a->n_matched, &m) == 0; a->n_matched++) {
		size_t used = strlen(a->matched);
		assert_true(m.count >= 1 && m.first_line >= 1 && m.first_line <= m.last_line);
		snprintf(a->matched + used, sizeof(a->matched) - used, "%s:%llu:%llu-%llu ", m.rule->id,
		         (unsigned long long)m.count, (unsigned long long)m.first_line,
		         (unsigned long long)m.last_line);
	}
	clsf_stream_free(s);
	clsf_worker_free(w);
}

/*
 * For random logs and random sets of rules: whenever those that were taken out
 * match nothing by themselves, the verdict without them is the verdict with them.
 */
static void test_no_part(void **state)
{
	(void)state;
	static struct answer with, without, alone;
	uint64_t random = 20261;
	size_t silent = 0, loud = 0;
	struct clsf_ruleset *all = load(rules, NULL, N_RULES);
	for (int round = 0; round < 150; round++) {
		bool keep[N_RULES];
		size_t out[N_RULES], rest[N_RULES], n_out = 0, n_rest = 0;
		for (size_t i = 0; i < N_RULES; i++) {
			keep[i] = random_below(&random, 4) != 0;
			if (keep[i])
				rest[n_rest++] = i;
			else
				out[n_out++] = i;
		}
		struct clsf_ruleset *changed, *left, *read = load(rules, keep, N_RULES);
		assert_int_equal(clsf_ruleset_subset(all, out, n_out, CLSF_ENGINE_LITERALS, &changed, NULL), 0);
		assert_int_equal(clsf_ruleset_subset(all, rest, n_rest, CLSF_ENGINE_AUTO, &left, NULL), 0);
		assert_int_equal(clsf_ruleset_count(changed), n_out);
		assert_string_equal(clsf_ruleset_hash(left), clsf_ruleset_hash(read));
		for (int k = 0; k < 20; k++) {
			char log[2048] = "";
			size_t used = 0;
			for (unsigned i = 0, n = 1 + random_below(&random, 12); i < n; i++)
				used += (size_t)snprintf(log + used, sizeof(log) - used, "%s",
				                         lines[random_below(&random, sizeof(lines) / sizeof(lines[0]))]);
			scan(changed, log, &alone);
			scan(all, log, &with);
			scan(left, log, &without);
			if (alone.n_matched == 0) {
				silent++;
				assert_string_equal(with.text, without.text);
				assert_string_equal(with.matched, without.matched);
			} else {
				loud++;
				assert_string_not_equal(with.matched, without.matched);
			}
			scan(read, log, &with);
			assert_string_equal(with.text, without.text);
		}
		clsf_ruleset_unref(changed);
		clsf_ruleset_unref(left);
		clsf_ruleset_unref(read);
	}
	assert_true(silent > 500 && loud > 500);
	clsf_ruleset_unref(all);
}

static void test_matched(void **state)
{
	(void)state;
	static struct answer a;
	struct clsf_ruleset *rs = load(rules, NULL, N_RULES);
	/* Markers count, as does what was recovered from; half of a sequence does not. */
	scan(rs, "start of x\npull failed\npull failed\npushed image\nleft half\n", &a);
	assert_int_equal(a.n_matched, 3);
	assert_non_null(strstr(a.matched, "pull:2:2-3 "));
	assert_non_null(strstr(a.matched, "good:1:4-4 "));
	assert_non_null(strstr(a.matched, "begin:1:1-1 "));
	clsf_ruleset_unref(rs);
}

struct edit {
	const char *rule;
	bool condition, whole;       /* whether that hash stays */
};

static void test_hashes(void **state)
{
	(void)state;
	static const char base[] =
		"{id: a, title: T, category: unknown, match: 'x+', unless: 'y', runbook: {cause: c}, examples: {match: [x]}}";
	static const struct edit edits[] = {
		{ base, true, true },
		{ "{match: 'x+', examples: {match: [xx], reject: [z]}, unless: y, id: a, title: T, category: unknown, runbook: {cause: c}}", true, true },
		{ "{id: a, title: T, category: unknown, match: 'x*', unless: 'y', runbook: {cause: c}}", false, false },
		{ "{id: a, title: T, category: unknown, match: 'x+', runbook: {cause: c}}", false, false },
		{ "{id: a, title: T, category: unknown, match: 'x+', unless: {regex: y, within: 2 lines}, runbook: {cause: c}}", false, false },
		{ "{id: a, title: T, category: unknown, match: {all: ['x+', 'x+'], within: 3 lines}, unless: 'y', runbook: {cause: c}}", false, false },
		{ "{id: b, title: T, category: unknown, match: 'x+', unless: 'y', runbook: {cause: c}}", true, false },
		{ "{id: a, title: U, category: unknown, match: 'x+', unless: 'y', runbook: {cause: c}}", true, false },
		{ "{id: a, title: T, category: timeout, match: 'x+', unless: 'y', runbook: {cause: c}}", true, false },
		{ "{id: a, title: T, category: unknown, match: 'x+', unless: 'y', runbook: {cause: d}}", true, false },
		{ "{id: a, title: T, category: unknown, severity: low, match: 'x+', unless: 'y', runbook: {cause: c}}", true, false },
		{ "{id: a, title: T, category: unknown, match: 'x+', unless: 'y', runbook: {cause: c}, explains: [q]}", true, false },
		{ "{id: a, title: T, category: unknown, match: 'x+', unless: 'y', runbook: {cause: c}, show: above}", true, false },
		{ "{id: a, title: T, category: unknown, role: symptom, match: 'x+', unless: 'y', runbook: {cause: c}}", true, false },
	};
	char condition[65], whole[65], other_condition[65], other_whole[65];
	const char *texts[2] = { base, "{id: z, title: Z, category: unknown, match: q}" };
	struct clsf_ruleset *rs = load(texts, NULL, 1), *both = load(texts, NULL, 2);
	assert_int_equal(clsf_ruleset_rule_hash(rs, 0, condition, whole), 0);
	assert_int_equal(strlen(condition), 64);
	assert_string_not_equal(condition, whole);
	/* Its neighbours are nothing to a rule. */
	assert_int_equal(clsf_ruleset_rule_hash(both, 0, other_condition, other_whole), 0);
	assert_string_equal(condition, other_condition);
	assert_string_equal(whole, other_whole);
	assert_int_equal(clsf_ruleset_rule_hash(rs, 1, condition, whole), CLSF_E_LIMIT);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		struct clsf_ruleset *edited = load(&edits[i].rule, NULL, 1);
		assert_int_equal(clsf_ruleset_rule_hash(edited, 0, other_condition, other_whole), 0);
		if ((strcmp(condition, other_condition) == 0) != edits[i].condition ||
		    (strcmp(whole, other_whole) == 0) != edits[i].whole)
			fail_msg("edit %zu", i);
		clsf_ruleset_unref(edited);
	}
	clsf_ruleset_unref(rs);
	clsf_ruleset_unref(both);
}

static void test_misuse(void **state)
{
	(void)state;
	char hash[65];
	size_t index = 0;
	struct clsf_matched m;
	struct clsf_stream *s;
	struct clsf_ruleset *rs = load(rules, NULL, 1), *some = NULL;
	struct clsf_error error = { 0 };
	assert_int_equal(clsf_stream_new(rs, NULL, &s), 0);
	assert_int_equal(clsf_ruleset_subset(rs, &(size_t){ 1 }, 1, CLSF_ENGINE_AUTO, &some, &error), CLSF_E_LIMIT);
	assert_non_null(strstr(error.message, "number 1"));
	assert_null(some);
	assert_int_equal(clsf_ruleset_subset(rs, NULL, 0, CLSF_ENGINE_AUTO, &some, &error), 0);
	assert_int_equal(clsf_ruleset_count(some), 0);
	assert_int_equal(clsf_ruleset_subset(NULL, &index, 1, CLSF_ENGINE_AUTO, &some, &error), CLSF_E_INVALID);
	assert_int_equal(clsf_ruleset_subset(rs, NULL, 1, CLSF_ENGINE_AUTO, &some, &error), CLSF_E_INVALID);
	assert_int_equal(clsf_ruleset_subset(rs, &index, 1, CLSF_ENGINE_AUTO, NULL, &error), CLSF_E_INVALID);
	assert_int_equal(clsf_ruleset_rule_hash(NULL, 0, hash, hash), CLSF_E_INVALID);
	assert_int_equal(clsf_ruleset_rule_hash(rs, 0, NULL, hash), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_matched(NULL, 0, &m), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_matched(s, 0, NULL), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_matched(s, 0, &m), CLSF_E_INVALID);   /* not finished */
	clsf_stream_free(s);
	clsf_ruleset_unref(some);
	clsf_ruleset_unref(rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_part), cmocka_unit_test(test_matched),
		cmocka_unit_test(test_hashes),  cmocka_unit_test(test_misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
