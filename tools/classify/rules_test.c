/* SPDX-License-Identifier: Apache-2.0 */
/* `classify rules test`: every example of every rule, through the engine and through PCRE2 alone. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "load.h"
#include "rules.h"
#include "text.h"

struct trial {
	const struct clsf_rule *rule;
	bool hit;
	struct clsf_field *fields;
	size_t n_fields;
};

/* Keeps the captures of the rule on trial: they are only valid during the call. */
static int on_match(const struct clsf_match *m, void *user)
{
	struct trial *t = user;
	if (strcmp(m->rule->id, t->rule->id) != 0 || t->hit)
		return 0;
	t->hit = true;
	t->fields = calloc(m->n_fields + 1, sizeof(*t->fields));
	for (size_t i = 0; t->fields && i < m->n_fields; i++) {
		t->fields[i] = m->fields[i];
		t->fields[i].value = strndup(m->fields[i].value, m->fields[i].length);
		t->n_fields = i + 1;
	}
	return 0;
}

static void trial_done(struct trial *t)
{
	for (size_t i = 0; i < t->n_fields; i++)
		free((char *)(uintptr_t)t->fields[i].value);
	free(t->fields);
}

struct engine_under_test {
	const char *name;
	struct clsf_ruleset *ruleset;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	struct trial trial;
};

static void print_failure(const struct clsf_rule *rule, const struct clsf_example *e, const char *engine,
                          const char *what)
{
	struct text t = { 0 };
	text_add_visible(&t, e->text, e->length);
	printf("%s:%u: %s: %s (%s)\n    %.*s\n", rule->file, e->line, rule->id, what, engine, (int)t.length,
	       t.data ? t.data : "");
	text_free(&t);
}

/* The captures must be those promised, no more and no fewer, if any are promised. */
static bool compare_fields(const struct clsf_rule *rule, const struct clsf_example *e,
                           const struct engine_under_test *engine)
{
	const struct trial *t = &engine->trial;
	bool good = true;
	if (e->n_fields == 0)
		return true;
	for (size_t i = 0; i < e->n_fields; i++) {
		const struct clsf_field *found = NULL;
		for (size_t k = 0; k < t->n_fields; k++)
			if (strcmp(t->fields[k].name, e->field_names[i]) == 0)
				found = &t->fields[k];
		if (found && strlen(e->field_values[i]) == found->length &&
		    memcmp(e->field_values[i], found->value, found->length) == 0)
			continue;
		char what[256];
		snprintf(what, sizeof(what), "captures %s='%.60s', the example promises '%.60s'",
		         e->field_names[i], found ? found->value : "(nothing)", e->field_values[i]);
		print_failure(rule, e, engine->name, what);
		good = false;
	}
	for (size_t k = 0; k < t->n_fields; k++) {
		bool promised = false;
		for (size_t i = 0; i < e->n_fields; i++)
			promised = promised || strcmp(e->field_names[i], t->fields[k].name) == 0;
		if (promised)
			continue;
		char what[256];
		snprintf(what, sizeof(what), "captures %s='%.60s', which the example does not promise",
		         t->fields[k].name, t->fields[k].value);
		print_failure(rule, e, engine->name, what);
		good = false;
	}
	return good;
}

static bool run_example(struct engine_under_test *engine, const struct clsf_rule *rule,
                        const struct clsf_example *e)
{
	const struct clsf_verdict *verdict;
	engine->trial = (struct trial){ .rule = rule };
	clsf_stream_reset(engine->stream);
	if (clsf_stream_feed(engine->stream, engine->worker, e->text, e->length) < 0 ||
	    clsf_stream_finish(engine->stream, engine->worker, &verdict) < 0) {
		print_failure(rule, e, engine->name, "the scan failed");
		trial_done(&engine->trial);
		return false;
	}
	bool good = engine->trial.hit == (e->must_match != 0);
	if (!good)
		print_failure(rule, e, engine->name,
		              e->must_match ? "does not match its example" : "matches what it must reject");
	else if (e->must_match)
		good = compare_fields(rule, e, engine);
	trial_done(&engine->trial);
	return good;
}

static bool start_engine(struct engine_under_test *engine)
{
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.on_match = on_match;
	options.user = &engine->trial;
	return clsf_worker_new(engine->ruleset, NULL, &engine->worker) == 0 &&
	       clsf_stream_new(engine->ruleset, &options, &engine->stream) == 0;
}

static void stop_engine(struct engine_under_test *engine)
{
	clsf_stream_free(engine->stream);
	clsf_worker_free(engine->worker);
}

static void test_rules(struct clsf_ruleset *rs, const struct list *paths, struct outcome *o)
{
	/* The same rules without the engine; their faults were told already. */
	struct outcome ignored = { 0 };
	struct load_options load = { .paths = paths, .engine = CLSF_ENGINE_PCRE2, .silent = true };
	struct engine_under_test engines[2] = {
		{ .name = clsf_engine_version(), .ruleset = rs },
		{ .name = "pcre2 alone" },
	};
	engines[1].ruleset = load_rules(&load, &ignored);
	size_t passed = 0, failed = 0, rules = clsf_ruleset_count(rs);
	for (size_t e = 0; e < 2; e++) {
		if (!engines[e].ruleset)
			continue;
		if (!start_engine(&engines[e])) {
			complain("out of memory");
			o->unread = true;
			continue;
		}
		for (size_t i = 0; i < rules; i++) {
			const struct clsf_rule *rule = clsf_ruleset_rule(rs, i);
			for (size_t k = 0; k < rule->n_examples; k++) {
				if (run_example(&engines[e], rule, &rule->examples[k]))
					passed++;
				else
					failed++;
			}
		}
		stop_engine(&engines[e]);
	}
	clsf_ruleset_unref(engines[1].ruleset);
	printf("%zu rules, %zu examples passed, %zu failed\n", rules, passed, failed);
	if (failed)
		o->failed = true;
}

int rules_test(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct list paths = { 0 };
	int c;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:o:h", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&paths, optarg);
			break;
		case 'o':
			rules_output_jsonl(optarg, o);
			break;
		case 'h':
			print_help("rules");
			return rules_end(&paths, o);
		default:
			wrong_option(o, "rules", c, argv);
			break;
		}
	}
	if (rules_no_arguments(argc, argv, o)) {
		struct load_options load = { .paths = &paths };
		struct clsf_ruleset *rs = load_rules(&load, o);
		if (rs)
			test_rules(rs, &paths, o);
		clsf_ruleset_unref(rs);
	}
	return rules_end(&paths, o);
}
