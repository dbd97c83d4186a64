/* SPDX-License-Identifier: Apache-2.0 */
/* `scan --incident`: several inputs in, one verdict out. See scan.h. */

#include <stdio.h>

#include "interrupt.h"
#include "scan.h"

static void complain_about(const char *path, const char *why, void *user)
{
	struct scan *scan = user;
	complain("%s: %s", path, why);
	scan->outcome->unread = true;
}

int scan_incident_match(struct scanner *s, const struct clsf_match *match)
{
	const struct incident_part *part = incident_part_of(s->incident, match->line.number);
	struct clsf_match local = *match;
	struct text source = { 0 };
	local.line.number -= part->lines;
	local.line.offset -= part->bytes;
	incident_source(s->incident, part, &source);
	s->matches.length = 0;
	output_match(&s->matches, source.failed ? part->path : source.data, &local);
	text_free(&source);
	if (s->matches.failed)
		s->incident->failed_memory = true;
	else
		fwrite(s->matches.data, 1, s->matches.length, stdout);
	return s->matches.failed || ferror(stdout);
}

/* Reads a part. False when nothing more is to be read. */
static bool read_part(struct scanner *s, struct incident *in, size_t index, uint64_t *lines, uint64_t *bytes)
{
	struct incident_part *part = &in->parts[index];
	struct input_result result;
	uint64_t begun = *bytes;
	part->lines = *lines;
	part->bytes = *bytes;
	part->read = true;
	interrupt_join();
	bool opened = scanner_read(s, part->path, &result);
	interrupt_leave();
	scan_tell_input(s->scan, part->path, &result);
	part->read = opened;
	if (!opened)
		return true;
	int code = clsf_stream_part(s->stream, s->worker, lines, bytes);
	if (s->span)
		span_end(s->span, part->lines, *lines);
	if (code < 0 && result.complete)
		complain_about(part->path, clsf_strerror(code), s->scan);
	if ((!result.complete || code < 0) && !in->truncated) {
		char message[1024];
		snprintf(message, sizeof(message), "%s", result.complete ? clsf_strerror(code) : result.message);
		clsf_stream_truncated(s->stream, message);
		in->truncated = index + 1;
		in->truncated_bytes = *bytes - begun;
	}
	return code == 0 && !interrupted();
}

static void tell(struct scanner *s, struct incident *in, const struct clsf_verdict *verdict)
{
	struct local_verdict local;
	struct incident_told told;
	struct span span = s->span ? s->span->span : (struct span){ 0 };
	incident_look_into_logs(in, verdict, &s->scan->stream_options, &told);
	incident_localize(in, verdict, &told, &local);
	in->failed_memory = in->failed_memory || told.failed_memory || s->marks.failed_memory ||
	                    local.failed || local.source.failed;
	if (!in->failed_memory)
		scan_tell_log(s->scan, &(struct postmortem_log){
			.source = local.source.data, .verdict = &local.verdict, .whole = verdict, .incident = in,
			.marks = &s->marks, .span = &span,
			.line = told.verdict ? told.part->lines + local.verdict.line.number
			                     : verdict->line.number });
	local_verdict_free(&local);
	incident_told_free(&told);
}

void scan_incident(struct scan *scan)
{
	struct scanner *s = &scan->scanner[0];
	struct incident in;
	uint64_t lines = 0, bytes = 0;
	const char *why = NULL;
	incident_collect(&in, &scan->options->inputs, complain_about, scan);
	s->incident = &in;
	bool any = false;
	for (size_t i = 0; i < in.n && read_part(s, &in, i, &lines, &bytes); i++)
		;
	for (size_t i = 0; i < in.n; i++)
		any = any || in.parts[i].read;
	const struct clsf_verdict *verdict = any ? scanner_finish(s, &why) : NULL;
	if (verdict)
		tell(s, &in, verdict);
	if (why)
		complain_about(in.name, why, scan);
	if (in.failed_memory) {
		complain("out of memory");
		scan->outcome->unread = true;
	}
	s->incident = NULL;
	incident_free(&in);
}
