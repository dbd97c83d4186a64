/* SPDX-License-Identifier: Apache-2.0 */
/* See cutter.h. */

#include "cutter.h"

#include <string.h>

#include "intake.h"

/* Keeps what begins a line, as far as it may be kept. One byte more may be held, for a \r before \n. */
static bool keep(struct cutter *c, const char *data, size_t length)
{
	size_t room = INTAKE_LINE + 1 - c->begun.length;
	if (!bytes_add(&c->begun, data, length < room ? length : room))
		return false;
	c->cut = c->cut || length > room;
	return true;
}

static enum cutter_result give(const char *line, size_t length, bool cut, const char **ret_line, size_t *ret_length)
{
	if (!cut && length && line[length - 1] == '\r')
		length--;
	cut = cut || length > INTAKE_LINE;
	*ret_line = line;
	*ret_length = length > INTAKE_LINE ? INTAKE_LINE : length;
	return cut ? CUTTER_CUT_LINE : CUTTER_LINE;
}

enum cutter_result cutter_next(struct cutter *c, const char **at, const char *end, const char **ret_line,
                               size_t *ret_length)
{
	if (*at == end)
		return CUTTER_MORE;
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	size_t length = (size_t)((newline ? newline : end) - *at);
	const char *from = *at;
	if (newline && c->begun.length == 0 && !c->cut) {
		*at = newline + 1;
		return give(from, length, false, ret_line, ret_length);
	}
	if (!keep(c, from, length))
		return CUTTER_NO_MEMORY;
	*at = newline ? newline + 1 : end;
	return newline ? cutter_end(c, ret_line, ret_length) : CUTTER_MORE;
}

enum cutter_result cutter_end(struct cutter *c, const char **ret_line, size_t *ret_length)
{
	size_t length = c->begun.length;
	bool cut = c->cut;
	if (length == 0)
		return CUTTER_MORE;
	cutter_reset(c);                 /* the bytes stay where they are until more come */
	return give(c->begun.data, length, cut, ret_line, ret_length);
}

void cutter_reset(struct cutter *c)
{
	c->begun.length = 0;
	c->cut = false;
}

void cutter_free(struct cutter *c)
{
	bytes_free(&c->begun);
	c->cut = false;
}
