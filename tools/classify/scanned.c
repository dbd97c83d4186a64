/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See scanned.h. A copy is one piece of memory: what goes into it is walked over
 * twice, once to count and once to copy.
 */

#include "scanned.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct packer {
	char *data;          /* NULL: only count */
	size_t used;
};

static void *put(struct packer *p, const void *data, size_t size)
{
	size_t align = sizeof(max_align_t);
	void *copy = p->data ? p->data + p->used : NULL;
	if (copy && size)
		memcpy(copy, data, size);
	p->used += (size + align - 1) / align * align;
	return copy;
}

/* A text, with a NUL behind it. */
static const char *put_text(struct packer *p, const char *data, size_t length)
{
	char *copy = p->data ? p->data + p->used : NULL;
	if (copy) {
		if (length)
			memcpy(copy, data, length);
		copy[length] = '\0';
	}
	p->used += length + 1;
	return copy;
}

static const char *put_string(struct packer *p, const char *s)
{
	return put_text(p, s, strlen(s));
}

/* Arrays begin where any type may. */
static void *put_array(struct packer *p, const void *data, size_t n, size_t size)
{
	size_t align = sizeof(max_align_t);
	p->used = (p->used + align - 1) / align * align;
	return put(p, data, n * size);
}

static void put_line(struct packer *p, struct clsf_line *line)
{
	line->text = put_text(p, line->text, line->text_length);
}

/* A text that is the rule's own stays that: formats trust it more than one with captures in it. */
static void put_string_of(struct packer *p, const char **s, const char *own)
{
	if (*s != own)
		*s = put_string(p, *s);
}

/* Rules, and what belongs to them, live as long as the ruleset does. */
static void put_verdict(struct packer *p, struct clsf_verdict *v)
{
	struct clsf_field *fields = put_array(p, v->fields, v->n_fields, sizeof(*fields));
	struct clsf_line *telling = put_array(p, v->telling, v->n_telling, sizeof(*telling));
	struct clsf_also *also = put_array(p, v->also, v->n_also, sizeof(*also));
	struct clsf_warning *warnings = put_array(p, v->warnings, v->n_warnings, sizeof(*warnings));
	put_string_of(p, &v->category, v->rule ? v->rule->category : NULL);
	put_string_of(p, &v->title, v->rule ? v->rule->title : NULL);
	put_string_of(p, &v->cause, v->rule ? v->rule->cause : NULL);
	put_string_of(p, &v->fix, v->rule ? v->rule->fix : NULL);
	put_string_of(p, &v->prevent, v->rule ? v->rule->prevent : NULL);
	put_string_of(p, &v->url, v->rule ? v->rule->url : NULL);
	v->fingerprint = put_string(p, v->fingerprint);
	put_line(p, &v->line);
	v->before = put_text(p, v->before, v->before_length);
	v->after = put_text(p, v->after, v->after_length);
	for (size_t i = 0; i < v->n_fields; i++) {
		struct clsf_field field = v->fields[i];
		field.value = put_text(p, field.value, field.length);
		if (fields)
			fields[i] = field;
	}
	for (size_t i = 0; i < v->n_telling; i++) {
		struct clsf_line line = v->telling[i];
		put_line(p, &line);
		if (telling)
			telling[i] = line;
	}
	for (size_t i = 0; i < v->n_also; i++) {
		struct clsf_also one = v->also[i];
		put_line(p, &one.line);
		one.why_not = put_string(p, one.why_not);
		if (also)
			also[i] = one;
	}
	for (size_t i = 0; i < v->n_warnings; i++) {
		struct clsf_warning warning = v->warnings[i];
		warning.message = put_string(p, warning.message);
		if (warnings)
			warnings[i] = warning;
	}
	v->fields = fields;
	v->telling = telling;
	v->also = also;
	v->warnings = warnings;
}

/* Room for a scanned and `size` bytes behind it, which *ret_data begins. */
static struct scanned *make(enum scanned_kind kind, size_t size, char **ret_data)
{
	size_t align = sizeof(max_align_t);
	size_t head = (sizeof(struct scanned) + align - 1) / align * align;
	struct scanned *s = malloc(head + size);
	if (!s)
		return NULL;
	*s = (struct scanned){ .told.size = head + size, .kind = kind };
	*ret_data = (char *)s + head;
	return s;
}

struct scanned *scanned_log(const char *source, const struct clsf_verdict *verdict, const struct input_result *result,
                            struct marks *marks, const struct span *span)
{
	struct packer p = { 0 };
	struct clsf_verdict copy = *verdict;
	put_verdict(&p, &copy);
	put_string(&p, source);
	struct scanned *s = make(SCANNED_LOG, p.used, &p.data);
	if (!s)
		return NULL;
	p.used = 0;
	s->verdict = *verdict;
	put_verdict(&p, &s->verdict);
	s->source = put_string(&p, source);
	s->result = *result;
	if (span)
		s->span = *span;
	if (marks) {
		s->marks = *marks;
		*marks = (struct marks){ 0 };
		s->told.size += marks_size(&s->marks);
	}
	return s;
}

struct scanned *scanned_matches(const struct text *text)
{
	struct packer p = { 0 };
	struct scanned *s = make(SCANNED_MATCHES, text->length + 1, &p.data);
	if (!s)
		return NULL;
	s->text = put_text(&p, text->data, text->length);
	s->length = text->length;
	return s;
}

struct scanned *scanned_remark(const char *source, const char *why, bool failure)
{
	struct packer p = { 0 };
	struct scanned *s = make(SCANNED_REMARK, strlen(source) + strlen(why) + 2, &p.data);
	if (!s)
		return NULL;
	s->source = put_string(&p, source);
	s->text = put_string(&p, why);
	s->length = strlen(why);
	s->failure = failure;
	return s;
}

struct scanned *scanned_file(enum scanned_kind kind, const struct state_file *file)
{
	const char *path = file->identity.path ? file->identity.path : "";
	struct packer p = { 0 };
	put(&p, file, sizeof(*file));
	put_string(&p, path);
	struct scanned *s = make(kind, p.used, &p.data);
	if (!s)
		return NULL;
	p.used = 0;
	s->file = put(&p, file, sizeof(*file));
	char *copy = p.data + p.used;
	put_string(&p, path);
	s->file->identity.path = copy;
	return s;
}

struct scanned *scanned_outside(const char *source)
{
	struct packer p = { 0 };
	struct scanned *s = make(SCANNED_OUTSIDE, strlen(source) + 1, &p.data);
	if (s)
		s->source = put_string(&p, source);
	return s;
}

void scanned_free(struct scanned *s)
{
	if (s) {
		marks_free(&s->marks);
		free(s->matched);
	}
	free(s);
}
