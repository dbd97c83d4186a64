/* SPDX-License-Identifier: Apache-2.0 */
/* `classify rules check`: faults and warnings of rule files, and what expressions cost. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "help.h"
#include "load.h"
#include "rules.h"
#include "text.h"

#define COMMON_BITS 15   /* below: a literal of the expression stands in many logs */

/*
 * Every rule needs examples both ways: without them nobody knows what it
 * matches. Documents of others have no place for them.
 */
static size_t warn_of_examples(const struct clsf_ruleset *rs, bool brief)
{
	size_t warnings = 0;
	struct fault_printer printer = { .brief = brief };
	for (size_t i = 0; i < clsf_ruleset_count(rs); i++) {
		const struct clsf_rule *rule = clsf_ruleset_rule(rs, i);
		size_t positive = 0;
		for (size_t k = 0; k < rule->n_examples; k++)
			positive += rule->examples[k].must_match != 0;
		if ((positive && positive < rule->n_examples) || strcmp(rule->pack, "cre") == 0)
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

static void check_rules(const struct clsf_ruleset *rs, bool brief, size_t warnings)
{
	size_t good = clsf_ruleset_count(rs);
	warnings += warn_of_examples(rs, brief);
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
		const char *why = NULL;
		if (e.plan == CLSF_PLAN_ALWAYS)
			why = "every line is judged: no literal to look for";
		else if (e.plan == CLSF_PLAN_RELAXED && e.bits < COMMON_BITS)
			why = "no telling literal; the engine runs a looser form";
		else if (e.plan == CLSF_PLAN_LITERALS && e.bits < COMMON_BITS)
			why = "its text is common; each line that holds it is judged";
		if (!why)
			continue;
		struct text t = { 0 };
		text_addf(&t, "%s:%u: %s: %s\n    ", e.rule->file, e.rule->line, e.rule->id, why);
		text_add_visible(&t, e.expression, strlen(e.expression));
		text_adds(&t, "\n");
		print_text(stdout, &t);
		text_free(&t);
	}
	printf("expressions by the way their lines are found:");
	for (size_t i = 1; i < 5; i++)
		printf("%s %zu %s", i > 1 ? "," : "", count[i], plans[i]);
	printf("; %zu only in unless\n", count[0]);
}

int rules_check(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'o' },
		{ "cost", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct list paths = { 0 };
	bool cost = false, brief = false;
	int c;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:o:h", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&paths, optarg);
			break;
		case 'o':
			brief = rules_output_jsonl(optarg, o);
			break;
		case 'c':
			cost = true;
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
		size_t warnings = 0;
		struct load_options load = { .paths = &paths, .show_warnings = true, .ret_warnings = &warnings, .brief = brief };
		struct clsf_ruleset *rs = load_rules(&load, o);
		if (rs && cost)
			check_cost(rs);
		if (rs)
			check_rules(rs, brief, warnings);
		clsf_ruleset_unref(rs);
	}
	return rules_end(&paths, o);
}
