/* SPDX-License-Identifier: Apache-2.0 */
/* `classify explain`: why this verdict, or what a rule says. */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "help.h"
#include "input.h"
#include "load.h"
#include "options.h"
#include "output.h"

/* ---- a rule ---- */

static void explain_rule(const struct clsf_rule *rule, const struct output_options *output)
{
	struct text t = { 0 };
	text_addf(&t, "%s", rule->id);
	if (*rule->category)
		text_addf(&t, "  %s", rule->category);
	text_addf(&t, "  (%s, pack %s, %s:%u)\n", clsf_role_name(rule->role), rule->pack, rule->file, rule->line);
	output_heading(output, &t, "what");
	text_add_visible(&t, rule->title, strlen(rule->title));
	text_adds(&t, "\n");
	output_heading(output, &t, "who");
	text_addf(&t, "%s has to act; retry: %s; severity %s\n", rule->owner, rule->retry,
	          clsf_severity_name(rule->severity));
	output_runbook(output, &t, rule->cause, rule->fix, rule->prevent, rule->url);
	for (size_t i = 0; i < rule->n_expressions; i++) {
		output_heading(output, &t, i ? "" : "matches");
		text_add_visible(&t, rule->expressions[i], strlen(rule->expressions[i]));
		text_adds(&t, "\n");
	}
	for (size_t i = 0; i < rule->n_examples; i++) {
		const struct clsf_example *e = &rule->examples[i];
		output_heading(output, &t, e->must_match ? "example" : "not");
		text_add_visible(&t, e->text, e->length);
		text_adds(&t, "\n");
	}
	print_text(stdout, &t);
	text_free(&t);
}

/* ---- a log ---- */

static void list_candidates(const struct clsf_verdict *v)
{
	struct text t = { 0 };
	text_addf(&t, "candidates\n");
	if (v->rule)
		text_addf(&t, "  * line %-7" PRIu64 " %s  %s  %s, %s\n      chosen\n", v->line.number, v->rule->id,
		          v->category, clsf_role_name(v->rule->role), clsf_severity_name(v->rule->severity));
	for (size_t i = 0; i < v->n_also; i++) {
		const struct clsf_also *a = &v->also[i];
		text_addf(&t, "    line %-7" PRIu64 " %s  %s  %s, %s, %" PRIu64 " time%s\n      ", a->line.number,
		          a->rule->id, a->rule->category, clsf_role_name(a->rule->role),
		          clsf_severity_name(a->rule->severity), a->count, a->count == 1 ? "" : "s");
		text_adds(&t, a->why_not);
		text_adds(&t, "\n      ");
		size_t shown = a->line.text_length < 160 ? a->line.text_length : 160;
		text_add_visible(&t, a->line.text, shown);
		text_adds(&t, "\n");
	}
	if (!v->rule && v->n_also == 0)
		text_adds(&t, "    none: no rule matched\n");
	print_text(stdout, &t);
	text_free(&t);
}

static void explain_log(const char *path, struct clsf_ruleset *rs, bool redact,
                        const struct output_options *output, struct outcome *o)
{
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.context = 3;
	options.redact = redact;
	struct input_feeding feeding = { 0 };
	if (clsf_worker_new(rs, NULL, &feeding.worker) == 0 &&
	    clsf_stream_new(rs, &options, &feeding.stream) == 0) {
		struct input_result result;
		const struct clsf_verdict *v;
		input_read(path, input_feed, &feeding, &result);
		if (!result.complete) {
			complain("%s: %s", path, result.message);
			o->unread = true;
			clsf_stream_truncated(feeding.stream, result.message);
		}
		const char *why = result.opened ? input_finish(&feeding, &v) : NULL;
		if (why && result.complete) {
			complain("%s: %s", path, why);
			o->unread = true;
		}
		if (result.opened && v) {
			struct output_state state = { 0 };
			output_log(output, &state, stdout, path, v, clsf_ruleset_hash(rs), true);
			o->unread = o->unread || state.failed;
			output_state_free(&state);
			list_candidates(v);
			printf("ruleset %s\n", clsf_ruleset_hash(rs));
		}
	} else {
		complain("out of memory");
		o->unread = true;
	}
	clsf_stream_free(feeding.stream);
	clsf_worker_free(feeding.worker);
}

int command_explain(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "rule", required_argument, NULL, 'i' },
		{ "redact", no_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct list paths = { 0 };
	struct output_options output = { .format = OUTPUT_TEXT };
	terminal_options(&output);
	const char *id = NULL;
	bool redact = false;
	int c;
	optind = 1;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:h", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&paths, optarg);
			break;
		case 'i':
			id = optarg;
			break;
		case 'x':
			redact = true;
			break;
		case 'h':
			print_help("explain");
			finish_output(o);
			list_free(&paths);
			return exit_status(o);
		default:
			wrong_option(o, "explain", c, argv);
			break;
		}
	}
	int left = argc - optind;
	if (!o->usage && (id ? left != 0 : left != 1))
		usage_error(o, "explain", "give one log, or --rule and an id");
	if (!o->usage) {
		struct load_options load = { .paths = &paths };
		struct clsf_ruleset *rs = load_rules(&load, o);
		const struct clsf_rule *rule = rs && id ? clsf_ruleset_find(rs, id) : NULL;
		if (rule)
			explain_rule(rule, &output);
		else if (rs && id)
			usage_error(o, "explain", "no rule has the id '%s'", id);
		else if (rs)
			explain_log(argv[optind], rs, redact, &output, o);
		clsf_ruleset_unref(rs);
		finish_output(o);
	}
	list_free(&paths);
	return exit_status(o);
}
