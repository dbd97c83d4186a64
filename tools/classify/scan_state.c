/* SPDX-License-Identifier: Apache-2.0 */
/* See scan_state.h. */

#include "scan_state.h"

#include <classify/reader.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "scan.h"

#define MAX_MATCHED 100000   /* rules of one log: as many as a ruleset has */

/* ---- the thread that tells ---- */

/* The options that a verdict, or what is remembered of it, depends on. */
static void describe_options(const struct scan *scan, struct text *t)
{
	const struct clsf_stream_options *o = &scan->stream_options;
	text_addf(t, "version=%s unwrap=%s redact=%s context=%u", clsf_version(), o->no_unwrap ? "no" : "yes",
	          o->redact ? "yes" : "no", o->context);
	text_add(t, "", 1);
}

bool scan_state_open(struct scan *scan)
{
	const char *path = scan->options->state;
	char why[256];
	bool busy;
	struct text options = { 0 };
	if (!path)
		return true;
	describe_options(scan, &options);
	scan->state = options.failed ? NULL : state_open(path, scan->ruleset, options.data, why, &busy);
	text_free(&options);
	if (scan->state)
		return true;
	complain("%s: %s; %s", path, why, busy ? "nothing was scanned" : "the scan goes on, and nothing is remembered");
	scan->outcome->unread = true;
	return !busy;
}

/* A state that failed is told once; what comes is scanned all the same. */
static void look_after(struct scan *scan)
{
	const char *error = scan->state_failed ? NULL : state_error(scan->state);
	if (!error)
		return;
	scan->state_failed = true;
	scan->outcome->unread = true;
	complain("%s: %s; what was scanned since it was last written is not remembered", scan->options->state, error);
}

void scan_state_tell(struct scan *scan, const struct scanned *s)
{
	if (!scan->state)
		return;
	switch (s->kind) {
	case SCANNED_BEGIN:
		state_begin(scan->state, s->file);
		break;
	case SCANNED_LOG:
		state_add(scan->state, &(struct state_log){
			.source = s->source, .verdict = &s->verdict, .matched = s->matched, .n_matched = s->n_matched,
			.span = &s->span, .mtime = s->mtime });
		break;
	case SCANNED_END:
		if (s->file->answer == STATE_UNCHANGED || s->file->answer == STATE_FLOWING)
			state_keep(scan->state, s->file);
		else
			state_end(scan->state, s->file, s->keep, s->whole);
		break;
	case SCANNED_MATCHES:
	case SCANNED_REMARK:
	case SCANNED_OUTSIDE:
		break;
	}
	scan_state_pause(scan);
}

void scan_state_pause(struct scan *scan)
{
	/* What is remembered has been told: that comes first, and with some formats it comes last. */
	if (!scan->state || output_waits(scan->options->output.format) || !state_due(scan->state))
		return;
	if (fflush(stdout) == 0 && output_is_whole() && !scan->output.failed)
		state_commit(scan->state);
	look_after(scan);
}

static void report_recalled(struct scan *scan, const struct state_recalled *log)
{
	struct report_log reported;
	struct clsf_time failed;
	report_log_fill(&reported, log->source, log->verdict);
	reported.time = (struct report_time){ log->timed ? REPORT_CLOCK_LOG : REPORT_CLOCK_FILE, log->last };
	if (log->verdict->outcome == CLSF_FAILED && span_of_failure(log->verdict, &failed) &&
	    failed.clock == CLSF_CLOCK_FULL)
		reported.time.seconds = failed.nanoseconds / 1000000000;
	report_add(&scan->report, &reported);
	groups_add(&scan->remembered, log->source, log->verdict, NULL, 0);
}

static bool recall(const struct state_recalled *log, void *user)
{
	struct scan *scan = user;
	if (scan->options->report)
		report_recalled(scan, log);
	if (scan->options->output.format != OUTPUT_PROMETHEUS)
		return true;
	scan->totals.logs++;
	scan->totals.failed += log->verdict->outcome == CLSF_FAILED;
	scan->totals.passed += log->verdict->outcome == CLSF_PASSED;
	scan->totals.undetermined += log->verdict->outcome == CLSF_UNDETERMINED;
	output_log(&scan->options->output, &scan->output, stdout, log->source, log->verdict,
	           clsf_ruleset_hash(scan->ruleset), false);
	return true;
}

void scan_state_recall(struct scan *scan)
{
	if (scan->state && (scan->options->report || scan->options->output.format == OUTPUT_PROMETHEUS)) {
		state_recall(scan->state, &scan->options->inputs, recall, scan);
		look_after(scan);
	}
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void tell_sums(const struct scan *scan)
{
	struct state_sums sums;
	struct text t = { 0 };
	state_sum(scan->state, &sums);
	if (sums.since[0]) {
		text_addf(&t, "%zu log%s of %zu file%s unchanged since %.10s %.8s UTC", sums.logs, plural(sums.logs),
		          sums.files, plural(sums.files), sums.since, sums.since + 11);
		if (sums.again_files)
			text_addf(&t, "; %zu log%s of %zu file%s scanned again because of %zu changed rule%s", sums.again_logs,
			          plural(sums.again_logs), sums.again_files, plural(sums.again_files), sums.rules,
			          plural(sums.rules));
		else if (sums.rules && sums.files)
			text_addf(&t, "; %zu rule%s changed, which concerns none of them", sums.rules, plural(sums.rules));
		text_add(&t, "", 1);
		complain("%s", t.failed ? "out of memory" : t.data);
	}
	text_free(&t);
	const struct {
		size_t n;
		const char *what;
	} notes[] = {
		{ sums.grew, "had grown and was scanned anew, whole" },
		{ sums.options, "was scanned anew, for the options are others" },
		{ sums.broken, "was scanned anew, for it was not read in full the last time" },
	};
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (notes[i].n)
			complain("%zu file%s of those remembered: each %s", notes[i].n, plural(notes[i].n), notes[i].what);
	if (sums.flowing)
		complain("what comes from standard input, pipes and devices is scanned, and not remembered");
}

void scan_state_close(struct scan *scan)
{
	if (!scan->state)
		return;
	bool told = output_is_whole() && !scan->output.failed;
	look_after(scan);
	if (!scan->options->output.quiet && !scan->state_failed)
		tell_sums(scan);
	char why[256];
	if (!state_close(scan->state, told, interrupted() != 0, why) && !scan->state_failed) {
		complain("%s: %s; what was scanned last is not remembered", scan->options->state, why);
		scan->outcome->unread = true;
	}
	scan->state = NULL;
}

/* ---- threads that scan ---- */

/* The begin or the end of a file, for the other thread. */
static void hand_over(struct scanner *s, struct job *job, enum scanned_kind kind)
{
	struct scanned *note = scanned_file(kind, &s->file);
	if (note) {
		note->keep = !s->dropped && !jobs_stopping(job->jobs);
		note->whole = !s->broken && s->file.identity.kind == IDENTITY_FILE && identity_still(&s->file.identity);
	}
	s->dropped = s->dropped || !note;
	job_tell(job, note ? &note->told : NULL);
}

static bool prepare_asking(struct scanner *s, struct clsf_ruleset *ruleset)
{
	struct scan_asking *a = &s->asking;
	if (a->ruleset == ruleset)
		return true;
	struct clsf_stream_options options = s->scan->stream_options;
	options.context = 0;
	options.redact = 0;
	clsf_stream_free(a->stream);
	clsf_worker_free(a->worker);
	*a = (struct scan_asking){ 0 };
	if (clsf_worker_new(ruleset, NULL, &a->worker) != 0 || clsf_stream_new(ruleset, &options, &a->stream) != 0)
		return false;
	a->ruleset = ruleset;
	return true;
}

/* The next log of the file: does a changed rule match in it, or meet a limit that it shares with others? */
static bool ask_log(struct scanner *s, struct clsf_reader *reader, struct job *job)
{
	struct scan_asking *a = &s->asking;
	const struct clsf_verdict *verdict;
	struct clsf_matched matched;
	const void *data;
	size_t length;
	int code;
	clsf_stream_reset(a->stream);
	while ((code = clsf_reader_read(reader, &data, &length, NULL)) == 0 && !jobs_stopping(job->jobs))
		if (clsf_stream_feed(a->stream, a->worker, data, length) != 0)
			return true;
	if (code != CLSF_STOPPED || clsf_stream_finish(a->stream, a->worker, &verdict) != 0 ||
	    clsf_stream_matched(a->stream, 0, &matched) == 0)
		return true;
	for (size_t i = 0; i < verdict->n_warnings; i++)
		if (verdict->warnings[i].code != CLSF_WARN_ENGINE_FALLBACK &&
		    verdict->warnings[i].code != CLSF_WARN_LINE_TOO_LONG)
			return true;
	return false;
}

/*
 * Do the changed rules concern the file? Whatever goes wrong counts as a yes:
 * scanning it in full will tell.
 */
static bool ask(struct scanner *s, struct job *job)
{
	struct clsf_reader *reader = NULL;
	const struct clsf_member *member;
	int code = -1;
	if (!s->file.asked || !prepare_asking(s, s->file.asked) ||
	    clsf_reader_open(job->path.name, NULL, &reader, NULL) != 0)
		return true;
	bool concerned = false;
	while (!concerned && (code = clsf_reader_next(reader, &member, NULL)) == 0)
		concerned = ask_log(s, reader, job);
	clsf_reader_free(reader);
	return concerned || code != CLSF_STOPPED || !identity_still(&s->file.identity);
}

bool scan_state_wants(struct scanner *s, struct job *job)
{
	struct state *state = s->scan->state;
	s->begun = s->dropped = s->broken = false;
	if (!state)
		return true;
	if (!state_look(state, &s->folder, job->path.name, &s->file)) {
		job_tell(job, NULL);
		return false;
	}
	if (s->file.answer == STATE_ASK)
		state_file_asked(&s->file, ask(s, job));
	if (s->file.answer != STATE_UNCHANGED && s->file.answer != STATE_OWN)
		return true;
	if (state_file_waits(&s->file))
		hand_over(s, job, SCANNED_END);
	state_file_done(&s->file);
	return false;
}

/* The file's part in the log, and all rules that matched in it. */
static bool add_matched(struct scanner *s, struct scanned *log)
{
	struct clsf_matched one;
	size_t capacity = 0;
	log->mtime = s->mtime;
	while (log->n_matched < MAX_MATCHED && clsf_stream_matched(s->stream, log->n_matched, &one) == 0) {
		if (log->n_matched == capacity) {
			capacity = capacity ? capacity * 2 : 8;
			struct clsf_matched *grown = realloc(log->matched, capacity * sizeof(*grown));
			if (!grown)
				return false;
			log->matched = grown;
		}
		log->matched[log->n_matched++] = one;
	}
	log->told.size += capacity * sizeof(one);
	return true;
}

void scan_state_log(struct scanner *s, struct job *job, struct scanned *log)
{
	if (s->scan->state && s->file.identity.kind == IDENTITY_FILE) {
		if (!s->begun)
			hand_over(s, job, SCANNED_BEGIN);
		s->begun = true;
		s->dropped = s->dropped || !log || !add_matched(s, log);
	}
	job_tell(job, log ? &log->told : NULL);
}

void scan_state_scanned(struct scanner *s, struct job *job)
{
	/* What could not be opened is as it was; an archive without a log is remembered as such. */
	bool readable = s->begun || !s->broken;
	if (s->scan->state && s->file.identity.kind == IDENTITY_FILE && readable) {
		if (!s->begun)
			hand_over(s, job, SCANNED_BEGIN);
		hand_over(s, job, SCANNED_END);
	} else if (s->scan->state && s->file.identity.kind == IDENTITY_FLOWING) {
		hand_over(s, job, SCANNED_END);
	}
	state_file_done(&s->file);
}

void scan_state_done(struct scanner *s)
{
	state_file_done(&s->file);
	identity_folder_done(&s->folder);
	clsf_stream_free(s->asking.stream);
	clsf_worker_free(s->asking.worker);
}
