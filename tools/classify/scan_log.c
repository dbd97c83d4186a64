/* SPDX-License-Identifier: Apache-2.0 */
/* See scan.h: what a thread does with an input, from its bytes to what is told of it. */

#include "scan.h"

#include <stdio.h>
#include <stdlib.h>

#include "interrupt.h"
#include "profile.h"

#define MATCHES ((size_t)64 * 1024)  /* bytes of matches that are handed over at once */

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

int scanner_prepare(struct scan *scan, struct scanner *s)
{
	if (s->stream)
		return 0;
	struct clsf_stream_options stream = scan->stream_options;
	struct clsf_worker_options worker = CLSF_WORKER_OPTIONS_INIT;
	s->scan = scan;
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
	free(s->span);
	clsf_stream_free(s->stream);
	clsf_worker_free(s->worker);
}

static bool stopping(struct scanner *s)
{
	return s->job ? jobs_stopping(s->job->jobs) : interrupted();
}

static bool feed(const char *data, size_t length, void *user)
{
	struct scanner *s = user;
	if (stopping(s))
		return false;
	if (s->span)
		span_feed(s->span, data, length);
	s->code = clsf_stream_feed(s->stream, s->worker, data, length);
	/* Matches are to be seen while a log that goes on waits for more. */
	if (s->job && s->matches.length)
		hand_over_matches(s);
	return s->code == 0;
}

bool scanner_read(struct scanner *s, const char *path, struct input_result *result)
{
	s->source = path;
	s->code = 0;
	input_read(path, feed, s, result);
	if (result->opened && result->complete && (interrupted() || s->code < 0)) {
		snprintf(result->message, sizeof(result->message), "%s",
		         s->code < 0 ? clsf_strerror(s->code) : "interrupted");
		result->complete = false;
	}
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

static void tell_failure(struct job *job, const char *why)
{
	struct scanned *remark = scanned_remark(job->path.name, why, true);
	job_tell(job, remark ? &remark->told : NULL);
}

static void scan_path(struct scanner *s, struct job *job)
{
	struct input_result result;
	const char *why = NULL;
	const char *path = job->path.name;
	clsf_stream_reset(s->stream);
	marks_reset(&s->marks);
	if (s->span)
		span_reset(s->span);
	if (!scanner_read(s, path, &result)) {
		tell_failure(job, interrupted() ? "interrupted" : result.message);
		return;
	}
	if (!result.complete)
		clsf_stream_truncated(s->stream, result.message);
	const struct clsf_verdict *verdict = scanner_finish(s, &why);
	if (!verdict) {
		tell_failure(job, why);
		return;
	}
	if (s->matches.length)
		hand_over_matches(s);
	if (s->span)
		span_end(s->span, 0, verdict->lines);
	struct scanned *log = scanned_log(path, verdict, &result, s->scan->marked ? &s->marks : NULL,
	                                  s->span ? &s->span->span : NULL);
	job_tell(job, log ? &log->told : NULL);
}

void scan_job(struct job *job, size_t number, void *user)
{
	struct scan *scan = user;
	struct scanner *s = &scan->scanner[number];
	int code = 0;
	if (job->path.why) {
		struct scanned *remark = scanned_remark(job->path.name, job->path.why, job->path.failure);
		job_tell(job, remark ? &remark->told : NULL);
		return;
	}
	s->job = job;
	code = scanner_prepare(scan, s);
	if (code == 0)
		scan_path(s, job);
	else
		tell_failure(job, clsf_strerror(code));
	s->job = NULL;
	if (code)
		jobs_stop(&scan->jobs);
}
