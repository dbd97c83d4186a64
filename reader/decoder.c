/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all codecs share: input, the way from one member to the next, and faults
 * with their place. See decoder.h.
 */

#include "decoder.h"

#include <stdlib.h>
#include <string.h>

/* Compressed bytes that are read at once. */
#define INPUT ((size_t)128 * 1024)

struct decoder {
	struct clsf__source base;
	const struct clsf__codec *codec;
	void *state;
	struct clsf__source *below;
	unsigned char *input;        /* INPUT bytes of room */
	struct clsf__flow flow;
	bool in_member;
	bool pending;                /* the room was full: the codec may hold more back */
	uint64_t offset;             /* in `below`, of the end of what was read */
	int end;                     /* what there is to say behind the bytes that were given; or 0 */
	struct clsf_error fault;
};

const struct clsf__codec *clsf__codec_of(enum clsf__format format)
{
	switch (format) {
	case CLSF__GZIP:
		return &clsf__gzip;
	case CLSF__ZSTD:
		return &clsf__zstd;
	case CLSF__XZ:
		return &clsf__xz;
	case CLSF__BZIP2:
		return &clsf__bzip2;
	case CLSF__LZ4:
		return &clsf__lz4;
	default:
		return NULL;
	}
}

static unsigned long long place(const struct decoder *d)
{
	return d->offset - d->flow.in_left;
}

/* The next compressed bytes. */
static int fill(struct decoder *d, struct clsf_error *err)
{
	const void *data;
	size_t length;
	int code = clsf__source_read(d->below, d->input, INPUT, &data, &length, err);
	if (code == CLSF_STOPPED && d->in_member)
		return clsf__error(err, CLSF_E_IO, 0, "the %s data ends too early, at offset %llu", d->codec->name,
		                   (unsigned long long)d->offset);
	if (code)
		return code;
	d->flow.in = data;
	d->flow.in_left = length;
	d->offset += length;
	return 0;
}

/* Skips the zeros that tapes and tools leave behind the end; begins a member where there is one. */
static int next_member(struct decoder *d, struct clsf_error *err)
{
	while (d->flow.in_left && *d->flow.in == 0) {
		d->flow.in++;
		d->flow.in_left--;
	}
	if (d->flow.in_left == 0)
		return 0;
	if (!strchr(d->codec->first, *d->flow.in))
		return clsf__error(err, CLSF_E_IO, 0, "data that is no %s follows at offset %llu", d->codec->name,
		                   place(d));
	d->in_member = true;
	if (d->codec->begin(d->state) != 0)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	return 0;
}

static int run(struct decoder *d, struct clsf_error *err)
{
	const char *why = "";
	int code = d->codec->run(d->state, &d->flow, &why);
	d->pending = d->flow.out_left == 0;
	if (code == CLSF__MEMBER_END) {
		d->in_member = d->pending = false;
		return 0;
	}
	if (code == CLSF_E_NOMEM)
		return clsf__error(err, code, 0, "out of memory");
	if (code == CLSF_E_LIMIT)
		return clsf__error(err, code, 0, "%s data at offset %llu: %s", d->codec->name, place(d), why);
	if (code)
		return clsf__error(err, code, 0, "corrupt %s data at offset %llu: %s", d->codec->name, place(d), why);
	return 0;
}

static int begin(struct decoder *d, struct clsf_error *err)
{
	if ((!d->input && !(d->input = malloc(INPUT))) || (!d->state && !(d->state = d->codec->new())) ||
	    d->codec->begin(d->state) != 0)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	d->in_member = true;
	return 0;
}

static int decoder_read(struct clsf__source *s, void *room, size_t capacity, const void **ret_data,
                        size_t *ret_length, struct clsf_error *err)
{
	struct decoder *d = (struct decoder *)s;
	int code = 0;
	if (d->end) {
		*err = d->fault;
		return d->end;
	}
	if (d->offset == 0 && !d->in_member)
		code = begin(d, err);
	d->flow.out = room;
	d->flow.out_left = capacity;
	while (d->flow.out_left && !code) {
		if (d->flow.in_left == 0 && !d->pending) {
			/* What there is goes on before anybody waits for more. */
			if (d->flow.out_left < capacity && !clsf__source_peeked(d->below))
				break;
			code = fill(d, err);
		} else if (d->in_member) {
			code = run(d, err);
		} else {
			code = next_member(d, err);
		}
	}
	*ret_length = capacity - d->flow.out_left;
	if (*ret_length == 0)
		return code;
	/* It is told by the next call, behind the bytes that came before it. */
	if (code && code != CLSF_E_BUSY) {
		d->end = code;
		d->fault = *err;
	}
	*ret_data = room;
	return 0;
}

static void free_state(struct decoder *d)
{
	if (d->state)
		d->codec->free(d->state);
	d->state = NULL;
}

static void decoder_free(struct clsf__source *s)
{
	struct decoder *d = (struct decoder *)s;
	free_state(d);
	free(d->input);
	clsf__source_done(s);
	free(d);
}

static const struct clsf__source_class decoder_class = { decoder_read, decoder_free };

struct clsf__source *clsf__decoder_new(struct clsf__limits *limits)
{
	struct decoder *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->base.limits = limits;
	clsf__source_begin(&d->base, &decoder_class, NULL);
	return &d->base;
}

void clsf__decoder_use(struct clsf__source *s, const struct clsf__codec *codec, struct clsf__source *below,
                       uint64_t *given)
{
	struct decoder *d = (struct decoder *)s;
	if (d->codec != codec)
		free_state(d);
	clsf__source_begin(s, &decoder_class, given);
	d->codec = codec;
	d->below = below;
	d->flow = (struct clsf__flow){ 0 };
	d->offset = 0;
	d->end = 0;
	d->in_member = d->pending = false;
}

void clsf__decoder_rest(struct clsf__source *s)
{
	struct decoder *d = (struct decoder *)s;
	if (d->codec && !d->codec->keep)
		free_state(d);
}
