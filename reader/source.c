/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of a source, looked at and read again. See source.h. */

#include "source.h"

#include <stdlib.h>
#include <string.h>

void clsf__source_begin(struct clsf__source *s, const struct clsf__source_class *class, uint64_t *given)
{
	*s = (struct clsf__source){ .class = class, .head = s->head, .limits = s->limits, .given = given };
}

void clsf__source_done(struct clsf__source *s)
{
	free(s->head);
	s->head = NULL;
}

/* From here on the ratio is looked at: short logs of one repeated line are no bombs. */
#define RATIO_FROM ((uint64_t)64 * 1024 * 1024)

int clsf__limits_check(struct clsf__limits *limits, uint64_t given, struct clsf_error *err)
{
	if (given > limits->max_total)
		clsf__error(&limits->fault, CLSF_E_LIMIT, 0, "decompressed to more than %llu bytes; the rest is not read",
		            (unsigned long long)limits->max_total);
	else if (given >= RATIO_FROM && given / limits->max_ratio > limits->file->used)
		clsf__error(&limits->fault, CLSF_E_LIMIT, 0,
		            "decompressed to more than %u times what was read; the rest is not read",
		            (unsigned)limits->max_ratio);
	else
		return 0;
	limits->over = true;
	if (err)
		*err = limits->fault;
	return CLSF_E_LIMIT;
}

/* Asks the class, and remembers an answer that is its last. */
static int ask(struct clsf__source *s, void *room, size_t capacity, const void **ret_data, size_t *ret_length,
               struct clsf_error *err)
{
	if (s->limits && s->limits->stop && atomic_load_explicit(s->limits->stop, memory_order_relaxed))
		return clsf__error(err, CLSF_E_BUSY, 0, "interrupted");
	int code = s->class->read(s, room, capacity, ret_data, ret_length, &s->fault);
	if (code == CLSF_E_BUSY)
		return clsf__error(err, code, 0, "%s", s->fault.message);
	if (!code && s->limits) {
		*s->given += *ret_length;
		code = clsf__limits_check(s->limits, *s->given, &s->fault);
	}
	if (code)
		s->end = code;
	return code;
}

int clsf__source_peek(struct clsf__source *s, size_t length, struct clsf_error *err)
{
	if (!s->head && !(s->head = malloc(CLSF__HEAD)))
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	while (s->head_length < length && !s->end) {
		size_t room = CLSF__HEAD - s->head_length, got = s->lent_length;
		const void *data = s->lent;
		if (!got) {
			int code = ask(s, s->head + s->head_length, room, &data, &got, err);
			if (code == CLSF_E_BUSY)
				return code;
			if (code)
				break;
		}
		size_t n = got < room ? got : room;
		if (data != s->head + s->head_length)
			memcpy(s->head + s->head_length, data, n);
		s->head_length += n;
		s->lent = (const unsigned char *)data + n;
		s->lent_length = got - n;
	}
	return 0;
}

int clsf__source_read(struct clsf__source *s, void *room, size_t capacity, const void **ret_data,
                      size_t *ret_length, struct clsf_error *err)
{
	if (s->head_given < s->head_length) {
		*ret_data = s->head + s->head_given;
		*ret_length = s->head_length - s->head_given;
		s->head_given = s->head_length;
		return 0;
	}
	if (s->lent_given < s->lent_length) {
		*ret_data = s->lent + s->lent_given;
		*ret_length = s->lent_length - s->lent_given;
		s->lent_given = s->lent_length;
		return 0;
	}
	int code = s->end;
	if (!code) {
		s->moved = true;
		code = ask(s, room, capacity, ret_data, ret_length, err);
	}
	if (code < 0 && code != CLSF_E_BUSY && err)
		*err = s->fault;
	return code;
}

bool clsf__source_peeked(const struct clsf__source *s)
{
	return s->head_given < s->head_length || s->lent_given < s->lent_length;
}

bool clsf__source_rewind(struct clsf__source *s)
{
	if (s->moved)
		return false;
	s->head_given = 0;
	s->lent_given = 0;
	return true;
}
