/* SPDX-License-Identifier: Apache-2.0 */
/* `classify rules list|check|test`. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fault.h"
#include "help.h"
#include "load.h"
#include "text.h"

#define COMMON_BITS 15   /* below: a literal of the expression stands in many logs */

struct rules_options {
	struct list paths;
	bool jsonl;
	bool cost;
};

/* ---- list ---- */

static void list_json(const struct clsf_rule *rule)
{
	struct text t = { 0 };
	const char *const names[] = { "rule", "pack", "category", "role", "severity", "title", "file" };
	const char *const values[] = { rule->id, rule->pack, rule->category, clsf_role_name(rule->role),
		                       clsf_severity_name(rule->severity), rule->title, rule->file };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		text_addf(&t, "%s\"%s\":", i ? "," : "{", names[i]);
		if (i == 2 && !*values[i])
			text_adds(&t, "null");
		else
			text_add_json(&t, values[i], strlen(values[i]));
	}
	text_addf(&t, ",\"line\":%u,\"expressions\":[", rule->line);
	for (size_t i = 0; i < rule->n_expressions; i++) {
		if (i)
			text_adds(&t, ",");
		text_add_json(&t, rule->expressions[i], strlen(rule->expressions[i]));
	}
	text_adds(&t, "]}\n");
	fwrite(t.data, 1, t.length, stdout);
	text_free(&t);
}

static void list_rules(const struct clsf_ruleset *rs, const struct rules_options *options)
{
	for (size_t i = 0; i < clsf_ruleset_count(rs); i++) {
		const struct clsf_rule *rule = clsf_ruleset_rule(rs, i);
		if (options->jsonl) {
			list_json(rule);
			continue;
		}
		struct text t = { 0 };
		text_add_visible(&t, rule->title, strlen(rule->title));
		printf("%-44s %-26s %-8s %.*s\n", rule->id, *rule->category ? rule->category : "-",
		       clsf_role_name(rule->role), (int)t.length, t.data ? t.data : "");
		text_free(&t);
	}
}

/* ---- check ---- */

/* Every rule needs examples both ways: without them nobody knows what it matches. */
static size_t warn_of_examples(const struct clsf_ruleset *rs, bool brief)
{
	size_t warnings = 0;
	struct fault_printer printer = { .brief = brief };
	for (size_t i = 0; i < clsf_ruleset_count(rs); i++) {
		const struct clsf_rule *rule = clsf_ruleset_rule(rs, i);
		size_t positive = 0;
		for (size_t k = 0; k < rule->n_examples; k++)
			positive += rule->examples[k].must_match != 0;
		if (positive && positive < rule->n_examples)
			continue;
		struct clsf_error fault = { .line = rule->line, .column = 1 };
		snprintf(fault.file, sizeof(fault.file), "%s", rule->file);
		snprintf(fault.rule, sizeof(fault.rule), "%s", rule->id);
		snprintf(fault.message, sizeof(fault.message), "no example that %s",
		         rule->n_examples == 0 ? "matches, and none that must not"
		         : positive            ? "must not match"
		                               : "matches");
		fault_print(&printer, CLSF_FAULT_WARNING, &fault);
		warnings++;
	}
	fault_printer_done(&printer);
	return warnings;
}

static void check_rules(const struct clsf_ruleset *rs, const struct rules_options *options,
                        size_t warnings)
{
	size_t good = clsf_ruleset_count(rs);
	warnings += warn_of_examples(rs, options->jsonl);
	printf("%zu rule%s good, %zu left out, %zu warning%s\n", good, good == 1 ? "" : "s",
	       clsf_ruleset_quarantined(rs), warnings, warnings == 1 ? "" : "s");
}

/*
 * Names the expressions that cost more than others: every line is judged, or
 * what is looked for is common. A matter of speed, never of answers.
 */
static void check_cost(const struct clsf_ruleset *rs)
{
	static const char *const plans[] = { "unless", "literals", "relaxed", "gated", "always" };
	size_t count[5] = { 0 };
	struct clsf_expression e;
	for (size_t i = 0; clsf_ruleset_expression(rs, i, &e) == 0; i++) {
		count[e.plan]++;
		const char *why = e.plan == CLSF_PLAN_ALWAYS                          ? "every line is judged: no literal to look for"
		                  : e.plan == CLSF_PLAN_RELAXED && e.bits < COMMON_BITS ? "no telling literal; the engine runs a looser form"
		                                                                        : NULL;
		if (!why)
			continue;
		struct text t = { 0 };
		text_addf(&t, "%s:%u: %s: %s\n    ", e.rule->file, e.rule->line, e.rule->id, why);
		text_add_visible(&t, e.expression, strlen(e.expression));
		text_adds(&t, "\n");
		fwrite(t.data, 1, t.length, stdout);
		text_free(&t);
	}
	printf("expressions by the way their lines are found:");
	for (size_t i = 1; i < 5; i++)
		printf("%s %zu %s", i > 1 ? "," : "", count[i], plans[i]);
	printf("; %zu only in unless\n", count[0]);
}

/* ---- test ---- */

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

static void test_rules(struct clsf_ruleset *rs, const struct rules_options *options, struct outcome *o)
{
	/* The same rules without the engine; their faults were told already. */
	struct outcome ignored = { 0 };
	struct load_options load = { .paths = &options->paths, .engine = CLSF_ENGINE_PCRE2, .silent = true };
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

/* ---- the command ---- */

int command_rules(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'o' },
		{ "cost", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *verb = argc > 1 ? argv[1] : "";
	bool list = strcmp(verb, "list") == 0, check = strcmp(verb, "check") == 0,
	     test = strcmp(verb, "test") == 0;
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		print_help("rules");
		finish_output(o);
		return exit_status(o);
	}
	if (!list && !check && !test) {
		usage_error(o, "rules", "%s'%s': list, check or test", *verb ? "unknown verb " : "no verb ", verb);
		return exit_status(o);
	}
	struct rules_options options = { 0 };
	int c;
	optind = 1;
	while (!o->usage && (c = getopt_long(argc - 1, argv + 1, ":r:o:h", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&options.paths, optarg);
			break;
		case 'o':
			options.jsonl = strcmp(optarg, "jsonl") == 0;
			if (!options.jsonl && strcmp(optarg, "text") != 0)
				usage_error(o, "rules", "unknown output '%s': text or jsonl", optarg);
			break;
		case 'c':
			options.cost = true;
			if (!check)
				usage_error(o, "rules", "--cost goes with check");
			break;
		case 'h':
			print_help("rules");
			finish_output(o);
			list_free(&options.paths);
			return exit_status(o);
		default:
			wrong_option(o, "rules", c, argv + 1);
			break;
		}
	}
	if (!o->usage && optind < argc - 1)
		usage_error(o, "rules", "'%s' is not an option; rule files go with --rules", argv[optind + 1]);
	if (!o->usage) {
		size_t warnings = 0;
		struct load_options load = {
			.paths = &options.paths, .show_warnings = check, .ret_warnings = &warnings,
			.brief = options.jsonl,
		};
		struct clsf_ruleset *rs = load_rules(&load, o);
		if (rs && list)
			list_rules(rs, &options);
		if (rs && check && options.cost)
			check_cost(rs);
		if (rs && check)
			check_rules(rs, &options, warnings);
		if (rs && test)
			test_rules(rs, &options, o);
		clsf_ruleset_unref(rs);
		finish_output(o);
	}
	list_free(&options.paths);
	return exit_status(o);
}
