/* SPDX-License-Identifier: Apache-2.0 */
/* `classify rules`: finding the verb, and what the verbs share. */

#include "rules.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "export.h"
#include "help.h"
#include "import.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv, struct outcome *o);
} verbs[] = {
	{ "list", rules_list },
	{ "check", rules_check },
	{ "test", rules_test },
	{ "new", rules_new },
	{ "import", command_rules_import },
	{ "export", command_rules_export },
};
#define VERBS "list, check, test, new, import or export"

int rules_end(struct list *paths, struct outcome *o)
{
	if (!o->usage)
		finish_output(o);
	list_free(paths);
	return exit_status(o);
}

bool rules_output_jsonl(const char *name, struct outcome *o)
{
	bool jsonl = strcmp(name, "jsonl") == 0;
	if (!jsonl && strcmp(name, "text") != 0)
		usage_error(o, "rules", "unknown output '%s': text or jsonl", name);
	return jsonl;
}

bool rules_no_arguments(int argc, char **argv, struct outcome *o)
{
	if (!o->usage && optind < argc)
		usage_error(o, "rules", "'%s' is not an option; rule files go with --rules", argv[optind]);
	return !o->usage;
}

int command_rules(int argc, char **argv, struct outcome *o)
{
	const char *verb = argc > 1 ? argv[1] : "";
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		print_help("rules");
		finish_output(o);
		return exit_status(o);
	}
	optind = 1;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, verb) == 0)
			return verbs[i].run(argc - 1, argv + 1, o);
	usage_error(o, "rules", "%s'%s': " VERBS, *verb ? "unknown verb " : "no verb ", verb);
	return exit_status(o);
}
