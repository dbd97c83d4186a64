/* SPDX-License-Identifier: Apache-2.0 */
/* See scan.h: what a thread does with an input, from its bytes to what is told of it. */

#include "scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "profile.h"

#define MATCHES ((size_t)64 * 1024)  /* bytes of matches that are handed over at once */
#define SLOW_PIECE ((size_t)4096)    /* bytes fed at once without an engine, so that an interrupt is not long in coming */
#define MAX_REMARKS 20               /* of one file, told one by one */

/* What was matched is handed over in pieces, so that no log makes it grow. */
static void hand_over_matches(struct scanner *s)
{
	struct text *t = &s->matches;
	if (t->failed)
		job_tell(s->job, NULL);
	else if (t->length)
		job_tell(s->job, &scanned_matches(t)->told);
	t->length = 0;
	t->failed = false;
}

static int on_match(const struct clsf_match *match, void *user)
{
	struct scanner *s = user;
	if (s->incident)
		return scan_incident_match(s, match);
	output_match(&s->matches, s->source, match);
	if (s->matches.length >= MATCHES || s->matches.failed)
		hand_over_matches(s);
	return jobs_stopping(s->job->jobs);
}

static int on_mark(const struct clsf_match *match, void *user)
{
	struct scanner *s = user;
	marks_add(&s->marks, match);
	return 0;
}

static bool stopping(struct scanner *s)
{
	return s->job ? jobs_stopping(s->job->jobs) : interrupted();
}

static bool going(void *user)
{
	return !stopping(user);
}

/* Says on standard error, in its turn. */
static void tell_remark(struct scanner *s, const char *source, const char *why, bool failure)
{
	struct scanned *remark = scanned_remark(source, why, failure);
	s->broken = s->broken || failure;
	if (s->job)
		job_tell(s->job, remark ? &remark->told : NULL);
	else if (remark)
		scan_tell(&remark->told, s->scan);
}

/* An archive may hold a million of what is no log. */
static void on_remark(enum clsf_remark what, const char *name, const char *why, void *user)
{
	struct scanner *s = user;
	if (what == CLSF_REMARK_SKIPPED) {
		if (s->skipped++ == 0) {
			s->first_skipped.length = 0;
			text_addf(&s->first_skipped, "%s: %s", name, why);
		}
	} else if (s->lost++ < MAX_REMARKS) {
		tell_remark(s, name, why, true);
	}
}

/* What was met in a file beside its logs, when it ends. */
static void tell_others(struct scanner *s, const char *path)
{
	struct text t = { 0 };
	if (s->lost > MAX_REMARKS) {
		text_addf(&t, "%zu more entries cannot be read", s->lost - MAX_REMARKS);
		text_add(&t, "", 1);
		tell_remark(s, path, t.failed ? "more entries cannot be read" : t.data, true);
	}
	t.length = 0;
	if (s->skipped) {
		text_addf(&t, "%zu %s no log%s; ", s->skipped, s->skipped == 1 ? "entry is" : "entries are",
		          s->skipped == 1 ? "" : "s");
		text_add(&t, s->first_skipped.data, s->first_skipped.length);
		text_add(&t, "", 1);
		if (!t.failed)
			tell_remark(s, path, t.data, false);
	}
	text_free(&t);
	s->skipped = s->lost = 0;
}

static bool feed_some(struct scanner *s, const char *data, size_t length)
{
	if (stopping(s))
		return false;
	progress_take(&s->progress, input_position(&s->input), length);
	if (s->scan->windowed)
		s->code = window_feed(&s->window, data, length);
	else
		s->code = clsf_stream_feed(s->stream, s->worker, data, length);
	if (s->span && !s->scan->windowed)
		span_feed(s->span, data, length);
	/* Matches are to be seen while a log that goes on waits for more. */
	if (s->job && s->matches.length)
		hand_over_matches(s);
	return s->code == 0;
}

static bool feed(const char *data, size_t length, void *user)
{
	struct scanner *s = user;
	size_t most = s->scan->options->engine == CLSF_ENGINE_PCRE2 ? SLOW_PIECE : length;
	bool good = true;
	for (size_t at = 0; good && at < length; at += most)
		good = feed_some(s, data + at, length - at < most ? length - at : most);
	return good;
}

/* What was taken may be cut, although what is read could have gone on. */
static void note_end(struct scanner *s, struct input_result *result)
{
	if (!result->complete || (!interrupted() && s->code >= 0))
		return;
	snprintf(result->message, sizeof(result->message), "%s",
	         s->code < 0 ? clsf_strerror(s->code) : "interrupted");
	result->complete = false;
}

int scanner_prepare(struct scan *scan, struct scanner *s)
{
	if (s->stream)
		return 0;
	struct clsf_stream_options stream = scan->stream_options;
	struct clsf_worker_options worker = CLSF_WORKER_OPTIONS_INIT;
	s->scan = scan;
	s->input.on_remark = on_remark;
	s->input.going = going;
	s->input.user = s;
	if (scan->options->matches)
		stream.on_match = on_match;
	else if (scan->marked)
		stream.on_match = on_mark;
	stream.user = s;
	if (scan->options->profile)
		worker.clock = profile_clock;
	if (scan->spans && !(s->span = calloc(1, sizeof(*s->span))))
		return CLSF_E_NOMEM;
	int code = s->worker ? 0 : clsf_worker_new(scan->ruleset, &worker, &s->worker);
	return code ? code : clsf_stream_new(scan->ruleset, &stream, &s->stream);
}

void scanner_done(struct scanner *s)
{
	marks_free(&s->marks);
	text_free(&s->matches);
	text_free(&s->first_skipped);
	input_done(&s->input);
	window_done(&s->window);
	free(s->span);
	scan_state_done(s);
	clsf_stream_free(s->stream);
	clsf_worker_free(s->worker);
}

bool scanner_read(struct scanner *s, const char *path, struct input_result *result)
{
	s->source = path;
	s->code = 0;
	input_read_log(&s->input, path, feed, s, result);
	tell_others(s, path);
	if (result->opened)
		note_end(s, result);
	return result->opened;
}

const struct clsf_verdict *scanner_finish(struct scanner *s, const char **ret_why)
{
	const struct clsf_verdict *verdict;
	int code = clsf_stream_finish(s->stream, s->worker, &verdict);
	if (code >= 0)
		return verdict;
	*ret_why = clsf_strerror(code);
	return NULL;
}

/* The verdict with one warning more, whose array the caller frees; without any when memory is out. */
static struct clsf_verdict add_warning(const struct clsf_verdict *verdict, enum clsf_warning_code code,
                                       const char *message)
{
	struct clsf_verdict more = *verdict;
	size_t n = verdict->n_warnings;
	struct clsf_warning *warnings = calloc(n + 1, sizeof(*warnings));
	if (warnings && n)
		memcpy(warnings, verdict->warnings, n * sizeof(*warnings));
	if (warnings)
		warnings[n++] = (struct clsf_warning){ .code = code, .message = message };
	more.warnings = warnings;
	more.n_warnings = warnings ? n : 0;
	return more;
}

static void hand_over_log(struct scanner *s, const struct clsf_verdict *verdict, const struct input_result *result)
{
	struct scanned *log;
	struct clsf_verdict more = { 0 };
	const struct window_filter *w = s->scan->windowed ? &s->window : NULL;
	const struct span *span = w ? &w->span : s->span ? &s->span->span : NULL;
	if (s->span && !w)
		span_end(s->span, 0, verdict->lines);
	if (s->marks.failed_memory) {
		job_tell(s->job, NULL);
		return;
	}
	if (w && !w->timed && result->bytes) {
		more = add_warning(verdict, CLSF_WARN_NO_TIMESTAMPS,
		                   "no line tells a time: all were looked at, whatever --since and --until say");
		verdict = &more;
		if (!more.warnings) {
			job_tell(s->job, NULL);
			return;
		}
	}
	if (w && window_left_out(w) && !result->complete)
		tell_remark(s, s->source, result->message, true);
	if (w && window_left_out(w))
		log = scanned_outside(s->source);
	else
		log = scanned_log(s->source, verdict, result, s->scan->marked ? &s->marks : NULL, span);
	if (log)
		log->mtime = s->mtime;
	free((void *)(uintptr_t)more.warnings);
	if (w && window_left_out(w))
		job_tell(s->job, log ? &log->told : NULL);
	else
		scan_state_log(s, s->job, log);
}

static void scan_member(struct scanner *s, const struct clsf_member *member)
{
	struct input_result result;
	const char *why = NULL;
	const char *name = member->name;
	s->source = name;
	s->code = 0;
	clsf_stream_reset(s->stream);
	marks_reset(&s->marks);
	if (s->span)
		span_reset(s->span);
	if (s->scan->windowed)
		window_begin(&s->window, &s->scan->options->window, s->stream, s->worker,
		             member->has_mtime ? member->mtime * INT64_C(1000000000) : s->scan->begun);
	input_take(&s->input, feed, s, &result);
	if (s->scan->windowed && s->code == 0)
		s->code = window_end(&s->window);
	note_end(s, &result);
	if (!result.complete) {
		clsf_stream_truncated(s->stream, result.message);
		s->broken = true;
	}
	const struct clsf_verdict *verdict = scanner_finish(s, &why);
	if (!verdict) {
		tell_remark(s, name, why, true);
		return;
	}
	if (s->matches.length)
		hand_over_matches(s);
	hand_over_log(s, verdict, &result);
}

/* An input is not there at all: where a list names it, the place there is told as well. */
static void tell_unread(struct scanner *s, const char *why)
{
	const struct path *path = &s->job->path;
	struct text t = { 0 };
	if (path->place)
		text_addf(&t, "%s: ", path->place);
	text_adds(&t, path->name);
	text_add(&t, "", 1);
	tell_remark(s, t.failed ? path->name : t.data, why, true);
	text_free(&t);
}

static void scan_path(struct scanner *s, const char *path)
{
	const struct clsf_member *member;
	bool any = false;
	/* What the other inputs leave of the cores is used to decompress this one. */
	s->input.ahead = s->scan->cores > jobs_busy(s->job->jobs);
	int code = input_open(&s->input, path);
	while (code == 0 && (code = input_next(&s->input, &member)) == 0) {
		any = true;
		s->mtime = member->has_mtime ? member->mtime * 1000000000 : s->file.identity.mtime;
		scan_member(s, member);
		if (stopping(s))
			break;
	}
	tell_others(s, path);
	if (code < 0 && !any)
		tell_unread(s, stopping(s) ? "interrupted" : s->input.error.message);
	else if (code < 0)
		tell_remark(s, path, stopping(s) ? "interrupted" : s->input.error.message, true);
	else if (!any)
		tell_remark(s, path, "an archive without logs", false);
}

void scan_job(struct job *job, size_t number, void *user)
{
	struct scan *scan = user;
	struct scanner *s = &scan->scanner[number];
	int code = 0;
	s->scan = scan;
	s->job = job;
	if (scan->progress.on)
		progress_open(&s->progress, job->path.name);
	if (job->path.why) {
		tell_remark(s, job->path.name, job->path.why, job->path.failure);
	} else if ((code = scanner_prepare(scan, s)) != 0) {
		tell_remark(s, job->path.name, clsf_strerror(code), true);
	} else if (scan_state_wants(s, job)) {
		scan_path(s, job->path.name);
		scan_state_scanned(s, job);
	}
	progress_close(&s->progress);
	s->job = NULL;
	if (code)
		jobs_stop(&scan->jobs);
}
