/* SPDX-License-Identifier: Apache-2.0 */
/* `classify rules test`: its options, and the order of its parts. */

#include "rules_test.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "load.h"
#include "rules.h"

enum test_format { TEST_TEXT, TEST_JSONL, TEST_JUNIT };

struct test_options {
	struct list rules, passing, logs;
	enum test_format format;
	const char *junit;           /* of --junit, or NULL */
	bool no_passing, bless, strict, verbose;
};

static void parse_format(struct test_options *options, const char *name, struct outcome *o)
{
	static const char *const names[] = { "text", "jsonl", "junit" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			options->format = (enum test_format)i;
			return;
		}
	}
	usage_error(o, "rules test", "unknown output '%s': text, jsonl or junit", name);
}

/* Told by getopt_long(); false when the help was asked for. */
static bool parse_options(int argc, char **argv, struct test_options *options, struct outcome *o)
{
	enum { PASSING = 256, NO_PASSING, LOGS, BLESS, JUNIT, STRICT };
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'o' },
		{ "passing", required_argument, NULL, PASSING },
		{ "no-passing", no_argument, NULL, NO_PASSING },
		{ "logs", required_argument, NULL, LOGS },
		{ "bless", no_argument, NULL, BLESS },
		{ "junit", required_argument, NULL, JUNIT },
		{ "strict", no_argument, NULL, STRICT },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:o:vh", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&options->rules, optarg);
			break;
		case 'o':
			parse_format(options, optarg, o);
			break;
		case PASSING:
			list_add(&options->passing, optarg);
			break;
		case NO_PASSING:
			options->no_passing = true;
			break;
		case LOGS:
			list_add(&options->logs, optarg);
			break;
		case BLESS:
			options->bless = true;
			break;
		case JUNIT:
			options->junit = optarg;
			break;
		case STRICT:
			options->strict = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'h':
			return false;
		default:
			wrong_option(o, "rules test", c, argv);
			break;
		}
	}
	if (rules_no_arguments(argc, argv, o) && options->bless && options->rules.n == 0)
		usage_error(o, "rules test", "--bless changes rule files: name them with --rules");
	return true;
}

/* Into the file of --junit. */
static void write_junit(const struct report *r, const char *path, struct outcome *o)
{
	struct text t = { 0 };
	report_junit(r, &t);
	struct blob blob = { .data = t.data, .length = t.length };
	if (t.failed || !write_atomically(path, &blob)) {
		complain("%s: %s", path, t.failed ? "out of memory" : strerror(errno));
		o->unread = true;
	}
	text_free(&t);
}

static void print_report(const struct report *r, const struct test_options *options, struct outcome *o)
{
	struct text t = { 0 };
	if (options->format == TEST_TEXT)
		report_text(r, options->verbose, &t);
	else if (options->format == TEST_JSONL)
		report_jsonl(r, &t);
	else
		report_junit(r, &t);
	print_text(stdout, &t);
	text_free(&t);
	if (options->junit)
		write_junit(r, options->junit, o);
}

static void test_rules(struct clsf_ruleset *rs, struct test_options *options, struct outcome *o)
{
	/* The same rules without the engine; their faults were told already. */
	struct outcome ignored = { 0 };
	struct load_options load = { .paths = &options->rules, .engine = CLSF_ENGINE_PCRE2, .silent = true };
	struct clsf_ruleset *plain = load_rules(&load, &ignored);
	if (!plain || clsf_ruleset_count(plain) != clsf_ruleset_count(rs)) {
		complain("the rules could not be loaded a second time, for PCRE2 alone");
		o->unread = true;
		clsf_ruleset_unref(plain);
		plain = NULL;
	}
	struct report report = { 0 };
	test_examples(rs, plain, &report, o);
	clsf_ruleset_unref(plain);
	if (options->passing.n == 0 && default_passing())
		list_add(&options->passing, "default");
	if (!options->no_passing)
		test_passing(rs, &options->passing, &report, o);
	if (options->logs.n)
		test_logs(rs, &options->logs, &report, o);
	if (report.failed) {
		complain("out of memory");
		o->unread = true;
	}
	print_report(&report, options, o);
	if (report_bad(&report) || report_count(&report, NULL, options->strict ? FINDING_WARNING : FINDING_ERROR))
		o->failed = true;
	report_done(&report);
}

int rules_test(int argc, char **argv, struct outcome *o)
{
	struct test_options options = { 0 };
	bool wanted = parse_options(argc, argv, &options, o);
	if (!wanted) {
		print_help("rules test");
	} else if (!o->usage) {
		struct load_options load = { .paths = &options.rules, .brief = options.format != TEST_TEXT };
		struct clsf_ruleset *rs = load_rules(&load, o);
		if (rs && options.bless && bless_examples(rs, o)) {
			struct outcome told = { 0 };
			load.silent = true;
			clsf_ruleset_unref(rs);
			rs = load_rules(&load, &told);
		}
		if (rs)
			test_rules(rs, &options, o);
		clsf_ruleset_unref(rs);
	}
	list_free(&options.passing);
	list_free(&options.logs);
	return rules_end(&options.rules, o);
}
