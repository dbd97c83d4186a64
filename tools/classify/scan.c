/* SPDX-License-Identifier: Apache-2.0 */
/* `classify scan`: logs in, verdicts out. */

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "input.h"
#include "load.h"
#include "options.h"
#include "output.h"
#include "profile.h"

struct scan {
	struct scan_options *options;
	struct outcome *outcome;
	struct clsf_ruleset *ruleset;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	const char *source;          /* of the log at hand, for matches */
	struct output_totals totals;
	struct groups groups;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static bool feed(const char *data, size_t length, void *user)
{
	struct scan *scan = user;
	return !interrupted && clsf_stream_feed(scan->stream, scan->worker, data, length) == 0;
}

static int on_match(const struct clsf_match *match, void *user)
{
	struct scan *scan = user;
	output_match(stdout, scan->source, match);
	return ferror(stdout);
}

/* Says on standard error what was odd about an input. */
static void report_input(struct scan *scan, const struct input_result *r)
{
	const char *source = scan->source;
	if (!r->complete) {
		complain("%s: %s%s", source, r->message, r->opened && r->bytes ? "; what came before it was scanned" : "");
		scan->outcome->unread = true;
	}
	if (scan->options->output.quiet)
		return;
	if (r->binary) {
		complain("%s: binary data, not scanned", source);
		return;
	}
	if (r->opened && r->complete && r->bytes == 0)
		complain("%s: empty", source);
	if (r->has_nul)
		complain("%s: NUL bytes in the text, the first at offset %llu", source,
		         (unsigned long long)r->nul_offset);
	if (r->has_invalid)
		complain("%s: not valid UTF-8, first at offset %llu", source,
		         (unsigned long long)r->invalid_offset);
}

static bool visit(const char *path, void *user)
{
	struct scan *scan = user;
	struct input_result result;
	scan->source = path;
	clsf_stream_reset(scan->stream);
	input_read(path, feed, scan, &result);
	if (!result.opened) {
		report_input(scan, &result);
		return true;
	}
	if (interrupted && result.complete) {
		snprintf(result.message, sizeof(result.message), "interrupted");
		result.complete = false;
	}
	if (!result.complete)
		clsf_stream_truncated(scan->stream, result.message);
	const struct clsf_verdict *verdict;
	int code = clsf_stream_finish(scan->stream, scan->worker, &verdict);
	if (code < 0) {
		complain("%s: %s", path, clsf_strerror(code));
		scan->outcome->unread = true;
		return code != CLSF_E_NOMEM;
	}
	report_input(scan, &result);
	scan->totals.logs++;
	if (verdict->outcome == CLSF_FAILED) {
		scan->totals.failed++;
		scan->outcome->failed = scan->outcome->failed || scan->options->exit_code;
	} else if (verdict->outcome == CLSF_PASSED) {
		scan->totals.passed++;
	} else {
		scan->totals.undetermined++;
	}
	if (!scan->options->matches) {
		groups_add(&scan->groups, path, verdict);
		output_log(&scan->options->output, stdout, path, verdict,
		           clsf_ruleset_hash(scan->ruleset), scan->totals.logs == 1);
	}
	return !ferror(stdout) && !interrupted;
}

static void complain_about(const char *path, const char *why, void *user)
{
	struct scan *scan = user;
	complain("%s: %s", path, why);
	scan->outcome->unread = true;
}

static bool prepare(struct scan *scan)
{
	struct load_options load = {
		.paths = &scan->options->rules,
		.database = scan->options->database,
		.cache = scan->options->cache,
		.no_cache = scan->options->no_cache,
		.engine = scan->options->engine,
		.brief = scan->options->matches || scan->options->output.format == OUTPUT_JSONL ||
			 scan->options->output.format == OUTPUT_JSON,
	};
	scan->ruleset = load_rules(&load, scan->outcome);
	if (!scan->ruleset)
		return false;
	struct clsf_stream_options stream = CLSF_STREAM_OPTIONS_INIT;
	stream.context = scan->options->context;
	stream.no_unwrap = scan->options->no_unwrap;
	stream.redact = scan->options->redact;
	if (scan->options->matches) {
		stream.on_match = on_match;
		stream.user = scan;
	}
	struct clsf_worker_options worker = CLSF_WORKER_OPTIONS_INIT;
	if (scan->options->profile)
		worker.clock = profile_clock;
	int code = clsf_worker_new(scan->ruleset, &worker, &scan->worker);
	if (code == 0)
		code = clsf_stream_new(scan->ruleset, &stream, &scan->stream);
	if (code) {
		complain("%s", clsf_strerror(code));
		scan->outcome->unread = true;
	}
	return code == 0;
}

int command_scan(int argc, char **argv, struct outcome *o)
{
	struct scan_options options;
	if (!parse_scan_options(argc, argv, &options, o)) {
		list_free(&options.rules);
		list_free(&options.inputs);
		return exit_status(o);
	}
	struct scan scan = { .options = &options, .outcome = o };
	bool going = prepare(&scan);
	/* Without SA_RESTART a read that waits is interrupted, too. */
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND }, NULL);
	/* To a file or a pipe, large writes; on a terminal lines are to be seen as they come. */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, (size_t)1 << 18);
	if (!options.matches)
		output_begin(&options.output, stdout);
	uint64_t begun = profile_clock(NULL);
	for (size_t i = 0; going && i < options.inputs.n; i++)
		going = input_walk(options.inputs.item[i], visit, complain_about, &scan);
	if (!options.matches)
		output_end(&options.output, stdout, &scan.totals, &scan.groups);
	if (interrupted) {
		complain("interrupted; what was found so far is complete");
		o->interrupted = true;
	}
	finish_output(o);
	if (options.profile && scan.worker)
		profile_print(stderr, scan.worker, profile_clock(NULL) - begun);
	groups_free(&scan.groups);
	clsf_stream_free(scan.stream);
	clsf_worker_free(scan.worker);
	clsf_ruleset_unref(scan.ruleset);
	list_free(&options.rules);
	list_free(&options.inputs);
	return exit_status(o);
}
