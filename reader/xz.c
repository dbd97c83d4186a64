/* SPDX-License-Identifier: Apache-2.0 */
/* The format of xz. The only file that sees lzma.h. */

#include <stdlib.h>

#include <lzma.h>

#include "decoder.h"

/* What a decoder may take: `xz -9` needs 65 MiB. */
#define MEMORY (UINT64_C(128) * 1024 * 1024)

static void *xz_new(void)
{
	lzma_stream *z = malloc(sizeof(*z));
	if (z)
		*z = (lzma_stream)LZMA_STREAM_INIT;
	return z;
}

static void xz_free(void *state)
{
	lzma_end(state);
	free(state);
}

static int xz_begin(void *state)
{
	return lzma_stream_decoder(state, MEMORY, 0) == LZMA_OK ? 0 : CLSF_E_NOMEM;
}

static int xz_run(void *state, struct clsf__flow *flow, const char **ret_why)
{
	lzma_stream *z = state;
	z->next_in = flow->in;
	z->avail_in = flow->in_left;
	z->next_out = flow->out;
	z->avail_out = flow->out_left;
	lzma_ret code = lzma_code(z, LZMA_RUN);
	flow->in = z->next_in;
	flow->in_left = z->avail_in;
	flow->out = z->next_out;
	flow->out_left = z->avail_out;
	switch (code) {
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		return 0;
	case LZMA_STREAM_END:
		return CLSF__MEMBER_END;
	case LZMA_MEM_ERROR:
		return CLSF_E_NOMEM;
	case LZMA_MEMLIMIT_ERROR:
		*ret_why = "it needs more than 128 MiB of memory to be decoded";
		return CLSF_E_LIMIT;
	case LZMA_FORMAT_ERROR:
		*ret_why = "no xz header";
		return CLSF_E_IO;
	case LZMA_OPTIONS_ERROR:
		*ret_why = "unknown options";
		return CLSF_E_IO;
	default:
		*ret_why = "invalid data";
		return CLSF_E_IO;
	}
}

const struct clsf__codec clsf__xz = {
	"xz", "\xfd", false, xz_new, xz_begin, xz_run, xz_free,
};
