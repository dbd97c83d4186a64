/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gzip, member after member, as bgzip and appended archives have them. What
 * follows the last one is zero padding, which tapes and tools leave, or a
 * fault; what is cut or damaged is told with its place. The only file that sees
 * zlib.h.
 */

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "source.h"

/* Compressed bytes that are read at once. */
#define INPUT ((size_t)128 * 1024)

struct gzip {
	struct clsf__source base;
	struct clsf__source *below;
	unsigned char *input;        /* INPUT bytes of room */
	z_stream z;
	bool started;                /* `z` is inflateInit2()ed */
	bool in_member, read_any;
	uint64_t offset;             /* in `below`, of the end of what was read */
	int end;                     /* what there is to say behind the bytes that were given; or 0 */
	struct clsf_error fault;
};

/* The next compressed bytes. */
static int fill(struct gzip *g, struct clsf_error *err)
{
	const void *data;
	size_t length;
	int code = clsf__source_read(g->below, g->input, INPUT, &data, &length, err);
	if (code)
		return code;
	/* zlib does not write there, and says so in newer versions. */
	g->z.next_in = (unsigned char *)(uintptr_t)data;
	g->z.avail_in = (unsigned)length;
	g->offset += length;
	return 0;
}

/* Skips padding. Returns 0 where a member begins. */
static int next_member(struct gzip *g, struct clsf_error *err)
{
	while (g->z.avail_in && *g->z.next_in == 0) {
		g->z.next_in++;
		g->z.avail_in--;
	}
	if (g->z.avail_in == 0)
		return 0;
	if (*g->z.next_in != 0x1f)
		return clsf__error(err, CLSF_E_IO, 0, "data that is no gzip follows at offset %llu",
		                   (unsigned long long)(g->offset - g->z.avail_in));
	inflateReset(&g->z);
	g->in_member = true;
	return 0;
}

/* Inflates what is there; bytes may come out, and they need not. */
static int inflate_some(struct gzip *g, struct clsf_error *err)
{
	int code = inflate(&g->z, Z_NO_FLUSH);
	if (code == Z_STREAM_END) {
		g->in_member = false;
		return 0;
	}
	if (code == Z_OK || (code == Z_BUF_ERROR && g->z.avail_in == 0))
		return 0;
	if (code == Z_MEM_ERROR)
		return clsf__error(err, CLSF_E_NOMEM, code, "out of memory");
	return clsf__error(err, CLSF_E_IO, code, "corrupt gzip data at offset %llu: %s",
	                   (unsigned long long)(g->offset - g->z.avail_in), g->z.msg ? g->z.msg : zError(code));
}

static int gzip_read(struct clsf__source *s, void *room, size_t capacity, const void **ret_data,
                     size_t *ret_length, struct clsf_error *err)
{
	struct gzip *g = (struct gzip *)s;
	int code = 0;
	if (g->end) {
		*err = g->fault;
		return g->end;
	}
	if (!g->input && !(g->input = malloc(INPUT)))
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	if (!g->started && inflateInit2(&g->z, 15 + 16) != Z_OK)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	g->started = true;
	g->z.next_out = room;
	g->z.avail_out = (unsigned)capacity;
	/* The room is filled; a failure is told by the call that finds no bytes before it. */
	while (g->z.avail_out && !code) {
		if (g->z.avail_in == 0) {
			/* What there is goes on before anybody waits for more. */
			if (g->z.avail_out < capacity && g->below->head_given == g->below->head_length)
				break;
			code = fill(g, err);
			if (code == CLSF_STOPPED && g->in_member)
				code = clsf__error(err, CLSF_E_IO, 0, "the gzip data ends too early, at offset %llu",
				                   (unsigned long long)g->offset);
		} else {
			code = g->in_member ? 0 : next_member(g, err);
			if (!code && g->in_member)
				code = inflate_some(g, err);
		}
	}
	*ret_length = capacity - g->z.avail_out;
	if (*ret_length == 0)
		return code;
	if (code && code != CLSF_E_BUSY) {
		g->end = code;
		g->fault = *err;
	}
	*ret_data = room;
	return 0;
}

static void gzip_free(struct clsf__source *s)
{
	struct gzip *g = (struct gzip *)s;
	if (g->started)
		inflateEnd(&g->z);
	free(g->input);
	clsf__source_done(s);
	free(g);
}

static const struct clsf__source_class gzip_class = { gzip_read, gzip_free };

struct clsf__source *clsf__gzip_new(void)
{
	struct gzip *g = calloc(1, sizeof(*g));
	if (g)
		clsf__source_begin(&g->base, &gzip_class, NULL);
	return g ? &g->base : NULL;
}

void clsf__gzip_use(struct clsf__source *s, struct clsf__source *below, uint64_t *given)
{
	struct gzip *g = (struct gzip *)s;
	clsf__source_begin(s, &gzip_class, given);
	g->below = below;
	g->offset = 0;
	g->end = 0;
	g->in_member = true;
	g->z.avail_in = 0;
	if (g->started)
		inflateReset(&g->z);
}
