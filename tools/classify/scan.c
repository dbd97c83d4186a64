/* SPDX-License-Identifier: Apache-2.0 */
/* `classify scan`: logs in, verdicts out; with --incident, several inputs in and one verdict out. */

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "incident.h"
#include "input.h"
#include "load.h"
#include "marks.h"
#include "options.h"
#include "output.h"
#include "postmortem.h"
#include "profile.h"

struct scan {
	struct scan_options *options;
	struct outcome *outcome;
	struct clsf_ruleset *ruleset;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	struct clsf_stream_options stream_options;
	const char *source;          /* of the log at hand, for matches */
	struct incident *incident;   /* the log at hand is one; or NULL */
	struct output_totals totals;
	struct output_state output;
	bool grouped;                /* the output tells what several logs share */
	struct groups groups;
	struct marks marks;          /* of the log at hand */
	bool document;               /* a post-mortem is written */
	struct span span;            /* of the log at hand, if so */
	struct postmortem postmortem;
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
	if (scan->document)
		span_feed(&scan->span, data, length);
	return !interrupted && clsf_stream_feed(scan->stream, scan->worker, data, length) == 0;
}

static int on_match(const struct clsf_match *match, void *user)
{
	struct scan *scan = user;
	const struct incident_part *part = scan->incident ? incident_part_of(scan->incident, match->line.number) : NULL;
	if (part) {
		struct clsf_match local = *match;
		struct text source = { 0 };
		local.line.number -= part->lines;
		local.line.offset -= part->bytes;
		incident_source(scan->incident, part, &source);
		output_match(stdout, source.failed ? part->path : source.data, &local);
		text_free(&source);
	} else {
		output_match(stdout, scan->source, match);
	}
	return ferror(stdout);
}

static int on_mark(const struct clsf_match *match, void *user)
{
	struct scan *scan = user;
	marks_add(&scan->marks, match);
	return 0;
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

/* Counts a verdict and puts it out. */
static void tell(struct scan *scan, struct postmortem_log *log)
{
	const struct clsf_verdict *verdict = log->verdict;
	scan->totals.logs++;
	if (verdict->outcome == CLSF_FAILED) {
		scan->totals.failed++;
		scan->outcome->failed = scan->outcome->failed || scan->options->exit_code;
	} else if (verdict->outcome == CLSF_PASSED) {
		scan->totals.passed++;
	} else {
		scan->totals.undetermined++;
	}
	if (scan->options->matches)
		return;
	if (scan->grouped)
		groups_add(&scan->groups, log->source, verdict, scan->marks.context, scan->marks.n_context);
	log->marks = &scan->marks;
	log->span = &scan->span;
	log->incident = scan->incident;
	if (scan->document)
		postmortem_add(&scan->postmortem, log);
	else
		output_log(&scan->options->output, &scan->output, stdout, log->source, verdict,
		           clsf_ruleset_hash(scan->ruleset), scan->totals.logs == 1);
}

/* Feeds the input at the path. False if there is none. */
static bool read_input(struct scan *scan, const char *path, struct input_result *result)
{
	scan->source = path;
	input_read(path, feed, scan, result);
	if (interrupted && result->opened && result->complete) {
		snprintf(result->message, sizeof(result->message), "interrupted");
		result->complete = false;
	}
	return result->opened;
}

/* The verdict for what was fed; NULL, told, when there is none. */
static const struct clsf_verdict *finish(struct scan *scan, const char *source, int *ret_code)
{
	const struct clsf_verdict *verdict;
	*ret_code = clsf_stream_finish(scan->stream, scan->worker, &verdict);
	if (*ret_code >= 0)
		return verdict;
	complain("%s: %s", source, clsf_strerror(*ret_code));
	scan->outcome->unread = true;
	return NULL;
}

static bool visit(const char *path, void *user)
{
	struct scan *scan = user;
	struct input_result result;
	int code;
	clsf_stream_reset(scan->stream);
	marks_reset(&scan->marks);
	span_reset(&scan->span);
	if (!read_input(scan, path, &result)) {
		report_input(scan, &result);
		return true;
	}
	if (!result.complete)
		clsf_stream_truncated(scan->stream, result.message);
	const struct clsf_verdict *verdict = finish(scan, path, &code);
	if (!verdict)
		return code != CLSF_E_NOMEM;
	report_input(scan, &result);
	if (scan->document)
		span_end(&scan->span, 0, verdict->lines);
	tell(scan, &(struct postmortem_log){ .source = path, .verdict = verdict, .line = verdict->line.number });
	return !ferror(stdout) && !interrupted;
}

/* ---- an incident ---- */

static void complain_about(const char *path, const char *why, void *user)
{
	struct scan *scan = user;
	complain("%s: %s", path, why);
	scan->outcome->unread = true;
}

/* Reads a part. False when nothing more is to be read. */
static bool read_part(struct scan *scan, struct incident *in, size_t index, uint64_t *lines, uint64_t *bytes)
{
	struct incident_part *part = &in->parts[index];
	struct input_result result;
	uint64_t begun = *bytes;
	part->lines = *lines;
	part->bytes = *bytes;
	part->read = true;
	bool opened = read_input(scan, part->path, &result);
	report_input(scan, &result);
	part->read = opened;
	if (!opened)
		return true;
	int code = clsf_stream_part(scan->stream, scan->worker, lines, bytes);
	if (scan->document)
		span_end(&scan->span, part->lines, *lines);
	if (!result.complete && !in->truncated) {
		char message[1024];
		snprintf(message, sizeof(message), "%s", result.message);
		clsf_stream_truncated(scan->stream, message);
		in->truncated = index + 1;
		in->truncated_bytes = *bytes - begun;
	}
	return code == 0 && !interrupted;
}

static void scan_incident(struct scan *scan)
{
	struct incident in;
	uint64_t lines = 0, bytes = 0;
	int code;
	incident_collect(&in, &scan->options->inputs, complain_about, scan);
	scan->incident = &in;
	clsf_stream_reset(scan->stream);
	span_reset(&scan->span);
	bool any = false;
	for (size_t i = 0; i < in.n && read_part(scan, &in, i, &lines, &bytes); i++)
		;
	for (size_t i = 0; i < in.n; i++)
		any = any || in.parts[i].read;
	const struct clsf_verdict *verdict = any ? finish(scan, in.name, &code) : NULL;
	if (verdict) {
		struct local_verdict local;
		struct incident_told told;
		incident_look_into_logs(&in, verdict, &scan->stream_options, &told);
		incident_localize(&in, verdict, &told, &local);
		in.failed_memory = in.failed_memory || local.failed || local.source.failed;
		if (!in.failed_memory)
			tell(scan, &(struct postmortem_log){
				.source = local.source.data, .verdict = &local.verdict, .whole = verdict,
				.line = told.verdict ? told.part->lines + local.verdict.line.number
				                     : verdict->line.number });
		local_verdict_free(&local);
		incident_told_free(&told);
	}
	if (in.failed_memory) {
		complain("out of memory");
		scan->outcome->unread = true;
	}
	scan->incident = NULL;
	incident_free(&in);
}

/* What comes after the last log. */
static void tell_end(struct scan *scan, uint64_t nanoseconds)
{
	struct output_run run = {
		.ruleset = scan->ruleset,
		.complete = !interrupted && !scan->outcome->unread,
		.nanoseconds = nanoseconds,
		.ended = time(NULL),
	};
	output_end(&scan->options->output, &scan->output, stdout, &scan->totals, &scan->groups, &run);
	if (!scan->output.failed)
		return;
	complain("out of memory, or of room for a temporary file: the output is not whole");
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
	struct clsf_stream_options *stream = &scan->stream_options;
	*stream = (struct clsf_stream_options)CLSF_STREAM_OPTIONS_INIT;
	stream->context = scan->options->context;
	stream->no_unwrap = scan->options->no_unwrap;
	stream->redact = scan->options->redact;
	if (scan->options->matches)
		stream->on_match = on_match;
	else if (scan->document || (scan->grouped && marks_capture(scan->ruleset)))
		stream->on_match = on_mark;
	stream->user = scan;
	struct clsf_worker_options worker = CLSF_WORKER_OPTIONS_INIT;
	if (scan->options->profile)
		worker.clock = profile_clock;
	int code = clsf_worker_new(scan->ruleset, &worker, &scan->worker);
	if (code == 0)
		code = clsf_stream_new(scan->ruleset, stream, &scan->stream);
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
	bool quiet = options.output.format == OUTPUT_TEXT && options.output.quiet;
	scan.document = !options.matches && options.output.format == OUTPUT_POSTMORTEM;
	scan.grouped = !options.matches && !quiet && output_tells_groups(options.output.format);
	bool going = prepare(&scan);
	/* Without SA_RESTART a read that waits is interrupted, too. */
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND }, NULL);
	/* To a file or a pipe, large writes; on a terminal lines are to be seen as they come. */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, (size_t)1 << 18);
	if (!options.matches)
		output_begin(&options.output, stdout);
	uint64_t begun = profile_clock(NULL);
	if (going && options.incident)
		scan_incident(&scan);
	for (size_t i = 0; going && !options.incident && i < options.inputs.n; i++)
		going = input_walk(options.inputs.item[i], visit, complain_about, &scan);
	if (scan.document && scan.ruleset)
		postmortem_write(&scan.postmortem, &scan.totals, &scan.groups, clsf_ruleset_hash(scan.ruleset), stdout);
	else if (!options.matches)
		tell_end(&scan, profile_clock(NULL) - begun);
	if (interrupted) {
		complain("interrupted; what was found so far is complete");
		o->interrupted = true;
	}
	finish_output(o);
	if (options.profile && scan.worker)
		profile_print(stderr, scan.worker, profile_clock(NULL) - begun);
	if (scan.groups.limited)
		complain("there are more groups or captured values than are compared; those met first are");
	output_state_free(&scan.output);
	postmortem_free(&scan.postmortem);
	groups_free(&scan.groups);
	marks_free(&scan.marks);
	clsf_stream_free(scan.stream);
	clsf_worker_free(scan.worker);
	clsf_ruleset_unref(scan.ruleset);
	list_free(&options.rules);
	list_free(&options.inputs);
	return exit_status(o);
}
