/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gzip, by ISA-L where the build found it, by zlib elsewhere. The only file of
 * the library that sees zlib.h and igzip_lib.h.
 */

#include <stdlib.h>

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#include "decoder.h"

#define MOST ((size_t)1 << 30)       /* bytes that a call is given: both libraries count with 32 bits */

#ifdef HAVE_ISAL

struct gzip {
	struct inflate_state inflate;
	struct isal_gzip_header header;
	bool in_header;
};

static void *gzip_new(void)
{
	struct gzip *g = malloc(sizeof(*g));
	if (g)
		isal_inflate_init(&g->inflate);
	return g;
}

static void gzip_free(void *state)
{
	free(state);
}

static int gzip_begin(void *state)
{
	struct gzip *g = state;
	isal_inflate_reset(&g->inflate);
	/*
	 * The header is read by itself: isal_inflate() would forget what it is in the
	 * middle of where the input ends there.
	 */
	g->inflate.crc_flag = ISAL_GZIP_NO_HDR_VER;
	isal_gzip_header_init(&g->header);
	g->in_header = true;
	return 0;
}

static const char *why_not(int code)
{
	switch (code) {
	case ISAL_INVALID_BLOCK:
		return "invalid block";
	case ISAL_INVALID_SYMBOL:
		return "invalid symbol";
	case ISAL_INVALID_LOOKBACK:
		return "invalid distance";
	case ISAL_INVALID_WRAPPER:
		return "no gzip header";
	case ISAL_UNSUPPORTED_METHOD:
		return "unknown compression method";
	case ISAL_INCORRECT_CHECKSUM:
		return "wrong checksum";
	default:
		return "invalid data";
	}
}

static int gzip_run(void *state, struct clsf__flow *flow, const char **ret_why)
{
	struct gzip *g = state;
	struct inflate_state *z = &g->inflate;
	size_t in = flow->in_left < MOST ? flow->in_left : MOST, out = flow->out_left < MOST ? flow->out_left : MOST;
	int code = 0;
	/* ISA-L does not write there. */
	z->next_in = (uint8_t *)(uintptr_t)flow->in;
	z->avail_in = (uint32_t)in;
	z->next_out = flow->out;
	z->avail_out = (uint32_t)out;
	if (g->in_header) {
		code = isal_read_gzip_header(z, &g->header);
		g->in_header = code > 0;
	}
	if (code == 0)
		code = isal_inflate(z);
	flow->in += in - z->avail_in;
	flow->in_left -= in - z->avail_in;
	flow->out += out - z->avail_out;
	flow->out_left -= out - z->avail_out;
	if (code < 0) {
		*ret_why = why_not(code);
		return CLSF_E_IO;
	}
	return z->block_state == ISAL_BLOCK_FINISH ? CLSF__MEMBER_END : 0;
}

#else

static void *gzip_new(void)
{
	z_stream *z = calloc(1, sizeof(*z));
	if (z && inflateInit2(z, 15 + 16) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static void gzip_free(void *state)
{
	inflateEnd(state);
	free(state);
}

static int gzip_begin(void *state)
{
	return inflateReset(state) == Z_OK ? 0 : CLSF_E_NOMEM;
}

static int gzip_run(void *state, struct clsf__flow *flow, const char **ret_why)
{
	z_stream *z = state;
	size_t in = flow->in_left < MOST ? flow->in_left : MOST, out = flow->out_left < MOST ? flow->out_left : MOST;
	/* zlib does not write there, and says so in newer versions. */
	z->next_in = (unsigned char *)(uintptr_t)flow->in;
	z->avail_in = (unsigned)in;
	z->next_out = flow->out;
	z->avail_out = (unsigned)out;
	int code = inflate(z, Z_NO_FLUSH);
	flow->in += in - z->avail_in;
	flow->in_left -= in - z->avail_in;
	flow->out += out - z->avail_out;
	flow->out_left -= out - z->avail_out;
	if (code == Z_STREAM_END)
		return CLSF__MEMBER_END;
	/* Without input, or room, nothing more can be done. */
	if (code == Z_OK || code == Z_BUF_ERROR)
		return 0;
	*ret_why = z->msg ? z->msg : zError(code);
	return code == Z_MEM_ERROR ? CLSF_E_NOMEM : CLSF_E_IO;
}

#endif

const struct clsf__codec clsf__gzip = {
	"gzip", "\x1f", true, gzip_new, gzip_begin, gzip_run, gzip_free,
};
