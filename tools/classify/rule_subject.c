/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rule_subject.h. Two small rulesets do the work: one that matches every
 * line, whose callback is given the line and its message, and one that calls a
 * log failed at a mark behind its end, so that the verdict tells what is odd in
 * it. A log is therefore read twice, and never kept.
 */

#include "rule_subject.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "end_mark.h"
#include "trial.h"

#define MAX_INPUT ((size_t)16 << 20)   /* of standard input */

/* Every line that is not blank, with the innermost message in a capture. */
static const char every_line[] =
	"rules: [{id: line, title: t, category: unknown, match: '(?s)^(?<message>.*\\S.*)$'}]\n";

/* A log that ends with the mark failed, and what it tells is asked for. */
static const char end_failed[] = END_MARK_RULES;

/* Where lines come from: a path, or a text. */
struct source {
	const char *path;            /* NULL: the text */
	struct text text;
};

struct picker {
	uint64_t wanted;
	struct subject *subject;
	bool found;
};

static int on_line(const struct clsf_match *m, void *user)
{
	struct picker *p = user;
	if (m->line.number < p->wanted)
		return 0;
	p->found = m->line.number == p->wanted;
	if (p->found) {
		text_add(&p->subject->line, m->line.text, m->line.text_length);
		if (m->n_fields)
			text_add(&p->subject->message, m->fields[0].value, m->fields[0].length);
	}
	return 1;
}

/* Scans the source; false, and told, when it cannot be read. */
static bool feed(const struct source *s, struct input_feeding *f, struct outcome *o)
{
	if (!s->path)
		return clsf_stream_feed(f->stream, f->worker, s->text.data ? s->text.data : "", s->text.length) >= 0;
	struct input_result result;
	input_read(s->path, input_feed, f, &result);
	if (f->code < 0 && result.complete) {
		complain("%s: %s", s->path, clsf_strerror(f->code));
		o->unread = true;
		return false;
	}
	if (!result.opened || result.binary || (!result.complete && !result.stopped)) {
		complain("%s: %s", s->path, result.binary ? "binary" : result.message);
		o->unread = true;
		return false;
	}
	return true;
}

/* Takes the line of this number and its message. False, and told, if there is none. */
static bool pick_whole_line(const struct source *s, uint64_t number, struct subject *subject, struct outcome *o)
{
	struct clsf_error error;
	struct picker picker = { .wanted = number, .subject = subject };
	struct input_feeding f = { 0 };
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	const struct clsf_verdict *v;
	options.on_match = on_line;
	options.user = &picker;
	struct clsf_ruleset *rs = trial_compile("line", every_line, strlen(every_line), &error);
	bool good = rs && clsf_worker_new(rs, NULL, &f.worker) == 0 && clsf_stream_new(rs, &options, &f.stream) == 0;
	bool read = good && feed(s, &f, o);
	if (read && !picker.found)
		clsf_stream_finish(f.stream, f.worker, &v);
	clsf_stream_free(f.stream);
	clsf_worker_free(f.worker);
	clsf_ruleset_unref(rs);
	if (!good) {
		complain("out of memory");
		o->unread = true;
	} else if (read && !picker.found) {
		usage_error(o, "rules new", "line %" PRIu64 " is blank, or not there", number);
	}
	return read && picker.found;
}

/* Of a progress bar the last part is what a person saw. */
static void last_part(struct subject *s)
{
	const char *part = s->line.data;
	size_t length = s->line.length;
	while (length > 0 && (part[length - 1] == '\r' || part[length - 1] == '\n'))
		length--;
	const char *cr = length ? memrchr(part, '\r', length) : NULL;
	if (cr) {
		length -= (size_t)(cr + 1 - part);
		part = cr + 1;
	}
	struct outcome ignored = { 0 };
	struct subject inner = { 0 };
	struct source source = { 0 };
	text_add(&source.text, part, length);
	if (cr && pick_whole_line(&source, 1, &inner, &ignored)) {
		text_free(&s->message);
		s->message = inner.message;
		inner.message = (struct text){ 0 };
	}
	s->line.length = part + length - s->line.data;
	text_free(&source.text);
	text_free(&inner.line);
	text_free(&inner.message);
}

static bool pick_line(const struct source *s, uint64_t number, struct subject *subject, struct outcome *o)
{
	if (!pick_whole_line(s, number, subject, o))
		return false;
	last_part(subject);
	return true;
}

/* What the rules say of the log; the number of the most telling line, or 0. */
static uint64_t telling_line(const struct source *s, struct clsf_ruleset *rs, const char *end, struct outcome *o)
{
	struct trial t;
	uint64_t number = 0;
	bool good = trial_start(&t, rs) && feed(s, &t.feeding, o) &&
	            clsf_stream_feed(t.feeding.stream, t.feeding.worker, end, strlen(end)) == 0 &&
	            clsf_stream_finish(t.feeding.stream, t.feeding.worker, &t.verdict) == 0;
	const struct clsf_verdict *v = good ? t.verdict : NULL;
	if (v && v->outcome == CLSF_FAILED && v->rule)
		usage_error(o, "rules new", "the log is known already: line %" PRIu64 " is %s; name another as LOG:NUMBER",
		            v->line.number, v->rule->id);
	else if (v && v->outcome == CLSF_PASSED)
		usage_error(o, "rules new", "the log passed; name a line as LOG:NUMBER");
	else if (v && v->outcome == CLSF_FAILED && v->n_telling && v->line.number &&
	         strcmp(v->line.text, END_MARK) != 0)
		number = v->line.number;
	trial_stop(&t);
	return number;
}

/* The most telling line of a log that no rule knows. */
static bool pick_telling(const struct source *s, struct clsf_ruleset *rs, struct subject *subject,
                         struct outcome *o)
{
	struct clsf_error error;
	uint64_t number = telling_line(s, rs, "", o);
	if (number == 0 && !o->usage && !o->unread) {
		/* No rule says that it failed; whoever asks does. */
		struct clsf_ruleset *marked = trial_compile("end", end_failed, strlen(end_failed), &error);
		number = marked ? telling_line(s, marked, "\n" END_MARK "\n", o) : 0;
		clsf_ruleset_unref(marked);
	}
	if (number == 0 && !o->usage && !o->unread)
		usage_error(o, "rules new", "no line of the log tells anything; name one as LOG:NUMBER");
	if (number == 0)
		return false;
	complain("line %" PRIu64 " tells most", number);
	return pick_line(s, number, subject, o);
}

static bool add_input(const char *data, size_t length, void *user)
{
	struct text *t = user;
	text_add(t, data, length);
	return t->length <= MAX_INPUT && !t->failed;
}

bool subject_from_input(struct clsf_ruleset *rs, struct subject *subject, bool log, struct outcome *o)
{
	struct source s = { 0 };
	struct input_result result;
	input_read("-", add_input, &s.text, &result);
	bool good = result.complete && !result.stopped && !result.binary;
	if (!good) {
		complain("-: %s", result.binary ? "binary" : result.stopped ? "more than 16 MiB" : result.message);
		o->unread = true;
	}
	size_t lines = 0;
	for (size_t i = 0; i < s.text.length; i++)
		lines += s.text.data[i] == '\n' && i + 1 < s.text.length;
	if (good)
		good = log || lines > 0 ? pick_telling(&s, rs, subject, o) : pick_line(&s, 1, subject, o);
	text_free(&s.text);
	return good;
}

/* "LOG:NUMBER", if there is no such file; 0 otherwise. `path` is cut before the colon. */
static uint64_t split_number(char *path)
{
	struct stat st;
	char *colon = strrchr(path, ':'), *end;
	if (!colon || !colon[1] || colon[1] < '0' || colon[1] > '9' || stat(path, &st) == 0)
		return 0;
	errno = 0;
	unsigned long long number = strtoull(colon + 1, &end, 10);
	if (*end || errno)
		return 0;
	*colon = '\0';
	return number;
}

bool subject_from_log(const char *from, struct clsf_ruleset *rs, struct subject *subject, struct outcome *o)
{
	char *path = strdup(from);
	if (!path)
		return false;
	uint64_t number = split_number(path);
	struct source s = { .path = path };
	bool good = number ? pick_line(&s, number, subject, o) : pick_telling(&s, rs, subject, o);
	free(path);
	return good;
}

bool subject_from_line(const char *path, uint64_t number, struct subject *subject, struct outcome *o)
{
	struct source s = { .path = path };
	return pick_line(&s, number, subject, o);
}

bool subject_from_text(const char *line, struct clsf_ruleset *rs, struct subject *subject, struct outcome *o)
{
	struct source s = { 0 };
	text_adds(&s.text, line);
	const char *newline = strchr(line, '\n');
	bool good = newline && newline[1] ? pick_telling(&s, rs, subject, o) : pick_line(&s, 1, subject, o);
	text_free(&s.text);
	return good;
}

void subject_done(struct subject *subject)
{
	text_free(&subject->line);
	text_free(&subject->message);
}
