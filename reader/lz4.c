/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of LZ4. The only file that sees lz4frame.h. */

#include <stdlib.h>

#include <lz4frame.h>

#include "decoder.h"

struct lz4 {
	LZ4F_dctx *context;
	size_t next;                 /* bytes up to the end of the block at hand, as far as is known */
};

static void *lz4_new(void)
{
	struct lz4 *z = malloc(sizeof(*z));
	if (z && LZ4F_isError(LZ4F_createDecompressionContext(&z->context, LZ4F_VERSION))) {
		free(z);
		return NULL;
	}
	return z;
}

static void lz4_free(void *state)
{
	struct lz4 *z = state;
	LZ4F_freeDecompressionContext(z->context);
	free(z);
}

static int lz4_begin(void *state)
{
	struct lz4 *z = state;
	z->next = LZ4F_MIN_SIZE_TO_KNOW_HEADER_LENGTH;
	LZ4F_resetDecompressionContext(z->context);
	return 0;
}

static int lz4_run(void *state, struct clsf__flow *flow, const char **ret_why)
{
	struct lz4 *z = state;
	/* Block by block: what a call has decoded when it meets a fault is lost. */
	size_t in = flow->in_left < z->next ? flow->in_left : z->next, out = flow->out_left;
	size_t code = LZ4F_decompress(z->context, flow->out, &out, flow->in, &in, NULL);
	z->next = code;
	if (LZ4F_isError(code)) {
		*ret_why = LZ4F_getErrorName(code);
		return CLSF_E_IO;
	}
	flow->in += in;
	flow->in_left -= in;
	flow->out += out;
	flow->out_left -= out;
	return code == 0 ? CLSF__MEMBER_END : 0;
}

/* Besides frames there are those that are skipped, with sixteen different first bytes. */
const struct clsf__codec clsf__lz4 = {
	"lz4", "\x04PQRSTUVWXYZ[\\]^_", false, lz4_new, lz4_begin, lz4_run, lz4_free,
};
