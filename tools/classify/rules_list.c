/* SPDX-License-Identifier: Apache-2.0 */
/* `classify rules list`: the rules, for people and for programs. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "load.h"
#include "rules.h"
#include "text.h"

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
	print_text(stdout, &t);
	text_free(&t);
}

static void list_rules(const struct clsf_ruleset *rs, bool jsonl)
{
	for (size_t i = 0; i < clsf_ruleset_count(rs); i++) {
		const struct clsf_rule *rule = clsf_ruleset_rule(rs, i);
		if (jsonl) {
			list_json(rule);
			continue;
		}
		struct text t = { 0 };
		text_addf(&t, "%-44s %-26s %-8s ", rule->id, *rule->category ? rule->category : "-",
		          clsf_role_name(rule->role));
		text_add_visible(&t, rule->title, strlen(rule->title));
		text_adds(&t, "\n");
		print_text(stdout, &t);
		text_free(&t);
	}
}

int rules_list(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct list paths = { 0 };
	bool jsonl = false;
	int c;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:o:h", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&paths, optarg);
			break;
		case 'o':
			jsonl = rules_output_jsonl(optarg, o);
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
		struct load_options load = { .paths = &paths, .brief = jsonl };
		struct clsf_ruleset *rs = load_rules(&load, o);
		if (rs)
			list_rules(rs, jsonl);
		clsf_ruleset_unref(rs);
	}
	return rules_end(&paths, o);
}
