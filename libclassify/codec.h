/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_CODEC_H
#define CLSF_CODEC_H

/*
 * Numbers and texts written one after the other, little-endian, and read back
 * with every bound checked: once `bad` is set a reader gives zeros and empty
 * texts, so that one look at the end is enough.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "memory.h"

struct clsf__source {
	const unsigned char *at;
	size_t left;
	bool bad;
};

static inline void clsf__put_number(struct clsf__buffer *b, uint64_t n)
{
	unsigned char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(n >> (8 * i));
	clsf__buffer_add(b, bytes, sizeof(bytes));
}

static inline void clsf__put_text(struct clsf__buffer *b, const void *data, size_t length)
{
	clsf__put_number(b, length);
	clsf__buffer_add(b, data, length);
}

static inline void clsf__put_string(struct clsf__buffer *b, const char *s)
{
	clsf__put_text(b, s, strlen(s));
}

static inline uint64_t clsf__get_number(struct clsf__source *s)
{
	if (s->bad || s->left < 8) {
		s->bad = true;
		return 0;
	}
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n |= (uint64_t)s->at[i] << (8 * i);
	s->at += 8;
	s->left -= 8;
	return n;
}

/* A number that must be below `limit`. */
static inline uint64_t clsf__get_below(struct clsf__source *s, uint64_t limit)
{
	uint64_t n = clsf__get_number(s);
	if (n >= limit) {
		s->bad = true;
		return 0;
	}
	return n;
}

/* How many items of at least `least` bytes each follow: never more than can be there. */
static inline size_t clsf__get_count(struct clsf__source *s, size_t least)
{
	uint64_t n = clsf__get_number(s);
	if (n > s->left / least) {
		s->bad = true;
		return 0;
	}
	return (size_t)n;
}

/* Borrowed from the source. */
static inline const char *clsf__get_text(struct clsf__source *s, size_t *ret_length)
{
	uint64_t n = clsf__get_number(s);
	*ret_length = 0;
	if (s->bad || n > s->left) {
		s->bad = true;
		return "";
	}
	const char *text = (const char *)s->at;
	s->at += n;
	s->left -= (size_t)n;
	*ret_length = (size_t)n;
	return text;
}

#endif
