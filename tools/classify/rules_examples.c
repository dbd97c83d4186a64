/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every example of every rule through the production engine and through PCRE2
 * alone. An example is a log of its own, of several lines where it has them. A
 * rule must match what it says it matches, capture what it promises, and leave
 * alone what it says it rejects.
 */

#include "rules_test.h"

#include <stdio.h>
#include <string.h>

static const struct clsf_field *find_field(const struct trial_match *m, const char *name)
{
	for (size_t i = 0; i < m->n_fields; i++)
		if (strcmp(m->fields[i].name, name) == 0)
			return &m->fields[i];
	return NULL;
}

static bool promises(const struct clsf_example *e, const char *name)
{
	for (size_t i = 0; i < e->n_fields; i++)
		if (strcmp(e->field_names[i], name) == 0)
			return true;
	return false;
}

/* A problem is one line, whatever was captured; as much of a value as helps. */
static void add_value(struct text *t, const char *value, size_t length)
{
	text_adds(t, "'");
	text_add_visible(t, value, length < 60 ? length : 60);
	text_adds(t, length < 60 ? "'" : "...'");
}

/* The captures must be those promised, no more and no fewer, if the example promises any or none. */
static size_t compare_fields(const struct clsf_example *e, const struct trial_match *m, const char *engine,
                             struct text *problems)
{
	size_t wrong = 0;
	for (size_t i = 0; i < e->n_fields; i++) {
		const struct clsf_field *found = find_field(m, e->field_names[i]);
		size_t length = strlen(e->field_values[i]);
		if (found && length == found->length && memcmp(e->field_values[i], found->value, length) == 0)
			continue;
		wrong++;
		text_addf(problems, "captures %s=", e->field_names[i]);
		if (found)
			add_value(problems, found->value, found->length);
		else
			text_adds(problems, "(nothing)");
		text_adds(problems, ", the example promises ");
		add_value(problems, e->field_values[i], length);
		text_addf(problems, " (%s)\n", engine);
	}
	for (size_t i = 0; i < m->n_fields; i++) {
		if (promises(e, m->fields[i].name))
			continue;
		wrong++;
		text_addf(problems, "captures %s=", m->fields[i].name);
		add_value(problems, m->fields[i].value, m->fields[i].length);
		text_addf(problems, ", which the example does not promise (%s)\n", engine);
	}
	return wrong;
}

bool fields_right(const struct clsf_example *e, const struct trial_match *m)
{
	struct text ignored = { 0 };
	size_t wrong = e->has_fields ? compare_fields(e, m, "", &ignored) : m->n_fields;
	text_free(&ignored);
	return wrong == 0;
}

/* Runs an example. True when the rule matched what it has to match, whatever it captured. */
static bool run_example(struct trial *t, const char *engine, struct test_case *c)
{
	const struct clsf_example *e = c->example;
	bool good = trial_run(t, e->text, e->length);
	const struct trial_match *m = good ? trial_find(t, c->rule->id) : NULL;
	if (!good)
		text_addf(&c->problems, "the scan failed (%s)\n", engine);
	else if ((m != NULL) != (e->must_match != 0))
		text_addf(&c->problems, "%s (%s)\n",
		          m ? "matches what it must reject" : "does not match its example", engine);
	bool matched = m && e->must_match;
	bool passed = good && (m != NULL) == (e->must_match != 0);
	if (matched && e->has_fields && compare_fields(e, m, engine, &c->problems))
		passed = false;
	c->passed += passed;
	c->failed += !passed;
	return matched;
}

static void run_first(struct trial *t, struct clsf_ruleset *rs, struct report *r)
{
	for (size_t i = 0; i < r->rules; i++) {
		const struct clsf_rule *rule = clsf_ruleset_rule(rs, i);
		struct rivals rivals = { 0 };
		size_t number[2] = { 0 };
		for (size_t k = 0; k < rule->n_examples; k++) {
			struct test_case *c = report_case(r);
			if (!c)
				return;
			c->rule = rule;
			c->example = &rule->examples[k];
			c->number = ++number[c->example->must_match != 0];
			if (run_example(t, clsf_engine_version(), c))
				rivals_note(&rivals, rule, t);
		}
		rivals_end(&rivals, rule, r);
	}
}

void test_examples(struct clsf_ruleset *rs, struct clsf_ruleset *plain, struct report *r, struct outcome *o)
{
	struct trial t;
	r->rules = clsf_ruleset_count(rs);
	bool good = trial_start(&t, rs);
	if (good)
		run_first(&t, rs, r);
	good = good && !t.no_memory;
	trial_stop(&t);
	if (plain && good) {
		good = trial_start(&t, plain);
		for (size_t i = 0; good && i < r->n_cases; i++)
			run_example(&t, "pcre2 alone", &r->cases[i]);
		good = good && !t.no_memory;
		trial_stop(&t);
	}
	if (!good || r->failed) {
		complain("out of memory");
		o->unread = true;
	}
}
