/* SPDX-License-Identifier: Apache-2.0 */
/* See options.h. */

#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "help.h"
#include "moment.h"

#define DEFAULT_WIDTH 100
#define MAX_CONTEXT 20
#define MAX_JOBS 256
#define DOCUMENT_CONTEXT 3   /* of a post-mortem and the report, where --context does not say */

void terminal_options(struct output_options *options)
{
	options->colour = wants_colour(STDOUT_FILENO);
	options->width = DEFAULT_WIDTH;
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
	if (width == 0 && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	if (width >= 40 && width <= 1000)
		options->width = width;
}

static bool parse_number(const char *text, unsigned most, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n > most)
		return false;
	*ret = (unsigned)n;
	return true;
}

static bool parse_format(const char *name, enum output_format *ret)
{
	static const char *const names[] = { "text", "jsonl", "json", "markdown", "postmortem", "csv",
	                                     "junit", "sarif", "prometheus" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum output_format)i;
			return true;
		}
	}
	return false;
}

static bool parse_window(bool end, const char *text, struct window *window)
{
	int64_t now = moment_now();
	if (end)
		window->has_until = true;
	else
		window->has_since = true;
	return moment_parse(text, now, end ? &window->until : &window->since);
}

enum { OPT_RULES = 256, OPT_MATCHES, OPT_EXIT_CODE, OPT_CONTEXT, OPT_REDACT, OPT_NO_REDACT, OPT_NO_UNWRAP,
       OPT_ENGINE, OPT_PROFILE, OPT_DATABASE, OPT_CACHE, OPT_NO_CACHE,
       OPT_INCIDENT, OPT_FILES_FROM, OPT_STATE, OPT_SINCE, OPT_UNTIL, OPT_REPORT };

bool parse_scan_options(int argc, char **argv, struct scan_options *options, struct outcome *o)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, OPT_RULES },
		{ "output", required_argument, NULL, 'o' },
		{ "matches", no_argument, NULL, OPT_MATCHES },
		{ "incident", no_argument, NULL, OPT_INCIDENT },
		{ "since", required_argument, NULL, OPT_SINCE },
		{ "until", required_argument, NULL, OPT_UNTIL },
		{ "files-from", required_argument, NULL, OPT_FILES_FROM },
		{ "null", no_argument, NULL, '0' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "state", required_argument, NULL, OPT_STATE },
		{ "report", required_argument, NULL, OPT_REPORT },
		{ "exit-code", no_argument, NULL, OPT_EXIT_CODE },
		{ "context", required_argument, NULL, OPT_CONTEXT },
		{ "redact", no_argument, NULL, OPT_REDACT },
		{ "no-redact", no_argument, NULL, OPT_NO_REDACT },
		{ "no-unwrap", no_argument, NULL, OPT_NO_UNWRAP },
		{ "database", required_argument, NULL, OPT_DATABASE },
		{ "cache", required_argument, NULL, OPT_CACHE },
		{ "no-cache", no_argument, NULL, OPT_NO_CACHE },
		{ "profile", no_argument, NULL, OPT_PROFILE },
		{ "engine", required_argument, NULL, OPT_ENGINE },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	*options = (struct scan_options){ 0 };
	terminal_options(&options->output);
	bool has_context = false;
	int redact = -1;
	int c;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":0j:o:r:qh", known, NULL)) != -1) {
		switch (c) {
		case OPT_RULES: case 'r':
			list_add(&options->rules, optarg);
			break;
		case 'o':
			if (!parse_format(optarg, &options->output.format)) {
				usage_error(o, "scan", "unknown output '%s': text, jsonl, json, markdown, postmortem, csv, "
				            "junit, sarif or prometheus", optarg);
				return false;
			}
			break;
		case OPT_MATCHES:
			options->matches = true;
			break;
		case OPT_INCIDENT:
			options->incident = true;
			break;
		case OPT_SINCE: case OPT_UNTIL:
			if (!parse_window(c == OPT_UNTIL, optarg, &options->window)) {
				usage_error(o, "scan", "'%s' is no time: 2026-11-20, 2026-11-20T14:00:00Z, 90m, 2h, 3d, now, "
				            "today or yesterday", optarg);
				return false;
			}
			break;
		case OPT_FILES_FROM:
			list_add(&options->files_from, optarg);
			break;
		case '0':
			options->null = true;
			break;
		case 'j':
			if (!parse_number(optarg, MAX_JOBS, &options->jobs) || options->jobs == 0) {
				usage_error(o, "scan", "--jobs takes a number from 1 to %d", MAX_JOBS);
				return false;
			}
			break;
		case OPT_STATE:
			options->state = optarg;
			break;
		case OPT_REPORT:
			if (strcmp(optarg, "-") == 0 || !*optarg) {
				usage_error(o, "scan", "--report takes the name of a file; standard output has the results");
				return false;
			}
			options->report = optarg;
			break;
		case OPT_EXIT_CODE:
			options->exit_code = true;
			break;
		case OPT_CONTEXT:
			if (!parse_number(optarg, MAX_CONTEXT, &options->context)) {
				usage_error(o, "scan", "--context takes a number of lines from 0 to %d", MAX_CONTEXT);
				return false;
			}
			has_context = true;
			break;
		case OPT_REDACT:
			redact = 1;
			break;
		case OPT_NO_REDACT:
			redact = 0;
			break;
		case OPT_NO_UNWRAP:
			options->no_unwrap = true;
			break;
		case OPT_DATABASE:
			options->database = optarg;
			break;
		case OPT_CACHE:
			options->cache = optarg;
			break;
		case OPT_NO_CACHE:
			options->no_cache = true;
			break;
		case OPT_PROFILE:
			options->profile = true;
			break;
		case OPT_ENGINE:
			if (strcmp(optarg, "auto") != 0 && strcmp(optarg, "pcre2") != 0) {
				usage_error(o, "scan", "unknown engine '%s': auto or pcre2", optarg);
				return false;
			}
			options->engine = *optarg == 'p' ? CLSF_ENGINE_PCRE2 : CLSF_ENGINE_AUTO;
			break;
		case 'q':
			options->output.quiet = true;
			break;
		case 'h':
			print_help("scan");
			finish_output(o);
			return false;
		default:
			wrong_option(o, "scan", c, argv);
			return false;
		}
	}
	for (int i = optind; i < argc; i++)
		list_add(&options->inputs, argv[i]);
	if (options->inputs.n == 0 && options->files_from.n == 0) {
		usage_error(o, "scan", "nothing to scan: name files, folders, or - for standard input");
		return false;
	}
	if (options->files_from.n && options->incident) {
		usage_error(o, "scan", "--incident takes what is named, and no --files-from");
		return false;
	}
	const struct window *window = &options->window;
	if (window->has_since && window->has_until && window->since >= window->until) {
		usage_error(o, "scan", "--since is not before --until");
		return false;
	}
	if (options->state && (window->has_since || window->has_until)) {
		usage_error(o, "scan", "--state remembers whole logs: it goes with neither --since nor --until");
		return false;
	}
	if (options->incident && (window->has_since || window->has_until)) {
		usage_error(o, "scan", "--incident looks at all lines: it goes with neither --since nor --until");
		return false;
	}
	size_t standard = 0;
	for (size_t i = 0; i < options->files_from.n; i++)
		standard += strcmp(options->files_from.item[i], "-") == 0;
	for (size_t i = 0; standard && i < options->inputs.n; i++)
		standard += strcmp(options->inputs.item[i], "-") == 0;
	if (standard > 1) {
		usage_error(o, "scan", "standard input can be a log or a list of paths, and only once");
		return false;
	}
	if (options->database && (options->rules.n || options->engine != CLSF_ENGINE_AUTO)) {
		usage_error(o, "scan", "--database has its rules compiled in: it goes with neither --rules nor --engine");
		return false;
	}
	if (options->state && (options->incident || options->matches)) {
		usage_error(o, "scan", "--state remembers verdicts of files: it goes with neither --incident nor --matches");
		return false;
	}
	/* What goes to tickets and servers, where others read it, hides secrets. */
	enum output_format format = options->output.format;
	bool document = format == OUTPUT_POSTMORTEM;
	bool shared = document || format == OUTPUT_MARKDOWN || format == OUTPUT_JUNIT || format == OUTPUT_SARIF;
	options->redact = redact >= 0 ? redact == 1 : shared || options->report;
	/* A state remembers the same whether or not a report is wanted, so that both can take turns. */
	options->hide_context = (options->report || options->state) && !document && !has_context;
	if ((document || options->report || options->state) && !has_context)
		options->context = DOCUMENT_CONTEXT;
	return true;
}
