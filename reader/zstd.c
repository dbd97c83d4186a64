/* SPDX-License-Identifier: Apache-2.0 */
/* Zstandard. The only file that sees zstd.h. */

#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "decoder.h"

#define LEAST_HEADER 5               /* bytes of the magic number, and one */

struct zstd {
	ZSTD_DCtx *context;
	size_t next;                 /* bytes up to the end of the block at hand, as far as is known */
};

static void *zstd_new(void)
{
	struct zstd *z = malloc(sizeof(*z));
	if (z && !(z->context = ZSTD_createDCtx())) {
		free(z);
		return NULL;
	}
	return z;
}

static void zstd_free(void *state)
{
	struct zstd *z = state;
	ZSTD_freeDCtx(z->context);
	free(z);
}

static int zstd_begin(void *state)
{
	struct zstd *z = state;
	z->next = LEAST_HEADER;
	return ZSTD_isError(ZSTD_DCtx_reset(z->context, ZSTD_reset_session_only)) ? CLSF_E_NOMEM : 0;
}

static int zstd_run(void *state, struct clsf__flow *flow, const char **ret_why)
{
	struct zstd *z = state;
	/* Block by block: what a call has decoded when it meets a fault is lost. */
	ZSTD_inBuffer in = { flow->in, flow->in_left < z->next ? flow->in_left : z->next, 0 };
	ZSTD_outBuffer out = { flow->out, flow->out_left, 0 };
	size_t code = ZSTD_decompressStream(z->context, &out, &in);
	flow->in += in.pos;
	flow->in_left -= in.pos;
	flow->out += out.pos;
	flow->out_left -= out.pos;
	z->next = code;
	if (!ZSTD_isError(code))
		return code == 0 ? CLSF__MEMBER_END : 0;
	*ret_why = ZSTD_getErrorName(code);
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_memory_allocation:
		return CLSF_E_NOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		*ret_why = "it needs more than 128 MiB of memory to be decoded";
		return CLSF_E_LIMIT;
	default:
		return CLSF_E_IO;
	}
}

/* Besides frames there are those that are skipped, with sixteen different first bytes. */
const struct clsf__codec clsf__zstd = {
	"zstd", "\x28PQRSTUVWXYZ[\\]^_", false, zstd_new, zstd_begin, zstd_run, zstd_free,
};
