/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See fields.h: where fields are kept and found, how paths are written, and the
 * walk through JSON. What a line may consist of is in field_reader.c.
 *
 * Everything lies in one buffer, which moves when it grows; so places are kept
 * as offsets, and addresses only from one addition to the next.
 */

#include "fields.h"

#include <stdint.h>
#include <string.h>

#include "quoted.h"
#include "scanning.h"
#include "unwrap.h"

#define BROKEN SIZE_MAX  /* in place of an offset: the JSON ends or goes wrong before */

void clsf__fields_init(struct clsf__fields *f, const struct clsf_allocator *a)
{
	*f = (struct clsf__fields){ .n = 0 };
	clsf__buffer_init(&f->text, a);
	clsf__buffer_init(&f->path, a);
}

void clsf__fields_done(struct clsf__fields *f)
{
	clsf__free(&f->text.allocator, f->item);
	clsf__buffer_done(&f->text);
	clsf__buffer_done(&f->path);
	f->item = NULL;
	f->n = f->capacity = 0;
}

/* ---- adding ---- */

/* Makes a field with a path and no value yet; NULL at a limit, or when memory is out. */
static struct clsf__field *new_field(struct clsf__fields *f, const char *path, size_t length)
{
	if (f->n == CLSF__MAX_FIELDS || length > CLSF__MAX_FIELD_PATH) {
		f->cut = true;
		return NULL;
	}
	size_t at = f->text.length;
	clsf__buffer_add(&f->text, path, length);
	if (f->text.failed)
		return NULL;
	if (!clsf__grow(&f->text.allocator, &f->item, &f->capacity, f->n + 1, sizeof(*f->item))) {
		f->text.failed = true;
		return NULL;
	}
	struct clsf__field *field = &f->item[f->n++];
	*field = (struct clsf__field){ .path = at, .path_length = length };
	return field;
}

void clsf__fields_add(struct clsf__fields *f, const char *path, size_t value, size_t length)
{
	struct clsf__field *field = new_field(f, path, strlen(path));
	if (field) {
		field->value = value;
		field->value_length = length;
	}
}

void clsf__fields_add_member(struct clsf__fields *f, size_t value, size_t length, bool escaped)
{
	struct clsf__field *field = new_field(f, f->path.data, f->path.length);
	if (!field)
		return;
	if (escaped) {
		size_t decoded = f->text.length;
		/* The source is in this very buffer: make room first, then take its address. */
		if (!clsf__buffer_reserve(&f->text, length))
			return;
		clsf__unquote(&f->text, f->text.data + value, length);
		value = decoded;
		length = f->text.length - decoded;
	}
	field->value = value;
	field->value_length = length;
}

/* ---- JSON ---- */

struct walk {
	struct clsf__fields *f;
	size_t end;                  /* of the JSON, in f->text */
	size_t message, message_length;
};

static size_t read_value(struct walk *w, size_t at, unsigned depth);

static size_t skip_blanks(const struct walk *w, size_t at)
{
	return at + clsf__count_spaces(w->f->text.data + at, w->end - at);
}

/* Adds '.' and a name to the path; the caller takes it off again. */
static void add_name(struct walk *w, size_t name, size_t length, bool escaped)
{
	struct clsf__buffer *path = &w->f->path;
	if (path->length)
		clsf__buffer_addc(path, '.');
	/* One byte more than allowed is enough to tell that it is too long. */
	size_t most = 6 * (CLSF__MAX_FIELD_PATH + 1);
	const char *s = w->f->text.data + name;
	if (path->length > CLSF__MAX_FIELD_PATH)
		return;
	if (escaped)
		clsf__unquote(path, s, length < most ? length : most);
	else
		clsf__buffer_add(path, s, length < most ? length : most);
}

static void add_index(struct walk *w, size_t index)
{
	if (w->f->path.length <= CLSF__MAX_FIELD_PATH)
		clsf__buffer_addf(&w->f->path, "%s%zu", w->f->path.length ? "." : "", index);
}

/* The end of a nested value by counting brackets, for those that are too deep to walk. */
static size_t nested_end(const struct walk *w, size_t at)
{
	const char *s = w->f->text.data;
	size_t depth = 0;
	while (at < w->end) {
		bool escaped;
		size_t length = 1;
		if (s[at] == '"' && !(length = clsf__quoted_length(s + at, w->end - at, &escaped)))
			return BROKEN;
		if (s[at] == '{' || s[at] == '[')
			depth++;
		else if ((s[at] == '}' || s[at] == ']') && --depth == 0)
			return at + 1;
		at += length;
	}
	return BROKEN;
}

static size_t read_string(struct walk *w, size_t at)
{
	bool escaped;
	size_t length = clsf__quoted_length(w->f->text.data + at, w->end - at, &escaped);
	if (!length)
		return BROKEN;
	clsf__fields_add_member(w->f, at + 1, length - 2, escaped);
	return at + length;
}

/* A number, true, false, null, and what else some programs write bare. */
static size_t read_bare(struct walk *w, size_t at)
{
	const char *s = w->f->text.data;
	size_t i = at;
	while (i < w->end && (clsf__is_name(s[i]) || s[i] == '+'))
		i++;
	if (i == at || i == w->end)
		return BROKEN;
	clsf__fields_add_member(w->f, at, i - at, false);
	return i;
}

/* The text that a program logged, as opposed to what its log says of it. */
static void note_message(struct walk *w, size_t name, size_t name_length, size_t field)
{
	struct clsf__pair pair = { .name = name, .name_length = name_length };
	if (w->message_length || w->f->n != field + 1 || !clsf__is_message(w->f->text.data, &pair))
		return;
	w->message = w->f->item[field].value;
	w->message_length = w->f->item[field].value_length;
}

/* "name": value; returns where it ends. */
static size_t read_member(struct walk *w, size_t at, unsigned depth)
{
	const char *s = w->f->text.data;
	bool escaped;
	size_t length = s[at] == '"' ? clsf__quoted_length(s + at, w->end - at, &escaped) : 0;
	if (!length)
		return BROKEN;
	size_t name = at + 1, name_length = length - 2;
	at = skip_blanks(w, at + length);
	if (at >= w->end || s[at] != ':')
		return BROKEN;
	at = skip_blanks(w, at + 1);
	if (at >= w->end)
		return BROKEN;
	size_t field = w->f->n;
	bool string = s[at] == '"';
	add_name(w, name, name_length, escaped);
	at = read_value(w, at, depth);
	if (depth == 1 && string && at != BROKEN)
		note_message(w, name, name_length, field);
	return at;
}

/* The members of an object, or the elements of an array, behind its bracket at `at`. */
static size_t read_members(struct walk *w, size_t at, unsigned depth)
{
	bool object = w->f->text.data[at] == '{';
	char close = object ? '}' : ']';
	size_t path_length = w->f->path.length, index = 0;
	at = skip_blanks(w, at + 1);
	if (at < w->end && w->f->text.data[at] == close)
		return at + 1;
	while (at < w->end) {
		if (!object)
			add_index(w, index++);
		at = object ? read_member(w, at, depth) : read_value(w, at, depth);
		w->f->path.length = path_length;
		if (at == BROKEN || w->f->text.failed || w->f->path.failed)
			return BROKEN;
		at = skip_blanks(w, at);
		if (at >= w->end)
			return BROKEN;
		char c = w->f->text.data[at];
		if (c == close)
			return at + 1;
		if (c != ',')
			return BROKEN;
		at = skip_blanks(w, at + 1);
	}
	return BROKEN;
}

/* The value at `at`, `depth` levels inside; returns where it ends. */
static size_t read_value(struct walk *w, size_t at, unsigned depth)
{
	char c = w->f->text.data[at];
	if (c == '"')
		return read_string(w, at);
	if (c != '{' && c != '[')
		return read_bare(w, at);
	/* It goes before what it holds; its own end is known only behind that. */
	size_t field = w->f->n;
	bool kept = new_field(w->f, w->f->path.data, w->f->path.length) != NULL;
	if (kept)
		w->f->item[field].open = true;
	size_t end;
	if (depth >= CLSF__MAX_FIELD_DEPTH) {
		w->f->cut = true;
		end = nested_end(w, at);
	} else {
		end = read_members(w, at, depth + 1);
	}
	if (kept && end != BROKEN) {
		w->f->item[field].open = false;
		w->f->item[field].value = at;
		w->f->item[field].value_length = end - at;
	}
	return end;
}

bool clsf__fields_add_json(struct clsf__fields *f, size_t at, size_t length, size_t *ret_message,
                           size_t *ret_message_length)
{
	struct walk w = { .f = f, .end = at + length };
	size_t inside = length && f->text.data[at] == '{' ? skip_blanks(&w, at + 1) : w.end;
	if (inside >= w.end || (f->text.data[inside] != '"' && f->text.data[inside] != '}'))
		return false;
	f->path.length = 0;
	read_members(&w, at, 1);
	*ret_message = w.message;
	*ret_message_length = w.message_length;
	return true;
}

/* ---- finding ---- */

/* A part "*" of the path stands for the index of any element. */
static bool path_is(const char *path, const char *s, size_t n)
{
	size_t i = 0;
	for (bool start = true;; path++) {
		size_t digits = start && path[0] == '*' && (path[1] == '.' || !path[1])
		                        ? clsf__count_digits(s + i, n - i) : 0;
		if (digits && (i + digits == n || s[i + digits] == '.'))
			i += digits;
		else if (!*path)
			return i == n;
		else if (i < n && s[i] == *path)
			i++;
		else
			return false;
		start = *path == '.';
	}
}

bool clsf__fields_find(const struct clsf__fields *f, const char *path, size_t *at,
                       const char **ret_value, size_t *ret_length)
{
	for (; *at < f->n; ++*at) {
		const struct clsf__field *field = &f->item[*at];
		if (field->open || !path_is(path, f->text.data + field->path, field->path_length))
			continue;
		++*at;
		*ret_value = f->text.data + field->value;
		*ret_length = field->value_length;
		return true;
	}
	return false;
}

/* ---- paths as authors write them: *at is where a part ends, or where it is wrong ---- */

static bool add_bare_part(const char *s, size_t n, size_t *at, struct clsf__buffer *out)
{
	size_t i = *at;
	while (i < n && !strchr(".[]\"'", s[i]) && (unsigned char)s[i] > ' ')
		i++;
	clsf__buffer_add(out, s + *at, i - *at);
	bool any = i > *at;
	*at = i;
	return any && (i == n || s[i] == '.' || s[i] == '[');
}

static bool add_quoted_part(const char *s, size_t n, size_t *at, struct clsf__buffer *out)
{
	bool escaped;
	size_t length = clsf__quoted_length(s + *at, n - *at, &escaped);
	if (length < 3)
		return false;
	clsf__unquote(out, s + *at + 1, length - 2);
	*at += length;
	return true;
}

/* [0], ["name"], [] */
static bool add_bracket_part(const char *s, size_t n, size_t *at, struct clsf__buffer *out)
{
	size_t open = (*at)++;
	if (*at < n && s[*at] == '"') {
		if (!add_quoted_part(s, n, at, out))
			return false;
	} else if (*at < n && s[*at] == ']') {
		clsf__buffer_addc(out, '*');
	} else {
		size_t digits = clsf__count_digits(s + *at, n - *at);
		if (digits == 0 || digits > 9 || (digits > 1 && s[*at] == '0')) {
			*at = *at < n ? *at : open;
			return false;
		}
		clsf__buffer_add(out, s + *at, digits);
		*at += digits;
	}
	if (*at >= n || s[*at] != ']') {
		*at = *at < n ? *at : open;
		return false;
	}
	++*at;
	return true;
}

/* Parts one after the other: names and strings behind a '.', brackets without. */
static bool add_parts(const char *s, size_t n, size_t *at, struct clsf__buffer *out)
{
	bool first = true;
	*at = n && s[0] == '.';
	if (*at == n)
		return false;
	while (*at < n) {
		size_t written = out->length;
		bool bracket = s[*at] == '[';
		if (!first && !bracket) {
			if (s[*at] != '.' || *at + 1 == n || s[*at + 1] == '[')
				return false;
			++*at;
		}
		if (!first)
			clsf__buffer_addc(out, '.');
		written = out->length;
		bool good = bracket             ? add_bracket_part(s, n, at, out)
		            : s[*at] == '"'     ? add_quoted_part(s, n, at, out)
		                                : add_bare_part(s, n, at, out);
		if (!good || (out->length == written && !out->failed))
			return false;
		first = false;
	}
	return true;
}

bool clsf__field_path(const char *path, size_t length, struct clsf__buffer *out,
                      size_t *ret_column)
{
	size_t start = out->length, at;
	if (add_parts(path, length, &at, out))
		return true;
	out->length = start;
	*ret_column = at;
	return false;
}
