/* SPDX-License-Identifier: Apache-2.0 */
/* `classify compile`: rules in, one file with their compiled form out. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "load.h"

int command_compile(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct list paths = { 0 };
	const char *output = NULL;
	int c;
	optind = 1;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:o:h", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&paths, optarg);
			break;
		case 'o':
			output = optarg;
			break;
		case 'h':
			print_help("compile");
			finish_output(o);
			list_free(&paths);
			return exit_status(o);
		default:
			wrong_option(o, "compile", c, argv);
			break;
		}
	}
	/* Rules may also be named bare, as files are for other compilers. */
	for (int i = optind; i < argc; i++)
		list_add(&paths, argv[i]);
	if (!o->usage && !output)
		usage_error(o, "compile", "name the file to write with --output");
	if (!o->usage) {
		struct blob blob = { 0 };
		struct load_options load = { .paths = &paths, .no_cache = true, .ret_compiled = &blob };
		struct clsf_ruleset *ruleset = load_rules(&load, o);
		if (ruleset && clsf_ruleset_count(ruleset) == 0) {
			clsf_ruleset_unref(ruleset);
			ruleset = NULL;
		}
		bool standard = strcmp(output, "-") == 0;
		if (ruleset && standard) {
			fwrite(blob.data, 1, blob.length, stdout);
		} else if (ruleset && !write_atomically(output, &blob)) {
			complain("%s: %s", output, strerror(errno));
			o->unread = true;
		} else if (ruleset) {
			printf("%s: %zu rules, %zu bytes, %s\n", output, clsf_ruleset_count(ruleset), blob.length,
			       clsf_ruleset_hash(ruleset));
		}
		clsf_ruleset_unref(ruleset);
		blob_free(&blob);
		finish_output(o);
	}
	list_free(&paths);
	return exit_status(o);
}
