/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See fault.h. The library tells a place and no text, so the file is read once
 * more here. It may have gone or changed meanwhile: an excerpt is an aid, and
 * where there is none the message stands alone. Lines and columns are counted
 * as libyaml counts them: a column is a character, a tab too, and its line ends
 * are those of YAML 1.1.
 */

#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "text.h"

#define MAX_EXCERPTS 1000
#define MAX_FILE ((size_t)16 * 1024 * 1024)
#define MAX_WALK ((size_t)64 * 1024)   /* bytes of a line before the caret */
#define BEFORE 60                      /* columns shown before the caret */
#define WIDTH 96                       /* columns shown in all */

#define DIM "\033[2m"
#define RED "\033[1;31m"
#define PLAIN "\033[0m"

/* ---- the file ---- */

/* The bytes of the line end that starts here, 0 if none does. */
static size_t line_end(const char *p, size_t left)
{
	if (*p == '\n')
		return 1;
	if (*p == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (left > 1 && memcmp(p, "\xc2\x85", 2) == 0)
		return 2;
	if (left > 2 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

static bool add_line(struct fault_printer *p, size_t start)
{
	if (p->n_lines == p->capacity) {
		size_t capacity = p->capacity ? p->capacity * 2 : 256;
		size_t *grown = realloc(p->lines, capacity * sizeof(*grown));
		if (!grown)
			return false;
		p->lines = grown;
		p->capacity = capacity;
	}
	p->lines[p->n_lines++] = start;
	return true;
}

static bool find_lines(struct fault_printer *p)
{
	/* A byte order mark takes no column. */
	size_t i = p->length >= 3 && memcmp(p->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	bool good = add_line(p, i);
	while (good && i < p->length) {
		size_t end = line_end(p->text + i, p->length - i);
		i += end ? end : 1;
		if (end)
			good = add_line(p, i);
	}
	return good;
}

/* Reads a regular file in full; NULL if that cannot be. */
static char *read_file(const char *name, size_t *ret_length)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0)
		return NULL;
	char *text = NULL;
	size_t length = 0, size = 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uintmax_t)st.st_size <= MAX_FILE) {
		size = (size_t)st.st_size;
		text = malloc(size);
	}
	while (text && length < size) {
		ssize_t n = read(fd, text + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	close(fd);
	*ret_length = length;
	return text;
}

static void forget(struct fault_printer *p)
{
	free(p->name);
	free(p->text);
	p->name = p->text = NULL;
	p->n_lines = 0;
}

/* Makes `name` the file at hand. */
static void open_file(struct fault_printer *p, const char *name)
{
	if (p->name && strcmp(p->name, name) == 0)
		return;
	forget(p);
	p->name = strdup(name);
	p->text = p->name ? read_file(name, &p->length) : NULL;
	/* The columns of UTF-16 are not those of its bytes. */
	bool utf16 = p->text && p->length >= 2 &&
		     (memcmp(p->text, "\xff\xfe", 2) == 0 || memcmp(p->text, "\xfe\xff", 2) == 0);
	if (p->text && (utf16 || !find_lines(p))) {
		free(p->text);
		p->text = NULL;
	}
}

void fault_printer_done(struct fault_printer *p)
{
	forget(p);
	free(p->lines);
	*p = (struct fault_printer){ 0 };
}

/* ---- the excerpt ---- */

/* The end of the character that starts at `at`. */
static size_t step(const char *line, size_t length, size_t at)
{
	uint32_t c;
	return at + utf8_next(line + at, length - at, &c);
}

static size_t shown_columns(const char *data, size_t length)
{
	struct text t = { 0 };
	text_add_visible(&t, data, length);
	size_t columns = text_columns(t.data, t.length);
	text_free(&t);
	return columns;
}

/* Where the caret stands in the line, in bytes. False: too far to the right. */
static bool find_caret(const char *line, size_t length, uint32_t column, size_t *ret_at)
{
	size_t at = 0;
	for (uint32_t i = 1; i < column && at < length && at < MAX_WALK; i++)
		at = step(line, length, at);
	if (at >= MAX_WALK)
		return false;
	/* A place in the indentation means what is indented. */
	size_t indent = 0;
	while (indent < length && line[indent] == ' ')
		indent++;
	*ret_at = at < indent && indent < length ? indent : at;
	return true;
}

static void add_gutter(struct text *t, const char *number, bool colour)
{
	text_addf(t, "%s%6s | %s", colour ? DIM : "", number, colour ? PLAIN : "");
}

static void add_line_and_caret(struct text *t, const char *line, size_t length, size_t caret,
                               uint32_t number, bool colour)
{
	size_t start = caret > 4 * BEFORE ? caret - 4 * BEFORE : 0;
	while (start > 0 && ((unsigned char)line[start] & 0xc0) == 0x80)
		start--;
	while (start < caret && shown_columns(line + start, caret - start) > BEFORE)
		start = step(line, length, start);
	size_t before = shown_columns(line + start, caret - start);
	size_t end = caret;
	for (size_t columns = before; end < length;) {
		size_t next = step(line, length, end);
		columns += shown_columns(line + end, next - end);
		if (columns > WIDTH)
			break;
		end = next;
	}
	char digits[16];
	snprintf(digits, sizeof(digits), "%u", number);
	add_gutter(t, digits, colour);
	text_adds(t, start ? "..." : "");
	text_add_visible(t, line + start, end - start);
	text_adds(t, end < length ? "...\n" : "\n");
	add_gutter(t, "", colour);
	text_addf(t, "%*s%s^%s\n", (int)(before + (start ? 3 : 0)), "", colour ? RED : "",
	          colour ? PLAIN : "");
}

static void add_excerpt(struct fault_printer *p, struct text *t, const struct clsf_error *fault)
{
	if (p->brief || p->printed >= MAX_EXCERPTS || fault->line == 0 || fault->column == 0)
		return;
	open_file(p, fault->file);
	if (!p->text || fault->line > p->n_lines)
		return;
	size_t start = p->lines[fault->line - 1], length = 0;
	while (start + length < p->length && !line_end(p->text + start + length, p->length - start - length))
		length++;
	size_t caret;
	if (length == 0 || !find_caret(p->text + start, length, fault->column, &caret))
		return;
	add_line_and_caret(t, p->text + start, length, caret, fault->line, wants_colour(STDERR_FILENO));
	p->printed++;
}

void fault_print(struct fault_printer *p, enum clsf_fault_level level, const struct clsf_error *fault)
{
	struct text t = { 0 };
	text_add_visible(&t, fault->file, strlen(fault->file));
	text_addf(&t, ":%u:%u: %s", fault->line, fault->column,
	          level == CLSF_FAULT_WARNING ? "warning: " : "");
	text_add_visible(&t, fault->message, strlen(fault->message));
	if (fault->rule[0]) {
		text_adds(&t, " [");
		text_add_visible(&t, fault->rule, strlen(fault->rule));
		text_adds(&t, "]");
	}
	text_adds(&t, "\n");
	add_excerpt(p, &t, fault);
	if (!t.failed)
		put_message(t.data, t.length);
	text_free(&t);
}
