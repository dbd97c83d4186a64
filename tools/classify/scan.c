/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `classify scan`: logs in, verdicts out. Threads scan (scan_log.c), and this
 * thread tells: all that is written, counted and grouped is so here, in the order
 * of the inputs.
 */

#include "scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cores.h"
#include "files.h"
#include "interrupt.h"
#include "load.h"
#include "moment.h"
#include "profile.h"
#include "report_page.h"

/* ---- telling ---- */

void scan_tell_input(struct scan *scan, const char *source, const struct input_result *r)
{
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

static void report_log(struct scan *scan, const struct postmortem_log *log)
{
	struct report_log reported;
	report_log_fill(&reported, log->source, log->verdict);
	reported.time = report_time_of(log->verdict, log->span, log->source, log->mtime);
	report_add(&scan->report, &reported);
}

/* Lines of context that only the report asked for are not for the output. */
static void put_out(struct scan *scan, const char *source, const struct clsf_verdict *verdict)
{
	struct clsf_verdict shown = *verdict;
	if (scan->options->hide_context)
		shown.before_length = shown.after_length = 0;
	output_log(&scan->options->output, &scan->output, stdout, source, &shown, clsf_ruleset_hash(scan->ruleset),
	           scan->totals.logs == 1);
}

void scan_tell_log(struct scan *scan, struct postmortem_log *log)
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
	if (scan->grouped)
		groups_add(&scan->groups, log->source, verdict, log->marks->context, log->marks->n_context);
	if (scan->options->report && scan->options->state)
		groups_add(&scan->remembered, log->source, verdict, log->marks->context, log->marks->n_context);
	if (scan->options->report)
		report_log(scan, log);
	if (scan->options->matches)
		return;
	if (scan->document)
		postmortem_add(&scan->postmortem, log);
	else
		put_out(scan, log->source, verdict);
}

static void tell_remark(struct scan *scan, const struct scanned *s)
{
	if (s->failure || !scan->options->output.quiet)
		complain("%s: %s", s->source, s->text);
	scan->outcome->unread = scan->outcome->unread || s->failure;
}

void scan_tell(struct told *told, void *user)
{
	struct scan *scan = user;
	struct scanned *s = (struct scanned *)told;
	/* Where nothing can be written, nothing needs to be read. */
	bool good = !ferror(stdout);
	progress_make_way(&scan->progress);
	if (!good)
		jobs_stop(&scan->jobs);
	else if (s->kind == SCANNED_MATCHES)
		fwrite(s->text, 1, s->length, stdout);
	else if (s->kind == SCANNED_REMARK)
		tell_remark(scan, s);
	else if (s->kind == SCANNED_OUTSIDE)
		scan->outside++;
	if (good && s->kind == SCANNED_LOG) {
		scan_tell_input(scan, s->source, &s->result);
		scan_tell_log(scan, &(struct postmortem_log){
			.source = s->source, .verdict = &s->verdict, .line = s->verdict.line.number,
			.marks = &s->marks, .span = &s->span, .mtime = s->mtime });
	}
	if (good)
		scan_state_tell(scan, s);
	scanned_free(s);
	progress_draw(&scan->progress, scan->totals.logs, scan->totals.failed);
}

/* What was found is seen while a log that goes on has nothing new. */
static void idle(void *user)
{
	struct scan *scan = user;
	fflush(stdout);
	scan_state_pause(scan);
	progress_draw(&scan->progress, scan->totals.logs, scan->totals.failed);
}

/* What comes after the last log. */
static void tell_end(struct scan *scan, uint64_t nanoseconds)
{
	struct output_run run = {
		.ruleset = scan->ruleset,
		.complete = !interrupted() && !scan->outcome->unread,
		.nanoseconds = nanoseconds,
		.ended = time(NULL),
	};
	output_end(&scan->options->output, &scan->output, stdout, &scan->totals, &scan->groups, &run);
	if (!scan->output.failed)
		return;
	complain("out of memory, or of room for a temporary file: the output is not whole");
	scan->outcome->unread = true;
}

static void fail(struct scan *scan, const char *why)
{
	complain("%s", why);
	scan->outcome->unread = true;
}

static void write_report(struct scan *scan)
{
	struct text page = { 0 };
	struct groups *groups = scan->options->state ? &scan->remembered : &scan->groups;
	struct report_about about = {
		.groups = groups,
		.ruleset_hash = scan->ruleset ? clsf_ruleset_hash(scan->ruleset) : "",
		.rules = scan->ruleset ? clsf_ruleset_count(scan->ruleset) : 0,
		.quarantined = scan->ruleset ? clsf_ruleset_quarantined(scan->ruleset) : 0,
		.interrupted = interrupted(),
		.unread = scan->outcome->unread,
		.redacted = scan->options->redact,
		.window = &scan->options->window,
		.made = time(NULL),
	};
	groups_finish(groups);
	report_page(&scan->report, &about, &page);
	if (page.failed || groups->failed_memory)
		fail(scan, "out of memory: no report is written");
	else if (!write_new(scan->options->report, true, &page)) {
		complain("%s: %s", scan->options->report, strerror(errno));
		scan->outcome->unread = true;
	}
	text_free(&page);
}

/* ---- the run ---- */

static bool prepare(struct scan *scan)
{
	const struct scan_options *options = scan->options;
	struct load_options load = {
		.paths = &options->rules,
		.database = options->database,
		.cache = options->cache,
		.no_cache = options->no_cache,
		.engine = options->engine,
		.brief = options->matches || options->output.format == OUTPUT_JSONL ||
			 options->output.format == OUTPUT_JSON,
	};
	bool quiet = options->output.format == OUTPUT_TEXT && options->output.quiet;
	scan->ruleset = load_rules(&load, scan->outcome);
	if (!scan->ruleset)
		return false;
	scan->document = !options->matches && options->output.format == OUTPUT_POSTMORTEM;
	scan->grouped = (options->report && !options->state) ||
	                (!options->matches && !quiet && output_tells_groups(options->output.format));
	scan->spans = scan->document || options->report || options->state;
	scan->marked = scan->document || ((scan->grouped || options->report) && marks_capture(scan->ruleset));
	scan->windowed = options->window.has_since || options->window.has_until;
	struct clsf_stream_options *stream = &scan->stream_options;
	*stream = (struct clsf_stream_options)CLSF_STREAM_OPTIONS_INIT;
	stream->context = options->context;
	stream->no_unwrap = options->no_unwrap;
	stream->redact = options->redact;
	scan->cores = usable_cores();
	scan->begun = moment_now();
	scan->n_scanners = options->incident ? 1 : options->jobs ? options->jobs : default_jobs();
	scan->scanner = calloc(scan->n_scanners, sizeof(*scan->scanner));
	/* What one thread lacks the others would, too. */
	int code = scan->scanner ? scanner_prepare(scan, &scan->scanner[0]) : CLSF_E_NOMEM;
	if (code)
		fail(scan, clsf_strerror(code));
	return code == 0 && scan_state_open(scan);
}

static bool going(void *user)
{
	struct scan *scan = user;
	return !jobs_stopping(&scan->jobs);
}

static void scan_inputs(struct scan *scan)
{
	struct paths paths = { .named = &scan->options->inputs, .lists = &scan->options->files_from,
		               .nul = scan->options->null, .going = going, .user = scan };
	scan->jobs = (struct jobs){ .paths = &paths, .threads = scan->n_scanners, .scan = scan_job, .tell = scan_tell,
		                    .idle = idle, .user = scan };
	if (!scan->options->output.quiet)
		progress_begin(&scan->progress, paths.named, paths.lists, &scan->scanner->progress, scan->n_scanners,
		               sizeof(*scan->scanner));
	if (!jobs_run(&scan->jobs))
		fail(scan, "no thread can be made");
	progress_end(&scan->progress);
	if (scan->jobs.failed_memory)
		fail(scan, "out of memory");
	paths_free(&paths);
}

static void print_profile(const struct scan *scan, uint64_t nanoseconds)
{
	const struct clsf_worker **workers = calloc(scan->n_scanners + 1, sizeof(*workers));
	size_t n = 0;
	for (size_t i = 0; workers && scan->scanner && i < scan->n_scanners; i++)
		if (scan->scanner[i].worker)
			workers[n++] = scan->scanner[i].worker;
	if (n)
		profile_print(stderr, workers, n, nanoseconds);
	free(workers);
}

static void run(struct scan *scan)
{
	const struct scan_options *options = scan->options;
	bool good = prepare(scan);
	/* To a file or a pipe, large writes; on a terminal lines are to be seen as they come. */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, (size_t)1 << 18);
	if (!options->matches)
		output_begin(&options->output, stdout);
	uint64_t begun = profile_clock(NULL);
	if (good && !interrupt_begin()) {
		fail(scan, "no thread can be made");
		good = false;
	}
	if (good && options->incident)
		scan_incident(scan);
	else if (good)
		scan_inputs(scan);
	scan_state_recall(scan);
	if (scan->document && scan->ruleset)
		postmortem_write(&scan->postmortem, &scan->totals, &scan->groups, clsf_ruleset_hash(scan->ruleset),
		                 stdout);
	else if (!options->matches)
		tell_end(scan, profile_clock(NULL) - begun);
	if (scan->outside && !options->output.quiet)
		complain("%zu log%s outside %s%s%s, left out", scan->outside, scan->outside == 1 ? "" : "s",
		         options->window.has_since ? "--since" : "",
		         options->window.has_since && options->window.has_until ? " and " : "",
		         options->window.has_until ? "--until" : "");
	if (options->report)
		write_report(scan);
	if (interrupted()) {
		complain("interrupted; what was found so far is complete");
		scan->outcome->interrupted = true;
	}
	finish_output(scan->outcome);
	scan_state_close(scan);
	interrupt_end();
	if (options->profile)
		print_profile(scan, profile_clock(NULL) - begun);
	if (scan->groups.limited)
		complain("there are more groups or captured values than are compared; those met first are");
}

int command_scan(int argc, char **argv, struct outcome *o)
{
	struct scan_options options;
	struct scan scan = { .options = &options, .outcome = o };
	if (parse_scan_options(argc, argv, &options, o))
		run(&scan);
	output_state_free(&scan.output);
	postmortem_free(&scan.postmortem);
	report_free(&scan.report);
	groups_free(&scan.remembered);
	groups_free(&scan.groups);
	for (size_t i = 0; scan.scanner && i < scan.n_scanners; i++)
		scanner_done(&scan.scanner[i]);
	free(scan.scanner);
	clsf_ruleset_unref(scan.ruleset);
	list_free(&options.rules);
	list_free(&options.inputs);
	list_free(&options.files_from);
	return exit_status(o);
}
