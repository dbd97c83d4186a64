/* SPDX-License-Identifier: Apache-2.0 */
/* See incident.h. */

#include "incident.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "end_mark.h"
#include "trial.h"

#define MAX_PARTS 1000
#define SAMPLE ((size_t)16 * 1024)   /* of an input, to see what it is */

/* In the order in which they are read. */
enum kind { KIND_EVENTS, KIND_LOG, KIND_STATUS };

/* ---- what an input is ---- */

struct sample {
	char data[SAMPLE];
	size_t length;
};

static bool take_sample(const char *data, size_t length, void *user)
{
	struct sample *s = user;
	size_t room = SAMPLE - s->length;
	size_t taken = length < room ? length : room;
	memcpy(s->data + s->length, data, taken);
	s->length += taken;
	return s->length < SAMPLE;
}

static bool contains(const char *data, size_t length, const char *word)
{
	return memmem(data, length, word, strlen(word)) != NULL;
}

static bool begins(const char *data, size_t length, const char *word)
{
	size_t n = strlen(word);
	return length >= n && memcmp(data, word, n) == 0;
}

/* Behind blanks, comments and the mark that begins a document of YAML. */
static size_t skip_head(const char *data, size_t length)
{
	size_t at = 0;
	while (at < length) {
		const char *newline = memchr(data + at, '\n', length - at);
		size_t left = length - at;
		if (strchr(" \t\r\n", data[at]) && data[at])
			at++;
		else if (newline && (data[at] == '#' || begins(data + at, left, "---")))
			at = (size_t)(newline - data) + 1;
		else
			break;
	}
	return at;
}

/*
 * Objects of Kubernetes as `get -o yaml` and `-o json` print them, the table of
 * its events, and what `describe` says. All else is a log.
 */
static enum kind kind_of(const char *data, size_t length)
{
	size_t at = skip_head(data, length);
	data += at;
	length -= at;
	size_t head = length < 512 ? length : 512;
	bool yaml = begins(data, length, "apiVersion:") || begins(data, length, "kind:");
	bool json = begins(data, length, "{") && contains(data, head, "\"apiVersion\"") &&
	            (contains(data, length, "\"kind\"") || contains(data, head, "\"items\""));
	if (yaml || json)
		return contains(data, length, "involvedObject") || contains(data, length, "\"regarding\"") ||
		                       contains(data, length, "regarding:")
		               ? KIND_EVENTS
		               : KIND_STATUS;
	const char *newline = memchr(data, '\n', length);
	size_t first = newline ? (size_t)(newline - data) : length;
	if (begins(data, length, "LAST SEEN ") ||
	    (begins(data, length, "NAMESPACE ") && contains(data, first, " LAST SEEN ")))
		return KIND_EVENTS;
	if (begins(data, length, "Name: ") && (contains(data, head, "\nNamespace: ") || contains(data, head, "\nRoles: ")))
		return KIND_STATUS;
	if ((begins(data, length, "NAME ") || begins(data, length, "NAMESPACE ")) &&
	    (contains(data, first, " STATUS ") || contains(data, first, " COMPLETIONS ")))
		return KIND_STATUS;
	return KIND_LOG;
}

/* Standard input can be read only once: it counts as a log. False when memory is out. */
static bool look_at(const char *path, int *ret_kind)
{
	enum kind kind = KIND_LOG;
	bool standard = strcmp(path, "-") == 0, good = true;
	struct sample *s = standard ? NULL : calloc(1, sizeof(*s));
	if (!standard && !s)
		return false;
	if (s) {
		struct input_result result;
		input_read(path, take_sample, s, &result);
		kind = kind_of(s->data, s->length);
		good = result.code != CLSF_E_NOMEM;
	}
	free(s);
	*ret_kind = (int)kind;
	return good;
}

/* ---- the parts ---- */

struct collector {
	struct incident *incident;
	const char *folder;          /* the incident, if it is one folder */
	path_complaint complaint;
	void *user;
};

static bool add_part(const char *path, void *user)
{
	struct collector *c = user;
	struct incident *in = c->incident;
	if (in->n == MAX_PARTS) {
		c->complaint(path, "more than 1000 files in one incident; this and those after it are left out", c->user);
		return false;
	}
	if (in->n == in->capacity) {
		size_t capacity = in->capacity ? in->capacity * 2 : 8;
		struct incident_part *grown = realloc(in->parts, capacity * sizeof(*grown));
		in->failed_memory = in->failed_memory || !grown;
		if (!grown)
			return false;
		in->parts = grown;
		in->capacity = capacity;
	}
	const char *name = path;
	size_t folder = c->folder ? strlen(c->folder) : 0;
	if (folder && strncmp(path, c->folder, folder) == 0)
		for (name = path + folder; *name == '/'; name++)
			;
	struct incident_part part = { .path = strdup(path), .name = strdup(*name ? name : path), .order = in->n };
	if (!part.path || !part.name || !look_at(path, &part.kind)) {
		in->failed_memory = true;
		free(part.path);
		free(part.name);
		return false;
	}
	in->parts[in->n++] = part;
	return true;
}

static void pass_on(const char *path, const char *why, void *user)
{
	struct collector *c = user;
	c->complaint(path, why, c->user);
}

static int by_kind(const void *va, const void *vb)
{
	const struct incident_part *a = va, *b = vb;
	if (a->kind != b->kind)
		return a->kind - b->kind;
	return (a->order > b->order) - (a->order < b->order);
}

void incident_collect(struct incident *in, const struct list *inputs, path_complaint complaint, void *user)
{
	*in = (struct incident){ 0 };
	struct collector c = { .incident = in, .complaint = complaint, .user = user };
	size_t length = strlen(inputs->item[0]);
	while (length > 1 && inputs->item[0][length - 1] == '/')
		length--;
	in->name = strndup(inputs->item[0], length);
	in->failed_memory = !in->name;
	if (inputs->n == 1)
		c.folder = in->name;
	for (size_t i = 0; i < inputs->n && !in->failed_memory; i++)
		if (!paths_walk(inputs->item[i], add_part, pass_on, &c))
			break;
	if (in->n)
		qsort(in->parts, in->n, sizeof(*in->parts), by_kind);
}

void incident_free(struct incident *in)
{
	for (size_t i = 0; i < in->n; i++) {
		free(in->parts[i].path);
		free(in->parts[i].name);
	}
	free(in->parts);
	free(in->name);
	*in = (struct incident){ 0 };
}

const struct incident_part *incident_part_of(const struct incident *in, uint64_t line)
{
	const struct incident_part *part = NULL;
	for (size_t i = 0; line && i < in->n; i++)
		if (in->parts[i].read && in->parts[i].lines < line)
			part = &in->parts[i];
	return part;
}

void incident_source(const struct incident *in, const struct incident_part *part, struct text *ret)
{
	text_adds(ret, in->name);
	if (part && strcmp(part->name, in->name) != 0) {
		text_adds(ret, "!");
		text_adds(ret, part->name);
	}
	text_add(ret, "", 1);
}

/* ---- what the logs tell of an unknown failure ---- */

static bool is_mark(const struct clsf_line *line)
{
	return line->text_length == strlen(END_MARK) && memcmp(line->text, END_MARK, strlen(END_MARK)) == 0;
}

static const struct clsf_verdict *ask(struct incident_told *told)
{
	static const char mark[] = "\n" END_MARK "\n";
	struct input_feeding *f = &told->feeding;
	struct input_result result;
	const struct clsf_verdict *v;
	clsf_stream_reset(f->stream);
	input_read(told->part->path, input_feed, f, &result);
	if (result.binary)
		return NULL;
	int code = result.code == CLSF_E_NOMEM ? result.code : 0;
	if (code == 0 && !result.opened)
		return NULL;
	if (code == 0)
		code = clsf_stream_feed(f->stream, f->worker, mark, strlen(mark));
	if (code == 0)
		code = clsf_stream_finish(f->stream, f->worker, &v);
	told->failed_memory = code == CLSF_E_NOMEM;
	return code == 0 && v->n_telling && !is_mark(&v->line) ? v : NULL;
}

void incident_look_into_logs(const struct incident *in, const struct clsf_verdict *verdict,
                             const struct clsf_stream_options *options, struct incident_told *told)
{
	struct clsf_error error;
	struct clsf_stream_options own = *options;
	const struct incident_part *home = incident_part_of(in, verdict->line.number);
	*told = (struct incident_told){ 0 };
	if (verdict->outcome != CLSF_FAILED || verdict->rule || !home || home->kind == KIND_LOG)
		return;
	own.on_match = NULL;
	told->rules = trial_compile("end", END_MARK_RULES, strlen(END_MARK_RULES), &error);
	told->failed_memory = !told->rules || clsf_worker_new(told->rules, NULL, &told->feeding.worker) ||
	                      clsf_stream_new(told->rules, &own, &told->feeding.stream);
	for (size_t i = in->n; i-- > 0 && !told->verdict && !told->failed_memory;) {
		told->part = &in->parts[i];
		if (told->part->read && told->part->kind == KIND_LOG && strcmp(told->part->path, "-") != 0)
			told->verdict = ask(told);
	}
}

void incident_told_free(struct incident_told *told)
{
	clsf_stream_free(told->feeding.stream);
	clsf_worker_free(told->feeding.worker);
	clsf_ruleset_unref(told->rules);
	*told = (struct incident_told){ 0 };
}

/* ---- the verdict ---- */

/* Keeps a text that the verdict points to, in place of `old`. */
static const char *keep(struct local_verdict *l, struct text *t, const char *old)
{
	if (l->n_texts == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 8;
		char **grown = realloc(l->texts, capacity * sizeof(*grown));
		l->failed = l->failed || !grown;
		if (grown) {
			l->texts = grown;
			l->capacity = capacity;
		}
	}
	text_add(t, "", 1);
	if (t->failed || l->n_texts == l->capacity) {
		l->failed = true;
		text_free(t);
		return old;
	}
	l->texts[l->n_texts++] = t->data;
	return t->data;
}

static void move_line(const struct incident_part *part, struct clsf_line *line)
{
	if (!part)
		return;
	line->number -= part->lines;
	line->offset -= part->bytes;
}

/* The reason, with the place of a line that it names, and the file of the candidate's own line. */
static void localize_reason(const struct incident *in, const struct incident_part *home,
                            const struct incident_part *part, struct local_verdict *l, struct clsf_also *also)
{
	static const char on_line[] = "on line ";
	const char *why = also->why_not, *found = NULL;
	for (const char *p = why; (p = strstr(p, on_line)) != NULL; p++)
		found = p;
	char *end = NULL;
	uint64_t number = found ? strtoull(found + strlen(on_line), &end, 10) : 0;
	const struct incident_part *named = end && *end == '\0' ? incident_part_of(in, number) : NULL;
	if (!named && part == home)
		return;
	struct text t = { 0 };
	text_add(&t, why, named ? (size_t)(found - why) + strlen(on_line) : strlen(why));
	if (named) {
		text_addf(&t, "%" PRIu64, number - named->lines);
		if (named != part) {
			text_adds(&t, " of ");
			text_adds(&t, named->name);
		}
	}
	if (part && part != home) {
		text_adds(&t, " (in ");
		text_adds(&t, part->name);
		text_adds(&t, ")");
	}
	also->why_not = keep(l, &t, why);
}

static void localize_warning(const struct incident *in, struct local_verdict *l, struct clsf_warning *w)
{
	const struct incident_part *part = incident_part_of(in, w->line);
	if (w->code == CLSF_WARN_TRUNCATED_INPUT && in->truncated) {
		w->offset = in->truncated_bytes;
		part = &in->parts[in->truncated - 1];
	} else if (!part) {
		return;
	} else {
		w->line -= part->lines;
		w->offset -= w->has_offset ? part->bytes : 0;
	}
	struct text t = { 0 };
	text_adds(&t, part->name);
	text_adds(&t, ": ");
	text_adds(&t, w->message);
	w->message = keep(l, &t, w->message);
}

static void *copy_of(struct local_verdict *l, const void *data, size_t n, size_t size)
{
	struct text t = { 0 };
	text_add(&t, data, n * size);
	return n ? (void *)(uintptr_t)keep(l, &t, NULL) : NULL;
}

/* What a log tells takes the place of the line that only says that it failed. */
static void take_told(struct clsf_verdict *v, const struct clsf_verdict *told)
{
	v->line = told->line;
	v->telling = told->telling;
	v->n_telling = told->n_telling;
	v->fingerprint = told->fingerprint;
	v->before = told->before;
	v->before_length = told->before_length;
	/* The mark may be the last of the lines after it, and the end of the log a blank one before that. */
	static const char mark[] = END_MARK "\n";
	size_t n = told->after_length, size = strlen(mark);
	if (n >= size && memcmp(told->after + n - size, mark, size) == 0) {
		n -= size;
		if (n && told->after[n - 1] == '\n' && (n == 1 || told->after[n - 2] == '\n'))
			n--;
	}
	v->after = told->after;
	v->after_length = n;
}

void incident_localize(const struct incident *in, const struct clsf_verdict *verdict,
                       const struct incident_told *told, struct local_verdict *l)
{
	*l = (struct local_verdict){ .verdict = *verdict };
	struct clsf_verdict *v = &l->verdict;
	const struct incident_part *home = told->verdict ? told->part : incident_part_of(in, v->line.number);
	incident_source(in, home, &l->source);
	if (told->verdict)
		take_told(v, told->verdict);
	else
		move_line(home, &v->line);
	struct clsf_line *telling = copy_of(l, v->telling, v->n_telling, sizeof(*telling));
	struct clsf_also *also = copy_of(l, v->also, v->n_also, sizeof(*also));
	struct clsf_warning *warnings = copy_of(l, v->warnings, v->n_warnings, sizeof(*warnings));
	if (l->failed)
		return;
	/* Telling lines are of one part: the look for them does not reach across. */
	size_t kept = 0;
	for (size_t i = 0; i < v->n_telling; i++) {
		telling[kept] = telling[i];
		if (!told->verdict)
			move_line(home, &telling[kept++]);
		else
			kept += !is_mark(&telling[kept]);
	}
	v->n_telling = kept;
	for (size_t i = 0; i < v->n_also; i++) {
		const struct incident_part *part = incident_part_of(in, also[i].line.number);
		move_line(part, &also[i].line);
		localize_reason(in, home, part, l, &also[i]);
	}
	for (size_t i = 0; i < v->n_warnings; i++)
		localize_warning(in, l, &warnings[i]);
	v->telling = telling;
	v->also = also;
	v->warnings = warnings;
}

void local_verdict_free(struct local_verdict *l)
{
	for (size_t i = 0; i < l->n_texts; i++)
		free(l->texts[i]);
	free(l->texts);
	text_free(&l->source);
	*l = (struct local_verdict){ 0 };
}
