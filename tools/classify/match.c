/* SPDX-License-Identifier: Apache-2.0 */
/* `classify match`: which rules match a line, and what they capture. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "help.h"
#include "input.h"
#include "load.h"
#include "options.h"
#include "output.h"

struct line_state {
	const struct output_options *output;
	size_t matches;
};

static int on_match(const struct clsf_match *m, void *user)
{
	struct line_state *s = user;
	struct text t = { 0 };
	s->matches++;
	if (s->output->format == OUTPUT_JSONL) {
		output_match(&t, "-", m);
		print_text(stdout, &t);
		text_free(&t);
		return 0;
	}
	text_addf(&t, "%s  %s  (%s, %s)\n", m->rule->id, *m->rule->category ? m->rule->category : "-",
	          clsf_role_name(m->rule->role), clsf_severity_name(m->rule->severity));
	for (size_t i = 0; i < m->n_fields; i++) {
		text_addf(&t, "  %s = ", m->fields[i].name);
		text_add_visible(&t, m->fields[i].value, m->fields[i].length);
		text_adds(&t, "\n");
	}
	print_text(stdout, &t);
	text_free(&t);
	return 0;
}

static void match_line(const char *line, struct clsf_ruleset *rs, bool no_unwrap,
                       const struct output_options *output, struct outcome *o)
{
	struct line_state state = { .output = output };
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.on_match = on_match;
	options.user = &state;
	options.no_unwrap = no_unwrap;
	struct input_feeding f = { 0 };
	const struct clsf_verdict *v;
	if (clsf_worker_new(rs, NULL, &f.worker) == 0 && clsf_stream_new(rs, &options, &f.stream) == 0) {
		struct input_result result = { .complete = true };
		if (strcmp(line, "-") == 0)
			input_read("-", input_feed, &f, &result);
		else
			input_feed(line, strlen(line), &f);
		if (!result.complete) {
			complain("%s: %s", line, result.message);
			o->unread = true;
		}
		const char *why = input_finish(&f, &v);
		if (why && result.complete) {
			complain("%s: %s", line, why);
			o->unread = true;
		}
	} else {
		complain("out of memory");
		o->unread = true;
	}
	clsf_stream_free(f.stream);
	clsf_worker_free(f.worker);
	if (state.matches == 0 && !o->unread) {
		o->failed = true;
		if (output->format == OUTPUT_TEXT)
			printf("no rule matches\n");
	}
}

int command_match(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'o' },
		{ "no-unwrap", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct list paths = { 0 };
	struct output_options output = { .format = OUTPUT_TEXT };
	terminal_options(&output);
	bool no_unwrap = false;
	int c;
	optind = 1;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:o:h", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&paths, optarg);
			break;
		case 'o':
			if (strcmp(optarg, "jsonl") == 0)
				output.format = OUTPUT_JSONL;
			else if (strcmp(optarg, "text") != 0)
				usage_error(o, "match", "unknown output '%s': text or jsonl", optarg);
			break;
		case 'n':
			no_unwrap = true;
			break;
		case 'h':
			print_help("match");
			finish_output(o);
			list_free(&paths);
			return exit_status(o);
		default:
			wrong_option(o, "match", c, argv);
			break;
		}
	}
	if (!o->usage && argc - optind != 1)
		usage_error(o, "match", "give one line, in quotes");
	if (!o->usage) {
		struct load_options load = { .paths = &paths, .brief = output.format == OUTPUT_JSONL };
		struct clsf_ruleset *rs = load_rules(&load, o);
		if (rs)
			match_line(argv[optind], rs, no_unwrap, &output, o);
		clsf_ruleset_unref(rs);
		finish_output(o);
	}
	list_free(&paths);
	return exit_status(o);
}
